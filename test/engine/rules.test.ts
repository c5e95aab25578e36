import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { expandCalendar } from '../../src/engine/business-hours.ts'
import {
  CONDITION_KEYS,
  compileCondition,
  type Known,
  type RuleFacts,
  reasonText,
} from '../../src/engine/rules/conditions.ts'
import { compilePattern } from '../../src/engine/rules/pattern.ts'
import { compileRule, evaluate, type Rule, route } from '../../src/engine/rules.ts'
import { type Fault, showPath } from '../../src/yaml.ts'

const MONDAY = new Date('2026-03-02T10:00:00Z') // 11:00 in Berlin

const facts: RuleFacts = {
  from_address: 'eva@it.acme.example',
  from_name: 'Eva Müller',
  recipients: ['support@desk.example', 'carl@acme.example'],
  inboxes: ['support'],
  subject: 'Bestellung Nr. 4711',
  body: 'Bitte liefern.\nDanke\n',
  headers: [
    ['X-Tag', 'one'],
    ['x-tag', 'Two'],
    ['List-Id', '<a.example>'],
  ],
  has_attachment: true,
  size: 2 * 1024 * 1024,
  language: 'de',
  organization: 'acme',
  groups: ['vip', 'beta'],
  project: 'acme/incoming',
  type: 'question',
  product: 'vpn',
  priority: 'normal',
  status: 'new',
  tags: ['order'],
  kind: 'human',
}

const known: Known = {
  calendars: new Map([['berlin', expandCalendar({ tz: 'Europe/Berlin', weekly: { 'mon-fri': ['09:00-17:00'] } })]]),
  names: {
    organization: ['acme', 'borealis'],
    group: ['vip', 'beta'],
    project: ['acme/incoming', 'triage'],
    type: ['question', 'incident'],
    product: ['vpn', 'mail'],
    priority: ['low', 'normal', 'high', 'urgent'],
    status: ['new', 'open'],
    kind: ['human', 'list'],
    inbox: ['support', 'sales'],
  },
}
const actions = {
  projects: ['a', 'b'],
  teams: ['t'],
  agents: ['ada@desk.example'],
  types: ['question'],
  products: ['vpn', 'mail'],
  priorities: ['low', 'high'],
  templates: null,
}

function compiled(when: unknown) {
  const faults: Fault[] = []
  const condition = compileCondition(when, ['when'], known, faults)
  assert.equal(faults, [], JSON.stringify(when))
  return condition
}
const holds = (when: unknown, over: Partial<RuleFacts> = {}, now = MONDAY) =>
  compiled(when)({ ...facts, ...over }, now, [])

test('each condition holds and fails', () => {
  const check = (yes: unknown, no: unknown) => {
    assert.ok(holds(yes), `should hold: ${JSON.stringify(yes)}`)
    assert.not.ok(holds(no), `should not hold: ${JSON.stringify(no)}`)
  }
  check({ 'from.address': 'EVA@IT.acme.example' }, { 'from.address': 'eva@acme.example' })
  check({ 'from.domain': 'it.acme.example' }, { 'from.domain': 'acme.example' })
  check({ 'from.domain': '*.acme.example' }, { 'from.domain': '*.cme.example' })
  check({ 'from.domain': ['x.example', '*.ACME.example'] }, { 'from.domain': ['x.example', 'y.example'] })
  check({ 'from.name': 'eva müller' }, { 'from.name': 'Eva' })
  check({ 'from.name': { ends: 'MÜLLER' } }, { 'from.name': { ends: 'eva' } })
  check({ to: 'carl@acme.example' }, { to: 'carl@desk.example' })
  check({ to: 'support' }, { to: 'sales' })
  check({ subject: 'bestellung nr. 4711' }, { subject: 'bestellung' })
  check({ subject: { contains: 'NR.' } }, { subject: { contains: 'no.' } })
  check({ subject: { contains: ['x', 'bestell'] } }, { subject: { contains: ['x', 'y'] } })
  check({ subject: { starts: 'Best', ends: '11' } }, { subject: { starts: 'Best', ends: '12' } })
  check({ subject: { matches: 'nr\\. \\d{4}$' } }, { subject: { matches: '^\\d' } })
  check(
    { subject: [{ contains: 'x' }, { contains: 'nr', ends: '1' }] },
    { subject: [{ contains: 'x' }, { contains: 'nr', ends: '2' }] },
  )
  check({ subject: { matches: 'BEST' } }, { subject: { matches: '(?-i)BEST' } })
  check({ body: { contains: 'liefern.\ndanke' } }, { body: 'Bitte' })
  check({ 'header.X-TAG': 'two' }, { 'header.x-tag': 'three' })
  check({ 'header.list-id': true }, { 'header.x-none': true })
  check({ 'header.x-none': false }, { 'header.list-id': false })
  check({ has_attachment: true }, { has_attachment: false })
  check({ size: '>1 MB' }, { size: '>2 MB' })
  check({ size: '>=2 MB' }, { size: '<2 MB' })
  check({ size: '<=2097152' }, { size: '<=2097151 B' })
  check({ language: ['en', 'DE'] }, { language: 'en' })
  check({ organization: 'acme' }, { organization: 'borealis' })
  check({ organization: true }, { organization: false })
  check({ group: 'beta' }, { group: false })
  check({ project: 'acme/incoming' }, { project: 'triage' })
  check({ type: 'question' }, { type: 'incident' })
  check({ product: 'vpn' }, { product: 'mail' })
  check({ priority: ['low', 'normal'] }, { priority: 'high' })
  check({ status: 'new' }, { status: 'open' })
  check({ tag: 'ORDER' }, { tag: 'other' })
  check({ kind: 'human' }, { kind: 'list' })
  check({ inbox: 'support' }, { inbox: 'sales' })
  check({ all: [{ tag: 'order' }, { kind: 'human' }] }, { all: [{ tag: 'order' }, { kind: 'list' }] })
  check({ any: [{ tag: 'x' }, { kind: 'human' }] }, { any: [{ tag: 'x' }, { kind: 'list' }] })
  check({ not: { tag: 'x' } }, { not: { tag: 'order' } })
  check({ tag: 'order', kind: 'human' }, { tag: 'order', kind: 'list' })
})

test('every key of the language is tried above', () => {
  const tried =
    'all any not from.address from.domain from.name to subject body header. has_attachment size language organization group project type product priority status tag kind inbox at'
  assert.equal([...CONDITION_KEYS].sort(), tried.split(' ').sort())
})

test('time of day: calendars, nights that belong to the day they begin on, days', () => {
  const at = (when: unknown, instant: string) => holds({ at: when }, {}, new Date(instant))
  assert.ok(at({ calendar: 'berlin' }, '2026-03-02T08:00:00Z'))
  assert.not.ok(at({ calendar: 'berlin' }, '2026-03-02T07:59:59Z'))
  assert.ok(at({ calendar: 'berlin', open: false }, '2026-03-01T12:00:00Z'))
  const night = { zone: 'Europe/Berlin', between: ['18:00', '08:00'], days: ['fri'] }
  assert.ok(at(night, '2026-03-06T17:00:00Z'), 'Friday 18:00')
  assert.ok(at(night, '2026-03-07T06:59:59Z'), 'Saturday morning is the tail of Friday')
  assert.not.ok(at(night, '2026-03-07T07:00:00Z'))
  assert.not.ok(at(night, '2026-03-06T06:00:00Z'), 'Friday morning is the tail of Thursday')
  assert.ok(at({ zone: 'Asia/Tokyo', days: ['sat-sun'] }, '2026-03-06T15:00:00Z'))
  assert.ok(at({ ...night, open: false }, '2026-03-04T12:00:00Z'))
})

test('domains are compared as A-labels, texts in one normal form', () => {
  assert.ok(holds({ 'from.domain': 'bücher.example' }, { from_address: 'a@xn--bcher-kva.example' }))
  assert.ok(holds({ 'from.address': 'a@BÜCHER.example' }, { from_address: 'a@xn--bcher-kva.example' }))
  assert.ok(holds({ subject: { contains: 'u\u0308ber' } }, { subject: '\u00dcber' }))
})

test('text in a mail is never part of a pattern or a path into the facts', () => {
  assert.not.ok(holds({ subject: { contains: '.*' } }))
  assert.not.ok(holds({ 'header.constructor': true }))
  assert.ok(holds({ subject: { contains: '{{7*7}}' } }, { subject: '{{7*7}} $(id)' }))
})

test('not not x is x, any is not all not, whatever x is', () => {
  const leaves: unknown[] = [
    { tag: 'order' },
    { tag: 'x' },
    { subject: { matches: '4711' } },
    { organization: false },
    { size: '<1 KB' },
  ]
  let seed = 7
  const random = (n: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % n
  }
  const grow = (depth: number): unknown => {
    const kind = depth > 4 ? 0 : random(4)
    if (kind === 1) return { not: grow(depth + 1) }
    if (kind === 2) return { any: [grow(depth + 1), grow(depth + 1)] }
    if (kind === 3) return { all: [grow(depth + 1), grow(depth + 1)] }
    return leaves[random(leaves.length)]
  }
  const outcomes = new Set<boolean>()
  for (let round = 0; round < 300; round++) {
    const [x, y] = [grow(0), grow(0)]
    outcomes.add(holds(x))
    assert.is(holds({ not: { not: x } }), holds(x))
    assert.is(holds({ any: [x, y] }), holds({ not: { all: [{ not: x }, { not: y }] } }))
    assert.is(holds({ any: [x, y] }), holds(x) || holds(y))
  }
  assert.is(outcomes.size, 2)
})

test('patterns run in linear time (9.10), and a body is looked at up to 128 K characters', () => {
  const pattern = compilePattern('(a+)+$')
  assert.ok('find' in pattern)
  const start = performance.now()
  assert.is(pattern.find(`${'a'.repeat(200_000)}!`), -1)
  assert.ok(performance.now() - start < 1000)
  const body = `${' '.repeat(131_060)}near${' '.repeat(100)}far`
  assert.ok(holds({ body: { contains: 'near' } }, { body }))
  assert.not.ok(holds({ body: { contains: 'far' } }, { body }))
})

test('a text that makes a pattern keep many states is still done in seconds', () => {
  let seed = 7
  const letter = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed & 1 ? 'a' : 'b'
  }
  const body = `c${Array.from({ length: 200_000 }, letter).join('')}`
  const start = performance.now()
  assert.not.ok(holds({ body: { matches: 'a.{900}c' } }, { body }))
  assert.ok(performance.now() - start < 10_000)
})

test('mistakes say where, why and what to do', () => {
  const check = (when: unknown, path: string, cause: string, remedy = '') => {
    const faults: Fault[] = []
    compileCondition(when, ['when'], known, faults)
    assert.ok(faults.length > 0, JSON.stringify(when))
    assert.is(showPath(faults[0]!.path), path)
    assert.match(faults[0]!.cause, cause)
    assert.match(faults[0]!.remedy, remedy)
  }
  check('x', 'when', '"x" is no condition', 'write a mapping')
  check({}, 'when', 'the condition is empty', 'remove "when:"')
  check({ organisation: 'acme' }, 'when.organisation', 'not a known key', 'did you mean "organization"?')
  check({ organization: 'acne' }, 'when.organization', '"acne" is no organization', 'did you mean "acme"?')
  check({ type: ['question', 'incidents'] }, 'when.type[1]', '"incidents" is no type', 'did you mean "incident"?')
  check({ subject: 5 }, 'when.subject', '5 is nothing to compare', 'put it in quotes: "5"')
  check({ subject: {} }, 'when.subject', 'nothing to compare', 'write a text, a list')
  check({ subject: [] }, 'when.subject', 'nothing to compare', 'write a text, a list')
  check({ subject: ' ' }, 'when.subject', 'the text is empty', 'write false')
  check({ subject: { contain: 'x' } }, 'when.subject.contain', 'not a known key', 'did you mean "contains"?')
  check({ subject: { contains: [1] } }, 'when.subject.contains', 'is no text', 'put it in quotes: "1"')
  check(
    { subject: { matches: '(?=x)' } },
    'when.subject.matches',
    'invalid or unsupported Perl syntax',
    'no look-around',
  )
  check({ subject: { matches: '(' } }, 'when.subject.matches', 'missing closing )', 'RE2')
  check({ subject: { matches: 'x'.repeat(1001) } }, 'when.subject.matches', 'longer than 1000', 'any')
  check({ subject: { matches: 'a{900}b{900}' } }, 'when.subject.matches', 'unfolds to more than it may', 'smaller')
  check({ subject: { matches: '((a{30}){30}){30}' } }, 'when.subject.matches', 'invalid repeat count', 'up to 1000')
  check({ size: '1 MB' }, 'when.size', 'no comparison', '">1 MB"')
  check({ has_attachment: 'yes' }, 'when.has_attachment', 'neither true nor false', 'write true or false')
  check({ any: { tag: 'x' } }, 'when.any', 'no list of conditions', 'write a list')
  check({ not: [{ tag: 'x' }] }, 'when.not', 'is no condition', 'write a mapping')
  check({ at: { calendar: 'munich' } }, 'when.at.calendar', '"munich" is no calendar', 'write berlin')
  check({ at: { zone: 'Mars/Olympus' } }, 'when.at', 'is not a zone', 'write {calendar: KEY')
  check({ at: { zone: 'UTC', between: ['18', '8'] } }, 'when.at', 'time span', 'between')
  check({ at: { zone: 'UTC', calendar: 'berlin' } }, 'when.at', 'stand together')
  check({ at: { open: true } }, 'when.at', 'neither a calendar nor a zone')
  let deep: unknown = { tag: 'x' }
  for (let n = 0; n < 20; n++) deep = { not: deep }
  check(deep, `when${'.not'.repeat(11)}`, 'more than 10 deep', 'make two rules')
})

function rule(name: string, when: unknown, ...then: Record<string, unknown>[]): Rule {
  const faults: Fault[] = []
  const made = compileRule({ name, when, then } as never, ['rules', 0], { ...known, actions }, faults)
  assert.equal(faults, [])
  return made
}

test('a verdict names each condition it looked at with the value seen, cut', () => {
  const one = rule('x', { organization: 'acme', subject: { contains: 'nr' }, body: { contains: 'none' }, tag: 'order' })
  const { matched, why } = evaluate(one, facts, MONDAY)
  assert.not.ok(matched)
  assert.equal(why.map(reasonText), [
    'organization is acme: yes, seen "acme"',
    'subject contains "nr": yes, seen "bestellung nr. 4711"',
    'body contains "none": no, seen "bitte liefern. danke"',
  ])
  const long = evaluate(
    rule('y', { body: { contains: 'needle' } }),
    { ...facts, body: `${'hay '.repeat(500)}needle ${'hay '.repeat(500)}` },
    MONDAY,
  )
  assert.match(long.why[0]!.seen, 'needle')
  assert.ok(reasonText(long.why[0]!).length < 140)
  assert.match(reasonText(evaluate(rule('z', { 'header.x': 'y' }), facts, MONDAY).why[0]!), 'no, there is none')
  const inverse = evaluate(rule('z', { not: { 'header.x': 'y' } }), facts, MONDAY)
  assert.match(reasonText(inverse.why[0]!), /^not: header\.x is y: no/)
})

const desk = (...rules: Rule[]) => ({
  rules,
  projects: new Map([
    ['a', { team: 't' }],
    ['b', { team: null }],
    ['in', { team: 'door' }],
  ]),
})

test('without a rule the inbox chooses the project, and the project the team', () => {
  const made = route(desk(rule('no', { tag: 'absent' }, { project: 'a' })), facts, { project: 'in' }, MONDAY)
  assert.is(made.type, 'question')
  const typed = { ...desk(), settings: { types: ['request', 'question'] } }
  assert.is(route(typed, facts, { project: 'in' }, MONDAY).type, 'request')
  assert.equal([made.project, made.team, made.rule, made.ack, made.status], ['in', 'door', null, 'ack', 'new'])
  assert.equal(
    made.trace.map((step) => [step.rule, step.matched]),
    [['no', false]],
  )
})

test('rules act in order: later ones override and see what was set, tags and notes add up, stop ends', () => {
  const made = route(
    desk(
      rule('one', undefined, { project: 'a', tags: ['x', 'y'] }, { note: 'first {{subject}}' }, { priority: 'high' }),
      rule('two', { project: ['acme/incoming'] }, { priority: 'low' }),
      rule(
        'three',
        { priority: 'high', tag: 'y' },
        { project: 'b', tag: 'x', team: 't' },
        { note: 'second' },
        { hold: 'odd' },
      ),
      rule('four', { project: false }, { status: 'open' }),
      rule('five', { kind: 'human' }, { ack: 'none', stop: true, type: 'question' }, { assignee: 'ada@desk.example' }),
      rule('six', undefined, { project: 'a' }),
    ),
    { ...facts, tags: [] },
    { project: 'in' },
    MONDAY,
  )
  assert.is(made.project, 'b')
  assert.is(made.rule, 'one')
  assert.is(made.team, 't')
  assert.equal(made.tags, ['x', 'y'])
  assert.is(made.priority, 'high')
  assert.equal(made.notes, ['first {{subject}}', 'second'])
  assert.equal(made.hold, { reason: 'rule', words: 'rule "three": odd' })
  assert.equal([made.ack, made.ackRule], [null, 'five'])
  assert.is(made.assignee, null)
  assert.equal(
    made.trace.map((step) => step.matched),
    [true, false, true, false, true],
  )
})

test('actions name what exists', () => {
  const check = (then: Record<string, unknown>[], cause: string) => {
    const faults: Fault[] = []
    compileRule(
      { name: 'x', then } as never,
      ['rules', 0],
      { ...known, actions: { ...actions, templates: ['ack'] } },
      faults,
    )
    assert.match(faults.map((fault) => `${showPath(fault.path)}: ${fault.cause}`).join(), cause)
  }
  check([{ team: 't' }, { project: 'c' }], 'rules[0].then[1].project: "c" is no project')
  check([{ team: 'u' }], 'rules[0].then[0].team: "u" is no team')
  check([{ assignee: 'bo@desk.example' }], 'then[0].assignee: "bo@desk.example" is no agent')
  check([{ ack: 'thanks' }], 'then[0].ack: "thanks" is no template')
  check([{}], 'the action is empty')
  const { actions: kept } = rule('x', undefined, { assignee: 'ADA@desk.example' }, { ack: 'none' }, { ack: 'ack' })
  assert.equal(
    kept.map((action) => 'value' in action && action.value),
    ['ada@desk.example', null, 'ack'],
  )
})

test.run()

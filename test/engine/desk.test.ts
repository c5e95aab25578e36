import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect, transaction } from '../../src/database.ts'
import { applyDesk, type Change } from '../../src/engine/desk/apply.ts'
import { checkRules, testRules } from '../../src/engine/desk/check.ts'
import { differenceOf } from '../../src/engine/desk/difference.ts'
import { parseDesk } from '../../src/engine/desk/document.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { type WatchOptions, watchDesk } from '../../src/engine/desk/watch.ts'
import type { Desk } from '../../src/engine/desk.ts'
import { addAgent } from '../../src/engine/people.ts'
import type { Refusal } from '../../src/errors.ts'
import { silent } from '../../src/log.ts'
import { showProblem } from '../../src/yaml.ts'
import { testDatabase } from '../database.ts'

const database = await testDatabase()
const { sql } = database
test.before.each(database.empty)
test.after(database.close)

const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-desk-'))
test.after(() => rmSync(folder, { recursive: true }))

const NOW = new Date('2026-03-02T10:00:00Z')
const LATER = new Date('2026-03-03T10:00:00Z')
const DEMO = readFileSync(path.join(import.meta.dirname, '../../config/demo-desk.yml'), 'utf8')

const SMALL = `
inboxes: [{key: support, address: Support@Bücher.example, project: triage}]
agents: [{address: Ada@desk.example, name: Ada, admin: true}, {address: bo@desk.example}]
teams: [{key: one, members: [ada@desk.example]}]
calendars: [{key: berlin, tz: Europe/Berlin, weekly: {mon-fri: ["09:00-17:00"]}}]
policies: [{key: gold, calendar: berlin, targets: {normal: {first_response: 4h, resolution: 2d}}}]
organizations: [{key: acme, domains: [ACME.example], addresses: [boss@else.example], policy: gold}]
groups: [{key: vip, rank: 1, organizations: [acme], contacts: [max@x.example]}]
projects: [{key: triage, team: one}, {key: acme/in}]
rules: [{name: acme, when: {organization: acme}, then: [{project: acme/in}]}]
`

const apply = (change: Partial<Change> & { text: string }, now = NOW): Promise<number> =>
  transaction(sql, (tx) => applyDesk(tx, { author: 'ada@desk.example', ...change }, now))

function problems(text: string): string {
  const found = parseDesk(text, 'desk.yml').problems.map(showProblem)
  for (const line of found) assert.match(line, /^desk\.yml:\d+:\d+: .+; .+/)
  return found.join('\n')
}

test('a file becomes a desk: names resolved, addresses as A-labels, lengths in seconds, lists by rank', () => {
  const { document } = parseDesk(SMALL, 'desk.yml')
  const { desk } = document!
  assert.is(desk.inboxes[0]!.address, 'support@xn--bcher-kva.example')
  assert.is(desk.inboxes[0]!.locale, 'en')
  assert.equal([...desk.agents.keys()], ['ada@desk.example', 'bo@desk.example'])
  assert.equal(desk.policies.get('gold')!.targets, { normal: { first_response: 4 * 3600, resolution: 48 * 3600 } })
  assert.equal(desk.organizations.get('acme')!.domains, ['acme.example'])
  assert.is(desk.projects.get('acme/in')!.organization, 'acme')
  assert.equal(desk.settings.types, ['question', 'incident', 'request', 'problem'])
  assert.is(desk.settings.undo_seconds, 60)
  assert.ok(desk.settings.public_domains.has('gmail.com'))
  assert.ok(desk.settings.public_domains.size > 150)
})

test('every kind of mistake has its line, column, cause and remedy', () => {
  const check = (from: string, to: string, want: string) => {
    assert.ok(SMALL.includes(from), from)
    assert.match(problems(SMALL.replace(from, to)), want)
  }
  check(
    'project: triage}',
    'project: triag}',
    'desk.yml:2:68: inboxes[0].project: "triag" is no project; did you mean "triage"?',
  )
  check('project: triage}', 'projet: triage}', 'did you mean "project"?')
  check(
    'Support@Bücher.example',
    'support',
    'desk.yml:2:35: inboxes[0].address: "support" is no mail address; write an address',
  )
  check('Support@Bücher.example', 'a..b@x.example', 'is no mail address')
  check(
    'Support@Bücher.example',
    'service.department.europe@desk.example',
    'has 25 characters before the @, and signed reply addresses have room for 20; give the inbox a shorter address and make this one an alias',
  )
  check(
    'Support@Bücher.example',
    'bo@desk.example',
    'agents[1].address: address "bo@desk.example" is there twice; remove or rename one of the two',
  )
  check(
    'name: Ada,',
    'name: "a\\nb",',
    'agents[0].name: "a\\nb" is not allowed; write a name of at most 100 characters',
  )
  check(
    '[ada@desk.example]',
    '[eve@desk.example]',
    'desk.yml:4:30: teams[0].members[0]: "eve@desk.example" is no agent',
  )
  check(
    'Europe/Berlin',
    'Europe/Berln',
    'desk.yml:5:31: calendars[0].tz: calendar "berlin": tz: "Europe/Berln" is not a zone',
  )
  check('09:00-17:00', '09:00-25:00', 'is not a time span such as "09:00-17:00"; see calendars in desk.example.yml')
  check('weekly:', 'weekley:', 'calendars[0].weekley: "weekley" is not a known key')
  check(
    '4h,',
    '4,',
    'policies[0].targets.normal.first_response: 4 is a number where a text is expected; write it as 4h',
  )
  check('4h,', '0h,', '"0h" is no length of time from 1 s to 10 years')
  check('4h,', '9999d,', 'no length of time')
  check('normal:', 'nrmal:', '6:52: policies[0].targets.nrmal: "nrmal" is not a known key; did you mean "normal"?')
  check('{normal: {first_response: 4h, resolution: 2d}}', '{}', 'policy "gold" promises nothing; add a target')
  check('calendar: berlin,', '', 'policies[0]: policy "gold" has no calendar, and the desk no default one; name one')
  check(
    'calendar: berlin',
    'calendar: berlim',
    'desk.yml:6:34: policies[0].calendar: "berlim" is no calendar; did you mean "berlin"?',
  )
  check(
    'ACME.example',
    'gmail.com',
    'organizations[0].domains[0]: "gmail.com" is a public mail provider, so its senders are no organization; name the people',
  )
  check('ACME.example', 'acme', '"acme" is no domain; write acme.example, or "*.acme.example"')
  check('policy: gold}', 'policy: golden}', 'organizations[0].policy: "golden" is no policy')
  check(
    'rank: 1',
    'rank: high',
    'groups[0].rank: "high" is a text where a number is expected; write a whole number; the smallest wins',
  )
  check(
    'organizations: [acme]',
    'organizations: [acne]',
    'groups[0].organizations[0]: "acne" is no organization; did you mean "acme"?',
  )
  check('acme/in}', 'acne/in}', 'projects[1].key: "acne" is no organization')
  check(
    'acme/in}',
    'other/in, organization: acme}',
    'begins with another organization than its own, "acme"; write acme/in',
  )
  check('acme/in}', 'in, organization: acme}', '"in" belongs to an organization; write acme/in')
  check('team: one', 'team: two', 'projects[0].team: "two" is no team')
  check('{key: triage,', '{key: Triage!,', 'projects[0].key: "Triage!" is not allowed; write organization/name')
  check(
    '{project: acme/in}',
    '{projekt: acme/in}',
    'rules[0].then[0].projekt: "projekt" is not a known key; did you mean "project"?',
  )
  check('{project: acme/in}', '{project: acme/out}', 'rules[0].then[0].project: "acme/out" is no project')
  check(
    '{project: acme/in}',
    '{status: done}',
    'rules[0].then[0].status: "done" is not known here; write one of: new, open',
  )
  check('{organization: acme}', '{body: {matches: "(?<=x)"}}', 'desk.yml:10:45: rules[0].when.body.matches: ')
  check(
    '{organization: acme}',
    '{organisation: acme}',
    'desk.yml:10:29: rules[0].when.organisation: "organisation" is not a known key; did you mean "organization"?',
  )
})

test('nothing may be there twice, and something must be there', () => {
  const twice = (list: string, entry: string, want: string) =>
    assert.match(problems(`${SMALL.replace(new RegExp(`^${list}: \\[`, 'm'), `${list}: [${entry}, `)}`), want)
  twice('projects', '{key: triage}', 'projects[1].key: key "triage" is there twice')
  twice('agents', '{address: ADA@desk.example}', 'agents[1].address: agent "ada@desk.example" is there twice')
  twice('organizations', '{key: b, domains: [acme.example]}', 'sender "acme.example" is there twice')
  twice('groups', '{key: b, rank: 1}', 'rank "1" is there twice')
  twice('rules', '{name: acme, then: [{tag: x}]}', 'rule "acme" is there twice')
  twice(
    'inboxes',
    '{key: b, address: support@xn--bcher-kva.example, project: triage}',
    'address "support@xn--bcher-kva.example" is there twice',
  )
  assert.match(problems(''), 'inboxes: the key "inboxes" is missing; add at least one inbox')
  assert.match(problems('inboxes: []\nprojects: [{key: a}]'), 'inboxes: [] is not allowed; add at least one inbox')
  assert.is(problems('inboxes: [{key: s, address: s@d.example, project: a}]\nprojects: [{key: a}]\nrules:\nsla:\n'), '')
})

test('a red test refuses the file with its line, the difference and what the rule saw', () => {
  const red = DEMO.replace('expect: {project: acme/incoming, team', 'expect: {project: borealis/incoming, team')
  assert.match(
    problems(red),
    /^desk\.yml:52:27: rules\[0\]\.tests\[0\]\.expect\.project: the test of rule "acme" is red: expected "borealis\/incoming", got "acme\/incoming"; correct the rule or its test; the rule held \(organization is acme: yes, seen "acme"\)$/,
  )
  assert.match(
    problems(DEMO.replace('policy: gold}\n      - name', 'policy: silver}\n      - name')),
    'expected "silver", got "gold"',
  )
  assert.match(
    problems(DEMO.replace('{matched: false', '{matched: true')),
    'the rule did not hold (organization is acme: no, there is none)',
  )
})

test('each rule of the demo desk is guarded: without it, or with another order, a test is red', () => {
  for (const name of ['acme', 'borealis']) {
    const text = DEMO.replace(`when: {organization: ${name}}`, 'when: {organization: false, subject: nothing}')
    assert.match(problems(text), 'is red', name)
  }
})

test('rules check and rules test say what they found', async () => {
  const good = await testRules({ text: DEMO, file: 'demo.yml' })
  assert.ok(good.ok)
  assert.equal(good.lines.at(-1), '3 passed, 0 failed')
  const red = await testRules({
    text: DEMO.replaceAll('team: support, policy: silver}', 'team: other}'),
    file: 'demo.yml',
  })
  assert.not.ok(red.ok)
  assert.is(red.lines.at(-1), '2 passed, 1 failed')
  assert.match(
    red.lines.join('\n'),
    /RED {4}borealis \/ test 1\n +demo\.yml:\d+:\d+: .*expected "other", got "support"/,
  )
  assert.match((await checkRules({ text: DEMO, file: 'demo.yml' })).lines[0]!, 'demo.yml: ok (')
  const wrong = await checkRules({ text: 'x: 1', file: 'demo.yml' })
  assert.not.ok(wrong.ok)
  assert.match(wrong.lines[0]!, /^demo\.yml:1:1: /)
})

test('a test may name a mail by its path, read by the parser', async () => {
  const text = DEMO.replace(
    'mail: {from: Noor <noor@borealis.example>, subject: The printer is down}',
    'mail: mails/noor.eml',
  )
  const skipped = await testRules({ text, file: 'demo.yml' })
  assert.ok(skipped.ok)
  assert.is(skipped.lines.at(-1), '2 passed, 0 failed, 1 not run')
  const mail = {
    from_address: 'noor@borealis.example',
    from_name: 'Noor',
    recipients: ['support@desk.example'],
    subject: 'x',
    body: '',
    headers: [],
    has_attachment: false,
    size: 10,
    language: null,
    kind: 'human',
  }
  const readMail = async (name: string) => {
    if (name !== 'mails/noor.eml') throw new Error('no such file')
    return mail
  }
  assert.is((await testRules({ text, file: 'demo.yml', readMail })).lines.at(-1), '3 passed, 0 failed')
  const absent = await checkRules({ text: text.replace('noor.eml', 'nora.eml'), file: 'demo.yml', readMail })
  assert.match(absent.lines[0]!, /tests\[0\]\.mail: mails\/nora\.eml cannot be read: no such file; write the path/)
  mail.from_address = 'noor@acme.example'
  assert.match(
    (await checkRules({ text, file: 'demo.yml', readMail })).lines.join(),
    'expected "borealis/incoming", got "acme/incoming"',
  )
})

test('a version: rows by key, ids in the loaded desk, frozen', async () => {
  assert.throws(() => parseDesk(SMALL, 'x').document!.desk.agents.get('nobody')!.id)
  await loadDesk(sql).then(
    () => assert.unreachable(),
    (error: Refusal) => assert.is(error.code, 'no_desk'),
  )
  const version = await apply({ text: SMALL })
  const desk = await loadDesk(sql)
  assert.is(desk.version, version)
  const [organization] = await sql`select id, key, name from organizations`
  assert.equal({ ...organization }, { id: desk.organizations.get('acme')!.id, key: 'acme', name: 'acme' })
  const patterns = await sql`select pattern, organization_id from organization_domains order by pattern`
  assert.equal(
    patterns.map((row) => row.pattern),
    ['acme.example', 'boss@else.example'],
  )
  const [inbox] = await sql`select address, aliases, zone from inboxes where id = ${desk.inboxes[0]!.id}`
  assert.equal({ ...inbox }, { address: 'support@xn--bcher-kva.example', aliases: [], zone: 'UTC' })
  const [project] = await sql`select organization_id from projects where id = ${desk.projects.get('acme/in')!.id}`
  assert.is(project!.organization_id, organization!.id)
  const [calendar] = await sql`select definition, version from calendars where id = ${desk.calendars.get('berlin')!.id}`
  assert.equal(calendar!.definition.weekly['1'], [['09:00', '17:00']])
  const [policy] = await sql`select calendar_id from sla_policies where id = ${desk.policies.get('gold')!.id}`
  assert.is(policy!.calendar_id, desk.calendars.get('berlin')!.id)
  const members =
    await sql`select g.key, organization_id, address from customer_group_members join customer_groups g on g.id = group_id order by address`
  assert.equal(
    members.map((row) => [row.organization_id, row.address]),
    [
      [null, 'max@x.example'],
      [organization!.id, null],
    ],
  )
  const [[team], [ruleSet]] = [
    await sql`select agent_id from team_members`,
    await sql`select author, source, at from rule_sets`,
  ]
  assert.is(team!.agent_id, desk.agents.get('ada@desk.example')!.id)
  assert.equal([ruleSet!.author, ruleSet!.source, ruleSet!.at], ['ada@desk.example', SMALL, NOW])
  assert.throws(() => (desk.inboxes as unknown[]).push(1))
  assert.throws(() => {
    ;(desk.projects.get('triage') as { team: string }).team = 'x'
  })
})

test('the same text makes no new version; a change keeps ids', async () => {
  const first = await apply({ text: SMALL })
  const before = await loadDesk(sql)
  assert.is(await apply({ text: SMALL }), first)
  const second = await apply({ text: SMALL.replace('name: Ada', 'name: Ada L.') })
  assert.ok(second > first)
  const after = await loadDesk(sql)
  assert.equal(after.projects.get('acme/in')!.id, before.projects.get('acme/in')!.id)
  assert.is(after.agents.get('ada@desk.example')!.name, 'Ada L.')
  assert.equal(
    [after.policies.get('gold')!.id, after.calendars.get('berlin')!.id],
    [before.policies.get('gold')!.id, before.calendars.get('berlin')!.id],
  )
})

test('what a version no longer names is disabled, and comes back; rows made at run time are left alone', async () => {
  await apply({ text: SMALL })
  await transaction(sql, (tx) => addAgent(tx, { address: 'run@time.example', name: 'Run', admin: true }, NOW))
  const less = SMALL.replace(', {address: bo@desk.example}', '')
    .replace(', {key: acme/in}', '')
    .replace(/^(organizations|groups|rules).*\n/gm, '')
    .replace(/^teams.*$/m, 'teams: [{key: two}]')
    .replace('team: one', 'team: two')
  await apply({ text: less }, LATER)
  const disabled = async (table: string, name: string) =>
    (await sql`select ${sql(name)} as name from ${sql(table)} where disabled_at = ${LATER} order by 1`).map(
      (row) => row.name,
    )
  assert.equal(await disabled('agents', 'address'), ['bo@desk.example'])
  assert.equal(await disabled('projects', 'key'), ['acme/in'])
  assert.equal(await disabled('organizations', 'key'), ['acme'])
  assert.equal(await disabled('customer_groups', 'key'), ['vip'])
  assert.equal(await disabled('teams', 'key'), ['one'])
  assert.equal((await sql`select * from organization_domains`).length, 0)
  const desk = await loadDesk(sql)
  assert.equal([...desk.agents.keys()], ['ada@desk.example', 'run@time.example'])
  assert.is(desk.agents.get('run@time.example')!.admin, true)
  await apply({ text: SMALL }, LATER)
  assert.equal(await disabled('agents', 'address'), [])
  assert.ok((await loadDesk(sql)).organizations.has('acme'))
  await apply(
    {
      text: SMALL.replace(', {address: bo@desk.example}', ', {address: bo@desk.example}, {address: run@time.example}'),
    },
    LATER,
  )
  await apply({ text: SMALL }, LATER)
  assert.equal(await disabled('agents', 'address'), ['run@time.example'], 'a version had named it')
})

test('calendars and policies are immutable: a change is a new row, the old one retires and stays', async () => {
  await apply({ text: SMALL })
  const before = await loadDesk(sql)
  await apply({ text: SMALL.replace('09:00-17:00', '08:00-17:00') }, LATER)
  const after = await loadDesk(sql)
  assert.is(after.calendars.get('berlin')!.version, 2)
  assert.is(after.policies.get('gold')!.id, before.policies.get('gold')!.id, 'the policy itself did not change')
  const rows = await sql`select id, retired_at, definition from calendars order by version`
  assert.equal(
    rows.map((row) => row.retired_at),
    [LATER, null],
  )
  assert.equal(rows[0]!.definition.weekly['1'], [['09:00', '17:00']])
  await apply({ text: SMALL.replace('4h,', '5h,') }, LATER)
  assert.is((await loadDesk(sql)).policies.get('gold')!.version, 2)
  assert.is((await loadDesk(sql)).calendars.get('berlin')!.version, 3)
})

test('a change made from an older version is refused with the difference', async () => {
  const first = await apply({ text: SMALL })
  const second = await apply({ text: SMALL.replace('name: Ada', 'name: Ada L.'), base: first })
  const text = SMALL.replace('rank: 1', 'rank: 2')
  await apply({ text, base: first, file: 'desk.yml' }).then(
    () => assert.unreachable(),
    (error: Refusal) => {
      assert.is(error.code, 'desk_stale')
      assert.match(
        error.message,
        `desk.yml was made from version ${first} of the desk, and version ${second} by ada@desk.example is newer`,
      )
      assert.match(error.message, '- agents: [{address: Ada@desk.example, name: Ada L.')
      assert.match(error.message, '+ groups: [{key: vip, rank: 2')
    },
  )
  assert.is((await loadDesk(sql)).version, second)
  assert.is(await apply({ text, base: second }), (await loadDesk(sql)).version)
})

test('a refused version leaves everything as it was', async () => {
  const version = await apply({ text: SMALL })
  await apply({ text: SMALL.replace('team: one', 'team: two') }).then(
    () => assert.unreachable(),
    (error: Refusal) => assert.is(error.code, 'bad_desk'),
  )
  assert.is((await loadDesk(sql)).version, version)
})

test('two at once: one after the other, and from the same base only one', async () => {
  const first = await apply({ text: SMALL })
  const names = ['Ann', 'Bea', 'Cleo', 'Dora']
  const results = await Promise.allSettled(
    names.map((name) => apply({ text: SMALL.replace('name: Ada', `name: ${name}`), base: first })),
  )
  const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  assert.is(won.length, 1)
  for (const result of results)
    if (result.status === 'rejected') assert.is((result.reason as Refusal).code, 'desk_stale')
  await Promise.all(names.map((name) => apply({ text: SMALL.replace('name: Ada', `name: ${name} again`) })))
  const [newest] = await sql`select source from rule_sets order by version desc limit 1`
  assert.match(newest!.source, (await loadDesk(sql)).agents.get('ada@desk.example')!.name)
  assert.is((await sql`select count(*)::int as n from rule_sets`)[0]!.n, 6)
})

/** Resolves when `check` holds; fails after 8 s. */
async function until(what: string, check: () => boolean): Promise<void> {
  for (let round = 0; !check(); round++) {
    if (round > 400) throw new Error(`never: ${what}`)
    await sleep(20)
  }
}

const watching = (options: Partial<WatchOptions>) =>
  watchDesk({ sql, file: null, fallback: null, log: silent, clock: () => NOW, poll: 100, ...options })

test('a changed file becomes a version; a bad one is refused and the last good desk stays', async () => {
  const file = path.join(folder, 'desk.yml')
  writeFileSync(file, SMALL)
  const refused: (string | null)[] = []
  const seen: Desk[] = []
  const watch = await watching({ file, onRefused: (words) => refused.push(words), onDesk: (desk) => seen.push(desk) })
  try {
    assert.is(watch.desk().agents.get('ada@desk.example')!.name, 'Ada')
    writeFileSync(file, SMALL.replace('name: Ada', 'name: Ada L.'))
    await until('the new name', () => watch.desk().agents.get('ada@desk.example')!.name === 'Ada L.')
    assert.is(seen.length, 1)
    writeFileSync(file, SMALL.replace('team: one', 'team: two'))
    await until('the refusal', () => refused.length === 1)
    assert.match(refused[0]!, 'desk.yml:9:32: projects[0].team: "two" is no team; write one')
    assert.is(watch.desk().agents.get('ada@desk.example')!.name, 'Ada L.')
    rmSync(file)
    await until('the absent file', () => refused.length === 2)
    assert.match(refused[1]!, 'cannot be read')
    writeFileSync(file, SMALL.replace('name: Ada', 'name: Ada M.'))
    await until('the good file', () => watch.desk().agents.get('ada@desk.example')!.name === 'Ada M.')
    assert.is(refused.at(-1), null)
    assert.is((await sql`select count(*)::int as n from rule_sets`)[0]!.n, 3)
  } finally {
    await watch.stop()
  }
})

test('other daemons hear of a version, and of an agent added at run time', async () => {
  await apply({ text: SMALL })
  const other = connect(database.target, { max: 2 })
  const watch = await watching({ sql: other.sql })
  try {
    await apply({ text: SMALL.replace('name: Ada', 'name: Ada L.') })
    await until('the new name', () => watch.desk().agents.get('ada@desk.example')!.name === 'Ada L.')
  } finally {
    await watch.stop()
    await other.end()
  }
})

test('a fresh database gets the built-in desk, a file replaces it, and nothing brings it back', async () => {
  const demo = await watching({ fallback: DEMO })
  await demo.stop()
  assert.ok(demo.desk().organizations.has('borealis'))
  const file = path.join(folder, 'own.yml')
  writeFileSync(file, SMALL)
  const own = await watching({ file })
  await own.stop()
  assert.not.ok(own.desk().organizations.has('borealis'))
  const again = await watching({ fallback: DEMO })
  await again.stop()
  assert.is(again.desk().version, own.desk().version)
})

test('a bad file at the start: the last good version runs; without one it is refused', async () => {
  const file = path.join(folder, 'bad.yml')
  writeFileSync(file, SMALL.replace('team: one', 'team: two'))
  await watching({ file }).then(
    () => assert.unreachable(),
    (error: Refusal) => assert.is(error.code, 'bad_desk'),
  )
  const version = await apply({ text: SMALL })
  const refused: (string | null)[] = []
  const watch = await watching({ file, onRefused: (words) => refused.push(words) })
  await watch.stop()
  assert.is(watch.desk().version, version)
  assert.match(refused[0]!, 'is no team')
})

test('a file whose base is not the newest is refused, until it names its base', async () => {
  const file = path.join(folder, 'base.yml')
  writeFileSync(file, SMALL)
  await (await watching({ file })).stop()
  const version = await apply({ text: SMALL.replace('name: Ada', 'name: By web') })
  const refused: (string | null)[] = []
  const start = () => watching({ file, onRefused: (words) => refused.push(words) })
  const behind = await start()
  await behind.stop()
  assert.is(behind.desk().version, version)
  assert.match(refused[0]!, 'base.yml still says what an older version of the desk said')
  writeFileSync(file, SMALL.replace('name: Ada', 'name: By file'))
  await (await start()).stop()
  assert.match(refused[1]!, `version ${version} by ada@desk.example is newer`)
  writeFileSync(file, `# base: ${version}\n${SMALL.replace('name: Ada', 'name: By file')}`)
  const taken = await start()
  await taken.stop()
  assert.is(refused.length, 2)
  assert.is(taken.desk().agents.get('ada@desk.example')!.name, 'By file')
})

test('a difference shows the lines that only one text has, in order, at most 40', () => {
  assert.is(differenceOf('a\nb\nc\n', 'a\nx\nc\nc\n'), '- b\n+ x\n+ c')
  assert.is(differenceOf('a\nb', 'b\na'), '(the same lines in another order)')
  const long = Array.from({ length: 100 }, (_, n) => `line ${n}`).join('\n')
  assert.match(differenceOf('', long), '(60 more lines)')
})

test.run()

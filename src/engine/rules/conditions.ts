/**
 * The one condition language (routing, SLA selection, and all that follows): `when:` compiled to a test over facts
 * that also says what it saw. Pure; the text of a mail is only ever compared, never interpreted (9.13).
 */
import { domainToASCII } from 'node:url'
import { rules as limits } from '../../limits.ts'
import { parseSize } from '../../sizes.ts'
import { seconds } from '../../time.ts'
import { type Fault, type Path, show, unknownKey, unknownName } from '../../yaml.ts'
import { type Calendar, checkCalendar, expandCalendar, isWorkingTime } from '../business-hours.ts'
import { compilePattern } from './pattern.ts'

/** What rules may look at: of a mail that arrives, or of a ticket. Unknown texts are '', unknown keys null. */
export type RuleFacts = {
  /** Lower case, domain as A-label; '' where the sender could not be read. */
  from_address: string
  from_name: string
  /** Every recipient address: envelope, To and Cc; lower case. */
  recipients: readonly string[]
  /** Keys of the inboxes it came to, the first first. */
  inboxes: readonly string[]
  subject: string
  /** The whole text. */
  body: string
  /** In order, as [name, unfolded decoded value]. */
  headers: readonly (readonly [string, string])[]
  has_attachment: boolean
  /** Bytes of the raw mail. */
  size: number
  language: string | null
  /** Keys. */
  organization: string | null
  groups: readonly string[]
  project: string | null
  type: string | null
  product: string | null
  priority: string | null
  /** Nobody has set the priority: it is the default (FEATURES 3.11). Absent: somebody has. */
  unassessed?: boolean
  status: string | null
  tags: readonly string[]
  /** MailKind, `human` for a ticket that people opened. */
  kind: string
}

/** A condition that was looked at: `organization` `is acme`, whether it holds, what was `seen`. */
export type Reason = { field: string; test: string; holds: boolean; seen: string }

/** Adds to `why` each condition it looked at. */
export type Condition = (facts: RuleFacts, now: Date, why: Reason[]) => boolean

/** `organization is acme: no, seen "borealis"`. */
export const reasonText = ({ field, test, holds, seen }: Reason): string =>
  `${field} ${test}: ${holds ? 'yes' : 'no'}, ${seen}`

/** What the conditions of a desk may refer to. */
export type Known = {
  calendars: ReadonlyMap<string, Calendar>
  names: Readonly<Record<NamedField, readonly string[]>>
}
export type NamedField =
  | 'organization'
  | 'group'
  | 'project'
  | 'type'
  | 'product'
  | 'priority'
  | 'status'
  | 'kind'
  | 'inbox'

/** Every key a `when:` may hold; `header.` stands for `header.<name>`. */
export const CONDITION_KEYS: readonly string[] = [
  'all', 'any', 'not', 'from.address', 'from.domain', 'from.name', 'to', 'subject', 'body', 'header.', 'has_attachment',
  'size', 'language', 'organization', 'group', 'project', 'type', 'product', 'priority', 'status', 'tag', 'kind', 'inbox', 'at',
] // biome-ignore format: a list to be read
/** Every key of a text test written as a mapping. */
export const TEXT_TESTS = ['contains', 'matches', 'starts', 'ends'] as const
/** Every key of `at:`. */
export const AT_KEYS = ['calendar', 'open', 'zone', 'between', 'days'] as const

/**
 * Compiles what stands under `when:` (a mapping: all its keys must hold). Faults are added to `faults` with their
 * path; the condition that comes back beside faults is not to be used.
 */
export function compileCondition(value: unknown, path: Path, known: Known, faults: Fault[]): Condition {
  return compileMapping(value, path, { known, faults, depth: 0 })
}

type Context = { known: Known; faults: Fault[]; depth: number }
type Compile = (value: unknown, path: Path, context: Context) => Condition
/** A test of one text: where it holds, or -1. */
type TextTest = { words: string; find(text: string): number }
type Field = {
  read: (facts: RuleFacts) => readonly string[]
  /** How a value written in the rule is compared with those read. */
  equal?: (wanted: string) => TextTest
  names?: NamedField
}

const never: Condition = () => false

const compileMapping: Compile = (value, path, context) => {
  if (!isMapping(value))
    return fault(context, path, `${show(value)} is no condition`, 'write a mapping such as {from.domain: acme.example}')
  if (context.depth > limits.depth)
    return fault(context, path, `any, all and not stand more than ${limits.depth} deep`, 'make two rules of it')
  const parts = Object.entries(value).map(([key, inner]) => compileKey(key, inner, [...path, key], context))
  if (parts.length === 0)
    return fault(context, path, 'the condition is empty', 'remove "when:" for a rule that always holds')
  return every(parts)
}

function compileKey(key: string, value: unknown, path: Path, context: Context): Condition {
  const deeper = { ...context, depth: context.depth + 1 }
  if (key === 'all') return every(compileList(value, path, deeper))
  if (key === 'any') return some(compileList(value, path, deeper))
  if (key === 'not') return negation(compileMapping(value, path, deeper))
  if (key === 'has_attachment') return compileAttachment(value, path, context)
  if (key === 'size') return compileSize(value, path, context)
  if (key === 'at') return compileAt(value, path, context)
  const field = fieldOf(key)
  if (field) return compileText(key, field, value, path, context)
  context.faults.push(
    unknownKey(
      path,
      CONDITION_KEYS.map((name) => (name === 'header.' ? 'header.<name>' : name)),
    ),
  )
  return never
}

function compileList(value: unknown, path: Path, context: Context): Condition[] {
  if (Array.isArray(value) && value.length > 0)
    return value.map((inner, n) => compileMapping(inner, [...path, n], context))
  return [
    fault(context, path, `${show(value)} is no list of conditions`, 'write a list such as [{subject: x}, {tag: y}]'),
  ]
}

// Short-circuit: a trace ends with the condition that decided, and a body is searched only where it matters.
const every =
  (parts: Condition[]): Condition =>
  (facts, now, why) =>
    parts.every((part) => part(facts, now, why))
const some =
  (parts: Condition[]): Condition =>
  (facts, now, why) =>
    parts.some((part) => part(facts, now, why))
const negation =
  (part: Condition): Condition =>
  (facts, now, why) => {
    const inner: Reason[] = []
    const holds = !part(facts, now, inner)
    why.push(...inner.map((reason) => ({ ...reason, field: `not: ${reason.field}` })))
    return holds
  }

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)
const fold = (text: string): string => text.normalize('NFC').toLowerCase()
const ascii = (domain: string): string => domainToASCII(domain) || domain.toLowerCase()
const asAddress = (text: string): string => {
  const at = text.lastIndexOf('@')
  return at < 0 ? fold(text) : `${fold(text.slice(0, at))}@${ascii(text.slice(at + 1))}`
}
const equals = (wanted: string, shown = wanted): TextTest => ({
  words: `is ${shown}`,
  find: (text) => (text.trim() === wanted ? 0 : -1),
})
const domainEquals = (wanted: string): TextTest => {
  if (!wanted.startsWith('*.')) return equals(ascii(wanted), wanted)
  const domain = ascii(wanted.slice(2))
  const holds = (text: string) => text === domain || text.endsWith(`.${domain}`)
  return { words: `is ${wanted.slice(2)} or under it`, find: (text) => (holds(text) ? 0 : -1) }
}
const one = (value: string | null): string[] => (value ? [value] : [])

/** What `priority` is too until somebody sets it, in conditions and in searches. */
export const UNASSESSED = 'unassessed'

const FIELDS: Record<string, Field> = {
  'from.address': { read: (f) => one(f.from_address), equal: (wanted) => equals(asAddress(wanted), wanted) },
  'from.domain': { read: (f) => one(domainOf(f.from_address)), equal: domainEquals },
  'from.name': { read: (f) => one(f.from_name) },
  to: { read: (f) => [...f.recipients, ...f.inboxes], equal: (wanted) => equals(asAddress(wanted), wanted) },
  subject: { read: (f) => one(f.subject) },
  body: { read: (f) => one(f.body.slice(0, limits.text)) },
  language: { read: (f) => one(f.language) },
  organization: { read: (f) => one(f.organization), names: 'organization' },
  group: { read: (f) => f.groups, names: 'group' },
  project: { read: (f) => one(f.project), names: 'project' },
  type: { read: (f) => one(f.type), names: 'type' },
  product: { read: (f) => one(f.product), names: 'product' },
  priority: { read: (f) => [...one(f.priority), ...(f.unassessed ? [UNASSESSED] : [])], names: 'priority' },
  status: { read: (f) => one(f.status), names: 'status' },
  tag: { read: (f) => f.tags },
  kind: { read: (f) => one(f.kind), names: 'kind' },
  inbox: { read: (f) => f.inboxes, names: 'inbox' },
}

function fieldOf(key: string): Field | null {
  if (Object.hasOwn(FIELDS, key)) return FIELDS[key]!
  const name = /^header\.([!-9;-~]+)$/.exec(key)?.[1]?.toLowerCase() // RFC 5322 3.6.8: printable, without the colon
  if (!name) return null
  return { read: (f) => f.headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value) }
}

/** A field with several values (recipients, tags, a repeated header) holds when any of them does. */
function compileText(key: string, field: Field, value: unknown, path: Path, context: Context): Condition {
  if (typeof value === 'boolean') return presence(key, field, value)
  const tests = textTests(field, value, path, context)
  const words = tests.map((test) => test.words).join(isMapping(value) ? ' and ' : ' or ')
  const allOf = isMapping(value)
  return (facts, _now, why) => {
    const values = valuesOf(facts, key, field)
    for (const text of values.folded) {
      const at = found(tests, allOf, text)
      if (at < 0) continue
      why.push({ field: key, test: words, holds: true, seen: seen(text, at) })
      return true
    }
    why.push({ field: key, test: words, holds: false, seen: values.seen })
    return false
  }
}

/** Where the last of them holds; -1 where none does, or not all that should. */
function found(tests: TextTest[], allOf: boolean, text: string): number {
  let last = -1
  for (const test of tests) {
    const at = test.find(text)
    if (allOf && at < 0) return -1
    last = Math.max(last, at)
  }
  return last
}

type Values = { folded: string[]; seen: string }

/**
 * A desk has a rule a customer, and all of them ask for the same few fields: each is read once. Facts never change; what
 * a rule sets makes new ones.
 */
const read = new WeakMap<RuleFacts, Map<string, Values>>()

function valuesOf(facts: RuleFacts, key: string, field: Field): Values {
  const fields = read.get(facts) ?? new Map<string, Values>()
  read.set(facts, fields)
  const known = fields.get(key)
  if (known) return known
  const folded = field.read(facts).map(fold)
  const values = { folded, seen: seenOf(folded) }
  fields.set(key, values)
  return values
}

const presence =
  (key: string, field: Field, wanted: boolean): Condition =>
  (facts, _now, why) => {
    const values = field.read(facts).filter((text) => text.trim() !== '')
    const holds = values.length > 0 === wanted
    why.push({ field: key, test: `is ${wanted ? 'there' : 'absent'}`, holds, seen: seenOf(values) })
    return holds
  }

function textTests(field: Field, value: unknown, path: Path, context: Context): TextTest[] {
  if (typeof value === 'string') return [equalTest(field, value, path, context)]
  if (Array.isArray(value) && value.length > 0)
    return value.map((entry, n) => {
      const here = [...path, n]
      if (typeof entry === 'string') return equalTest(field, entry, here, context)
      if (isMapping(entry)) return bothTests(operatorTests(entry, here, context))
      return wrongText(entry, here, context)
    })
  if (isMapping(value) && Object.keys(value).length > 0) return operatorTests(value, path, context)
  return [wrongText(value, path, context)]
}

const TEXT_REMEDY =
  'write a text, a list of texts (any of them), {contains: x}, {matches: "pattern"}, {starts: x}, {ends: x}, true (there is one) or false'

function wrongText(value: unknown, path: Path, context: Context): TextTest {
  const remedy = typeof value === 'number' ? `put it in quotes: "${value}"` : TEXT_REMEDY
  fault(context, path, `${show(value)} is nothing to compare a text with`, remedy)
  return NOWHERE
}

const NOWHERE: TextTest = { words: '', find: () => -1 }

function equalTest(field: Field, value: string, path: Path, { known, faults }: Context): TextTest {
  if (value.trim() === '') faults.push({ path, cause: 'the text is empty', remedy: 'write false for "there is none"' })
  const names = field.names && known.names[field.names]
  if (names && !names.some((name) => fold(name) === fold(value)))
    faults.push(unknownName(path, field.names!, value, names))
  return field.equal?.(value.trim()) ?? equals(fold(value.trim()), value.trim())
}

/** Each operator of `{contains: ..., ends: ...}`; a list under one is any of. */
function operatorTests(value: Record<string, unknown>, path: Path, context: Context): TextTest[] {
  return Object.entries(value).map(([name, operand]) => {
    const here = [...path, name]
    const texts = Array.isArray(operand) ? operand : [operand]
    if (!TEXT_TESTS.includes(name as never)) {
      context.faults.push(unknownKey(here, TEXT_TESTS))
      return NOWHERE
    }
    if (texts.length === 0 || texts.some((text) => typeof text !== 'string' || text === '')) {
      const wrong = texts.find((text) => typeof text !== 'string')
      const remedy = typeof wrong === 'number' ? `put it in quotes: "${wrong}"` : 'write a text or a list of texts'
      fault(context, here, `${show(operand)} is no text`, remedy)
      return NOWHERE
    }
    const tests = texts.map((text, n) =>
      operatorTest(name, text as string, Array.isArray(operand) ? [...here, n] : here, context),
    )
    return {
      words: tests.map((test) => test.words).join(' or '),
      find: (text) => found(tests, false, text),
    }
  })
}

function operatorTest(name: string, wanted: string, path: Path, context: Context): TextTest {
  const folded = fold(wanted)
  const words = `${name} ${show(wanted)}`
  if (name === 'contains') return { words, find: (text) => text.indexOf(folded) }
  if (name === 'starts') return { words, find: (text) => (text.startsWith(folded) ? 0 : -1) }
  if (name === 'ends') return { words, find: (text) => (text.endsWith(folded) ? text.length - folded.length : -1) }
  const pattern = compilePattern(wanted.normalize('NFC'))
  if ('find' in pattern) return { words: `matches /${show(wanted).slice(1, -1)}/`, find: pattern.find }
  fault(context, path, pattern.cause, pattern.remedy)
  return NOWHERE
}

const bothTests = (tests: TextTest[]): TextTest => ({
  words: tests.map((test) => test.words).join(' and '),
  find: (text) => found(tests, true, text),
})

function compileAttachment(value: unknown, path: Path, context: Context): Condition {
  if (typeof value !== 'boolean')
    return fault(context, path, `${show(value)} is neither true nor false`, 'write true or false')
  return (facts, _now, why) => {
    const holds = facts.has_attachment === value
    why.push({
      field: 'has_attachment',
      test: `is ${value}`,
      holds,
      seen: facts.has_attachment ? 'it has one' : 'it has none',
    })
    return holds
  }
}

function compileSize(value: unknown, path: Path, context: Context): Condition {
  const match = typeof value === 'string' ? /^(>=|<=|>|<)\s*(.+)$/.exec(value.trim()) : null
  const bytes = match ? parseSize(match[2]!) : null
  if (!match || bytes === null)
    return fault(
      context,
      path,
      `${show(value)} is no comparison with a size`,
      'write ">1 MB", "<=500 KB" or the like, in quotes',
    )
  const compare = COMPARE[match[1]!]!
  return (facts, _now, why) => {
    const holds = compare(facts.size, bytes)
    why.push({ field: 'size', test: `${match[1]} ${match[2]}`, holds, seen: `seen ${facts.size} bytes` })
    return holds
  }
}

const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}

/** `{calendar: berlin, open: true}`, or `{zone, between: ["18:00", "08:00"], days: [mon-fri]}` as a calendar of its own. */
function compileAt(value: unknown, path: Path, context: Context): Condition {
  if (!isMapping(value)) return fault(context, path, `${show(value)} is no time of day`, AT_REMEDY)
  for (const key of Object.keys(value))
    if (!AT_KEYS.includes(key as never)) context.faults.push(unknownKey([...path, key], AT_KEYS))
  const { calendar: key, open = true, zone, between, days } = value
  if (typeof open !== 'boolean')
    fault(context, [...path, 'open'], `${show(open)} is neither true nor false`, 'write true or false')
  if (key !== undefined) {
    if (zone !== undefined || between !== undefined || days !== undefined)
      return fault(context, path, 'a calendar and a zone stand together', AT_REMEDY)
    const calendar = typeof key === 'string' ? context.known.calendars.get(key) : undefined
    if (calendar) return duringCalendar(calendar, open === true, `calendar ${key}`)
    context.faults.push(
      unknownName([...path, 'calendar'], 'calendar', String(key), [...context.known.calendars.keys()]),
    )
    return never
  }
  if (zone === undefined) return fault(context, path, 'it names neither a calendar nor a zone', AT_REMEDY)
  const weekly = Object.fromEntries(
    (Array.isArray(days) ? days : [days ?? 'mon-sun']).map((day) => [String(day), [between ?? ['00:00', '24:00']]]),
  )
  const short = { tz: zone, weekly }
  const wrong = checkCalendar(short)
  for (const cause of wrong) fault(context, path, cause, AT_REMEDY)
  return wrong.length > 0
    ? never
    : duringCalendar(expandCalendar(short), open === true, `${show(between ?? 'all day')} ${zone}`)
}

const AT_REMEDY =
  'write {calendar: KEY, open: true} or {zone: Europe/Berlin, between: ["18:00", "08:00"], days: [mon-fri]}'

const duringCalendar =
  (calendar: Calendar, open: boolean, words: string): Condition =>
  (_facts, now, why) => {
    const holds = isWorkingTime(calendar, seconds(now)) === open
    why.push({
      field: 'at',
      test: `${open ? 'within' : 'outside'} ${words}`,
      holds,
      seen: `seen ${now.toISOString()}`,
    })
    return holds
  }

const seenOf = (values: string[]): string => (values.length > 0 ? seen(values.join(', '), 0) : 'there is none')

/** A value as a trace shows it: one line, cut, and from where it matched on. */
function seen(text: string, at: number): string {
  const from = at > limits.seen / 2 ? at - 20 : 0
  const cut = text
    .slice(from, from + 4 * limits.seen)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  const shown = cut.length > limits.seen ? `${cut.slice(0, limits.seen - 1)}…` : cut
  return `seen "${from > 0 ? '…' : ''}${shown}"`
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function fault(context: Context, path: Path, cause: string, remedy: string): Condition {
  context.faults.push({ path, cause, remedy })
  return never
}

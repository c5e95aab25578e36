/**
 * The holidays of an iCalendar file (RFC 5545): its all-day events as civil dates with their names. Pure; the only
 * importer of ical.js, which unfolds, unescapes and reads values. What is no whole day is refused and not skipped: a
 * desk that silently leaves out half of a file promises dates that nobody keeps. Recurring days are written out up to
 * a fixed year, so that a file means the same whenever it is read.
 */
import ICAL from 'ical.js'
import { wordsOf } from '../../errors.ts'
import { holidays as limits } from '../../limits.ts'
import { type Problem, show } from '../../yaml.ts'
import { dateOfDay, dayNumber } from '../business-hours/calendar.ts'
import { datesOf, readRule, type YearlyRule } from './yearly.ts'

/** A name, possibly empty, for each date `YYYY-MM-DD`. */
export type Holidays = Readonly<Record<string, string>>

export type HolidayReading = { days: Holidays; problems: [] } | { days: null; problems: Problem[] }

/** The holidays in the text of a file, or every problem with its line. Never throws for anything in the text. */
export function readHolidays(text: string, file: string): HolidayReading {
  const { events, problems } = eventsIn(text, file)
  const read: Read[] = []
  for (const event of events) {
    try {
      const found = readEvent(event)
      if (found) read.push(found)
    } catch (error) {
      const { line, message, remedy } = error instanceof Unfit ? error : new Unfit(event.line, wordsOf(error), REPAIR)
      problems.push({ file, line, column: 1, path: '', cause: message, remedy })
    }
  }
  if (problems.length > 0) return { days: null, problems: problems.slice(0, limits.problems) }
  const days = namesByDate(read)
  const count = Object.keys(days).length
  const fault = (cause: string, remedy: string) => ({
    days: null,
    problems: [{ file, line: 1, column: 1, path: '', cause, remedy }],
  })
  if (count > limits.dates) return fault(`it closes ${count} days`, `name at most ${limits.dates}`)
  if (count === 0) return fault('it has no all-day event', 'export the calendar of holidays again')
  return { days, problems: [] }
}

/** A problem of one event, by line of the file. */
class Unfit extends Error {
  readonly line: number
  readonly remedy: string
  constructor(line: number, cause: string, remedy: string) {
    super(cause)
    this.line = line
    this.remedy = remedy
  }
}

const REPAIR = 'correct the event, or export the calendar again'

/** `line` is that of BEGIN:VEVENT, 1-based; `lines` are as they stand, folded ones too. */
type Event = { line: number; lines: string[] }

/** The library tells no lines, so each event is cut out here and read by itself. */
function eventsIn(text: string, file: string): { events: Event[]; problems: Problem[] } {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  const events: Event[] = []
  const problem = (line: number, cause: string, remedy: string) => ({
    events: [],
    problems: [{ file, line, column: 1, path: '', cause, remedy }],
  })
  if (!/^BEGIN:VCALENDAR\s*$/i.test(lines.find((line) => line.trim() !== '') ?? ''))
    return problem(1, 'it is no iCalendar file: it does not begin with BEGIN:VCALENDAR', 'name an .ics file')
  let open: Event | null = null
  for (const [n, line] of lines.entries()) {
    if (/^BEGIN:VEVENT\s*$/i.test(line)) {
      if (open) return problem(open.line, 'the event has no END:VEVENT', REPAIR)
      open = { line: n + 1, lines: [] }
    }
    open?.lines.push(line)
    if (!open || !/^END:VEVENT\s*$/i.test(line)) continue
    events.push(open)
    open = null
    if (events.length > limits.events)
      return problem(n + 1, `it has more than ${limits.events} events`, 'leave out past years')
  }
  if (open || !/^END:VCALENDAR\s*$/i.test(lines.findLast((line) => line.trim() !== '')!))
    return problem(lines.length, 'it ends without END:VCALENDAR', 'fetch it again: it is not whole')
  return { events, problems: [] }
}

/** `replaces`: the date of the occurrence of `uid` that this event stands for (RECURRENCE-ID). */
type Read = { uid: string; replaces: string | null; name: string; dates: string[]; length: number }

type Property = { name: string; line: number; type: string; values: unknown[]; params: Record<string, unknown> }

/** Null for an event that was cancelled and stands for no other one's. */
function readEvent(event: Event): Read | null {
  const all = propertiesOf(event)
  const find = (name: string) => all.find((one) => one.name === name)
  const cancelled = String(find('status')?.values[0] ?? '').toUpperCase() === 'CANCELLED'
  const start = find('dtstart')
  const other = find('recurrence-id')
  const uid = String(find('uid')?.values[0] ?? '')
  const name = nameOf(find('summary'))
  if (other?.params.range !== undefined)
    throw new Unfit(other.line, 'it changes all later occurrences (RANGE)', 'end the rule with UNTIL and add an event')
  if (cancelled && !other) return null
  const replaces = other ? theDay(other) : null
  if (cancelled) return { uid, replaces, name, dates: [], length: 0 }
  if (!start) throw new Unfit(event.line, 'the event has no DTSTART', REPAIR)
  const first = theDay(start)
  const rules = all.filter((one) => one.name === 'rrule').map((one) => ruleOf(one, first))
  const excluded = new Set(all.filter((one) => one.name === 'exdate').flatMap(daysOf))
  const added = all.filter((one) => one.name === 'rdate').flatMap(daysOf)
  const last = `${limits.lastYear}-12-31`
  const dates = [first, ...added, ...rules.flatMap((rule) => datesOf(rule, first, last))]
  return {
    uid,
    replaces,
    name,
    dates: [...new Set(dates)].filter((date) => !excluded.has(date)),
    length: lengthOf(event, first, find('dtend') ?? find('duration')),
  }
}

/** Of the event itself, not of an alarm within it, each with its line. */
function propertiesOf(event: Event): Property[] {
  const jcal = ICAL.parse(event.lines.join('\r\n')) as unknown as [string, [string, object, string, ...unknown[]][]]
  const seen = new Map<string, number>()
  return jcal[1].map(([name, params, type, ...values]) => {
    const from = seen.get(name) ?? 0
    const begins = (line: string) => new RegExp(`^${name.replace(/[^a-z0-9-]/gi, '')}[;:]`, 'i').test(line)
    const at = event.lines.findIndex((line, n) => n >= from && begins(line))
    seen.set(name, at + 1)
    return { name, line: event.line + Math.max(0, at), type, values, params: params as Record<string, unknown> }
  })
}

const daysOf = (property: Property): string[] =>
  property.values.map((value) => theDay({ ...property, values: [value] }))

function theDay({ name, line, values: [value] }: Property): string {
  const text = String(value)
  const key = name.toUpperCase()
  if (/T/i.test(text))
    throw new Unfit(
      line,
      `${key} is a time of day, and a holiday is whole days`,
      'make it an all-day event (VALUE=DATE), or write the hours of that day under exceptions:',
    )
  if (dayNumber(text) === null || text < '1600')
    throw new Unfit(line, `${key}: ${show(text)} is no date`, 'write it as 20261225')
  return text
}

function ruleOf(property: Property, first: string): YearlyRule {
  const rule = readRule(property.values[0] as Record<string, unknown>, first)
  if (typeof rule !== 'string') return rule
  throw new Unfit(property.line, `RRULE: ${rule}`, 'write a rule of every year, or each date with RDATE;VALUE=DATE')
}

/** Days; DTEND is the day after the last one. Some write the same day for both. */
function lengthOf(event: Event, first: string, end: Property | undefined): number {
  if (!end) return 1
  const length =
    end.name === 'dtend'
      ? dayNumber(theDay(end))! - dayNumber(first)!
      : ICAL.Duration.fromString(String(end.values[0])).toSeconds() / 86_400
  if (!Number.isInteger(length)) throw new Unfit(end.line, 'DURATION is not whole days', 'write it as P1D')
  if (length < 0) throw new Unfit(event.line, 'the event ends before it begins', REPAIR)
  if (length > limits.days) throw new Unfit(event.line, `the event is longer than ${limits.days} days`, REPAIR)
  return Math.max(1, length)
}

/** On one line, without what could not be shown. */
const nameOf = (summary: Property | undefined): string =>
  String(summary?.values[0] ?? '')
    .replace(/[\p{Cc}\p{Cf}<>\s]+/gu, ' ')
    .trim()
    .slice(0, limits.name)

/** Two holidays on one day have both names. */
function namesByDate(events: Read[]): Holidays {
  const replaced = new Set(events.filter((one) => one.replaces !== null).map((one) => `${one.uid} ${one.replaces}`))
  const names = new Map<string, Set<string>>()
  for (const { uid, replaces, name, dates, length } of events) {
    for (const date of dates) {
      if (replaces === null && replaced.has(`${uid} ${date}`)) continue
      for (let n = 0; n < length; n++) {
        const day = dateOfDay(dayNumber(date)! + n)
        if (Number(day.slice(0, 4)) < limits.firstYear || Number(day.slice(0, 4)) > limits.lastYear) continue
        names.set(day, (names.get(day) ?? new Set<string>()).add(name))
      }
    }
  }
  const sorted = [...names].sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(sorted.map(([day, all]) => [day, [...all].filter((name) => name !== '').join(', ')]))
}

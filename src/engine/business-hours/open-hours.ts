/**
 * The index behind working time (SLA Q4): per calendar and UTC year the open intervals with prefix sums, so that the
 * calculators are binary searches. The membership rule (C3) is applied here and nowhere else. An index is found by
 * the identity of a deeply frozen calendar, else by its content; tz data does not change while a process lives.
 */
import { Refusal } from '../../errors.ts'
import { hours } from '../../limits.ts'
import { type Calendar, dayNumber, isYearlyDate, type Shift, secondsOfDay } from './calendar.ts'
import { remember } from './remember.ts'
import { offsetSegments } from './zone.ts'

/** Open intervals [from[i], to[i]) of a UTC year, sorted and apart; `before[i]` working seconds precede the i-th. */
export type OpenYear = { from: Float64Array; to: Float64Array; before: Float64Array; total: number }

export type OpenHours = { rules: DayRules; years: Map<number, OpenYear> }

/** The index of a calendar. Throws Refusal `bad_calendar` where a time or date cannot be read. */
export function openHours(calendar: Calendar): OpenHours {
  const known = byIdentity.get(calendar)
  if (known) return known
  const found = remember(byContent, contentKey(calendar), hours.cachedCalendars, () => ({
    rules: compile(calendar),
    years: new Map(),
  }))
  if (isFrozenWhole(calendar)) byIdentity.set(calendar, found)
  return found
}

/** The open intervals of a UTC year, built at the first use. */
export function openYear(open: OpenHours, year: number): OpenYear {
  // The plain look-up is the warm path; recency of use matters only when a year is built.
  return open.years.get(year) ?? remember(open.years, year, hours.cachedYears, () => buildYear(open.rules, year))
}

/** How many intervals of a year begin at or before an instant. */
export function startedBy(year: OpenYear, at: number): number {
  let [low, high] = [0, year.from.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (year.from[middle]! <= at) low = middle + 1
    else high = middle
  }
  return low
}

/** Seconds of the day [start, end); an end beyond 86 400 is on the next date. */
type Span = [start: number, end: number]

type DayRules = {
  zone: string
  weekly: Span[][] // by ISO weekday - 1
  exceptions: Map<number, Span[]>
  holidays: Set<number>
  yearly: Set<string>
}

const DAY = 86_400

const byIdentity = new WeakMap<Calendar, OpenHours>()
const byContent = new Map<string, OpenHours>()

/** Equal for calendars of equal meaning: days in order whatever order they were written in. */
function contentKey({ tz, weekly, holidays, exceptions }: Calendar): string {
  const sorted = (days: object) => Object.entries(days).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([tz, sorted(weekly ?? {}), holidays ?? [], sorted(exceptions ?? {})])
}

function isFrozenWhole(calendar: Calendar): boolean {
  if (!Object.isFrozen(calendar)) return false
  const days = [...Object.values(calendar.weekly ?? {}), ...Object.values(calendar.exceptions ?? {})]
  const parts = [calendar.weekly, calendar.holidays, calendar.exceptions, ...days, ...days.flat()]
  return parts.every((part) => Object.isFrozen(part))
}

function compile(calendar: Calendar): DayRules {
  const weekdays = ['1', '2', '3', '4', '5', '6', '7'] as const
  const rules: DayRules = {
    zone: calendar.tz,
    weekly: weekdays.map((weekday) => compileShifts(calendar.weekly?.[weekday] ?? [])),
    exceptions: new Map(),
    holidays: new Set(),
    yearly: new Set(),
  }
  for (const date of calendar.holidays ?? []) {
    if (isYearlyDate(date)) rules.yearly.add(date)
    else rules.holidays.add(readable(dayNumber(date), date))
  }
  for (const [date, shifts] of Object.entries(calendar.exceptions ?? {})) {
    rules.exceptions.set(readable(dayNumber(date), date), compileShifts(shifts))
  }
  return rules
}

function compileShifts(shifts: readonly Shift[]): Span[] {
  return shifts.map(([from, to]) => {
    const [start, end] = [readable(secondsOfDay(from), from), readable(secondsOfDay(to), to)]
    return [start, end <= start ? end + DAY : end]
  })
}

function readable(value: number | null, written: string): number {
  if (value === null) throw new Refusal('bad_calendar', `"${written}" is neither a time nor a date`, 'config')
  return value
}

function buildYear(rules: DayRules, year: number): OpenYear {
  const from: number[] = []
  const to: number[] = []
  for (const segment of offsetSegments(rules.zone, year)) {
    // Inside a segment local time runs evenly, so civil dates are plain arithmetic: a skipped stretch has no segment,
    // a repeated one has two (C8), and D-1 is the date before, whether or not the zone lived it (C9).
    const [first, end] = [segment.from + segment.offset, segment.to + segment.offset]
    for (let day = Math.floor(first / DAY); day * DAY < end; day++) {
      for (const [start, stop] of openOnDate(rules, day)) {
        const opens = Math.max(day * DAY + start, first) - segment.offset
        const closes = Math.min(day * DAY + stop, end) - segment.offset
        if (closes > opens) append(from, to, opens, closes)
      }
    }
  }
  return summed(from, to)
}

/** The open seconds of a civil date, in order: its own shifts and the tail of the date before (C3, C6). */
function openOnDate(rules: DayRules, day: number): Span[] {
  const own = shiftsOf(rules, day).map(([start, end]): Span => [start, Math.min(end, DAY)])
  const tails = shiftsOf(rules, day - 1).map(([, end]): Span => [0, end - DAY])
  return [...own, ...tails].filter(([start, end]) => end > start).sort((a, b) => a[0] - b[0])
}

/** The shifts that start on a civil date (C7). */
function shiftsOf(rules: DayRules, day: number): Span[] {
  const exception = rules.exceptions.get(day)
  if (exception) return exception
  if (rules.holidays.has(day)) return []
  if (rules.yearly.size > 0 && rules.yearly.has(new Date(day * DAY * 1000).toISOString().slice(-19, -14))) return []
  const weekday = (((day + 3) % 7) + 7) % 7 // 1970-01-01 was a Thursday
  return rules.weekly[weekday]!
}

/** Adds an interval that starts no earlier than the last one did; overlapping and touching ones become one (C1). */
function append(from: number[], to: number[], opens: number, closes: number): void {
  const last = to.length - 1
  if (last >= 0 && opens <= to[last]!) to[last] = Math.max(to[last]!, closes)
  else {
    from.push(opens)
    to.push(closes)
  }
}

function summed(from: number[], to: number[]): OpenYear {
  const before = new Float64Array(from.length)
  let total = 0
  for (let i = 0; i < from.length; i++) {
    before[i] = total
    total += to[i]! - from[i]!
  }
  return { from: Float64Array.from(from), to: Float64Array.from(to), before, total }
}

/**
 * Working time (SLA section 5): when a number of working seconds has passed, and how many passed between two
 * instants. Pure: epoch seconds in and out, no clock. business-hours/ holds the calendar and its index.
 */
import { hours } from '../limits.ts'
import type { Calendar } from './business-hours/calendar.ts'
import { type OpenHours, type OpenYear, openHours, openYear, startedBy } from './business-hours/open-hours.ts'
import { yearStart } from './business-hours/zone.ts'

export {
  type Calendar,
  checkCalendar,
  expandCalendar,
  frozenCalendar,
  type Shift,
  type Weekday,
} from './business-hours/calendar.ts'
export { zoneDataProblem } from './business-hours/zone.ts'

/** A working interval [from, to) in epoch seconds. */
export type WorkingSpan = { from: number; to: number }

/**
 * The earliest instant at which `seconds` of working time have passed since `start` (C10): `start` itself for 0, and
 * closing time where the goal ends with the shift. Null when that is more than 3660 days away (C12).
 * Throws Refusal `bad_calendar` for a calendar that checkCalendar would refuse for its times or dates.
 */
export function addWorkingTime(calendar: Calendar, start: number, seconds: number): number | null {
  assertInstant(start)
  if (seconds <= 0) return start
  const horizon = start + hours.horizonDays * 86_400
  const end = calendar.always ? start + seconds : addOpenSeconds(openHours(calendar), { start, seconds, horizon })
  return end === null || end > horizon ? null : end
}

/** Working seconds in [a, b); 0 when b <= a (C11). Throws as addWorkingTime does. */
export function workingSecondsBetween(calendar: Calendar, a: number, b: number): number {
  assertInstant(a)
  assertInstant(b)
  if (b <= a) return 0
  if (calendar.always) return b - a
  const open = openHours(calendar)
  const [first, last] = [yearOf(a), yearOf(b)]
  let sum = passedIn(openYear(open, last), b) - passedIn(openYear(open, first), a)
  for (let year = first; year < last; year++) sum += openYear(open, year).total
  return sum
}

/** Whether the second that begins at an instant is working time (C3, C4). Throws as addWorkingTime does. */
export function isWorkingTime(calendar: Calendar, at: number): boolean {
  assertInstant(at)
  if (calendar.always) return true
  const year = openYear(openHours(calendar), yearOf(at))
  const index = startedBy(year, at) - 1
  return index >= 0 && at < year.to[index]!
}

/**
 * The working intervals inside [a, b), in order and apart, at most `most` of them: for showing how a due date came
 * about. Throws as addWorkingTime does.
 */
export function workingSpans(calendar: Calendar, a: number, b: number, most = 100): WorkingSpan[] {
  assertInstant(a)
  assertInstant(b)
  if (b <= a || most < 1) return []
  if (calendar.always) return [{ from: a, to: b }]
  const open = openHours(calendar)
  const spans: WorkingSpan[] = []
  for (let number = yearOf(a); number <= yearOf(b); number++) {
    const year = openYear(open, number)
    for (let i = Math.max(0, startedBy(year, a) - 1); i < year.from.length && year.from[i]! < b; i++) {
      const span = { from: Math.max(a, year.from[i]!), to: Math.min(b, year.to[i]!) }
      if (span.to <= span.from) continue
      const last = spans.at(-1)
      if (last?.to === span.from)
        last.to = span.to // a shift over New Year is one
      else if (spans.length === most) return spans
      else spans.push(span)
    }
  }
  return spans
}

type Goal = { start: number; seconds: number; horizon: number }

function addOpenSeconds(open: OpenHours, { start, seconds, horizon }: Goal): number | null {
  const first = yearOf(start)
  let goal = seconds + passedIn(openYear(open, first), start)
  for (let number = first; yearStart(number) <= horizon; number++) {
    const year = openYear(open, number)
    if (goal <= year.total) return reachedIn(year, goal)
    goal -= year.total
  }
  return null
}

/** The earliest instant of a year by which `goal` > 0 of its working seconds have passed. */
function reachedIn(year: OpenYear, goal: number): number {
  let [low, high] = [0, year.before.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (year.before[middle]! < goal) low = middle + 1
    else high = middle
  }
  return year.from[low - 1]! + goal - year.before[low - 1]!
}

/** Working seconds of a year that lie before an instant in it. */
function passedIn(year: OpenYear, at: number): number {
  const index = startedBy(year, at) - 1
  if (index < 0) return 0
  return year.before[index]! + Math.min(at, year.to[index]!) - year.from[index]!
}

const yearOf = (at: number): number => new Date(at * 1000).getUTCFullYear()

/** NaN would search nothing and find zero; milliseconds passed by mistake would build thousands of years. */
function assertInstant(at: number): void {
  if (!(at >= FIRST && at <= LAST)) throw new RangeError(`not an instant in epoch seconds: ${at}`)
}

const FIRST = yearStart(1000)
const LAST = yearStart(9000)

/** When a person may be disturbed: notices wait for the end of their quiet hours, and for their working time. Pure. */
import { seconds } from '../../time.ts'
import { remember } from '../business-hours/remember.ts'
import { addWorkingTime, type Calendar, expandCalendar, frozenCalendar, workingSpans } from '../business-hours.ts'
import type { Agent, Desk } from '../desk.ts'

/** The first moment from `now` on that is neither in an agent's quiet hours nor outside their working time. */
export function awakeAt(desk: Desk, agent: Pick<Agent, 'calendar' | 'quiet'>, zone: string, now: Date): Date {
  const working = agent.calendar === null ? undefined : desk.calendars.get(agent.calendar)?.calendar
  const quiet = agent.quiet.length > 0 ? quietOf(agent.quiet, zone) : undefined
  let at = seconds(now)
  for (let tries = 0; tries < TRIES; tries++) {
    const opens = working ? openAt(working, at) : at
    const next = quiet ? endOf(quiet, opens) : opens
    if (next === at) return at === seconds(now) ? now : new Date(at * 1000)
    at = next
  }
  return now // awake never: then whenever
}

/** Opening and falling silent alternate; a fortnight of it is nobody's week. */
const TRIES = 30
const DAY = 86_400

/** The next working second; the calendar may have none. */
function openAt(calendar: Calendar, at: number): number {
  const after = addWorkingTime(calendar, at, 1)
  return after === null ? at : after - 1
}

function endOf(calendar: Calendar, at: number): number {
  const [span] = workingSpans(calendar, at, at + 2 * DAY, 1)
  return span?.from === at && span.to < at + 2 * DAY ? span.to : at
}

const calendars = new Map<string, Calendar>()

/** Quiet hours are a calendar too: they may go over midnight and know when clocks change. */
const quietOf = (quiet: readonly string[], zone: string): Calendar =>
  remember(calendars, `${zone} ${quiet.join()}`, 500, () =>
    frozenCalendar(expandCalendar({ tz: zone, weekly: { 'mon-sun': [...quiet] } })),
  )

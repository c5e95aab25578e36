/** Working time left until due dates, for the rows on screen only (SLA Q7). */
import type { Queryable } from '../database.ts'
import { type Calendar, expandCalendar, workingSecondsBetween } from '../engine/business-hours.ts'
import { hours } from '../limits.ts'
import { seconds } from '../time.ts'

/** Calendar versions never change, so what was read once stays true; shared by all pages of the process. */
const known = new Map<number, Calendar>()

/** The calendars of these versions, by id. */
export async function findCalendars(sql: Queryable, ids: (number | null)[]): Promise<Map<number, Calendar>> {
  const wanted = new Set(ids.filter((id) => id !== null))
  const missing = [...wanted].filter((id) => !known.has(id))
  if (missing.length > 0) {
    const rows = await sql`select id, definition from calendars where id = any(${missing}::bigint[])`
    if (known.size + rows.length > hours.cachedCalendars) known.clear()
    for (const row of rows) known.set(row.id, expandCalendar(row.definition))
  }
  return new Map([...wanted].flatMap((id) => (known.has(id) ? [[id, known.get(id)!]] : [])))
}

/** Working seconds from `now` to a due date, negative when it is over; wall time where no calendar is known. */
export function secondsLeft(calendar: Calendar | undefined, due: Date, now: Date): number {
  const [goal, from] = [seconds(due), seconds(now)]
  if (!calendar) return goal - from
  if (goal >= from) return workingSecondsBetween(calendar, from, goal)
  // Over by no working time yet is over all the same.
  return -Math.max(1, workingSecondsBetween(calendar, goal, from))
}

/** How a due date is marked; the words beside it say the same. */
export const urgencyOf = (left: number): 'over' | 'soon' | '' => (left < 0 ? 'over' : left <= SOON ? 'soon' : '')

/** Working seconds. */
const SOON = 3600

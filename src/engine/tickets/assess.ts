/**
 * Whether somebody vouches for a ticket's priority (FEATURES 3.11). It begins with the default, unassessed, unless a rule
 * set it; the first agent who sets it, be it to what it is, has assessed it. A reminder that raises it has not.
 */
import type { Tx } from '../../database.ts'
import { floored, seconds } from '../../time.ts'
import { workingSecondsBetween } from '../business-hours.ts'
import type { Actor } from '../events.ts'
import { readCalendar } from '../sla/load.ts'

export type Assessment = { at: Date; seconds: number }

/**
 * What is kept of an assessment: when, and the working time until then in the calendar the ticket is under now, all time
 * where it is under none. Kept, so that no later edit of a calendar changes a report (SLA V6). Null: it is none, or not
 * the first.
 */
export async function assess(
  tx: Tx,
  input: { ticketId: number; assessedAt: Date | null; actor: Actor },
  now: Date,
): Promise<Assessment | null> {
  if (input.assessedAt !== null || input.actor.kind !== 'agent') return null
  const [row] = await tx<{ created_at: Date; calendar: string | null }[]>`
    select t.created_at, c.definition::text as calendar from tickets t left join calendars c on c.id = t.calendar_id
    where t.id = ${input.ticketId}`
  return { at: floored(now), seconds: timeUntil(row!, now) }
}

/** Working seconds from a ticket's first one until an instant. */
export function timeUntil(ticket: { created_at: Date; calendar: string | null }, until: Date): number {
  const [from, to] = [seconds(ticket.created_at), seconds(until)]
  return ticket.calendar === null
    ? Math.max(0, to - from)
    : workingSecondsBetween(readCalendar(ticket.calendar), from, to)
}

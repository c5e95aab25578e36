/**
 * What time does to tickets without anybody doing anything: breaches and reminders at their instants, answers whose undo
 * window ended, edits of the desk (SLA K9, Q3, Q5). It may come late, twice or not at all: the next event settles the
 * same, and the record says the same.
 */
import type { Tx } from '../../database.ts'
import { seconds } from '../../time.ts'
import { addWorkingTime } from '../business-hours.ts'
import { system } from '../events.ts'
import { findDue, findUnder, listRunning, type Outdated, type Running } from '../sla/find-due.ts'
import { readCalendar } from '../sla/load.ts'
import { toSeconds } from '../sla/rows.ts'
import { tellAll } from './tell.ts'

/** Tickets a transaction works on: few enough that a mail for one of them does not wait long. */
const BATCH = 200

/** How far it looks for them: so many daemons find work beside each other. */
const LOOK = 4 * BATCH

/**
 * One batch of tickets that something is due for, which are then the caller's; those that others hold are left to them,
 * and those that stand at a reminder to what it does (../reminders.ts). `more` says that another batch may find some.
 */
export async function sweepDue(tx: Tx, now: Date): Promise<{ mine: number[]; settled: number; more: boolean }> {
  const found = await findDue(tx, LOOK, now)
  const mine = await lockFree(tx, found)
  const settled = await settleTickets(tx, mine, now)
  return { mine, settled: settled.length, more: found.length > mine.length && settled.length > 0 }
}

/**
 * One batch of tickets on a version that an edit has replaced (sla/find-due.ts lists those); it counts from the time of
 * the edit (K10).
 * @param from the version, and the last ticket of the batch before, 0 at first
 * @returns the last ticket of this batch, null when there are no more
 */
export async function sweepOutdated(
  tx: Tx,
  from: { version: Outdated; after: number },
  now: Date,
): Promise<{ last: number | null; settled: number }> {
  const found = await findUnder(tx, from.version, { after: from.after, most: BATCH })
  const settled = await settleTickets(tx, found, now)
  return { last: found.at(-1) ?? null, settled: settled.length }
}

/**
 * One page of running clocks whose due dates are computed anew, because the zone data of the runtime may be newer than
 * they are (Q6). Clocks that are never due (C12) come back by the keys of their calendars.
 */
export async function sweepZones(
  tx: Tx,
  after: number,
  now: Date,
): Promise<{ last: number | null; settled: number; never: string[] }> {
  const running = await listRunning(tx, { after, most: PAGE })
  const moved = running.filter((clock) => dueOf(clock) !== toSeconds(clock.due_at)).map((clock) => clock.ticket_id)
  const settled = await settleTickets(tx, [...new Set(moved)], now, 'recount')
  const never = running.filter((clock) => dueOf(clock) === null).map((clock) => clock.calendar)
  return { last: running.at(-1)?.id ?? null, settled: settled.length, never: [...new Set(never)] }
}

/** Clocks of a page; computing one takes some ten microseconds. */
const PAGE = 500

const dueOf = ({ definition, running_since, target_s, elapsed_s }: Running): number | null =>
  addWorkingTime(readCalendar(definition), seconds(running_since), Math.max(0, target_s - elapsed_s))

/** Of these tickets as many as a batch takes, those that somebody else is at left out. */
async function lockFree(tx: Tx, ticketIds: number[]): Promise<number[]> {
  if (ticketIds.length === 0) return []
  const rows = await tx<{ id: number }[]>`
    select id from tickets where id = any(${ticketIds}::bigint[]) order by id for update skip locked limit ${BATCH}`
  return rows.map((row) => row.id)
}

/**
 * Brings tickets up to now, or to the first reminder that changes them; returns those that nobody else held. Where a
 * reminder has fired and not acted, nothing is settled: what comes next follows from what it does. `updated_at` stays (Q5).
 */
export async function settleTickets(
  tx: Tx,
  ticketIds: number[],
  now: Date,
  dues: 'as stored' | 'recount' = 'as stored',
): Promise<number[]> {
  if (ticketIds.length === 0) return []
  const rows = await tx<{ id: number }[]>`
    select id from tickets t where id = any(${ticketIds}::bigint[]) and not exists (
      select from sla_clocks c join sla_fired f on f.clock_id = c.id
      where c.ticket_id = t.id and f.acted_at is null)
    order by id for update skip locked`
  const ids = rows.map((row) => row.id)
  if (ids.length > 0)
    await tellAll(
      tx,
      ids.map((ticketId) => ({ ticketId, actor: system('sla'), events: [], dues })),
      now,
    )
  return ids
}

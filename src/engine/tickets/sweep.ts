/**
 * What time does to tickets without anybody doing anything: breaches and reminders at their instants, answers whose undo
 * window ended, edits of the desk (SLA K9, Q3, Q5). It may come late, twice or not at all: the next event settles the
 * same, and the record says the same.
 */
import type { Tx } from '../../database.ts'
import { system } from '../events.ts'
import { findDue, findOutdated } from '../sla/find-due.ts'
import { tellAll } from './tell.ts'

/** Tickets a transaction works on: few enough that a mail for one of them does not wait long. */
const BATCH = 200

/** One batch of tickets that something is due for; those that others hold are left to them, or to the next time. */
export async function sweepDue(tx: Tx, now: Date): Promise<{ found: number; settled: number }> {
  const found = await findDue(tx, BATCH, now)
  return { found: found.length, settled: (await settleTickets(tx, found, now)).length }
}

/**
 * One batch of tickets that an edit has not reached yet; it counts from the time of the edit (K10).
 * @param after the last ticket of the batch before, 0 at first
 * @returns the last ticket of this batch, null when there are no more
 */
export async function sweepOutdated(
  tx: Tx,
  after: number,
  now: Date,
): Promise<{ last: number | null; settled: number }> {
  const found = await findOutdated(tx, { after, most: BATCH })
  const settled = await settleTickets(tx, found, now)
  return { last: found.at(-1) ?? null, settled: settled.length }
}

/** Brings tickets up to now; returns those that nobody else held. `updated_at` stays (Q5). */
export async function settleTickets(tx: Tx, ticketIds: number[], now: Date): Promise<number[]> {
  if (ticketIds.length === 0) return []
  const rows = await tx<{ id: number }[]>`
    select id from tickets where id = any(${ticketIds}::bigint[]) order by id for update skip locked`
  const ids = rows.map((row) => row.id)
  if (ids.length > 0)
    await tellAll(
      tx,
      ids.map((ticketId) => ({ ticketId, actor: system('sla'), events: [] })),
      now,
    )
  return ids
}

/**
 * A ticket's time follows it into another (SLA T9). What is on a final invoice, or on a statement that the customer has
 * approved, stays with the number printed there.
 */
import type { Tx } from '../../database.ts'

/** Moves the entries of a ticket into another; the caller holds both. */
export async function moveEntries(tx: Tx, fromTicket: number, toTicket: number): Promise<void> {
  await tx`
    update time_entries set ticket_id = ${toTicket}, rev = rev + 1
    where ticket_id = ${fromTicket} and status <> 'invoiced' and statement_id is null`
}

/** A public answer came back (MAIL 4a.7): the ticket says so until an agent answers again. */
import type { Tx } from '../../database.ts'

/** The caller holds the ticket's row and writes the event. */
export async function markUndelivered(tx: Tx, ticketId: number, now: Date): Promise<void> {
  await tx`update tickets set undelivered_at = ${now}, updated_at = ${now} where id = ${ticketId}`
}

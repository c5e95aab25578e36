/** A ticket's mails follow it into another: an answer that waits can still be taken back there, and a bounce is told there. */
import type { Tx } from '../../database.ts'

/** Of a row that was sent nothing changes but where it is shown; its bytes are what they were (MAIL 0.8). */
export async function moveOutbox(tx: Tx, fromTicket: number, toTicket: number): Promise<void> {
  await tx`update outbox set ticket_id = ${toTicket} where ticket_id = ${fromTicket}`
}

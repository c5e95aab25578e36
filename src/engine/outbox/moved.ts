/** A ticket's mails follow it into another: an answer that waits can still be taken back there, and a bounce is told there. */
import type { Tx } from '../../database.ts'

/** The same for the mails that some of its comments became (6.8). */
export async function moveOutboxOf(tx: Tx, commentIds: number[], toTicket: number): Promise<void> {
  await tx`
    update outbox set ticket_id = ${toTicket}
    where ticket_id in (select ticket_id from comments where id = any(${commentIds}::bigint[]))
      and comment_id = any(${commentIds}::bigint[])`
}

/** Of a row that was sent nothing changes but where it is shown; its bytes are what they were (MAIL 0.8). */
export async function moveOutbox(tx: Tx, fromTicket: number, toTicket: number): Promise<void> {
  await tx`update outbox set ticket_id = ${toTicket} where ticket_id = ${fromTicket}`
}

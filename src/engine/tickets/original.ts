/** The original of a mail that was too large to be taken at once (MAIL 2.12): brought later, hung on its comment. */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { attach } from '../attachments.ts'
import { record, system } from '../events.ts'

/**
 * Attaches the stored original as `original.eml` to the comment that its header became.
 * @param input.why who asked for it, in words
 * @throws Refusal `unknown_ticket` when the ticket was deleted meanwhile
 */
export async function attachOriginal(
  tx: Tx,
  input: { commentId: number; blobId: number; bytes: number; why: string | null },
  now: Date,
): Promise<void> {
  const { commentId, blobId, bytes, why } = input
  const [ticket] = await tx<{ id: number }[]>`
    update tickets t set updated_at = ${now} from comments c
    where c.id = ${commentId} and t.id = c.ticket_id and t.deleted_at is null returning t.id`
  if (!ticket) throw new Refusal('unknown_ticket', 'The ticket of this mail was deleted.')
  const ticketId = ticket.id
  const file = { blobId, filename: 'original.eml', type: 'message/rfc822', size: bytes, inline: false, contentId: null }
  await attach(tx, { ticketId, commentId }, [file])
  const event = { type: 'original_attached', data: { comment: commentId, bytes }, why }
  await record(tx, { ticketId, actor: system('mail'), events: [event] }, now)
}

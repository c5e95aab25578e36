/** What was marked as spam by mistake comes back into the lists. */
import type { Tx } from '../../database.ts'
import { type Actor, record } from '../events.ts'
import { lockTicket } from '../tickets.ts'

/**
 * The ticket is no spam: its mail is let in again. Its clocks stay cancelled, because nothing of a ticket's clocks
 * changes after that mark (SLA K17).
 * @returns whether it was marked; if not, nothing was changed
 */
export async function unmarkSpam(
  tx: Tx,
  input: { ticketId: number; actor: Actor },
  now: Date,
): Promise<{ was: boolean }> {
  const { id } = await lockTicket(tx, input.ticketId)
  const { count } = await tx`
    update tickets set spam_at = null, spam_by = null, updated_at = ${now} where id = ${id} and spam_at is not null`
  if (count > 0) await record(tx, { ticketId: id, actor: input.actor, events: [{ type: 'not_spam' }] }, now)
  return { was: count > 0 }
}

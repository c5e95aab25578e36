/**
 * A private note (FEATURES 3.25): its author and the one it is for read it. Everybody else who works here sees who wrote
 * when, and that it is private; no mail carries it to anybody.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { type Attachment, attach } from '../attachments.ts'
import { type Event, record } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { type AgentAuthor, lockTicket } from '../tickets.ts'
import { addComment, reserveComment } from './rows.ts'
import { tell } from './tell.ts'

/**
 * Writes it. A new ticket becomes open, as with any note.
 * @param input.toId the agent it is for; absent: whoever the ticket is assigned to, null: for nobody but its author
 * @throws Refusal `empty_text`, `unknown_agent`, `unknown_ticket`, `merged_ticket`
 */
export async function privateComment(
  tx: Tx,
  input: {
    ticketId: number
    agent: AgentAuthor
    text: string
    toId?: number | null
    channel: 'web' | 'mail'
    files?: Attachment[]
  },
  now: Date,
): Promise<{ commentId: number; toId: number | null }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const { agent } = input
  const text = input.text.replaceAll('\r\n', '\n').trim()
  if (!text) throw new Refusal('empty_text', 'There is nothing to write: the text is empty.')
  const wanted = input.toId === undefined ? ticket.assignee_id : input.toId
  const toId = wanted === agent.id ? null : wanted
  if (toId !== null && input.toId !== undefined) await requireActive(tx, toId)
  const commentId = await reserveComment(tx)
  const author = { role: 'agent' as const, agentId: agent.id, name: agent.name, address: agent.address }
  await addComment(
    tx,
    {
      id: commentId,
      ticketId: ticket.id,
      author,
      visibility: 'private',
      addresseeId: toId,
      channel: input.channel,
      text,
      visible: text,
    },
    now,
  )
  await attach(tx, { ticketId: ticket.id, commentId }, input.files ?? [])
  const opens = ticket.status === 'new'
  const events: Event[] = [{ type: 'private_note', data: { comment: commentId, to: toId } }]
  if (opens) events.push({ type: 'status', data: { from: 'new', to: 'open' }, why: 'an agent wrote a note' })
  const actor = { kind: 'agent' as const, id: agent.id, name: agent.name }
  await (opens ? tell : record)(tx, { ticketId: ticket.id, actor, events }, now)
  await addNews(tx, { ticketId: ticket.id, kind: 'note', commentId, agentId: toId, actor }, now)
  await tx`
    update tickets set updated_at = ${now}, status = ${opens ? 'open' : ticket.status} where id = ${ticket.id}`
  return { commentId, toId }
}

async function requireActive(tx: Tx, agentId: number): Promise<void> {
  const rows = await tx`select 1 from agents where id = ${agentId} and disabled_at is null`
  if (rows.length === 0) throw new Refusal('unknown_agent', 'There is no active agent with that address.')
}

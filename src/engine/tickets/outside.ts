/** An answer that reached the customer without the desk: written down, never sent (MAIL 2.17, 6.20). */
import type { Statement, Tx } from '../../database.ts'
import { type Attachment, attach } from '../attachments.ts'
import { type Actor, type Event, system } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { markAnswered } from '../people.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { afterAnswer } from './after-answer.ts'
import { addComment, reserveComment } from './rows.ts'
import { tell } from './tell.ts'

/**
 * A public answer that has left already: it stops the response clock as one of ours does, and nobody gets a mail.
 * @param input.agent null: somebody who writes from the inbox's own mailbox
 * @param input.rows to be written with the comment, whose id they get
 * @throws Refusal `unknown_ticket`, `merged_ticket`
 */
export async function recordOutside(
  tx: Tx,
  input: {
    ticketId: number
    agent: { id: number; name: string } | null
    name: string
    text: string
    files: Attachment[]
    rows: (commentId: number) => Statement[]
    tools: Pick<Tools, 'desk'>
  },
  now: Date,
): Promise<{ commentId: number }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const { agent } = input
  const commentId = await reserveComment(tx)
  const to = afterAnswer({ status: ticket.status, projectId: ticket.project_id }, input.tools.desk)
  const actor: Actor = agent ? { kind: 'agent', id: agent.id, name: agent.name } : system('mail')
  const events: Event[] = [
    { type: 'agent_reply', data: { comment: commentId, public: true, outside: true } },
    { type: 'answered', data: { comment: commentId, agent: agent?.id ?? null } },
  ]
  if (to !== ticket.status)
    events.push({ type: 'status', data: { from: ticket.status, to }, why: 'answered from outside' })
  await tell(tx, { ticketId: ticket.id, actor, events }, now)
  await addComment(
    tx,
    {
      id: commentId,
      ticketId: ticket.id,
      author: { role: 'agent', agentId: agent?.id ?? null, name: input.name, address: null },
      visibility: 'public',
      channel: 'mail',
      text: input.text,
      visible: input.text,
      flags: ['sent_outside'],
    },
    now,
  )
  await attach(tx, { ticketId: ticket.id, commentId }, input.files)
  await Promise.all(input.rows(commentId))
  if (ticket.requester_id) await markAnswered(tx, ticket.requester_id, now)
  await addNews(tx, { ticketId: ticket.id, kind: 'answered', commentId, actor }, now)
  await tx`update tickets set status = ${to}, updated_at = ${now} where id = ${ticket.id}`
  return { commentId }
}

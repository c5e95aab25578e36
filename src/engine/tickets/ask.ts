/**
 * A side question (FEATURES 1.34): an agent asks somebody outside, whose answers are internal comments of the ticket. The
 * mail holds the question and nothing else of the ticket, not even its subject or number; the customer sees neither, and
 * whoever is asked takes no part in the ticket.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { escapeHtml } from '../../html.ts'
import { outgoing } from '../../limits.ts'
import { render } from '../../render.ts'
import { after, SECOND } from '../../time.ts'
import { makeMessageId } from '../../tokens.ts'
import { type Attachment, attach } from '../attachments.ts'
import type { Inbox } from '../desk.ts'
import { type Event, record } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { addressKey, checkAddress, oneLine } from '../outbox/address.ts'
import { domainOf } from '../outbox/headers.ts'
import { signFor } from '../outbox/signed.ts'
import { findSuppressed } from '../outbox/suppressions.ts'
import { type OutgoingMail, queueMail } from '../outbox.ts'
import { findContact, sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'
import { messageIdRows } from '../thread.ts'
import { type AgentAuthor, lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { addComment, reserveComment } from './rows.ts'
import { tell } from './tell.ts'

export type Question = {
  ticketId: number
  agent: AgentAuthor
  address: string
  text: string
  channel: 'web' | 'mail'
  files?: Attachment[]
  tools: Tools
}

/**
 * Asks; the mail waits for the undo window as an answer does, and `cancelForTicket` with the comment takes it back.
 * @throws Refusal `empty_text`, `bad_address`, `own_address`, `is_agent`, `is_customer` for who takes part in the ticket,
 * `suppressed`
 */
export async function ask(
  tx: Tx,
  input: Question,
  now: Date,
): Promise<{ commentId: number; questionId: number; address: string }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const { agent, tools } = input
  const text = input.text.replaceAll('\r\n', '\n').trim()
  if (!text) throw new Refusal('empty_text', 'There is nothing to ask: the text is empty.')
  const address = checkAddress(input.address.trim())
  await refuseInsiders(tx, { ticketId: ticket.id, address, tools }, now)
  const name = (await findContact(tx, address))?.name ?? ''
  const inbox = tools.desk.inboxes.find((one) => one.id === ticket.inbox_id) ?? tools.desk.inboxes[0]!
  const messageId = makeMessageId(tools.keys, 'n', 0, domainOf(inbox.address), now)
  const commentId = await reserveComment(tx)
  await addComment(
    tx,
    {
      id: commentId,
      ticketId: ticket.id,
      author: { role: 'agent', agentId: agent.id, name: agent.name, address: agent.address },
      visibility: 'internal',
      channel: input.channel,
      text,
      visible: text,
      messageId,
      flags: ['side_question'],
    },
    now,
  )
  const [row] = await tx<{ id: number }[]>`
    insert into side_questions (ticket_id, comment_id, agent_id, address, name, asked_at)
    values (${ticket.id}, ${commentId}, ${agent.id}, ${address}, ${name}, ${now}) returning id`
  const questionId = row!.id
  const attachmentIds = await attach(tx, { ticketId: ticket.id, commentId }, input.files ?? [])
  const opens = ticket.status === 'new'
  const events: Event[] = [{ type: 'asked', data: { comment: commentId, question: questionId, to: address } }]
  if (opens) events.push({ type: 'status', data: { from: 'new', to: 'open' }, why: 'an agent asked somebody' })
  const actor = { kind: 'agent' as const, id: agent.id, name: agent.name }
  await (opens ? tell : record)(tx, { ticketId: ticket.id, actor, events }, now)
  const token = { inbox: inbox.id, ticket: ticket.id, person: questionId, generation: ticket.token_generation }
  const mail = questionMail({ token, inbox, to: { address, name: oneLine(name) }, agent, text, messageId, tools })
  await messageIdRows(tx, [{ messageId, ticketId: ticket.id, commentId, direction: 'side' }], now)
  const notBefore = after(now, tools.desk.settings.undo_seconds * SECOND)
  await queueMail(tx, { ...mail, ticketId: ticket.id, commentId, attachmentIds, notBefore }, tools, now)
  await addNews(tx, { ticketId: ticket.id, kind: 'note', commentId, actor }, now)
  await tx`
    update tickets set updated_at = ${now}, status = ${opens ? 'open' : ticket.status} where id = ${ticket.id}`
  return { commentId, questionId, address }
}

async function refuseInsiders(
  tx: Tx,
  { ticketId, address, tools }: { ticketId: number; address: string; tools: Tools },
  now: Date,
): Promise<void> {
  const { desk } = tools
  if (matchRecipient(desk, address)) throw new Refusal('own_address', `${address} is an address of this desk.`)
  const key = sameAddress(address)
  if (desk.agents.has(key)) throw new Refusal('is_agent', `${address} is an agent, who reads your note: write one.`)
  const inside = await tx`
    select 1 from tickets where id = ${ticketId} and lower(requester_address) = ${key}
    union all select 1 from ticket_participants where ticket_id = ${ticketId} and address = ${key}
      and role = 'participant'`
  if (inside.length > 0)
    throw new Refusal('is_customer', `${address} takes part in ticket #${ticketId}: answer the ticket instead.`)
  const found = (await findSuppressed(tx, [address], now)).get(addressKey(address))
  if (found) throw new Refusal('suppressed', `Mail to ${address} failed before (${found.reason}: ${found.evidence}).`)
}

type Asked = {
  token: { inbox: number; ticket: number; person: number; generation: number }
  inbox: Inbox
  to: { address: string; name: string }
  agent: AgentAuthor
  text: string
  messageId: string
  tools: Tools
}

/** No References and no number: what leads back is its id and its reply address, and both make an internal comment. */
function questionMail(asked: Asked): Omit<OutgoingMail, 'ticketId' | 'commentId' | 'attachmentIds' | 'notBefore'> {
  const { token, inbox, to, agent, text, messageId, tools } = asked
  const from = agent.name ? `${oneLine(agent.name)} (${inbox.name})` : inbox.name
  const replyTo = signFor(tools.keys, inbox, { purpose: 'q', comment: 0, ...token })
  return {
    kind: 'reply',
    inboxId: inbox.id,
    messageId,
    recipients: [to],
    headers: [
      ['From', [{ name: from, address: inbox.address }]],
      ['To', [to]],
      ...(replyTo ? [['Reply-To', [{ name: from, address: replyTo }]] as OutgoingMail['headers'][number]] : []),
    ],
    ...render(tools.templates, 'question', inbox.locale, {
      subject: subjectOf(text),
      body: { text, html: escapeHtml(text).replaceAll('\n', '<br>\n') },
      agent_name: agent.name,
      inbox_name: inbox.name,
    }),
    generation: token.generation,
  }
}

/** The question's own first line: the ticket's subject is the customer's. */
function subjectOf(text: string): string {
  const line = oneLine(text.split('\n')[0]!)
  return line.length > outgoing.subject ? `${line.slice(0, outgoing.subject - 1)}…` : line
}

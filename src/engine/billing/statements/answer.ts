/**
 * What the answer to a statement does, once it is decided (engine/receive/statement.ts): the customer's yes closes its
 * month, anything else of theirs says that they object, and a person reads it.
 */
import type { Tx } from '../../../database.ts'
import { statements as limits } from '../../../limits.ts'
import { makeMessageId } from '../../../tokens.ts'
import type { Organization } from '../../desk.ts'
import { type Actor, record } from '../../events.ts'
import { isMessageId, type Mailbox, oneLine } from '../../outbox/address.ts'
import { automaticAllowance } from '../../outbox/budget.ts'
import { conversationHeaders, domainOf, replyAddress } from '../../outbox/headers.ts'
import { queueMail } from '../../outbox.ts'
import { organizationById } from '../../people.ts'
import { rememberOutgoing } from '../../thread.ts'
import { note, setStatus } from '../../tickets.ts'
import { closeEntries } from '../../time-entries/billed.ts'
import type { Tools } from '../../tools.ts'
import { type HeldStatement, holdStatement, periodOf, speaking } from '../statements.ts'
import { type Content, fingerprint, readContent } from './content.ts'
import { daysOfMonth } from './read.ts'
import { approvedWords } from './words.ts'

/** A mail's answer. */
export type StatementAnswer = {
  statementId: number
  /** Which mail of the statement it answers. */
  revision: number
  actor: Actor
  /** Who answered: an address that the statement was sent to. */
  from: Mailbox
  /** What they wrote now. */
  text: string
  /** Of the answer, without angle brackets. */
  messageId: string | null
  tools: Tools
}

/**
 * Approves it: its entries stay as they are, and nothing is added to its month. One mail says so to who approved it.
 * @returns `changed`: the time is not any more what they saw, so nothing is approved, and a note tells the desk
 */
export async function approveStatement(
  tx: Tx,
  answer: StatementAnswer,
  now: Date,
): Promise<'approved' | 'changed' | 'gone'> {
  const { tools, actor, from } = answer
  const row = await holdStatement(tx, answer.statementId)
  const content = row.content
  const isOpen = row.state === 'sent' || row.state === 'disputed'
  if (!isOpen || row.revision !== answer.revision || !content || row.ticket_id === null) return 'gone'
  const ticketId = row.ticket_id
  const organization = organizationById(tools.desk, row.organization_id)
  const days = daysOfMonth(row.month)
  const is =
    organization &&
    (await readContent(tx, { ...speaking({ organization, tools }), period: periodOf(organization, days) }))
  if (!is || fingerprint(is) !== fingerprint(content)) {
    await writeAnswer(tx, { row, state: 'disputed', answer }, now)
    const text = `${from.address} approved the statement of ${row.month}, but its time has changed since it was sent. Nothing is approved: send it again.`
    await note(tx, { ticketId, agent: null, text, channel: 'system' }, now)
    await setStatus(tx, { ticketId, status: 'open', actor, why: 'their answer approves nothing', tools }, now)
    return 'changed'
  }
  await writeAnswer(tx, { row, state: 'approved', answer }, now)
  await closeEntries(
    tx,
    row.id,
    content.rows.map((one) => one.id),
  )
  const data = { statement: row.id, month: row.month, by: from.address, entries: content.rows.length }
  await record(tx, { ticketId, actor, events: [{ type: 'statement_approved', data }] }, now)
  await setStatus(tx, { ticketId, status: 'resolved', actor, why: 'they approved the statement', tools }, now)
  await queueReceipt(tx, { answer, ticketId, organization, from: days.from, content }, now)
  return 'approved'
}

/** They object, or ask: a person is to read it. What is approved stays so. */
export async function disputeStatement(tx: Tx, answer: StatementAnswer, now: Date): Promise<void> {
  const row = await holdStatement(tx, answer.statementId)
  if (row.state !== 'sent' || row.ticket_id === null) return
  await writeAnswer(tx, { row, state: 'disputed', answer }, now)
  const data = { statement: row.id, month: row.month, by: answer.from.address }
  const events = [{ type: 'statement_disputed', data }]
  await record(tx, { ticketId: row.ticket_id, actor: answer.actor, events }, now)
}

async function writeAnswer(
  tx: Tx,
  { row, state, answer }: { row: HeldStatement; state: 'approved' | 'disputed'; answer: StatementAnswer },
  now: Date,
): Promise<void> {
  await tx`
    update statements set state = ${state}, answered_at = ${now}, answered_by = ${answer.from.address},
      answer = ${answer.text.replaceAll('\0', '').toWellFormed().slice(0, limits.answer)}, updated_at = ${now}
    where id = ${row.id}`
}

type Receipt = { answer: StatementAnswer; ticketId: number; organization: Organization; from: string; content: Content }

/** To the address that approved, and nobody else; the budgets of automatic mail hold (MAIL 4a.22). */
async function queueReceipt(
  tx: Tx,
  { answer, ticketId, organization, from, content }: Receipt,
  now: Date,
): Promise<void> {
  const { tools, messageId: answered } = answer
  const { inbox } = speaking({ organization, tools })
  const to = { address: answer.from.address, name: oneLine(answer.from.name) }
  const asked = { address: to.address, ticketId, inboxId: inbox.id, kind: 'notification' } as const
  if (!(await automaticAllowance(tx, asked, now)).allowed) return
  const [row] = await tx<{ subject: string; locale: string; zone: string; generation: number }[]>`
    select subject, locale, zone, token_generation as generation from tickets where id = ${ticketId}`
  const ticket = { id: ticketId, requester: to, ...row! }
  const messageId = makeMessageId(tools.keys, 'a', ticketId, domainOf(inbox.address), now)
  const words = approvedWords({
    templates: tools.templates,
    desk: inbox.name,
    customer: organization.name,
    from,
    locale: ticket.locale,
    content,
    by: to.address,
    reference: replyAddress(tools.keys, inbox, ticket),
  })
  const known = answered && isMessageId(answered) ? [answered] : []
  await rememberOutgoing(tx, { messageId, ticketId, commentId: null }, now)
  await queueMail(
    tx,
    {
      kind: 'ack',
      ticketId,
      commentId: null,
      inboxId: inbox.id,
      generation: ticket.generation,
      messageId,
      recipients: [to],
      headers: conversationHeaders({ keys: tools.keys, inbox, ticket, from: inbox.name, to: [to], cc: [], known }),
      ...words,
      attachmentIds: [],
      notBefore: null,
    },
    tools,
    now,
  )
}

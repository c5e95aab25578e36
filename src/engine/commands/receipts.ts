/**
 * Receipts: one row for each mail with commands, and at most one mail. What failed is always told, but the same thing to
 * the same person once in ten minutes; what was done is told as the agent wishes. Automatic mail, to the stored address
 * of whoever wrote and to nobody else (COMMANDS E4, MAIL 9.8).
 */
import type { Queryable, Tx } from '../../database.ts'
import { commands as limits } from '../../limits.ts'
import { after } from '../../time.ts'
import { makeMessageId } from '../../tokens.ts'
import { isMessageId, oneLine } from '../outbox/address.ts'
import { automaticAllowance } from '../outbox/budget.ts'
import { domainOf, replyAddress } from '../outbox/headers.ts'
import { signFor } from '../outbox/signed.ts'
import { queueMail } from '../outbox.ts'
import type { Tools } from '../tools.ts'
import type { Kept, Receipt } from './receipt.ts'
import { receiptWords } from './receipt-words.ts'

/** Writes the row, and queues the mail where there is to be one. */
export async function writeReceipt(
  tx: Tx,
  receipt: Receipt,
  tools: Tools,
  now: Date,
): Promise<{ receiptId: number; mailed: boolean }> {
  const { outcome, who, ticketId, channel, mail } = receipt
  const address = who.kind === 'agent' ? who.agent.address : who.address
  const agentId = who.kind === 'agent' ? who.agent.id : null
  const reason = outcome === 'error' ? reasonOf(receipt) : ''
  const wanted = await isWanted(tx, { receipt, address, reason, tools }, now)
  const kept = receipt.ran.map(
    ({ line, source, command, ticket, key, data, inverse }): Kept => ({
      line,
      source,
      command,
      ticket,
      key,
      data,
      inverse,
    }),
  )
  const messageId = wanted ? idFor(receipt, tools, now) : null
  const [row] = await tx<{ id: number }[]>`
    insert into receipts (agent_id, address, ticket_id, channel, mail_id, outcome, reason, effects, message_id, at)
    values (${agentId}, ${address}, ${ticketId}, ${channel}, ${mail.id}, ${outcome}, ${reason}, ${JSON.stringify(kept)}::text::jsonb,
      ${messageId}, ${now}) returning id`
  const receiptId = row!.id
  if (messageId !== null) await queueReceipt(tx, { receipt, address, receiptId, messageId, tools }, now)
  return { receiptId, mailed: messageId !== null }
}

/** Receipts of an agent's mails that were not mailed, for the digest of those who want them there; newest last. */
export async function unmailedReceipts(
  sql: Queryable,
  asked: { agentId: number; since: Date },
): Promise<{ id: number; ticketId: number | null; at: Date; effects: Kept[] }[]> {
  return await sql<{ id: number; ticketId: number | null; at: Date; effects: Kept[] }[]>`
    select id, ticket_id as "ticketId", at, effects from receipts
    where agent_id = ${asked.agentId} and at >= ${asked.since} and message_id is null and outcome = 'done' and channel = 'mail'
    order by id limit 200`
}

/** What makes two errors the same: what is wrong, and with which line. */
function reasonOf({ problems }: Receipt): string {
  const [first] = problems
  return first ? `${first.words.key} ${first.source}`.slice(0, 200) : 'error'
}

async function isWanted(
  tx: Tx,
  { receipt, address, reason, tools }: { receipt: Receipt; address: string; reason: string; tools: Tools },
  now: Date,
): Promise<boolean> {
  const { outcome, who, ticketId, inbox } = receipt
  if (who.kind === 'customer') {
    const mail = { address, ticketId, inboxId: inbox.id, kind: 'notification' } as const
    return receipt.ran.length > 0 && (await automaticAllowance(tx, mail, now)).allowed
  }
  if (outcome === 'error') {
    const told = await tx`
      select from receipts
      where agent_id = ${who.agent.id} and reason = ${reason} and message_id is not null
        and at > ${after(now, -limits.sameError)} limit 1`
    return told.length === 0
  }
  const asks = outcome === 'dry' || receipt.ran.some((one) => (one.lines?.length ?? 0) > 0)
  const mode = who.agent.receipts ?? tools.desk.settings.receipts
  return receipt.commands === 'some' && (asks || mode === 'all')
}

const idFor = ({ who, ticketId, inbox }: Receipt, { keys }: Tools, now: Date) =>
  makeMessageId(keys, who.kind === 'agent' ? 'n' : 'a', ticketId ?? 0, domainOf(inbox.address), now)

type Queueing = { receipt: Receipt; address: string; receiptId: number; messageId: string; tools: Tools }

async function queueReceipt(tx: Tx, given: Queueing, now: Date): Promise<void> {
  const { receipt, address, receiptId, messageId, tools } = given
  const { who, ticketId, inbox, mail } = receipt
  const to = { name: oneLine(who.kind === 'agent' ? who.agent.name : who.name), address }
  const ticket = ticketId === null ? null : await ticketOf(tx, ticketId)
  const replyTo = replyToOf(receipt, ticket, tools)
  const known = [...new Set([...mail.references, ...(mail.messageId ? [mail.messageId] : [])])].filter(isMessageId)
  await queueMail(
    tx,
    {
      kind: who.kind === 'agent' ? 'receipt' : 'ack',
      ticketId,
      commentId: null,
      inboxId: inbox.id,
      generation: ticket?.generation ?? 0,
      messageId,
      recipients: [to],
      headers: [
        ['From', [{ name: inbox.name, address: inbox.address }]],
        ['To', [to]],
        ...(replyTo
          ? ([['Reply-To', [{ name: inbox.name, address: replyTo }]]] as [
              string,
              { name: string; address: string }[],
            ][])
          : []),
        ...(mail.messageId && isMessageId(mail.messageId)
          ? ([['In-Reply-To', `<${mail.messageId}>`]] as [string, string][])
          : []),
        ...(known.length > 0
          ? ([
              [
                'References',
                known
                  .slice(-8)
                  .map((id) => `<${id}>`)
                  .join(' '),
              ],
            ] as [string, string][])
          : []),
      ],
      ...receiptWords(receipt, { receiptId, ticket, prefix: tools.desk.settings.subject_prefix }),
      attachmentIds: [],
      notBefore: null,
    },
    tools,
    now,
  )
}

type Ticket = { id: number; generation: number; next_due_at: Date | null }

async function ticketOf(tx: Tx, ticketId: number): Promise<Ticket | null> {
  const [row] = await tx<Ticket[]>`
    select id, token_generation as generation, next_due_at from tickets where id = ${ticketId}`
  return row ?? null
}

function replyToOf({ who, ticketId, inbox, answers }: Receipt, ticket: Ticket | null, { keys }: Tools): string | null {
  const generation = ticket?.generation ?? 0
  if (who.kind === 'customer')
    return ticketId === null
      ? null
      : replyAddress(keys, inbox, {
          id: ticketId,
          subject: '',
          requester: { address: who.address, name: who.name },
          locale: '',
          zone: '',
          generation,
        })
  if (!answers) return null
  const token = { inbox: inbox.id, ticket: ticketId ?? 0, person: who.agent.id, generation }
  return signFor(keys, inbox, { ...token, purpose: answers.purpose, comment: answers.shown })
}

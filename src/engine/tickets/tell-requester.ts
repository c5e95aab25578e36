/**
 * A mail that the desk writes to a ticket's requester by itself, after the acknowledgement: about what agents did to the
 * ticket, in the reader's language, in the conversation that they know. It carries what an unverified sender chose as
 * little as the acknowledgement does (MAIL 4a.25), and goes into the budgets of automatic mail (4a.22).
 */
import type { Tx } from '../../database.ts'
import { type Rendered, spokenLocale } from '../../render.ts'
import { makeMessageId } from '../../tokens.ts'
import { addressKey, isAddress, oneLine } from '../outbox/address.ts'
import { automaticAllowance } from '../outbox/budget.ts'
import { conversationHeaders, domainOf, replyAddress, replySubject } from '../outbox/headers.ts'
import { queueMail } from '../outbox.ts'
import { matchRecipient } from '../recipients.ts'
import { knownMails, rememberOutgoing } from '../thread.ts'
import type { Tools } from '../tools.ts'

/** What of a ticket's row such a mail needs. */
export type Told = {
  id: number
  subject: string
  automatic: boolean
  inbox_id: number | null
  requester_address: string | null
  requester_name: string
  locale: string
  zone: string
  token_generation: number
  /** A mail of theirs was proven to be theirs, or a person has answered them (MAIL 4a.25). */
  trusted: boolean
}

/** What its template may say of the reader: empty is what must not be said. */
export type Reader = { subject: string; number: number; name: string; inbox_name: string; reference: string | null }

/** `refused`: in words, why nothing was queued; null where it was, or where it is of no matter to anybody. */
export type Queued = { outboxIds: number[]; refused: string | null }

/** Columns of a `Told` of ticket `t`. */
export const toldColumns = (tx: Tx) => tx`
  t.id, t.subject, t.automatic, t.inbox_id, t.requester_address, t.requester_name, t.locale, t.zone, t.token_generation,
  exists (
    select from contacts c where c.id = t.requester_id and (c.verified_at is not null or c.answered_at is not null)
  ) as trusted`

/**
 * Queues it, but for tickets that are quiet, for nobody, and for addresses that have had enough (4a.19, 4a.22, 4a.26).
 * @param mail.words makes the mail; `locale` is the language in which dates beside the words are to be written
 */
export async function tellRequester(
  tx: Tx,
  mail: {
    ticket: Told
    words: (reader: Reader, locale: string) => Rendered
    notBefore: Date | null
    tools: Tools
  },
  now: Date,
): Promise<Queued> {
  const { ticket: row, tools } = mail
  const address = row.requester_address
  if (!address || row.automatic || !isAddress(address) || matchRecipient(tools.desk, address))
    return { outboxIds: [], refused: null }
  const inbox = tools.desk.inboxes.find((one) => one.id === row.inbox_id) ?? tools.desk.inboxes[0]!
  const asked = { address, ticketId: row.id, inboxId: inbox.id, kind: 'notification' as const }
  const allowance = await automaticAllowance(tx, asked, now)
  if (!allowance.allowed) return { outboxIds: [], refused: allowance.words }
  const requester = { address, name: row.trusted ? oneLine(row.requester_name) : '' }
  const { id, subject, zone, token_generation: generation } = row
  const locale = spokenLocale(tools.templates, row.locale)
  const ticket = { id, subject, requester, locale, zone, generation }
  const messageId = makeMessageId(tools.keys, 'a', id, domainOf(inbox.address), now)
  const known = (await knownMails(tx, id)).map((one) => one.message_id)
  await rememberOutgoing(tx, { messageId, ticketId: id, commentId: null }, now)
  const from = { keys: tools.keys, inbox, ticket, from: inbox.name, to: [requester], cc: [], known }
  const reader: Reader = {
    subject: row.trusted ? replySubject(oneLine(subject)) : '',
    number: id,
    name: addressKey(requester.name) === addressKey(address) ? '' : requester.name, // no name to greet with
    inbox_name: inbox.name,
    reference: replyAddress(tools.keys, inbox, ticket),
  }
  const queued = await queueMail(
    tx,
    {
      kind: 'notification',
      ticketId: id,
      commentId: null,
      inboxId: inbox.id,
      messageId,
      recipients: [requester],
      headers: conversationHeaders(from),
      ...mail.words(reader, locale),
      attachmentIds: [],
      notBefore: mail.notBefore,
      generation,
    },
    tools,
    now,
  )
  return { outboxIds: queued.map((one) => one.id), refused: null }
}

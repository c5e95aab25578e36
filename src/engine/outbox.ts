/**
 * The outbox: the port between the desk and its outgoing mail. A row is written in the caller's transaction and holds
 * all that the bytes are made of (MAIL 8.20, 8.21); delivery is dumb and repeatable. What delivery may do to a row is
 * in outbox/delivery.ts. It refuses addresses, ids and header names that cannot be written safely (8.17), and makes
 * lines harmless that would be commands when they come back (COMMANDS E5.6).
 */
import { type Change, change, fragment, type Queryable, type Statement, type Tx } from '../database.ts'
import { Refusal } from '../errors.ts'
import { outgoing } from '../limits.ts'
import { after, floored } from '../time.ts'
import type { Keys } from '../tokens.ts'
import type { Inbox } from './desk.ts'
import { addressKey, checkAddress, checkMessageId, type Mailbox, oneLine } from './outbox/address.ts'
import { inertHtml, inertText } from './outbox/inert.ts'
import { signFor } from './outbox/signed.ts'
import type { OutboxKind, OutboxState } from './outbox/tables.ts'

export type { Mailbox } from './outbox/address.ts'

/** Unencoded: text for one line, or the people of an address header. */
export type HeaderValue = string | Mailbox[]

/** What a mail's bytes are made of: the columns of an outbox row (8.21). */
export type Composable = {
  id: number
  message_id: string
  date_at: Date
  headers: [name: string, value: HeaderValue][]
  subject: string
  text: string
  html: string | null
}

/** A mail to be queued; one row per recipient is written, all with the same Message-ID, Date and headers (8.8). */
export type OutgoingMail = {
  kind: OutboxKind
  ticketId: number | null
  commentId: number | null
  inboxId: number | null
  /** Without angle brackets. Made by tokens.ts before this call (8.1). */
  messageId: string
  recipients: Mailbox[]
  /**
   * In order; From, To, Cc and Reply-To as people, the rest as text. Not: Subject, Date, Message-ID, MIME and Content-*,
   * nor the headers of automatic mail (8.9), which the kind decides.
   */
  headers: [name: string, value: HeaderValue][]
  subject: string
  text: string
  html: string | null
  attachmentIds: number[]
  /** The end of the undo window of a public answer (8.20). */
  notBefore: Date | null
  /** Of the ticket's keys; 0 without a ticket. It signs the envelope sender, so a revoked ticket's bounces are told apart. */
  generation: number
  /** From `reserveOutboxIds`, at least one a recipient; without them one more round trip. */
  ids?: number[]
  /** `send`: an agent chose "send anyway" to an address on the suppression list (8.26). Default `stop`. */
  suppressed?: 'stop' | 'send'
  /**
   * `caller`: no notification from the transaction; the caller notifies OUTBOX_CHANNEL, or wakes its own deliverer,
   * after the commit. PostgreSQL lets only one transaction that notifies commit at a time, whatever the disk can do.
   */
  wake?: 'commit' | 'caller'
}

/** The desk's inboxes and the keys; `Tools` is one. */
export type Sending = { keys: Keys; desk: { inboxes: Pick<Inbox, 'id' | 'address' | 'reply_addresses'>[] } }

export type Queued = { id: number; recipient: string; state: 'queued' | 'suppressed' }

/** A row as the outbox command and page show it (8.29). */
export type OutboxEntry = {
  id: number
  kind: OutboxKind
  recipient: string
  subject: string
  ticket_id: number | null
  message_id: string
  state: OutboxState
  tries: number
  next_try_at: Date
  last_answer: string | null
  created_at: Date
}

/** Row ids ahead of the rows: each envelope sender carries its row's id (8.7). Unused ones are lost, which is fine. */
export async function reserveOutboxIds(tx: Queryable, count: number): Promise<number[]> {
  const rows = await tx<{ id: number }[]>`
    select nextval(pg_get_serial_sequence('outbox', 'id')) as id from generate_series(1, ${count}::int)`
  return rows.map((row) => row.id)
}

/**
 * Writes one row per recipient and wakes the deliverer when the transaction commits: one statement. A recipient on the
 * suppression list gets its row too, in state `suppressed`, with the reason as its last answer.
 * @returns the rows, in the order of the recipients without repetitions
 * @throws Refusal `bad_address`, `bad_message_id`, `bad_header`, `no_recipient`, `no_inbox`
 */
export async function queueMail(tx: Tx, mail: OutgoingMail, sending: Sending, now: Date): Promise<Queued[]> {
  const ids = mail.ids ?? (await reserveOutboxIds(tx, mail.recipients.length))
  return await tx<Queued[]>`
    with written as (${fragment(outboxRows(tx, { ...mail, ids }, sending, now))})
    select w.* from written w left join (select pg_notify(${OUTBOX_CHANNEL}, '') where ${mail.wake !== 'caller'}) woken on true
    order by w.id`
}

/** The same as a statement to be run with others, by a caller that wakes the deliverer after its commit. */
export function outboxRows(tx: Tx, mail: OutgoingMail & { ids: number[] }, sending: Sending, now: Date): Statement {
  const { ids } = mail
  const to = uniqueAddresses(mail.recipients)
  if (to.length === 0) throw new Refusal('no_recipient', 'This mail has no recipient.')
  const headers = [
    ...mail.headers.map(([name, value]) => [checkHeaderName(name), checkHeader(name, value)]),
    ...automaticHeaders(mail.kind, sending.keys.instance),
  ]
  const start = mail.notBefore && mail.notBefore > now ? mail.notBefore : now
  const rows = to.map((recipient, index) => ({
    id: ids[index],
    kind: mail.kind,
    priority: PRIORITY[mail.kind],
    ticket_id: mail.ticketId,
    comment_id: mail.commentId,
    message_id: checkMessageId(mail.messageId),
    date_at: floored(now),
    envelope_from: bounceAddress(mail, sending, ids[index]!),
    recipient,
    headers,
    subject: oneLine(mail.subject),
    text: storable(inertText(mail.text)),
    html: mail.html && storable(inertHtml(mail.html)),
    attachment_ids: mail.attachmentIds,
    not_before: mail.notBefore,
    start,
    expires_at: after(start, EXPIRES[mail.kind]),
    now,
    key: mail.suppressed === 'send' ? null : addressKey(recipient),
  }))
  return change(tx, NEW_MAILS, rows)
}

/** `key` null: the suppression list is not asked. */
const NEW_MAILS: Change = {
  columns: `id bigint, kind text, priority smallint, ticket_id bigint, comment_id bigint, message_id text,
    date_at timestamptz, envelope_from text, recipient text, headers jsonb, subject text, text text, html text,
    attachment_ids bigint[], not_before timestamptz, start timestamptz, expires_at timestamptz, now timestamptz, key text`,
  sql: `
    insert into outbox (id, kind, priority, ticket_id, comment_id, message_id, date_at, envelope_from, recipient,
      headers, subject, text, html, attachment_ids, state, not_before, next_try_at, last_answer, expires_at,
      created_at, settled_at)
    overriding system value
    select given.id, given.kind, given.priority, given.ticket_id, given.comment_id, given.message_id, given.date_at,
      given.envelope_from, given.recipient, given.headers, given.subject, given.text, given.html, given.attachment_ids,
      case when s.address is null then 'queued' else 'suppressed' end, given.not_before, given.start,
      'suppressed: ' || s.reason, given.expires_at, given.now, case when s.address is not null then given.now end
    from given
    left join lateral (
      select s.address, s.reason from suppressions s where s.address = given.key and s.expires_at > given.now offset 0) s on true
    returning id, recipient, state`,
}

/** Notified when a row was queued; the deliverer listens, and looks every five seconds anyway. */
export const OUTBOX_CHANNEL = 'postroom_outbox'

/**
 * Undoes what has not left yet: the rows of a ticket, or of one comment of it, that wait (8.20).
 * @returns how many were cancelled; rows already on their way are left alone
 */
export async function cancelForTicket(
  tx: Queryable,
  which: { ticketId: number; commentId: number | null },
  now: Date,
): Promise<number> {
  const { count } = await tx`
    update outbox set state = 'cancelled', settled_at = ${now}
    where ticket_id = ${which.ticketId} and (${which.commentId}::bigint is null or comment_id = ${which.commentId})
      and (state in ('queued', 'deferred') or (state = 'uncertain' and settled_at is null))`
  return count
}

/** @throws Refusal `unknown_mail`, or `too_late` when it is on its way or done */
export async function cancelMail(tx: Queryable, id: number, now: Date): Promise<void> {
  const { count } = await tx`
    update outbox set state = 'cancelled', settled_at = ${now}
    where id = ${id} and (state in ('queued', 'deferred') or (state = 'uncertain' and settled_at is null))`
  if (count === 0) await refuseFor(tx, id, 'cancelled')
}

/**
 * Tries again now, with two more days for a reply and its usual time for other mail. An `uncertain` mail may then
 * arrive twice, with one Message-ID: that is the agent's choice.
 * @throws Refusal `unknown_mail`, or `too_late` when it was sent, is on its way, or its body is no longer kept
 */
export async function retryMail(tx: Queryable, id: number, now: Date): Promise<void> {
  const { count } = await tx`
    update outbox set state = 'queued', next_try_at = ${now}, not_before = null, settled_at = null, deferred_at = null,
      uncertain_at = null, lease_until = null, leased_by = null,
      expires_at = greatest(expires_at, ${now}::timestamptz + (expires_at - coalesce(not_before, created_at)))
    where id = ${id} and text is not null and state not in ('sent', 'leased', 'sending')`
  if (count === 0) await refuseFor(tx, id, 'sent again')
  await tx`select pg_notify(${OUTBOX_CHANNEL}, '')`
}

/** Newest first; `before` is the id of the last row of the page before. */
export async function listOutbox(
  tx: Queryable,
  filter: { state?: OutboxState; recipient?: string; ticketId?: number; before?: number; limit?: number },
): Promise<OutboxEntry[]> {
  return await tx<OutboxEntry[]>`
    select id, kind, recipient, subject, ticket_id, message_id, state, tries, next_try_at, last_answer, created_at
    from outbox
    where (${filter.state ?? null}::text is null or state = ${filter.state ?? null})
      and (${filter.recipient ?? null}::text is null or recipient = ${filter.recipient ?? null})
      and (${filter.ticketId ?? null}::bigint is null or ticket_id = ${filter.ticketId ?? null})
      and (${filter.before ?? null}::bigint is null or id < ${filter.before ?? null})
    order by id desc limit ${filter.limit ?? null}::bigint`
}

/** Takes the words out of mails that were settled before `before` (HOUSE, Kept); who, when and what became of it stay. */
export async function purgeBodies(sql: Queryable, before: Date): Promise<number> {
  const { count } = await sql`
    update outbox set text = null, html = null
    where settled_at < ${before} and (text is not null or html is not null)`
  return count
}

/** Replies before acknowledgements and sign-in links before notifications before surveys (8.28). */
const PRIORITY: Record<OutboxKind, number> = {
  reply: 0,
  ack: 1,
  login: 1,
  receipt: 1,
  statement: 2,
  notification: 2,
  notice: 2,
  survey: 3,
}

const EXPIRES: Record<OutboxKind, number> = {
  reply: outgoing.giveUp,
  ack: outgoing.ackExpires,
  login: outgoing.ackExpires,
  notification: outgoing.notificationExpires,
  notice: outgoing.notificationExpires,
  receipt: outgoing.notificationExpires,
  statement: outgoing.giveUp,
  survey: outgoing.giveUp,
}

const ADDRESS_HEADERS = new Set(['from', 'to', 'cc', 'reply-to'])
const ID_HEADERS = new Set(['in-reply-to', 'references'])

/** compose.ts or the kind writes these. */
const RESERVED =
  /^(?:subject|date|message-id|mime-version|content-.*|bcc|sender|auto-submitted|precedence|x-auto-response-suppress|x-postroom-loop|dkim-signature|return-path|received)$/i

/** An agent's answer carries none of them: some desks read even `Auto-Submitted: no` as automatic (8.9). */
function automaticHeaders(kind: OutboxKind, instance: string): [string, string][] {
  if (kind === 'reply') return []
  return [
    ['Auto-Submitted', kind === 'ack' || kind === 'receipt' ? 'auto-replied' : 'auto-generated'],
    ['X-Auto-Response-Suppress', 'All'],
    ['X-Postroom-Loop', instance],
  ]
}

function uniqueAddresses(recipients: Mailbox[]): string[] {
  const byKey = new Map<string, string>()
  for (const { address } of recipients) {
    const checked = checkAddress(address)
    if (!byKey.has(addressKey(checked))) byKey.set(addressKey(checked), checked)
  }
  return [...byKey.values()]
}

function checkHeaderName(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9-]{0,60}$/.test(name) || RESERVED.test(name))
    throw new Refusal('bad_header', `A mail cannot carry the header ${JSON.stringify(name)} of its own.`)
  return name
}

function checkHeader(name: string, value: HeaderValue): HeaderValue {
  const people = ADDRESS_HEADERS.has(name.toLowerCase())
  if (people !== Array.isArray(value))
    throw new Refusal('bad_header', `${name} takes ${people ? 'people with name and address' : 'text'}.`)
  if (Array.isArray(value))
    return value.map((one) => ({ name: storable(oneLine(one.name)), address: checkAddress(one.address) }))
  if (ID_HEADERS.has(name.toLowerCase()))
    for (const id of value.split(' ')) checkMessageId(id.replace(/^<(.*)>$/, '$1'))
  return storable(oneLine(value))
}

/** PostgreSQL's text and jsonb hold neither NUL nor half a surrogate pair. */
const storable = (text: string) => text.replaceAll('\0', '').toWellFormed()

/**
 * Of the inbox that the mail speaks for, else the desk's first: a sign-in link belongs to none. An inbox without signed
 * addresses takes bounces at its own; the Message-ID of what comes back says what they are about (4a.4 (2)).
 */
function bounceAddress(mail: OutgoingMail, { keys, desk }: Sending, id: number): string {
  const inbox = desk.inboxes.find((one) => one.id === mail.inboxId) ?? desk.inboxes[0]
  if (!inbox) throw new Refusal('no_inbox', 'The desk has no inbox to send from: add one to the desk file.', 'config')
  const { ticketId, generation } = mail
  const token = { purpose: 'b', inbox: inbox.id, ticket: ticketId ?? 0, person: id, generation, comment: 0 } as const
  return checkAddress(signFor(keys, inbox, token) ?? inbox.address)
}

async function refuseFor(tx: Queryable, id: number, verb: string): Promise<never> {
  const [row] = await tx<{ state: OutboxState }[]>`select state from outbox where id = ${id}`
  if (!row) throw new Refusal('unknown_mail', `There is no outgoing mail ${id}.`)
  throw new Refusal('too_late', `Outgoing mail ${id} is ${row.state} and can no longer be ${verb}.`)
}

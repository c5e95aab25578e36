/**
 * The spool: every mail from the moment its bytes are durable to its final state. Nobody else writes inbound_mails.
 * 250 and IMAP flags come only after `accept` has committed (0.1, 0.3).
 *
 * Here: its words, and what people do with a mail that is held or quarantined. spool/accept.ts takes mails in,
 * spool/claims.ts hands them to workers and ends them, spool/imap.ts keeps what was seen in IMAP folders.
 */
import { dropBlob, readBlob } from '../blobs.ts'
import { notify, type Queryable, type Sql, type Tx, transaction } from '../database.ts'
import { Refusal } from '../errors.ts'
import type { Confirmed, ReleasedAs } from '../incoming.ts'
import * as limits from '../limits.ts'
import { after } from '../time.ts'
import type { MailState } from './tables.ts'

export { requestImport } from './spool/imap.ts'
export { requestOriginal } from './spool/originals.ts'

/** Where workers listen for mails that may be claimed; the payload is empty. */
export const MAIL_CHANNEL = 'postroom_mail'

/** What the wire knows of a mail besides its bytes. */
export type Envelope = {
  via: 'mx' | 'lmtp' | 'imap' | 'import'
  /** Which listener or mailbox. */
  listener: string
  /** '' is the null sender, null unknown (IMAP). */
  from: string | null
  /** As the client wrote them; `inbox` is the key of the inbox served, `tag` what followed the separator. */
  recipients: { address: string; inbox: string | null; tag: string | null }[]
  session: {
    ip?: string
    helo?: string
    tls?: boolean
    smtputf8?: boolean
    body?: string
    /** Accepted, but to be held for this reason (1.19 on lmtp). */
    held?: 'loop'
    /** Accepted, but to be quarantined for this reason (1.13 on lmtp). */
    quarantined?: 'header'
  }
  /** Trace lines to be shown in front of the raw, CRLF-terminated (1.18). */
  prefix: string
  receivedAt: Date
}

/** A claimed mail, leased to one worker. */
export type ClaimedMail = {
  id: number
  envelope: Envelope
  blobId: number
  bytes: number
  /** This one included. */
  attempts: number
  /** It used its attempts up before: quarantine it, do not try again (2.15). */
  exhausted: boolean
  /** The fallback ticket of an earlier quarantine, if any (CLI, States of a mail). */
  ticketId: number | null
  /** Set when a person released a held mail: it is then treated as if it had just arrived (4a.28). */
  releasedAt: Date | null
  /** As what, where an agent said so. */
  releasedAs: ReleasedAs | null
  /** The agent who said that it is theirs, if that is why it was released (5.6). */
  confirmed: Confirmed | null
}

/** How a mail ended; written in the same transaction as what it did. */
export type Outcome = {
  state: Exclude<MailState, 'received' | 'processing' | 'discarded'>
  kind: string | null
  messageId: string | null
  from: string | null
  subject: string | null
  ticketId: number | null
  commentId: number | null
  duplicateOf: number | null
  /** Set on the first mail of its kind, null on copies (3.8). */
  dedupeKey: Buffer | null
  likeness: Likeness | null
  reasons: { code: string; words: string }[]
  trace: unknown
}

/** What tells a copy from a collision (3.3, 3.4). */
export type Likeness = { from: string; date: string; subject: string; body: string; bare: string; list: boolean }

/** A mail as the lists show it. */
export type MailRow = {
  id: number
  receivedAt: Date
  via: Envelope['via']
  listener: string
  envelopeFrom: string | null
  recipients: Envelope['recipients']
  bytes: number
  state: MailState
  kind: string | null
  from: string | null
  subject: string | null
  messageId: string | null
  ticketId: number | null
  commentId: number | null
  duplicateOf: number | null
  reasons: { code: string; words: string }[]
  attempts: number
  /** Null once the raw is gone (kept.discarded after a discard). */
  blobId: number | null
  settledAt: Date | null
  settledBy: string | null
}

/** The same with what only one mail's page shows. */
export type WholeMail = MailRow & {
  session: Envelope['session']
  prefix: string
  trace: unknown
  releasedAt: Date | null
  releasedAs: ReleasedAs | null
}

/** Newest first; `before` is an id, for the next page. */
export async function listMails(
  sql: Queryable,
  {
    states,
    limit,
    before,
  }: { states?: MailState[] | undefined; limit?: number | undefined; before?: number | undefined },
): Promise<MailRow[]> {
  const rows = await sql<MailRow[]>`
    select ${rowColumns(sql)} from inbound_mails
    where (${states ?? null}::text[] is null or ${shownState(sql)} = any(${states ?? null}::text[]))
      and (${before ?? null}::bigint is null or id < ${before ?? null})
    order by id desc limit ${limit ?? null}`
  return [...rows]
}

/** @throws Refusal `no_mail` */
export async function getMail(sql: Queryable, id: number): Promise<WholeMail> {
  const [mail] = await sql<WholeMail[]>`
    select ${rowColumns(sql)}, session, prefix, trace, released_at as "releasedAt", released_as as "releasedAs" from inbound_mails where id = ${id}`
  if (!mail) throw noMail(id)
  return mail
}

/**
 * The bytes as received, streamed; `traced` puts our own trace lines in front (1.18), which a customer never gets
 * (9.11).
 * @throws Refusal `no_mail`, `raw_gone`
 */
export async function* readRaw(
  sql: Queryable,
  { id, form }: { id: number; form: 'bare' | 'traced' },
): AsyncGenerator<Buffer, void, undefined> {
  const mail = await getMail(sql, id)
  if (mail.blobId === null)
    throw new Refusal('raw_gone', `The bytes of mail ${id} were removed after it was discarded.`)
  if (form === 'traced' && mail.prefix) yield Buffer.from(mail.prefix)
  yield* readBlob(sql, mail.blobId)
}

/** Has a quarantined mail worked on again, with all its attempts; it goes on with its fallback ticket if it has one. */
export async function retry(tx: Tx, { id, by }: { id: number; by: string }, now: Date): Promise<void> {
  await reopen(tx, { id, from: ['quarantined'], reason: { code: 'retried', words: `Retried by ${by}.` } }, now)
}

/**
 * Treats a held mail as if it had just arrived (4a.28); `confirmed`: its agent said so, and it is done as theirs (5.6);
 * `as`: what it is to become. The ticket that it waited beside is one that it claims, and none to go on with as that of a
 * mail that could not be read.
 */
export async function release(
  tx: Tx,
  released: { id: number; by: string; confirmed?: Confirmed | null; as?: ReleasedAs | null },
  now: Date,
): Promise<void> {
  const { id, by, confirmed = null, as = null } = released
  await reopen(tx, { id, from: ['held'], reason: { code: 'released', words: `Released by ${by}.` } }, now)
  await tx`
    update inbound_mails set released_at = ${now}, released_by = ${by}, released_as = ${as},
      confirmed = ${confirmed && JSON.stringify(confirmed)}::text::jsonb,
      ticket_id = case when ${as}::text is null and ticket_id is distinct from (trace #>> '{thread,ticket}')::bigint
        then ticket_id end
    where id = ${id}`
}

/** The same by the agent whose mail it is; false: it is not held any more, and nothing was done. */
export async function releaseTheirs(
  tx: Tx,
  { id, confirmed }: { id: number; confirmed: Confirmed },
  now: Date,
): Promise<boolean> {
  const [row] = await tx<{ confirmed: Confirmed | null }[]>`
    select confirmed from inbound_mails where id = ${id} and state = 'held' for update`
  if (!row) return false
  // what they said before stays said
  const before = row.confirmed?.agent === confirmed.agent ? row.confirmed.by : []
  const by = [...new Set([...before, ...confirmed.by])]
  await release(tx, { id, by: confirmed.agent, confirmed: { ...confirmed, by } }, now)
  return true
}

/** The same for a mail that lay in a spam folder and is held for that alone; false: it is none, and nothing was done. */
export async function releaseSpam(tx: Tx, { id, by }: { id: number; by: string }, now: Date): Promise<boolean> {
  const rows = await tx`
    select id from inbound_mails where id = ${id} and state = 'held' and session ->> 'junk' = 'true'
      and reasons @> '[{"code": "spam"}]' for update`
  if (rows.length > 0) await release(tx, { id, by }, now)
  return rows.length > 0
}

/**
 * Gives up a held or quarantined mail; its raw stays limits.kept.discarded more.
 * @throws Refusal `no_mail`, `mail_state`
 */
export async function discard(
  tx: Tx,
  { id, by, why }: { id: number; by: string; why: string },
  now: Date,
): Promise<void> {
  const reason = { code: 'discarded', words: why ? `Discarded by ${by}: ${why}` : `Discarded by ${by}.` }
  const rows = await tx`
    update inbound_mails set state = 'discarded', settled_at = ${now}, settled_by = ${by},
      reasons = reasons || ${JSON.stringify(reason)}::text::jsonb
    where id = ${id} and state in ('held', 'quarantined') returning id`
  if (rows.length === 0) throw await wrongState(tx, id, ['held', 'quarantined'])
}

/**
 * What time takes away (HOUSE, Kept): mails held too long are discarded, the raw of discarded ones is removed, and
 * dedupe keys expire (2.8).
 */
export async function purge(sql: Sql, now: Date): Promise<{ discarded: number; removed: number; forgotten: number }> {
  const discarded = await repeat(() => discardOld(sql, now))
  const removed = await repeat(() => removeRaw(sql, now))
  const forgotten = await repeat(() => forgetKeys(sql, now))
  return { discarded, removed, forgotten }
}

const rowColumns = (sql: Queryable) => sql`
  id, received_at as "receivedAt", via, listener, envelope_from as "envelopeFrom", recipients, bytes, ${shownState(sql)} as state, kind,
  from_address as "from", subject, message_id as "messageId", ticket_id as "ticketId", comment_id as "commentId",
  duplicate_of as "duplicateOf", reasons, attempts, blob_id as "blobId", settled_at as "settledAt",
  settled_by as "settledBy"`

/** A worker that ends a mail, or gives it back, lets go of it. */
const shownState = (sql: Queryable) => sql`case when leased_by is null then state else 'processing' end`

/** Back to the queue, at its old place in its conversation. */
async function reopen(
  tx: Tx,
  { id, from, reason }: { id: number; from: MailState[]; reason: { code: string; words: string } },
  now: Date,
): Promise<void> {
  const rows = await tx`
    with opened as (
      update inbound_mails set state = 'received', attempts = 0, failures = 0, due_at = ${now}, settled_at = null, settled_by = null,
        lease_until = null, leased_by = null, reasons = reasons || ${JSON.stringify(reason)}::text::jsonb
      where id = ${id} and state = any(${from}::text[]) returning id, ids
    ), waiting as (
      insert into pending_ids (hash, mail_id) select distinct hash, id from opened, unnest(ids) as hash
      on conflict do nothing
    )
    select id from opened`
  if (rows.length === 0) throw await wrongState(tx, id, from)
  await notify(tx, MAIL_CHANNEL)
}

const noMail = (id: number) => new Refusal('no_mail', `There is no mail ${id}.`)

async function wrongState(tx: Queryable, id: number, wanted: MailState[]): Promise<Refusal> {
  const [mail] = await tx<{ state: MailState }[]>`select ${shownState(tx)} as state from inbound_mails where id = ${id}`
  if (!mail) return noMail(id)
  return new Refusal('mail_state', `Mail ${id} is ${mail.state}, not ${wanted.join(' or ')}.`)
}

/** In small transactions, so that a long absence does not end in one that locks thousands of rows. */
async function repeat(step: () => Promise<number>): Promise<number> {
  for (let total = 0; ; ) {
    const count = await step()
    total += count
    if (count < limits.spool.purge) return total
  }
}

async function discardOld(sql: Sql, now: Date): Promise<number> {
  const reason = { code: 'discarded', words: 'Discarded by the purge: held too long.' }
  const rows = await sql`
    update inbound_mails set state = 'discarded', settled_at = ${now}, settled_by = 'purge',
      reasons = reasons || ${JSON.stringify(reason)}::text::jsonb
    where id in (
      select id from inbound_mails where state = 'held' and settled_at < ${after(now, -limits.kept.held)}
      order by id limit ${limits.spool.purge} for update skip locked)
    returning id`
  return rows.length
}

async function removeRaw(sql: Sql, now: Date): Promise<number> {
  return transaction(sql, async (tx) => {
    const rows = await tx<{ blob_id: number }[]>`
      with old as (
        select id, blob_id from inbound_mails
        where state = 'discarded' and settled_at < ${after(now, -limits.kept.discarded)} and blob_id is not null
        order by id limit ${limits.spool.purge} for update skip locked)
      update inbound_mails m set blob_id = null from old where m.id = old.id returning old.blob_id`
    for (const blobId of new Set(rows.map((row) => row.blob_id))) await dropUnused(tx, blobId)
    return rows.length
  })
}

/** Another mail or an attachment may have the same content; the foreign keys know. */
async function dropUnused(tx: Tx, blobId: number): Promise<void> {
  try {
    await tx.savepoint((inner) => dropBlob(inner, blobId))
  } catch (error) {
    if ((error as { code?: string }).code !== '23503') throw error
  }
}

async function forgetKeys(sql: Sql, now: Date): Promise<number> {
  const rows = await sql`
    update inbound_mails set dedupe_key = null
    where id in (
      select id from inbound_mails where dedupe_key is not null and settled_at < ${after(now, -limits.kept.dedupe)}
      order by id limit ${limits.spool.purge})
    returning id`
  return rows.length
}

/**
 * Taking mails to work on, and ending them: claims with a lease (2.15), the order inside a conversation, and the one
 * statement that gives a mail its final state (0.2). Only who holds the lease may end a mail: a worker that lost it
 * fails in its own transaction, so nothing is done twice.
 */
import {
  ask,
  type Change,
  change,
  each,
  type Queryable,
  type Sql,
  type Statement,
  type Tx,
  together,
} from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Auth, Confirmed, ReleasedAs, Verdict } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import { after } from '../../time.ts'
import type { ClaimedMail, Envelope, Likeness, Outcome } from '../spool.ts'
import type { MailState } from '../tables.ts'

/** An earlier mail that may be the same (3.3, 3.4, 3.5). */
export type EarlierMail = {
  id: number
  state: MailState
  kind: string | null
  receivedAt: Date
  messageId: string | null
  from: string | null
  /** The whole dedupe key is equal, not only the Message-ID. */
  sameKey: boolean
  likeness: Likeness | null
  ticketId: number | null
  commentId: number | null
  duplicateOf: number | null
}

/** `exhausted`: the attempts are used up and the lease is still held; quarantine it. */
export type Failure = 'again' | 'exhausted'

/**
 * Takes up to `limit` mails for `worker`, oldest first. Passed over: not due, leased to a worker that still renews,
 * and a mail while an older unfinished one shares an id with it, so two of one conversation are never under way at
 * once. Each claim counts as an attempt before any work is done; a mail with `exhausted` set was begun
 * limits.pipeline.deaths times and never ended, or failed limits.pipeline.attempts times, and is only good for
 * `quarantine`.
 *
 * A mail that was begun before is a suspect: one at most is taken, and none while the worker has one in hand. Else the
 * mails that happen to be under way beside a poisonous one, or when somebody kills the daemon, would be counted out
 * with it. The one begun least often comes first: a daemon that is killed again and again before it can finish its first
 * mail must not spend all those deaths on the same one.
 */
export async function claim(
  sql: Sql,
  { worker, limit, suspects = 'one' }: { worker: string; limit: number; suspects?: 'one' | 'none' },
  now: Date,
): Promise<ClaimedMail[]> {
  // A queue's statistics are always stale, so the shape of the statement fixes the plan: the oldest that are due, then
  // one after the other, in order, the question whether an older one shares an id, and the row's lock, until `limit` are
  // found. As one flat query the planner asks of all that wait: with 1,000 waiting a claim took 50 ms, this one 1 ms.
  // The lowest id is asked for because below it the index still holds all that ended since the last vacuum.
  // Its commit waits for no disk: a claim that a crash of the server takes back is a mail that nobody has begun.
  const rows = await sql<ClaimedRow[]>`
    with soon as materialized (select set_config('synchronous_commit', 'off', true))
    update inbound_mails set attempts = attempts + 1, started_at = ${now},
      lease_until = ${after(now, limits.pipeline.lease)}, leased_by = ${worker}
    from soon where id in (
      with oldest as materialized (
        select id, attempts from inbound_mails
        where state = 'received' and due_at <= ${now} and (lease_until is null or lease_until <= ${now})
          and id >= (select id from inbound_mails where state = 'received' order by id limit 1)
        order by id limit ${limits.pipeline.ahead}
      )
      (select free.id from (
        select id from oldest where attempts > 0 and ${suspects === 'one'} order by attempts, id) waiting, ${free(sql, now)}
      limit 1)
      union all
      (select free.id from (select id from oldest where attempts = 0 order by id) waiting, ${free(sql, now)}
      limit ${limit})
      limit ${limit})
    returning id, via, listener, envelope_from, recipients, session, prefix, received_at, blob_id, bytes, attempts,
      failures, ticket_id, released_at, released_as, confirmed`
  return rows.map(claimedMail).sort((a, b) => a.id - b.id)
}

/** Of the rows `waiting`: those that no older unfinished mail shares an id with, still due, and locked. */
const free = (sql: Sql, now: Date) => sql`
  lateral (
    select m.id from inbound_mails m
    where m.id = waiting.id and m.state = 'received' and m.due_at <= ${now}
      and (m.lease_until is null or m.lease_until <= ${now})
      and not exists (
        select from unnest(m.ids) own (hash), lateral (
          select from pending_ids older where older.hash = own.hash and older.mail_id < m.id offset 0) older)
    for update skip locked) free`

/** Renews the leases that `worker` still holds. @returns the ids held; work on the others is in vain */
export async function extend(
  sql: Sql,
  { worker, ids }: { worker: string; ids: number[] },
  now: Date,
): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    update inbound_mails set lease_until = ${after(now, limits.pipeline.lease)}
    where id = any(${ids}::bigint[]) and leased_by = ${worker} returning id`
  return rows.map((row) => row.id)
}

/**
 * Puts a mail back that could not be worked on through no fault of its own (an outage, a stop): the attempt does not
 * count. A lease that is lost already is left alone.
 */
export async function giveBack(
  sql: Queryable,
  { worker, id, delay, words }: { worker: string; id: number; delay: number; words: string },
  now: Date,
): Promise<void> {
  await sql`
    update inbound_mails set lease_until = null, leased_by = null, due_at = ${after(now, delay)},
      attempts = greatest(attempts - 1, 0),
      reasons = jsonb_path_query_array(reasons, '$[*] ? (@.code != "given_back")')
        || jsonb_build_object('code', 'given_back', 'words', ${storable(words)}::text)
    where id = ${id} and leased_by = ${worker}`
}

/**
 * Records an attempt that failed: the mail waits (limits.pipeline.backoff, doubled each time) or, at the last of
 * limits.pipeline.attempts, stays leased to be quarantined by the caller.
 * @throws Refusal `lease_lost`
 */
export async function fail(
  sql: Queryable,
  { worker, id, words }: { worker: string; id: number; words: string },
  now: Date,
): Promise<Failure> {
  const mayTryAgain = sql`failures + 1 < ${limits.pipeline.attempts}`
  const [row] = await sql<{ failures: number }[]>`
    update inbound_mails set failures = failures + 1,
      reasons = reasons || jsonb_build_object('code', 'attempt_failed', 'words', ${storable(words)}::text),
      due_at = ${now}::timestamptz + ${limits.pipeline.backoff}::float8 * 2 ^ failures * interval '1 millisecond',
      lease_until = case when ${mayTryAgain} then null else lease_until end,
      leased_by = case when ${mayTryAgain} then null else leased_by end
    where id = ${id} and leased_by = ${worker} returning failures`
  if (!row) throw leaseLost(id)
  return row.failures < limits.pipeline.attempts ? 'again' : 'exhausted'
}

/** Mails other than `id` that carry this Message-ID or one of the dedupe keys, oldest first, at most 20. */
export async function findLikeness(
  tx: Queryable,
  { id, messageId, dedupeKeys }: { id: number; messageId: string | null; dedupeKeys: Buffer[] },
): Promise<EarlierMail[]> {
  return ask<EarlierMail>(tx, EARLIER, { id, message_id: messageId, keys: dedupeKeys.map(hex) })
}

const hex = (bytes: Buffer) => `\\x${bytes.toString('hex')}`

const EARLIER = each(
  'id bigint, message_id text, keys bytea[]',
  `select id, state, kind, received_at as "receivedAt", message_id as "messageId", from_address as "from",
     coalesce(dedupe_key = any(given.keys), false) as "sameKey", likeness, ticket_id as "ticketId",
     comment_id as "commentId", duplicate_of as "duplicateOf"
   from inbound_mails m
   where m.id <> given.id and (m.message_id = given.message_id or m.dedupe_key = any(given.keys))
   order by id limit 20`,
)

/** How a claimed mail ends; `rows`: what it asked for, as far as it can be done in the same statement. */
export type Ending = { id: number; worker: string; outcome: Outcome; rows?: Statement[] }

/**
 * Gives claimed mails their final states, in the transaction that did what they asked for, in one statement.
 * @throws Refusal `lease_lost`: another worker has one or ended it; drop the work.
 * @throws Refusal `duplicate_mail`: a mail with this dedupe key was finished meanwhile (3.8); decide again, it is
 *   found now. Either way the transaction is undone.
 */
export async function finish(tx: Tx, endings: Ending[], now: Date): Promise<void> {
  const ends = change(
    tx,
    ENDS,
    endings.map(({ id, worker, outcome }) => ({
      id,
      worker,
      state: outcome.state,
      kind: outcome.kind,
      message_id: outcome.messageId,
      from_address: outcome.from,
      subject: outcome.subject,
      ticket_id: outcome.ticketId,
      comment_id: outcome.commentId,
      duplicate_of: outcome.duplicateOf,
      dedupe_key: outcome.dedupeKey && hex(outcome.dedupeKey),
      likeness: outcome.likeness,
      reasons: outcome.reasons,
      trace: outcome.trace ?? null,
      settled_at: now,
    })),
  )
  const nobodyWaits = change(
    tx,
    NO_LONGER_PENDING,
    endings.map(({ id }) => ({ id })),
  )
  try {
    // if the lease is lost all of it is undone
    const done = await together(tx, [ends, nobodyWaits, ...endings.flatMap(({ rows }) => rows ?? [])])
    const lost = endings.find(({ id }) => !done.some((row) => row.id === id))
    if (lost) throw leaseLost(lost.id)
  } catch (error) {
    if (isDuplicateKey(error))
      throw new Refusal('duplicate_mail', 'This mail is a copy of one finished meanwhile.', 'user', { cause: error })
    throw error
  }
}

const ENDS: Change = {
  columns: `id bigint, worker text, state text, kind text, message_id text, from_address text, subject text,
    ticket_id bigint, comment_id bigint, duplicate_of bigint, dedupe_key bytea, likeness jsonb, reasons jsonb, trace json,
    settled_at timestamptz`,
  sql: `
    update inbound_mails m set state = given.state, kind = given.kind, message_id = given.message_id,
      from_address = given.from_address, subject = given.subject, ticket_id = given.ticket_id,
      comment_id = given.comment_id, duplicate_of = given.duplicate_of, dedupe_key = given.dedupe_key,
      likeness = given.likeness, reasons = given.reasons, trace = given.trace, settled_at = given.settled_at,
      settled_by = null, lease_until = null, leased_by = null
    from given where m.id = given.id and m.leased_by = given.worker returning m.id`,
}

const NO_LONGER_PENDING: Change = {
  columns: 'id bigint',
  sql: 'delete from pending_ids where mail_id = any(array(select id from given))',
}

/** Gives a finished mail a better verdict that a copy of it brought (3.9); a worse one changes nothing. */
export function upgradeVerdict(tx: Tx, { id, auth }: { id: number; auth: Auth }): Statement {
  const below = VERDICTS.slice(0, VERDICTS.indexOf(auth.verdict))
  return tx`
    update inbound_mails set trace = jsonb_set(trace::jsonb, '{auth}', ${json(auth)}::text::jsonb)::json
    where id = ${id} and trace -> 'auth' ->> 'verdict' = any(${below}::text[])`
}

const VERDICTS: Verdict[] = ['fail', 'none', 'weak', 'strong']

/**
 * Quarantined tries of a mail that came once more, byte for byte, and could be read this time, are copies of it: else
 * somebody would have to look at what is done already. Only equal bytes count, or a stranger who knows a Message-ID
 * could take a mail out of the quarantine.
 */
export function readAtLast(tx: Tx, { ids, as }: { ids: number[]; as: number }, now: Date): Statement {
  const reason = { code: 'duplicate', words: `it came again as mail ${as}, which could be read` }
  return tx`
    update inbound_mails set state = 'recorded', duplicate_of = ${as},
      reasons = reasons || ${json(reason)}::text::jsonb, settled_at = ${now}
    where id = any(${ids}::bigint[]) and state = 'quarantined'
      and blob_id = (select blob_id from inbound_mails where id = ${as})`
}

/** Ends a mail that cannot be worked on (2.15): visible, never dropped. What earlier attempts wrote down stays. */
export async function quarantine(
  tx: Tx,
  mail: { id: number; worker: string; ticketId: number | null; reason: { code: string; words: string } },
  now: Date,
): Promise<void> {
  const done = await tx`
    with done as (
      update inbound_mails set state = 'quarantined', ticket_id = coalesce(${mail.ticketId}::bigint, ticket_id),
        reasons = reasons || ${json(mail.reason)}::text::jsonb, settled_at = ${now}, settled_by = null,
        lease_until = null, leased_by = null
      where id = ${mail.id} and leased_by = ${mail.worker} returning id
    ), gone as (delete from pending_ids where mail_id in (select id from done))
    select id from done`
  if (done.length === 0) throw leaseLost(mail.id)
}

type ClaimedRow = {
  id: number
  via: Envelope['via']
  listener: string
  envelope_from: string | null
  recipients: Envelope['recipients']
  session: Envelope['session']
  prefix: string
  received_at: Date
  blob_id: number
  bytes: number
  attempts: number
  failures: number
  ticket_id: number | null
  released_at: Date | null
  released_as: ReleasedAs | null
  confirmed: Confirmed | null
}

function claimedMail(row: ClaimedRow): ClaimedMail {
  const { via, listener, recipients, session, prefix } = row
  return {
    id: row.id,
    envelope: { via, listener, from: row.envelope_from, recipients, session, prefix, receivedAt: row.received_at },
    blobId: row.blob_id,
    bytes: row.bytes,
    attempts: row.attempts,
    exhausted: row.attempts > limits.pipeline.deaths || row.failures >= limits.pipeline.attempts,
    ticketId: row.ticket_id,
    releasedAt: row.released_at,
    releasedAs: row.released_as,
    confirmed: row.confirmed,
  }
}

const leaseLost = (id: number) => new Refusal('lease_lost', `Mail ${id} is another worker's by now.`)

/** As text, because PostgreSQL's jsonb holds neither NUL nor lone surrogates, wherever in the value they stand. */
const json = (value: unknown): string | null =>
  value === null || value === undefined
    ? null
    : JSON.stringify(value, (_, part) => (typeof part === 'string' ? storable(part) : part))

const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed()

function isDuplicateKey(error: unknown): boolean {
  const { code, constraint_name } = error as { code?: string; constraint_name?: string }
  return code === '23505' && constraint_name === 'inbound_mails_dedupe'
}

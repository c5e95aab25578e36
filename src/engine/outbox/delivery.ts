/**
 * What delivery may do to a row of the outbox: claim it by a lease, mark it before its bytes go out, record how it
 * ended (MAIL 8.20-8.24, 8.26). Nothing else changes a row's state once it is queued, except cancel and retry.
 */
import type { Queryable, Statement } from '../../database.ts'
import { outgoing } from '../../limits.ts'
import { after, DAY, HOUR } from '../../time.ts'
import type { HeaderValue } from '../outbox.ts'
import { suppress } from './suppressions.ts'
import type { OutboxKind, OutboxState } from './tables.ts'

/** A row in the hands of one worker. */
export type Claimed = {
  id: number
  kind: OutboxKind
  priority: number
  ticket_id: number | null
  comment_id: number | null
  message_id: string
  date_at: Date
  envelope_from: string
  recipient: string
  headers: [name: string, value: HeaderValue][]
  subject: string
  text: string
  html: string | null
  attachment_ids: number[]
  tries: number
  uncertain_at: Date | null
  deferred_at: Date | null
  created_at: Date
}

export type Claim = {
  worker: string
  limit: number
  /** Recipient domains that had their share of this minute. */
  fullDomains: string[]
  /** `oldest`: rows that have waited over 30 minutes come first, so that nothing starves. */
  order: 'priority' | 'oldest'
  /** Milliseconds until another worker may take them. */
  lease: number
}

/** A row and the worker that holds it. */
export type Held = { id: number; worker: string }

/** How a row that cannot be sent ends up; null where the lease was lost and another worker decides. */
export type Settled = {
  id: number
  kind: OutboxKind
  ticket_id: number | null
  recipient: string
  state: OutboxState
} | null

/** Takes rows that are due, at most `limit`. A row whose worker died before its bytes went out is due again. */
export async function claimMails(sql: Queryable, claim: Claim, now: Date): Promise<Claimed[]> {
  const oldest = claim.order === 'oldest'
  const waiting = oldest ? after(now, -outgoing.starvation) : now
  const rows = await sql<Claimed[]>`
    update outbox o set state = 'leased', lease_until = ${after(now, claim.lease)}, leased_by = ${claim.worker}
    from (
      select id from outbox
      where state in ('queued', 'deferred', 'uncertain', 'leased', 'sending') and state <> 'sending'
        and settled_at is null and next_try_at <= ${waiting} and (state <> 'leased' or lease_until <= ${now})
        and split_part(recipient, '@', 2) <> all(${claim.fullDomains}::text[])
      order by ${oldest ? sql`next_try_at, id` : sql`priority, next_try_at, id`}
      limit ${claim.limit} for update skip locked
    ) due
    where o.id = due.id
    returning o.id, kind, ticket_id, comment_id, message_id, date_at, envelope_from, recipient, headers, subject, text,
      html, attachment_ids, tries, uncertain_at, deferred_at, created_at, priority`
  return rows.sort((a, b) => a.priority - b.priority || a.id - b.id)
}

/** When the next row that waits becomes due, if that is before `until`: an answer leaves as its undo window ends (8.20). */
export async function nextDue(sql: Queryable, until: Date, now: Date): Promise<Date | null> {
  const [row] = await sql<{ at: Date | null }[]>`
    select min(next.at) as at
    from generate_series(0, 3) priority, lateral (
      select next_try_at as at from outbox o
      where o.priority = priority.priority and o.next_try_at > ${now} and o.next_try_at < ${until}
        and o.state in ('queued', 'deferred', 'uncertain', 'leased', 'sending')
      order by o.next_try_at limit 1) next`
  return row?.at ?? null
}

/**
 * Before the first byte of the message leaves, committed: from here on a death leaves it `sending`, and that becomes
 * `uncertain`. False when the lease was lost meanwhile; then nothing may be sent.
 */
export async function markSending(sql: Queryable, held: Held, now: Date): Promise<boolean> {
  const { count } = await sql`
    update outbox set state = 'sending', lease_until = ${after(now, outgoing.lease)}, tries = tries + 1
    where id = ${held.id} and leased_by = ${held.worker} and state = 'leased'`
  return count === 1
}

/** The server took it: `sent`, with its words; also where its lease ran out meanwhile and it was taken for lost. */
export function sentRow(sql: Queryable, held: Held, answer: string, now: Date): Statement {
  return sql`
    update outbox set state = 'sent', last_answer = ${answer}, settled_at = ${now}, lease_until = null
    where id = ${held.id}
      and ((leased_by = ${held.worker} and state in ('leased', 'sending')) or (state = 'uncertain' and leased_by is null))
    returning id`
}

/** Puts it back as it was, because what failed was not its doing: no try is counted (8.23). */
export async function releaseMail(
  sql: Queryable,
  held: Held,
  why: { answer: string | null; nextTryAt: Date },
): Promise<void> {
  await sql`
    update outbox set lease_until = null, leased_by = null, next_try_at = ${why.nextTryAt},
      last_answer = coalesce(${why.answer}, last_answer), tries = case when state = 'sending' then tries - 1 else tries end,
      state = ${waitingState(sql)}
    where id = ${held.id} and leased_by = ${held.worker} and state in ('leased', 'sending')`
}

/**
 * This recipient later (8.22): 1, 5, 15, 30 minutes, 1, 2, 4 hours, then 4-hourly, give or take a tenth; given up when
 * its time is over.
 */
export async function recordDeferred(sql: Queryable, held: Held, answer: string, now: Date): Promise<Settled> {
  const [row] = await sql<{ tries: number; state: OutboxState }[]>`
    select case when state = 'sending' then tries else tries + 1 end as tries, state from outbox where id = ${held.id}`
  if (!row) return null
  const next = after(now, retryDelay(held.id, row.tries))
  const [settled] = await sql<NonNullable<Settled>[]>`
    update outbox set tries = ${row.tries}, last_answer = ${answer}, lease_until = null, leased_by = null,
      next_try_at = ${next}, deferred_at = coalesce(deferred_at, ${now}::timestamptz),
      settled_at = case when ${next}::timestamptz >= expires_at then ${now}::timestamptz end,
      state = case when uncertain_at is not null then 'uncertain'
                   when ${next}::timestamptz >= expires_at then 'failed' else 'deferred' end
    where id = ${held.id} and leased_by = ${held.worker} and state in ('leased', 'sending')
    returning id, kind, ticket_id, recipient, state`
  if (settled?.state === 'failed') await suppressSoft(sql, settled.recipient, answer, now)
  return settled ?? null
}

/** Refused for good. What may have arrived before stays `uncertain`. */
export async function recordFailed(
  sql: Queryable,
  held: Held,
  why: { answer: string; noSuchUser: boolean },
  now: Date,
): Promise<Settled> {
  const [settled] = await sql<NonNullable<Settled>[]>`
    update outbox set last_answer = ${why.answer}, settled_at = ${now}, lease_until = null,
      tries = case when state = 'sending' then tries else tries + 1 end,
      state = case when uncertain_at is not null then 'uncertain' else 'failed' end
    where id = ${held.id} and leased_by = ${held.worker} and state in ('leased', 'sending')
    returning id, kind, ticket_id, recipient, state`
  if (settled && why.noSuchUser)
    await suppress(
      sql,
      {
        address: settled.recipient,
        reason: 'the relay says there is no such user',
        evidence: why.answer,
        lasts: 'hard',
      },
      now,
    )
  return settled ?? null
}

/** No answer to the final dot (8.24): a reply goes once more after 30 minutes, automatic mail never. */
export async function recordUncertain(sql: Queryable, held: Held, answer: string, now: Date): Promise<Settled> {
  const [settled] = await sql<NonNullable<Settled>[]>`
    update outbox set ${uncertain(sql, answer, now)}
    where id = ${held.id} and leased_by = ${held.worker} and state in ('leased', 'sending')
    returning id, kind, ticket_id, recipient, state`
  return settled ?? null
}

/**
 * What time alone decides: a row in `sending` whose worker died is `uncertain`; one that waited past its time has
 * failed. A reply that was only ever held up by the relay never expires: nobody was asked about it yet.
 */
export async function settleOverdue(sql: Queryable, now: Date): Promise<NonNullable<Settled>[]> {
  const lost = await sql<NonNullable<Settled>[]>`
    update outbox set ${uncertain(sql, 'The daemon stopped while this mail went out.', now)}
    where state = 'sending' and lease_until <= ${now}
    returning id, kind, ticket_id, recipient, state`
  const late = await sql<NonNullable<Settled>[]>`
    update outbox set state = case when uncertain_at is not null then 'uncertain' else 'failed' end, settled_at = ${now},
      last_answer = 'expired: ' || coalesce(last_answer, 'it could not be sent in time')
    where state in ('queued', 'deferred', 'uncertain') and settled_at is null and expires_at <= ${now}
      and (kind <> 'reply' or deferred_at is not null)
    returning id, kind, ticket_id, recipient, state`
  return [...lost, ...late]
}

/** Milliseconds until the next try after `tries` tries; the jitter follows from the row, so that it can be tested. */
export function retryDelay(id: number, tries: number): number {
  const base = outgoing.retry[tries] ?? outgoing.retryAfter
  const spread = ((id * 2_654_435_761 + tries * 40_503) % 2001) / 1000 - 1 // -1 to 1
  return Math.round(base * (1 + spread / 10))
}

/** What a row waits as depends on what it went through. */
const waitingState = (sql: Queryable) => sql`
  case when uncertain_at is not null then 'uncertain' when deferred_at is not null then 'deferred' else 'queued' end`

/** The right-hand sides see the row as it was: `uncertain_at` null means that this is the first time. */
const uncertain = (sql: Queryable, answer: string, now: Date) => sql`
  state = 'uncertain', last_answer = ${answer}, uncertain_at = ${now}, lease_until = null, leased_by = null,
  next_try_at = ${after(now, outgoing.uncertainRetry)},
  settled_at = case when kind = 'reply' and uncertain_at is null then null else ${now}::timestamptz end`

/** Given up three times over at least 72 hours: leave the address alone for a week (8.26). */
export async function suppressSoft(sql: Queryable, recipient: string, answer: string, now: Date): Promise<void> {
  const [found] = await sql<{ count: number; since: Date | null }[]>`
    select count(*)::int as count, min(settled_at) as since from outbox
    where recipient = ${recipient} and state = 'failed' and deferred_at is not null and settled_at > ${after(now, -30 * DAY)}`
  if (!found || found.count < 3 || !found.since || found.since > after(now, -72 * HOUR)) return
  const reason = `${found.count} mails could not be delivered since ${found.since.toISOString().slice(0, 10)}`
  await suppress(sql, { address: recipient, reason, evidence: answer, lasts: 'soft' }, now)
}

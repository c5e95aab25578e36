/** What a proven report does to an outgoing mail and its recipient (4a.5-4a.8, 8.26), and the count of unproven ones. */
import type { Queryable, Tx } from '../../database.ts'
import { report as limits } from '../../limits.ts'
import { after, DAY, HOUR, MINUTE } from '../../time.ts'
import type { BounceOutcome } from '../bounces/outcome.ts'
import { suppressSoft } from './delivery.ts'
import { suppress } from './suppressions.ts'
import type { OutboxKind } from './tables.ts'

/**
 * Writes the outcome down. A customer's address that does not exist is suppressed for 90 days, one that failed softly
 * three times over three days for a week; never an agent's, who would not get a sign-in link either.
 */
export async function recordBounce(
  tx: Tx,
  bounce: { message: number; kind: OutboxKind; recipient: string; outcome: BounceOutcome; words: string },
  now: Date,
): Promise<void> {
  const { message, recipient, outcome, words } = bounce
  if (outcome === 'delayed') return
  if (outcome === 'delivered') {
    await tx`update outbox set last_answer = ${words} where id = ${message} and state = 'sent'`
    return
  }
  const { count } = await tx`
    update outbox set state = 'failed', last_answer = ${words}, settled_at = ${now},
      deferred_at = case when ${outcome === 'soft'} then coalesce(deferred_at, ${now}::timestamptz) else deferred_at end
    where id = ${message} and (state = 'sent' or (state = 'uncertain' and settled_at is not null))`
  if (count === 0 || !['reply', 'ack', 'survey', 'statement'].includes(bounce.kind)) return
  if (outcome === 'hard')
    await suppress(tx, { address: recipient, reason: 'a mail to it came back', evidence: words, lasts: 'hard' }, now)
  else if (outcome === 'soft') await suppressSoft(tx, recipient, words, now)
}

/** How many notifications to an address came back within 24 hours (4a.8); no matter which of them was about what. */
export async function countBounced(sql: Queryable, recipient: string, now: Date): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from outbox
    where recipient = ${recipient} and kind = 'notification' and state = 'failed'
      and settled_at > ${after(now, -DAY)} and created_at > ${after(now, -8 * DAY)}`
  return row!.count
}

/**
 * Counts one report that is about nothing of ours.
 * @returns the count of the last hour where it is time to say so: over the limit, once every fifty; else null
 */
export async function countUnmatched(tx: Tx, now: Date): Promise<number | null> {
  const bucket = new Date(Math.floor(now.getTime() / (10 * MINUTE)) * 10 * MINUTE)
  await tx`
    insert into mail_budgets (scope, period, count) values ('unmatched', ${bucket}, 1)
    on conflict (scope, period) do update set count = mail_budgets.count + 1`
  const [row] = await tx<{ count: number }[]>`
    select sum(count)::int as count from mail_budgets where scope = 'unmatched' and period > ${after(now, -HOUR)}`
  const count = row!.count
  return count > limits.unmatchedPerHour && (count - limits.unmatchedPerHour) % 50 === 1 ? count : null
}

/**
 * Other systems that reminders call (SLA E1): one row a call, written with what the reminder did, claimed with a lease by
 * whichever daemon is free, tried again later and later, given up with a word to the admins. Who is called is data of the
 * desk file, what is sent is JSON of closed keys; the calling itself is not here (hooks.ts).
 */
import type { Queryable, Sql, Tx } from '../database.ts'
import { hooks as limits } from '../limits.ts'
import { after, MINUTE } from '../time.ts'
import { raiseNotice } from './notices.ts'

/** `key` names what is told, once for all its tries. */
export type NewCall = {
  ticketId: number
  url: string
  key: string
  body: Record<string, string | number | boolean | null>
}

export type Call = { id: number; ticketId: number; url: string; key: string; body: string; tries: number }

export async function queueCall(tx: Tx, call: NewCall, now: Date): Promise<void> {
  await tx`
    insert into webhook_calls (ticket_id, url, key, body, next_try_at, created_at)
    values (${call.ticketId}, ${call.url}, ${call.key}, ${JSON.stringify(call.body)}::text::jsonb, ${now}, ${now})`
}

/** Some that are due, the caller's for as long as a call may take; a daemon that dies leaves them to the others. */
export async function claimCalls(sql: Queryable, now: Date): Promise<Call[]> {
  const rows = await sql<Call[]>`
    update webhook_calls w set tries = tries + 1, next_try_at = ${after(now, limits.lease)}
    where id in (
      select id from webhook_calls where state = 'queued' and next_try_at <= ${now}
      order by next_try_at limit ${limits.batch} for update skip locked)
    returning id, ticket_id as "ticketId", url, key, body::text as body, tries`
  return [...rows]
}

/** What came of a try: done, to be tried again, or given up. */
export async function settleCall(
  sql: Sql,
  { call, ok, words }: { call: Call; ok: boolean; words: string },
  now: Date,
): Promise<void> {
  const wait = limits.waits[call.tries - 1]
  const state = ok ? 'done' : wait === undefined ? 'failed' : 'queued'
  await sql`
    update webhook_calls set state = ${state}, last_answer = ${words},
      next_try_at = ${after(now, (wait ?? 0) * MINUTE)}, settled_at = ${state === 'queued' ? null : now}
    where id = ${call.id} and state = 'queued' and tries = ${call.tries}`
  if (state !== 'failed') return
  const { host } = new URL(call.url)
  const told = `A reminder of ticket #${call.ticketId} could not call ${host} in ${call.tries} tries; the last one ${words}.`
  await raiseNotice(sql, { kind: 'webhook_failed', subject: host, words: told }, now)
}

/** Deletes calls that were settled before a moment. */
export async function purgeCalls(sql: Queryable, before: Date): Promise<number> {
  const { count } = await sql`delete from webhook_calls where settled_at < ${before}`
  return count
}

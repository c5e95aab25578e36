/** Notices to admins: one open row per kind and subject, counted, shown on every admin page until settled. */
import type { Queryable } from '../database.ts'

export type Notice = {
  id: number
  kind: string
  subject: string
  words: string
  count: number
  first_at: Date
  last_at: Date
}

/** Raises a notice, or counts it once more. `kind` is a stable word (`relay_down`), `subject` what it is about. */
export async function raiseNotice(
  sql: Queryable,
  notice: { kind: string; subject?: string; words: string },
  now: Date,
) {
  await sql`
    insert into notices (kind, subject, words, first_at, last_at)
    values (${notice.kind}, ${notice.subject ?? ''}, ${notice.words}, ${now}, ${now})
    on conflict (kind, subject) where settled_at is null
    do update set words = excluded.words, count = notices.count + 1, last_at = excluded.last_at`
}

/** Settles the open notice of a kind and subject, because what it told of is over. */
export async function clearNotice(sql: Queryable, kind: string, subject: string, now: Date) {
  await sql`update notices set settled_at = ${now} where kind = ${kind} and subject = ${subject} and settled_at is null`
}

/** An admin has seen it. */
export async function settleNotice(sql: Queryable, id: number, now: Date) {
  await sql`update notices set settled_at = ${now} where id = ${id} and settled_at is null`
}

/** All open notices, newest first. */
export async function openNotices(sql: Queryable): Promise<Notice[]> {
  return await sql<Notice[]>`
    select id, kind, subject, words, count, first_at, last_at from notices
    where settled_at is null order by last_at desc, id desc limit 100`
}

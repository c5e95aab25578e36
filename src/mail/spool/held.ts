/** The reminder of what waits for a person, and of what waited too long (2.16, 4a.28). */
import type { Queryable } from '../../database.ts'
import { clearNotice, raiseNotice } from '../../engine/notices.ts'
import { kept } from '../../limits.ts'
import { after, DAY } from '../../time.ts'

/** Raises the notice with the counts as they are, or settles it where nothing waits. */
export async function remindOfHeld(sql: Queryable, now: Date): Promise<{ held: number; discarded: number }> {
  const [row] = await sql<{ held: number; oldest: Date | null; discarded: number }[]>`
    select count(*) filter (where state = 'held')::int as held,
      min(settled_at) filter (where state = 'held') as oldest,
      (count(*) filter (where state = 'discarded' and settled_by = 'purge' and settled_at > ${after(now, -DAY)}))::int
        as discarded
    from inbound_mails where state in ('held', 'discarded')`
  const { held, oldest, discarded } = row!
  if (held === 0 && discarded === 0) await clearNotice(sql, 'held_mail', '', now)
  else {
    const days = kept.held / DAY
    const waiting = oldest
      ? `${mails(held)} held, the oldest since ${oldest.toISOString().slice(0, 10)}; after ${days} days held mail is discarded`
      : 'no mail is held'
    const gone = discarded > 0 ? `; ${mails(discarded)} discarded since yesterday` : ''
    await raiseNotice(sql, { kind: 'held_mail', words: `${waiting}${gone}.` }, now)
  }
  return { held, discarded }
}

export type WaitingMail = {
  id: number
  /** When it began to wait. */
  at: Date
  from: string | null
  subject: string | null
  /** Of the last reason. */
  code: string | null
}

export type Waiting = {
  held: number
  failed: number
  /** By the purge, within a day. */
  discarded: number
  /** Newest first. */
  mails: WaitingMail[]
}

/** What waits for a person now. */
export async function findWaiting(sql: Queryable, { limit }: { limit: number }, now: Date): Promise<Waiting> {
  const [counts] = await sql<Omit<Waiting, 'mails'>[]>`
    select (count(*) filter (where state = 'held'))::int as held,
      (count(*) filter (where state = 'quarantined'))::int as failed,
      (count(*) filter (where state = 'discarded' and settled_by = 'purge' and settled_at > ${after(now, -DAY)}))::int
        as discarded
    from inbound_mails where state in ('held', 'quarantined', 'discarded')`
  const rows = await sql<WaitingMail[]>`
    select id, settled_at as at, from_address as from, subject,
      case when state = 'quarantined' then 'poison' else reasons -> -1 ->> 'code' end as code
    from inbound_mails where state in ('held', 'quarantined') order by id desc limit ${limit}`
  return { ...counts!, mails: [...rows] }
}

const mails = (count: number) => (count === 1 ? '1 mail is' : `${count} mails are`)

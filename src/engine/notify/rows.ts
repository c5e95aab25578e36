/** News and how far they were told, as rows: what is due is read and locked, what was told is written. */
import type { Tx } from '../../database.ts'
import { notifying as limits } from '../../limits.ts'
import type { NewsRow, Owned } from './concerns.ts'

/** A ticket with news, the oldest first, and how far each agent was told; its row is held against being changed. */
export type Standing = Owned & {
  id: number
  news: NewsRow[]
  told: Map<number, { newsId: number; at: Date }>
}

/** `mailed` false: it waits for their digest, and no time of a mail is kept. */
export type Told = { ticketId: number; agentId: number; newsId: number; mailed: boolean }

/** True for one transaction at a time, whoever asks; who dies in it is not waited for. */
export async function isOnlyTeller(tx: Tx): Promise<boolean> {
  const [row] = await tx`select pg_try_advisory_xact_lock(${TELLER}::bigint) as mine`
  return row!.mine
}

const TELLER = 7_240_003

/**
 * The tickets whose news have waited since `before` and may be told. What belongs to no ticket any more is forgotten,
 * what was merged is told of its target, and a ticket that somebody works on this very moment comes next time.
 */
export async function readDue(
  tx: Tx,
  before: Date,
  now: Date,
): Promise<{ standing: Standing[]; unreachable: Set<string>; more: boolean }> {
  const due = await tx<{ ticket_id: number }[]>`
    select ticket_id from ticket_news where at <= ${before} and (not_before is null or not_before <= ${now})
    group by ticket_id order by min(id) limit ${limits.tickets}`
  if (due.length === 0) return { standing: [], unreachable: new Set(), more: false }
  const ids = due.map((row) => row.ticket_id)
  await tx`
    update ticket_news n set ticket_id = t.merged_into from tickets t
    where n.ticket_id = any(${ids}::bigint[]) and t.id = n.ticket_id and t.merged_into is not null`
  const tickets = await tx<{ id: number; assignee_id: number | null; team: string | null; ended: boolean }[]>`
    select t.id, t.assignee_id, m.key as team, t.deleted_at is not null or t.spam_at is not null as ended
    from tickets t left join teams m on m.id = t.team_id and m.disabled_at is null
    where t.id = any(${ids}::bigint[]) and t.merged_into is null order by t.id for key share of t skip locked`
  const ended = tickets.filter((one) => one.ended).map((one) => one.id)
  if (ended.length > 0) await tx`delete from ticket_news where ticket_id = any(${ended}::bigint[])`
  const open = tickets.filter((one) => !one.ended).map((one) => one.id)
  const [news, told, followers, notices] = await Promise.all([
    tx<NewsRow[]>`
      select n.id, n.ticket_id, n.kind, n.comment_id, n.other_id, n.agent_id, n.actor_id, n.at,
        coalesce(c.visibility = 'private', false) as private,
        case when m.id is not null then jsonb_build_object('mail', m.id, 'from', coalesce(m.from_address, '–')) end as held
      from ticket_news n left join comments c on c.id = n.comment_id
      left join inbound_mails m on m.id = n.mail_id and m.state = 'held'
      where n.ticket_id = any(${open}::bigint[]) order by n.id`,
    tx<{ ticket_id: number; agent_id: number; news_id: number; at: Date }[]>`
      select ticket_id, agent_id, news_id, at from ticket_told where ticket_id = any(${open}::bigint[])`,
    tx<{ ticket_id: number; agent_id: number }[]>`
      select t.id as ticket_id, f.agent_id from tickets t
      join agent_followers f on f.ticket_id = t.id or f.project_id = t.project_id where t.id = any(${open}::bigint[])`,
    tx<{ subject: string }[]>`select subject from notices where kind = 'agent_unreachable' and settled_at is null`, // 4a.8
  ])
  const newsOf = Map.groupBy(news, (one) => one.ticket_id)
  const toldOf = Map.groupBy(told, (one) => one.ticket_id)
  const followersOf = Map.groupBy(followers, (one) => one.ticket_id)
  const standing = tickets
    .filter((one) => newsOf.has(one.id))
    .map(({ id, assignee_id, team }) => ({
      id,
      assigneeId: assignee_id,
      team,
      followers: (followersOf.get(id) ?? []).map((one) => one.agent_id),
      news: newsOf.get(id)!,
      told: new Map((toldOf.get(id) ?? []).map((one) => [one.agent_id, { newsId: one.news_id, at: one.at }])),
    }))
    .sort((a, b) => a.news[0]!.id - b.news[0]!.id)
  return { standing, unreachable: new Set(notices.map((row) => row.subject)), more: due.length === limits.tickets }
}

export async function markTold(tx: Tx, told: Told[], now: Date): Promise<void> {
  if (told.length === 0) return
  const rows = told.map((one) => ({
    ticket_id: one.ticketId,
    agent_id: one.agentId,
    news_id: one.newsId,
    at: one.mailed ? now : NEVER,
  }))
  await tx`
    insert into ticket_told ${tx(rows)}
    on conflict (ticket_id, agent_id) do update set news_id = excluded.news_id, at = greatest(ticket_told.at, excluded.at)`
}

const NEVER = new Date(0)

/**
 * When an agent's next mail about a ticket may go, at `wanted` at the earliest: two minutes after the last one (8.32).
 * Whatever else there is to tell waits for it.
 */
export async function takeTurn(tx: Tx, who: { ticketId: number; agentId: number }, wanted: Date): Promise<Date> {
  const [row] = await tx<{ at: Date }[]>`
    insert into ticket_told as t (ticket_id, agent_id, news_id, at)
    values (${who.ticketId}, ${who.agentId}, 0, ${wanted})
    on conflict (ticket_id, agent_id) do update
      set at = greatest(excluded.at, t.at + ${limits.every}::float8 * interval '1 millisecond')
    returning at`
  return row!.at
}

export async function deleteNews(tx: Tx, ids: number[]): Promise<void> {
  if (ids.length > 0) await tx`delete from ticket_news where id = any(${ids}::bigint[])`
}

/** Nobody concerned may be told of them before. */
export async function putOff(tx: Tx, later: { newsIds: number[]; at: Date }[]): Promise<void> {
  for (const { newsIds, at } of later)
    await tx`update ticket_news set not_before = ${at} where id = any(${newsIds}::bigint[])`
}

/** How far somebody was told of what is long over. */
export async function purgeTold(tx: Tx, before: Date): Promise<number> {
  return (await tx`delete from ticket_told where at < ${before}`).count
}

/** What waits for agents' next digests: so many of a topic in a ticket. */
import type { Tx } from '../../database.ts'
import type { Topic } from './kinds.ts'

export type ForDigest = { agentId: number; ticketId: number; topic: Topic }

export async function addToDigests(tx: Tx, news: ForDigest[], now: Date): Promise<void> {
  const counted = Map.groupBy(news, (one) => `${one.agentId} ${one.ticketId} ${one.topic}`)
  const rows = [...counted.values()].map((same) => ({
    agent_id: same[0]!.agentId,
    ticket_id: same[0]!.ticketId,
    topic: same[0]!.topic,
    count: same.length,
    at: now,
  }))
  if (rows.length === 0) return
  await tx`
    insert into digest_news ${tx(rows)}
    on conflict (agent_id, ticket_id, topic) do update set count = digest_news.count + excluded.count, at = excluded.at`
}

/** What one agent was to hear of, ticket by ticket, the latest first; it counts as told now. */
export async function takeDigestNews(
  tx: Tx,
  agentId: number,
  most: number,
): Promise<{ tickets: { id: number; subject: string; counts: Partial<Record<Topic, number>> }[]; count: number }> {
  const rows = await tx<{ ticket_id: number; topic: Topic; count: number; at: Date; subject: string; gone: boolean }[]>`
    with taken as (delete from digest_news where agent_id = ${agentId} returning ticket_id, topic, count, at)
    select taken.*, t.subject, t.deleted_at is not null or t.spam_at is not null or t.merged_into is not null as gone
    from taken join tickets t on t.id = taken.ticket_id order by taken.at desc, taken.ticket_id`
  const byTicket = Map.groupBy(
    rows.filter((row) => !row.gone),
    (row) => row.ticket_id,
  )
  const tickets = [...byTicket].slice(0, most).map(([id, same]) => ({
    id,
    subject: same[0]!.subject,
    counts: Object.fromEntries(same.map((row) => [row.topic, row.count])),
  }))
  return { tickets, count: byTicket.size }
}

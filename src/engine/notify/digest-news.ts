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

/**
 * A mail that claims a ticket and is not let in waits beside it (4a.28): the agents of that ticket hear of it by its
 * number, and of the line that lets it in.
 */
import type { Tx } from '../../database.ts'
import { type Actor, system } from '../events.ts'
import { newsRow } from '../notify/news.ts'
import type { Arrival } from './facts.ts'
import { find, type Plan, type ReasonCode } from './plan.ts'
import type { Work } from './work.ts'

/** Who sent these is not who may; what waits for an agent's own word is that agent's. */
const KNOCKS: ReadonlySet<string> = new Set<ReasonCode>(['auth_fail', 'agent_token'])

/** The plan, and that agents are told; of a machine's mail nobody is, as of others of them. Pure. */
export function withKnock(plan: Plan, arrival: Arrival): Plan {
  const { ticket } = plan.thread
  if (plan.state !== 'held' || ticket === null || arrival.archive || plan.kind !== 'human') return plan
  if (!plan.held || !KNOCKS.has(plan.held.reason)) return plan
  const told = find(plan, 'ask_agent')?.agent ?? null
  return { ...plan, actions: [...plan.actions, { action: 'knock', ticket, told }] }
}

/** As news of the ticket; whoever has a mail of its own about it is told of no news. */
export async function tellOfKnock(
  tx: Tx,
  { arrival, facts }: Work,
  { ticket, told }: { ticket: number; told: string | null },
  now: Date,
): Promise<void> {
  const agent = told === null ? undefined : facts.desk.agents.get(told)
  const actor: Actor = agent ? { kind: 'agent', id: agent.id, name: agent.name } : system('mail')
  await newsRow(tx, { ticketId: ticket, kind: 'held', mailId: arrival.id, actor }, now)
}

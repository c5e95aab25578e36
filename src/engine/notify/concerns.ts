/** Whom news of a ticket concern: who works on it, else its team, and who follows it. Pure. */
import type { Agent, Desk } from '../desk.ts'
import type { NewsKind } from './kinds.ts'

/** A row of `ticket_news`. */
export type NewsRow = {
  id: number
  ticket_id: number
  kind: NewsKind
  comment_id: number | null
  agent_id: number | null
  actor_id: number | null
  at: Date
  /** Of a private note: told to the agent it is for, and without its words. */
  private: boolean
  /** The other ticket of a merge or a split. */
  other_id: number | null
  /** The mail that is held, as long as it is. */
  held: { mail: number; from: string } | null
}

/** As much of a ticket as says who is concerned; ids of agents, keys of the desk. */
export type Owned = { assigneeId: number | null; team: string | null; followers: readonly number[] }

/** All who may hear of anything in this ticket; each once. */
export function listenersOf(desk: Desk, owned: Owned, news: readonly NewsRow[]): Agent[] {
  const ids = new Set([owned.assigneeId, ...owned.followers, ...news.map((one) => one.agent_id)])
  const own = [...desk.agents.values()].filter((agent) => ids.has(agent.id))
  return [...new Set([...own, ...(owned.assigneeId === null ? teamOf(desk, owned.team) : [])])]
}

/** Whether an agent is to hear of it: never of what they did (MAIL 8.32). */
export function concerns(desk: Desk, owned: Owned, news: NewsRow, agent: Agent): boolean {
  if (news.actor_id === agent.id) return false
  if (news.private) return news.agent_id === agent.id
  const isOwner = owned.assigneeId === agent.id
  const isTeam = owned.assigneeId === null && teamOf(desk, owned.team).includes(agent)
  const follows = owned.followers.includes(agent.id)
  switch (news.kind) {
    case 'assigned':
      return news.agent_id === agent.id && isOwner
    case 'woke':
      return news.agent_id === agent.id || isOwner || (news.agent_id === null && isTeam)
    case 'answered':
      return isOwner || follows
    case 'new':
    case 'team':
    case 'reply':
    case 'note':
    case 'undelivered':
    case 'passed':
      return isOwner || isTeam || follows
    // who had the ticket that went into it hears where it is
    case 'merged':
      return news.agent_id === agent.id || isOwner || isTeam || follows
    case 'split':
      return isOwner || isTeam
    // whoever has both hears of the new one
    case 'parted':
      return follows && !isOwner && !isTeam
    case 'held':
      return news.held !== null && (isOwner || isTeam || follows)
    default:
      return news.kind satisfies never
  }
}

/** A ticket that nobody could hear of is told to the admins. */
function teamOf(desk: Desk, key: string | null): Agent[] {
  const members = (key === null ? [] : (desk.teams.get(key)?.members ?? [])).flatMap(
    (one) => desk.agents.get(one) ?? [],
  )
  return members.length > 0 ? members : [...desk.agents.values()].filter((agent) => agent.admin)
}

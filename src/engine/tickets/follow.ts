/** Agents who want to hear of a ticket, or of all of a project, without having it. */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Desk } from '../desk.ts'
import { type Actor, record } from '../events.ts'
import { lockTicket } from '../tickets.ts'

/** An agent, and what they follow. */
export type Followed = { agentId: number } & (
  | { ticketId: number; project?: undefined; actor: Actor }
  | { project: string; ticketId?: undefined; desk: Pick<Desk, 'projects'> }
)

/**
 * The agent is told of it from now on.
 * @returns whether they were not told before
 * @throws Refusal `unknown_agent`, `unknown_project`, `unknown_ticket`, `merged_ticket`
 */
export async function follow(tx: Tx, input: Followed, now: Date): Promise<{ changed: boolean }> {
  const [agent] = await tx<{ name: string }[]>`
    select coalesce(nullif(name, ''), address) as name from agents
    where id = ${input.agentId} and disabled_at is null`
  if (!agent) throw new Refusal('unknown_agent', 'There is no active agent with that address.')
  const { ticketId, projectId } = await placeOf(tx, input)
  const { count } = await tx`
    insert into agent_followers (agent_id, ticket_id, project_id, since)
    values (${input.agentId}, ${ticketId}, ${projectId}, ${now}) on conflict do nothing`
  if (count > 0) await tellTicket(tx, input, { type: 'followed', name: agent.name }, now)
  return { changed: count > 0 }
}

/** The agent is told of it no more, unless it is theirs. @returns whether they were told before */
export async function unfollow(tx: Tx, input: Followed, now: Date): Promise<{ changed: boolean }> {
  const { ticketId, projectId } = await placeOf(tx, input)
  const rows = await tx<{ name: string }[]>`
    delete from agent_followers f using agents a
    where f.agent_id = ${input.agentId} and a.id = f.agent_id
      and f.ticket_id is not distinct from ${ticketId} and f.project_id is not distinct from ${projectId}
    returning coalesce(nullif(a.name, ''), a.address) as name`
  if (rows[0]) await tellTicket(tx, input, { type: 'unfollowed', name: rows[0].name }, now)
  return { changed: rows.length > 0 }
}

async function placeOf(tx: Tx, input: Followed): Promise<{ ticketId: number | null; projectId: number | null }> {
  if (input.ticketId !== undefined) return { ticketId: (await lockTicket(tx, input.ticketId)).id, projectId: null }
  const project = input.desk.projects.get(input.project)
  if (!project) throw new Refusal('unknown_project', `There is no project "${input.project}" in the desk.`)
  return { ticketId: null, projectId: project.id }
}

/** A project has no story. */
async function tellTicket(
  tx: Tx,
  input: Followed,
  { type, name }: { type: 'followed' | 'unfollowed'; name: string },
  now: Date,
): Promise<void> {
  if (input.ticketId === undefined) return
  const events = [{ type, data: { agent: input.agentId, name } }]
  await record(tx, { ticketId: input.ticketId, actor: input.actor, events }, now)
}

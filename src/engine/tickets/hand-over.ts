/** A ticket changes hands without leaving its project: from now on another team's own clock runs (SLA O1-O3). */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Team } from '../desk.ts'
import type { Actor } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { teamCalendarId } from '../sla.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { tell } from './tell.ts'

/**
 * The same by the team's key, null for no team.
 * @returns the key of the team that had it; the same key: nothing was changed
 * @throws Refusal `unknown_team`, `unknown_ticket`, `merged_ticket`
 */
export async function setTeam(
  tx: Tx,
  input: { ticketId: number; team: string | null; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<{ from: string | null }> {
  const { teams } = input.tools.desk
  const team = input.team === null ? null : teams.get(input.team)
  if (team === undefined)
    throw new Refusal('unknown_team', `There is no team "${input.team}". Teams are ${[...teams.keys()].join(', ')}.`)
  const { from } = await handOver(tx, { ...input, team }, now)
  return { from: [...teams.values()].find((one) => one.id === from)?.key ?? null }
}

/**
 * Gives the ticket to a team, or to none; who works on it stays.
 * @returns the id of the team that had it
 * @throws Refusal `unknown_ticket`, `merged_ticket`
 */
export async function handOver(
  tx: Tx,
  input: { ticketId: number; team: Team | null; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<{ from: number | null }> {
  const { id } = await lockTicket(tx, input.ticketId)
  const [row] = await tx<{ team_id: number | null }[]>`select team_id from tickets where id = ${id}`
  const { team } = input
  const from = row!.team_id
  if (from === (team?.id ?? null)) return { from }
  const data = {
    from,
    team: team?.id ?? null,
    key: team?.key ?? null,
    team_calendar_id: teamCalendarId(input.tools.desk, team ?? undefined),
  }
  await tell(tx, { ticketId: id, actor: input.actor, events: [{ type: 'team', data }] }, now)
  await addNews(tx, { ticketId: id, kind: 'team', actor: input.actor }, now)
  await tx`update tickets set team_id = ${team?.id ?? null}, updated_at = ${now} where id = ${id}`
  return { from }
}

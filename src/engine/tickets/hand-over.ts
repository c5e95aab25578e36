/** A ticket changes hands without leaving its project: from now on another team's own clock runs (SLA O1-O3). */
import type { Tx } from '../../database.ts'
import type { Team } from '../desk.ts'
import type { Actor } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { teamCalendarId } from '../sla.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { tell } from './tell.ts'

/** Gives the ticket to a team; who works on it stays. @throws Refusal `unknown_ticket`, `merged_ticket` */
export async function handOver(
  tx: Tx,
  input: { ticketId: number; team: Team; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<void> {
  const { id } = await lockTicket(tx, input.ticketId)
  const [row] = await tx<{ team_id: number | null }[]>`select team_id from tickets where id = ${id}`
  const { team } = input
  if (row!.team_id === team.id) return
  const data = {
    from: row!.team_id,
    team: team.id,
    key: team.key,
    team_calendar_id: teamCalendarId(input.tools.desk, team),
  }
  await tell(tx, { ticketId: id, actor: input.actor, events: [{ type: 'team', data }] }, now)
  await addNews(tx, { ticketId: id, kind: 'team', actor: input.actor }, now)
  await tx`update tickets set team_id = ${team.id}, updated_at = ${now} where id = ${id}`
}

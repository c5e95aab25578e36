/** Clocks and the ledger between their rows and the machine's plain data. */
import { seconds } from '../../time.ts'
import type { Breach, Clock, Facts, Firing } from './account.ts'

/** Columns of sla_clocks as they come from the database. */
export type ClockRow = {
  id: number
  ticket_id: number
  metric: Clock['metric']
  team_id: number | null
  cycle: number
  state: Clock['state']
  policy_id: number
  calendar_id: number
  target_s: number
  started_at: Date
  elapsed_s: number
  running_since: Date | null
  due_at: Date | null
  last_due_at: Date | null
  stopped_at: Date | null
  stop_reason: Clock['stopReason']
  stop_agent_id: number | null
  breached_at: Date | null
  awaiting_ref: Date | null
  next_warn_at: Date | null
  next_warn_id: string | null
  fired: string[]
  generation: number
}

/** The ticket's columns that the clocks decide; engine/tickets writes them (SLA section 3). */
export type SlaColumns = {
  policy_id: number | null
  calendar_id: number | null
  team_calendar_id: number | null
  first_response_at: Date | null
  answered_at: Date | null
  awaiting_since: Date | null
  next_due_at: Date | null
  ola_due_at: Date | null
}

/** The same as a change reads them (database/together.ts), but for the id. */
const CLOCK_TYPES: Record<Exclude<keyof ClockRow, 'id'>, string> = {
  ticket_id: 'bigint',
  metric: 'text',
  team_id: 'bigint',
  cycle: 'int',
  state: 'text',
  policy_id: 'bigint',
  calendar_id: 'bigint',
  target_s: 'int',
  started_at: 'timestamptz',
  elapsed_s: 'int',
  running_since: 'timestamptz',
  due_at: 'timestamptz',
  last_due_at: 'timestamptz',
  stopped_at: 'timestamptz',
  stop_reason: 'text',
  stop_agent_id: 'bigint',
  breached_at: 'timestamptz',
  awaiting_ref: 'timestamptz',
  next_warn_at: 'timestamptz',
  next_warn_id: 'text',
  fired: 'text[]',
  generation: 'int',
}
export const CLOCK_NAMES = Object.keys(CLOCK_TYPES)
export const CLOCK_COLUMNS = Object.entries(CLOCK_TYPES)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')

export const toClock = (row: ClockRow): Clock => ({
  metric: row.metric,
  teamId: row.team_id,
  cycle: row.cycle,
  state: row.state,
  policyId: row.policy_id,
  calendarId: row.calendar_id,
  target: row.target_s,
  startedAt: seconds(row.started_at),
  elapsed: row.elapsed_s,
  runningSince: toSeconds(row.running_since),
  dueAt: toSeconds(row.due_at),
  lastDueAt: toSeconds(row.last_due_at),
  stoppedAt: toSeconds(row.stopped_at),
  stopReason: row.stop_reason,
  stopAgentId: row.stop_agent_id,
  breachedAt: toSeconds(row.breached_at),
  awaitingRef: toSeconds(row.awaiting_ref),
  nextWarnAt: toSeconds(row.next_warn_at),
  nextWarnId: row.next_warn_id,
  fired: [...row.fired],
  generation: row.generation,
})

/** A clock as a row, without its id; instants as Dates. */
export const fromClock = (ticketId: number, clock: Clock): Omit<ClockRow, 'id'> => ({
  ticket_id: ticketId,
  metric: clock.metric,
  team_id: clock.teamId,
  cycle: clock.cycle,
  state: clock.state,
  policy_id: clock.policyId,
  calendar_id: clock.calendarId,
  target_s: clock.target,
  started_at: new Date(clock.startedAt * 1000),
  elapsed_s: clock.elapsed,
  running_since: toDate(clock.runningSince),
  due_at: toDate(clock.dueAt),
  last_due_at: toDate(clock.lastDueAt),
  stopped_at: toDate(clock.stoppedAt),
  stop_reason: clock.stopReason,
  stop_agent_id: clock.stopAgentId,
  breached_at: toDate(clock.breachedAt),
  awaiting_ref: toDate(clock.awaitingRef),
  next_warn_at: toDate(clock.nextWarnAt),
  next_warn_id: clock.nextWarnId,
  fired: clock.fired,
  generation: clock.generation,
})

export const fromBreach = (breach: Breach, place: { clockId: number; ticketId: number; clock: Clock }) => ({
  clock_id: place.clockId,
  ticket_id: place.ticketId,
  metric: place.clock.metric,
  team_id: place.clock.teamId,
  cycle: place.clock.cycle,
  at: toDate(breach.at),
  target_s: breach.target,
  assignee_id: breach.assigneeId,
  ticket_team_id: breach.ticketTeamId,
  superseded_at: toDate(breach.supersededAt),
  superseded_by: breach.supersededBy,
})

export const fromFiring = (firing: Firing, clockId: number) => ({
  clock_id: clockId,
  policy_id: firing.policyId,
  reminder: firing.reminder,
  generation: firing.generation,
  at: toDate(firing.at),
})

export const toColumns = (facts: Facts, dues: { nextDueAt: number | null; olaDueAt: number | null }): SlaColumns => ({
  policy_id: facts.policyId,
  calendar_id: facts.calendarId,
  team_calendar_id: facts.teamCalendarId,
  first_response_at: toDate(facts.firstResponseAt),
  answered_at: toDate(facts.answeredAt),
  awaiting_since: toDate(facts.awaitingSince),
  next_due_at: toDate(dues.nextDueAt),
  ola_due_at: toDate(dues.olaDueAt),
})

export const toSeconds = (at: Date | null): number | null => at && seconds(at)
export const toDate = (at: number | null): Date | null => (at === null ? null : new Date(at * 1000))

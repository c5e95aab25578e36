/**
 * The ticket's story as the machine reads it: an event of the log is the same when it happens and when it is replayed
 * (SLA Q7). What an event's data holds for the clocks stands here and nowhere else.
 */
import { seconds } from '../../time.ts'
import type { Priority, Status } from '../tables.ts'
import type { Origin } from './account.ts'
import type { OpenResponse, SlaEvent } from './machine.ts'

/** A row of `events`. */
export type LogEvent = {
  seq: number
  at: Date
  type: string
  actor: 'system' | 'agent' | 'contact'
  actor_id: number | null
  data: Record<string, unknown>
}

/** Versions in force, by the ids of their rows; of a ticket's `created` event. */
export type OpeningData = {
  origin: Origin
  status: Status
  priority: Priority
  team: number | null
  assignee: number | null
  policy_id: number | null
  calendar_id: number | null
  team_calendar_id: number | null
}
/** Of `policy` (another one, or none) and `policy_version` (an edit that reaches open tickets, K16). */
export type PolicyData = { policy_id: number | null; calendar_id: number | null }
export type CalendarData = { calendar_id: number | null; team_calendar_id: number | null }
/** Of `move` and `team`. */
export type TeamData = { team: number | null; team_calendar_id: number | null }
/** Of `merged_from` (K18). */
export type MergedData = { open_response: { started_at: string; elapsed_s: number } | null }

/** What an event is to the clocks; most are of no matter to them. */
export function readEvent({ seq, at, type, actor, actor_id, data }: LogEvent): SlaEvent {
  const when = { seq, at: seconds(at) }
  switch (type) {
    case 'created':
      return { ...when, type, facts: openingOf(data as unknown as OpeningData) }
    case 'answered':
      return { ...when, type, agentId: (data.agent as number | null | undefined) ?? null }
    case 'customer_comment':
      return { ...when, type: data.quiet === true ? 'other' : 'customer_message' }
    case 'status':
      return { ...when, type, to: data.to as Status, agentId: actor === 'agent' ? actor_id : null }
    case 'priority':
      return { ...when, type, to: data.to as Priority }
    case 'assign':
      return { ...when, type, to: data.to as number | null }
    case 'move':
    case 'team': {
      const { team, team_calendar_id } = data as unknown as TeamData
      return { ...when, type: 'team', to: team, calendarId: team_calendar_id }
    }
    case 'policy':
    case 'policy_version': {
      const { policy_id, calendar_id } = data as unknown as PolicyData
      return { ...when, type: 'policy', policyId: policy_id, calendarId: calendar_id }
    }
    case 'calendar': {
      const { calendar_id, team_calendar_id } = data as unknown as CalendarData
      return { ...when, type, calendarId: calendar_id, teamCalendarId: team_calendar_id }
    }
    case 'merged_from':
      return { ...when, type: 'merged_in', response: responseOf((data as unknown as MergedData).open_response) }
    case 'split_into':
      return { ...when, type: 'split_off', from: seconds(new Date(data.from_at as string)) }
    case 'merged_into':
      return { ...when, type: 'merged_away' }
    case 'reminder':
      return { ...when, type: 'due' }
    case 'spam':
    case 'deleted':
      return { ...when, type: 'spam' }
    default:
      return { ...when, type: 'other' }
  }
}

const openingOf = (data: OpeningData) => ({
  origin: data.origin,
  status: data.status,
  priority: data.priority,
  teamId: data.team,
  assigneeId: data.assignee,
  policyId: data.policy_id,
  calendarId: data.calendar_id,
  teamCalendarId: data.team_calendar_id,
})

function responseOf(data: MergedData['open_response']): OpenResponse | null {
  return data && { startedAt: seconds(new Date(data.started_at)), elapsed: data.elapsed_s }
}

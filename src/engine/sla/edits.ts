/**
 * Edits of the desk that have not reached a ticket yet (SLA K10, K16, Q5): newer versions of its policy and calendars,
 * each in force from the time of the edit, whenever the ticket is looked at. Pure.
 */
import { seconds } from '../../time.ts'
import type { Facts } from './account.ts'
import type { CalendarData, PolicyData } from './log.ts'

/** As events of the ticket, in their order. */
export type Edits = (
  | { type: 'policy_version'; at: number; data: PolicyData & { key: string; version: number } }
  | { type: 'calendar'; at: number; data: CalendarData & { key: string | null } }
)[]

/** A version of a policy or a calendar; `definition` is its JSON. */
export type VersionRow = { id: number; key: string; version: number; created_at: Date; definition: string }
export type TeamRow = { id: number; key: string; calendar: string | null; calendar_at: Date | null }

type Versions = { policies: readonly VersionRow[]; calendars: readonly VersionRow[]; teams: readonly TeamRow[] }
type Facing = Pick<Facts, 'policyId' | 'calendarId' | 'teamCalendarId' | 'teamId' | 'ended'>

/** What has changed around a ticket until `now`; versions are sorted by key and number. */
export function editsOf(facts: Facing, versions: Versions, now: Date): Edits {
  if (facts.ended) return []
  const { policies, calendars, teams } = versions
  const mine = { ...facts }
  const edits: Edits = []
  const row = (id: number | null) => calendars.find((one) => one.id === id)
  const policy = policies.find((one) => one.id === facts.policyId)
  const team = teams.find((one) => one.id === facts.teamId)
  const moments = [
    ...calendars.map((one) => ({ at: one.created_at, calendar: one })),
    ...(team?.calendar_at ? [{ at: team.calendar_at, team }] : []),
    ...policies
      .filter((one) => policy && one.key === policy.key && one.version > policy.version && reachesOpen(one))
      .map((one) => ({ at: one.created_at, policy: one })),
  ]
    .filter((one) => one.at <= now)
    .sort((a, b) => a.at.getTime() - b.at.getTime()) // stable: of one edit calendars come before what uses them
  const newestOf = (key: string | null | undefined, at: Date) =>
    key
      ? (calendars.findLast((one) => one.key === key && one.created_at <= at) ??
        calendars.find((one) => one.key === key))
      : undefined
  for (const moment of moments) {
    const at = seconds(moment.at)
    if ('policy' in moment) {
      const { calendar } = JSON.parse(moment.policy.definition) as { calendar: string | null }
      mine.policyId = moment.policy.id
      if (calendar && calendar !== row(mine.calendarId)?.key)
        mine.calendarId = newestOf(calendar, moment.at)?.id ?? mine.calendarId
      const { key, version } = moment.policy
      edits.push({
        type: 'policy_version',
        at,
        data: { policy_id: mine.policyId, calendar_id: mine.calendarId, key, version },
      })
      continue
    }
    const before = { ...mine }
    if ('team' in moment) {
      if (row(mine.teamCalendarId)?.key !== (moment.team.calendar ?? undefined))
        mine.teamCalendarId = newestOf(moment.team.calendar, moment.at)?.id ?? null
    } else
      for (const which of ['calendarId', 'teamCalendarId'] as const) {
        const current = row(mine[which])
        const { id, key, version } = moment.calendar
        if (current?.key === key && version > current.version) mine[which] = id
      }
    if (mine.calendarId !== before.calendarId || mine.teamCalendarId !== before.teamCalendarId)
      edits.push({
        type: 'calendar',
        at,
        data: {
          calendar_id: mine.calendarId,
          team_calendar_id: mine.teamCalendarId,
          key: 'team' in moment ? moment.team.calendar : moment.calendar.key,
        },
      })
  }
  return edits
}

const reachesOpen = (row: VersionRow): boolean =>
  (JSON.parse(row.definition) as { apply?: 'open' | 'new' }).apply !== 'new'

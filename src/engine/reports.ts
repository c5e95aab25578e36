/**
 * Reports (SLA section 11): questions to stored rows, so that asking again after an edit of policies or calendars gives
 * the same numbers (V6). They write nothing. reports/ holds each.
 */
import type { Queryable } from '../database.ts'
import { never, Refusal } from '../errors.ts'
import { compliance, DIMENSIONS, type Dimension } from './reports/compliance.ts'
import { byAgent, byOrganization, byTeam } from './reports/people.ts'
import { type Period, periodOf } from './reports/period.ts'
import type { Sheet } from './reports/shape.ts'
import { unassessed } from './reports/unassessed.ts'
import { violations } from './reports/violations.ts'

export const REPORTS = ['violations', 'compliance', 'agents', 'teams', 'organizations', 'unassessed'] as const
export type ReportName = (typeof REPORTS)[number]

export type Ask = {
  name: ReportName
  period: Period
  /** What `compliance` is divided by. */
  by: Dimension
  /** Whether `violations` lists what no longer counts (V1). */
  superseded: 'hidden' | 'shown'
  /** Of `violations`, the newest; the others are short. */
  limit: number | null
}

/** What a person typed; missing is null. Dates `YYYY-MM-DD`, `to` the first day that is not in it. */
export type Asked = {
  name: string
  from: string | null
  to: string | null
  zone: string
  by: string | null
  superseded: 'hidden' | 'shown'
  limit: number | null
}

/**
 * Checks what was typed. Pure.
 * @throws Refusal `unknown_report`, `bad_dimension`, `bad_zone`, `bad_date`, `bad_period`
 */
export function readAsk(asked: Asked): Ask {
  const name = REPORTS.find((one) => one === (SHORT[asked.name] ?? asked.name))
  if (!name) throw new Refusal('unknown_report', `"${asked.name}" is no report. Reports are ${REPORTS.join(', ')}.`)
  const by = DIMENSIONS.find((one) => one === (asked.by || 'metric'))
  if (!by) throw new Refusal('bad_dimension', `Compliance is divided by one of ${DIMENSIONS.join(', ')}.`)
  return { name, by, period: periodOf(asked), superseded: asked.superseded, limit: asked.limit }
}

const SHORT: Record<string, ReportName> = { orgs: 'organizations' }

/** The rows of a report, whole and in a fixed order; `now` is only for what is open: late clocks, unassessed tickets. */
export async function makeReport(sql: Queryable, ask: Ask, now: Date): Promise<Sheet> {
  switch (ask.name) {
    case 'violations':
      return await violations(sql, ask, now)
    case 'compliance':
      return await compliance(sql, ask)
    case 'agents':
      return await byAgent(sql, ask.period)
    case 'teams':
      return await byTeam(sql, ask.period)
    case 'organizations':
      return await byOrganization(sql, ask.period)
    case 'unassessed':
      return await unassessed(sql, ask.period, now)
    default:
      return never(ask.name)
  }
}

/** The zone of the desk's first inbox: where nobody named one. */
export async function deskZone(sql: Queryable): Promise<string> {
  const [row] = await sql<{ zone: string }[]>`select zone from inboxes where disabled_at is null order by id limit 1`
  return row?.zone ?? 'UTC'
}

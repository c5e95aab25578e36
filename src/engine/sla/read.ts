/** A ticket's clocks and its ledger as people, scripts and vectors read them, at a moment (CLI, `ticket N`). */
import type { Queryable } from '../../database.ts'
import { seconds } from '../../time.ts'
import { type Calendar, workingSecondsBetween } from '../business-hours.ts'
import { CLOCK_METRICS, type ClockMetric } from './account.ts'
import type { ClockRow } from './rows.ts'

/** Instants as `2026-01-05T12:00:00Z`, durations in working seconds; `team` is a key, assignees are addresses. */
export type ShownClock = {
  kind: ClockMetric
  team: string | null
  cycle: number
  state: ClockRow['state']
  target_s: number
  started_at: string
  elapsed_s: number
  due_at: string | null
  remaining_s: number | null
  stopped_at: string | null
  stop_reason: string | null
  breached_at: string | null
  breach_assignee: string | null
  over_by_s: number | null
  warned_at: string | null
  next_warn_at: string | null
}

export type ShownBreach = {
  kind: ClockMetric
  team: string | null
  cycle: number
  at: string
  target_s: number
  assignee: string | null
  ticket_team: string | null
  superseded_at: string | null
}

/** By kind, team and cycle. */
export async function listClocks(sql: Queryable, ticketId: number, now: Date): Promise<ShownClock[]> {
  const rows = await sql<Row[]>`
    select c.*, t.key as team, a.address as breach_assignee, k.definition as calendar, (
      select max(at) from sla_fired where clock_id = c.id and generation = c.generation) as warned_at
    from sla_clocks c join calendars k on k.id = c.calendar_id left join teams t on t.id = c.team_id
    left join lateral (
      select assignee_id from sla_breaches where clock_id = c.id and at = c.breached_at order by id desc limit 1) b on true
    left join agents a on a.id = b.assignee_id
    where c.ticket_id = ${ticketId}`
  return rows.map((row) => shown(row, now)).sort(byKind)
}

/** By time, kind, team and cycle. */
export async function listBreaches(sql: Queryable, ticketId: number): Promise<ShownBreach[]> {
  const rows = await sql<BreachRow[]>`
    select b.metric, t.key as team, b.cycle, b.at, b.target_s, a.address as assignee, tt.key as ticket_team,
      b.superseded_at
    from sla_breaches b left join teams t on t.id = b.team_id left join agents a on a.id = b.assignee_id
    left join teams tt on tt.id = b.ticket_team_id
    where b.ticket_id = ${ticketId}`
  return rows
    .map(({ metric, at, superseded_at, ...row }) => ({
      kind: metric,
      ...row,
      at: iso(at)!,
      superseded_at: iso(superseded_at),
    }))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : byKind(a, b)))
}

type Row = Omit<ClockRow, 'ticket_id'> & {
  team: string | null
  breach_assignee: string | null
  calendar: Calendar
  warned_at: Date | null
}
type BreachRow = {
  metric: ClockMetric
  team: string | null
  cycle: number
  at: Date
  target_s: number
  assignee: string | null
  ticket_team: string | null
  superseded_at: Date | null
}

function shown(row: Row, now: Date): ShownClock {
  const isOpen = row.state === 'running' || row.state === 'paused'
  const since = row.running_since
  const elapsed = row.elapsed_s + (since ? workingSecondsBetween(row.calendar, seconds(since), seconds(now)) : 0)
  return {
    kind: row.metric,
    team: row.team,
    cycle: row.cycle,
    state: row.state,
    target_s: row.target_s,
    started_at: iso(row.started_at)!,
    elapsed_s: elapsed,
    due_at: iso(row.due_at),
    remaining_s: isOpen ? Math.max(0, row.target_s - elapsed) : null,
    stopped_at: iso(row.stopped_at),
    stop_reason: row.stop_reason,
    breached_at: iso(row.breached_at),
    breach_assignee: row.breached_at && row.breach_assignee,
    over_by_s: row.breached_at && Math.max(0, elapsed - row.target_s),
    warned_at: iso(row.warned_at),
    next_warn_at: iso(row.next_warn_at),
  }
}

type Named = { kind: ClockMetric; team: string | null; cycle: number }

function byKind(a: Named, b: Named): number {
  const kinds = CLOCK_METRICS.indexOf(a.kind) - CLOCK_METRICS.indexOf(b.kind)
  if (kinds !== 0) return kinds
  const [x, y] = [a.team ?? '', b.team ?? '']
  return x < y ? -1 : x > y ? 1 : a.cycle - b.cycle
}

/** Whole seconds, as the vectors write them. */
const iso = (at: Date | null): string | null => at?.toISOString().replace('.000Z', 'Z') ?? null

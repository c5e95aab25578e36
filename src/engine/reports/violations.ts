/** Who broke which promise, when, and by how much (SLA V1): the ledger, joined to its clocks. Reads only. */
import type { Queryable } from '../../database.ts'
import { seconds } from '../../time.ts'
import { type Calendar, workingSecondsBetween } from '../business-hours.ts'
import type { ClockMetric } from '../sla/account.ts'
import { readCalendar } from '../sla/load.ts'
import type { ClockRow } from '../sla/rows.ts'
import { type Period, within } from './period.ts'
import { column, iso, type Row, type Sheet } from './shape.ts'
import { groupOf, priorityAt } from './sources.ts'

const COLUMNS = [
  column('ticket', 'Ticket', 'ticket'),
  column('subject', 'Subject', 'text'),
  column('organization', 'Customer', 'text'),
  column('requester', 'Requester', 'text'),
  column('group', 'Group', 'text'),
  column('metric', 'Promise', 'text'),
  column('cycle', 'Cycle'),
  column('team', 'Team', 'text'),
  column('policy', 'Policy', 'text'),
  column('priority', 'Priority', 'text'),
  column('target_s', 'Target', 'seconds'),
  column('at', 'Late at', 'instant'),
  column('who', 'Who', 'text'),
  column('assignee', 'Assignee then', 'text'),
  column('stopped_by', 'Stopped by', 'text'),
  column('stopped_at', 'Stopped at', 'instant'),
  column('state', 'State', 'text'),
  column('over_by_s', 'Over by (working)', 'seconds'),
  column('over_by_wall_s', 'Over by (wall)', 'seconds'),
  column('superseded_at', 'Superseded at', 'instant'),
  column('superseded_by', 'Superseded by', 'text'),
  column('superseded_why', 'Why', 'text'),
] as const

/**
 * The breaches of a period, newest first. `who` is the assignee at the breach, else the team then, else "unassigned".
 * `over_by_s` counts working time up to the stop, up to now where the clock runs (`state` says so); of a superseded row
 * nobody can say it. A deleted ticket's subject is not shown.
 */
export async function violations(
  sql: Queryable,
  ask: { period: Period; superseded: 'hidden' | 'shown'; limit: number | null },
  now: Date,
): Promise<Sheet> {
  const rows = await sql<BreachRow[]>`
    select b.ticket_id, case when t.deleted_at is null then t.subject end as subject, o.name as organization,
      coalesce(nullif(t.requester_name, ''), t.requester_address) as requester, g.key as customer_group, b.metric, b.cycle,
      coalesce(ct.key, tt.key) as team, p.key as policy, ${priorityAt(sql, sql`b.ticket_id`, sql`b.at`)} as priority,
      b.target_s, b.at, a.address as assignee, coalesce(nullif(a.name, ''), a.address, nullif(tt.name, ''), tt.key, 'unassigned') as who,
      s.address as stopped_by, c.stop_reason, c.stopped_at, c.state, c.target_s as clock_target, c.elapsed_s,
      c.running_since, c.calendar_id, b.superseded_at, coalesce(nullif(e.actor_name, ''), e.actor) as superseded_by,
      e.type as superseded_type, e.why as superseded_why
    from sla_breaches b
    join sla_clocks c on c.id = b.clock_id
    join tickets t on t.id = b.ticket_id
    join sla_policies p on p.id = c.policy_id
    left join organizations o on o.id = t.organization_id
    left join teams ct on ct.id = b.team_id
    left join teams tt on tt.id = b.ticket_team_id
    left join agents a on a.id = b.assignee_id
    left join agents s on s.id = c.stop_agent_id
    left join events e on e.ticket_id = b.ticket_id and e.seq = b.superseded_by
    left join lateral ${groupOf(sql)} g on true
    where ${within(sql, sql`b.at`, ask.period)} ${ask.superseded === 'hidden' ? sql`and b.superseded_at is null` : sql``}
    order by b.at desc, b.id desc limit ${ask.limit}`
  const calendars = await findCalendars(sql, rows)
  const shown = ask.superseded === 'shown' ? COLUMNS : COLUMNS.filter(({ key }) => !key.startsWith('superseded'))
  return { columns: shown, rows: rows.map((row) => violation(row, calendars, now)), total: null }
}

type BreachRow = {
  ticket_id: number
  subject: string | null
  organization: string | null
  requester: string | null
  customer_group: string | null
  metric: ClockMetric
  cycle: number
  team: string | null
  policy: string
  priority: string
  target_s: number
  at: Date
  assignee: string | null
  who: string
  stopped_by: string | null
  stop_reason: string | null
  stopped_at: Date | null
  state: ClockRow['state']
  clock_target: number
  elapsed_s: number
  running_since: Date | null
  calendar_id: number
  superseded_at: Date | null
  superseded_by: string | null
  superseded_type: string | null
  superseded_why: string | null
}

function violation(row: BreachRow, calendars: Map<number, Calendar>, now: Date): Row {
  const counts = row.superseded_at === null
  const until = row.stopped_at ?? now
  const { running_since: since } = row
  const running = since ? workingSecondsBetween(calendars.get(row.calendar_id)!, seconds(since), seconds(now)) : 0
  return {
    ticket: row.ticket_id,
    subject: row.subject,
    organization: row.organization,
    requester: row.requester,
    group: row.customer_group,
    metric: row.metric,
    cycle: row.cycle,
    team: row.team,
    policy: row.policy,
    priority: row.priority,
    target_s: row.target_s,
    at: iso(row.at),
    who: row.who,
    assignee: row.assignee,
    stopped_by: row.stopped_by,
    stopped_at: iso(row.stopped_at),
    stop_reason: row.stop_reason,
    state: row.state,
    still_open: row.stopped_at === null,
    over_by_s: counts ? Math.max(0, row.elapsed_s + running - row.clock_target) : null,
    over_by_wall_s: counts ? Math.max(0, seconds(until) - seconds(row.at)) : null,
    as_of: iso(now),
    superseded_at: iso(row.superseded_at),
    superseded_by: row.superseded_at && (row.superseded_by ?? 'nobody'),
    superseded_why: row.superseded_at && (row.superseded_why ?? row.superseded_type),
  }
}

/** Of the clocks that still run. */
async function findCalendars(sql: Queryable, rows: readonly BreachRow[]): Promise<Map<number, Calendar>> {
  const ids = [...new Set(rows.filter((row) => row.running_since !== null).map((row) => row.calendar_id))]
  if (ids.length === 0) return new Map()
  const found = await sql<{ id: number; definition: string }[]>`
    select id, definition::text as definition from calendars where id = any(${ids}::bigint[])`
  return new Map(found.map((row) => [row.id, readCalendar(row.definition)]))
}

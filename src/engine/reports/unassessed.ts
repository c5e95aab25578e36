/** How long tickets wait until somebody assesses how urgent they are (FEATURES 3.11), by team and by customer. Reads only. */
import type { Queryable } from '../../database.ts'
import { timeUntil } from '../tickets/assess.ts'
import { type Period, within } from './period.ts'
import { column, type Row, type Sheet, sums } from './shape.ts'
import { listed } from './sources.ts'

/**
 * The tickets that came in the period, as they stand now: first a row for each team, then one for each customer, so each
 * ticket is in two rows and once in the sum. `open` has nobody assessed yet, `done` ended so, `assessed` is what people
 * did; the rest of `tickets` was assessed by a rule as it came. Working time, the median of nearest rank.
 */
export async function unassessed(sql: Queryable, period: Period, now: Date): Promise<Sheet> {
  const [counts, waiting] = await Promise.all([countTickets(sql, period), findWaiting(sql, period)])
  const waits = waiting.map((one) => ({ ...one, seconds: timeUntil(one, now) }))
  const rows = counts.map(({ id, ...row }): Row => {
    const mine = waits.filter((one) => (row.by === 'team' ? one.team_id : one.organization_id) === id)
    const open_longest_s = mine.length > 0 ? mine.reduce((most, one) => Math.max(most, one.seconds), 0) : null
    return { ...row, open_longest_s }
  })
  const total = sums(
    rows.filter((row) => row.by === 'team'),
    ['tickets', 'open', 'done', 'assessed'],
  )
  return { columns: COLUMNS, rows, total }
}

const COLUMNS = [
  column('by', 'By', 'text'),
  column('name', 'Name', 'text'),
  column('key', 'Key', 'text'),
  column('tickets', 'Tickets'),
  column('open', 'Unassessed now'),
  column('open_longest_s', 'Longest so far', 'seconds'),
  column('done', 'Ended unassessed'),
  column('assessed', 'Assessed'),
  column('median_s', 'Median until then', 'seconds'),
  column('longest_s', 'Longest until then', 'seconds'),
]

type Counts = {
  by: 'team' | 'organization'
  id: number | null
  name: string
  key: string | null
  tickets: number
  open: number
  done: number
  assessed: number
  median_s: number | null
  longest_s: number | null
}

/** Those without a team or customer stand last. */
async function countTickets(sql: Queryable, period: Period): Promise<Counts[]> {
  return [
    ...(await sql<Counts[]>`
      with mine as (
        select t.team_id, t.organization_id, t.assessed_s, t.assessed_at is null as unassessed,
          t.assessed_at > t.created_at as later, t.status in ('resolved', 'closed') as ended
        from tickets t where ${listed(sql)} and ${within(sql, sql`t.created_at`, period)}),
      places as (
        select 1 as nth, team_id as id, mine.* from mine
        union all select 2, organization_id, mine.* from mine),
      counted as (
        select nth, id, count(*)::int as tickets,
          (count(*) filter (where unassessed and not ended))::int as open,
          (count(*) filter (where unassessed and ended))::int as done,
          (count(*) filter (where later))::int as assessed,
          percentile_disc(0.5) within group (order by assessed_s) filter (where later) as median_s,
          max(assessed_s) filter (where later) as longest_s
        from places group by 1, 2)
      select case c.nth when 1 then 'team' else 'organization' end as by, c.id,
        coalesce(nullif(m.name, ''), m.key, o.name, case c.nth when 1 then 'no team' else 'no customer' end) as name,
        coalesce(m.key, o.key) as key, c.tickets, c.open, c.done, c.assessed, c.median_s, c.longest_s
      from counted c left join teams m on c.nth = 1 and m.id = c.id left join organizations o on c.nth = 2 and o.id = c.id
      order by c.nth, c.id is null, lower(coalesce(nullif(m.name, ''), m.key, o.name)), c.id`),
  ]
}

type Waiting = { team_id: number | null; organization_id: number | null; created_at: Date; calendar: string | null }

/** What waits is measured by the calendar it is under today; what is assessed was measured then (SLA V6). */
const findWaiting = (sql: Queryable, period: Period) => sql<Waiting[]>`
  select t.team_id, t.organization_id, t.created_at, c.definition::text as calendar
  from tickets t left join calendars c on c.id = t.calendar_id
  where t.assessed_at is null and t.status not in ('resolved', 'closed') and ${listed(sql)}
    and ${within(sql, sql`t.created_at`, period)}`

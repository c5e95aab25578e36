/** How many promises were kept (SLA V2, V4): clocks that stopped in a period, by what the asker wants. Reads only. */
import type { Queryable } from '../../database.ts'
import { never } from '../../errors.ts'
import { CLOCK_METRICS, type ClockMetric } from '../sla/account.ts'
import { PRIORITIES } from '../tables.ts'
import { civilOf, type Period, QUARTER, within } from './period.ts'
import { column, type Row, type Sheet, share, sums } from './shape.ts'
import { counted, groupOf, judged, listed, priorityAt } from './sources.ts'

export const DIMENSIONS = [
  'metric', 'group', 'organization', 'policy', 'priority', 'type', 'weekday', 'hour',
] as const // biome-ignore format: a list to be read
export type Dimension = (typeof DIMENSIONS)[number]

/** What people read above the column. */
export const DIMENSION_WORDS: Record<Dimension, string> = {
  metric: 'Promise',
  group: 'Customer group',
  organization: 'Customer',
  policy: 'Policy',
  priority: 'Priority',
  type: 'Type',
  weekday: 'Weekday of start',
  hour: 'Hour of start',
}

/**
 * A row for each value and promise. Of the stopped clocks `share` is what was met; open ones that became late in the
 * period stand beside it and are not in it; cancelled ones are nowhere (V2). Tickets that are spam or deleted count
 * nowhere. Values of today: organization, group, type; of then: policy and priority; weekday and hour in the zone.
 */
export async function compliance(sql: Queryable, ask: { period: Period; by: Dimension }): Promise<Sheet> {
  const { by, period } = ask
  const found = await findRows(sql, ask)
  const rows: Row[] = found
    .sort(inOrder(by))
    .map(({ key, label, metric, ...counts }): Row => ({ by, key, label: label ?? key, metric, ...counts }))
    .map((row) => ({ ...row, share: share(Number(row.met), Number(row.stopped)) }))
  if (by === 'policy') rows.push(await withoutPolicy(sql, period))
  const total = sums(rows, ['stopped', 'met', 'breached', 'open_late'])
  return {
    columns: [
      ...(by === 'metric' ? [] : [column('label', DIMENSION_WORDS[by], 'text')]),
      column('metric', 'Promise', 'text'),
      column('tickets', 'Tickets'),
      column('stopped', 'Ended'),
      column('met', 'Met'),
      column('breached', 'Late'),
      column('share', 'Met of ended', 'share'),
      column('open_late', 'Late and open'),
      column('median_s', 'Median', 'seconds'),
      column('p90_s', '9 of 10 within', 'seconds'),
    ],
    rows,
    total: { ...total, share: share(Number(total.met), Number(total.stopped)) },
  }
}

type Found = {
  key: string
  label: string | null
  metric: ClockMetric
  tickets: number
  stopped: number
  met: number
  breached: number
  open_late: number
  median_s: number | null
  p90_s: number | null
}

async function findRows(sql: Queryable, { period, by }: { period: Period; by: Dimension }): Promise<Found[]> {
  const { key, label, join } = await dimension(sql, period, by)
  return [
    ...(await sql<Found[]>`
      select coalesce(${key}, '') as key, max(${label}) as label, c.metric, count(distinct c.ticket_id)::int as tickets,
        ${judged(sql)}
      from sla_clocks c join tickets t on t.id = c.ticket_id ${join}
      where ${counted(sql, period)} group by 1, c.metric`),
  ]
}

/** SQL of the key, of its label (in an aggregate), and what they need joined. */
async function dimension(sql: Queryable, period: Period, by: Dimension) {
  const nothing = sql``
  switch (by) {
    case 'metric':
      return { key: sql`c.metric`, label: sql`c.metric`, join: nothing }
    case 'type':
      return { key: sql`t.type`, label: sql`t.type`, join: nothing }
    case 'priority': {
      const then = priorityAt(sql, sql`c.ticket_id`, sql`coalesce(c.stopped_at, c.breached_at)`)
      const join = sql`join lateral (select ${then} as priority) x on true`
      return { key: sql`x.priority`, label: sql`x.priority`, join }
    }
    case 'organization':
      return {
        key: sql`o.key`,
        label: sql`coalesce(o.name, 'no customer')`,
        join: sql`left join organizations o on o.id = t.organization_id`,
      }
    case 'group':
      return {
        key: sql`g.key`,
        label: sql`coalesce(g.name, 'no group')`,
        join: sql`left join lateral ${groupOf(sql)} g on true`,
      }
    case 'policy':
      return { key: sql`p.key`, label: sql`p.key`, join: sql`join sla_policies p on p.id = c.policy_id` }
    case 'weekday':
    case 'hour': {
      const { quarters, keys, labels } = await startsIn(sql, period, by)
      const join = sql`join unnest(${quarters}::bigint[], ${keys}::text[], ${labels}::text[]) as s (quarter, key, label)
        on s.quarter = floor(extract(epoch from c.started_at) / ${QUARTER}::int)`
      return { key: sql`s.key`, label: sql`s.label`, join }
    }
    default:
      return never(by)
  }
}

/** The quarters of an hour in which these clocks started, with what clocks on the wall showed: zones are the runtime's. */
async function startsIn(sql: Queryable, period: Period, by: 'weekday' | 'hour') {
  const rows = await sql<{ quarter: number }[]>`
    select distinct floor(extract(epoch from c.started_at) / ${QUARTER}::int)::bigint as quarter
    from sla_clocks c join tickets t on t.id = c.ticket_id where ${counted(sql, period)}`
  const quarters = rows.map((row) => row.quarter)
  const civil = quarters.map((quarter) => civilOf(period.zone, quarter))
  const hour = (n: number) => String(n).padStart(2, '0')
  return {
    quarters,
    keys: civil.map((one) => (by === 'weekday' ? String(one.weekday) : hour(one.hour))),
    labels: civil.map((one) => (by === 'weekday' ? WEEKDAYS[one.weekday - 1]! : `${hour(one.hour)}:00`)),
  }
}

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

/** Tickets that came in the period and that nothing was promised about (S5). */
async function withoutPolicy(sql: Queryable, period: Period): Promise<Row> {
  const [row] = await sql<{ tickets: number }[]>`
    select count(*)::int as tickets from tickets t
    where t.policy_id is null and ${listed(sql)} and ${within(sql, sql`t.created_at`, period)}`
  const none = { stopped: 0, met: 0, breached: 0, share: null, open_late: 0, median_s: null, p90_s: null }
  return { by: 'policy', key: '', label: 'no policy', metric: null, tickets: row!.tickets, ...none }
}

/** By value, then in the order in which a ticket meets its promises. */
function inOrder(by: Dimension): (a: Found, b: Found) => number {
  const place = (row: Found): string =>
    by === 'priority' ? String(PRIORITIES.indexOf(row.key as never)) : by === 'metric' ? '' : sortText(row, by)
  return (a, b) => {
    const [x, y] = [place(a), place(b)]
    return x < y ? -1 : x > y ? 1 : CLOCK_METRICS.indexOf(a.metric) - CLOCK_METRICS.indexOf(b.metric)
  }
}

/** Those without a value stand at the end. */
const sortText = (row: Found, by: Dimension): string =>
  by === 'weekday' || by === 'hour' ? row.key : row.key === '' ? '\uffff' : (row.label ?? row.key).toLowerCase()

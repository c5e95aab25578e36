/**
 * Queues read from the indexes of SLA Q2: sorted by the next due date unless asked otherwise, paged by key, no row looked
 * at twice. The
 * predicates are written out as in the indexes, or PostgreSQL would not use them.
 */
import type { Queryable } from '../../database.ts'
import { orderKey } from '../../engine/people/order.ts'
import { CLOCK_METRICS, type ClockMetric } from '../../engine/sla/account.ts'
import type { Priority, QueueOrder, Status } from '../../engine/tables.ts'
import { web as limits } from '../../limits.ts'
import type { QueueName } from './names.ts'

export type QueueRow = {
  id: number
  subject: string
  status: Status
  priority: Priority
  /** Null: nobody has set the priority yet. */
  assessed_at: Date | null
  requester_name: string
  requester_address: string | null
  organization: string | null
  project: string
  team: string | null
  assignee: string | null
  created_at: Date
  updated_at: Date
  resolved_at: Date | null
  next_due_at: Date | null
  /** Set by hand. */
  due_at: Date | null
  /** Its place in the order that was asked for; null is the end. */
  place: Date | null
  undelivered_at: Date | null
  /** What its policy marks its priority with. */
  colour: string | null
  /** All that run or wait: the next due first, then those that are never due, then those that wait. */
  clocks: QueueClock[]
}

export type QueueClock = {
  metric: ClockMetric
  state: 'running' | 'paused'
  calendar_id: number
  /** Only while it runs. */
  due_at: Date | null
  /** Working seconds that are left of one that waits, negative when it is late. */
  rest_s: number
}

/** A place in a queue: the sort key of a row. `at` null is the end, where tickets without a due date are. */
export type Cursor = { at: Date | null; id: number }

export type QueueQuery = {
  queue: QueueName
  agentId: number
  projectId: number | null
  /** Of open tickets; the resolved ones stand by when that was. */
  order: QueueOrder
  after?: Cursor | null
  before?: Cursor | null
}

export type QueueSlice = { rows: QueueRow[]; earlier: boolean; later: boolean }

/** One page of a queue, in its order; `earlier` and `later` tell whether there is more on either side. */
export async function listQueue(sql: Queryable, query: QueueQuery): Promise<QueueSlice> {
  const teamIds = query.queue === 'teams' ? await findTeams(sql, query.agentId) : []
  const found = (await queueStatement(sql, { ...query, teamIds })).slice()
  const more = found.length > limits.page
  if (more) found.pop()
  if (query.before) found.reverse()
  const clocks = await clocksStatement(
    sql,
    found.map((row) => row.id),
  )
  const byTicket = Map.groupBy(clocks, (clock) => clock.ticket_id)
  const rows = found.map((row) => ({ ...row, clocks: (byTicket.get(row.id) ?? []).sort(byNext) }))
  if (!query.before) return { rows, earlier: !!query.after, later: more }
  return { rows, earlier: more, later: true }
}

/** The teams whose tickets "my teams" are. */
export async function findTeams(sql: Queryable, agentId: number): Promise<number[]> {
  const rows = await sql<{ team_id: number }[]>`
    select team_id from team_members where agent_id = ${agentId} order by team_id`
  return rows.map((row) => row.team_id)
}

/**
 * The statement behind a page, for `explain` too. Names are looked up for the rows of the page alone, one by one: a join
 * would leave the order to the planner, and it would sort.
 */
export function queueStatement(sql: Queryable, query: QueueQuery & { teamIds: number[] }) {
  const page = query.queue === 'resolved' ? resolvedPage(sql, query) : openPage(sql, query)
  return sql<Omit<QueueRow, 'clocks'>[]>`
    select t.id, t.subject, t.status, t.priority, t.assessed_at, t.requester_name, t.requester_address, t.created_at, t.updated_at,
      t.resolved_at, t.next_due_at, t.due_at, ${placeOf(sql, query.queue)} as place, t.undelivered_at,
      (select name from organizations o where o.id = t.organization_id) as organization,
      (select key from projects p where p.id = t.project_id) as project,
      (select name from teams m where m.id = t.team_id) as team,
      (select coalesce(nullif(name, ''), address) from agents a where a.id = t.assignee_id) as assignee,
      (select definition -> 'colours' ->> t.priority from sla_policies s where s.id = t.policy_id) as colour
    from (${page}) t order by ${orderOf(sql, query)}`
}

/** The open clocks of these tickets, for `explain` too (SLA Q7: of the rows on screen only). */
export function clocksStatement(sql: Queryable, ticketIds: number[]) {
  return sql<(QueueClock & { ticket_id: number })[]>`
    select ticket_id, metric, state, calendar_id, due_at,
      case when breached_at is null then target_s - elapsed_s else least(target_s - elapsed_s, -1) end as rest_s
    from sla_clocks where ticket_id = any(${ticketIds}::bigint[]) and state in ('running', 'paused')`
}

/** `2025-03-04T13:30:00.000Z.12` or `none.12`, as it stands in a page's address. */
export const cursorText = (cursor: Cursor): string => `${cursor.at?.toISOString() ?? 'none'}~${cursor.id}`

/** The place in an address, or null when there is none or it is no place. */
export function parseCursor(text: string | undefined): Cursor | null {
  const match = /^(none|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)~(\d{1,15})$/.exec(text ?? '')
  if (!match) return null
  const at = match[1] === 'none' ? null : new Date(match[1]!)
  return at && Number.isNaN(at.getTime()) ? null : { at, id: Number(match[2]) }
}

function openPage(sql: Queryable, query: QueueQuery & { teamIds: number[] }) {
  const from = sql`select t.*, ${orderKey(sql, query.order)} as sort_key from tickets t
    where t.status not in ('resolved', 'closed') and t.deleted_at is null and t.spam_at is null
      ${query.projectId === null ? sql`` : sql`and t.project_id = ${query.projectId}`} ${beyond(sql, query)}`
  const ordered = sql`order by ${orderOf(sql, query)} limit ${limits.page + 1}`
  switch (query.queue) {
    case 'mine':
      return sql`${from} and t.assignee_id = ${query.agentId} ${ordered}`
    case 'unassigned':
      return sql`${from} and t.assignee_id is null ${ordered}`
    case 'waiting':
      return sql`${from} and t.status = 'waiting_customer' ${ordered}`
    case 'teams': {
      // A page of each team, merged in order: no team is read past one page.
      const [first, ...others] = query.teamIds.map((id) => sql`(${from} and t.team_id = ${id} ${ordered})`)
      if (!first) return sql`${from} and false ${ordered}`
      const all = others.reduce((some, other) => sql`${some} union all ${other}`, first)
      return sql`select * from (${all}) t ${ordered}`
    }
    default:
      return sql`${from} ${ordered}`
  }
}

/** Resolved tickets, the newest first, from tickets_resolved; closed ones are found by search. */
function resolvedPage(sql: Queryable, query: QueueQuery) {
  const place = query.before ?? query.after
  const beyondPlace = place?.at
    ? query.before
      ? sql`and (t.resolved_at > ${place.at} or (t.resolved_at = ${place.at} and t.id > ${place.id}))`
      : sql`and t.resolved_at <= ${place.at} and (t.resolved_at < ${place.at} or t.id < ${place.id})`
    : sql``
  return sql`select t.* from tickets t where t.status = 'resolved' and t.deleted_at is null and t.spam_at is null
    ${query.projectId === null ? sql`` : sql`and t.project_id = ${query.projectId}`} ${beyondPlace}
    order by ${orderOf(sql, query)} limit ${limits.page + 1}`
}

/** By names that a page and what it is made of share. */
function orderOf(sql: Queryable, { queue, before }: QueueQuery) {
  const direction = before ? sql`desc` : sql`asc`
  if (queue === 'resolved') return before ? sql`resolved_at asc, id asc` : sql`resolved_at desc, id desc`
  // Naming the constant column first is what lets the planner read tickets_assignee_due in order.
  const constant = queue === 'unassigned' ? sql`assignee_id ${direction}, ` : sql``
  return sql`${constant}sort_key ${direction}, id ${direction}`
}

const placeOf = (sql: Queryable, queue: QueueName) =>
  queue === 'resolved' ? sql`t.resolved_at` : sql`nullif(t.sort_key, 'infinity')`

function beyond(sql: Queryable, query: QueueQuery) {
  const place = query.before ?? query.after
  if (!place) return sql``
  const at = place.at?.toISOString() ?? 'infinity'
  const own = sql`(${orderKey(sql, query.order)}, t.id)`
  const key = sql`(${at}::text::timestamptz, ${place.id}::bigint)`
  return query.before ? sql`and ${own} < ${key}` : sql`and ${own} > ${key}`
}

function byNext(a: QueueClock, b: QueueClock): number {
  const rank = ({ state, due_at }: QueueClock) => due_at?.getTime() ?? (state === 'running' ? 8e15 : 9e15)
  return rank(a) - rank(b) || CLOCK_METRICS.indexOf(a.metric) - CLOCK_METRICS.indexOf(b.metric)
}

/** Projects by key, for the filter. */
export async function listProjects(sql: Queryable): Promise<{ id: number; key: string }[]> {
  return await sql<{ id: number; key: string }[]>`
    select id, key from projects where disabled_at is null order by key`
}

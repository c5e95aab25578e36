/**
 * Queues read from the indexes of SLA Q2: sorted by the next due date, paged by key, no row looked at twice. The
 * predicates are written out as in the indexes, or PostgreSQL would not use them.
 */
import type { Queryable } from '../../database.ts'
import type { Priority, Status } from '../../engine/tables.ts'
import { web as limits } from '../../limits.ts'
import type { QueueName } from './names.ts'

export type QueueRow = {
  id: number
  subject: string
  status: Status
  priority: Priority
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
  undelivered_at: Date | null
  /** What is due next, and the calendar its time is counted in; where nothing runs what is paused, else null. */
  metric: string | null
  calendar_id: number | null
  clock: 'running' | 'paused' | null
}

/** A place in a queue: the sort key of a row. `due` null is the end, where tickets without a due date are. */
export type Cursor = { due: Date | null; id: number }

export type QueueQuery = {
  queue: QueueName
  agentId: number
  projectId: number | null
  after?: Cursor | null
  before?: Cursor | null
}

export type QueueSlice = { rows: QueueRow[]; earlier: boolean; later: boolean }

/** One page of a queue, in its order; `earlier` and `later` tell whether there is more on either side. */
export async function listQueue(sql: Queryable, query: QueueQuery): Promise<QueueSlice> {
  const rows = await queueStatement(sql, query)
  const more = rows.length > limits.page
  if (more) rows.pop()
  if (!query.before) return { rows, earlier: !!query.after, later: more }
  return { rows: rows.reverse(), earlier: more, later: true }
}

/** The statement behind a page, for `explain` too. */
export function queueStatement(sql: Queryable, query: QueueQuery) {
  const direction = query.before ? sql`desc` : sql`asc`
  const page = query.queue === 'resolved' ? resolvedPage(sql, query) : openPage(sql, query)
  const order =
    query.queue === 'resolved' ? resolvedOrder(sql, query) : sql`${byDue(sql)} ${direction}, t.id ${direction}`
  return sql<QueueRow[]>`
    select t.id, t.subject, t.status, t.priority, t.requester_name, t.requester_address, t.created_at, t.updated_at,
      t.resolved_at, t.next_due_at, t.undelivered_at, o.name as organization, p.key as project, m.name as team,
      coalesce(nullif(a.name, ''), a.address) as assignee, c.metric, c.calendar_id, c.state as clock
    from (${page}) t
    join projects p on p.id = t.project_id
    left join organizations o on o.id = t.organization_id
    left join teams m on m.id = t.team_id
    left join agents a on a.id = t.assignee_id
    left join lateral (
      select metric, calendar_id, state from sla_clocks
      where ticket_id = t.id and metric <> 'ola' and (
        (state = 'running' and due_at = t.next_due_at) or (state = 'paused' and t.next_due_at is null)) limit 1) c on true
    order by ${order}`
}

/** `2025-03-04T13:30:00.000Z.12` or `none.12`, as it stands in a page's address. */
export const cursorText = (cursor: Cursor): string => `${cursor.due?.toISOString() ?? 'none'}~${cursor.id}`

/** The place in an address, or null when there is none or it is no place. */
export function parseCursor(text: string | undefined): Cursor | null {
  const match = /^(none|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)~(\d{1,15})$/.exec(text ?? '')
  if (!match) return null
  const due = match[1] === 'none' ? null : new Date(match[1]!)
  return due && Number.isNaN(due.getTime()) ? null : { due, id: Number(match[2]) }
}

const byDue = (sql: Queryable) => sql`coalesce(t.next_due_at, 'infinity'::timestamptz)`

function openPage(sql: Queryable, query: QueueQuery) {
  const direction = query.before ? sql`desc` : sql`asc`
  const order = sql`${byDue(sql)} ${direction}, t.id ${direction}`
  const from = sql`select t.* from tickets t
    where t.status not in ('resolved', 'closed') and t.deleted_at is null and t.spam_at is null
      ${query.projectId === null ? sql`` : sql`and t.project_id = ${query.projectId}`} ${beyond(sql, query)}`
  const limit = limits.page + 1
  switch (query.queue) {
    case 'mine':
      return sql`${from} and t.assignee_id = ${query.agentId} order by ${order} limit ${limit}`
    case 'unassigned':
      // Naming the constant column first is what lets the planner read tickets_assignee_due in order.
      return sql`${from} and t.assignee_id is null order by t.assignee_id ${direction}, ${order} limit ${limit}`
    case 'waiting':
      return sql`${from} and t.status = 'waiting_customer' order by ${order} limit ${limit}`
    case 'teams': // a page of each team, then the best of all: no team is read past one page
      return sql`select t.* from team_members mine cross join lateral (
          ${from} and t.team_id = mine.team_id order by ${order} limit ${limit}) t
        where mine.agent_id = ${query.agentId} order by ${order} limit ${limit}`
    default:
      return sql`${from} order by ${order} limit ${limit}`
  }
}

/** Resolved tickets, the newest first, from tickets_resolved; closed ones are found by search. */
function resolvedPage(sql: Queryable, query: QueueQuery) {
  const place = query.before ?? query.after
  const beyondPlace = place?.due
    ? query.before
      ? sql`and (t.resolved_at > ${place.due} or (t.resolved_at = ${place.due} and t.id > ${place.id}))`
      : sql`and t.resolved_at <= ${place.due} and (t.resolved_at < ${place.due} or t.id < ${place.id})`
    : sql``
  return sql`select t.* from tickets t where t.status = 'resolved' and t.deleted_at is null and t.spam_at is null
    ${query.projectId === null ? sql`` : sql`and t.project_id = ${query.projectId}`} ${beyondPlace}
    order by ${resolvedOrder(sql, query)} limit ${limits.page + 1}`
}

const resolvedOrder = (sql: Queryable, query: QueueQuery) =>
  query.before ? sql`t.resolved_at asc, t.id asc` : sql`t.resolved_at desc, t.id desc`

function beyond(sql: Queryable, query: QueueQuery) {
  const place = query.before ?? query.after
  if (!place) return sql``
  const due = place.due?.toISOString() ?? 'infinity'
  const key = sql`(${due}::text::timestamptz, ${place.id}::bigint)`
  return query.before ? sql`and (${byDue(sql)}, t.id) < ${key}` : sql`and (${byDue(sql)}, t.id) > ${key}`
}

/** Projects by key, for the filter. */
export async function listProjects(sql: Queryable): Promise<{ id: number; key: string }[]> {
  return await sql<{ id: number; key: string }[]>`
    select id, key from projects where disabled_at is null order by key`
}

/**
 * Timesheets as lists: filtered, sorted, grouped, with totals that are those of the list (FEATURES 4.28). Reads only.
 * Weeks are ISO weeks, days the agents' local dates.
 */
import type { Queryable } from '../../database.ts'
import { timesheets as limits } from '../../limits.ts'
import type { EntryRow } from './rows.ts'
import type { EntryStatus } from './tables.ts'

/** Left out: all. */
export type EntryFilter = {
  agentId?: number
  organizationId?: number
  projectId?: number
  ticketId?: number
  /** Local dates, both inclusive, `YYYY-MM-DD`. */
  from?: string
  to?: string
  status?: readonly EntryStatus[]
  billable?: boolean
  workTypeId?: number
  /** Only what waits for a look, because its timer stopped itself (T2). */
  review?: 'waiting'
}

export const SORTS = ['date', 'agent', 'customer', 'project', 'ticket', 'time', 'status'] as const
export type Sort = (typeof SORTS)[number]
export const GROUPS = ['agent', 'customer', 'project', 'ticket', 'day', 'week'] as const
export type Group = (typeof GROUPS)[number]

/** `raw_s` of a running timer: up to now. */
export type ListedEntry = Omit<EntryRow, 'project_id' | 'work_type_id' | 'invoice_line_id'> & {
  subject: string | null
  project_id: number
  project: string
  organization_id: number | null
  organization: string | null
  agent: string
  agent_address: string
  work_type: string | null
  work_type_name: string | null
  rejected_why: string | null
  approved_by: string | null
  invoice_id: number | null
  /** Null on a draft invoice too. */
  invoice: string | null
  reversed_by: number | null
}

export type EntryTotals = {
  entries: number
  /** Seconds; billable and free sum to raw. */
  raw_s: number
  billable_s: number
  free_s: number
  /** Seconds by status. */
  open_s: number // running, draft and rejected
  submitted_s: number
  approved_s: number
  invoiced_s: number
}

export type EntryGroup = EntryTotals & {
  /** An id as text, a date or `2026-W09`; what to filter by is up to the reader. Empty: none, such as no customer. */
  key: string
  label: string
}

export type ListQuery = {
  filter: EntryFilter
  sort?: Sort
  order?: 'asc' | 'desc'
  limit?: number
  offset?: number
}

/** A page of entries, the newest day first unless told otherwise; `limits.page` of them, and at most `limits.export`. */
export async function listEntries(sql: Queryable, query: ListQuery, now: Date): Promise<ListedEntry[]> {
  const { filter, sort = 'date', order = 'desc', limit = limits.page, offset = 0 } = query
  const direction = order === 'asc' ? sql`asc` : sql`desc`
  return [
    ...(await sql<ListedEntry[]>`
      select ${columns(sql, now)} from ${sources(sql)} where ${matching(sql, filter)}
      order by ${sortKey(sql, sort)} ${direction} nulls last, e.local_date ${direction}, e.started_at ${direction} nulls last,
        e.id ${direction}
      limit ${Math.min(limit, limits.export)} offset ${offset}`),
  ]
}

/** One entry, or null. */
export async function findEntry(sql: Queryable, entryId: number, now: Date): Promise<ListedEntry | null> {
  const [row] = await sql<ListedEntry[]>`select ${columns(sql, now)} from ${sources(sql)} where e.id = ${entryId}`
  return row ?? null
}

/** The agent's running timer, or null. */
export async function findTimer(sql: Queryable, agentId: number, now: Date): Promise<ListedEntry | null> {
  const [row] = await sql<ListedEntry[]>`
    select ${columns(sql, now)} from ${sources(sql)} where e.agent_id = ${agentId} and e.status = 'running'`
  return row ?? null
}

/** What all entries of a filter come to. */
export async function totalEntries(sql: Queryable, filter: EntryFilter, now: Date): Promise<EntryTotals> {
  const [row] = await sql<EntryTotals[]>`
    select ${totals(sql, now)} from ${sources(sql)} where ${matching(sql, filter)}`
  return row!
}

/** The same by agent, customer, project, ticket, day or week; the groups sum to the totals. */
export async function groupEntries(
  sql: Queryable,
  { filter, by }: { filter: EntryFilter; by: Group },
  now: Date,
): Promise<EntryGroup[]> {
  const { key, label } = groupKey(sql, by)
  return [
    ...(await sql<EntryGroup[]>`
      select coalesce(${key}, '') as key, coalesce(max(${label}), '') as label, ${totals(sql, now)}
      from ${sources(sql)} where ${matching(sql, filter)}
      group by 1 order by ${by === 'day' || by === 'week' ? sql`1 desc` : sql`2, 1`}
      limit ${limits.export}`),
  ]
}

/** How much of a ticket is done: what was submitted last says so (T6). Null where nobody has said. */
export async function ticketProgress(sql: Queryable, ticketId: number): Promise<number | null> {
  const [row] = await sql<{ percent_complete: number }[]>`
    select percent_complete from time_entries
    where ticket_id = ${ticketId} and percent_complete is not null and submitted_at is not null
    order by submitted_at desc, id desc limit 1`
  return row?.percent_complete ?? null
}

const sources = (sql: Queryable) => sql`
  time_entries e
  join agents a on a.id = e.agent_id
  left join tickets t on t.id = e.ticket_id
  join projects p on p.id = coalesce(t.project_id, e.project_id)
  left join organizations o on o.id = coalesce(t.organization_id, p.organization_id)
  left join work_types w on w.id = e.work_type_id
  left join agents b on b.id = e.approved_by
  left join invoice_lines l on l.id = e.invoice_line_id
  left join invoices i on i.id = l.invoice_id
  left join time_entries r on r.reverses_id = e.id`

const raw = (sql: Queryable, now: Date) => sql`
  case when e.status = 'running' then greatest(0, floor(extract(epoch from ${now}::timestamptz - e.started_at)))::int
       else e.raw_s end`

const name = (sql: Queryable) => sql`coalesce(nullif(a.name, ''), a.address)`

const columns = (sql: Queryable, now: Date) => sql`
  e.id, e.ticket_id, t.subject, p.id as project_id, p.key as project, o.id as organization_id, o.name as organization,
  e.agent_id, ${name(sql)} as agent, a.address as agent_address, e.source, e.started_at, e.ended_at, ${raw(sql, now)} as raw_s,
  e.local_date, e.tz, w.key as work_type, w.name as work_type_name, e.priority, e.billable, e.note, e.percent_complete,
  e.ticket_status_after, e.status, e.statement_id, e.review_at, e.rejected_why, coalesce(nullif(b.name, ''), b.address) as approved_by,
  i.id as invoice_id, i.number as invoice, e.reverses_id, r.id as reversed_by, e.rev`

const totals = (sql: Queryable, now: Date) => {
  const sum = (condition: ReturnType<typeof sql>) =>
    sql`coalesce(sum(${raw(sql, now)}) filter (where ${condition}), 0)::bigint`
  return sql`
    count(*)::int as entries, ${sum(sql`true`)} as raw_s, ${sum(sql`e.billable`)} as billable_s,
    ${sum(sql`not e.billable`)} as free_s, ${sum(sql`e.status in ('running', 'draft', 'rejected')`)} as open_s,
    ${sum(sql`e.status = 'submitted'`)} as submitted_s, ${sum(sql`e.status = 'approved'`)} as approved_s,
    ${sum(sql`e.status = 'invoiced'`)} as invoiced_s`
}

function matching(sql: Queryable, filter: EntryFilter) {
  const { agentId, organizationId, projectId, ticketId, from, to, status, billable, workTypeId, review } = filter
  return sql`true
    ${agentId === undefined ? sql`` : sql`and e.agent_id = ${agentId}`}
    ${organizationId === undefined ? sql`` : sql`and o.id = ${organizationId}`}
    ${projectId === undefined ? sql`` : sql`and p.id = ${projectId}`}
    ${ticketId === undefined ? sql`` : sql`and e.ticket_id = ${ticketId}`}
    ${from === undefined ? sql`` : sql`and e.local_date >= ${from}`}
    ${to === undefined ? sql`` : sql`and e.local_date <= ${to}`}
    ${status === undefined ? sql`` : sql`and e.status = any(${[...status]}::text[])`}
    ${billable === undefined ? sql`` : sql`and e.billable = ${billable}`}
    ${workTypeId === undefined ? sql`` : sql`and e.work_type_id = ${workTypeId}`}
    ${review === undefined ? sql`` : sql`and e.review_at is not null`}`
}

function sortKey(sql: Queryable, sort: Sort) {
  switch (sort) {
    case 'date':
      return sql`e.local_date`
    case 'agent':
      return sql`${name(sql)}`
    case 'customer':
      return sql`o.name`
    case 'project':
      return sql`p.key`
    case 'ticket':
      return sql`e.ticket_id`
    case 'time':
      return sql`e.raw_s`
    default:
      return sql`e.status`
  }
}

function groupKey(sql: Queryable, by: Group) {
  switch (by) {
    case 'agent':
      return { key: sql`e.agent_id::text`, label: name(sql) }
    case 'customer':
      return { key: sql`o.id::text`, label: sql`o.name` }
    case 'project':
      return { key: sql`p.id::text`, label: sql`p.key` }
    case 'ticket':
      return { key: sql`e.ticket_id::text`, label: sql`t.subject` }
    case 'day':
      return { key: sql`e.local_date::text`, label: sql`e.local_date::text` }
    default: {
      const week = sql`to_char(e.local_date, 'IYYY-"W"IW')`
      return { key: week, label: week }
    }
  }
}

/** Which tickets time or an edit of the desk has something to do with (SLA Q3, Q5); read from partial indexes. */
import { ask, each, type Queryable } from '../../database.ts'

/**
 * Tickets with a breach or a reminder strictly before `now`, an answer whose undo window has ended, or a reminder that
 * fired and has not acted: at most `most` of each, the longest due first.
 */
export async function findDue(sql: Queryable, most: number, now: Date): Promise<number[]> {
  const rows = await sql<{ ticket_id: number }[]>`
    select distinct ticket_id from (
      (select ticket_id from sla_clocks
       where state = 'running' and breached_at is null and due_at < ${now} order by due_at limit ${most})
      union all
      (select ticket_id from sla_clocks where next_warn_at < ${now} order by next_warn_at limit ${most})
      union all
      (select ticket_id from sla_answers where at <= ${now} order by at limit ${most})
      union all
      (select (select ticket_id from sla_clocks where id = f.clock_id) -- never a join over all clocks
       from sla_fired f where f.acted_at is null order by f.at limit ${most})) due`
  return rows.map((row) => row.ticket_id)
}

/** Whether there is anything of that in one ticket. */
export async function isDue(sql: Queryable, ticketId: number, now: Date): Promise<boolean> {
  const [row] = await ask<{ due: boolean }>(sql, DUE, { ticket_id: ticketId, now })
  return row!.due
}

const DUE = each(
  'ticket_id bigint, now timestamptz',
  `select exists (
      select from sla_clocks c where c.ticket_id = given.ticket_id and (
        (state = 'running' and breached_at is null and due_at < given.now) or next_warn_at < given.now
        or exists (select from sla_fired f where f.clock_id = c.id and f.acted_at is null offset 0)) offset 0)
    or exists (select from sla_answers a where a.ticket_id = given.ticket_id and a.at <= given.now offset 0) as due`,
)

/** A version that an edit has replaced and open clocks still run under. */
export type Outdated = { what: 'calendar' | 'policy'; id: number }

/** All of them; an edit of a policy that is for new tickets alone replaces nothing (K16). */
export async function listOutdated(sql: Queryable): Promise<Outdated[]> {
  return await sql<Outdated[]>`
    select 'calendar' as what, old.id from calendars old
    where exists (select from calendars newer where newer.key = old.key and newer.version > old.version)
      and exists (select from sla_clocks where calendar_id = old.id and state in ('running', 'paused'))
    union all
    select 'policy', old.id from sla_policies old
    where exists (
        select from sla_policies newer where newer.key = old.key and newer.version > old.version
          and newer.definition ->> 'apply' is distinct from 'new')
      and exists (select from sla_clocks where policy_id = old.id and state in ('running', 'paused'))
    order by 1, 2`
}

/** Tickets with open clocks on a version, by number. */
export async function findUnder(
  sql: Queryable,
  { what, id }: Outdated,
  from: { after: number; most: number },
): Promise<number[]> {
  const version = what === 'calendar' ? sql`calendar_id` : sql`policy_id`
  const rows = await sql<{ ticket_id: number }[]>`
    select distinct ticket_id from sla_clocks
    where ${version} = ${id} and state in ('running', 'paused') and ticket_id > ${from.after}
    order by ticket_id limit ${from.most}`
  return rows.map((row) => row.ticket_id)
}

/**
 * A page of running clocks by id, with all that their due dates come from: for whoever computes them anew (Q6), and
 * tells of those that are never reached (C12).
 */
export async function listRunning(sql: Queryable, from: { after: number; most: number }): Promise<Running[]> {
  return await sql<Running[]>`
    select c.id, c.ticket_id, c.target_s, c.elapsed_s, c.running_since, c.due_at, k.key as calendar,
      k.definition::text as definition
    from sla_clocks c join calendars k on k.id = c.calendar_id
    where c.state = 'running' and c.breached_at is null and c.id > ${from.after} order by c.id limit ${from.most}`
}

export type Running = {
  id: number
  ticket_id: number
  target_s: number
  elapsed_s: number
  running_since: Date
  due_at: Date | null
  calendar: string
  definition: string
}

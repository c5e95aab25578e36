/** Which tickets time or an edit of the desk has something to do with (SLA Q3, Q5); read from partial indexes. */
import type { Queryable } from '../../database.ts'

/**
 * Tickets with a breach or a reminder strictly before `now`, or an answer whose undo window has ended: at most `most` of
 * each, the longest due first.
 */
export async function findDue(sql: Queryable, most: number, now: Date): Promise<number[]> {
  const rows = await sql<{ ticket_id: number }[]>`
    select distinct ticket_id from (
      (select ticket_id from sla_clocks
       where state = 'running' and breached_at is null and due_at < ${now} order by due_at limit ${most})
      union all
      (select ticket_id from sla_clocks where next_warn_at < ${now} order by next_warn_at limit ${most})
      union all
      (select ticket_id from sla_answers where at <= ${now} order by at limit ${most})) due`
  return rows.map((row) => row.ticket_id)
}

/** Tickets with open clocks on a version of a calendar or a policy that an edit has replaced for them. */
export async function findOutdated(sql: Queryable, from: { after: number; most: number }): Promise<number[]> {
  const rows = await sql<{ ticket_id: number }[]>`
    with calendars_of_old as (
      select array_agg(id) as ids from calendars old where exists (
        select from calendars newer where newer.key = old.key and newer.version > old.version)),
    policies_of_old as (
      select array_agg(id) as ids from sla_policies old where exists (
        select from sla_policies newer where newer.key = old.key and newer.version > old.version
          and newer.definition ->> 'apply' is distinct from 'new'))
    select distinct ticket_id from sla_clocks
    where state in ('running', 'paused') and ticket_id > ${from.after}
      and (calendar_id = any((select ids from calendars_of_old)::bigint[])
        or policy_id = any((select ids from policies_of_old)::bigint[]))
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

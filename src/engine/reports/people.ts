/** Reports by agent, team and organization (SLA V3, V4; FEATURES 0.6). Reads only. */
import type { Queryable } from '../../database.ts'
import { type Period, within } from './period.ts'
import { column, type Row, type Sheet, share, sums } from './shape.ts'
import { counted, judged, listed } from './sources.ts'

/**
 * What each agent ended, and what became late while it was theirs: two things that nobody adds up (V3). Answers are
 * first and next ones. The last row is nobody's.
 */
export async function byAgent(sql: Queryable, period: Period): Promise<Sheet> {
  const rows = await sql<Row[]>`
    with ended as (
      select c.stop_agent_id as id, case c.metric when 'resolution' then 'solved' else 'answered' end as what, ${judged(sql)}
      from sla_clocks c join tickets t on t.id = c.ticket_id
      where c.state = 'stopped' and ${listed(sql)} and ${within(sql, sql`c.stopped_at`, period)}
        and (c.stop_reason = 'reply' or (c.stop_reason = 'resolved' and c.metric = 'resolution'))
      group by 1, 2),
    late as (
      select b.assignee_id as id, count(*)::int as breaches from sla_breaches b
      where b.superseded_at is null and ${within(sql, sql`b.at`, period)} group by 1),
    people as (select id from ended union select id from late)
    select a.address as agent, coalesce(nullif(a.name, ''), a.address, 'nobody') as name,
      coalesce(r.stopped, 0) as answers, coalesce(r.met, 0) as answers_met, coalesce(r.breached, 0) as answers_late,
      r.median_s as answer_median_s, r.p90_s as answer_p90_s,
      coalesce(s.stopped, 0) as solutions, coalesce(s.met, 0) as solutions_met, coalesce(s.breached, 0) as solutions_late,
      s.median_s as solution_median_s, s.p90_s as solution_p90_s, coalesce(l.breaches, 0) as breaches
    from people p
    left join agents a on a.id = p.id
    left join ended r on r.what = 'answered' and r.id is not distinct from p.id
    left join ended s on s.what = 'solved' and s.id is not distinct from p.id
    left join late l on l.id is not distinct from p.id
    order by a.id is null, lower(coalesce(nullif(a.name, ''), a.address)), a.id`
  const columns = [
    column('name', 'Agent', 'text'),
    column('agent', 'Address', 'text'),
    column('answers', 'Answers'),
    column('answers_met', 'Answers in time'),
    column('answers_late', 'Late answers'),
    column('answer_median_s', 'Median answer', 'seconds'),
    column('answer_p90_s', '9 of 10 answers', 'seconds'),
    column('solutions', 'Solutions'),
    column('solutions_met', 'Solutions in time'),
    column('solutions_late', 'Late solutions'),
    column('solution_median_s', 'Median solution', 'seconds'),
    column('solution_p90_s', '9 of 10 solutions', 'seconds'),
    column('breaches', 'Broken with them'),
  ]
  return { columns, rows: [...rows], total: totalOf(columns, rows) }
}

/** The teams' own targets (V4), and the customers' promises that became late while a ticket was with a team. */
export async function byTeam(sql: Queryable, period: Period): Promise<Sheet> {
  const found = await sql<Row[]>`
    with own as (
      select c.team_id as id, ${judged(sql)} from sla_clocks c join tickets t on t.id = c.ticket_id
      where c.metric = 'ola' and ${counted(sql, period)} group by 1),
    late as (
      select b.ticket_team_id as id, count(*)::int as breaches from sla_breaches b
      where b.superseded_at is null and b.metric <> 'ola' and ${within(sql, sql`b.at`, period)} group by 1),
    both_of as (select id from own union select id from late)
    select t.key as team, coalesce(nullif(t.name, ''), t.key, 'no team') as name, coalesce(o.stopped, 0) as stopped,
      coalesce(o.met, 0) as met, coalesce(o.breached, 0) as breached, coalesce(o.open_late, 0) as open_late,
      o.median_s, o.p90_s, coalesce(l.breaches, 0) as breaches
    from both_of x left join teams t on t.id = x.id left join own o on o.id = x.id
    left join late l on l.id is not distinct from x.id
    order by t.id is null, lower(coalesce(nullif(t.name, ''), t.key)), t.id`
  const columns = [
    column('name', 'Team', 'text'),
    column('team', 'Key', 'text'),
    column('stopped', 'Ended'),
    column('met', 'Met'),
    column('breached', 'Late'),
    column('share', 'Met of ended', 'share'),
    column('open_late', 'Late and open'),
    column('median_s', 'Median', 'seconds'),
    column('p90_s', '9 of 10 within', 'seconds'),
    column('breaches', 'Customers waited too long'),
  ]
  const rows = found.map((row) => ({ ...row, share: share(Number(row.met), Number(row.stopped)) }))
  const total = totalOf(columns, rows)
  return { columns, rows, total: { ...total, share: share(Number(total.met), Number(total.stopped)) } }
}

/**
 * The tickets that came in the period, by organization, as they stand now: the ticket list's own numbers. `breached`
 * counts tickets with a customer's promise broken; time is what was entered for days of the period, also without a ticket.
 */
export async function byOrganization(sql: Queryable, period: Period): Promise<Sheet> {
  const rows = await sql<Row[]>`
    with counted as (
      select t.organization_id as id, count(*)::int as tickets,
        count(*) filter (where t.status not in ('resolved', 'closed'))::int as open,
        count(*) filter (where t.status in ('resolved', 'closed'))::int as done,
        count(*) filter (where exists (
          select from sla_breaches b where b.ticket_id = t.id and b.superseded_at is null and b.metric <> 'ola'))::int
          as breached,
        count(*) filter (where t.policy_id is null)::int as without_policy
      from tickets t where ${listed(sql)} and ${within(sql, sql`t.created_at`, period)} group by 1),
    spent as (
      select coalesce(t.organization_id, p.organization_id) as id, sum(e.raw_s)::bigint as time_s,
        coalesce(sum(e.raw_s) filter (where e.billable), 0)::bigint as billable_s
      from time_entries e left join tickets t on t.id = e.ticket_id
      join projects p on p.id = coalesce(t.project_id, e.project_id)
      where e.status <> 'running' ${period.fromDate ? sql`and e.local_date >= ${period.fromDate}` : sql``}
        ${period.toDate ? sql`and e.local_date < ${period.toDate}` : sql``}
      group by 1),
    both_of as (select id from counted union select id from spent)
    select o.key, coalesce(o.name, 'no customer') as organization, coalesce(c.tickets, 0) as tickets,
      coalesce(c.open, 0) as open, coalesce(c.done, 0) as done, coalesce(c.breached, 0) as breached,
      coalesce(c.without_policy, 0) as without_policy, coalesce(s.time_s, 0) as time_s,
      coalesce(s.billable_s, 0) as billable_s
    from both_of x left join organizations o on o.id = x.id left join counted c on c.id is not distinct from x.id
    left join spent s on s.id is not distinct from x.id
    order by o.id is null, lower(o.name), o.id`
  const columns = [
    column('organization', 'Customer', 'text'),
    column('key', 'Key', 'text'),
    column('tickets', 'Tickets'),
    column('open', 'Open now'),
    column('done', 'Done'),
    column('breached', 'With a promise broken'),
    column('without_policy', 'No policy'),
    column('time_s', 'Time spent', 'seconds'),
    column('billable_s', 'Billable', 'seconds'),
  ]
  const total = { ...totalOf(columns, rows), ...sums(rows, ['time_s', 'billable_s']) }
  return { columns, rows: [...rows], total }
}

const totalOf = (columns: Sheet['columns'], rows: readonly Row[]): Row =>
  sums(
    rows,
    columns.filter(({ kind }) => kind === 'number').map(({ key }) => key),
  )

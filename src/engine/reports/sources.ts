/** What reports ask of a ticket beside its clocks, as pieces of SQL. History comes from the events, never from today. */
import type { Queryable } from '../../database.ts'
import { type Period, within } from './period.ts'

type Piece = ReturnType<Queryable>

/**
 * The priority that a ticket had at an instant: that of the last change until then, else of its creation. Later changes
 * do not move a clock that has ended into another row (SLA V6).
 */
export const priorityAt = (sql: Queryable, ticketId: Piece, at: Piece) => sql`coalesce(
  (select e.data ->> 'to' from events e where e.ticket_id = ${ticketId} and e.type = 'priority' and e.at <= ${at}
    order by e.seq desc limit 1),
  (select e.data ->> 'priority' from events e where e.ticket_id = ${ticketId} and e.type = 'created'
    order by e.seq limit 1),
  t.priority)`

/** The customer's group with the smallest rank (S1), of ticket `t`; a ticket is counted in one group. */
export const groupOf = (sql: Queryable) => sql`(
  select cg.key, cg.name from customer_groups cg join customer_group_members m on m.group_id = cg.id
  where cg.disabled_at is null
    and (m.organization_id = t.organization_id or lower(m.address) = lower(t.requester_address))
  order by cg.rank, cg.id limit 1)`

/** The ticket `t` is in the ticket list: neither deleted nor spam. */
export const listed = (sql: Queryable) => sql`t.deleted_at is null and t.spam_at is null`

/** Columns of stopped clocks `c`: how many were met (K3: one that was never late), how long they took, nearest rank. */
export const judged = (sql: Queryable) => sql`
  count(*) filter (where c.state = 'stopped')::int as stopped,
  count(*) filter (where c.state = 'stopped' and c.breached_at is null)::int as met,
  count(*) filter (where c.state = 'stopped' and c.breached_at is not null)::int as breached,
  count(*) filter (where c.state in ('running', 'paused'))::int as open_late,
  percentile_disc(0.5) within group (order by c.elapsed_s) filter (where c.state = 'stopped') as median_s,
  percentile_disc(0.9) within group (order by c.elapsed_s) filter (where c.state = 'stopped') as p90_s`

/** Clocks `c` of listed tickets that count in a period: those that ended in it, and open ones that became late in it (V2). */
export const counted = (sql: Queryable, period: Period) => sql`${listed(sql)} and (
  (c.state = 'stopped' and ${within(sql, sql`c.stopped_at`, period)})
  or (c.state in ('running', 'paused') and c.breached_at is not null and ${within(sql, sql`c.breached_at`, period)}))`

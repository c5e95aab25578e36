/** An agent's queue as their digest shows it: what is theirs and what their teams have to give away, in their order. */
import type { Queryable } from '../../database.ts'
import { agentDigest as limits } from '../../limits.ts'
import { findOrder, orderKey } from '../people/order.ts'
import type { Priority, Status } from '../tables.ts'

export type Line = {
  id: number
  subject: string
  requester: string
  organization: string | null
  status: Status
  priority: Priority
  due: Date | null
}

/** `waiting`: theirs too, and somebody else's turn. What is snoozed is left out. */
export async function readQueue(sql: Queryable, who: { agentId: number; teamIds: number[] }, now: Date) {
  const active = sql`
    t.status in ('new', 'open') and t.deleted_at is null and t.spam_at is null and t.merged_into is null
    and (t.wake_at is null or t.wake_at <= ${now})`
  const mine = sql`t.assignee_id = ${who.agentId} and ${active}`
  const free = sql`t.assignee_id is null and t.team_id = any(${who.teamIds}::bigint[]) and ${active}`
  const order = await findOrder(sql, who.agentId)
  const key = orderKey(sql, order)
  const lines = (which: typeof mine, most: number) => sql<Line[]>`
    select t.id, t.subject, coalesce(nullif(t.requester_name, ''), t.requester_address, '') as requester,
      o.name as organization, t.status, t.priority, least(t.next_due_at, t.due_at) as due
    from tickets t left join organizations o on o.id = t.organization_id
    where ${which} order by ${key}, t.id limit ${most}`
  const [own, unowned, [counts]] = await Promise.all([
    lines(mine, limits.mine),
    lines(free, limits.free),
    sql<{ mine: number; free: number; waiting: number }[]>`
      select (select count(*)::int from tickets t where ${mine}) as mine,
        (select count(*)::int from tickets t where ${free}) as free,
        (select count(*)::int from tickets t where t.assignee_id = ${who.agentId} and t.deleted_at is null
          and t.spam_at is null and t.status in ('waiting_customer', 'on_hold')) as waiting`,
  ])
  const { mine: mineCount, free: freeCount, waiting } = counts!
  return { mine: [...own], mineCount, free: [...unowned], freeCount, waiting }
}

/** The order in which an agent wants tickets: by what is due next, by one of the promises, or by age (FEATURES 1.18). */
import type { Queryable, Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { QUEUE_ORDERS, type QueueOrder } from '../tables.ts'

export const isOrder = (word: string | undefined): word is QueueOrder => QUEUE_ORDERS.some((one) => one === word)

/**
 * The sort key of a ticket `t` as SQL; `infinity` where nothing is due. The next due date, which is a date by hand where
 * that is earlier, and the age have their indexes; the two promises are read from each ticket's clock.
 */
export function orderKey(sql: Queryable, order: QueueOrder) {
  if (order === 'due') return sql`coalesce(least(t.next_due_at, t.due_at), 'infinity'::timestamptz)`
  if (order === 'created') return sql`t.created_at`
  return sql`coalesce((
    select c.due_at from sla_clocks c
    where c.ticket_id = t.id and c.metric = ${order} and c.state = 'running'
    order by c.cycle desc limit 1), 'infinity'::timestamptz)`
}

/** By when something is to be done for a ticket: what is promised next, or an earlier date by hand. */
export const dueOf = (ticket: { next_due_at: Date | null; due_at: Date | null }): Date | null =>
  isByHand(ticket) ? ticket.due_at : ticket.next_due_at

/** Whether a date by hand comes before what is promised. */
export const isByHand = ({ next_due_at: next, due_at: due }: { next_due_at: Date | null; due_at: Date | null }) =>
  due !== null && (next === null || due < next)

/** @throws Refusal `unknown_order` */
export async function keepOrder(tx: Tx, { agentId, order }: { agentId: number; order: string }): Promise<void> {
  if (!isOrder(order)) throw new Refusal('unknown_order', `Tickets can be ordered by ${QUEUE_ORDERS.join(', ')}.`)
  await tx`update agents set queue_order = ${order} where id = ${agentId}`
}

/** What an agent chose last; the next due date where they never did. */
export async function findOrder(sql: Queryable, agentId: number): Promise<QueueOrder> {
  const [row] = await sql<{ queue_order: QueueOrder }[]>`select queue_order from agents where id = ${agentId}`
  return row?.queue_order ?? 'due'
}

/**
 * A ticket that is put aside until a time: it waits for the customer or for somebody else, or an agent wants it back
 * later (snooze). The time is in its row; a sweep wakes it, and an answer of the customer before that does too.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { tickets as limits } from '../../limits.ts'
import { after } from '../../time.ts'
import { type Actor, type Event, record, system } from '../events.ts'
import { addNews } from '../notify/news.ts'
import type { Status } from '../tables.ts'
import { lockTicket, setStatus } from '../tickets.ts'
import { tell } from './tell.ts'

type Waiting = { ticketId: number; actor: Actor }

/**
 * The ticket waits: for its customer, or for anybody else. With `until` it is open again at that time.
 * @throws Refusal `past_time`, `far_time`, `unknown_ticket`, `merged_ticket`
 */
export async function wait(
  tx: Tx,
  input: Waiting & { status: 'waiting_customer' | 'on_hold'; until: Date | null; why?: string },
  now: Date,
): Promise<void> {
  await setStatus(tx, input, now)
  await wakeAt(tx, input, input.until, now)
}

/**
 * Whoever puts it aside gets it back at that time; its status and its clocks stay, because nobody else is waited for.
 * Null takes that back.
 * @throws Refusal `past_time`, `far_time`, `unknown_ticket`, `merged_ticket`
 */
export async function snooze(tx: Tx, input: Waiting & { until: Date | null }, now: Date): Promise<void> {
  await wakeAt(tx, input, input.until, now)
}

/**
 * One batch of tickets whose time has come, those that nobody else holds: what waits is open again, and who put it aside
 * or works on it is told. `more`: there may be another batch.
 */
export async function wakeDue(tx: Tx, now: Date): Promise<{ woken: number; more: boolean }> {
  const rows = await tx<{ id: number; status: Status; wake_agent_id: number | null; asleep: boolean }[]>`
    select id, status, wake_agent_id, deleted_at is null and spam_at is null and merged_into is null as asleep
    from tickets where wake_at <= ${now} order by wake_at limit ${BATCH} for update skip locked`
  for (const { id, status, wake_agent_id: agentId, asleep } of rows) {
    const waits = asleep && (status === 'waiting_customer' || status === 'on_hold')
    if (asleep) {
      const events: Event[] = [{ type: 'woke', data: { agent: agentId } }]
      if (waits) events.push({ type: 'status', data: { from: status, to: 'open' }, why: 'the time to wait is over' })
      const actor = system('cron')
      await tell(tx, { ticketId: id, actor, events }, now)
      await addNews(tx, { ticketId: id, kind: 'woke', agentId, actor }, now)
    }
    await tx`
      update tickets set wake_at = null, wake_agent_id = null, status = ${waits ? 'open' : status},
        updated_at = ${now}
      where id = ${id}`
  }
  return { woken: rows.length, more: rows.length === BATCH }
}

/** Tickets a transaction wakes: few enough that a mail for one of them does not wait long. */
const BATCH = 100

async function wakeAt(tx: Tx, { ticketId, actor }: Waiting, until: Date | null, now: Date): Promise<void> {
  const { id } = await lockTicket(tx, ticketId)
  if (until && until <= now) throw new Refusal('past_time', 'That time has passed already.')
  if (until && until > after(now, limits.wake))
    throw new Refusal('far_time', 'That is more than a year away: a ticket sleeps no longer.')
  const [row] = await tx<{ wake_at: Date | null }[]>`select wake_at from tickets where id = ${id}`
  const from = row!.wake_at
  if (from?.getTime() === until?.getTime()) return
  const agentId = until && actor.kind === 'agent' ? actor.id : null
  await tx`
    update tickets set wake_at = ${until}, wake_agent_id = ${agentId}, updated_at = ${now} where id = ${id}`
  await record(tx, { ticketId: id, actor, events: [{ type: 'wake', data: { from, to: until } }] }, now)
}

/**
 * A date that an agent sets by hand. It is theirs: what the policy promised stays promised and its clocks run as they
 * did (SLA 4, 13), so that nobody can make a breach go away by another date. Queues stand by whichever is earlier (their
 * indexes hold that), and whose the ticket is hears once when the date has passed.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { reminders as limits } from '../../limits.ts'
import { after, floored } from '../../time.ts'
import { type Actor, record, system } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { lockTicket } from '../tickets.ts'

/**
 * Sets the date, or takes it away.
 * @returns the date that stood there
 * @throws Refusal `past_time`, `unknown_ticket`, `merged_ticket`
 */
export async function setDue(
  tx: Tx,
  input: { ticketId: number; due: Date | null; actor: Actor },
  now: Date,
): Promise<{ from: Date | null }> {
  const { id } = await lockTicket(tx, input.ticketId)
  const to = input.due && floored(input.due)
  if (to && to <= now) throw new Refusal('past_time', 'That time has passed already.')
  const [row] = await tx<{ due_at: Date | null }[]>`select due_at from tickets where id = ${id}`
  const from = row!.due_at
  if (from?.getTime() === to?.getTime()) return { from }
  await tx`update tickets set due_at = ${to}, updated_at = ${now} where id = ${id}`
  await record(tx, { ticketId: id, actor: input.actor, events: [{ type: 'due', data: { from, to } }] }, now)
  return { from }
}

/**
 * One batch of open tickets whose date has passed untold, those that nobody else holds: whose they are is told, once for
 * each date, and not of one that passed more than a day ago (SLA E4). A ticket that is opened again later is told then.
 * `more`: there may be another batch.
 */
export async function tellPassed(tx: Tx, now: Date): Promise<{ passed: number; more: boolean }> {
  const rows = await tx<{ id: number; due_at: Date }[]>`
    select id, due_at from tickets
    where status not in ('resolved', 'closed') and deleted_at is null and spam_at is null and merged_into is null
      and reminded_due_at is distinct from due_at and due_at < ${now}
    order by due_at limit ${BATCH} for update skip locked`
  const oldest = after(now, -limits.tooOld)
  const actor = system('cron')
  for (const { id, due_at: due } of rows) {
    await record(tx, { ticketId: id, actor, events: [{ type: 'passed', data: { due } }] }, now)
    if (due >= oldest) await addNews(tx, { ticketId: id, kind: 'passed', actor }, now)
    await tx`update tickets set reminded_due_at = due_at where id = ${id}`
  }
  return { passed: rows.length, more: rows.length === BATCH }
}

/** Tickets of a transaction: few enough that a mail for one of them does not wait long. */
const BATCH = 100

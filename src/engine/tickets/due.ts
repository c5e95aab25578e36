/**
 * A date that an agent sets by hand. It is theirs: what the policy promised stays promised and its clocks run as they
 * did (SLA 4, 13), so that nobody can make a breach go away by another date.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { floored } from '../../time.ts'
import { type Actor, record } from '../events.ts'
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

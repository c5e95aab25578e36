/** What a ticket is about, in words of the desk file: its type. The policy follows where rules look at it (SLA S3). */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { type Actor, record } from '../events.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { reselecting } from './policy.ts'

type Change = { ticketId: number; actor: Actor; tools: Pick<Tools, 'desk'> }

/**
 * Sets the type.
 * @returns what it was; the same: nothing was changed
 * @throws Refusal `unknown_type`, `unknown_ticket`, `merged_ticket`
 */
export async function setType(tx: Tx, input: Change & { type: string }, now: Date): Promise<{ from: string }> {
  const { id } = await lockTicket(tx, input.ticketId)
  const { types } = input.tools.desk.settings
  const to = input.type.trim().toLowerCase()
  if (!types.includes(to)) throw new Refusal('unknown_type', `Types are ${types.join(', ')}.`)
  const [row] = await tx<{ type: string }[]>`select type from tickets where id = ${id}`
  const from = row!.type
  if (from === to) return { from }
  await reselecting(tx, input, now, async () => {
    await tx`update tickets set type = ${to}, updated_at = ${now} where id = ${id}`
    await record(tx, { ticketId: id, actor: input.actor, events: [{ type: 'type', data: { from, to } }] }, now)
  })
  return { from }
}

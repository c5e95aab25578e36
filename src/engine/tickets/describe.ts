/**
 * What a ticket is about, in words of the desk file: its type, its product, the desk's own fields. The policy follows
 * where rules look at it (SLA S3).
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { tickets as limits } from '../../limits.ts'
import type { Desk } from '../desk.ts'
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

/**
 * Sets the product by its key; null: none.
 * @returns what it was; the same: nothing was changed
 * @throws Refusal `unknown_product`, `unknown_ticket`, `merged_ticket`
 */
export async function setProduct(
  tx: Tx,
  input: Change & { product: string | null },
  now: Date,
): Promise<{ from: string | null }> {
  const { id } = await lockTicket(tx, input.ticketId)
  const { products } = input.tools.desk
  const to = input.product === null ? null : input.product.trim().toLowerCase()
  if (to !== null && !products.has(to))
    throw new Refusal(
      'unknown_product',
      products.size > 0 ? `Products are ${[...products.keys()].join(', ')}.` : 'The desk file names no products.',
    )
  const [row] = await tx<{ product: string | null }[]>`select product from tickets where id = ${id}`
  const from = row!.product
  if (from === to) return { from }
  await reselecting(tx, input, now, async () => {
    await tx`update tickets set product = ${to}, updated_at = ${now} where id = ${id}`
    await record(tx, { ticketId: id, actor: input.actor, events: [{ type: 'product', data: { from, to } }] }, now)
  })
  return { from }
}

/**
 * Sets one of the desk's own fields, its value as the desk file spells it; null takes it away.
 * @returns what it was; the same: nothing was changed
 * @throws Refusal `unknown_field`, `unknown_value`, `long_value`, `unknown_ticket`, `merged_ticket`
 */
export async function setField(
  tx: Tx,
  input: Change & { field: string; value: string | null },
  now: Date,
): Promise<{ from: string | null }> {
  const { id } = await lockTicket(tx, input.ticketId)
  const { key, to } = fieldOf(input.tools.desk, input.field, input.value)
  const [row] = await tx<{ fields: Record<string, string> }[]>`select fields from tickets where id = ${id}`
  const from = row!.fields[key] ?? null
  if (from === to) return { from }
  await tx`
    update tickets set updated_at = ${now},
      fields = case when ${to}::text is null then fields - ${key}::text
        else fields || jsonb_build_object(${key}::text, ${to}::text) end
    where id = ${id}`
  const event = { type: 'field', data: { field: key, from, to } }
  await record(tx, { ticketId: id, actor: input.actor, events: [event] }, now)
  return { from }
}

function fieldOf(desk: Desk, name: string, value: string | null): { key: string; to: string | null } {
  const key = name.trim().toLowerCase()
  const field = desk.fields.get(key)
  if (!field)
    throw new Refusal(
      'unknown_field',
      desk.fields.size > 0 ? `Fields are ${[...desk.fields.keys()].join(', ')}.` : 'The desk file names no fields.',
    )
  const text = value?.replace(/\s+/g, ' ').trim() || null
  if (text === null) return { key, to: null }
  if (text.length > limits.field) throw new Refusal('long_value', `A value has at most ${limits.field} characters.`)
  if (field.values === null) return { key, to: text }
  const to = field.values.find((one) => one.toLowerCase() === text.toLowerCase())
  if (to === undefined) throw new Refusal('unknown_value', `${field.name} is one of ${field.values.join(', ')}.`)
  return { key, to }
}

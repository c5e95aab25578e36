/** Tickets that an agent connects: one blocks another, or both have to do with each other. Agents see it, customers never. */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { tickets as limits } from '../../limits.ts'
import { type Actor, record } from '../events.ts'
import { lockTicket } from '../tickets.ts'
import { link, unlink } from './rows.ts'

/** What an agent may say of one ticket and another; the other side says the second word. */
export const LINK_KINDS = { blocks: 'blocked_by', relates: 'relates' } as const
export type LinkKind = keyof typeof LINK_KINDS

type Change = { ticketId: number; otherId: number; kind: LinkKind; actor: Actor }

/**
 * Connects two tickets, in the story of both.
 * @returns whether they were not connected so before
 * @throws Refusal `link_itself`, `too_many_links`, `unknown_ticket`, `merged_ticket`
 */
export async function linkTickets(tx: Tx, input: Change, now: Date): Promise<{ changed: boolean }> {
  const { ticketId, otherId, kind } = input
  await lockBoth(tx, ticketId, otherId)
  if (await isLinked(tx, input)) return { changed: false }
  const [row] = await tx<{ count: number }[]>`
    select count(*)::int as count from ticket_links where ticket_id = ${ticketId} and kind = any(${KINDS}::text[])`
  if (row!.count >= limits.links)
    throw new Refusal('too_many_links', `Ticket #${ticketId} is linked to ${limits.links} tickets already.`)
  await link(tx, ticketId, otherId, kind)
  await link(tx, otherId, ticketId, LINK_KINDS[kind])
  await tellBoth(tx, { ...input, type: 'linked' }, now)
  return { changed: true }
}

/** Takes a connection away. @returns whether there was one */
export async function unlinkTickets(tx: Tx, input: Change, now: Date): Promise<{ changed: boolean }> {
  const { ticketId, otherId, kind } = input
  await lockBoth(tx, ticketId, otherId)
  if (!(await isLinked(tx, input))) return { changed: false }
  await unlink(tx, ticketId, otherId, kind)
  await unlink(tx, otherId, ticketId, LINK_KINDS[kind])
  await tellBoth(tx, { ...input, type: 'unlinked' }, now)
  return { changed: true }
}

const KINDS: string[] = [...Object.keys(LINK_KINDS), ...Object.values(LINK_KINDS)]

/** Lowest number first, as a mail does. */
async function lockBoth(tx: Tx, ticketId: number, otherId: number): Promise<void> {
  if (ticketId === otherId) throw new Refusal('link_itself', `Ticket #${ticketId} cannot be linked to itself.`)
  await lockTicket(tx, Math.min(ticketId, otherId))
  await lockTicket(tx, Math.max(ticketId, otherId))
}

async function isLinked(tx: Tx, { ticketId, otherId, kind }: Change): Promise<boolean> {
  const rows = await tx`
    select 1 from ticket_links where ticket_id = ${ticketId} and other_id = ${otherId} and kind = ${kind}`
  return rows.length > 0
}

async function tellBoth(tx: Tx, change: Change & { type: 'linked' | 'unlinked' }, now: Date): Promise<void> {
  const { ticketId, otherId, kind, actor, type } = change
  await record(tx, { ticketId, actor, events: [{ type, data: { other: otherId, kind } }] }, now)
  const back = { type, data: { other: ticketId, kind: LINK_KINDS[kind] } }
  await record(tx, { ticketId: otherId, actor, events: [back] }, now)
  await tx`update tickets set updated_at = ${now} where id in (${ticketId}, ${otherId})`
}

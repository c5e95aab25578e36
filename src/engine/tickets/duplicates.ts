/** A ticket about what another one is about already: it is closed with that one (FEATURES 2.28). */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Actor } from '../events.ts'
import { record } from '../events.ts'
import { cancelMail } from '../outbox.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { type ClosedDuplicate, closeDuplicates } from './close-duplicates.ts'
import { link, unlink } from './rows.ts'
import { tell } from './tell.ts'

type Change = { ticketId: number; actor: Actor }

/**
 * Says that a ticket is a duplicate of another; where that one is done already, it is closed at once.
 * @returns of which it was one before, and what was closed
 * @throws Refusal `duplicate_itself` also where the other one is a duplicate of it, `unknown_ticket`, `merged_ticket`
 */
export async function markDuplicate(
  tx: Tx,
  input: Change & { ofId: number; tools: Tools },
  now: Date,
): Promise<{ from: number | null; closed: ClosedDuplicate[] }> {
  const { ticketId, ofId, actor } = input
  if (ticketId === ofId) throw new Refusal('duplicate_itself', `Ticket #${ofId} cannot be a duplicate of itself.`)
  const [low, high] = [Math.min(ticketId, ofId), Math.max(ticketId, ofId)]
  const locked = [await lockTicket(tx, low), await lockTicket(tx, high)]
  if (await leadsTo(tx, ofId, ticketId))
    throw new Refusal('duplicate_itself', `Ticket #${ofId} is a duplicate of #${ticketId} itself.`)
  const from = await originalOf(tx, ticketId)
  if (from === ofId) return { from, closed: [] }
  if (from !== null) await unlinkBoth(tx, ticketId, from)
  await tx`update tickets set duplicate_of = ${ofId}, updated_at = ${now} where id = ${ticketId}`
  await link(tx, ticketId, ofId, 'duplicate_of')
  await link(tx, ofId, ticketId, 'duplicate')
  await record(tx, { ticketId, actor, events: [{ type: 'duplicate', data: { from, to: ofId } }] }, now)
  await record(tx, { ticketId: ofId, actor, events: [{ type: 'duplicate_found', data: { ticket: ticketId } }] }, now)
  const { status } = locked.find((one) => one.id === ofId)!
  if (status !== 'resolved' && status !== 'closed') return { from, closed: [] }
  return { from, closed: await closeDuplicates(tx, { ticketId: ofId, to: status, actor, tools: input.tools }, now) }
}

/**
 * It is a duplicate no more.
 * @returns of which it was one; null: of none, and nothing was changed
 */
export async function unmarkDuplicate(tx: Tx, input: Change, now: Date): Promise<{ from: number | null }> {
  const { id } = await lockTicket(tx, input.ticketId)
  const from = await originalOf(tx, id)
  if (from === null) return { from }
  await unlinkBoth(tx, id, from)
  await tx`update tickets set duplicate_of = null, updated_at = ${now} where id = ${id}`
  await record(tx, { ticketId: id, actor: input.actor, events: [{ type: 'duplicate', data: { from, to: null } }] }, now)
  return { from }
}

/**
 * Duplicates that were closed with their original are what they were, and mails that have not left are not sent.
 * @returns how many mails were on their way already
 */
export async function reopenDuplicates(
  tx: Tx,
  input: { closed: ClosedDuplicate[]; actor: Actor },
  now: Date,
): Promise<{ late: number }> {
  let late = 0
  for (const { ticketId, was, outboxIds } of input.closed) {
    const { id, status } = await lockTicket(tx, ticketId)
    for (const outboxId of outboxIds)
      await cancelMail(tx, outboxId, now).catch((error) => {
        if (!(error instanceof Refusal)) throw error
        late++
      })
    if (status !== 'resolved' && status !== 'closed') continue // somebody opened it since
    const events = [{ type: 'status', data: { from: status, to: was.status }, why: 'taken back' }]
    await tell(tx, { ticketId: id, actor: input.actor, events }, now)
    await tx`
      update tickets set status = ${was.status}, resolved_at = null, closed_at = null, updated_at = ${now},
        wake_at = ${was.wake_at && new Date(was.wake_at)}, wake_agent_id = ${was.wake_agent_id}
      where id = ${id}`
  }
  return { late }
}

async function originalOf(tx: Tx, ticketId: number): Promise<number | null> {
  const [row] = await tx<{ duplicate_of: number | null }[]>`select duplicate_of from tickets where id = ${ticketId}`
  return row!.duplicate_of
}

/** Whether one is a duplicate of the other, through however many. */
async function leadsTo(tx: Tx, from: number, to: number): Promise<boolean> {
  const [row] = await tx<{ found: boolean }[]>`
    with recursive chain as (
      select duplicate_of as id from tickets where id = ${from}
      union select t.duplicate_of from chain join tickets t on t.id = chain.id)
    select exists (select from chain where id = ${to}) as found`
  return row!.found
}

async function unlinkBoth(tx: Tx, ticketId: number, originalId: number): Promise<void> {
  await unlink(tx, ticketId, originalId, 'duplicate_of')
  await unlink(tx, originalId, ticketId, 'duplicate')
}

/**
 * Who closes a ticket closes its duplicates with it, in the same second (SLA R6), and each of their requesters is told
 * once, in their language: that it is done, and nothing of the other ticket, which may be another customer's.
 */
import type { Tx } from '../../database.ts'
import { render } from '../../render.ts'
import { after, floored, SECOND } from '../../time.ts'
import type { Actor } from '../events.ts'
import { addressKey } from '../outbox/address.ts'
import type { Status } from '../tables.ts'
import type { Tools } from '../tools.ts'
import { addComment, reserveComment } from './rows.ts'
import { tell } from './tell.ts'
import { type Reader, type Told, tellRequester, toldColumns } from './tell-requester.ts'

/** A duplicate that was closed, what it was, and the mail that tells of it: what an undo needs. */
export type ClosedDuplicate = {
  ticketId: number
  was: { status: Status; wake_at: string | null; wake_agent_id: number | null }
  outboxIds: number[]
}

/**
 * Closes all tickets that are duplicates of this one, and of those; the caller has closed it and holds its row.
 * @param input.tools absent: nobody is told, because whoever closes has nothing to write with
 */
export async function closeDuplicates(
  tx: Tx,
  input: { ticketId: number; to: 'resolved' | 'closed'; actor: Actor; tools?: Tools | undefined },
  now: Date,
): Promise<ClosedDuplicate[]> {
  const rows = await openDuplicates(tx, input.ticketId)
  const told = new Set<string>()
  if (rows.length > 0 && input.tools) {
    const [original] = await tx<{ requester_address: string | null }[]>`
      select requester_address from tickets where id = ${input.ticketId}`
    if (original!.requester_address) told.add(addressKey(original!.requester_address))
  }
  const closed: ClosedDuplicate[] = []
  for (const row of rows) {
    await closeOne(tx, row, input, now)
    const key = row.requester_address && addressKey(row.requester_address)
    const outboxIds =
      key && input.tools && !told.has(key) ? await tellOne(tx, row, { ...input, tools: input.tools }, now) : []
    if (key && outboxIds.length > 0) told.add(key)
    const { status, wake_at, wake_agent_id } = row
    closed.push({
      ticketId: row.id,
      was: { status, wake_at: wake_at?.toISOString() ?? null, wake_agent_id },
      outboxIds,
    })
  }
  return closed
}

type Row = Told & { status: Status; wake_at: Date | null; wake_agent_id: number | null }

/** Lowest number first, as a mail locks them; those of duplicates too, however they are chained. */
async function openDuplicates(tx: Tx, ticketId: number): Promise<Row[]> {
  return await tx<Row[]>`
    select t.status, t.wake_at, t.wake_agent_id, ${toldColumns(tx)}
    from tickets t
    where t.status not in ('resolved', 'closed') and t.deleted_at is null and t.spam_at is null
      and t.merged_into is null and t.id = any(array(
        with recursive same as (
          select id from tickets where duplicate_of = ${ticketId}
          union select t.id from same join tickets t on t.duplicate_of = same.id)
        select id from same where id <> ${ticketId}))
    order by t.id for update of t`
}

async function closeOne(
  tx: Tx,
  { id, status }: Row,
  { ticketId, to, actor }: { ticketId: number; to: 'resolved' | 'closed'; actor: Actor },
  now: Date,
): Promise<void> {
  const why = `a duplicate of #${ticketId}, which is done`
  await tell(tx, { ticketId: id, actor, events: [{ type: 'status', data: { from: status, to }, why }] }, now)
  const commentId = await reserveComment(tx)
  const text = `Closed with ticket #${ticketId}, of which it is a duplicate.`
  const author = { role: 'system' as const, name: 'Postroom', address: null }
  await addComment(
    tx,
    { id: commentId, ticketId: id, author, visibility: 'internal', channel: 'system', text, visible: text },
    now,
  )
  await tx`
    update tickets set status = ${to}, updated_at = ${now}, resolved_at = ${floored(now)}, wake_at = null,
      wake_agent_id = null, closed_at = ${to === 'closed' ? floored(now) : null}
    where id = ${id}`
}

/** An agent may take it back as they may an answer (8.20). */
async function tellOne(
  tx: Tx,
  ticket: Row,
  { actor, tools }: { actor: Actor; tools: Tools },
  now: Date,
): Promise<number[]> {
  const notBefore = actor.kind === 'agent' ? after(now, tools.desk.settings.undo_seconds * SECOND) : null
  const words = (reader: Reader, locale: string) => render(tools.templates, 'duplicate-closed', locale, reader)
  return (await tellRequester(tx, { ticket, words, notBefore, tools }, now)).outboxIds
}

/**
 * Who closes a ticket closes its duplicates with it, in the same second (SLA R6), and each of their requesters is told
 * once, in their language: that it is done, and nothing of the other ticket, which may be another customer's.
 */
import type { Tx } from '../../database.ts'
import { render, spokenLocale } from '../../render.ts'
import { after, floored, SECOND } from '../../time.ts'
import { makeMessageId } from '../../tokens.ts'
import type { Actor } from '../events.ts'
import { addressKey, isAddress, oneLine } from '../outbox/address.ts'
import { automaticAllowance } from '../outbox/budget.ts'
import { conversationHeaders, domainOf, replyAddress, replySubject } from '../outbox/headers.ts'
import { queueMail } from '../outbox.ts'
import { matchRecipient } from '../recipients.ts'
import type { Status } from '../tables.ts'
import { rememberOutgoing } from '../thread.ts'
import type { Tools } from '../tools.ts'
import { addComment, reserveComment } from './rows.ts'
import { tell } from './tell.ts'

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
    const outboxIds = key && input.tools && !told.has(key) ? await tellRequester(tx, row, input, now) : []
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

type Row = {
  id: number
  status: Status
  wake_at: Date | null
  wake_agent_id: number | null
  subject: string
  automatic: boolean
  inbox_id: number | null
  requester_address: string | null
  requester_name: string
  locale: string
  zone: string
  token_generation: number
  /** A mail of theirs was proven to be theirs, or a person has answered them (MAIL 4a.25). */
  trusted: boolean
}

/** Lowest number first, as a mail locks them; those of duplicates too, however they are chained. */
async function openDuplicates(tx: Tx, ticketId: number): Promise<Row[]> {
  return await tx<Row[]>`
    select t.id, t.status, t.wake_at, t.wake_agent_id, t.subject, t.automatic, t.inbox_id, t.requester_address, t.requester_name,
      t.locale, t.zone, t.token_generation, exists (
        select from contacts c where c.id = t.requester_id and (c.verified_at is not null or c.answered_at is not null)
      ) as trusted
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

/** Nobody is told of a ticket that is quiet, or that nobody can be written to about; the budgets hold (MAIL 4a.19, 4a.22). */
async function tellRequester(
  tx: Tx,
  row: Row,
  { actor, tools }: { actor: Actor; tools?: Tools | undefined },
  now: Date,
): Promise<number[]> {
  const address = row.requester_address
  if (!tools || !address || row.automatic || !isAddress(address) || matchRecipient(tools.desk, address)) return []
  const inbox = tools.desk.inboxes.find((one) => one.id === row.inbox_id) ?? tools.desk.inboxes[0]!
  const asked = { address, ticketId: row.id, inboxId: inbox.id, kind: 'notification' as const }
  if (!(await automaticAllowance(tx, asked, now)).allowed) return []
  const requester = { address, name: row.trusted ? oneLine(row.requester_name) : '' }
  const { id, subject, zone, token_generation: generation } = row
  const locale = spokenLocale(tools.templates, row.locale)
  const ticket = { id, subject, requester, locale, zone, generation }
  const ids = await tx<{ message_id: string }[]>`
    select m.message_id from message_ids m left join comments c on c.id = m.comment_id
    where m.ticket_id = ${id} and m.direction in ('in', 'out') and (c.id is null or c.visibility = 'public')
    order by m.id`
  const messageId = makeMessageId(tools.keys, 'a', id, domainOf(inbox.address), now)
  const known = ids.map((one) => one.message_id)
  await rememberOutgoing(tx, { messageId, ticketId: id, commentId: null }, now)
  const queued = await queueMail(
    tx,
    {
      kind: 'notification',
      ticketId: id,
      commentId: null,
      inboxId: inbox.id,
      messageId,
      recipients: [requester],
      headers: conversationHeaders({
        keys: tools.keys,
        inbox,
        ticket,
        from: inbox.name,
        to: [requester],
        cc: [],
        known,
      }),
      ...render(tools.templates, 'duplicate-closed', locale, {
        subject: row.trusted ? replySubject(oneLine(subject)) : '',
        number: id,
        name: requester.name,
        inbox_name: inbox.name,
        reference: replyAddress(tools.keys, inbox, ticket),
      }),
      attachmentIds: [],
      // an agent may take it back as they may an answer (8.20)
      notBefore: actor.kind === 'agent' ? after(now, tools.desk.settings.undo_seconds * SECOND) : null,
      generation,
    },
    tools,
    now,
  )
  return queued.map((one) => one.id)
}

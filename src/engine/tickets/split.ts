/**
 * A ticket that two matters got into is parted (MAIL 6.8): what was said from a comment on, with its files, mails and the
 * ids that lead to it, is a ticket of its own for the same people. Its promise counts from when that comment came, and
 * its story is told with the times at which it happened; no customer is written to.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { tickets as limits } from '../../limits.ts'
import { moveAttachmentsOf } from '../attachments.ts'
import type { Desk } from '../desk.ts'
import type { Actor, Event, NumberedEvent } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { moveOutboxOf } from '../outbox/moved.ts'
import type { Origin } from '../sla/account.ts'
import { moveAnswersOf } from '../sla/answers.ts'
import { clockRows, promise } from '../sla.ts'
import type { Status } from '../tables.ts'
import { moveMessageIdsOf } from '../thread/rows.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { afterAnswer } from './after-answer.ts'
import { selectForPart } from './policy.ts'
import { link, type NewTicket, reserveTicket, ticketRows } from './rows.ts'
import { tell } from './tell.ts'

/**
 * @param input.commentId the first comment of the new ticket; all after it go along
 * @param input.subject null: the subject of that comment's mail, else the ticket's
 * @returns the number of the new ticket
 * @throws Refusal `unknown_ticket`, `merged_ticket`, `unknown_comment`, and `nothing_left` where it is the first comment
 */
export async function split(
  tx: Tx,
  input: { ticketId: number; commentId: number; subject: string | null; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<{ ticketId: number }> {
  const { tools, actor } = input
  const { id: fromId } = await lockTicket(tx, input.ticketId)
  const { first, commentIds } = await findPart(tx, fromId, input.commentId)
  const subject = (input.subject?.trim() || first.subject).slice(0, limits.subject)
  const selection = await selectForPart(tx, { ticketId: fromId, subject, body: first.text, tools }, now)
  const { ticketId } = await reserveTicket(tx)
  const ticket = await likeSource(tx, { fromId, ticketId, subject, first, desk: tools.desk })
  const beginning = { status: ticket.status, priority: ticket.priority, ...keysOf(ticket, tools.desk) }
  const sla = promise(tools.desk, selection, { ...beginning, origin: originOf(first) }, first.at)
  const story = { actor: writerOf(first), why: `split off ticket #${fromId}` }
  for (const row of ticketRows(tx, { ...ticket, sla }, story, first.at)) await row
  await clockRows(tx, ticketId, sla)
  const data = { to: ticketId, comments: commentIds, from_at: first.at.toISOString() }
  await tell(tx, { ticketId: fromId, actor, events: [{ type: 'split_into', data }] }, now)
  const later = commentIds.filter((id) => id !== first.id)
  const answered = (status: Status) => afterAnswer({ status, projectId: ticket.projectId }, tools.desk)
  await retell(tx, { fromId, ticketId, commentIds: later, status: ticket.status, answered })
  await movePart(tx, { fromId, ticketId, commentIds })
  await tell(tx, { ticketId, actor, events: [{ type: 'split_from', data: { from: fromId } }] }, now)
  await Promise.all([
    link(tx, ticketId, fromId, 'split_from'),
    link(tx, fromId, ticketId, 'split_into'),
    tx`update tickets set updated_at = ${now} where id in (${fromId}, ${ticketId})`,
    addNews(tx, { ticketId, kind: 'split', otherId: fromId, actor }, now),
    addNews(tx, { ticketId: fromId, kind: 'parted', otherId: ticketId, actor }, now),
  ])
  return { ticketId }
}

type First = {
  id: number
  at: Date
  author_role: 'contact' | 'agent' | 'unknown' | 'system'
  author_name: string
  contact_id: number | null
  agent_id: number | null
  visibility: 'public' | 'internal' | 'private'
  automatic: boolean
  text: string
  subject: string
  base_subject: string
}

async function findPart(tx: Tx, ticketId: number, commentId: number): Promise<{ first: First; commentIds: number[] }> {
  const [first] = await tx<First[]>`
    select c.id, c.at, c.author_role, c.author_name, c.contact_id, c.agent_id, c.visibility, c.automatic, c.text,
      coalesce(nullif(m.subject, ''), t.subject) as subject, coalesce(i.base_subject, t.base_subject) as base_subject
    from comments c join tickets t on t.id = c.ticket_id
    left join lateral (
      select subject from inbound_mails where ticket_id = t.id and comment_id = c.id order by id limit 1) m on true
    left join lateral (
      select base_subject from message_ids where ticket_id = t.id and comment_id = c.id and direction = 'in' limit 1) i on true
    where c.id = ${commentId} and c.ticket_id = ${ticketId}`
  if (!first) throw new Refusal('unknown_comment', `Ticket #${ticketId} has no such comment.`)
  const rows = await tx<{ id: number }[]>`select id from comments where ticket_id = ${ticketId} order by id`
  if (rows[0]!.id === first.id)
    throw new Refusal('nothing_left', `Ticket #${ticketId} begins with this comment: nothing would be left of it.`)
  return { first, commentIds: rows.map((row) => row.id).filter((id) => id >= first.id) }
}

type Source = Omit<NewTicket, 'id' | 'subject' | 'baseSubject' | 'requester' | 'sla' | 'ackPromise'> & {
  requester_id: number | null
  requester_address: string | null
  requester_name: string
}

/** All fields are carried; somebody works on it already, so it is no new one. */
async function likeSource(
  tx: Tx,
  given: { fromId: number; ticketId: number; subject: string; first: First; desk: Desk },
): Promise<Omit<NewTicket, 'sla'>> {
  const { first, subject } = given
  const [row] = await tx<Source[]>`
    select priority, assessed_at as assessed, type, product, fields, tags, inbox_id as "inboxId", project_id as "projectId", organization_id as "organizationId",
      team_id as "teamId", assignee_id as "assigneeId", requester_id, requester_address, requester_name, locale, zone
    from tickets where id = ${given.fromId}`
  const { requester_id, requester_address, requester_name, ...fields } = row!
  return {
    ...fields,
    assessed: fields.assessed && first.at, // it began with what was known of it
    id: given.ticketId,
    subject,
    baseSubject: subject === first.subject ? first.base_subject : subject,
    status:
      first.author_role === 'agent' && first.visibility === 'public'
        ? afterAnswer({ status: 'open', projectId: fields.projectId }, given.desk)
        : 'open',
    automatic: first.automatic,
    requester: { contactId: requester_id, address: requester_address, name: requester_name },
    ackPromise: null,
  }
}

/** A team or agent that the desk no longer has promises nothing. */
const keysOf = (ticket: { teamId: number | null; assigneeId: number | null }, desk: Desk) => ({
  team: [...desk.teams.values()].find((team) => team.id === ticket.teamId)?.key ?? null,
  assignee: [...desk.agents.values()].find((agent) => agent.id === ticket.assigneeId)?.address ?? null,
})

const originOf = ({ author_role: role, visibility }: First): Origin =>
  role === 'contact' || role === 'unknown'
    ? 'customer'
    : visibility === 'public'
      ? 'agent_outbound'
      : 'agent_for_customer'

const writerOf = (first: First): Actor =>
  first.author_role === 'agent' && first.agent_id !== null
    ? { kind: 'agent', id: first.agent_id, name: first.author_name }
    : first.author_role === 'system'
      ? { kind: 'system', id: null, name: first.author_name }
      : { kind: 'contact', id: first.contact_id, name: first.author_name }

/**
 * What happened with the comments that went along, as it was told when it happened: the clocks take it up anew. What an
 * answer or a customer does to the status it does here too.
 */
async function retell(
  tx: Tx,
  part: {
    fromId: number
    ticketId: number
    commentIds: number[]
    status: Status
    /** Of one that an agent answered. */
    answered: (status: Status) => Status
  },
): Promise<void> {
  const events = await tx<NumberedEvent[]>`
    select at, type, actor, actor_id, actor_name, data, why from events
    where ticket_id = ${part.fromId} and type = any(${TOLD}::text[])
      and (data ->> 'comment')::bigint = any(${part.commentIds}::bigint[])
    order by seq`
  let { status } = part
  for (const { at, type, actor, actor_id, actor_name, data, why } of events) {
    const who = { kind: actor, id: actor_id, name: actor_name } as Actor
    const to =
      type === 'agent_reply' ? part.answered(status) : type === 'customer_comment' && !data.quiet ? 'open' : status
    const moved: Event[] = to === status ? [] : [{ type: 'status', data: { from: status, to } }]
    await tell(tx, { ticketId: part.ticketId, actor: who, events: [{ type, data, why }, ...moved] }, at)
    if (to !== status) await tx`update tickets set status = ${to} where id = ${part.ticketId}`
    status = to
  }
}

const TOLD = ['agent_reply', 'answered', 'note', 'customer_comment', 'automatic_reply']

async function movePart(
  tx: Tx,
  { fromId, ticketId, commentIds }: { fromId: number; ticketId: number; commentIds: number[] },
): Promise<void> {
  await moveOutboxOf(tx, commentIds, ticketId)
  await tx`update comments set ticket_id = ${ticketId} where id = any(${commentIds}::bigint[])`
  await moveAttachmentsOf(tx, commentIds, ticketId)
  await moveMessageIdsOf(tx, { commentIds, from: fromId, to: ticketId })
  await moveAnswersOf(tx, commentIds, ticketId)
  await tx`
    insert into ticket_participants (ticket_id, address, name, contact_id, role, added_at)
    select ${ticketId}, address, name, contact_id, role, added_at from ticket_participants where ticket_id = ${fromId}`
}

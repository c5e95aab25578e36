/**
 * Tickets and comments as rows: how a ticket begins, and how a customer's further mail goes on with it. Statements, so
 * that a mail is written in one round trip. What people do with a ticket is in tickets.ts.
 */
import { type Statement, type Tx, together } from '../../database.ts'
import type { CalendarCard } from '../../incoming.ts'
import { floored } from '../../time.ts'
import { type Actor, type Event, eventRows, numberedRows } from '../events.ts'
import { advance } from '../sla/advance.ts'
import type { OpeningData } from '../sla/log.ts'
import { openingColumns, type Promised } from '../sla.ts'
import type { Priority, Status } from '../tables.ts'

export type NewTicket = {
  id: number
  subject: string
  baseSubject: string
  status: Status
  priority: Priority
  type: string
  tags: string[]
  automatic: boolean
  inboxId: number | null
  projectId: number
  organizationId: number | null
  teamId: number | null
  assigneeId: number | null
  requester: { contactId: number | null; address: string | null; name: string }
  locale: string
  zone: string
  /** Null: nothing is promised and nothing was asked of a policy, as for imported history. */
  sla: Promised | null
  ackPromise: unknown
}

export type NewComment = {
  id: number
  ticketId: number
  author: {
    role: 'contact' | 'agent' | 'unknown' | 'system'
    contactId?: number | null
    agentId?: number | null
    name: string
    address: string | null
  }
  visibility: 'public' | 'internal' | 'private'
  channel: 'mail' | 'web' | 'system'
  automatic?: boolean
  text: string
  visible: string
  html?: string | null
  sanitiser?: number | null
  messageId?: string | null
  flags?: string[]
  calendar?: CalendarCard | null
}

export type StatusChange = { from: Status; to: Status; why: string; dropAssignee: boolean }

/** The ids of a ticket and its first comment, taken before they are written so that one round trip writes all. */
export async function reserveTicket(tx: Tx): Promise<{ ticketId: number; commentId: number }> {
  const [row] = await tx`
    select nextval(pg_get_serial_sequence('tickets', 'id')) as ticket_id,
           nextval(pg_get_serial_sequence('comments', 'id')) as comment_id`
  return { ticketId: row!.ticket_id, commentId: row!.comment_id }
}

export async function reserveComment(tx: Tx): Promise<number> {
  const [row] = await tx`select nextval(pg_get_serial_sequence('comments', 'id')) as id`
  return row!.id
}

/** Creates a ticket with its `created` event. */
export async function createTicket(
  tx: Tx,
  ticket: NewTicket,
  story: { actor: Actor; why: string },
  now: Date,
): Promise<void> {
  await together(tx, ticketRows(tx, ticket, story, now))
}

/** The same as statements to be run with others. */
export function ticketRows(
  tx: Tx,
  ticket: NewTicket,
  story: { actor: Actor; why: string },
  now: Date,
): [Statement, ...Statement[]] {
  const at = floored(now)
  const sla = openingColumns(ticket.sla, { status: ticket.status, at })
  const data = { ...(ticket.sla?.opening ?? unpromised(ticket)), type: ticket.type, policy: sla.policy_source }
  const events = [{ type: 'created', data, why: story.why }]
  const insert = tx`
    insert into tickets (
      id, subject, base_subject, status, priority, type, tags, automatic, inbox_id, project_id, organization_id, team_id,
      assignee_id, requester_id, requester_address, requester_name, locale, zone, policy_id, policy_source, calendar_id,
      team_calendar_id, answered_at, next_due_at, ola_due_at, ack_promise, created_at, updated_at, resolved_at, closed_at,
      origin)
    overriding system value
    values (
      ${ticket.id}, ${ticket.subject}, ${ticket.baseSubject}, ${ticket.status}, ${ticket.priority}, ${ticket.type},
      ${ticket.tags}, ${ticket.automatic}, ${ticket.inboxId}, ${ticket.projectId}, ${ticket.organizationId},
      ${ticket.teamId}, ${ticket.assigneeId}, ${ticket.requester.contactId}, ${ticket.requester.address},
      ${ticket.requester.name}, ${ticket.locale}, ${ticket.zone}, ${sla.policy_id}, ${sla.policy_source},
      ${sla.calendar_id}, ${sla.team_calendar_id}, ${sla.answered_at}, ${sla.next_due_at}, ${sla.ola_due_at},
      ${ticket.ackPromise === null ? null : tx.json(ticket.ackPromise as never)}, ${at}, ${now},
      ${ticket.status === 'resolved' ? at : null}, ${ticket.status === 'closed' ? at : null}, ${data.origin})
    returning id`
  return [insert, eventRows(tx, { ticketId: ticket.id, actor: story.actor, events }, now)]
}

/** What the replay needs of a ticket without a promise (sla/log.ts). */
const unpromised = (ticket: NewTicket): OpeningData => ({
  origin: 'customer',
  status: ticket.status,
  priority: ticket.priority,
  team: ticket.teamId,
  assignee: ticket.assigneeId,
  policy_id: null,
  calendar_id: null,
  team_calendar_id: null,
})

/** Writes a comment. Its event, if any, is the caller's: a first comment is part of `created`. */
export function addComment(tx: Tx, comment: NewComment, now: Date): Statement {
  const { author } = comment
  return tx`
    insert into comments (
      id, ticket_id, at, author_role, contact_id, agent_id, author_name, author_address, visibility, channel, automatic,
      text, visible, html, sanitiser, message_id, flags, calendar)
    overriding system value
    values (
      ${comment.id}, ${comment.ticketId}, ${floored(now)}, ${author.role}, ${author.contactId ?? null},
      ${author.agentId ?? null}, ${author.name}, ${author.address}, ${comment.visibility}, ${comment.channel},
      ${comment.automatic ?? false}, ${stored(comment.text)}, ${stored(comment.visible)},
      ${comment.html == null ? null : stored(comment.html)}, ${comment.sanitiser ?? null}, ${comment.messageId ?? null},
      ${comment.flags ?? []}, ${comment.calendar ? tx.json(comment.calendar as never) : null})`
}

/**
 * A customer's further comment, as statements to be run with others: stored, the status moved as HOUSE and MAIL 6.12 say,
 * the clocks with both.
 * @param input.counts whether somebody waits for an answer to it: not to automatic, unverified and imported mail (K8)
 */
export async function furtherComment(
  tx: Tx,
  input: {
    comment: NewComment
    counts: boolean
    actor: Actor
    status: StatusChange | null
    answerTo: string | null
    why: string
  },
  now: Date,
): Promise<Statement[]> {
  const { comment, status } = input
  const events: Event[] = []
  if (status) events.push({ type: 'status', data: { from: status.from, to: status.to }, why: status.why })
  if (status?.dropAssignee)
    events.push({ type: 'assign', data: { to: null }, why: 'the assignee no longer works here' })
  const type = comment.automatic ? 'automatic_reply' : 'customer_comment'
  const data = { comment: comment.id, ...(!comment.automatic && !input.counts && { quiet: true }) }
  events.push({ type, data, why: input.why })
  const step = await advance(tx, [{ ticketId: comment.ticketId, actor: input.actor, events }], now)
  const moved = step.moved[0]!
  return [
    addComment(tx, comment, now),
    tx`
      update tickets set ${tx({
        ...moved.columns,
        updated_at: now,
        ...(status && { status: status.to, resolved_at: null, closed_at: null }),
        ...(status?.dropAssignee && { assignee_id: null }),
        ...(input.answerTo !== null && { requester_address: input.answerTo }),
      })}
      where id = ${comment.ticketId}`,
    numberedRows(tx, moved.events),
    ...step.rows,
  ]
}

/** Links two tickets for agents to see (`follow_up`, `refers_to`, `also_addressed`). */
export async function link(tx: Tx, ticketId: number, otherId: number, kind: string): Promise<void> {
  await tx`
    insert into ticket_links (ticket_id, other_id, kind)
    select ${ticketId}, id, ${kind} from tickets where id = ${otherId} on conflict do nothing`
}

/** PostgreSQL text holds everything but NUL (MAIL 1.13). */
const stored = (text: string) => text.replaceAll('\0', '\uFFFD')

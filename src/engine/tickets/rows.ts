/**
 * Tickets and comments as rows: how a ticket begins, and how a customer's further mail goes on with it. Statements, so
 * that a mail is written in one round trip. What people do with a ticket is in tickets.ts.
 */
import { ask, type Change, change, type Question, type Statement, type Tx, together } from '../../database.ts'
import type { CalendarCard } from '../../incoming.ts'
import { floored } from '../../time.ts'
import { type Actor, type Event, eventRows, numberedRows } from '../events.ts'
import type { OutlookThread } from '../outbox/thread-index.ts'
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
  /** Since when somebody vouches for the priority; absent: it is the default, and unassessed (FEATURES 3.11). */
  assessed?: Date | null
  type: string
  /** A key of the desk file; absent: none. */
  product?: string | null
  /** By the keys of the desk file. */
  fields?: Record<string, string>
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
  /** Of a private one: who may read it besides its author. */
  addresseeId?: number | null
  channel: 'mail' | 'web' | 'system'
  automatic?: boolean
  text: string
  visible: string
  html?: string | null
  sanitiser?: number | null
  messageId?: string | null
  flags?: string[]
  calendar?: CalendarCard | null
  thread?: OutlookThread | null
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
  const [row] = await ask<{ id: number }>(tx, COMMENT_IDS, {})
  return row!.id
}

const COMMENT_IDS: Question = { columns: 'n int', sql: `select n, nextval('comments_id_seq') as id from given` }

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
  const row = {
    id: ticket.id,
    subject: ticket.subject,
    base_subject: ticket.baseSubject,
    status: ticket.status,
    priority: ticket.priority,
    type: ticket.type,
    product: ticket.product ?? null,
    fields: ticket.fields ?? {},
    tags: ticket.tags,
    automatic: ticket.automatic,
    inbox_id: ticket.inboxId,
    project_id: ticket.projectId,
    organization_id: ticket.organizationId,
    team_id: ticket.teamId,
    assignee_id: ticket.assigneeId,
    requester_id: ticket.requester.contactId,
    requester_address: ticket.requester.address,
    requester_name: ticket.requester.name,
    locale: ticket.locale,
    zone: ticket.zone,
    policy_id: sla.policy_id,
    policy_source: sla.policy_source,
    calendar_id: sla.calendar_id,
    team_calendar_id: sla.team_calendar_id,
    answered_at: sla.answered_at,
    next_due_at: sla.next_due_at,
    ola_due_at: sla.ola_due_at,
    ack_promise: ticket.ackPromise,
    created_at: at,
    updated_at: now,
    resolved_at: ticket.status === 'resolved' ? at : null,
    closed_at: ticket.status === 'closed' ? at : null,
    origin: data.origin,
    assessed_at: ticket.assessed ? floored(ticket.assessed) : null,
    assessed_s: ticket.assessed ? 0 : null,
  }
  const insert = change(tx, NEW_TICKETS, [row])
  return [insert, eventRows(tx, { ticketId: ticket.id, actor: story.actor, events }, now)]
}

const NEW_TICKETS: Change = {
  columns: `id bigint, subject text, base_subject text, status text, priority text, type text, product text, fields jsonb,
    tags text[], automatic boolean, inbox_id bigint, project_id bigint, organization_id bigint, team_id bigint, assignee_id bigint,
    requester_id bigint, requester_address text, requester_name text, locale text, zone text, policy_id bigint,
    policy_source text, calendar_id bigint, team_calendar_id bigint, answered_at timestamptz, next_due_at timestamptz,
    ola_due_at timestamptz, ack_promise jsonb, created_at timestamptz, updated_at timestamptz, resolved_at timestamptz,
    closed_at timestamptz, origin text, assessed_at timestamptz, assessed_s int`,
  sql: `
    insert into tickets (
      id, subject, base_subject, status, priority, type, product, fields, tags, automatic, inbox_id, project_id, organization_id, team_id,
      assignee_id, requester_id, requester_address, requester_name, locale, zone, policy_id, policy_source, calendar_id,
      team_calendar_id, answered_at, next_due_at, ola_due_at, ack_promise, created_at, updated_at, resolved_at, closed_at,
      origin, assessed_at, assessed_s)
    overriding system value select * from given returning id`,
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
  const row = {
    id: comment.id,
    ticket_id: comment.ticketId,
    at: floored(now),
    author_role: author.role,
    contact_id: author.contactId ?? null,
    agent_id: author.agentId ?? null,
    author_name: author.name,
    author_address: author.address,
    visibility: comment.visibility,
    addressee_id: comment.addresseeId ?? null,
    channel: comment.channel,
    automatic: comment.automatic ?? false,
    text: comment.text,
    visible: comment.visible,
    html: comment.html ?? null,
    sanitiser: comment.sanitiser ?? null,
    message_id: comment.messageId ?? null,
    flags: comment.flags ?? [],
    calendar: comment.calendar ?? null,
    thread: comment.thread ?? null,
  }
  return change(tx, NEW_COMMENTS, [row])
}

const NEW_COMMENTS: Change = {
  columns: `id bigint, ticket_id bigint, at timestamptz, author_role text, contact_id bigint, agent_id bigint,
    author_name text, author_address text, visibility text, addressee_id bigint, channel text, automatic boolean,
    text text, visible text,
    html text, sanitiser integer, message_id text, flags text[], calendar jsonb, thread jsonb`,
  sql: `
    insert into comments (
      id, ticket_id, at, author_role, contact_id, agent_id, author_name, author_address, visibility, addressee_id,
      channel, automatic, text, visible, html, sanitiser, message_id, flags, calendar, thread)
    overriding system value select * from given`,
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
    change(tx, WRITTEN_TICKETS, [
      {
        ...moved.columns,
        id: comment.ticketId,
        now,
        to_status: status?.to ?? null,
        drop_assignee: status?.dropAssignee ?? false,
        answer_to: input.answerTo,
      },
    ]),
    numberedRows(tx, moved.events),
    ...step.rows,
  ]
}

const WRITTEN_TICKETS: Change = {
  columns: `id bigint, now timestamptz, to_status text, drop_assignee boolean, answer_to text, policy_id bigint,
    calendar_id bigint, team_calendar_id bigint, first_response_at timestamptz, answered_at timestamptz,
    awaiting_since timestamptz, next_due_at timestamptz, ola_due_at timestamptz`,
  sql: `
    update tickets t set policy_id = given.policy_id, calendar_id = given.calendar_id,
      team_calendar_id = given.team_calendar_id, first_response_at = given.first_response_at,
      answered_at = given.answered_at, awaiting_since = given.awaiting_since, next_due_at = given.next_due_at,
      ola_due_at = given.ola_due_at, updated_at = given.now, status = coalesce(given.to_status, t.status),
      resolved_at = case when given.to_status is null then t.resolved_at end,
      closed_at = case when given.to_status is null then t.closed_at end,
      wake_at = case when given.to_status is null then t.wake_at end,
      wake_agent_id = case when given.to_status is null then t.wake_agent_id end,
      assignee_id = case when given.drop_assignee then null else t.assignee_id end,
      requester_address = coalesce(given.answer_to, t.requester_address)
    from given where t.id = given.id`,
}

/** Links two tickets for agents to see (`follow_up`, `refers_to`, `also_addressed`). */
export async function link(tx: Tx, ticketId: number, otherId: number, kind: string): Promise<void> {
  await tx`
    insert into ticket_links (ticket_id, other_id, kind)
    select ${ticketId}, id, ${kind} from tickets where id = ${otherId} on conflict do nothing`
}

/** Takes a link away. */
export async function unlink(tx: Tx, ticketId: number, otherId: number, kind: string): Promise<void> {
  await tx`delete from ticket_links where ticket_id = ${ticketId} and other_id = ${otherId} and kind = ${kind}`
}

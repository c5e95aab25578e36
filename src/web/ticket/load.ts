/** Everything one ticket's page shows, read at one moment. */
import type { Queryable, Sql } from '../../database.ts'
import { transaction } from '../../database.ts'
import type { OutboxState } from '../../engine/outbox/tables.ts'
import type { ClockKey, ClockMetric } from '../../engine/sla/account.ts'
import { type Course, findCourses } from '../../engine/sla/course.ts'
import type { Priority, Status } from '../../engine/tables.ts'
import type { CalendarCard } from '../../incoming.ts'
import { web as limits } from '../../limits.ts'

export type TicketRow = {
  id: number
  subject: string
  status: Status
  priority: Priority
  /** Null: nobody has set the priority yet. */
  assessed_at: Date | null
  type: string
  product: string | null
  fields: Record<string, string>
  tags: string[]
  automatic: boolean
  project_id: number
  project: string
  organization: string | null
  team: string | null
  team_key: string | null
  assignee_id: number | null
  assignee: string | null
  requester_address: string | null
  requester_name: string
  /** Whether the requester is a contact, and one whose mail was proven to be theirs once (MAIL 5.1, 6.22). */
  requester_proof: 'verified' | 'unverified' | null
  locale: string
  zone: string
  policy_source: string | null
  policy: string | null
  /** What its policy marks its priority with. */
  colour: string | null
  created_at: Date
  updated_at: Date
  first_response_at: Date | null
  resolved_at: Date | null
  closed_at: Date | null
  next_due_at: Date | null
  /** Set by hand. */
  due_at: Date | null
  /** When it comes back to who put it aside. */
  wake_at: Date | null
  duplicate_of: number | null
  /** Whether who looks is told of it though it is not theirs. */
  following: boolean
  /** Whether mail of its requester is held. */
  blocked: boolean
  undelivered_at: Date | null
  deleted_at: Date | null
  deleted_by: string | null
  spam_at: Date | null
  spam_by: string | null
  merged_into: number | null
}
export type CommentRow = {
  id: number
  at: Date
  author_role: 'contact' | 'agent' | 'unknown' | 'system'
  agent_id: number | null
  author_name: string
  author_address: string | null
  visibility: 'public' | 'internal' | 'private'
  channel: 'mail' | 'web' | 'system'
  automatic: boolean
  /** At most `limits.shownText` characters. */
  visible: string
  /** Null when it says no more than `visible`; cut like it. */
  text: string | null
  cut: boolean
  has_html: boolean
  flags: string[]
  calendar: CalendarCard | null
}
export type AttachmentRow = {
  id: number
  comment_id: number
  filename: string
  type: string
  size: number
  inline: boolean
  original: boolean
}
export type ClockRow = {
  metric: ClockMetric
  /** Whose own target it is; null: promised to the customer. */
  team: string | null
  team_id: number | null
  cycle: number
  state: 'running' | 'paused' | 'stopped' | 'cancelled'
  target_s: number
  started_at: Date
  /** Working seconds until `running_since`, where it runs. */
  elapsed_s: number
  running_since: Date | null
  due_at: Date | null
  stopped_at: Date | null
  breached_at: Date | null
  calendar_id: number
}
export type EventRow = {
  seq: number
  at: Date
  type: string
  actor_name: string
  data: Record<string, unknown>
  why: string | null
}
export type MailRow = {
  id: number
  comment_id: number | null
  received_at: Date
  via: string
  kind: string | null
  state: string
  bytes: number
  raw_kept: boolean
  subject: string
  reasons: { code: string; words: string }[]
  trace: unknown
  /** Where the original is when only the header was taken (MAIL 2.12). */
  original: 'left' | 'asked' | 'here' | 'gone' | null
  original_words: string | null
  oversize: number | null
  parts: { type: string; bytes: number | null; name: string | null }[] | null
}
export type SentRow = {
  id: number
  comment_id: number | null
  kind: string
  recipient: string
  state: OutboxState
  not_before: Date | null
  next_try_at: Date
  tries: number
  last_answer: string | null
}
export type TicketView = {
  ticket: TicketRow
  comments: CommentRow[]
  /** How many comments come before the shown ones. */
  earlier: number
  attachments: AttachmentRow[]
  clocks: ClockRow[]
  /** When they ran, by their keys; empty where nothing tells. */
  courses: Map<ClockKey, Course>
  events: EventRow[]
  mails: MailRow[]
  sent: SentRow[]
  participants: { address: string; name: string; role: string }[]
  links: { other_id: number; kind: string; subject: string }[]
  choices: { agents: { id: number; name: string }[]; projects: { id: number; key: string }[] }
}

/** The ticket, or null. `page.before` is a comment id: the comments before it are shown instead of the newest. */
export async function loadTicket(
  sql: Sql,
  id: number,
  page: { agentId: number; before: number | null },
): Promise<TicketView | null> {
  return transaction(sql, async (tx) => {
    await tx`set transaction isolation level repeatable read, read only`
    const ticket = await findTicket(tx, id, page.agentId)
    if (!ticket) return null
    const comments = await listComments(tx, id, page)
    const shown = comments.map((comment) => comment.id)
    const [[earlier], attachments, clocks, events, mails, sent, participants, links, agents, projects, courses] =
      await Promise.all([
        tx<{ count: number }[]>`
        select count(*)::int from comments where ticket_id = ${id} and id < ${shown[0] ?? 0}`,
        tx<AttachmentRow[]>`
        select id, comment_id, filename, type, size, inline, original from attachments
        where comment_id = any(${shown}::bigint[]) order by id`,
        tx<ClockRow[]>`
        select c.metric, m.name as team, c.team_id, c.cycle, c.state, c.target_s, c.started_at, c.elapsed_s, c.running_since, c.due_at,
          c.stopped_at, c.breached_at, c.calendar_id
        from sla_clocks c left join teams m on m.id = c.team_id
        where c.ticket_id = ${id} order by c.metric, c.cycle, c.id limit 100`,
        tx<EventRow[]>`
        select seq, at, type, actor_name, data, why from events where ticket_id = ${id} order by seq desc limit 200`,
        tx<MailRow[]>`
        select m.id, m.comment_id, m.received_at, m.via, m.kind, m.state, m.bytes, m.blob_id is not null as raw_kept,
          coalesce(m.subject, '') as subject,
          m.reasons, m.trace, o.original, o.original_words, (m.session ->> 'oversize')::bigint as oversize,
          m.session -> 'parts' as parts
        from inbound_mails m left join lateral (
          select s.original_words,
            case when b.superseded_at is not null and s.original <> 'here' then 'gone' else s.original end as original
          from imap_seen s join mailboxes b on b.id = s.mailbox_id
          where s.mail_id = m.id and s.original is not null limit 1) o on true
        where m.ticket_id = any(array(
          select other_id from ticket_links where ticket_id = ${id} and kind in ('merged', 'split_from') union all select ${id}))
        order by m.id desc limit 200`,
        tx<SentRow[]>`
        select id, comment_id, kind, recipient, state, not_before, next_try_at, tries, last_answer
        from outbox where ticket_id = ${id} order by id desc limit 200`,
        tx<TicketView['participants']>`
        select address, name, role from ticket_participants where ticket_id = ${id} order by added_at, address limit 50`,
        tx<TicketView['links']>`
        select l.other_id, l.kind, t.subject from ticket_links l join tickets t on t.id = l.other_id
        where l.ticket_id = ${id} and t.deleted_at is null order by l.other_id limit 50`,
        tx<{ id: number; name: string }[]>`
        select id, coalesce(nullif(name, ''), address) as name from agents where disabled_at is null order by 2`,
        tx<{ id: number; key: string }[]>`select id, key from projects where disabled_at is null order by key`,
        findCourses(tx, id),
      ])
    return {
      ticket,
      comments,
      earlier: earlier?.count ?? 0,
      attachments,
      clocks,
      courses,
      events: events.reverse(),
      mails,
      sent,
      participants,
      links,
      choices: { agents, projects },
    }
  })
}

async function findTicket(tx: Queryable, id: number, agentId: number): Promise<TicketRow | null> {
  const [row] = await tx<TicketRow[]>`
    select t.id, t.subject, t.status, t.priority, t.assessed_at, t.type, t.product, t.fields, t.tags, t.automatic, t.project_id, p.key as project,
      o.name as organization, m.name as team, m.key as team_key, t.assignee_id, coalesce(nullif(a.name, ''), a.address) as assignee,
      t.requester_address, t.requester_name,
      case when c.verified_at is not null then 'verified' when c.id is not null then 'unverified' end as requester_proof,
      t.locale, t.zone, t.policy_source, s.key as policy,
      s.definition -> 'colours' ->> t.priority as colour, t.created_at,
      t.updated_at, t.first_response_at, t.resolved_at, t.closed_at, t.next_due_at, t.due_at, t.wake_at, t.duplicate_of,
      t.undelivered_at, t.deleted_at, t.deleted_by, t.spam_at, t.spam_by, t.merged_into,
      exists (select from agent_followers where ticket_id = t.id and agent_id = ${agentId}) as following,
      exists (select from blocked_senders where pattern = lower(t.requester_address)) as blocked
    from tickets t
    join projects p on p.id = t.project_id
    left join organizations o on o.id = t.organization_id
    left join teams m on m.id = t.team_id
    left join agents a on a.id = t.assignee_id
    left join sla_policies s on s.id = t.policy_id
    left join contacts c on c.id = t.requester_id
    where t.id = ${id}`
  return row ?? null
}

/** A private comment's words are its author's and addressee's alone; others see that there is one (FEATURES 3.25). */
async function listComments(tx: Queryable, ticketId: number, page: { agentId: number; before: number | null }) {
  const most = limits.shownText
  const rows = await tx<CommentRow[]>`
    select id, at, author_role, agent_id, author_name, author_address, visibility, channel, automatic, flags,
      case when hidden then '' else left(visible, ${most}) end as visible,
      case when hidden or text = visible then null else left(text, ${most}) end as text,
      not hidden and (length(text) > ${most} or length(visible) > ${most}) as cut,
      not hidden and html is not null as has_html, calendar
    from comments, lateral (
      select visibility = 'private' and agent_id is distinct from ${page.agentId}
        and addressee_id is distinct from ${page.agentId} as hidden) h
    where ticket_id = ${ticketId} and (${page.before}::bigint is null or id < ${page.before})
    order by id desc limit ${limits.comments}`
  return rows.reverse()
}

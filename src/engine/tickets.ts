/**
 * Tickets, comments and what may be done with them. Each verb is one transaction of the caller's with its event; mail,
 * web and commands all call these and nothing else writes these tables. A verb that changes nothing records nothing.
 */
import type { Tx } from '../database.ts'
import { Refusal } from '../errors.ts'
import { after, floored, SECOND } from '../time.ts'
import { preparePublicAnswer } from './answer.ts'
import { type Attachment, attach } from './attachments.ts'
import { type Actor, type Event, record } from './events.ts'
import { addNews } from './notify/news.ts'
import { addressKey, checkAddress } from './outbox/address.ts'
import { linked, shareFiles } from './outbox/shared-files.ts'
import { findSuppressed } from './outbox/suppressions.ts'
import { childOf } from './outbox/thread-index.ts'
import { queueMail } from './outbox.ts'
import { ensureContact, findOrganization, markAnswered } from './people.ts'
import { matchRecipient } from './recipients.ts'
import { awaitAnswer } from './sla/answers.ts'
import { teamCalendarId } from './sla.ts'
import { PRIORITIES, type Priority, STATUSES, type Status } from './tables.ts'
import { knownMails, rememberOutgoing } from './thread.ts'
import { afterAnswer } from './tickets/after-answer.ts'
import { assess } from './tickets/assess.ts'
import { type ClosedDuplicate, closeDuplicates } from './tickets/close-duplicates.ts'
import { reselecting } from './tickets/policy.ts'
import { addComment, type NewComment, reserveComment } from './tickets/rows.ts'
import { tell } from './tickets/tell.ts'
import type { Tools } from './tools.ts'

export type AgentAuthor = { id: number; name: string; address: string }

/**
 * Says whom a ticket without a readable sender is from, so that it can be answered (MAIL 4.8).
 * @throws Refusal `bad_address`, and `own_address` for one that this desk serves
 */
export async function enterRequester(
  tx: Tx,
  input: { ticketId: number; address: string; name: string; actor: Actor; tools: Tools },
  now: Date,
): Promise<void> {
  const ticket = await lockTicket(tx, input.ticketId)
  const address = checkAddress(input.address.trim())
  const { desk } = input.tools
  if (matchRecipient(desk, address)) throw new Refusal('own_address', `${address} is an address of this desk.`)
  const organizationId = findOrganization(desk, address)?.id ?? null
  const contactId = await ensureContact(tx, { person: { address, name: input.name }, organizationId }, now)
  const data = { from: ticket.requester_address, to: address }
  await reselecting(tx, input, now, async () => {
    await tx`
      update tickets set requester_id = ${contactId}, requester_address = ${address}, requester_name = ${input.name},
             organization_id = coalesce(organization_id, ${organizationId}), updated_at = ${now}
      where id = ${ticket.id}`
    await record(tx, { ticketId: ticket.id, actor: input.actor, events: [{ type: 'requester', data }] }, now)
  })
}

/**
 * A public answer by an agent: comment, outbox rows that wait for the undo window, status. It counts for the clocks when
 * the window ends (SLA F3).
 * @param input.files are sent with it, or can be fetched by a link (8.30)
 * @param input.suppressed `send`: also to an address on the suppression list, because the agent chose so (MAIL 8.26)
 * @throws Refusal `nobody_to_answer` where the ticket has no requester address (MAIL 4.8), `suppressed`, `empty_text`
 */
export async function reply(
  tx: Tx,
  input: {
    ticketId: number
    agent: AgentAuthor
    text: string
    channel: 'web' | 'mail'
    files?: Attachment[]
    suppressed?: 'stop' | 'send'
    tools: Tools
  },
  now: Date,
): Promise<{ commentId: number }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const text = requireText(input.text)
  if (!ticket.requester_address)
    throw new Refusal('nobody_to_answer', `Ticket #${ticket.id} has no sender to answer: enter an address first.`)
  const { desk } = input.tools
  const [commentId, thread] = await Promise.all([reserveComment(tx), conversation(tx, ticket.id)])
  const suppressed = input.suppressed === 'send' ? [] : await refuseSuppressed(tx, ticket, thread.participants, now)
  const files = input.files ?? []
  const outlook = thread.thread && childOf(thread.thread, now)
  const mail = preparePublicAnswer(
    {
      ticket: answerable(ticket),
      inbox: desk.inboxes.find((inbox) => inbox.id === ticket.inbox_id) ?? desk.inboxes[0]!,
      agent: input.agent,
      text,
      commentId,
      participants: thread.participants,
      messageIds: thread.messageIds,
      lastCustomerComment: thread.lastCustomerComment,
      thread: outlook,
      shared: shareFiles(files, { id: commentId, generation: ticket.token_generation }, input.tools, now),
      suppressed,
      notBefore: after(now, desk.settings.undo_seconds * SECOND),
      tools: input.tools,
    },
    now,
  )
  const to = afterAnswer({ status: ticket.status, projectId: ticket.project_id }, desk)
  const atOnce = mail.notBefore === null || mail.notBefore <= now
  const events: Event[] = [{ type: 'agent_reply', data: { comment: commentId, public: true } }]
  if (atOnce) events.push({ type: 'answered', data: { comment: commentId, agent: input.agent.id } })
  if (to !== ticket.status) events.push(statusEvent(ticket.status, to, 'an agent answered'))
  await tell(tx, { ticketId: ticket.id, actor: actorOf(input.agent), events }, now)
  await addComment(tx, { ...agentComment(input, commentId, text, 'public', mail.messageId), thread: outlook }, now)
  const attached = await attach(tx, { ticketId: ticket.id, commentId }, files)
  const away = linked(files)
  const attachmentIds = attached.filter((_, n) => !away.has(n))
  const answer = { ticketId: ticket.id, commentId, agentId: input.agent.id }
  await Promise.all([
    atOnce ? null : awaitAnswer(tx, answer, mail.notBefore!),
    rememberOutgoing(tx, { messageId: mail.messageId, ticketId: ticket.id, commentId }, now),
    queueMail(tx, { ...mail, attachmentIds, suppressed: input.suppressed ?? 'stop' }, input.tools, now),
    ticket.requester_id ? markAnswered(tx, ticket.requester_id, now) : null,
    addNews(tx, { ticketId: ticket.id, kind: 'answered', commentId, actor: actorOf(input.agent) }, now),
    tx`update tickets set status = ${to}, undelivered_at = null, updated_at = ${now} where id = ${ticket.id}`,
  ])
  return { commentId }
}

/** An internal note: agents see it, no mail carries it to anyone else. A new ticket becomes open. */
export async function note(
  tx: Tx,
  input: {
    ticketId: number
    agent: AgentAuthor | null
    text: string
    channel: 'web' | 'mail' | 'system'
    files?: Attachment[]
  },
  now: Date,
): Promise<{ commentId: number }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const text = requireText(input.text)
  const commentId = await reserveComment(tx)
  await addComment(tx, agentComment(input, commentId, text, 'internal', null), now)
  await attach(tx, { ticketId: ticket.id, commentId }, input.files ?? [])
  const opens = input.agent !== null && ticket.status === 'new'
  const events: Event[] = [{ type: 'note', data: { comment: commentId } }]
  if (opens) events.push(statusEvent('new', 'open', 'an agent wrote a note'))
  const story = { ticketId: ticket.id, actor: actorOf(input.agent), events }
  await (opens ? tell(tx, story, now) : record(tx, story, now))
  if (input.agent) await addNews(tx, { ticketId: ticket.id, kind: 'note', commentId, actor: story.actor }, now)
  await tx`
    update tickets set updated_at = ${now}, status = ${opens ? 'open' : ticket.status} where id = ${ticket.id}`
  return { commentId }
}

/** Gives the ticket to an agent, or to nobody. A new ticket becomes open at its first assignment. */
export async function assign(
  tx: Tx,
  input: { ticketId: number; agentId: number | null; actor: Actor },
  now: Date,
): Promise<void> {
  const ticket = await lockTicket(tx, input.ticketId)
  if (ticket.assignee_id === input.agentId) return
  const [agent] =
    input.agentId === null ? [] : await tx`select name from agents where id = ${input.agentId} and disabled_at is null`
  if (input.agentId !== null && !agent)
    throw new Refusal('unknown_agent', 'There is no active agent with that address.')
  const opens = input.agentId !== null && ticket.status === 'new'
  const events: Event[] = [
    { type: 'assign', data: { from: ticket.assignee_id, to: input.agentId, name: agent?.name ?? null } },
  ]
  if (opens) events.push(statusEvent('new', 'open', 'first assignment'))
  await tell(tx, { ticketId: ticket.id, actor: input.actor, events }, now)
  const { agentId, actor } = input
  if (agentId !== null) await addNews(tx, { ticketId: ticket.id, kind: 'assigned', agentId, actor }, now)
  await tx`
    update tickets set assignee_id = ${input.agentId}, status = ${opens ? 'open' : ticket.status}, updated_at = ${now}
    where id = ${ticket.id}`
}

/** Moves the ticket to another project, and to that project's team; the policy is chosen anew (SLA S3). */
export async function move(
  tx: Tx,
  input: { ticketId: number; projectId: number; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<void> {
  const ticket = await lockTicket(tx, input.ticketId)
  if (ticket.project_id === input.projectId) return
  const project = [...input.tools.desk.projects.values()].find((one) => one.id === input.projectId)
  if (!project) throw new Refusal('unknown_project', 'There is no such project in the desk.')
  const { desk } = input.tools
  const team = project.team === null ? undefined : desk.teams.get(project.team)
  const data = {
    from: ticket.project_id,
    to: project.id,
    key: project.key,
    team: team?.id ?? null,
    team_calendar_id: teamCalendarId(desk, team),
  }
  await reselecting(tx, input, now, async () => {
    await tell(tx, { ticketId: ticket.id, actor: input.actor, events: [{ type: 'move', data }] }, now)
    await addNews(tx, { ticketId: ticket.id, kind: 'team', actor: input.actor }, now)
    await tx`
      update tickets set project_id = ${project.id}, team_id = ${team?.id ?? null}, updated_at = ${now}
      where id = ${ticket.id}`
  })
}

/**
 * Changes the priority: from now on the clocks have its targets (SLA K10), of the policy that it leads to (S3). An agent
 * who sets it for the first time has assessed the ticket, also where it stays what it was.
 */
export async function prioritise(
  tx: Tx,
  input: { ticketId: number; priority: string; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<void> {
  const ticket = await lockTicket(tx, input.ticketId)
  if (!PRIORITIES.includes(input.priority as Priority))
    throw new Refusal('unknown_priority', `Priorities are ${PRIORITIES.join(', ')}.`)
  const first = await assess(tx, { ticketId: ticket.id, assessedAt: ticket.assessed_at, actor: input.actor }, now)
  const stays = ticket.priority === input.priority
  if (stays && !first) return
  const event: Event = stays
    ? { type: 'assessed', data: { from: null, to: first!.at, priority: ticket.priority } }
    : { type: 'priority', data: { from: ticket.priority, to: input.priority, ...(first && { assessed: true }) } }
  await reselecting(tx, input, now, async () => {
    await tell(tx, { ticketId: ticket.id, actor: input.actor, events: [event] }, now)
    await tx`
      update tickets set priority = ${input.priority}, assessed_at = coalesce(assessed_at, ${first?.at ?? null}),
        assessed_s = coalesce(assessed_s, ${first?.seconds ?? null}::int), updated_at = ${now}
      where id = ${ticket.id}`
  })
}

/** Adds and removes tags; tags are lower-case words. */
export async function tag(
  tx: Tx,
  input: { ticketId: number; add?: string[]; remove?: string[]; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<void> {
  const ticket = await lockTicket(tx, input.ticketId)
  const clean = (tags: string[] = []) => tags.map((one) => one.trim().toLowerCase().slice(0, 60)).filter(Boolean)
  const gone = new Set(clean(input.remove))
  const tags = [...new Set([...ticket.tags, ...clean(input.add)])].filter((one) => !gone.has(one))
  if (tags.join('\n') === ticket.tags.join('\n')) return
  const events = [{ type: 'tags', data: { from: ticket.tags, to: tags } }]
  await reselecting(tx, input, now, async () => {
    await tx`update tickets set tags = ${tags}, updated_at = ${now} where id = ${ticket.id}`
    await record(tx, { ticketId: ticket.id, actor: input.actor, events }, now)
  })
}

/**
 * Sets the status by hand or by cron; nobody waits for a time any more. What is done is done with its duplicates.
 * @param input.tools to tell the duplicates' requesters; without them nobody is told
 * @returns the duplicates that were closed with it
 */
export async function setStatus(
  tx: Tx,
  input: { ticketId: number; status: string; actor: Actor; why?: string; tools?: Tools },
  now: Date,
): Promise<{ closed: ClosedDuplicate[] }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const to = input.status as Status
  if (!STATUSES.includes(to)) throw new Refusal('unknown_status', `Statuses are ${STATUSES.join(', ')}.`)
  if (to === ticket.status) return { closed: [] }
  if (to === 'new') throw new Refusal('status_not_allowed', 'A ticket that was worked on cannot become new again.')
  const at = floored(now)
  const events = [statusEvent(ticket.status, to, input.why ?? null)]
  await tell(tx, { ticketId: ticket.id, actor: input.actor, events }, now)
  await tx`
    update tickets set status = ${to}, updated_at = ${now},
           resolved_at = ${to === 'resolved' ? at : to === 'closed' ? ticket.resolved_at : null},
           closed_at = ${to === 'closed' ? at : null}, wake_at = null, wake_agent_id = null
    where id = ${ticket.id}`
  const ends = (to === 'resolved' || to === 'closed') && ticket.status !== 'resolved' && ticket.status !== 'closed'
  const { actor, tools } = input
  return { closed: ends ? await closeDuplicates(tx, { ticketId: ticket.id, to, actor, tools }, now) : [] }
}

/** Takes the ticket out of every list; its Message-IDs and mails stay, so nothing is imported again (MAIL 2.8). */
export async function deleteTicket(tx: Tx, input: { ticketId: number; actor: Actor }, now: Date): Promise<void> {
  const ticket = await lockTicket(tx, input.ticketId)
  await tell(tx, { ticketId: ticket.id, actor: input.actor, events: [{ type: 'deleted' }] }, now)
  await tx`update tickets set deleted_at = ${now}, deleted_by = ${input.actor.name}, updated_at = ${now} where id = ${ticket.id}`
}

/** Marks the ticket as spam: further mail of its conversation is held (MAIL 6.14). */
export async function markSpam(
  tx: Tx,
  input: { ticketId: number; actor: Actor },
  now: Date,
): Promise<{ changed: boolean }> {
  const ticket = await lockTicket(tx, input.ticketId)
  if (ticket.spam_at) return { changed: false }
  await tell(tx, { ticketId: ticket.id, actor: input.actor, events: [{ type: 'spam' }] }, now)
  await tx`
    update tickets set spam_at = ${now}, spam_by = ${input.actor.name}, updated_at = ${now},
      clocks_ended_at = coalesce(clocks_ended_at, ${now})
    where id = ${ticket.id}`
  return { changed: true }
}

/** Closes what was resolved long enough ago (HOUSE: 14 days). Returns how many. */
export async function closeResolved(tx: Tx, before: Date, actor: Actor, now: Date): Promise<number> {
  const rows = await tx`
    select id from tickets where status = 'resolved' and resolved_at < ${before}
    order by resolved_at limit 500 for update skip locked`
  for (const row of rows)
    await setStatus(tx, { ticketId: row.id, status: 'closed', actor, why: 'resolved long enough ago' }, now)
  return rows.length
}

type Row = {
  id: number
  subject: string
  status: Status
  priority: Priority
  assessed_at: Date | null
  tags: string[]
  project_id: number
  inbox_id: number | null
  assignee_id: number | null
  requester_id: number | null
  requester_address: string | null
  requester_name: string
  locale: string
  zone: string
  token_generation: number
  resolved_at: Date | null
  merged_into: number | null
  deleted_at: Date | null
  spam_at: Date | null
}

/** The ticket with its row locked. Throws Refusal `unknown_ticket`, also for a deleted or merged one. */
export async function lockTicket(tx: Tx, ticketId: number): Promise<Row> {
  const [row] = await tx<Row[]>`
    select id, subject, status, priority, assessed_at, tags, project_id, inbox_id, assignee_id, requester_id, requester_address,
           requester_name, locale, zone, token_generation, resolved_at, merged_into, deleted_at, spam_at
    from tickets where id = ${ticketId} for update`
  if (!row || row.deleted_at) throw new Refusal('unknown_ticket', `There is no ticket #${ticketId}.`)
  if (row.merged_into) throw new Refusal('merged_ticket', `Ticket #${ticketId} was merged into #${row.merged_into}.`)
  return row
}

/** What an answer needs of the conversation so far: people, ids to refer to, the words it answers. */
async function conversation(tx: Tx, ticketId: number) {
  const [participants, known, [last]] = await Promise.all([
    tx<{ address: string; name: string }[]>`
      select address, name from ticket_participants where ticket_id = ${ticketId} and role = 'participant' order by added_at`,
    knownMails(tx, ticketId),
    tx<{ at: Date; author_name: string; author_address: string | null; visible: string }[]>`
      select at, author_name, author_address, visible from comments
      where ticket_id = ${ticketId} and author_role in ('contact', 'unknown') and visibility = 'public' and not automatic
      order by id desc limit 1`,
  ])
  return {
    participants,
    messageIds: known.map((row) => row.message_id),
    // an acknowledgement in between has none
    thread: known.findLast((row) => row.thread)?.thread ?? null,
    lastCustomerComment: last
      ? { at: last.at, name: last.author_name || last.author_address || '', text: last.visible }
      : null,
  }
}

/** MAIL 8.26: an answer to a suppressed requester is refused with the reason; suppressed others are left out. */
async function refuseSuppressed(
  tx: Tx,
  ticket: Row,
  participants: { address: string }[],
  now: Date,
): Promise<string[]> {
  const all = [ticket.requester_address!, ...participants.map((one) => one.address)]
  const found = await findSuppressed(tx, all, now)
  const requester = found.get(addressKey(ticket.requester_address!))
  if (requester)
    throw new Refusal(
      'suppressed',
      `Mail to ${requester.address} failed before (${requester.reason}: ${requester.evidence}). Choose "Send anyway" to try again.`,
    )
  return [...found.keys()]
}

const answerable = (ticket: Row) => ({
  id: ticket.id,
  subject: ticket.subject,
  requester: { address: ticket.requester_address!, name: ticket.requester_name },
  locale: ticket.locale,
  zone: ticket.zone,
  generation: ticket.token_generation,
})

const agentComment = (
  input: { ticketId: number; agent: AgentAuthor | null; channel: NewComment['channel'] },
  id: number,
  text: string,
  visibility: NewComment['visibility'],
  messageId: string | null,
): NewComment => ({
  id,
  ticketId: input.ticketId,
  author: input.agent
    ? { role: 'agent', agentId: input.agent.id, name: input.agent.name, address: input.agent.address }
    : { role: 'system', name: 'Postroom', address: null },
  visibility,
  channel: input.channel,
  text,
  visible: text,
  messageId,
})

const actorOf = (agent: AgentAuthor | null): Actor =>
  agent ? { kind: 'agent', id: agent.id, name: agent.name } : { kind: 'system', id: null, name: 'rules' }

const statusEvent = (from: Status, to: Status, why: string | null): Event => ({
  type: 'status',
  data: { from, to },
  why,
})

function requireText(text: string): string {
  const trimmed = text.replaceAll('\r\n', '\n').trim()
  if (!trimmed) throw new Refusal('empty_text', 'There is nothing to send: the text is empty.')
  return trimmed
}

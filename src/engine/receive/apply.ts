/** Carries a plan out, in the caller's transaction. Ids are taken first, so that the writes go in one round trip. */
import type { Tx } from '../../database.ts'
import { seconds } from '../../time.ts'
import { type Due, prepareAck } from '../acknowledge.ts'
import { type Attachment, attach, storeParts } from '../attachments.ts'
import type { Metric } from '../desk.ts'
import { type Actor, system } from '../events.ts'
import { raiseNotice } from '../notices.ts'
import { automaticAllowance } from '../outbox/budget.ts'
import { queueMail, reserveOutboxIds } from '../outbox.ts'
import { completeContact, createContact, reserveContact } from '../people.ts'
import { startClocks } from '../sla.ts'
import { rememberIncoming, rememberOutgoing } from '../thread.ts'
import {
  addComment,
  addPeople,
  createTicket,
  link,
  type NewComment,
  note,
  receiveComment,
  reserveComment,
  reserveTicket,
} from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { type Arrival, type Facts, hasAuthor } from './facts.ts'
import { find, type Plan, type Reason } from './plan.ts'

export type Work = { plan: Plan; arrival: Arrival; facts: Facts; tools: Tools; raw: { blobId: number; bytes: number } }

/** What became of it; `reasons` are those that only doing it could tell, such as a spent budget. */
export type Done = { ticketId: number | null; commentId: number | null; reasons: Reason[] }

/** Does what the plan says. `raw` is attached where the mail could not be read. */
export async function apply(tx: Tx, work: Work, now: Date): Promise<Done> {
  if (find(work.plan, 'create_ticket')) return await openTicket(tx, work, now)
  const comment = find(work.plan, 'comment')
  if (comment) return await addToTicket(tx, work, comment, now)
  return { ticketId: null, commentId: null, reasons: [] }
}

async function openTicket(tx: Tx, work: Work, now: Date): Promise<Done> {
  const { plan, arrival, facts, tools } = work
  const { desk } = tools
  const create = find(plan, 'create_ticket')!
  const isNew = facts.contact === null && hasAuthor(arrival) && (plan.kind !== null || plan.state === 'ticketed')
  const [{ ticketId, commentId }, freshContact, outboxIds, files] = await Promise.all([
    reserveTicket(tx),
    isNew ? reserveContact(tx) : null,
    find(plan, 'acknowledge') ? reserveOutboxIds(tx, 1) : null,
    filesOf(tx, work),
  ])
  const contactId = facts.contact?.id ?? freshContact
  const at = arrival.releasedAt ?? arrival.receivedAt
  const ack = await acknowledgement(tx, work, { ticketId, commentId }, now)
  const comment = firstComment(work, { id: commentId, ticketId, contactId })
  const actor: Actor =
    contactId === null ? system('mail') : { kind: 'contact', id: contactId, name: comment.author.name }
  const { route } = plan
  const writes: (Promise<unknown> | null)[] = [
    freshContact === null
      ? null
      : createContact(
          tx,
          { id: freshContact, person: facts.from!, organizationId: facts.organization?.id ?? null },
          now,
        ),
    facts.contact && facts.contact.organizationId === null && facts.organization
      ? completeContact(tx, facts.contact.id, facts.organization.id)
      : null,
    createTicket(
      tx,
      {
        id: ticketId,
        subject: create.subject.slice(0, 255),
        baseSubject: arrival.mail.error === null ? arrival.mail.baseSubject : create.subject,
        status: arrival.archive ? 'closed' : route!.status,
        priority: route!.priority,
        type: route!.type,
        tags: route!.tags,
        automatic: plan.kind !== 'human' && plan.kind !== null,
        inboxId: facts.inboxes[0]!.id,
        projectId: desk.projects.get(route!.project)!.id,
        organizationId: facts.organization?.id ?? null,
        teamId: (route!.team && desk.teams.get(route!.team)?.id) || null,
        assigneeId: (route!.assignee && desk.agents.get(route!.assignee)?.id) || null,
        requester: { contactId, address: create.requester, name: facts.from?.name ?? '' },
        locale: plan.locale,
        zone: plan.zone,
        policyId: plan.sla?.selection.policy?.id ?? null,
        policySource: plan.sla?.selection.source ?? 'none',
        nextDueAt: plan.sla?.nextDueAt ?? null,
        ackPromise: ack.mail?.promise ?? null,
      },
      { actor, why: plan.reasons.find((one) => one.code === 'new_ticket')?.words ?? plan.reasons[0]?.words ?? '' },
      at,
    ),
    addComment(tx, comment, at),
    plan.sla ? startClocks(tx, ticketId, plan.sla, at) : null,
    attach(tx, { ticketId, commentId }, files),
    remember(tx, work, { ticketId, commentId }, now),
    ...peopleOf(plan).map((people) => addPeople(tx, ticketId, people, now)),
    ...plan.actions.map((action) => (action.action === 'link' ? link(tx, ticketId, action.other, action.kind) : null)),
  ]
  if (ack.mail) {
    writes.push(rememberOutgoing(tx, { messageId: ack.mail.messageId, ticketId, commentId: null }, now))
    writes.push(queueMail(tx, { ...ack.mail, ids: outboxIds! }, tools, now))
  }
  await Promise.all(writes)
  for (const action of plan.actions)
    if (action.action === 'note') await note(tx, { ticketId, agent: null, text: action.text, channel: 'system' }, now)
  return { ticketId, commentId, reasons: ack.reasons }
}

async function addToTicket(
  tx: Tx,
  work: Work,
  action: { ticket: number; visibility: 'public' | 'internal'; automatic: boolean },
  now: Date,
): Promise<Done> {
  const { plan, arrival, facts } = work
  const ticketId = action.ticket
  const [commentId, files] = await Promise.all([reserveComment(tx), filesOf(tx, work)])
  const contactId = facts.contact?.id ?? null
  const comment = {
    ...firstComment(work, { id: commentId, ticketId, contactId }),
    visibility: action.visibility,
    automatic: action.automatic,
  }
  const status = find(plan, 'status')
  const pending = plan.reasons.some((one) => one.code === 'pending_person')
  await Promise.all([
    receiveComment(
      tx,
      {
        comment,
        actor: { kind: 'contact', id: contactId, name: comment.author.name },
        status: status ?? null,
        answerTo: action.automatic || pending ? null : requesterAddress(work, ticketId),
        why: plan.reasons.find((one) => one.code === 'comment' || one.code === 'automatic_comment')?.words ?? '',
      },
      arrival.releasedAt ?? arrival.receivedAt,
    ),
    attach(tx, { ticketId, commentId }, files),
    remember(tx, work, { ticketId, commentId }, now),
    ...peopleOf(plan).map((people) => addPeople(tx, ticketId, people, now)),
  ])
  return { ticketId, commentId, reasons: [] }
}

/** MAIL 6.21: answers go to the address that the requester last used in this ticket. */
function requesterAddress(work: Work, ticketId: number): string | null {
  const ticket = work.facts.candidates.get(ticketId)
  const { contact, from } = work.facts
  return ticket && contact && from && ticket.requesterId === contact.id ? from.address : null
}

/** The acknowledgement, if the budgets allow one more automatic mail (4a.22). */
async function acknowledgement(tx: Tx, work: Work, ids: { ticketId: number; commentId: number }, now: Date) {
  const { plan, arrival, facts, tools } = work
  const action = find(plan, 'acknowledge')
  if (!action || arrival.mail.error !== null) return { mail: null, reasons: [] }
  const inbox = facts.inboxes[0]!
  const budget = { address: action.to, ticketId: ids.ticketId, inboxId: inbox.id, kind: 'ack' as const }
  const allowance = await automaticAllowance(tx, budget, now)
  if (allowance.notice)
    await raiseNotice(tx, { kind: 'ack_budget', subject: inbox.address, words: allowance.notice }, now)
  if (!allowance.allowed) return { mail: null, reasons: [{ code: 'no_ack' as const, words: allowance.words }] }
  const at = arrival.releasedAt ?? arrival.receivedAt
  const mail = prepareAck(
    {
      ticket: {
        id: ids.ticketId,
        subject: find(plan, 'create_ticket')!.subject,
        requester: { address: action.to, name: facts.from!.name },
        locale: plan.locale,
        zone: plan.zone,
        generation: 0,
      },
      inbox,
      firstResponse: dueOf(plan, 'first_response', at),
      resolution: dueOf(plan, 'resolution', at),
      trust: { mayQuote: action.mayQuote },
      mail: { messageId: arrival.mail.messageId, references: arrival.mail.references },
      followUpOf: find(plan, 'create_ticket')!.followUpOf,
      tools,
    },
    now,
  )
  return { mail, reasons: [] }
}

/** A promise and how it came: the working week, its place, and the days off in between (SLA D1). */
function dueOf(plan: Plan, metric: Metric, at: Date): Due | null {
  const clock = plan.sla?.clocks.find((one) => one.metric === metric)
  const calendar = plan.sla?.selection.calendar?.calendar
  if (!clock?.due || !calendar) return null
  const how = { calendar, targetSeconds: clock.target, from: seconds(at), due: seconds(clock.due) }
  return { at: clock.due, how }
}

/** The mail as a comment; a mail that could not be read says so, and what the scan found. */
function firstComment(work: Work, ids: { id: number; ticketId: number; contactId: number | null }): NewComment {
  const { plan, arrival } = work
  const { mail } = arrival
  const whole = mail.error === null ? mail : null
  const failed = `This mail could not be read: ${arrival.poison ?? mail.error?.words ?? ''}\nThe original is attached as it came.`
  const text = whole ? whole.text : failed
  const flags = [
    ...(whole?.truncated.length ? ['truncated'] : []),
    ...(whole ? [] : ['unparsable']),
    ...(arrival.oversize ? ['oversize'] : []),
    ...plan.reasons.flatMap((one) => (one.code === 'bad_token' || one.code === 'pending_person' ? [one.code] : [])),
  ]
  return {
    id: ids.id,
    ticketId: ids.ticketId,
    author: {
      role: plan.author.role === 'unknown' ? 'unknown' : 'contact',
      contactId: ids.contactId,
      name: plan.author.name,
      address: plan.author.address,
    },
    visibility: 'public',
    channel: 'mail',
    text,
    visible: text,
    html: whole?.html ?? null,
    sanitiser: whole?.sanitiserVersion ?? null,
    messageId: mail.messageId,
    flags,
  }
}

async function filesOf(tx: Tx, work: Work): Promise<Attachment[]> {
  const { mail } = work.arrival
  if (mail.error === null) return await storeParts(tx, mail.parts)
  const { blobId, bytes } = work.raw
  return [{ blobId, filename: 'original.eml', type: 'message/rfc822', size: bytes, inline: false, contentId: null }]
}

async function remember(tx: Tx, work: Work, place: { ticketId: number; commentId: number }, now: Date) {
  const { mail } = work.arrival
  if (!mail.messageId) return
  const whole = mail.error === null ? mail : null
  const people = [mail.from, ...(whole?.to ?? []), ...(whole?.cc ?? [])].flatMap((one) => (one ? [one.address] : []))
  const entry = {
    messageId: mail.messageId,
    ...place,
    people: people.slice(0, 100),
    baseSubject: whole?.baseSubject ?? '',
  }
  await rememberIncoming(tx, entry, now)
}

const peopleOf = (plan: Plan) =>
  plan.actions.flatMap((action) =>
    action.action === 'people' ? [action.addresses.map((one) => ({ ...one, contactId: null, role: action.role }))] : [],
  )

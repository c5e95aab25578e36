/**
 * Carries a plan out, in the caller's transaction. Ids are taken first and the rows are statements, so that the caller
 * writes all of it, and the end of the mail, in one round trip and one statement (`together`).
 */
import { all, ask, type Statement, type Tx } from '../../database.ts'
import { seconds } from '../../time.ts'
import { type Due, prepareAck } from '../acknowledge.ts'
import { type Attachment, attachmentRows, storeParts } from '../attachments.ts'
import { carryOut, isReportAction } from '../bounces/carry-out.ts'
import type { Metric } from '../desk.ts'
import { type Actor, system } from '../events.ts'
import { raiseNotice } from '../notices.ts'
import { newsRow } from '../notify/news.ts'
import { automaticAllowance } from '../outbox/budget.ts'
import { countFailure } from '../outbox/failures.ts'
import { liftBecauseTheyWrote } from '../outbox/suppressions.ts'
import { outboxRows } from '../outbox.ts'
import { completeContact, contactRows, ensureContact, nameOf } from '../people.ts'
import { catchUp } from '../reminders.ts'
import { isDue } from '../sla/find-due.ts'
import { clockRows } from '../sla.ts'
import { quieten } from '../storms.ts'
import { type MailId, messageIdRows } from '../thread.ts'
import { addPeople } from '../tickets/people.ts'
import { addComment, furtherComment, link, reserveComment, ticketRows } from '../tickets/rows.ts'
import { note } from '../tickets.ts'
import { carryOutAgent, releaseHeld, tellProblems, writeDown } from './agent-apply.ts'
import { askAgent } from './agent-mails.ts'
import { onBehalf } from './behalf.ts'
import { commentOf } from './comment.ts'
import { runCustomers } from './customer.ts'
import { hasAuthor } from './facts.ts'
import { isProven } from './identity.ts'
import { tellOfKnock } from './knock.ts'
import { type Action, find, type Plan } from './plan.ts'
import { incomingId, references } from './references.ts'
import { tellSender } from './sender-mails.ts'
import { answerStatement } from './statement.ts'
import type { Done, Work } from './work.ts'

/** Prepares all that the plan says. `raw` is attached where the mail could not be read. */
export async function apply(tx: Tx, work: Work, now: Date): Promise<Done> {
  const { plan, arrival, facts } = work
  if (facts.suppressed && plan.kind === 'human' && isProven(arrival.auth, facts.identity) && !arrival.archive)
    await liftBecauseTheyWrote(tx, facts.from!.address)
  const done = await applyMail(tx, work, now)
  const effects = plan.actions.flatMap((one) => effectOf(tx, work, one, now) ?? [])
  if (effects.length === 0) return done
  return {
    ...done,
    ticketId: done.ticketId ?? effects.find(({ ticket }) => ticket !== null)?.ticket ?? null,
    async rest() {
      await done.rest()
      for (const { run } of effects) await run()
    },
  }
}

type Effect = { ticket: number | null; run(): Promise<unknown> }

/** What is done besides, when the rows are there; null: that is no such action. */
function effectOf(tx: Tx, work: Work, one: Action, now: Date): Effect | null {
  switch (one.action) {
    case 'quieten':
      return { ticket: null, run: () => quieten(tx, one, now) }
    case 'notice':
      return { ticket: null, run: () => raiseNotice(tx, one, now) }
    case 'count_bad_address':
      return { ticket: null, run: () => countFailure(tx, one, one.at) }
    case 'statement':
      return { ticket: one.ticket, run: () => answerStatement(tx, work, one, now) }
    case 'commands':
      return { ticket: one.ticket, run: () => runCustomers(tx, work, one, now) }
    case 'ask_agent': {
      const { ticket, problems } = one
      const run = () => (problems ? tellProblems(tx, work, { ...one, problems }, now) : askAgent(tx, work, one, now))
      return { ticket, run }
    }
    case 'tell_sender':
      return { ticket: one.ticket, run: () => tellSender(tx, work, one, now) }
    case 'knock':
      return { ticket: one.ticket, run: () => tellOfKnock(tx, work, one, now) }
    default:
      return isReportAction(one)
        ? { ticket: 'ticket' in one ? one.ticket : null, run: () => carryOut(tx, one, now) }
        : null
  }
}

async function applyMail(tx: Tx, work: Work, now: Date): Promise<Done> {
  const behalf = find(work.plan, 'on_behalf')
  if (behalf) return await openTicket(tx, { ...work, ...onBehalf(work.arrival, work.facts) }, now)
  if (find(work.plan, 'create_ticket')) return await openTicket(tx, work, now)
  const comment = find(work.plan, 'comment')
  if (comment) return await addToTicket(tx, work, comment, now)
  const deed = find(work.plan, 'agent')
  if (deed) return await carryOutAgent(tx, work, deed, now)
  const outside = find(work.plan, 'outside')
  if (outside) return await writeDown(tx, work, outside, now)
  const release = find(work.plan, 'release')
  if (release) return await releaseHeld(tx, release, now)
  return { ticketId: null, commentId: null, reasons: [], acknowledged: false, rows: [], rest: async () => {} }
}

async function openTicket(tx: Tx, work: Work, now: Date): Promise<Done> {
  const { plan, arrival, facts, tools } = work
  const { desk } = tools
  const create = find(plan, 'create_ticket')!
  // 6.10, 10: an address of this desk is nobody's contact
  const isSomebody = hasAuthor(arrival) && !facts.memory.fromOwnInbox
  const isNew = facts.contact === null && isSomebody && (plan.kind !== null || plan.state === 'ticketed')
  const wanted = { contact: isNew, outbox: find(plan, 'acknowledge') !== undefined }
  const { ticketId, commentId, freshContact, outboxId } = await reserve(tx, wanted)
  const contactId = facts.contact?.id ?? freshContact
  const at = arrival.releasedAt ?? arrival.receivedAt
  // before the files, which most mails lack: so those that are settled together count in one statement
  const ack = await acknowledgement(tx, work, { ticketId, commentId }, now)
  const files = await filesOf(tx, work)
  const comment = commentOf(work, { id: commentId, ticketId, contactId })
  const actor: Actor =
    contactId === null ? system('mail') : { kind: 'contact', id: contactId, name: comment.author.name }
  const { route } = plan
  const ids: MailId[] = incomingId(work, { ticketId, commentId })
  if (route?.matter) ids.push({ messageId: route.matter, ticketId, commentId: null, direction: 'matter' })
  if (ack.mail) ids.push({ messageId: ack.mail.messageId, ticketId, commentId: null, direction: 'out' })
  const rows = [
    ...(freshContact === null
      ? []
      : contactRows(
          tx,
          {
            id: freshContact,
            person: facts.from!,
            organizationId: facts.organization?.id ?? null,
            verifiedAt: isProven(arrival.auth, facts.identity) ? now : null,
          },
          now,
        )),
    complete(tx, work, now),
    ...ticketRows(
      tx,
      {
        id: ticketId,
        subject: create.subject.slice(0, 255),
        baseSubject: arrival.mail.error === null ? arrival.mail.baseSubject : create.subject,
        status: arrival.archive ? 'closed' : route!.status,
        priority: route!.priority,
        assessed: route!.priorityRule === null ? null : at,
        type: route!.type,
        product: route!.product,
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
        sla: plan.sla,
        ackPromise: ack.mail?.promise ?? null,
      },
      { actor, why: plan.reasons.find((one) => one.code === 'new_ticket')?.words ?? plan.reasons[0]?.words ?? '' },
      at,
    ),
    addComment(tx, comment, saidAt(plan, at)),
    plan.sla && clockRows(tx, ticketId, plan.sla),
    files.length ? attachmentRows(tx, { ticketId, commentId }, files) : null,
    ids.length ? messageIdRows(tx, ids, now) : null,
    ...references(tx, work, { ticketId, commentId }, now),
    ack.mail && outboxRows(tx, { ...ack.mail, ids: [outboxId!] }, tools, now),
    concernsPeople(work)
      ? newsRow(tx, { ticketId, kind: 'new', commentId, actor: causedBy(work) ?? actor }, now)
      : null,
  ]
  return {
    ticketId,
    commentId,
    reasons: ack.reasons,
    acknowledged: ack.mail !== null,
    rows: rows.filter((row) => row !== null),
    async rest() {
      await addAllPeople(tx, work, { ticketId, contactId }, now)
      await addLinks(tx, plan, ticketId)
      await addNotes(tx, plan, ticketId, now)
      await addAgentsWords(tx, work, ticketId, now)
    },
  }
}

/** MAIL 10: agents hear of what people write; monitors', newsletters' and lists' mail waits in its queue, history tells nothing. */
const concernsPeople = ({ plan, arrival }: Work): boolean =>
  !arrival.archive && (plan.kind === 'human' || plan.kind === null)

/** MAIL 7.13: what was forwarded was said when it was written, as far as that is told and can be. */
function saidAt(plan: Plan, at: Date): Date {
  const written = find(plan, 'on_behalf')?.date
  const date = written ? new Date(written) : at
  return date < at ? date : at
}

type Reserved = { ticketId: number; commentId: number; freshContact: number | null; outboxId: number | null }

/** All ids that a new ticket takes, in one statement. Those of a transaction that fails are lost, which is fine. */
async function reserve(tx: Tx, wanted: { contact: boolean; outbox: boolean }): Promise<Reserved> {
  const [row] = await ask<Reserved>(tx, RESERVE, wanted)
  return row!
}

const RESERVE = all(
  'contact boolean, outbox boolean',
  `select given.n, nextval('tickets_id_seq') as "ticketId", nextval('comments_id_seq') as "commentId",
     case when given.contact then nextval('contacts_id_seq') end as "freshContact",
     case when given.outbox then nextval('outbox_id_seq') end as "outboxId"
   from given`,
)

async function addToTicket(
  tx: Tx,
  work: Work,
  action: { ticket: number; visibility: 'public' | 'internal'; automatic: boolean },
  now: Date,
): Promise<Done> {
  const { plan, arrival, facts, tools } = work
  const ticketId = action.ticket
  const at = arrival.releasedAt ?? arrival.receivedAt
  const [commentId, files, due] = await Promise.all([reserveComment(tx), filesOf(tx, work), isDue(tx, ticketId, at)])
  // SLA E2: what reminders were to do before this mail is done before it, whoever comes first
  if (due && tools.url) await catchUp(tx, { ticketId, tools, url: tools.url }, at)
  const contactId = facts.contact?.id ?? (await joiningContact(tx, work, now))
  const comment = {
    ...commentOf(work, { id: commentId, ticketId, contactId }),
    visibility: action.visibility,
    automatic: action.automatic,
  }
  const actor: Actor = { kind: 'contact', id: contactId, name: comment.author.name }
  const status = find(plan, 'status')
  const pending = plan.reasons.some((one) => one.code === 'pending_person')
  const marked = plan.reasons.some((one) => one.code === 'spam_flagged')
  const ids = incomingId(work, { ticketId, commentId })
  const rows = [
    ...(await furtherComment(
      tx,
      {
        comment,
        // nobody promised an answer to who is not let in yet, or to what looks like spam (10)
        counts: action.visibility === 'public' && !action.automatic && !arrival.archive && !pending && !marked,
        actor,
        status: status ?? null,
        answerTo: action.automatic || pending ? null : requesterAddress(work, ticketId),
        why: plan.reasons.find((one) => one.code === 'comment' || one.code === 'automatic_comment')?.words ?? '',
      },
      at,
    )),
    ...[complete(tx, work, now)].filter((row) => row !== null),
    ...(files.length ? [attachmentRows(tx, { ticketId, commentId }, files)] : []),
    ...(ids.length ? [messageIdRows(tx, ids, now)] : []),
    ...references(tx, work, { ticketId, commentId }, now),
    ...(concernsPeople(work) && !action.automatic
      ? [newsRow(tx, { ticketId, kind: 'reply', commentId, actor }, now)]
      : []),
  ]
  const rest = async () => {
    await addAllPeople(tx, work, { ticketId, contactId }, now)
    await addLinks(tx, plan, ticketId)
    await addNotes(tx, plan, ticketId, now)
  }
  return { ticketId, commentId, reasons: [], acknowledged: false, rows, rest }
}

/** What the mail adds to what is known of its sender: an organization, and with proof that they are real, and a name (5.12). */
function complete(tx: Tx, { arrival, facts }: Work, now: Date): Statement | null {
  const { contact, organization, from } = facts
  if (!contact) return null
  const organizationId = contact.organizationId === null ? (organization?.id ?? null) : null
  const proven = isProven(arrival.auth, facts.identity)
  const name = contact.name === '' && proven && from ? nameOf(from) : ''
  const verifiedAt = contact.verifiedAt === null && proven ? now : null
  if (organizationId === null && !name && verifiedAt === null) return null
  return completeContact(tx, contact.id, { organizationId, name, verifiedAt })
}

/** MAIL 6.21: answers go to the address that the requester last used in this ticket. */
function requesterAddress(work: Work, ticketId: number): string | null {
  const ticket = work.facts.candidates.get(ticketId)
  const { contact, from } = work.facts
  if (!ticket || !contact || !from || ticket.requesterId !== contact.id) return null
  // a forged Reply-To would lead the next answer away
  return work.arrival.auth.verdict === 'strong' ? work.facts.identity.writeTo!.address : from.address
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

async function filesOf(tx: Tx, work: Work): Promise<Attachment[]> {
  const { mail } = work.arrival
  if (mail.error === null) return await storeParts(tx, mail.parts)
  const { blobId, bytes } = work.raw
  return [{ blobId, filename: 'original.eml', type: 'message/rfc822', size: bytes, inline: false, contentId: null }]
}

/** MAIL 6.22, 10: who takes part from their first mail on is a contact. Whoever waits becomes one when an agent admits them. */
async function joiningContact(tx: Tx, { plan, facts }: Work, now: Date): Promise<number | null> {
  const joins = plan.actions.some(
    (action) => action.action === 'people' && action.role === 'participant' && action.addresses[0] === facts.from,
  )
  if (!joins || !facts.from) return null
  const organizationId = facts.organization?.id ?? null
  return await ensureContact(tx, { person: facts.from, organizationId, verifiedAt: now }, now) // a colleague is proven
}

async function addAllPeople(
  tx: Tx,
  { plan, facts }: Work,
  { ticketId, contactId }: { ticketId: number; contactId: number | null },
  now: Date,
): Promise<void> {
  for (const action of plan.actions) {
    if (action.action !== 'people') continue
    const named = action.addresses.map((one) => ({
      ...one,
      contactId: one === facts.from ? contactId : null,
      role: action.role,
    }))
    await addPeople(tx, ticketId, named, now)
  }
}

async function addLinks(tx: Tx, plan: Plan, ticketId: number): Promise<void> {
  for (const action of plan.actions) if (action.action === 'link') await link(tx, ticketId, action.other, action.kind)
}

/** The agent who forwarded it knows of it already (8.32). */
function causedBy({ plan, facts }: Work): Actor | null {
  const behalf = find(plan, 'on_behalf')
  const agent = behalf && facts.desk.agents.get(behalf.agent)
  return agent ? { kind: 'agent', id: agent.id, name: agent.name } : null
}

/** What an agent wrote above the mail that they forward (7.13). */
async function addAgentsWords(tx: Tx, { plan, facts }: Work, ticketId: number, now: Date): Promise<void> {
  const behalf = find(plan, 'on_behalf')
  const agent = behalf && facts.desk.agents.get(behalf.agent)
  if (agent && behalf.text !== '') await note(tx, { ticketId, agent, text: behalf.text, channel: 'mail' }, now)
}

async function addNotes(tx: Tx, plan: Plan, ticketId: number, now: Date): Promise<void> {
  for (const action of plan.actions)
    if (action.action === 'note') await note(tx, { ticketId, agent: null, text: action.text, channel: 'system' }, now)
}

/** What a new ticket starts: its route, its promise, and whether an acknowledgement may go (4a.26). Pure. */
import type { IncomingMail } from '../../incoming.ts'
import { isAddress } from '../outbox/address.ts'
import { groupsOf } from '../people.ts'
import { matchRecipient, servedDomains } from '../recipients.ts'
import { factsOf, mailFactsOf } from '../rules/facts.ts'
import { type Route, type RuleFacts, route } from '../rules.ts'
import { promise, selectPolicy } from '../sla.ts'
import { quietWords } from '../storms.ts'
import type { Candidate } from '../thread.ts'
import { blank, hold, reason, recorded } from './endings.ts'
import { type Arrival, type Facts, hasAuthor } from './facts.ts'
import { gathered, matterOf, quieten, stormIn } from './guards.ts'
import { isProven } from './identity.ts'
import { named } from './people.ts'
import type { Action, Plan, Reason } from './plan.ts'

/** A new ticket: routed, promised, and acknowledged where that is allowed. */
export function open(
  arrival: Arrival,
  facts: Facts,
  plan: Plan,
  story: { links: number[]; followUpOf: number | null; origin?: 'agent_for_customer' },
  now: Date,
): Plan {
  const mail = arrival.mail as IncomingMail
  const unread = arrival.fallbackTicket === null ? undefined : facts.candidates.get(arrival.fallbackTicket)
  if (unread) return resume(plan, unread)
  const inbox = facts.inboxes[0]!
  const seen = ruleFacts(arrival, facts, plan)
  const routed = route(facts.desk, seen, { project: inbox.project, type: facts.desk.settings.types[0]! }, now)
  if (routed.hold && !arrival.releasedAt) return { ...hold(plan, 'rule', routed.hold.words), route: routed }
  const matter = arrival.archive || arrival.releasedAs !== null ? null : matterOf(facts, routed.matter)
  if (matter) return { ...gathered(plan, matter.ticket, matter.reason), route: routed }
  const storm = stormIn(arrival, facts)
  if (storm) routed.tags = [...new Set([...routed.tags, 'storm'])]
  if (storm && storm.ticket !== null)
    return { ...gathered(plan, storm.ticket, reason('storm', storm.words)), route: routed }
  const quiet = plan.kind !== 'human'
  const sla = arrival.archive ? null : promised(arrival, facts, plan, { seen, routed, quiet, ...story }, now)
  const subject = mail.subject || opening(mail.text)
  const actions: Action[] = [
    {
      action: 'create_ticket',
      subject,
      requester: hasAuthor(arrival) ? facts.identity.writeTo!.address : null,
      followUpOf: story.followUpOf,
    },
    ...story.links.map((other) => ({ action: 'link' as const, other, kind: 'refers_to' })),
    ...(story.followUpOf === null ? [] : [{ action: 'link' as const, other: story.followUpOf, kind: 'follow_up' }]),
    ...named(arrival, facts, { ticket: null, role: hasAuthor(arrival) && !quiet ? 'participant' : 'suggested' }),
    ...routed.notes.map((text) => ({ action: 'note' as const, text })),
  ]
  if (storm) actions.push(quieten('storm', facts.sender!.address, storm.words))
  const silent = storm ? reason('no_ack', 'a storm is not answered') : silence(arrival, facts, plan, routed)
  if (!silent)
    actions.push({
      action: 'acknowledge',
      template: story.followUpOf === null ? routed.ack! : 'ack-follow-up',
      to: facts.identity.writeTo!.address,
      mayQuote: isProven(arrival.auth, facts.identity) || facts.contact?.answeredAt != null,
    })
  const reasons = [...plan.reasons, reason('new_ticket', whyHere(routed, inbox.address))]
  if (storm) reasons.push(reason('storm', storm.words))
  if (!hasAuthor(arrival)) reasons.push(reason('unknown_sender', 'no sender could be read from the mail'))
  if (arrival.collision) reasons.push(reason('id_collision', 'its Message-ID was used before by a different mail'))
  if (arrival.archive) reasons.push(reason('archive', 'imported as history: closed, nothing sent'))
  if (sla && !sla.selection.policy) reasons.push(reason('no_policy', sla.selection.why))
  reasons.push(silent ?? reason('ack', `acknowledged to ${facts.identity.writeTo!.address}`))
  return { ...plan, state: 'ticketed', route: routed, sla, zone: zoneOf(facts, sla), actions, reasons }
}

/** A mail that could not be read: a ticket in triage with the raw attached and the error in words (2.15). */
export function unreadable(arrival: Arrival, facts: Facts, now: Date): Plan {
  const { mail } = arrival
  const plan = blank(arrival, facts)
  const words = arrival.poison ?? mail.error?.words ?? 'unknown'
  const code = arrival.poison ? 'poison' : 'unparsable'
  const scanned = mail.from !== null || mail.subject !== ''
  if (arrival.poison && (!scanned || arrival.fallbackTicket !== null))
    return {
      ...plan,
      state: 'quarantined',
      actions: [{ action: 'quarantine' }, ...alarm(arrival, words)],
      reasons: [reason('poison', words)],
    }
  if (arrival.copy) return recorded(plan, 'duplicate', arrival.copy.words)
  const inbox = facts.inboxes[0]!
  const routed = route(
    { rules: [], projects: facts.desk.projects },
    ruleFacts(arrival, facts, plan),
    { project: inbox.project },
    now,
  )
  const seen = ruleFacts(arrival, facts, plan)
  const sla = arrival.archive ? null : promised(arrival, facts, plan, { seen, routed, quiet: false }, now)
  return {
    ...plan,
    noAck: true,
    state: arrival.poison ? 'quarantined' : 'ticketed',
    route: routed,
    sla,
    zone: zoneOf(facts, sla),
    actions: [
      {
        action: 'create_ticket',
        subject: mail.subject || '(could not be read)',
        requester: mail.from?.address ?? null,
        followUpOf: null,
      },
      ...(arrival.poison ? [{ action: 'quarantine' as const }] : []),
    ],
    reasons: [
      reason(code, words),
      ...(mail.from ? [] : [reason('unknown_sender', 'no sender could be read from the mail')]),
      reason('no_ack', 'a mail that could not be read is not answered'),
    ],
  }
}

/** MAIL 2.15: what has no ticket to show it is shown to the admins. */
function alarm(arrival: Arrival, words: string): Action[] {
  if (arrival.fallbackTicket !== null) return []
  const what = `A mail cannot be read, not even who it is from: ${words} It waits among the held mails.`
  return [{ action: 'notice', kind: 'unreadable_mail', words: what }]
}

/** A mail that opened a fallback ticket while it could not be read, and now can be: its words go there. */
function resume(plan: Plan, { id: ticket, status: from, assigneeId, assigneeActive }: Candidate): Plan {
  const isHuman = plan.kind === 'human'
  const isDone = from === 'resolved' || from === 'closed'
  const actions: Action[] = [
    { action: 'comment', ticket, visibility: 'public', automatic: !isHuman, reopens: isHuman && isDone },
  ]
  // whoever closed it had not seen what it was about
  if (isHuman && (isDone || from === 'waiting_customer')) {
    const why = 'its mail could be read at last'
    actions.push({
      action: 'status',
      ticket,
      from,
      to: 'open',
      dropAssignee: isDone && assigneeId !== null && !assigneeActive,
      why,
    })
  }
  const words = `it was read at last and belongs to its ticket #${ticket}`
  return { ...plan, state: 'ticketed', actions, reasons: [...plan.reasons, reason('comment', words)] }
}

function promised(
  arrival: Arrival,
  facts: Facts,
  plan: Plan,
  given: { seen: RuleFacts; routed: Route; quiet: boolean; origin?: 'agent_for_customer' },
  now: Date,
) {
  const { routed } = given
  const project = facts.desk.projects.get(routed.project) ?? null
  const { type, product, priority, priorityRule, tags, status } = routed
  const unassessed = priorityRule === null
  const selection = selectPolicy(
    facts.desk,
    {
      facts: { ...given.seen, project: routed.project, type, product, priority, unassessed, tags, status },
      organization: facts.organization,
      requester: plan.author.address,
      inboxPolicy: facts.inboxes[0]!.policy,
      project,
      automatic: given.quiet,
    },
    now,
  )
  const { team, assignee } = routed
  const beginning = { status, priority, team, assignee, ...(given.origin && { origin: given.origin }) }
  return promise(facts.desk, selection, beginning, arrival.releasedAt ?? arrival.receivedAt)
}

/** Why no acknowledgement goes (4a.26), or null when one does. */
function silence(arrival: Arrival, facts: Facts, plan: Plan, routed: Route): Reason | null {
  const no = (words: string) => reason('no_ack', words)
  const address = hasAuthor(arrival) ? facts.identity.writeTo!.address : null
  if (plan.kind !== 'human') return no(`${plan.kind} mail is never answered`)
  if (plan.noAck) return no(plan.signals.find((signal) => signal.says === 'no_ack')?.words ?? 'a header forbids it')
  if (arrival.envelopeFrom === '') return no('the null sender is never answered')
  if (!address) return no('nobody to answer')
  if (!isAddress(address)) return no(`${address} is no address that mail can be sent to`)
  if (arrival.archive) return no('imported history is never answered')
  if (matchRecipient(facts.desk, address)) return no('it comes from an address of this desk')
  if (isOwnRoleBox(facts, address)) return no('a role box of an own domain is never answered')
  const hushed = quietWords(facts.sender)
  if (hushed) return no(hushed)
  if (routed.ack === null) return no(`rule "${routed.ackRule}" sends none`)
  return null
}

const ROLE_BOX = /^(postmaster|abuse|hostmaster|webmaster|root|mailer-daemon|noc|security)$/i

function isOwnRoleBox(facts: Facts, address: string): boolean {
  const at = address.lastIndexOf('@')
  return servedDomains(facts.desk).has(address.slice(at + 1)) && ROLE_BOX.test(address.slice(0, at))
}

/** What rules see of a mail; the organization is the contact's, who may have one that their address does not show. */
function ruleFacts(arrival: Arrival, facts: Facts, plan: Plan): RuleFacts {
  const from = facts.from?.address ?? null
  const mail = mailFactsOf(arrival.mail, { recipients: arrival.recipients, from, kind: plan.kind ?? 'human' })
  return {
    ...factsOf(facts.desk, mail),
    inboxes: facts.inboxes.map((inbox) => inbox.key),
    organization: facts.organization?.key ?? null,
    groups: groupsOf(facts.desk, facts.organization, from).map((group) => group.key),
  }
}

/** SLA D2: contact, organization, the calendar's, the inbox's. */
const zoneOf = (facts: Facts, sla: Plan['sla']): string =>
  facts.contact?.zone ?? facts.organization?.zone ?? sla?.selection.calendar?.calendar.tz ?? facts.inboxes[0]!.zone

const whyHere = (routed: Route, address: string) =>
  routed.rule ? `rule "${routed.rule}" put it into ${routed.project}` : `${address} leads to ${routed.project}`

/** MAIL 4.26: a mail without a subject is named by its first words. */
function opening(text: string): string {
  const start = text.trim().split('\n', 1)[0]!.slice(0, 60)
  return start ? `(no subject) ${start}` : '(no subject)'
}

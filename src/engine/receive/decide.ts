/**
 * What to do with a mail (MAIL 10). Pure: the same facts give the same plan, for `explain` and for carrying out. Read
 * from the top: what is never worked on, then what is held, then where it belongs, then what it starts.
 */
import type { IncomingMail } from '../../incoming.ts'
import { tickets as limits } from '../../limits.ts'
import { joinRanges } from '../../ranges.ts'
import { decideReport } from '../bounces.ts'
import { settleKind } from '../kind.ts'
import { isAddress } from '../outbox/address.ts'
import { groupsOf } from '../people.ts'
import { matchRecipient, servedDomains } from '../recipients.ts'
import { factsOf, mailFactsOf } from '../rules/facts.ts'
import { type Route, type RuleFacts, route } from '../rules.ts'
import { promise, selectPolicy } from '../sla.ts'
import { quietWords } from '../storms.ts'
import { type Candidate, chooseTicket, type Threading } from '../thread.ts'
import { type Arrival, type Facts, hasAuthor } from './facts.ts'
import { gathered, isReopenedTooOften, matterOf, quieten, spamPlace, stormIn, withReflex } from './guards.ts'
import { named, newcomer } from './people.ts'
import type { Action, Plan, Reason, ReasonCode } from './plan.ts'
import { isThanksOnly } from './thanks.ts'

/** Decides one mail. `now` is when it is decided; promises count from the mail's arrival or release. */
export function decide(arrival: Arrival, facts: Facts, now: Date): Plan {
  const plan = withReflex(decideWhole(arrival, facts, now), facts)
  return arrival.oversize === null ? plan : leftBehind(plan, arrival.oversize)
}

/** MAIL 2.12: a mail of which only the header is here says so, wherever it ended. */
function leftBehind(plan: Plan, bytes: number): Plan {
  const megabytes = bytes < 1e7 ? Math.max(1, Math.round(bytes / 1e5)) / 10 : Math.round(bytes / 1e6)
  const words = `${megabytes} MB original left on the server`
  const text = `${words}: it is larger than this desk takes, so only its header is here. It is attached to the mail above when somebody asks for it there.`
  const shown = plan.actions.some(({ action }) => action === 'create_ticket' || action === 'comment')
  return {
    ...plan,
    actions: shown ? [...plan.actions, { action: 'note', text }] : plan.actions,
    reasons: [...plan.reasons, reason('oversize', words)],
  }
}

function decideWhole(arrival: Arrival, facts: Facts, now: Date): Plan {
  const { mail } = arrival
  if (mail.error !== null) return unreadable(arrival, facts, now)
  const classification = settleKind(arrival.classification!, facts.memory)
  const base: Plan = {
    ...blank(arrival, facts),
    kind: classification.kind,
    noAck: classification.noAck,
    signals: classification.signals,
  }
  const setAside = neverWorkedOn(arrival, facts, base) ?? heldBack(arrival, facts, base)
  if (setAside) return setAside
  const threading = chooseTicket(facts.claims, facts, facts.from?.address ?? null)
  const plan: Plan = {
    ...base,
    thread: { ticket: threading.ticket?.id ?? null, by: threading.by, refused: threading.refused },
    reasons: [...base.reasons, ...claimReasons(facts, threading), ...spamReasons(arrival, threading)],
  }
  const forged = unproven(arrival, facts, plan, threading)
  if (forged) return forged
  if (threading.ticket?.spamAt) return hold(plan, 'spam_ticket', `ticket #${threading.ticket.id} is marked as spam`)
  if (spamPlace(arrival, threading) === 'held') return hold(plan, 'spam', arrival.spam!)
  if (arrival.archive && facts.memory.fromOwnInbox && !threading.ticket)
    return recorded(plan, 'own_address', 'history: sent from an address of this desk, and it answers no ticket')
  if (plan.kind === 'autoreply' || plan.kind === 'autogen' || plan.kind === 'list')
    return automatic(arrival, facts, plan, threading, now)
  return threading.ticket
    ? answer(arrival, facts, plan, threading.ticket, threading, now)
    : open(arrival, facts, plan, { links: threading.refused.map((one) => one.ticket), followUpOf: null }, now)
}

/** Duplicates, our own mail, machines' reports and blank mail: stored, shown, nothing else (3.*, 4a, 4.26). */
function neverWorkedOn(arrival: Arrival, facts: Facts, plan: Plan): Plan | null {
  if (arrival.copy) return recorded(plan, 'duplicate', arrival.copy.words)
  switch (plan.kind) {
    case 'own':
      return recorded(plan, 'own_copy', 'this desk wrote it')
    case 'empty':
      return recorded(plan, 'empty', 'there is nothing in it')
    case 'dsn':
    case 'mdn':
    case 'arf':
      return reported(arrival, facts, recorded(plan, 'not_answered_kind', `a ${KIND_WORDS[plan.kind]} opens no ticket`))
    case 'calendar_reply':
      return recorded(plan, 'not_answered_kind', `a ${KIND_WORDS[plan.kind]} opens no ticket`)
    default:
      return null
  }
}

const KIND_WORDS = {
  dsn: 'delivery report',
  mdn: 'read receipt',
  arf: 'complaint report',
  calendar_reply: 'calendar answer',
} as const

/** MAIL 4a.4-4a.11; history tells of mails that nobody waits for any more. */
function reported(arrival: Arrival, facts: Facts, plan: Plan): Plan {
  const kind = plan.kind as 'dsn' | 'mdn' | 'arf'
  if (!facts.reported || arrival.mail.error !== null) return plan
  const { dsn, actions, reasons } = decideReport(kind, arrival.mail, facts.reported)
  if (arrival.archive) return { ...plan, dsn }
  return { ...plan, dsn, actions: [...plan.actions, ...actions], reasons: [...plan.reasons, ...reasons] }
}

/** What waits for a person, unless a person has released it (4a.28). */
function heldBack(arrival: Arrival, facts: Facts, plan: Plan): Plan | null {
  if (arrival.releasedAt) return null
  if (arrival.hold) return hold(plan, 'loop', arrival.hold.words)
  // 4a.21 (c); history holds what the desk once sent
  if (facts.memory.fromOwnInbox && arrival.auth.verdict !== 'strong' && !arrival.archive)
    return hold(plan, 'own_address', 'it claims to come from an address of this desk')
  const token = facts.claims.tokens.find(({ purpose }) => purpose !== 'c' && purpose !== 'b')
  if (!token) return null
  const isAgent = arrival.auth.verdict === 'strong' && plan.kind === 'human' && facts.agent?.id === token.person
  return hold(
    plan,
    'agent_token',
    isAgent
      ? `it is proven to be from ${facts.agent!.address}, and waits because answers by mail are not taken yet`
      : "an agent's reply address was used by a sender who is not proven to be that agent",
  )
}

/**
 * MAIL 5.6: who fails the policy of their own domain is not let in. With a secret of the ticket their words are kept
 * there, for agents only: nothing is relayed, nobody is added, no status changes.
 */
function unproven(arrival: Arrival, facts: Facts, plan: Plan, threading: Threading): Plan | null {
  if (arrival.auth.verdict !== 'fail' || arrival.releasedAt || arrival.archive) return null
  const { ticket, by } = threading
  const words = arrival.auth.reasons[0]?.words ?? 'its sender is not who it says'
  if (ticket && !ticket.spamAt && isSecret(by) && plan.kind !== 'list')
    return {
      ...plan,
      noAck: true,
      state: 'commented',
      author: { ...plan.author, role: 'unknown' },
      actions: [
        {
          action: 'comment',
          ticket: ticket.id,
          visibility: 'internal',
          automatic: plan.kind !== 'human',
          reopens: false,
        },
      ],
      reasons: [
        ...plan.reasons,
        reason('comment', `it belongs to ticket #${ticket.id} (${by})`),
        reason('unverified_sender', `${words}: shown to agents only`),
      ],
    }
  if (!ticket && plan.kind === 'autoreply' && facts.inboxes[0]!.autoreplies === 'record') return null // recorded anyway
  return hold(plan, 'auth_fail', words)
}

/** Automatic and list mail: it never changes a status, starts a clock or is answered (4a.18, 4a.19, 4a.20). */
function automatic(arrival: Arrival, facts: Facts, plan: Plan, threading: Threading, now: Date): Plan {
  const { ticket } = threading
  if (ticket) {
    const quiet = plan.kind !== 'list'
    return {
      ...plan,
      state: 'commented',
      actions: [
        {
          action: 'comment',
          ticket: ticket.id,
          visibility: quiet ? 'internal' : 'public',
          automatic: quiet,
          reopens: false,
        },
        ...named(arrival, facts, { ticket: ticket.id, role: 'suggested' }),
      ],
      reasons: [...plan.reasons, reason('automatic_comment', `automatic mail (${plan.kind}) in ticket #${ticket.id}`)],
    }
  }
  const inbox = facts.inboxes[0]!
  if (plan.kind === 'autoreply' && inbox.autoreplies === 'record')
    return recorded(plan, 'unthreaded_autoreply', 'an automatic reply that names no ticket')
  const policy = plan.kind === 'autoreply' ? 'ticket' : inbox.automatic
  if (policy === 'held' && !arrival.releasedAt)
    return hold(plan, 'automatic_policy', `${inbox.address} holds ${plan.kind} mail`)
  if (policy === 'record') return recorded(plan, 'automatic_policy', `${inbox.address} only records ${plan.kind} mail`)
  return open(arrival, facts, plan, { links: threading.refused.map((one) => one.ticket), followUpOf: null }, now)
}

/** A person's further mail in a ticket (6.8, 6.12, 6.14). */
function answer(arrival: Arrival, facts: Facts, plan: Plan, ticket: Candidate, threading: Threading, now: Date): Plan {
  if (arrival.archive) return history(plan, ticket, threading)
  const mail = arrival.mail as IncomingMail
  const done = ticket.status === 'resolved' || ticket.status === 'closed'
  const renamed = !sameMatter(mail.baseSubject, ticket.baseSubject)
  const late = done && now.getTime() - (ticket.resolvedAt ?? ticket.closedAt ?? now).getTime() > limits.reopen
  if (late || (done && renamed)) {
    const why = late
      ? reason('follow_up', `ticket #${ticket.id} was done more than 14 days ago`)
      : reason('new_subject', `ticket #${ticket.id} is done and the subject is another`)
    return open(
      arrival,
      facts,
      { ...plan, reasons: [...plan.reasons, why] },
      { links: alsoOf(threading), followUpOf: ticket.id },
      now,
    )
  }
  // 6.9, 6.23: what a colleague may do needs proof
  const colleague =
    threading.stranger &&
    arrival.auth.verdict === 'strong' &&
    facts.organization !== null &&
    facts.organization.id === ticket.organizationId
  const stranger = threading.stranger && !colleague
  // anybody can sign with a domain of their own: without a secret of the ticket, `weak` must not let others read it
  const mayInvite = isSecret(threading.by) || arrival.auth.verdict === 'strong'
  const guarded = done && isReopenedTooOften(facts, ticket)
  const thanks = done && facts.desk.settings.thanks === 'keep' && isThanks(mail, facts)
  const status = guarded || thanks ? null : statusAfter(ticket, { stranger })
  const when = { stranger, renamed, guarded, thanks, reopened: status !== null && done }
  return {
    ...plan,
    state: 'commented',
    actions: [
      {
        action: 'comment',
        ticket: ticket.id,
        visibility: 'public',
        automatic: false,
        reopens: when.reopened,
      },
      ...(status ? [{ action: 'status' as const, ticket: ticket.id, ...status }] : []),
      ...(threading.stranger
        ? newcomer(facts, { ticket: ticket.id, role: colleague ? 'participant' : 'pending' })
        : []),
      ...named(arrival, facts, { ticket: ticket.id, role: stranger || !mayInvite ? 'suggested' : 'participant' }),
      ...(guarded && facts.from
        ? [quieten('storm', facts.from.address, `ticket #${ticket.id} was opened again and again by mails`)]
        : []),
      ...alsoOf(threading).map((other) => ({ action: 'link' as const, other, kind: 'refers_to' })),
    ],
    reasons: [...plan.reasons, ...answerReasons(mail, ticket, threading, when)],
  }
}

function answerReasons(
  mail: IncomingMail,
  ticket: Candidate,
  threading: Threading,
  when: Record<'stranger' | 'renamed' | 'guarded' | 'thanks' | 'reopened', boolean>,
): Reason[] {
  const reasons = [reason('comment', `it belongs to ticket #${ticket.id} (${threading.by})`)]
  if (when.stranger) reasons.push(reason('pending_person', 'the sender takes no part yet; an agent may admit them'))
  if (when.renamed) reasons.push(reason('new_subject', `subject changed to "${mail.subject}"`))
  if (when.guarded)
    reasons.push(reason('reopen_guard', 'mails opened this ticket so often within the hour that it stays done'))
  if (when.thanks) reasons.push(reason('thanks', 'words of thanks alone: it stays done'))
  for (const { ticket: other, by } of threading.also)
    reasons.push(reason('also_refers', `it also leads to #${other} (${by})`))
  if (when.reopened) reasons.push(reason('reopened', 'answered within 14 days'))
  return [...reasons, reason('no_ack', 'only the first mail of a ticket is acknowledged')]
}

/** Whoever knows one has read mail of that ticket (5.9, 6.3). */
const isSecret = (by: Threading['by']): boolean => by === 'token' || by === 'our_id' || by === 'body_token'

const alsoOf = (threading: Threading): number[] => threading.also.map((one) => one.ticket)

/** MAIL 6.16. A file is more than thanks. */
function isThanks(mail: IncomingMail, facts: Facts): boolean {
  if (mail.parts.some((part) => !part.inline && !part.original)) return false
  const { agents, inboxes } = facts.desk
  const names = [...agents.values(), ...inboxes].map((one) => one.name)
  return isThanksOnly(joinRanges(mail.text, mail.ranges, 'visible'), [facts.from?.name ?? '', ...names])
}

/** MAIL 2.5: what was said in a conversation is added to it, and nothing else happens. */
const history = (plan: Plan, ticket: Candidate, threading: Threading): Plan => ({
  ...plan,
  state: 'commented',
  actions: [{ action: 'comment', ticket: ticket.id, visibility: 'public', automatic: false, reopens: false }],
  reasons: [
    ...plan.reasons,
    reason('comment', `it belongs to ticket #${ticket.id} (${threading.by})`),
    reason('archive', 'imported as history: nothing sent, nothing opened again'),
  ],
})

/** MAIL 6.12 and the table of 10: a stranger's mail only ends a wait. */
function statusAfter(ticket: Candidate, threading: { stranger: boolean }) {
  const from = ticket.status
  if (from === 'waiting_customer')
    return { from, to: 'open' as const, dropAssignee: false, why: 'the customer answered' }
  if (threading.stranger || (from !== 'resolved' && from !== 'closed')) return null
  return { from, to: 'open' as const, dropAssignee: !ticket.assigneeActive, why: 'the customer answered' }
}

/** A new ticket: routed, promised, and acknowledged where that is allowed. */
function open(
  arrival: Arrival,
  facts: Facts,
  plan: Plan,
  story: { links: number[]; followUpOf: number | null },
  now: Date,
): Plan {
  const mail = arrival.mail as IncomingMail
  if (arrival.fallbackTicket !== null) return resume(plan, arrival.fallbackTicket)
  const inbox = facts.inboxes[0]!
  const seen = ruleFacts(arrival, facts, plan)
  const routed = route(facts.desk, seen, { project: inbox.project, type: facts.desk.settings.types[0]! }, now)
  if (routed.hold && !arrival.releasedAt) return { ...hold(plan, 'rule', routed.hold.words), route: routed }
  const matter = arrival.archive ? null : matterOf(facts, routed.matter)
  if (matter) return { ...gathered(plan, matter.ticket, matter.reason), route: routed }
  const storm = stormIn(arrival, facts)
  if (storm) routed.tags = [...new Set([...routed.tags, 'storm'])]
  if (storm && storm.ticket !== null)
    return { ...gathered(plan, storm.ticket, reason('storm', storm.words)), route: routed }
  const quiet = plan.kind !== 'human'
  const sla = arrival.archive ? null : promised(arrival, facts, plan, { seen, routed, quiet }, now)
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
      mayQuote: arrival.auth.verdict === 'strong' || facts.contact?.answeredAt != null,
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

/** A mail that opened a fallback ticket while it could not be read, and now can be: its words go there. */
const resume = (plan: Plan, ticket: number): Plan => ({
  ...plan,
  state: 'ticketed',
  actions: [{ action: 'comment', ticket, visibility: 'public', automatic: plan.kind !== 'human', reopens: false }],
  reasons: [...plan.reasons, reason('comment', `it was read at last and belongs to its ticket #${ticket}`)],
})

function promised(
  arrival: Arrival,
  facts: Facts,
  plan: Plan,
  given: { seen: RuleFacts; routed: Route; quiet: boolean },
  now: Date,
) {
  const { routed } = given
  const project = facts.desk.projects.get(routed.project) ?? null
  const { type, priority, tags, status } = routed
  const selection = selectPolicy(
    facts.desk,
    {
      facts: { ...given.seen, project: routed.project, type, priority, tags, status },
      organization: facts.organization,
      requester: plan.author.address,
      inboxPolicy: facts.inboxes[0]!.policy,
      project,
      automatic: given.quiet,
    },
    now,
  )
  return promise(selection, priority, arrival.releasedAt ?? arrival.receivedAt)
}

/** A mail that could not be read: a ticket in triage with the raw attached and the error in words (issue, 2.15). */
function unreadable(arrival: Arrival, facts: Facts, now: Date): Plan {
  const { mail } = arrival
  const plan = blank(arrival, facts)
  const words = arrival.poison ?? mail.error?.words ?? 'unknown'
  const code = arrival.poison ? 'poison' : 'unparsable'
  const scanned = mail.from !== null || mail.subject !== ''
  if (arrival.poison && (!scanned || arrival.fallbackTicket !== null))
    return { ...plan, state: 'quarantined', actions: [{ action: 'quarantine' }], reasons: [reason('poison', words)] }
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

/** What a reader must know of the sender (4.11, 4.13, 5.1). */
function identityReasons({ mail, auth }: Arrival, { identity }: Facts): Reason[] {
  const reasons: Reason[] = []
  const from = mail.from?.address ?? ''
  if (identity.via === 'form')
    reasons.push(reason('via_form', `written in the form of ${from}: its address is not proven`))
  if (identity.via === 'list') reasons.push(reason('via_list', `${from} passed it on for ${identity.author!.address}`))
  if (identity.strayReplyTo !== null)
    reasons.push(reason('reply_to', `it asks for answers to ${identity.strayReplyTo}: they go to ${from} all the same`))
  const unknown = auth.reasons.find((one) => one.code === 'unknown_domain')
  if (unknown) reasons.push(reason('unknown_domain', unknown.words))
  return reasons
}

const spamReasons = (arrival: Arrival, threading: Threading): Reason[] =>
  spamPlace(arrival, threading) === 'flagged' ? [reason('spam_flagged', `marked as spam (${arrival.spam})`)] : []

function claimReasons(facts: Facts, threading: Threading): Reason[] {
  return [
    ...(facts.claims.badToken ? [reason('bad_token', 'its reply address is damaged or not ours')] : []),
    ...threading.refused.map((one) => reason('refused_claim', `#${one.ticket} by ${one.by}: ${one.why}`)),
  ]
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

function blank(arrival: Arrival, facts: Facts): Plan {
  const author = facts.from
  return {
    kind: null,
    noAck: false,
    state: 'recorded',
    held: null,
    auth: arrival.auth,
    author: {
      role: author === null || !hasAuthor(arrival) ? 'unknown' : 'contact',
      address: author?.address ?? null,
      name: author?.name ?? '',
      organization: facts.organization?.name ?? null,
    },
    inbox: facts.inboxes[0]!.key,
    alsoTo: facts.inboxes.slice(1).map((inbox) => inbox.key),
    locale: localeOf(arrival, facts),
    zone: facts.contact?.zone ?? facts.organization?.zone ?? facts.inboxes[0]!.zone,
    thread: { ticket: null, by: null, refused: [] },
    route: null,
    sla: null,
    dsn: [],
    signals: [],
    actions: [],
    reasons: identityReasons(arrival, facts),
  }
}

/** SLA D2: contact, organization, what the mail is written in, inbox. */
function localeOf(arrival: Arrival, facts: Facts): string {
  const detected = arrival.mail.error === null ? arrival.mail.language : null
  const has = (locale: string | null | undefined) =>
    locale && facts.locales.some((one) => one === locale || one === locale.split('-')[0]) ? locale : null
  const { contact, organization, inboxes } = facts
  return has(contact?.locale) ?? has(organization?.locale) ?? has(detected) ?? has(inboxes[0]!.locale) ?? 'en'
}

/** SLA D2: contact, organization, the calendar's, the inbox's. */
const zoneOf = (facts: Facts, sla: Plan['sla']): string =>
  facts.contact?.zone ?? facts.organization?.zone ?? sla?.selection.calendar?.calendar.tz ?? facts.inboxes[0]!.zone

const recorded = (plan: Plan, code: ReasonCode, words: string): Plan => ({
  ...plan,
  noAck: true,
  state: 'recorded',
  actions: [{ action: 'record' }],
  reasons: [...plan.reasons, reason(code, words)],
})

const hold = (plan: Plan, code: ReasonCode, words: string): Plan => ({
  ...plan,
  noAck: true,
  state: 'held',
  held: { reason: code, words },
  actions: [{ action: 'hold' }],
  reasons: [...plan.reasons, reason(code, words)],
})

const reason = (code: ReasonCode, words: string): Reason => ({ code, words })

const whyHere = (routed: Route, address: string) =>
  routed.rule ? `rule "${routed.rule}" put it into ${routed.project}` : `${address} leads to ${routed.project}`

/** MAIL 6.8: the subjects are about the same matter when one contains the other. */
function sameMatter(a: string, b: string): boolean {
  const [one, other] = [a.trim().toLowerCase(), b.trim().toLowerCase()]
  return one.includes(other) || other.includes(one)
}

/** MAIL 4.26: a mail without a subject is named by its first words. */
function opening(text: string): string {
  const start = text.trim().split('\n', 1)[0]!.slice(0, 60)
  return start ? `(no subject) ${start}` : '(no subject)'
}

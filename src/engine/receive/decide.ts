/**
 * What to do with a mail (MAIL 10). Pure: the same facts give the same plan, for `explain` and for carrying out. Read
 * from the top: what is never worked on, then what is held, then where it belongs, then what it starts.
 */
import type { IncomingMail } from '../../incoming.ts'
import { decideReport } from '../bounces.ts'
import { settleKind } from '../kind.ts'
import { chooseTicket, type Threading } from '../thread.ts'
import { decideAgent, withNoticeToAgent } from './agent.ts'
import { answer, isSecret } from './answer.ts'
import { commandsAlone, customersCommands, withCommands } from './customer.ts'
import { blank, forAgents, hold, reason, recorded } from './endings.ts'
import type { Arrival, Facts } from './facts.ts'
import { spamPlace, withBadAddress, withReflex } from './guards.ts'
import { withKnock } from './knock.ts'
import { open, unreadable } from './open.ts'
import { sentFromMailbox } from './outside.ts'
import { named } from './people.ts'
import type { Plan, Reason } from './plan.ts'
import { withWordToSender } from './sender-mails.ts'
import { sideAnswer } from './side.ts'
import { aboutStatement } from './statement.ts'

/** Decides one mail. `now` is when it is decided; promises count from the mail's arrival or release. */
export function decide(arrival: Arrival, facts: Facts, now: Date): Plan {
  const decided = withReflex(decideWhole(arrival, facts, now), facts)
  const noticed = withNoticeToAgent(withBadAddress(decided, arrival, facts), arrival, facts)
  const plan = withWordToSender(withKnock(noticed, arrival), arrival, facts)
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
  const threading = threadingOf(arrival, facts)
  const plan: Plan = {
    ...base,
    thread: { ticket: threading.ticket?.id ?? null, by: threading.by, refused: threading.refused },
    reasons: [
      ...base.reasons,
      ...perhapsAutomatic(base),
      ...claimReasons(facts, threading),
      ...spamReasons(arrival, threading),
    ],
  }
  if (arrival.sent && !arrival.archive) return sentFromMailbox(arrival, facts, plan, threading)
  const agents = decideAgent(arrival, facts, plan, threading, now)
  if (agents) return agents
  const forged = unproven(arrival, facts, plan, threading)
  if (forged) return forged
  if (threading.ticket?.spamAt) return hold(plan, 'spam_ticket', `ticket #${threading.ticket.id} is marked as spam`)
  if (spamPlace(arrival, threading) === 'held') return hold(plan, 'spam', arrival.spam!)
  if (threading.by === 'side' && threading.ticket) return sideAnswer(plan, threading.ticket)
  if (arrival.archive && facts.memory.fromOwnInbox && !threading.ticket)
    return recorded(plan, 'own_address', 'history: sent from an address of this desk, and it answers no ticket')
  if (plan.kind === 'autoreply' || plan.kind === 'autogen' || plan.kind === 'list')
    return automatic(arrival, facts, plan, threading, now)
  const commands = customersCommands(arrival, facts, plan, threading, now)
  if (commands?.action.text === '') return commandsAlone(plan, commands)
  const whole = threading.ticket
    ? answer(arrival, facts, plan, threading.ticket, threading, now)
    : open(arrival, facts, plan, { links: threading.refused.map((one) => one.ticket), followUpOf: null }, now)
  const decided = aboutStatement(whole, arrival, facts, threading)
  return commands && decided.state !== 'held' ? withCommands(decided, commands) : decided
}

/** What an agent let in as a ticket of its own (4a.28) goes into none that it claims: that one is linked. */
function threadingOf(arrival: Arrival, facts: Facts): Threading {
  const found = chooseTicket(facts.claims, facts, facts.from?.address ?? null)
  if (arrival.releasedAs === null || !found.ticket || !found.by) return found
  const claim = { by: found.by, ticket: found.ticket.id, why: 'an agent let it in as a ticket of its own' }
  return { ticket: null, by: null, stranger: false, refused: [claim], also: [] }
}

/** Duplicates, our own mail, machines' reports and blank mail: stored, shown, nothing else (3.*, 4a, 4.26). */
function neverWorkedOn(arrival: Arrival, facts: Facts, plan: Plan): Plan | null {
  if (arrival.copy) return recorded(plan, 'duplicate', arrival.copy.words)
  switch (plan.kind) {
    case 'own':
      return recorded(plan, 'own_copy', 'this desk wrote it')
    case 'empty':
      return nothingInIt(arrival, plan)
    case 'dsn':
    case 'mdn':
    case 'arf':
      return reported(arrival, facts, recorded(plan, 'not_answered_kind', `a ${KIND_WORDS[plan.kind]} opens no ticket`))
    case 'calendar_reply':
      return invited(arrival, facts, recorded(plan, 'not_answered_kind', `a ${KIND_WORDS[plan.kind]} opens no ticket`))
    default:
      return null
  }
}

/** MAIL 4.26: nobody can do anything with it, and many of them mean that something is broken. */
function nothingInIt(arrival: Arrival, plan: Plan): Plan {
  const none = recorded(plan, 'empty', 'there is nothing in it')
  if (arrival.archive) return none
  const words = `Mail without any content comes in, at last from ${plan.author.address ?? 'nobody'}: something that sends it may be broken.`
  return { ...none, actions: [...none.actions, { action: 'notice', kind: 'empty_mail', words }] }
}

/** MAIL 4.20: who answers an invitation of a conversation is noted in its ticket. */
function invited(arrival: Arrival, facts: Facts, plan: Plan): Plan {
  const { ticket, by } = chooseTicket(facts.claims, facts, facts.from?.address ?? null)
  if (!ticket || ticket.spamAt || arrival.archive || arrival.auth.verdict === 'fail') return plan
  const mail = arrival.mail as IncomingMail
  const words = `${facts.from?.address ?? 'Somebody'} answered an invitation: ${mail.subject}`
  const data = {
    from: facts.from?.address ?? null,
    name: facts.from?.name ?? '',
    title: mail.calendar?.title || mail.subject,
    answer: mail.calendar?.answer ?? null,
  }
  return {
    ...plan,
    thread: { ...plan.thread, ticket: ticket.id, by },
    actions: [...plan.actions, { action: 'calendar_answer', ticket: ticket.id, data, words }],
    reasons: [...plan.reasons, reason('calendar_answer', `noted in ticket #${ticket.id} (${by})`)],
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
  if (facts.blocked !== null && !arrival.archive)
    return hold(plan, 'blocked_sender', `an agent has blocked ${facts.blocked}`)
  // 4a.21 (c); history holds what the desk once sent
  if (facts.memory.fromOwnInbox && arrival.auth.verdict !== 'strong' && !arrival.archive && !arrival.sent)
    return hold(plan, 'own_address', 'it claims to come from an address of this desk')
  // history, where nobody can be asked any more
  const token = facts.claims.tokens.find(({ purpose }) => purpose === 'a' || purpose === 'n')
  if (!token || !arrival.archive) return null
  return hold(plan, 'agent_token', "it uses a reply address that is not a customer's")
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
    return forAgents({ ...plan, author: { ...plan.author, role: 'unknown' } }, ticket.id, [
      reason('comment', `it belongs to ticket #${ticket.id} (${by})`),
      reason('unverified_sender', `${words}: shown to agents only`),
    ])
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

/** MAIL 4a.16: a vacation subject alone makes no machine of a person; whoever reads it is told. */
const perhapsAutomatic = ({ kind, signals }: Plan): Reason[] =>
  kind === 'human' && signals.some(({ rule, says }) => rule === '4a.16' && says === 'no_ack')
    ? [reason('perhaps_automatic', 'its subject is that of an automatic reply')]
    : []

const spamReasons = (arrival: Arrival, threading: Threading): Reason[] =>
  spamPlace(arrival, threading) === 'flagged' ? [reason('spam_flagged', `marked as spam (${arrival.spam})`)] : []

function claimReasons(facts: Facts, threading: Threading): Reason[] {
  return [
    ...(facts.claims.badToken ? [reason('bad_token', 'its reply address is damaged or not ours')] : []),
    ...threading.refused.map((one) => reason('refused_claim', `#${one.ticket} by ${one.by}: ${one.why}`)),
  ]
}

/**
 * What becomes of a mail that is an agent's, or uses an address that only agents get (MAIL 5.6, 6.17, 6.18). Pure. Fails
 * closed: what is not proven to be theirs, or would say something they may not mean, waits, and they are told.
 */
import type { IncomingMail } from '../../incoming.ts'
import { agentMail as limits } from '../../limits.ts'
import { joinRanges } from '../../ranges.ts'
import type { Token } from '../../tokens.ts'
import { readBlock } from '../commands/grammar.ts'
import type { Agent } from '../desk.ts'
import { type Candidate, type Threading, takesPart } from '../thread.ts'
import { agentTokens } from './agent-facts.ts'
import { leakIn, withoutPrivate } from './agent-text.ts'
import { isForward, openOnBehalf } from './behalf.ts'
import { hold, reason, recorded } from './endings.ts'
import type { Arrival, Facts } from './facts.ts'
import { spamPlace } from './guards.ts'
import { open } from './open.ts'
import { reachedCustomer, sentOutside } from './outside.ts'
import type { Plan, Reason, ReasonCode } from './plan.ts'

type Case = { arrival: Arrival; facts: Facts; mail: IncomingMail; plan: Plan; threading: Threading; now: Date }

/** The plan for an agent's mail; null: it is judged as a customer's. */
export function decideAgent(arrival: Arrival, facts: Facts, plan: Plan, threading: Threading, now: Date): Plan | null {
  const { mail } = arrival
  if (mail.error !== null || facts.agents === null) return null
  // a person who releases a mail vouches for its sender, and makes them no agent
  if (arrival.releasedAt && !arrival.confirmed) return null
  const given = { arrival, facts, mail, plan, threading, now }
  if (facts.agents.asked) return confirmation(given)
  const tokens = agentTokens(facts.claims)
  return tokens.length > 0 ? withToken(given, tokens) : withoutToken(given)
}

/** Whether the mail is by this agent: what From says is proven, or they have confirmed it (5.6). */
export function isTheirs(
  { arrival, facts }: { arrival: Arrival; facts: Facts },
  kind: Plan['kind'],
  agent: Agent,
): boolean {
  const { mail, confirmed } = arrival
  if (facts.agent?.id !== agent.id || facts.identity.via !== null) return false
  if (mail.error !== null || mail.allFrom.length !== 1 || mail.fromIrregular) return false
  return confirmed?.agent === agent.address || (kind === 'human' && arrival.auth.verdict === 'strong')
}

/** The answer to a challenge: whoever has the nonce reads the registered address. A machine that reads it is nobody. */
function confirmation({ arrival, facts, plan }: Case): Plan {
  const { asked } = facts.agents!
  const agent = agentById(facts, asked!.agentId)
  if (isMachine(arrival, plan)) return recorded(plan, 'agent_automatic', 'an automatic answer confirms nothing')
  if (!agent || facts.agent?.id !== agent.id || (arrival.mail as IncomingMail).allFrom.length !== 1)
    return hold(plan, 'agent_token', 'it carries a confirmation that somebody else was asked for')
  if (!saysYes(visibleOf(arrival.mail as IncomingMail)))
    return recorded(plan, 'confirmed', 'it carries a confirmation and does not begin with yes: nothing follows')
  if (asked!.state !== 'open')
    return recorded(
      plan,
      'confirmed',
      asked!.state === 'used' ? 'it was confirmed before' : 'it came too late: a confirmation is good for a day',
    )
  return releasing(plan, agent, { id: asked!.id, mailId: asked!.mailId, ticketId: asked!.ticketId, by: 'challenge' })
}

const releasing = (
  plan: Plan,
  agent: Agent,
  asked: { id: number; mailId: number; ticketId: number | null; by: 'challenge' | 'send' },
): Plan => ({
  ...plan,
  noAck: true,
  state: 'recorded',
  author: authorOf(plan, agent),
  actions: [
    {
      action: 'release',
      question: asked.id,
      mail: asked.mailId,
      ticket: asked.ticketId,
      confirmed: { agent: agent.address, by: asked.by },
    },
  ],
  reasons: [...plan.reasons, reason('confirmed', `${agent.address} released mail ${asked.mailId}`)],
})

/** A mail to an address of purpose `a` or `n` (5.9): they count only with proof. */
function withToken(given: Case, tokens: Token[]): Plan | null {
  const { facts, plan } = given
  const token = tokens[0]!
  if (plan.kind !== 'list' && !given.arrival.confirmed && isMachine(given.arrival, plan) && !isNamedSo(given))
    return recorded(plan, 'agent_automatic', 'an automatic answer to what an agent was told: nobody gets it')
  if (plan.kind === 'list')
    return hold(plan, 'agent_token', 'it came through a mailing list to the reply address of an agent')
  const owner = agentById(facts, token.person)
  if (!owner) return hold(plan, 'agent_token', 'its reply address was made for an agent who is not active any more')
  const isFromOwner = facts.agent?.id === owner.id
  if (tokens.some((one) => one.person !== token.person || one.ticket !== token.ticket))
    return refuse(given, owner, {
      kind: 'notice',
      code: 'agent_token',
      words: 'it names reply addresses of several agents or tickets',
    })
  if (!isFromOwner)
    return refuse(given, owner, {
      kind: 'notice',
      code: 'agent_token',
      words: `the reply address of ${owner.address} was used by ${facts.from?.address ?? 'nobody'}`,
    })
  const why = doubt(given, token, owner)
  if (why !== null) return refuse(given, owner, { kind: 'challenge', code: 'challenge', words: why })
  const ticket = given.threading.ticket
  const named = facts.candidates.get(token.ticket)
  if (!ticket || !named || named.tokenGeneration !== token.generation)
    return refuse(given, owner, {
      kind: 'notice',
      code: 'agent_token',
      words: ticket ? 'its reply address was revoked' : 'its ticket is not there any more',
    })
  // 6.18: in a ticket of their own an agent is a customer
  if (takesPart(ticket, owner.address)) return null
  return deed(given, {
    agent: owner,
    ticket,
    token,
    audience: tokens.some((one) => one.purpose === 'n') ? 'internal' : 'public',
  })
}

/** A proven agent's mail to an address that everybody may use (6.17, 6.19, 6.20, 7.11). */
function withoutToken(given: Case): Plan | null {
  const { arrival, facts, mail, plan, threading, now } = given
  const { agent } = facts
  if (!agent || !isTheirs(given, plan.kind, agent) || threading.by === 'side') return null
  if (spamPlace(arrival, threading) === 'held' || threading.ticket?.spamAt) return null
  const { ticket } = threading
  if (isForward(mail))
    return (
      openOnBehalf(given, now) ??
      openAsTheirs(given, reason('set_requester', 'whom it is from could not be told: set the requester'))
    )
  if (!ticket || takesPart(ticket, agent.address)) return null
  if (reachedCustomer(mail, ticket)) return sentOutside(arrival, facts, plan, { ticket, agent })
  // whoever writes to the desk alone says it to the desk
  return deed(given, { agent, ticket, token: null, audience: 'internal' })
}

/** An ordinary ticket by the agent, whatever ticket its ids lead to. */
function openAsTheirs({ arrival, facts, plan, threading, now }: Case, why: Reason): Plan {
  const links = [...new Set([threading.ticket?.id, ...threading.refused.map((one) => one.ticket)])]
  const base = { ...plan, thread: { ...plan.thread, ticket: null, by: null }, reasons: [...plan.reasons, why] }
  return open(arrival, facts, base, { links: links.filter((one) => one !== undefined), followUpOf: null }, now)
}

/** What makes a mail with an agent's address less than theirs, or null (5.6, COMMANDS E5.5). */
function doubt({ arrival, facts, mail, plan }: Case, token: Token, owner: Agent): string | null {
  if (!isTheirs({ arrival, facts }, plan.kind, owner))
    return mail.allFrom.length === 1 && !mail.fromIrregular
      ? `it is not proven to be from ${owner.address}`
      : 'it has several senders'
  if (arrival.confirmed) return null
  if (arrival.classification?.weakAutoreply || plan.signals.some(({ rule }) => rule === '4a.16'))
    return 'it may be an automatic answer'
  // what is signed is the header: an envelope can be put around any mail of theirs
  if (!facts.claims.written.some((one) => one.purpose === token.purpose && one.comment === token.comment))
    return 'its reply address stands on the envelope only'
  if (facts.agents!.executed || arrival.collision) return 'a mail like it was carried out before'
  const written = mail.date === null ? null : Date.parse(mail.date)
  if (written === null || Math.abs(arrival.receivedAt.getTime() - written) > limits.old)
    return 'it was not written within a day'
  return null
}

/** Nobody's words: a machine's, or what looks like an absence notice (4a.16): what uses an agent's address answers us. */
const isMachine = ({ envelopeFrom }: Arrival, { kind, signals }: Plan): boolean =>
  kind !== 'human' || envelopeFrom === '' || signals.some(({ rule }) => rule === '4a.16')

/** The ticket itself is called as an absence notice is: its answers are too, so the subject says nothing. */
const isNamedSo = ({ arrival, mail, plan, threading }: Case): boolean =>
  arrival.envelopeFrom !== '' &&
  (plan.kind === 'human' || plan.kind === 'autoreply') &&
  plan.signals.every(({ rule, says }) => rule === '4a.16' || (says !== 'autoreply' && says !== 'autogen')) &&
  threading.ticket?.baseSubject.trim().toLowerCase() === mail.baseSubject.trim().toLowerCase()

const visibleOf = (mail: IncomingMail): string => joinRanges(mail.text, mail.ranges, 'visible').trim()

/** An absence notice repeats a subject and an address, and may quote; it does not begin with yes. */
const saysYes = (text: string): boolean => YES.test(text.slice(0, 100).normalize('NFC'))

const YES =
  /^[\s"'“„«>]*(?:yes|yep|ok|okay|confirm(?:ed)?|confirm-[a-z2-7]{26}|ja|oui|s[ií]|tak|так|да)(?![\p{L}\p{M}])/iu

type Whose = { agent: Agent; ticket: Candidate; token: Token | null; audience: 'public' | 'internal' }

/** What a proven agent wrote: their words, without quotation and signature, to whom the address says (6.17). */
function deed(given: Case, whose: Whose): Plan {
  const { arrival, facts, mail } = given
  const { agent, ticket, token } = whose
  const plan = { ...given.plan, author: authorOf(given.plan, agent) }
  const block = readBlock(visibleOf(mail))
  const { sendable } = facts.agents!
  if (sendable && block.text === '' && block.given.length === 1 && /^(?:send|reply|public)$/.test(block.given[0]!.name))
    return releasing(plan, agent, { ...sendable, by: 'send' })
  if (block.given.length > 0 || block.stray.length > 0)
    return refuse({ ...given, plan }, agent, {
      kind: 'send',
      code: 'command_error',
      words: 'commands by mail are not taken yet',
    })
  const text =
    block.text ||
    mail.parts
      .filter((part) => !part.inline)
      .map((part) => part.filename)
      .join('\n')
  if (text === '')
    return refuse({ ...given, plan }, agent, { kind: 'notice', code: 'command_error', words: 'there is nothing in it' })
  const stopped = whose.audience === 'public' ? stop({ arrival, facts }, text) : null
  if (stopped) return refuse({ ...given, plan }, agent, stopped)
  const inbox = facts.desk.inboxes.find((one) => one.id === ticket.inboxId) ?? facts.inboxes[0]!
  return {
    ...plan,
    noAck: true,
    state: 'commented',
    actions: [
      {
        action: 'agent',
        ticket: ticket.id,
        audience: whose.audience,
        agent: agent.address,
        shown: token?.comment ?? null,
        text: whose.audience === 'public' ? withoutPrivate(text, facts.desk, inbox) : text,
        given: block.given,
        mode: 'do',
      },
    ],
    reasons: [
      ...plan.reasons,
      reason(
        'agent',
        whose.audience === 'public' ? `${agent.address} answers by mail` : `${agent.address} writes a note by mail`,
      ),
    ],
  }
}

/** Why a public answer waits: it knows less than the ticket (collision), or says more than customers may read. */
function stop({ arrival, facts }: { arrival: Arrival; facts: Facts }, text: string): Stop | null {
  const { newer, internal } = facts.agents!
  const leak = leakIn(text, internal)
  const isSent = arrival.confirmed?.by === 'send'
  if (leak && (leak.sure || !isSent))
    return { kind: leak.sure ? 'notice' : 'send', code: 'note_leak', words: leak.words }
  if (newer.length === 0 || isSent) return null
  const last = newer.at(-1)!
  return { kind: 'send', code: 'collision', words: `${last.name} wrote after what was answered` }
}

type Stop = { kind: 'challenge' | 'send' | 'notice'; code: ReasonCode; words: string }

/** Nothing is executed, nothing is sent: the mail waits, and the agent is told (5.6, COMMANDS E4). */
function refuse({ plan, threading }: Case, agent: Agent, { kind, code, words }: Stop): Plan {
  const held = hold(plan, code, words)
  const ticket = threading.ticket?.id ?? null
  const ask = { action: 'ask_agent' as const, kind, why: code, agent: agent.address, ticket }
  return { ...held, thread: { ...plan.thread, ticket }, actions: [...held.actions, ask] }
}

const agentById = (facts: Facts, id: number): Agent | null =>
  [...facts.desk.agents.values()].find((one) => one.id === id) ?? null

const authorOf = (plan: Plan, agent: Agent): Plan['author'] => ({
  ...plan.author,
  role: 'agent',
  name: agent.name,
  organization: null,
})

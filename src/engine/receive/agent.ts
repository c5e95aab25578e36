/**
 * What becomes of a mail that is an agent's, or uses an address that only agents get (MAIL 5.6, 6.17, 6.18). Pure. Fails
 * closed: what is not proven to be theirs, or would say something they may not mean, waits, and they are told.
 */
import type { IncomingMail } from '../../incoming.ts'
import { agentMail as limits } from '../../limits.ts'
import type { Token } from '../../tokens.ts'
import { readBlock } from '../commands.ts'
import type { Agent } from '../desk.ts'
import { type Threading, takesPart } from '../thread.ts'
import { type Case, isReleased, isTheirs, refuse, releasing, visibleOf } from './agent-case.ts'
import { deed } from './agent-deed.ts'
import { agentTokens } from './agent-facts.ts'
import { isForward, openOnBehalf } from './behalf.ts'
import { hold, reason, recorded } from './endings.ts'
import type { Arrival, Facts } from './facts.ts'
import { spamPlace } from './guards.ts'
import { open } from './open.ts'
import { reachedCustomer, sentOutside } from './outside.ts'
import type { Plan, Reason } from './plan.ts'
import { saysYes } from './yes.ts'

/** The plan for an agent's mail; null: it is judged as a customer's. */
export function decideAgent(arrival: Arrival, facts: Facts, plan: Plan, threading: Threading, now: Date): Plan | null {
  const { mail } = arrival
  if (mail.error !== null || facts.agents === null) return null
  const given = { arrival, facts, mail, plan, threading, now }
  const tokens = agentTokens(facts.claims)
  // a person who releases a mail lets it in, and makes nobody an agent who is not proven to be one
  if (isReleased(arrival) && !(facts.agent && isTheirs(given, plan.kind, facts.agent) && areOwn(tokens, facts.agent)))
    return null
  if (arrival.releasedAs !== null) return null
  if (facts.agents.asked) return confirmation(given)
  return tokens.length > 0 ? withToken(given, tokens) : withoutToken(given)
}

const areOwn = (tokens: Token[], agent: Agent): boolean => tokens.every((token) => token.person === agent.id)

/** Lines of commands under an agent's name that nothing proves are text; they hear that somebody tried (5.6). */
export function withNoticeToAgent(plan: Plan, arrival: Arrival, facts: Facts): Plan {
  const { mail } = arrival
  const { agent } = facts
  if (!agent || mail.error !== null || plan.kind !== 'human' || arrival.releasedAt || arrival.archive) return plan
  const isOurs = arrival.envelopeFrom === '' || agentTokens(facts.claims).length > 0 || facts.agents?.asked
  if (isOurs || isTheirs({ arrival, facts }, plan.kind, agent) || plan.author.role === 'agent') return plan
  if (readBlock(visibleOf(mail)).given.length === 0) return plan
  const words = `it has lines of commands, and nothing proves that it is from ${agent.address}: they are text`
  const ask = { kind: 'notice', why: 'unproven_commands', agent: agent.address, ticket: plan.thread.ticket } as const
  return {
    ...plan,
    actions: [...plan.actions, { action: 'ask_agent', ...ask }],
    reasons: [...plan.reasons, reason('unproven_commands', words)],
  }
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
  // the answer to a digest names its tickets itself
  if (token.ticket === 0) return deed(given, { agent: owner, ticket: null, token, audience: 'internal' })
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
  // 6.17: what is passed on was written to the agent, not to the customer
  const isInside = tokens.some((one) => one.purpose === 'n') || isForward(given.mail)
  return deed(given, { agent: owner, ticket, token, audience: isInside ? 'internal' : 'public' })
}

/** A proven agent's mail to an address that everybody may use (6.17, 6.19, 6.20, 7.11). */
function withoutToken(given: Case): Plan | null {
  const { arrival, facts, mail, plan, threading, now } = given
  const { agent } = facts
  if (!agent || !isTheirs(given, plan.kind, agent) || threading.by === 'side') return null
  if (spamPlace(arrival, threading) === 'held' || threading.ticket?.spamAt) return null
  const { ticket } = threading
  const block = readBlock(visibleOf(mail))
  const commands = block.given.length > 0 && block.given[0]!.name !== 'onbehalf'
  if (isForward(mail) && !commands)
    return (
      openOnBehalf(given, now) ??
      openAsTheirs(given, reason('set_requester', 'whom it is from could not be told: set the requester'))
    )
  if (commands && (!ticket || isForward(mail)))
    return deed(
      { ...given, threading: { ...threading, ticket: null } },
      { agent, ticket: null, token: null, audience: 'internal' },
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
  if (arrival.confirmed || isReleased(arrival)) return null
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

const agentById = (facts: Facts, id: number): Agent | null =>
  [...facts.desk.agents.values()].find((one) => one.id === id) ?? null

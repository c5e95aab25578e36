/** What deciding about an agent's mail is given, and the two ways in which it ends without a deed. Pure. */
import type { IncomingMail } from '../../incoming.ts'
import { joinRanges } from '../../ranges.ts'
import type { Reading } from '../commands/command.ts'
import type { LineProblem } from '../commands.ts'
import type { Agent, Inbox } from '../desk.ts'
import type { Threading } from '../thread.ts'
import { hold, reason } from './endings.ts'
import type { Arrival, Facts } from './facts.ts'
import type { Plan, ReasonCode } from './plan.ts'

export type Case = { arrival: Arrival; facts: Facts; mail: IncomingMail; plan: Plan; threading: Threading; now: Date }

/** Why a mail waits; `problems`: what is wrong with which line. */
export type Stop = {
  kind: 'challenge' | 'send' | 'notice'
  code: ReasonCode
  words: string
  problems?: LineProblem[]
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

/** By a person in the web view, who has looked at it (4a.28). */
export const isReleased = (arrival: Arrival): boolean => arrival.releasedAt !== null && arrival.confirmed === null

/** Whether it is to be sent as it is, whatever is newer: its agent said so, or who released it. */
export const isSent = (arrival: Arrival): boolean =>
  isReleased(arrival) || arrival.confirmed?.by.includes('send') === true

/** What was written now, and can be seen: a line that the HTML hides is nobody's words (9.8). */
export const visibleOf = (mail: IncomingMail): string =>
  withoutHidden(mail, joinRanges(mail.text, mail.ranges, 'visible').trim())

/** All that can be seen, with what is quoted. */
export const wholeOf = (mail: IncomingMail): string => withoutHidden(mail, mail.text)

function withoutHidden(mail: IncomingMail, text: string): string {
  if (mail.hidden === '') return text
  const hidden = new Set(mail.hidden.split('\n').map(bare))
  return text
    .split('\n')
    .filter((line) => line.trim() === '' || !hidden.has(bare(line)))
    .join('\n')
    .trim()
}

const bare = (line: string): string => line.replace(/\s+/g, ' ').trim()

/** What an agent's commands are read against. */
export const readingOf = (
  facts: Facts,
  { agent, ticket, inbox }: { agent: Agent; ticket: number | null; inbox: Inbox },
  now: Date,
): Reading => ({ desk: facts.desk, who: { kind: 'agent', agent }, ticket, zone: agent.zone ?? inbox.zone, now })

/** The inbox that speaks to the customer of a ticket, else the one the mail came to. */
export const inboxOf = (facts: Facts, inboxId: number | null): Inbox =>
  facts.desk.inboxes.find((one) => one.id === inboxId) ?? facts.inboxes[0]!

/** Nothing is executed, nothing is sent: the mail waits, and the agent is told (5.6, COMMANDS E4). */
export function refuse({ plan, threading }: Pick<Case, 'plan' | 'threading'>, agent: Agent, stop: Stop): Plan {
  const { kind, code, words, problems } = stop
  const held = hold(plan, code, words)
  const ticket = threading.ticket?.id ?? null
  const ask = {
    action: 'ask_agent' as const,
    kind,
    why: code,
    agent: agent.address,
    ticket,
    ...(problems && { problems }),
  }
  return { ...held, thread: { ...plan.thread, ticket }, actions: [...held.actions, ask] }
}

/** A held mail is to be worked on once more, as theirs. */
export const releasing = (
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
      confirmed: { agent: agent.address, by: [asked.by] },
    },
  ],
  reasons: [...plan.reasons, reason('confirmed', `${agent.address} released mail ${asked.mailId}`)],
})

export const authorOf = (plan: Plan, agent: Agent): Plan['author'] => ({
  ...plan.author,
  role: 'agent',
  name: agent.name,
  organization: null,
})

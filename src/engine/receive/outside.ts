/** Answers that were sent without the desk, out of the mailbox or by an agent with the desk in Cc (2.17, 6.20). Pure. */
import type { IncomingMail } from '../../incoming.ts'
import { joinRanges } from '../../ranges.ts'
import type { Agent } from '../desk.ts'
import { type Candidate, type Threading, takesPart } from '../thread.ts'
import type { Arrival } from './arrival.ts'
import { reason, recorded } from './endings.ts'
import type { Facts } from './facts.ts'
import type { Plan } from './plan.ts'

/** Whether it went to somebody who takes part in the ticket. */
export const reachedCustomer = (mail: IncomingMail, ticket: Candidate): boolean =>
  [...mail.to, ...mail.cc].some((one) => takesPart(ticket, one.address))

/** A mail out of the Sent folder: an answer in its ticket, else nothing (2.17). Ours was told apart before. */
export function sentFromMailbox(arrival: Arrival, facts: Facts, plan: Plan, threading: Threading): Plan {
  const mail = arrival.mail as IncomingMail
  const { ticket } = threading
  if (plan.kind !== 'human' || !ticket || ticket.spamAt || !reachedCustomer(mail, ticket))
    return recorded(plan, 'sent_outside', 'it was sent out of the mailbox and answers no ticket')
  return sentOutside(arrival, facts, plan, { ticket, agent: facts.agent })
}

/** The answer as the agent's own, with the clock stopped and nobody written to. */
export function sentOutside(
  arrival: Arrival,
  facts: Facts,
  plan: Plan,
  { ticket, agent }: { ticket: Candidate; agent: Agent | null },
): Plan {
  const mail = arrival.mail as IncomingMail
  const name = agent?.name || facts.from?.name || facts.inboxes[0]!.name
  return {
    ...plan,
    noAck: true,
    state: 'commented',
    author: { role: 'agent', address: facts.from?.address ?? null, name, organization: null },
    actions: [
      {
        action: 'outside',
        ticket: ticket.id,
        agent: agent?.address ?? null,
        text: joinRanges(mail.text, mail.ranges, 'visible').trim(),
      },
    ],
    reasons: [...plan.reasons, reason('sent_outside', `${name} answered without the desk: it is not sent again`)],
  }
}

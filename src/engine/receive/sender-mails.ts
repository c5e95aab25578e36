/**
 * What somebody is told whose mail is held because it went to the reply address of an agent that is not theirs (5.9): that
 * nothing was sent, why, and how to go on. Only whom the desk knows, and only at the address that it knows: an agent, or a
 * contact who is proven to have written. A stranger hears nothing (9.14), and nobody hears anything of the ticket.
 */
import type { Tx } from '../../database.ts'
import type { IncomingMail } from '../../incoming.ts'
import { DAY } from '../../time.ts'
import { makeMessageId } from '../../tokens.ts'
import { addressKey, isAddress, oneLine } from '../outbox/address.ts'
import { automaticAllowance, countMailed } from '../outbox/budget.ts'
import { domainOf } from '../outbox/headers.ts'
import { queueMail } from '../outbox.ts'
import { sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'
import { quietWords } from '../storms.ts'
import { agentTokens } from './agent-facts.ts'
import { phrasesFor } from './agent-phrases.ts'
import type { Arrival, Facts } from './facts.ts'
import { isProven } from './identity.ts'
import { answerTo, inBothForms } from './plain-mail.ts'
import { type Action, find, type Plan } from './plan.ts'
import type { Work } from './work.ts'

type TellSender = Extract<Action, { action: 'tell_sender' }>

/** The plan, and that the sender is told, where they may be. Pure. */
export function withWordToSender(plan: Plan, arrival: Arrival, facts: Facts): Plan {
  if (plan.held?.reason !== 'agent_token' || plan.kind !== 'human' || arrival.archive || arrival.mail.error) return plan
  if (agentTokens(facts.claims).length === 0 || isSilent(plan, arrival, facts)) return plan
  const { agent, from, contact } = facts
  const ticket = plan.thread.ticket
  const add = (told: Omit<TellSender, 'action' | 'ticket'>): Plan => ({
    ...plan,
    actions: [...plan.actions, { action: 'tell_sender', ticket, ...told }],
  })
  // whose address it is has been told as its owner
  if (agent) return find(plan, 'ask_agent')?.agent === agent.address ? plan : add({ to: agent.address, role: 'agent' })
  const isTheirs = contact !== null && isProven(arrival.auth, facts.identity) && arrival.mail.allFrom.length === 1
  if (!isTheirs || sameAddress(facts.identity.writeTo?.address ?? '') !== sameAddress(from?.address ?? '')) return plan
  return add({ to: sameAddress(from!.address), role: 'contact' })
}

/** Who is never answered by itself (4a.26), or has had enough of it. */
function isSilent(plan: Plan, arrival: Arrival, facts: Facts): boolean {
  const address = facts.from?.address ?? ''
  if (arrival.envelopeFrom === '' || !isAddress(address) || facts.suppressed) return true
  if (plan.signals.some(({ says }) => says === 'no_ack') || quietWords(facts.sender) !== null) return true
  return matchRecipient(facts.desk, address) !== null
}

/** Writes to them: once a day about one ticket, and within the budgets of automatic mail (4a.22). */
export async function tellSender(tx: Tx, work: Work, { to, role, ticket }: TellSender, now: Date): Promise<void> {
  const { facts, arrival, tools } = work
  const once = { scope: `held/${addressKey(to)}/${ticket ?? 0}`, window: DAY }
  if ((await countMailed(tx, once, now)) > 1) return
  const inbox = facts.inboxes[0]!
  const budget = { address: to, ticketId: ticket, inboxId: inbox.id, kind: 'notification' } as const
  if (!(await automaticAllowance(tx, budget, now)).allowed) return
  const agent = role === 'agent' ? (facts.desk.agents.get(to) ?? null) : null
  const recipient = { name: oneLine(agent?.name ?? facts.contact?.name ?? ''), address: to }
  await queueMail(
    tx,
    {
      kind: agent ? 'notification' : 'ack',
      // of no ticket, so that no answer to it leads into one
      ticketId: null,
      commentId: null,
      inboxId: inbox.id,
      generation: 0,
      messageId: makeMessageId(tools.keys, agent ? 'n' : 'a', 0, domainOf(inbox.address), now),
      recipients: [recipient],
      headers: [
        ['From', [{ name: inbox.name, address: inbox.address }]],
        ['To', [recipient]],
        ...answerTo(arrival.mail.messageId),
      ],
      ...wordsFor(work, { role, ticket, locale: agent ? (agent.locale ?? inbox.locale) : work.plan.locale }),
      attachmentIds: [],
      notBefore: null,
    },
    tools,
    now,
  )
}

function wordsFor(
  { arrival, facts }: Work,
  { role, ticket, locale }: { role: TellSender['role']; ticket: number | null; locale: string },
): { subject: string; text: string; html: string } {
  const { phrases, language } = phrasesFor(locale)
  const mail = arrival.mail as IncomingMail
  const inbox = facts.inboxes[0]!
  const body =
    role === 'agent'
      ? phrases.sender_agent.replaceAll('{mail}', String(arrival.id))
      : phrases.sender_contact.replaceAll('{inbox}', inbox.address)
  const number = role === 'agent' && ticket !== null ? ` (#${ticket})` : ''
  const text = [body, '', `${phrases.subject}: ${oneLine(mail.subject)}${number}`, '', inbox.name].join('\n')
  return {
    subject: phrases.sender_subject,
    ...inBothForms(text, language),
  }
}

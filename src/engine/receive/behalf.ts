/**
 * An agent's forward as the mail that was forwarded (MAIL 7.11-7.13). Pure. Who wrote first is read from the block or
 * the attached original alone, and is proven by nothing.
 */
import { hasForwardPrefix } from '../../forward-prefix.ts'
import type { Forwarded, IncomingMail } from '../../incoming.ts'
import { sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'
import type { Threading } from '../thread.ts'
import type { Arrival } from './arrival.ts'
import { reason } from './endings.ts'
import type { Facts } from './facts.ts'
import { open } from './open.ts'
import type { Plan } from './plan.ts'

/** Whether a mail says that it forwards another (7.11). */
export const isForward = (mail: IncomingMail): boolean => hasForwardPrefix(mail.subject) || ON_BEHALF.test(mail.text)

const ON_BEHALF = /^\s{0,200}#onbehalf[ \t]*(?:\r?\n|$)/i

/** The original whose writer may be a requester; null: nobody, more than one, or one of us (7.12). */
export function originalOf(
  { forward }: Arrival,
  { desk }: Facts,
): (Forwarded & { from: NonNullable<Forwarded['from']> }) | null {
  const from = forward?.from
  if (!forward || !from || matchRecipient(desk, from.address) || desk.agents.has(sameAddress(from.address))) return null
  return { ...forward, from }
}

/** The mail and its facts as if its original had come by itself: what is decided and done is done with these. */
export function onBehalf(arrival: Arrival, facts: Facts): { arrival: Arrival; facts: Facts } | null {
  const original = originalOf(arrival, facts)
  const mail = arrival.mail
  if (!original || mail.error !== null || !facts.agents) return null
  const text = original.text
  const { contact, organization } = facts.agents.original ?? { contact: null, organization: null }
  return {
    arrival: {
      ...arrival,
      auth: { ...arrival.auth, verdict: 'none' },
      mail: {
        ...mail,
        from: original.from,
        allFrom: [original.from],
        subject: mail.baseSubject || original.subject,
        to: mail.to.filter((one) => matchRecipient(facts.desk, one.address)),
        cc: [],
        text,
        ranges: text === '' ? [] : [{ kind: 'visible', from: 0, to: text.length }],
        html: null,
        flags: [],
        calendar: null,
      },
    },
    facts: {
      ...facts,
      from: original.from,
      identity: { author: original.from, writeTo: original.from, via: null, strayReplyTo: null },
      contact,
      organization,
      agent: null,
      sender: null,
      suppressed: false,
    },
  }
}

/** The ticket of the original's writer, with what the agent wrote above as a note; nobody is written to (7.13). */
export function openOnBehalf(
  given: { arrival: Arrival; facts: Facts; plan: Plan; threading: Threading },
  now: Date,
): Plan | null {
  const seen = onBehalf(given.arrival, given.facts)
  const original = originalOf(given.arrival, given.facts)
  if (!seen || !original) return null
  const { agent } = given.facts
  const author = {
    role: 'contact' as const,
    address: original.from.address,
    name: original.from.name,
    organization: seen.facts.organization?.name ?? null,
  }
  const links = [...new Set([given.threading.ticket?.id, ...given.threading.refused.map((one) => one.ticket)])]
  const plan = open(
    seen.arrival,
    seen.facts,
    { ...given.plan, author, thread: { ...given.plan.thread, ticket: null, by: null } },
    { links: links.filter((one) => one !== undefined), followUpOf: null, origin: 'agent_for_customer' },
    now,
  )
  if (plan.state !== 'ticketed') return plan
  const text = original.above.replace(ON_BEHALF, '').trim()
  return {
    ...plan,
    noAck: true,
    actions: [
      ...plan.actions.filter(({ action }) => action !== 'acknowledge'),
      { action: 'on_behalf', agent: agent!.address, date: original.date, text },
    ],
    reasons: [
      ...plan.reasons.filter(({ code }) => code !== 'ack'),
      reason('on_behalf', `${agent!.address} forwarded it: it is from ${original.from.address}, which nothing proves`),
    ],
  }
}

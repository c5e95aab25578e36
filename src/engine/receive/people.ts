/**
 * Who a mail brings into a ticket (MAIL 6.9-6.11). Pure. Only To and Cc name people: who got the mail by Bcc stands in
 * no header and is never written down.
 */
import type { IncomingMail } from '../../incoming.ts'
import { people as limits } from '../../limits.ts'
import { sameAddress } from '../people.ts'
import { mayTakePart } from '../tickets/may-take-part.ts'
import type { Arrival, Facts } from './facts.ts'
import { postingAddresses } from './identity.ts'
import type { Action } from './plan.ts'

/**
 * People named beside the desk: they take part when somebody who does, and is proven, names them (6.9), else they are
 * suggestions (5.13); a mass mail names nobody (4.27). The further authors of a mail with several wait (4.9).
 */
export function named(
  arrival: Arrival,
  facts: Facts,
  { ticket, role }: { ticket: number | null; role: 'participant' | 'suggested' },
): Action[] {
  const mail = arrival.mail as IncomingMail
  const all = [...mail.to, ...mail.cc]
  if (all.length > limits.participants || arrival.archive) return []
  const author = facts.from ? sameAddress(facts.from.address) : ''
  const lists = postingAddresses(mail)
  const others = new Map(all.map((one) => [sameAddress(one.address), one]))
  const may = (one: { address: string }) =>
    sameAddress(one.address) !== author && mayTakePart(facts.desk, sameAddress(one.address), lists)
  const addresses = [...others.values()].filter(may)
  const { verdict } = arrival.auth
  const proven = verdict === 'strong' || verdict === 'weak'
  const authors = mail.allFrom.slice(1, 1 + limits.participants).filter(may)
  return [
    ...(authors.length ? [{ action: 'people' as const, ticket, role: 'pending' as const, addresses: authors }] : []),
    ...(addresses.length
      ? [{ action: 'people' as const, ticket, role: proven ? role : ('suggested' as const), addresses }]
      : []),
  ]
}

/** The author of a mail that was let in without taking part yet (6.9). */
export function newcomer(
  facts: Facts,
  { ticket, role }: { ticket: number; role: 'participant' | 'pending' },
): Action[] {
  const { from } = facts
  if (!from || !mayTakePart(facts.desk, sameAddress(from.address), [])) return []
  return [{ action: 'people', ticket, role, addresses: [from] }]
}

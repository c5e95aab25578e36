/** Who an answer goes to: the requester and the participants, less those that must never be written to (MAIL 8.10). */
import type { Desk } from '../desk.ts'
import { matchRecipient } from '../recipients.ts'
import { addressKey, isAddress, type Mailbox, oneLine } from './address.ts'

/** To and Cc without our own addresses, repetitions, mail servers' own mailboxes, and addresses nobody can write to. */
export function chooseRecipients(
  desk: Desk,
  people: { requester: Mailbox; participants: Mailbox[]; suppressed: string[] },
): { to: Mailbox[]; cc: Mailbox[] } {
  const seen = new Set(people.suppressed.map(addressKey))
  const keep = (person: Mailbox): boolean => {
    const key = addressKey(person.address)
    if (seen.has(key) || /^(?:mailer-daemon|postmaster)@/.test(key) || !isAddress(person.address)) return false
    if (matchRecipient(desk, person.address)) return false
    seen.add(key)
    return true
  }
  const clean = (person: Mailbox): Mailbox => ({ name: oneLine(person.name), address: person.address })
  const to = [people.requester].filter(keep).map(clean)
  const cc = people.participants.filter(keep).map(clean)
  return to.length > 0 ? { to, cc } : { to: cc, cc: [] }
}

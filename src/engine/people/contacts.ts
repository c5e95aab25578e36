/**
 * Contacts that an agent enters, with those who are perhaps the same person (FEATURES 0.18): the agent is told of them,
 * and nothing is joined by itself. An exact address is never a second record.
 */
import type { Queryable, Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Desk } from '../desk.ts'
import { checkAddress } from '../outbox/address.ts'
import { ensureContact, findContact, findOrganization, nameOf, sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'

export type SimilarContact = { id: number; name: string; address: string }

/**
 * Creates a contact, or finds who holds the address already.
 * @throws Refusal `bad_address`, `own_address`
 */
export async function createContact(
  tx: Tx,
  input: { address: string; name: string; desk: Desk },
  now: Date,
): Promise<{ contactId: number; created: boolean; similar: SimilarContact[] }> {
  const address = sameAddress(checkAddress(input.address.trim()))
  if (matchRecipient(input.desk, address)) throw new Refusal('own_address', `${address} is an address of this desk.`)
  const name = nameOf({ address, name: input.name })
  const there = await findContact(tx, address)
  const similar = await findSimilar(tx, { address, name: name || (there?.name ?? '') })
  const organizationId = findOrganization(input.desk, address)?.id ?? null
  const contactId = there?.id ?? (await ensureContact(tx, { person: { address, name }, organizationId }, now))
  return { contactId, created: there === null, similar: similar.filter((one) => one.id !== contactId) }
}

/**
 * Takes back a contact that nothing has come of yet.
 * @returns whether there was one to take back; who wrote or was written to meanwhile stays
 */
export async function forgetContact(tx: Tx, contactId: number): Promise<{ forgotten: boolean }> {
  const { count } = await tx`
    delete from contacts c where c.id = ${contactId} and c.answered_at is null and c.verified_at is null
      and not exists (select from tickets where requester_id = c.id)
      and not exists (select from comments where contact_id = c.id)
      and not exists (select from ticket_participants where contact_id = c.id)`
  return { forgotten: count > 0 }
}

/** Contacts of the same name, and those at the same domain whose address reads alike; at most five. */
export async function findSimilar(
  sql: Queryable,
  person: { address: string; name: string },
): Promise<SimilarContact[]> {
  const words = wordsOf(person.name)
  const domain = person.address.slice(person.address.lastIndexOf('@') + 1)
  const rows = await sql<SimilarContact[]>`
    select c.id, c.name, a.address from contact_addresses a join contacts c on c.id = a.contact_id
    where a.address <> ${person.address}
      and (split_part(a.address, '@', 2) = ${domain} or (${words.length > 1} and lower(c.name) = lower(${person.name})))
    order by c.id limit 2000`
  const own = [words, wordsOf(localOf(person.address))]
  return rows
    .filter((row) => {
      const theirs = [wordsOf(row.name), wordsOf(localOf(row.address))]
      return own.some((mine) => theirs.some((other) => readAlike(mine, other)))
    })
    .slice(0, 5)
}

const localOf = (address: string): string => address.slice(0, address.lastIndexOf('@')).replace(/\+.*/, '')

const wordsOf = (text: string): string[] =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)

/** `ivan petrov`, `petrov ivan`, `i petrov` and `ipetrov` read alike; a single word is like the same word alone. */
function readAlike(one: string[], other: string[]): boolean {
  if (one.length === 0 || other.length === 0) return false
  if (one.length === 1 && other.length === 1) return one[0] === other[0]
  if (one.length === 1) return shortsOf(other).includes(one[0]!)
  if (other.length === 1) return shortsOf(one).includes(other[0]!)
  const [long, rest] = [one.filter((word) => word.length > 1), [...other]]
  const shared = long.filter((word) => rest.includes(word))
  if (shared.length === 0) return false
  const left = (words: string[]) => words.filter((word) => !shared.includes(word))
  return left(one).every((word) => left(other).some((their) => their.startsWith(word) || word.startsWith(their)))
}

/** What a mail address makes of a name: `ipetrov`, `petrovi`, `ivanp`, `ivanpetrov`. */
const shortsOf = (words: string[]): string[] => {
  const [first, last] = [words[0]!, words.at(-1)!]
  return [first + last, last + first, first[0]! + last, last + first[0]!, first + last[0]!]
}

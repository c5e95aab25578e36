/**
 * Who takes part in a ticket (MAIL 6.9): participants read and write by mail, the pending wrote and wait for an agent,
 * the suggested were named by somebody who may not invite. Nobody is lowered by a mail.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { people as limits } from '../../limits.ts'
import { type Actor, record } from '../events.ts'
import { checkAddress } from '../outbox/address.ts'
import { ensureContact, findOrganization, sameAddress } from '../people.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { mayTakePart } from './may-take-part.ts'

export type Role = 'participant' | 'pending' | 'suggested'
type Person = { address: string; name: string; contactId: number | null; role: Role }

const RANK: Record<Role, number> = { suggested: 0, pending: 1, participant: 2 }

/**
 * Adds people who were named in a mail, or raises those who are there (MAIL 6.9, 4.27). Beyond 20 participants of a
 * ticket the others are suggested. The caller holds the ticket's row.
 */
export async function addPeople(tx: Tx, ticketId: number, named: Person[], now: Date): Promise<void> {
  const there = await tx<{ address: string; role: Role }[]>`
    select address, role from ticket_participants where ticket_id = ${ticketId}`
  const roles = new Map(there.map((one) => [one.address, one.role]))
  let room = limits.participants - there.filter((one) => one.role === 'participant').length
  for (const one of named.slice(0, limits.participants)) {
    const address = sameAddress(one.address)
    const was = roles.get(address)
    const role = one.role === 'participant' && was !== 'participant' && room <= 0 ? 'suggested' : one.role
    if (was && RANK[was] >= RANK[role]) continue
    if (role === 'participant') room--
    roles.set(address, role)
    await tx`
      insert into ticket_participants (ticket_id, address, name, contact_id, role, added_at)
      values (${ticketId}, ${address}, ${one.name}, ${one.contactId}, ${role}, ${now})
      on conflict (ticket_id, address) do update set role = excluded.role,
        contact_id = coalesce(ticket_participants.contact_id, excluded.contact_id)`
  }
}

/**
 * An agent lets somebody in who is pending or suggested: from now on they read and write by mail (6.9). They become a
 * contact, as MAIL 10 says ("on confirm").
 * @throws Refusal `unknown_person` when nobody of that address waits, `not_a_person` for own addresses, agents,
 * machines and lists (6.10), `too_many_people` beyond 20 participants
 */
export async function admit(
  tx: Tx,
  input: { ticketId: number; address: string; actor: Actor; tools: Tools },
  now: Date,
): Promise<void> {
  const ticket = await lockTicket(tx, input.ticketId)
  const address = sameAddress(input.address.trim())
  const there = await tx<{ address: string; name: string; role: Role }[]>`
    select address, name, role from ticket_participants where ticket_id = ${ticket.id}`
  const person = there.find((one) => one.address === address)
  if (!person) throw new Refusal('unknown_person', `Nobody with the address ${address} waits in ticket #${ticket.id}.`)
  if (person.role === 'participant') return
  const { desk } = input.tools
  if (!mayTakePart(desk, address, []))
    throw new Refusal(
      'not_a_person',
      `${address} belongs to this desk, to a machine or to a list, and cannot take part.`,
    )
  if (there.filter((one) => one.role === 'participant').length >= limits.participants)
    throw new Refusal('too_many_people', `At most ${limits.participants} people take part in a ticket.`)
  const organizationId = findOrganization(desk, address)?.id ?? null
  const contactId = await ensureContact(
    tx,
    { person: { address: checkAddress(address), name: person.name }, organizationId },
    now,
  )
  await tx`
    update ticket_participants set role = 'participant', contact_id = ${contactId}
    where ticket_id = ${ticket.id} and address = ${address}`
  await tx`update tickets set updated_at = ${now} where id = ${ticket.id}`
  const event = { type: 'admitted', data: { address, from: person.role } }
  await record(tx, { ticketId: ticket.id, actor: input.actor, events: [event] }, now)
}

/** The people of one ticket take part in another; the higher of two roles stays, and the cap holds (6.13). */
export async function movePeople(tx: Tx, from: number, to: number, now: Date): Promise<void> {
  const rows = await tx<(Person & { contact_id: number | null })[]>`
    delete from ticket_participants where ticket_id = ${from} returning address, name, contact_id, role, added_at`
  for (const { contact_id: contactId, ...person } of rows) await addPeople(tx, to, [{ ...person, contactId }], now)
}

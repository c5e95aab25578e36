/**
 * Agents let people take part in a ticket and take them out again (MAIL 6.9, 6.10). Whoever takes part reads every
 * answer, so people of another customer are not let in by mistake.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { people as limits } from '../../limits.ts'
import { type Actor, record } from '../events.ts'
import { checkAddress } from '../outbox/address.ts'
import { ensureContact, findContact, findOrganization, sameAddress } from '../people.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { mayTakePart } from './may-take-part.ts'
import type { Role } from './people.ts'

/** Somebody as they stand in a ticket, as JSON: what an undo needs. */
export type Standing = { address: string; name: string; role: Role; contactId: number | null; added_at: string }

type Change = { ticketId: number; address: string; actor: Actor }

/**
 * Lets somebody take part: they get the answers and may write by mail. They become a contact.
 * @param input.foreign `allow`: also somebody of another customer than the ticket's, because the agent means it
 * @returns how they stood there; null: not at all
 * @throws Refusal `bad_address`, `not_a_person` (6.10), `is_requester`, `other_organization`, `too_many_people`
 */
export async function addCc(
  tx: Tx,
  input: Change & { name?: string; foreign?: 'refuse' | 'allow'; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<{ was: Standing | null }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const address = sameAddress(checkAddress(input.address.trim()))
  const { desk } = input.tools
  if (!mayTakePart(desk, address, []))
    throw new Refusal(
      'not_a_person',
      `${address} belongs to this desk, to a machine or to a list, and cannot take part.`,
    )
  if (ticket.requester_address && sameAddress(ticket.requester_address) === address)
    throw new Refusal('is_requester', `${address} is the customer of ticket #${ticket.id}.`)
  const there = await standingOf(tx, ticket.id)
  const was = there.find((one) => one.address === address) ?? null
  if (was?.role === 'participant') return { was }
  const known = await findContact(tx, address)
  const organizationId = known?.organizationId ?? findOrganization(desk, address)?.id ?? null
  if (input.foreign !== 'allow') await refuseForeign(tx, { ticketId: ticket.id, address, organizationId })
  if (there.filter((one) => one.role === 'participant').length >= limits.participants)
    throw new Refusal('too_many_people', `At most ${limits.participants} people take part in a ticket.`)
  const name = input.name || was?.name || known?.name || ''
  const contactId = await ensureContact(tx, { person: { address, name }, organizationId }, now)
  await tx`
    insert into ticket_participants (ticket_id, address, name, contact_id, role, added_at)
    values (${ticket.id}, ${address}, ${name}, ${contactId}, 'participant', ${now})
    on conflict (ticket_id, address) do update set role = 'participant', contact_id = excluded.contact_id`
  await tellOf(tx, { ...input, ticketId: ticket.id, address, type: 'admitted', from: was?.role ?? null }, now)
  return { was }
}

/**
 * Takes somebody out: they get no more answers, and what they write waits for an agent.
 * @returns how they stood there; null: not at all, and nothing was changed
 */
export async function removeCc(tx: Tx, input: Change, now: Date): Promise<{ was: Standing | null }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const address = sameAddress(input.address.trim())
  const was = (await standingOf(tx, ticket.id)).find((one) => one.address === address) ?? null
  if (!was) return { was }
  await tx`delete from ticket_participants where ticket_id = ${ticket.id} and address = ${address}`
  await tellOf(tx, { ...input, ticketId: ticket.id, address, type: 'dismissed', from: was.role }, now)
  return { was }
}

/** Somebody stands in a ticket as they did before; `was` null: not at all. */
export async function restoreCc(tx: Tx, input: Change & { was: Standing | null }, now: Date): Promise<void> {
  const { was } = input
  const { was: is } = await removeCc(tx, input, now)
  if (!was) return
  await tx`
    insert into ticket_participants (ticket_id, address, name, contact_id, role, added_at)
    values (${input.ticketId}, ${was.address}, ${was.name}, ${was.contactId}, ${was.role}, ${new Date(was.added_at)})`
  if (was.role === 'participant')
    await tellOf(tx, { ...input, address: was.address, type: 'admitted', from: is?.role ?? null }, now)
}

async function standingOf(tx: Tx, ticketId: number): Promise<Standing[]> {
  const rows = await tx<(Omit<Standing, 'added_at'> & { added_at: Date })[]>`
    select address, name, role, contact_id as "contactId", added_at from ticket_participants
    where ticket_id = ${ticketId}`
  return rows.map((row) => ({ ...row, added_at: row.added_at.toISOString() }))
}

/** Somebody of no known customer is nobody's secret-keeper; somebody of another one is that one's. */
async function refuseForeign(
  tx: Tx,
  { ticketId, address, organizationId }: { ticketId: number; address: string; organizationId: number | null },
): Promise<void> {
  if (organizationId === null) return
  const [other] = await tx<{ theirs: string }[]>`
    select theirs.name as theirs from tickets t join organizations theirs on theirs.id = ${organizationId}
    where t.id = ${ticketId} and t.organization_id <> theirs.id`
  if (other)
    throw new Refusal(
      'other_organization',
      `${address} belongs to ${other.theirs}, another customer than that of ticket #${ticketId}: they would read its answers.`,
    )
}

async function tellOf(
  tx: Tx,
  told: Change & { type: 'admitted' | 'dismissed'; from: Role | null },
  now: Date,
): Promise<void> {
  const { ticketId, address, actor, type, from } = told
  await record(tx, { ticketId, actor, events: [{ type, data: { address, from } }] }, now)
  await tx`update tickets set updated_at = ${now} where id = ${ticketId}`
}

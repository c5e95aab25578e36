/** Whose ticket it is: an agent says that it is somebody else's, who has the answers from now on. */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { type Actor, record } from '../events.ts'
import { checkAddress } from '../outbox/address.ts'
import { ensureContact, findContact, findOrganization, sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { mayTakePart } from './may-take-part.ts'
import { reselecting } from './policy.ts'

/**
 * Changes the customer, and with them the organization and the policy (SLA S3). The former one takes no part any more;
 * who should goes into Cc.
 * @returns the address that stood there; `take-back.ts` gives all of it back
 * @throws Refusal `bad_address`, `own_address`, `not_a_person` for machines and lists, `unknown_ticket`, `merged_ticket`
 */
export async function changeRequester(
  tx: Tx,
  input: { ticketId: number; address: string; name?: string; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<{ from: string | null }> {
  const ticket = await lockTicket(tx, input.ticketId)
  const address = checkAddress(input.address.trim())
  const { desk } = input.tools
  if (matchRecipient(desk, address)) throw new Refusal('own_address', `${address} is an address of this desk.`)
  const person = sameAddress(address)
  // an agent may ask, too (6.19)
  if (!desk.agents.has(person) && !mayTakePart(desk, person, []))
    throw new Refusal('not_a_person', `${address} belongs to a machine or to a list, and cannot be a customer.`)
  const from = ticket.requester_address
  if (from && sameAddress(from) === person) return { from }
  const known = await findContact(tx, person)
  const organizationId = known?.organizationId ?? findOrganization(desk, person)?.id ?? null
  const name = input.name?.trim() || known?.name || ''
  const contactId = await ensureContact(tx, { person: { address, name }, organizationId }, now)
  await reselecting(tx, input, now, async () => {
    await tx`
      update tickets set requester_id = ${contactId}, requester_address = ${address}, requester_name = ${name},
        organization_id = ${organizationId}, updated_at = ${now}
      where id = ${ticket.id}`
    const event = { type: 'requester', data: { from, to: address } }
    await record(tx, { ticketId: ticket.id, actor: input.actor, events: [event] }, now)
  })
  return { from }
}

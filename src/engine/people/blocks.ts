/**
 * Senders whose mail is held: an exact address, or a domain with all below it. Nothing is deleted and nothing refused at
 * the wire; a person may release any of it.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Desk } from '../desk.ts'
import { type Actor, record } from '../events.ts'
import { checkAddress } from '../outbox/address.ts'
import { sameAddress } from '../people.ts'

/** What a sender may be blocked by: the address, its domain, and each domain above that. */
export function blocksOf(address: string): string[] {
  const who = sameAddress(address)
  const labels = who.slice(who.lastIndexOf('@') + 1).split('.')
  return [who, ...labels.slice(0, -1).map((_, from) => labels.slice(from).join('.'))].slice(0, 20)
}

/**
 * Blocks an address, or a domain that is written without `@`.
 * @param input.ticketId the ticket that it happened over, whose story tells of it
 * @returns the pattern as it is kept, and whether it was blocked before: then nothing was changed
 * @throws Refusal `bad_address`, `own_address` for what this desk and its agents write from, `public_domain`
 */
export async function blockSender(
  tx: Tx,
  input: { sender: string; ticketId: number | null; actor: Actor; desk: Desk },
  now: Date,
): Promise<{ pattern: string; was: boolean }> {
  const pattern = patternOf(input.sender)
  refuseOwn(pattern, input.desk)
  const { count } = await tx`
    insert into blocked_senders (pattern, blocked_at, blocked_by) values (${pattern}, ${now}, ${input.actor.name})
    on conflict do nothing`
  if (count > 0) await tellTicket(tx, { ...input, type: 'blocked', pattern }, now)
  return { pattern, was: count === 0 }
}

/** The sender's mail is worked on again; what is held stays held. @returns whether it was blocked */
export async function unblockSender(
  tx: Tx,
  input: { sender: string; ticketId: number | null; actor: Actor },
  now: Date,
): Promise<{ pattern: string; was: boolean }> {
  const pattern = patternOf(input.sender)
  const { count } = await tx`delete from blocked_senders where pattern = ${pattern}`
  if (count > 0) await tellTicket(tx, { ...input, type: 'unblocked', pattern }, now)
  return { pattern, was: count > 0 }
}

/** `@evil.example` and `evil.example` are the domain. */
function patternOf(sender: string): string {
  const text = sender.trim()
  const at = text.lastIndexOf('@')
  if (at > 0) return sameAddress(checkAddress(text))
  const domain = checkAddress(`x@${text.slice(at + 1)}`).slice(2)
  if (!domain.includes('.')) throw new Refusal('bad_address', `"${text}" is neither an address nor a domain.`)
  return domain
}

/** A desk that holds its own people's mail cannot be told to stop. */
function refuseOwn(pattern: string, desk: Desk): void {
  const own = [
    ...desk.inboxes.flatMap((inbox) => [inbox.address, ...inbox.aliases]),
    ...desk.agents.keys(),
    ...desk.settings.form_senders,
  ]
  if (own.some((address) => blocksOf(address).includes(pattern)))
    throw new Refusal('own_address', `${pattern} is what this desk or its agents write from, and cannot be blocked.`)
  if (desk.settings.public_domains.has(pattern))
    throw new Refusal('public_domain', `${pattern} is a mail provider of many people: block single addresses.`)
}

async function tellTicket(
  tx: Tx,
  told: { ticketId: number | null; actor: Actor; type: 'blocked' | 'unblocked'; pattern: string },
  now: Date,
): Promise<void> {
  const { ticketId, actor, type, pattern } = told
  if (ticketId === null) return
  await tx`select 1 from tickets where id = ${ticketId} for update`
  await record(tx, { ticketId, actor, events: [{ type, data: { pattern } }] }, now)
}

/** What is remembered of mails that agents send, or that use their addresses. Asked only for those. */
import type { Tx } from '../../database.ts'
import type { IncomingMail, MailAddress } from '../../incoming.ts'
import type { Token } from '../../tokens.ts'
import { type Asked, type Executed, findByNonce, findSendable, readNonce, wasExecuted } from '../challenges.ts'
import type { Agent, Desk, Organization } from '../desk.ts'
import { type Contact, findContact, findOrganization, organizationById, sameAddress } from '../people.ts'
import type { Claims } from '../thread/claims.ts'
import { type Candidate, chooseTicket, type KnownId } from '../thread.ts'
import type { Known } from './arrival.ts'
import { isThanksOnly } from './thanks.ts'

/** What a person said in a ticket after a notification was written. */
export type Newer = { at: Date; name: string; text: string }

export type AgentMemory = {
  /** The question whose nonce the mail carries. */
  asked: Asked | null
  /** Their newest mail in this ticket that `#send` would send. */
  sendable: Asked | null
  /** A mail that is known by the same was carried out before. */
  executed: boolean
  /** Public words of others since the notification that is answered, oldest first. */
  newer: Newer[]
  /** Internal and private texts of the ticket. */
  internal: string[]
  /** Of who wrote the mail that an agent forwards. */
  original: { contact: Contact | null; organization: Organization | null } | null
}

/** Tokens that only agents get (5.7). */
export const agentTokens = (claims: Claims): Token[] =>
  claims.tokens.filter(({ purpose }) => purpose === 'a' || purpose === 'n')

/** Null where no agent is named and no address of theirs was used. */
export async function loadAgentMemory(
  tx: Tx,
  arrival: Known,
  given: {
    desk: Desk
    claims: Claims
    found: { candidates: Map<number, Candidate>; known: KnownId[] }
    from: MailAddress | null
    agent: Agent | null
  },
  now: Date,
): Promise<AgentMemory | null> {
  const { mail } = arrival
  if (mail.error !== null) return null
  const { agent, claims, desk, found, from } = given
  const [token] = agentTokens(claims)
  const nonce = nonceIn(mail, arrival.recipients)
  if (!token && !agent && nonce === null) return null
  const asked = nonce === null ? null : await findByNonce(tx, nonce, now)
  const { ticket } = chooseTicket(claims, found, from?.address ?? null)
  const whose = agent && ticket ? { agentId: agent.id, ticketId: ticket.id } : null
  // of a ticket that went into another the numbers are others: what was shown is not known
  const shown = token && ticket && token.ticket === ticket.id ? token.comment : null
  return {
    asked,
    sendable: whose && (await findSendable(tx, whose, now)),
    executed: await wasExecuted(tx, executedOf(mail, token ?? null)),
    newer: whose && token ? await findNewer(tx, { ...whose, shown }, given) : [],
    internal: whose ? await findInternal(tx, whose.ticketId) : [],
    original: agent && arrival.forward?.from ? await findOriginal(tx, arrival.forward.from.address, desk) : null,
  }
}

/** What the mail will be known by (COMMANDS E5.5). */
export const executedOf = (mail: IncomingMail, token: Token | null): Executed => ({
  messageId: mail.messageId,
  address: token && [token.purpose, token.ticket, token.person, token.generation, token.comment].join('/'),
  body: mail.bodySha256,
})

/** A nonce in an address, the subject or the text, in this order. */
function nonceIn(mail: IncomingMail, recipients: string[]): string | null {
  const addresses = [...recipients, ...mail.to.map((one) => one.address), ...mail.cc.map((one) => one.address)]
  for (const place of [...addresses, mail.subject, mail.text.slice(0, READ)]) {
    const nonce = readNonce(place)
    if (nonce !== null) return nonce
  }
  return null
}

const READ = 65_536 // characters of the text

/**
 * What would have been answered too, had it been known: customers' words, and other agents' answers that were not taken
 * back. Thanks, machines' words and what looks like spam do not count.
 */
async function findNewer(
  tx: Tx,
  { ticketId, agentId, shown }: { ticketId: number; agentId: number; shown: number | null },
  { desk }: { desk: Desk },
): Promise<Newer[]> {
  const rows = await tx<(Newer & { role: string })[]>`
    select c.at, coalesce(nullif(c.author_name, ''), c.author_address, '') as name, c.visible as text,
      c.author_role as role
    from comments c
    where c.ticket_id = ${ticketId} and (${shown === null} or exists (
        select from events e where e.ticket_id = c.ticket_id and e.seq > ${shown}
          and e.type in ('customer_comment', 'agent_reply') and (e.data ->> 'comment')::bigint = c.id))
      and c.visibility = 'public' and not c.automatic and not c.flags && '{spam_flagged,unverified_sender}'
      and (c.author_role <> 'agent' or c.agent_id is distinct from ${agentId})
      and (c.author_role <> 'agent' or c.flags && '{sent_outside}' or exists (
        select from outbox o where o.comment_id = c.id and o.kind = 'reply' and o.state not in ('cancelled', 'suppressed')))
    order by c.id`
  const names = [...desk.agents.values(), ...desk.inboxes].map((one) => one.name)
  return rows
    .filter((row) => row.role === 'agent' || !isThanksOnly(row.text, [row.name, ...names]))
    .map(({ at, name, text }) => ({ at, name, text }))
}

async function findOriginal(tx: Tx, written: string, desk: Desk) {
  const address = sameAddress(written)
  const contact = await findContact(tx, address)
  const organization = organizationById(desk, contact?.organizationId) ?? findOrganization(desk, address)
  return { contact, organization }
}

async function findInternal(tx: Tx, ticketId: number): Promise<string[]> {
  const rows = await tx<{ text: string }[]>`
    select text from comments where ticket_id = ${ticketId} and visibility <> 'public' and not automatic
    order by id desc limit 200`
  return rows.map((row) => row.text)
}

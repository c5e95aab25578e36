/** What a decision rests on: what arrived, and what the database remembers of it. Loaded once, then only read. */
import { ask, each, type Queryable, type Tx } from '../../database.ts'
import type { IncomingMail, MailAddress } from '../../incoming.ts'
import { after, MINUTE } from '../../time.ts'
import { type AnsweredStatement, findAnswered } from '../billing/statements/read.ts'
import { findReported, type Reported } from '../bounces/find.ts'
import type { Agent, Desk, Inbox, Organization } from '../desk.ts'
import type { KindMemory } from '../kind.ts'
import { type Failures, findFailures, isTooMany } from '../outbox/failures.ts'
import { blocksOf } from '../people/blocks.ts'
import { type Contact, findContact, findOrganization, organizationById, sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'
import { countReopens, findSender, type SenderRecord } from '../storms.ts'
import { type Claims, NO_CLAIMS, readClaims } from '../thread/claims.ts'
import { externalIds } from '../thread/correlate.ts'
import { findMatters } from '../thread/matters.ts'
import { type Candidate, findCandidates, type KnownId } from '../thread.ts'
import type { Tools } from '../tools.ts'
import { type AgentMemory, loadAgentMemory } from './agent-facts.ts'
import type { Known } from './arrival.ts'
import { type Identity, identify, isProven } from './identity.ts'

export type { Arrival, Known } from './arrival.ts'

export type Facts = {
  desk: Desk
  /** Locales that have templates. */
  locales: readonly string[]
  /** The inboxes it came to, first of To, then Cc, then envelope (3.6); never empty. */
  inboxes: Inbox[]
  tag: string | null
  /** Who wrote it. */
  from: MailAddress | null
  identity: Identity
  contact: Contact | null
  agent: Agent | null
  organization: Organization | null
  memory: KindMemory
  claims: Claims
  /** Bad reply addresses from the same client and sender before; null: the mail names no signed address. */
  failures: Failures | null
  candidates: Map<number, Candidate>
  /** Of those that are done: how often mails opened them within the hour (6.15). */
  reopened: Map<number, number>
  /** Open tickets by the keys of rules that connect mails (4a.19). */
  matters: Map<string, number>
  /** Null where nobody is named. */
  sender: SenderRecord | null
  /** Nothing is written to the author: a mail to them came back (8.26). */
  suppressed: boolean
  /** The address or domain of the author that an agent has blocked. */
  blocked: string | null
  /** What a machine's report is about; null for other mail. */
  reported: Reported | null
  known: KnownId[]
  /** The statement whose reply address was used (C11). */
  statement: AnsweredStatement | null
  /** Null where no agent is named and no address of theirs was used. */
  agents: AgentMemory | null
}

/** Loads everything a decision needs, in one round trip where the mail allows, and locks the tickets it names. */
export async function loadFacts(tx: Tx, arrival: Known, tools: Tools, now: Date): Promise<Facts> {
  const { desk, keys } = tools
  const { mail } = arrival
  const identity = identify(arrival, desk)
  const from = identity.author
  // 5.6, 6.23: a forged From leads to nobody, until a person has vouched for the mail
  const forged = arrival.auth.verdict === 'fail'
  const { inboxes, tag } = inboxesOf(arrival, desk)
  const whole = mail.error === null ? mail : null
  const read = whole
    ? readClaims(
        whole,
        {
          addresses: addressesOf(arrival, whole),
          external: externalIds(whole, from, arrival.auth, desk),
          provider: arrival.providerThread,
          insider: isByAgent(arrival, identity, desk),
        },
        desk,
        keys,
      )
    : NO_CLAIMS
  const address = from ? sameAddress(from.address) : null
  const isSigned = read.badToken || read.tokens.length > 0 || read.proofs.length > 0
  const source = { client: arrival.client, sender: from?.address ?? null }
  const isStatement = read.tokens.some(({ purpose }) => purpose === 's')
  const [failures, found, sender, matters, reported, contact, ourMail, statement] = await Promise.all([
    isSigned ? findFailures(tx, source, arrival.receivedAt) : null,
    findCandidates(tx, read),
    whole && findSender(tx, { mail: whole, ours: [...read.ours.keys()], at: arrival.receivedAt }),
    whole && from ? findMatters(tx, desk, { from: from.address, subject: whole.subject }) : new Map<string, number>(),
    whole && isReport(arrival) ? findReported(tx, { mail: whole, tokens: read.tokens, keys }) : null,
    address && (!forged || arrival.releasedAt) ? findContact(tx, address) : null,
    ourTraces(tx, { messageId: mail.messageId, address }, now),
    isStatement ? findAnswered(tx, read.tokens) : null,
  ])
  const done = [...found.candidates.values()].filter(({ status }) => status === 'resolved' || status === 'closed')
  const reopened = await countReopens(
    tx,
    done.map(({ id }) => id),
    now,
  )
  const organization = forged
    ? null
    : (organizationById(desk, contact?.organizationId) ?? (address ? findOrganization(desk, address) : null))
  const classification = arrival.classification
  // what a person released was looked at
  const guessed = failures !== null && isTooMany(failures) && !arrival.releasedAt && !arrival.archive
  const claims = { ...read, guessed }
  const agent = (address && desk.agents.get(address)) || null
  const agents = await loadAgentMemory(tx, arrival, { desk, claims, found, from, agent }, now)
  return {
    desk,
    locales: tools.templates.locales,
    inboxes,
    tag,
    from,
    identity,
    contact,
    agent,
    organization,
    memory: {
      ownMessageId: ourMail.own,
      ownLoop: classification?.loopIds.includes(keys.instance) ?? false,
      fromOwnInbox: address !== null && matchRecipient(desk, address) !== null,
      ownList: classification?.listIds.some((id) => desk.settings.own_lists.includes(id)) ?? false,
      referencesOurs: claims.ours.size > 0,
      recentlyMailed: ourMail.recently,
    },
    claims,
    failures,
    candidates: found.candidates,
    reopened,
    matters,
    sender,
    reported,
    suppressed: ourMail.suppressed,
    blocked: ourMail.blocked,
    known: found.known,
    statement,
    agents,
  }
}

/** Whether an agent is proven to have written it, or has said so (5.6). */
function isByAgent({ mail, auth, confirmed }: Known, identity: Identity, desk: Desk): boolean {
  const agent = identity.author ? desk.agents.get(sameAddress(identity.author.address)) : undefined
  if (!agent || mail.error !== null || mail.allFrom.length !== 1 || mail.fromIrregular) return false
  return confirmed?.agent === agent.address || isProven(auth, identity)
}

/** Whether the From header itself named somebody: only then is there a contact and an acknowledgement (4.8). */
export const hasAuthor = (arrival: Known): boolean => arrival.mail.from !== null

const isReport = ({ classification }: Known): boolean =>
  classification !== null && ['dsn', 'arf', 'mdn'].includes(classification.kind)

function addressesOf(arrival: Known, mail: IncomingMail): string[] {
  return [
    ...arrival.recipients,
    ...mail.deliveredTo,
    ...mail.to.map((one) => one.address),
    ...mail.cc.map((one) => one.address),
  ]
}

/** All of our inboxes that the mail names, in the order of 3.6; a Bcc is found by its envelope (3.7). */
function inboxesOf(arrival: Known, desk: Desk): { inboxes: Inbox[]; tag: string | null } {
  const { mail } = arrival
  const named = mail.error === null ? [...mail.to, ...mail.cc].map((one) => one.address) : []
  const envelope = arrival.recipients
  const matches = [...named, ...envelope].flatMap((address) => matchRecipient(desk, address) ?? [])
  const inboxes = [...new Set(matches.map((match) => match.inbox))]
  return {
    inboxes: inboxes.length ? inboxes : [desk.inboxes[0]!],
    tag: matches.find((match) => match.tag)?.tag ?? null,
  }
}

type Traces = { own: boolean; recently: boolean; suppressed: boolean; blocked: string | null }

/** Whether the mail is our own coming back (3.10), and whether we wrote to its sender in the last ten minutes (4a.16). */
async function ourTraces(
  sql: Queryable,
  mail: { messageId: string | null; address: string | null },
  now: Date,
): Promise<Traces> {
  const { messageId, address } = mail
  const senders = address === null ? [] : blocksOf(address)
  const asked = { message_id: messageId, address, senders, since: after(now, -10 * MINUTE), now }
  const [row] = await ask<Traces>(sql, TRACES, asked)
  return row!
}

const TRACES = each(
  'message_id text, address text, senders text[], since timestamptz, now timestamptz',
  `select exists (select from outbox where message_id = given.message_id offset 0) as own,
     exists (select from outbox where recipient = given.address
             and created_at > given.since and state not in ('cancelled', 'suppressed') offset 0) as recently,
     (select max(pattern) from blocked_senders where pattern = any(given.senders)) as blocked,
     exists (select from suppressions where suppressions.address = given.address and expires_at > given.now offset 0) as suppressed`,
)

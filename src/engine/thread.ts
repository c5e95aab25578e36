/**
 * Which ticket a mail belongs to (MAIL 6). Signals are tried in the order of 6.1; the first whose admission test (6.3)
 * passes wins. A signal never says who wrote: it selects a ticket, nothing else (5.9).
 */
import type { Queryable, Statement, Tx } from '../database.ts'
import type { IncomingMail } from '../incoming.ts'
import { type Keys, readMessageId, readSignedAddress, type Token } from '../tokens.ts'
import type { Desk } from './desk.ts'
import { sameAddress } from './people.ts'
import type { Status } from './tables.ts'

/** A ticket that some signal of the mail names, as it stands now; its row is locked. */
export type Candidate = {
  id: number
  status: Status
  subject: string
  baseSubject: string
  projectId: number
  teamId: number | null
  assigneeId: number | null
  assigneeActive: boolean
  organizationId: number | null
  requesterId: number | null
  requesterAddress: string | null
  inboxId: number | null
  tokenGeneration: number
  resolvedAt: Date | null
  closedAt: Date | null
  mergedInto: number | null
  deletedAt: Date | null
  spamAt: Date | null
  /** Addresses that take part: may read and write by mail. */
  participants: string[]
}

/** A stored Message-ID that the mail refers to. */
export type KnownId = { messageId: string; ticketId: number; direction: 'in' | 'out'; people: string[] }

export type Signal = 'token' | 'our_id' | 'foreign_id' | 'subject_tag'

/** What the mail itself says about its conversation; nothing looked up yet. */
export type Claims = {
  /** Tokens of our signed addresses, valid by their MAC. */
  tokens: Token[]
  /** An address that looks signed and is not valid (1.8). */
  badToken: boolean
  /** Referred ids in the order of 6.1: In-Reply-To, then References right to left; ours only when the MAC is good. */
  ids: string[]
  /** Ticket numbers of ids that are ours. */
  ours: Map<string, number>
  /** The last `[<prefix>#n]` of the subject (6.6). */
  tag: number | null
}

export type RefusedClaim = { by: Signal; ticket: number; why: string }
export type Threading = {
  ticket: Candidate | null
  by: Signal | null
  /** The author was neither requester nor participant: the comment stands, they are pending (6.3, 6.9). */
  stranger: boolean
  refused: RefusedClaim[]
}

/**
 * Reads the claims of a mail (6.1, 6.2, 6.6). Pure.
 * @param addresses envelope recipients, then Delivered-To, X-Original-To, To and Cc
 */
export function readClaims(mail: IncomingMail, addresses: string[], desk: Desk, keys: Keys): Claims {
  const tokens: Token[] = []
  let badToken = false
  const bases = desk.inboxes.flatMap((inbox) => [inbox.address, ...inbox.aliases])
  for (const address of new Set(addresses.map(sameAddress))) {
    if (!/\+r[a-z2-7]/.test(address)) continue
    const read = bases.map((base) => readSignedAddress(keys, base, address)).find((token) => token)
    if (read) tokens.push(read)
    else if (/\+r[a-z2-7]{20,}@/.test(address) && bases.some((base) => sharesBase(base, address))) badToken = true
  }
  const ids = [...new Set([...mail.inReplyTo, ...mail.references.toReversed()])]
  const ours = new Map<string, number>()
  for (const id of ids) {
    const read = readMessageId(keys, id)
    if (read) ours.set(id, read.ticket)
  }
  return { tokens, badToken, ids, ours, tag: readTag(mail.subject, desk.settings.subject_prefix) }
}

/** The ticket number of `[<prefix>#<digits>]`; the last one wins, text may touch it (6.6). */
export function readTag(subject: string, prefix: string): number | null {
  const literal = prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const tags = [...subject.matchAll(new RegExp(`\\[${literal}#(\\d{1,12})\\]`, 'gi'))]
  return tags.length ? Number(tags.at(-1)![1]) : null
}

/** Looks the claims up and locks the tickets they name, lowest number first, so that two mails cannot deadlock. */
export async function findCandidates(
  tx: Tx,
  claims: Claims,
): Promise<{ candidates: Map<number, Candidate>; known: KnownId[] }> {
  const numbers = [...claims.tokens.map((token) => token.ticket), ...claims.ours.values()]
  if (claims.tag !== null) numbers.push(claims.tag)
  if (!numbers.length && !claims.ids.length) return { candidates: new Map(), known: [] }
  const [known, rows] = await Promise.all([
    tx<KnownId[]>`
      select message_id as "messageId", ticket_id as "ticketId", direction, people
      from message_ids where message_id = any(${claims.ids})`,
    // An array, because `or t.id in (select ...)` reads all tickets.
    tx<Candidate[]>`
      select ${ticketColumns(tx)} from tickets t left join agents a on a.id = t.assignee_id
      where t.id = any(${numbers}::bigint[] || array(
        select ticket_id from message_ids where message_id = any(${claims.ids})))
      order by t.id for update of t`,
  ])
  const candidates = new Map(rows.map((row) => [row.id, candidateOf(row)]))
  await followMerges(tx, candidates)
  return { candidates, known }
}

/**
 * Chooses the ticket (6.1 (1)-(3), (6)) and admits or refuses (6.3). Pure.
 * @param author the From address, or null
 */
export function chooseTicket(
  claims: Claims,
  found: { candidates: Map<number, Candidate>; known: KnownId[] },
  author: string | null,
): Threading {
  const refused: RefusedClaim[] = []
  const outs = new Map<string, KnownId>()
  const ins = new Map<string, KnownId[]>()
  for (const id of found.known)
    if (id.direction === 'out') outs.set(id.messageId, id)
    else ins.set(id.messageId, [...(ins.get(id.messageId) ?? []), id])

  const signals: { by: Signal; number: number; people: string[] | null; generation?: number }[] = [
    ...claims.tokens
      .filter((token) => token.purpose !== 'b')
      .map((token) => ({ by: 'token' as const, number: token.ticket, people: null, generation: token.generation })),
    // ours need the MAC and, but for the root of 8.2, which stands in no row, a row
    ...claims.ids
      .filter((id) => claims.ours.has(id) && (outs.has(id) || id.startsWith('t.')))
      .map((id) => ({ by: 'our_id' as const, number: outs.get(id)?.ticketId ?? claims.ours.get(id)!, people: null })),
    ...claims.ids.flatMap((id) =>
      (ins.get(id) ?? []).map((known) => ({ by: 'foreign_id' as const, number: known.ticketId, people: known.people })),
    ),
    ...(claims.tag === null ? [] : [{ by: 'subject_tag' as const, number: claims.tag, people: [] }]),
  ]
  for (const signal of signals) {
    const named = found.candidates.get(signal.number)
    const ticket = named && target(named, found.candidates)
    const why = !ticket ? 'no such ticket' : refusal(signal, named, ticket, author)
    if (!why) return { ticket: ticket!, by: signal.by, stranger: !takesPart(ticket!, author), refused }
    if (!refused.some((one) => one.by === signal.by && one.ticket === signal.number))
      refused.push({ by: signal.by, ticket: signal.number, why })
  }
  return { ticket: null, by: null, stranger: false, refused }
}

export type MailId = {
  messageId: string
  ticketId: number
  commentId: number | null
  direction: 'in' | 'out'
  /** Of a mail that came in: who may refer to it (6.3). */
  people?: string[]
  baseSubject?: string
}

/** Stores the id of a mail that goes out, before it is sent (8.1). */
export async function rememberOutgoing(
  tx: Tx,
  mail: { messageId: string; ticketId: number; commentId: number | null },
  now: Date,
): Promise<void> {
  await messageIdRows(tx, [{ ...mail, direction: 'out' }], now)
}

/** The ids of mails in the order of their conversation, as a statement to be run with others. */
export function messageIdRows(tx: Queryable, mails: MailId[], now: Date): Statement {
  const rows = mails.map((mail) => ({
    message_id: mail.messageId,
    ticket_id: mail.ticketId,
    comment_id: mail.commentId,
    direction: mail.direction,
    people: (mail.people ?? []).map(sameAddress),
    base_subject: mail.direction === 'in' ? (mail.baseSubject ?? '') : null,
    at: now,
  }))
  return tx`insert into message_ids ${tx(rows)} on conflict (message_id, ticket_id) do nothing`
}

/** Whether the author is the requester or a participant. */
export const takesPart = (ticket: Candidate, author: string | null): boolean =>
  author !== null &&
  (sameAddress(ticket.requesterAddress ?? '') === sameAddress(author) ||
    ticket.participants.includes(sameAddress(author)))

const ticketColumns = (tx: Queryable) => tx`
  t.id, t.status, t.subject, t.base_subject as "baseSubject", t.project_id as "projectId", t.team_id as "teamId",
  t.assignee_id as "assigneeId", a.id is not null and a.disabled_at is null as "assigneeActive",
  t.organization_id as "organizationId", t.requester_id as "requesterId",
  t.requester_address as "requesterAddress", t.inbox_id as "inboxId", t.token_generation as "tokenGeneration",
  t.resolved_at as "resolvedAt", t.closed_at as "closedAt", t.merged_into as "mergedInto",
  t.deleted_at as "deletedAt", t.spam_at as "spamAt",
  array(
    select p.address from ticket_participants p where p.ticket_id = t.id and p.role = 'participant'
    union all
    select c.address from contact_addresses c where c.contact_id = t.requester_id) as participants`

const candidateOf = (row: Candidate): Candidate => ({ ...row, participants: row.participants.map(sameAddress) })

/** Adds the tickets that merged ones went into, at most 10 hops away (6.13); rare, so hop by hop. */
async function followMerges(tx: Tx, candidates: Map<number, Candidate>): Promise<void> {
  for (let hop = 0; hop < MERGE_HOPS; hop++) {
    const missing = [...candidates.values()].flatMap((one) =>
      one.mergedInto !== null && !candidates.has(one.mergedInto) ? [one.mergedInto] : [],
    )
    if (!missing.length) return
    const rows = await tx<Candidate[]>`
      select ${ticketColumns(tx)} from tickets t left join agents a on a.id = t.assignee_id
      where t.id = any(${missing}::bigint[]) order by t.id for update of t`
    if (!rows.length) return
    for (const row of rows) candidates.set(row.id, candidateOf(row))
  }
}

const MERGE_HOPS = 10

/** The final target of a merged ticket, cycle-safe; null when the chain leads nowhere (6.13). */
function target(from: Candidate, candidates: Map<number, Candidate>): Candidate | null {
  let at: Candidate | undefined = from
  for (let hop = 0; at && hop <= MERGE_HOPS; hop++) {
    if (at.mergedInto === null) return at
    at = candidates.get(at.mergedInto)
  }
  return null
}

/** Why a signal does not lead to its ticket, or null (6.3, 5.8, 6.14). */
function refusal(
  signal: { by: Signal; people: string[] | null; generation?: number },
  named: Candidate | undefined,
  ticket: Candidate,
  author: string | null,
): string | null {
  if (signal.generation !== undefined && named && signal.generation !== named.tokenGeneration)
    return 'the address was revoked'
  if (ticket.deletedAt) return 'the ticket was deleted'
  if (signal.people === null || takesPart(ticket, author)) return null // knowledge of a secret id admits any sender
  if (author && signal.people.includes(sameAddress(author))) return null
  return 'the sender takes no part in that ticket'
}

const sharesBase = (inbox: string, address: string) => {
  const at = inbox.lastIndexOf('@')
  return address.startsWith(`${inbox.slice(0, at).toLowerCase()}+r`) && address.endsWith(inbox.slice(at).toLowerCase())
}

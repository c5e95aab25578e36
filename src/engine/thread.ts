/**
 * Which ticket a mail belongs to (MAIL 6). Signals are tried in the order of 6.1; the first whose admission test (6.3)
 * passes wins. A signal never says who wrote: it selects a ticket, nothing else (5.9).
 */
import { ask, askTogether, type Change, change, each, type Queryable, type Statement, type Tx } from '../database.ts'
import { tickets as limits } from '../limits.ts'
import type { OutlookThread } from './outbox/thread-index.ts'
import { sameAddress } from './people.ts'
import type { Status } from './tables.ts'
import type { Claims } from './thread/claims.ts'

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
export type KnownId = {
  messageId: string
  ticketId: number
  /**
   * `ancestor`: a stored mail refers to it, and it was never seen. `external`, `provider`: no Message-ID (6.24, 6.1 (7)).
   * `side`: a side question, or an answer to one.
   */
  direction: 'in' | 'out' | 'ancestor' | 'external' | 'provider' | 'side'
  people: string[]
  baseSubject: string | null
}

/** `side`: it answers a side question, by its reply address or its ids; nobody but agents may read it (5.9). */
export type Signal =
  | 'token'
  | 'side'
  | 'our_id'
  | 'foreign_id'
  | 'ancestor'
  | 'external_id'
  | 'body_token'
  | 'subject_tag'
  | 'provider'

export type RefusedClaim = { by: Signal; ticket: number; why: string }
export type Threading = {
  ticket: Candidate | null
  by: Signal | null
  /** The author was neither requester nor participant: the comment stands, they are pending (6.3, 6.9). */
  stranger: boolean
  refused: RefusedClaim[]
  /** Other tickets that later signals lead to, and would be let in at (6.1). */
  also: { by: Signal; ticket: number }[]
}

/** Looks the claims up and locks the tickets they name, lowest number first, so that two mails cannot deadlock. */
export async function findCandidates(
  tx: Tx,
  claims: Claims,
): Promise<{ candidates: Map<number, Candidate>; known: KnownId[] }> {
  const numbers = [
    ...claims.tokens.map((token) => token.ticket),
    ...claims.ours.values(),
    ...claims.proofs.map((proof) => proof.ticket),
  ]
  if (claims.tag !== null) numbers.push(claims.tag)
  const names = [...claims.ids, claims.messageId, ...claims.external, claims.provider].filter((one) => one !== null)
  if (!numbers.length && !names.length) return { candidates: new Map(), known: [] }
  const lookUp = () => ask<KnownId>(tx, KNOWN_IDS, { names })
  // nearly every mail that names nothing but itself is the first of its conversation
  const isAlone = !numbers.length && names.every((name) => name === claims.messageId)
  const first = isAlone ? await lookUp() : null
  if (first?.length === 0) return { candidates: new Map(), known: [] }
  const [known, locked] = await Promise.all([first ?? lookUp(), askTogether(tx, lockNamed, { numbers, names })])
  const candidates = new Map<number, Candidate>()
  for (const number of [...numbers, ...known.map((one) => one.ticketId)])
    for (let id: number | null = number; id !== null && !candidates.has(id); ) {
      const row = locked.get(id)
      if (row) candidates.set(id, row)
      id = row?.mergedInto ?? null
    }
  await followMerges(tx, candidates)
  return { candidates, known }
}

type Named = { numbers: number[]; names: string[] }

/** All tickets that mails of one transaction name, locked in one order. */
async function lockNamed(tx: Tx, asked: Named[]): Promise<Map<number, Candidate>> {
  const numbers = asked.flatMap((one) => one.numbers)
  const names = asked.flatMap((one) => one.names)
  // An array, because `or t.id in (select ...)` reads all tickets. The targets of merged ones are locked with them,
  // in one order, so that a mail and a merge cannot wait for each other.
  const rows = await tx<Candidate[]>`
    select ${ticketColumns(tx)} from tickets t left join agents a on a.id = t.assignee_id
    where t.id = any(array(
      with recursive named as (
        select id, 0 as hop from unnest(${numbers}::bigint[] || array(
          select ticket_id from message_ids where message_id = any(${names}))) as id
        union
        select t.merged_into, hop + 1 from named join tickets t on t.id = named.id
        where t.merged_into is not null and hop < ${MERGE_HOPS})
      select id from named))
    order by t.id for update of t`
  return new Map(rows.map((row) => [row.id, candidateOf(row)]))
}

/** One ticket, or what it was merged into, locked; null where it was deleted or leads nowhere (6.13, 6.14). */
export async function findStanding(tx: Tx, id: number): Promise<Candidate | null> {
  const rows = await tx<Candidate[]>`
    select ${ticketColumns(tx)} from tickets t left join agents a on a.id = t.assignee_id
    where t.id = ${id} for update of t`
  const candidates = new Map(rows.map((row) => [row.id, candidateOf(row)]))
  await followMerges(tx, candidates)
  const named = candidates.get(id)
  const standing = named ? target(named, candidates) : null
  return standing && standing.deletedAt === null ? standing : null
}

const KNOWN_IDS = each(
  'names text[]',
  `select message_id as "messageId", ticket_id as "ticketId", direction, people, base_subject as "baseSubject"
   from message_ids where message_id = any(given.names) order by id offset 0`,
)

type Lead = {
  by: Signal
  number: number
  /** Who may refer to it besides those who take part; null: it is a secret, and admits any sender. */
  people: string[] | null
  generation?: number
  /** Where the subject must be the same: one of these. */
  subjects?: (string | null)[]
}

/**
 * Chooses the ticket (6.1) and admits or refuses (6.3). Pure.
 * @param author the From address, or null
 */
export function chooseTicket(
  claims: Claims,
  found: { candidates: Map<number, Candidate>; known: KnownId[] },
  author: string | null,
): Threading {
  const threading: Threading = { ticket: null, by: null, stranger: false, refused: [], also: [] }
  for (const lead of leadsOf(claims, found.known)) {
    const named = found.candidates.get(lead.number)
    const ticket = named && target(named, found.candidates)
    const why = !ticket ? 'no such ticket' : refusal({ lead, named, ticket, claims }, author)
    const one = { by: lead.by, ticket: lead.number }
    const same = (other: { by: Signal; ticket: number }) => other.by === one.by && other.ticket === one.ticket
    if (why) {
      // beside a ticket that was found, only what could have led elsewhere is of interest
      if (!threading.ticket && !threading.refused.some(same)) threading.refused.push({ ...one, why })
    } else if (!threading.ticket) {
      threading.ticket = ticket!
      threading.by = lead.by
      threading.stranger = !takesPart(ticket!, author)
    } else if (ticket!.id !== threading.ticket.id && !threading.also.some((other) => other.ticket === ticket!.id))
      threading.also.push({ by: lead.by, ticket: ticket!.id })
  }
  return threading
}

/** All that leads to a ticket, in the order of 6.1; of another system's number the newest ticket first (6.24). */
function leadsOf(claims: Claims, known: KnownId[]): Lead[] {
  const byDirection = Map.groupBy(known, (id) => id.direction)
  const of = (direction: KnownId['direction'], id: string | null) =>
    (byDirection.get(direction) ?? []).filter((one) => one.messageId === id)
  const outs = new Map((byDirection.get('out') ?? []).map((id) => [id.messageId, id]))
  const leads = (by: Signal, ids: KnownId[]): Lead[] =>
    ids.map(({ ticketId, people, baseSubject }) => ({ by, number: ticketId, people, subjects: [baseSubject] }))
  return [
    ...movedAnswer(claims, outs),
    ...claims.tokens
      .filter((token) => token.purpose !== 'b' && token.ticket !== 0) // 0: of a digest, which is no ticket's
      .map(({ purpose, ticket, generation }): Lead => {
        const by = purpose === 'q' ? 'side' : 'token'
        return { by, number: ticket, people: null, generation }
      }),
    // ours is a secret; of an answer those may refer to it who are named in it
    ...claims.ids.flatMap((id) =>
      of('side', id).map((one): Lead => {
        return { by: 'side', number: one.ticketId, people: claims.ours.has(id) ? null : one.people }
      }),
    ),
    // ours need the MAC and, but for the root of 8.2, which stands in no row, a row
    ...claims.ids
      .filter((id) => claims.ours.has(id) && (outs.has(id) || id.startsWith('t.')))
      .map((id): Lead => ({ by: 'our_id', number: outs.get(id)?.ticketId ?? claims.ours.get(id)!, people: null })),
    // the root of agents' mails leads agents alone: who has it otherwise got a notification passed on (0.7)
    ...claims.ids
      .filter((id) => claims.inside.has(id))
      .map((id): Lead => {
        const number = claims.ours.get(id)!
        return claims.insider ? { by: 'our_id', number, people: null } : { by: 'foreign_id', number, people: [] }
      }),
    ...claims.ids.flatMap((id) =>
      of('in', id).map((one): Lead => ({ by: 'foreign_id', number: one.ticketId, people: one.people })),
    ),
    ...[...claims.ids, claims.messageId].flatMap((id) => leads('ancestor', of('ancestor', id))),
    ...claims.external.flatMap((id) =>
      of('external', id)
        .toReversed()
        .map((one): Lead => ({ by: 'external_id', number: one.ticketId, people: null })),
    ),
    ...claims.proofs.map(
      ({ ticket, generation }): Lead => ({
        by: 'body_token',
        number: ticket,
        people: null,
        ...(generation !== undefined && { generation }),
      }),
    ),
    ...(claims.tag === null ? [] : [{ by: 'subject_tag' as const, number: claims.tag, people: [] }]),
    ...leads('provider', of('provider', claims.provider).toReversed()),
  ]
}

/** What is answered went to another ticket by a split, and its reply address still names the one it was written in. */
function movedAnswer({ ids: [answered], ours, tokens }: Claims, outs: Map<string, KnownId>): Lead[] {
  const now = answered === undefined ? undefined : outs.get(answered)?.ticketId
  const then = answered === undefined ? undefined : ours.get(answered)
  const isMoved = now !== undefined && now !== then && tokens.some((token) => token.ticket === then)
  return isMoved ? [{ by: 'our_id', number: now, people: null }] : []
}

export type MailId = {
  messageId: string
  ticketId: number
  commentId: number | null
  direction: 'in' | 'out' | 'matter' | 'side'
  /** Of a mail that came in: who may refer to it (6.3). */
  people?: string[]
  baseSubject?: string
}

/** The mails of a ticket that its customers know, oldest first: what a mail to them refers to (8.1). */
export const knownMails = async (tx: Tx, ticketId: number) =>
  await tx<{ message_id: string; thread: OutlookThread | null }[]>`
    select m.message_id, c.thread from message_ids m left join comments c on c.id = m.comment_id
    where m.ticket_id = ${ticketId} and m.direction in ('in', 'out') and (c.id is null or c.visibility = 'public')
    order by m.id`

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
  return change(tx, MESSAGE_IDS, rows)
}

/** What was only referred to has come now. */
const MESSAGE_IDS: Change = {
  columns: `message_id text, ticket_id bigint, comment_id bigint, direction text, people text[], base_subject text,
    at timestamptz`,
  sql: `
    insert into message_ids (message_id, ticket_id, comment_id, direction, people, base_subject, at)
    select * from given on conflict (message_id, ticket_id) do update
    set comment_id = excluded.comment_id, direction = excluded.direction, people = excluded.people,
        base_subject = excluded.base_subject, at = excluded.at
    where message_ids.direction = 'ancestor'`,
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
    select c.address from ticket_participants p join contact_addresses c on c.contact_id = p.contact_id
    where p.ticket_id = t.id and p.role = 'participant'
    union all
    select c.address from contact_addresses c where c.contact_id = t.requester_id) as participants`

const candidateOf = (row: Candidate): Candidate => ({ ...row, participants: row.participants.map(sameAddress) })

/** Adds targets of merges that were made while this mail waited for the lock, at most 10 hops away (6.13). */
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

const MERGE_HOPS = limits.mergeHops

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
  claim: { lead: Lead; named: Candidate | undefined; ticket: Candidate; claims: Claims },
  author: string | null,
): string | null {
  const { lead, named, ticket } = claim
  if (lead.generation !== undefined && named && lead.generation !== named.tokenGeneration)
    return 'the address was revoked'
  if (ticket.deletedAt) return 'the ticket was deleted'
  if (lead.subjects && !sameSubject(claim.claims.baseSubject, [...lead.subjects, ticket.baseSubject]))
    return 'the subject is another'
  const isSigned = lead.by === 'token' || lead.by === 'side' || lead.by === 'body_token'
  if (claim.claims.guessed && isSigned && !takesPart(ticket, author))
    return 'too many reply addresses that are not ours came from there within the hour'
  if (lead.people === null || takesPart(ticket, author)) return null // knowledge of a secret id admits any sender
  if (author && lead.people.includes(sameAddress(author))) return null
  return 'the sender takes no part in that ticket'
}

/** No subject is no evidence. */
function sameSubject(subject: string, others: (string | null)[]): boolean {
  const fold = (text: string) => text.normalize('NFC').trim().toLowerCase()
  return subject.trim() !== '' && others.some((other) => other !== null && fold(other) === fold(subject))
}

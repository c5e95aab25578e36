/**
 * Which of our mails a report is about (4a.4): by the signed address it was sent to, by the Message-ID of the mail that
 * came back with it, or, proving nothing, by an id of ours somewhere in its words. Reads, and locks the tickets.
 */
import type { Tx } from '../../database.ts'
import type { IncomingMail } from '../../incoming.ts'
import { report as limits } from '../../limits.ts'
import { type Keys, readMessageId, type Token } from '../../tokens.ts'
import type { OutboxKind } from '../outbox/tables.ts'
import type { Status } from '../tables.ts'

/** An outgoing mail that a report may be about; its ticket is the one that it ended in after merges. */
export type SentMail = {
  id: number
  /** By which proof it was found. */
  by: 'address' | 'message_id'
  kind: OutboxKind
  recipient: string
  messageId: string
  ticketId: number | null
}

export type ReportedTicket = { id: number; status: Status; undelivered: boolean }

export type Reported = {
  /** Those found by a signed address first. */
  sent: SentMail[]
  /** Tickets of `sent` and of ids that prove nothing, by the number that they were named by. */
  tickets: Map<number, ReportedTicket>
  /** Tickets that only an id in the words names (4a.4 (3)). */
  named: number[]
}

type Row = Omit<SentMail, 'by'> & { generation: number | null }

/** @param tokens all valid tokens of the addresses that the report went to */
export async function findReported(
  tx: Tx,
  given: { mail: IncomingMail; tokens: Token[]; keys: Keys },
): Promise<Reported> {
  const { mail, keys } = given
  const tokens = given.tokens.filter(({ purpose }) => purpose === 'b')
  const receipt = mail.report?.receipt?.original
  const ids = [...(mail.report?.originals ?? []), ...(receipt ? [receipt] : [])]
  const rows = tokens.length || ids.length ? await findSent(tx, tokens, ids) : []
  const isSigned = (row: Row) =>
    tokens.some(
      (token) =>
        token.person === row.id && token.ticket === (row.ticketId ?? 0) && token.generation === (row.generation ?? 0),
    )
  const sent = rows
    .map(({ generation: _, ...row }, n) => ({
      ...row,
      by: isSigned(rows[n]!) ? ('address' as const) : ('message_id' as const),
    }))
    // a revoked address proves nothing by itself
    .filter(
      (row) => row.by === 'address' || !tokens.some((token) => token.person === row.id) || ids.includes(row.messageId),
    )
    .toSorted((a, b) => a.by.localeCompare(b.by))
  const named = namedTickets([...ids, ...idsIn(mail.text)], keys)
  const numbers = [...new Set([...sent.flatMap((row) => row.ticketId ?? []), ...named])]
  return { sent, tickets: numbers.length ? await findTickets(tx, numbers) : new Map(), named }
}

/** Of one message there is a row for each recipient; a relay that made an id of its own is known by that too (8.1). */
async function findSent(tx: Tx, tokens: Token[], ids: string[]): Promise<Row[]> {
  return await tx<Row[]>`
    select o.id, o.kind, o.recipient, o.message_id as "messageId", o.ticket_id as "ticketId",
      t.token_generation as generation
    from outbox o left join tickets t on t.id = o.ticket_id
    where o.id = any(${tokens.map((token) => token.person)}::bigint[] || array(
      select id from outbox where message_id = any(${ids})
      union
      select other.id from message_ids m join outbox other
        on other.ticket_id = m.ticket_id and other.comment_id is not distinct from m.comment_id
      where m.message_id = any(${ids}) and m.direction = 'out' and other.kind in ('reply', 'ack', 'survey', 'statement')
        and not exists (select from outbox own where own.message_id = m.message_id)))
    order by o.id limit ${limits.recipients}`
}

/** Each named ticket, or the one that it was merged into (6.13); deleted ones are nowhere. Locked, lowest first. */
async function findTickets(tx: Tx, numbers: number[]): Promise<Map<number, ReportedTicket>> {
  const ends = await tx<{ named: number; id: number }[]>`
    with recursive line as (
      select id as named, id, merged_into, 0 as hop from tickets where id = any(${numbers}::bigint[])
      union all
      select line.named, t.id, t.merged_into, hop + 1 from line join tickets t on t.id = line.merged_into where hop < 10)
    select named, id from line where merged_into is null`
  const rows = await tx<ReportedTicket[]>`
    select id, status, undelivered_at is not null as undelivered from tickets
    where id = any(${ends.map((end) => end.id)}::bigint[]) and deleted_at is null order by id for update`
  return new Map(
    ends.flatMap((end) => {
      const ticket = rows.find((row) => row.id === end.id)
      return ticket ? [[end.named, ticket] as const] : []
    }),
  )
}

const OURS =
  /(?<![\w.])(?:[cans]\.[0-9a-z]{1,11}\.[0-9a-z]{26}|t\.[0-9a-z]{1,11})\.[a-z2-7]{17,24}@[^\s<>"(),;]{1,255}/gi

const idsIn = (text: string): string[] => text.slice(0, limits.text).match(OURS)?.slice(0, limits.recipients) ?? []

const namedTickets = (ids: string[], keys: Keys): number[] => [
  ...new Set(ids.flatMap((id) => readMessageId(keys, id)?.ticket ?? [])),
]

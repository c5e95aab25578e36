/**
 * The books against the desk: every mail that was promised is there once, in one final state; no ticket, no
 * acknowledgement and no mail to an agent twice; none missing but those shown as `uncertain` (MAIL 0.1, 0.2, 8.24, 8.32).
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../../src/database.ts'
import { notifying } from '../../src/limits.ts'
import type { SinkMail } from '../postbox.ts'
import type { Ledger, Sent } from './load.ts'

type MailRow = {
  id: number
  state: string
  message_id: string | null
  duplicate_of: number | null
  ticket_id: number | null
  comment_id: number | null
  reasons: { code: string; words: string }[]
  attempts: number
  /** Its ticket was opened for it while it could not be read: that says so in a comment, and is not acknowledged. */
  fallback: boolean
}

type OutboxRow = {
  id: number
  kind: string
  state: string
  ticket_id: number | null
  message_id: string
  recipient: string
  created_at: Date
}

export type Audit = { faults: string[]; figures: Record<string, number> }

/**
 * Lets the leases of all daemons but `alive` run out: what minutes would do to those of a killed one. It changes
 * nothing else, so a mail that was not leased stays as it is.
 */
export async function ageLeases(sql: Sql, alive: number | null): Promise<void> {
  const living = `%/${alive ?? 'nobody'}/%`
  const past = new Date(Date.now() - 1000)
  await sql`
    update inbound_mails set lease_until = ${past} where leased_by not like ${living}`
  await sql`
    update outbox set lease_until = ${past} where state in ('leased', 'sending') and leased_by not like ${living}`
  await sql`update leases set until = ${past} where holder not like ${living}`
}

/** Waits until nothing is under way. Throws with what still is when none of it ends for `milliseconds`. */
export async function settle(sql: Sql, alive: number | null, milliseconds = 120_000): Promise<void> {
  let left: { what: string; n: number }[] = []
  const open = () => left.reduce((sum, row) => sum + row.n, 0)
  for (let deadline = Date.now() + milliseconds, least = Infinity; Date.now() < deadline; await sleep(200)) {
    await ageLeases(sql, alive)
    left = await sql<{ what: string; n: number }[]>`
      select 'mail ' || state as what, count(*)::int as n from inbound_mails where settled_at is null group by state
      union all
      select 'outbox ' || state, count(*)::int from outbox where settled_at is null group by state`
    if (left.length === 0) return
    if (open() < least) [least, deadline] = [open(), Date.now() + milliseconds]
  }
  throw new Error(`still under way, and nothing ended for ${milliseconds} ms: ${JSON.stringify(left)}`)
}

/** Compares everything; call it when all is settled. */
export async function audit(
  sql: Sql,
  given: { ledger: Ledger; relayed: SinkMail[]; folder: string | null },
): Promise<Audit> {
  const { ledger, relayed, folder } = given
  const faults: string[] = []
  const mails = await sql<MailRow[]>`
    select id, state, message_id, duplicate_of, ticket_id, comment_id, reasons, attempts from inbound_mails order by id`
  const byId = Map.groupBy(mails, (row) => row.message_id ?? '')
  const places = new Map<string, MailRow>()
  for (const sent of ledger.mails.values()) {
    const place = placeOf(sent, byId.get(sent.id) ?? [], faults)
    if (place) places.set(sent.id, place)
  }
  for (const row of mails)
    if (!ledger.mails.has(row.message_id ?? '')) faults.push(`mail ${row.id} is nobody's: ${row.message_id}`)
  for (const sent of ledger.mails.values()) checkThread(sent, places, faults)
  await checkTickets(sql, [...places.values()], faults)
  await checkFiles(sql, ledger, places, faults)
  const outbox = await checkOutbox(sql, { places, relayed, folder }, faults)
  const states = Map.groupBy(mails, (row) => row.state)
  return {
    faults,
    figures: {
      sent: ledger.mails.size,
      promised: [...ledger.mails.values()].filter((one) => one.promised > 0).length,
      ...Object.fromEntries([...states].map(([state, rows]) => [state, rows.length])),
      begunTwice: mails.filter((row) => row.attempts > 1).length,
      ...outbox,
    },
  }
}

/** The one row that stands for the mail; its copies point at it. */
function placeOf(sent: Sent, rows: MailRow[], faults: string[]): MailRow | null {
  const open = rows.filter((row) => /^(received|processing)$/.test(row.state))
  if (open.length) faults.push(`${sent.id} is in no final state: ${open.map((row) => row.state)}`)
  const firsts = rows.filter((row) => row.duplicate_of === null)
  if (firsts.length > 1) faults.push(`${sent.id} is there ${firsts.length} times: mails ${firsts.map((row) => row.id)}`)
  if (sent.promised > 0 && firsts.length === 0) faults.push(`${sent.id} had its 250 and is not there`)
  if (rows.length > sent.handed)
    faults.push(`${sent.id} was handed over ${sent.handed} times and is there ${rows.length}`)
  for (const copy of rows.filter((row) => row.duplicate_of !== null))
    if (copy.state !== 'recorded' || copy.duplicate_of !== firsts[0]?.id)
      faults.push(`mail ${copy.id}, a copy of ${sent.id}, is ${copy.state} as a copy of ${copy.duplicate_of}`)
  const first = firsts[0] ?? null
  if (first) first.fallback = rows.some((row) => row.reasons.some((one) => one.code === 'poison'))
  if (first && !['ticketed', 'commented', 'quarantined'].includes(first.state))
    faults.push(`mail ${first.id} (${sent.id}) is ${first.state}: ${JSON.stringify(first.reasons)}`)
  return first
}

/** Replies went out after the 250 of the mail that they name, so they belong to its ticket. */
function checkThread(sent: Sent, places: Map<string, MailRow>, faults: string[]): void {
  const own = places.get(sent.id)
  const root = places.get(sent.root)
  if (!own || !root || own.state === 'quarantined' || root.state === 'quarantined') return
  const expected = sent.root === sent.id ? 'ticketed' : 'commented'
  if (own.state !== expected) faults.push(`${sent.id} is ${own.state}, not ${expected}`)
  if (own.ticket_id !== root.ticket_id)
    faults.push(`${sent.id} is in #${own.ticket_id}, its conversation in #${root.ticket_id}`)
}

/** A ticket for each mail that opened one, a comment for each mail, and not one more. */
async function checkTickets(sql: Sql, places: MailRow[], faults: string[]): Promise<void> {
  const tickets = await sql<{ id: number; comments: number }[]>`
    select t.id, count(c.id)::int as comments from tickets t left join comments c on c.ticket_id = t.id
      and c.channel = 'mail' group by t.id`
  const comments = Map.groupBy(places, (row) => row.ticket_id)
  for (const ticket of tickets) {
    const places = comments.get(ticket.id) ?? []
    const own = places.length + places.filter((row) => row.fallback && row.state !== 'quarantined').length
    if (own !== ticket.comments) faults.push(`#${ticket.id} has ${ticket.comments} comments for ${own} mails`)
  }
  const opened = new Set(places.filter((row) => row.state !== 'commented').map((row) => row.ticket_id))
  if (opened.size !== tickets.length) faults.push(`${tickets.length} tickets for ${opened.size} that mails opened`)
  const twice = await sql`
    select message_id, count(*)::int as n from comments where message_id is not null group by 1 having count(*) > 1`
  const unread = new Set(places.filter((row) => row.fallback).map((row) => row.message_id))
  for (const row of twice.filter((one) => !unread.has(one.message_id)))
    faults.push(`${row.message_id} is ${row.n} comments`)
}

async function checkFiles(sql: Sql, ledger: Ledger, places: Map<string, MailRow>, faults: string[]): Promise<void> {
  const rows = await sql<{ comment_id: number; sha256: string; whole: boolean }[]>`
    select a.comment_id, encode(b.sha256, 'hex') as sha256,
      b.sha256 = sha256((select string_agg(c.data, ''::bytea order by c.n) from blob_chunks c where c.blob_id = b.id))
        as whole
    from attachments a join blobs b on b.id = a.blob_id`
  const byComment = Map.groupBy(rows, (row) => row.comment_id)
  for (const sent of ledger.mails.values()) {
    const place = places.get(sent.id)
    if (!sent.sha256 || !place || place.state === 'quarantined') continue
    const files = byComment.get(place.comment_id ?? 0) ?? []
    if (files.length !== 1 || files[0]!.sha256 !== sent.sha256 || !files[0]!.whole)
      faults.push(`${sent.id}: its file is not what was sent (${files.length} files)`)
  }
}

/** Acknowledgements to who wrote, notifications to agents, and nothing else; each arrived once unless it is `uncertain`. */
async function checkOutbox(
  sql: Sql,
  given: { places: Map<string, MailRow>; relayed: SinkMail[]; folder: string | null },
  faults: string[],
): Promise<Record<string, number>> {
  const rows = await sql<OutboxRow[]>`
    select id, kind, state, ticket_id, message_id, recipient, created_at from outbox order by id`
  const { ack: acks = [], notification: notifications = [], ...others } = Object.groupBy(rows, (row) => row.kind)
  for (const row of Object.values(others).flatMap((some) => some ?? []))
    faults.push(`outbox ${row.id}, a ${row.kind} to ${row.recipient}, has no reason`)
  const byTicket = Map.groupBy(acks, (row) => row.ticket_id)
  for (const place of given.places.values()) {
    if (place.state !== 'ticketed') continue
    const own = byTicket.get(place.ticket_id) ?? []
    if (own.length !== (place.fallback ? 0 : 1))
      faults.push(`#${place.ticket_id} has ${own.length} acknowledgements: ${why(place)}`)
  }
  checkTold(notifications, faults)
  const copies = Map.groupBy(given.relayed, (mail) => idOf(mail.raw))
  for (const row of rows) {
    const relayed = copies.get(row.message_id)?.length ?? 0
    const file = given.folder !== null && existsSync(path.join(given.folder, `${row.id}.eml`))
    if (relayed > 1) faults.push(`${row.kind} ${row.id} of #${row.ticket_id} arrived ${relayed} times`)
    if (row.state === 'sent' ? relayed === 0 && !file : row.state !== 'uncertain')
      faults.push(`${row.kind} ${row.id} is ${row.state} and arrived ${relayed} times`)
  }
  const known = new Set(rows.map((row) => row.message_id))
  for (const id of copies.keys()) if (!known.has(id)) faults.push(`a mail arrived that is in no outbox: ${id}`)
  const uncertain = rows.filter((row) => row.state === 'uncertain')
  return {
    tickets: byTicket.size,
    acks: acks.length,
    notifications: notifications.length,
    relayed: given.relayed.length,
    uncertain: uncertain.length,
    uncertainArrived: uncertain.filter((row) => copies.has(row.message_id)).length,
  }
}

/** At most one mail a ticket and agent in two minutes (8.32): what a killed daemon had told is not told again. */
function checkTold(notifications: OutboxRow[], faults: string[]): void {
  const ofTickets = notifications.filter((row) => row.ticket_id !== null) // the others are digests
  for (const [whom, rows] of Map.groupBy(ofTickets, (row) => `#${row.ticket_id} to ${row.recipient}`))
    for (const [before, row] of rows.slice(1).map((row, at) => [rows[at]!, row] as const))
      if (row.created_at.getTime() - before.created_at.getTime() < notifying.every)
        faults.push(`${whom}: notifications ${before.id} and ${row.id} are less than two minutes apart`)
}

const why = (row: MailRow) => row.reasons.map((one) => one.words).join('; ')

const idOf = (raw: Buffer): string => /^message-id:\s*<([^>]*)>/im.exec(raw.toString('latin1'))?.[1] ?? ''

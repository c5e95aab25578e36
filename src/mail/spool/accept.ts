/**
 * Accepting: raw bytes, envelope and the ids it is ordered by become durable in one transaction, or nothing does
 * (0.1, 1.1). Small mails share commits, because a commit costs a disk flush and many senders wait for one; large
 * mails stream alone in constant memory. It judges nothing: what a mail means is the pipeline's business.
 */
import { hash } from 'node:crypto'
import { putBlob, putSmallBlobs } from '../../blobs.ts'
import { isOutage, type Sql, type Tx, transaction } from '../../database.ts'
import { Refusal, wordsOf } from '../../errors.ts'
import * as limits from '../../limits.ts'
import type { Log } from '../../log.ts'
import { scanHeaders } from '../parse/scan.ts'
import { type Envelope, MAIL_CHANNEL } from '../spool.ts'
import type { Recent } from './recent.ts'

/** A mail on its way in. A Buffer above limits.spool.small is streamed like an iterable. */
export type Arrival = { envelope: Envelope; bytes: Buffer | AsyncIterable<Buffer> }

export type Spool = {
  /**
   * Resolves when the mail is durable, and only then (0.1). Rejects with the database's error: `isOutage` tells those
   * that pass; whether a commit cut off in the middle counts is unknown, and the copy is found by its content (3.2).
   */
  accept(arrival: Arrival): Promise<{ id: number }>
  /** Resolves when all that was handed over is settled; `accept` refuses from the call on. */
  stop(): Promise<void>
}

type Row = { envelope: Envelope; head: Buffer; blobId: number; bytes: number }
type Waiting = {
  envelope: Envelope
  bytes: Buffer
  stored: (mail: { id: number }) => void
  failed: (error: unknown) => void
}

/** Starts the writer of this process. */
export function startSpool({ sql, log, recent }: { sql: Sql; log: Log; recent?: Recent }): Spool {
  const batches = startBatches(sql, log)
  const small = async (mail: { envelope: Envelope; bytes: Buffer }) => {
    const stored = await batches(mail)
    recent?.keep(stored.id, mail.bytes)
    return stored
  }
  const large = startTurns(limits.spool.large)
  const underWay = new Set<Promise<unknown>>()
  let stopping = false
  const follow = <T>(work: Promise<T>): Promise<T> => {
    const settled: Promise<unknown> = work.then(
      () => underWay.delete(settled),
      () => underWay.delete(settled),
    )
    underWay.add(settled)
    return work
  }
  return {
    async accept({ envelope, bytes }) {
      if (stopping) throw new Refusal('stopping', 'This daemon is stopping: send the mail again.', 'outage')
      if (Buffer.isBuffer(bytes) && bytes.length <= limits.spool.small) return follow(small({ envelope, bytes }))
      return follow(large(() => transaction(sql, (tx) => acceptIn(tx, { envelope, bytes }))))
    },
    async stop() {
      stopping = true
      while (underWay.size) await Promise.all(underWay)
    },
  }
}

/** Stores one mail inside the caller's transaction, so that an IMAP cursor moves with it (2.1). */
export async function acceptIn(tx: Tx, { envelope, bytes }: Arrival): Promise<{ id: number }> {
  const { head, source } = tapHead(Buffer.isBuffer(bytes) ? pieces(bytes) : bytes)
  const blob = await putBlob(tx, source)
  const [id] = await insertMails(tx, [{ envelope, head: head(), blobId: blob.id, bytes: blob.bytes }])
  return { id: id! }
}

/** What orders work: 48 bits of each id's SHA-256. A collision only makes one mail wait for another. */
export const hashId = (id: string): number => hash('sha256', id, 'buffer').readUIntBE(0, 6)

/** Group commit: while a flight is in the air the next one fills; beside one that is late another sets out. */
function startBatches(sql: Sql, log: Log): (mail: { envelope: Envelope; bytes: Buffer }) => Promise<{ id: number }> {
  const queue: Waiting[] = []
  let flights = 0
  let lateAt = 0
  let last = 1
  let timer: NodeJS.Timeout | undefined
  const depart = () => {
    clearTimeout(timer)
    while (queue.length && (flights === 0 || (flights < limits.spool.flights && performance.now() >= lateAt))) {
      flights++
      lateAt = performance.now() + limits.spool.late
      const group = takeGroup(queue)
      last = group.length
      void fly(sql, log, group).finally(() => {
        flights--
        kick()
      })
    }
    if (queue.length && flights < limits.spool.flights) timer = setTimeout(depart, limits.spool.late)
  }
  /** Waits a moment for as many as came the last time: their senders have only just heard of that flight. */
  const kick = () => {
    clearTimeout(timer)
    if (queue.length === 0 || queue.length >= last) depart()
    else timer = setTimeout(depart, limits.spool.linger)
  }
  return ({ envelope, bytes }) =>
    new Promise((stored, failed) => {
      queue.push({ envelope, bytes, stored, failed })
      if (queue.length === 1 || queue.length === last) setImmediate(kick) // others of the same tick come along
    })
}

function takeGroup(queue: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  for (const waiting of queue) {
    if (count === limits.spool.batch || (count > 0 && bytes + waiting.bytes.length > limits.spool.batchBytes)) break
    bytes += waiting.bytes.length
    count++
  }
  return queue.splice(0, count)
}

/** Never rejects: each of the group hears of its own fate. */
async function fly(sql: Sql, log: Log, group: Waiting[]): Promise<void> {
  try {
    const ids = await transaction(sql, (tx) => storeGroup(tx, group))
    group.forEach((waiting, n) => {
      waiting.stored({ id: ids[n]! })
    })
  } catch (error) {
    if (group.length === 1 || isOutage(error)) {
      for (const waiting of group) waiting.failed(error)
      return
    }
    log.warn('batch_split', { mails: group.length, words: wordsOf(error) })
    for (const waiting of group) await fly(sql, log, [waiting]) // one bad row must not cost its neighbours
  }
}

async function storeGroup(tx: Tx, group: Waiting[]): Promise<number[]> {
  const contents = group.map((waiting) => waiting.bytes)
  const blobIds = await putSmallBlobs(tx, contents, { alone: true })
  const rows = group.map(({ envelope, bytes }, n) => {
    return { envelope, head: bytes, blobId: blobIds[n]!, bytes: bytes.length }
  })
  return insertMails(tx, rows)
}

/** The rows of mails whose blobs are there already, in the order of arrival. @returns their ids, in that order */
async function insertMails(tx: Tx, rows: Row[]): Promise<number[]> {
  const json = JSON.stringify(rows.map(documentOf))
  // ids of 48 bits and texts without NUL: what JSON and PostgreSQL both can hold
  const stored = await tx<{ id: number }[]>`
    with told as materialized (select pg_notify(${MAIL_CHANNEL}, '')), arrived as (
      select * from json_to_recordset(${json}::text::json) as a (
        n int, received_at timestamptz, via text, listener text, envelope_from text, recipients jsonb, session jsonb,
        prefix text, blob_id bigint, bytes bigint, ids bigint[], from_address text, subject text)
    ), stored as (
      insert into inbound_mails (received_at, due_at, via, listener, envelope_from, recipients, session, prefix,
        blob_id, bytes, ids, from_address, subject)
      select received_at, received_at, via, listener, envelope_from, recipients, session, prefix,
        blob_id, bytes, ids, from_address, subject
      from arrived order by n
      returning id, ids
    ), waiting as (
      insert into pending_ids (hash, mail_id) select distinct hash, id from stored, unnest(ids) as hash
    )
    select id from told, stored order by id`
  return stored.map((row) => row.id)
}

function documentOf({ envelope, head, blobId, bytes }: Row, n: number) {
  const scan = scanHeaders(head)
  return {
    n,
    received_at: envelope.receivedAt,
    via: envelope.via,
    listener: storable(envelope.listener),
    envelope_from: envelope.from === null ? null : storable(envelope.from),
    recipients: envelope.recipients.map(({ address, inbox, tag }) => {
      return { address: storable(address), inbox, tag: tag === null ? null : storable(tag) }
    }),
    session: storableValues(envelope.session),
    prefix: storable(envelope.prefix),
    blob_id: blobId,
    bytes,
    ids: scan.ids.slice(0, limits.parse.ids).map(hashId),
    from_address: scan.from && storable(scan.from.address),
    subject: storable(scan.subject),
  }
}

/** PostgreSQL's text holds no NUL, and its JSON no lone surrogates. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed()

const storableValues = (facts: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, typeof value === 'string' ? storable(value) : value]),
  )

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** Passes a stream on and keeps its first bytes for the header scan; a source that stalls is given up. */
function tapHead(bytes: AsyncIterable<Buffer>): { head(): Buffer; source: AsyncGenerator<Buffer> } {
  const kept: Buffer[] = []
  let room = limits.parse.header
  async function* source() {
    for await (const chunk of impatiently(bytes)) {
      if (room > 0) kept.push(Buffer.from(chunk.subarray(0, room)))
      room -= chunk.length
      yield chunk
    }
  }
  return { head: () => Buffer.concat(kept), source: source() }
}

async function* impatiently(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const reader = bytes[Symbol.asyncIterator]()
  try {
    while (true) {
      const next = await withinStall(reader.next())
      if (next.done) return
      yield next.value
    }
  } finally {
    // Not awaited: an iterator that hangs in next() would hang here too.
    void Promise.resolve(reader.return?.()).catch(() => {}) // the error that brought us here is the one that counts
  }
}

function withinStall<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const words = `the source of a mail gave nothing for ${limits.spool.stall} ms`
    const timer = setTimeout(() => reject(new Refusal('source_stalled', words, 'outage')), limits.spool.stall)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** At most `most` at a time, the others in the order they came. */
function startTurns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running === most) await new Promise<void>((turn) => waiting.push(turn))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

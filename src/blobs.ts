/**
 * Content by SHA-256 in rows of 256 KB, streamed both ways in constant memory. The only writer of blobs and
 * blob_chunks. A content that is there already is linked, never stored again. What may be stored, and for whom, is
 * the callers' matter.
 */
import { createHash, hash } from 'node:crypto'
import type { Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import type { Queryable, Tx } from './database.ts'
import { Refusal } from './errors.ts'
import { blob as limits } from './limits.ts'

export type Blob = { id: number; sha256: Buffer; bytes: number }

/** Rows read at a time: few enough to be constant memory, enough to hide the round trip. */
const AHEAD = 4

/** encode() breaks its lines after 76 characters (RFC 2045), which are 57 bytes. */
const LINE = 77
const LINE_BYTES = 57
const LINES = 500 // decoded at a time

/** Of a row that is copied in; more are joined. */
const PIECES = 16

/**
 * Stores a content in the caller's transaction, or finds it. Two transactions that store the same new content wait
 * for each other, so a caller with several contents stores them in the order of their hashes where it knows these.
 * While a large stream is read nothing else can be asked in `tx`; the caller bounds how long a sender may take.
 */
export async function putBlob(tx: Tx, content: Buffer | AsyncIterable<Buffer>): Promise<Blob> {
  if (Buffer.isBuffer(content))
    return content.length <= limits.copyFrom ? putSmall(tx, content) : putLarge(tx, pieces(content))
  const source = content[Symbol.asyncIterator]()
  const head: Buffer[] = []
  let bytes = 0
  while (bytes <= limits.copyFrom) {
    const next = await source.next()
    if (next.done) return putSmall(tx, Buffer.concat(head))
    head.push(next.value)
    bytes += next.value.length
  }
  return putLarge(tx, joined(head, source))
}

/**
 * Stores many contents of at most one chunk each, for commits that carry many mails. Rows are made in the order of the
 * hashes, so that two such transactions cannot wait for each other.
 * @param given.alone nothing else is asked in `tx` meanwhile: the bytes are copied in, at two thirds of the processor
 * time of a parameter
 * @returns the blobs' ids in the order of `contents`; equal contents share one
 */
export async function putSmallBlobs(tx: Tx, contents: Buffer[], { alone }: { alone: boolean }): Promise<number[]> {
  const hashes = contents.map((content) => hash('sha256', content))
  const unique = new Map(contents.map((content, n) => [hashes[n] as string, content]))
  const made = await (alone ? copySmall : insertSmall)(tx, unique)
  const ids = new Map(made.map((row) => [row.sha256, row.id]))
  const known = [...unique.keys()].filter((sha256) => !ids.has(sha256))
  if (known.length) for (const { id, sha256 } of await findBlobs(tx, known)) ids.set(sha256, id)
  return hashes.map((sha256) => ids.get(sha256) as number)
}

type Made = { id: number; sha256: string }

async function copySmall(tx: Tx, contents: Map<string, Buffer>): Promise<Made[]> {
  const sizes = [...contents.values()].map((content) => content.length)
  const made = await tx<Made[]>`
    insert into blobs (sha256, bytes)
    select decode(sha256, 'hex'), bytes
    from unnest(${[...contents.keys()]}::text[], ${sizes}::int[]) as c (sha256, bytes) order by 1
    on conflict (sha256) do nothing returning id, encode(sha256, 'hex') as sha256`
  const full = made.filter((row) => contents.get(row.sha256)!.length > 0)
  if (full.length) {
    const into = await startCopy(tx)
    const copied = full.flatMap(({ id, sha256 }) => copyRow(id, 0, [contents.get(sha256)!]))
    into.end(Buffer.concat([COPY_HEAD, ...copied, COPY_TAIL])) // one message for all
    await finished(into)
  }
  return made
}

async function insertSmall(tx: Tx, contents: Map<string, Buffer>): Promise<Made[]> {
  const sizes = [...contents.values()].map((content) => content.length)
  const ends: number[] = []
  for (const size of sizes) ends.push((ends.at(-1) ?? 0) + size)
  // One text that the server cuts: an array of texts it would read letter by letter and copy twice.
  const whole = Buffer.concat([...contents.values()]).toString('base64')
  return tx<Made[]>`
    with content as (
      select decode(sha256, 'hex') as sha256, bytes, ends - bytes + 1 as start
      from unnest(${[...contents.keys()]}::text[], ${sizes}::int[], ${ends}::int[]) as c (sha256, bytes, ends)
    ), made as (
      insert into blobs (sha256, bytes) select sha256, bytes from content order by sha256
      on conflict (sha256) do nothing returning id, sha256
    ), chunks as (
      insert into blob_chunks (blob_id, n, data)
      select id, 0, substring((select decode(${whole}::text, 'base64')) from start for bytes)
      from made join content using (sha256) where bytes > 0
    )
    select id, encode(sha256, 'hex') as sha256 from made`
}

/** A statement of its own: the one that stores cannot see a row that another transaction committed while it waited for it. */
const findBlobs = (tx: Tx, hashes: string[]) => tx<Made[]>`
  select id, encode(sha256, 'hex') as sha256 from blobs
  where sha256 in (select decode(hash, 'hex') from unnest(${hashes}::text[]) as h (hash))`

/** The id of the blob with this content, or null. */
export async function findBlob(sql: Queryable, sha256: Buffer): Promise<number | null> {
  const [row] = await sql<{ id: number }[]>`select id from blobs where sha256 = ${sha256}`
  return row?.id ?? null
}

/**
 * The bytes in order. A few rows are asked for at a time as they are consumed, so a slow reader holds neither memory
 * nor a connection.
 * @throws Refusal `no_blob` when it is missing, Error when rows of it are
 */
export async function* readBlob(sql: Queryable, id: number): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 1
  let read = 0
  for (let n = 0; read < bytes; n += AHEAD) {
    // base64 is what the text protocol carries at 4 bytes for 3; bytea's own hex takes 2 for 1.
    const rows: (Buffer | null)[][] = await sql`
      select b.bytes, encode(c.data, 'base64') as data
      from blobs b left join blob_chunks c on c.blob_id = b.id and c.n >= ${n} and c.n < ${n + AHEAD}
      where b.id = ${id} order by c.n`.raw()
    if (!rows[0]?.[0]) throw noBlob(id)
    bytes = Number(rows[0][0].toString('latin1'))
    if (!rows[0][1]) break
    for (let row = rows.shift(); row?.[1]; row = rows.shift()) {
      const chunk = fromBase64(row[1])
      read += chunk.length
      yield chunk
    }
  }
  if (read !== bytes) throw new Error(`blob ${id} has ${read} bytes instead of ${bytes}`)
}

/**
 * A content whole, in memory.
 * @throws Refusal `blob_too_large` above `most` bytes, `no_blob`
 */
export async function blobBytes(sql: Queryable, id: number, most: number): Promise<Buffer> {
  const bytes = await sizeOf(sql, id)
  if (bytes > most) throw new Refusal('blob_too_large', `Blob ${id} has ${bytes} bytes, at most ${most} are wanted.`)
  const all: Buffer[] = []
  for await (const chunk of readBlob(sql, id)) all.push(chunk)
  return Buffer.concat(all)
}

/** Forgets a content. The caller knows that no row refers to it; a foreign key refuses otherwise. */
export async function dropBlob(tx: Queryable, id: number): Promise<void> {
  await tx`delete from blobs where id = ${id}`
}

async function sizeOf(sql: Queryable, id: number): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`select bytes from blobs where id = ${id}`
  if (!row) throw noBlob(id)
  return row.bytes
}

/**
 * What PostgreSQL's encode() wrote, some lines at a time: a string of a whole chunk is a large object to V8, which
 * takes those that outlive one scavenge for old ones and lets them pile up.
 */
function fromBase64(text: Buffer): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Math.ceil((text.length / LINE) * LINE_BYTES) + LINE_BYTES)
  let length = 0
  for (let at = 0; at < text.length; at += LINES * LINE)
    length += bytes.write(text.toString('latin1', at, at + LINES * LINE), length, 'base64')
  return bytes.subarray(0, length)
}

const noBlob = (id: number) => new Refusal('no_blob', `There is no blob ${id}.`)

/** The hash is known before anything is written, so a known content costs one read. */
async function putSmall(tx: Tx, content: Buffer): Promise<Blob> {
  const sha256 = hash('sha256', content, 'buffer')
  const known = await findBlob(tx, sha256)
  if (known !== null) return { id: known, sha256, bytes: content.length }
  const [made] = await tx<{ id: number }[]>`
    insert into blobs (sha256, bytes) values (${sha256}, ${content.length})
    on conflict (sha256) do nothing returning id`
  // Without a row another transaction committed the same content between the two statements.
  if (!made) return { id: (await findBlob(tx, sha256)) as number, sha256, bytes: content.length }
  // A statement for each, sent together: as one array they would be written out and copied several times over.
  const chunks: PromiseLike<unknown>[] = []
  for (let at = 0; at < content.length; at += limits.chunk) {
    const data = content.toString('base64', at, Math.min(at + limits.chunk, content.length))
    chunks.push(tx`
      insert into blob_chunks (blob_id, n, data)
      values (${made.id}, ${at / limits.chunk}, decode(${data}::text, 'base64'))`)
  }
  await Promise.all(chunks)
  return { id: made.id, sha256, bytes: content.length }
}

/** The hash is known at the end only: the chunks go under a new row, which then gets its name or gives way. */
async function putLarge(tx: Tx, source: AsyncIterable<Buffer>): Promise<Blob> {
  const [made] = await tx<{ id: number }[]>`insert into blobs default values returning id`
  const fresh = (made as { id: number }).id
  const sum = createHash('sha256')
  let bytes = 0
  const counted = async function* () {
    for await (const chunk of source) {
      sum.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }
  await copyIn(tx, rows(fresh, counted()))
  const sha256 = sum.digest()
  const known = (await findBlob(tx, sha256)) ?? (await nameBlob(tx, fresh, sha256, bytes))
  if (known === null) return { id: fresh, sha256, bytes }
  await dropBlob(tx, fresh)
  return { id: known, sha256, bytes }
}

/** Null when the fresh row has the name now, else the row that had it first. */
async function nameBlob(tx: Tx, fresh: number, sha256: Buffer, bytes: number): Promise<number | null> {
  try {
    await tx.savepoint((inner) => inner`update blobs set sha256 = ${sha256}, bytes = ${bytes} where id = ${fresh}`)
    return null
  } catch (error) {
    if ((error as { code?: string }).code !== '23505') throw error
    return findBlob(tx, sha256)
  }
}

/** Rows copied in as they come, each in pieces. */
async function copyIn(tx: Tx, source: AsyncIterable<Buffer[]>): Promise<void> {
  const whole = async function* () {
    yield COPY_HEAD
    for await (const row of source) yield* row.length > PIECES ? [Buffer.concat(row)] : row // each becomes a message
    yield COPY_TAIL
  }
  await pipeline(whole, await startCopy(tx))
}

const COPY_HEAD = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const COPY_TAIL = Buffer.from([0xff, 0xff])

/** COPY in PostgreSQL's binary format: parameters would travel as text. */
async function startCopy(tx: Tx): Promise<Writable> {
  const into = await tx`copy blob_chunks (blob_id, n, data) from stdin (format binary)`.writable()
  watchEnd(tx, into)
  return into
}

/** One row as COPY takes it; the data is not copied. */
function copyRow(blobId: number, n: number, data: Buffer[]): Buffer[] {
  const head = Buffer.allocUnsafe(26)
  head.writeInt16BE(3, 0) // fields
  head.writeInt32BE(8, 2)
  head.writeBigInt64BE(BigInt(blobId), 6)
  head.writeInt32BE(4, 14)
  head.writeInt32BE(n, 18)
  head.writeInt32BE(
    data.reduce((sum, piece) => sum + piece.length, 0),
    22,
  )
  return [head, ...data]
}

/**
 * The driver forgets the stream once all data is sent, so an error that the server reports only then (a full disk)
 * would leave `pipeline` waiting for ever. A query behind it is answered after the COPY and fails with it.
 */
function watchEnd(tx: Tx, into: Writable): void {
  const final = into._final
  into._final = function (callback) {
    final.call(this, callback)
    tx`select 1`.catch((error: Error) => this.destroy(error))
  }
}

/** The bytes as rows of exactly the chunk size, but for the last, in pieces that are not copied. */
async function* rows(blobId: number, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let n = 0
  let held: Buffer[] = []
  let bytes = 0
  for await (let data of source) {
    while (bytes + data.length >= limits.chunk) {
      const take = limits.chunk - bytes
      yield copyRow(blobId, n++, [...held, data.subarray(0, take)])
      data = data.subarray(take)
      held = []
      bytes = 0
    }
    if (data.length) held.push(data)
    bytes += data.length
  }
  if (bytes) yield copyRow(blobId, n, held)
}

/** What was read to learn the size, then the rest; the source hears of it when the reader stops early. */
async function* joined(head: Buffer[], source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    while (head.length) yield head.shift() as Buffer
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value
  } finally {
    await source.return?.()
  }
}

async function* pieces(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += limits.chunk) yield content.subarray(at, at + limits.chunk)
}

import { spawnSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import path from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { blobBytes, dropBlob, findBlob, putBlob, putSmallBlobs, readBlob } from '../src/blobs.ts'
import { transaction } from '../src/database.ts'
import { Refusal } from '../src/errors.ts'
import { blob as limits } from '../src/limits.ts'
import { testDatabase } from './database.ts'

const database = await testDatabase()
const { sql } = database
test.before.each(database.empty)
test.after(database.close)

const random = (bytes: number) => randomFillSync(Buffer.alloc(bytes))
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest()
const put = (content: Buffer | AsyncIterable<Buffer>) => transaction(sql, (tx) => putBlob(tx, content))

/** In pieces of an odd size, as a socket would bring it. */
async function* dripped(content: Buffer, size = 65_521): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size)
}

async function whole(id: number): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of readBlob(sql, id)) all.push(chunk)
  return Buffer.concat(all)
}

async function rows(): Promise<{ blobs: number; chunks: number }> {
  const [row] = await sql<{ blobs: number; chunks: number }[]>`
    select (select count(*) from blobs) as blobs, (select count(*) from blob_chunks) as chunks`
  return row as { blobs: number; chunks: number }
}

const { chunk, copyFrom } = limits
for (const bytes of [0, 1, chunk - 1, chunk, chunk + 1, copyFrom, copyFrom + 1, 8 * chunk, 30 * 1024 * 1024])
  test(`${bytes} bytes come back as they were, from a buffer and from a stream`, async () => {
    const content = random(bytes)
    const stored = await put(dripped(content))
    assert.equal(stored, { id: stored.id, sha256: sha256(content), bytes })
    assert.ok((await whole(stored.id)).equals(content), 'stored from a stream')
    assert.is((await put(content)).id, stored.id, 'the buffer is the same content')

    await dropBlob(sql, stored.id)
    const again = await put(content)
    assert.ok((await blobBytes(sql, again.id, bytes)).equals(content), 'stored from a buffer')
    assert.equal(await rows(), { blobs: 1, chunks: Math.ceil(bytes / chunk) })
  })

test('a content is stored once, also when ten store it at the same moment', async () => {
  for (const content of [random(100_000), random(2 * copyFrom)]) {
    const before = await rows()
    const stored = await Promise.all(Array.from({ length: 10 }, () => put(dripped(content))))
    assert.is(new Set(stored.map((blob) => blob.id)).size, 1)
    assert.ok((await whole(stored[0]!.id)).equals(content))
    const after = await rows()
    assert.is(after.blobs, before.blobs + 1)
    assert.is(after.chunks, before.chunks + Math.ceil(content.length / chunk))
    assert.is(await findBlob(sql, sha256(content)), stored[0]!.id)
  }
})

for (const alone of [true, false])
  test(`many small contents at once, ${alone ? 'alone' : 'beside other questions'}: each once, in their order`, async () => {
    const known = random(chunk)
    const { id } = await put(known)
    const contents = [random(3000), Buffer.alloc(0), known, random(chunk), Buffer.from('\\x00\0\xff', 'latin1')]
    const asked = [...contents, contents[0]!]
    const ids = await transaction(sql, (tx) => putSmallBlobs(tx, asked, { alone }))
    for (const [n, content] of asked.entries()) assert.ok((await whole(ids[n]!)).equals(content), `content ${n}`)
    assert.is(ids[2], id, 'the one that was there')
    assert.is(ids[5], ids[0])
    assert.equal(await rows(), { blobs: 5, chunks: 4 }, 'the empty one has no row of its own')
    assert.equal(await transaction(sql, (tx) => putSmallBlobs(tx, asked, { alone })), ids, 'all are known now')
    const next = await transaction(sql, async (tx) => {
      await putSmallBlobs(tx, [random(10)], { alone })
      return tx`select 1 as one`
    })
    assert.equal([...next], [{ one: 1 }], 'the transaction goes on')
  })

test('a transaction goes on after a large blob, also when the content was there', async () => {
  const content = random(3 * copyFrom)
  for (const round of ['new', 'known']) {
    const answer = await transaction(sql, async (tx) => {
      await putBlob(tx, dripped(content))
      return tx`select 1 as one`
    })
    assert.equal([...answer], [{ one: 1 }], round)
  }
})

const rejection = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => assert.unreachable('it should have failed'),
    (error: Error) => error,
  ) as never

test('a source that breaks off leaves nothing, and the pool goes on', async () => {
  const broken = async function* () {
    yield random(3 * copyFrom)
    await sleep(10)
    throw new Error('the sender went away')
  }
  assert.match((await rejection(put(broken()))).message, 'the sender went away')
  assert.equal(await rows(), { blobs: 0, chunks: 0 })
})

test('an error that the server reports only after the last byte is an error, not a wait', async () => {
  await sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$;
    create trigger refuse after insert on blob_chunks for each statement execute function refuse()`)
  try {
    const late = sleep(5000, 'still waiting', { ref: false })
    assert.instance(await Promise.race([rejection(put(random(2 * copyFrom))), late]), Error)
  } finally {
    await sql.unsafe('drop trigger refuse on blob_chunks; drop function refuse()')
  }
  assert.equal(await rows(), { blobs: 0, chunks: 0 })
})

test('a reader that stops early holds nothing', async () => {
  const { id } = await put(random(8 * copyFrom))
  for (let round = 0; round < 20; round++) for await (const _ of readBlob(sql, id)) break
  Readable.from(readBlob(sql, id)).destroy()
  const [row] = await sql`
    select count(*) as busy from pg_stat_activity where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()`
  assert.is(row?.busy, 0)
})

test('a missing blob, a missing row and a too large one are refused', async () => {
  assert.is(((await rejection(whole(4711))) as Refusal).code, 'no_blob')
  const { id } = await put(random(2 * chunk))
  const tooLarge = await rejection(blobBytes(sql, id, chunk))
  assert.instance(tooLarge, Refusal)
  assert.is(tooLarge.code, 'blob_too_large')
  await sql`delete from blob_chunks where blob_id = ${id} and n = 1`
  assert.match((await rejection(whole(id))).message, `instead of ${2 * chunk}`)
})

/**
 * Peak memory is a process's, so it is measured in one of its own: 200 MB in and out must not show. Every 4 MB are
 * followed by a collection, or the peak would say how late V8 looks for dead bytes while other tests run.
 */
test('memory does not grow with the content', () => {
  const script = `
    import { createHash } from 'node:crypto'
    import { putBlob, readBlob } from './src/blobs.ts'
    import { connect, transaction } from './src/database.ts'
    const { sql, end } = connect(JSON.parse(process.env.TARGET))
    async function* made(bytes) {
      for (let n = 0; n < bytes / 65536; n++) {
        if (n % 64 === 0) gc()
        yield Buffer.alloc(65536, n % 251)
      }
    }
    const through = async (bytes) => {
      const stored = await transaction(sql, (tx) => putBlob(tx, made(bytes)))
      const hash = createHash('sha256')
      let n = 0
      for await (const chunk of readBlob(sql, stored.id)) {
        hash.update(chunk)
        if (n++ % 16 === 0) gc()
      }
      if (!hash.digest().equals(stored.sha256)) throw new Error('changed on the way')
    }
    await through(10 * 1024 * 1024)
    const before = process.resourceUsage().maxRSS
    await through(200 * 1024 * 1024)
    await end()
    console.log(Math.round((process.resourceUsage().maxRSS - before) / 1024))`
  const child = spawnSync(process.execPath, ['--expose-gc', '--input-type=module-typescript', '-e', script], {
    cwd: path.join(import.meta.dirname, '..'),
    env: { ...process.env, TARGET: JSON.stringify(database.target) },
    encoding: 'utf8',
  })
  assert.is(child.status, 0, child.stderr)
  const grown = Number(child.stdout)
  assert.ok(grown < 32, `grew by ${grown} MB`)
})

test.run()

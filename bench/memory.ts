/**
 * What a mail of 150 MB costs the daemon in memory, over its level after ten mails of 1 MB. The parse child and
 * PostgreSQL are others' memory. A fresh daemon for each of three rounds; the file must come back byte for byte.
 */
import { createHash } from 'node:crypto'
import type { Sql } from '../src/database.ts'
import { type Figure, median } from './figures.ts'
import { type Daemon, type Ground, residentOf, startDaemon, until } from './ground.ts'
import { INBOX, largeSender, makeLargeMail } from './mails.ts'
import { openLine } from './smtp.ts'
import { settled } from './throughput.ts'

const MB = 1024 * 1024
const LARGE = 150 * MB
const SMALL = MB
const BEFORE = 10
const ROUNDS = 3
const SAMPLE = 20 // ms
const AT_MOST = 64 // MB

export async function measureMemory(ground: Ground, tell: (words: string) => void): Promise<Figure[]> {
  const rises: number[] = []
  const levels: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { level, peak } = await oneRound(ground)
    levels.push(level / MB)
    rises.push((peak - level) / MB)
    tell(`round ${round + 1}: ${(level / MB).toFixed(0)} MB, at most ${(peak / MB).toFixed(0)} MB`)
  }
  return [
    {
      what: 'memory of the daemon over its level, for a mail of 150 MB',
      value: median(rises),
      unit: 'MB',
      bar: { atMost: AT_MOST },
      all: rises,
      beside: { 'MB after ten mails of 1 MB': median(levels) },
    },
  ]
}

async function oneRound(ground: Ground): Promise<{ level: number; peak: number }> {
  await ground.makeDatabase('memory')
  const sql = ground.open('memory')
  let daemon: Daemon | null = null
  try {
    daemon = await startDaemon(ground, { database: 'memory', message: '200 MB' })
    for (let n = 0; n < BEFORE; n++) await deliver(daemon, sql, { id: `small${n}`, bytes: SMALL })
    const level = residentOf(daemon.pid)
    let peak = level
    const { pid } = daemon
    const watch = setInterval(() => {
      peak = Math.max(peak, residentOf(pid))
    }, SAMPLE)
    try {
      await deliver(daemon, sql, { id: 'large', bytes: LARGE })
    } finally {
      clearInterval(watch)
    }
    return { level, peak }
  } finally {
    await daemon?.stop()
    await sql.end()
    await ground.dropDatabase('memory')
  }
}

/** Sends one mail, waits for its final state, and looks whether its file is there as it was sent. */
async function deliver(daemon: Daemon, sql: Sql, { id, bytes }: { id: string; bytes: number }): Promise<void> {
  const hash = createHash('sha256')
  const line = await openLine(daemon.smtp)
  const pieces = makeLargeMail({ id, bytes, file: (piece) => hash.update(piece) })
  await line.send({ from: largeSender(id), to: INBOX, pieces })
  line.close()
  await until(settled(sql), `a mail of ${bytes} bytes`)
  const wanted = hash.digest('hex')
  const [found] = await sql`
    select encode(b.sha256, 'hex') as named
    from attachments a join blobs b on b.id = a.blob_id order by a.id desc limit 1`
  if (found?.named !== wanted) throw new Error(`the file of ${id} was sent as ${wanted} and is kept as ${found?.named}`)
  if ((await contentHash(sql)) !== wanted) throw new Error(`the bytes of the file of ${id} are not those of its hash`)
}

/** The hash of what lies in the rows, chunk by chunk: the bench's own memory does not matter, the server's does. */
async function contentHash(sql: Sql): Promise<string> {
  const hash = createHash('sha256')
  const rows = sql<{ data: Buffer }[]>`
    select data from blob_chunks where blob_id = (select blob_id from attachments order by id desc limit 1) order by n`
  for await (const [row] of rows.cursor(1)) hash.update(row!.data)
  return hash.digest('hex')
}

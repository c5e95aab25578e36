/**
 * `import PATH...`: mails from files through the real pipeline. They are accepted in order, a few at a time in one
 * commit; what an import took in before is passed over, so one that was broken off goes on where it was.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tools } from '../engine/tools.ts'
import { Refusal, wordsOf } from '../errors.ts'
import { parse as headLimits, importing as limits, spool as spoolLimits } from '../limits.ts'
import type { Log } from '../log.ts'
import { startTrust } from '../mail/authenticate/trust.ts'
import { findMails, type MailSource } from '../mail/import/sources.ts'
import { filedEnvelope } from '../mail/import.ts'
import { servedBy } from '../mail/intake-smtp/recipients.ts'
import { startParser } from '../mail/parse.ts'
import { startPipeline } from '../mail/pipeline.ts'
import { type Spool, startSpool } from '../mail/spool/accept.ts'
import { countImported, findImported } from '../mail/spool/imported.ts'
import type { Envelope } from '../mail/spool.ts'
import { type Installation, openDesk, type Place, withInstallation } from './installation.ts'
import { headOf } from './mails.ts'
import type { Print } from './show.ts'

export type ImportCall = {
  /** Files, folders, mboxes or Maildirs. */
  paths: string[]
  manner: 'live' | 'archive'
  /** An address of the desk that all of them go to. */
  to: string | null
  /** Until all are settled: by this process too, so no daemon needs to run. */
  wait: boolean
  json: boolean
  log: Log
  print: Print
  /** Of the terminal, where there is one. */
  progress?: (line: string) => void
}

type Ready = { source: MailSource; envelope: Envelope; sha256: string; bytes: Buffer | null }
type Tally = { imported: number; known: number; skipped: number; refused: { file: string; words: string }[] }
type Range = { first: number; last: number }

/** Exit code 1 when a mail could not be taken; the others are. @throws Refusal `not_ours` */
export async function importMails(place: Place, call: ImportCall): Promise<number> {
  return await withInstallation(place, call.log, async (house) => {
    const tools = await openDesk(house, call.log)
    if (call.to !== null && !servedBy(tools.desk).match(call.to))
      throw new Refusal('not_ours', `${call.to} is no address of this desk.`)
    const tally: Tally = { imported: 0, known: 0, skipped: 0, refused: [] }
    const range = await takeAll(house, tools, { ...call, tally })
    const states = call.wait && range ? await settle(house, tools, { ...call, range }) : null
    report(call, tally, states)
    return tally.refused.length > 0 ? 1 : 0
  })
}

/** Accepts all; the ids they have, those of an earlier import included. */
async function takeAll(house: Installation, tools: Tools, call: ImportCall & { tally: Tally }): Promise<Range | null> {
  const { tally } = call
  const spool = startSpool({ sql: house.sql, log: call.log })
  const ids: Range = { first: Number.POSITIVE_INFINITY, last: 0 }
  let batch: Ready[] = []
  let held = 0
  const flush = async () => {
    const taken = await take(house, spool, batch, tally)
    for (const id of taken) Object.assign(ids, { first: Math.min(ids.first, id), last: Math.max(ids.last, id) })
    batch = []
    held = 0
    call.progress?.(`${tally.imported} taken in, ${tally.known} known, ${tally.refused.length} refused`)
  }
  try {
    for await (const found of findMails(call.paths)) {
      if (found.problem !== null) {
        if (found.skipped) tally.skipped++
        else tally.refused.push({ file: found.name, words: found.problem })
        continue
      }
      try {
        const ready = await prepare(house, tools, found, call)
        // a large one goes alone: what streams and what shares a commit would overtake each other
        if (ready.bytes === null && batch.length) await flush()
        batch.push(ready)
        held += ready.bytes?.length ?? 0
        if (ready.bytes === null || batch.length >= limits.batch || held >= limits.batchBytes) await flush()
      } catch (error) {
        if (!isFileTrouble(error)) throw error
        tally.refused.push({ file: found.name, words: wordsOf(error) })
      }
    }
    await flush()
  } finally {
    await spool.stop()
  }
  return ids.last > 0 ? ids : null
}

/** What this one file is to blame for; anything else ends the import, which goes on where it was when called again. */
const isFileTrouble = (error: unknown): boolean =>
  error instanceof Refusal
    ? error.code === 'too_large'
    : ['ENOENT', 'EACCES', 'EIO', 'EISDIR', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')

async function prepare(house: Installation, tools: Tools, source: MailSource, call: ImportCall): Promise<Ready> {
  const most = house.config.limits.message
  if (source.bytes > most)
    throw new Refusal('too_large', `It has ${source.bytes} bytes; this desk takes ${most} (limits.message).`)
  const { desk } = tools
  const small = source.bytes <= spoolLimits.small
  const hash = createHash('sha256')
  const chunks: Buffer[] = []
  for await (const chunk of source.open()) {
    hash.update(chunk)
    if (small) chunks.push(chunk)
  }
  const bytes = small ? Buffer.concat(chunks) : null
  const filed = {
    head: bytes ?? (await headOf(source, headLimits.header)),
    manner: call.manner,
    to: call.to,
    match: servedBy(desk).match,
    fallback: desk.inboxes[0]!.address,
    date: source.date,
  }
  return { source, envelope: filedEnvelope(filed, new Date()), sha256: hash.digest('hex'), bytes }
}

/** Accepts what no import took in before. @returns the ids of all, known ones included */
async function take({ sql }: Installation, spool: Spool, batch: Ready[], tally: Tally): Promise<number[]> {
  if (batch.length === 0) return []
  const known = await findImported(
    sql,
    batch.map((one) => one.sha256),
  )
  const unique = new Map(batch.filter((one) => !known.has(one.sha256)).map((one) => [one.sha256, one]))
  // handed over in one tick they share one commit, and their ids are in this order
  const taken = await Promise.all(
    [...unique.values()].map((one) => spool.accept({ envelope: one.envelope, bytes: one.bytes ?? one.source.open() })),
  )
  tally.imported += taken.length
  tally.known += batch.length - taken.length
  return [...taken.map((one) => one.id), ...known.values()]
}

/** Works on them beside whoever else does, until each is in its final state. */
async function settle(
  house: Installation,
  tools: Tools,
  call: ImportCall & { range: Range },
): Promise<Record<string, number>> {
  const { sql } = house
  const { log, range } = call
  const now = () => new Date()
  const temp = await mkdtemp(path.join(tmpdir(), 'postroom-import-'))
  const parser = await startParser({ temp, log })
  const worker = `import/${process.pid}/${randomUUID().slice(0, 8)}`
  const trust = startTrust(house.config, now)
  const pipeline = await startPipeline({ sql, parser, tools: () => tools, trust, worker, log, now })
  try {
    for (;;) {
      const states = await countImported(sql, range)
      const open = (states.received ?? 0) + (states.processing ?? 0)
      call.progress?.(`${open} to be worked on`)
      if (open === 0) return states
      await Promise.race([pipeline.idle(), sleep(limits.look)])
      if (open > 0) await sleep(limits.pause)
    }
  } finally {
    await pipeline.stop()
    await parser.stop()
    await rm(temp, { recursive: true, force: true })
  }
}

function report({ json, print, wait }: ImportCall, tally: Tally, states: Record<string, number> | null): void {
  if (json) {
    print(JSON.stringify({ ...tally, ...(wait && { states: states ?? {} }) }))
    return
  }
  for (const { file, words } of tally.refused) process.stderr.write(`${file}: ${words}\n`)
  const skipped = tally.skipped ? `, ${tally.skipped} files passed over that are no mails` : ''
  print(`${tally.imported} imported, ${tally.known} here already, ${tally.refused.length} refused${skipped}`)
  if (states)
    print(
      Object.entries(states)
        .map(([state, n]) => `${n} ${state}`)
        .join(', '),
    )
  else if (tally.imported) print('The daemon works on them; --wait would have waited.')
}

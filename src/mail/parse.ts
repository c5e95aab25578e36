/**
 * Parsing in a small pool of child processes that can be killed (0.4): a mail that runs away costs its own time and
 * nobody's memory. Bytes go in as a stream, decoded parts come out as bytes where they are few, else as files under
 * `temp`.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Refusal, wordsOf } from '../errors.ts'
import type { ParsedMail } from '../incoming.ts'
import * as limits from '../limits.ts'
import type { Log } from '../log.ts'
import { HOUR } from '../time.ts'
import { type Child, type Job, type Source, startChild } from './parse/process.ts'

/** The mail, and the deletion of its decoded parts: to be called when they are copied, or not wanted. */
export type ParseResult = { mail: ParsedMail; dispose(): Promise<void> }

export type Parser = {
  /**
   * Parses one mail. A source that can be opened again may stand behind another mail. Rejects with a Refusal of fault
   * 'user': `parse_cpu`, `parse_memory`, `parse_time` (a cap of 0.4 was reached), `parse_crashed`, `parse_answer`; of
   * fault 'outage': `parse_aborted`, `parse_stopped`. What `source` throws is passed on.
   */
  parse(source: Source, options?: { signal?: AbortSignal }): Promise<ParseResult>
  stop(): Promise<void>
}

type Waiting = { job: Job; begin(child: Child): void; reject(error: Error): void }

/**
 * Starts `children` processes (limits.parse.children) that decode into folders of their own under `temp`. `file` is
 * another program than theirs, in tests only.
 *
 * One child keeps up with the daemon that feeds it, and has each of its mails in the code and memory that the last one
 * warmed; so all go to the oldest, and the others are for when that is at a long one.
 */
export async function startParser(options: {
  children?: number
  temp: string
  log: Log
  file?: string
}): Promise<Parser> {
  const { temp, log, file } = options
  await mkdir(temp, { recursive: true, mode: 0o700 })
  const prefix = `${folderPrefix()}${randomBytes(4).toString('hex')}-`
  const size = Math.max(1, options.children ?? limits.parse.children)
  const all = new Set<Child>() // the oldest first
  const waiting: Waiting[] = []
  let jobs = 0
  let stopped = false

  const add = () => {
    const child: Child = startChild({
      log,
      onLate: () => spread(child),
      onRoom: () => leave(child),
      ...(file !== undefined && { file }),
    })
    all.add(child)
  }
  const renew = (child: Child) => {
    if (!child.isSpent() || !child.isIdle()) return
    child.kill()
    if (all.delete(child) && !stopped) add()
  }
  const look = () => {
    if (waiting.length) for (const child of [...all]) renew(child) // one may have died of nothing that we asked
    for (let next = waiting[0]; next; next = waiting[0]) {
      const child = [...all].find((one) => !one.isSpent() && !one.isLate())
      if (!child?.hasRoom(next.job)) return
      waiting.shift()
      next.begin(child)
    }
  }
  /** One is at a long mail: the others go elsewhere. */
  const spread = (late: Child) => {
    if ([...all].some((one) => !one.isSpent() && !one.isLate())) late.recall()
    look()
  }
  const leave = (child: Child) => {
    renew(child)
    look()
  }
  const run = (job: Job) =>
    new Promise<ParsedMail>((resolve, reject) => {
      if (stopped) throw stoppedWords()
      if (job.signal?.aborted) throw abortedWords()
      const begin = (child: Child) => {
        void child
          .run(job)
          .then(resolve, reject)
          .then(() => leave(child))
      }
      const waits = { job, begin, reject }
      waiting.push(waits)
      job.signal?.addEventListener('abort', () => {
        const at = waiting.indexOf(waits)
        if (at >= 0) waiting.splice(at, 1)[0]!.reject(abortedWords())
      })
      look()
    })
  for (let i = 0; i < size; i++) add()

  return {
    async parse(source, { signal } = {}) {
      for (let alone = false; ; ) {
        const folder = join(temp, `${prefix}${++jobs}`)
        const dispose = () => rm(folder, { recursive: true, force: true })
        try {
          const mail = await run({ source, folder, signal, alone })
          const hasFiles = mail.error !== null || mail.parts.some((part) => !Buffer.isBuffer(part.content))
          return { mail, dispose: hasFiles ? dispose : async () => {} }
        } catch (error) {
          await dispose().catch(() => {}) // the sweep of the next start finds it
          const code = error instanceof Refusal ? error.code : null
          if (code !== 'parse_recalled' && code !== 'parse_unclear') throw error
          alone ||= code === 'parse_unclear'
        }
      }
    },
    async stop() {
      stopped = true
      for (const { reject } of waiting.splice(0)) reject(stoppedWords())
      await Promise.all([...all].map((child) => child.stop()))
      all.clear()
    },
  }
}

/**
 * Removes the folders that jobs of dead processes left under `temp`; to be called at start-up, before `startParser`.
 * Folders of living processes are left alone, unless they are older than an hour. Returns how many were removed.
 */
export async function sweepParts(temp: string, now: Date): Promise<number> {
  const names = await readdir(temp).catch(() => [] as string[])
  let removed = 0
  for (const name of names) {
    const [, host, pid] = /^job-([0-9a-z]+)-(\d+)-[0-9a-f]+-\d+$/.exec(name) ?? []
    if (!pid) continue
    const path = join(temp, name)
    const age = await stat(path).then(
      (found) => now.getTime() - found.mtimeMs,
      () => 0,
    )
    const isOurHost = host === hostWord()
    if (age < HOUR && (!isOurHost || (Number(pid) !== process.pid && isAlive(Number(pid))))) continue
    await rm(path, { recursive: true, force: true }).then(() => removed++, wordsOf)
  }
  return removed
}

const folderPrefix = () => `job-${hostWord()}-${process.pid}-`

const hostWord = () =>
  hostname()
    .toLowerCase()
    .replace(/[^0-9a-z]/g, '')
    .slice(0, 30) || 'host'

/** Whether a process with this pid runs on this machine, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const stoppedWords = () =>
  new Refusal('parse_stopped', 'The parser was stopped; the mail is parsed at the next start.', 'outage')
const abortedWords = () => new Refusal('parse_aborted', 'Parsing was called off before it began.', 'outage')

/**
 * One parse child as its parent sees it: feeding, watching, killing. It reads one mail at a time, and the next ones are
 * in its pipe already, so that it never waits for a busy parent. Which mail goes to which child is parse.ts's matter.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Refusal, wordsOf } from '../../errors.ts'
import type { ParsedMail } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import type { Log } from '../../log.ts'
import { frameOf, mailOf, startFrames } from './frames.ts'

/** The bytes of a mail, or how to open them as often as they are wanted. */
export type Source = AsyncIterable<Buffer> | (() => AsyncIterable<Buffer>)

/** `alone`: it is to have a child to itself. */
export type Job = { source: Source; folder: string; signal?: AbortSignal | undefined; alone?: boolean }

export type Child = {
  /**
   * Rejects with the Refusals that parse.ts documents, or with what the source threw; the child is then spent. And with
   * `parse_recalled` where nothing is wrong with the mail: it stood behind another, or was recalled. And `parse_unclear`
   * where the child died of one of several: which, only a child to itself can tell.
   */
  run(job: Job): Promise<ParsedMail>
  /** Whether it can be given this mail now, behind those that it has. */
  hasRoom(job: Job): boolean
  isIdle(): boolean
  /** It has been at one mail for longer than others should stand behind it. */
  isLate(): boolean
  /** Gives up those that stand behind the mail it is at; what it makes of them later is thrown away. */
  recall(): void
  /** Dead, too big or too old: not to be used again. */
  isSpent(): boolean
  kill(): void
  /** Lets it end by itself, then resolves. */
  stop(): Promise<void>
}

type Running = Job & {
  resolve(mail: ParsedMail): void
  reject(error: Error): void
  /** When the child came to it, or was given it. */
  since: number
  /** CPU of the child when first looked at, in ms; null before that. */
  cpuBefore: number | null
  fedAt: number | null
  recalled: boolean
}

/** cpu and wall in ms, resident in bytes. */
export type Caps = { cpu: number; resident: number; wall: number }

const FEED = 64 * 1024
const FILE = fileURLToPath(new URL('./child.ts', import.meta.url))
const TICK = 10 // ms per clock tick in /proc/<pid>/stat: USER_HZ is 100 on every Linux we know

/**
 * Spawns a child at once; it loads while the first mail is on its way. `onLate` is called again and again while it is
 * late, `onRoom` when mails that were given up have left it: nobody waits for those. `file` and `caps` differ only in
 * tests.
 */
export function startChild(options: {
  log: Log
  file?: string
  caps?: Caps
  onLate?: () => void
  onRoom?: () => void
}): Child {
  const { log, file = FILE, caps = limits.parse, onLate = () => {}, onRoom = () => {} } = options
  const child = spawnChild(file)
  const input = child.stdin as Writable
  const state = { dead: false, mails: 0, resident: 0, lastWords: '' }
  const jobs: Running[] = [] // in the order in which they are read
  let feeding: Promise<unknown> = Promise.resolve()
  let watch: NodeJS.Timeout | undefined
  const rest = () => {
    clearInterval(watch)
    watch = undefined
  }
  const fail = (error: Error, guilty = jobs[0]) => {
    state.dead = true
    rest()
    child.kill('SIGKILL')
    const left = jobs.splice(0)
    for (const job of left) job.reject(job === guilty ? error : recalled())
    if (left.some((job) => job.recalled)) onRoom()
  }
  /** The last answers may be lost with it, so with several it is not clear which one it was. */
  const die = (error: Error) => {
    if (jobs.length === 1) return fail(error)
    for (const job of jobs) job.reject(unclear())
    fail(error)
  }
  input.on('error', () => {}) // its exit, which follows, is what counts
  child.stderr!.on('data', (chunk: Buffer) => {
    state.lastWords = (state.lastWords + chunk.toString()).slice(-2000)
  })
  child.once('error', (error) => fail(crashed(error.message)))
  child.once('exit', () => {
    state.dead = true
  })
  // not before its last answers are read: what has one is not what it died of
  child.once('close', (code, signal) => {
    if (jobs.length === 0) return
    log.warn('parse_child_ended', { code, signal, words: state.lastWords.slice(-500) })
    const outOfMemory = /heap out of memory|allocation failed/i.test(state.lastWords)
    die(outOfMemory ? tooBig(caps) : crashed(`it ended with ${signal ?? code}`))
  })
  const take = (mail: ParsedMail) => {
    const job = jobs.shift()
    if (!job) return
    if (jobs[0]) jobs[0].since = performance.now()
    else rest()
    state.mails++
    if (state.mails % 50 === 0 || mail.bytes > 4 * FEED) state.resident = residentOf(child.pid!) ?? 0
    job.resolve(mail)
    if (!job.recalled) return
    rm(job.folder, { recursive: true, force: true }).catch(wordsOf) // what stays is swept at the next start
    onRoom()
  }
  listen(child.stdio[3] as Readable, take, fail)
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const isLate = () => jobs.length > 0 && performance.now() - jobs[0]!.since > limits.parse.patience
  const feedIn = async (job: Running) => {
    if (!job.recalled) await feed(input, job, () => state.dead)
    else if (jobs.includes(job)) {
      jobs.splice(jobs.indexOf(job), 1)
      onRoom()
    }
    job.fedAt = performance.now()
  }
  const abort = (job: Running) => {
    if (jobs.includes(job)) fail(new Refusal('parse_aborted', 'Parsing was called off.', 'outage'), job)
  }
  const look = () => {
    if (jobs[0]) watchOver(jobs[0], { child, state, caps, fail })
    if (isLate()) onLate()
  }

  return {
    run(job) {
      if (state.dead) return Promise.reject(crashed('it was gone before the mail came'))
      watch ??= setInterval(look, limits.parse.watch)
      return new Promise<ParsedMail>((resolve, reject) => {
        const since = performance.now()
        const running: Running = { ...job, resolve, reject, since, cpuBefore: null, fedAt: null, recalled: false }
        jobs.push(running)
        feeding = feeding.then(() => feedIn(running)).catch((error: Error) => fail(error, running))
        job.signal?.addEventListener('abort', () => abort(running), { once: true })
      })
    },
    hasRoom: (job) => jobs.length === 0 || (jobs.length < limits.parse.ahead && ![job, ...jobs].some(isAlone)),
    isIdle: () => jobs.length === 0,
    isLate,
    recall() {
      for (const job of jobs.slice(1)) {
        job.recalled = true
        job.reject(recalled())
      }
    },
    isSpent: () => state.dead || state.mails >= limits.parse.mails || state.resident > limits.parse.recycle,
    kill() {
      state.dead = true
      rest()
      child.kill('SIGKILL')
    },
    async stop() {
      if (jobs.length > 0)
        fail(new Refusal('parse_stopped', 'The parser was stopped in the middle of the mail.', 'outage'))
      input.end()
      const late = setTimeout(() => child.kill('SIGKILL'), 2000)
      await exited
      clearTimeout(late)
    },
  }
}

/** Nothing stands behind it, and it behind nothing: what can be opened but once cannot be given to another child, either. */
const isAlone = ({ source, alone }: Job) => alone === true || typeof source !== 'function'

/** A small limit makes V8 collect the old space whenever it has grown by a third; by as much again is often enough. */
const MEMORY = ['--max-old-space-size=400', '--max-semi-space-size=16', '--heap-growing-percent=100']

function spawnChild(file: string): ChildProcess {
  const flags = ['--disable-warning=ExperimentalWarning', '--always-sparkplug', ...MEMORY] // as bin/postroom
  const env = { TZ: 'UTC', ...(process.env.NODE_V8_COVERAGE ? { NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE } : {}) }
  return spawn(process.execPath, [...flags, file], { stdio: ['pipe', 'ignore', 'pipe', 'pipe'], env })
}

/** Small mails go out in one write; of large ones, one piece is held at a time. */
async function feed(input: Writable, job: Job, isDead: () => boolean): Promise<void> {
  if (isDead()) return
  let pieces = frameOf('J', [Buffer.from(JSON.stringify({ folder: job.folder }))])
  let held: Buffer[] = []
  let length = 0
  for await (const chunk of typeof job.source === 'function' ? job.source() : job.source) {
    if (isDead()) return
    held.push(chunk)
    length += chunk.length
    if (length < FEED) continue
    await write(input, [...pieces, ...frameOf('D', held)], isDead)
    pieces = []
    held = []
    length = 0
  }
  if (length > 0) pieces.push(...frameOf('D', held))
  await write(input, [...pieces, ...frameOf('E', [])], isDead)
}

async function write(input: Writable, pieces: Buffer[], isDead: () => boolean): Promise<void> {
  if (isDead()) return
  if (pieces.some((piece) => piece.length >= FEED)) {
    input.cork() // one system call, and no copy
    for (const piece of pieces) input.write(piece)
    input.uncork()
  } else input.write(Buffer.concat(pieces))
  if (!input.writableNeedDrain) return
  await new Promise<void>((resolve) => {
    const done = () => {
      input.off('drain', done)
      input.off('close', done)
      resolve()
    }
    input.on('drain', done)
    input.on('close', done)
  })
}

function listen(output: Readable, onAnswer: (mail: ParsedMail) => void, fail: (error: Error) => void): void {
  const push = startFrames(limits.parse.response)
  const carried: Buffer[] = []
  output.on('error', () => {}) // its exit, which follows, is what counts
  output.on('data', (chunk: Buffer) => {
    try {
      for (const { type, payload } of push(chunk)) {
        if (type === 'P') carried.push(payload)
        else onAnswer(mailOf(payload, carried))
      }
    } catch {
      fail(new Refusal('parse_answer', 'The parse child gave an answer that cannot be read.'))
    }
  })
}

type Watched = { child: ChildProcess; state: { resident: number }; caps: Caps; fail: (error: Error) => void }

/** A look at the child's CPU and memory. Without /proc only the wall clock guards. */
function watchOver(job: Running, { child, state, caps, fail }: Watched): void {
  const resident = residentOf(child.pid!)
  if (resident !== null) state.resident = resident
  if (resident !== null && resident > caps.resident) fail(tooBig(caps))
  const cpu = cpuOf(child.pid!)
  job.cpuBefore ??= cpu
  if (cpu !== null && cpu - job.cpuBefore! > caps.cpu) {
    const words = `Parsing the mail took more than ${caps.cpu / 1000} s of computing and was stopped.`
    fail(new Refusal('parse_cpu', words))
  }
  if (job.fedAt !== null && performance.now() - Math.max(job.fedAt, job.since) > caps.wall) {
    const words = `The parser gave no answer within ${caps.wall / 1000} s after the end of the mail.`
    fail(new Refusal('parse_time', words))
  }
}

const tooBig = ({ resident }: Caps) => {
  const words = `Parsing the mail needed more than ${Math.round(resident / 1024 / 1024)} MB and was stopped.`
  return new Refusal('parse_memory', words)
}

const recalled = () => new Refusal('parse_recalled', 'Another mail kept the parse child from it.', 'outage')

const unclear = () => new Refusal('parse_unclear', 'The parse child broke down over one of several mails.', 'outage')

const crashed = (words: string) => new Refusal('parse_crashed', `The parse child broke down: ${words}.`)

function cpuOf(pid: number): number | null {
  const line = readProc(`/proc/${pid}/stat`)
  if (line === null) return null
  const values = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return (Number(values[11]) + Number(values[12])) * TICK
}

function residentOf(pid: number): number | null {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/status`) ?? '')
  return found ? Number(found[1]) * 1024 : null
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null // ended this moment, or no /proc here
  }
}

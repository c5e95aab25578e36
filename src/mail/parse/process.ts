/** One parse child as its parent sees it: feeding, watching, killing. Jobs one at a time; the pool is parse.ts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Refusal } from '../../errors.ts'
import type { ParsedMail } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import type { Log } from '../../log.ts'
import { frameOf, startFrames } from './frames.ts'

export type Job = { source: AsyncIterable<Buffer>; folder: string; signal?: AbortSignal | undefined }

export type Child = {
  /** Rejects with the Refusals that parse.ts documents, or with what the source threw; the child is then spent. */
  run(job: Job): Promise<ParsedMail>
  /** Dead, too big or too old: not to be used again. */
  isSpent(): boolean
  kill(): void
  /** Lets it end by itself, then resolves. */
  stop(): Promise<void>
}

type Running = {
  resolve(mail: ParsedMail): void
  reject(error: Error): void
  /** CPU of the child when first looked at, in ms; null before that. */
  cpuBefore: number | null
  fedAt: number | null
}

/** cpu and wall in ms, resident in bytes. */
export type Caps = { cpu: number; resident: number; wall: number }

const FEED = 64 * 1024
const FILE = fileURLToPath(new URL('./child.ts', import.meta.url))
const TICK = 10 // ms per clock tick in /proc/<pid>/stat: USER_HZ is 100 on every Linux we know

/** Spawns a child at once; it loads while the first mail is on its way. `file` and `caps` differ only in tests. */
export function startChild(options: { log: Log; file?: string; caps?: Caps }): Child {
  const { log, file = FILE, caps = limits.parse } = options
  const flags = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=400']
  const env = { TZ: 'UTC', ...(process.env.NODE_V8_COVERAGE ? { NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE } : {}) }
  const child = spawn(process.execPath, [...flags, file], { stdio: ['pipe', 'ignore', 'pipe', 'pipe'], env })
  const input = child.stdin as Writable
  const state = { dead: false, mails: 0, resident: 0, lastWords: '' }
  let running: Running | null = null
  const fail = (error: Error) => {
    state.dead = true
    child.kill('SIGKILL')
    running?.reject(error)
  }
  input.on('error', () => {}) // its exit, which follows, is what counts
  child.stderr!.on('data', (chunk: Buffer) => {
    state.lastWords = (state.lastWords + chunk.toString()).slice(-2000)
  })
  child.once('error', (error) => fail(crashed(error.message)))
  child.once('exit', (code, signal) => {
    state.dead = true
    if (!running) return
    log.warn('parse_child_ended', { code, signal, words: state.lastWords.slice(-500) })
    const outOfMemory = /heap out of memory|allocation failed/i.test(state.lastWords)
    running.reject(outOfMemory ? tooBig(caps) : crashed(`it ended with ${signal ?? code}`))
  })
  listen(child.stdio[3] as Readable, (answer) => running?.resolve(answer), fail)
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))

  return {
    async run(job) {
      const answer = new Promise<ParsedMail>((resolve, reject) => {
        running = { resolve, reject, cpuBefore: null, fedAt: null }
      })
      const current = running!
      const watch = setInterval(() => watchOver(current, { child, state, caps, fail }), limits.parse.watch)
      const abort = () => fail(new Refusal('parse_aborted', 'Parsing was called off.', 'outage'))
      job.signal?.addEventListener('abort', abort, { once: true })
      try {
        if (state.dead) throw crashed('it was gone before the mail came')
        const fed = feed(input, job, () => state.dead).then(() => {
          current.fedAt = performance.now()
        })
        fed.catch((error: Error) => fail(error))
        const mail = await answer
        await fed
        state.mails++
        if (state.mails % 50 === 0 || mail.bytes > 4 * FEED) state.resident = residentOf(child.pid!) ?? 0
        return mail
      } finally {
        clearInterval(watch)
        job.signal?.removeEventListener('abort', abort)
        running = null
      }
    },
    isSpent: () => state.dead || state.mails >= limits.parse.mails || state.resident > limits.parse.recycle,
    kill() {
      state.dead = true
      child.kill('SIGKILL')
    },
    async stop() {
      if (running) fail(new Refusal('parse_stopped', 'The parser was stopped in the middle of the mail.', 'outage'))
      input.end()
      const late = setTimeout(() => child.kill('SIGKILL'), 2000)
      await exited
      clearTimeout(late)
    },
  }
}

/** Small mails go out in one write; of large ones, one piece is held at a time. */
async function feed(input: Writable, job: Job, isDead: () => boolean): Promise<void> {
  let pieces = frameOf('J', [Buffer.from(JSON.stringify({ folder: job.folder }))])
  let held: Buffer[] = []
  let length = 0
  for await (const chunk of job.source) {
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
  output.on('error', () => {}) // its exit, which follows, is what counts
  output.on('data', (chunk: Buffer) => {
    try {
      for (const frame of push(chunk)) onAnswer(JSON.parse(frame.payload.toString()) as ParsedMail)
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
  if (job.fedAt !== null && performance.now() - job.fedAt > caps.wall) {
    const words = `The parser gave no answer within ${caps.wall / 1000} s after the end of the mail.`
    fail(new Refusal('parse_time', words))
  }
}

const tooBig = ({ resident }: Caps) => {
  const words = `Parsing the mail needed more than ${Math.round(resident / 1024 / 1024)} MB and was stopped.`
  return new Refusal('parse_memory', words)
}

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

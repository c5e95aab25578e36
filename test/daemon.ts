/**
 * Real daemons for tests: `bin/postroom serve` in a process of its own, on ports that the kernel chooses, over a data
 * folder of the test's. They are started, killed and stopped here, and asked by the commands or by SQL.
 *
 *     const folder = makeFolder()
 *     const daemon = await startDaemon({ data: folder.path })
 *     await daemon.kill()
 *     await folder.remove()
 */
import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Database } from '../src/database.ts'
import { livePid, serverProcesses } from '../src/embedded-postgres/processes.ts'
import type { Place } from './smtp-client.ts'

export type Setting = {
  data: string
  /** The path of a postroom.yml; else the demo desk. */
  config?: string
  env?: Record<string, string>
}

export type Daemon = {
  pid: number
  /** Of its first SMTP listener. */
  smtp: Place
  /** `http://host:port` */
  web: string
  /** What it printed on stdout until now. */
  lines: string[]
  /** Its log as text. */
  log(): string
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM; how it ended, and after how many milliseconds. */
  terminate(): Promise<{ code: number | null; took: number }>
}

export type Folder = {
  path: string
  /** Connections to its private server; the test ends them. */
  open(): Database
  /** The pid of its postmaster; 0: none runs. */
  postmaster(): number
  /** Deletes all of it; a server that still runs is killed. */
  remove(): Promise<void>
}

const root = path.join(import.meta.dirname, '..')
const NAME = 'postroom-daemon-'
let folders = 0
sweep()

/** A folder for data, not yet there; root's server can enter it. */
export function makeFolder(): Folder {
  const folder = path.join(os.tmpdir(), `${NAME}${process.pid}-${++folders}`)
  const cluster = path.join(folder, 'postgres')
  return {
    path: folder,
    open: () => {
      const socket = path.join(cluster, '.s.PGSQL.5432')
      return connect({ path: socket, user: 'postroom', database: 'postroom' }, { name: 'test', max: 3 })
    },
    postmaster: () => livePid(cluster),
    async remove() {
      for (const pid of serverProcesses(cluster)) kill(pid)
      while (serverProcesses(cluster).length > 0) await sleep(20)
      fs.rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Starts one and waits until it says `ready`. Rejects with its words when it ends before that. */
export async function startDaemon(setting: Setting): Promise<Daemon> {
  const begun = spawnDaemon(setting)
  await begun.ready
  return begun.daemon()
}

/** Starts one and does not wait: for who kills it before it is ready. `daemon` may be asked for once it is. */
export function spawnDaemon(setting: Setting): { ready: Promise<void>; kill(): Promise<void>; daemon(): Daemon } {
  const child = run(['serve'], setting)
  const heard = { out: '', err: '' }
  let wake = () => {}
  const ready = new Promise<void>((resolve, reject) => {
    wake = () => /^ready$/m.test(heard.out) && resolve()
    child.once('close', (code, signal) => reject(new Error(`the daemon ended (${code ?? signal}): ${heard.err}`)))
  })
  ready.catch(() => {}) // who kills it does not wait for it
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    heard.out += text
    wake()
  })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    heard.err += text
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const end = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return {
    ready,
    kill: end,
    daemon: () => ({
      pid: child.pid!,
      smtp: placeOf(heard.out),
      web: /^web +(http:\S+)/m.exec(heard.out)?.[1] ?? '',
      lines: heard.out.trimEnd().split('\n'),
      log: () => heard.err,
      kill: end,
      async terminate() {
        const from = performance.now()
        child.kill('SIGTERM')
        return { code: await exited, took: performance.now() - from }
      },
    }),
  }
}

/** Runs a command to its end. */
export async function command(
  setting: Setting,
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const child = run(args, setting)
  const texts = await Promise.all([child.stdout!, child.stderr!].map((stream) => stream.setEncoding('utf8').toArray()))
  const code = child.exitCode ?? (await new Promise<number | null>((resolve) => child.once('exit', resolve)))
  return { code, out: texts[0]!.join(''), err: texts[1]!.join('') }
}

/** A list as `--json` prints it. Throws when the command fails or prints anything else. */
export async function listed(setting: Setting, ...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await command(setting, ...args, '--json')
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`)
  const lines = out.split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** Waits until `done` says something, and returns that. */
export async function until<T>(
  what: string,
  done: () => Promise<T | null | undefined | false>,
  milliseconds = 30_000,
): Promise<T> {
  for (const deadline = Date.now() + milliseconds; Date.now() < deadline; await sleep(50)) {
    const value = await done()
    if (value) return value
  }
  throw new Error(`${what}: not within ${milliseconds} ms`)
}

/** Kills a process that may be gone. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    if (pid > 0) process.kill(pid, signal)
  } catch {
    // it is gone
  }
}

function run(args: string[], { data, config, env }: Setting): ChildProcess {
  // without what would move it elsewhere
  const clean = Object.entries(process.env).filter(([name]) => !/^(?:POSTROOM_|DATABASE_URL$)/.test(name))
  return spawn(path.join(root, 'bin', 'postroom'), [...args, '--data', data], {
    cwd: os.tmpdir(), // no postroom.yml there
    env: {
      ...Object.fromEntries(clean),
      NODE_COMPILE_CACHE: path.join(os.tmpdir(), 'postroom-test-cache'), // a test starts many
      ...(config ? { POSTROOM_CONFIG: config } : { POSTROOM_SMTP: '127.0.0.1:0', POSTROOM_WEB: '127.0.0.1:0' }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function placeOf(out: string): Place {
  const [, address = '', port] = /^smtp +(\S+):(\d+), for/m.exec(out) ?? []
  return { address, port: Number(port) }
}

/** A test that was killed could not stop its private servers. */
function sweep(): void {
  for (const name of fs.readdirSync(os.tmpdir())) {
    const owner = new RegExp(`^${NAME}(\\d+)-`).exec(name)?.[1]
    if (!owner || fs.existsSync(`/proc/${owner}`)) continue
    const folder = path.join(os.tmpdir(), name)
    for (const pid of serverProcesses(path.join(folder, 'postgres'))) kill(pid)
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * What the benches stand on: one private PostgreSQL server for a whole run, databases on it, real daemons started
 * with `bin/postroom serve`. Every bench takes away what it made.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openClient, type Sql, type Target } from '../src/database.ts'
import { startEmbedded } from '../src/embedded-postgres.ts'
import { silent } from '../src/log.ts'
import { deskText, zoneText } from './mails.ts'

export type Ground = {
  /** The folder of the server's socket, as PGHOST takes it. */
  host: string
  user: string
  /** The server's first process. */
  pid: number
  /** A folder for files of this run; gone at the end. */
  folder: string
  makeDatabase(name: string): Promise<void>
  dropDatabase(name: string): Promise<void>
  /** A client of few connections; the caller ends it. */
  open(name: string): Sql
  target(name: string): Target
  stop(): Promise<void>
}

export type Daemon = {
  pid: number
  smtp: { host: string; port: number }
  stop(): Promise<void>
}

const root = path.join(import.meta.dirname, '..')
/** Daemons' and benches' own. */
export const SECRET = 'of the benches: daemons that come back to a database must have the one it began with'
const START = 30_000 // ms a daemon may take to say "ready"

/** Starts the server, with the settings that the daemon gives its own. */
export async function startGround(): Promise<Ground> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-bench-'))
  chmodSync(folder, 0o711) // root's private server runs as another user, who has to pass
  const server = await startEmbedded({ data: path.join(folder, 'server'), log: silent })
  const { path: socket, user } = server.connection
  const target = (name: string) => ({ path: socket, user, database: name })
  const open = (name: string) => openClient(target(name), { max: 2, name: 'bench' })
  const admin = open('postgres')
  return {
    host: path.dirname(socket),
    user,
    pid: Number.parseInt(readFileSync(path.join(path.dirname(socket), 'postmaster.pid'), 'latin1'), 10),
    folder,
    open,
    target,
    async makeDatabase(name) {
      await admin`create database ${admin(name)}`
    },
    async dropDatabase(name) {
      await admin`drop database if exists ${admin(name)} with (force)`
    },
    async stop() {
      await admin.end()
      await server.stop()
      rmSync(server.home, { recursive: true, force: true })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * A daemon as shipped, on a database of the ground; `message` is its limit for one mail, where it is not the default,
 * `relay` the port of its relay, which it uses at the rates as shipped; without one its mails become files.
 */
export async function startDaemon(
  ground: Ground,
  { database, message, relay }: { database: string; message?: string; relay?: number },
): Promise<Daemon> {
  const folder = mkdtempSync(path.join(ground.folder, 'daemon-'))
  writeFileSync(path.join(folder, 'desk.yml'), deskText())
  writeFileSync(path.join(folder, 'zone.yml'), zoneText())
  const config = path.join(folder, 'postroom.yml')
  const lines = [
    `database: postgres:///${database}`,
    'data: ./data',
    'web: {listen: 127.0.0.1:0}',
    'listeners: [{kind: mx, listen: 127.0.0.1:0}]',
    ...(message ? [`limits: {message: ${message}}`] : []),
    ...(relay ? [`relay: {url: 'smtp://127.0.0.1:${relay}'}`] : []),
    'dns: {zone: zone.yml}', // no question leaves the machine, and no answer takes time
    'desk: desk.yml',
  ]
  mkdirSync(path.join(folder, 'data'), { mode: 0o700 })
  writeFileSync(config, `${lines.join('\n')}\n`)
  const child = spawn(path.join(root, 'bin', 'postroom'), ['serve', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PGHOST: ground.host, PGUSER: ground.user, POSTROOM_LOG: 'warn', POSTROOM_SECRET: SECRET },
  })
  const said = await readiness(child)
  const found = /^smtp\s+(\S+):(\d+),/m.exec(said)
  if (!found) throw new Error(`the daemon says no SMTP address:\n${said}`)
  return {
    pid: child.pid!,
    smtp: { host: found[1]!, port: Number(found[2]) },
    async stop() {
      await ended(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A bench's own process: answers with one line of JSON for each that it is sent. */
export type Helper = { ask<Answer>(question: unknown): Promise<Answer>; stop(): Promise<void> }

export function startHelper(file: string, env: Record<string, string> = {}): Helper {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, file)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  let text = ''
  let tell: ((line: string) => void) | null = null
  let fail: ((error: Error) => void) | null = null
  child.stdout!.on('data', (chunk: Buffer) => {
    text += chunk
    const end = text.indexOf('\n')
    if (end < 0) return
    tell?.(text.slice(0, end))
    text = text.slice(end + 1)
  })
  child.once('exit', (code) => fail?.(new Error(`${file} ended with ${code}`)))
  return {
    async ask<Answer>(question: unknown): Promise<Answer> {
      child.stdin!.write(`${JSON.stringify(question)}\n`)
      const line = await new Promise<string>((resolve, reject) => {
        tell = resolve
        fail = reject
      })
      fail = null
      return JSON.parse(line) as Answer
    },
    stop: () => ended(child),
  }
}

/** Waits until `done`, looking so rarely that the looks cost nothing; a bench that hangs ends with words. */
export async function until(done: () => Promise<boolean>, what: string, most = 120_000): Promise<void> {
  for (const from = performance.now(); !(await done()); await sleep(25))
    if (performance.now() - from > most) throw new Error(`${what} took more than ${most / 1000} s`)
}

/** Bytes of memory that a process has in RAM: VmRSS. */
export function residentOf(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return found ? Number(found[1]) * 1024 : 0
}

async function readiness(child: ChildProcess): Promise<string> {
  let said = ''
  let complained = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    complained = (complained + chunk).slice(-4000)
    if (process.env.BENCH_LOG) process.stderr.write(chunk)
  })
  await new Promise<void>((resolve, reject) => {
    const refuse = (words: string) => {
      child.kill('SIGKILL')
      reject(new Error(`the daemon ${words}:\n${said}${complained}`))
    }
    const late = setTimeout(() => refuse('was not ready in time'), START)
    child.once('exit', (code) => refuse(`ended with ${code}`))
    child.stdout!.on('data', (chunk: Buffer) => {
      said += chunk
      if (!/^ready$/m.test(said)) return
      clearTimeout(late)
      child.removeAllListeners('exit')
      resolve()
    })
  })
  return said
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

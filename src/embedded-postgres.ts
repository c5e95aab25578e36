/**
 * The private PostgreSQL server of people without one. It belongs to the data folder, not to a process: whoever finds
 * none starts it, everybody attaches to it, a dead one is started again within seconds, and the last to leave stops it.
 *
 * Who uses the server is known by a shared advisory lock that each process holds on a session of its own: a process
 * that gets it exclusively is the last. Starting is one process at a time. The server listens on a socket in its own
 * 0700 folder only, so whoever may enter the folder may connect.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeDataFolder, makeFolder } from './data-folder.ts'
import { isOutage, openClient, type Sql } from './database.ts'
import { findBinaries, type Owner, reachable, serverOwner } from './embedded-postgres/binaries.ts'
import {
  accepts,
  livePid,
  removeStaleFiles,
  serverProcesses,
  takeTurn,
  waitUntil,
} from './embedded-postgres/processes.ts'
import { Refusal, wordsOf } from './errors.ts'
import { embedded as limits } from './limits.ts'
import type { Log } from './log.ts'

export type Connection = { path: string; user: string; database: string }

export type Embedded = {
  connection: Connection
  /** For the start line: which version, where, and why there. */
  where: string
  /** The folder that holds cluster, log and perhaps binaries. */
  home: string
  /** Leaves the server, and stops it when nobody else uses it. The caller has ended its own clients before. */
  stop(): Promise<void>
}

type Cluster = { home: string; dir: string; bin: string; version: string; owner: Owner | null; log: Log }

/** A session that holds the shared lock; `lost` once its connection has ended. */
type Hold = { sql: Sql; lost: boolean }

/** The path of the socket as this process can reach it, and what to close afterwards. */
type Way = { socket: string; end(): void }

const USER = 'postroom'
const DATABASE = 'postroom'
/** Locks are per database; everybody takes this one in `postgres`, which no template or restore ever touches. */
const USE_LOCK = 7_240_002
const HOLDER = 'postroom hold'

/** The home of root's server when its user cannot enter the data folder. */
const FALLBACK = '/var/lib/postroom'

const SETTINGS = {
  listen_addresses: '',
  unix_socket_directories: '.', // the server stands in its own folder: no path is too long for that
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '128MB',
  fsync: 'on',
  synchronous_commit: 'on',
  jit: 'off', // many small queries: compiling them costs more than it gives
  max_parallel_workers_per_gather: '0', // parallel workers want /dev/shm, which containers keep small
  log_checkpoints: 'off',
}

/**
 * Starts the server of the data folder, or attaches to the one that runs, and keeps it running until `stop`.
 * @throws Refusal, fault `config`, when this machine or this folder cannot have a private server, with the remedy
 */
export async function startEmbedded(options: { data: string; log: Log }): Promise<Embedded> {
  const { cluster, where } = prepare(options.data, options.log)
  const leaving = new AbortController()
  let hold = await attach(cluster, leaving.signal)
  await createDatabase(hold.sql)
  const way = openWay(cluster.dir)

  let repairing: Promise<void> | undefined
  const repair = async () => {
    options.log.warn('database_lost')
    await hold.sql.end({ timeout: 0 })
    hold = await attach(cluster, leaving.signal)
    options.log.info('database_back')
  }
  const watch = setInterval(() => {
    if (repairing || !hold.lost) return
    repairing = repair()
      .catch((error: unknown) => options.log.error('database_restart_failed', { words: wordsOf(error) }))
      .finally(() => {
        repairing = undefined
      })
  }, limits.watch)
  watch.unref()

  const leaveAll = async () => {
    clearInterval(watch)
    leaving.abort() // a long recovery must not hold up the daemon's stop
    await repairing
    way.end()
    await leave(cluster, hold)
  }
  let left: Promise<void> | undefined
  return {
    connection: { path: way.socket, user: USER, database: DATABASE },
    where,
    home: cluster.home,
    stop() {
      left ??= leaveAll()
      return left
    },
  }
}

/** Decides where the cluster is, which binaries run it, and as whom. */
function prepare(data: string, log: Log): { cluster: Cluster; where: string } {
  const real = makeDataFolder(data)
  const { home, owner } = findHome(real)
  const { bin, version } = findBinaries(home, owner)
  const why = home === real ? '' : ` (user ${owner?.name} cannot enter ${real})`
  return {
    cluster: { home, dir: path.join(home, 'postgres'), bin, version, owner, log },
    where: `private PostgreSQL ${version} in ${home}${why}`,
  }
}

/**
 * The data folder itself, or the fallback where root's server user cannot enter it. A cluster that exists is never
 * left for an empty one: the data folder remembers its fallback in `postgres.home`.
 */
function findHome(data: string): { home: string; owner: Owner | null } {
  const inside = path.join(data, 'postgres')
  const owner = serverOwner(inside)
  const pointer = path.join(data, 'postgres.home')
  if (!owner) {
    if (fs.existsSync(pointer)) throw unreachable(data, `root keeps its database in ${read(pointer)}: start as root`)
    return { home: data, owner }
  }
  const fallback = path.join(FALLBACK, createHash('sha256').update(data).digest('hex').slice(0, 16))
  if (fs.existsSync(pointer)) {
    const remembered = read(pointer)
    if (remembered !== fallback)
      throw unreachable(data, `it was moved: rename ${remembered} to ${fallback} and write that into ${pointer}`)
    return { home: fallback, owner: serverOwner(path.join(fallback, 'postgres')) }
  }
  if (reachable(data, owner)) return { home: data, owner }
  if (fs.existsSync(inside))
    throw unreachable(data, `user ${owner.name} cannot enter it any more: allow passing through`)
  for (const folder of [FALLBACK, fallback]) makeFolder(folder, 0o711)
  fs.writeFileSync(pointer, `${fallback}\n`, { mode: 0o600 })
  return { home: fallback, owner: serverOwner(path.join(fallback, 'postgres')) }
}

const read = (file: string) => fs.readFileSync(file, 'utf8').trim()

const unreachable = (data: string, words: string) =>
  new Refusal('data_unreachable', `The database of ${data} cannot be reached; ${words}.`, 'config')

/** A session with the shared lock on a running server, which is started as often as it is found dead. */
async function attach(cluster: Cluster, leaving: AbortSignal): Promise<Hold> {
  for (const deadline = Date.now() + limits.ready; ; await sleep(50)) {
    await ensureRunning(cluster)
    const way = openWay(cluster.dir)
    const target = { path: way.socket, user: USER, database: 'postgres' }
    const hold: Hold = { lost: false, sql: openClient(target, { max: 1, name: HOLDER, onclose: () => lose() }) }
    const lose = () => {
      hold.lost = true
    }
    try {
      // Waits while the last one to leave stops the server, then fails: the next round starts it again.
      await hold.sql`select pg_advisory_lock_shared(${USE_LOCK}::bigint)`
      return hold
    } catch (error) {
      await hold.sql.end({ timeout: 0 })
      if (!isOutage(error) || leaving.aborted || Date.now() > deadline) throw error
    } finally {
      way.end() // a connection that stands needs no path any more
    }
  }
}

/** Returns when a server of this cluster accepts connections; it may still be replaying its log. */
async function ensureRunning(cluster: Cluster): Promise<void> {
  if (await answers(cluster.dir)) return
  const turn = await takeTurn(cluster.dir)
  try {
    if (await answers(cluster.dir)) return
    if (!fs.existsSync(cluster.dir)) await initialise(cluster)
    checkVersion(cluster)
    // One that lives and does not answer is starting, or is being stopped by the last who left: that one is gone soon.
    await waitUntil(async () => !livePid(cluster.dir) || (await answers(cluster.dir)), limits.ready)
    if (livePid(cluster.dir)) return
    // Backends that outlived their postmaster still write: starting beside them would destroy the data.
    if (!(await waitUntil(() => serverProcesses(cluster.dir).length === 0, limits.stop)))
      throw new Refusal('postgres_orphans', `Old server processes still run on ${cluster.dir}.`, 'outage')
    removeStaleFiles(cluster.dir)
    await launch(cluster)
  } finally {
    turn.end()
  }
}

async function answers(dir: string): Promise<boolean> {
  if (!fs.existsSync(dir)) return false
  const way = openWay(dir)
  try {
    return await accepts(way.socket)
  } finally {
    way.end()
  }
}

/** initdb writes PG_VERSION early, so a killed one looks whole: it works beside, and the rename makes it count. */
async function initialise({ dir, bin, owner }: Cluster): Promise<void> {
  const half = `${dir}.new`
  fs.rmSync(half, { recursive: true, force: true })
  fs.mkdirSync(half, { mode: 0o700 })
  if (owner) fs.chownSync(half, owner.uid, owner.gid)
  // Byte order for indexes, Unicode for upper and lower case, and no dependence on the machine's locales.
  const locale = ['--no-locale', '--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const child = run(path.join(bin, 'initdb'), ['-D', half, '-A', 'trust', '-U', USER, ...locale], owner, 'pipe')
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const code = await ended(child)
  if (code !== 0) throw failed(said)
  fs.renameSync(half, dir)
}

function checkVersion({ dir, version }: Cluster): void {
  const found = fs.readFileSync(path.join(dir, 'PG_VERSION'), 'utf8').trim()
  const major = version.split('.')[0]
  if (found !== major)
    throw new Refusal(
      'postgres_major',
      `${dir} was written by PostgreSQL ${found}, and this version brings PostgreSQL ${major}: ` +
        `make a backup with the Postroom that wrote it and restore it here.`,
      'config',
    )
}

/** Detached, so that Ctrl-C reaches the daemon only; its log is a file, so that it outlives the daemon. */
async function launch({ home, dir, bin, owner, log }: Cluster): Promise<void> {
  const file = path.join(home, 'postgres.log')
  if ((fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > limits.log) fs.renameSync(file, `${file}.1`)
  const output = fs.openSync(file, 'a', 0o600)
  const before = fs.fstatSync(output).size
  const flags = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = run(path.join(bin, 'postgres'), ['-D', dir, ...flags], owner, output)
  fs.closeSync(output)
  let code: number | null | undefined
  const exit = ended(child).then((value) => {
    code = value
  })
  exit.catch(() => {}) // told below
  child.unref()
  const up = await waitUntil(
    async () => code !== undefined || (await Promise.race([answers(dir), exit.then(() => true)])),
    limits.ready,
  )
  if (!up || code !== undefined) throw failed(fs.readFileSync(file).subarray(before).toString())
  log.info('database_started', { dir })
}

/** A clean environment: PGDATA, PGPORT and LC_* of the caller would change what the server does. */
function run(file: string, args: string[], owner: Owner | null, output: 'pipe' | number): ChildProcess {
  return spawn(file, args, {
    ...(owner && { uid: owner.uid, gid: owner.gid }),
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    detached: true,
    stdio: ['ignore', output === 'pipe' ? 'ignore' : output, output],
  })
}

/** The exit code; null after a signal. Rejects when the file could not be run at all. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(failed(wordsOf(cause))))
    child.on('close', resolve)
  })
}

/** With the server's own last words, which name the cause. */
function failed(said: string): Refusal {
  const lines = said.trim().split('\n').slice(-3)
  const words = lines.map((line) => line.replace(/^.*?\b(?:LOG|FATAL|DETAIL|HINT|error): +/, '').trim())
  const remedy = 'Repair that, or set DATABASE_URL to a PostgreSQL of yours.'
  return new Refusal(
    'postgres_start',
    `PostgreSQL did not start: ${words.filter(Boolean).join('; ')}. ${remedy}`,
    'config',
  )
}

async function createDatabase(sql: Sql): Promise<void> {
  const found = await sql`select 1 from pg_database where datname = ${DATABASE}`
  if (found.length) return
  await sql`create database ${sql(DATABASE)}`.catch((error: { code?: string }) => {
    if (error.code !== '42P04' && error.code !== '23505') throw error // another process was faster
  })
}

/** Gives up the shared lock; who then gets it exclusively is the last one, and stops the server. */
async function leave(cluster: Cluster, hold: Hold): Promise<void> {
  try {
    if (hold.lost || !(await isLast(hold.sql))) return
    const pid = livePid(cluster.dir)
    if (pid === 0) return // a server in another container: not ours to signal
    process.kill(pid, 'SIGINT') // "fast": sessions are ended, everything is written
    const gone = await waitUntil(() => serverProcesses(cluster.dir).length === 0, limits.stop)
    if (!gone) cluster.log.warn('database_still_stopping', { dir: cluster.dir })
  } catch (error) {
    if (!isOutage(error)) throw error // died while we left: nothing to stop
  } finally {
    await hold.sql.end({ timeout: 0 })
  }
}

/**
 * Whether nobody else uses the server; if so the lock is held exclusively, so that newcomers wait. Sessions without
 * the lock count too: a daemon that found its server dead a moment ago may be back before its lock is. The wait is
 * for our own pools, whose sessions the server forgets a little after they were ended.
 */
async function isLast(sql: Sql): Promise<boolean> {
  await sql`select pg_advisory_unlock_shared(${USE_LOCK}::bigint)`
  for (let round = 0; round < 20; round++, await sleep(50)) {
    const [lock] = await sql`select pg_try_advisory_lock(${USE_LOCK}::bigint) as taken`
    if (!lock?.taken) return false
    const others = await sql`
      select 1 from pg_stat_activity where backend_type = 'client backend' and application_name <> ${HOLDER}`
    if (others.length === 0) return true
    await sql`select pg_advisory_unlock(${USE_LOCK}::bigint)`
  }
  return false
}

/** A socket's path may have 107 bytes; a longer one is reached through an open folder. */
function openWay(dir: string): Way {
  const socket = path.join(dir, '.s.PGSQL.5432')
  if (Buffer.byteLength(socket) <= limits.socketPath) return { socket, end: () => {} }
  const fd = fs.openSync(dir, 'r')
  return { socket: `/proc/self/fd/${fd}/.s.PGSQL.5432`, end: () => fs.closeSync(fd) }
}

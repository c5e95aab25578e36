/**
 * The database: connections, migrations, leases and notifications. The only importer of postgres.js.
 *
 * Two clients stand side by side because drizzle rewrites the date and JSON serializers of the client it is given:
 * `sql` (tagged, prepared, one round trip) for every path a mail takes, `db` (drizzle) for the ordinary query.
 * It never hides an error: a deadlock, a lost connection and a full disk all reach the caller, and `isOutage` tells
 * those that pass with time from bugs.
 */

import { existsSync } from 'node:fs'
import path from 'node:path'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { begin, suspectLoss } from './database/lost.ts'
import { arrayTypes, types } from './database/values.ts'
import { Refusal } from './errors.ts'
import { database as limits } from './limits.ts'

/** Where a database is: a URL, or a socket (the full path of its file) of the private server. */
export type Target = { url: string } | { path: string; user: string; database: string }

export type Sql = postgres.Sql
export type Tx = postgres.TransactionSql
/** What a read needs: inside or outside a transaction. */
export type Queryable = postgres.ISql
export type Db = PostgresJsDatabase
export { all, ask, askTogether, each, type Question, share } from './database/ask.ts'
export { type Change, change, fragment, type Statement, together } from './database/together.ts'

export type Database = { sql: Sql; db: Db; end(): Promise<void> }

export type Listening = { stop(): Promise<void> }

/** One key per use; the number only has to differ from the others. */
const MIGRATION_LOCK = 7_240_001

/**
 * Opens the pools; nothing is sent until the first query. Lost connections come back by themselves, and a query that
 * finds no server rejects after at most `limits.connect`.
 */
export function connect(target: Target, options: { max?: number; name?: string } = {}): Database {
  const sql = openClient(target, options)
  const forDrizzle = openClient(target, { ...options, max: Math.min(options.max ?? limits.pool, limits.drizzlePool) })
  return {
    sql,
    db: drizzle(forDrizzle),
    async end() {
      await Promise.all([sql.end({ timeout: limits.end }), forDrizzle.end({ timeout: limits.end })])
    },
  }
}

/**
 * One client without drizzle, for sessions that must be their own: locks, COPY, the tests' administrator.
 * `onclose` is called whenever one of its connections is lost or ended.
 */
export function openClient(target: Target, options: { max?: number; name?: string; onclose?: () => void } = {}): Sql {
  const settings: postgres.Options<Record<string, postgres.PostgresType>> = {
    max: options.max ?? limits.pool,
    connect_timeout: limits.connect,
    // The driver's own back-off grows to 20 s and makes queued queries wait that long to hear of an outage.
    backoff: () => limits.reconnect,
    ...(options.max === 1 && { max_lifetime: null }), // it may hold session locks, and recycling would drop them
    onclose() {
      suspectLoss(client)
      options.onclose?.()
    },
    connection: { application_name: options.name ?? 'postroom', TimeZone: 'UTC' },
    onnotice: () => {}, // "already exists, skipping" and its like
    fetch_types: false, // see database/values.ts
    types: types as Record<string, postgres.PostgresType>,
  }
  const client = 'url' in target ? postgres(target.url, settings) : postgres({ ...target, ...settings })
  const { shared } = client.options as unknown as { shared: { typeArrayMap: Record<number, number> } }
  Object.assign(shared.typeArrayMap, arrayTypes)
  return client as unknown as Sql
}

/**
 * Runs `work` in one transaction. An error thrown by any statement in it, even a caught one, undoes the whole
 * (postgres.js): use `on conflict`, or `tx.savepoint` around the statement that may fail. A connection lost on the way
 * rejects with an outage, whatever `work` is doing (database/lost.ts).
 */
export async function transaction<T>(sql: Sql, work: (tx: Tx) => Promise<T>): Promise<T> {
  return begin(sql, work)
}

/** Runs `work` in a transaction that is always undone: for who wants to know what would be. */
export async function rolledBack<T>(sql: Sql, work: (tx: Tx) => Promise<T>): Promise<T> {
  let done: { value: T } | null = null
  const undo = new Error('to be undone')
  try {
    await transaction(sql, async (tx) => {
      done = { value: await work(tx) }
      throw undo
    })
  } catch (error) {
    if (error !== undo) throw error
  }
  return (done as { value: T } | null)!.value
}

/**
 * Whether an error of a database call passes with time: the connection is lost, the server stops, starts, is
 * read-only or out of disk, memory or connections. Answered with 451 and tried again; everything else is a bug.
 */
export function isOutage(error: unknown): boolean {
  for (let depth = 0, at = error; depth < 5 && at instanceof Error; depth++, at = at.cause) {
    if (at instanceof Refusal) return at.fault === 'outage'
    const { code, syscall } = at as NodeJS.ErrnoException
    if (code && (OUTAGE.test(code) || (code === 'ENOENT' && syscall === 'connect'))) return true
  }
  return false
}

/**
 * Brings the schema up to the newest migration of `folder` (drizzle's). Any number of daemons may call it at once.
 * @returns how many migrations were applied now
 * @throws Refusal `migration_changed`, `migration_missed` or `database_newer`, fault `config`
 */
export async function migrate(target: Target, folder: string): Promise<number> {
  if (!existsSync(path.join(folder, 'meta', '_journal.json'))) return 0
  const files = readMigrationFiles({ migrationsFolder: folder })
  // The lock is the session's, so everything goes through one connection.
  const sql = openClient(target, { max: 1, name: 'postroom migrate' })
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK}::bigint)`
    const applied = await appliedMigrations(sql)
    compareMigrations(files, applied)
    await runMigrations(drizzle(sql), { migrationsFolder: folder })
    return files.length - applied.size
  } finally {
    await sql.end({ timeout: limits.end })
  }
}

/**
 * Takes or renews the lease `name` for `holder`, counted by the database's clock so that daemons on several machines
 * agree. True when it is held now, for `milliseconds` from now.
 */
export async function takeLease(sql: Queryable, name: string, holder: string, milliseconds: number): Promise<boolean> {
  const rows = await sql`
    insert into leases (name, holder, until)
    values (${name}, ${holder}, clock_timestamp() + ${milliseconds}::float8 * interval '1 millisecond')
    on conflict (name) do update set holder = excluded.holder, until = excluded.until
      where leases.holder = excluded.holder or leases.until < clock_timestamp()
    returning 1`
  return rows.length === 1
}

/** Gives the lease back early; a lease that is another's by now stays theirs. */
export async function releaseLease(sql: Queryable, name: string, holder: string): Promise<void> {
  await sql`delete from leases where name = ${name} and holder = ${holder}`
}

/**
 * Calls `wake` for each notification on `channel` (with its payload), and once, with '', whenever listening begins or
 * begins again after a lost connection, because what was sent meanwhile is lost. A poll beside it makes sure.
 * Resolves when the first listening stands.
 */
export async function listen(sql: Sql, channel: string, wake: (payload: string) => void): Promise<Listening> {
  let stopped = false
  const tell = (payload: string) => {
    if (!stopped) wake(payload)
  }
  const { unlisten } = await sql.listen(channel, tell, () => tell(''))
  return {
    async stop() {
      stopped = true // the driver's unlisten does nothing once it has listened anew
      await unlisten().catch((error: unknown) => {
        if (!isOutage(error)) throw error // without a connection nothing listens any more
      })
    },
  }
}

/** Wakes the listeners of `channel`; inside a transaction when it commits. */
export async function notify(sql: Queryable, channel: string, payload = ''): Promise<void> {
  await sql`select pg_notify(${channel}, ${payload})`
}

/** 08 connection, 53 resources, 57P0x shutdown and start-up, 58 disk, 25006 read-only; then the driver and the socket. */
const OUTAGE =
  /^(?:08...|53...|57P0[1-5]|58...|25006|CONNECTION_(?:CLOSED|ENDED|DESTROYED)|CONNECT_TIMEOUT|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/

/** created_at of drizzle's journal -> hash. */
async function appliedMigrations(sql: Sql): Promise<Map<number, string>> {
  const [found] = await sql`select to_regclass('drizzle.__drizzle_migrations') is not null as exists`
  if (!found?.exists) return new Map()
  const rows = await sql<{ hash: string; created_at: number }[]>`
    select hash, created_at from drizzle.__drizzle_migrations order by created_at`
  return new Map(rows.map((row) => [row.created_at, row.hash]))
}

/** drizzle looks at the newest date only; these three would otherwise go unnoticed. */
function compareMigrations(files: MigrationMeta[], applied: Map<number, string>): void {
  const refuse = (code: string, words: string) => new Refusal(code, words, 'config')
  const newest = Math.max(0, ...applied.keys())
  for (const file of files) {
    const hash = applied.get(file.folderMillis)
    const dated = new Date(file.folderMillis).toISOString()
    if (hash === undefined && file.folderMillis < newest)
      throw refuse('migration_missed', `The migration of ${dated} is older than one already applied and was never run.`)
    if (hash !== undefined && hash !== file.hash)
      throw refuse(
        'migration_changed',
        `The migration of ${dated} was changed after it was applied to this database: restore the released file.`,
      )
  }
  const known = new Set(files.map((file) => file.folderMillis))
  if ([...applied.keys()].some((when) => !known.has(when)))
    throw refuse('database_newer', 'This database was made by a newer Postroom: start that version or a later one.')
}

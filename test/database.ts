/**
 * A database of its own for a test file: cloned once from a migrated template, emptied between tests, dropped at the
 * end. `test/run.ts` hands over a server by the environment; a file run by hand (`node test/x.test.ts`) starts or
 * joins one that all files run by hand in this checkout share, and migrates a new template when drizzle/ changed.
 *
 *     const database = await testDatabase()
 *     test.before.each(database.empty)
 *     test.after(database.close)
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Database, type Db, migrate, openClient, type Sql } from '../src/database.ts'
import { type Connection, startEmbedded } from '../src/embedded-postgres.ts'
import { silent } from '../src/log.ts'

/** What the runner passes on in POSTROOM_TEST_SERVER, as JSON. */
export type TestServer = { path: string; user: string; template: string }

export type TestDatabase = {
  sql: Sql
  db: Db
  /** The same two with `end`, for code that takes a whole Database. */
  database: Database
  /** For a second connection, or a daemon in another process. */
  target: Connection
  /** Deletes all rows of all tables; ids go on counting. */
  empty(): Promise<void>
  /** Ends and drops it. Throws when the test left a connection open. */
  close(): Promise<void>
}

const root = path.join(import.meta.dirname, '..')
const migrations = path.join(root, 'drizzle')
const TEMPLATE_LOCK = 7_240_101
let clones = 0

/** A fresh clone of the migrated template. */
export async function testDatabase(): Promise<TestDatabase> {
  const { server, leave } = await findServer()
  const admin = openClient({ ...server, database: 'postgres' }, { max: 1, name: 'test admin' })
  const name = `test_${process.pid}_${clones++}`
  await admin`create database ${admin(name)} template ${admin(server.template)}`
  const target = { path: server.path, user: server.user, database: name }
  const database = connect(target, { name: 'test' })
  let emptying: string | undefined
  return {
    sql: database.sql,
    db: database.db,
    database,
    target,
    async empty() {
      emptying ??= await emptyStatement(database.sql)
      await database.sql.unsafe(emptying)
    },
    async close() {
      await database.end()
      const left = await leftOpen(admin, name)
      await admin`drop database ${admin(name)} with (force)`
      await admin.end()
      await leave()
      if (left.length) throw new Error(`the test left connections open: ${left.join(', ')}`)
    },
  }
}

/**
 * The name of a migrated template on this server, made now if the migrations have none yet. Templates of other
 * migrations and clones whose process is gone are dropped.
 */
export async function prepareTemplate(connection: Connection): Promise<string> {
  const template = `template_${migrationsHash()}`
  const admin = openClient({ ...connection, database: 'postgres' }, { max: 1, name: 'test admin' })
  try {
    await admin`select pg_advisory_lock(${TEMPLATE_LOCK}::bigint)`
    const names = (await admin<{ datname: string }[]>`select datname from pg_database`).map((row) => row.datname)
    if (!names.includes(template)) {
      for (const old of names.filter((name) => /^(template_.{16}|making)$/.test(name)))
        await admin`drop database ${admin(old)} with (force)`
      await admin`create database making`
      await migrate({ ...connection, database: 'making' }, migrations)
      await admin`alter database making rename to ${admin(template)}`
    }
    for (const name of names) {
      const pid = /^test_(\d+)_\d+$/.exec(name)?.[1]
      if (pid && !existsSync(`/proc/${pid}`)) await admin`drop database if exists ${admin(name)} with (force)`
    }
    return template
  } finally {
    await admin.end()
  }
}

async function findServer(): Promise<{ server: TestServer; leave(): Promise<void> }> {
  const given = process.env.POSTROOM_TEST_SERVER
  if (given) return { server: JSON.parse(given) as TestServer, leave: async () => {} }
  const checkout = createHash('sha256').update(root).digest('hex').slice(0, 8)
  const data = path.join(os.tmpdir(), `postroom-test-${process.getuid?.()}-${checkout}`)
  const embedded = await startEmbedded({ data, log: silent })
  const template = await prepareTemplate(embedded.connection)
  return { server: { ...embedded.connection, template }, leave: embedded.stop }
}

function migrationsHash(): string {
  const hash = createHash('sha256')
  for (const file of readdirSync(migrations).sort())
    if (file.endsWith('.sql')) hash.update(file).update(readFileSync(path.join(migrations, file)))
  return hash.digest('hex').slice(0, 16)
}

/** One message, so one transaction; as a replica, because then neither foreign keys nor triggers ask for an order. */
async function emptyStatement(sql: Sql): Promise<string> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'`
  const deletes = tables.map(({ name }) => `delete from ${name};`).join(' ')
  return `set local session_replication_role = replica; ${deletes}`
}

/** The server forgets a session a little after it was ended, so an open one is one that stays. */
async function leftOpen(admin: Sql, name: string): Promise<string[]> {
  for (let round = 0; ; round++) {
    const open = await admin<{ words: string }[]>`
      select application_name || ' (' || state || '): ' || left(query, 80) as words
      from pg_stat_activity where datname = ${name} and backend_type = 'client backend'`
    if (open.length === 0 || round === 40) return open.map((row) => row.words)
    await sleep(25)
  }
}

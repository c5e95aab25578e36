/** The migrations say what the tables say, are applied once by any number of daemons, and are never edited. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { migrate, openClient, type Target } from '../src/database.ts'
import { Refusal } from '../src/errors.ts'
import { testDatabase } from './database.ts'

type Journal = { entries: { idx: number; when: number; tag: string; version: string; breakpoints: boolean }[] }

const root = path.join(import.meta.dirname, '..')
const released = path.join(root, 'drizzle')
const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-migrations-'))
const server = await testDatabase()
const admin = openClient(server.target, { max: 1 })
let made = 0

test.after(async () => {
  rmSync(folder, { recursive: true })
  await admin.end()
  await server.close()
})

/** An empty database for one test, dropped after it. */
async function withEmpty(work: (target: Target) => Promise<void>): Promise<void> {
  const name = `${server.target.database}_${made++}`
  await admin`create database ${admin(name)}`
  try {
    await work({ ...server.target, database: name })
  } finally {
    await admin`drop database ${admin(name)} with (force)`
  }
}

/** A copy of the released migrations that a test may change. */
function copy(): { at: string; journal: Journal; save(): void } {
  const at = path.join(folder, String(made++))
  cpSync(released, at, { recursive: true })
  const file = path.join(at, 'meta', '_journal.json')
  const journal = JSON.parse(readFileSync(file, 'utf8')) as Journal
  return { at, journal, save: () => writeFileSync(file, JSON.stringify(journal)) }
}

/** One more migration, dated `later` milliseconds after the last released one. */
function withOneMore(later: number): string {
  const { at, journal, save } = copy()
  const last = journal.entries.at(-1) as Journal['entries'][number]
  journal.entries.push({ ...last, idx: last.idx + 1, when: last.when + later, tag: '9999_more' })
  writeFileSync(path.join(at, '9999_more.sql'), 'create table more (id int);')
  save()
  return at
}

const refusal = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing was refused',
    (error) => {
      assert.instance(error, Refusal, String(error))
      assert.is(error.fault, 'config')
      return error.code
    },
  )

test('the generator has nothing to add: the migrations are what the tables are', () => {
  const { at } = copy()
  const kit = path.join(root, 'node_modules', 'drizzle-kit', 'bin.cjs')
  const out = path.relative(root, at)
  const child = spawnSync(
    process.execPath,
    [kit, 'generate', '--dialect', 'postgresql', '--schema', './src/**/tables.ts', '--out', out],
    { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } },
  )
  assert.is(child.status, 0, child.stdout + child.stderr)
  assert.match(child.stdout, 'No schema changes')
  assert.equal(readdirSync(at, { recursive: true }).sort(), readdirSync(released, { recursive: true }).sort())
})

test('the journal names every file and its dates rise', () => {
  const { journal } = copy()
  const files = readdirSync(released).filter((name) => name.endsWith('.sql'))
  assert.equal(journal.entries.map(({ tag }) => `${tag}.sql`).sort(), files.sort())
  const dates = journal.entries.map(({ when }) => when)
  assert.equal(
    dates,
    dates.toSorted((a, b) => a - b),
  )
})

test('four daemons that start at once all succeed, and the migrations run once', () =>
  withEmpty(async (target) => {
    const { journal } = copy()
    const counts = await Promise.all(Array.from({ length: 4 }, () => migrate(target, released)))
    assert.equal(counts.sort(), [0, 0, 0, journal.entries.length])
    assert.is(await migrate(target, released), 0)
    const sql = openClient(target, { max: 1 })
    const [row] = await sql`select count(*) as applied from drizzle.__drizzle_migrations`
    await sql.end()
    assert.is(row?.applied, journal.entries.length)
  }))

test('rows are kept as the mail path counts on', () =>
  withEmpty(async (target) => {
    await migrate(target, released)
    const sql = openClient(target, { max: 1 })
    const tables = await sql`
      select c.relname as name, array_to_string(c.reloptions, ' ') as options, a.attstorage as storage
      from pg_class c left join pg_attribute a on a.attrelid = c.oid and c.relname = 'blob_chunks' and a.attname = 'data'
      where c.relkind = 'r' and (c.reloptions is not null or a.attname is not null) order by c.relname`
    await sql.end()
    const vacuum = 'autovacuum_vacuum_scale_factor=0.01 autovacuum_vacuum_threshold=2000'
    assert.equal(
      [...tables],
      [
        { name: 'blob_chunks', options: null, storage: 'e' },
        { name: 'comments', options: 'toast_tuple_target=8160', storage: null },
        { name: 'inbound_mails', options: `${vacuum} fillfactor=50`, storage: null },
        { name: 'outbox', options: `fillfactor=70 ${vacuum}`, storage: null },
      ],
    )
  }))

test('a released migration that was edited is refused', () =>
  withEmpty(async (target) => {
    await migrate(target, released)
    const { at, journal } = copy()
    appendFileSync(path.join(at, `${journal.entries[0]?.tag}.sql`), '\n-- a better idea')
    assert.is(await refusal(migrate(target, at)), 'migration_changed')
    assert.is(await migrate(target, released), 0, 'and the released ones go on')
  }))

test('a database of a newer version is refused, an older one is brought up', () =>
  withEmpty(async (target) => {
    await migrate(target, released)
    assert.is(await migrate(target, withOneMore(1000)), 1)
    assert.is(await refusal(migrate(target, released)), 'database_newer')
  }))

test('a migration dated before one that was applied is refused, not skipped', () =>
  withEmpty(async (target) => {
    await migrate(target, released)
    assert.is(await refusal(migrate(target, withOneMore(-1))), 'migration_missed')
  }))

test('a migration that fails leaves the database as it was', () =>
  withEmpty(async (target) => {
    const at = withOneMore(1000)
    writeFileSync(path.join(at, '9999_more.sql'), 'create table more (id int);--> statement-breakpoint\nselect 1/0;')
    assert.is((await migrate(target, at).catch((error) => error)).cause?.code, '22012')
    const { journal } = copy()
    assert.is(await migrate(target, released), journal.entries.length, 'not one of them had been applied')
  }))

test('a folder without migrations is nothing to do', async () => {
  assert.is(await migrate(server.target, folder), 0)
})

test.run()

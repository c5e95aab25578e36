import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect, isOutage, listen, notify, releaseLease, takeLease, transaction } from '../src/database.ts'
import { Refusal } from '../src/errors.ts'
import { testDatabase } from './database.ts'

const database = await testDatabase()
const { sql, target } = database
await sql`create table if not exists leases (name text primary key, holder text not null, until timestamptz not null)`
test.before.each(database.empty)
test.after(database.close)

test('values travel as what they are', async () => {
  const at = new Date('2026-03-29T01:30:00.123Z')
  const [row] = await sql`
    select ${9_007_199_254_740_991}::bigint as big, ${at}::timestamptz as at, '2026-03-29'::date as day,
           ${sql.json({ a: [1, null, 'é'] })}::jsonb as json, ${Buffer.from([0, 255, 10])}::bytea as bytes,
           ${[1, 2]}::bigint[] as ids, ${['a,"b"', '\\']}::text[] as words, null as nothing`
  assert.equal(row, {
    big: 9_007_199_254_740_991,
    at,
    day: '2026-03-29',
    json: { a: [1, null, 'é'] },
    bytes: Buffer.from([0, 255, 10]),
    ids: [1, 2],
    words: ['a,"b"', '\\'],
    nothing: null,
  })
})

const rejection = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => assert.unreachable('it should have been refused'),
    (error: Error) => error,
  ) as never

test('arrays come back as they went, whatever is in them', async () => {
  const hostile = ['', 'NULL', 'null', ',', '{', '}', '{}', '"', '\\', '\\"', ' a ', 'line\nbreak', "'", 'é😀', null]
  const at = new Date('2026-03-29T01:30:00.123Z')
  const bytes = [Buffer.from([0, 255]), Buffer.alloc(0)]
  const json = [{ a: '"' }, [1], 'x', 1]
  const [row] = await sql`
    select ${hostile}::text[] as words, ${[]}::text[] as none, ${[1, null, -3]}::int[] as ints,
           ${sql.array([true, false])} as flags, ${sql.array([at])} as times, ${sql.array(bytes)} as bytes,
           ${sql.array(json as never[], 3802)}::jsonb[] as json, ${['2026-03-29']}::date[] as days, ${[0.5]}::float8[] as halves,
           ${sql.array(['x'])} as inferred`
  assert.equal(row, {
    words: hostile,
    none: [],
    ints: [1, null, -3],
    flags: [true, false],
    times: [at],
    bytes,
    json,
    days: ['2026-03-29'],
    halves: [0.5],
    inferred: ['x'],
  })
  const [{ hit }] = (await sql`select ${bytes[0] as Buffer} = any(${sql.array(bytes)}) as hit`) as unknown as [
    { hit: boolean },
  ]
  assert.is(hit, true)
})

test('an id beyond 2^53 and an undefined value are refused, not bent', async () => {
  assert.match((await rejection(sql`select 9007199254740993::bigint`)).message, '2^53')
  assert.is((await rejection(sql`select ${undefined as never}::text`)).code, 'UNDEFINED_VALUE')
})

test('a transaction commits whole or not at all', async () => {
  await transaction(sql, (tx) => tx`insert into leases values ('a', 'x', now())`)
  const error = await rejection(
    transaction(sql, async (tx) => {
      await tx`insert into leases values ('b', 'x', now())`
      throw new Error('no')
    }),
  )
  assert.is(error.message, 'no')
  assert.equal([...(await sql`select name from leases`)], [{ name: 'a' }])
})

test('drizzle on its own client leaves dates and JSON of the raw one alone', async () => {
  await database.db.execute('select now()')
  const [row] = await sql`select now() as at, ${sql.json({ a: 1 })}::jsonb as json`
  assert.instance(row?.at, Date)
  assert.equal(row?.json, { a: 1 })
})

test('a lease has one holder until it runs out or is given back', async () => {
  assert.is(await takeLease(sql, 'poll', 'one', 60_000), true)
  assert.is(await takeLease(sql, 'poll', 'one', 60_000), true, 'renewed by its holder')
  assert.is(await takeLease(sql, 'poll', 'two', 60_000), false)
  await releaseLease(sql, 'poll', 'two')
  assert.is(await takeLease(sql, 'poll', 'two', 60_000), false, 'only its holder gives it back')
  await releaseLease(sql, 'poll', 'one')
  assert.is(await takeLease(sql, 'poll', 'two', 50), true)
  await sleep(80)
  assert.is(await takeLease(sql, 'poll', 'one', 60_000), true, 'after it ran out')
})

test('of many that ask at once exactly one gets the lease', async () => {
  const asked = await Promise.all(Array.from({ length: 20 }, (_, n) => takeLease(sql, 'cron', `holder ${n}`, 60_000)))
  assert.is(asked.filter(Boolean).length, 1)
})

test('a notification wakes after commit, and listening survives a lost connection', async () => {
  const heard: string[] = []
  const until = async (payload: string) => {
    for (let n = 0; n < 200 && !heard.includes(payload); n++) await sleep(10)
    assert.ok(heard.includes(payload), `${payload} was never heard`)
  }
  const listening = await listen(sql, 'mail', (payload) => heard.push(payload))
  assert.equal(heard, [''], 'woken once at the beginning')
  await transaction(sql, async (tx) => {
    await notify(tx, 'mail', 'first')
    await sleep(50)
    assert.equal(heard, [''], 'not before the commit')
  })
  await until('first')

  heard.length = 0
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${target.database} and query like 'listen %'`
  await until('')
  await notify(sql, 'mail', 'second')
  await until('second')

  await listening.stop()
  heard.length = 0
  await notify(sql, 'mail', 'third')
  await sleep(50)
  assert.equal(heard, [])
})

test('an outage is told from a bug', async () => {
  const nowhere = connect({ ...target, path: '/nonexistent/.s.PGSQL.5432' })
  assert.is(isOutage(await rejection(nowhere.sql`select 1`)), true, 'no server')
  assert.is(isOutage(await rejection(nowhere.db.execute('select 1'))), true, 'no server, through drizzle')
  await nowhere.end()
  assert.is(isOutage(await rejection(nowhere.sql`select 1`)), true, 'after our own end')

  const own = connect(target)
  assert.is(isOutage(await rejection(own.sql`select pg_terminate_backend(pg_backend_pid())`)), true, 'session killed')
  assert.equal([...(await own.sql`select 1 as one`)], [{ one: 1 }], 'and back by itself')
  const readOnly = own.sql.begin('read only', (tx) => tx`insert into leases values ('a', 'x', now())`)
  assert.is(isOutage(await rejection(readOnly)), true, 'read-only')
  await own.end()

  assert.is(isOutage(await rejection(sql`select nonsense`)), false)
  assert.is(isOutage(Object.assign(new Error('no template'), { code: 'ENOENT', syscall: 'open' })), false)
  assert.is(isOutage(new Refusal('full', 'The disk is full.', 'outage')), true)
  assert.is(isOutage(new Refusal('unknown', 'No such ticket.')), false)
})

test.run()

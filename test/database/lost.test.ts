/** A connection that is lost inside a transaction is an outage for that transaction, and nothing else happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isOutage, openClient, type Sql, type Tx, transaction } from '../../src/database.ts'
import { testDatabase } from '../database.ts'

const database = await testDatabase()
const { sql } = database
const killer = openClient(database.target, { max: 1 })
test.before.each(database.empty)
test.after(async () => {
  await killer.end()
  await database.close()
})

const kill = async (tx: Tx) => {
  const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
  await killer`select pg_terminate_backend(${row!.pid})`
  await sleep(30) // the driver hears of it
}
const mark = (tx: Tx | Sql, name: string) => tx`insert into leases (name, holder, until) values (${name}, '', now())`
const marks = async () =>
  (await killer<{ name: string }[]>`select name from leases order by name`).map((row) => row.name)
const failure = (work: (tx: Tx) => Promise<unknown>) =>
  transaction(sql, work).then(
    () => assert.unreachable('committed'),
    (error: unknown) => error,
  )

const moments: Record<string, (tx: Tx) => Promise<unknown>> = {
  'then a query': async (tx) => {
    await mark(tx, 'early')
    await kill(tx)
    await mark(tx, 'late')
  },
  'then the end': async (tx) => {
    await mark(tx, 'early')
    await kill(tx)
  },
  'then an error of its own': async (tx) => {
    await kill(tx)
    throw new Error('mine')
  },
  'a query written down before': async (tx) => {
    const query = mark(tx, 'written')
    await kill(tx)
    await query
  },
  'a query in flight': async (tx) => {
    const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
    setTimeout(() => void killer`select pg_terminate_backend(${row!.pid})`.execute(), 20)
    await tx`select pg_sleep(5)`
  },
  'a failure that is caught, and more queries': async (tx) => {
    await kill(tx)
    await Promise.all([1, 2, 3].map((n) => mark(tx, `many ${n}`).catch(() => {})))
    await tx.unsafe('select 1').catch(() => {})
    await sleep(20)
    await mark(tx, 'after')
  },
  'a savepoint begun after': async (tx) => {
    await kill(tx)
    await tx.savepoint((inner) => mark(inner, 'inner'))
  },
  'inside a savepoint': (tx) =>
    tx.savepoint(async (inner) => {
      await mark(inner, 'inner')
      await kill(inner)
      await mark(inner, 'late')
    }),
  'inside a named savepoint that fails by itself': (tx) =>
    tx.savepoint('named', async (inner) => {
      await kill(inner)
      throw new Error('mine')
    }),
}

for (const [moment, work] of Object.entries(moments))
  test(`lost: ${moment}`, async () => {
    const error = await failure(work)
    assert.ok(isOutage(error), String(error))
    await sleep(150) // the driver reconnects, and would send what it had kept
    assert.equal(await marks(), [])
    await recovered()
  })

test('other transactions of the same client go on, and commit or fail by themselves', async () => {
  const others = Promise.all(
    ['a', 'b', 'c'].map((name) =>
      transaction(sql, async (tx) => {
        await mark(tx, name)
        await sleep(100)
        if (name === 'b') throw new Error('mine')
        await tx.savepoint((inner) => mark(inner, `${name} inner`))
      }).catch((error: Error) => error.message),
    ),
  )
  await sleep(20)
  assert.ok(isOutage(await failure(kill)))
  assert.equal(await others, [undefined, 'mine', undefined])
  assert.equal(await marks(), ['a', 'a inner', 'c', 'c inner'])
})

test('every connection killed again and again under load: each transaction is there whole or not at all', async () => {
  let working = true
  const outcomes: { name: string; ok: boolean }[] = []
  const load = Array.from({ length: 8 }, async (_, worker) => {
    for (let n = 0; working; n++) {
      const name = `${worker}.${n}`
      await transaction(sql, async (tx) => {
        await mark(tx, `${name} one`)
        if (n % 2) await sleep(1)
        await tx.savepoint((inner) => mark(inner, `${name} two`))
      }).then(
        () => outcomes.push({ name, ok: true }),
        (error) => {
          assert.ok(isOutage(error), String(error))
          outcomes.push({ name, ok: false })
        },
      )
    }
  })
  const count = (ok: boolean) => outcomes.filter((one) => one.ok === ok).length
  // at least ten times, and on a slow machine until both kinds were seen
  for (let round = 0; round < 10 || (round < 200 && (count(true) <= 20 || count(false) === 0)); round++) {
    await sleep(40)
    await killer`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`
  }
  working = false
  await Promise.all(load)
  const there = new Set(await marks())
  for (const { name, ok } of outcomes) {
    const halves = [there.has(`${name} one`), there.has(`${name} two`)]
    assert.is(halves[0], halves[1], name)
    if (ok) assert.ok(halves[0], name)
  }
  assert.ok(count(true) > 20)
  assert.ok(count(false) > 0)
})

/** After a loss the driver may hand its last error to one more query; that is an outage too. */
async function recovered(): Promise<void> {
  const asked = await Promise.allSettled(Array.from({ length: 12 }, () => sql`select 1`))
  for (const answer of asked) if (answer.status === 'rejected') assert.ok(isOutage(answer.reason))
}

test.run()

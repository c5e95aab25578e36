/** Changes and questions of many as one statement. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { all, ask, type Change, change, each, share, together, transaction } from '../../src/database.ts'
import { testDatabase } from '../database.ts'

const database = await testDatabase()
const { sql } = database
test.before.each(() => database.empty())
test.after(() => database.close())

const LEASES: Change = {
  columns: 'name text, holder text, until timestamptz',
  sql: 'insert into leases (name, holder, until) select * from given returning name',
}
const at = new Date('2026-11-23T08:30:00.125Z')
const lease = (name: string, holder = 'x') => ({ name, holder, until: at })
const stored = async () => [...(await sql`select name, holder, until from leases order by name`)]

test('a change alone is a statement like any other', async () => {
  await change(sql, LEASES, [lease('a'), lease('b')])
  assert.equal(await stored(), [lease('a'), lease('b')])
})

test('changes of one kind are rows of one part, beside other statements', async () => {
  const done = await together(sql, [
    change(sql, LEASES, [lease('a')]),
    sql`insert into notices (kind, subject, words, first_at, last_at) values ('k', '', 'w', ${at}, ${at})`,
    change(sql, LEASES, [lease('b')]),
    change(sql, LEASES, [lease('c')]),
  ])
  assert.equal(done.map((row) => row.name).sort(), ['a', 'b', 'c'])
  assert.is((await stored()).length, 3)
  assert.is((await sql`select from notices`).length, 1)
})

test('what PostgreSQL cannot hold is replaced, and only that', async () => {
  await change(sql, LEASES, [lease('nul', 'a\0b'), lease('half', 'a\ud800b'), lease('word', '\\u0000 "😀"')])
  assert.equal(
    (await stored()).map((row) => row.holder),
    ['a\ufffdb', 'a\ufffdb', '\\u0000 "😀"'],
  )
})

const HOLDER = each('name text', 'select holder from leases where name = given.name')

test('a question is answered for each who asks, alone or together', async () => {
  await change(sql, LEASES, [lease('a', '1'), lease('b', '2')])
  assert.equal(await ask(sql, HOLDER, { name: 'a' }), [{ holder: '1' }])
  const answers = await transaction(sql, async (tx) => {
    share(tx)
    return await Promise.all(['b', 'none', 'a', 'a'].map((name) => ask(tx, HOLDER, { name })))
  })
  assert.equal(answers, [[{ holder: '2' }], [], [{ holder: '1' }], [{ holder: '1' }]])
})

test('statements go out in the order in which they were first asked, and all hear of an error', async () => {
  const LATER = all('x int', 'select given.n, clock_timestamp() as at from given')
  const SOONER = all('x int', 'select given.n, clock_timestamp() as at from given order by given.x')
  const BROKEN = all('x int', 'select given.n, 1 / (given.x - given.x) from given')
  await transaction(sql, async (tx) => {
    share(tx)
    const [first, second] = await Promise.all([
      ask<{ at: Date }>(tx, SOONER, { x: 1 }),
      ask<{ at: Date }>(tx, LATER, { x: 1 }),
      ask<{ at: Date }>(tx, SOONER, { x: 2 }),
    ])
    assert.ok(first[0]!.at <= second[0]!.at)
  })
  const failed = transaction(sql, async (tx) => {
    share(tx)
    const settled = await Promise.allSettled([ask(tx, BROKEN, { x: 1 }), ask(tx, BROKEN, { x: 2 })])
    assert.equal(
      settled.map((one) => one.status),
      ['rejected', 'rejected'],
    )
  })
  assert.match(String(await failed.catch((error) => error)), /division by zero/)
})

test.run()

/** Keys that grow old (MAIL 5.8), in a real database. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { kept } from '../../src/limits.ts'
import { after, DAY, HOUR } from '../../src/time.ts'
import { loadKeys, readMessageId, readSignedAddress, rootId, rotateKeys, signedAddress } from '../../src/tokens.ts'
import { testDatabase } from '../database.ts'

const database = await testDatabase()
const { sql } = database
test.before.each(database.empty)
test.after(() => database.close())

const secret = Buffer.alloc(32, 3)
const BEGAN = new Date('2026-01-05T04:07:00Z')
const INBOX = 'support@desk.example'
const token = { purpose: 'c' as const, inbox: 1, ticket: 12, person: 0, generation: 0, comment: 0 }

test('a year later there is a new key: it checks at once, signs a day later, and the old one goes on checking', async () => {
  const first = await loadKeys(sql, secret, BEGAN)
  const address = signedAddress(first, INBOX, token)
  const root = rootId(first, 12, 'desk.example')
  assert.equal(await rotateKeys(sql, secret, after(BEGAN, 364 * DAY)), { made: 0, retired: 0 })
  const due = after(BEGAN, 365 * DAY)
  const both = await Promise.all([rotateKeys(sql, secret, due), rotateKeys(sql, secret, due)])
  assert.equal(both[0], { made: 1, retired: 0 })
  assert.is((await sql`select from keys where name like 'token/%'`).length, 2, 'two daemons make one')

  const soon = await loadKeys(sql, secret, after(due, HOUR))
  assert.is(soon.current, 0, 'a daemon that has not looked yet must know what it reads')
  assert.equal([...soon.byId.keys()], [0, 1])

  const settled = await loadKeys(sql, secret, after(due, DAY))
  assert.is(settled.current, 1)
  assert.is(readSignedAddress(soon, INBOX, signedAddress(settled, INBOX, token))?.ticket, 12)
  assert.equal(await rotateKeys(sql, secret, after(due, DAY)), { made: 0, retired: 1 })
  assert.equal(await rotateKeys(sql, secret, after(due, 2 * DAY)), { made: 0, retired: 0 })
  const later = await loadKeys(sql, secret, after(due, DAY + kept.tokenKeys - HOUR))
  assert.is(readSignedAddress(later, INBOX, address)?.ticket, 12)
  assert.is(rootId(later, 12, 'desk.example'), root)
  assert.is(readMessageId(later, root)?.ticket, 12)
  const last = await loadKeys(sql, secret, after(due, DAY + kept.tokenKeys))
  assert.is(readSignedAddress(last, INBOX, address), null)
})

test('a new installation signs with its first key from the first moment', async () => {
  assert.is((await loadKeys(sql, secret, BEGAN)).current, 0)
  assert.equal(await rotateKeys(sql, secret, BEGAN), { made: 0, retired: 0 })
})

test.run()

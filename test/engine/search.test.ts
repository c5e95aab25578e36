import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { findTickets, parseQuery } from '../../src/engine/search.ts'
import { prioritise, setStatus, tag } from '../../src/engine/tickets.ts'
import { MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
const tools = desk.tools()
const actor = { kind: 'system' as const, id: null, name: 'test' }
const printer = await desk.deliver(mail({ subject: 'Printer 100% broken', from: 'eva@acme.example' }))
const door = await desk.deliver(mail({ subject: 'Door', text: 'The printer is fine.', from: 'noor@borealis.example' }))
const other = await desk.deliver(mail({ subject: 'Lamp', from: 'x@nowhere.example' }))
await transaction(sql, async (tx) => {
  await tag(tx, { ticketId: door.ticket_id!, add: ['VIP'], actor, tools }, MONDAY)
  await prioritise(tx, { ticketId: other.ticket_id!, priority: 'urgent', actor, tools }, MONDAY)
  await setStatus(tx, { ticketId: other.ticket_id!, status: 'on_hold', actor }, MONDAY)
})
test.after(() => desk.stop())

const found = async (query: string) =>
  (await findTickets(sql, { query, limit: null }, MONDAY)).map((line) => line.number)
const [p, d, o] = [printer.ticket_id!, door.ticket_id!, other.ticket_id!]

test('CLI, Query: each key, phrases, numbers and negation', async () => {
  const check = async (query: string, want: number[]) => assert.equal(await found(query), want, query)
  await check('', [o, d, p])
  await check('printer', [d, p])
  await check('"printer is fine"', [d])
  await check('100%', [p])
  await check(`#${d}`, [d])
  await check('org:acme', [p])
  await check('org:Borealis', [d])
  await check('-org:acme', [o, d])
  await check('project:triage', [o])
  await check('status:on_hold', [o])
  await check('status:open', [d, p])
  await check('priority:urgent', [o])
  await check('tag:vip', [d])
  await check('-tag:vip printer', [p])
  await check('requester:noor', [d])
  await check('assignee:none team:support', [o, d, p])
  await check('due:<5h', [o, p]) // urgent, and in the gold policy
  await check('due:>5h', [d])
  await check('created:<1d', [o, d, p])
  await check('created:>1d', [])
})

test('a word is data: quotes, percent signs and SQL find nothing and break nothing', async () => {
  assert.equal(await found("'; drop table tickets; --"), [])
  assert.equal(await found('_oor'), [])
})

test('an unknown key and a broken length are refused with the remedy', async () => {
  assert.throws(() => parseQuery('colour:red'), /"colour:" is no key.*status, org/)
  try {
    await found('due:soon')
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, /write <2d/)
  }
})

test('--limit cuts the newest first', async () => {
  assert.equal(
    (await findTickets(sql, { query: '', limit: 1 }, MONDAY)).map((line) => line.number),
    [o],
  )
})

test.run()

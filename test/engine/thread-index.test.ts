/** Outlook's threads are carried on (MAIL 8.5), and never used to find a ticket. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { childOf, readThread, threadHeaders } from '../../src/engine/outbox/thread-index.ts'
import { reply } from '../../src/engine/tickets.ts'
import { MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
test.after(() => desk.stop())

/** A head of a minute before MONDAY. */
const head = Buffer.alloc(22, 7)
head.writeUIntBE(Math.floor(((MONDAY.getTime() - 60_000 + 11_644_473_600_000) * 1e4) / 2 ** 16), 0, 6)
const HEAD = head.toString('base64')

test('8.5: 22 bytes become 27, and the five say how much later', () => {
  const child = Buffer.from(childOf({ index: HEAD, topic: 'Fire' }, MONDAY).index, 'base64')
  assert.is(child.length, 27)
  assert.ok(child.subarray(0, 22).equals(head))
  const seconds = (child.readUInt32BE(22) * 2 ** 18) / 1e7
  assert.ok(Math.abs(seconds - 60) < 0.1, `${seconds}`)
})

test('8.5: after years the block has another unit', () => {
  const child = Buffer.from(childOf({ index: HEAD, topic: '' }, new Date('2031-11-23T08:30:00Z')).index, 'base64')
  const value = child.readUInt32BE(22)
  assert.ok(value >= 2 ** 31)
  const years = ((value - 2 ** 31) * 2 ** 23) / 1e7 / 86_400 / 365.25
  assert.ok(Math.abs(years - 5) < 0.01, `${years}`)
})

test('8.5: what is damaged, or too long, is left out', () => {
  for (const index of ['', 'no base64!', Buffer.alloc(21).toString('base64'), Buffer.alloc(24).toString('base64')])
    assert.is(readThread([['Thread-Index', index]]), null)
  assert.equal(threadHeaders({ index: 'A'.repeat(2000), topic: 'x' }), [])
  assert.equal(readThread([['thread-index', ` ${HEAD.slice(0, 10)}\r\n ${HEAD.slice(10)}`]]), {
    index: HEAD,
    topic: '',
  })
})

test('8.5: an answer to such a mail goes on with its thread, the next answer with ours', async () => {
  const headers = { 'Thread-Index': HEAD, 'Thread-Topic': 'Fire' }
  const { ticket_id } = await desk.deliver(mail({ headers }))
  const agent = desk.tools().desk.agents.get('bo@desk.example')!
  const input = { ticketId: ticket_id!, agent, channel: 'web', tools: desk.tools() } as const
  for (const text of ['One.', 'Two.']) await transaction(desk.sql, (tx) => reply(tx, { ...input, text }, MONDAY))
  const rows = await desk.sql<
    { headers: [string, string][] }[]
  >`select headers from outbox where kind = 'reply' order by id`
  const of = (name: string) => rows.map((row) => row.headers.find(([key]) => key === name)?.[1])
  assert.equal(
    of('Thread-Index').map((index) => Buffer.from(index!, 'base64').length),
    [27, 32],
  )
  assert.equal(of('Thread-Topic'), ['Fire', 'Fire'])
})

test('8.5: an answer to any other mail has none', async () => {
  const { ticket_id } = await desk.deliver(mail({ subject: 'Plain' }))
  const agent = desk.tools().desk.agents.get('bo@desk.example')!
  const input = { ticketId: ticket_id!, agent, text: 'Three.', channel: 'web', tools: desk.tools() } as const
  await transaction(desk.sql, (tx) => reply(tx, input, MONDAY))
  const [row] = await desk.sql`select headers from outbox where kind = 'reply' order by id desc limit 1`
  assert.not.match(JSON.stringify(row!.headers), 'Thread-')
})

test.run()

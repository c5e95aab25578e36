/** Class C: what customers may command on their own tickets, and how little that is (MAIL 9.8). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { mail, startDesk } from '../../desk.ts'
import { ELSEWHERE, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, comments, outgoing, reason, status, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const write = async (id: number, text: string, change: { from?: string; envelope?: object } = {}) =>
  await desk.deliver(
    mail({ from: change.from ?? `Eva Beispiel <${EVA}>`, to: await address(id, 'c', { person: 0, shown: 0 }), text }),
    change.envelope ?? {},
  )

test('#status alone is answered to the stored address, with the public word, and is no comment', async () => {
  const id = await ticket()
  const end = await write(id, '#status')
  assert.equal([end.state, reason(end), end.ticket_id], ['recorded', 'commands', id])
  assert.is((await comments(id)).length, 1)
  const [told, ...more] = await outgoing()
  assert.equal([told!.recipient, more.length], [EVA, 0])
  assert.ok(told!.headers.some(([name, value]) => name === 'Auto-Submitted' && value === 'auto-replied'))
})

test('#close closes; with a text below it, after the text is a comment', async () => {
  const id = await ticket()
  const end = await write(id, '#close\n\nIt works again.')
  assert.is(end.state, 'commented')
  assert.is((await comments(id)).length, 2)
  assert.ok(['resolved', 'closed'].includes(await status(id)))
})

test('#rate is kept in the story', async () => {
  const id = await ticket()
  await write(id, '#rate 5 quick and kind')
  const [event] = await sql`select data, actor from events where ticket_id = ${id} and type = 'rated'`
  assert.equal([event!.data.mark, event!.actor], [5, 'contact'])
})

test('#list names their own tickets and no other’s', async () => {
  await ticket('Mine')
  await desk.deliver(mail({ from: 'noor@borealis.example', subject: 'Somebody else’s' }))
  await sql`delete from outbox`
  const end = await desk.deliver(mail({ from: EVA, subject: 'My tickets', text: '#list' }))
  assert.equal([end.state, reason(end)], ['recorded', 'commands'])
  const [told] = await outgoing()
  assert.match(told!.text, 'Mine')
  assert.not.match(told!.text, 'Somebody else')
})

for (const [name, text, change] of [
  ['an agent’s command', '#assign me\nPlease.', {}],
  ['one of theirs beside an agent’s', '#close\n#prio urgent', {}],
  ['one that is mistyped', '#clsoe', {}],
  ['without proof', '#close', { envelope: ELSEWHERE }],
  ['of a stranger', '#close', { from: 'sly@borealis.example' }],
  ['quoted', '> #close\n\nStill broken.', {}],
  ['below text', 'Hello,\n#close', {}],
] as const)
  test(`text and nothing else: ${name}`, async () => {
    const id = await ticket()
    const end = await write(id, text, change)
    assert.is(end.state, 'commented', JSON.stringify(end.reasons))
    assert.is(await status(id), 'new')
    assert.equal(await outgoing(), [])
    assert.is((await sql`select from receipts`).length, 0)
  })

test('#status of a ticket in which they take no part is text', async () => {
  const id = await ticket()
  const end = await write(id, '#status', { from: 'noor@borealis.example' })
  assert.is(end.state, 'commented')
  assert.equal(await outgoing(), [])
})

test.run()

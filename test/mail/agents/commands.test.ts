/** Commands at the top of an agent's mail, through the real pipeline: all or nothing, and one receipt (COMMANDS E1-E5). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { mail, startDesk } from '../../desk.ts'
import { BO, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, answer, comments, outgoing, reason, status, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const receipts = async () => (await outgoing()).filter((one) => one.kind === 'receipt')
const replies = async () => (await outgoing()).filter((one) => one.kind === 'reply')
const answerTo = (one: { headers: [string, unknown][] }) =>
  (one.headers.find(([name]) => name === 'Reply-To')![1] as { address: string }[])[0]!.address

test('a block and a text: the text goes out, then the commands, and one receipt comes', async () => {
  const id = await ticket()
  const end = await answer(id, '#close\n#prio high\n#tag +vpn\n\nRestarted the VPN, please retry.')
  assert.equal([end.state, reason(end)], ['commented', 'agent'])
  assert.match((await replies())[0]!.text, 'Restarted the VPN')
  assert.not.match((await replies())[0]!.text, '#close')
  const [row] = await sql`select status, priority, tags from tickets where id = ${id}`
  assert.equal([row!.status, row!.priority, row!.tags], ['resolved', 'high', ['vpn']])
  assert.equal(
    (await receipts()).map((one) => one.recipient),
    [BO],
  )
  assert.is((end.trace.commands as unknown[]).length, 3)
})

test('commands alone make no comment', async () => {
  const id = await ticket()
  const end = await answer(id, '#take\n#prio urgent')
  assert.equal([end.state, reason(end), end.ticket_id], ['recorded', 'commands', id])
  assert.is((await comments(id)).length, 1)
  assert.equal(await replies(), [])
})

test('#note makes a note of what was written to the address of an answer', async () => {
  const id = await ticket()
  await answer(id, '#note\nCustomer sounds angry, call first.')
  assert.is((await comments(id)).at(-1)!.visibility, 'internal')
  assert.equal(await replies(), [])
})

for (const [name, text] of [
  ['an unknown command', '#nota internal only'],
  ['one wrong line of three', '#take\n#assign nobody-here\n#prio high\n\nDone.'],
  ['a command below text', 'Hello,\n#close'],
  ['a verb that refuses', '#take\n#merge 99999'],
] as const)
  test(`${name}: nothing is executed or sent, and it comes back`, async () => {
    const id = await ticket()
    const end = await answer(id, text)
    assert.equal([end.state, reason(end)], ['held', 'command_error'])
    const [row] = await sql`select status, priority, assignee_id from tickets where id = ${id}`
    assert.equal([row!.status, row!.priority, row!.assignee_id], ['new', 'normal', null])
    assert.is((await comments(id)).length, 1)
    assert.equal(await replies(), [])
    assert.equal(
      (await receipts()).map((one) => one.recipient),
      [BO],
    )
  })

test('#send, in answer to that, sends the text as it is', async () => {
  const id = await ticket()
  const end = await answer(id, '#nota internal only')
  const [back] = await receipts()
  const sent = await desk.deliver(mail({ from: BO, to: answerTo(back!), text: '#send' }))
  assert.equal([sent.state, reason(sent)], ['recorded', 'confirmed'])
  assert.is((await desk.ending(end.id)).state, 'commented')
  assert.match((await replies())[0]!.text, '#nota internal only')
})

test('#send with nothing that is held is an error', async () => {
  const id = await ticket()
  const end = await answer(id, '#send')
  assert.equal([end.state, reason(end)], ['held', 'command_error'])
})

test('#dry says what would be done and does nothing', async () => {
  const id = await ticket()
  const end = await answer(id, '#dry\n#close\n#prio high\n\nRestarted.')
  assert.equal([end.state, reason(end)], ['recorded', 'commands'])
  assert.equal([await status(id), await replies()], ['new', []])
  assert.is((await comments(id)).length, 1)
  assert.is((await receipts()).length, 1)
})

test('level S: a block that stops somebody’s mail is confirmed first, whoever is proven', async () => {
  const id = await ticket()
  const end = await answer(id, '#block eva@acme.example')
  assert.equal([end.state, reason(end)], ['held', 'challenge'])
  assert.is((await sql`select from blocked_senders`).length, 0)
  const [asked] = await outgoing()
  const nonce = /confirm-[a-z2-7]{26}/.exec(asked!.text)![0]
  await desk.deliver(mail({ from: BO, subject: nonce, text: 'yes' }))
  assert.is((await desk.ending(end.id)).state, 'recorded')
  assert.is((await sql`select from blocked_senders`).length, 1)
})

test('level S in an answer that collides: confirmed and sent, each once, and it is done', async () => {
  const id = await ticket()
  const to = await address(id, 'a', { shown: 0 })
  await desk.deliver(mail({ to: await address(id, 'c', { person: 0, shown: 0 }), text: 'It works again.' }))
  const end = await desk.deliver(mail({ from: BO, to, text: '#block sly@evil.example\n\nWe have stopped them.' }))
  assert.is(reason(end), 'challenge')
  const nonce = /confirm-[a-z2-7]{26}/.exec((await outgoing()).at(-1)!.text)![0]
  await desk.deliver(mail({ from: BO, subject: nonce, text: 'yes' }))
  assert.is(reason(await desk.ending(end.id)), 'collision')
  await desk.deliver(mail({ from: BO, to: answerTo((await outgoing()).at(-1)!), text: '#send' }))
  assert.is((await desk.ending(end.id)).state, 'commented')
  assert.is((await sql`select from blocked_senders`).length, 1)
  assert.is((await replies()).length, 1)
})

test('#undo, in answer to the receipt, takes it back', async () => {
  const id = await ticket()
  await answer(id, '#prio high\n#take')
  const [receipt] = await receipts()
  const headers = { 'In-Reply-To': `<${receipt!.message_id}>` }
  const end = await desk.deliver(mail({ from: BO, to: answerTo(receipt!), text: '#undo', headers }))
  assert.equal([end.state, reason(end)], ['recorded', 'commands'])
  const [row] = await sql`select priority, assignee_id from tickets where id = ${id}`
  assert.equal([row!.priority, row!.assignee_id], ['normal', null])
})

test('the answer to a digest works on many tickets, all or none', async () => {
  const [one, two] = [await ticket('First'), await ticket('Second')]
  const to = await address(0, 'a', { shown: 0 })
  const end = await desk.deliver(mail({ from: BO, to, text: `${one} take\n${one},${two} prio high` }))
  assert.equal([end.state, reason(end)], ['recorded', 'commands'])
  const rows = await sql`select priority from tickets order by id`
  assert.equal(
    rows.map((row) => row.priority),
    ['high', 'high'],
  )
  const wrong = await desk.deliver(mail({ from: BO, to, text: `${one} prio low\n99999 take` }))
  assert.equal([wrong.state, reason(wrong)], ['held', 'command_error'])
  assert.is((await sql`select priority from tickets where id = ${one}`)[0]!.priority, 'high')
})

test('#new opens a ticket for who wrote the forwarded mail; without a ticket other commands are errors', async () => {
  const text = `#new "Printer dead" from:parsed project:acme/incoming\n\nPlease look.\n\n---------- Forwarded message ---------\nFrom: Eva <${EVA}>\nDate: Mon, 23 Nov 2026 07:15:00 +0000\nSubject: Till\nTo: ${BO}\n\nIt is dead.`
  const end = await desk.deliver(mail({ from: BO, subject: 'Fwd: Till', text }))
  assert.equal([end.state, reason(end)], ['ticketed', 'commands'])
  const [row] = await sql`select subject, requester_address from tickets where id = ${end.ticket_id}`
  assert.equal([row!.subject, row!.requester_address], ['Printer dead', EVA])
  assert.equal(await replies(), [])
  const none = await desk.deliver(mail({ from: BO, subject: 'x', text: '#close' }))
  assert.equal([none.state, reason(none)], ['held', 'command_error'])
})

test('must not run: quoted, below a signature, a digit, a literal', async () => {
  for (const text of [
    'See below.\n\n> #close',
    'Bye.\n\n-- \n#close',
    '#1 priority for us is the VPN.',
    '##close is what you write.',
  ]) {
    const id = await ticket()
    const end = await answer(id, text)
    assert.equal([end.state, await status(id)], ['commented', 'waiting_customer'], text)
    await sql`delete from executed_mails`
  }
})

test.run()

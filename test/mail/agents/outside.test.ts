/** Answers that reach the customer without the desk are written down and never sent again (MAIL 2.17, 6.20). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { deskAnswers } from './outside-desk.ts'

const { desk, sql, ask, comments, outgoing, reason, status, sentFolder } = await deskAnswers()
test.before.each(() => desk.reset())
test.after(() => desk.stop())

import { mail } from '../../desk.ts'
import { BO, ELSEWHERE, EVA } from './ground.ts'

test('6.20: an agent answers the customer’s own mail with the desk in Cc: recorded, the clock stops, nothing is sent', async () => {
  const id = await ask()
  const end = await desk.deliver(answered({ from: `Bo <${BO}>`, to: EVA, headers: { Cc: 'support@desk.example' } }))
  assert.equal([end.state, end.ticket_id, reason(end)], ['commented', id, 'sent_outside'])
  const last = (await comments(id)).at(-1)!
  assert.equal(
    [last.visibility, last.author_role, last.author_name, last.text],
    ['public', 'agent', 'Bo', 'Restart it.'],
  )
  assert.equal(await outgoing(), [])
  assert.is(await status(id), 'waiting_customer')
  const [row] = await sql`select first_response_at from tickets where id = ${id}`
  assert.ok(row!.first_response_at)
})

test('the customer’s answer to it comes back to the ticket', async () => {
  const id = await ask()
  const sent = answered({ from: `Bo <${BO}>`, to: EVA, headers: { Cc: 'support@desk.example' } })
  await desk.deliver(sent)
  const theirs = /^Message-ID: (<.*>)$/m.exec(sent)![1]!
  const end = await desk.deliver(
    mail({ from: EVA, subject: 'Re: Fire', text: 'Thank you, it works.', headers: { 'In-Reply-To': theirs } }),
  )
  assert.equal([end.state, end.ticket_id], ['commented', id])
})

test('without proof it is a customer’s mail, and no answer', async () => {
  const id = await ask()
  const end = await desk.deliver(
    answered({ from: `Bo <${BO}>`, to: EVA, headers: { Cc: 'support@desk.example' } }),
    ELSEWHERE,
  )
  assert.is.not(reason(end), 'sent_outside')
  assert.not((await comments(id)).some((one) => one.author_role === 'agent'))
})

test('2.17: an answer out of the mailbox itself is recorded from its Sent folder', async () => {
  const id = await ask()
  const end = await sentFolder(answered({ from: 'Desk Support <support@desk.example>', to: EVA }))
  assert.equal([end.state, end.ticket_id, reason(end)], ['commented', id, 'sent_outside'])
  assert.equal((await comments(id)).at(-1)!.author_name, 'Desk Support')
  assert.is(await status(id), 'waiting_customer')
  assert.equal(await outgoing(), [])
})

test('2.17: what else was sent from there is no customer’s mail: recorded, no ticket', async () => {
  const before = (await sql`select from tickets`).length
  for (const raw of [
    mail({ from: 'support@desk.example', to: 'supplier@elsewhere.example', subject: 'Order', text: 'Ten printers.' }),
    mail({ from: EVA, to: 'support@desk.example', text: 'Moved here by mistake.' }),
  ]) {
    const end = await sentFolder(raw)
    assert.equal([end.state, reason(end)], ['recorded', 'sent_outside'])
  }
  assert.is((await sql`select from tickets`).length, before)
  assert.equal(await outgoing(), [])
})

const answered = (change: Parameters<typeof mail>[0]) =>
  mail({
    subject: 'Re: The printer is on fire',
    text: 'Restart it.\n\nOn Monday, Eva wrote:\n> Please help.',
    ...change,
    headers: { 'In-Reply-To': '<fire@mail.example>', ...change?.headers },
  })

test.run()

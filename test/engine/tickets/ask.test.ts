import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { cancelForTicket } from '../../../src/engine/outbox.ts'
import { blockSender, unblockSender } from '../../../src/engine/people/blocks.ts'
import { ask } from '../../../src/engine/tickets/ask.ts'
import { reply } from '../../../src/engine/tickets.ts'
import { MONDAY, mail, startDesk } from '../../desk.ts'
import { refusal } from '../time-desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const bo = () => desk.tools().desk.agents.get('bo@desk.example')!
const me = () => ({ kind: 'agent' as const, id: bo().id, name: bo().name })
const act = <T>(work: (tx: Parameters<Parameters<typeof transaction>[1]>[0]) => Promise<T>) => transaction(sql, work)
const SECRET = 'our contract number is 4711'
const start = async () =>
  (await desk.deliver(mail({ subject: 'Line 7 of the Acme plant', text: `Line 7 is down, ${SECRET}.` }))).ticket_id!
const question = (ticketId: number, address = 'noc@isp.example', text = 'Is line 7 down?\n\nSince when?') =>
  act((tx) => ask(tx, { ticketId, agent: bo(), address, text, channel: 'web', tools: desk.tools() }, MONDAY))
const asked = async () => (await sql`select * from outbox where kind = 'reply' order by id`)[0]!
const replyTo = (row: { headers: [string, { address: string }[]][] }) =>
  row.headers.find(([name]) => name === 'Reply-To')![1][0]!.address
const comments = async (ticketId: number) =>
  (
    await sql`select visibility, author_role, text, automatic, flags from comments where ticket_id = ${ticketId} order by id`
  ).map((row) => ({ ...row }))

test('FEATURES 1.34, COMMANDS E6 12: who is asked reads the question alone; the answer is an internal comment', async () => {
  const id = await start()
  await question(id)
  const row = await asked()
  assert.equal([row.recipient, row.subject], ['noc@isp.example', 'Is line 7 down?'])
  const whole = JSON.stringify([row.headers, row.subject, row.text, row.html])
  for (const secret of [SECRET, 'Acme', 'eva', `#${id}`, 'bo@desk', 'References', 'Auto-Submitted'])
    assert.not.match(whole, secret)
  assert.ok(row.not_before > MONDAY, 'it waits for the undo window')
  const end = await desk.deliver(
    mail({
      from: 'NOC <noc@isp.example>',
      to: replyTo(row as never),
      subject: 'Re: Is line 7 down?',
      text: 'Yes, since 8.',
    }),
  )
  assert.equal([end.state, end.ticket_id], ['commented', id])
  assert.equal(
    (await comments(id)).slice(1).map((one) => [one.visibility, one.author_role, one.text.trim(), one.flags]),
    [
      ['internal', 'agent', 'Is line 7 down?\n\nSince when?', ['side_question']],
      ['internal', 'contact', 'Yes, since 8.', ['side_answer']],
    ],
  )
  const [ticket] = await sql`select status, requester_address from tickets where id = ${id}`
  assert.equal({ ...ticket }, { status: 'open', requester_address: 'eva@acme.example' })
  assert.is((await sql`select 1 from ticket_participants where ticket_id = ${id}`).length, 0)
  assert.is((await sql`select 1 from contact_addresses where address = 'noc@isp.example'`).length, 0)
  assert.is((await sql`select 1 from outbox where recipient = 'eva@acme.example' and kind <> 'ack'`).length, 0)
})

test('whoever answers without the address, or writes again, is led by the ids, and stays inside all the same', async () => {
  const id = await start()
  await question(id)
  const { message_id } = await asked()
  const first = '<n1@isp.example>'
  const way = { from: 'noc@isp.example', subject: 'Re: Is line 7 down?' }
  const ends = [
    await desk.deliver(mail({ ...way, headers: { 'Message-ID': first, 'In-Reply-To': `<${message_id}>` } })),
    await desk.deliver(mail({ ...way, headers: { 'In-Reply-To': first, References: first } })),
    await desk.deliver(
      mail({ ...way, to: replyTo((await asked()) as never), headers: { 'Auto-Submitted': 'auto-replied' } }),
    ),
    await desk.deliver(mail({ ...way, from: 'other@isp.example', to: replyTo((await asked()) as never) })),
    await desk.deliver(
      mail({ ...way, to: replyTo((await asked()) as never), headers: { 'List-Id': '<noc.isp.example>' } }),
    ),
  ]
  for (const end of ends) assert.equal([end.state, end.ticket_id], ['commented', id], JSON.stringify(end.reasons))
  for (const one of (await comments(id)).slice(1)) assert.is(one.visibility, 'internal')
  const stranger = await desk.deliver(mail({ from: 'x@elsewhere.example', headers: { 'In-Reply-To': first } }))
  assert.is.not(stranger.ticket_id, id, 'the id of their answer is no secret')
})

test('the next answer to the customer quotes and refers to nothing of it', async () => {
  const id = await start()
  await question(id)
  await desk.deliver(
    mail({ from: 'noc@isp.example', to: replyTo((await asked()) as never), text: 'The router of Borealis is broken.' }),
  )
  await act((tx) =>
    reply(tx, { ticketId: id, agent: bo(), text: 'We know.', channel: 'web', tools: desk.tools() }, MONDAY),
  )
  const [answer] = await sql`select * from outbox where kind = 'reply' and recipient = 'eva@acme.example'`
  const whole = JSON.stringify([answer!.headers, answer!.subject, answer!.text, answer!.html])
  for (const word of ['Borealis', 'isp.example', 'line 7 down', (await asked()).message_id])
    assert.not.match(whole, word)
})

test('a question is taken back in its window, and the customer and agents are not asked on the side', async () => {
  const id = await start()
  const { commentId } = await question(id)
  assert.is(await act((tx) => cancelForTicket(tx, { ticketId: id, commentId }, MONDAY)), 1)
  const cases: Record<string, string> = {
    'eva@acme.example': 'is_customer',
    'ada@desk.example': 'is_agent',
    'support@desk.example': 'own_address',
    nobody: 'bad_address',
  }
  for (const [address, code] of Object.entries(cases)) assert.is(await refusal(question(id, address)), code, address)
  assert.is(await refusal(question(id, 'noc@isp.example', ' ')), 'empty_text')
  assert.is((await sql`select 1 from side_questions`).length, 1)
})

test('an address with a revoked key leads nowhere', async () => {
  const id = await start()
  await question(id)
  await sql`update tickets set token_generation = 1 where id = ${id}`
  const end = await desk.deliver(mail({ from: 'noc@isp.example', to: replyTo((await asked()) as never) }))
  assert.is.not(end.ticket_id, id)
})

test('mail of a blocked sender is held with its reason, by address and by domain, until they are unblocked', async () => {
  const id = await start()
  const block = (sender: string) =>
    act((tx) => blockSender(tx, { sender, ticketId: id, actor: me(), desk: desk.tools().desk }, MONDAY))
  const state = async (from: string) => {
    const end = await desk.deliver(mail({ from }))
    return [end.state, end.reasons.at(-1)!.code]
  }
  assert.equal(await block('Spam@Evil.example'), { pattern: 'spam@evil.example', was: false })
  assert.equal(await block('spam@evil.example'), { pattern: 'spam@evil.example', was: true })
  assert.equal(await state('SPAM@evil.example'), ['held', 'blocked_sender'])
  assert.is((await state('other@evil.example'))[0], 'ticketed')
  assert.equal(await block('@worse.example'), { pattern: 'worse.example', was: false })
  assert.equal(await state('x@sub.worse.example'), ['held', 'blocked_sender'])
  assert.is((await state('x@notworse.example'))[0], 'ticketed')
  const off = (sender: string) => act((tx) => unblockSender(tx, { sender, ticketId: id, actor: me() }, MONDAY))
  assert.equal(await off('worse.example'), { pattern: 'worse.example', was: true })
  assert.equal(await off('worse.example'), { pattern: 'worse.example', was: false })
  assert.is((await state('y@sub.worse.example'))[0], 'ticketed')
  for (const [sender, code] of Object.entries({
    'support@desk.example': 'own_address',
    'desk.example': 'own_address',
    'ada@desk.example': 'own_address',
    'gmail.com': 'public_domain',
    example: 'bad_address',
    'a b': 'bad_address',
  }))
    assert.is(await refusal(block(sender)), code, sender)
  const told = await sql`select type, data from events where type in ('blocked', 'unblocked') order by seq`
  assert.equal(
    told.map((one) => [one.type, one.data.pattern]),
    [
      ['blocked', 'spam@evil.example'],
      ['blocked', 'worse.example'],
      ['unblocked', 'worse.example'],
    ],
  )
})

test.run()

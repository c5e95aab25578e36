/**
 * Who answers to an agent's address that is not theirs is told that nothing was sent, and how to go on (MAIL 5.6, 5.9):
 * whom the desk knows, at the address that it knows, once and within the budgets. A stranger hears nothing.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DAY, HOUR } from '../../../src/time.ts'
import { demoDesk, MONDAY, mail, startDesk, wholeAddress } from '../../desk.ts'
import { ADA, BO, ELSEWHERE, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, comments, outgoing, reason, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const SECRET = 'Please wire them 4711 euros.'
const to = async (recipient: string) => (await outgoing()).filter((one) => one.recipient === recipient)
const header = (one: { headers: [string, unknown][] }, name: string) => one.headers.find(([key]) => key === name)?.[1]

test('a colleague is told at their own address to answer their own notification, and the owner hears of it', async () => {
  const id = await ticket()
  const end = await desk.deliver(
    mail({ from: `Ada <${ADA}>`, to: await address(id, 'a'), text: `#close\n\n${SECRET}` }),
  )
  assert.equal([end.state, reason(end)], ['held', 'agent_token'])
  const [told, ...more] = await to(ADA)
  assert.is(more.length, 0)
  assert.equal([told!.kind, told!.subject], ['notification', 'Your mail was not passed on'])
  assert.match(told!.text, 'Nothing was executed and nothing was sent')
  assert.match(told!.text, 'Answer your own notification of the ticket instead')
  assert.match(told!.text, `“#accept ${end.id}”`)
  assert.not.match(told!.text, SECRET)
  assert.is(header(told!, 'Reply-To'), undefined)
  assert.is((await to(BO)).length, 1)
  assert.equal(await to(EVA), [])
  assert.is((await comments(id)).length, 1)
})

test('a customer who got a notification passed on is told in their language, without anything of the ticket', async () => {
  const id = await ticket()
  await sql`
    insert into comments (ticket_id, at, author_role, visibility, channel, text, visible)
    values (${id}, ${MONDAY}, 'agent', 'internal', 'web', 'She is a difficult one.', 'She is a difficult one.')`
  const end = await desk.deliver(mail({ to: await address(id, 'n'), subject: 'Re: [#4] The printer', text: SECRET }))
  assert.equal([end.state, reason(end)], ['held', 'agent_token'])
  const [told, ...more] = await to(EVA)
  assert.is(more.length, 0)
  assert.is(told!.subject, 'Ihre Mail wurde nicht weitergegeben')
  assert.match(told!.text, 'Sie wurde niemandem gesendet und wartet')
  assert.match(told!.text, 'schreiben Sie an support@desk.example')
  assert.match(told!.text, 'Betreff: Re: [#4] The printer')
  assert.not.match(JSON.stringify(told), /4711 euros|difficult|#accept|\+ra?|@desk\.example.{0,3}Bo/)
  assert.not.match(JSON.stringify(told), wholeAddress('bo@desk'))
  assert.is(header(told!, 'Auto-Submitted'), 'auto-replied')
  assert.equal(header(told!, 'References'), header(told!, 'In-Reply-To'))
  const [row] = await sql`select ticket_id from outbox where recipient = ${EVA}`
  assert.is(row!.ticket_id, null)
})

test('once a day about one ticket, and never beyond the budgets', async () => {
  const [id, other] = [await ticket(), await ticket('Another')]
  await sql`delete from mail_budgets` // of their acknowledgements
  const send = async (ticketId: number) => desk.deliver(mail({ to: await address(ticketId, 'a'), text: SECRET }))
  await send(id)
  await send(id)
  assert.is((await to(EVA)).length, 1)
  await send(other)
  assert.is((await to(EVA)).length, 2)
  desk.clock.at = new Date(MONDAY.getTime() + DAY)
  await send(id)
  assert.is((await to(EVA)).length, 3)
  desk.clock.at = new Date(MONDAY.getTime() + 2 * DAY)
  const key = new Date(Math.floor(desk.clock.at.getTime() / (HOUR / 6)) * (HOUR / 6))
  await sql`insert into mail_budgets (scope, period, count) values (${`address/${EVA}`}, ${key}, 1000)
    on conflict (scope, period) do update set count = 1000`
  assert.is((await send(id)).state, 'held')
  assert.is((await to(EVA)).length, 3)
})

const nobody: [string, (at: string) => [string, Parameters<typeof desk.deliver>[1]?]][] = [
  ['a stranger, though proven', (at) => [mail({ from: 'new@borealis.example', to: at, text: SECRET })]],
  ['a stranger whom nothing proves', (at) => [mail({ from: 'sly@evil.example', to: at, text: SECRET }), ELSEWHERE]],
  ['a customer whom nothing proves', (at) => [mail({ to: at, text: SECRET }), ELSEWHERE]],
  ['a customer beside another sender', (at) => [mail({ from: `${EVA}, sly@evil.example`, to: at, text: SECRET })]],
  ['answers asked for elsewhere', (at) => [mail({ to: at, text: SECRET, headers: { 'Reply-To': 'more@acme.example' } })]],
  ['a machine', (at) => [mail({ to: at, text: SECRET, headers: { 'Auto-Submitted': 'auto-replied' } })]],
  ['a mailing list', (at) => [mail({ to: at, text: SECRET, headers: { 'List-Id': '<all.acme.example>', Precedence: 'list' } })]],
  ['who asks for no automatic answer', (at) => [mail({ to: at, text: SECRET, headers: { 'X-Auto-Response-Suppress': 'All' } })]],
  ['the null sender', (at) => [mail({ to: at, text: SECRET }), { from: '' }]],
] // biome-ignore format: a table to be read
for (const [name, make] of nobody)
  test(`nobody but agents is told: ${name}`, async () => {
    const id = await ticket()
    const end = await desk.deliver(...make(await address(id, 'a')))
    assert.ok(['held', 'recorded'].includes(end.state))
    assert.equal(
      (await outgoing()).filter((one) => ![ADA, BO].includes(one.recipient)),
      [],
    )
  })

test('an address of an agent who has left: who wrote is told, and the admins by the mails about held mail', async () => {
  const id = await ticket()
  const dead = await address(id, 'a')
  await sql`update agents set disabled_at = ${MONDAY} where address = ${BO}`
  await desk.change(demoDesk.replace('  - {address: bo@desk.example, name: Bo}\n', '').replace(', bo@desk.example', ''))
  const end = await desk.deliver(mail({ to: dead, text: SECRET }))
  assert.equal([end.state, reason(end)], ['held', 'agent_token'])
  assert.is((await to(EVA)).length, 1)
  assert.is((await sql`select from ticket_news where kind = 'held' and mail_id = ${end.id}`).length, 1)
})

test.run()

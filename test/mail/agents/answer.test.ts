/** An agent answers a notification from their mail client (MAIL 5.6, 6.17, 6.18, 8.6, 8.20), through the real pipeline. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { enterRequester } from '../../../src/engine/tickets.ts'
import { MONDAY, mail, startDesk, wholeAddress } from '../../desk.ts'
import { ADA, BO, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, answer, comments, outgoing, reason, status, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const SIGNED_AND_QUOTED = `Please restart it, and write to ${BO} if it burns on.

Kind regards
-- 
Bo Builder
Private line +49 30 1234567

On Mon, 23 Nov 2026 at 09:30, Desk Support <support@desk.example> wrote:
> Eva wrote in #1:
> Please help, it burns.
> A secret line that only agents may read.
`

test('an answer reaches the customer from the support address, without quote, signature and private address', async () => {
  const id = await ticket()
  const end = await answer(id, SIGNED_AND_QUOTED)
  assert.equal([end.state, end.ticket_id, reason(end)], ['commented', id, 'agent'])
  const [mailed, ...more] = await outgoing()
  assert.equal(more, [])
  assert.equal([mailed!.kind, mailed!.recipient, mailed!.state], ['reply', EVA, 'queued'])
  assert.match(mailed!.text, 'Please restart it, and write to support@desk.example if it burns on.')
  const whole = JSON.stringify(mailed)
  for (const secret of [wholeAddress(BO), 'Private line', 'A secret line', 'Bo Builder'])
    assert.not.match(whole, secret)
  const from = mailed!.headers.find(([name]) => name === 'From')![1]
  assert.equal(from, [{ name: 'Bo (Desk Support)', address: 'support@desk.example' }])
  // the undo window (8.20)
  assert.is(mailed!.not_before?.getTime(), MONDAY.getTime() + 60_000)
  assert.is(await status(id), 'waiting_customer')
  const last = (await comments(id)).at(-1)!
  assert.equal([last.visibility, last.author_role, last.author_name, last.channel], ['public', 'agent', 'Bo', 'mail'])
  assert.is((end.trace.author as { role: string }).role, 'agent')
})

test('an answer by mail counts for the clock when it leaves, not before', async () => {
  const id = await ticket()
  await answer(id, 'Restart it.')
  const waiting = await sql`select at from sla_answers where ticket_id = ${id}`
  assert.is(waiting[0]!.at.getTime(), MONDAY.getTime() + 60_000)
  const [row] = await sql`select first_response_at from tickets where id = ${id}`
  assert.is(row!.first_response_at, null)
})

test('the address of purpose n makes a note, and nobody gets a mail', async () => {
  const id = await ticket()
  const end = await answer(id, 'Looks like DNS.', { purpose: 'n' })
  assert.equal([end.state, reason(end)], ['commented', 'agent'])
  assert.equal((await comments(id)).at(-1)!.visibility, 'internal')
  assert.equal(await outgoing(), [])
})

test('a mail to both addresses is a note: what is said in doubt is said inside', async () => {
  const id = await ticket()
  const [a, n] = [await address(id, 'a'), await address(id, 'n')]
  const end = await desk.deliver(mail({ from: BO, to: `${a}, ${n}`, text: 'Careful.' }))
  assert.is(end.state, 'commented')
  assert.is((await comments(id)).at(-1)!.visibility, 'internal')
  assert.equal(await outgoing(), [])
})

test('files go along, a logo and a signature do not', async () => {
  const id = await ticket()
  const part = (head: string, body: string) =>
    `--b\n${head}\nContent-Transfer-Encoding: base64\n\n${Buffer.from(body).toString('base64')}\n`
  const text = [
    '--b\nContent-Type: text/plain\n\nHere is the log.\n',
    part('Content-Type: text/x-log; name="vpn.log"\nContent-Disposition: attachment; filename="vpn.log"', 'line 1'),
    part('Content-Type: image/png\nContent-ID: <logo>\nContent-Disposition: inline; filename="logo.png"', 'small'),
    part('Content-Type: application/pkcs7-signature\nContent-Disposition: attachment; filename="smime.p7s"', 'sig'),
    '--b--',
  ].join('\n')
  await answer(id, text, { headers: { 'Content-Type': 'multipart/mixed; boundary=b' } })
  const [mailed] = await outgoing()
  const files = await sql`select id, filename from attachments where ticket_id = ${id}`
  assert.equal(
    files.map((file) => file.filename),
    ['vpn.log'],
  )
  assert.equal(
    mailed!.attachment_ids,
    files.map((file) => file.id),
  )
})

test('6.18: in a ticket of their own an agent is a customer, whatever the address', async () => {
  const id = await ticket()
  const actor = { kind: 'system', id: null, name: 'test' } as const
  await sql`update tickets set requester_id = null, requester_address = null where id = ${id}`
  await transaction(sql, (tx) =>
    enterRequester(tx, { ticketId: id, address: BO, name: 'Bo', actor, tools: desk.tools() }, MONDAY),
  )
  const end = await answer(id, 'It still burns.')
  assert.equal([end.state, (end.trace.author as { role: string }).role], ['commented', 'contact'])
  assert.equal(await outgoing(), [])
  const [row] = await sql`select author_role, visibility from comments where id = ${end.comment_id}`
  assert.equal([row!.author_role, row!.visibility], ['contact', 'public'])
  assert.is((await sql`select 1 from sla_answers`).length, 0)
})

test('an answer within seconds of a notification makes nobody an autoresponder', async () => {
  const id = await ticket()
  await sql`
    insert into outbox (kind, priority, message_id, date_at, envelope_from, recipient, headers, subject, text, state,
      next_try_at, expires_at, created_at, settled_at)
    values ('notification', 2, 'x@desk.example', ${MONDAY}, 'x@desk.example', ${BO}, '[]', 'The printer is on fire', '',
      'sent', ${MONDAY}, ${MONDAY}, ${MONDAY}, ${MONDAY})`
  for (const text of ['One.', 'Two.', 'Three.', 'Four.']) {
    const end = await answer(id, text)
    assert.is(end.state, 'commented', text)
    assert.not(
      end.reasons.some(({ code }) => code === 'reflex'),
      text,
    )
  }
  assert.is((await sql`select 1 from notices where kind = 'autoresponder'`).length, 0)
})

test('the same mail twice is done once', async () => {
  const id = await ticket()
  const to = await address(id, 'a')
  const raw = mail({ from: BO, to, text: 'Restart it.' })
  assert.is((await desk.deliver(raw)).state, 'commented')
  const again = await desk.deliver(raw)
  assert.equal([again.state, reason(again)], ['recorded', 'duplicate'])
  assert.is((await outgoing()).length, 1)
})

test('what nobody can be written to about is held, undone as a whole, and told', async () => {
  const id = await ticket()
  await sql`update tickets set requester_id = null, requester_address = null where id = ${id}`
  const before = (await comments(id)).length
  const end = await answer(id, 'Restart it.')
  assert.equal([end.state, reason(end)], ['held', 'command_error'])
  assert.is((await comments(id)).length, before)
  const [told] = await outgoing()
  assert.equal([told!.kind, told!.recipient], ['receipt', BO])
  assert.match(told!.text, 'Restart it.')
})

test('another agent answers with their own address, not with a colleague’s', async () => {
  const id = await ticket()
  const own = await answer(id, 'I am Ada.', { from: ADA, to: await address(id, 'a', { agent: ADA }) })
  assert.is(own.state, 'commented')
  await sql`delete from outbox`
  const foreign = await answer(id, 'I am Ada, too.', { from: ADA })
  assert.equal([foreign.state, reason(foreign)], ['held', 'agent_token'])
  // Bo is asked about a mail at his address, Ada is told that hers was not passed on
  const told = await outgoing()
  assert.equal(told.map((one) => one.recipient).sort(), [ADA, BO])
  for (const { text } of told) assert.not.match(text, 'I am Ada, too')
})

test.run()

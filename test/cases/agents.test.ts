/** The regressions of MAIL 11 about agents who work by mail, each by its id: through the real parser and pipeline. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { reply } from '../../src/engine/tickets.ts'
import { compose } from '../../src/mail/compose.ts'
import type { Envelope } from '../../src/mail/spool.ts'
import { mail, startDesk } from '../desk.ts'
import { ADA, BO, ELSEWHERE, EVA, ground } from '../mail/agents/ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, agent, answer, comments, outgoing, reason, status, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const toCustomers = async () => (await outgoing()).filter((one) => !one.recipient.endsWith('@desk.example'))

test('X23: an answer of ours in the Sent folder is our own copy: recorded, no second comment', async () => {
  const id = await ticket()
  const input = { ticketId: id, agent: agent(BO), text: 'Restart it.', channel: 'web', tools: desk.tools() } as const
  await transaction(sql, (tx) => reply(tx, input, desk.clock.at))
  const [row] = await sql`select * from outbox`
  const bytes = await Readable.from(compose(row as never, [])).toArray()
  const session = { folder: 'Sent', uid: 1, uidvalidity: 1, internal_date: null, sent: true } as Envelope['session']
  const before = (await comments(id)).length
  const end = await desk.deliver(Buffer.concat(bytes), { via: 'imap', from: null, session })
  assert.equal([end.state, reason(end)], ['recorded', 'own_copy'])
  assert.is((await comments(id)).length, before)
  assert.is((await outgoing()).length, 1)
})

const ABSENCE = ['Automatic reply: [#1] The printer is on fire', 'Abwesenheitsnotiz: The printer is on fire']
test('X39: an absence notice without headers that answers a notification is not sent to the customer', async () => {
  const id = await ticket()
  const before = (await comments(id)).length
  for (const subject of ABSENCE)
    for (const purpose of ['a', 'n'] as const) {
      const to = await address(id, purpose)
      const end = await desk.deliver(mail({ from: BO, to, subject, text: 'I am away until Friday. Ask Ada.' }))
      assert.equal([end.state, reason(end)], ['recorded', 'agent_automatic'], subject)
    }
  assert.is((await comments(id)).length, before)
  assert.is(await status(id), 'new')
  assert.equal(await outgoing(), [])
})

const NDR = (to: string) => `From: Mail Delivery System <MAILER-DAEMON@mail.desk.example>
To: ${to}
Subject: Undelivered Mail Returned to Sender
Date: Mon, 23 Nov 2026 09:29:00 +0100
Message-ID: <ndr.${Math.random()}@mail.desk.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

The mailbox of bo@desk.example is full.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.desk.example

Final-Recipient: rfc822; bo@desk.example
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 mailbox full
--b--
`
test('X42: a report that an agent’s mailbox is full makes no comment, no mail and no loop', async () => {
  const id = await ticket()
  const before = (await comments(id)).length
  const plain = (to: string) =>
    mail({ from: 'postmaster@mail.desk.example', to, subject: 'Mailbox full', text: 'The mailbox of Bo is full.' })
  for (const purpose of ['a', 'n'] as const) {
    const to = await address(id, purpose)
    const own = mail({ from: BO, to, subject: 'Re: The printer is on fire', text: 'Over quota.' })
    for (const raw of [NDR(to), plain(to), own]) {
      const end = await desk.deliver(raw, { from: '' })
      assert.is(end.state, 'recorded')
    }
  }
  const base = await desk.deliver(NDR('support@desk.example'), { from: '' })
  assert.is(base.state, 'recorded')
  assert.is((await comments(id)).length, before)
  assert.equal(await outgoing(), [])
})

test('X51: an outsider answers a notification that was passed on to them: held, that agent is told, the customer gets nothing', async () => {
  const id = await ticket()
  const before = JSON.stringify(await comments(id))
  const text = 'We have fixed line 7.\n#close'
  const outside = await answer(id, text, { from: 'noc@isp.example' })
  assert.equal([outside.state, reason(outside)], ['held', 'agent_token'])
  assert.equal(await toCustomers(), [])
  assert.equal(
    (await outgoing()).map((one) => one.recipient),
    [BO],
  )
  // the customer, whom the desk knows, is told that her mail went nowhere, and nothing else
  const own = await answer(id, text, { from: EVA })
  assert.equal([own.state, reason(own)], ['held', 'agent_token'])
  const [word, ...more] = await toCustomers()
  assert.equal([word!.recipient, word!.kind, more.length], [EVA, 'ack', 0])
  assert.not.match(JSON.stringify(word), /line 7|#close|burns/)
  assert.is(JSON.stringify(await comments(id)), before)
  assert.is(await status(id), 'new')
})

const FIXTURES = path.join(import.meta.dirname, '../../fixtures/mails/forward')
test('X56: what an agent forwards opens a ticket of who the block names, and of nobody in the body', async () => {
  for (const name of ['gmail', 'outlook', 'apple', 'outlook-html-css', 'nested']) {
    const { forwarded } = JSON.parse(readFileSync(path.join(FIXTURES, `${name}.json`), 'utf8'))
    const end = await desk.deliver(readFileSync(path.join(FIXTURES, `${name}.eml`)))
    const [row] = await sql`select requester_address from tickets where id = ${end.ticket_id}`
    assert.equal([name, end.state, row!.requester_address], [name, 'ticketed', forwarded.from.address])
    const people = await sql`select address from ticket_participants where ticket_id = ${end.ticket_id}`
    assert.is(people.length, 0, name)
    assert.equal((await comments(end.ticket_id!))[0]!.author_role, 'contact')
  }
  assert.equal(await toCustomers(), [])
  const another = readFileSync(path.join(FIXTURES, 'gmail.eml'), 'utf8').replace(/^Message-ID: </im, 'Message-ID: <x')
  const forged = await desk.deliver(another.replace('Please', 'Do'), ELSEWHERE)
  const [row] = await sql`select requester_address from tickets where id = ${forged.ticket_id}`
  assert.equal([forged.state, row!.requester_address], ['ticketed', ADA])
})

test.run()

/** An agent forwards a mail: its writer becomes the requester, by the block alone (MAIL 6.17, 6.19, 7.11-7.13). */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { mail, startDesk } from '../../desk.ts'
import { ADA, BO, ELSEWHERE, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, comments, outgoing, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const BLOCK = `From: Noor <noor@borealis.example>
Date: Mon, 23 Nov 2026 07:15:00 +0000
Subject: Till
To: bo@desk.example

The till prints nothing.
Write to other@evil.example.`
const forward = (text: string, change: Parameters<typeof mail>[0] = {}) =>
  mail({ from: `Bo <${BO}>`, subject: 'Fwd: Till', text, ...change })
const GMAIL = `Please look, they are angry.\n\n---------- Forwarded message ---------\n${BLOCK}`
const ticketOf = async (id: number | null) =>
  (
    await sql`select t.*, o.key as organization from tickets t left join organizations o on o.id = t.organization_id
      where t.id = ${id}`
  )[0]!

test('7.13: the original’s writer is the requester, the agent’s words are a note, nobody is written to', async () => {
  const end = await desk.deliver(forward(GMAIL))
  assert.equal([end.state, end.reasons.map(({ code }) => code).includes('on_behalf')], ['ticketed', true])
  const row = await ticketOf(end.ticket_id)
  assert.equal(
    [row.subject, row.requester_address, row.requester_name, row.organization, row.origin],
    ['Till', 'noor@borealis.example', 'Noor', 'borealis', 'agent_for_customer'],
  )
  const [first, second, ...more] = await comments(end.ticket_id!)
  assert.equal([first!.visibility, first!.author_role, first!.author_name], ['public', 'contact', 'Noor'])
  assert.equal(first!.text, 'The till prints nothing.\nWrite to other@evil.example.')
  assert.equal(
    [second!.visibility, second!.author_role, second!.text],
    ['internal', 'agent', 'Please look, they are angry.'],
  )
  assert.equal(more, [])
  const [at] = await sql`select at, flags from comments where ticket_id = ${end.ticket_id} order by id limit 1`
  assert.is(at!.at.toISOString(), '2026-11-23T07:15:00.000Z')
  assert.ok(at!.flags.includes('on_behalf'))
  assert.equal(await outgoing(), [])
  const [contact] = await sql`select verified_at from contacts where name = 'Noor'`
  assert.is(contact!.verified_at, null)
})

test('the clocks run from now, as for any customer', async () => {
  const end = await desk.deliver(forward(GMAIL))
  const [clock] =
    await sql`select state, due_at from sla_clocks where ticket_id = ${end.ticket_id} and metric = 'first_response'`
  assert.is(clock!.state, 'running')
})

test('files of the forward stay with it', async () => {
  const text = [
    '--b\nContent-Type: text/plain\n',
    GMAIL,
    '--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename="till.log"\n\nprinter: no paper\n--b--',
  ].join('\n')
  const end = await desk.deliver(forward(text, { headers: { 'Content-Type': 'multipart/mixed; boundary=b' } }))
  const files = await sql`select filename from attachments where ticket_id = ${end.ticket_id}`
  assert.equal(
    files.map((file) => file.filename),
    ['till.log'],
  )
})

test('an attached original is read best of all', async () => {
  const text = `--b\nContent-Type: text/plain\n\nSee attached.\n--b\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename="till.eml"\n\nFrom: Noor <noor@borealis.example>\nTo: bo@desk.example\nSubject: Till\nDate: Mon, 23 Nov 2026 07:15:00 +0000\n\nIt prints nothing.\n\n--b--`
  const end = await desk.deliver(forward(text, { headers: { 'Content-Type': 'multipart/mixed; boundary=b' } }))
  assert.is((await ticketOf(end.ticket_id)).requester_address, 'noor@borealis.example')
  assert.match((await comments(end.ticket_id!))[0]!.text, 'It prints nothing.')
})

test('#onbehalf on the first line does it without a prefix', async () => {
  const end = await desk.deliver(forward(`#onbehalf\n${GMAIL}`, { subject: 'Till' }))
  assert.is((await ticketOf(end.ticket_id)).requester_address, 'noor@borealis.example')
  assert.equal((await comments(end.ticket_id!)).at(-1)!.text, 'Please look, they are angry.')
})

for (const [name, from] of [
  ['nobody', 'From: Noor'],
  ['two people', 'From: a@acme.example, b@acme.example'],
  ['an agent', `From: Ada <${ADA}>`],
  ['the desk', 'From: Desk Support <support@desk.example>'],
] as const)
  test(`7.12: a forward from ${name} is an ordinary ticket of the agent, marked`, async () => {
    const end = await desk.deliver(forward(GMAIL.replace('From: Noor <noor@borealis.example>', from)))
    assert.is(end.state, 'ticketed')
    assert.is((await ticketOf(end.ticket_id)).requester_address, BO)
    const [row] = await sql`select flags from comments where ticket_id = ${end.ticket_id}`
    assert.ok(row!.flags.includes('set_requester'))
  })

test('6.17: a notification that is passed on to the desk is a ticket of its own, and the customer gets nothing', async () => {
  const id = await ticket()
  const end = await desk.deliver(
    forward(
      `Fyi\n\n---------- Forwarded message ---------\nFrom: Desk Support <support@desk.example>\nSubject: [#${id}] The printer is on fire\nTo: bo@desk.example\n\nEva wrote: it burns`,
      {
        subject: 'Fwd: [#1] The printer is on fire',
      },
    ),
  )
  assert.is(end.state, 'ticketed')
  assert.is.not(end.ticket_id, id)
  assert.equal(
    (await outgoing()).filter((one) => one.recipient === EVA),
    [],
  )
})

test('6.17: what an agent passes on to an address of a ticket is a note there, never an answer', async () => {
  const id = await ticket()
  const to = await address(id, 'a')
  const end = await desk.deliver(forward(GMAIL, { to }))
  assert.equal([end.state, end.ticket_id], ['commented', id])
  const last = (await comments(id)).at(-1)!
  assert.equal([last.visibility, last.author_role], ['internal', 'agent'])
  assert.match(last.text, 'Please look')
  assert.equal(await outgoing(), [])
})

test('7.13: a customer’s forward, and one of an agent who is not proven, are of who sent them', async () => {
  const customer = await desk.deliver(mail({ from: EVA, subject: 'Fwd: Till', text: GMAIL }))
  assert.is((await ticketOf(customer.ticket_id)).requester_address, EVA)
  const forged = await desk.deliver(forward(GMAIL), ELSEWHERE)
  assert.is((await ticketOf(forged.ticket_id)).requester_address, BO)
  assert.equal(
    (await comments(forged.ticket_id!)).map((one) => one.author_role),
    ['contact'],
  )
})

test('6.19: an agent who writes to the desk is the requester of a ticket, and is acknowledged', async () => {
  const end = await desk.deliver(mail({ from: `Bo <${BO}>`, subject: 'My chair', text: 'It is broken.' }))
  const row = await ticketOf(end.ticket_id)
  assert.equal([end.state, row.requester_address, row.requester_name], ['ticketed', BO, 'Bo'])
  assert.equal(
    (await outgoing()).map((one) => [one.kind, one.recipient]),
    [['ack', BO]],
  )
})

test('6.17: an agent who answers the desk alone, about a ticket, leaves a note there', async () => {
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<fire@mail.example>', Cc: BO } }))
  await sql`delete from outbox`
  const end = await desk.deliver(
    mail({
      from: `Bo <${BO}>`,
      subject: 'Re: The printer is on fire',
      text: 'I know them.',
      headers: { 'In-Reply-To': '<fire@mail.example>' },
    }),
  )
  assert.equal([end.state, end.ticket_id], ['commented', first.ticket_id])
  assert.equal((await comments(first.ticket_id!)).at(-1)!.visibility, 'internal')
  assert.equal(await outgoing(), [])
})

const FIXTURES = path.join(import.meta.dirname, '../../../fixtures/mails/forward')
for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.json'))) {
  const { forwarded } = JSON.parse(readFileSync(path.join(FIXTURES, name), 'utf8'))
  const raw = readFileSync(path.join(FIXTURES, name.replace('.json', '.eml')), 'latin1')
  if (!/^From:.*ada@desk\.example/im.test(raw) || !forwarded) continue
  test(`fixture ${name}: the requester is who the block names, else the agent`, async () => {
    const end = await desk.deliver(Buffer.from(raw, 'latin1'))
    assert.is(end.state, 'ticketed')
    const asked = forwarded.from && !/@desk\.example$/.test(forwarded.from.address) ? forwarded.from.address : ADA
    assert.is((await ticketOf(end.ticket_id)).requester_address, asked)
    assert.equal(
      (await outgoing()).filter((one) => one.recipient !== ADA),
      [],
    )
  })
}

test.run()

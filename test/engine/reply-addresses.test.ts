/** Where answers go: each form of reply address from a first mail to the answer that finds its ticket (MAIL 5.7, 5.10). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { parseDesk } from '../../src/engine/desk/document.ts'
import { reply } from '../../src/engine/tickets.ts'
import { servedBy } from '../../src/mail/intake-smtp/recipients.ts'
import { readSignedAddress } from '../../src/tokens.ts'
import { demoDesk, keys, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.after(() => desk.stop())

const INBOX = 'support@desk.example'
const deskWith = (form: string) => {
  const changed = demoDesk.replace('{key: support, address: ', `{key: support, reply_addresses: ${form}, address: `)
  assert.is.not(changed, demoDesk)
  return changed
}

type Row = {
  kind: string
  message_id: string
  envelope_from: string
  text: string
  html: string
  headers: [string, string | { address: string }[]][]
}

const header = (row: Row, name: string) => row.headers.find(([key]) => key === name)?.[1]
const replyToOf = (row: Row) => (header(row, 'Reply-To') as { address: string }[] | undefined)?.[0]?.address ?? null

/** A ticket that was acknowledged and answered, and both mails. */
async function answered(form: string) {
  await desk.reset(deskWith(form))
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<start@mail.example>' } }))
  const input = {
    ticketId: first.ticket_id!,
    agent: desk.tools().desk.agents.get('bo@desk.example')!,
    text: 'Try again.',
    channel: 'web' as const,
    tools: desk.tools(),
  }
  await transaction(sql, (tx) => reply(tx, input, desk.clock.at))
  const rows = await sql<Row[]>`select kind, message_id, envelope_from, text, html, headers from outbox order by id`
  assert.equal(
    rows.map((row) => row.kind),
    ['ack', 'reply'],
  )
  return { ticketId: first.ticket_id!, ack: rows[0]!, answer: rows[1]! }
}

/** How the thread was found, in an answer that carries nothing but what is given. */
async function by(options: Parameters<typeof mail>[0], envelopeTo?: string) {
  const { inbox } = servedBy(desk.tools().desk).match(envelopeTo ?? options.to ?? INBOX)!
  const end = await desk.deliver(mail({ subject: 'Still', ...options }), {
    recipients: [{ address: envelopeTo ?? options.to ?? INBOX, inbox, tag: null }],
  })
  return { ...end, by: (end.trace.thread as { by: string | null }).by }
}

test('plus: base+token in Reply-To, reference line and envelope sender; each leads back', async () => {
  const { ticketId, ack, answer } = await answered('plus')
  for (const row of [ack, answer]) {
    const to = replyToOf(row)!
    assert.match(to, /^support\+r[a-z2-7]+@desk\.example$/)
    assert.match(row.text, to)
    assert.match(row.html, to)
    assert.is(readSignedAddress(keys, INBOX, row.envelope_from)!.purpose, 'b')
    const end = await by({ to })
    assert.equal([end.ticket_id, end.by], [ticketId, 'token'])
  }
})

test('subdomain: token@reply.domain everywhere, taken by the listeners, also damaged; each leads back', async () => {
  const { ticketId, ack, answer } = await answered('subdomain')
  const served = servedBy(desk.tools().desk)
  assert.ok(served.domains.has('reply.desk.example'))
  for (const row of [ack, answer]) {
    const to = replyToOf(row)!
    assert.match(to, /^r[a-z2-7]{20,63}@reply\.desk\.example$/)
    assert.not.match(`${row.text}${row.html}${JSON.stringify(row.headers)}${row.envelope_from}`, /\+r/)
    assert.match(row.text, to)
    assert.match(row.envelope_from, /^r[a-z2-7]{20,63}@reply\.desk\.example$/)
    assert.is(readSignedAddress(keys, INBOX, row.envelope_from)!.purpose, 'b')
    assert.is(served.match(to.toUpperCase())?.inbox, 'support')
    const end = await by({ to: to.toUpperCase() })
    assert.equal([end.ticket_id, end.by], [ticketId, 'token'])
  }
  const to = replyToOf(answer)!
  assert.is((await by({ text: `Hello\n\nReference: ${to}` })).by, 'body_token')
  for (const broken of [to.replace(/.@/, (end) => (end[0] === 'a' ? 'b@' : 'a@')), to.replace(/.@/, '1@')]) {
    const end = await by({ to: broken })
    assert.is(end.state, 'ticketed')
    assert.is.not(end.ticket_id, ticketId)
  }
  assert.is(served.match('info@reply.desk.example'), null, 'not every word is an address there')
  assert.is(served.match('postmaster@reply.desk.example')?.inbox, 'support')
})

test('off: no signed address anywhere; the Message-ID and References lead back, for answers and for bounces', async () => {
  const { ticketId, ack, answer } = await answered('off')
  for (const row of [ack, answer]) {
    assert.is(replyToOf(row), null)
    assert.is(row.envelope_from, INBOX)
    assert.not.match(
      `${row.text}${row.html}${JSON.stringify(row.headers)}`,
      /[+]r[a-z2-7]{10}|reply\.desk|Referen[cz]e?:/,
    )
    assert.not.match(row.html, /<small>/)
    const end = await by({ headers: { 'In-Reply-To': `<${row.message_id}>` } })
    assert.equal([end.ticket_id, end.by], [ticketId, 'our_id'])
  }
  const end = await by({ headers: { References: String(header(answer, 'References')).split(' ')[0]! } })
  assert.equal([end.ticket_id, end.by], [ticketId, 'our_id'])
  const bare = await by({})
  assert.is.not(bare.ticket_id, ticketId)

  const bounce = await desk.deliver(report(answer.message_id), { from: '' })
  assert.is(bounce.kind, 'dsn')
  assert.is((await sql`select 1 from events where ticket_id = ${ticketId} and type = 'delivery_failed'`).length, 1)
})

test('an address that was given out in another form is still good', async () => {
  const { ticketId, answer } = await answered('subdomain')
  const to = replyToOf(answer)!
  for (const form of ['plus', 'off']) {
    await desk.change(deskWith(form))
    assert.is(servedBy(desk.tools().desk).match(to)?.inbox, 'support', form)
    const end = await by({ to })
    assert.equal([end.ticket_id, end.by], [ticketId, 'token'], form)
  }
})

test('of two inboxes of a domain each has its own; a long address needs the subdomain', async () => {
  const two = deskWith('subdomain').replace(
    /^inboxes:\n/m,
    '$&  - {key: sales, address: sales@desk.example, project: triage, reply_addresses: subdomain}\n',
  )
  await desk.reset(two)
  await desk.deliver(mail({}))
  const [ack] = await sql<Row[]>`select headers from outbox`
  assert.is(desk.tools().desk.inboxes[0]!.key, 'sales')
  assert.is(servedBy(desk.tools().desk).match(replyToOf(ack!)!)?.inbox, 'support')
  const long = (form: string) =>
    parseDesk(deskWith(form).replace('support@desk.example', 'customer.care.international@desk.example'), 'desk.yml')
      .problems.length
  assert.equal([long('plus') > 0, long('subdomain'), long('off')], [true, 0, 0])
})

const report = (original: string) => `From: Mail Delivery <mailer-daemon@mx.example>
To: ${INBOX}
Subject: Undelivered Mail
Message-ID: <dsn@mx.example>
Date: Mon, 23 Nov 2026 09:31:00 +0100
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; eva@acme.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: <${original}>
Subject: Re: x

--b--
`

test.run()

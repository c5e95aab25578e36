/** Machines' reports about our mail, through the real parser and pipeline (MAIL 4a.1-4a.11, 8.26). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { outcomeOf } from '../../src/engine/bounces/outcome.ts'
import { queueMail } from '../../src/engine/outbox.ts'
import { reply, setStatus } from '../../src/engine/tickets.ts'
import { DAY, HOUR, MINUTE } from '../../src/time.ts'
import { makeMessageId } from '../../src/tokens.ts'
import { keys, MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const system = { kind: 'system' as const, id: null, name: 'test' }
const codes = (ending: { reasons: { code: string }[] }) => ending.reasons.map((reason) => reason.code)
const ticket = async (id: number | null) => (await sql`select * from tickets where id = ${id}`)[0]!
const suppressed = async () => (await sql`select address from suppressions order by address`).map((row) => row.address)
const notices = async (kind: string) => await sql`select * from notices where kind = ${kind} and settled_at is null`
const eventsOf = async (id: number | null) =>
  (await sql`select type, why, data from events where ticket_id = ${id} order by seq`).filter(
    (row) => row.type !== 'created',
  )

type Row = {
  id: number
  message_id: string
  envelope_from: string
  recipient: string
  state: string
  last_answer: string
}

/** Everything that waits is taken by the relay. */
async function sendAll(): Promise<Row[]> {
  await sql`update outbox set state = 'sent', last_answer = '250 ok', settled_at = ${desk.clock.at} where state = 'queued'`
  return await sql<Row[]>`select * from outbox order by id`
}

/** A ticket whose agent answered, and the answer's row. */
async function answered(from = 'Eva Beispiel <eva@acme.example>') {
  const first = await desk.deliver(mail({ from }))
  const bo = desk.tools().desk.agents.get('bo@desk.example')!
  const input = {
    ticketId: first.ticket_id!,
    agent: bo,
    text: 'Try again.',
    channel: 'web' as const,
    tools: desk.tools(),
  }
  await transaction(sql, (tx) => reply(tx, input, desk.clock.at))
  const rows = await sendAll()
  return { ticketId: first.ticket_id!, ack: rows.find((row) => row.message_id.startsWith('a.'))!, row: rows.at(-1)! }
}

let made = 0

type Said = { recipient: string; action?: string; status?: string; diagnostic?: string }

function dsn(options: { to?: string; said: Said[]; original?: string | null; from?: string; words?: string }): string {
  const groups = options.said.map(({ recipient, action = 'failed', status = '5.1.1', diagnostic }) =>
    [
      `Final-Recipient: rfc822; ${recipient}`,
      `Action: ${action}`,
      `Status: ${status}`,
      ...(diagnostic ? [`Diagnostic-Code: smtp; ${diagnostic}`] : []),
    ].join('\n'),
  )
  const original = options.original
    ? `--d\nContent-Type: text/rfc822-headers\n\nMessage-ID: <${options.original}>\nSubject: Re: x\n\n`
    : ''
  return mail({
    from: options.from ?? 'Mail Delivery System <MAILER-DAEMON@mx.acme.example>',
    to: options.to ?? 'support@desk.example',
    subject: `Undelivered Mail Returned to Sender ${++made}`,
    headers: { 'Content-Type': 'multipart/report; report-type=delivery-status; boundary=d' },
    text: `--d\nContent-Type: text/plain\n\n${options.words ?? 'It did not work.'}\n\n--d\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.acme.example\n\n${groups.join('\n\n')}\n\n${original}--d--`,
  })
}

/** As a relay returns it: by the null sender, to the address that the mail was sent from. */
const bounced = (raw: string, address: string) =>
  desk.deliver(raw, { from: '', recipients: [{ address, inbox: 'support', tag: null }] })
const returned = (raw: string) => desk.deliver(raw, { from: '' })

test('MAIL 4a.4 (1), 4a.7: a hard bounce at our signed address opens what waited for the customer, and suppresses', async () => {
  const { ticketId, row } = await answered()
  assert.is((await ticket(ticketId)).status, 'waiting_customer')
  const end = await bounced(
    dsn({ said: [{ recipient: 'eva@acme.example', diagnostic: '550 no such user' }] }),
    row.envelope_from,
  )
  assert.is(end.state, 'recorded')
  assert.is(end.kind, 'dsn')
  assert.is(end.ticket_id, ticketId)
  assert.ok(codes(end).includes('bounced'))
  const after = await ticket(ticketId)
  assert.is(after.status, 'open')
  assert.ok(after.undelivered_at)
  assert.equal(await suppressed(), ['eva@acme.example'])
  const [sent] = await sql<Row[]>`select * from outbox where id = ${row.id}`
  assert.is(sent!.state, 'failed')
  assert.match(sent!.last_answer, 'no such user')
  const events = await eventsOf(ticketId)
  const failed = events.find((event) => event.type === 'delivery_failed')!
  assert.match(failed.why, /Delivery to eva@acme\.example failed: 5\.1\.1/)
  assert.is(failed.data.outcome, 'hard')
  assert.is((await sql`select from comments where ticket_id = ${ticketId}`).length, 2, 'no comment by a machine')
  assert.equal(
    (end.trace.dsn as { message: number; outcome: string }[]).map((one) => [one.message, one.outcome]),
    [[row.id, 'hard']],
  )
})

test('MAIL 4a.7: on a closed ticket it changes no status and leaves a flag, until an agent answers again', async () => {
  const { ticketId, row } = await answered()
  await transaction(sql, (tx) => setStatus(tx, { ticketId, status: 'closed', actor: system }, MONDAY))
  await bounced(dsn({ said: [{ recipient: 'eva@acme.example' }] }), row.envelope_from)
  assert.is((await ticket(ticketId)).status, 'closed')
  assert.ok((await ticket(ticketId)).undelivered_at)
  const bo = desk.tools().desk.agents.get('bo@desk.example')!
  await transaction(sql, (tx) =>
    reply(tx, { ticketId, agent: bo, text: 'Again', channel: 'web', suppressed: 'send', tools: desk.tools() }, MONDAY),
  )
  assert.is((await ticket(ticketId)).undelivered_at, null)
})

test('MAIL 4a.4 (2): without our address the embedded id and its recipient prove it; case of the address does not count', async () => {
  const { ticketId, row } = await answered()
  await returned(dsn({ said: [{ recipient: 'EVA@ACME.example' }], original: row.message_id }))
  assert.is((await ticket(ticketId)).status, 'open')
  assert.equal(await suppressed(), ['eva@acme.example'])
})

test('MAIL 4a.3, 4a.6: of several recipients each has its own outcome', async () => {
  const { ticketId, row } = await answered()
  const said = [
    { recipient: 'else@acme.example', status: '5.1.1' },
    { recipient: 'eva@acme.example', action: 'delayed', status: '4.4.1' },
  ]
  const end = await returned(dsn({ said, original: row.message_id }))
  const shown = end.trace.dsn as { recipient: string; outcome: string; message: number | null }[]
  assert.equal(
    shown.map((one) => [one.recipient, one.outcome, one.message]),
    [
      ['else@acme.example', 'hard', null],
      ['eva@acme.example', 'delayed', row.id],
    ],
  )
  assert.is((await ticket(ticketId)).status, 'waiting_customer')
  assert.equal(await suppressed(), [])
  assert.ok((await eventsOf(ticketId)).some((event) => event.type === 'delivery_delayed'))
})

test('MAIL 4a.6: what each code means', () => {
  const of = (status: string | null, diagnostic: string | null = null, action = 'failed') =>
    outcomeOf({ recipient: 'a@b.example', original: null, action, status, diagnostic, remoteMta: null })
  for (const code of ['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1', '5.4.1', '5.4.4'])
    assert.is(of(code), 'hard', code)
  for (const code of ['5.2.2', '4.4.7', '4.2.2', '5.4.7']) assert.is(of(code), 'soft', code)
  for (const code of ['5.7.1', '5.7.26', '5.6.0', '5.3.4', '5.2.3', '5.4.5', '5.1.8', '5.5.0'])
    assert.is(of(code), 'policy', code)
  assert.is(of(null, '550 user unknown'), 'hard')
  assert.is(of('5.0.0', '550 5.1.1 gone'), 'hard')
  assert.is(of('5.1.1', '550 5.7.26 unauthenticated'), 'policy')
  assert.is(of(null, '550 go away'), 'policy')
  assert.is(of('5.0.0', '554 5.2.0 quota exceeded'), 'policy')
  assert.is(of('4.0.0'), 'soft')
  assert.is(of(null, '450 mailbox unavailable'), 'policy')
  assert.is(of('5.1.1', null, 'delayed'), 'delayed')
  for (const action of ['delivered', 'relayed', 'expanded']) assert.is(of('2.0.0', null, action), 'delivered', action)
})

test('MAIL 4a.6, 8.27: a refusal for policy is shown and suppresses nobody', async () => {
  const { ticketId, row } = await answered()
  const end = await bounced(
    dsn({ said: [{ recipient: 'eva@acme.example', status: '5.7.26', diagnostic: '550 5.7.26 DMARC' }] }),
    row.envelope_from,
  )
  assert.ok(codes(end).includes('bounced'))
  assert.equal(await suppressed(), [])
  assert.is((await ticket(ticketId)).status, 'waiting_customer')
  assert.is((await ticket(ticketId)).undelivered_at, null)
  assert.ok(
    (await eventsOf(ticketId)).some((event) => event.type === 'delivery_failed' && event.data.outcome === 'policy'),
  )
})

test('MAIL 8.26: three soft failures over three days suppress for a week', async () => {
  const at = MONDAY
  for (const [n, days] of [0, 2, 4].entries()) {
    desk.clock.at = new Date(at.getTime() + days * DAY)
    const { row } = await answered()
    await bounced(dsn({ said: [{ recipient: 'eva@acme.example', status: '5.2.2' }] }), row.envelope_from)
    assert.equal(await suppressed(), n === 2 ? ['eva@acme.example'] : [], `after ${n + 1}`)
  }
  const [row] = await sql`select expires_at from suppressions`
  assert.is(row!.expires_at.getTime(), desk.clock.at.getTime() + 7 * DAY)
})

test('X41: an ack to a dead address bounces: no ticket, no second ack, an event on the ticket it was for', async () => {
  const first = await desk.deliver(mail({}))
  const [ack] = await sendAll()
  const end = await bounced(dsn({ said: [{ recipient: 'eva@acme.example' }] }), ack!.envelope_from)
  assert.is(end.state, 'recorded')
  assert.is((await sql`select from tickets`).length, 1)
  assert.is((await sql`select from outbox`).length, 1)
  const after = await ticket(first.ticket_id)
  assert.is(after.status, 'new')
  assert.is(after.undelivered_at, null)
  assert.equal(await suppressed(), ['eva@acme.example'])
  assert.equal(
    (await eventsOf(first.ticket_id)).map((event) => event.type),
    ['delivery_failed'],
  )
})

test('MAIL 4a.7: an acknowledgement that bounces opens nothing', async () => {
  const { ticketId, ack } = await answered()
  const end = await bounced(dsn({ said: [{ recipient: 'eva@acme.example' }] }), ack.envelope_from)
  assert.is(end.ticket_id, ticketId)
  assert.is((await ticket(ticketId)).status, 'waiting_customer')
  assert.is((await ticket(ticketId)).undelivered_at, null)
})

test('X43: a forged report suppresses nobody and changes nothing', async () => {
  const { ticketId, row } = await answered()
  // knows nothing; knows an id but names somebody it never went to; a damaged address of ours
  const blind = await returned(dsn({ said: [{ recipient: 'eva@acme.example' }] }))
  const victim = await returned(dsn({ said: [{ recipient: 'victim@acme.example' }], original: row.message_id }))
  const flipped = row.envelope_from.replace(/.@/, (end) => (end === 'a@' ? 'b@' : 'a@'))
  const damaged = await bounced(dsn({ said: [{ recipient: 'eva@acme.example' }] }), flipped)
  const guessed = makeMessageId(
    { ...keys, byId: new Map([[0, Buffer.alloc(32)]]) },
    'c',
    ticketId,
    'desk.example',
    MONDAY,
  )
  const forged = await returned(dsn({ said: [{ recipient: 'eva@acme.example' }], original: guessed }))
  for (const end of [blind, damaged, forged])
    assert.ok(codes(end).includes('unmatched_report'), JSON.stringify(codes(end)))
  assert.ok(codes(victim).includes('unverified_report'))
  assert.equal(await suppressed(), [])
  assert.is((await ticket(ticketId)).status, 'waiting_customer')
  const states = await sql`select distinct state from outbox`
  assert.equal(
    states.map((one) => one.state),
    ['sent'],
  )
})

test('MAIL 4a.4 (3), 4a.5: an id of ours in the words leads to its ticket and proves nothing', async () => {
  const { ticketId, row } = await answered()
  const words = `The mail was:\n> Message-ID: <${row.message_id}>`
  const end = await returned(dsn({ said: [{ recipient: 'eva@acme.example' }], words }))
  assert.ok(codes(end).includes('unverified_report'))
  assert.is(end.ticket_id, ticketId)
  assert.ok((await eventsOf(ticketId)).some((event) => event.type === 'unverified_report'))
  assert.equal(await suppressed(), [])
})

test('MAIL 5.8: an address that was revoked proves nothing', async () => {
  const { ticketId, row } = await answered()
  await sql`update tickets set token_generation = 1 where id = ${ticketId}`
  await bounced(dsn({ said: [{ recipient: 'eva@acme.example' }] }), row.envelope_from)
  assert.equal(await suppressed(), [])
  assert.is((await ticket(ticketId)).status, 'waiting_customer')
})

test('X44: upper-case types, an alternative first and only the header of the mail: mapped all the same', async () => {
  const { ticketId, row } = await answered()
  const raw = mail({
    from: 'postmaster@acme.example',
    headers: { 'Content-Type': 'MULTIPART/REPORT; REPORT-TYPE=DELIVERY-STATUS; BOUNDARY="d"' },
    text: [
      '--d\nContent-Type: MULTIPART/ALTERNATIVE; BOUNDARY=e\n',
      '--e\nContent-Type: TEXT/PLAIN\n\nDelivery has failed.\n--e\nContent-Type: TEXT/HTML\n\n<p>Delivery has failed.</p>\n--e--\n',
      '--d\nContent-Type: MESSAGE/DELIVERY-STATUS\n\nFinal-Recipient: RFC822;eva@acme.example\nACTION: FAILED\nSTATUS: 5.1.10\n',
      `--d\nContent-Type: TEXT/RFC822-HEADERS\n\nmessage-id: <${row.message_id}>\n--d--`,
    ].join('\n'),
  })
  const end = await desk.deliver(raw, { from: '' })
  assert.is(end.kind, 'dsn')
  assert.is((await ticket(ticketId)).status, 'open')
  assert.equal(await suppressed(), ['eva@acme.example'])
})

test('MAIL 4a.1, 4a.4: a bounce in qmail’s words at our address', async () => {
  const { ticketId, row } = await answered()
  const text = `Hi. This is the qmail-send program at acme.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<eva@acme.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nTo: other@acme.example`
  const end = await bounced(
    mail({ from: 'MAILER-DAEMON@acme.example', subject: 'failure notice', text }),
    row.envelope_from,
  )
  assert.is(end.kind, 'dsn')
  assert.is((await ticket(ticketId)).status, 'open')
})

test('MAIL 4a.8: notifications that come back pause that agent, touch no ticket and notify nobody', async () => {
  const first = await desk.deliver(mail({}))
  await sql`delete from outbox`
  for (let n = 1; n <= 3; n++) {
    desk.clock.at = new Date(desk.clock.at.getTime() + HOUR)
    await transaction(sql, (tx) =>
      queueMail(
        tx,
        {
          kind: 'notification',
          ticketId: first.ticket_id,
          commentId: null,
          inboxId: desk.tools().desk.inboxes[0]!.id,
          messageId: makeMessageId(keys, 'n', first.ticket_id!, 'desk.example', desk.clock.at),
          recipients: [{ name: 'Bo', address: 'bo@desk.example' }],
          headers: [],
          subject: 'New',
          text: 'x',
          html: null,
          attachmentIds: [],
          notBefore: null,
          generation: 0,
        },
        desk.tools(),
        desk.clock.at,
      ),
    )
    const row = (await sendAll()).at(-1)!
    await bounced(dsn({ said: [{ recipient: 'bo@desk.example' }] }), row.envelope_from)
    assert.is((await notices('agent_unreachable')).length, n === 3 ? 1 : 0)
  }
  assert.equal(await suppressed(), [], 'sign-in links still go')
  assert.equal(await eventsOf(first.ticket_id), [])
  assert.is((await sql`select from outbox`).length, 3)
})

test('MAIL 4a.9: reports about nothing of ours open no ticket, and are told of once when they are many', async () => {
  for (let n = 0; n < 60; n++) {
    const end = await returned(dsn({ said: [{ recipient: `nobody${n}@other.example` }] }))
    assert.is(end.state, 'recorded')
    if (n === 49) assert.is((await notices('backscatter')).length, 0)
  }
  const [notice, ...others] = await notices('backscatter')
  assert.is(others.length, 0)
  assert.is(notice!.count, 1)
  assert.is((await sql`select from tickets`).length, 0)
  assert.is((await sql`select from contacts`).length, 0)
})

const complaint = (original: string, fields = '') =>
  mail({
    from: 'fbl@isp.example',
    subject: 'Abuse report',
    headers: { 'Content-Type': 'multipart/report; report-type=feedback-report; boundary=d' },
    text: `--d\nContent-Type: text/plain\n\nA report.\n--d\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n${fields}\n--d\nContent-Type: message/rfc822\n\nFrom: support@desk.example\nMessage-ID: <${original}>\n\nHello\n--d--`,
  })

test('MAIL 4a.10: who calls our mail spam gets no automatic mail; an agent may still insist', async () => {
  const { ticketId, row } = await answered()
  const end = await desk.deliver(complaint(row.message_id))
  assert.is(end.kind, 'arf')
  assert.is(end.state, 'recorded')
  assert.equal(await suppressed(), ['eva@acme.example'])
  assert.is((await notices('complaint')).length, 1)
  assert.ok((await eventsOf(ticketId)).some((event) => event.type === 'complaint'))
  const stranger = await desk.deliver(complaint('nothing@of.ours'))
  assert.ok(codes(stranger).includes('unmatched_report'))
  const other = await desk.deliver(complaint(row.message_id, 'Original-Rcpt-To: <victim@acme.example>\n'))
  assert.not.ok(codes(other).includes('complaint'))
  assert.equal(await suppressed(), ['eva@acme.example'])
})

test('MAIL 4a.11: a read receipt is an event and nothing else', async () => {
  const { ticketId, row } = await answered()
  const before = await ticket(ticketId)
  const end = await desk.deliver(
    mail({
      subject: 'Read: Re: x',
      headers: { 'Content-Type': 'multipart/report; report-type=disposition-notification; boundary=d' },
      text: `--d\nContent-Type: text/plain\n\nIt was displayed.\n--d\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; eva@acme.example\nOriginal-Message-ID: <${row.message_id}>\nDisposition: manual-action/MDN-sent-manually; displayed\n--d--`,
    }),
  )
  assert.is(end.kind, 'mdn')
  assert.is(end.ticket_id, ticketId)
  const [event] = (await eventsOf(ticketId)).slice(-1)
  assert.is(event!.type, 'read_receipt')
  assert.equal(event!.data, { disposition: 'displayed', by: 'eva@acme.example' })
  assert.is((await ticket(ticketId)).status, before.status)
  assert.is((await sql`select from comments where ticket_id = ${ticketId}`).length, 2)
})

test('MAIL 8.26: a proven mail of theirs lifts it at once; one that nothing proves, or a complaint of theirs, does not', async () => {
  const { row } = await answered()
  await bounced(dsn({ said: [{ recipient: 'eva@acme.example' }] }), row.envelope_from)
  const before = (await sql`select from outbox`).length
  await desk.deliver(mail({}), { session: { ip: '192.0.2.1', helo: 'x.example' } })
  assert.equal(await suppressed(), ['eva@acme.example'])
  await desk.deliver(mail({ subject: 'I am back' }))
  assert.equal(await suppressed(), [])
  assert.is((await sql`select from outbox where state = 'queued'`).length, 1, 'acknowledged again')
  assert.is((await sql`select from outbox`).length, before + 1)
  const next = await answered()
  await desk.deliver(complaint(next.row.message_id))
  await desk.deliver(mail({ subject: 'Back again' }))
  assert.equal(await suppressed(), ['eva@acme.example'])
})

test('MAIL 0.1: a report that is worked on twice changes nothing the second time', async () => {
  const { ticketId, row } = await answered()
  const raw = dsn({ said: [{ recipient: 'eva@acme.example' }] })
  await bounced(raw, row.envelope_from)
  await transaction(sql, (tx) => setStatus(tx, { ticketId, status: 'on_hold', actor: system }, MONDAY))
  const again = await bounced(raw, row.envelope_from)
  assert.ok(codes(again).includes('duplicate'))
  assert.is((await ticket(ticketId)).status, 'on_hold')
  desk.clock.at = new Date(MONDAY.getTime() + MINUTE)
})

test.run()

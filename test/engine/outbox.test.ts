import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { checkAddress } from '../../src/engine/outbox/address.ts'
import { automaticAllowance, purgeBudgets } from '../../src/engine/outbox/budget.ts'
import { liftSuppression, suppress } from '../../src/engine/outbox/suppressions.ts'
import {
  cancelForTicket,
  cancelMail,
  listOutbox,
  type OutgoingMail,
  queueMail,
  reserveOutboxIds,
  retryMail,
} from '../../src/engine/outbox.ts'
import { budget } from '../../src/limits.ts'
import { after, DAY, HOUR, MINUTE } from '../../src/time.ts'
import { readSignedAddress } from '../../src/tokens.ts'
import { testDatabase } from '../database.ts'

const database = await testDatabase()
const { sql } = database
test.before.each(database.empty)
test.after(database.close)

const now = new Date('2026-11-23T10:00:00Z')
const inbox = { id: 7, address: 'support@desk.example', reply_addresses: 'plus' as const }
const keys = { instance: 'd1ce'.repeat(8), current: 0, byId: new Map([[0, randomBytes(32)]]) }
const sending = { keys, desk: { inboxes: [inbox] } }

const mail = (change: Partial<OutgoingMail> = {}): OutgoingMail => ({
  kind: 'ack',
  ticketId: null,
  commentId: null,
  inboxId: inbox.id,
  messageId: `a.1.${randomBytes(8).toString('hex')}@desk.example`,
  recipients: [{ name: 'Kim', address: 'kim@acme.example' }],
  headers: [['From', [{ name: 'Desk', address: inbox.address }]]],
  subject: 'Hello',
  text: 'Hello\n',
  html: null,
  attachmentIds: [],
  notBefore: null,
  generation: 3,
  ...change,
})

const queue = (change: Partial<OutgoingMail> = {}, at = now) =>
  transaction(sql, (tx) => queueMail(tx, mail(change), sending, at))

const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error) => error.code,
  )

test('queueMail writes one row per recipient, each with an envelope sender that names its row (8.7, 8.8)', async () => {
  const rows = await queue({
    recipients: [
      { name: '', address: 'Kim@Acme.Example' },
      { name: '', address: 'kim@acme.EXAMPLE' },
      { name: '', address: 'jo@bücher.example' },
    ],
  })
  assert.equal(
    rows.map((row) => [row.recipient, row.state]),
    [
      ['Kim@acme.example', 'queued'],
      ['jo@xn--bcher-kva.example', 'queued'],
    ],
  )
  const stored = await sql`select id, envelope_from, message_id, date_at, headers from outbox order by id`
  assert.is(stored[0]!.message_id, stored[1]!.message_id)
  assert.is.not(stored[0]!.envelope_from, stored[1]!.envelope_from)
  for (const row of stored) {
    const token = readSignedAddress(keys, inbox.address, row.envelope_from)
    assert.equal(token, { purpose: 'b', inbox: 7, ticket: 0, person: row.id, generation: 3, comment: 0 })
  }
  assert.is(Array.isArray(stored[0]!.headers), true)
})

test('ids reserved ahead are used', async () => {
  const ids = await reserveOutboxIds(sql, 2)
  assert.is(new Set(ids).size, 2)
  const rows = await queue({ ids })
  assert.is(rows[0]!.id, ids[0])
})

test('the headers of automatic mail follow from its kind (8.9)', async () => {
  const names = async (kind: OutgoingMail['kind']) => {
    const [row] = await queue({ kind })
    const [stored] = await sql`select headers from outbox where id = ${row!.id}`
    return (stored!.headers as [string, string][]).slice(1).map(([name, value]) => `${name}: ${value}`)
  }
  const loop = `X-Postroom-Loop: ${keys.instance}`
  assert.equal(await names('reply'), [])
  assert.equal(await names('ack'), ['Auto-Submitted: auto-replied', 'X-Auto-Response-Suppress: All', loop])
  for (const kind of ['notification', 'login', 'survey', 'notice'] as const)
    assert.equal(await names(kind), ['Auto-Submitted: auto-generated', 'X-Auto-Response-Suppress: All', loop])
})

test('what cannot stand in a header is refused or blanked (8.17, X59)', async () => {
  const bad = [
    'a@b\r\nBcc: x@y.example',
    'a@b@c.example',
    '"x@gmail.com y"@internal.example',
    '"quoted"@acme.example',
    'a b@acme.example',
    'a@acme.example\0',
    'a.@acme.example',
    '.a@acme.example',
    'a@[127.0.0.1]',
    'a@acme..example',
    'a@acme%2eexample',
    'a@-acme.example',
    'ünï@acme.example',
    '@acme.example',
    'acme.example',
    `${'a'.repeat(65)}@acme.example`,
    '',
  ]
  for (const address of bad) {
    assert.is(await codeOf(queue({ recipients: [{ name: '', address }] })), 'bad_address', address)
    const headers: OutgoingMail['headers'] = [['Cc', [{ name: '', address }]]]
    assert.is(await codeOf(queue({ headers })), 'bad_address', address)
  }
  assert.is(checkAddress("o'neil+tag@ACME.example"), "o'neil+tag@acme.example")
  assert.is(await codeOf(queue({ messageId: 'a@b>\r\nX: y' })), 'bad_message_id')
  assert.is(await codeOf(queue({ headers: [['References', '<a@b> x']] })), 'bad_message_id')
  assert.is(await codeOf(queue({ headers: [['X\r\nBcc', 'y']] })), 'bad_header')
  assert.is(await codeOf(queue({ headers: [['Bcc', 'y']] })), 'bad_header')
  assert.is(await codeOf(queue({ headers: [['To', 'kim@acme.example']] })), 'bad_header')
  const headers: OutgoingMail['headers'] = [['From', [{ name: 'A\r\nBcc: x@y', address: inbox.address }]]]
  await queue({ headers, subject: 'one\r\nBcc: x@y\0two', text: 'a\0b' })
  const [row] = await sql`select headers, subject, text from outbox`
  assert.is(row!.headers[0][1][0].name, 'A Bcc: x@y')
  assert.is(row!.subject, 'one Bcc: x@y two')
  assert.is(row!.text, 'ab')
})

test('a suppressed recipient gets a row that is not sent, unless an agent insists (8.26)', async () => {
  await suppress(
    sql,
    { address: 'KIM@acme.example', reason: 'no such user', evidence: '550 5.1.1', lasts: 'hard' },
    now,
  )
  const [stopped] = await queue()
  assert.is(stopped!.state, 'suppressed')
  const [entry] = await listOutbox(sql, { state: 'suppressed' })
  assert.is(entry!.last_answer, 'suppressed: no such user')
  assert.is((await queue({ suppressed: 'send' }))[0]!.state, 'queued')
  assert.is((await queue({}, after(now, 91 * DAY)))[0]!.state, 'queued')
  assert.is((await queue({ recipients: [{ name: '', address: 'kim+x@acme.example' }] }))[0]!.state, 'queued')
  assert.is(await liftSuppression(sql, 'Kim@acme.example'), true)
  assert.is((await queue())[0]!.state, 'queued')
})

test('the undo window holds a reply back, and cancelling takes it back (8.20)', async () => {
  await queue({ kind: 'reply', notBefore: after(now, MINUTE) })
  const [row] = await sql`select id, next_try_at, expires_at from outbox`
  assert.equal(row!.next_try_at, after(now, MINUTE))
  assert.equal(row!.expires_at, after(now, 48 * HOUR + MINUTE))
  await cancelMail(sql, row!.id, now)
  assert.is(await codeOf(cancelMail(sql, row!.id, now)), 'too_late')
  assert.is(await codeOf(cancelMail(sql, 999_999, now)), 'unknown_mail')
  await retryMail(sql, row!.id, after(now, HOUR))
  const [again] = await sql`select state, next_try_at, expires_at from outbox`
  assert.is(again!.state, 'queued')
  assert.equal(again!.expires_at, after(now, 49 * HOUR))
  await sql`update outbox set state = 'sent'`
  assert.is(await codeOf(retryMail(sql, row!.id, now)), 'too_late')
})

test('cancelForTicket cancels one comment or all, and nothing on its way', async () => {
  await sql`insert into projects (key) values ('triage')`
  const [{ id: ticketId }] = (await sql`
    insert into tickets (subject, base_subject, project_id, created_at, updated_at)
    select 's', 's', id, ${now}, ${now} from projects returning id`) as unknown as [{ id: number }]
  const comment = async () => {
    const [row] = await sql`
      insert into comments (ticket_id, at, author_role, visibility, channel, text, visible)
      values (${ticketId}, ${now}, 'agent', 'public', 'web', '', '') returning id`
    return row!.id as number
  }
  const [first, second] = [await comment(), await comment()]
  for (const commentId of [first, second, second]) await queue({ kind: 'reply', ticketId, commentId })
  await sql`update outbox set state = 'sending' where id = (select max(id) from outbox)`
  assert.is(await cancelForTicket(sql, { ticketId, commentId: second }, now), 1)
  assert.is(await cancelForTicket(sql, { ticketId, commentId: null }, now), 1)
  const states = (await listOutbox(sql, { ticketId })).map((row) => row.state)
  assert.equal(states, ['sending', 'cancelled', 'cancelled'])
})

test('the list pages by id and filters', async () => {
  for (let n = 0; n < 5; n++) await queue({ recipients: [{ name: '', address: `n${n}@acme.example` }] })
  const first = await listOutbox(sql, { limit: 2 })
  const rest = await listOutbox(sql, { before: first[1]!.id })
  assert.equal(
    [...first, ...rest].map((row) => row.recipient[1]),
    ['4', '3', '2', '1', '0'],
  )
  assert.is((await listOutbox(sql, { recipient: 'n3@acme.example' })).length, 1)
})

test('a queued mail wakes the deliverer, unless the caller does', async () => {
  const woken: string[] = []
  const { unlisten } = await sql.listen('postroom_outbox', (payload) => woken.push(payload))
  await queue({ wake: 'caller' })
  await sql`select pg_notify('postroom_outbox', 'by hand')`
  await queue()
  while (woken.length < 2) await sleep(5)
  assert.equal(woken, ['by hand', ''])
  await unlisten()
})

// --- automatic mail (4a.22) ---

type Ask = { address?: string; ticketId?: number | null; inboxId?: number | null; kind?: 'ack' | 'notification' }

const ask = (change: Ask, at = now) =>
  transaction(sql, (tx) =>
    automaticAllowance(tx, { address: 'kim@acme.example', ticketId: 1, inboxId: 7, kind: 'ack', ...change }, at),
  )
const answer = async (change: Ask, at = now) => {
  const got = await ask(change, at)
  return got.allowed ? 'yes' : got.code
}

test('one acknowledgement a ticket, for ever', async () => {
  assert.is(await answer({}), 'yes')
  assert.is(await answer({ address: 'other@acme.example' }), 'ack_already_sent')
  assert.is(await answer({ kind: 'notification' }), 'yes')
  await transaction(sql, (tx) => purgeBudgets(tx, after(now, 30 * DAY)))
  assert.is(await answer({}, after(now, 30 * DAY)), 'ack_already_sent')
})

test('three an hour and ten a day to an address, in any spelling', async () => {
  const got = []
  for (let n = 0; n < 30; n++) {
    const address = n % 2 ? 'KIM@acme.example' : 'kim@ACME.example'
    got.push(await answer({ address, ticketId: n }, after(now, n * 40 * MINUTE)))
  }
  // every 40 minutes for 20 hours: never more than three within any hour
  assert.is(got.filter((one) => one === 'yes').length, 10)
  assert.is(await answer({ ticketId: 100 }, after(now, 4 * DAY)), 'yes')
  const burst = []
  for (let n = 0; n < 4; n++) burst.push(await answer({ address: 'b@acme.example', ticketId: 200 + n }))
  assert.equal(burst, ['yes', 'yes', 'yes', 'address_budget'])
  // a window that slides: the next full hour is no fresh start
  assert.is(await answer({ address: 'b@acme.example', ticketId: 300 }, after(now, 55 * MINUTE)), 'address_budget')
  assert.is(await answer({ address: 'b@acme.example', ticketId: 301 }, after(now, 71 * MINUTE)), 'yes')
})

test('five automatic mails an hour for a ticket, and none to a suppressed address', async () => {
  for (let n = 0; n < 5; n++) assert.is(await answer({ address: `p${n}@acme.example`, kind: 'notification' }), 'yes')
  assert.is(await answer({ address: 'p9@acme.example', kind: 'notification' }), 'ticket_budget')
  await suppress(sql, { address: 'gone@acme.example', reason: 'r', evidence: 'e', lasts: 'hard' }, now)
  assert.is(await answer({ address: 'gone@acme.example', ticketId: 2 }), 'suppressed')
})

test('a refusal takes nothing from the other budgets', async () => {
  for (let n = 0; n < 5; n++) await answer({ ticketId: n })
  const rows = await sql`select scope, count from mail_budgets where scope like 'address/%' or scope like 'ticket/3%'`
  assert.equal([...rows], [{ scope: 'address/kim@acme.example', count: 3 }])
})

test('budgets hold under parallel workers', async () => {
  const many = await Promise.all(Array.from({ length: 40 }, (_, n) => answer({ ticketId: n })))
  assert.is(many.filter((one) => one === 'yes').length, budget.perAddressHour)
})

test('an inbox stops at its limit exactly, says so at half of it, and its parallel workers do not overrun it', async () => {
  // a quarter of an hour ago, so that no worker's own counter is written over
  const fill = (count: number) => sql`
    insert into mail_budgets (scope, period, count) values ('inbox/7/0', ${after(now, -15 * MINUTE)}, ${count})
    on conflict (scope, period) do update set count = excluded.count`
  await fill(budget.perInboxHour / 2)
  const half = await ask({ address: 'a@acme.example', ticketId: 1 })
  assert.match(half.notice ?? '', /1000 acknowledgements/)
  await fill(budget.perInboxHour - 6)
  const many = await Promise.all(
    Array.from({ length: 20 }, (_, n) => answer({ address: `m${n}@acme.example`, ticketId: 10 + n })),
  )
  // half's own place is one of the five that are left
  assert.is(many.filter((one) => one === 'yes').length, 5)
  assert.is(many.filter((one) => one === 'inbox_budget').length, 15)
  const [sum] = await sql`select sum(count)::int as n from mail_budgets where scope like 'inbox/7/%'`
  assert.is(sum!.n, budget.perInboxHour)
  assert.is(await answer({ address: 'm19@acme.example', ticketId: 99, kind: 'notification' }), 'yes')
})

test.run()

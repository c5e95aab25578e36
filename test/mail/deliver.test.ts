import { spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { simpleParser } from 'mailparser'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { putBlob } from '../../src/blobs.ts'
import { transaction } from '../../src/database.ts'
import { clearNotice, openNotices, raiseNotice } from '../../src/engine/notices.ts'
import { retryDelay, settleOverdue } from '../../src/engine/outbox/delivery.ts'
import { type OutgoingMail, queueMail } from '../../src/engine/outbox.ts'
import { silent } from '../../src/log.ts'
import { judge } from '../../src/mail/deliver/outcome.ts'
import { type Deliverer, type DelivererOptions, startDeliverer } from '../../src/mail/deliver.ts'
import { after, HOUR, MINUTE, SECOND } from '../../src/time.ts'
import { testDatabase } from '../database.ts'
import { type Postbox, type PostboxOptions, sinkCertificate, startPostbox } from '../postbox.ts'
import { type Relay, relayAt } from './deliver/relay.ts'

const database = await testDatabase()
const { sql } = database
const running: Deliverer[] = []
const boxes: Postbox[] = []
let offset = 0
const now = () => new Date(Date.now() + offset)

async function clear(): Promise<void> {
  await Promise.all(running.splice(0).map((deliverer) => deliverer.stop()))
  await Promise.all(boxes.splice(0).map((box) => box.stop()))
  await database.empty()
  offset = 0
}

test.before.each(clear)
test.after(async () => {
  await clear()
  await database.close()
})

const keys = { instance: 'd1ce'.repeat(8), current: 0, byId: new Map([[0, randomBytes(32)]]) }
const inbox = { id: 7, address: 'support@desk.example', reply_addresses: 'plus' as const }
const sending = { keys, desk: { inboxes: [inbox] } }

async function queue(change: Partial<OutgoingMail> = {}, to = ['kim@acme.example']): Promise<number[]> {
  const mail: OutgoingMail = {
    kind: 'ack',
    ticketId: null,
    commentId: null,
    inboxId: inbox.id,
    messageId: `a.1.${randomBytes(8).toString('hex')}@desk.example`,
    recipients: to.map((address) => ({ name: '', address })),
    headers: [
      ['From', [{ name: 'Desk', address: inbox.address }]],
      ['To', to.map((address) => ({ name: '', address }))],
    ],
    subject: 'Hello',
    text: 'Hello\n',
    html: null,
    attachmentIds: [],
    notBefore: null,
    generation: 0,
    ...change,
  }
  return (await transaction(sql, (tx) => queueMail(tx, mail, sending, now()))).map((row) => row.id)
}

async function postbox(options: PostboxOptions = {}): Promise<Postbox> {
  const box = await startPostbox(options)
  boxes.push(box)
  return box
}

const relayTo = (box: Postbox, change: Partial<Relay> = {}): Relay => relayAt(box.port, change)

async function deliver(relay: Relay | null, change: Partial<DelivererOptions> = {}): Promise<Deliverer> {
  const deliverer = await startDeliverer({
    sql,
    relay,
    folder: '/nonexistent',
    log: silent,
    now,
    notices: {
      raise: (kind, subject, words) => raiseNotice(sql, { kind, subject, words }, now()),
      settle: (kind, subject) => clearNotice(sql, kind, subject, now()),
    },
    pace: { poll: 30, circuit: [100, 200], stop: 300 },
    ...change,
  })
  running.push(deliverer)
  return deliverer
}

const rowsOf = () => sql`
  select id, kind, state, tries, last_answer, next_try_at, settled_at, uncertain_at, recipient from outbox order by id`
const statesOf = async () => (await rowsOf()).map((row) => row.state as string)

/** Waits until `done` holds; says what was last seen when it never does. */
async function until(done: () => unknown, seen: () => unknown = rowsOf): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(15)) if (await done()) return
  throw new Error(`never came about: ${JSON.stringify(await seen())}`)
}

const settled = async () => (await rowsOf()).every((row) => row.settled_at !== null)

// --- the ordinary day ---

test('a mail goes once per recipient, each with its own envelope sender, and its end is written down', async () => {
  const box = await postbox()
  const ids = await queue({}, ['kim@acme.example', 'jo@borealis.example'])
  await deliver(relayTo(box))
  await until(settled)
  assert.equal(await statesOf(), ['sent', 'sent'])
  assert.equal(box.mails.flatMap((mail) => mail.to).sort(), ['jo@borealis.example', 'kim@acme.example'])
  assert.is(new Set(box.mails.map((mail) => mail.from)).size, 2)
  const [first, second] = await Promise.all(box.mails.map((mail) => simpleParser(mail.raw)))
  assert.is(first!.messageId, second!.messageId)
  const attempts = await sql`select outbox_id, phase, code, words, ok from delivery_attempts order by outbox_id`
  assert.equal(
    [...attempts],
    ids.map((id) => ({ outbox_id: id, phase: 'answer', code: 250, words: '250 2.0.0 taken', ok: true })),
  )
  assert.is((await rowsOf())[0]!.last_answer, '250 2.0.0 taken')
})

test('queueing wakes it: a mail does not wait for the poll', async () => {
  const box = await postbox()
  await deliver(relayTo(box), { pace: { poll: 60_000 } })
  await queue()
  await until(() => box.mails.length === 1)
})

test('what leaves is 7-bit, dot-stuffed, with CRLF, and comes out as it was (8.13, 8.18)', async () => {
  const box = await postbox({ extensions: [] })
  const texts = ['a\n.\nb\n', '.\n..\n.x\n', 'ПРИВЕТ\n', 'bare\rreturn\n', `${'x'.repeat(3000)}\n`, '\n.\n']
  for (const text of texts) await queue({ text })
  await deliver(relayTo(box, { concurrency: 1 }))
  await until(settled)
  assert.is(box.mails.length, texts.length)
  assert.equal(box.faults, [])
  const got = await Promise.all(box.mails.map(async (mail) => (await simpleParser(mail.raw)).text!.trimEnd()))
  assert.equal(
    got,
    texts.map((text) => text.replaceAll('\r', '\n').trimEnd()),
  )
})

test('golden headers: an answer carries no mark of automatic mail, all others do (8.9)', async () => {
  const box = await postbox()
  for (const kind of ['reply', 'ack', 'notification', 'survey'] as const) await queue({ kind })
  await deliver(relayTo(box, { concurrency: 1 }))
  await until(settled)
  const heads = box.mails.map((mail) =>
    mail.raw
      .toString()
      .split('\r\n\r\n')[0]!
      .split('\r\n')
      .map((line) => line.split(':')[0]),
  )
  const start = ['Date', 'From', 'To', 'Subject', 'Message-ID']
  const end = ['MIME-Version', 'Content-Transfer-Encoding', 'Content-Type']
  const marks = ['Auto-Submitted', 'X-Auto-Response-Suppress', 'X-Postroom-Loop']
  assert.equal(heads[0], [...start, ...end])
  for (const head of heads.slice(1)) assert.equal(head, [...start, ...marks, ...end])
})

test('sessions are pooled, and one that the relay has ended meanwhile blames nobody', async () => {
  const box = await postbox()
  for (let n = 0; n < 12; n++) await queue()
  await deliver(relayTo(box))
  await until(settled)
  assert.ok(box.sessions <= 3, `${box.sessions} sessions`)
  box.say = ({ phase, session }) => (phase === 'mail' && session <= 3 ? 'drop' : null)
  await queue()
  await until(settled)
  assert.equal(new Set(await statesOf()), new Set(['sent']))
  assert.is((await sql`select from delivery_attempts where not ok`).length, 0)
})

test('the undo window holds a reply back (8.20)', async () => {
  const box = await postbox()
  await queue({ kind: 'reply', notBefore: after(now(), MINUTE) })
  await deliver(relayTo(box))
  await sleep(150)
  assert.is(box.mails.length, 0)
  offset = MINUTE + SECOND
  await until(settled)
})

test('an answer leaves as its undo window ends, not at the next look at the outbox (8.20)', async () => {
  const box = await postbox()
  await queue({ kind: 'reply', notBefore: after(now(), SECOND) })
  await deliver(relayTo(box), { pace: { poll: HOUR } })
  await until(settled)
  assert.is(box.mails.length, 1)
})

test('replies before acknowledgements before notifications before surveys, and nothing starves (8.28)', async () => {
  // from the first second of a minute on: the relay's rate is counted by the minute
  offset += MINUTE - (now().getTime() % MINUTE)
  const box = await postbox()
  for (let n = 0; n < 30; n++) await queue({ kind: 'notification' })
  await deliver(relayTo(box, { perMinute: 10, concurrency: 1 }))
  await until(async () => (await statesOf()).filter((state) => state === 'sent').length === 10)
  for (const kind of ['survey', 'ack', 'reply'] as const) await queue({ kind, subject: kind })
  offset += MINUTE
  await until(() => box.mails.length >= 13)
  const next = await Promise.all(box.mails.slice(10, 12).map(async (mail) => (await simpleParser(mail.raw)).subject))
  assert.equal(next, ['reply', 'ack'])
  // an hour later the notifications get every other turn, even where replies never end
  await sql`delete from outbox where kind = 'survey'`
  for (let n = 0; n < 40; n++) await queue({ kind: 'reply' })
  offset += HOUR
  await sql`update outbox set next_try_at = ${after(now(), -MINUTE)} where kind = 'reply' and state = 'queued'`
  const before = box.mails.length
  await until(() => box.mails.length >= before + 10)
  const kinds = box.mails.slice(before, before + 10).map((mail) => /Auto-Submitted/.test(mail.raw.toString()))
  assert.ok(kinds.filter(Boolean).length >= 4, JSON.stringify(kinds))
})

test('the rates of relay and recipient domain hold, also for two daemons', async () => {
  const box = await postbox()
  for (let n = 0; n < 10; n++) await queue({}, [`n${n}@acme.example`])
  for (let n = 0; n < 6; n++) await queue({}, [`n${n}@borealis.example`])
  offset = MINUTE - (Date.now() % MINUTE) // the start of a minute, so that the test fits into it
  const relay = relayTo(box, { perMinute: 7, perDomainMinute: 4, concurrency: 1 })
  await deliver(relay)
  await deliver(relay)
  await until(() => box.mails.length >= 7)
  await sleep(200)
  assert.is(box.mails.length, 7)
  assert.is(box.mails.filter((mail) => mail.to[0]!.endsWith('acme.example')).length, 4)
  offset += MINUTE
  await until(() => box.mails.length >= 14)
  await sleep(100)
  assert.is(box.mails.length, 14)
})

test('two deliverers share one queue, and each mail goes once', async () => {
  const box = await postbox()
  for (let n = 0; n < 60; n++) await queue({ subject: `n${n}` })
  await Promise.all([deliver(relayTo(box)), deliver(relayTo(box))])
  await until(settled)
  const subjects = await Promise.all(box.mails.map(async (mail) => (await simpleParser(mail.raw)).subject))
  assert.is(subjects.length, 60)
  assert.is(new Set(subjects).size, 60)
})

test('files of the comment go along, streamed from their blobs, under a signature (8.19)', async () => {
  const box = await postbox()
  const content = randomBytes(700_000)
  const blob = await transaction(sql, (tx) => putBlob(tx, content))
  await sql`insert into projects (key) values ('triage')`
  const [ticket] = await sql`
    insert into tickets (subject, base_subject, project_id, created_at, updated_at)
    select 's', 's', id, ${now()}, ${now()} from projects returning id`
  const [comment] = await sql`
    insert into comments (ticket_id, at, author_role, visibility, channel, text, visible)
    values (${ticket!.id}, ${now()}, 'agent', 'public', 'web', '', '') returning id`
  const [file] = await sql`
    insert into attachments (ticket_id, comment_id, blob_id, filename, type, size)
    values (${ticket!.id}, ${comment!.id}, ${blob.id}, 'größe.pdf', 'application/pdf', ${content.length}) returning id`
  const where = { ticketId: ticket!.id as number, commentId: comment!.id as number }
  await queue({ kind: 'reply', ...where, attachmentIds: [file!.id] })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  let drops = 1
  box.say = ({ phase }) => (phase === 'end' && drops-- > 0 ? 'drop' : null)
  await deliver(relayTo(box, { dkim: { domain: 'desk.example', selector: 's', key } }))
  await until(async () => (await statesOf())[0] === 'uncertain')
  await until(async () => (await openNotices(sql)).length === 1)
  offset = 31 * MINUTE
  await until(settled)
  assert.equal(await statesOf(), ['sent'])
  await until(async () => (await openNotices(sql)).length === 0)
  assert.is(box.mails[0]!.raw.equals(box.mails[1]!.raw), true)
  assert.ok(box.mails[0]!.raw.toString('latin1').startsWith('DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;'))
  const parsed = await simpleParser(box.mails[0]!.raw)
  assert.is(parsed.attachments[0]!.filename, 'größe.pdf')
  assert.is(parsed.attachments[0]!.content.equals(content), true)
})

test('an id that the relay gives the mail leads to the ticket too (8.1)', async () => {
  const box = await postbox()
  box.say = ({ phase }) =>
    phase === 'end' ? '250 2.0.0 OK <AM0PR01.1@x.eurprd01.prod.outlook.com> [Hostname=x]' : null
  await sql`insert into projects (key) values ('triage')`
  const [ticket] = await sql`
    insert into tickets (subject, base_subject, project_id, created_at, updated_at)
    select 's', 's', id, ${now()}, ${now()} from projects returning id`
  await queue({ kind: 'ack', ticketId: ticket!.id })
  await deliver(relayTo(box))
  await until(settled)
  const ids = await sql`select message_id, ticket_id, direction from message_ids`
  assert.equal(
    [...ids],
    [{ message_id: 'AM0PR01.1@x.eurprd01.prod.outlook.com', ticket_id: ticket!.id, direction: 'out' }],
  )
})

// --- each phase's failure (8.23, 8.24, 8.27) ---

type Case = { at: string; say: string; state: string; notice?: boolean; suppressed?: boolean; phase: RegExp }

const cases: Record<string, Case> = {
  'greeting 554': { at: 'greeting', say: '554 no', state: 'queued', notice: true, phase: /^connect$/ },
  'greeting drop': { at: 'greeting', say: 'drop', state: 'queued', notice: true, phase: /^connect$/ },
  'greeting hang': { at: 'greeting', say: 'hang', state: 'queued', notice: true, phase: /^connect$/ },
  'greeting 421': { at: 'greeting', say: '421 busy', state: 'queued', notice: false, phase: /^connect$/ },
  'ehlo 550': { at: 'ehlo', say: '550 no', state: 'queued', notice: true, phase: /^connect$/ },
  'mail 550': { at: 'mail', say: '550 5.7.0 not you', state: 'queued', notice: true, phase: /^mail$/ },
  'mail 451': { at: 'mail', say: '451 4.3.0 later', state: 'queued', notice: false, phase: /^mail$/ },
  'mail 552 size': { at: 'mail', say: '552 5.3.4 too large', state: 'failed', notice: false, phase: /^mail$/ },
  'mail drop': { at: 'mail', say: 'drop', state: 'queued', notice: true, phase: /^mail$/ },
  'mail hang': { at: 'mail', say: 'hang', state: 'queued', notice: true, phase: /^mail$/ },
  'rcpt 451': { at: 'rcpt', say: '451 4.7.1 greylisted', state: 'deferred', notice: false, phase: /^rcpt$/ },
  'rcpt 450 greylisting': {
    at: 'rcpt',
    say: '450 4.7.1 Greylisted',
    state: 'deferred',
    notice: false,
    phase: /^rcpt$/,
  },
  'rcpt 550': { at: 'rcpt', say: '550 5.7.1 no', state: 'failed', notice: false, phase: /^rcpt$/ },
  'rcpt 550 5.1.1': { at: 'rcpt', say: '550 5.1.1 who?', state: 'failed', suppressed: true, phase: /^rcpt$/ },
  'rcpt 421': { at: 'rcpt', say: '421 4.3.2 closing', state: 'queued', notice: false, phase: /^(mail|rcpt)$/ },
  'rcpt throttled': { at: 'rcpt', say: '450 4.7.28 rate', state: 'queued', notice: true, phase: /^rcpt$/ },
  'rcpt daily limit': { at: 'rcpt', say: '550 5.4.5 daily limit', state: 'queued', notice: true, phase: /^rcpt$/ },
  'data 451': { at: 'data', say: '451 4.3.0 later', state: 'deferred', notice: false, phase: /^data$/ },
  'data 554': { at: 'data', say: '554 5.6.0 no', state: 'failed', notice: false, phase: /^data$/ },
  'end 451': { at: 'end', say: '451 4.3.0 later', state: 'deferred', notice: false, phase: /^answer$/ },
  // for the mail as a whole, when the recipient was taken already: no word about the address
  'end 550 5.1.1': { at: 'end', say: '550 5.1.1 who?', state: 'failed', notice: false, phase: /^answer$/ },
  'end 554': { at: 'end', say: '554 5.6.0 spam', state: 'failed', notice: false, phase: /^answer$/ },
  'end 554 quota': { at: 'end', say: '554 5.2.0 quota exceeded', state: 'queued', notice: true, phase: /^answer$/ },
  'end 421': { at: 'end', say: '421 4.3.2 closing', state: 'queued', notice: false, phase: /^answer$/ },
  'end drop': { at: 'end', say: 'drop', state: 'uncertain', notice: false, phase: /^answer$/ },
  'end hang': { at: 'end', say: 'hang', state: 'uncertain', notice: false, phase: /^answer$/ },
}

for (const extensions of [['PIPELINING'], []])
  for (const [name, one] of Object.entries(cases).filter(
    ([, { at }]) => extensions.length || /mail|rcpt|data/.test(at),
  ))
    test(`${name}${extensions.length ? '' : ', without PIPELINING'}: ${one.state}`, async () => {
      const box = await postbox({ extensions })
      box.say = ({ phase }) => (phase === one.at ? one.say : null)
      const [id] = await queue()
      await deliver(relayTo(box), { pace: { poll: 30, circuit: [60_000], stop: 100 } })
      await until(async () => (await sql`select from delivery_attempts`).length > 0)
      await sleep(50)
      const [row] = await rowsOf()
      assert.is(row!.state, one.state)
      assert.is(row!.tries, one.state === 'queued' ? 0 : 1)
      const attempts = await sql`select * from delivery_attempts`
      assert.is(attempts.length, 1)
      assert.match(attempts[0]!.phase, one.phase)
      assert.is(attempts[0]!.outbox_id, id)
      if (/^\d/.test(one.say)) assert.ok(row!.last_answer.includes(one.say), row!.last_answer)
      const notices = await openNotices(sql)
      assert.is(notices.length, one.notice ? 1 : 0)
      const suppressed = (await sql`select address from suppressions`).map((each) => each.address)
      assert.equal(suppressed, one.suppressed ? ['kim@acme.example'] : [])
    })

test("what is the relay's trouble and what the recipient's, by the texts of providers (8.27)", () => {
  const relay = [
    '421 4.7.0 try later',
    '450 4.7.1 too many',
    '454 4.7.0 throttled',
    '550 5.4.5 limit',
    '550 5.7.501 blocked',
    '550 5.7.708 blocked',
    '550 5.1.8 bad sender',
    '554 5.2.0 message quota',
  ]
  for (const words of relay)
    for (const phase of ['rcpt', 'answer'] as const)
      assert.is(judge({ phase, code: Number(words.slice(0, 3)), words }).kind, 'relay', words)
  const recipient = ['550 5.7.1 spam', '554 5.2.0 no such box', '552 5.2.2 mailbox full', '550 5.1.1 unknown']
  for (const words of recipient)
    assert.is(judge({ phase: 'rcpt', code: Number(words.slice(0, 3)), words }).kind, 'failed', words)
  assert.is(judge({ phase: 'answer', code: null, words: 'closed' }).kind, 'uncertain')
  assert.is(judge({ phase: 'body', code: null, words: 'closed' }).kind, 'deferred')
})

test('greylisting: tried again after a minute and sent, no alarm (8.22)', async () => {
  const box = await postbox()
  let tries = 0
  box.say = ({ phase }) => (phase === 'rcpt' && ++tries === 1 ? '451 4.7.1 greylisted' : null)
  await queue()
  await deliver(relayTo(box))
  await until(async () => (await statesOf())[0] === 'deferred')
  const wait = (await rowsOf())[0]!.next_try_at.getTime() - now().getTime()
  assert.ok(wait > 50 * SECOND && wait < 67 * SECOND, String(wait))
  offset = 70 * SECOND
  await until(settled)
  assert.equal(await statesOf(), ['sent'])
  assert.is((await openNotices(sql)).length, 0)
})

test('the retry table, give or take a tenth, until the time is over (8.22)', () => {
  const minutes = [1, 5, 15, 30, 60, 120, 240, 240, 240]
  for (const id of [1, 7, 1000])
    minutes.forEach((wanted, n) => {
      const got = retryDelay(id, n + 1) / MINUTE
      assert.ok(got >= wanted * 0.9 && got <= wanted * 1.1, `${n}: ${got}`)
    })
})

test('a reply that stays deferred is told of after an hour and when it is given up', async () => {
  const box = await postbox()
  box.say = ({ phase }) => (phase === 'rcpt' ? '451 4.3.0 later' : null)
  await queue({ kind: 'reply' })
  await deliver(relayTo(box))
  let tries = 0
  let toldAt = 0
  for (; !(await settled()) && tries < 40; ) {
    await until(async () => (await rowsOf())[0]!.tries > tries || (await settled()))
    tries = (await rowsOf())[0]!.tries
    await sleep(30)
    if (!toldAt && (await openNotices(sql)).length > 0) toldAt = offset
    offset = (await rowsOf())[0]!.next_try_at.getTime() - Date.now() + SECOND
  }
  assert.equal(await statesOf(), ['failed'])
  assert.ok(toldAt >= HOUR && toldAt < 3 * HOUR, String(toldAt / HOUR))
  assert.ok(tries >= 15 && tries <= 20, String(tries))
  await until(
    async () => /could not be delivered/.test((await openNotices(sql))[0]!.words),
    () => openNotices(sql),
  )
  assert.is((await openNotices(sql)).length, 1)
})

test('a wrong password with 100 queued: none failed, one notice, and all go once it is right (8.23)', async () => {
  const box = await postbox({ auth: { user: 'desk', password: 'right' } })
  for (let n = 0; n < 100; n++) await queue({ kind: n % 2 ? 'reply' : 'ack' })
  const wrong = await deliver(relayTo(box, { user: 'desk', password: 'wrong-s3cret', clearAuth: true }))
  await until(async () => (await sql`select from delivery_attempts`).length >= 3 && (await openNotices(sql)).length > 0)
  assert.equal(new Set((await statesOf()).filter((state) => state !== 'leased')), new Set(['queued']))
  const notices = await openNotices(sql)
  assert.is(notices.length, 1)
  assert.is(notices[0]!.kind, 'relay_down')
  assert.is(wrong.state(), 'waiting')
  await wrong.stop()
  running.length = 0
  const right = await deliver(relayTo(box, { user: 'desk', password: 'right', clearAuth: true }))
  await until(settled)
  assert.equal(new Set(await statesOf()), new Set(['sent']))
  assert.is(box.mails.length, 100)
  assert.is(right.state(), 'ok')
  await until(
    async () => (await openNotices(sql)).length === 0,
    () => openNotices(sql),
  )
})

test('a relay that is away for five hours: a reply waits, an acknowledgement expires (8.22, X58)', async () => {
  const box = await postbox()
  box.say = ({ phase }) => (phase === 'greeting' ? 'drop' : null)
  await queue({ kind: 'reply' })
  await queue({ kind: 'ack' })
  await deliver(relayTo(box))
  await until(async () => (await sql`select from delivery_attempts`).length > 0)
  offset = 5 * HOUR
  await until(async () => (await statesOf())[1] === 'failed')
  offset = 72 * HOUR
  box.say = () => null
  await until(settled)
  assert.equal(await statesOf(), ['sent', 'failed'])
})

test('secrets that a server repeats are masked (8.29)', async () => {
  const box = await postbox({ auth: { user: 'desk', password: 'x' } })
  const encoded = Buffer.from('\0desk\0wrong-s3cret').toString('base64')
  box.say = ({ phase, line }) => (phase === 'auth' ? `535 5.7.8 you sent ${line} that is wrong-s3cret` : null)
  await queue()
  await deliver(relayTo(box, { user: 'desk', password: 'wrong-s3cret', clearAuth: true }))
  await until(async () => (await openNotices(sql)).length > 0)
  const [kept] =
    await sql`select string_agg(words, ' ') || (select string_agg(last_answer, ' ') from outbox) as words from delivery_attempts`
  const all = `${kept!.words} ${(await openNotices(sql))[0]!.words}`
  assert.match(all, /535 5\.7\.8 you sent/)
  assert.not.match(all, /s3cret/)
  assert.is(all.includes(encoded), false)
})

// --- after the final dot (8.24) ---

test('a reply without an answer goes once more after 30 minutes with the same bytes, an acknowledgement never (X58)', async () => {
  const box = await postbox()
  box.say = ({ phase }) => (phase === 'end' ? 'drop' : null)
  await queue({ kind: 'reply', subject: 'reply' })
  await queue({ kind: 'ack', subject: 'ack' })
  await deliver(relayTo(box, { concurrency: 1 }))
  await until(async () => (await rowsOf()).every((row) => row.state === 'uncertain'))
  const [reply, ack] = await rowsOf()
  assert.is(reply!.settled_at, null)
  assert.ok(ack!.settled_at)
  assert.match(reply!.last_answer, /no answer came/)
  assert.ok(reply!.next_try_at.getTime() - now().getTime() > 29 * MINUTE)
  offset = 31 * MINUTE
  await until(settled)
  offset = 40 * HOUR
  await sleep(150)
  const replies = box.mails.filter((mail) => /^Subject: reply/m.test(mail.raw.toString()))
  assert.is(replies.length, 2)
  assert.is(replies[0]!.raw.equals(replies[1]!.raw), true)
  assert.is(box.mails.length, 3)
  assert.equal(await statesOf(), ['uncertain', 'uncertain'])
  assert.is((await openNotices(sql)).length, 1)
})

test('a stop cuts off what hangs after the dot, and says so', async () => {
  const box = await postbox()
  box.say = ({ phase }) => (phase === 'end' ? 'hang' : null)
  await queue()
  const deliverer = await deliver(relayTo(box, { timeouts: { reply: 60_000 } }))
  await until(() => box.mails.length === 1)
  assert.equal(await statesOf(), ['sending'])
  await deliverer.stop()
  assert.equal(await statesOf(), ['uncertain'])
})

test('a row whose lease was lost before its first byte is not sent', async () => {
  const box = await postbox()
  box.say = async ({ phase }) => {
    if (phase === 'data') await sql`update outbox set leased_by = 'somebody else', lease_until = ${after(now(), HOUR)}`
    return null
  }
  await queue()
  const deliverer = await deliver(relayTo(box))
  await until(() => box.lines.includes('DATA'))
  await sleep(100)
  await deliverer.stop()
  assert.is(box.mails.length, 0)
  assert.is((await rowsOf())[0]!.state, 'leased')
})

test('killed at any moment: no mail is lost, and none goes twice unless it says so (8.20)', async () => {
  const box = await postbox()
  const MAILS = 24
  for (let n = 0; n < MAILS; n++) await queue({ kind: 'ack', subject: `n${n}.` })
  const daemon = path.join(import.meta.dirname, 'deliver', 'daemon.ts')
  const argument = JSON.stringify({ target: database.target, port: box.port })
  const nothingOpen = async () =>
    (await sql`select from outbox where settled_at is null and state <> 'sending'`).length === 0
  let kills = 0
  for (let rounds = 0; rounds < 30; rounds++) {
    if (await nothingOpen()) break
    const child = spawn(process.execPath, [daemon, argument], { stdio: ['pipe', 'ignore', 'inherit'] })
    const gone = new Promise((resolve) => child.once('close', resolve))
    // at a command of the dialogue, or a little after it
    let left = 1 + Math.floor(Math.random() * 25)
    const done = new Promise<void>((resolve) => {
      box.say = async () => {
        if (--left === 0) {
          if (Math.random() < 0.5) await sleep(Math.random() * 5)
          kills += child.kill('SIGKILL') ? 1 : 0
          resolve()
        }
        return null
      }
    })
    try {
      await Promise.race([done, until(nothingOpen)])
    } finally {
      child.kill('SIGKILL')
      await gone
    }
  }
  assert.ok(kills >= 3, `${kills} kills`)
  // what the killed ones left open, one that may live brings to its end
  box.say = async () => null
  const last = spawn(process.execPath, [daemon, argument], { stdio: ['pipe', 'ignore', 'inherit'] })
  try {
    await until(nothingOpen)
  } finally {
    last.kill('SIGKILL')
    await new Promise((resolve) => last.once('close', resolve))
  }
  await settleOverdue(sql, after(now(), 20 * MINUTE))
  const copies = new Map<string, number>()
  for (const mail of box.taken()) {
    const subject = /^Subject: (n\d+\.)/m.exec(mail.raw.toString())![1]!
    copies.set(subject, (copies.get(subject) ?? 0) + 1)
  }
  const rows = await sql`select subject, state from outbox`
  for (const row of rows) {
    assert.ok(['sent', 'uncertain'].includes(row.state), row.state)
    const got = copies.get(row.subject) ?? 0
    assert.ok(row.state === 'sent' ? got === 1 : got <= 1, `${row.subject} ${row.state} ${got}`)
  }
  assert.is(rows.length, MAILS)
})

// --- TLS (8.31) ---

test('required TLS: no STARTTLS, no mail and no password', async () => {
  const box = await postbox({ auth: { user: 'desk', password: 'right' } })
  await queue()
  await deliver(relayTo(box, { tls: 'required', user: 'desk', password: 'right' }))
  await until(async () => (await openNotices(sql)).length === 1)
  assert.equal(new Set(await statesOf()).has('failed'), false)
  assert.is(
    box.lines.some((line) => /^(?:AUTH|MAIL)/.test(line)),
    false,
  )
})

test('no password in the clear, also where mail may go in the clear', async () => {
  const box = await postbox({ auth: { user: 'desk', password: 'right' } })
  await queue()
  await deliver(relayTo(box, { user: 'desk', password: 'right' }))
  await until(async () => (await openNotices(sql)).length === 1)
  assert.match((await openNotices(sql))[0]!.words, /never sent in the clear/)
  assert.is(
    box.lines.some((line) => /^AUTH/.test(line)),
    false,
  )
})

test('an unknown certificate is refused, a known one is taken', async () => {
  for (const kind of ['starttls', 'implicit'] as const) {
    const box = await postbox({ tls: kind, auth: { user: 'desk', password: 'right' } })
    const relay = relayTo(box, { tls: kind === 'implicit' ? 'implicit' : 'required', user: 'desk', password: 'right' })
    await queue()
    const strict = await deliver(relay)
    await until(async () => (await openNotices(sql)).length === 1)
    assert.is(
      box.lines.some((line) => /^(?:AUTH|MAIL)/.test(line)),
      false,
    )
    await strict.stop()
    await deliver({ ...relay, ca: sinkCertificate.cert })
    await until(settled)
    assert.is(box.mails[0]!.secure, true)
    await clear()
  }
})

test('opportunistic: encrypted where offered, without asking for a name', async () => {
  const box = await postbox({ tls: 'starttls' })
  await queue()
  await deliver(relayTo(box))
  await until(settled)
  assert.is(box.mails[0]!.secure, true)
})

// --- without a relay ---

test('files: one whole .eml per row, and nothing else in the folder', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-outgoing-'))
  try {
    for (let n = 0; n < 25; n++) await queue({ subject: `n${n}` })
    await deliver(null, { folder: path.join(folder, 'outgoing') })
    await until(settled)
    const ids = (await rowsOf()).map((row) => `${row.id}.eml`)
    assert.equal(readdirSync(path.join(folder, 'outgoing')).sort(), ids.sort())
    const one = await simpleParser(readFileSync(path.join(folder, 'outgoing', ids[0]!)))
    assert.match(one.subject!, /^n\d+$/)
    assert.match((await rowsOf())[0]!.last_answer, /^written to .*\.eml$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a folder that cannot be written: everything waits, one notice, and it goes on by itself', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-outgoing-'))
  try {
    const blocked = path.join(folder, 'file')
    await queue()
    const { writeFileSync } = await import('node:fs')
    writeFileSync(blocked, '')
    await deliver(null, { folder: blocked })
    await until(async () => (await openNotices(sql)).length === 1)
    rmSync(blocked)
    await until(settled)
    await until(
      async () => (await openNotices(sql)).length === 0,
      () => openNotices(sql),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()

/** IMAP intake against a real Dovecot and a real PostgreSQL: what MAIL 2 promises about mail that must not be lost. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readBlob } from '../../src/blobs.ts'
import { openClient } from '../../src/database.ts'
import type { Refusal } from '../../src/errors.ts'
import { silent } from '../../src/log.ts'
import { openSession } from '../../src/mail/intake-imap/connection.ts'
import { saveSent } from '../../src/mail/intake-imap/sent.ts'
import { probeMailbox } from '../../src/mail/intake-imap.ts'
import { listTrouble, requestImport } from '../../src/mail/spool/imap.ts'
import { testDatabase } from '../database.ts'
import { countMails, fast, mailboxAt, rawMail, secret, startPollers, subjects, until } from '../mail/imap-poller.ts'
import { missingDovecot, startDovecot } from './dovecot.ts'

const MB = 1024 * 1024
const DAY = 86_400_000
const why = missingDovecot()
if (why) {
  if (process.env.CI === 'true') throw new Error(why)
  console.log(`SKIPPED imap: ${why}`)
  test('skipped', () => {})
  test.run()
} else {
  await run()
}

async function run() {
  const database = await testDatabase()
  const { sql } = database
  const dovecot = await startDovecot()
  const pollers = startPollers(sql)
  let serial = 0
  /** Each test has an account of its own, so that none sees another's mail. */
  const account = () => `user${serial++}`
  const box = (user: string, changes = {}) => mailboxAt(dovecot.port, { name: user, user, ...changes })

  /** Starts a poller on an account whose folder is there and empty. */
  const follow = async (user: string, changes = {}, options = {}) => {
    const poller = pollers.start(box(user, changes), options)
    await poller.pollNow()
    assert.is(poller.state().words, '')
    return poller
  }

  test.before.each(database.empty)
  test.after.each(async () => {
    await pollers.stopAll()
  })
  test.after(async () => {
    await pollers.close()
    await dovecot.stop()
    await database.close()
  })

  test('a mail read in webmail before the poll comes in, with its time and its flags untouched (X01, 2.2, 2.20)', async () => {
    const user = account()
    const poller = await follow(user)
    const name = dovecot.deliver(user, rawMail(1), { flags: 'S' })
    const unread = dovecot.deliver(user, rawMail(2))
    await until('both mails', async () => (await countMails(sql)) === 2)
    await poller.pollNow()
    assert.is(dovecot.flags(user, name), 'S')
    assert.is(dovecot.flags(user, unread), '')
    const rows = await sql`select via, listener, recipients, session, state, received_at from inbound_mails order by id`
    assert.is(rows[0]?.via, 'imap')
    assert.is(rows[0]?.listener, user)
    assert.equal(rows[0]?.recipients, [{ address: 'support@desk.example', inbox: 'support', tag: null }])
    assert.is(rows[0]?.session.folder, 'INBOX')
    assert.ok(Math.abs(rows[0]?.received_at - Date.now()) < 10_000)
  })

  test('a first connection begins now, and leaves the mailbox as it was (2.5, X08)', async () => {
    const user = account()
    const names = [1, 2, 3].map((n) => dovecot.deliver(user, rawMail(n)))
    await follow(user, { after: { do: 'seen' } })
    dovecot.deliver(user, rawMail(4))
    await until('the new mail', async () => (await countMails(sql)) === 1)
    assert.equal(await subjects(sql), ['mail 4'])
    for (const name of names) assert.is(dovecot.flags(user, name), '')
  })

  test('an import of days brings what is recent as archive with real dates, and nothing older (2.5, X17)', async () => {
    const user = account()
    const recent = new Date(Date.now() - 3 * DAY)
    dovecot.deliver(user, rawMail('old'), { at: new Date(Date.now() - 90 * DAY) })
    const kept = dovecot.deliver(user, rawMail('recent'), { at: recent })
    await follow(user, { importDays: 30, after: { do: 'seen' } })
    dovecot.deliver(user, rawMail('new'))
    await until('two mails', async () => (await countMails(sql)) === 2)
    const rows = await sql`select subject, session, received_at from inbound_mails order by id`
    assert.equal(
      rows.map((row) => row.subject),
      ['mail recent', 'mail new'],
    )
    assert.is(rows[0]?.session.archive, true)
    assert.is(rows[0]?.received_at.getTime(), Math.floor(recent.getTime() / 1000) * 1000)
    assert.is(rows[1]?.session.archive, undefined)
    assert.is(dovecot.flags(user, kept), '')
  })

  test('mail of five days without a daemon is all there afterwards, in order (X12, X13)', async () => {
    const user = account()
    const before = new Date(Date.now() - 6 * DAY)
    const first = pollers.start(box(user), { now: () => before })
    await first.pollNow()
    await first.stop()
    for (let n = 0; n < 60; n++)
      dovecot.deliver(user, rawMail(n), { at: new Date(Date.now() - 5 * DAY + n * 3_600_000), flags: n % 2 ? 'S' : '' })
    await follow(user, {}, { limits: { window: 30 } })
    assert.equal(
      await subjects(sql),
      Array.from({ length: 60 }, (_, n) => `mail ${n}`),
    )
    const [row] = await sql`select received_at from inbound_mails order by id limit 1`
    assert.ok(Date.now() - row?.received_at > 4.9 * DAY, 'time counts from the day it came')
  })

  test('an old mail dragged into the folder counts from the last poll; a Date in the future drives nothing (2.20)', async () => {
    const user = account()
    const poller = await follow(user)
    const [{ polled_at } = { polled_at: null }] = await sql`select polled_at from mailboxes where name = ${user}`
    dovecot.deliver(user, rawMail(1).replace('2026', '2031'), { at: new Date('2023-05-01T00:00:00Z') })
    await until('the mail', async () => (await countMails(sql)) === 1)
    await poller.pollNow()
    const [row] = await sql`select received_at from inbound_mails`
    assert.ok(row?.received_at >= polled_at)
    assert.ok(row?.received_at <= new Date())
  })

  test('moved between watched folders, back, and copied: one mail (2.7, 2.19)', async () => {
    const user = account()
    const poller = await follow(user, { folders: ['INBOX', '\\Archive'] })
    dovecot.deliver(user, rawMail(1), { folder: 'Archive' })
    dovecot.deliver(user, rawMail(2))
    await until('two mails', async () => {
      await poller.pollNow()
      return (await countMails(sql)) === 2
    })
    dovecot.deliver(user, rawMail(1)) // moved to INBOX: same bytes, another UID
    dovecot.deliver(user, rawMail(2))
    await poller.pollNow()
    await poller.pollNow()
    assert.is(await countMails(sql), 2)
    const known = await sql`select words from imap_seen where state = 'known' and mail_id is not null`
    assert.is(known.length, 2)
  })

  test('\\Deleted before the import still comes in; gone before the import does not stop the others (2.7)', async () => {
    const user = account()
    const poller = await follow(user)
    await poller.stop()
    dovecot.deliver(user, rawMail(1), { flags: 'T' })
    dovecot.remove(user, dovecot.deliver(user, rawMail(2)))
    dovecot.deliver(user, rawMail(3))
    await follow(user)
    assert.equal(await subjects(sql), ['mail 1', 'mail 3'])
  })

  test('another UIDVALIDITY: nothing known comes twice, new mail does, old unknown mail waits for a person (2.4, X09)', async () => {
    const user = account()
    let poller = await follow(user)
    for (let n = 0; n < 300; n++) dovecot.deliver(user, rawMail(n))
    await until('300 mails', async () => {
      await poller.pollNow()
      return (await countMails(sql)) === 300
    })
    // Half of them as the pipeline leaves them, so that they are told by id, size and date; the rest by their bytes.
    await sql`
      update inbound_mails set message_id = '<m' || replace(subject, 'mail ', '') || '@acme.example>',
        likeness = '{"date": "Mon, 05 Jan 2026 10:00:00 +0000"}'
      where id % 2 = 0`
    await poller.stop()
    await dovecot.kill() // or the session that ends would write the old numbers once more
    dovecot.renumber(user)
    await dovecot.start()
    dovecot.deliver(user, rawMail('new 1'))
    dovecot.deliver(user, rawMail('new 2'))
    dovecot.deliver(user, rawMail('stranger'), { at: new Date('2024-01-01T00:00:00Z') })
    poller = await follow(user)
    assert.equal((await subjects(sql)).slice(300), ['mail new 1', 'mail new 2'])
    const told = poller.notices.filter((words) => words.startsWith('raise mailbox_not_imported'))
    assert.is(told.length, 1)
    const states = await sql`
      select state, count(*) from imap_seen s join mailboxes m on m.id = s.mailbox_id
      where m.superseded_at is null and s.uid > 0 group by 1 order by 1`
    assert.equal(
      [...states],
      [
        { state: 'imported', count: 2 },
        { state: 'known', count: 300 },
        { state: 'not_imported', count: 1 },
      ],
    )
    const [waiting] = await listTrouble(sql, user)
    assert.ok(await requestImport(sql, { mailboxId: waiting!.mailboxId, uid: waiting!.uid }))
    await poller.pollNow()
    assert.is((await subjects(sql)).at(-1), 'mail stranger')
    assert.ok(poller.notices.includes(`settle mailbox_not_imported ${user}`))
  })

  test('the server is killed and started again: mail before, meanwhile and after comes in once (2.9, 2.10)', async () => {
    const user = account()
    const poller = await follow(user)
    dovecot.deliver(user, rawMail(1))
    await until('mail 1', async () => (await countMails(sql)) === 1)
    await dovecot.kill()
    dovecot.deliver(user, rawMail(2))
    await until('the trouble is seen', () => poller.state().phase === 'backing_off')
    await dovecot.start()
    await until('mail 2', async () => (await countMails(sql)) === 2)
    dovecot.deliver(user, rawMail(3))
    await until('mail 3', async () => (await countMails(sql)) === 3)
    assert.equal(await subjects(sql), ['mail 1', 'mail 2', 'mail 3'])
  })

  test('a connection that says nothing any more is given up and replaced (2.9, X10)', async () => {
    const user = account()
    const poller = await follow(user, {}, { limits: { command: 1000, connect: 1000, poll: 1500 } })
    await until('IDLE', () => poller.state().phase === 'waiting')
    dovecot.signal('SIGSTOP')
    try {
      await until('the connection is given up', () => poller.state().phase === 'backing_off', 15_000)
    } finally {
      dovecot.signal('SIGCONT')
    }
    dovecot.deliver(user, rawMail(1))
    await until('the mail', async () => (await countMails(sql)) === 1, 15_000)
  })

  test('2000 mails in one folder, all once and in order (2.12, X04)', async () => {
    const user = account()
    const first = await follow(user)
    await first.stop()
    for (let n = 0; n < 2000; n++) dovecot.deliver(user, rawMail(n), { flags: n % 3 ? '' : 'S' })
    const began = Date.now()
    const poller = await follow(user)
    console.log(`2000 mails in ${Date.now() - began} ms`)
    assert.equal(
      await subjects(sql),
      Array.from({ length: 2000 }, (_, n) => `mail ${n}`),
    )
    await poller.pollNow()
    assert.is(await countMails(sql), 2000)
  })

  test('a mail of 40 MB comes in byte by byte, in little memory', async () => {
    const user = account()
    const poller = await follow(user)
    const line = randomBytes(54)
    const body = Buffer.from(
      Array.from({ length: (40 * MB) / 78 }, (_, n) => `${n % 10}${line.toString('base64')}abc\r\n`).join(''),
    )
    const raw = Buffer.concat([Buffer.from(rawMail('large')), body])
    dovecot.deliver(user, rawMail('small'))
    await until('the small one', async () => (await countMails(sql)) === 1)
    globalThis.gc?.()
    const before = process.memoryUsage().rss
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, 20)
    dovecot.deliver(user, raw)
    dovecot.deliver(user, rawMail('after'))
    await until('all three', async () => (await countMails(sql)) === 3, 60_000)
    clearInterval(watch)
    console.log(`40 MB: ${Math.round((peak - before) / MB)} MB above`)
    assert.ok(peak - before < 64 * MB, `${Math.round((peak - before) / MB)} MB`)
    const [row] = await sql`select blob_id from inbound_mails where subject = 'mail large'`
    const hash = createHash('sha256')
    for await (const chunk of readBlob(sql, row?.blob_id)) hash.update(chunk)
    assert.is(hash.digest('hex'), createHash('sha256').update(raw).digest('hex'))
    await poller.stop()
  })

  test('a mail beyond the limit is its header and its shape, and the next ones follow (2.12, X14)', async () => {
    const user = account()
    const poller = await follow(user, {}, { message: 100_000 })
    const boundary = [
      '--b',
      'Content-Type: text/plain',
      '',
      'see file',
      '--b',
      'Content-Type: application/pdf; name="a.pdf"',
      '',
    ]
    const head = rawMail('huge').replace('\r\n\r\n', '\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n')
    dovecot.deliver(
      user,
      `${head}${boundary.join('\r\n')}\r\n${'x'.repeat(70)}\r\n`.concat(
        `${'y'.repeat(70)}\r\n`.repeat(3000),
        '--b--\r\n',
      ),
    )
    dovecot.deliver(user, rawMail('next'))
    await until('both', async () => (await countMails(sql)) === 2)
    await poller.pollNow()
    assert.equal(await subjects(sql), ['mail huge', 'mail next'])
    const [row] = await sql`select session, bytes from inbound_mails order by id limit 1`
    assert.ok(row?.session.oversize > 200_000)
    assert.ok(row?.bytes < 1000)
    assert.equal(
      row?.session.parts.map((part: { type: string; name: string }) => [part.type, part.name]),
      [
        ['text/plain', null],
        ['application/pdf', 'a.pdf'],
      ],
    )
  })

  test('a mail that fails in the pipeline waits in the spool; the ones after it come in, flags unchanged (X02, X06)', async () => {
    const user = account()
    await follow(user)
    const poison = dovecot.deliver(
      user,
      Buffer.concat([Buffer.from('From: a@acme.example\r\nSubject: poison\r\n'), randomBytes(4000)]),
    )
    for (let n = 0; n < 10; n++) dovecot.deliver(user, rawMail(n))
    await until('all eleven', async () => (await countMails(sql)) === 11)
    assert.is(dovecot.flags(user, poison), '')
    assert.is((await sql`select 1 from inbound_mails where state = 'received'`).length, 11)
  })

  test('after the import: seen, keyword, move and delete touch our mails alone (2.6)', async () => {
    for (const after of [
      { do: 'seen' },
      { do: 'keyword' },
      { do: 'move', folder: 'Archive' },
      { do: 'delete' },
    ] as const) {
      const user = account()
      const marked = dovecot.deliver(user, rawMail(`${user} marked by a person`), { flags: 'T' })
      const poller = await follow(user, { after })
      const name = dovecot.deliver(user, rawMail(`${user} new`))
      await until(`${after.do} is done`, async () => {
        await poller.pollNow()
        return (await sql`select 1 from imap_seen where action_done_at is not null and state = 'imported'`).length === 1
      })
      assert.is(dovecot.flags(user, marked), 'T', 'a mail that somebody else marked is never expunged')
      const flags = dovecot.flags(user, name)
      if (after.do === 'seen') assert.is(flags, 'S')
      else if (after.do === 'keyword') assert.match(flags ?? '', /^[a-z]$/)
      else assert.is(flags, null)
      assert.is(dovecot.list(user, 'Archive').length, after.do === 'move' ? 1 : 0)
      await poller.stop()
      await database.empty()
    }
  })

  test('an action that the server refuses is shown and tried again; imports go on (2.6)', async () => {
    const user = account()
    const poller = await follow(user, { after: { do: 'move', folder: 'Nowhere' } }, { limits: { actionPause: 100 } })
    dovecot.deliver(user, rawMail(1))
    await until('the notice', () => poller.notices.some((words) => words.startsWith('raise mailbox_action')))
    dovecot.deliver(user, rawMail(2))
    await until('mail 2', async () => (await countMails(sql)) === 2)
    const words = await sql`select action_words from imap_seen where action_words is not null`
    assert.match(words[0]?.action_words, /Nowhere|exist/i)
    dovecot.deliver(user, rawMail('x'), { folder: 'Nowhere' }) // somebody makes the folder
    await sleep(150)
    await until('both are moved', async () => {
      await poller.pollNow()
      return dovecot.list(user).length === 0
    })
    assert.is(dovecot.list(user, 'Nowhere').length, 3)
  })

  test('while the database refuses to store, nothing on the server changes and the cursor stays (0.3)', async () => {
    const user = account()
    const poller = await follow(user, { after: { do: 'delete' } })
    await sql.unsafe('alter table inbound_mails add constraint test_refuses check (subject is null) not valid')
    const name = dovecot.deliver(user, rawMail(1))
    try {
      await until('trouble', () => poller.state().phase === 'backing_off')
      await sleep(200)
      assert.is(dovecot.flags(user, name), '')
      const [row] = await sql`select last_uid from mailboxes where name = ${user}`
      assert.is(row?.last_uid, 0)
    } finally {
      await sql.unsafe('alter table inbound_mails drop constraint test_refuses')
    }
    await until('the mail', async () => (await countMails(sql)) === 1)
    await until('it is deleted', () => dovecot.flags(user, name) === null)
  })

  test('killed at any moment between fetch and commit: every mail once (2.1)', async () => {
    const user = account()
    const first = await follow(user, { after: { do: 'seen' } })
    await first.stop()
    const total = 120
    for (let n = 0; n < total; n++) dovecot.deliver(user, rawMail(n, 'x'.repeat(20_000)))
    const mailbox = box(user, { after: { do: 'seen' } })
    const ends = Date.now() + 60_000
    let kills = 0
    while ((await countMails(sql)) < total && Date.now() < ends) {
      const child = startChild({ target: database.target, mailbox, tmp: pollers.tmp })
      const before = await countMails(sql)
      await until('it works', async () => (await countMails(sql)) > before || child.exitCode !== null, 15_000)
      await sleep((kills * 37) % 120)
      await killed(child)
      kills++
    }
    console.log(`${kills} kills for ${total} mails`)
    assert.ok(kills >= 2, 'it was killed while it worked')
    const poller = await follow(user, { after: { do: 'seen' } })
    await poller.pollNow()
    assert.equal((await subjects(sql)).sort(), Array.from({ length: total }, (_, n) => `mail ${n}`).sort())
  })

  test('the database drops its connections again and again: every mail once, and it goes on by itself', async () => {
    const user = account()
    const first = await follow(user)
    await first.stop()
    for (let n = 0; n < 150; n++) dovecot.deliver(user, rawMail(n, 'x'.repeat(5000)))
    pollers.start(box(user))
    const admin = openClient(database.target, { max: 1, name: 'test breaker' })
    for (let round = 0; round < 5; round++) {
      const before = await countMails(admin)
      await until('it works', async () => (await countMails(admin)) > before || before === 150)
      await admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'test'`
    }
    await until('all', async () => (await countMails(admin)) === 150, 30_000)
    await admin.end()
    assert.equal(
      await subjects(sql),
      Array.from({ length: 150 }, (_, n) => `mail ${n}`),
    )
  })

  test('two daemons: one polls, and the other takes over when the first is gone', async () => {
    const user = account()
    const first = await follow(user)
    const second = pollers.start(box(user))
    await until('the second waits', () => second.state().phase === 'elsewhere')
    dovecot.deliver(user, rawMail(1))
    await until('mail 1', async () => (await countMails(sql)) === 1)
    await first.stop()
    dovecot.deliver(user, rawMail(2))
    await until('mail 2', async () => (await countMails(sql)) === 2)
    await until('the second counts it', () => second.state().imported === 1)
  })

  test('Sent is never polled: what is in it are our own answers (2.17)', async () => {
    const user = account()
    const poller = await follow(user, { folders: ['INBOX', '\\Sent'] })
    dovecot.deliver(user, rawMail('ours'), { folder: 'Sent' })
    dovecot.deliver(user, rawMail(1))
    await poller.pollNow()
    await poller.pollNow()
    assert.equal(await subjects(sql), ['mail 1'])
    assert.match(poller.notices.join('\n'), /mailbox_folder .*Sent holds no customers' mail/)
  })

  test('Junk by its use: taken in as spam, and let in when somebody moves it to the INBOX (2.16)', async () => {
    const user = account()
    dovecot.deliver(user, rawMail('old'), { folder: 'Junk' })
    const poller = await follow(user, { junk: '\\Junk', after: { do: 'delete' } })
    const name = dovecot.deliver(user, rawMail(1), { folder: 'Junk' })
    await until('the spam', async () => {
      await poller.pollNow()
      return (await countMails(sql)) === 1
    })
    assert.is(dovecot.flags(user, name, 'Junk'), '')
    const [spam] = await sql`select session from inbound_mails`
    assert.is(spam?.session.junk, true)
    await sql`update inbound_mails set state = 'held', reasons = '[{"code": "spam", "words": "it lay in the Junk folder"}]'`
    dovecot.deliver(user, rawMail(1)) // moved: the same bytes, another UID
    await until('released', async () => {
      await poller.pollNow()
      const [row] = await sql`select released_by from inbound_mails`
      return row?.released_by !== null
    })
    assert.is(await countMails(sql), 1)
  })

  test('a copy in Sent: once, and a failure is only told (2.18)', async () => {
    const user = account()
    const { password } = dovecot
    const opening = { mailbox: box(user), credentials: { password }, limits: fast, message: MB, log: silent }
    const session = await openSession(opening)
    const sent = { messageId: '<m1@acme.example>', raw: Buffer.from(rawMail(1)), at: new Date() }
    const missing = await saveSent(session, { ...sent, folder: 'Missing' }).catch((error: Refusal) => error.code)
    assert.is(missing, 'imap_folder')
    assert.equal(await saveSent(session, { ...sent, folder: '\\Sent' }), { kind: 'saved' })
    assert.equal(await saveSent(session, { ...sent, folder: 'Sent' }), { kind: 'there' })
    assert.is(dovecot.list(user, 'Sent').length, 1)
    await session.logout()
  })

  test('XOAUTH2: a token from the provider opens the mailbox (2.11)', async () => {
    const user = account()
    const given: string[] = []
    const provider = http.createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      response.setHeader('content-type', 'application/json')
      if (url.pathname === '/token') {
        given.push(`token${given.length}`)
        response.end(
          JSON.stringify({ access_token: given.at(-1), expires_in: 3600, refresh_token: `r${given.length}` }),
        )
      } else if (given.slice(1).includes(url.searchParams.get('access_token') ?? ''))
        response.end(JSON.stringify({ username: user }))
      else response.writeHead(401).end('{"error":"invalid_token"}') // the first token is no good
    })
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    const base = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
    const guarded = await startDovecot({ tokeninfo: `${base}/tokeninfo` })
    try {
      const oauth = { tokenUrl: `${base}/token`, clientId: 'desk', clientSecret: null, scope: null, refreshToken: 'r0' }
      const mailbox = mailboxAt(guarded.port, { name: user, user, login: { oauth } })
      const poller = pollers.start(mailbox, { limits: { authBackoff: [50] } })
      await until('it is in', () => poller.state().lastPoll !== null, 20_000)
      assert.is(given.length, 2, 'refused once, then with another token')
      guarded.deliver(user, rawMail(1))
      await until('the mail', async () => (await countMails(sql)) === 1)
      await poller.stop()
    } finally {
      await pollers.stopAll()
      await guarded.stop()
      provider.closeAllConnections()
      await new Promise((resolve) => provider.close(resolve))
    }
  })

  test('probe: login, folders and what the server can do, and nothing is changed (2.5)', async () => {
    const user = account()
    const name = dovecot.deliver(user, rawMail(1))
    const given = { sql, secret, limits: fast, message: MB, log: silent, now: () => new Date() }
    const lines = await probeMailbox({ ...given, mailbox: box(user, { folders: ['INBOX', 'Missing'] }) })
    assert.equal(
      lines.map((line) => line.ok),
      [true, true, false, true],
    )
    assert.match(lines[1]!.words, /INBOX holds 1/)
    assert.match(lines[3]!.words, /IDLE, MOVE, UIDPLUS/)
    for (const [sent, ok] of [
      ['\\Sent', true],
      ['Nowhere', false],
    ] as const) {
      const [, , line] = await probeMailbox({ ...given, mailbox: box(user, { sent }) })
      assert.is(line!.ok, ok)
      assert.match(line!.words, ok ? 'copies of answers go into Sent' : 'folder Nowhere for copies of answers: ')
    }
    const [refused] = await probeMailbox({ ...given, mailbox: box(user, { login: { password: 'wrong' } }) })
    assert.not(refused!.ok)
    assert.match(refused!.words, /Authentication failed/)
    assert.is(dovecot.flags(user, name), '')
    assert.is((await sql`select 1 from mailboxes`).length, 0)
  })

  test.run()
}

function startChild(work: unknown): ChildProcess {
  const file = path.join(import.meta.dirname, 'imap-child.ts')
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, JSON.stringify(work)], {
    stdio: 'ignore',
  })
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

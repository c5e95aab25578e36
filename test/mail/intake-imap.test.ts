/** IMAP intake against a server that misbehaves: broken answers, goodbyes, silence, slow and hostile bodies. */
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { blobBytes } from '../../src/blobs.ts'
import { imap } from '../../src/limits.ts'
import { sequence } from '../../src/mail/intake-imap/connection.ts'
import { partsOf } from '../../src/mail/intake-imap/fetch.ts'
import { checkMailbox } from '../../src/mail/intake-imap/mailbox.ts'
import { pause } from '../../src/mail/intake-imap/pace.ts'
import { receivedAt } from '../../src/mail/intake-imap/take.ts'
import { testDatabase } from '../database.ts'
import { type FakeImap, type FakeMail, fetched, inSet, startFakeImap } from './fake-imap.ts'
import { countMails, fast, mailboxAt, rawMail, startPollers, subjects, until } from './imap-poller.ts'

const MINUTE = 60_000
const limits = { ...imap, authBackoff: [...imap.authBackoff] }
const database = await testDatabase()
const { sql } = database
const pollers = startPollers(sql)
const servers: FakeImap[] = []

const fakeImap = async (...options: Parameters<typeof startFakeImap>) => {
  const server = await startFakeImap(...options)
  servers.push(server)
  return server
}

/** A mail of the server with a subject of its own. */
const mail = (uid: number, changes: Partial<FakeMail> = {}): FakeMail => ({ uid, raw: rawMail(uid), ...changes })

/** Follows the empty folder of a server; what is put there later is new. */
const follow = async (server: FakeImap, changes = {}, options = {}) => {
  const poller = pollers.start(mailboxAt(server.port, changes), options)
  await poller.pollNow()
  assert.is(poller.state().words, '')
  return poller
}

test.before.each(database.empty)
test.after.each(async () => {
  await pollers.stopAll()
  for (const server of servers.splice(0)) await server.stop()
})
test.after(async () => {
  await pollers.close()
  await database.close()
})

test('pauses double from 5 s to 10 min; after a refused login 1, 5, 15, 30 min, never less (2.10)', () => {
  const lost = [1, 2, 3, 8, 40].map((failures) => pause(limits, { failure: 'lost', failures, random: 0.5 }))
  assert.equal(lost, [5000, 10_000, 20_000, 10 * MINUTE, 10 * MINUTE])
  assert.equal(
    [0, 1].map((random) => pause(limits, { failure: 'lost', failures: 1, random })),
    [4000, 6000],
  )
  const login = [1, 2, 3, 4, 9].map((failures) => pause(limits, { failure: 'login', failures, random: 0 }))
  assert.equal(
    login,
    [1, 5, 15, 30, 30].map((minutes) => minutes * MINUTE),
  )
  let logins = 0
  for (let at = 0; at < 60 * MINUTE; at += pause(limits, { failure: 'login', failures: logins, random: 0 })) logins++
  assert.ok(logins <= 5, `${logins} logins in the first hour`)
})

test('a window of UIDs is written as ranges', () => {
  assert.is(sequence([3, 1, 2, 7, 9, 10]), '1:3,7,9:10')
  assert.is(sequence([5]), '5')
})

test('the time of a mail: INTERNALDATE, not before the last poll, not after now (2.20)', () => {
  const [then, poll, now] = [new Date(1000), new Date(5000), new Date(9000)] as const
  const given = { notBefore: poll, now, manner: 'normal' as const }
  assert.equal(receivedAt(then, given), poll)
  assert.equal(receivedAt(new Date(6000), given), new Date(6000))
  assert.equal(receivedAt(new Date(99_000), given), now)
  assert.equal(receivedAt(null, given), now)
  assert.equal(receivedAt(then, { ...given, manner: 'archive' }), then)
})

test('the parts of a mail that stays on the server are counted and bounded', () => {
  const leaf = { type: 'text/plain', size: 3 }
  const node = { type: 'multipart/mixed', childNodes: Array.from({ length: 500 }, () => leaf) }
  assert.is(partsOf(node as Parameters<typeof partsOf>[0], 100).length, 99)
  assert.equal(partsOf(null, 100), [])
})

test('a password never travels in the clear to another machine', () => {
  assert.throws(() => checkMailbox({ ...mailboxAt(143), host: 'imap.example' }), /without TLS/)
  checkMailbox({ ...mailboxAt(143), host: 'imap.example', tls: 'starttls' })
})

test('only what changes nothing is sent: EXAMINE and PEEK, no flags, no EXPUNGE (0.3, 2.2)', async () => {
  const server = await fakeImap()
  await follow(server)
  server.mails.push(mail(1), mail(2, { emailId: '1234567890' }))
  server.announce()
  await until('both mails', async () => (await countMails(sql)) === 2)
  const sent = server.log.join('\n')
  assert.match(sent, /EXAMINE/)
  assert.not.match(sent, /SELECT|STORE|EXPUNGE|UNSEEN|SINCE|BODY\[/i)
})

test('the last mail, which `n:*` always brings, is not taken again (2.2)', async () => {
  const server = await fakeImap()
  const poller = await follow(server)
  server.mails.push(mail(1))
  for (let n = 0; n < 3; n++) await poller.pollNow()
  assert.is(await countMails(sql), 1)
  assert.is(server.log.filter((line) => /BODY\.PEEK\[\]/.test(line)).length, 1)
})

test('a UID that shows up late, below the cursor, is found by the next reconciling (2.3)', async () => {
  const server = await fakeImap()
  const poller = await follow(server, {}, { limits: { reconcile: 0 } })
  server.mails.push(mail(7, { hidden: true }), mail(8))
  await poller.pollNow()
  assert.equal(await subjects(sql), ['mail 8'])
  server.mails[0]!.hidden = false
  await poller.pollNow()
  assert.equal(await subjects(sql), ['mail 8', 'mail 7'])
})

test('what was there before the first connection stays there, also when reconciling (2.3, 2.5)', async () => {
  const server = await fakeImap()
  server.mails.push(mail(1), mail(2))
  const poller = await follow(server, {}, { limits: { reconcile: 0 } })
  server.mails.push(mail(3))
  for (let n = 0; n < 3; n++) await poller.pollNow()
  assert.equal(await subjects(sql), ['mail 3'])
})

test('a FETCH answer that cannot be parsed costs nothing: the mail comes from its literal (2.13, X07)', async () => {
  const server = await fakeImap()
  const poller = await follow(server)
  server.mails.push(mail(1), mail(2), mail(3))
  server.answer = ({ command, write, ok }) => {
    if (!/^UID FETCH 1:3 .*SIZE/i.test(command)) return false
    write(fetched(1, server.mails[0]!, { query: command }))
    write('* 2 FETCH (UID 2 RFC822.SIZE 10 ENVELOPE ("broken \\q" (((\r\n')
    write(fetched(3, server.mails[2]!, { query: command }))
    ok()
    return true
  }
  await poller.pollNow()
  assert.equal(await subjects(sql), ['mail 1', 'mail 2', 'mail 3'])
})

test('flags of other mails slipped into an answer are not taken for the mail', async () => {
  const server = await fakeImap()
  const poller = await follow(server)
  server.mails.push(mail(1), mail(2))
  server.answer = ({ command, write }) => {
    if (/BODY\.PEEK\[\]/.test(command)) write('* 9 FETCH (FLAGS (\\Seen) UID 9)\r\n* 1 FETCH (FLAGS (\\Seen))\r\n')
    return false
  }
  await poller.pollNow()
  assert.equal(await subjects(sql), ['mail 1', 'mail 2'])
})

test('a mail that the server lists and never gives is set aside and told; tomorrow it is tried again (2.13, X03)', async () => {
  const server = await fakeImap()
  let now = new Date()
  const poller = await follow(server, {}, { now: () => now })
  server.mails.push(mail(1), mail(2), mail(3))
  server.answer = ({ command, ok }) => {
    if (!/^UID FETCH 2 .*BODY/.test(command)) return false
    ok()
    return true
  }
  await poller.pollNow()
  assert.equal(await subjects(sql), ['mail 1', 'mail 3'])
  assert.match(poller.notices.find((words) => words.startsWith('raise')) ?? '', /mailbox_unfetchable main: Mail 2/)
  server.answer = () => false
  await poller.pollNow()
  assert.is(await countMails(sql), 2)
  now = new Date(now.getTime() + 25 * 60 * MINUTE)
  await poller.pollNow()
  assert.equal(await subjects(sql), ['mail 1', 'mail 3', 'mail 2'])
  assert.ok(poller.notices.includes('settle mailbox_unfetchable main'))
})

test('a mail over which the connection dies every time does not hold up the others (0.4)', async () => {
  const server = await fakeImap()
  await follow(server, {}, { limits: { attempts: 3, backoff: 10, backoffCap: 20 } })
  server.mails.push(mail(1), mail(2), mail(3))
  server.answer = ({ command, write, close }) => {
    if (!/^UID FETCH 2 .*BODY/.test(command)) return false
    write('* 2 FETCH (UID 2 BODY[]<0> {100}\r\nhalf of')
    close()
    return true
  }
  server.announce()
  await until('the others', async () => (await countMails(sql)) === 2)
  assert.equal(await subjects(sql), ['mail 1', 'mail 3'])
  assert.is(server.log.filter((line) => /^UID FETCH 2 .*BODY/.test(line)).length, 3)
})

test('a goodbye in the middle of a body: connected again, and the mail comes once', async () => {
  const server = await fakeImap()
  const poller = await follow(server)
  server.mails.push(mail(1))
  let times = 0
  server.answer = ({ command, write, close }) => {
    if (!/BODY\.PEEK/.test(command) || times++) return false
    write('* 1 FETCH (UID 1 BODY[]<0> {100}\r\nhalf\r\n* BYE Server shutting down\r\n')
    close()
    return true
  }
  server.announce()
  await until('the mail', async () => (await countMails(sql)) === 1)
  assert.is(times, 2)
  await until('it is counted once', () => poller.state().imported === 1)
})

test('a slow body is no reason to give up, as long as bytes come (2.14, X05)', async () => {
  const server = await fakeImap()
  const poller = await follow(server, {}, { limits: { command: 1500, chunk: 64 * 1024 } })
  const raw = rawMail(1, 'x'.repeat(60_000))
  server.mails.push(mail(1, { raw }))
  server.answer = async ({ command, write, ok }) => {
    if (!/BODY\.PEEK/.test(command)) return false
    const text = fetched(1, server.mails[0]!, { query: command })
    for (let at = 0; at < text.length; at += 8192) {
      write(text.slice(at, at + 8192))
      await sleep(300) // longer than the limit in all, far below it between two pieces
    }
    ok()
    return true
  }
  await poller.pollNow()
  assert.is(server.connections(), 1)
  const [row] = await sql`select blob_id, bytes from inbound_mails`
  assert.is((await blobBytes(sql, row?.blob_id, 1e6)).toString(), raw)
})

test('a command without an answer: the connection is replaced (2.14)', async () => {
  const server = await fakeImap()
  const poller = await follow(server, {}, { limits: { command: 300 } })
  server.mails.push(mail(1))
  let silent = 2
  server.answer = ({ command }) => /SEARCH/.test(command) && silent-- > 0
  server.announce()
  await until('the mail', async () => (await countMails(sql)) === 1)
  assert.ok(server.connections() >= 3)
  await until('all is well', () => poller.state().words === '')
})

test('ranges ignored, sizes wrong, pieces exactly as long as asked: the bytes are right, once', async () => {
  const chunk = 1000
  for (const [options, sizes] of [
    [{ ranges: 'ignored' }, { size: undefined }],
    [{}, { size: 10 }],
    [{}, { size: 99_999 }],
    [{}, { size: undefined }],
  ] as const) {
    const server = await fakeImap(options)
    const poller = await follow(server, {}, { limits: { chunk } })
    for (const length of [chunk - 1, chunk, chunk + 1, 2 * chunk])
      server.mails.push(
        mail(length, { raw: rawMail(length).padEnd(length, '.'), ...(sizes.size && { size: sizes.size }) }),
      )
    await poller.pollNow()
    for (const one of server.mails) {
      const [row] = await sql`select blob_id from inbound_mails where subject = ${`mail ${one.uid}`}`
      assert.is((await blobBytes(sql, row?.blob_id, 1e6)).toString(), one.raw, JSON.stringify({ options, sizes }))
    }
    await poller.stop()
    await database.empty()
  }
})

test('a literal far beyond what was asked for is not read; the others come in', async () => {
  const server = await fakeImap()
  await follow(server, {}, { message: 10_000, limits: { chunk: 1000, attempts: 2, backoff: 10, backoffCap: 20 } })
  server.mails.push(mail(1), mail(2))
  server.answer = ({ command, write }) => {
    if (!/^UID FETCH 1 .*BODY/.test(command)) return false
    write('* 1 FETCH (UID 1 BODY[]<0> {2000000000}\r\nxxxxxxx')
    return true
  }
  server.announce()
  await until('mail 2', async () => (await countMails(sql)) === 1)
  assert.equal(await subjects(sql), ['mail 2'])
})

test('a mail larger than it said becomes a header, too (2.12)', async () => {
  const server = await fakeImap()
  const poller = await follow(server, {}, { message: 5000, limits: { chunk: 1000 } })
  server.mails.push(mail(1, { raw: rawMail(1, 'x'.repeat(20_000)), size: 300 }), mail(2))
  await poller.pollNow()
  assert.equal(await subjects(sql), ['mail 1', 'mail 2'])
  const [row] = await sql`select session, bytes from inbound_mails order by id limit 1`
  assert.ok(row?.session.oversize > 5000)
  assert.ok(row?.bytes < 1000)
})

test('without MOVE and UIDPLUS a move is COPY and \\Deleted, once, and never EXPUNGE (2.6)', async () => {
  const server = await fakeImap({ capabilities: 'IMAP4rev1 AUTH=PLAIN SASL-IR IDLE' })
  const poller = await follow(server, { after: { do: 'move', folder: 'Done' } })
  server.mails.push(mail(1), mail(2))
  let refuse = true
  server.answer = ({ command, tag, write }) => {
    if (!/STORE/.test(command) || !refuse) return false
    write(`${tag} NO not now\r\n`)
    return true
  }
  await poller.pollNow()
  assert.match(poller.notices.join('\n'), /mailbox_action.*not now/)
  refuse = false
  await poller.stop()
  const second = await follow(server, { after: { do: 'move', folder: 'Done' } })
  await second.pollNow()
  const sent = server.log.filter((line) => /COPY|STORE|EXPUNGE|MOVE/.test(line))
  assert.is(sent.filter((line) => /^UID COPY 1:2 /.test(line)).length, 1, sent.join('\n'))
  assert.match(sent.at(-1) ?? '', /^UID STORE 1:2 \+FLAGS(\.SILENT)? \(\\Deleted\)/)
  assert.not.match(sent.join('\n'), /EXPUNGE|MOVE/)
  assert.is((await sql`select 1 from imap_seen where action_done_at is null and state = 'imported'`).length, 0)
})

test('a read-only folder: imports go on, and the warning is shown (2.6)', async () => {
  const server = await fakeImap({ readOnly: 'yes' })
  const poller = await follow(server, { after: { do: 'seen' } })
  server.mails.push(mail(1))
  await poller.pollNow()
  server.mails.push(mail(2))
  await poller.pollNow()
  assert.is(await countMails(sql), 2)
  assert.match(poller.notices.join('\n'), /mailbox_action main: .*read-only/)
  assert.not.match(server.log.join('\n'), /STORE/)
})

test('a wrong password: few logins, no hurrying, and a notice in the words of the server (2.10)', async () => {
  const server = await fakeImap()
  server.answer = ({ command, tag, write }) => {
    if (!/^AUTHENTICATE/.test(command)) return false
    write(`${tag} NO [AUTHENTICATIONFAILED] Account locked\r\n`)
    return true
  }
  const poller = pollers.start(mailboxAt(server.port), { limits: { authBackoff: [300, 60_000], noticeAfter: 500 } })
  await until('two logins', () => poller.state().logins === 2)
  await until('the notice of silence', () => poller.notices.some((words) => /mailbox_silent/.test(words)))
  void poller.pollNow()
  await sleep(200)
  assert.is(poller.state().logins, 2)
  assert.is(server.log.filter((line) => /^(AUTHENTICATE|LOGIN)/.test(line)).length, 2)
  assert.match(poller.notices.join('\n'), /mailbox_login main: .*Account locked/)
  assert.match(poller.notices.join('\n'), /mailbox_silent main: .*Account locked/)
})

test('restarts do not forget a refused login: five in the first hour, however often it starts (2.10)', async () => {
  const server = await fakeImap()
  let refuse = true
  server.answer = ({ command, tag, write }) => {
    if (!refuse || !/^(AUTHENTICATE|LOGIN)/i.test(command)) return false
    write(`${tag} NO [AUTHENTICATIONFAILED] wrong\r\n`)
    return true
  }
  const logins = () => server.log.filter((line) => /^(AUTHENTICATE|LOGIN)/i.test(line)).length
  const authBackoff = limits.authBackoff
  const start = (at: number, changes = {}) =>
    pollers.start(mailboxAt(server.port, changes), { limits: { authBackoff }, now: () => new Date(at) })
  const begin = Date.now()
  for (let minute = 0; minute < 60; minute += 1.5) {
    const poller = start(begin + minute * MINUTE)
    await until('it backs off', () => poller.state().phase === 'backing_off')
    const { nextTry } = poller.state()
    assert.ok(nextTry!.getTime() > begin + minute * MINUTE)
    await poller.stop()
  }
  assert.ok(logins() >= 4 && logins() <= 5, `${logins()} logins`)
  const [kept] = await sql`select * from mailbox_refusals`
  assert.is(kept!.failures, logins())
  assert.not.match(JSON.stringify(kept), 'static-password')

  const before = logins()
  const other = start(begin + 59 * MINUTE, { login: { password: 'another' } })
  await until('another password is tried at once', () => logins() === before + 1)
  await other.stop()

  refuse = false
  const good = start(begin + 3 * 60 * MINUTE, { login: { password: 'another' } })
  await good.pollNow()
  assert.is(good.state().words, '')
  assert.is((await sql`select 1 from mailbox_refusals`).length, 0)
})

test('a server that is away is told after a while, and settled when it is back (2.10)', async () => {
  const server = await fakeImap()
  let closed = true
  server.answer = ({ command, close }) => {
    if (closed && /CAPABILITY/.test(command)) close()
    return closed
  }
  const poller = pollers.start(mailboxAt(server.port), { limits: { noticeAfter: 400 } })
  await until('the notice', () => poller.notices.some((words) => /mailbox_silent/.test(words)))
  closed = false
  await until('settled', () => poller.notices.includes('settle mailbox_silent main'))
})

test('another folder that is missing costs the first one nothing', async () => {
  const server = await fakeImap()
  server.answer = ({ command, tag, write }) => {
    if (!/EXAMINE "?Gone/.test(command)) return false
    write(`${tag} NO [NONEXISTENT] no such folder\r\n`)
    return true
  }
  const poller = await follow(server, { folders: ['INBOX', 'Gone'] })
  server.mails.push(mail(1))
  await poller.pollNow()
  assert.is(await countMails(sql), 1)
  assert.match(poller.notices.join('\n'), /mailbox_folder main: .*no such folder/)
})

test('without IDLE the poll finds mail; Gmail ids are kept (2.9, 2.19)', async () => {
  const server = await fakeImap({ capabilities: 'IMAP4rev1 AUTH=PLAIN SASL-IR X-GM-EXT-1' })
  await follow(server, { authservId: 'mx.example' }, { limits: { poll: 100 } })
  server.mails.push(mail(1, { emailId: '1278455344230334865', threadId: '1278455344230334000' }))
  await until('the mail', async () => (await countMails(sql)) === 1)
  const [row] = await sql`select session from inbound_mails`
  assert.is(row?.session.email_id, '1278455344230334865')
  assert.is(row?.session.thread_id, '1278455344230334000')
  assert.is(row?.session.authserv_id, 'mx.example')
  assert.not.match(server.log.join('\n'), /IDLE/)
})

test('the spam folder: what comes there is taken in as such, nothing on the server changes (2.16)', async () => {
  const server = await fakeImap({ junk: 'Spam' })
  server.junk.push(mail(1))
  const poller = await follow(server, { junk: '\\Junk', after: { do: 'seen' }, importDays: 30 })
  assert.is(await countMails(sql), 0, 'what lay there before is not ours, not even as an archive')
  server.junk.push(mail(2), mail(3))
  server.mails.push(mail(4))
  await poller.pollNow()
  const rows =
    await sql`select subject, session ->> 'junk' as junk, session ->> 'archive' as archive from inbound_mails order by subject`
  assert.equal(
    rows.map((row) => [row.subject, row.junk, row.archive]),
    [
      ['mail 2', 'true', null],
      ['mail 3', 'true', null],
      ['mail 4', null, null],
    ],
  )
  assert.not.match(server.log.join('\n'), /SELECT "?Spam|SELECT Spam/)
  assert.is(server.log.filter((line) => /STORE/.test(line)).length, 1, 'only the mail of the INBOX is marked')
})

test('a mail moved out of the spam folder is let in, unless it is held for something else too (2.16)', async () => {
  const server = await fakeImap({ junk: 'Spam' })
  const poller = await follow(server, { junk: 'Spam' })
  server.junk.push(mail(1), mail(2))
  await poller.pollNow()
  const held = (n: number, code: string) => sql`
    update inbound_mails set state = 'held', settled_at = now(), reasons = ${sql.json([{ code, words: '' }])}
    where subject = ${`mail ${n}`}`
  await held(1, 'spam')
  await held(2, 'auth_fail')
  server.mails.push({ ...server.junk[0]!, uid: 11 }, { ...server.junk[1]!, uid: 12 })
  await poller.pollNow()
  const rows = await sql`select subject, state, released_by from inbound_mails order by subject`
  assert.equal(
    rows.map((row) => [row.subject, row.state, row.released_by]),
    [
      ['mail 1', 'received', 'whoever moved it out of the spam folder of main'],
      ['mail 2', 'held', null],
    ],
  )
})

test('a spam folder that is not there costs the first one nothing, and is told (2.16)', async () => {
  const server = await fakeImap()
  server.answer = ({ command, tag, write }) => {
    if (!/EXAMINE/.test(command) || !/Junk/.test(command)) return false
    write(`${tag} NO [NONEXISTENT] no such folder\r\n`)
    return true
  }
  const poller = await follow(server, { junk: '\\Junk' })
  server.mails.push(mail(1))
  await poller.pollNow()
  assert.is(await countMails(sql), 1)
  assert.match(poller.notices.join('\n'), /mailbox_folder main: .*no such folder/)
})

test('a thousand UIDs far apart are listed in windows (2.12)', async () => {
  const server = await fakeImap()
  const poller = await follow(server, {}, { limits: { window: 10 } })
  for (let n = 1; n <= 35; n++) server.mails.push(mail(n * 100_000))
  await poller.pollNow()
  assert.is(await countMails(sql), 35)
  assert.is(server.log.filter((line) => /SIZE/.test(line)).length, 4)
  assert.equal(inSet(server.mails, '100000,200000:300000').length, 3)
})

test('stop is quick while a server keeps silent, and gives the lease back', async () => {
  const server = await fakeImap()
  const poller = await follow(server, {}, { limits: { command: 60_000, logout: 300 } })
  server.answer = () => true
  void poller.pollNow()
  await sleep(50)
  const began = Date.now()
  await poller.stop()
  assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`)
  assert.is(poller.state().phase, 'stopped')
  assert.is((await sql`select 1 from leases`).length, 0)
})

test('limits in production keep the rules: IDLE under 29 min, poll 120 s, silence 11 min (2.9, 2.14)', () => {
  assert.ok(imap.idle < 29 * MINUTE && imap.idle <= 9 * MINUTE)
  assert.is(imap.poll, 2 * MINUTE)
  assert.is(imap.silence, 11 * MINUTE)
  assert.equal([imap.connect, imap.command], [30_000, 120_000])
  assert.ok(fast.attempts === imap.attempts)
})

test.run()

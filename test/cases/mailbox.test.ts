/**
 * The regressions of MAIL 11 about fetching, each by its id: a misbehaving IMAP server, the real poller, and the real
 * pipeline behind it, so that what is asked is whether a ticket came about. Dovecot's side is in test/system.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { deleteTicket } from '../../src/engine/tickets.ts'
import { imap } from '../../src/limits.ts'
import { silent } from '../../src/log.ts'
import { probeMailbox } from '../../src/mail/intake-imap.ts'
import { after, DAY, floored, HOUR, MINUTE } from '../../src/time.ts'
import { startDesk } from '../desk.ts'
import { type FakeImap, type FakeMail, startFakeImap } from '../mail/fake-imap.ts'
import { fast, mailboxAt, rawMail, secret, startPollers, until } from '../mail/imap-poller.ts'

const POISON = 'X-Breaks-The-Parser'
const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-mailbox-'))
const child = path.join(folder, 'child.mjs')
writeFileSync(
  child,
  `import { Transform } from 'node:stream'
const transform = (chunk, _, done) => chunk.includes('${POISON}') ? process.exit(3) : done(null, chunk)
Object.defineProperty(process, 'stdin', { value: process.stdin.pipe(new Transform({ transform })) })
await import('${pathToFileURL(path.join(import.meta.dirname, '../../src/mail/parse/child.ts'))}')
`,
)
const desk = await startDesk({ child, now: new Date() })
const { sql } = desk
const pollers = startPollers(sql)
const servers: FakeImap[] = []

test.before.each(() => desk.reset())
test.after.each(async () => {
  await pollers.stopAll()
  for (const server of servers.splice(0)) await server.stop()
})
test.after(async () => {
  await pollers.close()
  await desk.stop()
  rmSync(folder, { recursive: true, force: true })
})

const startServer = async () => {
  const server = await startFakeImap()
  servers.push(server)
  return server
}
const mailOf = (uid: number, changes: Partial<FakeMail> = {}): FakeMail => ({ uid, raw: distinct(uid), ...changes })
/** Senders of their own, so that many of them are no storm. */
const distinct = (n: number) => rawMail(n).replace('ann@acme.example', `ann${n}@acme.example`)
const follow = async (server: FakeImap, changes = {}, options = {}) => {
  const poller = pollers.start(mailboxAt(server.port, changes), options)
  await poller.pollNow()
  assert.is(poller.state().words, '')
  return poller
}
/** Lets the pipeline work on all that came up to this moment. */
const settle = async () => {
  if (desk.clock.at < new Date()) desk.clock.at = new Date()
  await desk.idle()
}
const tickets = async () => {
  await settle()
  return await sql`select id, subject, status from tickets order by id`
}
const subjects = async () => (await tickets()).map((ticket) => ticket.subject as string).sort()
const mailsSaid = async () => (await sql`select state from inbound_mails`).length
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `mail ${n + 1}`).sort()
/** Every command that would change something on a server. */
const CHANGES = /STORE|EXPUNGE|COPY|MOVE|APPEND|CREATE|DELETE|RENAME|^SELECT|CLOSE|BODY\[/i
const changed = (server: FakeImap) => server.log.filter((line) => CHANGES.test(line))

test('X01: a mail that somebody has read in webmail before the poll is a ticket', async () => {
  const server = await startServer()
  const poller = await follow(server)
  server.mails.push(mailOf(1, { flags: ['\\Seen'] }), mailOf(2))
  await poller.pollNow()
  assert.equal(await subjects(), ['mail 1', 'mail 2'])
})

test('X02: the parser breaks down over one of three mails: two tickets, and one quarantined with its flags untouched', async () => {
  const server = await startServer()
  const poller = await follow(server)
  const bad = rawMail('bad').replace('Subject:', `${POISON}: yes\r\nSubject:`)
  server.mails.push(mailOf(1), { uid: 2, raw: bad }, mailOf(3))
  await poller.pollNow()
  await settle()
  const states = () => sql`select subject, state, ticket_id from inbound_mails order by id`
  assert.equal(
    (await states()).map((row) => [row.subject, row.state]),
    [
      ['mail 1', 'ticketed'],
      ['mail bad', 'received'],
      ['mail 3', 'ticketed'],
    ],
  )
  for (let attempt = 2; attempt <= 3; attempt++) {
    desk.clock.at = after(desk.clock.at, HOUR)
    await desk.idle()
  }
  const [, quarantined] = await states()
  assert.is(quarantined!.state, 'quarantined')
  const [ticket] = await sql`select subject from tickets where id = ${quarantined!.ticket_id}`
  assert.is(ticket!.subject, 'mail bad')
  assert.is((await sql`select from outbox where ticket_id = ${quarantined!.ticket_id}`).length, 0)
  await poller.pollNow()
  assert.is(await mailsSaid(), 3)
  assert.equal(changed(server), [])
})

test('X04: 700 unread mails that are marked as read while they are listed: all of them, once', async () => {
  const server = await startServer()
  const poller = await follow(server, {}, { limits: { window: 100 } })
  for (let n = 1; n <= 700; n++) server.mails.push(mailOf(n))
  server.answer = ({ command }) => {
    if (/^UID FETCH/.test(command)) for (const mail of server.mails) mail.flags = ['\\Seen']
    return false
  }
  await poller.pollNow()
  await poller.pollNow()
  const rows = await sql`select subject from inbound_mails`
  assert.equal(rows.map((row) => row.subject).sort(), numbered(700))
})

test('X06: MIME that overflows stacks delays none of the ten mails around it', async () => {
  const server = await startServer()
  const poller = await follow(server)
  const nested = Array.from(
    { length: 10_000 },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
  ).join('')
  const deep = rawMail('deep').replace('\r\n\r\n', `\r\n${nested}Content-Type: text/plain\r\n\r\n`)
  for (let n = 1; n <= 5; n++) server.mails.push(mailOf(n))
  server.mails.push({ uid: 6, raw: deep })
  for (let n = 7; n <= 11; n++) server.mails.push(mailOf(n))
  await poller.pollNow()
  assert.equal(await subjects(), [...numbered(11).filter((subject) => subject !== 'mail 6'), 'mail deep'].sort())
})

test('X08: `check` leaves the mailbox untouched, and no cursor behind', async () => {
  const server = await startServer()
  server.mails.push(mailOf(1), mailOf(2))
  const given = { sql, secret, limits: fast, message: 1e6, log: silent, now: () => new Date() }
  const box = mailboxAt(server.port, { after: { do: 'delete' }, importDays: 30 })
  const lines = await probeMailbox({ ...given, mailbox: box })
  assert.ok(lines[0]!.ok, lines[0]!.words)
  assert.match(lines[1]!.words, 'holds 2 mails')
  assert.equal(changed(server), [])
  assert.not.match(server.log.join('\n'), /FETCH/)
  assert.is((await sql`select from mailboxes`).length, 0)
})

test('X08: a first connect that is broken off at any of its commands leaves the mailbox untouched, and begins anew', async () => {
  for (const at of [/^(AUTHENTICATE|LOGIN)/, /^LIST/, /^(EXAMINE|SELECT)/, /^UID (SEARCH|FETCH)/]) {
    await desk.reset()
    const server = await startServer()
    server.mails.push(mailOf(1), mailOf(2))
    let breaks = 2
    server.answer = ({ command, close }) => {
      if (!at.test(command) || breaks-- <= 0) return false
      close()
      return true
    }
    const poller = pollers.start(mailboxAt(server.port, { name: `cut at ${at}`, after: { do: 'delete' } }))
    await until(`it is broken off at ${at}`, () => breaks === 0)
    await until('the first good poll', () => poller.state().lastPoll !== null)
    server.mails.push(mailOf(3))
    await poller.pollNow()
    assert.equal(await subjects(), ['mail 3'], `${at}`)
    const marked = server.log.filter((line) => /STORE|MOVE|COPY|EXPUNGE/.test(line))
    for (const line of marked) assert.match(line, /^UID \S+ 3\b/, 'only what came in is acted on')
    await poller.stop()
  }
})

test('X09: the server counts its UIDs anew: nothing comes twice, and the new mail is found', async () => {
  const server = await startServer()
  const poller = await follow(server)
  for (let n = 1; n <= 20; n++) server.mails.push(mailOf(n))
  await poller.pollNow()
  assert.equal(await subjects(), numbered(20))
  server.uidvalidity = 2
  // the new one has a UID that was another mail's
  server.mails.splice(2, 0, { uid: 0, raw: distinct(21) })
  for (const [n, mail] of server.mails.entries()) mail.uid = n + 1
  for (let n = 0; n < 3; n++) await poller.pollNow()
  assert.equal(await subjects(), numbered(21))
  assert.is((await sql`select from outbox where kind = 'ack'`).length, 21)
})

test('X10: a connection that is half open while it idles is replaced, and the mail is found by a poll', async () => {
  assert.ok(imap.silence <= 11 * MINUTE)
  const server = await startServer()
  const poller = await follow(server, {}, { limits: { idle: 300, command: 500, poll: 500, silence: 800 } })
  await until('it idles', () => server.log.includes('IDLE'))
  const before = server.connections()
  server.freeze()
  server.mails.push(mailOf(1))
  await until('the mail', async () => (await mailsSaid()) === 1)
  assert.ok(server.connections() > before)
  await until('it is well again', () => poller.state().words === '')
  assert.equal(await subjects(), ['mail 1'])
})

test('X10: silence alone is enough to give a connection up, where neither a poll nor a command is due', async () => {
  const server = await startServer()
  const limits = { idle: HOUR, command: HOUR, poll: HOUR, silence: 800, backoff: 10 }
  const poller = await follow(server, {}, { limits })
  await until('it idles', () => server.log.includes('IDLE'))
  server.freeze()
  server.mails.push(mailOf(1))
  await until('the mail', async () => (await mailsSaid()) === 1)
  assert.is(server.connections(), 2)
  await poller.stop()
})

test('X12: the daemon was down for five days: every mail of them is a ticket, however old or read', async () => {
  const server = await startServer()
  const first = await follow(server, {}, { now: () => after(new Date(), -6 * DAY) })
  await first.stop()
  const flags = (n: number) => (n % 2 ? ['\\Seen'] : [])
  for (let n = 1; n <= 40; n++)
    server.mails.push(mailOf(n, { at: floored(after(new Date(), n * HOUR - 5 * DAY)), flags: flags(n) }))
  await follow(server)
  assert.equal(await subjects(), numbered(40))
  const rows = await sql`select received_at from inbound_mails order by id`
  assert.equal(
    rows.map((row) => row.received_at),
    server.mails.map((mail) => mail.at),
    'promises count from the moment it came',
  )
})

test('X13: 60 mails that wait, 30 listed at a time: the oldest first, and all of them', async () => {
  const server = await startServer()
  const poller = await follow(server, {}, { limits: { window: 30 } })
  for (let n = 1; n <= 60; n++) server.mails.push(mailOf(n))
  await poller.pollNow()
  const rows = await sql`select subject from inbound_mails order by id`
  assert.equal(
    rows.map((row) => row.subject),
    Array.from({ length: 60 }, (_, n) => `mail ${n + 1}`),
  )
})

test('X14: a mail beyond the limit is a ticket with a note, once, and no error at each poll', async () => {
  const server = await startServer()
  const poller = await follow(server, {}, { message: 5000 })
  server.mails.push(mailOf(1, { raw: rawMail(1, 'x'.repeat(20_000)) }), mailOf(2))
  for (let n = 0; n < 4; n++) await poller.pollNow()
  assert.equal(await subjects(), ['mail 1', 'mail 2'])
  const [note] = await sql`
    select c.text from comments c join tickets t on t.id = c.ticket_id where t.subject = 'mail 1' and c.author_role = 'system'`
  assert.match(note!.text, 'original left on the server')
  assert.equal(
    poller.notices.filter((words) => words.startsWith('raise')),
    [],
  )
  assert.is(server.log.filter((line) => /^UID FETCH 1 .*BODY\.PEEK\[\]/.test(line)).length, 0)
})

test('X17: an import of old mail: none of it open, nothing promised, nobody written to', async () => {
  const count = 200
  const server = await startServer()
  for (let n = 1; n <= count; n++) server.mails.push(mailOf(n, { at: after(new Date(), -(n % 25) * DAY) }))
  const poller = await follow(server, { importDays: 30 })
  await poller.pollNow()
  const rows = await tickets()
  assert.is(rows.length, count)
  assert.ok(rows.every((row) => row.status === 'closed'))
  assert.is((await sql`select from outbox`).length, 0)
  assert.is((await sql`select from sla_clocks`).length, 0)
  const [oldest] = await sql`select min(created_at) as at from tickets`
  assert.ok(Date.now() - oldest!.at.getTime() > 23 * DAY, 'its dates are the real ones')
})

test('X18: a ticket is deleted: neither the next poll nor the same mail under another UID makes it again', async () => {
  const server = await startServer()
  const poller = await follow(server)
  server.mails.push(mailOf(1))
  await poller.pollNow()
  const [ticket] = await tickets()
  const actor = { kind: 'system' as const, id: null, name: 'test' }
  await transaction(sql, (tx) => deleteTicket(tx, { ticketId: ticket!.id, actor }, desk.clock.at))
  await poller.pollNow()
  server.mails.push(mailOf(1, { uid: 7 })) // moved away and back
  await poller.pollNow()
  // and as another path brings it, by SMTP
  const copy = await desk.deliver(distinct(1))
  assert.is(copy.state, 'recorded')
  server.uidvalidity = 2
  await poller.pollNow()
  assert.is((await tickets()).length, 1)
  assert.is((await sql`select from outbox where kind = 'ack'`).length, 1)
})

test.run()

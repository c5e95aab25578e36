/** What is automatic, too much or marked as spam, through the real parser and pipeline (MAIL 4a.12-4a.28, 6.15). */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { settleNotice } from '../../src/engine/notices.ts'
import { deleteTicket, setStatus } from '../../src/engine/tickets.ts'
import { zoneResolver } from '../../src/mail/authenticate/resolver.ts'
import { remindOfHeld } from '../../src/mail/spool/held.ts'
import { discard, purge, release } from '../../src/mail/spool.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/time.ts'
import { signedAddress } from '../../src/tokens.ts'
import { demoDesk, keys, MONDAY, mail, startDesk } from '../desk.ts'

/** Nobody is loopback's friend but the demo desk's customers; a bank whose mail is signed, always. */
const zone = {
  'bank.example': { TXT: ['v=spf1 -all'] },
  '_dmarc.bank.example': { TXT: ['v=DMARC1; p=reject'] },
  'elsewhere.example': {},
  'acme.example': { TXT: ['v=spf1 ip4:127.0.0.0/8 ip6:::1 -all'] },
  '_dmarc.acme.example': { TXT: ['v=DMARC1; p=none'] },
}

const desk = await startDesk({ trust: { resolver: zoneResolver(zone) } })
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const actor = { kind: 'system' as const, id: null, name: 'test' }
const codes = (ending: { reasons: { code: string }[] }) => ending.reasons.map((reason) => reason.code)
const ticket = async (id: number | null) => (await sql`select * from tickets where id = ${id}`)[0]!
const tickets = async () => (await sql`select from tickets`).length
const acks = async () => (await sql`select from outbox where kind = 'ack'`).length
const notices = async (kind: string) => await sql`select * from notices where kind = ${kind} and settled_at is null`
const later = (milliseconds: number) => {
  desk.clock.at = new Date(desk.clock.at.getTime() + milliseconds)
}
const token = (ticketId: number) =>
  signedAddress(keys, 'support@desk.example', {
    purpose: 'c',
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket: ticketId,
    person: 0,
    generation: 0,
    comment: 0,
  })
const fixture = (name: string) =>
  readFileSync(path.join(import.meta.dirname, '../../fixtures/mails/spam', `${name}.eml`))
const FRONT = { via: 'lmtp' as const, session: {} }

test('X37: `Auto-Submitted: no` is a person’s mail, and is acknowledged', async () => {
  const end = await desk.deliver(mail({ headers: { 'Auto-Submitted': 'no' } }))
  assert.is(end.kind, 'human')
  assert.is(end.state, 'ticketed')
  assert.is(await acks(), 1)
})

test('X38: a person’s mail with X-Auto-Response-Suppress: ticket, reopening, no acknowledgement', async () => {
  const headers = { 'X-Auto-Response-Suppress': 'DR, OOF, AutoReply', 'Message-ID': '<xars@mail.example>' }
  const end = await desk.deliver(mail({ subject: 'Door', headers }))
  assert.is(end.kind, 'human')
  assert.is(end.state, 'ticketed')
  assert.is(await acks(), 0)
  await transaction(sql, (tx) => setStatus(tx, { ticketId: end.ticket_id!, status: 'resolved', actor }, MONDAY))
  const again = { 'X-Auto-Response-Suppress': 'All', 'In-Reply-To': '<xars@mail.example>' }
  await desk.deliver(mail({ subject: 'Re: Door', headers: again }))
  assert.is((await ticket(end.ticket_id)).status, 'open')
})

test('X40: an automatic reply on a closed ticket leaves it closed, and its words are kept', async () => {
  const first = await desk.deliver(mail({}))
  const [ack] = await sql`select message_id from outbox`
  await transaction(sql, (tx) => setStatus(tx, { ticketId: first.ticket_id!, status: 'closed', actor }, MONDAY))
  const headers = { 'Auto-Submitted': 'auto-replied', 'In-Reply-To': `<${ack!.message_id}>` }
  const end = await desk.deliver(mail({ subject: 'Abwesenheitsnotiz', text: 'Ask Carl.', headers }))
  assert.is(end.state, 'commented')
  assert.is((await ticket(first.ticket_id)).status, 'closed')
  const [comment] = await sql`select text, visibility, automatic from comments where id = ${end.comment_id}`
  assert.match(comment!.text, 'Ask Carl.')
  assert.equal([comment!.visibility, comment!.automatic], ['internal', true])
})

test('X45: a list of our own in front of the desk: a customer’s reply on a closed ticket opens it', async () => {
  const text = demoDesk.replace(/\nsettings:\n/, '\nsettings:\n  own_lists: [support.desk.example]\n')
  await desk.change(text.includes('own_lists') ? text : `${demoDesk}\nsettings: {own_lists: [support.desk.example]}\n`)
  const list = {
    'List-Id': 'Support <support.desk.example>',
    Precedence: 'list',
    'List-Unsubscribe': '<mailto:x@y.example>',
  }
  const first = await desk.deliver(
    mail({ subject: 'Door', headers: { ...list, 'Message-ID': '<group@mail.example>' } }),
  )
  assert.is(first.kind, 'human')
  await transaction(sql, (tx) => setStatus(tx, { ticketId: first.ticket_id!, status: 'closed', actor }, MONDAY))
  const end = await desk.deliver(
    mail({ subject: 'Re: Door', headers: { ...list, 'In-Reply-To': '<group@mail.example>' } }),
  )
  assert.is(end.ticket_id, first.ticket_id)
  assert.is((await ticket(first.ticket_id)).status, 'open')
})

test('X46: a desk that acknowledges our acknowledgements: one a ticket, three an hour', async () => {
  for (let n = 0; n < 12; n++) {
    // it names nothing of ours, and calls itself nothing
    const end = await desk.deliver(
      mail({ from: 'helpdesk@acme.example', subject: `[Case ${n}] We received your mail` }),
    )
    assert.is(end.state, 'ticketed')
  }
  assert.is(await acks(), 3)
  const perTicket = await sql`select count(*)::int as count from outbox group by ticket_id`
  assert.ok(perTicket.every((row) => row.count === 1))
})

test('X47: spam under a forged sender: no acknowledgement, or one without a word of it', async () => {
  const forged = await desk.deliver(mail({ from: 'Win <victim@bank.example>', subject: 'Buy http://x.example now' }))
  assert.is(forged.state, 'held')
  assert.is((await sql`select from outbox`).length, 0)
  const end = await desk.deliver(
    mail({ from: 'Win <victim@elsewhere.example>', subject: 'Buy http://x.example now', text: 'Cheap' }),
  )
  assert.is(end.state, 'ticketed')
  const [ack] = await sql`select * from outbox`
  assert.not.match(
    `${ack!.subject} ${ack!.text} ${ack!.html} ${JSON.stringify(ack!.headers)}`,
    /Buy|x\.example|Cheap|Win/,
  )
})

test('MAIL 4a.23: a thousand identical alarms: five tickets at most, every mail stored, told of once', async () => {
  const count = 120
  for (let n = 0; n < count; n++) {
    await desk.accept(mail({ from: 'alarm@acme.example', subject: `Alarm ${n}`, text: 'Disk is full' }))
    later(5 * SECOND)
  }
  await desk.idle()
  assert.is(await tickets(), 5)
  assert.is((await sql`select from inbound_mails where state in ('ticketed', 'commented')`).length, count)
  const [notice, ...others] = await notices('storm')
  assert.is(others.length, 0)
  assert.is(notice!.count, 1)
  const [storm] = await sql`select id, tags from tickets order by id desc limit 1`
  assert.equal(storm!.tags, ['storm'])
  assert.is((await sql`select from comments where ticket_id = ${storm!.id}`).length, count - 4)
})

test('MAIL 4a.23: more than twenty new mails an hour from one address, sixty from a proven one', async () => {
  const send = (from: string, n: number) =>
    desk.deliver(mail({ from, subject: `Matter ${n}`, text: `These are the words of matter ${n}` }))
  for (let n = 0; n < 20; n++) assert.is((await send('a@elsewhere.example', n)).state, 'ticketed')
  const first = await send('a@elsewhere.example', 20)
  assert.is(first.state, 'ticketed')
  assert.ok(codes(first).includes('storm'))
  const second = await send('a@elsewhere.example', 21)
  assert.is(second.state, 'commented')
  assert.is(second.ticket_id, first.ticket_id)
  for (let n = 0; n < 25; n++) assert.not.ok(codes(await send('eva@acme.example', n)).includes('storm'), `${n}`)
  // an hour later they are few again, and still get no automatic mail
  later(HOUR + MINUTE)
  await sql`delete from mail_budgets`
  const before = await acks()
  const calm = await send('a@elsewhere.example', 22)
  assert.is(calm.state, 'ticketed')
  assert.not.ok(codes(calm).includes('storm'))
  assert.is(await acks(), before)
  // it ends after a day
  later(DAY)
  await send('a@elsewhere.example', 23)
  assert.is(await acks(), before + 1)
})

test('MAIL 4a.23: the same words every ten minutes are no storm', async () => {
  for (let n = 0; n < 8; n++) {
    const end = await desk.deliver(mail({ from: 'alarm@acme.example', subject: `Alarm ${n}`, text: 'Disk is full' }))
    assert.is(end.state, 'ticketed')
    assert.not.ok(codes(end).includes('storm'))
    later(10 * MINUTE)
  }
})

test('MAIL 4a.23: thirty people with one complaint are thirty tickets; 25 answers of one person are 25 comments', async () => {
  for (let n = 0; n < 30; n++)
    await desk.accept(mail({ from: `p${n}@elsewhere.example`, subject: 'Down', text: 'The site is down' }))
  await desk.idle()
  assert.is(await tickets(), 30)
  const [first] = await sql`select id from tickets order by id limit 1`
  const to = token(first!.id)
  for (let n = 0; n < 25; n++)
    await desk.accept(mail({ from: 'p0@elsewhere.example', to, text: 'And again' }), {
      recipients: [{ address: to, inbox: 'support', tag: null }],
    })
  await desk.idle()
  assert.is((await sql`select from comments where ticket_id = ${first!.id} and not automatic`).length, 26)
  assert.is((await notices('storm')).length, 0)
})

test('MAIL 4a.23: a storm goes on in a new ticket when its ticket is gone, and ends when the notice is settled', async () => {
  const alarm = () => desk.deliver(mail({ from: 'alarm@acme.example', text: 'Disk is full' }))
  for (let n = 0; n < 5; n++) await alarm()
  const [storm] = await sql`select id from tickets order by id desc limit 1`
  await transaction(sql, (tx) => deleteTicket(tx, { ticketId: storm!.id, actor }, desk.clock.at))
  const next = await alarm()
  assert.is(next.state, 'ticketed')
  assert.is.not(next.ticket_id, storm!.id)
  assert.is((await alarm()).ticket_id, next.ticket_id)
  const [notice] = await notices('storm')
  await settleNotice(sql, notice!.id, desk.clock.at)
  later(HOUR)
  const calm = await desk.deliver(mail({ from: 'alarm@acme.example', text: 'All is well' }))
  assert.ok(codes(calm).includes('ack'))
})

test('MAIL 4a.24: three answers within seconds of our automatic mail: no more of it, until an admin says so', async () => {
  const write = async (subject: string) => {
    await sql`delete from mail_budgets`
    const end = await desk.deliver(mail({ from: 'robot@acme.example', subject }))
    await sql`update outbox set state = 'sent', settled_at = ${desk.clock.at} where state = 'queued'`
    const [last] = await sql`select subject from outbox order by id desc limit 1`
    return { codes: codes(end), answer: `Re: ${last!.subject}` }
  }
  // another matter, or an answer at a person's pace, says nothing
  await write('Case 1')
  later(5 * SECOND)
  const other = await write('Something else')
  assert.not.ok(other.codes.includes('reflex'))
  later(MINUTE)
  let at = await write(other.answer)
  assert.not.ok(at.codes.includes('reflex'))
  for (const n of [1, 2, 3]) {
    later(10 * SECOND)
    at = await write(at.answer)
    assert.ok(at.codes.includes('reflex'), `answer ${n}`)
    assert.is(at.codes.includes('ack'), n < 3, `answer ${n}`)
  }
  const [notice] = await notices('autoresponder')
  assert.is(notice!.subject, 'robot@acme.example')
  later(2 * HOUR)
  assert.not.ok((await write('Case 2')).codes.includes('ack'))
  await settleNotice(sql, notice!.id, desk.clock.at)
  later(2 * HOUR)
  assert.ok((await write('Case 3')).codes.includes('ack'))
})

test('MAIL 4a.24: two answers to one automatic mail are one; a thing that a person adds at once is no reflex', async () => {
  await desk.deliver(mail({ subject: 'Door' }))
  const [ack] = await sql`
    update outbox set state = 'sent', settled_at = ${desk.clock.at} where state = 'queued' returning message_id`
  for (const n of [1, 2, 3, 4]) {
    later(2 * SECOND)
    const end = await desk.deliver(
      mail({ subject: 'Re: Door', text: `And ${n}`, headers: { 'In-Reply-To': `<${ack!.message_id}>` } }),
    )
    assert.is(codes(end).includes('reflex'), n === 1)
  }
  assert.is((await notices('autoresponder')).length, 0)
})

test('MAIL 6.15: out-of-office replies without any mark open a ticket three times an hour at most', async () => {
  const first = await desk.deliver(mail({ subject: 'Door', headers: { 'Message-ID': '<ooo@mail.example>' } }))
  let opened = 0
  for (let n = 0; n < 5; n++) {
    await transaction(sql, (tx) =>
      setStatus(tx, { ticketId: first.ticket_id!, status: 'resolved', actor }, desk.clock.at),
    )
    later(MINUTE)
    const text = `I am away until Friday, please ask my colleague about message ${n}`
    const end = await desk.deliver(
      mail({ subject: 'Re: Door', text, headers: { 'In-Reply-To': '<ooo@mail.example>' } }),
    )
    assert.is(end.state, 'commented')
    if ((await ticket(first.ticket_id)).status === 'open') opened++
    else assert.ok(codes(end).includes('reopen_guard'))
  }
  assert.is(opened, 3)
  assert.is((await notices('storm')).length, 1)
  later(HOUR + MINUTE)
  const headers = { 'In-Reply-To': '<ooo@mail.example>' }
  await desk.deliver(mail({ subject: 'Re: Door', text: 'Now I am back, and it still is stuck.', headers }))
  assert.is((await ticket(first.ticket_id)).status, 'open')
})

test('MAIL 4a.27: the mark of our own front server holds a mail; what the sender wrote below it does not count', async () => {
  const flagged = await desk.deliver(fixture('flagged-by-the-front-server'), FRONT)
  assert.is(flagged.state, 'held')
  assert.ok(codes(flagged).includes('spam'))
  assert.is((await desk.deliver(fixture('exchange-scl'), FRONT)).state, 'held')
  const own = await desk.deliver(fixture('flagged-by-the-sender'), FRONT)
  assert.is(own.state, 'ticketed')
  assert.is((await sql`select from contacts`).length, 1)
  await transaction(sql, (tx) => release(tx, { id: flagged.id, by: 'ada' }, desk.clock.at))
  assert.is((await desk.ending(flagged.id)).state, 'ticketed')
})

test('MAIL 4a.27: straight from a stranger no mark is trusted; each header that a filter writes is known', async () => {
  assert.is((await desk.deliver(fixture('flagged-by-the-front-server'))).state, 'ticketed')
  const marks: Record<string, string> = {
    'X-Spam-Flag': 'YES',
    'X-Spam-Status': 'Yes, score=7',
    'X-Spam': 'Yes',
    'X-Rspamd-Action': 'add header',
    'X-SES-Spam-Verdict': 'FAIL',
    'X-MS-Exchange-Organization-SCL': '5',
    'X-Forefront-Antispam-Report': 'CIP:1;SFV:SPM;H:x',
  }
  for (const [name, value] of Object.entries(marks))
    assert.is((await desk.deliver(mail({ headers: { [name]: value } }), FRONT)).state, 'held', name)
  const harmless: Record<string, string> = {
    'X-Spam-Flag': 'NO',
    'X-Rspamd-Action': 'no action',
    'X-MS-Exchange-Organization-SCL': '1',
  }
  for (const [name, value] of Object.entries(harmless))
    assert.is((await desk.deliver(mail({ headers: { [name]: value } }), FRONT)).state, 'ticketed', name)
})

test('MAIL 4a.27: with a secret of the ticket, or from who takes part in it, a marked mail is a comment with the mark', async () => {
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<part@mail.example>' } }))
  const to = token(first.ticket_id!)
  const recipients = [{ address: to, inbox: 'support', tag: null }]
  const spam = { 'X-Spam-Flag': 'YES' }
  const secret = await desk.deliver(mail({ from: 'who@other.example', to, headers: spam }), { ...FRONT, recipients })
  const known = await desk.deliver(mail({ headers: { ...spam, References: '<part@mail.example>' } }), FRONT)
  for (const end of [secret, known]) {
    assert.is(end.state, 'commented')
    assert.is(end.ticket_id, first.ticket_id)
    const [comment] = await sql`select flags from comments where id = ${end.comment_id}`
    assert.ok(comment!.flags.includes('spam_flagged'))
  }
  assert.is((await desk.deliver(mail({ headers: spam }), FRONT)).state, 'held')
})

test('MAIL 4a.28: what is held is counted, told of daily, and discarded by the purge', async () => {
  assert.equal(await remindOfHeld(sql, desk.clock.at), { held: 0, discarded: 0 })
  assert.is((await notices('held_mail')).length, 0)
  for (let n = 0; n < 2; n++) await desk.deliver(mail({ headers: { 'X-Spam-Flag': 'YES' } }), FRONT)
  assert.equal(await remindOfHeld(sql, desk.clock.at), { held: 2, discarded: 0 })
  assert.match((await notices('held_mail'))[0]!.words, '2 mails are held')
  const [one] = await sql`select id from inbound_mails where state = 'held' order by id limit 1`
  await transaction(sql, (tx) => discard(tx, { id: one!.id, by: 'ada', why: 'spam' }, desk.clock.at))
  later(31 * DAY)
  await purge(sql, desk.clock.at)
  assert.equal(await remindOfHeld(sql, desk.clock.at), { held: 0, discarded: 1 })
  assert.match((await notices('held_mail'))[0]!.words, '1 mail is discarded')
  later(2 * DAY)
  await remindOfHeld(sql, desk.clock.at)
  assert.is((await notices('held_mail')).length, 0)
})

const MONITOR = demoDesk.replace(
  /\nrules:/,
  '\nrules:\n  - name: monitor\n    when: {from.address: [nagios@acme.example, nagios@elsewhere.example]}\n    then: [{correlate: "^(?:PROBLEM|RECOVERY): (.+?) is "}, {tag: alarm}]\n    tests: [{mail: {from: nagios@acme.example, subject: "PROBLEM: web01 is DOWN"}, expect: {tags: [alarm]}}]',
)

test('MAIL 4a.19: PROBLEM and RECOVERY of a monitor are one ticket by a rule, as long as it is open', async () => {
  await desk.change(MONITOR)
  const alarm = (subject: string, from = 'nagios@acme.example') =>
    desk.deliver(mail({ from, subject, text: subject, headers: { 'Auto-Submitted': 'auto-generated' } }))
  const problem = await alarm('PROBLEM: web01 is DOWN')
  assert.is(problem.state, 'ticketed')
  const other = await alarm('PROBLEM: web02 is DOWN')
  assert.is.not(other.ticket_id, problem.ticket_id)
  const recovery = await alarm('RECOVERY: Web01 is UP')
  assert.is(recovery.state, 'commented')
  assert.is(recovery.ticket_id, problem.ticket_id)
  assert.is((await ticket(problem.ticket_id)).status, 'new')
  const foreign = await alarm('RECOVERY: web01 is UP', 'nagios@elsewhere.example')
  assert.is.not(foreign.ticket_id, problem.ticket_id)
  await transaction(sql, (tx) => setStatus(tx, { ticketId: problem.ticket_id!, status: 'resolved', actor }, MONDAY))
  const next = await alarm('PROBLEM: web01 is DOWN')
  assert.is(next.state, 'ticketed')
  assert.is((await alarm('RECOVERY: web01 is UP')).ticket_id, next.ticket_id)
})

test.run()

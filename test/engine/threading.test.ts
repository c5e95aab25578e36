import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { findContact, linkAddress } from '../../src/engine/people.ts'
import { isThanksOnly } from '../../src/engine/receive/thanks.ts'
import { readBodyProofs } from '../../src/engine/thread/body-proof.ts'
import { mayTakePart } from '../../src/engine/tickets/may-take-part.ts'
import { addPeople, admit } from '../../src/engine/tickets/people.ts'
import { reply, setStatus } from '../../src/engine/tickets.ts'
import { Refusal } from '../../src/errors.ts'
import { makeMessageId, rootId, signedAddress } from '../../src/tokens.ts'
import { demoDesk, keys, MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const actor = { kind: 'system' as const, id: null, name: 'test' }
type End = Awaited<ReturnType<typeof desk.deliver>>
const codes = (end: End) => end.reasons.map((reason) => reason.code)
const threadOf = (end: End) =>
  end.trace.thread as { ticket: number; by: string; refused: { by: string; ticket: number; why: string }[] }
const ticket = async (id: number | null) => (await sql`select * from tickets where id = ${id}`)[0]!
const people = async (id: number | null) =>
  (await sql`select address, role from ticket_participants where ticket_id = ${id} order by address`).map(
    (row) => `${row.address} ${row.role}`,
  )
const links = async (id: number | null) =>
  (await sql`select other_id, kind from ticket_links where ticket_id = ${id} order by other_id`).map(
    (row) => `${row.kind} ${row.other_id}`,
  )
const resolve = (id: number | null) =>
  transaction(sql, (tx) => setStatus(tx, { ticketId: id!, status: 'resolved', actor }, desk.clock.at))
const token = (ticketId: number | null, purpose: 'c' | 'a' = 'c') =>
  signedAddress(keys, 'support@desk.example', {
    purpose,
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket: ticketId!,
    person: 0,
    generation: 0,
    comment: 0,
  })
const elsewhere = { session: { ip: '192.0.2.66', helo: 'elsewhere.example' } }
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing was refused',
    (error) => (error instanceof Refusal ? error.code : String(error)),
  )

test('X53: who was in Cc answers the original before our first answer', async () => {
  const first = await desk.deliver(
    mail({ subject: 'Door', headers: { 'Message-ID': '<door@acme.example>', Cc: 'Carl <carl@acme.example>' } }),
  )
  const carl = await desk.deliver(
    mail({ from: 'carl@acme.example', subject: 'AW: Door', headers: { 'In-Reply-To': '<door@acme.example>' } }),
  )
  assert.equal([carl.state, carl.ticket_id, threadOf(carl).by], ['commented', first.ticket_id, 'foreign_id'])
})

test('X53, MAIL 6.3: who was in Cc of an unproven mail takes no part, and may answer it all the same', async () => {
  const headers = { 'Message-ID': '<gate@acme.example>', Cc: 'Carl <carl@acme.example>' }
  const first = await desk.deliver(mail({ subject: 'Gate', headers }), elsewhere)
  assert.equal(await people(first.ticket_id), ['carl@acme.example suggested'])
  const answer = (from: string) =>
    desk.deliver(mail({ from, subject: 'AW: Gate', headers: { 'In-Reply-To': '<gate@acme.example>' } }))
  const carl = await answer('carl@acme.example')
  assert.equal([carl.ticket_id, threadOf(carl).by], [first.ticket_id, 'foreign_id'])
  assert.is.not((await answer('dora@other.example')).ticket_id, first.ticket_id)
})

test('X53, MAIL 6.1 (4): a reply to an ancestor that was never seen, and the ancestor itself, join the ticket', async () => {
  const carl = await desk.deliver(
    mail({
      from: 'carl@acme.example',
      subject: 'Re: Roof',
      headers: { References: '<unseen@acme.example>', Cc: 'eva@acme.example' },
    }),
  )
  const eva = await desk.deliver(mail({ subject: 'AW: Roof', headers: { 'In-Reply-To': '<unseen@acme.example>' } }))
  assert.equal([eva.ticket_id, threadOf(eva).by], [carl.ticket_id, 'ancestor'])
  const late = await desk.deliver(mail({ subject: 'Roof', headers: { 'Message-ID': '<unseen@acme.example>' } }))
  assert.equal([late.ticket_id, threadOf(late).by], [carl.ticket_id, 'ancestor'])
  const [row] = await sql`select direction from message_ids where message_id = 'unseen@acme.example'`
  assert.is(row!.direction, 'in', 'it has come, so it is no ancestor any more')
})

test('MAIL 6.3: an ancestor needs the same subject and somebody who is in it', async () => {
  const first = await desk.deliver(mail({ subject: 'Roof', headers: { References: '<old@acme.example>' } }))
  const other = await desk.deliver(mail({ subject: 'Cellar', headers: { References: '<old@acme.example>' } }))
  assert.is.not(other.ticket_id, first.ticket_id)
  assert.equal(threadOf(other).refused, [{ by: 'ancestor', ticket: first.ticket_id!, why: 'the subject is another' }])
  assert.equal(await links(other.ticket_id), [`refers_to ${first.ticket_id}`])
  const sly = await desk.deliver(
    mail({ from: 'sly@other.example', subject: 'Roof', headers: { References: '<old@acme.example>' } }),
  )
  assert.not.equal(sly.ticket_id, first.ticket_id)
  assert.equal(codes(sly).includes('refused_claim'), true)
})

test('MAIL 6.1 (4): neither automatic nor forged mail leaves ancestors behind', async () => {
  const headers = { References: '<seed@machine.example>', 'Auto-Submitted': 'auto-generated' }
  await desk.deliver(mail({ from: 'cron@machine.example', subject: 'Job', headers }))
  assert.is((await sql`select 1 from message_ids where direction = 'ancestor'`).length, 0)
  const next = await desk.deliver(
    mail({ from: 'cron@machine.example', subject: 'Job', headers: { References: '<seed@machine.example>' } }),
  )
  assert.is(next.state, 'ticketed')
})

test('MAIL 6.1 (4): of a hundred references the newest and the oldest are kept', async () => {
  const ids = Array.from({ length: 100 }, (_, n) => `<r${n}@acme.example>`)
  const first = await desk.deliver(mail({ subject: 'Roof', headers: { References: ids.join('\n ') } }))
  const kept = await sql`select message_id from message_ids where direction = 'ancestor' order by id`
  assert.is(kept.length, 20)
  assert.equal([kept[0]!.message_id, kept.at(-1)!.message_id], ['r99@acme.example', 'r0@acme.example'])
  const root = await desk.deliver(mail({ subject: 'Re: Roof', headers: { References: '<r0@acme.example>' } }))
  assert.is(root.ticket_id, first.ticket_id)
})

test('X54, MAIL 6.1: References overwritten: In-Reply-To and the address of the answer still lead to the ticket', async () => {
  const first = await desk.deliver(mail({ subject: 'Lamp' }))
  const [ack] = await sql`select message_id from outbox`
  const apple = await desk.deliver(
    mail({
      subject: 'Re: Lamp',
      headers: { 'In-Reply-To': `<${ack!.message_id}>`, References: '<own@icloud.example>' },
    }),
  )
  assert.equal([apple.ticket_id, threadOf(apple).by], [first.ticket_id, 'our_id'])
  const rewritten = await desk.deliver(
    mail({
      to: token(first.ticket_id),
      subject: 'Re: Lamp',
      headers: { 'In-Reply-To': '<0102018f@relay.example>' },
    }),
  )
  assert.equal([rewritten.ticket_id, threadOf(rewritten).by], [first.ticket_id, 'token'])
})

test('X54, MAIL 6.1 (5): a signed address or an id of ours in the quotation leads to the ticket, whoever writes', async () => {
  const first = await desk.deliver(mail({ subject: 'Lamp' }))
  const [ack] = await sql`select message_id from outbox`
  const texts = [
    `Still dark.\n\n> Answer to: ${token(first.ticket_id)}.`,
    `Still dark.\n\n-----Original Message-----\nMessage-ID: <${ack!.message_id}>`,
    `Still dark.\n\n${rootId(keys, first.ticket_id!, 'desk.example')}`,
  ]
  for (const text of texts) {
    const end = await desk.deliver(mail({ from: 'eva@home.example', subject: 'Lamp', text }), elsewhere)
    assert.equal([end.ticket_id, threadOf(end).by], [first.ticket_id, 'body_token'], text)
    assert.ok(codes(end).includes('pending_person'))
  }
})

test('X54, MAIL 6.1 (5): a quotation in which nothing but the reference line is left leads to the ticket', async () => {
  const first = await desk.deliver(mail({ subject: 'Lamp' }))
  await transaction(sql, async (tx) => {
    const agent = desk.tools().desk.agents.get('ada@desk.example')!
    await reply(
      tx,
      { ticketId: first.ticket_id!, agent, text: 'Is it plugged in?', channel: 'web', tools: desk.tools() },
      desk.clock.at,
    )
  })
  const sent = await sql<
    { kind: string; text: string; html: string }[]
  >`select kind, text, html from outbox order by id`
  assert.equal(
    sent.map((one) => one.kind),
    ['ack', 'reply'],
  )
  for (const { kind, text, html } of sent) {
    const line = /^Referenz: .*$/m.exec(text)![0]
    const inHtml = /<small>(Referenz: .*)<\/small>/.exec(html)![1]!
    const quotes = [
      { text: `Yes.\n\n> ${line}` },
      { text: `Yes.\n\n${line.replace(': ', ':\n')}` },
      {
        text: `<p>Yes.</p><blockquote type="cite"><p><font size="1">${inHtml}</font></p></blockquote>`,
        headers: { 'Content-Type': 'text/html; charset=utf-8' },
      },
    ]
    for (const quote of quotes) {
      const end = await desk.deliver(mail({ subject: 'Something else', ...quote }))
      assert.equal([end.ticket_id, threadOf(end).by], [first.ticket_id, 'body_token'], `${kind}: ${quote.text}`)
    }
  }
})

test('MAIL 6.1 (5), 6.5: what is damaged, an agent’s, beyond 64 KB or an id of agents’ mail is no proof', () => {
  const bases = ['support@desk.example']
  const good = token(7)
  const other = { ...keys, byId: new Map([[0, Buffer.alloc(32)]]) }
  assert.equal(readBodyProofs(`x ${good}, y`, bases, keys), [{ ticket: 7, generation: 0 }])
  assert.equal(readBodyProofs(`mailto:${good.toUpperCase()}>`, bases, keys), [{ ticket: 7, generation: 0 }])
  for (const text of [
    good.replace('+r', '+rb'),
    token(7, 'a'),
    `${'x'.repeat(64 * 1024)} ${good}`,
    makeMessageId(keys, 'n', 7, 'desk.example', MONDAY),
    makeMessageId(keys, 's', 7, 'desk.example', MONDAY),
    makeMessageId(other, 'c', 7, 'desk.example', MONDAY),
    '[#7] ticket-7@desk.example',
  ])
    assert.equal(readBodyProofs(text, bases, keys), [], text.slice(-80))
  const begun = performance.now()
  readBodyProofs('a+raaaaaaaaaaaaaaaaaaaaaaa@'.repeat(3000), bases, keys)
  readBodyProofs('x'.repeat(70_000), bases, keys)
  assert.ok(performance.now() - begun < 1000)
})

test('MAIL 5.8, 6.1 (5): a revoked address in a quotation proves nothing', async () => {
  const first = await desk.deliver(mail({ subject: 'Lamp' }))
  await sql`update tickets set token_generation = 1 where id = ${first.ticket_id}`
  const end = await desk.deliver(mail({ subject: 'Lamp', text: `Hello\n> ${token(first.ticket_id)}` }))
  assert.is.not(end.ticket_id, first.ticket_id)
  assert.is(threadOf(end).refused[0]!.why, 'the address was revoked')
})

test('MAIL 6.1 (7): the provider’s thread counts with the same subject and a known sender, from the provider only', async () => {
  const imap = (thread_id: string) => ({ via: 'imap' as const, listener: 'gmail', session: { thread_id } as never })
  const first = await desk.deliver(mail({ subject: 'Bill' }), imap('1790'))
  const next = await desk.deliver(mail({ subject: 'Re: Bill' }), imap('1790'))
  assert.equal([next.ticket_id, threadOf(next).by], [first.ticket_id, 'provider'])
  const renamed = await desk.deliver(mail({ subject: 'Bike' }), imap('1790'))
  assert.is.not(renamed.ticket_id, first.ticket_id)
  const sly = await desk.deliver(mail({ from: 'sly@other.example', subject: 'Bill' }), imap('1790'))
  assert.is.not(sly.ticket_id, first.ticket_id)
  const claimed = await desk.deliver(mail({ subject: 'Bill', headers: { 'X-GM-THRID': '1790' } }))
  assert.is.not(claimed.ticket_id, first.ticket_id)
  const account = await desk.deliver(mail({ subject: 'Bill' }), { ...imap('1790'), listener: 'another' })
  assert.is.not(account.ticket_id, first.ticket_id)
})

test('MAIL 6.1: the token says one ticket, References another: the first has it, the other is linked', async () => {
  const nine = await desk.deliver(mail({ subject: 'Nine', headers: { 'Message-ID': '<nine@acme.example>' } }))
  const twelve = await desk.deliver(mail({ subject: 'Twelve' }))
  const end = await desk.deliver(
    mail({ to: token(twelve.ticket_id), subject: 'Re: Twelve', headers: { References: '<nine@acme.example>' } }),
  )
  assert.is(end.ticket_id, twelve.ticket_id)
  assert.equal(await links(twelve.ticket_id), [`refers_to ${nine.ticket_id}`])
  assert.ok(codes(end).includes('also_refers'))
  const sly = await desk.deliver(
    mail({ from: 'sly@other.example', to: token(twelve.ticket_id), headers: { References: '<nine@acme.example>' } }),
  )
  assert.is(sly.ticket_id, twelve.ticket_id)
  assert.not.ok(codes(sly).includes('also_refers'), 'they take no part in the other')
})

test('X55, MAIL 6.8: a new subject on a done ticket is a new one, on an open one it is noted; Thread-Index is nothing', async () => {
  const first = await desk.deliver(mail({ subject: 'Door', headers: { 'Message-ID': '<door@acme.example>' } }))
  const again = (subject: string) => desk.deliver(mail({ subject, headers: { 'In-Reply-To': '<door@acme.example>' } }))
  const open = await again('Window')
  assert.is(open.ticket_id, first.ticket_id)
  assert.ok(codes(open).includes('new_subject'))
  assert.is((await ticket(first.ticket_id)).subject, 'Door')
  await resolve(first.ticket_id)
  const done = await again('Chimney')
  assert.is.not(done.ticket_id, first.ticket_id)
  assert.is((await ticket(done.ticket_id)).subject, 'Chimney')
  assert.equal(await links(done.ticket_id), [`follow_up ${first.ticket_id}`])
  const outlook = { 'Thread-Index': 'AQHZ', 'Thread-Topic': 'Invoice' }
  const one = await desk.deliver(mail({ subject: 'Invoice', text: 'May', headers: outlook }))
  const two = await desk.deliver(mail({ subject: 'Invoice', text: 'June', headers: outlook }))
  assert.is.not(one.ticket_id, two.ticket_id)
})

test('MAIL 6.9: a participant who is proven brings people in by Cc; others suggest; at most twenty', async () => {
  const first = await desk.deliver(mail({ headers: { Cc: 'Carl <carl@acme.example>' } }))
  assert.equal(await people(first.ticket_id), ['carl@acme.example participant'])
  const to = token(first.ticket_id)
  await desk.deliver(mail({ from: 'sly@other.example', to, headers: { Cc: 'friend@other.example' } }), elsewhere)
  const unproven = ['friend@other.example suggested', 'sly@other.example pending']
  assert.equal(await people(first.ticket_id), ['carl@acme.example participant', ...unproven])
  // proven, but nobody here
  await desk.deliver(mail({ from: 'noor@borealis.example', to, headers: { Cc: 'ole@borealis.example' } }))
  assert.ok((await people(first.ticket_id)).includes('ole@borealis.example suggested'))
  await desk.deliver(mail({ to, headers: { Cc: 'friend@other.example' } }))
  assert.ok((await people(first.ticket_id)).includes('friend@other.example participant'), 'now somebody may say so')
  const many = Array.from({ length: 17 }, (_, n) => `p${n}@acme.example`).join(', ')
  await desk.deliver(mail({ to, headers: { Cc: many } }))
  await desk.deliver(mail({ to, headers: { Cc: 'q1@acme.example, q2@acme.example' } }))
  const all = await people(first.ticket_id)
  assert.is(all.filter((one) => one.endsWith(' participant')).length, 20)
  assert.ok(all.includes('q2@acme.example suggested'))
})

test('MAIL 6.9: a colleague who is proven takes part at once and is a contact; a stranger waits and is none', async () => {
  const first = await desk.deliver(mail({}))
  const to = token(first.ticket_id)
  const carl = await desk.deliver(mail({ from: 'Carl <carl@acme.example>', to }))
  assert.not.ok(codes(carl).includes('pending_person'))
  assert.equal(await people(first.ticket_id), ['carl@acme.example participant'])
  assert.is((await findContact(sql, 'carl@acme.example'))!.name, 'Carl')
  const doubtful = await desk.deliver(mail({ from: 'dora@acme.example', to }), elsewhere)
  assert.ok(codes(doubtful).includes('pending_person'))
  const stranger = await desk.deliver(mail({ from: 'sly@other.example', to }), elsewhere)
  assert.ok(codes(stranger).includes('pending_person'))
  assert.is(await findContact(sql, 'sly@other.example'), null)
  const bo = desk.tools().desk.agents.get('bo@desk.example')!
  const input = { ticketId: first.ticket_id!, agent: bo, text: 'Yes.', channel: 'web' as const, tools: desk.tools() }
  await transaction(sql, (tx) => reply(tx, input, MONDAY))
  const sent = await sql`select recipient from outbox where kind = 'reply' order by recipient`
  assert.equal(
    sent.map((row) => row.recipient),
    ['carl@acme.example', 'eva@acme.example'],
  )
})

test('MAIL 6.9: an agent admits who waits: from then on they take part and are a contact', async () => {
  const first = await desk.deliver(mail({}))
  await desk.deliver(mail({ from: 'Sly <sly@other.example>', to: token(first.ticket_id) }), elsewhere)
  const ticketId = first.ticket_id!
  const let_in = (address: string) =>
    transaction(sql, (tx) => admit(tx, { ticketId, address, actor, tools: desk.tools() }, MONDAY))
  await let_in('Sly@other.example')
  assert.equal(await people(ticketId), ['sly@other.example participant'])
  assert.is((await findContact(sql, 'sly@other.example'))!.name, 'Sly')
  const next = await desk.deliver(mail({ from: 'sly@other.example', to: token(ticketId) }))
  assert.not.ok(codes(next).includes('pending_person'))
  const events = await sql`select data from events where ticket_id = ${ticketId} and type = 'admitted'`
  assert.equal(
    events.map((event) => event.data),
    [{ address: 'sly@other.example', from: 'pending' }],
  )
  await let_in('sly@other.example')
  assert.is((await sql`select 1 from events where type = 'admitted'`).length, 1, 'once more changes nothing')
  assert.is(await refusal(let_in('nobody@other.example')), 'unknown_person')
  const bad = { address: 'bo@desk.example', name: '', contactId: null, role: 'suggested' as const }
  await transaction(sql, (tx) => addPeople(tx, ticketId, [bad], MONDAY))
  assert.is(await refusal(let_in('bo@desk.example')), 'not_a_person')
})

test('MAIL 6.10: own addresses, agents, machines and lists never take part', async () => {
  const cc = [
    'support+x@desk.example',
    'bo@desk.example',
    'MAILER-DAEMON@acme.example',
    'no-reply@acme.example',
    'jira-noreply@acme.example',
    'talk@lists.example',
    'talk-request@lists.example',
    'team@googlegroups.com',
    'carl@acme.example',
  ]
  const end = await desk.deliver(mail({ headers: { Cc: cc.join(', '), 'List-Post': '<mailto:talk@lists.example>' } }))
  assert.equal(await people(end.ticket_id), ['carl@acme.example suggested']) // a list's mail invites nobody
  const direct = cc.filter((one) => !one.startsWith('talk@')).join(', ')
  await desk.deliver(mail({ to: token(end.ticket_id), headers: { Cc: direct } }))
  assert.equal(await people(end.ticket_id), ['carl@acme.example participant'])
  const config = desk.tools().desk
  for (const address of [
    'noreen@acme.example',
    'reply@acme.example',
    'norbert.reply@acme.example',
    'donor@acme.example',
  ])
    assert.ok(mayTakePart(config, address, []), address)
  const agent = await desk.deliver(mail({ from: 'bo@desk.example', to: token(end.ticket_id) }))
  assert.is(agent.state, 'commented')
  assert.equal(await people(end.ticket_id), ['carl@acme.example participant'])
})

test('MAIL 6.11: who got the mail by Bcc stands nowhere', async () => {
  const recipients = ['support@desk.example', 'secret@other.example'].map((address) => ({
    address,
    inbox: address.startsWith('support') ? 'support' : null,
    tag: null,
  }))
  const end = await desk.deliver(mail({ headers: { Bcc: 'hidden@other.example' } }), {
    recipients: recipients as never,
  })
  assert.equal(await people(end.ticket_id), [])
  const [id] = await sql`select people from message_ids where direction = 'in'`
  assert.equal(id!.people.toSorted(), ['eva@acme.example', 'eva@acme.example', 'support@desk.example'])
})

test('MAIL 6.16: thanks alone leaves a resolved ticket resolved; anything more opens it', async () => {
  const first = await desk.deliver(mail({ subject: 'Door', headers: { 'Message-ID': '<door@acme.example>' } }))
  const say = (text: string) =>
    desk.deliver(mail({ subject: 'Re: Door', text, headers: { 'In-Reply-To': '<door@acme.example>' } }))
  await resolve(first.ticket_id)
  const thanks = await say('Merci !\n\n> Bo wrote:\n> It is repaired. Is it good now?')
  assert.equal([thanks.state, thanks.ticket_id], ['commented', first.ticket_id])
  assert.is((await ticket(first.ticket_id)).status, 'resolved')
  const [comment] = await sql`select flags from comments where id = ${thanks.comment_id}`
  assert.equal(comment!.flags, ['thanks'])
  assert.not.ok(codes(thanks).includes('reopened'))
  await say('Thanks, still broken')
  assert.is((await ticket(first.ticket_id)).status, 'open')
  await resolve(first.ticket_id)
  await say('Danke, und jetzt?')
  assert.is((await ticket(first.ticket_id)).status, 'open')
})

test('MAIL 6.16: the desk may want it opened again', async () => {
  await desk.reset(demoDesk.replace('settings:', 'settings:\n  thanks: reopen'))
  const first = await desk.deliver(mail({ subject: 'Door', headers: { 'Message-ID': '<door@acme.example>' } }))
  await resolve(first.ticket_id)
  await desk.deliver(mail({ subject: 'Re: Door', text: 'Merci !', headers: { 'In-Reply-To': '<door@acme.example>' } }))
  assert.is((await ticket(first.ticket_id)).status, 'open')
})

test('MAIL 6.16: thanks in seven languages, and what only looks like it', () => {
  const names = ['Eva Beispiel', 'Bo']
  for (const text of [
    'Thanks!',
    'Thank you very much, Bo\n\nEva',
    'Vielen Dank für die Hilfe',
    'Herzlichen Dank!!',
    'Merci beaucoup',
    'Muchas gracias',
    'Dziękuję bardzo',
    'Щиро дякую!',
    'Большое спасибо',
  ])
    assert.ok(isThanksOnly(text, names), text)
  for (const text of [
    '',
    'Bo',
    'ok',
    'Thanks?',
    'Thanks. Broken.',
    'Danke, geht nicht',
    'Merci mais non',
    'No thanks',
    'Thanks, call 4711',
    'thanks and thanks and thanks and thanks',
    'Спасибо, не работает',
    'Dzięki, nie działa',
  ])
    assert.not.ok(isThanksOnly(text, names), text)
})

test('MAIL 6.21: a contact writes from any of their addresses, answers go to the one last used', async () => {
  const first = await desk.deliver(mail({ subject: 'Door', headers: { 'Message-ID': '<door@acme.example>' } }))
  const contact = (await findContact(sql, 'eva@acme.example'))!
  const give = (address: string, contactId = contact.id) =>
    transaction(sql, (tx) => linkAddress(tx, { contactId, address, desk: desk.tools().desk }, MONDAY))
  await give('Eva@Home.example')
  await give('eva@home.example')
  const end = await desk.deliver(
    mail({ from: 'eva@home.example', subject: 'Re: Door', headers: { 'In-Reply-To': '<door@acme.example>' } }),
  )
  assert.is(end.ticket_id, first.ticket_id)
  assert.not.ok(codes(end).includes('pending_person'))
  assert.is((await ticket(first.ticket_id)).requester_address, 'eva@home.example')
  const rows = await sql`select address from contact_addresses where contact_id = ${contact.id} order by address`
  assert.equal(
    rows.map((row) => row.address),
    ['eva@acme.example', 'eva@home.example'],
  )
  const dotted = await desk.deliver(mail({ from: 'e.va@home.example' }))
  assert.is.not((await ticket(dotted.ticket_id)).requester_id, contact.id)
  assert.is(await refusal(give('e.va@home.example')), 'address_taken')
  assert.is(await refusal(give('support@desk.example')), 'own_address')
  assert.is(await refusal(give('new@home.example', 999_999)), 'unknown_contact')
})

test('MAIL 6.21: a participant who is a contact writes from their other address too', async () => {
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<door@acme.example>' } }))
  await desk.deliver(mail({ from: 'carl@acme.example', to: token(first.ticket_id) }))
  const carl = (await findContact(sql, 'carl@acme.example'))!
  const input = { contactId: carl.id, address: 'carl@home.example', desk: desk.tools().desk }
  await transaction(sql, (tx) => linkAddress(tx, input, MONDAY))
  const end = await desk.deliver(
    mail({ from: 'carl@home.example', headers: { 'In-Reply-To': '<door@acme.example>' } }),
    elsewhere,
  )
  assert.equal([end.ticket_id, codes(end).includes('pending_person')], [first.ticket_id, false])
})

test('MAIL 6.24: another system is followed by its own number, where a rule says so and its domain is proven', async () => {
  const rule = '{from: borealis.example, matches: "\\\\[([A-Z]+-[0-9]+)\\\\]"}'
  await desk.reset(demoDesk.replace('settings:', `settings:\n  correlations: [${rule}]`))
  const from = 'Jira <jira@borealis.example>'
  const first = await desk.deliver(mail({ from, subject: '[OPS-12] Disk full' }))
  const next = await desk.deliver(mail({ from, subject: '[ops-12] Comment added by Noor' }))
  assert.equal([next.ticket_id, threadOf(next).by], [first.ticket_id, 'external_id'])
  const other = await desk.deliver(mail({ from, subject: '[OPS-13] Disk full' }))
  assert.is.not(other.ticket_id, first.ticket_id)
  const forged = await desk.deliver(mail({ from, subject: '[OPS-12] Hello' }), elsewhere)
  assert.is.not(forged.ticket_id, first.ticket_id)
  const foreign = await desk.deliver(mail({ subject: '[OPS-12] Hello' }))
  assert.is.not(foreign.ticket_id, first.ticket_id)
  const [stored] = await sql`select message_id from message_ids where direction = 'external' order by id`
  assert.is(stored!.message_id, 'external borealis.example ops-12')
  const id = await desk.deliver(
    mail({ from: 'noor@borealis.example', headers: { 'In-Reply-To': '<external borealis.example ops-12>' } }),
  )
  assert.is.not(id.ticket_id, first.ticket_id)
})

test('MAIL 6.24: a number in a mail that came with our token is remembered', async () => {
  const rule = '{from: jira@borealis.example, matches: "OPS-[0-9]+", in: text}'
  await desk.reset(demoDesk.replace('settings:', `settings:\n  correlations: [${rule}]`))
  const first = await desk.deliver(mail({}))
  const from = 'jira@borealis.example'
  await desk.deliver(mail({ from, to: token(first.ticket_id), text: 'Created as OPS-9.' }))
  const next = await desk.deliver(mail({ from, subject: 'Done', text: 'OPS-9 was closed.' }))
  assert.equal([next.ticket_id, threadOf(next).by], [first.ticket_id, 'external_id'])
})

test.run()

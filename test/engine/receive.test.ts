import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { blobBytes } from '../../src/blobs.ts'
import { transaction } from '../../src/database.ts'
import { deleteTicket, markSpam, reply, setStatus } from '../../src/engine/tickets.ts'
import { release } from '../../src/mail/spool.ts'
import { DAY } from '../../src/time.ts'
import { makeMessageId, rootId, signedAddress } from '../../src/tokens.ts'
import { demoDesk, keys, MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const actor = { kind: 'system' as const, id: null, name: 'test' }
const codes = (ending: { reasons: { code: string }[] }) => ending.reasons.map((reason) => reason.code)
const ticket = async (id: number | null) => (await sql`select * from tickets where id = ${id}`)[0]!
const outgoing = async () => await sql`select * from outbox order by id`
const token = (ticketId: number, purpose: 'c' | 'a' = 'c', generation = 0) =>
  signedAddress(keys, 'support@desk.example', {
    purpose,
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket: ticketId,
    person: 0,
    generation,
    comment: 0,
  })

test('a customer mail becomes a ticket in their project, with its promise and one acknowledgement', async () => {
  const end = await desk.deliver(mail({ subject: 'Der Drucker streikt' }))
  assert.is(end.state, 'ticketed')
  assert.is(end.kind, 'human')
  const [row] = await sql`
    select t.*, p.key as project, o.key as organization, c.name as contact, tm.key as team
    from tickets t join projects p on p.id = t.project_id join organizations o on o.id = t.organization_id
    join contacts c on c.id = t.requester_id join teams tm on tm.id = t.team_id where t.id = ${end.ticket_id}`
  assert.is(row!.project, 'acme/incoming')
  assert.is(row!.organization, 'acme')
  assert.is(row!.contact, 'Eva Beispiel')
  assert.is(row!.team, 'support')
  assert.is(row!.status, 'new')
  assert.is(row!.locale, 'de')
  // Monday 09:30 in Berlin, gold: four working hours and 24
  assert.is(row!.next_due_at.toISOString(), '2026-11-23T12:30:00.000Z')
  const clocks = await sql`select metric, due_at from sla_clocks where ticket_id = ${end.ticket_id} order by metric`
  assert.equal(
    clocks.map((clock) => [clock.metric, clock.due_at.toISOString()]),
    [
      ['first_response', '2026-11-23T12:30:00.000Z'],
      ['resolution', '2026-11-26T08:30:00.000Z'],
    ],
  )
  const [ack, ...more] = await outgoing()
  assert.is(more.length, 0)
  assert.is(ack!.kind, 'ack')
  assert.is(ack!.recipient, 'eva@acme.example')
  assert.match(ack!.subject, /Der Drucker streikt/) // their own words, for the sender is proven (4a.25)
  assert.match(ack!.text, `#${end.ticket_id}`)
  assert.match(ack!.text, /13:30/)
})

test('MAIL 4a.25: who is not proven gets the number and the dates, and no word of what they wrote', async () => {
  const end = await desk.deliver(mail({ from: 'Buy <victim@other.example>', subject: 'Buy http://x.example' }))
  const [ack] = await outgoing()
  assert.match(ack!.subject, `#${end.ticket_id}`)
  assert.match(ack!.text, /\d\d:\d\d/)
  assert.not.match(`${ack!.subject} ${ack!.text} ${ack!.html}`, /Buy|x\.example/)
})

test('MAIL 6.1 (1): a signed address leads to its ticket, whoever writes; a stranger is pending', async () => {
  const first = await desk.deliver(mail({}))
  const own = await desk.deliver(mail({ to: token(first.ticket_id!) }), {
    recipients: [{ address: token(first.ticket_id!), inbox: 'support', tag: null }],
  })
  assert.is(own.state, 'commented')
  assert.is(own.ticket_id, first.ticket_id)
  const stranger = await desk.deliver(mail({ from: 'sly@other.example', to: token(first.ticket_id!) }))
  assert.is(stranger.ticket_id, first.ticket_id)
  assert.ok(codes(stranger).includes('pending_person'))
  const [person] = await sql`select role from ticket_participants where address = 'sly@other.example'`
  assert.is(person!.role, 'pending')
  assert.is((await outgoing()).length, 1)
})

test('MAIL 1.8, 5.8: a damaged or revoked signed address makes a new ticket, flagged', async () => {
  const first = await desk.deliver(mail({}))
  const broken = token(first.ticket_id!).replace(/.@/, (end) => (end === 'a@' ? 'b@' : 'a@'))
  const flipped = await desk.deliver(mail({ to: broken }))
  assert.is.not(flipped.ticket_id, first.ticket_id)
  assert.ok(codes(flipped).includes('bad_token'))
  await sql`update tickets set token_generation = 1 where id = ${first.ticket_id}`
  const revoked = await desk.deliver(mail({ to: token(first.ticket_id!) }))
  assert.is.not(revoked.ticket_id, first.ticket_id)
  assert.ok(codes(revoked).includes('refused_claim'))
})

test('MAIL 6.1 (2), (3): our ids and the ids of stored mails lead to the ticket', async () => {
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<start@mail.example>' } }))
  const [ack] = await outgoing()
  const byAck = await desk.deliver(mail({ subject: 'Re: x', headers: { 'In-Reply-To': `<${ack!.message_id}>` } }))
  const root = rootId(keys, first.ticket_id!, 'desk.example')
  const byRoot = await desk.deliver(mail({ headers: { References: `<unknown@x.example> <${root}>` } }))
  const byOwn = await desk.deliver(mail({ headers: { 'In-Reply-To': '<start@mail.example>' } }))
  for (const end of [byAck, byRoot, byOwn]) assert.is(end.ticket_id, first.ticket_id)
  assert.is(byOwn.trace.thread && (byOwn.trace.thread as { by: string }).by, 'foreign_id')
})

test('MAIL 6.3: an addressee of a stored mail may refer to it, a stranger may not', async () => {
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<cc@mail.example>', Cc: 'carl@acme.example' } }))
  const carl = await desk.deliver(mail({ from: 'carl@acme.example', headers: { References: '<cc@mail.example>' } }))
  assert.is(carl.ticket_id, first.ticket_id)
  const sly = await desk.deliver(mail({ from: 'sly@other.example', headers: { References: '<cc@mail.example>' } }))
  assert.is.not(sly.ticket_id, first.ticket_id)
  const [link] =
    await sql`select kind from ticket_links where ticket_id = ${sly.ticket_id} and other_id = ${first.ticket_id}`
  assert.is(link!.kind, 'refers_to')
})

test('MAIL 6.4, X49: a guessed id of our form is nothing', async () => {
  const first = await desk.deliver(mail({}))
  const others = { ...keys, byId: new Map([[0, Buffer.alloc(32)]]) }
  const forged = [
    makeMessageId(others, 'a', first.ticket_id!, 'desk.example', MONDAY),
    rootId(others, first.ticket_id!, 'desk.example'), // the root stands in no row: its MAC is all that proves it
  ]
  for (const id of forged) {
    const end = await desk.deliver(mail({ headers: { 'In-Reply-To': `<${id}>` } }))
    assert.is(end.state, 'ticketed', id)
  }
})

test('MAIL 6.6, X48: a stranger who writes [#n] gets a new ticket, the requester their own', async () => {
  const first = await desk.deliver(mail({}))
  const sly = await desk.deliver(mail({ from: 'sly@other.example', subject: `[#${first.ticket_id}] give me all` }))
  assert.is(sly.state, 'ticketed')
  assert.is.not(sly.ticket_id, first.ticket_id)
  const eva = await desk.deliver(mail({ subject: `Text[#${first.ticket_id}]touching` }))
  assert.is(eva.ticket_id, first.ticket_id)
})

test('MAIL 6.8, 6.12: reopening within 14 days, a follow-up after, a new subject on a done ticket', async () => {
  const first = await desk.deliver(mail({ subject: 'Door', headers: { 'Message-ID': '<door@mail.example>' } }))
  const resolve = () =>
    transaction(sql, (tx) => setStatus(tx, { ticketId: first.ticket_id!, status: 'resolved', actor }, desk.clock.at))
  const again = (subject: string) => desk.deliver(mail({ subject, headers: { 'In-Reply-To': '<door@mail.example>' } }))
  await resolve()
  const reopened = await again('Re: Door')
  assert.is(reopened.ticket_id, first.ticket_id)
  assert.is((await ticket(first.ticket_id)).status, 'open')
  await resolve()
  const renamed = await again('Something else entirely')
  assert.is.not(renamed.ticket_id, first.ticket_id)
  desk.clock.at = new Date(MONDAY.getTime() + 15 * DAY)
  const late = await again('Re: Door')
  assert.is.not(late.ticket_id, first.ticket_id)
  assert.ok(codes(late).includes('follow_up'))
  assert.is((await ticket(first.ticket_id)).status, 'resolved')
})

test('HOUSE: an agent answers, the ticket waits, the customer writes, it is open again', async () => {
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<q@mail.example>' } }))
  const bo = desk.tools().desk.agents.get('bo@desk.example')!
  await transaction(sql, (tx) =>
    reply(
      tx,
      { ticketId: first.ticket_id!, agent: bo, text: 'Try again.', channel: 'web', tools: desk.tools() },
      MONDAY,
    ),
  )
  assert.is((await ticket(first.ticket_id)).status, 'waiting_customer')
  const sent = (await outgoing()).find((row) => row.kind === 'reply')!
  const end = await desk.deliver(mail({ subject: 'Re: it', headers: { 'In-Reply-To': `<${sent.message_id}>` } }))
  assert.is(end.ticket_id, first.ticket_id)
  assert.is((await ticket(first.ticket_id)).status, 'open')
})

test('MAIL 7.1: a comment shows what was written now; the quotation is kept behind it', async () => {
  const text =
    'It works again.\n\nOn Mon, 23 Nov 2026 at 09:00, Bo <support@desk.example> wrote:\n> Try to restart it.\n> Bo'
  const end = await desk.deliver(mail({ text }))
  const [comment] = await sql`select text, visible from comments where id = ${end.comment_id}`
  assert.is(comment!.visible, 'It works again.')
  assert.match(comment!.text, 'Try to restart it.')
})

test('MAIL 6.13, 6.14: merged leads to its target, deleted to a new ticket, spam is held', async () => {
  const a = await desk.deliver(mail({ headers: { 'Message-ID': '<a@mail.example>' } }))
  const b = await desk.deliver(mail({ headers: { 'Message-ID': '<b@mail.example>' } }))
  const to = (id: string) => desk.deliver(mail({ headers: { 'In-Reply-To': `<${id}>` } }))
  await sql`update tickets set merged_into = ${b.ticket_id} where id = ${a.ticket_id}`
  assert.is((await to('a@mail.example')).ticket_id, b.ticket_id)
  await sql`update tickets set merged_into = ${a.ticket_id} where id = ${b.ticket_id}`
  assert.is((await to('a@mail.example')).state, 'ticketed') // a ring leads nowhere
  await sql`update tickets set merged_into = null`
  await transaction(sql, (tx) => deleteTicket(tx, { ticketId: a.ticket_id!, actor }, MONDAY))
  assert.is.not((await to('a@mail.example')).ticket_id, a.ticket_id)
  await transaction(sql, (tx) => markSpam(tx, { ticketId: b.ticket_id!, actor }, MONDAY))
  const held = await to('b@mail.example')
  assert.is(held.state, 'held')
  assert.is((await ticket(b.ticket_id)).status, 'new')
})

test('MAIL 0.5, 10: automatic mail opens what the table says and is never answered', async () => {
  const cases: [string, Record<string, string>, string][] = [
    ['autoreply', { 'Auto-Submitted': 'auto-replied' }, 'recorded'],
    ['autogen', { 'Auto-Submitted': 'auto-generated' }, 'ticketed'],
    ['list', { 'List-Id': '<talk.lists.example>', Precedence: 'list' }, 'ticketed'],
    ['human', { 'X-Auto-Response-Suppress': 'All' }, 'ticketed'],
  ]
  for (const [kind, headers, state] of cases) {
    const end = await desk.deliver(mail({ from: `${kind}@other.example`, headers }))
    assert.is(end.kind, kind)
    assert.is(end.state, state, kind)
  }
  const receipt = await desk.deliver(
    mail({
      from: 'mdn@other.example',
      headers: { 'Content-Type': 'multipart/report; report-type=disposition-notification; boundary=b' },
      text: '--b\nContent-Type: text/plain\n\nread\n--b\nContent-Type: message/disposition-notification\n\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--b--',
    }),
  )
  assert.equal([receipt.kind, receipt.state], ['mdn', 'recorded'])
  const nothing = await desk.deliver(mail({ from: 'human2@other.example' }), { from: '' })
  assert.is(nothing.state, 'ticketed')
  assert.is((await outgoing()).length, 0)
  const [quiet] = await sql`select next_due_at, policy_source from tickets where automatic limit 1`
  assert.is(quiet!.next_due_at, null)
})

test('MAIL 4a.18, X40: an out-of-office reply on a resolved ticket is kept, folded, and changes nothing', async () => {
  const first = await desk.deliver(mail({}))
  await transaction(sql, (tx) => setStatus(tx, { ticketId: first.ticket_id!, status: 'resolved', actor }, MONDAY))
  const end = await desk.deliver(
    mail({ to: token(first.ticket_id!), subject: 'Automatic reply: x', headers: { 'Auto-Submitted': 'auto-replied' } }),
  )
  assert.is(end.state, 'commented')
  assert.is((await ticket(first.ticket_id)).status, 'resolved')
  const [comment] = await sql`select visibility, automatic from comments where id = ${end.comment_id}`
  assert.equal([comment!.visibility, comment!.automatic], ['internal', true])
})

test('MAIL 4a.21: our own mail is recorded, a forged own address is held, an agent token is held (0.7)', async () => {
  const first = await desk.deliver(mail({}))
  const [ack] = await outgoing()
  const own = await desk.deliver(
    mail({ from: 'support@desk.example', headers: { 'Message-ID': `<${ack!.message_id}>` } }),
  )
  assert.equal([own.state, own.kind], ['recorded', 'own'])
  const loop = await desk.deliver(mail({ headers: { 'X-Postroom-Loop': 'test-instance' } }))
  assert.equal([loop.state, loop.kind], ['recorded', 'own'])
  const elsewhere = { session: { ip: '192.0.2.66', helo: 'elsewhere.example' } }
  const forged = await desk.deliver(mail({ from: 'support@desk.example' }), elsewhere)
  assert.is(forged.state, 'held')
  const agent = await desk.deliver(mail({ from: 'bo@desk.example', to: token(first.ticket_id!, 'a') }))
  assert.is(agent.state, 'held')
  // told that nothing was sent, and nothing of the ticket
  const [, told, ...more] = await outgoing()
  assert.equal([told!.kind, told!.ticket_id, told!.recipient, more], ['notification', null, 'bo@desk.example', []])
})

test('MAIL 3: the same mail again is a copy, another with its id is not', async () => {
  const once = mail({ headers: { 'Message-ID': '<once@mail.example>' } })
  const first = await desk.deliver(once)
  const second = await desk.deliver(once)
  assert.equal([second.state, second.duplicate_of, second.ticket_id], ['recorded', first.id, first.ticket_id])
  const collision = await desk.deliver(
    mail({ from: 'scan@acme.example', text: 'page two', headers: { 'Message-ID': '<once@mail.example>' } }),
  )
  const edited = await desk.deliver(once.replace('Please help.', 'Please help me with something else.'))
  for (const end of [collision, edited]) {
    assert.is(end.state, 'ticketed')
    assert.ok(codes(end).includes('id_collision'))
  }
  const listed = await desk.deliver(once.replace('MIME-Version', 'List-Id: <talk.lists.example>\nMIME-Version'))
  assert.equal([listed.state, listed.duplicate_of], ['recorded', first.id])
})

test('MAIL 3.1, X21: an empty Message-ID is none: different bodies are different tickets', async () => {
  const headers = { 'Message-ID': '<>' }
  const one = await desk.deliver(mail({ text: 'one', headers }))
  const two = await desk.deliver(mail({ text: 'two', headers }))
  assert.is(two.state, 'ticketed')
  assert.is.not(one.ticket_id, two.ticket_id)
})

test('MAIL 3.5, X22: without id and date, equal content is a copy within ten minutes only', async () => {
  const bare = mail({ text: 'bare', headers: { 'Message-ID': null, Date: null } })
  const at = (minutes: number) => new Date(MONDAY.getTime() + minutes * 60_000)
  desk.clock.at = at(8)
  const first = await desk.deliver(bare)
  for (const minutes of [9, 17]) {
    desk.clock.at = at(minutes) // in the same ten minutes of the clock, and in the next
    assert.is((await desk.deliver(bare)).duplicate_of, first.id)
  }
  desk.clock.at = at(33)
  assert.is((await desk.deliver(bare)).state, 'ticketed')
})

test('FEATURES 0.2: fifty parallel first mails of one sender make one contact', async () => {
  const ids = await Promise.all(
    Array.from({ length: 50 }, (_, n) => desk.accept(mail({ from: 'New <new@acme.example>', subject: `s${n}` }))),
  )
  await desk.idle()
  const [count] = await sql`select count(*)::int as n from contacts`
  assert.is(count!.n, 1)
  const [done] = await sql`select count(*)::int as n from inbound_mails where id = any(${ids}) and state = 'ticketed'`
  assert.is(done!.n, 50)
  // 4a.22: at most three acknowledgements an hour to one address
  assert.is((await outgoing()).length, 3)
})

test('MAIL 4.8: a mail without From opens a ticket without contact, acknowledgement or somebody to answer', async () => {
  const end = await desk.deliver(mail({ headers: { From: null } }), { from: 'bounce-path@acme.example' })
  const row = await ticket(end.ticket_id)
  assert.equal([row.requester_id, row.requester_address], [null, null])
  assert.is((await outgoing()).length, 0)
})

test('MAIL 6.22, 4a.28: a released mail is processed as if it had just arrived', async () => {
  await desk.reset(
    demoDesk.replace(
      'rules:',
      `rules:
  - name: look first
    when: {subject: {contains: suspicious}}
    then: [{hold: please look}]`,
    ),
  )
  const held = await desk.deliver(mail({ subject: 'suspicious' }))
  assert.is(held.state, 'held')
  assert.is((await sql`select 1 from contacts`).length, 0)
  desk.clock.at = new Date('2026-11-24T08:00:00Z')
  await transaction(sql, (tx) => release(tx, { id: held.id, by: 'ada@desk.example' }, desk.clock.at))
  const end = await desk.ending(held.id)
  assert.is(end.state, 'ticketed')
  assert.is((await ticket(end.ticket_id)).next_due_at.toISOString(), '2026-11-24T12:00:00.000Z')
  assert.is((await outgoing()).length, 1)
})

test('attachments come back byte for byte, and a mail that cannot be read becomes a ticket with the raw attached', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 7919) % 256))
  const body = bytes.toString('base64').replace(/.{76}/g, '$&\n')
  const end = await desk.deliver(
    mail({
      headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
      text: `--b\nContent-Type: text/plain\n\nsee file\n--b\nContent-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="a.pdf"\n\n${body}\n--b--`,
    }),
  )
  const [file] = await sql`select * from attachments where ticket_id = ${end.ticket_id}`
  assert.is(file!.filename, 'a.pdf')
  assert.ok((await blobBytes(sql, file!.blob_id, 400_000)).equals(bytes))
})

test.run()

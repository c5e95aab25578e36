/**
 * Monthly statements by mail (C11), through the real pipeline: when they go and to whom, what stands on them, what an
 * answer does, and that an approved month stays as it is.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readBlob } from '../../../src/blobs.ts'
import { openClient, transaction } from '../../../src/database.ts'
import { createDraft, finaliseInvoice, openInvoice } from '../../../src/engine/billing/invoices.ts'
import { listUnbilled } from '../../../src/engine/billing/read.ts'
import { contentOf, fingerprint, readContent } from '../../../src/engine/billing/statements/content.ts'
import { dueMonth, inboxFor } from '../../../src/engine/billing/statements/due.ts'
import { findStatement } from '../../../src/engine/billing/statements/read.ts'
import { reopenStatement, sendDueStatements, sendStatement } from '../../../src/engine/billing/statements.ts'
import { merge } from '../../../src/engine/tickets/merge.ts'
import { note } from '../../../src/engine/tickets.ts'
import { approveEntry, submitEntry } from '../../../src/engine/time-entries/approval.ts'
import { editEntry, enterTime, removeEntry } from '../../../src/engine/time-entries.ts'
import { showStatements } from '../../../src/main/statements.ts'
import { LOCALES } from '../../../src/render.ts'
import { after, DAY } from '../../../src/time.ts'
import { readSignedAddress, signedAddress, type Token } from '../../../src/tokens.ts'
import { demoDesk, keys, mail, startDesk, wholeAddress } from '../../desk.ts'
import { startRandom } from '../../fuzz/random.ts'
import { CLIENTS, composed } from '../notify/clients.ts'
import { header, replyTo, type Sent } from '../notify/desk.ts'
import { refusal } from '../time-desk.ts'

const CHIEF = 'chief@acme.example'
const FINANCE = 'finance@acme.example'
const TO = `statement: monthly, statement_to: [${CHIEF}, ${FINANCE}]`
const text = demoDesk.replace('calendar: berlin, policy: gold}', `calendar: berlin, policy: gold, ${TO}}`)
/** The first working day of November, eight o'clock in Berlin; the 1st is a Sunday. */
const DUE = new Date('2026-11-02T07:00:00Z')
const OCTOBER = { from: '2026-10-01', to: '2026-10-31' }
const ELSEWHERE = { session: { ip: '192.0.2.66', helo: 'mail.evil.example' } }

const desk = await startDesk({ desk: text, now: DUE })
const { sql } = desk
test.after(() => desk.stop())
test.before.each(() => desk.reset())

const worker = (address: string) => {
  const { id, name, admin } = desk.tools().desk.agents.get(address)!
  return { id, name, address, admin, zone: 'Europe/Berlin' }
}
const ada = () => worker('ada@desk.example')
const bo = () => worker('bo@desk.example')
const acme = () => desk.tools().desk.organizations.get('acme')!
const due = (client = sql, now = DUE) => sendDueStatements(client, desk.tools(), now)
const newTicket = async (subject = 'The printer is down', from = 'Eva <eva@acme.example>') =>
  (await desk.deliver(mail({ from, subject }))).ticket_id!

type Spent = {
  date?: string
  billable?: boolean
  note?: string
  workType?: string | null
  state?: 'approved' | 'draft'
}

async function spend(ticketId: number, seconds: number, spent: Spent = {}): Promise<number> {
  const { date = '2026-10-05', state = 'approved', ...details } = spent
  const tools = desk.tools()
  return await transaction(sql, async (tx) => {
    const input = { agent: bo(), place: { ticketId }, when: { date, seconds }, details, tools }
    const entryId = (await enterTime(tx, input, DUE)).entryIds[0]!
    if (state === 'draft') return entryId
    await submitEntry(tx, { entryId, agent: bo(), tools }, DUE)
    await approveEntry(tx, { entryId, agent: ada(), tools }, DUE)
    return entryId
  })
}

const mails = async (kind = 'statement') => [
  ...(await sql<(Sent & { attachment_ids: number[] })[]>`
    select id, recipient, subject, text, html, message_id, ticket_id, kind, headers, attachment_ids from outbox
    where kind = ${kind} order by id`),
]
const statement = async () => (await findStatement(sql, { organizationId: acme().id, from: OCTOBER.from }))!
const stateOf = async () => (await statement())?.state
const closed = async () =>
  (await sql<{ id: number }[]>`select id from time_entries where statement_id is not null order by id`).map(
    (one) => one.id,
  )
const now = async () =>
  contentOf(
    (
      await readContent(sql, {
        organization: acme(),
        desk: desk.tools().desk,
        inbox: inboxFor(desk.tools().desk, acme()),
        period: { organizationId: acme().id, ...OCTOBER },
      })
    ).rows,
  )

/** A month of two entries, sent. */
async function sent() {
  const ticket = await newTicket()
  const entries = [
    await spend(ticket, 3600, { note: 'Changed the drum', workType: 'consulting' }),
    await spend(ticket, 1800, { billable: false, note: 'Looked at it again' }),
  ]
  await sql`delete from outbox`
  await due()
  const [first] = await mails()
  return { ticket, entries, mail: first!, to: replyTo(first!)!.address }
}

type Answering = {
  from?: string
  to: string
  headers?: Record<string, string | null>
  subject?: string
  envelope?: Parameters<typeof desk.deliver>[1]
}

const answers = async (words: string, { from = `Chief <${CHIEF}>`, to, headers = {}, envelope, subject }: Answering) =>
  await desk.deliver(mail({ from, to, subject: subject ?? 'Re: Ihr Zeitnachweis', text: words, headers }), {
    recipients: [{ address: to, inbox: 'support', tag: null }],
    ...envelope,
  })
const why = (end: { reasons: { code: string; words: string }[] }) =>
  end.reasons.filter((one) => one.code === 'statement').map((one) => one.words)

test('on the first working day, once, to the people named, with what was approved of the last month', async () => {
  const ticket = await newTicket('Der Drucker ist aus')
  const other = await newTicket('Somebody else’s', 'Noor <noor@borealis.example>')
  await spend(ticket, 5400, { note: 'Trommel getauscht', workType: 'consulting' })
  await spend(ticket, 1800, { billable: false, note: 'noch einmal geschaut', date: '2026-10-31' })
  await spend(ticket, 3600, { state: 'draft', note: 'not handed in' })
  await spend(ticket, 3600, { date: '2026-11-01', note: 'the next month' })
  await spend(ticket, 3600, { date: '2026-09-30', note: 'the month before' })
  await spend(other, 3600, { note: 'of another customer' })
  await sql`delete from outbox`
  assert.equal(await due(sql, new Date('2026-11-02T06:59:00Z')), { statements: 0, failed: 0 }, 'before eight')
  assert.equal(await due(sql, new Date('2026-11-01T09:00:00Z')), { statements: 0, failed: 0 }, 'a Sunday')
  assert.equal(await due(), { statements: 1, failed: 0 })
  assert.equal(await due(sql, after(DUE, DAY)), { statements: 0, failed: 0 }, 'once')
  const rows = await mails()
  assert.equal(
    rows.map((row) => row.recipient),
    [CHIEF, FINANCE],
  )
  assert.is(rows[0]!.message_id, rows[1]!.message_id, 'one mail to both')
  const [row] = rows
  assert.is(row!.subject, '[Desk Support] Ihr Zeitnachweis für Oktober 2026')
  assert.match(
    row!.text,
    /acme\/incoming:\n#\d+: Der Drucker ist aus\n- 05\.10\.2026 \| Bo \| 1:30 \| 210,00\s€ \| Consulting: Trommel getauscht/,
  )
  assert.match(row!.text, /31\.10\.2026 \| Bo \| 0:30 \| kostenlos \| Support: noch einmal geschaut/)
  assert.match(row!.text, 'Abrechenbar: 1 Stunde 30 Minuten\nKostenlos: 30 Minuten\nBetrag vor Steuern: 210,00')
  for (const words of ['not handed in', 'the next month', 'the month before', 'another customer', '@desk.example'])
    assert.not.match(row!.text + row!.html, words)
  const [ours] =
    await sql`select status, tags, requester_address, next_due_at from tickets where id = ${row!.ticket_id}`
  assert.equal(
    { ...ours },
    { status: 'waiting_customer', tags: ['statement'], requester_address: CHIEF, next_due_at: null },
  )
  const csv = await csvOf(row!)
  assert.match(csv, /^\ufeffdate,project,ticket,/)
  assert.match(
    csv,
    /2026-10-05,acme\/incoming,\d+,Der Drucker ist aus,Bo,Trommel getauscht,Consulting,true,90,5400,5400,1\.5000,210\.00,EUR/,
  )
  const token = readSignedAddress(keys, 'support@desk.example', replyTo(row!)!.address)
  assert.equal(
    [token?.purpose, token?.ticket, token?.person, token?.comment],
    ['s', row!.ticket_id, (await statement()).id, 1],
  )
  assert.is(header(row!, 'Auto-Submitted'), 'auto-generated')
})

async function csvOf({ attachment_ids: [id] }: { attachment_ids: number[] }): Promise<string> {
  const [file] = await sql`select blob_id, filename from attachments where id = ${id!}`
  assert.is(file!.filename, 'statement-acme-2026-10.csv')
  const parts: Buffer[] = []
  for await (const part of readBlob(sql, file!.blob_id)) parts.push(part)
  return Buffer.concat(parts).toString()
}

test('nothing is sent where there was no time, and not later either; off is off', async () => {
  const ticket = await newTicket()
  await sql`delete from outbox`
  assert.equal(await due(), { statements: 0, failed: 0 })
  assert.is(await stateOf(), 'empty')
  await spend(ticket, 3600)
  assert.equal(await due(sql, after(DUE, DAY)), { statements: 0, failed: 0 })
  assert.equal(await mails(), [])
  await desk.reset(demoDesk)
  await spend(await newTicket(), 3600)
  assert.equal(await due(), { statements: 0, failed: 0 })
  assert.is((await sql`select from statements`).length, 0)
  await desk.reset()
  await spend(await newTicket(), 3600)
  assert.equal(await due(sql, after(DUE, 8 * DAY)), { statements: 0, failed: 0 }, 'too late to go by itself')
  assert.equal(await due(sql, after(DUE, 6 * DAY)), { statements: 1, failed: 0 }, 'a desk that was down')
})

test('the day it is due follows the customer’s calendar and zone', () => {
  const { desk: is } = desk.tools()
  const on = (organization: string, at: string) =>
    dueMonth(is, is.organizations.get(organization)!, new Date(at))?.from ?? null
  assert.is(on('acme', '2026-11-02T06:59:59Z'), null)
  assert.is(on('acme', '2026-11-02T07:00:00Z'), '2026-10-01')
  assert.is(on('borealis', '2026-11-02T12:59:00Z'), null, 'five hours behind Berlin, and without summer time')
  assert.is(on('borealis', '2026-11-02T13:00:00Z'), '2026-10-01')
  assert.is(on('acme', '2026-10-01T06:00:00Z'), '2026-09-01')
  assert.is(on('acme', '2027-01-01T08:00:00Z'), '2026-12-01', 'their calendar knows no holiday')
})

test('what cannot be sent is a notice to the admins, and no other customer waits for it', async () => {
  const own = text.replace(
    'policy: silver\n',
    'policy: silver\n    statement: monthly\n    statement_to: [noor@borealis.example]\n',
  )
  await desk.reset(own)
  await spend(await newTicket(), 60)
  await spend(await newTicket('Theirs', 'Noor <noor@borealis.example>'), 60)
  const { desk: is } = desk.tools()
  const organizations = new Map(is.organizations)
  organizations.set('acme', { ...is.organizations.get('acme')!, statement_to: ['mailer-daemon@acme.example'] })
  const tools = { ...desk.tools(), desk: { ...is, organizations } }
  const at = after(DUE, 6 * 3_600_000)
  assert.equal(await sendDueStatements(sql, tools, at), { statements: 1, failed: 1 })
  assert.equal(
    (await mails()).map((one) => one.recipient),
    ['noor@borealis.example'],
  )
  const notices = async () =>
    (await sql`select subject, words, settled_at is null as open from notices`).filter((one) => one.open)
  assert.match((await notices())[0]!.words, 'The statement of Acme for 2026-10 could not be sent')
  assert.equal(await due(sql, at), { statements: 1, failed: 0 })
  assert.is((await notices()).length, 0, 'settled when it could be')
})

test('two daemons at once send one', async () => {
  const ticket = await newTicket()
  await spend(ticket, 3600)
  const other = openClient(desk.database.target)
  try {
    const both = await Promise.all([due(), due(other), due(), due(other)])
    assert.is(
      both.reduce((sum, one) => sum + one.statements, 0),
      1,
    )
  } finally {
    await other.end()
  }
  assert.is((await mails()).length, 2)
  assert.is((await sql`select from tickets where 'statement' = any(tags)`).length, 1)
})

test('a yes approves in each language, closes the month, resolves the ticket and is answered once', async () => {
  for (const yes of ['Yes', 'OK, danke.', 'ja', 'Oui, merci', 'Sí.', 'tak', 'так', 'Да']) {
    await desk.reset()
    const { entries, mail: out, to } = await sent()
    await sql`delete from outbox`
    const end = await answers(yes, { to })
    assert.equal([end.state, end.ticket_id, await stateOf()], ['commented', out.ticket_id, 'approved'], yes)
    assert.equal(await closed(), entries)
    const [row] = await sql`select status from tickets where id = ${out.ticket_id}`
    assert.is(row!.status, 'resolved')
    const [receipt, ...more] = await mails('ack')
    assert.equal([receipt!.recipient, more.length], [CHIEF, 0])
    assert.is(receipt!.subject, '[Desk Support] Ihr Zeitnachweis für Oktober 2026 ist bestätigt')
    assert.match(receipt!.text, `von ${CHIEF}`)
    const { answered_by: by, answer } = await statement()
    assert.equal([by, answer], [CHIEF, yes])
    // said twice, and by the other reader
    await answers(yes, { to })
    await answers(yes, { to, from: `Finance <${FINANCE}>` })
    assert.is((await mails('ack')).length, 1)
    assert.is((await sql`select status from tickets where id = ${out.ticket_id}`)[0]!.status, 'resolved')
  }
})

test('anything else is read by a person, in the ticket of the statement', async () => {
  for (const words of [
    'The second line is wrong.',
    'No.',
    'Yes, but the second line is wrong.',
    'Ja, aber die zweite Zeile stimmt nicht.',
    'Ok?',
    'yesterday we talked about this',
    'Please check.\n\nYes',
  ]) {
    await desk.reset()
    const { mail: out, to } = await sent()
    const end = await answers(words, { to })
    assert.equal([end.state, end.ticket_id, await stateOf()], ['commented', out.ticket_id, 'disputed'], words)
    const [row] = await sql`
      select t.status, p.key, t.next_due_at from tickets t join projects p on p.id = t.project_id where t.id = ${out.ticket_id}`
    assert.equal(
      [row!.status, row!.key, row!.next_due_at !== null],
      ['open', 'acme/incoming', true],
      'and has its clock',
    )
    assert.equal(await closed(), [])
    assert.equal(await mails('ack'), [])
    await answers('Now yes?', { to })
    await answers('Yes', { to })
    assert.is(await stateOf(), 'approved', 'after all')
  }
})

test('an objection after the approval opens the ticket again, and changes nothing else', async () => {
  for (const words of ['Yes, but the second line is wrong after all.', 'We were wrong.']) {
    await desk.reset()
    const { mail: out, entries, to } = await sent()
    await answers('Yes', { to })
    await answers(words, { to })
    assert.is((await sql`select status from tickets where id = ${out.ticket_id}`)[0]!.status, 'open', words)
    assert.equal([await stateOf(), await closed()], ['approved', entries])
  }
})

const forge = (token: Partial<Token>) => async (to: string) => {
  const real = readSignedAddress(keys, 'support@desk.example', to)!
  return signedAddress(keys, 'support@desk.example', { ...real, ...token })
}

const FORGED: [name: string, change: Omit<Answering, 'to'> & { at?(to: string): Promise<string>; words?: string }][] = [
  ['an unproven sender', { envelope: ELSEWHERE }],
  ['somebody it was not sent to', { from: 'Eva <eva@acme.example>' }],
  ['a stranger', { from: 'Sly <sly@borealis.example>' }],
  ['an agent', { from: 'Bo <bo@desk.example>' }],
  ['a customer’s address of the ticket', { at: forge({ purpose: 'c', person: 0, comment: 0 }) }],
  ['a token of another mail of it', { at: forge({ comment: 2 }) }],
  ['a token of no mail of it', { at: forge({ comment: 0 }) }],
  ['a token of another statement', { at: forge({ person: 4711 }) }],
  ['a token of another ticket', { at: forge({ ticket: 1 }) }],
  ['a token of another generation', { at: forge({ generation: 1 }) }],
  ['a damaged token', { at: async (to) => to.replace(/.(?=@)/, (last) => (last === 'a' ? 'b' : 'a')) }],
  ['an automatic answer', { headers: { 'Auto-Submitted': 'auto-replied' } }],
  ['an absence notice', { subject: 'Automatic reply: Ihr Zeitnachweis', headers: { 'X-Autoreply': 'yes' } }],
  ['the null sender', { envelope: { from: '' } }],
  ['a mailing list', { headers: { 'List-Id': '<all.acme.example>', Precedence: 'list' } }],
  [
    'a read receipt’s header',
    { headers: { 'Content-Type': 'multipart/report; report-type=disposition-notification; boundary=b' } },
  ],
  ['two senders', { from: `Chief <${CHIEF}>, Eva <eva@acme.example>` }],
  ['another’s name', { from: `"${CHIEF}" <eva@acme.example>` }],
  ['a Sender of theirs', { from: 'Eva <eva@acme.example>', headers: { Sender: CHIEF } }],
  ['a Reply-To of theirs', { from: 'Eva <eva@acme.example>', headers: { 'Reply-To': CHIEF } }],
  ['a quoted yes', { words: '> yes\n\nI have not read it yet.' }],
  ['a quoted yes and nothing else', { words: '> yes' }],
  ['a yes below the quotation line', { words: 'Hello,\n\nAm 02.11.2026 schrieb Desk Support:\n> Ja\n> yes' }],
  ['a yes in the signature', { words: 'Please wait.\n\n-- \nYes Ltd.\nyes' }],
  ['a yes in the subject', { subject: 'Yes', words: 'See the subject.' }],
]

for (const [name, { at, words = 'Yes', ...change }] of FORGED)
  test(`approves nothing: ${name}`, async () => {
    const { to } = await sent()
    await sql`delete from outbox`
    const end = await answers(words, { ...change, to: at ? await at(to) : to })
    assert.ok(['sent', 'disputed'].includes(await stateOf()), JSON.stringify(end.reasons))
    assert.equal(await closed(), [])
    assert.equal(await mails('ack').then((all) => all.filter((one) => /bestätigt/.test(one.subject))), [])
    assert.ok(end.reasons.length > 0, 'and says why')
  })

test('a reply address on the envelope alone approves nothing: a mail of theirs can be sent on', async () => {
  const { to } = await sent()
  const end = await desk.deliver(mail({ from: `Chief <${CHIEF}>`, text: 'Yes' }), {
    recipients: [{ address: to, inbox: 'support', tag: null }],
  })
  assert.is(await stateOf(), 'sent')
  assert.equal(why(end), ['it approves nothing: its reply address does not stand in its header'])
})

test('a yes in HTML that nobody sees approves nothing', async () => {
  const { to } = await sent()
  const body = {
    text: null,
    html: '<div style="display:none">Yes</div><p>We do not agree with this.</p>',
  }
  const raw = composed({ from: `Chief <${CHIEF}>`, to, subject: 'x', date: 'Mon, 2 Nov 2026 09:00:00 +0100', body })
  await desk.deliver(raw, { recipients: [{ address: to, inbox: 'support', tag: null }] })
  assert.is(await stateOf(), 'disputed')
})

test('the statement quoted in any client under a yes is approved; sent back without one it is not', async () => {
  for (const [client, quote] of Object.entries(CLIENTS)) {
    await desk.reset()
    const { mail: out, to } = await sent()
    const date = 'Mon, 2 Nov 2026 09:00:00 +0100'
    const deliver = async (own: string) =>
      await desk.deliver(
        composed({ from: `Chief <${CHIEF}>`, to, subject: out.subject, date, body: quote(out, own) }),
        {
          recipients: [{ address: to, inbox: 'support', tag: null }],
        },
      )
    await deliver('Bitte warten Sie.')
    assert.is.not(await stateOf(), 'approved', client)
    await deliver('Ja')
    const marksNothing = client.startsWith('a client that marks nothing') || client === 'mutt, below the quotation'
    if (!marksNothing) assert.is(await stateOf(), 'approved', client)
  }
})

test('an approved month stays as it is: nothing is entered, changed, handed in, moved or taken out', async () => {
  const { ticket, entries, to } = await sent()
  const draft = await spend(ticket, 600, { state: 'draft' })
  const november = await spend(ticket, 600, { state: 'draft', date: '2026-11-02' })
  await answers('Yes', { to })
  assert.is(await stateOf(), 'approved')
  const tools = desk.tools()
  const act = <T>(work: Parameters<typeof transaction<T>>[1]) => refusal(transaction(sql, work))
  const when = { date: '2026-10-20', seconds: 60 }
  assert.is(
    await act((tx) => enterTime(tx, { agent: bo(), place: { ticketId: ticket }, when, tools }, DUE)),
    'period_approved',
  )
  assert.is(
    await act((tx) => enterTime(tx, { agent: bo(), place: { project: 'acme/incoming' }, when, tools }, DUE)),
    'period_approved',
  )
  for (const entryId of [...entries, draft]) {
    assert.is(
      await act((tx) => editEntry(tx, { entryId, agent: bo(), details: { note: 'x' }, tools }, DUE)),
      'period_approved',
    )
    assert.is(await act((tx) => removeEntry(tx, { entryId, agent: ada() }, DUE)), 'period_approved')
  }
  assert.is(await act((tx) => submitEntry(tx, { entryId: draft, agent: bo(), tools }, DUE)), 'period_approved')
  assert.is(
    await act((tx) => editEntry(tx, { entryId: november, agent: bo(), when, tools }, DUE)),
    'period_approved',
    'into it',
  )
  assert.is(
    await act((tx) => editEntry(tx, { entryId: november, agent: bo(), details: { note: 'later' }, tools }, DUE)),
    'nothing was refused',
  )
  const words = await transaction(sql, (tx) =>
    enterTime(tx, { agent: bo(), place: { ticketId: ticket }, when, tools }, DUE),
  ).catch((error: Error) => error.message)
  assert.match(words as string, /Acme has approved the statement of 2026-10.*An admin can reopen it/)
  // a merge takes the ticket, and leaves what was approved with its number
  const [into, { id, name }] = [await newTicket('Another'), ada()]
  await transaction(sql, (tx) => merge(tx, { ticketId: ticket, intoId: into, actor: { kind: 'agent', id, name } }, DUE))
  assert.equal(
    (await sql`select ticket_id from time_entries where id = any(${entries}) order by id`).map((one) => one.ticket_id),
    [ticket, ticket],
  )
})

test('by mail, too: a command on time of an approved month is refused with the words', async () => {
  const { ticket, to } = await sent()
  await answers('Yes', { to })
  const note = signedAddress(keys, 'support@desk.example', {
    purpose: 'n',
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket,
    person: bo().id,
    generation: 0,
    comment: 99,
  })
  await sql`delete from outbox`
  await desk.deliver(
    mail({
      from: 'Bo <bo@desk.example>',
      to: note,
      text: '#time 30m date:2026-10-20 "late"',
      headers: { Date: 'Mon, 02 Nov 2026 07:59:00 +0100' },
    }),
    { recipients: [{ address: note, inbox: 'support', tag: null }] },
  )
  const [receipt] = await mails('receipt')
  assert.match(receipt!.text, '2026-10')
  assert.is((await sql`select from time_entries where note = 'late'`).length, 0)
})

test('an admin opens it again with a reason; it is sent anew, and only the newest mail approves', async () => {
  const { ticket, entries, mail: out, to } = await sent()
  await answers('Yes', { to })
  const { id: statementId } = await statement()
  const reopen = (agent = ada(), why = 'An hour is missing') =>
    refusal(transaction(sql, (tx) => reopenStatement(tx, { statementId, why, agent }, DUE)))
  assert.is(await reopen(bo()), 'may_not_bill')
  assert.is(await reopen(ada(), ' '), 'no_reason')
  assert.is(await reopen(), 'nothing was refused')
  assert.is(await reopen(), 'not_approved')
  assert.equal([await stateOf(), await closed()], ['reopened', []])
  const [event] =
    await sql`select why, data from events where ticket_id = ${out.ticket_id} and type = 'statement_reopened'`
  assert.equal([event!.why, event!.data.month], ['An hour is missing', '2026-10'])
  await answers('Yes', { to })
  assert.is(await stateOf(), 'reopened', 'the old mail approves nothing')
  const more = await spend(ticket, 3600, { note: 'the missing hour' })
  assert.equal(await due(sql, after(DUE, DAY)), { statements: 0, failed: 0 }, 'not by itself')
  const send = (seen: string, agent = ada()) =>
    refusal(
      transaction(sql, (tx) =>
        sendStatement(tx, { organization: 'acme', month: '2026-10', seen, agent, tools: desk.tools() }, DUE),
      ),
    )
  const seen = fingerprint(await now())
  assert.is(await send(seen, bo()), 'may_not_bill')
  assert.is(await send('something else'), 'statement_changed')
  assert.is(await send(seen), 'nothing was refused')
  const again = (await mails()).at(-1)!
  assert.is(again.ticket_id, out.ticket_id)
  assert.match(again.text, 'Das ist Fassung 2 des Nachweises')
  await answers('Yes', { to })
  assert.is(await stateOf(), 'sent')
  await answers('Yes', { to: replyTo(again)!.address })
  assert.equal([await stateOf(), await closed()], ['approved', [...entries, more]])
  assert.is(await send(seen), 'statement_approved')
})

test('sent again it goes to who is named by then, and only they approve it', async () => {
  const { mail: out, to } = await sent()
  await answers('This is wrong.', { to })
  await desk.change(text.replace(`[${CHIEF}, ${FINANCE}]`, '[heir@acme.example]'))
  const seen = fingerprint(await now())
  await transaction(sql, (tx) =>
    sendStatement(tx, { organization: 'acme', month: '2026-10', seen, agent: ada(), tools: desk.tools() }, DUE),
  )
  const again = (await mails()).at(-1)!
  assert.equal([again.recipient, again.ticket_id], ['heir@acme.example', out.ticket_id])
  await answers('Yes', { to: replyTo(again)!.address })
  assert.is(await stateOf(), 'sent')
  const end = await answers('Yes', { to: replyTo(again)!.address, from: 'heir@acme.example' })
  assert.is(await stateOf(), 'approved')
  assert.not.ok(end.reasons.some((one) => one.code === 'pending_person'))
})

test('what an admin may not send: a month that is not over, of nobody, without time', async () => {
  const send = (organization: string, month: string) =>
    refusal(
      transaction(sql, (tx) =>
        sendStatement(tx, { organization, month, seen: '', agent: ada(), tools: desk.tools() }, DUE),
      ),
    )
  assert.is(await send('acme', '2026-11'), 'month_not_over')
  assert.is(await send('acme', '2026-13'), 'bad_month')
  assert.is(await send('acme', '2026-10'), 'empty_statement')
  assert.is(await send('borealis', '2026-10'), 'no_statement_contact')
  assert.is(await send('nobody', '2026-10'), 'unknown_organization')
})

test('a yes to time that has changed since approves nothing, and the desk is told', async () => {
  const { ticket, mail: out, to } = await sent()
  await spend(ticket, 3600, { note: 'came later' })
  await answers('Yes', { to })
  assert.equal([await stateOf(), await closed()], ['disputed', []])
  const [comment] = await sql`
    select text from comments where ticket_id = ${out.ticket_id} and visibility = 'internal' order by id desc limit 1`
  assert.match(comment!.text, 'its time has changed since it was sent')
  assert.is((await sql`select status from tickets where id = ${out.ticket_id}`)[0]!.status, 'open')
})

test('who says yes while time is entered: one of both, and never an entry beside the approved month', async () => {
  for (let round = 0; round < 4; round++) {
    await desk.reset()
    const { ticket, to } = await sent()
    const enter = transaction(sql, (tx) =>
      enterTime(
        tx,
        { agent: bo(), place: { ticketId: ticket }, when: { date: '2026-10-21', seconds: 60 }, tools: desk.tools() },
        DUE,
      ),
    )
    const [entered] = await Promise.allSettled([enter, answers('Yes', { to })])
    assert.is(await stateOf(), 'approved')
    const late = await sql`select status from time_entries where statement_id is null`
    assert.is(late.length, entered.status === 'fulfilled' ? 1 : 0, 'a draft that came first is not on the statement')
  }
})

test('an invoice is made of exactly the entries that were approved', async () => {
  const { ticket, entries, to } = await sent()
  await answers('Yes', { to })
  // a ticket of somebody else with time of October comes to Acme afterwards
  const stray = await newTicket('Stray', 'Noor <noor@borealis.example>')
  const strange = await spend(stray, 7200)
  await sql`update tickets set organization_id = ${acme().id} where id = ${stray}`
  // and the approved one goes to another customer
  const borealis = desk.tools().desk.organizations.get('borealis')!
  await sql`update tickets set organization_id = ${borealis.id} where id = ${ticket}`
  const agent = ada()
  const made = await transaction(sql, async (tx) => {
    const { invoiceId } = await createDraft(tx, { ...OCTOBER, organization: 'acme', agent, tools: desk.tools() }, DUE)
    return await openInvoice(tx, { invoiceId, tools: desk.tools() })
  })
  assert.equal(
    made.invoice.lines.flatMap((line) => line.entries.map((one) => one.id)),
    [entries[0]],
  )
  assert.ok(made.excluded.some((one) => one.id === strange && one.why === 'approved_without'))
  assert.equal([...(await listUnbilled(sql, { to: '2026-11-02' }))], [], 'and nobody else is to pay for it')
  await transaction(sql, (tx) => finaliseInvoice(tx, { invoiceId: made.invoice.id, agent, tools: desk.tools() }, DUE))
  assert.equal(await closed(), entries)
})

test('what a statement says is the invoice’s to the cent, before it is made and after', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    await desk.reset()
    const random = startRandom(seed)
    const tickets = [await newTicket('One'), await newTicket('Two'), await newTicket('Three')]
    for (let n = 0; n < 14; n++)
      await spend(random.pick(tickets), 60 * (1 + random.below(60)) + random.below(60), {
        date: `2026-10-${String(1 + random.below(28)).padStart(2, '0')}`,
        billable: random.chance(0.8),
        workType: random.pick(['support', 'consulting', 'travel']),
        note: `n${n}`,
      })
    const before = await now()
    const agent = ada()
    const invoice = await transaction(sql, async (tx) => {
      const { invoiceId } = await createDraft(tx, { ...OCTOBER, organization: 'acme', agent, tools: desk.tools() }, DUE)
      await finaliseInvoice(tx, { invoiceId, agent, tools: desk.tools() }, DUE)
      return (await openInvoice(tx, { invoiceId, tools: desk.tools() })).invoice
    })
    const billed = new Map(invoice.lines.flatMap((line) => line.entries.map((one) => [one.id, one.net_minor])))
    for (const content of [before, await now()]) {
      assert.equal(content.sums, [{ currency: 'EUR', net_minor: invoice.net_minor }], `seed ${seed}`)
      const shown = content.rows.filter((one) => one.net_minor !== null)
      assert.is(shown.length, billed.size)
      for (const row of shown) assert.is(row.net_minor, billed.get(row.id))
      assert.is(
        content.billable_s + content.free_s,
        (await sql`select sum(raw_s)::int as sum from time_entries`)[0]!.sum,
      )
    }
    assert.is(fingerprint(before), fingerprint(await now()), 'an invoice changes nothing of what they were shown')
  }
})

test('no word for agents alone stands on it, and no address of an agent', async () => {
  const ticket = await newTicket()
  const secret = 'The customer does not know yet that the machine was never maintained by us.'
  const address = signedAddress(keys, 'support@desk.example', {
    purpose: 'a',
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket,
    person: bo().id,
    generation: 0,
    comment: 1,
  })
  await transaction(sql, (tx) => note(tx, { ticketId: ticket, agent: bo(), text: secret, channel: 'web' }, DUE))
  await spend(ticket, 600, { note: secret })
  await spend(ticket, 600, { note: `ask ${address}` })
  await spend(ticket, 600, { note: 'ask bo@desk.example, #close' })
  await sql`update agents set name = '' where address = 'bo@desk.example'`
  await sql`delete from outbox`
  await due()
  const [row] = await mails()
  const whole = [row!.text, row!.html, JSON.stringify(row!.headers), await csvOf(row!)].join('\n')
  for (const words of ['never maintained', address, wholeAddress('bo@desk.example')]) assert.not.match(whole, words)
  assert.match(row!.text, 'ask support@desk.example')
  assert.match(row!.text, /\| Desk Support \|/)
})

test('the command line lists them, as lines and as JSON', async () => {
  const { mail: out, to } = await sent()
  await answers('Yes', { to })
  const lines: string[] = []
  const show = async (json: boolean, month: string | null) => {
    lines.length = 0
    await showStatements(sql, (line) => void lines.push(line), { json, limit: null, month })
    return lines
  }
  assert.equal(await show(false, null), [
    `2026-10  acme  approved  1 hour billable  €140.00  ${CHIEF}  #${out.ticket_id}`,
    '1 statement',
  ])
  const one = JSON.parse((await show(true, '2026-10'))[0]!)
  assert.equal(
    [one.organization, one.month, one.state, one.billable_s, one.free_s, one.sums, one.entries.length],
    ['Acme', '2026-10', 'approved', 3600, 1800, [{ currency: 'EUR', net_minor: 14000 }], 2],
  )
  assert.equal(await show(false, '2026-09'), ['0 statements'])
  assert.is(await refusal(show(false, 'October')), 'bad_month')
})

test('it is written in each language', async () => {
  const subjects = new Set<string>()
  for (const locale of LOCALES) {
    await desk.reset(text.replace('locale: de, zone', `locale: ${locale}, zone`))
    await spend(await newTicket(), 5400, { note: 'x' })
    await spend(await newTicket(), 60, { billable: false })
    await sql`delete from outbox`
    await due()
    const [row] = await mails()
    subjects.add(row!.subject)
    assert.not.match(row!.text, /undefined|null|\{\{/)
    const to = replyTo(row!)!.address
    const [, word] = /[“„«]\s?(\p{L}+)\s?[”“»]/u.exec(row!.text)!
    await answers(word!, { to })
    assert.is(await stateOf(), 'approved', `${locale}: the word that it asks for is the one that approves`)
  }
  assert.is(subjects.size, LOCALES.length)
})

test.run()

/** An agent's week by mail on Friday, and its correction by answering, through the real pipeline (C12). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient, transaction } from '../../../src/database.ts'
import { readBatch } from '../../../src/engine/commands/grammar.ts'
import { differenceOf, readSheet, sheetLine } from '../../../src/engine/notify/sheet.ts'
import { queueTimesheets } from '../../../src/engine/notify/timesheet.ts'
import { enterTime } from '../../../src/engine/time-entries.ts'
import { LOCALES } from '../../../src/render.ts'
import { demoDesk, mail, startDesk } from '../../desk.ts'
import { CLIENTS, composed } from './clients.ts'
import { agentOf, notifications, replyTo, URL_OF_DESK } from './desk.ts'

/** Friday, 15:00 in Berlin. */
const FRIDAY = new Date('2026-11-27T14:00:00Z')
const wanted = (agent = '') => demoDesk.replace('name: Bo}', `name: Bo, notify: {timesheet: on}${agent}}`)

const desk = await startDesk({ desk: wanted() })
const { sql } = desk
test.after(() => desk.stop())
test.before.each(() => desk.reset())

const sheets = (now: Date, client = sql) => queueTimesheets(client, { tools: desk.tools(), url: URL_OF_DESK }, now)
const entries = async () => [
  ...(await sql<
    {
      id: number
      raw_s: number
      local_date: string
      billable: boolean
      note: string
      ticket_id: number | null
      status: string
    }[]
  >`
    select id, raw_s, local_date::text as local_date, billable, note, ticket_id, status from time_entries order by id`),
]
async function entered(date: string, seconds: number, note: string): Promise<number> {
  const ticketId = (await sql`select min(id) as id from tickets`)[0]!.id as number
  const bo = { ...(await agentOf(desk, 'bo@desk.example')), admin: false, zone: 'Europe/Berlin' }
  const { entryIds } = await transaction(sql, (tx) =>
    enterTime(
      tx,
      { agent: bo, place: { ticketId }, when: { date, seconds }, details: { note }, tools: desk.tools() },
      FRIDAY,
    ),
  )
  return entryIds[0]!
}
/** Bo's sheet with three entries, and his answer to it. */
async function sheet() {
  const { ticket_id: ticket } = await desk.deliver(mail({}))
  const ids = [
    await entered(
      '2026-11-23',
      5400,
      'migrated the database of the third floor, and looked at all that was left of the old one',
    ),
    await entered('2026-11-24', 1800, 'call'),
    await entered('2026-11-26', 3630, 'travel'),
  ]
  await entered('2026-11-20', 3600, 'last week')
  desk.clock.at = FRIDAY
  await sheets(FRIDAY)
  const sent = (await notifications(desk)).find((one) => one.recipient === 'bo@desk.example')!
  return { ticket: ticket!, ids, sent }
}
async function answers(body: { text: string | null; html: string | null }, subject = 'Your time') {
  const sent = (await notifications(desk)).find((one) => one.recipient === 'bo@desk.example')!
  const to = replyTo(sent)!.address
  const date = 'Fri, 27 Nov 2026 14:59:00 +0100'
  const raw = composed({ from: 'Bo <bo@desk.example>', to, subject, date, body })
  return await desk.deliver(raw, { recipients: [{ address: to, inbox: 'support', tag: null }] })
}
const receipt = async () =>
  (await sql<{ text: string; recipient: string }[]>`select text, recipient from outbox order by id desc limit 1`)[0]!

test('on Friday afternoon, once, the entries of the week; nothing where nothing was entered', async () => {
  const { sent, ids, ticket } = await sheet()
  assert.is(sent.subject, '[Desk Support] Your time of the week, 2026-11-23 to 2026-11-29')
  assert.match(sent.text, /together 3 hours 30 seconds:/)
  const lines = sent.text.split('\n').filter((line) => /^e\d/.test(line))
  assert.equal(lines, [
    `e${ids[0]}.1 | 2026-11-23 | 1:30 | billable | #${ticket} | migrated the database of the third floor, and looked at all…`,
    `e${ids[1]}.1 | 2026-11-24 | 0:30 | billable | #${ticket} | call`,
    `e${ids[2]}.1 | 2026-11-26 | 1:00 | billable | #${ticket} | travel`,
  ])
  assert.equal(await sheets(FRIDAY), { timesheets: 0 }, 'once, and Ada entered nothing')
  await desk.reset()
  await desk.deliver(mail({}))
  await entered('2026-11-23', 60, 'x')
  for (const at of ['2026-11-27T13:59:00Z', '2026-11-26T15:00:00Z', '2026-11-28T15:00:00Z'])
    assert.equal(await sheets(new Date(at)), { timesheets: 0 }, at)
  const other = openClient(desk.database.target)
  try {
    const both = await Promise.all([sheets(FRIDAY), sheets(FRIDAY, other)])
    assert.is(both[0]!.timesheets + both[1]!.timesheets, 1)
  } finally {
    await other.end()
  }
})

test('lines changed in the quotation are changed, in any client; those that a client broke are not', async () => {
  for (const [client, quote] of Object.entries(CLIENTS)) {
    await desk.reset()
    const { sent, ids, ticket } = await sheet()
    const change = (text: string) =>
      text
        .replace('2026-11-24 | 0:30 | billable', '2026-11-25 | 45m | free')
        .replace(/(e\d+\.1 \| 2026-11-26 \|) 1:00/, '$1 0:00')
    const isWrapped = client === 'gmail' || client === 'outlook, plain text' // they break lines: change them on one's own
    const own = isWrapped
      ? change(
          sent.text
            .split('\n')
            .filter((line) => /^e\d/.test(line))
            .slice(1)
            .join('\n'),
        )
      : 'Please correct this.'
    const quoted = isWrapped ? sent : { ...sent, text: change(sent.text), html: change(sent.html) }
    const end = await answers(quote(quoted, own))
    assert.is(end.state, 'recorded', `${client}: ${JSON.stringify(end.reasons)}`)
    const after = (await entries()).filter((one) => one.note !== 'last week')
    assert.equal(
      after.map(({ id, raw_s, local_date, billable, note }) => [id, raw_s, local_date, billable, note]),
      [
        [
          ids[0],
          5400,
          '2026-11-23',
          true,
          'migrated the database of the third floor, and looked at all that was left of the old one',
        ],
        [ids[1], 2700, '2026-11-25', false, 'call'],
      ],
      client,
    )
    const { text, recipient } = await receipt()
    assert.is(recipient, 'bo@desk.example')
    assert.match(text, '45 minutes on 2026-11-25, not billed', client)
    assert.match(text, '0 minutes on 2026-11-26', client)
    assert.ok(ticket)
  }
})

test('a new line is a new entry; a note can be changed; the receipt says how to undo what was added', async () => {
  const { sent, ids, ticket } = await sheet()
  const lines = sent.text.split('\n').filter((line) => /^e\d/.test(line))
  const text = `${lines[1]!.replace('call', 'call with Eva')}\nnew | 2026-11-25 | 0:15 | free | #${ticket} | letter\nnew | 2026-11-25 | 1.5h | billable | triage | tidied up`
  assert.is((await answers({ text, html: null })).state, 'recorded')
  const all = await entries()
  assert.is(all.find((one) => one.id === ids[1])!.note, 'call with Eva')
  assert.equal(
    all.slice(-2).map(({ raw_s, billable, note, ticket_id }) => [raw_s, billable, note, ticket_id]),
    [
      [900, false, 'letter', ticket],
      [5400, true, 'tidied up', null],
    ],
  )
  assert.match((await receipt()).text, /undo/)
})

test('all of it or nothing; what is wrong comes back with its line', async () => {
  const { sent, ids } = await sheet()
  const lines = sent.text.split('\n').filter((line) => /^e\d/.test(line))
  const cases: [string, RegExp][] = [
    [lines[2]!.replace('1:00', 'much'), /Write how long it took/],
    [lines[2]!.replace('billable', 'perhaps'), /Write billable, or free/],
    [lines[2]!.replace('2026-11-26', '2026-11-31'), /is no date/],
    [lines[2]!.replace(`e${ids[2]}.1`, 'e999999.1').replace('1:00', '2:00'), /no time entry 999999/],
  ]
  for (const [wrong, words] of cases) {
    const before = await entries()
    const end = await answers({ text: `${lines[1]!.replace('0:30', '4:00')}\n${wrong}`, html: null })
    assert.is(end.state, 'held', wrong)
    assert.equal(await entries(), before, 'nothing was changed')
    const { text } = await receipt()
    assert.match(text, words)
    await sql`delete from outbox where kind = 'receipt'`
    await sql`delete from receipts`
  }
  const twice = ['0:30 | free', '0:45 | billable'].map((other) => lines[1]!.replace('0:30 | billable', other))
  assert.is((await answers({ text: twice.join('\n'), html: null })).state, 'held')
  assert.match((await receipt()).text, /stands there twice/)
  await sql`delete from receipts`
  await sql`update time_entries set rev = rev + 1 where id = ${ids[1]!}`
  assert.is((await answers({ text: lines[1]!.replace('0:30', '4:00'), html: null })).state, 'held')
  assert.match((await receipt()).text, /Somebody changed this time entry meanwhile/)
})

test("an answer without a change, and another's entry", async () => {
  const { sent, ids } = await sheet()
  const end = await answers(CLIENTS.thunderbird!(sent, 'Looks good.'))
  assert.is(end.state, 'held')
  assert.match((await receipt()).text, /Every line is as the entry is/)
  await sql`update time_entries set agent_id = (select id from agents where address = 'ada@desk.example') where id = ${ids[1]!}`
  const line = sent.text.split('\n').find((one) => one.startsWith(`e${ids[1]}.`))!
  await answers({ text: line.replace('0:30', '8:00'), html: null })
  assert.is((await entries()).find((one) => one.id === ids[1])!.raw_s, 1800)
})

test('what is written is read as it was; no line is a command; in every language', async () => {
  const entry = {
    id: 15,
    rev: 3,
    raw_s: 5459,
    local_date: '2026-11-23',
    billable: false,
    note: 'a | b\nc',
    place: 'acme/incoming',
  }
  for (const note of ['', 'x', entry.note, '#close', 'y'.repeat(500)]) {
    const line = sheetLine({ ...entry, note })
    for (const quoted of [line, `> ${line}`, `>> > ${line}`, `  ${line}  `]) {
      const [read, ...more] = readSheet(quoted)
      assert.equal(more, [])
      assert.is(differenceOf(read!, { ...entry, note }), null, quoted)
    }
    assert.equal(readBatch(line).given, [])
  }
  const cut = sheetLine({ ...entry, note: 'word '.repeat(30) }).slice(0, 70)
  assert.is(
    differenceOf(readSheet(cut)[0]!, { ...entry, note: 'word '.repeat(30) }),
    null,
    'a line that a client broke',
  )
  for (const locale of LOCALES) {
    await desk.reset(wanted(`, locale: ${locale}`))
    const { sent } = await sheet()
    assert.not.match(sent.text + sent.html, /undefined|null|\[object/, locale)
    for (const line of sent.text.split('\n')) {
      const { given, stray } = readBatch(line)
      assert.equal([given, stray], [[], []], `${locale}: ${line}`)
    }
  }
})

test.run()

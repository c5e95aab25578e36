/** Timesheets through the database: timer, entry by hand, approval, what locks, what overlaps, and what a ticket tells. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { merge } from '../../src/engine/tickets/merge.ts'
import {
  approveEntry,
  mayApprove,
  rejectEntry,
  reverseEntry,
  submitEntry,
} from '../../src/engine/time-entries/approval.ts'
import {
  findEntry,
  findTimer,
  groupEntries,
  listEntries,
  ticketProgress,
  totalEntries,
} from '../../src/engine/time-entries/list.ts'
import { startTimer, stopForgotten, stopTimer } from '../../src/engine/time-entries/timer.ts'
import { editEntry, enterTime, removeEntry, type When } from '../../src/engine/time-entries.ts'
import { showTicket } from '../../src/main/show.ts'
import { after, HOUR, MINUTE, SECOND } from '../../src/time.ts'
import { testDatabase } from '../database.ts'
import { at, NOON, refusal, type TimeDesk, timeDesk } from './time-desk.ts'

const database = await testDatabase()
const { sql } = database
let given: TimeDesk
test.before.each(async () => {
  await database.empty()
  given = await timeDesk(sql)
})
test.after(database.close)

const entry = async (id: number) => (await sql`select * from time_entries where id = ${id}`)[0]!
const story = async (ticketId: number) =>
  (await sql`select type from events where ticket_id = ${ticketId} order by seq`).map((row) => row.type)
const start = (ticketId: number, now: Date, { agent, tools, act } = { ...given, agent: given.bo }) =>
  act((tx) => startTimer(tx, { agent, place: { ticketId }, tools }, now))
const stop = (now: Date, details = {}) =>
  given.act((tx) => stopTimer(tx, { agent: given.bo, details, tools: given.tools }, now))
const enter = (ticketId: number, when: When, details = {}, agent = given.bo) =>
  given.act((tx) => enterTime(tx, { agent, place: { ticketId }, when, details, tools: given.tools }, NOON))
const edit = (entryId: number, change: object, agent = given.bo) =>
  given.act((tx) => editEntry(tx, { entryId, agent, tools: given.tools, ...change }, NOON))
const submit = (entryId: number, agent = given.bo) =>
  given.act((tx) => submitEntry(tx, { entryId, agent, tools: given.tools }, NOON))
const approve = (entryId: number, agent = given.ada) =>
  given.act((tx) => approveEntry(tx, { entryId, agent, tools: given.tools }, NOON))
const day = { date: '2026-03-03', seconds: 3600 }

test('T1, T2: a timer counts absolute seconds; its date and priority are those of its start, in the agent’s zone', async () => {
  const ticket = await given.addTicket({ priority: 'high' })
  const late = at('2026-03-02T23:30:00.700Z') // 00:30 on the 3rd in Berlin
  const { entryId } = await start(ticket, late)
  assert.is((await findTimer(sql, given.bo.id, after(late, 90 * SECOND)))!.raw_s, 90)
  await sql`update tickets set priority = 'low' where id = ${ticket}`
  const { entryIds } = await stop(after(late, 45 * MINUTE), { note: 'Toner.', percent: 30 })
  assert.equal(entryIds, [entryId])
  const row = await entry(entryId)
  assert.equal(
    [row.raw_s, row.local_date, row.tz, row.priority, row.status, row.note, row.percent_complete, row.source],
    [2700, '2026-03-03', 'Europe/Berlin', 'high', 'draft', 'Toner.', 30, 'timer'],
  )
  assert.equal(await story(ticket), ['created', 'timer_started', 'timer_stopped'])
  assert.is(await refusal(stop(NOON)), 'no_timer')
})

test('T2: starting another stops the first; on the same ticket it goes on', async () => {
  const [a, b] = [await given.addTicket(), await given.addTicket()]
  const first = await start(a, NOON)
  assert.equal(await start(a, after(NOON, MINUTE)), { entryId: first.entryId, stopped: null })
  const second = await start(b, after(NOON, 10 * MINUTE))
  assert.equal(second.stopped, { entryIds: [first.entryId], warnings: [] })
  assert.equal([(await entry(first.entryId)).status, (await entry(first.entryId)).raw_s], ['draft', 600])
  assert.equal(await story(a), ['created', 'timer_started', 'timer_stopped'])
})

test('T2: however many starts come at once, one timer runs for an agent', async () => {
  const tickets = await Promise.all([1, 2, 3, 4, 5, 6].map(() => given.addTicket()))
  await start(tickets[0]!, NOON)
  await Promise.all(tickets.map((ticket, n) => start(ticket, after(NOON, n * SECOND))))
  await Promise.all([...tickets].reverse().map((ticket) => start(ticket, after(NOON, MINUTE))))
  for (let round = 2; round < 12; round++)
    await Promise.all(
      [...tickets, ...[...tickets].reverse()].map((ticket) => start(ticket, after(NOON, round * MINUTE))),
    )
  const running = await sql`select agent_id from time_entries where status = 'running'`
  assert.is(running.length, 1)
  await assert.ok((await sql`select 1 from time_entries`).length >= 6)
})

test('two agents who swap tickets with running timers do not lock each other out', async () => {
  const [a, b] = [await given.addTicket(), await given.addTicket()]
  for (let n = 0; n < 10; n++) {
    const now = after(NOON, n * MINUTE)
    const [one, other] = n % 2 ? [a, b] : [b, a]
    await Promise.all([start(one, now), start(other, now, { ...given, agent: given.ada })])
  }
  assert.is((await sql`select 1 from time_entries where status = 'running'`).length, 2)
})

test('T2: a forgotten timer stops itself at 12 h, however late, and is not submitted before somebody looked', async () => {
  const ticket = await given.addTicket()
  const { entryId } = await start(ticket, NOON)
  assert.equal(await stopForgotten(sql, given.desk, after(NOON, 12 * HOUR - SECOND)), { stopped: 0 })
  assert.equal(await stopForgotten(sql, given.desk, after(NOON, 40 * HOUR)), { stopped: 1 })
  assert.equal(await stopForgotten(sql, given.desk, after(NOON, 41 * HOUR)), { stopped: 0 })
  const row = await entry(entryId)
  assert.equal([row.raw_s, row.status, row.ended_at], [12 * 3600, 'draft', after(NOON, 12 * HOUR)])
  assert.ok(row.review_at)
  assert.is(await refusal(submit(entryId)), 'needs_review')
  await edit(entryId, { when: { date: '2026-03-03', start: '14:00', end: '15:00' } })
  assert.equal([(await entry(entryId)).raw_s, (await entry(entryId)).review_at], [3600, null])
  await submit(entryId)
})

test('T2: stopped late by hand, it has 12 h too', async () => {
  const { entryId } = await start(await given.addTicket(), NOON)
  await stop(after(NOON, 13 * HOUR))
  assert.equal([(await entry(entryId)).raw_s, (await entry(entryId)).review_at !== null], [12 * 3600, true])
})

test('T5: over midnight it is one entry, or two with exact sums where the desk says so', async () => {
  const evening = at('2026-03-03T21:30:00Z')
  await start(await given.addTicket(), evening)
  const { entryIds: one } = await stop(after(evening, 3 * HOUR))
  assert.equal([one.length, (await entry(one[0]!)).local_date, (await entry(one[0]!)).raw_s], [1, '2026-03-03', 10_800])
  given = await timeDesk(sql, '  time: {midnight: split}')
  const ticket = await given.addTicket()
  await start(ticket, after(evening, 24 * HOUR))
  const { entryIds } = await stop(after(evening, 27 * HOUR), { note: 'Night.', percent: 80, statusAfter: 'resolved' })
  const rows = await Promise.all(entryIds.map(entry))
  assert.equal(
    rows.map((row) => [row.local_date, row.raw_s, row.note, row.percent_complete, row.ticket_status_after]),
    [
      ['2026-03-04', 5400, 'Night.', null, null],
      ['2026-03-05', 5400, 'Night.', 80, 'resolved'],
    ],
  )
  const { entryIds: entered } = await enter(ticket, { date: '2026-03-10', start: '22:00', end: '01:00' })
  const parts = await Promise.all(entered.map(entry))
  assert.equal(
    parts.map((row) => [row.local_date, row.raw_s]),
    [
      ['2026-03-10', 7200],
      ['2026-03-11', 3600],
    ],
  )
})

test('T3: by hand, as a duration or as local times; what a project says is the default', async () => {
  const ticket = await given.addTicket()
  const [a] = (await enter(ticket, day, { billable: false, workType: 'travel' })).entryIds
  const [b] = (await enter(ticket, { date: '2026-03-29', start: '01:30', end: '03:30' })).entryIds
  assert.equal([(await entry(a!)).raw_s, (await entry(a!)).billable, (await entry(a!)).started_at], [3600, false, null])
  assert.equal([(await entry(b!)).raw_s, (await entry(b!)).billable], [3600, true])
  const listed = await findEntry(sql, a!, NOON)
  assert.equal([listed!.work_type, listed!.organization, listed!.agent], ['travel', 'Acme', 'Bo'])
  given = await timeDesk(sql, '', (text) =>
    text.replace('{key: acme/incoming, ', '{key: acme/incoming, billable: false, '),
  )
  assert.is((await entry((await enter(ticket, { ...day, seconds: 1 })).entryIds[0]!)).billable, false)
})

test('time on a project as such has no ticket, and is in the same lists', async () => {
  const place = { project: 'acme/incoming' }
  const { entryIds } = await given.act((tx) =>
    enterTime(tx, { agent: given.bo, place, when: day, tools: given.tools }, NOON),
  )
  const row = await findEntry(sql, entryIds[0]!, NOON)
  assert.equal(
    [row!.ticket_id, row!.project, row!.organization, row!.priority],
    [null, 'acme/incoming', 'Acme', 'normal'],
  )
  await submit(entryIds[0]!)
  await approve(entryIds[0]!)
  const wrong = { agent: given.bo, place: { project: 'acme/none' }, when: day, tools: given.tools }
  assert.is(await refusal(given.act((tx) => enterTime(tx, wrong, NOON))), 'unknown_project')
})

test('what cannot be is refused, and nothing is written', async () => {
  const ticket = await given.addTicket()
  const codes = await Promise.all([
    refusal(enter(ticket, { ...day, seconds: -1 })),
    refusal(enter(ticket, { ...day, seconds: 1.5 })),
    refusal(enter(ticket, { ...day, seconds: 86_401 })),
    refusal(enter(ticket, { ...day, date: '2026-02-30' })),
    refusal(enter(ticket, day, { percent: 101 })),
    refusal(enter(ticket, day, { workType: 'sleeping' })),
    refusal(enter(ticket, day, { statusAfter: 'new' })),
    refusal(enter(ticket, day, { note: 'x'.repeat(2001) })),
    refusal(enter(9_999_999, day)),
  ])
  assert.equal(codes, [
    'bad_time',
    'bad_time',
    'time_too_long',
    'bad_date',
    'bad_percent',
    'unknown_work_type',
    'unknown_status',
    'long_note',
    'unknown_ticket',
  ])
  assert.is((await sql`select 1 from time_entries`).length, 0)
})

test('T4: overlapping is warned of, allowed or refused as the desk says; touching is none', async () => {
  const ticket = await given.addTicket()
  const morning = { date: '2026-03-03', start: '09:00', end: '10:00' }
  await enter(ticket, morning)
  assert.equal((await enter(ticket, { ...morning, start: '10:00', end: '11:00' })).warnings, [])
  assert.equal((await enter(ticket, { ...morning, start: '08:00', end: '09:00' })).warnings, [])
  const half = { date: '2026-03-03', start: '09:59', end: '10:01' }
  const { warnings } = await enter(ticket, half)
  assert.equal([warnings[0]!.code, warnings[0]!.entries.length], ['overlap', 2])
  assert.match(warnings[0]!.words, `#${ticket}`)
  assert.equal((await enter(ticket, half, {}, given.ada)).warnings, [], 'another agent’s day')
  given = await timeDesk(sql, '  time: {overlap: allow}')
  assert.equal((await enter(ticket, half)).warnings, [])
  given = await timeDesk(sql, '  time: {overlap: reject}')
  assert.is(await refusal(enter(ticket, half)), 'time_overlap')
  const { entryIds } = await enter(ticket, { date: '2026-03-03', start: '12:00', end: '13:00' })
  assert.is(await refusal(edit(entryIds[0]!, { when: half })), 'time_overlap')
  await edit(entryIds[0]!, { when: { date: '2026-03-03', start: '12:30', end: '13:30' } })
})

test('T4: a day has as many hours as it has: 23 in spring, 25 in autumn', async () => {
  const ticket = await given.addTicket()
  const [spring, autumn] = ['2026-03-29', '2026-10-25']
  await enter(ticket, { date: spring, seconds: 22 * 3600 })
  assert.is(await refusal(enter(ticket, { date: spring, seconds: 3601 })), 'day_too_long')
  await enter(ticket, { date: spring, seconds: 3600 })
  await enter(ticket, { date: autumn, seconds: 24 * 3600 })
  await enter(ticket, { date: autumn, seconds: 3600 })
  assert.is(await refusal(enter(ticket, { date: autumn, seconds: 1 })), 'day_too_long')
})

test('T4: parallel entries of one agent cannot fill a day twice', async () => {
  const ticket = await given.addTicket()
  const ends = await Promise.all(Array.from({ length: 6 }, () => refusal(enter(ticket, { ...day, seconds: 8 * 3600 }))))
  assert.equal(ends.toSorted(), [...Array(3).fill('day_too_long'), ...Array(3).fill('nothing was refused')])
})

test('T6: nothing is not submitted; the last percent submitted is the ticket’s; the status is changed as by hand', async () => {
  const ticket = await given.addTicket()
  const [empty] = (await enter(ticket, { ...day, seconds: 0 })).entryIds
  assert.is(await refusal(submit(empty!)), 'empty_entry')
  const [a] = (await enter(ticket, day, { percent: 80 })).entryIds
  const [b] = (await enter(ticket, day, { percent: 40, statusAfter: 'resolved' })).entryIds
  assert.is(await ticketProgress(sql, ticket), null)
  await submit(a!)
  assert.is(await ticketProgress(sql, ticket), 80)
  await submit(b!)
  assert.is(await ticketProgress(sql, ticket), 40)
  const [row] = await sql`select status, resolved_at from tickets where id = ${ticket}`
  assert.equal([row!.status, row!.resolved_at], ['resolved', NOON])
  assert.equal((await story(ticket)).slice(-2), ['time_submitted', 'status'])
})

test('T7: draft, submitted, approved; only who may approves, and not what they did themselves', async () => {
  const ticket = await given.addTicket()
  const [id] = (await enter(ticket, day)).entryIds
  assert.is(await refusal(approve(id!)), 'entry_not_submitted')
  assert.is(await refusal(submit(id!, { ...given.bo, id: given.ada.id })), 'not_your_entry')
  await submit(id!)
  assert.is(await refusal(submit(id!)), 'entry_not_draft')
  assert.is(await refusal(approve(id!, given.bo)), 'may_not_approve')
  assert.is(
    await refusal(
      given.act((tx) => rejectEntry(tx, { entryId: id!, agent: given.ada, tools: given.tools, why: ' ' }, NOON)),
    ),
    'no_reason',
  )
  await given.act((tx) =>
    rejectEntry(tx, { entryId: id!, agent: given.ada, tools: given.tools, why: 'Which printer?' }, NOON),
  )
  assert.equal([(await entry(id!)).status, (await entry(id!)).rejected_why], ['rejected', 'Which printer?'])
  await edit(id!, { details: { note: 'The blue one.' } })
  assert.equal([(await entry(id!)).status, (await entry(id!)).rejected_why], ['draft', null])
  await submit(id!)
  await approve(id!)
  assert.equal([(await entry(id!)).status, (await entry(id!)).approved_by], ['approved', given.ada.id])
  const own = (await enter(ticket, day, {}, given.ada)).entryIds[0]!
  await submit(own, given.ada)
  assert.is(await refusal(approve(own)), 'own_entry')
  given = await timeDesk(sql, '  time: {own: allow, approvers: [bo@desk.example]}')
  await approve(own)
  assert.equal(
    [mayApprove(given.desk, given.bo), mayApprove(given.desk, { address: 'x@desk.example', admin: false })],
    [true, false],
  )
  assert.equal(await story(ticket), [
    'created',
    'time_entered',
    'time_submitted',
    'time_rejected',
    'time_edited',
    'time_submitted',
    'time_approved',
    'time_entered',
    'time_submitted',
    'time_approved',
  ])
})

test('an edit of approved time makes it a draft again; whoever saw an older state is told', async () => {
  const ticket = await given.addTicket()
  const id = await given.approved(ticket, day)
  const { rev } = await entry(id)
  await edit(id, { rev, details: { note: 'More.' } })
  assert.is((await entry(id)).status, 'draft')
  assert.is(await refusal(edit(id, { rev, details: { note: 'Less.' } })), 'entry_changed')
  assert.is(
    await refusal(edit(id, { details: { note: 'Mine.' } }, { ...given.bo, id: given.ada.id })),
    'not_your_entry',
  )
  const before = await entry(id)
  await edit(id, { details: { note: 'More.' } })
  assert.equal(await entry(id), before, 'nothing changed, nothing told')
  const [event] = await sql`select data from events where ticket_id = ${ticket} and type = 'time_edited'`
  assert.equal(event!.data, { entry: id, changed: { note: ['', 'More.'] }, was: 'approved' })
})

test('an entry is taken out with its story; a running timer changes its details only', async () => {
  const ticket = await given.addTicket()
  const { entryId } = await start(ticket, NOON)
  await edit(entryId, { details: { note: 'On it.' } })
  assert.is((await entry(entryId)).status, 'running')
  assert.is(await refusal(edit(entryId, { when: day })), 'timer_running')
  await given.act((tx) => removeEntry(tx, { entryId, agent: given.bo }, NOON))
  assert.is((await sql`select 1 from time_entries`).length, 0)
  assert.is((await story(ticket)).at(-1), 'time_removed')
  assert.is(await refusal(edit(entryId, {})), 'unknown_entry')
})

test('T9: time moves with its ticket, what is invoiced stays; the clocks hear of nothing', async () => {
  const [a, b] = [await given.addTicket(), await given.addTicket()]
  const draft = (await enter(a, day)).entryIds[0]!
  const { entryId: running } = await start(a, NOON)
  const before = await sql`select status, next_due_at, answered_at from tickets where id = ${a}`
  assert.equal(before[0]!.status, 'open')
  await given.act((tx) => merge(tx, { ticketId: a, intoId: b, actor: { kind: 'system', id: null, name: 't' } }, NOON))
  assert.equal([(await entry(draft)).ticket_id, (await entry(running)).ticket_id], [b, b])
  await stop(after(NOON, HOUR))
  assert.is((await story(b)).at(-1), 'timer_stopped')
  assert.is(await refusal(start(a, NOON)), 'merged_ticket')
})

test('T8: time of a final invoice is locked', async () => {
  const id = await given.approved(await given.addTicket(), day)
  const reverse = { entryId: id, agent: given.ada, tools: given.tools, why: 'wrong' }
  assert.is(await refusal(given.act((tx) => reverseEntry(tx, reverse, NOON))), 'entry_not_invoiced')
})

test('lists are filtered, sorted and grouped, and every grouping sums to the totals', async () => {
  const [a, b, c] = [
    await given.addTicket(),
    await given.addTicket({ organization: 'borealis', subject: 'Door' }),
    await given.addTicket({ organization: null }),
  ]
  await given.approved(a, { date: '2026-03-01', seconds: 100 })
  await given.approved(a, { date: '2026-03-02', seconds: 200 }, { billable: false })
  await enter(b, { date: '2026-03-03', seconds: 400 })
  await enter(c, { date: '2026-03-08', seconds: 800 }, {}, given.ada)
  await start(a, after(NOON, -1600 * SECOND))
  const totals = await totalEntries(sql, {}, NOON)
  assert.equal(totals, {
    entries: 5,
    raw_s: 3100,
    billable_s: 2900,
    free_s: 200,
    open_s: 2800,
    submitted_s: 0,
    approved_s: 300,
    invoiced_s: 0,
  })
  const group = async (by: 'agent' | 'customer' | 'project' | 'ticket' | 'day' | 'week', filter = {}) =>
    (await groupEntries(sql, { filter, by }, NOON)).map((one) => [one.label, one.raw_s])
  assert.equal(await group('agent'), [
    ['Ada', 800],
    ['Bo', 2300],
  ])
  assert.equal(await group('customer'), [
    ['', 800],
    ['Acme', 1900],
    ['Borealis', 400],
  ])
  assert.equal(await group('project'), [
    ['acme/incoming', 1900],
    ['borealis/incoming', 400],
    ['triage', 800],
  ])
  assert.equal(await group('ticket'), [
    ['Door', 400],
    ['The printer is down', 1900],
    ['The printer is down', 800],
  ])
  assert.equal(await group('day'), [
    ['2026-03-08', 800],
    ['2026-03-03', 2000],
    ['2026-03-02', 200],
    ['2026-03-01', 100],
  ])
  assert.equal(await group('week'), [
    ['2026-W10', 3000],
    ['2026-W09', 100],
  ])
  assert.equal(await group('agent', { from: '2026-03-02', to: '2026-03-03', billable: true }), [['Bo', 2000]])
  const list = async (query: object) => (await listEntries(sql, { filter: {}, ...query }, NOON)).map((one) => one.raw_s)
  assert.equal(await list({}), [800, 1600, 400, 200, 100])
  assert.equal(
    await list({ sort: 'time', order: 'asc', filter: { status: ['approved', 'draft'] } }),
    [100, 200, 400, 800],
  )
  assert.equal(await list({ sort: 'customer', order: 'asc', limit: 2, offset: 1 }), [200, 1600])
  assert.equal(await list({ filter: { organizationId: given.desk.organizations.get('borealis')!.id } }), [400])
  assert.equal(await list({ filter: { ticketId: a, agentId: given.bo.id, workTypeId: 0 } }), [])
  assert.equal(await totalEntries(sql, { ticketId: 9_999_999 }, NOON), { ...totals, ...zeros(totals) })
})

test('`ticket N --json` holds its time', async () => {
  const ticket = await given.addTicket()
  const id = await given.approved(ticket, day, { note: 'Toner.' })
  const lines: string[] = []
  await showTicket(sql, (line) => void lines.push(line), { number: ticket, json: true, limit: null }, NOON)
  assert.equal(JSON.parse(lines[0]!).time, [
    {
      id,
      agent: 'bo@desk.example',
      seconds: 3600,
      billable: true,
      note: 'Toner.',
      date: '2026-03-03',
      status: 'approved',
    },
  ])
})

const zeros = (totals: object) => Object.fromEntries(Object.keys(totals).map((key) => [key, 0]))

test.run()

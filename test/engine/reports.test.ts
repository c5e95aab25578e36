/** Reports (SLA 11) over a Monday and a Tuesday whose numbers were worked out by hand. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { periodOf } from '../../src/engine/reports/period.ts'
import { csvRecords, share } from '../../src/engine/reports/shape.ts'
import { type Asked, makeReport, readAsk } from '../../src/engine/reports.ts'
import { findTickets } from '../../src/engine/search.ts'
import { listOutdated } from '../../src/engine/sla/find-due.ts'
import { sweepDue, sweepOutdated } from '../../src/engine/tickets/sweep.ts'
import { prioritise, reply, setStatus } from '../../src/engine/tickets.ts'
import { Refusal } from '../../src/errors.ts'
import { showReport } from '../../src/main/report.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from '../web/desk.ts'

const HOUR = 3600
const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { ada, bo } = desk
test.after(database.close)

/** Monday 2 March 2026; 08:00 is 09:00 in Berlin, when gold customers' time begins. */
const monday = (time: string) => new Date(`2026-03-02T${time}Z`)
const actor = (agent: typeof ada) => ({ kind: 'agent' as const, id: agent.id, name: agent.name })
const nine = { at: monday('08:00:00') }
const acme = { organization: 'acme', project: 'acme/incoming' }

// A: four hours for an answer, due 13:00 in Berlin; nobody answers. Ada has it.
const a = await desk.addTicket({ ...nine, ...acme, assignee: 'ada@desk.example', subject: '=HYPERLINK("x"), please' })
// B: two hours of New York from its 9:00 (14:00 UTC), due 16:00 UTC; Bo resolves it at 17:00 UTC. Nobody has it.
const b = await desk.addTicket({
  ...nine,
  organization: 'borealis',
  project: 'borealis/incoming',
  priority: 'urgent',
  requester: { name: 'Noor', address: 'noor@borealis.example' },
})
// C: one hour, late at 09:00 UTC; made low by Ada at 09:30, so not late after all; resolved by her at 10:00.
const c = await desk.addTicket({ ...nine, ...acme, priority: 'urgent' })
// D: answered by Ada at 09:00 UTC, which counts a minute later.
const d = await desk.addTicket({ ...nine, ...acme })
// E: no customer, nothing promised. F: spam.
const e = await desk.addTicket({ at: monday('20:00:00'), requester: { name: '', address: 'who@nowhere.example' } })
const f = await desk.addTicket({ ...nine, ...acme })

const work = <T>(what: (tx: Parameters<Parameters<typeof transaction>[1]>[0]) => Promise<T>) => transaction(sql, what)
const resolve = (id: number, agent: typeof ada, at: Date) =>
  work((tx) => setStatus(tx, { ticketId: id, status: 'resolved', actor: actor(agent) }, at))
const toPriority = (id: number, priority: 'low' | 'high', at: Date) =>
  work((tx) => prioritise(tx, { ticketId: id, actor: actor(ada), tools: desk.tools, priority }, at))

await work((tx) =>
  reply(tx, { ticketId: d.id, agent: ada, text: 'Look.', channel: 'web', tools: desk.tools }, monday('09:00:00')),
)
await toPriority(c.id, 'low', monday('09:30:00'))
await resolve(c.id, ada, monday('10:00:00'))
await toPriority(c.id, 'high', monday('11:00:00')) // moves nothing that has ended
await resolve(b.id, bo, monday('17:00:00'))
while ((await work((tx) => sweepDue(tx, NOON))).settled > 0);
await sql`update tickets set policy_id = null, policy_source = 'none' where id = ${e.id}`
await sql`delete from sla_clocks where ticket_id = ${e.id}`
await sql`update tickets set spam_at = now() where id = ${f.id}`
await sql`update sla_breaches set superseded_at = at where ticket_id = ${f.id}`

// a team's own clocks: two met, one late, one late and running
const [team] = await sql`select id from teams where key = 'support'`
for (const [id, state, elapsed, late] of [
  [a.id, 'running', 0, true],
  [b.id, 'stopped', 300, true],
  [c.id, 'stopped', 200, false],
  [d.id, 'stopped', 100, false],
] as const)
  await sql`
    insert into sla_clocks (ticket_id, metric, team_id, state, policy_id, calendar_id, target_s, started_at, elapsed_s,
      running_since, due_at, stopped_at, stop_reason, breached_at)
    select ${id}, 'ola', ${team!.id}, ${state}, policy_id, calendar_id, 250, ${nine.at}, ${elapsed},
      ${state === 'running' ? nine.at : null}, ${state === 'running' ? nine.at : null},
      ${state === 'stopped' ? monday('12:00:00') : null}, ${state === 'stopped' ? 'handed_over' : null},
      ${late ? monday('11:00:00') : null}
    from tickets where id = ${id}`

// an hour on Monday, half of one on Wednesday, and a timer that runs
for (const [date, length, billable, status] of [
  ['2026-03-02', HOUR, true, 'approved'],
  ['2026-03-04', HOUR / 2, false, 'draft'],
  ['2026-03-02', 0, true, 'running'],
] as const)
  await sql`
    insert into time_entries (ticket_id, agent_id, source, started_at, ended_at, raw_s, local_date, tz, priority, billable,
      status, created_at, updated_at)
    values (${a.id}, ${ada.id}, 'timer', ${nine.at}, ${status === 'running' ? null : NOON}, ${length}, ${date},
      'Europe/Berlin', 'normal', ${billable}, ${status}, ${NOON}, ${NOON})`

const ask = (name: string, more: Partial<Asked> = {}) =>
  readAsk({
    name,
    from: '2026-03-02',
    to: '2026-03-04',
    zone: 'Europe/Berlin',
    by: null,
    superseded: 'hidden',
    limit: null,
    ...more,
  })
const rows = async (name: string, more: Partial<Asked> = {}) => (await makeReport(sql, ask(name, more), NOON)).rows
const pick = (row: Record<string, unknown>, ...keys: string[]) => keys.map((key) => row[key])

test('V1: who, when, by how much; what runs is over by working time until now', async () => {
  const found = await rows('violations')
  assert.equal(
    found.map((row) =>
      pick(row, 'ticket', 'metric', 'at', 'who', 'stopped_by', 'state', 'over_by_s', 'over_by_wall_s'),
    ),
    [
      [b.id, 'first_response', '2026-03-02T16:00:00Z', 'Support', 'bo@desk.example', 'stopped', HOUR, HOUR],
      // 8 h of Monday and 5 h of Tuesday, less 4; 25 h on the wall
      [a.id, 'first_response', '2026-03-02T12:00:00Z', 'Ada', null, 'running', 9 * HOUR, 25 * HOUR],
    ],
  )
  assert.equal(pick(found[0]!, 'organization', 'policy', 'priority', 'target_s', 'stopped_at', 'still_open'), [
    'Borealis',
    'silver',
    'urgent',
    2 * HOUR,
    '2026-03-02T17:00:00Z',
    false,
  ])
  assert.equal(pick(found[1]!, 'organization', 'policy', 'priority', 'target_s', 'assignee', 'still_open'), [
    'Acme',
    'gold',
    'normal',
    4 * HOUR,
    'ada@desk.example',
    true,
  ])
})

test('V1: what no longer counts is shown on demand, with who and why', async () => {
  const found = (await rows('violations', { superseded: 'shown' })).filter((row) => row.ticket === c.id)
  assert.equal(
    found.map((row) => pick(row, 'at', 'priority', 'superseded_at', 'superseded_by', 'superseded_why', 'over_by_s')),
    [['2026-03-02T09:00:00Z', 'urgent', '2026-03-02T09:30:00Z', 'Ada', 'priority', null]],
  )
})

test('V2: met of what ended; open and late apart; median and ninth of ten by nearest rank', async () => {
  const found = await rows('compliance')
  const keys = ['metric', 'tickets', 'stopped', 'met', 'breached', 'share', 'open_late', 'median_s', 'p90_s']
  assert.equal(
    found.map((row) => pick(row, ...keys)),
    [
      ['first_response', 4, 3, 2, 1, 6666, 1, 2 * HOUR, 3 * HOUR],
      ['resolution', 2, 2, 2, 0, 10_000, 0, 2 * HOUR, 3 * HOUR],
      ['ola', 4, 3, 2, 1, 6666, 1, 200, 300],
    ],
  )
  const { total } = await makeReport(sql, ask('compliance'), NOON)
  assert.equal(total, { stopped: 8, met: 6, breached: 2, open_late: 2, share: 7500 })
})

test('V2: of nothing it is not 100 %', async () => {
  const empty = await makeReport(sql, ask('compliance', { from: '2020-01-01', to: '2020-02-01' }), NOON)
  assert.equal([empty.rows, empty.total!.share], [[], null])
  // from midnight of Fiji, 12:00 UTC: A became late then and has not ended; what ended before is out
  const fiji = await rows('compliance', { by: 'priority', from: '2026-03-03', zone: 'Pacific/Fiji' })
  const open = fiji.find((row) => row.key === 'normal' && row.metric === 'first_response')!
  assert.equal(pick(open, 'stopped', 'share', 'open_late', 'median_s'), [0, null, 1, null])
  assert.is(share(9999, 10_000), 9999)
  assert.is(share(299_999, 300_000), 9999, 'rounded down: only all is 100 %')
})

test('V4: by priority of then, policy, customer, weekday and hour of a zone', async () => {
  const first = async (by: string, more: Partial<Asked> = {}) =>
    (await rows('compliance', { by, ...more }))
      .filter((row) => row.metric === 'first_response' || row.metric === null)
      .map((row) => pick(row, 'label', 'stopped', 'met', 'open_late'))
  assert.equal(await first('priority'), [
    ['low', 1, 1, 0], // C, though it is high by now
    ['normal', 1, 1, 1],
    ['urgent', 1, 0, 0],
  ])
  assert.equal(await first('policy'), [
    ['gold', 2, 2, 1],
    ['silver', 1, 0, 0],
    ['no policy', 0, 0, 0],
  ])
  assert.is((await rows('compliance', { by: 'policy' })).at(-1)!.tickets, 1, 'E (S5)')
  assert.equal(await first('organization'), [
    ['Acme', 2, 2, 1],
    ['Borealis', 1, 0, 0],
  ])
  assert.equal(await first('weekday'), [['Monday', 3, 2, 1]])
  assert.equal(await first('hour'), [['09:00', 3, 2, 1]])
  assert.equal(await first('hour', { zone: 'Asia/Kolkata' }), [['13:00', 3, 2, 1]], '13:30 there')
  assert.equal(await first('weekday', { zone: 'Pacific/Kiritimati' }), [['Monday', 3, 2, 1]])
  assert.equal(await first('type'), [['question', 3, 2, 1]])
  assert.equal(await first('group'), [['no group', 3, 2, 1]])
})

test('V4: a customer in two groups is counted in the one with the smaller rank', async () => {
  await sql`insert into customer_groups (key, name, rank) values ('late', 'Late', 2), ('early', 'Early', 1)`
  await sql`
    insert into customer_group_members (group_id, organization_id)
    select g.id, o.id from customer_groups g, organizations o where o.key = 'acme'`
  const found = await rows('compliance', { by: 'group' })
  assert.equal([...new Set(found.map((row) => row.label))], ['Early', 'no group'])
  assert.is((await rows('violations'))[1]!.group, 'early')
  await sql`delete from customer_group_members`
  await sql`delete from customer_groups`
})

test('V3: what an agent ended, and what became late with them; breaches sum to the violations', async () => {
  const { rows: found, total } = await makeReport(sql, ask('agents'), NOON)
  assert.equal(
    found.map((row) => pick(row, 'name', 'answers', 'answers_met', 'answer_median_s', 'solutions', 'breaches')),
    [
      ['Ada', 1, 1, HOUR + 60, 1, 1],
      ['Bo', 0, 0, null, 1, 0],
      ['nobody', 0, 0, null, 0, 1],
    ],
  )
  assert.is(total!.breaches, (await rows('violations')).length)
})

test('V4: teams by their own targets, and the customers who waited too long with them', async () => {
  assert.equal(
    (await rows('teams')).map((row) => pick(row, 'team', 'stopped', 'met', 'breached', 'share', 'open_late', 'median_s', 'p90_s', 'breaches')),
    [['support', 3, 2, 1, 6666, 1, 200, 300, 2]],
  ) // biome-ignore format: a table
})

test('FEATURES 0.6: organizations reconcile with the ticket list', async () => {
  const { rows: found, total } = await makeReport(sql, ask('organizations'), NOON)
  const keys = ['organization', 'tickets', 'open', 'done', 'breached', 'without_policy', 'time_s', 'billable_s']
  assert.equal(
    found.map((row) => pick(row, ...keys)),
    [
      ['Acme', 3, 2, 1, 1, 0, HOUR, HOUR],
      ['Borealis', 1, 0, 1, 1, 0, 0, 0],
      ['no customer', 1, 1, 0, 0, 1, 0, 0],
    ],
  )
  const listed = async (query: string) => (await findTickets(sql, { query, limit: null }, NOON)).length
  assert.is(total!.tickets, await listed(''))
  assert.is(total!.open, await listed('-status:resolved -status:closed'))
  for (const row of found.slice(0, 2)) assert.is(row.tickets, await listed(`org:"${row.organization}"`))
  const late = new Set((await rows('violations')).map((row) => row.ticket))
  assert.is(total!.breached, late.size)
  assert.is((await rows('organizations', { to: '2026-03-05' }))[0]!.time_s, 1.5 * HOUR)
})

test('V5: bounds are local midnights, half-open, also where there is none', async () => {
  const instants = (from: string, to: string, zone: string) => {
    const period = periodOf({ from, to, zone })
    return [period.from!.toISOString(), period.to!.toISOString()]
  }
  assert.equal(instants('2026-03-29', '2026-03-30', 'Europe/Berlin'), [
    '2026-03-28T23:00:00.000Z',
    '2026-03-29T22:00:00.000Z',
  ])
  // clocks in Beirut go from 24:00 to 01:00
  assert.is(instants('2026-03-29', '2026-03-30', 'Asia/Beirut')[0], '2026-03-28T22:00:00.000Z')
  // A's breach is at the first moment of 3 March in Fiji
  const tickets = async (from: string | null, to: string | null) =>
    (await rows('violations', { from, to, zone: 'Pacific/Fiji' })).map((row) => row.ticket)
  assert.equal(await tickets('2026-03-02', '2026-03-03'), [])
  assert.equal(await tickets('2026-03-03', null), [b.id, a.id])
  for (const [from, to, zone, code] of [
    ['2026-02-30', null, 'UTC', 'bad_date'],
    ['yesterday', null, 'UTC', 'bad_date'],
    ['2026-03-02', '2026-03-02', 'UTC', 'bad_period'],
    [null, null, 'Mars/Olympus', 'bad_zone'],
  ] as const)
    assert.throws(
      () => periodOf({ from, to, zone }),
      (error: unknown) => error instanceof Refusal && error.code === code,
    )
})

test('V5: CSV has UTC and local times, whole seconds, and no formula', async () => {
  const lines = [...csvRecords(await makeReport(sql, ask('violations'), NOON), 'Europe/Berlin')]
  assert.match(lines[0]!, /^ticket,subject,.*,at,at_local,.*\r\n$/)
  assert.ok(lines[2]!.startsWith(`${a.id},"'=HYPERLINK(""x""), please",Acme,`), lines[2])
  assert.match(lines[2]!, ',2026-03-02T12:00:00Z,2026-03-02 13:00:00 +01:00,')
  assert.match(lines[2]!, `,running,${9 * HOUR},${25 * HOUR}\r\n`)
})

test('the command prints a table, one object a line, or CSV; other words are refused', async () => {
  const printed = async (form: 'text' | 'json' | 'csv', name = 'compliance') => {
    const lines: string[] = []
    const asked = { ...ask('compliance'), name, by: null, from: '2026-03-02', to: '2026-03-04', zone: null, form }
    await showReport(sql, (line) => void lines.push(line), asked, NOON)
    return lines
  }
  const text = await printed('text')
  assert.is(text[0], 'compliance, from 2026-03-02 until before 2026-03-04, days of Europe/Berlin')
  assert.match(text.join('\n'), /first_response +4 +3 +2 +1 +66\.6 % +1 +2 h +3 h/)
  assert.match(text.join('\n'), /^all .* 75\.0 % /m)
  assert.equal(
    (await printed('json')).map((line) => JSON.parse(line).metric),
    ['first_response', 'resolution', 'ola'],
  )
  assert.ok((await printed('csv', 'orgs'))[1]!.startsWith('Acme,acme,3,2,1,1,0,3600,3600\r'))
  const none: string[] = []
  const nothing = {
    ...ask('compliance'),
    by: 'policy',
    from: '2020-01-01',
    to: '2020-02-01',
    zone: 'UTC',
    form: 'text',
  }
  await showReport(sql, (line) => void none.push(line), nothing as never, NOON)
  assert.match(none.join('\n'), /Met of ended.*no policy .* n\/a/s, 'of nothing it is n/a, not left out')
  try {
    await printed('json', 'weather')
    assert.unreachable()
  } catch (error) {
    assert.is((error as Refusal).code, 'unknown_report')
  }
})

test('V6: the same numbers after the calendar and the policies were edited', async () => {
  const customers = async () => (await rows('compliance')).filter((row) => row.metric !== 'ola')
  const all = async () => [await customers(), await rows('agents'), (await rows('violations'))[0]]
  const before = await all()
  const text = readFileSync(path.join(import.meta.dirname, '..', '..', 'config', 'demo-desk.yml'), 'utf8')
    .replaceAll('09:00-17:00', '06:00-22:00')
    .replaceAll('resolution: 24h', 'resolution: 60h')
    .replaceAll('first_response: 4h', 'first_response: 3h')
  await work((tx) => applyDesk(tx, { text, author: 'test' }, NOON))
  for (const version of await listOutdated(sql)) await work((tx) => sweepOutdated(tx, { version, after: 0 }, NOON))
  const [moved] = await sql`
    select k.version, c.elapsed_s from sla_clocks c join calendars k on k.id = c.calendar_id
    where c.ticket_id = ${a.id} and c.metric = 'first_response'`
  assert.equal({ ...moved }, { version: 2, elapsed_s: 13 * HOUR }, 'the edit reached what is open')
  assert.equal(await all(), before)
})

test.run()

/** Report pages: for agents only, a form that needs no script, a chart and the same numbers in a table, CSV. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { periodOf } from '../../src/engine/reports/period.ts'
import { REPORTS } from '../../src/engine/reports.ts'
import { sweepDue } from '../../src/engine/tickets/sweep.ts'
import { setStatus } from '../../src/engine/tickets.ts'
import { web as limits } from '../../src/limits.ts'
import { overTime } from '../../src/web/reports/over-time.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { ada, bo } = desk
const browser = await desk.signIn(ada)
test.after(database.close)

const monday = (time: string) => new Date(`2026-03-02T${time}Z`)
const acme = { organization: 'acme', project: 'acme/incoming', at: monday('08:00:00') }
// late for an answer since Monday 13:00 in Berlin and still open: 13 hours of work less four
const late = await desk.addTicket({ ...acme, assignee: 'ada@desk.example', subject: '=1+1 <script>alert(1)</script>' })
// solved by Bo at 11:00 in Berlin, in time
const kept = await desk.addTicket({ ...acme })
await transaction(sql, (tx) =>
  setStatus(
    tx,
    { ticketId: kept.id, status: 'resolved', actor: { kind: 'agent', id: bo.id, name: bo.name } },
    monday('10:00:00'),
  ),
)
while ((await transaction(sql, (tx) => sweepDue(tx, NOON))).settled > 0);

/** Cells of the page's table of figures, row by row. */
const cells = (page: string) =>
  [...(page.match(/<tbody.*?<\/tbody>/gs)?.at(-1) ?? '').matchAll(/<tr.*?<\/tr>/gs)].map(([row]) =>
    [...row.matchAll(/<td[^>]*><div>(.*?)<\/div><\/td>/gs)].map((cell) =>
      cell[1]!
        .replace(/<[^>]+>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    ),
  )

test('reports are for agents: others are sent to sign in', async () => {
  for (const path of ['/reports', ...REPORTS.flatMap((name) => [`/reports/${name}`, `/reports/${name}.csv`])]) {
    const answer = await desk.app.request(path)
    assert.is(answer.status, 303, path)
    assert.is(answer.headers.get('location')?.startsWith('/sign-in'), true, path)
    assert.is((await browser.get(path)).status, 200, path)
  }
  for (const path of ['/reports/weather', '/reports/weather.csv', '/reports/constructor'])
    assert.is((await browser.get(path)).status, 404, path)
})

test('the side bar leads to the list, and the list to each report', async () => {
  const page = await browser.page('/reports')
  assert.match(page, /href="\/reports" aria-current="page"/)
  for (const name of REPORTS) assert.match(page, `href="/reports/${name}"`)
})

test('broken promises: ticket, promise, who, when and by how much, of the last thirty days', async () => {
  const page = await browser.page('/reports/violations')
  assert.equal(cells(page), [
    [
      `#${late.id} =1+1 &lt;script&gt;alert(1)&lt;/script&gt; Acme · Eva Brandt`,
      'First answer 4 h, gold, Normal',
      'Ada',
      'Mon 2 Mar 2026, 13:00 CET',
      '9 h 25 h on the wall',
      'Still running',
    ],
  ])
  assert.match(page, /<strong>1<\/strong> broken promise, as of Tue 3 Mar 2026, 14:00 CET/)
  assert.match(page, /name="from" value="2026-02-02"/)
  assert.match(page, /name="to" value="2026-03-04"/)
  assert.match(page, /<rect class="k-bad"[^>]*><title>2026-03-02: 1<\/title>/)
  assert.match(page, /<summary>The chart as a table<\/summary>/)
  assert.not.match(page, '<script>')
})

test('a period and a zone by the form; the day in "Before" is not in it', async () => {
  const found = async (query: string) => cells(await browser.page(`/reports/violations?${query}`)).length
  assert.is(await found('from=2026-03-02&to=2026-03-03'), 1)
  assert.is(await found('from=2026-03-01&to=2026-03-02'), 0)
  assert.is(await found('from=2026-03-03&to='), 0)
  assert.is(await found('from=2026-03-03&to=&zone=Pacific/Fiji'), 1, 'it was the third there')
  assert.is(await found('from=&to='), 1)
  assert.match(await browser.page('/reports/violations?from=2026-03-01&to=2026-03-02'), /No promise was broken/)
})

test('words that mean nothing are shown again with what is wrong', async () => {
  for (const query of ['from=2026-02-31&to=', 'from=2026-03-02&to=2026-03-01', 'zone=%22%3E%3Cb%3E', 'by=weather']) {
    const answer = await browser.get(`/reports/compliance?${query}`)
    assert.is(answer.status, 422, query)
    const page = await answer.text()
    assert.match(page, /role="alert"/, query)
    assert.not.match(page, '<b>')
    assert.is((await browser.get(`/reports/compliance.csv?${query}`)).status, 422)
  }
})

test('promises kept: chart and table say the same', async () => {
  const page = await browser.page('/reports/compliance?from=2026-03-02&to=2026-03-04')
  assert.equal(cells(page), [
    ['First answer', '2', '1', '1', '0', '100.0 %', '1', '2 h', '2 h'],
    ['Solution', '1', '1', '1', '0', '100.0 %', '0', '2 h', '2 h'],
  ])
  assert.match(page, /<text class="end"[^>]*>100\.0 % of 1<\/text>/)
  assert.match(page, /<rect class="k-good" x="0%" width="100%"/)
  assert.match(await browser.page('/reports/compliance?by=priority'), />Normal: First answer<\/text>/)
  const byHour = await browser.page('/reports/compliance?from=2026-03-02&to=2026-03-04&by=hour')
  assert.equal(cells(byHour)[0]!.slice(0, 3), ['09:00', 'First answer', '2'])
  const nothing = await browser.page('/reports/compliance?from=2026-03-03&to=&zone=Pacific/Fiji')
  assert.equal(cells(nothing), [['First answer', '1', '0', '0', '0', 'n/a', '1']], 'nothing ended: n/a')
})

test('agents, teams and customers', async () => {
  const rows = async (name: string) => cells(await browser.page(`/reports/${name}?from=2026-03-02&to=2026-03-04`))
  const agents = await rows('agents')
  assert.equal(
    agents.map((row) => [row[0], row.at(-1)]),
    [
      ['Ada', '1'],
      ['Bo', '0'],
    ],
  )
  assert.equal((await rows('teams')).at(0)!.slice(0, 2), ['Support', '0'])
  assert.equal((await rows('organizations'))[0]!.slice(0, 5), ['Acme', '2', '1', '1', '1'])
})

test('who waits for somebody to assess them, by team and by customer', async () => {
  const page = await browser.page('/reports/unassessed?from=2026-03-02&to=2026-03-04')
  assert.equal(
    cells(page).map((row) => row.slice(0, 6)),
    [
      ['Team', 'Support', '2', '1', '13 h', '1'],
      ['Customer', 'Acme', '2', '1', '13 h', '1'],
    ],
  )
  assert.match(page, />1 of 2<\/text>/)
  const csv = await (await browser.get('/reports/unassessed.csv?from=2026-03-02&to=2026-03-04')).text()
  assert.match(csv, 'team,Support,support,2,1,46800,1,0,,\r\n')
})

test('CSV: a download with all columns, in UTC and local time, without formulas', async () => {
  const page = await browser.page('/reports/violations?from=2026-03-02&to=2026-03-04')
  const link = /href="(\/reports\/violations\.csv[^"]+)" download/.exec(page)![1]!.replaceAll('&amp;', '&')
  const answer = await browser.get(link)
  assert.is(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.match(answer.headers.get('content-disposition')!, 'filename="postroom-violations-2026-03-02-2026-03-04.csv"')
  const bytes = Buffer.from(await answer.arrayBuffer())
  assert.equal([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  const [, row] = bytes.toString().split('\r\n')
  assert.match(row!, `${late.id},'=1+1 <script>alert(1)</script>,Acme,Eva Brandt,`)
  assert.match(row!, ',2026-03-02T12:00:00Z,2026-03-02 13:00:00 +01:00,Ada,ada@desk.example,')
})

test('long lists have pages', async () => {
  const ids: number[] = []
  for (let n = 0; n < limits.page; n++) ids.push((await desk.addTicket(acme)).id)
  while ((await transaction(sql, (tx) => sweepDue(tx, NOON))).settled > 0);
  const first = await browser.page('/reports/violations')
  assert.is(cells(first).length, limits.page)
  const next = /rel="next" href="([^"]+)"/.exec(first)![1]!.replaceAll('&amp;', '&')
  assert.is(cells(await browser.page(next)).length, 1)
  assert.is(cells(await browser.page(next.replace('page=2', 'page=9'))).length, 1)
})

test('the chart counts by day, by month and by year, empty ones too', () => {
  const at = (...instants: string[]) => instants.map((one) => ({ at: one, superseded_at: null }))
  const period = (from: string | null, to: string | null) => periodOf({ from, to, zone: 'Europe/Berlin' })
  const rows = at('2026-03-01T23:30:00Z', '2026-03-03T10:00:00Z') // the first is on 2 March in Berlin
  assert.equal(overTime(rows, period('2026-03-01', '2026-03-05')), {
    unit: 'Day',
    buckets: [
      { label: '2026-03-01', count: 0 },
      { label: '2026-03-02', count: 1 },
      { label: '2026-03-03', count: 1 },
      { label: '2026-03-04', count: 0 },
    ],
  })
  assert.equal(
    overTime(rows, period('2026-02-01', '2026-05-01'))!.buckets.map((one) => one.count),
    [0, 2, 0],
  )
  assert.is(overTime([...rows, ...at('2020-01-01T00:00:00Z')], period(null, null))!.buckets.length, 7)
  assert.is(overTime([], period(null, null)), null)
})

test.run()

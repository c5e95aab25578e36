/** Queues: what each shows, in which order, page by page, from the indexes of SLA Q2. */

import type { Row } from 'postgres'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { parseDesk } from '../../src/engine/desk/document.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { setDue } from '../../src/engine/tickets/due.ts'
import { web as limits } from '../../src/limits.ts'
import { after, DAY, HOUR, MINUTE, SECOND } from '../../src/time.ts'
import { clocksStatement, cursorText, listQueue, parseCursor, queueStatement } from '../../src/web/queues/list.ts'
import { QUEUES } from '../../src/web/queues/names.ts'
import { showProblem } from '../../src/yaml.ts'
import { testDatabase } from '../database.ts'
import { demoDesk } from '../desk.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { clock, ada, bo } = desk
const browser = await desk.signIn(ada)
const project = (key: string) => desk.tools.desk.projects.get(key)!.id

test.before.each(async () => {
  clock.now = NOON
  for (const table of ['sla_clocks', 'comments', 'events', 'tickets']) await sql`delete from ${sql(table)}`
})
test.after(database.close)

/** Ticket numbers on a page, in order. */
const numbers = (page: string) => [...page.matchAll(/href="\/tickets\/(\d+)"/g)].map((match) => Number(match[1]))
const due = async (id: number, at: Date | null) => sql`update tickets set next_due_at = ${at} where id = ${id}`

test('tickets stand by their next due date, those without one at the end', async () => {
  const late = await desk.addTicket({ subject: 'late' })
  const none = await desk.addTicket({ subject: 'none' })
  const soon = await desk.addTicket({ subject: 'soon' })
  await due(late.id, after(NOON, -DAY))
  await due(none.id, null)
  await due(soon.id, after(NOON, HOUR))
  assert.equal(numbers(await browser.page('/queues/open')), [late.id, soon.id, none.id])
})

test('a date by hand moves a ticket where it is earlier than the promise, and is shown as what is due', async () => {
  const promised = await desk.addTicket({ subject: 'promised', organization: 'acme', project: 'acme/incoming' })
  const byHand = await desk.addTicket({ subject: 'by hand', organization: 'acme', project: 'acme/incoming' })
  const late = await desk.addTicket({ subject: 'late' })
  const unpromised = await desk.addTicket({ subject: 'unpromised' })
  await due(unpromised.id, null)
  await due(late.id, after(NOON, -HOUR))
  const order = async (query = '') => numbers(await browser.page(`/queues/open${query}`))
  const act = (id: number, at: Date | null) =>
    transaction(sql, (tx) =>
      setDue(tx, { ticketId: id, due: at, actor: { kind: 'agent', id: ada.id, name: 'Ada' } }, clock.now),
    )
  assert.equal(await order(), [late.id, promised.id, byHand.id, unpromised.id])
  await act(byHand.id, after(NOON, HOUR))
  await act(unpromised.id, after(NOON, 2 * HOUR))
  assert.equal(await order(), [late.id, byHand.id, unpromised.id, promised.id])
  const page = await browser.page('/queues/open')
  assert.match(page, 'title="Date by hand: Tue 3 Mar 2026')
  assert.match(page, '<span class="sub clock">First answer: 4 h left</span>', 'what is promised stays there')
  assert.match(await browser.page(`/tickets/${byHand.id}`), /Date by hand:\s+<time/)
  await act(promised.id, after(NOON, 30 * DAY))
  assert.equal(await order(), [late.id, byHand.id, unpromised.id, promised.id], 'a later one moves nothing')
  assert.equal(await order('?order=created'), [promised.id, byHand.id, late.id, unpromised.id])
  clock.now = after(NOON, HOUR + SECOND)
  assert.match(await browser.page('/queues/open'), 'Date by hand has passed')
  assert.match(await browser.page(`/tickets/${byHand.id}`), 'Date by hand has passed')
  await act(byHand.id, null)
  assert.equal(await order(), [late.id, unpromised.id, promised.id, byHand.id])
})

test('each queue shows its own tickets and no other', async () => {
  const mine = await desk.addTicket({ assignee: 'ada@desk.example', status: 'open' })
  const theirs = await desk.addTicket({ assignee: 'bo@desk.example', status: 'waiting_customer' })
  const free = await desk.addTicket()
  const done = await desk.addTicket({ status: 'resolved' })
  const closed = await desk.addTicket({ status: 'closed' })
  const spam = await desk.addTicket()
  const gone = await desk.addTicket()
  await sql`update tickets set spam_at = now() where id = ${spam.id}`
  await sql`update tickets set deleted_at = now() where id = ${gone.id}`
  const shown = async (name: string) => numbers(await browser.page(`/queues/${name}`)).sort((a, b) => a - b)
  assert.equal(await shown('open'), [mine.id, theirs.id, free.id])
  assert.equal(await shown('unassigned'), [free.id])
  assert.equal(await shown('mine'), [mine.id])
  assert.equal(await shown('teams'), [mine.id, theirs.id, free.id])
  assert.equal(await shown('waiting'), [theirs.id])
  assert.equal(await shown('resolved'), [done.id])
  assert.not.ok((await shown('open')).includes(closed.id))
})

test('a queue can be narrowed to a project, and an unknown one changes nothing', async () => {
  const inAcme = await desk.addTicket({ project: 'acme/incoming' })
  const inTriage = await desk.addTicket()
  assert.equal(numbers(await browser.page('/queues/open?project=acme%2Fincoming')), [inAcme.id])
  assert.is(numbers(await browser.page('/queues/open?project=nowhere')).length, 2)
  assert.equal(numbers(await browser.page('/queues/teams?project=triage')), [inTriage.id])
})

test('paging by key goes forth and back over every ticket once, equal due dates and none included', async () => {
  const wanted: number[] = []
  for (let n = 0; n < limits.page * 2 + 7; n++) {
    const { id } = await desk.addTicket({ assignee: 'ada@desk.example', at: after(NOON, -DAY) })
    await due(id, n < limits.page + 20 ? after(NOON, Math.floor(n / 10) * MINUTE) : null)
    wanted.push(id)
  }
  for (const name of ['open', 'mine', 'teams']) {
    const pages: number[][] = []
    let path: string | undefined = `/queues/${name}`
    let last = ''
    while (path) {
      last = await browser.page(path)
      pages.push(numbers(last))
      path = /rel="next" href="([^"]+)"/.exec(last)?.[1]?.replaceAll('&amp;', '&')
    }
    assert.equal(
      pages.map((page) => page.length),
      [limits.page, limits.page, 7],
      name,
    )
    assert.equal(pages.flat(), wanted, name)
    const back = await browser.page(/rel="prev" href="([^"]+)"/.exec(last)![1]!.replaceAll('&amp;', '&'))
    assert.equal(numbers(back), pages[1], name)
  }
})

test('resolved tickets page by when they were resolved, newest first', async () => {
  const ids: number[] = []
  for (let n = 0; n < limits.page + 3; n++)
    ids.push((await desk.addTicket({ status: 'resolved', at: after(NOON, -Math.floor(n / 4) * HOUR) })).id)
  const first = await browser.page('/queues/resolved')
  const next = /rel="next" href="([^"]+)"/.exec(first)![1]!
  const second = await browser.page(next)
  const all = [...numbers(first), ...numbers(second)]
  assert.is(all.length, ids.length)
  assert.equal(new Set(all), new Set(ids))
  const [row] = await sql`select array_agg(id order by resolved_at desc, id desc) as ids from tickets`
  assert.equal(all, row!.ids)
  assert.equal(numbers(await browser.page(/rel="prev" href="([^"]+)"/.exec(second)![1]!)), numbers(first))
})

test('every queue reads an index in order and never the whole table', async () => {
  const index: Record<string, RegExp> = {
    open: /tickets_due/,
    unassigned: /tickets_assignee_due/,
    mine: /tickets_assignee_due/,
    teams: /tickets_team_due/,
    waiting: /tickets_waiting_due/,
    resolved: /tickets_resolved/,
  }
  const place = { at: after(NOON, DAY), id: 5 }
  const rare = project('acme/incoming')
  await transaction(sql, async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      insert into tickets (subject, base_subject, status, project_id, team_id, assignee_id, created_at, updated_at, next_due_at, due_at, resolved_at)
      select 'x', 'x', (array['open', 'waiting_customer', 'resolved', 'closed'])[1 + n % 4], case when n % 50 = 0 then ${rare}::int else ${project('triage')}::int end,
        1 + n % 40, case when n % 5 = 0 then null else 1 + n % 60 end, now(), now(), now() + n * interval '1 minute',
        case when n % 7 = 0 then now() + n * interval '50 seconds' end,
        case when n % 4 = 2 then now() end
      from generate_series(1, 20000) n`
    await tx`insert into sla_clocks (ticket_id, metric, state, policy_id, calendar_id, target_s, started_at)
      select id, 'resolution', 'running', 1, 1, 60, now() from tickets`
    await tx`analyze tickets`
    await tx`analyze sla_clocks`
    const wordsOf = (plan: readonly Row[]) => plan.map((row) => row['QUERY PLAN']).join('\n')
    const explain = async (query: Parameters<typeof queueStatement>[1]) =>
      wordsOf(await tx`explain (costs off) ${queueStatement(tx, query)}`)
    for (const { name } of QUEUES)
      for (const at of [{}, { after: place }, { before: place }]) {
        const plan = await explain({
          queue: name,
          agentId: ada.id,
          teamIds: [1, 2, 3],
          projectId: null,
          order: 'due',
          ...at,
        })
        assert.match(plan, index[name]!, `${name}\n${plan}`)
        assert.not.match(plan, /Seq Scan on (tickets|sla_clocks)/, `${name}\n${plan}`)
        if (name !== 'resolved') assert.not.match(plan, /Sort\b(?! Key)/, `${name}\n${plan}`)
      }
    const plan = await explain({ queue: 'open', agentId: ada.id, teamIds: [], projectId: rare, order: 'due' })
    assert.match(plan, /tickets_project_due/, plan)
    const clocks = wordsOf(await tx`explain (costs off) ${clocksStatement(tx, [7, 8, 9])}`)
    assert.match(clocks, /sla_clocks_once/, clocks)
    await tx`delete from sla_clocks`
    await tx`delete from tickets`
  })
})

test('time left is working time of the ticket’s own calendar, in hours and minutes, with overdue in words', async () => {
  // Gold, normal: 4 h from 14:00 in Berlin are 3 h of today and one of tomorrow.
  await desk.addTicket({ organization: 'acme', project: 'acme/incoming' })
  let page = await browser.page('/queues/open')
  assert.match(page, '>4 h left<')
  assert.match(page, '>Wed 10:00<')
  clock.now = after(NOON, 30 * MINUTE + SECOND)
  page = await browser.page('/queues/open')
  assert.match(page, '>3 h 29 min left<')
  clock.now = after(NOON, 20 * HOUR + MINUTE)
  page = await browser.page('/queues/open')
  assert.match(page, '>1 min overdue<')
  assert.match(page, 'Time left <span class="zone">CET')
})

test('every clock of a ticket says what it has left, one that is paused that it waits', async () => {
  const { id } = await desk.addTicket({ organization: 'acme', project: 'acme/incoming' })
  const others = async () =>
    [...(await browser.page('/queues/open')).matchAll(/<span class="sub clock">([^<]+)</g)].map((match) => match[1])
  assert.equal(await others(), ['Solution: 24 h left'])
  await sql`update sla_clocks set state = 'paused', due_at = null, running_since = null, elapsed_s = target_s - 5400
    where ticket_id = ${id} and metric = 'resolution'`
  clock.now = after(NOON, 30 * MINUTE)
  assert.equal(await others(), ['Solution: paused, 1 h 30 min left'])
  assert.match(await browser.page('/queues/open'), />3 h 30 min left<\/span>\s*<span class="sub">First answer <time/)
  await sql`update sla_clocks set state = 'stopped', due_at = null, running_since = null, stopped_at = now()
    where ticket_id = ${id} and metric = 'first_response'`
  await due(id, null)
  assert.match(
    await browser.page('/queues/open'),
    />Paused<\/span> <span class="sub">Solution: 1 h 30 min left<\/span>/,
  )
  await sql`update sla_clocks set breached_at = now(), elapsed_s = target_s where ticket_id = ${id}`
  assert.match(await browser.page('/queues/open'), />Paused<\/span> <span class="sub">Solution: 1 min overdue</)
})

test('0.15: a policy marks its priorities with its own colours, and the word stays', async () => {
  const colours = demoDesk.replace('  - key: gold\n', '  - key: gold\n    colours: {urgent: violet, low: grey}\n')
  await transaction(sql, (tx) => applyDesk(tx, { text: colours, author: 'test' }, NOON))
  const before = desk.tools.desk
  desk.tools.desk = await loadDesk(sql)
  const gold = { organization: 'acme', project: 'acme/incoming' }
  const { id } = await desk.addTicket({ ...gold, priority: 'urgent' })
  await desk.addTicket({ ...gold, priority: 'high' })
  await desk.addTicket({ priority: 'urgent', requester: { name: '', address: 'x@elsewhere.example' } })
  const marks = (page: string) =>
    [...page.matchAll(/class="(priority [^"]*)"[\s\S]*?<\/svg>(\w+)</g)].map((one) => `${one[2]}: ${one[1]}`)
  assert.equal(marks(await browser.page('/queues/open')).sort(), [
    'High: priority p-high',
    'Urgent: priority p-urgent',
    'Urgent: priority p-urgent k-violet',
  ])
  assert.equal(marks(await browser.page(`/tickets/${id}`))[0], 'Urgent: priority p-urgent k-violet')
  const { problems } = parseDesk(colours.replace('violet', 'mauve'), 'desk.yml', { tests: 'skip' })
  assert.match(problems.map(showProblem).join(), /mauve.*red, orange, yellow, green, blue, violet, grey/)
  desk.tools.desk = before
})

test('a page of another agent is in their zone', async () => {
  await desk.addTicket({ organization: 'acme' })
  await sql`update agents set zone = 'America/New_York' where id = ${bo.id}`
  const page = await (await desk.signIn(bo)).page('/queues/open')
  assert.match(page, '<span class="zone">GMT-5')
  assert.match(page, '>Wed 04:00<')
})

test('what strangers wrote is text in a list', async () => {
  const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
  await desk.addTicket({ subject: evil, requester: { name: evil, address: 'a@b.example' } })
  const page = await browser.page('/queues/open')
  assert.not.match(page, /<script(?! type="module" src="\/assets\/\w+\.js"><)|<img/)
  assert.match(page, '&quot;&gt;&lt;script&gt;')
})

test('a number leads to its ticket, anything else to words', async () => {
  assert.is((await browser.get('/jump?number=%2312')).headers.get('location'), '/tickets/12')
  assert.is((await browser.get('/jump?number=12%2F..%2F..')).status, 422)
  assert.is((await browser.get('/jump?number=')).status, 422)
})

test('tickets stand in the order that is asked for, page by page, and one that is kept is the next one asked for (1.18)', async () => {
  const ids: number[] = []
  for (const subject of ['a', 'b', 'c'])
    ids.push((await desk.addTicket({ subject, organization: 'acme', project: 'acme/incoming' })).id)
  const [a, b, c] = ids as [number, number, number]
  const clockDue = (id: number, metric: string, hours: number) =>
    sql`update sla_clocks set due_at = ${after(NOON, hours * HOUR)} where ticket_id = ${id} and metric = ${metric}`
  for (const [id, first, resolution, age] of [
    [a, 3, 5, 1],
    [b, 1, 6, 3],
    [c, 2, 4, 2],
  ] as const) {
    await clockDue(id, 'first_response', first)
    await clockDue(id, 'resolution', resolution)
    await due(id, after(NOON, (10 - first) * HOUR))
    await sql`update tickets set created_at = ${after(NOON, -age * DAY)} where id = ${id}`
  }
  const none = await desk.addTicket({ subject: 'answered', organization: 'acme', project: 'acme/incoming' })
  await sql`update sla_clocks set state = 'stopped', due_at = null, running_since = null, stopped_at = now()
    where ticket_id = ${none.id} and metric = 'first_response'`
  await sql`update tickets set created_at = ${after(NOON, DAY)}, next_due_at = null where id = ${none.id}`
  const orders = { due: [a, c, b], first_response: [b, c, a], resolution: [c, a, b], created: [b, c, a] }
  for (const [order, expected] of Object.entries(orders)) {
    const all = numbers(await browser.page(`/queues/open?order=${order}`))
    if (order === 'resolution') assert.equal(all.slice(0, 3), expected, order)
    else assert.equal(all, [...expected, none.id], order)
    const query = { queue: 'open', agentId: ada.id, projectId: null, order: order as 'due' } as const
    const { rows } = await listQueue(sql, query)
    const place = (n: number) => ({ at: rows[n]!.place, id: rows[n]!.id })
    const ids = (slice: { rows: { id: number }[] }) => slice.rows.map((row) => row.id)
    assert.equal(ids(await listQueue(sql, { ...query, after: place(0) })), all.slice(1), order)
    assert.equal(ids(await listQueue(sql, { ...query, before: place(3) })), all.slice(0, 3), order)
  }
  assert.match(await browser.page('/queues/open?order=created'), 'Keep this order')
  assert.is((await browser.post('/queues/open', { order: 'created', project: '' })).status, 303)
  assert.equal(numbers(await browser.page('/queues/open')), [...orders.created, none.id])
  assert.not.match(await browser.page('/queues/open'), 'Keep this order')
  assert.equal(numbers(await browser.page('/queues/open?order=due')), [...orders.due, none.id])
  assert.is((await browser.post('/queues/open', { order: 'colour' })).status, 422)
  await sql`update agents set queue_order = 'due'`
})

test('an unknown queue and broken places in it do no harm', async () => {
  assert.is((await browser.get('/queues/everything')).status, 404)
  for (const place of ["';drop table tickets", '2026-13-45T99:99:99.000Z~1', 'none~', '~~', 'none~999999999999999'])
    assert.is((await browser.get(`/queues/open?after=${encodeURIComponent(place)}`)).status, 200, place)
  const cursor = { at: after(NOON, 0), id: 3 }
  assert.equal(parseCursor(cursorText(cursor)), cursor)
  assert.equal(parseCursor(cursorText({ at: null, id: 4 })), { at: null, id: 4 })
  assert.is(parseCursor('x'), null)
  const slice = await listQueue(sql, {
    queue: 'open',
    agentId: ada.id,
    projectId: null,
    order: 'due',
    after: parseCursor('none~1'),
  })
  assert.equal([...slice.rows], [])
})

test.run()

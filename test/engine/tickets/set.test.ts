import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findTickets } from '../../../src/engine/search.ts'
import { setField, setProduct, setType } from '../../../src/engine/tickets/describe.ts'
import { setDue } from '../../../src/engine/tickets/due.ts'
import { setTeam } from '../../../src/engine/tickets/hand-over.ts'
import { observed, takeBack } from '../../../src/engine/tickets/take-back.ts'
import { snooze, wait, wakeDue } from '../../../src/engine/tickets/wait.ts'
import { assign, move, note, prioritise, setStatus, tag } from '../../../src/engine/tickets.ts'
import { after, DAY, HOUR } from '../../../src/time.ts'
import { testDatabase } from '../../database.ts'
import { NOON, refusal, timeDesk } from '../time-desk.ts'
import { eventsOf, rowOf, undone } from './verbs.ts'

const database = await testDatabase()
const { sql } = database
const OWN = (text: string) =>
  `${text}\nproducts: [{key: vpn, name: VPN}, {key: mail}]\nfields: [{key: site, name: Site, values: [Berlin, Oslo]}, {key: room}]\n`
let desk = await timeDesk(sql, '', OWN)
test.before.each(async () => {
  await database.empty()
  desk = await timeDesk(sql, '', OWN)
})
test.after(() => database.close())

const me = () => ({ kind: 'agent' as const, id: desk.bo.id, name: desk.bo.name })
const on = (ticketId: number) => ({ ticketId, actor: me(), tools: desk.tools })

test('a type of the desk file is set once, told once, and taken back', async () => {
  const id = await desk.addTicket()
  assert.equal(await desk.act((tx) => setType(tx, { ...on(id), type: 'Incident' }, NOON)), { from: 'question' })
  assert.equal(await desk.act((tx) => setType(tx, { ...on(id), type: 'incident' }, NOON)), { from: 'incident' })
  assert.equal(await eventsOf(sql, id), [{ type: 'type', data: { from: 'question', to: 'incident' }, why: null }])
  assert.is(await refusal(desk.act((tx) => setType(tx, { ...on(id), type: 'nothing' }, NOON))), 'unknown_type')
  await undone(sql, desk, { ...on(id), now: NOON, change: (tx) => setType(tx, { ...on(id), type: 'problem' }, NOON) })
})

test('FEATURES 0.3, 0.10: product and own fields are what the desk file says, found by search, and taken back', async () => {
  const id = await desk.addTicket()
  const product = (to: string | null) => desk.act((tx) => setProduct(tx, { ...on(id), product: to }, NOON))
  const field = (name: string, value: string | null) =>
    desk.act((tx) => setField(tx, { ...on(id), field: name, value }, NOON))
  assert.equal([await product('VPN'), await product('vpn')], [{ from: null }, { from: 'vpn' }])
  const found = (query: string) => findTickets(sql, { query, limit: 5 }, NOON).then((rows) => rows.length)
  assert.equal([await found('product:vpn'), await found('product:mail'), await found('product:none')], [1, 0, 0])
  assert.equal(await field('Site', 'oslo'), { from: null })
  assert.equal(await field('room', '  2 \n b '), { from: null })
  assert.equal((await rowOf(sql, id)).fields, { site: 'Oslo', room: '2 b' })
  assert.equal(await field('site', ''), { from: 'Oslo' })
  assert.equal((await rowOf(sql, id)).fields, { room: '2 b' })
  assert.equal(
    (await eventsOf(sql, id)).map((event) => [event.type, event.data.from, event.data.to]),
    [
      ['product', null, 'vpn'],
      ['field', null, 'Oslo'],
      ['field', null, '2 b'],
      ['field', 'Oslo', null],
    ],
  )
  assert.is(await refusal(product('none')), 'unknown_product')
  assert.is(await refusal(field('nothing', 'x')), 'unknown_field')
  assert.is(await refusal(field('site', 'Rome')), 'unknown_value')
  assert.is(await refusal(field('room', 'x'.repeat(201))), 'long_value')
  await undone(sql, desk, { ...on(id), now: NOON, change: (tx) => setProduct(tx, { ...on(id), product: null }, NOON) })
  const site = (tx: Parameters<Parameters<typeof undone>[2]['change']>[0]) =>
    setField(tx, { ...on(id), field: 'site', value: 'Berlin' }, NOON)
  await undone(sql, desk, { ...on(id), now: NOON, change: site })
})

test('a date by hand is found as what is due', async () => {
  const id = await desk.addTicket()
  await desk.act((tx) => setDue(tx, { ...on(id), due: after(NOON, DAY) }, NOON))
  const found = (query: string) => findTickets(sql, { query, limit: 5 }, NOON).then((rows) => rows.length)
  assert.equal([await found('due:<2d'), await found('due:<4h')], [1, 0])
})

test('a team takes over by its key, nobody does too, and it goes back', async () => {
  const id = await desk.addTicket()
  const [key] = desk.desk.teams.keys()
  assert.equal(await desk.act((tx) => setTeam(tx, { ...on(id), team: key! }, NOON)), { from: null })
  assert.is((await rowOf(sql, id)).team_id, desk.desk.teams.get(key!)!.id)
  assert.equal(await desk.act((tx) => setTeam(tx, { ...on(id), team: null }, NOON)), { from: key })
  assert.is(await refusal(desk.act((tx) => setTeam(tx, { ...on(id), team: 'nobody' }, NOON))), 'unknown_team')
  await undone(sql, desk, { ...on(id), now: NOON, change: (tx) => setTeam(tx, { ...on(id), team: key! }, NOON) })
})

test('COMMANDS E6 8: it waits until a time, comes back open, and the sweep tells of it once', async () => {
  const id = await desk.addTicket()
  const until = after(NOON, 3 * HOUR)
  await desk.act((tx) => wait(tx, { ...on(id), status: 'waiting_customer', until }, NOON))
  let row = await rowOf(sql, id)
  assert.equal([row.status, row.wake_at, row.wake_agent_id], ['waiting_customer', until, desk.bo.id])
  assert.equal(await desk.act((tx) => wakeDue(tx, after(until, -1))), { woken: 0, more: false })
  assert.equal(await desk.act((tx) => wakeDue(tx, until)), { woken: 1, more: false })
  assert.equal(await desk.act((tx) => wakeDue(tx, until)), { woken: 0, more: false })
  row = await rowOf(sql, id)
  assert.equal([row.status, row.wake_at, row.wake_agent_id], ['open', null, null])
  const news = await sql`select kind, agent_id, actor_id from ticket_news where ticket_id = ${id}`
  assert.equal({ ...news[0] }, { kind: 'woke', agent_id: desk.bo.id, actor_id: null })
  assert.equal(
    (await eventsOf(sql, id)).map((event) => event.type),
    ['status', 'wake', 'woke', 'status'],
  )
})

test('who changes the status is no longer waiting for a time; who repeats a wait changes nothing', async () => {
  const id = await desk.addTicket()
  const until = after(NOON, 3 * HOUR)
  const again = () => desk.act((tx) => wait(tx, { ...on(id), status: 'on_hold', until }, NOON))
  await again()
  await again()
  assert.is((await eventsOf(sql, id)).length, 2)
  await desk.act((tx) => setStatus(tx, { ...on(id), status: 'open' }, NOON))
  assert.is((await rowOf(sql, id)).wake_at, null)
})

test('a snoozed ticket keeps its status and comes back to who put it aside', async () => {
  const id = await desk.addTicket()
  await desk.act((tx) => snooze(tx, { ...on(id), until: after(NOON, HOUR) }, NOON))
  assert.is((await rowOf(sql, id)).status, 'open')
  await desk.act((tx) => wakeDue(tx, after(NOON, HOUR)))
  assert.is((await rowOf(sql, id)).status, 'open')
  assert.equal(
    (await eventsOf(sql, id)).map((event) => event.type),
    ['wake', 'woke'],
  )
  assert.is(await refusal(desk.act((tx) => snooze(tx, { ...on(id), until: NOON }, NOON))), 'past_time')
  assert.is(await refusal(desk.act((tx) => snooze(tx, { ...on(id), until: after(NOON, 400 * DAY) }, NOON))), 'far_time')
})

test('a deleted ticket is not woken: nobody hears of it', async () => {
  const id = await desk.addTicket()
  await desk.act((tx) => snooze(tx, { ...on(id), until: after(NOON, HOUR) }, NOON))
  await sql`update tickets set deleted_at = ${NOON} where id = ${id}`
  assert.equal(await desk.act((tx) => wakeDue(tx, after(NOON, HOUR))), { woken: 1, more: false })
  assert.is((await sql`select 1 from ticket_news where ticket_id = ${id}`).length, 0)
  assert.is((await rowOf(sql, id)).wake_at, null)
})

test('a date by hand moves no clock, and is gone again', async () => {
  const id = await desk.addTicket()
  const due = after(NOON, 5 * DAY)
  assert.equal(await desk.act((tx) => setDue(tx, { ...on(id), due }, NOON)), { from: null })
  assert.equal(await desk.act((tx) => setDue(tx, { ...on(id), due }, NOON)), { from: due })
  const row = await rowOf(sql, id)
  assert.equal([row.due_at, row.next_due_at], [due, null])
  assert.is((await eventsOf(sql, id)).length, 1)
  assert.equal(await desk.act((tx) => setDue(tx, { ...on(id), due: null }, NOON)), { from: due })
  assert.is(await refusal(desk.act((tx) => setDue(tx, { ...on(id), due: NOON }, NOON))), 'past_time')
})

test('do and take back gives the ticket as it was, whatever was done', async () => {
  const id = await desk.addTicket()
  const project = [...desk.desk.projects.values()].find((one) => one.key !== 'acme/incoming')!
  const changes: Parameters<typeof undone>[2]['change'][] = [
    (tx) => setStatus(tx, { ...on(id), status: 'resolved' }, NOON),
    (tx) => setStatus(tx, { ...on(id), status: 'closed' }, NOON),
    (tx) => wait(tx, { ...on(id), status: 'on_hold', until: after(NOON, HOUR) }, NOON),
    (tx) => snooze(tx, { ...on(id), until: after(NOON, HOUR) }, NOON),
    (tx) => setDue(tx, { ...on(id), due: after(NOON, DAY) }, NOON),
    (tx) => assign(tx, { ...on(id), agentId: desk.bo.id }, NOON),
    (tx) => prioritise(tx, { ...on(id), priority: 'urgent' }, NOON),
    (tx) => tag(tx, { ...on(id), add: ['vpn', 'b'] }, NOON),
    (tx) => move(tx, { ...on(id), projectId: project.id }, NOON),
    (tx) => setType(tx, { ...on(id), type: 'incident' }, NOON),
  ]
  for (const change of changes) await undone(sql, desk, { ...on(id), now: NOON, change })
  await sql`update tickets set status = 'new' where id = ${id}`
  await undone(sql, desk, {
    ...on(id),
    now: NOON,
    change: (tx) => assign(tx, { ...on(id), agentId: desk.bo.id }, NOON),
  })
  assert.is((await rowOf(sql, id)).status, 'new', 'a ticket that was new is new again')
})

test('what somebody else changed meanwhile is not taken back over their heads', async () => {
  const id = await desk.addTicket()
  const changed = await desk.act((tx) => observed(tx, id, () => prioritise(tx, { ...on(id), priority: 'high' }, NOON)))
  await desk.act((tx) => prioritise(tx, { ...on(id), priority: 'urgent' }, NOON))
  assert.is(await refusal(desk.act((tx) => takeBack(tx, { ...on(id), changed: changed! }, NOON))), 'changed_since')
  assert.is(
    await desk.act((tx) =>
      observed(tx, id, () => note(tx, { ticketId: id, agent: desk.bo, text: 'x', channel: 'web' }, NOON)),
    ),
    null,
  )
})

test.run()

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addCc, removeCc, restoreCc } from '../../../src/engine/tickets/cc.ts'
import { changeRequester } from '../../../src/engine/tickets/requester.ts'
import { after, DAY } from '../../../src/time.ts'
import { testDatabase } from '../../database.ts'
import { NOON, refusal, timeDesk } from '../time-desk.ts'
import { eventsOf, rowOf, undone } from './verbs.ts'

const database = await testDatabase()
const { sql } = database
let desk = await timeDesk(sql)
test.before.each(async () => {
  await database.empty()
  desk = await timeDesk(sql)
})
test.after(() => database.close())

const on = (ticketId: number) => ({
  ticketId,
  actor: { kind: 'agent' as const, id: desk.bo.id, name: desk.bo.name },
  tools: desk.tools,
})
const add = (ticketId: number, address: string, more = {}) =>
  desk.act((tx) => addCc(tx, { ...on(ticketId), address, ...more }, NOON))
const people = async (ticketId: number) =>
  (
    await sql`select address, name, role, added_at from ticket_participants where ticket_id = ${ticketId} order by address`
  ).map((row) => ({ ...row }))

test('MAIL 6.9: an agent lets somebody in and takes them out again', async () => {
  const id = await desk.addTicket()
  assert.equal(await add(id, 'Carl@acme.example', { name: 'Carl' }), { was: null })
  assert.equal(await people(id), [{ address: 'carl@acme.example', name: 'Carl', role: 'participant', added_at: NOON }])
  assert.ok((await sql`select 1 from contact_addresses where address = 'carl@acme.example'`).length === 1)
  assert.is((await add(id, 'carl@acme.example')).was?.role, 'participant')
  assert.is((await eventsOf(sql, id)).length, 1, 'once')
  const { was } = await desk.act((tx) => removeCc(tx, { ...on(id), address: 'carl@acme.example' }, NOON))
  assert.is(was?.role, 'participant')
  assert.equal(await people(id), [])
  assert.equal(await desk.act((tx) => removeCc(tx, { ...on(id), address: 'carl@acme.example' }, NOON)), { was: null })
  assert.equal(
    (await eventsOf(sql, id)).map((event) => event.type),
    ['admitted', 'dismissed'],
  )
})

test('who was pending is let in, and stands as before when that is taken back', async () => {
  const id = await desk.addTicket()
  await sql`
    insert into ticket_participants (ticket_id, address, name, role, added_at)
    values (${id}, 'carl@acme.example', 'Carl', 'pending', ${NOON})`
  const before = await people(id)
  const { was } = await desk.act((tx) => addCc(tx, { ...on(id), address: 'carl@acme.example' }, after(NOON, DAY)))
  assert.is((await people(id))[0]!.role, 'participant')
  const back = { ...on(id), address: 'carl@acme.example', was: JSON.parse(JSON.stringify(was)) }
  await desk.act((tx) => restoreCc(tx, back, after(NOON, DAY)))
  assert.equal(await people(id), before)
  const { was: gone } = await desk.act((tx) => removeCc(tx, { ...on(id), address: 'carl@acme.example' }, NOON))
  await desk.act((tx) => restoreCc(tx, { ...on(id), address: 'carl@acme.example', was: gone }, NOON))
  assert.equal(await people(id), before)
  const { was: none } = await add(id, 'dora@acme.example')
  await desk.act((tx) => restoreCc(tx, { ...on(id), address: 'dora@acme.example', was: none }, NOON))
  assert.equal(await people(id), before)
})

test('MAIL 6.10: desks, agents, machines, lists and people of another customer are not let in', async () => {
  const id = await desk.addTicket()
  const cases = {
    'support@desk.example': 'not_a_person',
    'ada@desk.example': 'not_a_person',
    'no-reply@acme.example': 'not_a_person',
    'eva@acme.example': 'is_requester',
    'x@borealis.example': 'other_organization',
    nobody: 'bad_address',
  }
  for (const [address, code] of Object.entries(cases)) assert.is(await refusal(add(id, address)), code, address)
  assert.equal(await people(id), [])
  await add(id, 'friend@elsewhere.example')
  await add(id, 'x@borealis.example', { foreign: 'allow' })
  assert.is((await people(id)).length, 2)
})

test('another customer, with their organization, and back', async () => {
  const id = await desk.addTicket()
  assert.equal(
    await desk.act((tx) => changeRequester(tx, { ...on(id), address: 'Olga@borealis.example', name: 'Olga' }, NOON)),
    {
      from: 'eva@acme.example',
    },
  )
  const row = await rowOf(sql, id)
  assert.equal(
    [row.requester_address, row.requester_name, row.organization_id],
    ['Olga@borealis.example', 'Olga', desk.desk.organizations.get('borealis')!.id],
  )
  for (const [address, code] of [
    ['support@desk.example', 'own_address'],
    ['no-reply@acme.example', 'not_a_person'],
  ] as const)
    assert.is(await refusal(desk.act((tx) => changeRequester(tx, { ...on(id), address }, NOON))), code)
  await undone(sql, desk, {
    ...on(id),
    now: NOON,
    change: (tx) => changeRequester(tx, { ...on(id), address: 'ada@desk.example' }, NOON),
  })
})

test.run()

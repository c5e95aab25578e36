import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findTickets } from '../../../src/engine/search.ts'
import { follow, unfollow } from '../../../src/engine/tickets/follow.ts'
import { merge } from '../../../src/engine/tickets/merge.ts'
import { privateComment } from '../../../src/engine/tickets/private.ts'
import { unmarkSpam } from '../../../src/engine/tickets/spam.ts'
import { assign, markSpam } from '../../../src/engine/tickets.ts'
import { loadTicket } from '../../../src/web/ticket/load.ts'
import { testDatabase } from '../../database.ts'
import { NOON, refusal, timeDesk } from '../time-desk.ts'
import { eventsOf, rowOf } from './verbs.ts'

const database = await testDatabase()
const { sql } = database
let desk = await timeDesk(sql)
test.before.each(async () => {
  await database.empty()
  desk = await timeDesk(sql)
})
test.after(() => database.close())

const me = () => ({ kind: 'agent' as const, id: desk.bo.id, name: desk.bo.name })
const types = async (id: number) => (await eventsOf(sql, id)).map((event) => event.type)
const seenBy = async (ticketId: number, agentId: number) =>
  (await loadTicket(sql, ticketId, { agentId, before: null }))!.comments.map((one) => [one.visibility, one.visible])

test('FEATURES 3.25: a private note is read by its author and whom it is for; others see that there is one', async () => {
  const id = await desk.addTicket()
  const third = {
    ...desk.ada,
    id: (
      await sql`
    insert into agents (address, name, created_at) values ('cy@desk.example', 'Cy', ${NOON}) returning id`
    )[0]!.id,
  }
  const write = (toId?: number | null) =>
    desk.act((tx) =>
      privateComment(
        tx,
        { ticketId: id, agent: desk.bo, text: ' He is ill. ', channel: 'web', ...(toId !== undefined && { toId }) },
        NOON,
      ),
    )
  assert.is((await write(desk.ada.id)).toId, desk.ada.id)
  for (const agent of [desk.bo, desk.ada]) assert.equal(await seenBy(id, agent.id), [['private', 'He is ill.']])
  assert.equal(await seenBy(id, third.id), [['private', '']])
  assert.is((await findTickets(sql, { query: 'ill', limit: 10 }, NOON)).length, 0, 'nobody finds it by its words')
  assert.is((await write()).toId, null, 'nobody has the ticket')
  await desk.act((tx) => assign(tx, { ticketId: id, agentId: desk.ada.id, actor: me() }, NOON))
  assert.is((await write()).toId, desk.ada.id, 'it is for whoever has the ticket')
  assert.is((await write(desk.bo.id)).toId, null)
  assert.is(await refusal(write(999_999)), 'unknown_agent')
  assert.is((await sql`select 1 from outbox`).length, 0)
  assert.equal((await types(id)).slice(0, 1), ['private_note'])
})

test('an agent follows a ticket or a project, once, and stops again', async () => {
  const id = await desk.addTicket()
  const one = { agentId: desk.ada.id, ticketId: id, actor: me() }
  const all = { agentId: desk.ada.id, project: 'acme/incoming', desk: desk.desk }
  for (const what of [one, all]) {
    assert.equal(await desk.act((tx) => follow(tx, what, NOON)), { changed: true })
    assert.equal(await desk.act((tx) => follow(tx, what, NOON)), { changed: false })
  }
  assert.is((await sql`select 1 from agent_followers`).length, 2)
  for (const what of [one, all]) {
    assert.equal(await desk.act((tx) => unfollow(tx, what, NOON)), { changed: true })
    assert.equal(await desk.act((tx) => unfollow(tx, what, NOON)), { changed: false })
  }
  assert.is((await sql`select 1 from agent_followers`).length, 0)
  assert.equal(await types(id), ['followed', 'unfollowed'])
  assert.is(await refusal(desk.act((tx) => follow(tx, { ...all, project: 'none' }, NOON))), 'unknown_project')
  assert.is(await refusal(desk.act((tx) => follow(tx, { ...one, agentId: 999_999 }, NOON))), 'unknown_agent')
})

test('who follows a ticket follows what it is merged into', async () => {
  const [source, target] = [await desk.addTicket(), await desk.addTicket()]
  for (const ticketId of [source, target])
    await desk.act((tx) => follow(tx, { agentId: desk.ada.id, ticketId, actor: me() }, NOON))
  await desk.act((tx) => follow(tx, { agentId: desk.bo.id, ticketId: source, actor: me() }, NOON))
  await desk.act((tx) => merge(tx, { ticketId: source, intoId: target, actor: me() }, NOON))
  const rows = await sql`select agent_id, ticket_id from agent_followers order by agent_id`
  assert.equal(
    rows.map((row) => Object.values(row)),
    [
      [desk.ada.id, target],
      [desk.bo.id, target],
    ].sort((a, b) => a[0]! - b[0]!),
  )
})

test('a ticket that is no spam is back in the lists; one that never was changes nothing', async () => {
  const id = await desk.addTicket()
  await desk.act((tx) => markSpam(tx, { ticketId: id, actor: me() }, NOON))
  assert.equal(await desk.act((tx) => unmarkSpam(tx, { ticketId: id, actor: me() }, NOON)), { was: true })
  assert.equal(await desk.act((tx) => unmarkSpam(tx, { ticketId: id, actor: me() }, NOON)), { was: false })
  const row = await rowOf(sql, id)
  assert.equal([row.spam_at, row.spam_by], [null, null])
  assert.equal(await types(id), ['spam', 'not_spam'])
})

test.run()

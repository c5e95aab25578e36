/** A date that an agent sets: it moves no clock, and whose the ticket is hears of its passing once, whoever sweeps. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient, transaction } from '../../../src/database.ts'
import { choose } from '../../../src/engine/notify/choices.ts'
import { readQueue } from '../../../src/engine/notify/queue.ts'
import { findTickets } from '../../../src/engine/search.ts'
import { listClocks } from '../../../src/engine/sla/read.ts'
import { replayTicket } from '../../../src/engine/sla/replay.ts'
import { setDue, tellPassed } from '../../../src/engine/tickets/due.ts'
import { observed, takeBack } from '../../../src/engine/tickets/take-back.ts'
import { assign, deleteTicket, setStatus } from '../../../src/engine/tickets.ts'
import { after, DAY, HOUR, MINUTE, SECOND } from '../../../src/time.ts'
import { MONDAY, mail, startDesk } from '../../desk.ts'
import { agentOf, notifications, sweep } from '../notify/desk.ts'

const desk = await startDesk()
const { sql } = desk
test.after(() => desk.stop())
test.before.each(() => desk.reset())

const hour = (hours: number) => after(MONDAY, hours * HOUR)
const bo = () => agentOf(desk, 'bo@desk.example')
const within = <T>(work: Parameters<typeof transaction<T>>[1]) => transaction(sql, work)
/** Of Bo, who has heard of it. */
async function ticketOf(): Promise<number> {
  const { ticket_id: id } = await desk.deliver(mail({}))
  const { actor } = await agentOf(desk, 'ada@desk.example')
  const { id: agentId } = await bo()
  await within((tx) => assign(tx, { ticketId: id!, agentId, actor }, MONDAY))
  await sql`delete from ticket_news`
  return id!
}
const put = async (id: number, due: Date | null, now = MONDAY) => {
  const { actor } = await bo()
  return await within((tx) => setDue(tx, { ticketId: id, due, actor }, now))
}
const passed = async (now: Date) => (await within((tx) => tellPassed(tx, now))).passed
const news = async () => [...(await sql`select ticket_id, kind, actor_id from ticket_news`)].map((one) => ({ ...one }))
const told = async (id: number) =>
  (await sql`select data from events where ticket_id = ${id} and type = 'passed' order by seq`).map(
    (one) => one.data.due,
  )

test('clocks and promise stay as they are; queue of the digest, search and replay agree', async () => {
  const [id, other] = [await ticketOf(), await ticketOf()]
  const state = async () => [
    await listClocks(sql, id, hour(1)),
    (await sql`select next_due_at, ola_due_at, ack_promise from tickets where id = ${id}`)[0],
  ]
  const before = await state()
  const queue = async () =>
    (await readQueue(sql, { agentId: (await bo()).id, teamIds: [] }, hour(1))).mine.map((one) => [one.id, one.due])
  const promised = hour(4)
  assert.equal(await queue(), [
    [id, promised],
    [other, promised],
  ])
  await put(other, hour(2))
  await put(id, hour(3))
  assert.equal(await state(), before)
  assert.equal(await queue(), [
    [other, hour(2)],
    [id, hour(3)],
  ])
  const [line] = await findTickets(sql, { query: `#${id}`, limit: 1 }, MONDAY)
  assert.equal([line!.next_due_at, line!.due_at], [promised, hour(3)])
  await passed(hour(5))
  await within(async (tx) => assert.equal((await replayTicket(tx, id, hour(5))).differences, []))
})

test('when it has passed its agent hears of it, once; a new date is another reminder', async () => {
  const id = await ticketOf()
  await put(id, hour(2))
  assert.is(await passed(hour(2)), 0, 'it has not passed in its second')
  const at = after(hour(2), SECOND)
  assert.is(await passed(at), 1)
  assert.equal(await news(), [{ ticket_id: id, kind: 'passed', actor_id: null }])
  assert.equal([await passed(at), await passed(hour(30))], [0, 0])
  await sweep(desk, after(at, 2 * MINUTE))
  const [sent, ...others] = await notifications(desk)
  assert.equal([sent!.recipient, others], ['bo@desk.example', []])
  assert.match(sent!.text, '- The date set by hand has passed')
  assert.match(sent!.text, 'Due by hand: Monday, 23 November 2026 at 11:30 CET (UTC+01:00)')
  await put(id, hour(40), hour(3))
  assert.is(await passed(hour(39)), 0)
  assert.is(await passed(hour(41)), 1)
  assert.equal(await told(id), [hour(2).toISOString(), hour(40).toISOString()])
})

test('a ticket of nobody: its team; who wants no reminders hears nothing', async () => {
  const { ticket_id: id } = await desk.deliver(mail({}))
  await sql`delete from ticket_news`
  await within((tx) =>
    choose(tx, { agentId: desk.tools().desk.agents.get('bo@desk.example')!.id, choices: { warning: 'none' } }),
  )
  await put(id!, hour(1))
  assert.is(await passed(hour(2)), 1)
  await sweep(desk, hour(3))
  assert.equal(
    (await notifications(desk)).map((one) => one.recipient),
    ['ada@desk.example'],
  )
})

test('taken back, a date that was told is not told again', async () => {
  const id = await ticketOf()
  await put(id, hour(1))
  assert.is(await passed(hour(2)), 1)
  const { actor } = await bo()
  const changed = await within((tx) =>
    observed(tx, id, () => setDue(tx, { ticketId: id, due: hour(9), actor }, hour(3))),
  )
  await within((tx) =>
    takeBack(tx, { ticketId: id, changed: JSON.parse(JSON.stringify(changed)), actor, tools: desk.tools() }, hour(4)),
  )
  const [row] = await sql`select due_at from tickets where id = ${id}`
  assert.equal(row!.due_at, hour(1))
  assert.is(await passed(hour(5)), 0)
})

test('what is done or gone is not told; opened again it is, unless that is a day ago', async () => {
  const { actor } = await bo()
  const ids = [await ticketOf(), await ticketOf(), await ticketOf()]
  for (const id of ids) await put(id, hour(2))
  const set = (id: number, status: string, now: Date) =>
    within((tx) => setStatus(tx, { ticketId: id, status, actor, tools: desk.tools() }, now))
  await set(ids[0]!, 'resolved', hour(1))
  await set(ids[1]!, 'closed', hour(1))
  await within((tx) => deleteTicket(tx, { ticketId: ids[2]!, actor }, hour(1)))
  await sql`delete from ticket_news`
  assert.is(await passed(hour(3)), 0)
  await set(ids[0]!, 'open', hour(4))
  assert.is(await passed(hour(4)), 1)
  assert.equal(await news(), [{ ticket_id: ids[0], kind: 'passed', actor_id: null }])
  await set(ids[1]!, 'open', after(hour(2), DAY + HOUR))
  assert.is(await passed(after(hour(2), DAY + HOUR)), 1)
  assert.is((await news()).length, 1, 'E4: too late to be told')
  assert.is((await told(ids[1]!)).length, 1)
})

test('two daemons at once tell it once, and looking for what passed reads an index', async () => {
  const ids: number[] = []
  for (let n = 0; n < 12; n++) ids.push(await ticketOf())
  for (const id of ids) await put(id, hour(2))
  const other = openClient(desk.database.target)
  try {
    const rounds = await Promise.all(
      [sql, other, sql, other].map((client) => transaction(client, (tx) => tellPassed(tx, hour(3)))),
    )
    assert.is(
      rounds.reduce((sum, one) => sum + one.passed, 0),
      12,
    )
    assert.is((await news()).length, 12)
  } finally {
    await other.end()
  }
  const plan = await within(async (tx) => {
    await tx`set local enable_seqscan = off`
    return await tx`explain (costs off) select id from tickets
      where status not in ('resolved', 'closed') and deleted_at is null and spam_at is null and merged_into is null
        and reminded_due_at is distinct from due_at and due_at < now() order by due_at`
  })
  assert.match(plan.map((row) => row['QUERY PLAN']).join('\n'), 'tickets_passed')
})

test.run()

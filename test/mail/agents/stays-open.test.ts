/** A project may choose that its tickets stay open after an agent's answer (2.26), whatever way the answer takes. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { listClocks } from '../../../src/engine/sla/read.ts'
import { replayTicket } from '../../../src/engine/sla/replay.ts'
import { split } from '../../../src/engine/tickets/split.ts'
import { setStatus } from '../../../src/engine/tickets.ts'
import { after, HOUR } from '../../../src/time.ts'
import { demoDesk, MONDAY, mail } from '../../desk.ts'
import { BO, EVA } from './ground.ts'
import { deskAnswers } from './outside-desk.ts'

const INCOMING = '{key: acme/incoming,'
assert.ok(demoDesk.includes(INCOMING))
const STAYS = `${demoDesk.replace(INCOMING, `${INCOMING} after_answer: open,`)}
macros: [{key: restarted, text: {en: "It runs again."}}, {key: asked, text: {en: "Which one?"}, commands: ["#wait"]}]
`
const { desk, sql, ask, answer, outgoing, reason, status, sentFolder, agent } = await deskAnswers(STAYS)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const statuses = async (id: number) =>
  (await sql`select data from events where ticket_id = ${id} and type = 'status' order by seq`).map(
    (one) => one.data.to,
  )
const resolution = async (id: number) => {
  await transaction(sql, async (tx) => assert.equal((await replayTicket(tx, id, after(MONDAY, HOUR))).differences, []))
  return (await listClocks(sql, id, after(MONDAY, HOUR))).find((one) => one.kind === 'resolution')!
}
const outside = (from: string, headers = {}) =>
  mail({ from, to: EVA, text: 'Restart it.', headers: { 'In-Reply-To': '<fire@mail.example>', ...headers } })

test('an answer by mail: the new ticket is open, and its clock runs on', async () => {
  const id = await ask()
  const before = (await resolution(id)).due_at
  const end = await answer(id, 'Restart it, please.')
  assert.is(end.ticket_id, id)
  assert.is((await outgoing()).filter((one) => one.kind === 'reply' && one.recipient === EVA).length, 1)
  assert.is(await status(id), 'open')
  assert.equal(await statuses(id), ['open'])
  const clock = await resolution(id)
  assert.equal([clock.state, clock.due_at], ['running', before])
  await answer(id, 'And?')
  assert.equal(await statuses(id), ['open'], 'a second answer changes nothing')
})

test('a macro, and answers that the desk did not send', async () => {
  const macro = await ask()
  await answer(macro, '#macro restarted')
  assert.equal([await status(macro), (await resolution(macro)).state], ['open', 'running'])
  assert.match((await outgoing()).find((one) => one.kind === 'reply')!.text, 'It runs again.')

  await desk.reset()
  const copied = await ask()
  const end = await desk.deliver(outside(`Bo <${BO}>`, { Cc: 'support@desk.example' }))
  assert.equal([reason(end), await status(copied)], ['sent_outside', 'open'])
  assert.is((await resolution(copied)).state, 'running')

  await desk.reset()
  const sent = await ask()
  assert.is(reason(await sentFolder(outside('Desk Support <support@desk.example>'))), 'sent_outside')
  assert.is(await status(sent), 'open')
})

test('#wait beside an answer, before one or in a macro, and what waits already, waits', async () => {
  const id = await ask()
  await answer(id, '#wait\n\nWhich printer?')
  assert.equal([await status(id), (await resolution(id)).state], ['waiting_customer', 'paused'])
  await answer(id, 'Still there?')
  assert.is(await status(id), 'waiting_customer')

  await desk.reset()
  const macro = await ask()
  await answer(macro, '#macro asked')
  assert.is(await status(macro), 'waiting_customer')

  await desk.reset()
  const done = await ask()
  await transaction(sql, (tx) =>
    setStatus(
      tx,
      { ticketId: done, status: 'resolved', actor: { kind: 'agent', id: agent(BO).id, name: 'Bo' } },
      MONDAY,
    ),
  )
  await answer(done, 'One more thing.')
  assert.is(await status(done), 'resolved')
})

test('a ticket split off an answer has the status of its project; another project waits as ever', async () => {
  const id = await ask()
  await answer(id, 'Restart it, please.')
  const [row] = await sql`select max(id) as id from comments where ticket_id = ${id}`
  const actor = { kind: 'agent', id: agent(BO).id, name: 'Bo' } as const
  const part = await transaction(sql, (tx) =>
    split(tx, { ticketId: id, commentId: row!.id, subject: null, actor, tools: desk.tools() }, after(MONDAY, HOUR)),
  )
  assert.is(await status(part.ticketId), 'open')

  const other = (await desk.deliver(mail({ from: 'ken@borealis.example' }))).ticket_id!
  await answer(other, 'Restart it, please.')
  assert.is(await status(other), 'waiting_customer')
})

test.run()

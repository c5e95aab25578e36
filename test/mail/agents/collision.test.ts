/** An answer that knows less than the ticket, or says more than customers may read, waits; `#send` overrides (issue 5). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { cancelForTicket } from '../../../src/engine/outbox.ts'
import { note, reply } from '../../../src/engine/tickets.ts'
import { mail, startDesk } from '../../desk.ts'
import { ADA, BO, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, agent, answer, comments, outgoing, reason, shown, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const eva = async (id: number, text: string) =>
  await desk.deliver(mail({ from: EVA, to: await address(id, 'c', { person: 0, shown: 0 }), text }))
const byWeb = async (id: number, who: string, text: string) =>
  await transaction(sql, (tx) =>
    reply(tx, { ticketId: id, agent: agent(who), text, channel: 'web', tools: desk.tools() }, desk.clock.at),
  )
const replies = async () => (await outgoing()).filter((one) => one.kind === 'reply' && one.state === 'queued')
const told = async () => (await outgoing()).filter((one) => one.kind === 'notification')

test('an answer to an older state than the customer’s newest words is held, and those are mailed back', async () => {
  const id = await ticket()
  const before = await shown(id)
  await eva(id, 'Wait, it works again since noon.')
  const end = await answer(id, 'Restart it.', { shown: before })
  assert.equal([end.state, reason(end), end.ticket_id], ['held', 'collision', id])
  assert.equal(await replies(), [])
  const [back] = await told()
  assert.is(back!.recipient, BO)
  assert.match(back!.text, '| Wait, it works again since noon.')
  assert.match(back!.text, '| Restart it.')
})

test('#send, in answer to that, sends it as it is', async () => {
  const id = await ticket()
  const before = await shown(id)
  await eva(id, 'Wait, it works again since noon.')
  const end = await answer(id, 'Restart it.', { shown: before })
  const [back] = await told()
  const to = (back!.headers.find(([name]) => name === 'Reply-To')![1] as { address: string }[])[0]!.address
  const sent = await desk.deliver(mail({ from: BO, to, text: '#send\n\n> Somebody wrote after the notification' }))
  assert.equal([sent.state, reason(sent)], ['recorded', 'confirmed'])
  const released = await desk.ending(end.id)
  assert.equal([released.state, reason(released)], ['commented', 'agent'])
  assert.match((await replies())[0]!.text, 'Restart it.')
})

test('a new text in answer to that is sent: its writer has seen what is newer', async () => {
  const id = await ticket()
  const before = await shown(id)
  await eva(id, 'Wait, it works again since noon.')
  await answer(id, 'Restart it.', { shown: before })
  const [back] = await told()
  const to = (back!.headers.find(([name]) => name === 'Reply-To')![1] as { address: string }[])[0]!.address
  const end = await desk.deliver(mail({ from: BO, to, text: 'Good to hear.' }))
  assert.is(end.state, 'commented')
  assert.equal(
    (await replies()).map((one) => one.text.includes('Good to hear.')),
    [true],
  )
})

test('another agent’s public answer is newer too, unless it was taken back', async () => {
  const id = await ticket()
  const before = await shown(id)
  const { commentId } = await byWeb(id, ADA, 'I have restarted it.')
  const end = await answer(id, 'Restart it.', { shown: before })
  assert.equal([end.state, reason(end)], ['held', 'collision'])
  assert.match((await told())[0]!.text, '| I have restarted it.')
  await transaction(sql, (tx) => cancelForTicket(tx, { ticketId: id, commentId }, desk.clock.at))
  assert.is((await answer(id, 'Restart it, please.', { shown: before })).state, 'commented')
})

test('notes, one’s own answers, automatic mail and words of thanks do not count', async () => {
  const id = await ticket()
  const before = await shown(id)
  await transaction(sql, (tx) =>
    note(tx, { ticketId: id, agent: agent(ADA), text: 'Hm.', channel: 'web' }, desk.clock.at),
  )
  await byWeb(id, BO, 'One moment.')
  const to = await address(id, 'c', { person: 0, shown: 0 })
  await desk.deliver(mail({ from: EVA, to, text: 'I am away.', headers: { 'Auto-Submitted': 'auto-replied' } }))
  await eva(id, 'Thank you very much!')
  const end = await answer(id, 'Restart it.', { shown: before })
  assert.equal([end.state, reason(end)], ['commented', 'agent'])
})

test('a note is never held for what is newer', async () => {
  const id = await ticket()
  const before = await shown(id)
  await eva(id, 'Wait, it works again since noon.')
  assert.is((await answer(id, 'Looks like DNS.', { shown: before, purpose: 'n' })).state, 'commented')
})

test('0.7: a line of a note, or an address of an agent, that would go to the customer holds the answer', async () => {
  const id = await ticket()
  const secret = 'Their contract ends in March, do not promise anything beyond that.'
  await transaction(sql, (tx) =>
    note(tx, { ticketId: id, agent: agent(ADA), text: secret, channel: 'web' }, desk.clock.at),
  )
  const end = await answer(id, `See below.\n${secret}`)
  assert.equal([end.state, reason(end)], ['held', 'note_leak'])
  const own = await address(id, 'n')
  const second = await answer(id, `Write to ${own} from now on.`)
  assert.equal([second.state, reason(second)], ['held', 'note_leak'])
  assert.equal(await replies(), [])
  assert.equal((await comments(id)).filter((one) => one.author_role === 'agent').length, 1)
})

test('of a ticket that went into another nobody knows what was shown: the answer waits', async () => {
  const { merge } = await import('../../../src/engine/tickets/merge.ts')
  const [one, other] = [await ticket('First'), await ticket('Second')]
  const to = await address(one, 'a')
  const actor = { kind: 'agent', id: agent(ADA).id, name: 'Ada' } as const
  await transaction(sql, (tx) => merge(tx, { ticketId: one, intoId: other, actor }, desk.clock.at))
  const end = await desk.deliver(mail({ from: BO, to, text: 'Restart it.' }))
  assert.equal([end.state, reason(end), end.ticket_id], ['held', 'collision', other])
})

test('a new answer settles what was held before: a later #send does not send it', async () => {
  const id = await ticket()
  const before = await shown(id)
  await eva(id, 'Wait, it works again since noon.')
  await answer(id, 'Restart it.', { shown: before })
  await answer(id, 'Good to hear.')
  const end = await answer(id, '#send')
  assert.equal([end.state, reason(end)], ['held', 'command_error'])
  assert.equal(
    (await replies()).map((one) => one.text.includes('Restart it.')),
    [false],
  )
})

test('whoever was shut out a moment ago does nothing more', async () => {
  const id = await ticket()
  await sql`update agents set disabled_at = ${desk.clock.at} where address = ${BO}`
  const end = await answer(id, 'Restart it.')
  assert.is(end.state, 'held')
  assert.equal(await replies(), [])
})

test('whoever releases it in the web view sends it as it is', async () => {
  const { release } = await import('../../../src/mail/spool.ts')
  const id = await ticket()
  const before = await shown(id)
  await eva(id, 'Wait, it works again since noon.')
  const end = await answer(id, 'Restart it.', { shown: before })
  await transaction(sql, (tx) => release(tx, { id: end.id, by: 'Ada' }, desk.clock.at))
  const released = await desk.ending(end.id)
  assert.equal([released.state, reason(released)], ['commented', 'agent'])
  assert.is((await replies()).length, 1)
})

test.run()

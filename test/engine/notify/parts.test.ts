/** A merge and a split are news to who has the tickets or follows them, by their choice, and to no customer (8.32). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { follow } from '../../../src/engine/tickets/follow.ts'
import { merge } from '../../../src/engine/tickets/merge.ts'
import { split } from '../../../src/engine/tickets/split.ts'
import { assign, note } from '../../../src/engine/tickets.ts'
import { MINUTE } from '../../../src/time.ts'
import { mail, startDesk } from '../../desk.ts'
import { agentOf, notifications, sweep } from './desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const SECRET = 'She is behind with her bills.'
const within = <T>(work: Parameters<typeof transaction<T>>[1]) => transaction(sql, work)
const told = async () =>
  (await notifications(desk)).map((one) => [one.recipient, one.ticket_id, /^- (.*)$/m.exec(one.text)![1]])

/** A ticket of somebody's, of which everything until now was told. */
async function owned(address: string | null, subject: string) {
  const { ticket_id: id } = await desk.deliver(mail({ subject }))
  if (address) {
    const { id: agentId, actor } = await agentOf(desk, address)
    await within((tx) => assign(tx, { ticketId: id!, agentId, actor }, desk.clock.at))
  }
  return id!
}

async function nothingTold() {
  await sql`delete from ticket_news`
  await sql`delete from outbox`
}

const later = () => new Date(desk.clock.at.getTime() + 3 * MINUTE)

test('a merge is told to who has the target, to who had the source and to who follows either', async () => {
  const [ada, bo] = [await agentOf(desk, 'ada@desk.example'), await agentOf(desk, 'bo@desk.example')]
  const [target, source] = [await owned(bo.address, 'Fire'), await owned(ada.address, 'Smoke')]
  await nothingTold()
  await within((tx) => merge(tx, { ticketId: source, intoId: target, actor: ada.actor }, desk.clock.at))
  await sweep(desk, later())
  assert.equal(await told(), [[bo.address, target, `Ada merged another ticket into it (#${source})`]])
  await nothingTold()
  // the other way round: Bo does it, and Ada had the source
  const [again, hers] = [await owned(bo.address, 'Fire again'), await owned(ada.address, 'Smoke again')]
  await nothingTold()
  await within((tx) => merge(tx, { ticketId: hers, intoId: again, actor: bo.actor }, desk.clock.at))
  await sweep(desk, later())
  assert.equal(await told(), [[ada.address, again, `Bo merged another ticket into it (#${hers})`]])
})

test('a split is told to who has the new ticket, and to who follows the old; customers are sent nothing', async () => {
  const [ada, bo] = [await agentOf(desk, 'ada@desk.example'), await agentOf(desk, 'bo@desk.example')]
  const id = await owned(bo.address, 'Two things')
  const { commentId } = await within((tx) =>
    note(tx, { ticketId: id, agent: ada, text: SECRET, channel: 'web' }, desk.clock.at),
  )
  await nothingTold()
  const { tools } = desk
  const parted = { ticketId: id, commentId, subject: 'The second', actor: ada.actor, tools: tools() }
  const { ticketId: made } = await within((tx) => split(tx, parted, desk.clock.at))
  await sweep(desk, later())
  assert.equal(await told(), [[bo.address, made, `Ada split it off another ticket (#${id})`]])
  assert.equal([...(await sql`select from outbox where recipient not like '%@desk.example'`)], [])
  // a follower of the old one hears there
  const third = await owned(bo.address, 'Three things')
  await within((tx) => follow(tx, { agentId: ada.id, ticketId: third, actor: ada.actor }, desk.clock.at))
  const last = await within((tx) =>
    note(tx, { ticketId: third, agent: bo, text: SECRET, channel: 'web' }, desk.clock.at),
  )
  await nothingTold()
  const ofBo = { ...parted, ticketId: third, commentId: last.commentId, actor: bo.actor }
  const { ticketId: other } = await within((tx) => split(tx, ofBo, desk.clock.at))
  await sweep(desk, later())
  assert.equal(await told(), [[ada.address, third, `Bo split a part of it off (#${other})`]])
  assert.not.match(JSON.stringify((await notifications(desk)).map((one) => one.text)), SECRET)
})

test('by choice: who wants no notes hears of no merge', async () => {
  const [ada, bo] = [await agentOf(desk, 'ada@desk.example'), await agentOf(desk, 'bo@desk.example')]
  const [target, source] = [await owned(bo.address, 'Fire'), await owned(null, 'Smoke')]
  await nothingTold()
  await sql`insert into agent_choices (agent_id, topic, choice) values (${bo.id}, 'note', 'none')`
  await within((tx) => merge(tx, { ticketId: source, intoId: target, actor: ada.actor }, desk.clock.at))
  await sweep(desk, later())
  assert.equal(await told(), [])
})

test.run()

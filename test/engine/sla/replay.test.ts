/** Random days of work through the verbs: what the events alone give is what the rows say, swept or not. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fragment, type Tx, together, transaction } from '../../../src/database.ts'
import { cancelForTicket } from '../../../src/engine/outbox.ts'
import { listBreaches, listClocks } from '../../../src/engine/sla/read.ts'
import { replayTicket } from '../../../src/engine/sla/replay.ts'
import { PRIORITIES } from '../../../src/engine/tables.ts'
import { pinPolicy } from '../../../src/engine/tickets/policy.ts'
import { furtherComment, reserveComment } from '../../../src/engine/tickets/rows.ts'
import { settleTickets } from '../../../src/engine/tickets/sweep.ts'
import { assign, markSpam, move, note, prioritise, reply, setStatus, tag } from '../../../src/engine/tickets.ts'
import { after, MINUTE } from '../../../src/time.ts'
import { demoDesk, MONDAY, mail, startDesk } from '../../desk.ts'
import { type Random, startRandom } from '../../fuzz/random.ts'

const DESK = demoDesk
  .replace('teams:\n', 'teams:\n  - {key: night, name: Night, members: [bo@desk.example], calendar: new-york}\n')
  .replace(
    '  - key: gold\n',
    '  - key: gold\n    ola: {support: {normal: 2h}, night: {normal: 1h, urgent: 30m}}\n    reminders: [{key: soon, percent: 75}, {key: last, left: 30m}]\n',
  )
  .replace('  - key: silver\n', '  - key: silver\n    reopen: restart\n    pause_on: {first_response: [on_hold]}\n')
  .replace('projects:\n', 'projects:\n  - {key: acme/night, team: night}\n')
  .replace('settings:\n', 'sla:\n  - {when: {tag: vip}, policy: silver}\nsettings:\n')
const EDITS = [
  DESK.replace('["09:00-17:00"]', '["08:00-12:00", "13:00-18:00"]'),
  DESK.replace('first_response: 4h', 'first_response: 90m').replace('resolution: 24h', 'resolution: 5h'),
  DESK,
]

const desk = await startDesk({ desk: DESK })
const { sql } = desk
test.after(() => desk.stop())
const actor = { kind: 'system' as const, id: null, name: 'test' }

/** One thing that happens to a ticket, as `random` says. */
async function happen(tx: Tx, ticketId: number, random: Random, now: Date): Promise<unknown> {
  const tools = desk.tools()
  const change = { ticketId, actor, tools }
  const agents = [...tools.desk.agents.values()]
  const agent = random.pick(agents)
  const roll = random.below(20)
  if (roll < 5)
    return await setStatus(
      tx,
      { ticketId, status: random.pick(['open', 'waiting_customer', 'on_hold', 'resolved']), actor },
      now,
    )
  if (roll < 8) return await reply(tx, { ticketId, agent, text: 'Well.', channel: 'web', tools }, now)
  if (roll < 9) return await cancelForTicket(tx, { ticketId, commentId: null }, now)
  if (roll < 12) return await customerWrites(tx, ticketId, random.chance(0.3), now)
  if (roll < 14) return await prioritise(tx, { ...change, priority: random.pick(PRIORITIES) }, now)
  if (roll < 15) return await assign(tx, { ticketId, agentId: random.chance(0.3) ? null : agent.id, actor }, now)
  if (roll < 17) return await move(tx, { ...change, projectId: random.pick([...tools.desk.projects.values()]).id }, now)
  if (roll < 18)
    return await tag(tx, { ...change, ...(random.chance(0.5) ? { add: ['vip'] } : { remove: ['vip'] }) }, now)
  if (roll < 19) return await note(tx, { ticketId, agent, text: 'Hm.', channel: 'web' }, now)
  return await pinPolicy(tx, { ...change, policy: random.pick(['gold', 'silver', null]), reason: 'because' }, now)
}

async function customerWrites(tx: Tx, ticketId: number, automatic: boolean, now: Date): Promise<void> {
  const [row] = await tx`select status from tickets where id = ${ticketId}`
  const comment = {
    id: await reserveComment(tx),
    ticketId,
    author: { role: 'contact' as const, name: 'Eva', address: 'eva@acme.example' },
    visibility: 'public' as const,
    channel: 'mail' as const,
    text: 'And now?',
    visible: 'And now?',
    automatic,
  }
  const opens = !automatic && row!.status !== 'new' && row!.status !== 'open'
  const status = opens ? { from: row!.status, to: 'open' as const, why: 'they wrote', dropAssignee: false } : null
  const rows = await furtherComment(tx, { comment, counts: !automatic, actor, status, answerTo: null, why: '' }, now)
  const [first, ...others] = rows
  await together(tx, [tx`${fragment(first!)} returning id`, ...others])
}

test('Q7: after random days the events give the rows, also where the desk was edited', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    await desk.reset()
    const random = startRandom(seed)
    const id = (await desk.deliver(mail({ from: random.pick(['eva@acme.example', 'noor@borealis.example']) })))
      .ticket_id!
    let now = MONDAY
    for (let n = 0; n < 25; n++) {
      now = after(now, random.below(random.chance(0.7) ? 90 : 2000) * MINUTE + random.below(60_000))
      desk.clock.at = now
      if (random.chance(0.08)) await desk.change(random.pick(EDITS))
      else await transaction(sql, (tx) => happen(tx, id, random, now))
      if (random.chance(0.3)) await transaction(sql, (tx) => settleTickets(tx, [id], now))
    }
    if (random.chance(0.3)) await transaction(sql, (tx) => markSpam(tx, { ticketId: id, actor }, now))
    const replay = await transaction(sql, (tx) => replayTicket(tx, id, after(now, random.below(5000) * MINUTE)))
    assert.equal(replay.differences, [], `seed ${seed}`)
    assert.ok(replay.clocks > 0)
  }
})

test('K9: the same days with a sweep after each step and with none at all leave the same record', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    await desk.reset()
    const record = async (swept: boolean) => {
      const random = startRandom(seed + 1000)
      const id = (await desk.deliver(mail({ subject: `Matter ${swept}` }))).ticket_id!
      let now = MONDAY
      for (let n = 0; n < 20; n++) {
        now = after(now, random.below(random.chance(0.7) ? 90 : 2000) * MINUTE)
        desk.clock.at = now
        await transaction(sql, (tx) => happen(tx, id, random, now))
        if (swept) await transaction(sql, (tx) => settleTickets(tx, [id], now))
      }
      const end = after(now, 5000 * MINUTE)
      await transaction(sql, (tx) => settleTickets(tx, [id], end))
      desk.clock.at = MONDAY
      return { clocks: await listClocks(sql, id, end), breaches: await listBreaches(sql, id) }
    }
    assert.equal(await record(true), await record(false), `seed ${seed}`)
  }
})

test.run()

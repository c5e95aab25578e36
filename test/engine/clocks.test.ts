/** Clocks of tickets that mails open and agents work on: rows, ledger, sweep, edits of the desk, replay. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { cancelForTicket } from '../../src/engine/outbox.ts'
import { listOutdated } from '../../src/engine/sla/find-due.ts'
import { listBreaches, listClocks } from '../../src/engine/sla/read.ts'
import { replayTicket } from '../../src/engine/sla/replay.ts'
import { merge } from '../../src/engine/tickets/merge.ts'
import { pinPolicy, unpinPolicy } from '../../src/engine/tickets/policy.ts'
import { sweepDue, sweepOutdated, sweepZones } from '../../src/engine/tickets/sweep.ts'
import { assign, deleteTicket, markSpam, move, prioritise, reply, setStatus, tag } from '../../src/engine/tickets.ts'
import { Refusal } from '../../src/errors.ts'
import { showReplay } from '../../src/main/show.ts'
import { after, MINUTE, SECOND } from '../../src/time.ts'
import { demoDesk, MONDAY, mail, startDesk } from '../desk.ts'

/** The demo desk with targets for teams, a reminder, and a rule of its own. */
const DESK = demoDesk
  .replace('teams:\n', 'teams:\n  - {key: night, name: Night, members: [bo@desk.example], calendar: always}\n')
  .replace('calendars:\n', 'calendars:\n  - {key: always, always: true}\n')
  .replace(
    '  - key: gold\n',
    '  - key: gold\n    ola: {support: {normal: 2h}, night: {normal: 1h, urgent: 30m}}\n    reminders: [{key: soon, percent: 75}]\n',
  )
  .replace('projects:\n', 'projects:\n  - {key: acme/night, team: night}\n')
  .replace('settings:\n', 'sla:\n  - {when: {tag: vip}, policy: gold}\nsettings:\n')

const desk = await startDesk({ desk: DESK })
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const actor = { kind: 'system' as const, id: null, name: 'test' }
const author = (address = 'ada@desk.example') => {
  const { id, name } = desk.tools().desk.agents.get(address)!
  return { id, name, address }
}
/** Minutes after Monday morning, 09:30 in Berlin. */
const min = (minutes: number) => after(MONDAY, minutes * MINUTE)
const start = async (options: Parameters<typeof mail>[0] = {}) => (await desk.deliver(mail(options))).ticket_id!
const answerOf = async (id: number, options: Parameters<typeof mail>[0] = {}) => {
  const [row] =
    await sql`select message_id from message_ids where ticket_id = ${id} and direction = 'in' order by id limit 1`
  return desk.deliver(mail({ ...options, headers: { 'In-Reply-To': `<${row!.message_id}>`, ...options.headers } }))
}
const ticket = async (id: number) => (await sql`select * from tickets where id = ${id}`)[0]!
const clocks = async (id: number, now: Date) =>
  Object.fromEntries(
    (await listClocks(sql, id, now)).map((one) => [
      `${one.kind}${one.team ? `/${one.team}` : ''}${one.cycle > 1 ? one.cycle : ''}`,
      one,
    ]),
  )
const sweep = async (now: Date) => {
  while ((await transaction(sql, (tx) => sweepDue(tx, now))).settled > 0);
}
const answer = (id: number, now: Date) =>
  transaction(sql, (tx) =>
    reply(tx, { ticketId: id, agent: author(), text: 'We look at it.', channel: 'web', tools: desk.tools() }, now),
  )
const status = (id: number, to: string, now: Date) =>
  transaction(sql, (tx) => setStatus(tx, { ticketId: id, status: to, actor }, now))
const replayed = async (id: number, now: Date) => {
  const replay = await transaction(sql, (tx) => replayTicket(tx, id, now))
  assert.equal(replay.differences, [], `ticket ${id}`)
}
const iso = (at: Date) => at.toISOString().replace('.000Z', 'Z')

test('what a mail writes is what the machine makes of its `created` event', async () => {
  const id = await start()
  const { first_response, resolution, 'ola/support': ola } = await clocks(id, min(60))
  assert.equal([first_response!.due_at, resolution!.target_s, ola!.due_at], [iso(min(240)), 24 * 3600, iso(min(120))])
  assert.is(first_response!.elapsed_s, 3600)
  assert.is((await ticket(id)).ola_due_at.toISOString(), min(120).toISOString())
  await replayed(id, min(60))
})

test('F3: an answer stops the first response when its undo window ends, whenever that is noticed', async () => {
  const [late, swept, undone] = [await start(), await start(), await start()]
  for (const id of [late, swept, undone]) await answer(id, min(10))
  const { undo_seconds } = desk.tools().desk.settings
  const window = after(min(10), undo_seconds * SECOND)
  assert.is((await clocks(late, min(10))).first_response!.state, 'running')
  assert.is((await clocks(late, min(10))).resolution!.state, 'paused', 'the customer is waited for at once')
  await transaction(sql, (tx) => cancelForTicket(tx, { ticketId: undone, commentId: null }, min(10)))
  await status(late, 'on_hold', min(300)) // no sweep came: this event finds it
  await sweep(min(301))
  for (const id of [late, swept]) {
    const { first_response } = await clocks(id, min(400))
    assert.equal(
      [first_response!.state, first_response!.stop_reason, first_response!.stopped_at],
      ['stopped', 'reply', iso(window)],
    )
    assert.is(first_response!.breached_at, null)
    assert.is((await ticket(id)).first_response_at.toISOString(), window.toISOString())
  }
  const open = (await clocks(undone, min(301))).first_response!
  assert.equal([open.state, open.breached_at], ['running', iso(min(240))], 'taken back: nobody has answered')
  assert.is((await sql`select 1 from sla_answers`).length, 0)
  for (const id of [late, swept, undone]) await replayed(id, min(400))
})

test('F3: without an undo window the answer counts at once', async () => {
  await desk.change(DESK.replace('settings:\n', 'settings:\n  undo: 0s\n'))
  const id = await start()
  await answer(id, min(10))
  const { first_response } = await clocks(id, min(10))
  assert.equal([first_response!.stop_reason, first_response!.stopped_at], ['reply', iso(min(10))])
  await replayed(id, min(11))
})

test('N1, K8: a person who writes again waits for the next answer, a machine does not, and neither does a note', async () => {
  const id = await start()
  await answer(id, min(10))
  desk.clock.at = min(20)
  await answerOf(id, { headers: { 'Auto-Submitted': 'auto-replied' } })
  assert.equal([(await ticket(id)).status, (await clocks(id, min(20))).next_response], ['waiting_customer', undefined])
  desk.clock.at = min(30)
  await answerOf(id, { text: 'It is still on fire.' })
  const { next_response, resolution } = await clocks(id, min(40))
  assert.equal(
    [next_response!.state, next_response!.started_at, resolution!.state],
    ['running', iso(min(30)), 'running'],
  )
  assert.is(resolution!.elapsed_s, 20 * 60, 'twenty minutes of pause')
  assert.is((await ticket(id)).next_due_at.toISOString(), min(270).toISOString())
  await answer(id, min(50))
  await sweep(min(60))
  assert.is((await clocks(id, min(60))).next_response!.stop_reason, 'reply')
  await replayed(id, min(60))
})

test('R4, N4: a mail opens a resolved ticket again: the solution goes on, the wait begins, the first answer does not', async () => {
  const id = await start()
  await status(id, 'resolved', min(60))
  assert.is((await ticket(id)).next_due_at, null)
  desk.clock.at = min(180)
  await answerOf(id, { text: 'No, it burns again.' })
  const all = await clocks(id, min(180))
  assert.equal(
    ['first_response', 'next_response', 'resolution', 'ola/support'].map((kind) => all[kind]!.state),
    ['stopped', 'running', 'running', 'running'],
  )
  assert.is(all.resolution!.elapsed_s, 3600)
  await replayed(id, min(200))
})

test('K9: a breach is at its due second, of who had it then; a late sweep and an event find the same', async () => {
  const [swept, told] = [await start(), await start()]
  for (const id of [swept, told])
    await transaction(sql, (tx) => assign(tx, { ticketId: id, agentId: author().id, actor }, min(5)))
  await sweep(min(241))
  for (const id of [swept, told])
    await transaction(sql, (tx) => assign(tx, { ticketId: id, agentId: author('bo@desk.example').id, actor }, min(500)))
  await sweep(min(600))
  const ledgers = await Promise.all([swept, told].map((id) => listBreaches(sql, id)))
  assert.equal(
    ledgers[0]!.map((row) => [row.kind, row.at, row.assignee, row.ticket_team]),
    [
      ['ola', iso(min(120)), 'ada@desk.example', 'support'],
      ['first_response', iso(min(240)), 'ada@desk.example', 'support'],
    ],
  )
  assert.equal(ledgers[1], ledgers[0])
  const fired = await sql`
    select f.at from sla_fired f join sla_clocks c on c.id = f.clock_id where c.metric = 'first_response' order by c.ticket_id`
  assert.equal(
    fired.map((row) => iso(row.at)),
    [iso(min(180)), iso(min(180))],
  )
  for (const id of [swept, told]) await replayed(id, min(600))
})

test('two daemons sweep at once: no breach and no reminder twice', async () => {
  const ids: number[] = []
  for (let n = 0; n < 12; n++) ids.push(await start({ subject: `Matter ${n}` }))
  const sweeps = Array.from({ length: 6 }, async () => {
    for (let n = 0; n < 4; n++) await transaction(sql, (tx) => sweepDue(tx, min(1000)))
  })
  await Promise.all(sweeps)
  await sweep(min(1000))
  const twice = await sql`select clock_id from sla_breaches group by clock_id having count(*) > 1`
  assert.is(twice.length, 0)
  assert.is((await sql`select 1 from sla_breaches`).length, ids.length * 2)
  assert.is((await sql`select 1 from sla_fired`).length, ids.length * 2)
  assert.equal(await transaction(sql, (tx) => sweepDue(tx, min(1000))), { mine: [], settled: 0, more: false })
})

test('K10, S3: priority and tags lead to other targets and policies from now on; a pinned policy stays', async () => {
  const id = await start({ from: 'someone@nowhere.example' })
  const change = { ticketId: id, actor, tools: desk.tools() }
  assert.is((await clocks(id, min(0))).first_response!.target_s, 8 * 3600)
  await transaction(sql, (tx) => prioritise(tx, { ...change, priority: 'high' }, min(60)))
  assert.is((await ticket(id)).next_due_at.toISOString(), min(240).toISOString())
  await transaction(sql, (tx) => tag(tx, { ...change, add: ['vip'] }, min(61)))
  assert.equal(
    [(await ticket(id)).policy_source, (await clocks(id, min(61))).first_response!.target_s],
    ['rule', 2 * 3600],
  )
  await transaction(sql, (tx) => pinPolicy(tx, { ...change, policy: 'silver', reason: 'agreed by phone' }, min(62)))
  await transaction(sql, (tx) => tag(tx, { ...change, remove: ['vip'] }, min(63)))
  assert.equal(
    [(await ticket(id)).policy_source, (await clocks(id, min(63))).first_response!.target_s],
    ['manual', 4 * 3600],
  )
  await transaction(sql, (tx) => tag(tx, { ...change, add: ['vip'] }, min(63)))
  assert.is((await ticket(id)).policy_source, 'manual', 'a rule that would choose another does not')
  await transaction(sql, (tx) => tag(tx, { ...change, remove: ['vip'] }, min(63)))
  await transaction(sql, (tx) => unpinPolicy(tx, { ...change, reason: 'no longer' }, min(64)))
  assert.is((await ticket(id)).policy_source, 'default')
  const [event] =
    await sql`select why, data from events where ticket_id = ${id} and type = 'policy' order by seq offset 1 limit 1`
  assert.equal([event!.why, event!.data.source], ['agreed by phone', 'manual'])
  for (const wrong of [
    { policy: 'none', reason: 'x' },
    { policy: null, reason: ' ' },
  ]) {
    const refusal = await transaction(sql, (tx) => pinPolicy(tx, { ...change, ...wrong }, min(65))).catch(
      (error) => error,
    )
    assert.instance(refusal, Refusal)
  }
  await replayed(id, min(66))
})

test('O1-O3: moving to the team of another project hands over, in that team’s own hours, and back', async () => {
  const id = await start()
  const project = (key: string) => desk.tools().desk.projects.get(key)!.id
  const to = (key: string, now: Date) =>
    transaction(sql, (tx) => move(tx, { ticketId: id, projectId: project(key), actor, tools: desk.tools() }, now))
  await to('acme/night', min(30))
  const night = await clocks(id, min(30))
  assert.equal([night['ola/support']!.stop_reason, night['ola/night']!.due_at], ['handed_over', iso(min(90))])
  await to('acme/incoming', min(600))
  const back = await clocks(id, min(600))
  assert.equal([back['ola/night']!.elapsed_s, back['ola/night']!.breached_at], [570 * 60, iso(min(90))])
  assert.equal([back['ola/support']!.state, back['ola/support']!.elapsed_s], ['running', 30 * 60])
  await replayed(id, min(600))
})

/** From now on Berlin closes at noon. */
const SHORT_DAYS = DESK.replace(
  '{key: berlin, tz: Europe/Berlin, weekly: {mon-fri: ["09:00-17:00"]}}',
  '{key: berlin, tz: Europe/Berlin, weekly: {mon-fri: ["09:00-12:00"]}}',
)
/** 1 h of Monday at the old hours, 1.5 h till noon, 1.5 h of Tuesday. */
const SHORT_DUE = new Date('2026-11-24T09:30:00Z')

test('Q5: an edit of a calendar counts from its time, whether the job or an event comes first', async () => {
  const [byJob, byEvent] = [await start(), await start()]
  const updated = (await ticket(byJob)).updated_at
  desk.clock.at = min(60)
  await desk.change(SHORT_DAYS)
  await status(byEvent, 'open', min(90))
  const [version] = await listOutdated(sql)
  const walk = (after: number) => transaction(sql, (tx) => sweepOutdated(tx, { version: version!, after }, min(120)))
  assert.equal(await walk(0), { last: byJob, settled: 1 })
  assert.equal(await walk(byJob), { last: null, settled: 0 })
  assert.is((await listOutdated(sql)).length, 0)
  for (const id of [byJob, byEvent]) {
    assert.is((await clocks(id, min(120))).first_response!.due_at, iso(SHORT_DUE))
    await replayed(id, min(120))
  }
  assert.equal((await ticket(byJob)).updated_at, updated)
})

test('Q5: a sweep that comes before the job breaches by the edited calendar, not by the old one', async () => {
  const id = await start()
  desk.clock.at = min(60)
  await desk.change(SHORT_DAYS)
  await sweep(min(270)) // the old due date was at 240
  assert.is((await clocks(id, min(270))).first_response!.breached_at, null)
  await sweep(after(SHORT_DUE, SECOND))
  assert.is((await clocks(id, SHORT_DUE)).first_response!.breached_at, iso(SHORT_DUE))
  await replayed(id, after(SHORT_DUE, SECOND))
})

test('K16: an edit of a policy reaches open tickets, unless it says that it is for new ones', async () => {
  const edit = (apply: string) =>
    DESK.replace('  - key: gold\n', `  - key: gold\n    apply: ${apply}\n`).replace(
      'normal: {first_response: 4h, next',
      'normal: {first_response: 3h, next',
    )
  const id = await start()
  desk.clock.at = min(10)
  await desk.change(edit('new'))
  assert.is((await listOutdated(sql)).length, 0)
  assert.is((await clocks(id, min(11))).first_response!.target_s, 4 * 3600)
  assert.is((await clocks(await start(), min(11))).first_response!.target_s, 3 * 3600)
  desk.clock.at = min(20)
  await desk.change(edit('open'))
  for (const version of await listOutdated(sql))
    await transaction(sql, (tx) => sweepOutdated(tx, { version, after: 0 }, min(50)))
  assert.equal([(await clocks(id, min(50))).first_response!.due_at], [iso(min(180))])
  const [event] = await sql`select at, actor_name, data from events where ticket_id = ${id} and type = 'policy_version'`
  assert.equal([iso(event!.at), event!.actor_name, event!.data.key], [iso(min(20)), 'desk', 'gold'])
  await replayed(id, min(50))
})

test('Q6: due dates of another zone data are computed anew, and the tickets with them', async () => {
  const [id, other] = [await start(), await start({ subject: 'Another' })]
  const right = await clocks(id, min(0))
  await sql`update sla_clocks set due_at = due_at + interval '1 hour' where ticket_id = ${id}`
  await sql`update tickets set next_due_at = next_due_at + interval '1 hour' where id = ${id}`
  assert.is((await transaction(sql, (tx) => sweepZones(tx, 0, min(1)))).settled, 1)
  assert.equal(await clocks(id, min(0)), right)
  await replayed(id, min(1))
  await replayed(other, min(1))
})

test('C12: a clock under a calendar that never opens runs without a due date', async () => {
  await desk.change(
    DESK.replace(
      '{key: berlin, tz: Europe/Berlin, weekly: {mon-fri: ["09:00-17:00"]}}',
      '{key: berlin, tz: Europe/Berlin, exceptions: {"2020-01-01": ["09:00-10:00"]}}',
    ),
  )
  const id = await start()
  assert.equal([(await clocks(id, min(5))).resolution!.state, (await ticket(id)).next_due_at], ['running', null])
  assert.equal((await transaction(sql, (tx) => sweepZones(tx, 0, min(5)))).never, ['berlin'])
  await replayed(id, min(5))
})

test('K17, K18: the merged ticket’s clocks end and its older promise goes along; so does an answer that waits', async () => {
  const [old, target] = [
    await start({ subject: 'Door' }),
    await (async () => {
      desk.clock.at = min(60)
      return await start({ subject: 'Door again' })
    })(),
  ]
  assert.is((await ticket(target)).next_due_at.toISOString(), min(300).toISOString())
  await answer(old, min(69.5))
  await transaction(sql, (tx) => merge(tx, { ticketId: old, intoId: target, actor }, min(70)))
  assert.equal(
    (await listClocks(sql, old, min(70))).map((one) => one.stop_reason),
    ['merged', 'merged', 'merged'],
  )
  assert.is((await ticket(target)).next_due_at.toISOString(), min(240).toISOString())
  await sweep(min(80))
  assert.equal([(await clocks(target, min(80))).first_response!.stopped_at], [iso(min(70.5))])
  for (const id of [old, target]) await replayed(id, min(90))
})

test('K17: spam and deletion end the clocks and take the breaches back', async () => {
  const [spam, gone] = [await start(), await start()]
  await sweep(min(300))
  await transaction(sql, (tx) => markSpam(tx, { ticketId: spam, actor }, min(310)))
  await transaction(sql, (tx) => deleteTicket(tx, { ticketId: gone, actor }, min(310)))
  for (const id of [spam, gone]) {
    assert.equal(new Set((await listClocks(sql, id, min(310))).map((one) => one.state)), new Set(['cancelled']))
    assert.equal(new Set((await listBreaches(sql, id)).map((one) => one.superseded_at)), new Set([iso(min(310))]))
    assert.is((await ticket(id)).next_due_at, null)
    await replayed(id, min(320))
  }
  const before = await listClocks(sql, spam, min(320))
  await status(spam, 'open', min(330))
  await transaction(sql, (tx) =>
    prioritise(tx, { ticketId: spam, priority: 'low', actor, tools: desk.tools() }, min(331)),
  )
  assert.equal(await listClocks(sql, spam, min(340)), before)
  await replayed(spam, min(340))
})

test('the replay says what was changed by something else', async () => {
  const id = await start()
  const printed: string[] = []
  const show = (json: boolean) => showReplay(sql, (line) => printed.push(line), { json, number: id }, min(0))
  assert.is(await show(false), 0)
  assert.is(printed.pop(), `#${id}: 3 clocks from 1 events, identical to the rows`)
  await sql`update sla_clocks set elapsed_s = 7 where ticket_id = ${id} and metric = 'resolution'`
  await sql`update tickets set next_due_at = null where id = ${id}`
  const replay = await transaction(sql, (tx) => replayTicket(tx, id, min(0)))
  assert.equal(
    replay.differences.map((one) => [one.where, one.stored, one.replayed]),
    [
      ['ticket, nextDueAt', null, iso(min(240))],
      ['resolution//1, elapsed', 7, 0],
    ],
  )
  assert.is(await show(true), 1)
  assert.equal(JSON.parse(printed.pop()!), { ...replay })
})

test.run()

/** FEATURES 3.11: the customer's default holds until somebody has assessed how urgent a ticket is, and a report says how long. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { findTickets } from '../../src/engine/search.ts'
import { replayTicket } from '../../src/engine/sla/replay.ts'
import { observed, takeBack } from '../../src/engine/tickets/take-back.ts'
import { prioritise, setStatus } from '../../src/engine/tickets.ts'
import { showReport } from '../../src/main/report.ts'
import { after, DAY, HOUR, MINUTE } from '../../src/time.ts'
import { demoDesk, MONDAY, mail, startDesk } from '../desk.ts'
import { refusal } from './time-desk.ts'

const RULES = `
  - name: urgent words
    when: {subject: {contains: burning}}
    then: [{priority: urgent}]
  - name: nobody knows
    when: {priority: unassessed, subject: {contains: riddle}}
    then: [{tag: riddle}]
`
const DESK = demoDesk
  .replace('\nwork_types:', `${RULES}\nwork_types:`)
  .replace('settings:\n', 'sla:\n  - {when: {priority: [normal, low]}, policy: silver}\nsettings:\n')
const desk = await startDesk({ desk: DESK })
const { sql } = desk
test.after(() => desk.stop())
test.before.each(() => desk.reset())

const agent = (name: 'ada' | 'bo') => {
  const { id } = desk.tools().desk.agents.get(`${name}@desk.example`)!
  return { kind: 'agent' as const, id, name }
}
const opened = async (subject = 'It is broken', from = 'Eva <eva@acme.example>') =>
  (await desk.deliver(mail({ subject, from }))).ticket_id!
const set = (ticketId: number, priority: string, now: Date, who: 'ada' | 'bo' = 'ada') =>
  transaction(sql, (tx) =>
    observed(tx, ticketId, () => prioritise(tx, { ticketId, priority, actor: agent(who), tools: desk.tools() }, now)),
  )
const back = (ticketId: number, changed: Awaited<ReturnType<typeof set>>, now: Date) => {
  const kept = JSON.parse(JSON.stringify(changed))
  const input = { ticketId, changed: kept, actor: agent('ada'), tools: desk.tools() }
  return transaction(sql, (tx) => takeBack(tx, input, now))
}
const ticket = async (id: number) => {
  const [row] = await sql`
    select t.priority, t.assessed_at, t.assessed_s, s.key as policy, t.policy_source as source
    from tickets t left join sla_policies s on s.id = t.policy_id where t.id = ${id}`
  return { ...row! }
}
const found = async (query: string) =>
  (await findTickets(sql, { query, limit: null }, MONDAY)).map((one) => one.number).sort()
const replays = async (id: number, now: Date) => {
  const { identical, differences } = await transaction(sql, (tx) => replayTicket(tx, id, now))
  assert.ok(identical, JSON.stringify(differences))
}
const later = (ms: number) => after(MONDAY, ms)

test('a new ticket is unassessed unless a rule gives it a priority; rules and searches can ask for it', async () => {
  const [plain, burning, riddle] = [await opened(), await opened('It is burning'), await opened('A riddle')]
  const hot = await opened('A burning riddle')
  assert.equal(await ticket(plain), { priority: 'normal', assessed_at: null, assessed_s: null, policy: 'gold', source: 'org' }) // biome-ignore format: a row
  assert.equal((await ticket(burning)).assessed_at, MONDAY)
  assert.equal((await ticket(burning)).assessed_s, 0)
  assert.equal(await found('priority:unassessed'), [plain, riddle])
  assert.equal(await found('-priority:unassessed'), [burning, hot])
  assert.equal(await found('tag:riddle'), [riddle], 'an earlier rule had assessed the other')
})

test('the default policy holds until an agent assesses it, be it as what it is; taken back, it is unassessed again', async () => {
  const id = await opened()
  assert.is((await ticket(id)).policy, 'gold', 'the norm for normal tickets waits')
  const was = await sql`select due_at from sla_clocks where ticket_id = ${id} order by metric`
  const changed = await set(id, 'normal', later(2 * HOUR))
  const assessed = { priority: 'normal', assessed_at: later(2 * HOUR), assessed_s: 7200, policy: 'silver' }
  assert.equal(await ticket(id), { ...assessed, source: 'rule' })
  const [event] = await sql`select type, actor_name, data from events where ticket_id = ${id} and type = 'assessed'`
  assert.equal({ ...event!.data, by: event!.actor_name }, { from: null, to: later(2 * HOUR).toISOString(), priority: 'normal', by: 'ada' }) // biome-ignore format: a row
  await replays(id, later(3 * HOUR))
  assert.is(await set(id, 'normal', later(2.5 * HOUR)), null, 'once is enough')
  await back(id, changed, later(3 * HOUR))
  assert.equal(await ticket(id), { priority: 'normal', assessed_at: null, assessed_s: null, policy: 'gold', source: 'org' }) // biome-ignore format: a row
  assert.equal([...(await sql`select due_at from sla_clocks where ticket_id = ${id} order by metric`)], [...was])
  await replays(id, later(4 * HOUR))
})

test('another priority assesses it once, in the working time of its calendar; a reminder does not', async () => {
  const id = await opened()
  const system = { kind: 'system' as const, id: null, name: 'sla' }
  const raise = { ticketId: id, priority: 'high', actor: system, tools: desk.tools() }
  await transaction(sql, (tx) => prioritise(tx, raise, later(MINUTE)))
  assert.equal([(await ticket(id)).priority, (await ticket(id)).assessed_at], ['high', null])
  await set(id, 'low', later(DAY), 'bo') // 9:30 to 17:00, and 9:00 to 9:30
  assert.is((await ticket(id)).assessed_s, 8 * 3600)
  await set(id, 'high', later(2 * DAY))
  assert.equal((await ticket(id)).assessed_at, later(DAY))
  await replays(id, later(3 * DAY))
})

test('whoever assessed it takes nothing back that another has set since', async () => {
  const id = await opened()
  const mine = await set(id, 'normal', later(HOUR))
  const theirs = await set(id, 'urgent', later(2 * HOUR), 'bo')
  assert.is(await refusal(back(id, mine, later(3 * HOUR))), 'changed_since')
  await back(id, theirs, later(3 * HOUR))
  assert.equal((await ticket(id)).assessed_at, later(HOUR))
  await back(id, mine, later(4 * HOUR))
  assert.is((await ticket(id)).assessed_at, null)
})

test('the report: open ones, those that ended so, and how long it took, by team and by customer', async () => {
  const [a, b, c, d] = [await opened(), await opened(), await opened(), await opened()]
  const e = await opened('It is burning')
  const noor = await opened('Down', 'Noor <noor@borealis.example>')
  await set(a, 'low', later(HOUR))
  await set(b, 'normal', later(3 * HOUR))
  const done = { ticketId: c, status: 'resolved', actor: agent('ada') }
  await transaction(sql, (tx) => setStatus(tx, done, later(HOUR)))
  const now = later(4 * HOUR) // 13:30 in Berlin, 7:30 in New York
  const lines: string[] = []
  const asked = { name: 'unassessed', from: null, to: null, by: null, superseded: 'hidden', limit: null, zone: null } as const // biome-ignore format: a row
  await showReport(sql, (line) => lines.push(line), { ...asked, form: 'json' }, now)
  const rows = lines.map((line) => JSON.parse(line))
  const pick = ['by', 'key', 'tickets', 'open', 'open_longest_s', 'done', 'assessed', 'median_s', 'longest_s']
  assert.equal(
    rows.map((row) => pick.map((key) => row[key])),
    [
      ['team', 'support', 6, 2, 14400, 1, 2, 3600, 10800],
      ['organization', 'acme', 5, 1, 14400, 1, 2, 3600, 10800],
      ['organization', 'borealis', 1, 1, 0, 0, 0, null, null],
    ],
  )
  assert.equal(await found('priority:unassessed -status:resolved'), [d, noor])
  assert.ok(e > 0)
  const csv: string[] = []
  await showReport(sql, (line) => csv.push(line.trimEnd()), { ...asked, form: 'csv' }, now)
  assert.is(csv[0], 'by,name,key,tickets,open,open_longest_s,done,assessed,median_s,longest_s')
  assert.is(csv[1], 'team,Support,support,6,2,14400,1,2,3600,10800')
  const before = { ...asked, to: '2026-11-23', form: 'json' } as const
  const none: string[] = []
  await showReport(sql, (line) => none.push(line), before, now)
  assert.equal(none, [])
})

test.run()

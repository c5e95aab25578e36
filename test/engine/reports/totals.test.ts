/**
 * Reports over random weeks of work: every number is counted once more from the bare rows and the ticket list, every way
 * of dividing comes to the same sums, and so do the parts of a period.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Tx, transaction } from '../../../src/database.ts'
import { applyDesk } from '../../../src/engine/desk/apply.ts'
import { loadDesk } from '../../../src/engine/desk/load.ts'
import { DIMENSIONS } from '../../../src/engine/reports/compliance.ts'
import type { Period } from '../../../src/engine/reports/period.ts'
import type { Row } from '../../../src/engine/reports/shape.ts'
import { makeReport, readAsk } from '../../../src/engine/reports.ts'
import { findTickets } from '../../../src/engine/search.ts'
import { PRIORITIES } from '../../../src/engine/tables.ts'
import { merge } from '../../../src/engine/tickets/merge.ts'
import { pinPolicy } from '../../../src/engine/tickets/policy.ts'
import { settleTickets } from '../../../src/engine/tickets/sweep.ts'
import { assign, deleteTicket, markSpam, move, prioritise, reply, setStatus } from '../../../src/engine/tickets.ts'
import { Refusal } from '../../../src/errors.ts'
import { after, DAY, MINUTE } from '../../../src/time.ts'
import { testDatabase } from '../../database.ts'
import { demoDesk } from '../../desk.ts'
import { type Random, startRandom } from '../../fuzz/random.ts'
import { NOON, webDesk } from '../../web/desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
test.after(database.close)

const TEXT = demoDesk
  .replace('teams:\n', 'teams:\n  - {key: night, name: Night, members: [bo@desk.example], calendar: new-york}\n')
  .replace('  - key: gold\n', '  - key: gold\n    ola: {support: {normal: 2h, urgent: 1h}, night: {normal: 1h}}\n')
  .replace('  - key: silver\n', '  - key: silver\n    reopen: restart\n')
  .replace(
    'projects:\n',
    'groups: [{key: vip, rank: 1, organizations: [acme]}]\nprojects:\n  - {key: acme/night, team: night}\n',
  )
await transaction(sql, (tx) => applyDesk(tx, { text: TEXT, author: 'test' }, NOON))
desk.tools.desk = await loadDesk(sql)
const { tools } = desk
const [agents, projects] = [[...tools.desk.agents.values()], [...tools.desk.projects.values()]]

const START = after(NOON, -14 * DAY)
const ids: number[] = []

/** Sixty tickets, and whatever may happen to them in two weeks, of which some ends in the trash. */
async function work(random: Random): Promise<void> {
  for (let n = 0; n < 60; n++) {
    const organization = random.pick(['acme', 'borealis', undefined])
    const { id } = await desk.addTicket({
      at: after(START, random.below(10 * 24 * 60) * MINUTE),
      ...(organization && { organization, project: `${organization}/incoming` }),
      priority: random.pick(PRIORITIES),
      ...(random.chance(0.5) && { assignee: random.pick(agents).address }),
    })
    ids.push(id)
    const [row] = await sql<{ created_at: Date }[]>`select created_at from tickets where id = ${id}`
    let now = row!.created_at
    for (let step = random.below(9); step > 0; step--) {
      now = after(now, random.below(20 * 60) * MINUTE)
      if (now > NOON) break
      await transaction(sql, (tx) => happen(tx, id, random, now)).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error // what cannot be done to a ticket that is gone
      })
    }
  }
  await transaction(sql, (tx) => settleTickets(tx, ids, NOON))
}

async function happen(tx: Tx, ticketId: number, random: Random, now: Date): Promise<unknown> {
  const agent = random.pick(agents)
  const actor = { kind: 'agent', id: agent.id, name: agent.name } as const
  const change = { ticketId, actor, tools }
  const roll = random.below(24)
  if (roll < 7) {
    const status = random.pick(['open', 'waiting_customer', 'on_hold', 'resolved', 'closed', 'resolved'] as const)
    return await setStatus(tx, { ...change, status }, now)
  }
  if (roll < 12) return await reply(tx, { ticketId, agent, text: 'Well.', channel: 'web', tools }, now)
  if (roll < 15) return await prioritise(tx, { ...change, priority: random.pick(PRIORITIES) }, now)
  if (roll < 18) return await assign(tx, { ticketId, agentId: random.chance(0.2) ? null : agent.id, actor }, now)
  if (roll < 20) return await move(tx, { ...change, projectId: random.pick(projects).id }, now)
  if (roll < 21) {
    const policy = random.pick(['gold', 'silver', null])
    return await pinPolicy(
      tx,
      { ticketId, actor: { kind: 'system', id: null, name: 'test' }, tools, policy, reason: 'x' },
      now,
    )
  }
  if (roll < 22) return await markSpam(tx, { ticketId, actor }, now)
  if (roll < 23) return await deleteTicket(tx, { ticketId, actor }, now)
  const into = random.pick(ids)
  return into === ticketId ? null : await merge(tx, { ticketId, intoId: into, actor }, now)
}

await work(startRandom(4))

const ask = (name: string, period: { from?: string; to?: string; zone?: string } = {}, by: string | null = null) =>
  readAsk({ name, from: null, to: null, zone: 'Europe/Berlin', by, superseded: 'hidden', limit: null, ...period })
const report = async (...asked: Parameters<typeof ask>) => await makeReport(sql, ask(...asked), NOON)
const sum = (rows: readonly Row[], key: string) => rows.reduce((all, row) => all + Number(row[key]), 0)
const COUNTS = ['stopped', 'met', 'breached', 'open_late'] as const
const counts = (rows: readonly Row[]) => COUNTS.map((key) => sum(rows, key))

const tickets = await sql`select * from tickets`
const listed = new Map(tickets.filter((one) => !one.deleted_at && !one.spam_at).map((one) => [one.id, one]))
const clocks = (await sql`select * from sla_clocks`).filter((one) => listed.has(one.ticket_id))
const breaches =
  await sql`select b.*, t.organization_id from sla_breaches b join tickets t on t.id = b.ticket_id where superseded_at is null`
const inside = (at: Date | null, { from, to }: Period) => at !== null && (!from || at >= from) && (!to || at < to)

/** Random days of random zones, and all of them. */
const periods = (random: Random, many: number) =>
  Array.from({ length: many }, (_, n) => {
    const day = (offset: number) =>
      after(START, offset * DAY)
        .toISOString()
        .slice(0, 10)
    const from = random.below(14)
    const zone = random.pick(['Europe/Berlin', 'America/New_York', 'Pacific/Kiritimati', 'Asia/Kolkata'])
    return n === 0 ? {} : { from: day(from), to: day(from + 1 + random.below(14 - from + 1)), zone }
  })

test('the weeks have all of it', () => {
  const has = (what: unknown, words: string) => assert.ok(what, words)
  has(tickets.some((one) => one.spam_at) && tickets.some((one) => one.deleted_at), 'spam and deleted ones')
  has(
    tickets.some((one) => one.merged_into) && tickets.some((one) => one.policy_id === null),
    'merged, without a policy',
  )
  for (const state of ['running', 'paused', 'stopped', 'cancelled'])
    has(
      clocks.some((one) => one.state === state),
      state,
    )
  has(
    clocks.some((one) => one.metric === 'ola' && one.breached_at),
    'a late team',
  )
  has(breaches.length > 20, `${breaches.length} breaches`)
})

test('organizations: each number is that of the ticket list', async () => {
  for (const period of periods(startRandom(11), 25)) {
    const { rows, total } = await report('organizations', period)
    const bounds = ask('organizations', period).period
    const came = [...listed.values()].filter((one) => inside(one.created_at, bounds))
    const done = came.filter((one) => one.status === 'resolved' || one.status === 'closed')
    const broken = new Set(breaches.filter((one) => one.metric !== 'ola').map((one) => one.ticket_id))
    assert.equal(
      ['tickets', 'done', 'open', 'without_policy', 'breached'].map((key) => total![key]),
      [
        came.length,
        done.length,
        came.length - done.length,
        came.filter((one) => one.policy_id === null).length,
        came.filter((one) => broken.has(one.id)).length,
      ],
      JSON.stringify(period),
    )
    for (const row of rows) {
      const id = tools.desk.organizations.get(String(row.key))?.id ?? null
      assert.is(row.tickets, came.filter((one) => one.organization_id === id).length)
    }
  }
  const { total, rows } = await report('organizations')
  const found = async (query: string) => (await findTickets(sql, { query, limit: null }, NOON)).length
  assert.is(total!.tickets, await found(''))
  assert.is(total!.open, await found('-status:resolved -status:closed'))
  for (const row of rows.filter((one) => one.key !== null))
    assert.is(row.tickets, await found(`org:"${row.organization}"`))
})

test('compliance: each number from the bare clocks, the same by whatever it is divided', async () => {
  for (const period of periods(startRandom(12), 12)) {
    const bounds = ask('compliance', period).period
    const stopped = clocks.filter((one) => one.state === 'stopped' && inside(one.stopped_at, bounds))
    const late = clocks.filter((one) => one.stopped_at === null && inside(one.breached_at, bounds))
    const wanted = [
      stopped.length,
      stopped.filter((one) => one.breached_at === null).length,
      stopped.filter((one) => one.breached_at !== null).length,
      late.filter((one) => one.state === 'running' || one.state === 'paused').length,
    ]
    for (const by of DIMENSIONS) {
      const { rows, total } = await report('compliance', period, by)
      assert.equal(counts(rows), wanted, `${by} ${JSON.stringify(period)}`)
      assert.equal(
        COUNTS.map((key) => total![key]),
        wanted,
        by,
      )
      for (const row of rows) assert.is(row.stopped, Number(row.met) + Number(row.breached))
    }
  }
})

test('met, late, running and cancelled are all clocks there are', async () => {
  const { rows } = await report('compliance')
  const open = clocks.filter((one) => one.state === 'running' || one.state === 'paused').length
  const cancelled = clocks.filter((one) => one.state === 'cancelled').length
  assert.is(sum(rows, 'met') + sum(rows, 'breached') + open + cancelled, clocks.length)
})

test('violations: the ledger, and the breaches of agents, teams and customers are the same ones', async () => {
  for (const period of periods(startRandom(13), 12)) {
    const bounds = ask('violations', period).period
    const { rows } = await report('violations', period)
    const wanted = breaches.filter((one) => inside(one.at, bounds))
    assert.is(rows.length, wanted.length)
    assert.equal(
      rows.map((row) => `${row.ticket} ${row.metric} ${row.cycle} ${row.at}`).sort(),
      wanted
        .map((one) => `${one.ticket_id} ${one.metric} ${one.cycle} ${one.at.toISOString().replace('.000', '')}`)
        .sort(),
    )
    assert.is((await report('agents', period)).total!.breaches, wanted.length)
    assert.is((await report('teams', period)).total!.breaches, wanted.filter((one) => one.metric !== 'ola').length)
  }
})

test('the parts of a period come to the whole', async () => {
  const random = startRandom(14)
  const day = (offset: number) =>
    after(START, offset * DAY)
      .toISOString()
      .slice(0, 10)
  for (let round = 0; round < 8; round++) {
    const cuts = [0, 1 + random.below(6), 7 + random.below(4), 12 + random.below(5)].map(day)
    for (const name of ['compliance', 'agents', 'teams', 'organizations', 'violations']) {
      const keys = {
        compliance: [...COUNTS],
        agents: ['answers', 'answers_met', 'answers_late', 'solutions', 'solutions_met', 'breaches'],
        teams: [...COUNTS, 'breaches'],
        organizations: ['tickets', 'open', 'done', 'breached', 'without_policy'],
        violations: ['cycle'],
      }[name]!
      const of = async (from: string, to: string) => {
        const { rows } = await report(name, { from, to })
        return [rows.length, ...keys.map((key) => sum(rows, key))]
      }
      const whole = await of(cuts[0]!, cuts[3]!)
      const parts = await Promise.all([0, 1, 2].map((n) => of(cuts[n]!, cuts[n + 1]!)))
      const added = whole.map((_, n) => parts.reduce((all, part) => all + part[n]!, 0))
      // only of the ledger is each row in one part alone
      assert.equal(name === 'violations' ? added : added.slice(1), name === 'violations' ? whole : whole.slice(1), name)
    }
  }
})

test('team targets: only a team’s own clocks, each in one row', async () => {
  for (const period of periods(startRandom(15), 8)) {
    const bounds = ask('teams', period).period
    const mine = clocks.filter((one) => one.metric === 'ola')
    const { rows } = await report('teams', period)
    assert.is(
      sum(rows, 'stopped'),
      mine.filter((one) => one.state === 'stopped' && inside(one.stopped_at, bounds)).length,
    )
    const byMetric = (await report('compliance', period)).rows.filter((row) => row.metric === 'ola')
    assert.equal(counts(rows), counts(byMetric))
  }
})

test('agents: what they ended is what was answered and solved by somebody', async () => {
  for (const period of periods(startRandom(16), 8)) {
    const bounds = ask('agents', period).period
    const { rows } = await report('agents', period)
    const ended = clocks.filter((one) => one.state === 'stopped' && inside(one.stopped_at, bounds))
    const answers = ended.filter((one) => one.stop_reason === 'reply' && one.metric !== 'resolution')
    const solved = ended.filter((one) => one.metric === 'resolution' && ['reply', 'resolved'].includes(one.stop_reason))
    assert.equal([sum(rows, 'answers'), sum(rows, 'solutions')], [answers.length, solved.length])
    for (const row of rows) assert.is(row.answers, Number(row.answers_met) + Number(row.answers_late))
  }
})

test('the weekday and the hour of a start are those of the zone', async () => {
  const { rows } = await report('compliance', { zone: 'Asia/Kolkata' }, 'weekday')
  const weekday = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'Asia/Kolkata' })
  const shown = clocks.filter((one) => one.state === 'stopped')
  for (const row of rows)
    if (Number(row.stopped) > 0)
      assert.is(
        sum(
          rows.filter((one) => one.label === row.label),
          'stopped',
        ),
        shown.filter((one) => weekday.format(one.started_at) === row.label).length,
        String(row.label),
      )
})

test.run()

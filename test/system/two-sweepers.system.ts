/**
 * Two daemons, and a third that is killed in the middle, find the same backlog of breaches and reminders: the record is
 * the one that a single sweep writes. No breach twice, no reminder twice, no notice twice (SLA K9, W3, Q3, E3).
 */
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect, migrate, type Sql, transaction } from '../../src/database.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { remindDue } from '../../src/engine/reminders.ts'
import { replayTicket } from '../../src/engine/sla/replay.ts'
import { shipped } from '../../src/main/installation.ts'
import { after, MINUTE } from '../../src/time.ts'
import { makeFolder, spawnDaemon, until } from '../daemon.ts'
import type { TestDatabase } from '../database.ts'
import { keys, mail, startDesk, templates } from '../desk.ts'
import { startOutside } from './outside-postgres.ts'

const TICKETS = Number(process.env.TICKETS ?? 500)
const SECRET = Buffer.alloc(32, 7).toString('base64')

/** Everything is late after two hours, some of it again every quarter of an hour; the next is eight minutes away. */
const AGE = 127 * MINUTE
const DESK = `inboxes:
  - {key: support, address: support@desk.example, name: Desk, project: triage, locale: en, zone: UTC}
agents:
  - {address: ada@desk.example, name: Ada, admin: true}
  - {address: bo@desk.example, name: Bo}
teams:
  - {key: support, name: Support, members: [ada@desk.example, bo@desk.example], lead: bo@desk.example}
  - {key: night, name: Night, members: [bo@desk.example]}
calendars: [{key: always, always: true}]
policies:
  - key: gold
    targets: {normal: {first_response: 1h, resolution: 2h}, high: {first_response: 1h, resolution: 100m}}
    ola: {support: {normal: 90m, high: 90m}, night: {normal: 30m, high: 30m}}
    reminders:
      - {key: half, percent: 50, metric: first_response, then: [{notify: team}, {tags: [hurry]}]}
      - {key: raise, percent: 75, metric: resolution, then: [{priority: high, team: night}]}
      - {key: late, percent: 100, metric: first_response, every: 15m, then: [{note: Late.}, {notify: lead}]}
projects: [{key: triage, team: support}]
settings: {policy: gold, calendar: always}
`

const outside = await startOutside()
const folders = [makeFolder(), makeFolder(), makeFolder()]
const spawned: ReturnType<typeof spawnDaemon>[] = []
test.after(async () => {
  for (const one of spawned) await one.kill()
  for (const folder of folders) await folder.remove()
  await outside.remove()
})

const urlOf = (name: string) => outside.url.replace(/[^/]+$/, name)

/** What a sweep may do, told without ids that depend on who was first. */
async function recordOf(sql: Sql) {
  const rows = async (query: Promise<readonly Record<string, unknown>[]>) =>
    (await query).map((row) => JSON.stringify(row)).sort()
  return {
    breaches: await rows(sql`
      select c.ticket_id, b.metric, b.team_id, b.cycle, b.at, b.target_s, b.assignee_id, b.ticket_team_id, b.superseded_at
      from sla_breaches b join sla_clocks c on c.id = b.clock_id`),
    firings: await rows(sql`
      select c.ticket_id, c.metric, c.team_id, f.reminder, f.generation, f.at, f.acted_at is null as waits
      from sla_fired f join sla_clocks c on c.id = f.clock_id`),
    events: await rows(sql`select ticket_id, seq, at, type, actor, data - 'comment' as data from events`),
    notes: await rows(sql`select ticket_id, text, at from comments where visibility = 'internal'`),
    // how late it is differs with the moment of writing
    notices: await rows(sql`
      select ticket_id, recipient, split_part(subject, ',', 1) as about from outbox
      where kind = 'notification' and subject ~* '^\\[#[0-9]+\\] (first answer|solution|team)'`),
    clocks: await rows(sql`
      select ticket_id, metric, team_id, state, elapsed_s, due_at, breached_at, next_warn_at, next_warn_id, fired
      from sla_clocks`),
    tickets: await rows(sql`select id, priority, team_id, tags, next_due_at, ola_due_at from tickets`),
  }
}

async function backlog(): Promise<number[]> {
  const { sql, db, end } = connect({ url: urlOf('postroom') }, { max: 6 })
  const database: TestDatabase = {
    sql,
    db,
    database: { sql, db, end },
    target: { path: '', user: '', database: '' },
    empty: async () => {},
    close: end,
  }
  const desk = await startDesk({ desk: DESK, now: after(new Date(), -AGE), database })
  const ids: number[] = []
  try {
    for (let n = 0; n < TICKETS; n++) await desk.accept(mail({ from: `p${n}@client.example`, subject: `Matter ${n}` }))
    await desk.idle()
    ids.push(...(await sql<{ id: number }[]>`select id from tickets order by id`).map((row) => row.id))
  } finally {
    await desk.stop()
    await end()
  }
  return ids
}

/** The same backlog swept by nobody but this process, to its end. */
async function sweptAlone(name: string): Promise<Awaited<ReturnType<typeof recordOf>>> {
  const { sql, end } = connect({ url: urlOf(name) }, { max: 2 })
  try {
    const tools = { desk: await loadDesk(sql), keys, templates }
    const now = new Date()
    for (let more = true; more; )
      more = (await transaction(sql, (tx) => remindDue(tx, { tools, url: 'http://127.0.0.1' }, now))).more
    return await recordOf(sql)
  } finally {
    await end()
  }
}

test('two daemons sweep at once, and a third dies of it: the record of one sweep', async () => {
  const admin = connect({ url: urlOf('postgres') }, { max: 1 })
  await migrate({ url: urlOf('postroom') }, shipped.migrations)
  const ids = await backlog()
  assert.is(ids.length, TICKETS)
  await admin.sql`create database alone template postroom`
  const wanted = await sweptAlone('alone')
  await admin.end()
  assert.ok(wanted.breaches.length >= 2 * TICKETS && wanted.firings.length >= 5 * TICKETS, 'there is much to do')

  const config = configured()
  // They sweep before they are ready, and go on with it after that.
  const env = { DATABASE_URL: urlOf('postroom'), POSTROOM_SECRET: SECRET }
  const begun = folders.map((folder) => spawnDaemon({ data: folder.path, config, env }))
  spawned.push(...begun)
  const { sql, end } = connect({ url: urlOf('postroom') }, { max: 2 })
  try {
    const count = async (query: Promise<readonly { n?: number }[]>) => (await query)[0]!.n!
    await until(
      'all three are at it',
      async () =>
        (await count(sql`
          select count(distinct pid)::int as n from pg_locks
          where relation = 'sla_fired'::regclass and mode = 'RowExclusiveLock'`)) === 3,
      60_000,
    )
    await begun.pop()!.kill()
    await Promise.all(begun.map((one) => one.ready))
    const daemons = begun.map((one) => one.daemon())
    await until(
      'all of it is done',
      async () => {
        const left = await count(sql`
          select (select count(*)::int from sla_fired where acted_at is null) + (select count(*)::int from sla_clocks
            where (state = 'running' and breached_at is null and due_at < now()) or next_warn_at < now()) as n`)
        return left === 0
      },
      240_000,
    )

    for (const daemon of daemons) assert.is((await daemon.terminate()).code, 0)
    const shares = daemons.map((daemon) =>
      [...daemon.log().matchAll(/"job":"sla_due","settled":(\d+)/g)].reduce((all, [, n]) => all + Number(n), 0),
    )
    console.log(
      `${TICKETS} tickets: ${wanted.breaches.length} breaches, ${wanted.firings.length} reminders, ${wanted.notices.length} notices; settled by each: ${shares.join(' and ')}`,
    )
    assert.ok(
      shares.every((share) => share > 0),
      `both swept: ${shares}`,
    )
    const found = await recordOf(sql)
    for (const part of Object.keys(wanted) as (keyof typeof wanted)[]) assert.equal(found[part], wanted[part], part)
    const doubled = await sql`
      select clock_id from sla_breaches where superseded_at is null group by clock_id having count(*) > 1`
    assert.is(doubled.length, 0)
    for (const id of ids.filter((_, n) => n % 25 === 0))
      assert.equal((await transaction(sql, (tx) => replayTicket(tx, id, new Date()))).differences, [], `ticket ${id}`)
  } finally {
    await end()
  }
})

/** A configuration that names the desk of the backlog; ports are the kernel's. */
function configured(): string {
  const folder = path.join(folders[0]!.path, 'config')
  fs.mkdirSync(folder, { recursive: true, mode: 0o711 })
  fs.writeFileSync(path.join(folder, 'desk.yml'), DESK)
  const lines = ['web: {listen: 127.0.0.1:0}', 'listeners: [{kind: mx, listen: 127.0.0.1:0}]', 'desk: desk.yml']
  fs.writeFileSync(path.join(folder, 'postroom.yml'), `${lines.join('\n')}\n`)
  return path.join(folder, 'postroom.yml')
}

test.run()

/** What reminders do (SLA 10): actions at their second and once, escalations, repetitions, notices, replay. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { JOBS } from '../../src/cron.ts'
import { openClient, transaction } from '../../src/database.ts'
import { parseDesk } from '../../src/engine/desk/document.ts'
import { awakeAt } from '../../src/engine/reminders/quiet.ts'
import { catchUp, remindDue, type Swept } from '../../src/engine/reminders.ts'
import { countDropped } from '../../src/engine/sla/fired.ts'
import { listBreaches, listClocks } from '../../src/engine/sla/read.ts'
import { replayTicket } from '../../src/engine/sla/replay.ts'
import { assign, prioritise, setStatus } from '../../src/engine/tickets.ts'
import { queueDigests } from '../../src/mail/digest.ts'
import { after, DAY, MINUTE, SECOND } from '../../src/time.ts'
import { readSignedAddress } from '../../src/tokens.ts'
import { showProblem } from '../../src/yaml.ts'
import { demoDesk, keys, MONDAY, mail, startDesk } from '../desk.ts'
import { startRandom } from '../fuzz/random.ts'

/** The demo desk with a lead, a responsible, a night team, and these reminders of gold. First answers are due at 240. */
const deskWith = (reminders: string) =>
  demoDesk
    .replace(
      'teams:\n',
      'teams:\n  - {key: night, name: Night, members: [bo@desk.example], lead: bo@desk.example, calendar: always}\n',
    )
    .replace('calendars:\n', 'calendars:\n  - {key: always, always: true}\n')
    .replace(
      '  - key: gold\n',
      `  - key: gold\n    ola: {support: {normal: 40h}, night: {normal: 1h, high: 1h, urgent: 1h}}\n    reminders: [${reminders}]\n`,
    )
    .replace(
      'projects:\n',
      'groups: [{key: vip, rank: 1, organizations: [acme], responsible: bo@desk.example}]\nprojects:\n',
    )
    .replace('settings:\n', 'sla:\n  - {when: {tag: hurry}, policy: silver}\nsettings:\n')

const desk = await startDesk({ desk: deskWith('{key: soon, percent: 75}') })
const { sql } = desk
test.after(() => desk.stop())

const url = 'https://desk.example'
const person = { kind: 'system' as const, id: null, name: 'test' }
/** Minutes after Monday morning, 09:30 in Berlin. */
const min = (minutes: number) => after(MONDAY, minutes * MINUTE)
const begin = async (reminders: string, change = (text: string) => text) => {
  await desk.reset(change(deskWith(reminders)))
  return (await desk.deliver(mail({}))).ticket_id!
}
const sweep = async (now: Date, client = sql): Promise<Swept> => {
  const sum = { settled: 0, more: false, reminders: 0, notices: 0, dropped: 0 }
  for (let more = true; more; ) {
    const batch = await transaction(client, (tx) => remindDue(tx, { tools: desk.tools(), url }, now))
    for (const key of ['settled', 'reminders', 'notices', 'dropped'] as const) sum[key] += batch[key]
    more = batch.more
  }
  return sum
}
const late = (minutes: number) => after(min(minutes), SECOND)
const ticket = async (id: number) =>
  (
    await sql`
    select t.*, team.key as team, a.address as assignee from tickets t left join teams team on team.id = t.team_id
    left join agents a on a.id = t.assignee_id where t.id = ${id}`
  )[0]!
const events = async (id: number) =>
  (await sql`select type, at, actor, data from events where ticket_id = ${id} order by seq`).map((row) => ({
    type: row.type as string,
    minute: (row.at.getTime() - MONDAY.getTime()) / MINUTE,
    actor: row.actor as string,
  }))
const mails = async () => await sql`select * from outbox where kind = 'notification' order by id`
const people = async () => (await mails()).map((row) => row.recipient).sort()
const clock = async (id: number, kind: string, now: Date) =>
  (await listClocks(sql, id, now)).find((one) => one.kind === kind)!
const replayed = async (id: number, now: Date) =>
  assert.equal((await transaction(sql, (tx) => replayTicket(tx, id, now))).differences, [], `ticket ${id}`)
const ESCALATE =
  '{key: soon, metric: first_response, percent: 50, then: [{priority: high, tags: [hot]}, {team: night}, {assignee: bo@desk.example, status: open}, {note: Half is gone.}, {notify: assignee}]}'

test('every action, at the second of the reminder, by the system, once', async () => {
  const id = await begin(ESCALATE)
  assert.is((await sweep(min(120))).reminders, 0, 'its second has not passed')
  assert.equal(await sweep(late(120)), { settled: 1, more: false, reminders: 1, notices: 1, dropped: 0 })
  const { priority, tags, team, assignee, status, first_response_at } = await ticket(id)
  assert.equal(
    [priority, tags, team, assignee, status, first_response_at],
    ['high', ['hot'], 'night', 'bo@desk.example', 'open', null],
  )
  const done = (await events(id)).slice(1)
  assert.equal([...new Set(done.map((one) => `${one.minute} ${one.actor}`))], ['120 system'])
  assert.equal(
    done.map((one) => one.type),
    ['reminder', 'priority', 'tags', 'team', 'assign', 'status', 'note'],
  )
  assert.is(
    (await sql`select text from comments where ticket_id = ${id} and visibility = 'internal'`)[0]!.text,
    'Half is gone.',
  )
  const { at, reminders } = { at: late(121), reminders: (await sweep(late(121))).reminders }
  assert.is(reminders, 0)
  assert.is((await mails()).length, 1)
  await replayed(id, at)
})

test('a late sweep writes the same record as one in time: what follows follows from the change (E2)', async () => {
  const records: unknown[] = []
  for (const sweeps of [[late(120), late(121), late(125), late(400)], [late(400)]]) {
    const id = await begin(
      `${ESCALATE}, {key: hurry, metric: resolution, percent: 20, then: [{tag: hurry}]}, {key: part, metric: ola, left: 10m, then: [{priority: urgent}]}`,
    )
    for (const now of sweeps) await sweep(now)
    await replayed(id, late(400))
    const { priority, policy_source, team, tags, next_due_at } = await ticket(id)
    const bare = (await listBreaches(sql, id)).map((one) => ({ ...one }))
    records.push({
      events: await events(id),
      clocks: await listClocks(sql, id, late(400)),
      bare,
      priority,
      policy_source,
      team,
      tags,
      next_due_at,
    })
  }
  assert.equal(records[1], records[0])
  const {
    events: story,
    priority,
    policy_source,
  } = records[0] as { events: { type: string; minute: number }[]; priority: string; policy_source: string }
  assert.is(priority, 'urgent')
  assert.is(policy_source, 'rule', 'a tag chose another policy')
  assert.ok(
    story.some((one) => one.type === 'priority' && one.minute === 170),
    'fifty minutes after the hand-over',
  )
})

test('what a reminder changes while nobody swept comes after the event that found it', async () => {
  const id = await begin(ESCALATE)
  const actor = { kind: 'system' as const, id: null, name: 'test' }
  await transaction(sql, (tx) => setStatus(tx, { ticketId: id, status: 'on_hold', actor }, min(130)))
  await sweep(min(140))
  const { status, priority } = await ticket(id)
  assert.equal([status, priority], ['open', 'high'])
  assert.equal((await events(id)).at(-1)!.minute, 130)
  await replayed(id, min(140))
})

test('what is done, or answered, meanwhile reminds nobody', async () => {
  const id = await begin(ESCALATE)
  const actor = { kind: 'system' as const, id: null, name: 'test' }
  await transaction(sql, (tx) => setStatus(tx, { ticketId: id, status: 'resolved', actor }, min(130)))
  assert.equal((await sweep(min(140))).notices, 0)
  assert.equal([(await ticket(id)).priority, (await mails()).length], ['normal', 0])
  await replayed(id, min(140))
})

test('two sweepers at once: each reminder acts once', async () => {
  await desk.reset(deskWith(ESCALATE))
  const ids: number[] = []
  for (let n = 0; n < 12; n++) ids.push((await desk.deliver(mail({}))).ticket_id!)
  const others = [1, 2, 3].map((n) => openClient(desk.database.target, { max: 1, name: `sweeper ${n}` }))
  const all = await Promise.all([sql, ...others].map((client) => sweep(late(120), client as typeof sql)))
  await Promise.all(others.map((client) => client.end()))
  await sweep(late(120))
  assert.is((await mails()).length, ids.length)
  assert.ok(all.reduce((sum, one) => sum + one.reminders, 0) <= ids.length)
  for (const id of ids) {
    assert.is((await events(id)).filter((one) => one.type === 'note').length, 1)
    await replayed(id, late(121))
  }
})

test('W3: of several at once the highest; armed again by a longer target, it notifies again and changes nothing', async () => {
  const id = await begin(
    '{key: a, metric: first_response, percent: 30, then: {notify: assignee}}, {key: b, metric: first_response, percent: 50, then: {notify: lead, priority: high}}',
    (text) =>
      text.replace('first_response: 8h, next_response: 8h, resolution: 40h', 'first_response: 40h, resolution: 80h'),
  )
  const actor = { kind: 'system' as const, id: null, name: 'test' }
  const to = (priority: string, now: Date) =>
    transaction(sql, (tx) => prioritise(tx, { ticketId: id, priority, actor, tools: desk.tools() }, now))
  await to('high', min(65)) // 65 of 120: both have passed
  await sweep(min(66))
  const fired = await sql`select reminder, generation from sla_fired order by at`
  assert.equal(
    [...fired].map((one) => one.reminder),
    ['b'],
  )
  await to('low', min(70))
  await sweep(min(71))
  await to('normal', min(80))
  await sweep(late(120))
  const again = await sql`select reminder, generation from sla_fired order by at, reminder`
  assert.equal(
    [...again].map((one) => `${one.reminder}${one.generation}`),
    ['b0', 'a1', 'b1'],
  )
  assert.is((await ticket(id)).priority, 'normal', 'it has changed the ticket once already')
  await replayed(id, late(121))
})

test('W4: the breach reminds, and again every so much working time, never at midnight', async () => {
  const id = await begin('{key: late, metric: first_response, percent: 100, every: 4h, then: {notify: team}}')
  assert.is((await clock(id, 'first_response', min(1))).due_at, '2026-11-23T12:30:00Z')
  for (let hours = 0; hours < 74; hours++) await sweep(min(hours * 60 + 1))
  const times =
    await sql`select reminder, to_char(at at time zone 'Europe/Berlin', 'Dy HH24:MI') as at from sla_fired order by sla_fired.at`
  assert.equal(
    [...times].map((one) => `${one.reminder} ${one.at}`),
    [
      'late Mon 13:30',
      'late/1 Tue 09:30',
      'late/2 Tue 13:30',
      'late/3 Wed 09:30',
      'late/4 Wed 13:30',
      'late/5 Thu 09:30',
    ],
  )
  assert.is((await mails()).length, 12)
  await replayed(id, min(74 * 60))
})

test('E2: a circle ends, and reminders raise and never lower', async () => {
  const id = await begin(
    '{key: up, percent: 10, then: {priority: urgent}}, {key: down, percent: 11, then: {priority: low}}, {key: there, percent: 12, then: {team: night}}, {key: back, metric: ola, percent: 50, then: {team: support}}',
  )
  for (let minute = 0; minute < 600; minute += 10) await sweep(late(minute))
  assert.is((await ticket(id)).priority, 'urgent')
  assert.ok((await events(id)).filter((one) => one.type === 'team').length <= 6)
  await replayed(id, late(600))
})

test('E3: the notice, in the language and zone of who reads it; agents can answer it, others reach the inbox', async () => {
  const id = await begin(
    '{key: soon, metric: first_response, percent: 50, then: {notify: [assignee, team, lead, responsible, boss@elsewhere.example]}}',
    (text) =>
      text
        .replace(
          '{address: ada@desk.example, name: Ada, admin: true}',
          '{address: ada@desk.example, name: Ada, admin: true, locale: de, zone: Asia/Tokyo}',
        )
        .replace('members: [ada@desk.example, bo@desk.example]', 'members: [ada@desk.example]'),
  )
  await sweep(late(120))
  assert.equal(await people(), ['ada@desk.example', 'bo@desk.example', 'boss@elsewhere.example'], 'each once')
  const [ada] = await sql`select * from outbox where recipient = 'ada@desk.example' and kind = 'notification'`
  assert.is(ada!.subject, `[#${id}] erste Antwort, noch 1 Stunde 59 Minuten: The printer is on fire`)
  for (const words of [
    `#${id} von Eva Beispiel`,
    'Fällig: Montag, 23. November 2026 um 21:30',
    'UTC+09:00',
    'niemand',
    `${url}/tickets/${id}`,
  ])
    assert.ok(ada!.text.includes(words), `${words} in ${ada!.text}`)
  const headersOf = (row: Record<string, unknown>) => Object.fromEntries(row.headers as [string, unknown][])
  const [reply] = headersOf(ada!)['Reply-To'] as { name: string; address: string }[]
  assert.is(reply!.name, `Antwort an Kunden #${id}`)
  const token = readSignedAddress(keys, 'support@desk.example', reply!.address)!
  assert.equal(
    [token.purpose, token.ticket, token.person, token.comment],
    ['a', id, desk.tools().desk.agents.get('ada@desk.example')!.id, 1],
  )
  assert.match(ada!.text, /^Eine Antwort auf diese Mail geht an den Kunden, Eva Beispiel <eva@acme.example>\.\n/)
  assert.match(ada!.text, /Eva Beispiel, Montag, .*:\nPlease help\./)
  assert.is(headersOf(ada!)['Auto-Submitted'], 'auto-generated')
  const [boss] = await sql`select * from outbox where recipient = 'boss@elsewhere.example'`
  assert.equal(headersOf(boss!)['Reply-To'], [{ name: 'Desk Support', address: 'support@desk.example' }])
  assert.not.match(JSON.stringify([boss!.headers, boss!.text, boss!.html]), /support\+|Please help/)
})

test('agents choose: a warning at once, in the digest, or none; and never two mails within two minutes (8.32)', async () => {
  const wishes = (text: string) =>
    text
      .replace('name: Ada, admin: true}', 'name: Ada, admin: true, notify: {warning: digest}}')
      .replace('name: Bo}', 'name: Bo, notify: {warning: none}}')
  const both =
    '{key: soon, metric: first_response, percent: 50, then: {notify: team}}, {key: hm, metric: resolution, left: 22h, then: {notify: team}}'
  const id = await begin(both, wishes)
  await sweep(late(120))
  assert.equal(await people(), [])
  const waiting =
    await sql`select d.ticket_id, d.topic, d.count, a.name from digest_news d join agents a on a.id = d.agent_id`
  assert.equal([...waiting], [{ ticket_id: id, topic: 'warning', count: 2, name: 'Ada' }])
  await begin(both)
  await sweep(late(120))
  const times = await sql`select recipient, next_try_at from outbox where kind = 'notification' order by 1, 2`
  assert.is(times.length, 4)
  for (const at of [0, 2])
    assert.is(times[at + 1]!.next_try_at.getTime() - times[at]!.next_try_at.getTime(), 2 * MINUTE, times[at]!.recipient)
})

test('quiet hours and working hours: the notice waits, and says what will be true then', async () => {
  await begin('{key: soon, metric: first_response, percent: 50, then: {notify: team}}', (text) =>
    text
      .replace('name: Ada, admin: true}', 'name: Ada, admin: true, zone: Europe/Berlin, quiet: ["11:00-12:00"]}')
      .replace('name: Bo}', 'name: Bo, zone: America/New_York, calendar: new-york}'),
  )
  await sweep(late(120)) // 11:30 in Berlin, 05:30 in New York
  const found =
    await sql`select recipient, not_before, subject from outbox where kind = 'notification' order by recipient`
  assert.equal(
    [...found].map((one) => [one.recipient, one.not_before.toISOString()]),
    [
      ['ada@desk.example', '2026-11-23T11:00:00.000Z'],
      ['bo@desk.example', '2026-11-23T14:00:00.000Z'],
    ],
  )
  assert.match(found[0]!.subject, 'left')
  assert.match(found[0]!.subject, '1 hour 30 minutes left')
  const agent = { calendar: null, quiet: ['22:00-24:00'.replace('24:00', '06:00')] }
  const at = (text: string) => awakeAt(desk.tools().desk, agent, 'Europe/Berlin', new Date(text)).toISOString()
  assert.is(at('2026-11-23T22:30:00Z'), '2026-11-24T05:00:00.000Z', 'over midnight')
  assert.is(at('2026-11-24T05:00:00Z'), '2026-11-24T05:00:00.000Z')
})

test('whatever happens, swept in time or not, the replay says the same', async () => {
  for (let round = 0; round < 6; round++) {
    const random = startRandom(700 + round)
    const id = await begin(
      `${ESCALATE}, {key: hurry, metric: resolution, percent: 15, then: {tag: hurry}}, {key: part, metric: ola, left: 10m, then: [{priority: urgent}, {team: support}]}, {key: late, percent: 100, every: 1h, then: [{status: open, notify: team}]}`,
    )
    const actor = { kind: 'system' as const, id: null, name: 'test' }
    let now = min(1)
    for (let step = 0; step < 25; step++) {
      now = after(now, random.below(90 * 60) * SECOND)
      if (random.chance(0.4)) await sweep(now)
      const status = random.pick(['open', 'on_hold', 'waiting_customer', 'resolved'] as const)
      const priority = random.pick(['low', 'normal', 'high', 'urgent'] as const)
      await transaction<unknown>(sql, (tx) =>
        random.chance(0.5)
          ? setStatus(tx, { ticketId: id, status, actor }, now)
          : prioritise(tx, { ticketId: id, priority, actor, tools: desk.tools() }, now),
      )
      if (random.chance(0.3)) await replayed(id, now)
    }
    await sweep(after(now, MINUTE))
    await replayed(id, after(now, MINUTE))
    assert.is((await sql`select 1 from sla_fired where acted_at is null`).length, 0)
  }
})

test('K9, E2: random days of people, swept after each step, never, or by chance: the same record', async () => {
  const reminders = `${ESCALATE}, {key: hurry, metric: resolution, percent: 15, then: {tag: hurry}}, {key: part, metric: ola, left: 10m, then: [{priority: urgent}, {team: support}]}, {key: late, percent: 100, every: 1h, then: [{status: open}]}`
  let escalated = 0
  for (let seed = 900; seed < 906; seed++) {
    const record = async (sweeps: 'always' | 'never' | 'by chance') => {
      const [random, chance] = [startRandom(seed), startRandom(seed + 5000)]
      const id = await begin(reminders)
      let now = min(1)
      for (let step = 0; step < 18; step++) {
        now = after(now, (1 + random.below(120 * 60)) * SECOND)
        const status = random.pick(['open', 'on_hold', 'waiting_customer', 'resolved'] as const)
        const priority = random.pick(['low', 'normal', 'high', 'urgent'] as const)
        const roll = random.below(4)
        await transaction(sql, async (tx) => {
          const tools = desk.tools()
          await catchUp(tx, { ticketId: id, tools, url }, now)
          if (roll < 2) await setStatus(tx, { ticketId: id, status, actor: person }, now)
          else if (roll < 3) await prioritise(tx, { ticketId: id, priority, actor: person, tools }, now)
          else await assign(tx, { ticketId: id, agentId: null, actor: person }, now)
        })
        if (sweeps === 'always' || (sweeps === 'by chance' && chance.chance(0.4))) await sweep(after(now, SECOND))
      }
      const end = after(now, 40 * 60 * MINUTE)
      await sweep(end)
      await replayed(id, end)
      const { priority, team, assignee, tags, policy_source, next_due_at, ola_due_at } = await ticket(id)
      escalated += (await events(id)).filter((one) => one.type === 'reminder').length
      return {
        story: (await events(id)).map(({ type, minute, actor }) => `${minute} ${actor} ${type}`),
        clocks: await listClocks(sql, id, end),
        breaches: await listBreaches(sql, id),
        ticket: { priority, team, assignee, tags, policy_source, next_due_at, ola_due_at },
      }
    }
    const often = await record('always')
    assert.equal(await record('never'), often, `seed ${seed}`)
    assert.equal(await record('by chance'), often, `seed ${seed}`)
  }
  assert.ok(escalated > 30, `${escalated} escalations`)
})

test('E4: notices older than a day are dropped and counted; what else the reminder does is done', async () => {
  const id = await begin('{key: soon, metric: first_response, percent: 50, then: {notify: team, priority: high}}')
  const now = after(late(120), 2 * DAY)
  const swept = await sweep(now)
  assert.equal([swept.reminders, swept.notices, swept.dropped], [1, 0, 1])
  assert.equal([(await ticket(id)).priority, (await mails()).length], ['high', 0])
  assert.is((await listBreaches(sql, id)).length > 0, true, 'breaches are recorded anyway')
  assert.is(await countDropped(sql, after(now, -DAY)), 1)
  const { digests } = await queueDigests(sql, { tools: desk.tools(), url }, after(now, MINUTE))
  assert.is(digests, 1)
  assert.match(
    (await sql`select text from outbox where kind = 'notice'`)[0]!.text,
    'too late to be sent, since yesterday: 1',
  )
  await replayed(id, now)
})

test('a reminder that is reached as soon as the clock starts fires at that second', async () => {
  const id = await begin('{key: all, metric: first_response, left: 10h, then: {notify: lead, note: Look.}}')
  await sweep(late(0))
  assert.is((await mails()).length, 2)
  await replayed(id, late(1))
})

test('a colleague who left stops no reminder: the admins hear of it', async () => {
  const id = await begin(
    '{key: soon, metric: first_response, percent: 50, then: [{assignee: bo@desk.example}, {notify: assignee}]}',
  )
  await sql`update agents set disabled_at = now() where address = 'bo@desk.example'`
  await sweep(late(120))
  assert.equal([(await ticket(id)).assignee, (await mails()).length > 0], [null, true])
  assert.is((await sql`select subject from notices where kind = 'reminder_failed'`)[0]!.subject, 'gold/soon')
  await replayed(id, late(121))
})

test('the job of the daemon does all of it', async () => {
  const id = await begin(ESCALATE)
  const job = JOBS.find((one) => one.name === 'sla_due')!
  const house = { tools: desk.tools, url, secret: Buffer.alloc(32) }
  assert.equal(await job.run(sql, late(120), house), { settled: 1, reminders: 1, notices: 1, dropped_notices: 0 })
  assert.equal(await job.run(sql, late(120), house), { settled: 0, reminders: 0, notices: 0, dropped_notices: 0 })
  assert.is((await mails())[0]!.ticket_id, id)
})

test('the desk file: what a reminder says wrong is refused with its line', async () => {
  const faults = (reminder: string) => parseDesk(deskWith(reminder), 'desk.yml').problems.map(showProblem).join('\n')
  assert.is(faults('{key: a, percent: 100, every: 4h, then: [{notify: [team, x@y.example]}, {status: open}]}'), '')
  for (const [reminder, words] of [
    ['{key: a, percent: 50, then: {assignee: nobody@desk.example}}', '"nobody@desk.example" is no agent'],
    ['{key: a, percent: 50, then: {team: nigth}}', '"nigth" is no team'],
    ['{key: a, percent: 50, then: {notify: everybody}}', 'notify'],
    ['{key: a, percent: 50, then: {notify: support@desk.example}}', 'would notify itself'],
    ['{key: a, percent: 50, then: {status: new}}', 'status'],
    ['{key: a, percent: 50, then: {ack: none}}', 'ack'],
    ['{key: a, percent: 50, every: 4h}', 'percent: 100 with every'],
    ['{key: a, percent: 100, every: 1m}', 'at least 15m'],
    ['{key: a, percent: 100, left: 1m}', 'either percent: 75'],
    ['{key: a, percent: 50, then: [{}]}', 'empty'],
  ] as const)
    assert.match(faults(reminder), words, reminder)
  assert.match(faults('{key: a, percent: 50, then: {team: nigth}}'), /^desk\.yml:\d+:\d+/)
})

test.run()

/** SLA D4, FEATURES 3.10: customers hear of promised dates that agents move, where the policy says so, once and safely. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Tx, transaction } from '../../src/database.ts'
import { movedDates, tellMovedDates } from '../../src/engine/moved-dates.ts'
import { raiseNotice } from '../../src/engine/notices.ts'
import { replayTicket } from '../../src/engine/sla/replay.ts'
import { openFor } from '../../src/engine/tickets/open-for.ts'
import { pinPolicy } from '../../src/engine/tickets/policy.ts'
import { changeRequester } from '../../src/engine/tickets/requester.ts'
import { observed, takeBack } from '../../src/engine/tickets/take-back.ts'
import { markSpam, prioritise, reply, setStatus } from '../../src/engine/tickets.ts'
import { after, DAY, HOUR, MINUTE, SECOND } from '../../src/time.ts'
import { deedText } from '../../src/web/ticket/deeds.ts'
import { demoDesk, MONDAY, mail, startDesk } from '../desk.ts'

const telling = (gold: string) => demoDesk.replace('  - key: gold\n', `  - key: gold\n    tell_changes: ${gold}\n`)
const desk = await startDesk({ desk: telling('always') })
const { sql } = desk
test.after(() => desk.stop())
test.before.each(() => desk.reset())

const agent = () => {
  const { id, name, address } = desk.tools().desk.agents.get('ada@desk.example')!
  return { id, name, address }
}
const actor = () => ({ kind: 'agent' as const, id: agent().id, name: agent().name })
const work = <T>(what: (tx: Tx) => Promise<T>) => transaction(sql, what)
const later = (ms: number) => after(MONDAY, ms)
const opened = async (from = 'Eva Beispiel <eva@acme.example>') => (await desk.deliver(mail({ from }))).ticket_id!
const set = (ticketId: number, priority: string, now: Date, who: Parameters<typeof prioritise>[1]['actor'] = actor()) =>
  work((tx) =>
    observed(tx, ticketId, () => prioritise(tx, { ticketId, priority, actor: who, tools: desk.tools() }, now)),
  )

/** All that is due to be told at a time; how many mails there were. */
async function tell(now: Date): Promise<number> {
  let told = 0
  for (let found = true; found; ) {
    const one = await work((tx) => tellMovedDates(tx, desk.tools(), now))
    found = one.found
    if (one.told) told++
  }
  return told
}

type Row = {
  recipient: string
  subject: string
  text: string
  html: string
  headers: [string, unknown][]
  kind: string
}
const mails = async () =>
  await sql<
    Row[]
  >`select recipient, subject, text, html, headers, kind from outbox where kind = 'notification' order by id`
const events = async (ticketId: number) =>
  [...(await sql`
    select type, data, why from events where ticket_id = ${ticketId} and type like 'dates_%' order by seq`)].map((row) => ({ ...row })) // biome-ignore format: a query

test('the new dates, the old ones and how they came, in the reader’s language and zone, when it stays', async () => {
  const id = await opened()
  await set(id, 'low', later(HOUR))
  assert.is(await tell(later(HOUR + 59 * SECOND)), 0, 'it may still be taken back')
  assert.is(await tell(later(HOUR + MINUTE)), 1)
  assert.is(await tell(later(2 * HOUR)), 0, 'once')
  const [sent, ...others] = await mails()
  assert.is(others.length, 0)
  assert.is(sent!.recipient, 'eva@acme.example')
  assert.is(sent!.subject, 'Re: The printer is on fire')
  assert.match(sent!.text, 'Guten Tag Eva Beispiel,')
  assert.match(sent!.text, 'Eine erste Antwort erhalten Sie bis Dienstag, 24. November 2026 um 09:30 MEZ (UTC+01:00)')
  assert.match(sent!.text, '8 Arbeitsstunden, Mo-Fr 9-17, Berlin: Mo 9:30→17:00, Di 9:00→9:30')
  assert.match(sent!.text, 'Genannt hatten wir Ihnen zuvor: Montag, 23. November 2026 um 13:30 MEZ (UTC+01:00).')
  assert.match(sent!.text, 'Montag, 30. November 2026 um 09:30')
  assert.not.match(sent!.text + sent!.html + JSON.stringify(sent!.headers), /Ada|ada@/)
  const header = (name: string) => JSON.stringify(sent!.headers.find(([one]) => one === name)?.[1])
  assert.match(header('Auto-Submitted'), 'auto')
  assert.match(header('Reply-To'), /support\+/)
  const data = {
    first_response: { from: '2026-11-23T12:30:00.000Z', to: '2026-11-24T08:30:00.000Z' },
    resolution: { from: '2026-11-26T08:30:00.000Z', to: '2026-11-30T08:30:00.000Z' },
  }
  const [event] = await events(id)
  assert.is(event!.type, 'dates_told')
  assert.equal(event!.data.first_response, data.first_response)
  assert.is(event!.data.resolution.from, data.resolution.from)
  assert.is(
    deedText(event!.type, event!.data, new Map()),
    'told the customer of other dates: Solution 2026-11-30 08:30 UTC, before 2026-11-26 08:30 UTC; ' +
      'First answer 2026-11-24 08:30 UTC, before 2026-11-23 12:30 UTC',
  )
  const { identical } = await work((tx) => replayTicket(tx, id, later(DAY)))
  assert.ok(identical)
})

test('nothing in it that an unverified sender chose (MAIL 4a.25)', async () => {
  const id = await opened('Buy now <eva@acme.example>')
  await sql`update contacts set verified_at = null, answered_at = null`
  await set(id, 'low', later(HOUR))
  assert.is(await tell(later(2 * HOUR)), 1)
  const [sent] = await mails()
  assert.is(sent!.subject, `Andere Termine für Ihre Anfrage [#${id}]`)
  assert.not.match(sent!.text + sent!.html, /Buy now|printer/)
})

test('what is taken back is not told; of several changes the last, once; later ones say what was told last', async () => {
  const id = await opened()
  const changed = JSON.parse(JSON.stringify(await set(id, 'low', later(HOUR))))
  await work((tx) =>
    takeBack(tx, { ticketId: id, changed, actor: actor(), tools: desk.tools() }, later(HOUR + 50 * SECOND)),
  )
  assert.is(await tell(later(HOUR + 70 * SECOND)), 0)
  assert.is(await tell(later(2 * HOUR)), 0)
  for (const [n, priority] of ['urgent', 'low', 'high', 'low'].entries())
    await set(id, priority, later(2 * HOUR + n * 40 * SECOND))
  assert.is(await tell(later(2 * HOUR + 150 * SECOND)), 0)
  assert.is(await tell(later(2 * HOUR + 180 * SECOND)), 1)
  const [first] = await events(id)
  assert.is(first!.data.first_response.to, '2026-11-24T08:30:00.000Z')
  await set(id, 'normal', later(3 * HOUR))
  assert.is(await tell(later(3 * HOUR + MINUTE)), 1)
  const again = (await events(id))[1]!
  assert.equal(again.data.first_response, { from: '2026-11-24T08:30:00.000Z', to: '2026-11-23T12:30:00.000Z' })
})

test('another policy, and the calendar that comes with it; in "later" only what is later, with all that moved', async () => {
  const id = await opened()
  await desk.change(
    telling('later').replace('  - key: silver\n', '  - key: silver\n    tell_changes: later\n    calendar: new-york\n'),
  )
  const pin = (policy: string | null, now: Date) =>
    work((tx) => pinPolicy(tx, { ticketId: id, policy, reason: 'agreed', actor: actor(), tools: desk.tools() }, now))
  await set(id, 'urgent', later(MINUTE))
  assert.is(await tell(later(DAY)), 0, 'earlier is told by no policy that tells of later')
  await set(id, 'normal', later(DAY))
  await pin('silver', later(DAY))
  assert.is(await tell(later(DAY + MINUTE)), 1)
  assert.match((await mails())[0]!.text, /New York|New_York/)
  await pin(null, later(2 * DAY))
  assert.is(await tell(later(3 * DAY)), 0, 'a promise that is taken away has no other date')
})

test('only who knows a date hears of another: an acknowledgement reached them, and the ticket is not done', async () => {
  const silver = await opened('Noor <noor@borealis.example>')
  await set(silver, 'low', later(HOUR))
  const byPhone = await work((tx) =>
    openFor(
      tx,
      {
        subject: 'By phone',
        requester: { address: 'max@acme.example', name: 'Max' },
        text: 'It rang.',
        note: '',
        project: null,
        inbox: desk.tools().desk.inboxes[0]!,
        agent: agent(),
        channel: 'web',
        files: [],
        tools: desk.tools(),
      },
      MONDAY,
    ),
  )
  await set(byPhone.ticketId, 'low', later(HOUR))
  const raised = await opened()
  await set(raised, 'urgent', later(HOUR), { kind: 'system', id: null, name: 'sla' })
  const done = await opened('Uwe <uwe@acme.example>')
  await set(done, 'low', later(HOUR))
  await work((tx) => setStatus(tx, { ticketId: done, status: 'resolved', actor: actor() }, later(HOUR)))
  const spam = await opened('Ugo <ugo@acme.example>')
  await set(spam, 'low', later(HOUR))
  await work((tx) => markSpam(tx, { ticketId: spam, actor: actor() }, later(HOUR)))
  const another = await opened('Ina <ina@acme.example>')
  await set(another, 'low', later(HOUR))
  const toMax = { ticketId: another, address: 'max@acme.example', actor: actor(), tools: desk.tools() }
  await work((tx) => changeRequester(tx, toMax, later(HOUR)))
  const bounced = await opened('Ode <ode@acme.example>')
  await sql`update outbox set state = 'failed', settled_at = ${MONDAY} where ticket_id = ${bounced}`
  await set(bounced, 'low', later(HOUR))
  const quiet = await opened('Robo <robo@acme.example>')
  const notice = { kind: 'autoresponder', subject: 'robo@acme.example', words: 'It answers by itself.' }
  await raiseNotice(sql, notice, MONDAY)
  await set(quiet, 'low', later(HOUR))
  assert.is(await tell(later(HOUR + 2 * MINUTE)), 0)
  assert.is((await sql`select from moved_dates`).length, 0)
  assert.is((await mails()).length, 0)
})

test('an answer that leaves with the change ends its promise; what waits for the customer has no date', async () => {
  const id = await opened()
  const now = later(HOUR)
  const tools = desk.tools()
  await set(id, 'low', now)
  await work((tx) => reply(tx, { ticketId: id, agent: agent(), text: 'Have you tried?', channel: 'web', tools }, now))
  assert.is(await tell(later(HOUR + MINUTE)), 0)
  assert.equal(await events(id), [])
})

test('budgets of automatic mail hold, and what they hold back stands in the history', async () => {
  const id = await opened()
  await sql`insert into mail_budgets (scope, period, count) values ('address/eva@acme.example', ${later(HOUR)}, 50)`
  await set(id, 'low', later(HOUR))
  assert.is(await tell(later(HOUR + MINUTE)), 0)
  const [event] = await events(id)
  assert.is(event!.type, 'dates_not_told')
  assert.match(event!.why, /automatic mails within the last/)
  assert.is((await mails()).length, 0)
})

test('two daemons tell once', async () => {
  const ids = [await opened(), await opened('Max <max@acme.example>')]
  for (const id of ids) await set(id, 'low', later(HOUR))
  const told = await Promise.all([tell(later(2 * HOUR)), tell(later(2 * HOUR)), tell(later(2 * HOUR))])
  assert.is(
    told.reduce((sum, one) => sum + one, 0),
    2,
  )
  assert.equal((await mails()).map((one) => one.recipient).sort(), ['eva@acme.example', 'max@acme.example'])
})

test('dates are compared as they are shown, and what passes is not told', () => {
  const was = { resolution: { target_s: 60, calendar_id: 1 } }
  const known = { resolution: later(HOUR) }
  const clock = { metric: 'resolution', target_s: 120, calendar_id: 1 } as const
  const moved = (due_at: Date | null, tells: 'later' | 'always' = 'always', target_s = 120) =>
    movedDates({ was, clocks: [{ ...clock, target_s, due_at }], known, tells }, MONDAY).length
  assert.is(moved(later(2 * HOUR)), 1)
  assert.is(moved(later(2 * HOUR), 'always', 60), 0, 'a pause moved it')
  assert.is(moved(later(HOUR - 10 * SECOND)), 0)
  assert.is(moved(later(HOUR - 2 * MINUTE)), 1)
  assert.is(moved(later(HOUR - 2 * MINUTE), 'later'), 0)
  assert.is(moved(later(-MINUTE)), 0)
  assert.is(moved(null), 0)
})

test.run()

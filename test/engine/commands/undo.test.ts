/** What each command does, and that `#undo` leaves the ticket as it was (COMMANDS E3, E6 15). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addWorkingTime } from '../../../src/engine/business-hours.ts'
import { SPECS } from '../../../src/engine/commands/names.ts'
import { writeReceipt } from '../../../src/engine/commands/receipts.ts'
import { listClocks } from '../../../src/engine/sla/read.ts'
import { replayTicket } from '../../../src/engine/sla/replay.ts'
import { after, MINUTE } from '../../../src/time.ts'
import { MONDAY } from '../../desk.ts'
import { commandGround } from './ground.ts'

const ground = await commandGround()
const { sql, within, tools, bo, run } = ground
test.after(ground.close)
/** Of the tickets here, as of the policy that they are promised. */
const calendar = tools.desk.calendars.get('berlin')!.calendar

/** All that a command may have changed, but for the story and the clocks, which have a test of their own below. */
async function state(ticketId: number) {
  const [ticket] =
    await sql`select to_jsonb(t) - '{updated_at,answered_at,next_due_at,ola_due_at,first_response_at,clocks_ended_at}'::text[] as row from tickets t where id = ${ticketId}`
  const rows = await Promise.all([
    sql`select address, role, name from ticket_participants where ticket_id = ${ticketId} order by address`,
    sql`select other_id, kind from ticket_links where ticket_id = ${ticketId} order by other_id, kind`,
    sql`select status, raw_s, note from time_entries where ticket_id = ${ticketId} order by id`,
    sql`select agent_id, ticket_id, project_id from agent_followers order by 1, 2, 3`,
    sql`select pattern from blocked_senders order by 1`,
    sql`select address from contact_addresses where address like 'zed@%'`,
    sql`select recipient from outbox where ticket_id = ${ticketId} and kind = 'reply'
      and state not in ('cancelled', 'suppressed') order by id`,
  ])
  return { ticket: ticket!.row, rows: rows.map((list) => [...list]) }
}

/** Runs a block, keeps its receipt, and says its number. */
async function done(words: string, ticketId: number | null, now = MONDAY) {
  const { ran } = await run(words, ticketId, { now })
  const { receiptId } = await within((tx) =>
    writeReceipt(
      tx,
      {
        outcome: 'done',
        who: { kind: 'agent', agent: bo },
        ticketId,
        inbox: tools.desk.inboxes[0]!,
        locale: 'en',
        zone: 'Europe/Berlin',
        channel: 'mail',
        mail: { id: null, messageId: null, references: [], text: words },
        commands: 'some',
        ran,
        problems: [],
        answers: { purpose: 'a', shown: 1 },
      },
      tools,
      now,
    ),
  )
  return { receiptId, ran }
}

const EXAMPLES: Record<string, string | ((other: number) => string)> = {
  close: '#close quiet done by phone',
  open: '#open',
  wait: '#wait customer until:fri 17:00',
  hold: '#hold until:+3d',
  status: '#status on_hold',
  assign: '#assign ada',
  take: '#take',
  drop: '#drop',
  project: '#project triage',
  team: '#team night',
  priority: '#prio urgent',
  type: '#type incident',
  product: '#product none',
  field: '#field',
  tag: '#tag +vpn =new',
  sla: '#sla gold "it is for their boss"',
  due: '#due fri',
  snooze: '#snooze tomorrow',
  cc: '#cc +ivo@acme.example',
  customer: '#customer ivo@acme.example "Ivo"',
  contact: '#contact zed@new.example "Zed"',
  follow: '#follow',
  spam: '#spam',
  block: '#block domain:evil.example',
  time: '#time 1h30m billable done:60% "migrated db"',
  start: '#start',
  dup: (other) => `#dup ${other}`,
  link: (other) => `#link blocks ${other}`,
  macro: '#macro restarted host:db1',
}

const undoable = SPECS.filter((spec) => spec.reversal === 'undo')

test('every command that is undone has an example here', () => {
  assert.equal(Object.keys(EXAMPLES).sort(), undoable.map((spec) => spec.name).sort())
})

/** What a command's example is, and what comes before it. */
async function prepared(name: string, ticket: number, other: number): Promise<string> {
  if (name === 'open') await run('#close quiet', ticket)
  if (name === 'drop') await run('#take', ticket)
  if (name === 'product') return `#product ${[...tools.desk.products.keys()][0]!}`
  if (name === 'field') {
    const one = [...tools.desk.fields.values()][0]!
    return `#field ${one.key}:${one.values?.[0] ?? 'value'}`
  }
  const example = EXAMPLES[name]!
  return typeof example === 'string' ? example : example(other)
}

for (const { name } of undoable) {
  test(`#${name}: do, then undo, and all is as it was`, async () => {
    const [ticket, other] = [await ground.ticket(), await ground.ticket()]
    const words = await prepared(name, ticket, other)
    const before = await state(ticket)
    const { receiptId, ran } = await done(words, ticket)
    assert.ok(
      ran.some((one) => one.inverse !== null),
      `${words}: ${ran.map((one) => one.key)}`,
    )
    assert.not.equal(await state(ticket), before, `${words} changes something`)
    const undone = await run(`#undo ${receiptId}`, ticket)
    assert.is(undone.ran[0]!.key, 'undone_receipt')
    assert.equal(await state(ticket), before, words)
    await assert_refuses(`#undo ${receiptId}`, ticket, /taken back before/)
  })
}

/**
 * The ledger of clocks is only ever added to, so taking something back does not unwind it (SLA K10). What holds after it,
 * measured against a twin to which nothing happened: policy, calendar and target are the twin's; a clock runs, stands or
 * is stopped as the twin's does, and what it runs to is its target counted from then on (K5); it has counted what the
 * twin's has, but for the time in which it stood still or, here, was without a target; and the rows are what the events
 * replay to (Q7).
 */
const STOOD: Record<string, string[]> = {
  wait: ['resolution', 'ola'],
  hold: ['resolution', 'ola'],
  status: ['resolution', 'ola'],
  close: ['resolution', 'ola'],
  macro: ['resolution', 'ola'], // it closes
  // the team's part has no target under this priority, and with another team
  priority: ['ola'],
  team: ['ola'],
}

/** Clocks that no undo brings back: a first response is given once, and nothing changes after a mark as spam (K17). */
const ENDED: Record<string, [kind: string, state: string]> = {
  close: ['first_response', 'stopped'],
  macro: ['first_response', 'stopped'],
  spam: ['', 'cancelled'],
}

const DID = after(MONDAY, 30 * MINUTE)
const BACK = after(MONDAY, 120 * MINUTE)
const GAP = 90 * 60

async function clocksOf(ticketId: number, now: Date) {
  const shown = await listClocks(sql, ticketId, now)
  return new Map(shown.map((clock) => [`${clock.kind}/${clock.team ?? ''}/${clock.cycle}`, clock]))
}

const promised = async (ticketId: number) =>
  (await sql`select policy_id, policy_source, calendar_id, team_calendar_id from tickets where id = ${ticketId}`)[0]

for (const { name } of undoable)
  test(`#${name}: do, then undo, and its clocks run on as if it had not been, but for what stood still`, async () => {
    const [ticket, twin, other] = [await ground.ticket(), await ground.ticket(), await ground.ticket()]
    const words = await prepared(name, ticket, other)
    await prepared(name, twin, other)
    const { receiptId } = await done(words, ticket, DID)
    await run(`#undo ${receiptId}`, ticket, { now: BACK })
    assert.equal(await promised(ticket), await promised(twin))
    const [clocks, then, twins] = [await clocksOf(ticket, BACK), await clocksOf(twin, DID), await clocksOf(twin, BACK)]
    assert.ok(twins.size >= 3, 'there are clocks to look at')
    for (const [key, own] of clocks) if (!twins.has(key)) assert.ok(['stopped', 'cancelled'].includes(own.state), key)
    for (const [key, as] of twins) {
      const own = clocks.get(key)!
      const [kind, state] = ENDED[name] ?? []
      assert.is(own.target_s, as.target_s, key)
      if (state !== undefined && (kind === '' || kind === as.kind)) {
        assert.is(own.state, state, key)
        continue
      }
      assert.is(own.state, as.state, key)
      const stood = STOOD[name]?.includes(as.kind) ?? false
      const ran = name === 'open' && as.kind !== 'first_response' ? GAP : 0
      assert.is(own.elapsed_s, stood ? then.get(key)!.elapsed_s : as.elapsed_s + ran, key)
      if (!stood && ran === 0) assert.is(own.due_at, as.due_at, key)
      const left = own.target_s - own.elapsed_s
      const due = addWorkingTime(calendar, BACK.getTime() / 1000, left)!
      assert.is(own.due_at, as.due_at && new Date(due * 1000).toISOString().replace('.000Z', 'Z'), key)
    }
    const replay = await within((tx) => replayTicket(tx, ticket, BACK))
    assert.equal(replay.differences, [])
  })

test('what comes after a mark as spam was taken back moves no clock, and the events say the same (K17)', async () => {
  const ticket = await ground.ticket()
  const { receiptId } = await done('#spam', ticket, DID)
  await run(`#undo ${receiptId}`, ticket, { now: BACK })
  const before = await clocksOf(ticket, BACK)
  const later = after(BACK, 60 * MINUTE)
  await run('#prio high\n#status waiting_customer', ticket, { now: BACK })
  await run('#open', ticket, { now: later })
  assert.equal([...(await clocksOf(ticket, BACK)).values()], [...before.values()])
  assert.equal((await within((tx) => replayTicket(tx, ticket, later))).differences, [])
})

test('a move that left the team as it was is taken back with its team', async () => {
  const ticket = await ground.ticket()
  const [was] = await sql`select team_id from tickets where id = ${ticket}`
  const { receiptId } = await done('#project triage', ticket, DID)
  assert.is((await sql`select team_id from tickets where id = ${ticket}`)[0]!.team_id, was!.team_id)
  await run(`#undo ${receiptId}`, ticket, { now: BACK })
  const [told] =
    await sql`select data from events where ticket_id = ${ticket} and type = 'move' order by seq desc limit 1`
  assert.is(told!.data.team, was!.team_id)
})

async function assert_refuses(words: string, ticket: number | null, says: RegExp) {
  try {
    await run(words, ticket)
  } catch (error) {
    assert.match((error as Error).message, says)
    return
  }
  assert.unreachable(`${words} was done`)
}

test('a block is undone as a whole, last first; without a number the newest of the ticket', async () => {
  const ticket = await ground.ticket()
  const before = await state(ticket)
  await done('#take\n#prio high\n#tag +a -b\n#cc +ivo@acme.example\n#close quiet', ticket)
  await done('#status', ticket)
  await run('#undo', ticket)
  assert.equal(await state(ticket), before)
})

test('the priority that it has assesses a ticket, once, and is taken back like another (FEATURES 3.11)', async () => {
  const ticket = await ground.ticket()
  const before = await state(ticket)
  assert.is(before.ticket.assessed_at, null)
  const { receiptId } = await done('#prio normal', ticket)
  assert.ok((await state(ticket)).ticket.assessed_at)
  const again = await done('#prio normal', ticket)
  assert.is(again.ran[0]!.inverse, null)
  await run(`#undo ${receiptId}`, ticket)
  assert.equal(await state(ticket), before)
})

test('an answer that waits is recalled, with all that the block did; its text stays', async () => {
  const ticket = await ground.ticket()
  const before = await state(ticket)
  await done('#close\n\nRestarted the VPN, please retry.', ticket)
  assert.is(
    (await sql`select from outbox where ticket_id = ${ticket} and state = 'queued' and kind = 'reply'`).length,
    1,
  )
  const { ran } = await run('#undo', ticket, { now: after(MONDAY, 30_000) })
  assert.equal((await state(ticket)).rows, before.rows)
  assert.is((await state(ticket)).ticket.status, before.ticket.status)
  const [row] = await sql`select text from comments where ticket_id = ${ticket} order by id desc limit 1`
  assert.is(row!.text, 'Restarted the VPN, please retry.')
  assert.match(ran[0]!.lines!.join(), /is not sent/)
})

test('an answer that has left stays said: the rest is undone, and the receipt says to correct it', async () => {
  const ticket = await ground.ticket()
  await done('#prio urgent\n\nRestarted the VPN.', ticket)
  await sql`update outbox set state = 'sent', settled_at = ${MONDAY} where ticket_id = ${ticket}`
  const { ran } = await run('#undo', ticket, { now: after(MONDAY, 5 * MINUTE) })
  assert.match(ran[0]!.lines!.join('\n'), /had left already: write a correction/)
  const [row] = await sql`select status, priority from tickets where id = ${ticket}`
  assert.equal({ ...row }, { status: 'waiting_customer', priority: 'normal' })
})

test('what the timer left is corrected by its number, and that is taken back too', async () => {
  const ticket = await ground.ticket()
  await run('#start', ticket)
  const later = after(MONDAY, 60 * MINUTE)
  const { ran } = await run('#stop', ticket, { now: later })
  const before = await state(ticket)
  const { receiptId } = await done(`#time 45m free entry:${ran[0]!.data.entry} "call"`, ticket, later)
  const [entry] = await sql`select raw_s, billable, note from time_entries where ticket_id = ${ticket}`
  assert.equal({ ...entry }, { raw_s: 2700, billable: false, note: 'call' })
  await run(`#undo ${receiptId}`, ticket, { now: later })
  assert.equal(await state(ticket), before)
  const ada = { who: { kind: 'agent', agent: ground.ada } as const }
  try {
    await run(`#time 5m entry:${ran[0]!.data.entry}`, ticket, ada)
    assert.unreachable('a colleague changed it')
  } catch (error) {
    assert.match((error as Error).message, /You have no time entry/)
  }
})

test('a question to an outsider is recalled', async () => {
  const ticket = await ground.ticket()
  await done('#ask noc@isp.example "Is line 7 down?"', ticket)
  await run('#undo', ticket)
  const [row] = await sql`select state from outbox where recipient = 'noc@isp.example' order by id desc limit 1`
  assert.is(row!.state, 'cancelled')
})

test('what somebody changed since is not overwritten', async () => {
  const ticket = await ground.ticket()
  await done('#prio urgent\n#type incident', ticket)
  await run('#prio low', ticket)
  await assert_refuses('#undo 1', ticket, /no receipt 1|changed since|taken back/)
  const [newest] = await sql`select id from receipts where ticket_id = ${ticket} order by id desc limit 1`
  await assert_refuses(`#undo ${newest!.id}`, ticket, /changed since/)
  const [row] = await sql`select priority, type from tickets where id = ${ticket}`
  assert.equal({ ...row }, { priority: 'low', type: 'incident' }, 'nothing of it was taken back')
})

test('only what one did oneself is taken back', async () => {
  const ticket = await ground.ticket()
  const { receiptId } = await done('#prio urgent', ticket)
  const who = { kind: 'agent', agent: ground.ada } as const
  const actor = { kind: 'agent', id: ground.ada.id, name: ground.ada.name } as const
  try {
    await run(`#undo ${receiptId}`, ticket, { who, actor })
    assert.unreachable('a colleague took it back')
  } catch (error) {
    assert.match((error as Error).message, /You have no receipt/)
  }
})

for (const [name, words] of Object.entries({
  merge: (other: number) => `#merge ${other}`,
  note: () => '#note\nCustomer sounds angry.',
  private: () => '#private\nOnly for you.',
  stop: () => '#stop',
  accept: () => '#accept ivo@acme.example',
}))
  test(`#${name} cannot be taken back: the undo says how to correct it`, async () => {
    const [ticket, other] = [await ground.ticket(), await ground.ticket()]
    if (name === 'stop') await run('#start', ticket)
    if (name === 'accept')
      await sql`
        insert into ticket_participants (ticket_id, address, name, role, added_at)
        values (${ticket}, 'ivo@acme.example', 'Ivo', 'pending', ${MONDAY})`
    const { receiptId, ran } = await done(words(other), ticket)
    assert.ok(ran.every((one) => one.inverse === null))
    const { ran: answer } = await run(`#undo ${receiptId}`, name === 'merge' ? other : ticket)
    assert.is(answer[0]!.key, 'nothing_changed')
    assert.is(answer[0]!.lines!.length, 1)
  })

test.run()

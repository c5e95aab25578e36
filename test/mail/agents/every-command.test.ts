/**
 * Every command of the registry through the real pipeline: mail in, effect, receipt out; and then what the registry says
 * of taking it back: undone by a mail, recalled while it waits, or answered with how to correct it (COMMANDS E3, E4).
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SPECS } from '../../../src/engine/commands/names.ts'
import { mail, startDesk } from '../../desk.ts'
import { ADA, BO, EVA, ground } from './ground.ts'

const example = readFileSync(path.join(import.meta.dirname, '../../../config/desk.example.yml'), 'utf8')
const desk = await startDesk({ desk: example })
const { sql } = desk
const { agent, answer, outgoing, reason, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const receipts = async () => (await outgoing()).filter((one) => one.kind === 'receipt')
const replyTo = (one: { headers: [string, unknown][] }) =>
  (one.headers.find(([name]) => name === 'Reply-To')![1] as { address: string }[])[0]!.address
const column = async (id: number, name: string) =>
  (await sql`select to_jsonb(t) ->> ${name} as value from tickets t where id = ${id}`)[0]!.value
const rows = async (text: string) => (await sql.unsafe(text)).length
const product = () => [...desk.tools().desk.products.keys()][0]!
const field = () => {
  const one = [...desk.tools().desk.fields.values()][0]!
  return { key: one.key, value: one.values?.[0] ?? 'value' }
}

type Case = {
  text: (other: number) => string
  /** Mails before it. */
  first?: (other: number) => string[]
  /** What is to be seen of it; the same look before it, and after it was taken back, gives the other answer. */
  seen: (id: number, other: number) => Promise<unknown>
  is: (id: number, other: number) => unknown
  /** In the receipt. */
  says: RegExp
  /** The ticket whose address the undo goes to, where the first has gone into another. */
  undoAt?: 'other'
}

const CASES: Record<string, Case> = {
  note: { text: () => '#note\nCall first.', seen: (id) => rows(`select from comments where visibility = 'internal' and ticket_id = ${id}`), is: () => 1, says: /internal note/ },
  reply: { text: () => '#reply\nRestarted.', seen: (id) => rows(`select from outbox where kind = 'reply' and state = 'queued' and ticket_id = ${id}`), is: () => 1, says: /answer to eva@acme\.example; it leaves/ },
  private: { text: () => '#private\nBetween us.', seen: (id) => rows(`select from comments where visibility = 'private' and ticket_id = ${id}`), is: () => 1, says: /private note/ },
  close: { text: () => '#close', seen: (id) => column(id, 'status'), is: () => 'resolved', says: /status: resolved/ },
  open: { text: () => '#open', first: () => ['#close'], seen: (id) => column(id, 'status'), is: () => 'open', says: /status: open/ },
  wait: { text: () => '#wait vendor until:+3d', seen: (id) => column(id, 'status'), is: () => 'on_hold', says: /status: on_hold, until/ },
  hold: { text: () => '#hold', seen: (id) => column(id, 'status'), is: () => 'on_hold', says: /status: on_hold/ },
  status: { text: () => '#status waiting_customer', seen: (id) => column(id, 'status'), is: () => 'waiting_customer', says: /status: waiting_customer/ },
  assign: { text: () => '#assign ada', seen: (id) => column(id, 'assignee_id'), is: () => String(agent(ADA).id), says: /assigned to Ada/ },
  take: { text: () => '#take', seen: (id) => column(id, 'assignee_id'), is: () => String(agent(BO).id), says: /assigned to Bo/ },
  drop: { text: () => '#drop', first: () => ['#take'], seen: (id) => column(id, 'assignee_id'), is: () => null, says: /assigned to nobody/ },
  project: { text: () => '#project triage', seen: async (id) => (await sql`select p.key from tickets t join projects p on p.id = t.project_id where t.id = ${id}`)[0]!.key, is: () => 'triage', says: /project: triage/ },
  team: { text: () => '#team night', seen: (id) => column(id, 'team_id'), is: () => String(desk.tools().desk.teams.get('night')!.id), says: /team: night/ },
  priority: { text: () => '#priority urgent', seen: (id) => column(id, 'priority'), is: () => 'urgent', says: /priority: urgent/ },
  type: { text: () => '#type incident', seen: (id) => column(id, 'type'), is: () => 'incident', says: /type: incident/ },
  product: { text: () => `#product ${product()}`, seen: (id) => column(id, 'product'), is: () => product(), says: /product: / },
  field: { text: () => `#field ${field().key}:"${field().value}"`, seen: (id) => column(id, 'fields'), is: () => JSON.stringify({ [field().key]: field().value }).replace(':', ': '), says: /: / },
  tag: { text: () => '#tag +vpn', seen: (id) => column(id, 'tags'), is: () => '["vpn"]', says: /tags: vpn/ },
  sla: { text: () => '#sla gold', seen: (id) => column(id, 'policy_source'), is: () => 'manual', says: /service level: gold/ },
  due: { text: () => '#due fri', seen: async (id) => (await column(id, 'due_at')) !== null, is: () => true, says: /due by hand: Friday/ },
  snooze: { text: () => '#snooze tomorrow', seen: async (id) => (await column(id, 'wake_at')) !== null, is: () => true, says: /comes back Tuesday/ },
  cc: { text: () => '#cc +ivo@acme.example', seen: (id) => rows(`select from ticket_participants where address = 'ivo@acme.example' and ticket_id = ${id}`), is: () => 1, says: /taking part: ivo@acme\.example/ },
  customer: { text: () => '#customer ivo@acme.example', seen: (id) => column(id, 'requester_address'), is: () => 'ivo@acme.example', says: /customer: ivo/ },
  contact: { text: () => '#contact zed@new.example "Zed"', seen: () => rows(`select from contact_addresses where address = 'zed@new.example'`), is: () => 1, says: /contact: zed/ },
  follow: { text: () => '#follow', seen: () => rows('select from agent_followers'), is: () => 1, says: /Bo follows #/ },
  accept: { text: () => '#accept ivo@acme.example', seen: (id) => rows(`select from ticket_participants where role = 'participant' and ticket_id = ${id}`), is: () => 1, says: /ivo@acme\.example takes part now/ },
  spam: { text: () => '#spam', seen: async (id) => (await column(id, 'spam_at')) !== null, is: () => true, says: /marked as spam/ },
  block: { text: () => '#block domain:evil.example', seen: () => rows('select from blocked_senders'), is: () => 1, says: /mail from evil\.example is held/ },
  time: { text: () => '#time 45m "call"', seen: () => rows('select from time_entries where raw_s = 2700'), is: () => 1, says: /45 minutes on 2026-11-23/ },
  start: { text: () => '#start', seen: () => rows(`select from time_entries where status = 'running'`), is: () => 1, says: /the timer runs/ },
  stop: { text: () => '#stop', first: () => ['#start'], seen: () => rows(`select from time_entries where status = 'draft'`), is: () => 1, says: /the timer has stopped/ },
  submit: { text: () => '#submit', first: () => ['#time 1h'], seen: () => rows(`select from time_entries where status = 'submitted'`), is: () => 1, says: /is submitted: 1 hour/ },
  new: { text: () => '#new "Second phone" from:ivo@acme.example\nHe called.', seen: () => rows(`select from tickets where subject = 'Second phone'`), is: () => 1, says: /ticket #\d+, from ivo@acme\.example/ },
  dup: { text: (other) => `#dup ${other}`, seen: (id) => column(id, 'duplicate_of'), is: (_id, other) => String(other), says: /duplicate of #/ },
  merge: { text: (other) => `#merge ${other}`, seen: (id) => column(id, 'merged_into'), is: (_id, other) => String(other), says: /merged into #/, undoAt: 'other' },
  split: { text: () => '#split from:c2 "Second monitor"', first: () => ['#note\nAnd a monitor.'], seen: () => rows(`select from tickets where subject = 'Second monitor'`), is: () => 1, says: /from here on ticket #/ },
  link: { text: (other) => `#link blocks ${other}`, seen: (id) => rows(`select from ticket_links where kind = 'blocks' and ticket_id = ${id}`), is: () => 1, says: /blocks #/ },
  ask: { text: () => '#ask noc@isp.example "Is line 7 down?"', seen: () => rows(`select from outbox where recipient = 'noc@isp.example' and state = 'queued'`), is: () => 1, says: /question to noc@isp\.example/ },
  macro: { text: () => '#macro restarted host:db1', seen: (id) => column(id, 'tags'), is: () => '["restarted"]', says: /macro: Server was restarted/ },
  undo: { text: () => '#undo', first: () => ['#prio low'], seen: (id) => column(id, 'priority'), is: () => 'normal', says: /everything of receipt \d+ is taken back/ },
} // biome-ignore format: a table to be read

const READS: Record<string, RegExp> = {
  macros: /restarted host:: Server was restarted/,
  types: /Types: question, incident/,
  why: /Mail: \d+: |created/,
  history: /created/,
  list: /no tickets|#\d+ /,
  help: /"#close \[quiet\] \[reason\]" \(closed, solve/,
  dry: /Nothing was done or sent/,
}

/** What customers may, with what they are told, in public words. */
const THEIRS: Record<string, { text: string; says: RegExp; seen: (id: number) => Promise<unknown>; is: unknown }> = {
  status: { text: '#status', says: /Status: eingegangen/, seen: (id) => column(id, 'status'), is: 'new' },
  list: { text: '#list', says: /#\d+ The printer is on fire: eingegangen/, seen: (id) => column(id, 'status'), is: 'new' },
  history: { text: '#history', says: /Nachricht von /, seen: (id) => column(id, 'status'), is: 'new' },
  help: { text: '#help', says: /"#rate 1-5 \[text\]"/, seen: (id) => column(id, 'status'), is: 'new' },
  close: { text: '#close', says: /Status: gelöst/, seen: (id) => column(id, 'status'), is: 'resolved' },
  open: { text: '#open', says: /eingegangen/, seen: (id) => column(id, 'status'), is: 'new' },
  cc: { text: '#cc +ivo@acme.example', says: /beteiligt: ivo@acme\.example/, seen: (id) => rows(`select from ticket_participants where role = 'participant' and ticket_id = ${id}`), is: 1 },
  rate: { text: '#rate 4 quick', says: /danke: 4 von 5/, seen: (id) => rows(`select from events where type = 'rated' and ticket_id = ${id}`), is: 1 },
  unsubscribe: { text: '#unsubscribe', says: /Es gibt nichts zu ändern/, seen: (id) => column(id, 'requester_address'), is: EVA },
} // biome-ignore format: a table to be read

test('every command of the registry stands in this file', () => {
  assert.equal(
    [...new Set([...Object.keys(CASES), ...Object.keys(READS), ...Object.keys(THEIRS)])].sort(),
    SPECS.map((spec) => spec.name).sort(),
  )
})

test('what customers may is what the registry says', () => {
  const own = SPECS.filter((spec) => spec.level === 'both' || spec.level === 'customer').map(
    (spec) => spec.name as string,
  )
  assert.equal(Object.keys(THEIRS).sort(), own.sort())
})

for (const [name, given] of Object.entries(THEIRS))
  test(`a customer’s #${name}: mail, effect, and an answer to their stored address alone`, async () => {
    const id = await ticket()
    const to = await ground(desk).address(id, 'c', { person: 0, shown: 0 })
    await desk.deliver(mail({ to, text: given.text }))
    assert.equal(await given.seen(id), given.is)
    const [told, ...more] = await outgoing()
    assert.equal([told?.recipient, more.length], [EVA, 0])
    assert.match(told!.text, given.says)
    assert.not.match(told!.text, /triage|normal|silver|gold/i)
  })

test('who only takes part takes themselves out', async () => {
  const id = await ticket()
  await answer(id, '#cc +ivo@acme.example')
  const to = await ground(desk).address(id, 'c', { person: 0, shown: 0 })
  await desk.deliver(mail({ from: 'Ivo <ivo@acme.example>', to, text: '#unsubscribe' }))
  assert.is(await rows(`select from ticket_participants where ticket_id = ${id}`), 0)
})

for (const spec of SPECS) {
  const given = CASES[spec.name]
  if (given) test(`#${spec.name}: mail, effect, receipt, and ${spec.reversal}`, () => tryCommand(spec, given))
  const reads = READS[spec.name]
  if (reads)
    test(`#${spec.name}: mail and answer, nothing changed`, async () => {
      const id = await ticket()
      const before = JSON.stringify([...(await sql`select * from tickets`)])
      const end = await answer(id, `#${spec.name}`)
      assert.equal([end.state, reason(end)], ['recorded', 'commands'])
      assert.match((await receipts())[0]!.text, reads)
      assert.is(JSON.stringify([...(await sql`select * from tickets`)]), before)
    })
}

async function tryCommand(spec: (typeof SPECS)[number], given: Case) {
  const [id, other] = [await ticket(), await ticket('Another one')]
  if (spec.name === 'accept')
    await sql`
      insert into ticket_participants (ticket_id, address, name, role, added_at)
      values (${id}, 'ivo@acme.example', 'Ivo', 'pending', ${desk.clock.at})`
  for (const text of given.first?.(other) ?? []) await answer(id, text)
  await sql`delete from outbox where kind = 'receipt'`
  const before = await given.seen(id, other)
  assert.not.equal(before, given.is(id, other), 'the look can tell')
  const end = await answer(id, given.text(other))
  if (spec.level === 'strong') await confirm(end.id)
  assert.equal(await given.seen(id, other), given.is(id, other))
  const [receipt] = await receipts()
  assert.ok(receipt, 'a receipt came')
  assert.is(receipt.recipient, BO)
  assert.match(receipt.text, given.says)
  if (spec.name === 'undo') return
  const undo = mail({
    from: `Bo <${BO}>`,
    to: replyTo(receipt),
    text: '#undo',
    headers: { 'In-Reply-To': `<${receipt.message_id}>` },
  })
  await desk.deliver(undo)
  const answered = (await receipts()).at(-1)!
  assert.is.not(answered.message_id, receipt.message_id, 'the undo has its receipt')
  if (spec.reversal === 'correct') {
    assert.equal(await given.seen(id, other), given.is(id, other), 'it stays')
    assert.match(answered.text, /stays|To change the entry|Ask who|taken out again/, 'and says how to correct it')
  } else assert.equal(await given.seen(id, other), before, answered.text)
}

async function confirm(mailId: number) {
  const asked = (await outgoing()).find((one) => /confirm-[a-z2-7]{26}/.test(one.text))!
  await desk.deliver(mail({ from: BO, subject: /confirm-[a-z2-7]{26}/.exec(asked.text)![0], text: 'yes' }))
  assert.is((await desk.ending(mailId)).state, 'recorded')
}

test('what came by mail says so: its comment, its events and its receipt', async () => {
  const id = await ticket()
  await answer(id, '#ask noc@isp.example "Is line 7 down?"\n#sla gold\n#close')
  const [asked] = await sql`select channel from comments where ticket_id = ${id} and author_role = 'agent'`
  assert.is(asked!.channel, 'mail')
  const events = await sql`
    select type, why, data from events where ticket_id = ${id} and type in ('status', 'policy') and actor = 'agent'`
  assert.is(events.find((one) => one.type === 'status' && one.data.to === 'resolved')!.why, 'by mail')
  assert.match(JSON.stringify(events.filter((one) => one.type === 'policy')), /by mail/)
  assert.is((await sql`select channel from receipts where ticket_id = ${id}`)[0]!.channel, 'mail')
})

test('a recalled answer that has left is answered with what to do', async () => {
  const id = await ticket()
  await answer(id, '#reply\nRestarted.')
  const [receipt] = await receipts()
  await sql`update outbox set state = 'sent', settled_at = ${desk.clock.at} where kind = 'reply'`
  const headers = { 'In-Reply-To': `<${receipt!.message_id}>` }
  await desk.deliver(mail({ from: `Bo <${BO}>`, to: replyTo(receipt!), text: '#undo', headers }))
  assert.match((await receipts()).at(-1)!.text, /had left already: write a correction to the customer/)
  assert.is((await outgoing()).find((one) => one.recipient === EVA)!.state, 'sent')
})

test.run()

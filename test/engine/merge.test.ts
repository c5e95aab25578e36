import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { cancelForTicket } from '../../src/engine/outbox.ts'
import { merge } from '../../src/engine/tickets/merge.ts'
import { deleteTicket, markSpam, note, reply } from '../../src/engine/tickets.ts'
import { Refusal } from '../../src/errors.ts'
import { signedAddress } from '../../src/tokens.ts'
import { keys, MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const actor = { kind: 'system' as const, id: null, name: 'test' }
const start = async (options: Parameters<typeof mail>[0], id: string) => {
  const end = await desk.deliver(mail({ ...options, headers: { 'Message-ID': `<${id}>`, ...options.headers } }))
  return end.ticket_id!
}
const join = (ticketId: number, intoId: number) =>
  transaction(sql, (tx) => merge(tx, { ticketId, intoId, actor }, desk.clock.at))
const ticket = async (id: number) => (await sql`select * from tickets where id = ${id}`)[0]!
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing was refused',
    (error) => (error instanceof Refusal ? error.code : String(error)),
  )
const answerTo = (id: string, options: Parameters<typeof mail>[0] = {}) =>
  desk.deliver(mail({ ...options, headers: { 'In-Reply-To': `<${id}>` } }))

test('X52, MAIL 6.13: an answer to the merged ticket is a comment of its target, which ever way it refers', async () => {
  const a = await start({ subject: 'Door' }, 'a@acme.example')
  const b = await start({ subject: 'Door again' }, 'b@acme.example')
  const [ack] = await sql`select message_id from outbox where ticket_id = ${a}`
  assert.equal(await join(a, b), { ticketId: b })
  const inbox = desk.tools().desk.inboxes[0]!.id
  const to = signedAddress(keys, 'support@desk.example', {
    purpose: 'c',
    inbox,
    ticket: a,
    person: 0,
    generation: 0,
    comment: 0,
  })
  const ends = [
    await answerTo('a@acme.example'),
    await answerTo(ack!.message_id),
    await desk.deliver(mail({ to })),
    await desk.deliver(mail({ subject: `Door [#${a}]` })),
  ]
  for (const end of ends) assert.equal([end.state, end.ticket_id], ['commented', b])
  assert.is((await ticket(a)).status, 'closed')
  assert.is((await ticket(a)).merged_into, b)
  assert.is((await sql`select 1 from events where ticket_id = ${a} and type = 'status'`).length, 0)
})

test('MAIL 6.13: words, files, people, ids and waiting answers move; the number stays; both tell of it', async () => {
  const a = await start(
    {
      subject: 'Door',
      headers: { Cc: 'carl@acme.example', 'Content-Type': 'multipart/mixed; boundary=b' },
      text: '--b\nContent-Type: text/plain\n\nsee\n--b\nContent-Type: image/png; name=d.png\nContent-Disposition: attachment\n\nx\n--b--',
    },
    'a@acme.example',
  )
  const b = await start(
    { from: 'Dora <dora@acme.example>', subject: 'Door', headers: { Cc: 'eve@acme.example' } },
    'b@x',
  )
  const bo = desk.tools().desk.agents.get('bo@desk.example')!
  const answer = { ticketId: a, agent: bo, text: 'We come.', channel: 'web' as const, tools: desk.tools() }
  const { commentId } = await transaction(sql, (tx) => reply(tx, answer, MONDAY))
  await join(a, b)
  const [moved] = await sql`
    select (select count(*)::int from comments where ticket_id = ${a}) as left,
      (select count(*)::int from comments where ticket_id = ${b}) as comments,
      (select count(*)::int from attachments where ticket_id = ${b}) as files,
      (select count(*)::int from message_ids where ticket_id = ${a}) as ids,
      (select count(*)::int from outbox where ticket_id = ${a}) as mails`
  assert.equal({ ...moved }, { left: 0, comments: 3, files: 1, ids: 0, mails: 0 })
  const people = await sql`select address, role from ticket_participants where ticket_id = ${b} order by address`
  assert.equal(
    people.map((one) => `${one.address} ${one.role}`),
    ['carl@acme.example participant', 'eva@acme.example participant', 'eve@acme.example participant'],
  )
  assert.is((await ticket(b)).requester_address, 'dora@acme.example')
  const told = await sql`
    select ticket_id, type, data from events where type in ('merged_into', 'merged_from') order by ticket_id`
  assert.equal(
    told.map((one) => [one.ticket_id, one.type, one.data]),
    [
      [a, 'merged_into', { into: b }],
      [b, 'merged_from', { from: a, open_response: { started_at: MONDAY.toISOString(), elapsed_s: 0 } }],
    ],
  )
  const undone = await transaction(sql, (tx) => cancelForTicket(tx, { ticketId: b, commentId }, MONDAY))
  assert.ok(undone > 0, 'the answer can still be taken back')
})

test('MAIL 6.9, 6.13: a merge lets no more than twenty take part; the requester is among them', async () => {
  const many = (from: number) => Array.from({ length: 15 }, (_, n) => `p${from + n}@acme.example`).join(', ')
  const a = await start({ headers: { Cc: many(0) } }, 'a@acme.example')
  const b = await start({ from: 'dora@acme.example', headers: { Cc: many(10) } }, 'b@acme.example')
  await join(a, b)
  const rows = await sql`select address, role from ticket_participants where ticket_id = ${b}`
  const taking = rows.filter((one) => one.role === 'participant').map((one) => one.address)
  assert.is(taking.length, 20)
  assert.ok(taking.includes('eva@acme.example'))
  assert.is(rows.length, 26)
})

test('SLA K17: open clocks of the source are cancelled, a breach stays, the target keeps its own', async () => {
  const a = await start({ subject: 'Door' }, 'a@acme.example')
  const b = await start({ subject: 'Door' }, 'b@acme.example')
  await sql`update sla_clocks set breached_at = ${MONDAY} where ticket_id = ${a} and metric = 'first_response'`
  const before = await sql`select * from sla_clocks where ticket_id = ${b} order by id`
  await join(a, b)
  const clocks = await sql`select metric, state, stop_reason, breached_at from sla_clocks where ticket_id = ${a}`
  assert.is(clocks.length, 2)
  for (const clock of clocks) assert.equal([clock.state, clock.stop_reason], ['cancelled', 'merged'])
  assert.ok(clocks.some((clock) => clock.breached_at))
  assert.is((await ticket(a)).next_due_at, null)
  assert.equal([...(await sql`select * from sla_clocks where ticket_id = ${b} order by id`)], [...before])
})

test('MAIL 6.13: a chain of merges leads to its end, and every alias stays one hop away', async () => {
  const all: number[] = []
  for (let n = 0; n < 13; n++)
    all.push(await start({ from: `p${n}@acme.example`, subject: 'Door' }, `m${n}@acme.example`))
  for (let n = 0; n < 12; n++) await join(all[n]!, all[n + 1]!)
  const end = await answerTo('m0@acme.example', { from: 'p0@acme.example' })
  assert.is(end.ticket_id, all[12])
  const rows = await sql`select distinct merged_into from tickets where merged_into is not null`
  assert.equal(
    rows.map((row) => row.merged_into),
    [all[12]],
  )
})

test('MAIL 6.13: the target is what the named ticket was merged into; rings and dead ends are refused', async () => {
  const [a, b, c] = [
    await start({ subject: '1' }, 'a@x'),
    await start({ subject: '2' }, 'b@x'),
    await start({ subject: '3' }, 'c@x'),
  ]
  await join(a, b)
  assert.equal(await join(c, a), { ticketId: b })
  assert.is(await refusal(join(b, a)), 'merge_itself')
  assert.is(await refusal(join(b, b)), 'merge_itself')
  assert.is(await refusal(join(a, b)), 'merged_ticket')
  assert.is(await refusal(join(b, 999_999)), 'unknown_ticket')
  await sql`update tickets set merged_into = ${c} where id = ${a}`
  await sql`update tickets set merged_into = ${a} where id = ${c}`
  assert.is(await refusal(join(b, a)), 'merge_itself', 'a ring made by hand ends')
  const d = await start({ subject: '4' }, 'd@x')
  await transaction(sql, (tx) => deleteTicket(tx, { ticketId: d, actor }, MONDAY))
  assert.is(await refusal(join(b, d)), 'unknown_ticket')
  const e = await start({ subject: '5' }, 'e@x')
  await transaction(sql, (tx) => markSpam(tx, { ticketId: e, actor }, MONDAY))
  assert.is(await refusal(join(b, e)), 'spam_ticket')
  assert.is((await ticket(b)).merged_into, null, 'what was refused changed nothing')
})

test('two organizations never come to read each other', async () => {
  const a = await start({}, 'a@acme.example')
  const b = await start({ from: 'noor@borealis.example' }, 'b@borealis.example')
  assert.is(await refusal(join(a, b)), 'other_organization')
})

test('a merged ticket is worked on no more, and takes no merge of its own', async () => {
  const a = await start({ subject: '1' }, 'a@x')
  const b = await start({ subject: '2' }, 'b@x')
  await join(a, b)
  const write = transaction(sql, (tx) => note(tx, { ticketId: a, agent: null, text: 'x', channel: 'system' }, MONDAY))
  assert.is(await refusal(write), 'merged_ticket')
})

test('a mail and merges that cross each other end, and nothing is lost', async () => {
  for (let round = 0; round < 5; round++) {
    const one = await start({ subject: 'Door' }, `one${round}@acme.example`)
    const two = await start({ subject: 'Door' }, `two${round}@acme.example`)
    const mails = [0, 1, 2, 3].map((n) =>
      desk.accept(
        mail({ subject: 'Re: Door', headers: { 'In-Reply-To': `<${n % 2 ? 'one' : 'two'}${round}@acme.example>` } }),
      ),
    )
    await Promise.allSettled([join(two, one), join(one, two)])
    const ids = await Promise.all(mails)
    const merged = [await ticket(one), await ticket(two)].filter((row) => row.merged_into !== null)
    const final = merged[0]?.merged_into ?? null
    assert.ok(merged.length <= 1)
    for (const id of ids) {
      const end = await desk.ending(id)
      assert.is(end.state, 'commented')
      const [comment] = await sql`select ticket_id from comments where id = ${end.comment_id}`
      if (final !== null) assert.is(comment!.ticket_id, final)
    }
  }
})

test.run()

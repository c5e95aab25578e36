/** A ticket that two matters got into becomes two (MAIL 6.8). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { listClocks } from '../../src/engine/sla/read.ts'
import { replayTicket } from '../../src/engine/sla/replay.ts'
import { merge } from '../../src/engine/tickets/merge.ts'
import { pinPolicy } from '../../src/engine/tickets/policy.ts'
import { split } from '../../src/engine/tickets/split.ts'
import { sweepDue } from '../../src/engine/tickets/sweep.ts'
import { assign, note, prioritise, reply, tag } from '../../src/engine/tickets.ts'
import { Refusal } from '../../src/errors.ts'
import { after, MINUTE } from '../../src/time.ts'
import { MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const ada = () => desk.tools().desk.agents.get('ada@desk.example')!
const actor = () => ({ kind: 'agent' as const, id: ada().id, name: 'Ada' })
const at = (minutes: number) => {
  desk.clock.at = after(MONDAY, minutes * MINUTE)
  return desk.clock.at
}
const start = async (id: string) => (await desk.deliver(mail({ headers: { 'Message-ID': `<${id}>` } }))).ticket_id!
const goesOn = (options: { to: string; id: string; subject?: string; text?: string }) =>
  desk.deliver(
    mail({
      ...(options.text && { text: options.text }),
      subject: options.subject ?? 'Re: The printer is on fire',
      to: 'support@desk.example',
      headers: { 'Message-ID': `<${options.id}>`, 'In-Reply-To': `<${options.to}>` },
    }),
  )
const answer = (ticketId: number) =>
  transaction(sql, (tx) =>
    reply(tx, { ticketId, agent: ada(), text: 'We look at it.', channel: 'web', tools: desk.tools() }, desk.clock.at),
  )
const sweep = async () => {
  while ((await transaction(sql, (tx) => sweepDue(tx, desk.clock.at))).settled > 0);
}
const part = (ticketId: number, commentId: number, subject: string | null = null) =>
  transaction(sql, (tx) =>
    split(tx, { ticketId, commentId, subject, actor: actor(), tools: desk.tools() }, desk.clock.at),
  )
const ticket = async (id: number) => (await sql`select * from tickets where id = ${id}`)[0]!
const commentsOf = async (id: number) =>
  (await sql`select id from comments where ticket_id = ${id} order by id`).map((row) => row.id as number)
const story = async (id: number) =>
  (await sql`select type, at from events where ticket_id = ${id} order by seq`).map(
    (row) => `${row.type} ${(row.at.getTime() - MONDAY.getTime()) / MINUTE}`,
  )
const open = async (id: number) =>
  (await listClocks(sql, id, desk.clock.at))
    .filter((clock) => clock.state === 'running' || clock.state === 'paused')
    .map((clock) => clock.kind)
    .sort()
const sameStory = async (...ids: number[]) => {
  for (const id of ids)
    assert.equal((await transaction(sql, (tx) => replayTicket(tx, id, desk.clock.at))).differences, [], `#${id}`)
}
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing was refused',
    (error) => (error instanceof Refusal ? error.code : String(error)),
  )

test('words, fields, people, ids and the wait for an answer go along; both tell of it; nobody is written to', async () => {
  const old = await start('one@acme.example')
  const change = { ticketId: old, actor: actor(), tools: desk.tools() }
  await transaction(sql, async (tx) => {
    await assign(tx, { ...change, agentId: ada().id }, desk.clock.at)
    await prioritise(tx, { ...change, priority: 'high' }, desk.clock.at)
    await tag(tx, { ...change, add: ['hall'] }, desk.clock.at)
  })
  at(10)
  await answer(old)
  at(20)
  await sweep()
  at(30)
  const other = await goesOn({ to: 'one@acme.example', id: 'two@acme.example', subject: 'Second monitor' })
  assert.equal([other.state, other.ticket_id], ['commented', old])
  assert.equal(await open(old), ['next_response', 'resolution'])
  const sent = (await sql`select id from outbox`).length

  at(40)
  const { ticketId } = await part(old, other.comment_id!)
  assert.is((await sql`select id from outbox`).length, sent)
  assert.equal(await commentsOf(ticketId), [other.comment_id])
  assert.is((await commentsOf(old)).length, 2)
  const [was, is] = [await ticket(old), await ticket(ticketId)]
  assert.equal([is.subject, is.base_subject, is.status], ['Second monitor', 'Second monitor', 'open'])
  for (const field of [
    'priority',
    'type',
    'tags',
    'inbox_id',
    'project_id',
    'organization_id',
    'team_id',
    'assignee_id',
    'requester_id',
    'requester_address',
    'requester_name',
    'locale',
    'zone',
    'policy_id',
    'calendar_id',
    'policy_source',
  ])
    assert.equal(is[field], was[field], field)
  assert.equal(
    [...(await sql`select ticket_id, other_id, kind from ticket_links order by 1`)].map((row) => Object.values(row)),
    [
      [old, ticketId, 'split_into'],
      [ticketId, old, 'split_from'],
    ],
  )
  assert.is((await story(old)).at(-1), 'split_into 40')
  assert.equal(await story(ticketId), ['created 30', 'split_from 40'])

  // promised from when they wrote, two working hours for "high"; nothing waits in the old one
  assert.is(is.created_at.toISOString(), at(30).toISOString())
  assert.equal(is.next_due_at, after(at(30), 120 * MINUTE))
  at(40)
  assert.equal(await open(ticketId), ['first_response', 'resolution'])
  assert.equal(await open(old), ['resolution'])
  assert.is(was.awaiting_since, null)
  await sameStory(old, ticketId)

  const leads = async (to: string, id: string) => (await goesOn({ to, id })).ticket_id
  assert.is(await leads('two@acme.example', 'three@acme.example'), ticketId)
  assert.is(await leads('one@acme.example', 'four@acme.example'), old)
  await answer(ticketId)
  const [mailed] = await sql`select subject, headers from outbox where ticket_id = ${ticketId}`
  assert.is(mailed!.subject, 'Re: Second monitor')
  assert.equal(
    mailed!.headers.find(([name]: [string]) => name === 'In-Reply-To'),
    ['In-Reply-To', '<three@acme.example>'],
  )
  await sameStory(old, ticketId)
})

test('all that came after goes along, with its times: answers count there, also one that is not sent yet', async () => {
  const old = await start('one@acme.example')
  at(5)
  const second = await goesOn({ to: 'one@acme.example', id: 'two@acme.example', subject: 'Second monitor' })
  at(10)
  await answer(old)
  at(15)
  await sweep()
  at(20)
  await transaction(sql, (tx) =>
    note(tx, { ticketId: old, agent: ada(), text: 'It is a long story.', channel: 'web' }, desk.clock.at),
  )
  at(25)
  const third = await goesOn({ to: 'two@acme.example', id: 'three@acme.example', subject: 'Re: Second monitor' })
  at(30)
  const pending = await answer(old)

  const { ticketId } = await part(old, second.comment_id!, '  Monitors ')
  const moved = await commentsOf(ticketId)
  assert.equal(
    [moved.length, moved[0], moved[3], moved[4]],
    [5, second.comment_id, third.comment_id, pending.commentId],
  )
  assert.is((await commentsOf(old)).length, 1)
  assert.is((await ticket(ticketId)).subject, 'Monitors')
  assert.is((await ticket(ticketId)).status, 'waiting_customer')
  assert.equal(await story(ticketId), [
    'created 5',
    'agent_reply 10',
    'status 10',
    'answered 11',
    'note 20',
    'customer_comment 25',
    'status 25',
    'agent_reply 30',
    'status 30',
    'split_from 30',
  ])
  assert.equal((await ticket(ticketId)).first_response_at, after(MONDAY, 11 * MINUTE))
  assert.equal(
    [...(await sql`select ticket_id from sla_answers`)].map((row) => row.ticket_id),
    [ticketId],
  )
  assert.equal(
    [...(await sql`select distinct ticket_id from outbox where comment_id = any(${moved}::bigint[])`)].map(
      (row) => row.ticket_id,
    ),
    [ticketId],
  )
  await sameStory(old, ticketId)
  assert.equal(await open(ticketId), ['next_response', 'resolution'])

  const rows = await sql`select message_id, kind, headers from outbox order by id`
  const replyTo = (row: (typeof rows)[number]) =>
    row.headers.find(([name]: [string]) => name === 'Reply-To')[1][0].address as string
  const by = async (row: (typeof rows)[number]) => {
    const headers = { 'In-Reply-To': `<${row.message_id}>` }
    return (
      await desk.deliver(
        mail({
          subject: 'Automatic reply: out of office',
          to: replyTo(row),
          headers: { ...headers, 'Auto-Submitted': 'auto-replied' },
        }),
      )
    ).ticket_id
  }
  const [ack, moved1] = rows
  assert.is(replyTo(ack!), replyTo(moved1!), 'both name the ticket that was')
  assert.is(await by(moved1!), ticketId, 'what is answered went along')
  assert.is(await by(ack!), old)
  at(35)
  await sweep()
  assert.equal(await open(ticketId), ['resolution'])
  assert.is((await story(ticketId)).at(-1), 'answered 31')
  await sameStory(old, ticketId)
})

test('a note can begin a ticket; a policy that a person chose stays', async () => {
  const old = await start('one@acme.example')
  await transaction(sql, (tx) =>
    pinPolicy(
      tx,
      { ticketId: old, policy: 'silver', reason: 'agreed', actor: actor(), tools: desk.tools() },
      desk.clock.at,
    ),
  )
  const { commentId } = await transaction(sql, (tx) =>
    note(tx, { ticketId: old, agent: ada(), text: 'Order paper.', channel: 'web' }, desk.clock.at),
  )
  const { ticketId } = await part(old, commentId, 'Paper')
  const is = await ticket(ticketId)
  assert.equal(
    [is.policy_source, is.policy_id, is.origin],
    ['manual', (await ticket(old)).policy_id, 'agent_for_customer'],
  )
  await sameStory(old, ticketId)
})

test('refused: the comment that the ticket begins with, that of another, a merged ticket', async () => {
  const old = await start('one@acme.example')
  const other = await start('x@acme.example')
  const second = await goesOn({ to: 'one@acme.example', id: 'two@acme.example', subject: 'Second monitor' })
  const [first] = await commentsOf(old)
  assert.is(await refusal(part(old, first!)), 'nothing_left')
  assert.is(await refusal(part(other, second.comment_id!)), 'unknown_comment')
  await transaction(sql, (tx) => merge(tx, { ticketId: old, intoId: other, actor: actor() }, desk.clock.at))
  assert.is(await refusal(part(old, second.comment_id!)), 'merged_ticket')
})

test.run()

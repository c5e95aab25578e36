/** The form that works a ticket: each field is a verb, and what it refuses is said beside the words that were typed. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { after, DAY, HOUR } from '../../src/time.ts'
import { testDatabase } from '../database.ts'
import { demoDesk } from '../desk.ts'
import { NOON, textOf, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const own =
  'products: [{key: vpn, name: VPN}]\nfields: [{key: site, name: Site, values: [Berlin, Oslo]}, {key: room-no, name: Room}]\n'
await transaction(sql, (tx) => applyDesk(tx, { text: `${demoDesk}\n${own}`, author: 'test' }, NOON))
desk.tools.desk = await loadDesk(sql)
const { ada, bo } = desk
const browser = await desk.signIn(ada)
test.after(database.close)

type Fields = Record<string, string>

function formOf(page: string): Fields {
  const hidden = [...page.matchAll(/<input type="hidden" name="(was_[\w.-]+)" value="([^"]*)"/g)].map((m) => [
    m[1]!,
    m[2]!,
  ])
  const chosen = hidden.map(([name, value]) => [name!.slice('was_'.length), value!])
  return { kind: 'note', text: '', ...Object.fromEntries([...hidden, ...chosen]) }
}

const submit = async (id: number, changes: Fields) =>
  browser.post(`/tickets/${id}/work`, { ...formOf(await browser.page(`/tickets/${id}`)), ...changes })
const row = async (id: number) => (await sql`select * from tickets where id = ${id}`)[0]!
const add = async () => (await desk.addTicket({ organization: 'acme', project: 'acme/incoming' })).id
const types = async (id: number) =>
  (await sql`select type from events where ticket_id = ${id} and type <> 'created' order by seq`).map((one) => one.type)

test('a priority that nobody has set is shown so, and set by choosing the one that it has', async () => {
  const id = await add()
  const queue = async () => textOf(await browser.page('/queues/open?order=created'))
  assert.match(textOf(await browser.page(`/tickets/${id}`)), 'Normal Unassessed')
  assert.match(await queue(), 'Normal Unassessed')
  await submit(id, { type: 'incident' })
  assert.is((await row(id)).assessed_at, null, 'another change says nothing of the priority')
  await submit(id, { priority: 'normal' })
  assert.equal((await row(id)).assessed_at, desk.clock.now)
  const page = textOf(await browser.page(`/tickets/${id}`))
  assert.not.match(page, 'Unassessed')
  assert.match(page, 'assessed it: its priority stays normal')
  assert.not.match(await queue(), 'Unassessed')
})

test('an answer of a project that stays open leaves the ticket open, in its queue and not among those that wait', async () => {
  const waits = await add()
  const answer = { kind: 'answer', text: 'Restart it.' }
  await submit(waits, answer)
  assert.is((await row(waits)).status, 'waiting_customer')
  const project = desk.tools.desk.projects.get('acme/incoming')!
  const projects = new Map(desk.tools.desk.projects).set(project.key, { ...project, after_answer: 'open' })
  const before = desk.tools.desk
  desk.tools.desk = { ...before, projects }
  try {
    const id = await add()
    await submit(id, answer)
    assert.is((await row(id)).status, 'open')
    const listed = async (queue: string, one: number) =>
      (await browser.page(`/queues/${queue}?order=created`)).includes(`/tickets/${one}"`)
    assert.equal(
      [await listed('open', id), await listed('waiting', id), await listed('waiting', waits)],
      [true, false, true],
    )
    await submit(id, { status: 'waiting_customer' })
    assert.is(await listed('waiting', id), true)
  } finally {
    desk.tools.desk = before
  }
})

test('type, team, product and own fields are chosen among what the desk file says, and shown', async () => {
  const id = await add()
  const changes = { type: 'incident', team: '', product: 'vpn', 'field.site': 'Oslo', 'field.room-no': '2 b' }
  assert.is((await submit(id, changes)).headers.get('location'), `/tickets/${id}?done=change`)
  const ticket = await row(id)
  assert.equal(
    [ticket.type, ticket.team_id, ticket.product, ticket.fields],
    ['incident', null, 'vpn', { site: 'Oslo', 'room-no': '2 b' }],
  )
  const page = textOf(await browser.page(`/tickets/${id}`))
  for (const words of [
    'set the type to incident',
    'handed it over to no team',
    'set the product to vpn',
    'set the field site to Oslo',
  ])
    assert.match(page, words)
  await submit(id, { 'field.site': '', product: '' })
  assert.equal([(await row(id)).product, (await row(id)).fields], [null, { 'room-no': '2 b' }])
  for (const fields of [{ type: 'x' }, { team: 'x' }, { product: 'x' }, { 'field.site': 'Rome' }] as Fields[])
    assert.is((await submit(id, fields)).status, 422, JSON.stringify(fields))
  assert.is((await submit(id, { 'field.none': 'x' })).headers.get('location'), `/tickets/${id}?done=nothing`)
})

test('it waits until a time in the agent’s words and zone, and a date stands there by hand', async () => {
  const id = await add()
  await submit(id, { status: 'waiting_customer', until: 'fri 17:00', due: '2026-03-10' })
  let ticket = await row(id)
  assert.equal(
    [ticket.status, ticket.wake_at, ticket.due_at],
    ['waiting_customer', new Date('2026-03-06T16:00:00Z'), new Date('2026-03-10T16:00:00Z')],
  )
  const page = await browser.page(`/tickets/${id}`)
  assert.match(page, 'name="until" value="2026-03-06 17:00"')
  assert.match(page, 'name="due" value="2026-03-10 17:00"')
  assert.match(textOf(page), 'Comes back Fri 6 Mar 2026, 17:00 CET')
  assert.match((await submit(id, {})).headers.get('location')!, 'done=nothing')
  await submit(id, { until: '', due: '' })
  ticket = await row(id)
  assert.equal([ticket.status, ticket.wake_at, ticket.due_at], ['waiting_customer', null, null])
  const refused = await submit(id, { until: 'some day', kind: 'note', text: 'My words' })
  assert.is(refused.status, 422)
  const words = await refused.text()
  assert.match(words, /“?&quot;some day&quot; is no time/)
  assert.match(words, 'value="some day"')
  assert.match(words, 'My words</textarea>')
  assert.is((await submit(id, { due: '2020-01-01' })).status, 422)
})

test('an answer with a time to wait: the answer goes, then it waits', async () => {
  const id = await add()
  await submit(id, { kind: 'answer', text: 'Could you send the log?', until: '+2d' })
  const ticket = await row(id)
  assert.equal([ticket.status, ticket.wake_at], ['waiting_customer', after(NOON, 2 * DAY)])
})

test('people, links, duplicates: what stands in a field is what is so, and what is taken out of it is no more', async () => {
  const [id, other, third] = [await add(), await add(), await add()]
  await submit(id, {
    cc: 'carl@acme.example, dora@acme.example',
    links: `blocks #${other}, relates ${third}`,
    follow: '1',
  })
  const people = async () =>
    (await sql`select address from ticket_participants where ticket_id = ${id} order by 1`).map((one) => one.address)
  const links = async () =>
    (await sql`select other_id, kind from ticket_links where ticket_id = ${id} order by 1`).map((one) => [
      one.other_id,
      one.kind,
    ])
  assert.equal(await people(), ['carl@acme.example', 'dora@acme.example'])
  assert.equal(await links(), [
    [other, 'blocks'],
    [third, 'relates'],
  ])
  assert.is((await sql`select 1 from agent_followers where ticket_id = ${id} and agent_id = ${ada.id}`).length, 1)
  const form = formOf(await browser.page(`/tickets/${id}`))
  assert.equal([form.links, form.follow], [`blocks #${other}, relates #${third}`, '1'])
  await submit(id, { cc: 'dora@acme.example', links: `relates #${third}`, follow: '' })
  assert.equal([await people(), await links()], [['dora@acme.example'], [[third, 'relates']]])
  assert.is((await sql`select 1 from agent_followers`).length, 0)
  await submit(id, { duplicate: `#${other}` })
  assert.is((await row(id)).duplicate_of, other)
  await submit(other, { status: 'resolved' })
  assert.is((await row(id)).status, 'resolved', 'closed with it')
  await submit(id, { duplicate: '' })
  assert.is((await row(id)).duplicate_of, null)
  for (const fields of [
    { duplicate: String(id) },
    { duplicate: 'x' },
    { links: 'blocks x' },
    { cc: 'x@borealis.example' },
  ] as Fields[])
    assert.is((await submit(id, fields)).status, 422, JSON.stringify(fields))
})

test('another customer, spam and back, mail of the sender held and let in', async () => {
  const id = await add()
  await submit(id, { customer: 'olga@borealis.example' })
  assert.is((await row(id)).requester_address, 'olga@borealis.example')
  await submit(id, { spam: '1', block: '1' })
  assert.ok((await row(id)).spam_at)
  assert.equal(
    (await sql`select pattern from blocked_senders`).map((one) => one.pattern),
    ['olga@borealis.example'],
  )
  const form = formOf(await browser.page(`/tickets/${id}`))
  assert.equal([form.spam, form.block], ['1', '1'])
  await submit(id, { spam: '', block: '' })
  assert.is((await row(id)).spam_at, null)
  assert.is((await sql`select 1 from blocked_senders`).length, 0)
  assert.equal(await types(id), ['requester', 'policy', 'spam', 'blocked', 'not_spam', 'unblocked'])
})

test('FEATURES 3.25: a private note is for one colleague', async () => {
  const id = await add()
  const done = await submit(id, { kind: 'private', text: 'He is ill.', reader: String(bo.id) })
  assert.match(done.headers.get('location')!, 'done=private')
  const [comment] =
    await sql`select visibility, addressee_id from comments where ticket_id = ${id} order by id desc limit 1`
  assert.equal({ ...comment }, { visibility: 'private', addressee_id: bo.id })
  const theirs = await desk.signIn(bo)
  assert.match(await theirs.page(`/tickets/${id}`), 'He is ill.')
})

test('FEATURES 1.34: somebody outside is asked, and the question can be taken back', async () => {
  const id = await add()
  const refused = await submit(id, { kind: 'ask', text: 'Is line 7 down?', ask_to: 'eva@acme.example' })
  assert.is(refused.status, 422)
  const page = await refused.text()
  assert.match(page, /value="ask" checked/)
  assert.match(page, 'id="ask_to" name="ask_to" type="email" value="eva@acme.example"')
  const done = await submit(id, { kind: 'ask', text: 'Is line 7 down?', ask_to: 'noc@isp.example' })
  assert.match(done.headers.get('location')!, /done=ask#comment-\d+$/)
  const [mail] = await sql`select recipient, comment_id, not_before from outbox where ticket_id = ${id}`
  assert.is(mail!.recipient, 'noc@isp.example')
  assert.ok(mail!.not_before > NOON && mail!.not_before < after(NOON, HOUR))
  assert.match(textOf(await browser.page(`/tickets/${id}`)), 'asked noc@isp.example on the side')
  await browser.post(`/comments/${mail!.comment_id}/cancellation`)
  assert.is((await sql`select state from outbox where ticket_id = ${id}`)[0]!.state, 'cancelled')
})

test('every field has a label of its own, and the form needs no script', async () => {
  const page = await browser.page(`/tickets/${await add()}`)
  const form = /<form method="post" action="\/tickets\/\d+\/work"[\s\S]*?<\/form>/.exec(page)![0]
  const labels = [...form.matchAll(/<label[^>]* for="([^"]+)"/g)].map((m) => m[1])
  const ids = [...form.matchAll(/<(?:input|select|textarea) id="([^"]+)"/g)].map((m) => m[1])
  assert.equal([...new Set(labels)].sort(), [...new Set(ids)].sort())
  assert.ok(ids.length > 15)
  assert.not.match(form, /\son\w+=|<script|disabled/)
})

test.run()

/** What agents enter themselves: tickets for customers, contacts, blocked senders, and projects they follow. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { testDatabase } from '../database.ts'
import { demoDesk } from '../desk.ts'
import { NOON, textOf, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
await transaction(sql, (tx) => applyDesk(tx, { text: demoDesk, author: 'test' }, NOON))
desk.tools.desk = await loadDesk(sql)
const { ada, bo } = desk
const browser = await desk.signIn(ada)
test.after(database.close)

type Fields = Record<string, string>

const open = async (fields: Fields) => browser.post('/tickets/new', { customer: 'eva@acme.example', ...fields })
const opened = async (fields: Fields) => {
  const answer = await open(fields)
  const id = Number(/^\/tickets\/(\d+)\?done=opened$/.exec(answer.headers.get('location') ?? '')?.[1])
  assert.ok(id, `${answer.status}`)
  return (await sql`select * from tickets where id = ${id}`)[0]!
}

test('a ticket for a customer: their words, a note beside them, routed and promised as their mail; nobody is written to', async () => {
  const ticket = await opened({
    name: 'Eva Brandt',
    subject: 'Telephone: the VPN',
    text: 'It does not connect.',
    note: 'She will be in from ten.',
    mine: 'yes',
  })
  assert.equal(
    [ticket.subject, ticket.requester_address, ticket.requester_name, ticket.assignee_id],
    ['Telephone: the VPN', 'eva@acme.example', 'Eva Brandt', ada.id],
  )
  const [{ key, policy }] = (await sql`
    select p.key, s.key as policy from tickets t join projects p on p.id = t.project_id
    left join sla_policies s on s.id = t.policy_id where t.id = ${ticket.id}`) as unknown as [Fields]
  assert.match(key!, /^acme\//)
  assert.ok(policy)
  const comments = await sql`
    select author_role, visibility, channel, text from comments where ticket_id = ${ticket.id} order by id`
  assert.equal(
    comments.map((one) => ({ ...one })),
    [
      { author_role: 'contact', visibility: 'public', channel: 'web', text: 'It does not connect.' },
      { author_role: 'agent', visibility: 'internal', channel: 'web', text: 'She will be in from ten.' },
    ],
  )
  assert.equal([...(await sql`select 1 from outbox where ticket_id = ${ticket.id} and kind <> 'notification'`)], [])
  const page = textOf(await browser.page(`/tickets/${ticket.id}?done=opened`))
  assert.match(page, 'Nobody was written to')
  assert.match(page, 'opened by Ada')
})

test('the project is chosen by hand, or left to the rules; without their words the note is all there is', async () => {
  const ticket = await opened({ note: 'He called about the invoice.\nCall back.', project: 'triage' })
  assert.is(ticket.project_id, desk.tools.desk.projects.get('triage')!.id)
  assert.equal([ticket.subject, ticket.assignee_id], ['He called about the invoice.', null])
  const comments = await sql`select visibility from comments where ticket_id = ${ticket.id}`
  assert.equal(
    comments.map((one) => one.visibility),
    ['internal'],
  )
})

test('what is refused is said beside the words that were typed, and nothing is opened', async () => {
  const count = async () => (await sql`select count(*)::int as count from tickets`)[0]!.count
  const before = await count()
  for (const [fields, reason] of [
    [{ text: '', note: '' }, 'There is no text'],
    [{ text: 'My <words>', customer: 'support@desk.example' }, 'an address of this desk'],
    [{ text: 'My <words>', customer: 'mailer-daemon@acme.example' }, 'machine'],
    [{ text: 'My <words>', project: 'no/where' }, 'no such project'],
    [{ text: 'My <words>', customer: 'no address' }, ''],
  ] as [Fields, string][]) {
    const answer = await open(fields)
    assert.is(answer.status, 422, JSON.stringify(fields))
    const page = await answer.text()
    assert.match(page, 'role="alert"')
    assert.match(page, reason)
    if (fields.text) assert.match(page, 'My &lt;words&gt;</textarea>')
  }
  assert.is(await count(), before)
})

test('a link fills the customer in; a form from elsewhere and a stranger open nothing', async () => {
  assert.match(await browser.page('/tickets/new?customer=ivan@acme.example'), 'value="ivan@acme.example"')
  const foreign = await browser.post('/tickets/new', { text: 'x' }, { origin: 'https://evil.example' })
  assert.is(foreign.status, 403)
  assert.is((await desk.app.request('/tickets/new')).headers.get('location'), '/sign-in')
  assert.is((await browser.get('/tickets/newer')).status, 404)
})

test('FEATURES 0.18: a contact is entered once; who is perhaps the same person is shown; an unused one is taken back', async () => {
  const create = (address: string, name = '') => browser.post('/contacts/new', { address, name })
  const first = await create('ivan.petrov@acme.example', 'Ivan Petrov')
  const place = first.headers.get('location')!
  assert.match(place, /^\/contacts\/\d+\?done=made$/)
  const again = (await create('Ivan.Petrov@ACME.example')).headers.get('location')!
  assert.is(again, place.replace('made', 'there'))
  const other = (await create('ipetrov@acme.example', 'I. Petrov')).headers.get('location')!
  const page = await browser.page(other)
  assert.match(page, 'They are a contact now.')
  assert.match(page, /Perhaps the same person[\s\S]*Ivan Petrov[\s\S]*ivan\.petrov@acme\.example/)
  assert.match(page, '/tickets/new?customer=ipetrov%40acme.example')
  assert.match(textOf(page), 'Acme')
  const id = /\d+/.exec(other)![0]
  assert.is((await browser.post(`/contacts/${id}/removal`)).headers.get('location'), '/contacts/new?done=forgotten')
  assert.is((await browser.get(`/contacts/${id}`)).status, 404)
})

test('a contact who has a ticket stays; bad addresses and the desk’s own are refused with the words kept', async () => {
  const ticket = await opened({ customer: 'olga@acme.example', text: 'Hello' })
  const page = await browser.page(`/contacts/${ticket.requester_id}`)
  assert.match(page, `/tickets/${ticket.id}`)
  assert.not.match(page, '/removal')
  const answer = await browser.post(`/contacts/${ticket.requester_id}/removal`)
  assert.is(answer.headers.get('location'), `/contacts/${ticket.requester_id}?done=stays`)
  for (const address of ['support@desk.example', 'nobody', '"><script>@x']) {
    const refused = await browser.post('/contacts/new', { address, name: 'N <b>' })
    assert.is(refused.status, 422, address)
    const words = await refused.text()
    assert.match(words, 'value="N &lt;b&gt;"')
    assert.not.match(words, '<script>')
  }
  for (const path of ['/contacts/0', '/contacts/999999', '/contacts/x'])
    assert.is((await browser.get(path)).status, 404, path)
})

test('addresses and domains are blocked and let in again, not those of the desk', async () => {
  const patterns = async () => (await sql`select pattern from blocked_senders order by 1`).map((one) => one.pattern)
  await browser.post('/blocked', { sender: 'spam@evil.example' })
  await browser.post('/blocked', { sender: '@evil.test' })
  assert.equal(await patterns(), ['evil.test', 'spam@evil.example'])
  assert.match(textOf(await browser.page('/blocked')), /evil\.test By Ada/)
  for (const sender of ['desk.example', 'nothing', '<b>']) {
    const refused = await browser.post('/blocked', { sender })
    assert.is(refused.status, 422, sender)
    assert.match(await refused.text(), 'role="alert"')
  }
  await browser.post('/blocked/removal', { sender: 'evil.test' })
  assert.equal(await patterns(), ['spam@evil.example'])
})

test('a project is followed and left; it is one’s own choice', async () => {
  await browser.post('/notifications/projects', { project: 'triage' })
  const rows = await sql`select f.agent_id, p.key from agent_followers f join projects p on p.id = f.project_id`
  assert.equal(
    rows.map((one) => ({ ...one })),
    [{ agent_id: ada.id, key: 'triage' }],
  )
  assert.match(textOf(await browser.page('/notifications')), /Projects I follow triage Stop/)
  const ofBo = await desk.signIn(bo)
  await ofBo.post('/notifications/projects/removal', { project: 'triage' })
  assert.is((await sql`select 1 from agent_followers`).length, 1)
  await browser.post('/notifications/projects/removal', { project: 'triage' })
  assert.is((await sql`select 1 from agent_followers`).length, 0)
  assert.is((await browser.post('/notifications/projects', { project: 'no/where' })).status, 422)
})

test('every field of the new pages has a label of its own, and no page needs a script', async () => {
  for (const path of ['/tickets/new', '/contacts/new', '/blocked', '/notifications']) {
    const page = await browser.page(path)
    const main = /<main[\s\S]*<\/main>/.exec(page)![0]
    const labels = new Set([...main.matchAll(/<label[^>]* for="([^"]+)"/g)].map((m) => m[1]))
    for (const [, id] of main.matchAll(/<(?:input|select|textarea) id="([^"]+)"/g))
      assert.ok(labels.has(id!), `${path} ${id}`)
    assert.not.match(page, /\son\w+=|<script/)
  }
})

test.run()

/** Statement pages: for admins alone, a month's customers, a look before it goes, sending, objections, opening again. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { approveStatement, disputeStatement } from '../../src/engine/billing/statements/answer.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { testDatabase } from '../database.ts'
import { demoDesk } from '../desk.ts'
import { spending, wordsOf } from './bills.ts'
import { NOON, webDesk } from './desk.ts'

const CHIEF = 'chief@acme.example'
const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const text = demoDesk.replace('policy: gold}', `policy: gold, statement: monthly, statement_to: [${CHIEF}]}`)
await transaction(sql, (tx) => applyDesk(tx, { text, author: 'test' }, NOON))
desk.tools.desk = await loadDesk(sql)
const { tools } = desk
const [ada, bo] = [await desk.signIn(desk.ada), await desk.signIn(desk.bo)]
const ticket = await desk.addTicket({ organization: 'acme', project: 'acme/incoming', subject: 'The <b>printer</b>' })
test.after(database.close)

const spend = spending(desk, { ticketId: ticket.id, date: '2026-02-10' })

const AT = '/statements/acme/2026-02'
const seenOf = (page: string) => /name="seen" value="(\w+)"/.exec(page)![1]!
const answer = async (does: typeof approveStatement | typeof disputeStatement, said: string) => {
  const [row] = await sql`select id, revision from statements`
  const from = { address: CHIEF, name: 'Chief' }
  const actor = { kind: 'contact', id: null, name: 'Chief' } as const
  const given = { statementId: row!.id, revision: row!.revision, actor, from, text: said, messageId: null, tools }
  await transaction(sql, (tx) => does(tx, given, NOON) as Promise<unknown>)
}

test('statements are the admins’, reached from time and invoices', async () => {
  assert.match(await ada.page('/invoices'), 'href="/statements"')
  assert.match(await ada.page('/time'), 'href="/statements"')
  assert.not.match(await bo.page('/time'), 'href="/statements"')
  for (const path of ['/statements', AT, `${AT}.csv`]) {
    assert.match((await desk.app.request(path)).headers.get('location') ?? '', /^\/sign-in/, path)
    assert.is((await bo.get(path)).status, 422, path)
  }
  for (const path of [`${AT}/sending`, `${AT}/reopening`]) {
    assert.is((await bo.post(path, { seen: 'x', why: 'x' })).status, 422, path)
    assert.is((await ada.post(path, {}, { origin: 'https://elsewhere.example' })).status, 403, path)
  }
  for (const path of [
    '/statements/nobody/2026-02',
    '/statements/acme/2026-13',
    '/statements/acme/x',
    '/statements/acme/2026-13.csv',
  ])
    assert.is((await ada.get(path)).status, 404, path)
  assert.is((await ada.post(`${AT}/else`)).status, 404)
  assert.is((await sql`select from statements`).length, 0)
})

test('a month without time cannot be sent, and says why', async () => {
  const page = wordsOf(await ada.page(AT))
  assert.match(page, 'It cannot be sent: There is no approved time of this month.')
  assert.match(wordsOf(await ada.page('/statements/acme/2026-03')), 'The month is not over yet')
  assert.match(wordsOf(await ada.page('/statements/borealis/2026-02')), 'Nobody is named who gets it')
  const refused = await ada.post(`${AT}/sending`, { seen: 'x' })
  assert.is(refused.status, 422)
  assert.match(wordsOf(await refused.text()), 'Nobody has approved time of Acme')
  assert.match(wordsOf(await ada.page('/statements')), /Acme monthly by mail Not sent 0:00/)
})

test('what would be sent is seen, with the mail; then it is sent once', async () => {
  await spend(3600, { note: 'Toner <i>', workType: 'consulting' })
  await spend(1800, { billable: false })
  await spend(900, {}, 'draft')
  const page = await ada.page(AT)
  assert.match(
    wordsOf(page),
    /Tue 10 Feb 2026 Bo #1 The &lt;b&gt;printer&lt;\/b&gt; acme\/incoming · Consulting Toner &lt;i&gt; 1:00 €140\.00/,
  )
  assert.match(wordsOf(page), 'Billable 1:00 Free 0:30 Before tax €140.00')
  assert.match(wordsOf(page), 'Not on it: 1 entry of the month that nobody has approved yet.')
  assert.match(page, /<pre[^>]*>Das ist die Zeit, die Desk Support/)
  assert.not.match(page, '<b>printer')
  const list = wordsOf(await ada.page('/statements'))
  assert.match(list, /approved time of February 2026/)
  assert.match(list, /Acme monthly by mail Not sent 1:30/)
  const seen = seenOf(page)
  assert.is((await ada.post(`${AT}/sending`, { seen: 'other' })).status, 422)
  assert.is((await sql`select from outbox`).length, 0)
  const sent = await ada.post(`${AT}/sending`, { seen })
  assert.is(sent.headers.get('location'), `${AT}?done=sent`)
  const [row, ...more] = await sql`select recipient, kind, subject from outbox`
  assert.equal([row!.recipient, row!.kind, more.length], [CHIEF, 'statement', 0])
  const after = await ada.page(`${AT}?done=sent`)
  assert.match(after, 'role="status">Sent')
  assert.match(wordsOf(after), /Sent to chief@acme\.example, .* by Ada\./)
  assert.match(wordsOf(after), 'chief@acme.example: Waiting')
  assert.match(wordsOf(after), 'Send it again')
  assert.not.match(wordsOf(after), 'What would be sent')
  const csv = await ada.get(`${AT}.csv`)
  assert.match(csv.headers.get('content-disposition')!, 'statement-acme-2026-02.csv')
  assert.match(await csv.text(), /2026-02-10,acme\/incoming,1,The <b>printer<\/b>,Bo,Toner <i>,Consulting,true,60/)
  const [{ id }] = (await sql`select id from tickets where 'statement' = any(tags)`) as unknown as [{ id: number }]
  assert.match(wordsOf(await ada.page(`/tickets/${id}`)), 'sent the statement of 2026-02')
})

test('an objection is shown; time that has changed since is named, and sent again', async () => {
  await answer(disputeStatement, 'The <i>toner</i> was ours.')
  const page = await ada.page(AT)
  assert.match(wordsOf(page), 'Objection of chief@acme.example')
  assert.match(page, 'The &lt;i&gt;toner&lt;/i&gt; was ours.')
  await spend(600, { note: 'one more' })
  const changed = await ada.page(AT)
  assert.match(wordsOf(changed), 'The time has changed since it was sent')
  assert.match(wordsOf(changed), 'As it is now')
  const again = await ada.post(`${AT}/sending`, { seen: seenOf(changed) })
  assert.is(again.status, 303)
  assert.match(wordsOf(await ada.page(AT)), 'the 2. time')
})

test('approved, it offers nothing but to be opened again, with a reason; its entries say why they stay', async () => {
  await answer(approveStatement, 'Yes')
  const page = await ada.page(AT)
  assert.match(wordsOf(page), 'Approval of chief@acme.example')
  assert.not.match(page, `${AT}/sending`)
  const [{ id }] = (await sql`select min(id) as id from time_entries where statement_id is not null`) as unknown as [
    { id: number },
  ]
  assert.match(wordsOf(await bo.page('/time?agent=&from=&to=')), 'approved by the customer')
  assert.not.match(await bo.page(`/time/entries/${id}`), '>Save<')
  const refused = await bo.post(`/time/entries/${id}`, { rev: '3', spent: '5h', date: '2026-02-10' })
  assert.is(refused.status, 422)
  assert.match(wordsOf(await refused.text()), 'Acme has approved the statement of 2026-02')
  const late = await bo.post('/time/entries', { ticket: String(ticket.id), date: '2026-02-11', spent: '1h' })
  assert.match(wordsOf(await late.text()), 'An admin can reopen it under Statements, with a reason.')
  assert.is((await ada.post(`${AT}/reopening`, { why: '' })).status, 422)
  const reopened = await ada.post(`${AT}/reopening`, { why: 'An hour is <missing>' })
  assert.is(reopened.headers.get('location'), `${AT}?done=reopened`)
  const after = await ada.page(AT)
  assert.match(wordsOf(after), 'by Ada: An hour is &lt;missing&gt;')
  assert.match(wordsOf(after), 'Send it again')
  assert.is((await bo.post(`/time/entries/${id}/removal`, { rev: '3' })).status, 303)
})

test('a customer that the desk file names no more is still shown', async () => {
  const small =
    'inboxes: [{key: support, address: support@desk.example, project: triage}]\n' +
    'agents: [{address: ada@desk.example, name: Ada, admin: true}]\nprojects: [{key: triage}]\n'
  await transaction(sql, (tx) => applyDesk(tx, { text: small, author: 'test' }, NOON))
  desk.tools.desk = await loadDesk(sql)
  assert.match(wordsOf(await ada.page('/statements')), 'Acme only when somebody sends it Reopened')
  const page = await ada.page(AT)
  assert.match(wordsOf(page), 'Reopened')
  assert.not.match(page, `${AT}/sending`)
})

test.run()

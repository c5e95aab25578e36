/** Invoice pages: for admins alone, drafts that follow, what they leave out and why, final and void ones, print, CSV, JSON. */
import { createHash } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { testDatabase } from '../database.ts'
import { spending, wordsOf } from './bills.ts'
import { webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const [ada, bo] = [await desk.signIn(desk.ada), await desk.signIn(desk.bo)]
const ticket = await desk.addTicket({ organization: 'acme', project: 'acme/incoming', subject: 'The <b>printer</b>' })
test.after(database.close)

const spend = spending(desk, { ticketId: ticket.id, date: '2026-03-03' })

const MARCH = { organization: 'acme', from: '2026-03-01', to: '2026-03-31' }
const make = async () => {
  const answer = await ada.post('/invoices', MARCH)
  assert.is(answer.status, 303, await answer.text())
  return /^(\/invoices\/(\d+))\?done=created$/.exec(answer.headers.get('location')!)![1]!
}
const revOf = (page: string) => /name="rev" value="(\d+)"/.exec(page)![1]!

test('invoices are the admins’', async () => {
  const page = await ada.page('/invoices')
  assert.match(page, /href="\/invoices" aria-current="page"/)
  assert.match(page, 'All approved time is on an invoice.')
  assert.match(page, 'No invoice was made yet.')
  assert.not.match(await bo.page('/queues/open'), 'href="/invoices"')
  for (const path of ['/invoices', '/invoices/1', '/invoices/1/print', '/invoices/1.csv', '/invoices/1.json']) {
    assert.match((await desk.app.request(path)).headers.get('location') ?? '', /^\/sign-in/, path)
    const answer = await bo.get(path)
    assert.is(answer.status, 422, path)
    assert.match(await answer.text(), 'Invoices are made by admins.')
  }
  for (const path of ['/invoices', '/invoices/1/finalisation', '/invoices/1/void', '/invoices/1/discard']) {
    assert.is((await bo.post(path, MARCH)).status, 422, path)
    assert.is((await ada.post(path, MARCH, { origin: 'https://elsewhere.example' })).status, 403, path)
  }
  for (const path of ['/invoices/99', '/invoices/99/print', '/invoices/99.csv', '/invoices/x', '/invoices/99.html'])
    assert.is((await ada.get(path)).status, 404, path)
  assert.is((await ada.post('/invoices/99/finalisation')).status, 422)
  assert.is((await sql`select count(*)::int as n from invoices`)[0]!.n, 0)
})

test('from unbilled time to a draft, with its lines, their entries, and what is left out', async () => {
  const billed = await spend(3600, { note: 'Toner <i>', workType: 'consulting' })
  const free = await spend(1800, { billable: false })
  const open = await spend(900, {}, 'draft')
  const list = wordsOf(await ada.page('/invoices'))
  assert.match(list, /Acme 1 1:00 Tue 3 Mar 2026 Make a draft/)
  const at = await make()
  const page = await ada.page(`${at}?done=created`)
  assert.match(page, 'role="status">A draft')
  const text = wordsOf(page)
  assert.match(text, /#1 The &lt;b&gt;printer&lt;\/b&gt; Consulting · list standard 1 entry/)
  assert.match(text, 'Bo, 1:00, €140.00 Toner &lt;i&gt;')
  assert.match(text, 'Of this period but not on the draft (2)')
  assert.match(page, `href="/time/entries/${billed}"`)
  assert.match(page, new RegExp(`/time/entries/${free}".*?It is free\\.`, 's'))
  assert.match(page, new RegExp(`/time/entries/${open}".*?It is not approved yet\\.`, 's'))
  assert.match(text, 'Total €140.00')
  assert.not.match(page, '<b>printer')
  assert.match(wordsOf(await ada.page('/time?agent=&from=&to=')), 'on a draft invoice')
  assert.match(wordsOf(await ada.page('/invoices')), /Draft of an invoice Acme/)

  const discarded = await ada.post(`${at}/discard`)
  assert.is(discarded.headers.get('location'), '/invoices?done=discarded')
  assert.is((await ada.get(at)).status, 404)
  assert.match(wordsOf(await ada.page('/invoices')), /Acme 1 1:00/)
})

test('what means nothing makes no draft, and the form keeps its words', async () => {
  for (const [fields, problem] of [
    [{ to: '2026-02-01' }, 'The period ends before it begins'],
    [{ from: '2026-02-31' }, 'is no date'],
    [{ organization: 'nobody' }, 'There is no organization'],
    [{ currency: 'xxq' }, 'is no currency'],
  ] as const) {
    const answer = await ada.post('/invoices', { ...MARCH, ...fields })
    assert.is(answer.status, 422)
    const page = await answer.text()
    assert.match(page, problem)
    assert.match(page, `name="to" value="${'to' in fields ? fields.to : MARCH.to}"`)
  }
})

test('a draft that changed since it was seen does not become final; what is seen does, once', async () => {
  const at = await make()
  const seen = revOf(await ada.page(at))
  const more = await spend(1800)
  const refused = await ada.post(`${at}/finalisation`, { rev: seen })
  assert.is(refused.status, 422)
  const page = await refused.text()
  assert.match(page, 'The draft has changed since you saw it')
  assert.match(page, `href="/time/entries/${more}"`, 'and shows what it is now')
  assert.is((await ada.post(`${at}/finalisation`)).status, 422, 'nothing was seen')
  const rev = revOf(page)
  const answers = await Promise.all([1, 2].map(() => ada.post(`${at}/finalisation`, { rev })))
  assert.equal(answers.map((one) => one.status).sort(), [303, 422])
  const final = wordsOf(await ada.page(at))
  assert.match(final, /Invoice 00001/)
  assert.match(final, 'Total €190.00')
  assert.not.match(final, 'Make it final')
  assert.equal(
    [...(await sql`select last from invoice_series`)].map((row) => row.last),
    [1],
  )
  const story = wordsOf(await ada.page(`/tickets/${ticket.id}`))
  assert.match(story, 'billed time on invoice 00001')
})

test('print, CSV and JSON of it', async () => {
  const { id } = (await sql`select id from invoices where number = '00001'`)[0]!
  const print = await ada.get(`/invoices/${id}/print`)
  const page = await print.text()
  assert.match(page, 'lang="de"')
  assert.match(page, /190,00\s€/)
  assert.not.match(page, '<b>printer')
  const style = /<style>(.*?)<\/style>/s.exec(page)![1]!
  const policy = print.headers.get('content-security-policy')!
  assert.match(policy, `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`)
  assert.not.match(policy, 'unsafe')
  assert.match(policy, "default-src 'none'")
  const csv = await ada.get(`/invoices/${id}.csv`)
  assert.match(csv.headers.get('content-disposition')!, 'filename="invoice-00001.csv"')
  const lines = Buffer.from(await csv.arrayBuffer())
    .toString()
    .split('\r\n')
  assert.match(lines[0]!, /^\ufeffinvoice,customer,line/)
  assert.match(lines[1]!, '00001,Acme,1,')
  const json = await ada.get(`/invoices/${id}.json`)
  assert.is(json.headers.get('content-type'), 'application/json; charset=utf-8')
  const {
    number,
    gross_minor,
    lines: of,
  } = (await json.json()) as { number: string; gross_minor: number; lines: unknown[] }
  assert.equal([number, gross_minor, of.length], ['00001', 19_000, 2])
})

test('void with a reason: a credit note, and its time is free again', async () => {
  const { id } = (await sql`select id from invoices where number = '00001'`)[0]!
  const silent = await ada.post(`/invoices/${id}/void`, { why: ' ' })
  assert.is(silent.status, 422)
  assert.match(await silent.text(), 'Say why')
  const answer = await ada.post(`/invoices/${id}/void`, { why: 'Wrong customer.' })
  const note = answer.headers.get('location')!
  assert.match(wordsOf(await ada.page(note)), /Credit note 00002 .*Total -€190\.00/)
  assert.match(wordsOf(await ada.page(`/invoices/${id}`)), /Void by 00002 .*Wrong customer\./)
  assert.is((await ada.post(`/invoices/${id}/void`, { why: 'Again.' })).status, 422)
  assert.match(wordsOf(await ada.page('/invoices')), /Acme 2 1:30/)
  assert.match(wordsOf(await ada.page(`/tickets/${ticket.id}`)), 'voided invoice 00001 by credit note 00002')
})

test.run()

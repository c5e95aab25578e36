/** Timesheet pages: entering, changing, the timer, approval, filters, groups and CSV, all by forms that need no script. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { weekOf } from '../../src/days.ts'
import { createDraft, finaliseInvoice } from '../../src/engine/billing/invoices.ts'
import { Refusal } from '../../src/errors.ts'
import { after, HOUR } from '../../src/time.ts'
import { clockText, readLength, timeEventText } from '../../src/web/time/words.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const [ada, bo] = [await desk.signIn(desk.ada), await desk.signIn(desk.bo)]
const acme = { organization: 'acme', project: 'acme/incoming' }
const ticket = await desk.addTicket({ ...acme, subject: 'The <b>printer</b> is down' })
const other = await desk.addTicket({ subject: 'Password' })
test.before.each(() => {
  desk.clock.now = NOON
})
test.after(database.close)

const TUESDAY = { ticket: String(ticket.id), date: '2026-03-03', spent: '1h30m', note: 'Toner.', work_type: 'support' }
const last = async () => (await sql`select * from time_entries order by id desc limit 1`)[0]!
const enter = async (fields: Record<string, string> = {}, who = bo) => {
  const answer = await who.post('/time/entries', { ...TUESDAY, ...fields })
  assert.is(answer.status, 303, await answer.text())
  return await last()
}
const act = async (verb: string, fields: Record<string, string> = {}, who = bo) => {
  const { id, rev } = await last()
  return who.post(`/time/entries/${id}/${verb}`, { rev: String(rev), ...fields })
}
const words = (page: string) =>
  page
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
/** Cells of the page's last table, row by row. */
const rows = (page: string) =>
  [...(page.match(/<tbody.*?<\/tbody>/gs)?.at(-1) ?? '').matchAll(/<tr.*?<\/tr>/gs)].map(([row]) =>
    [...row.matchAll(/<td[^>]*><div>(.*?)<\/div><\/td>/gs)].map((cell) => words(cell[1]!)),
  )

test('lengths as people write them', () => {
  const lengths = {
    '1h30m': 5400,
    '90m': 5400,
    '90 min': 5400,
    '1:30': 5400,
    '1:30:20': 5420,
    '1.5h': 5400,
    '1,25': 4500,
    '2': 7200,
  }
  for (const [text, length] of Object.entries(lengths)) assert.is(readLength(text), length, text)
  for (const text of ['', 'soon', '1:75', '-1h', '1.555', 'h'])
    assert.throws(
      () => readLength(text),
      (error: Error) => error instanceof Refusal,
      text,
    )
  assert.equal([clockText(5400), clockText(59), clockText(-3600)], ['1:30', '0:00:59', '−1:00'])
  assert.equal(weekOf('2026-03-01'), { from: '2026-02-23', to: '2026-03-01' })
})

test('time is for agents, and its forms only from our own site', async () => {
  for (const path of ['/time', '/time.csv', '/time/entries/1'])
    assert.match((await desk.app.request(path)).headers.get('location') ?? '', /^\/sign-in/, path)
  for (const path of ['/time/entries', '/time/timer', '/time/timer/stop', '/time/entries/1/approval']) {
    const answer = await bo.post(path, TUESDAY, { origin: 'https://elsewhere.example' })
    assert.is(answer.status, 403, path)
  }
  assert.is((await sql`select count(*)::int as n from time_entries`)[0]!.n, 0)
  assert.is((await bo.get('/time/entries/99')).status, 404)
  assert.is((await act('nonsense').catch(() => null)) ?? null, null, 'there is no entry yet')
})

test('an entry by hand: entered, seen in my week and on the ticket, changed, submitted, approved', async () => {
  const { id } = await enter({ percent: '40' })
  const page = await bo.page('/time')
  assert.match(page, /href="\/time" aria-current="page"/)
  assert.equal(
    rows(page).map((row) => row.slice(0, 5)),
    [
      [
        'Tue 3 Mar 2026',
        `#${ticket.id} The &lt;b&gt;printer&lt;/b&gt; is down Acme · acme/incoming · Support · 40 % done Toner.`,
        'Bo',
        '1:30 billable',
        'Draft',
      ],
    ],
  )
  assert.not.match(page, '<b>printer</b>')
  assert.match(words(page), '1:30 in 1 entry: 1:30 billable, 0:00 free; 1:30 open')
  assert.match(await ada.page('/time'), 'No time was entered here', 'each sees their own week first')

  const form = await bo.page(`/time/entries/${id}`)
  assert.match(form, /name="spent" value="1:30"/)
  const edited = await bo.post(`/time/entries/${id}`, {
    rev: '1',
    date: '2026-03-03',
    start: '09:00',
    end: '11:00',
    note: 'Toner and paper.',
    work_type: 'consulting',
    billable: 'no',
    percent: '50',
  })
  assert.is(edited.headers.get('location'), '/time?done=edited')
  const { raw_s, note, billable, percent_complete, started_at } = await last()
  assert.equal(
    [raw_s, note, billable, percent_complete, started_at.toISOString()],
    [7200, 'Toner and paper.', false, 50, '2026-03-03T08:00:00.000Z'],
  )
  assert.match(await bo.page('/time'), '09:00 to 11:00 +01:00')

  assert.is((await act('submission')).headers.get('location'), '/time?done=submission')
  assert.match(words(await bo.page(`/tickets/${ticket.id}`)), '2:00 spent , 0:00 billable, 50 % done')
  assert.is((await act('approval')).status, 422, 'Bo may not')
  const asked = '/time?agent=&from=&to=&state=submitted'
  assert.match(await ada.page(asked), `action="/time/entries/${id}/approval"`)
  assert.not.match(await bo.page(asked), 'approval"')
  assert.is((await act('approval', { back: asked }, ada)).headers.get('location'), `${asked}&done=approval`)
  assert.match(await ada.page('/time?done=approval'), 'role="status">Approved.')
  assert.is((await last()).status, 'approved')
})

test('what another changed meanwhile is refused in a sentence, and what was typed is shown again', async () => {
  const { id } = await enter()
  const fields = { rev: '1', date: '2026-03-03', spent: '2h', note: 'First.' }
  assert.is((await bo.post(`/time/entries/${id}`, fields)).status, 303)
  const answer = await bo.post(`/time/entries/${id}`, { ...fields, note: 'Second <i>', percent: '' })
  assert.is(answer.status, 422)
  const page = await answer.text()
  assert.match(page, 'Somebody changed this time entry meanwhile')
  assert.match(page, 'Second &lt;i&gt;</textarea>')
  assert.is((await last()).note, 'First.')
  for (const verb of ['submission', 'removal'])
    assert.is((await bo.post(`/time/entries/${id}/${verb}`, { rev: '1' })).status, 422, verb)
  assert.is((await bo.post(`/time/entries/${id}/removal`)).status, 422, 'nor without the state that was seen')
  assert.is((await act('removal')).status, 303)
  assert.is((await bo.get(`/time/entries/${id}`)).status, 404)
})

test('what means nothing is shown again with the reason', async () => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ spent: 'soon' }, /Write how long it took/],
    [{ spent: '' }, /Enter how long it took, or from when to when\./],
    [{ start: '09:00', end: '10:00' }, /say it twice/],
    [{ spent: '30h' }, /at most 24 hours/],
    [{ date: '2026-02-31' }, /is no date/],
    [{ ticket: '', project: '' }, /Type the number of a ticket/],
    [{ ticket: '999999' }, /no ticket/i],
    [{ percent: '1e2' }, /whole number from 0 to 100/],
    [{ status_after: 'gone' }, /A ticket can become/],
  ]
  const before = (await sql`select count(*)::int as n from time_entries`)[0]!.n
  for (const [fields, problem] of wrong) {
    const answer = await bo.post('/time/entries', {
      ...TUESDAY,
      note: 'Kept "words"',
      back: `/tickets/${ticket.id}`,
      ...fields,
    })
    assert.is(answer.status, 422, JSON.stringify(fields))
    const page = await answer.text()
    assert.match(page, problem)
    assert.match(page, 'Kept &quot;words&quot;</textarea>')
    assert.match(page, `name="back" value="/tickets/${ticket.id}"`)
  }
  assert.is((await sql`select count(*)::int as n from time_entries`)[0]!.n, before)
})

test('nobody is led elsewhere by a form', async () => {
  for (const back of [
    'https://evil.example',
    '//evil.example',
    '/time?x=\r\nLocation: //evil',
    '/timekeeper',
    '/sign-out',
  ])
    assert.match(
      (await bo.post('/time/entries', { ...TUESDAY, spent: '1m', back })).headers.get('location')!,
      /^\/time\?done=entered$/,
      back,
    )
})

test('sent back with a reason, which whoever entered it reads', async () => {
  await enter({ date: '2026-03-02', finish: 'submit' })
  assert.is((await last()).status, 'submitted')
  assert.is((await act('rejection', { why: ' ' }, ada)).status, 422)
  assert.is((await act('rejection', { why: 'Which <printer>?' }, ada)).status, 303)
  assert.match(await bo.page('/time'), 'Which &lt;printer&gt;?')
  assert.match(words(await bo.page('/time?state=rejected')), 'Sent back')
})

test('the timer: started on a ticket, seen everywhere, moved by starting another, stopped with words', async () => {
  const at = `/tickets/${ticket.id}`
  assert.match(await bo.page(at), 'Start the timer')
  assert.is(
    (await bo.post('/time/timer', { ticket: String(ticket.id), back: at })).headers.get('location'),
    `${at}?done=started`,
  )
  desk.clock.now = after(NOON, HOUR)
  assert.match(words(await bo.page(at)), 'Timer runs 1:00 h until now')
  assert.match(words(await bo.page('/time')), '1:00 h until now, since Tue 3 Mar 2026, 14:00 CET')
  assert.match(words(await bo.page(`/tickets/${other.id}`)), 'starting it here stops it there')
  const first = await last()
  await bo.post('/time/timer', { ticket: String(other.id), back: `/tickets/${other.id}` })
  const second = await last()
  assert.equal(
    [(await sql`select status from time_entries where id = ${first.id}`)[0]!.status, second.status],
    ['draft', 'running'],
  )
  desk.clock.now = after(NOON, 1.5 * HOUR)
  const stale = await bo.post('/time/timer/stop', { entry: String(first.id), note: 'Of the other.' })
  assert.is(stale.status, 422)
  const stopped = await bo.post('/time/timer/stop', {
    entry: String(second.id),
    note: 'Reset.',
    work_type: 'support',
    billable: 'no',
    back: `/tickets/${other.id}`,
  })
  assert.is(stopped.headers.get('location'), `/tickets/${other.id}?done=stopped`)
  const { raw_s, note, billable, status } = await last()
  assert.equal([raw_s, note, billable, status], [1800, 'Reset.', false, 'draft'])
  assert.is((await bo.post('/time/timer/stop', { entry: String(second.id) })).status, 422, 'none runs')
  const story = words(await bo.page(`/tickets/${other.id}`))
  assert.match(story, 'started the timer')
  assert.match(story, 'stopped the timer after 0:30')
})

test('a kind of work that is gone from the desk file stays with its entries', async () => {
  const { work_types } = desk.tools.desk
  const travel = work_types.get('travel')!
  await bo.post('/time/timer', { ticket: String(ticket.id) })
  await sql`update time_entries set work_type_id = ${travel.id} where status = 'running'`
  work_types.delete('travel')
  const { id } = await last()
  assert.match(await bo.page('/time'), '<option value="travel" selected>As it is</option>')
  desk.clock.now = after(NOON, HOUR)
  const fields = { work_type: 'travel', billable: 'yes', note: 'There and back.' }
  assert.is((await bo.post('/time/timer/stop', { entry: String(id), ...fields })).status, 303)
  const { rev, work_type_id } = await last()
  const when = { date: '2026-03-03', start: '14:00', end: '15:00' }
  assert.is(
    (await bo.post(`/time/entries/${id}`, { ...fields, ...when, note: 'There.', rev: String(rev) })).status,
    303,
  )
  work_types.set('travel', travel)
  assert.equal([work_type_id, (await last()).work_type_id, (await last()).note], [travel.id, travel.id, 'There.'])
  assert.is((await act('removal')).status, 303)
})

test('time on a project without a ticket', async () => {
  const { ticket_id, project_id, billable } = await enter({ ticket: '', project: 'triage', spent: '0:45' })
  assert.equal([ticket_id, project_id, billable], [null, desk.tools.desk.projects.get('triage')!.id, true])
})

test('filters, order and groups say the same as the list', async () => {
  const count = async (query: string) => rows(await ada.page(`/time?agent=&from=&to=&${query}`)).length
  const all = (await sql`select count(*)::int as n from time_entries`)[0]!.n
  assert.is(await count(''), all)
  assert.is(await count(`ticket=${other.id}`), 1)
  assert.is(await count(`customer=${desk.tools.desk.organizations.get('borealis')!.id}`), 0)
  assert.is(await count(`agent=${desk.ada.id}`), all, 'the first word counts')
  assert.is(rows(await ada.page(`/time?from=&to=`)).length, 0, 'Ada has none')
  assert.is(rows(await ada.page(`/time?agent=&from=2026-03-02&to=2026-03-02`)).length, 1)
  const byTime = rows(await ada.page('/time?agent=&from=&to=&sort=time&order=asc')).map((row) => row[3]!)
  assert.is(byTime[0], '0:01 billable')
  assert.is(byTime.at(-1), '2:00 free')
  for (const group of ['agent', 'customer', 'project', 'ticket', 'day', 'week']) {
    const page = await ada.page(`/time?agent=&from=&to=&group=${group}`)
    const body = page.match(/<tbody.*?<\/tbody>/s)![0]
    const entries = [...body.matchAll(/data-label="Entries"[^>]*><div>(\d+)/g)].map((match) => Number(match[1]))
    assert.is(
      entries.reduce((sum, one) => sum + one, 0),
      all,
      group,
    )
    const link = /<td[^>]*><div><a href="(\/time\?[^"]+)"/.exec(body)![1]!.replaceAll('&amp;', '&')
    const first = page.includes('>No ') && /^<tbody[^>]*><tr[^>]*>\s*<td[^>]*><div>No /.test(body) ? 1 : 0
    assert.is(rows(await ada.page(link)).length, entries[first], `${group}: ${link}`)
  }
  for (const query of ['from=2026-02-31', 'state=gone', 'ticket=one', 'from=2026-03-02&to=2026-03-01', 'agent=me']) {
    const answer = await ada.get(`/time?${query}`)
    assert.is(answer.status, 422, query)
    assert.match(await answer.text(), 'role="alert"')
    assert.is((await ada.get(`/time.csv?${query}`)).status, 422)
  }
})

test('CSV of what is shown, without formulas', async () => {
  await enter({ date: '2026-02-25', note: '=1+1' })
  const page = await bo.page('/time?from=2026-02-23&to=2026-03-01')
  const link = /href="(\/time\.csv[^"]+)" download/.exec(page)![1]!.replaceAll('&amp;', '&')
  const answer = await bo.get(link)
  assert.is(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.match(answer.headers.get('content-disposition')!, 'filename="postroom-time-2026-02-23-2026-03-01.csv"')
  const bytes = Buffer.from(await answer.arrayBuffer())
  assert.equal([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  const lines = bytes.toString().split('\r\n')
  assert.is(lines.length, 3)
  assert.match(lines[1]!, "5400,1.5000,true,draft,,'=1+1,")
})

test('what is on a final invoice stays, and is taken back with a reason', async () => {
  await enter({ date: '2026-01-05', finish: 'submit' })
  await act('approval', {}, ada)
  const { ada: who, tools } = { ...desk, tools: desk.tools }
  const agent = { ...who, zone: 'Europe/Berlin' }
  await transaction(sql, async (tx) => {
    const { invoiceId } = await createDraft(
      tx,
      { organization: 'acme', from: '2026-01-01', to: '2026-01-31', agent, tools },
      NOON,
    )
    await finaliseInvoice(tx, { invoiceId, agent, tools }, NOON)
  })
  const { id, status } = await last()
  assert.is(status, 'invoiced')
  const page = await bo.page(`/time/entries/${id}`)
  assert.not.match(page, 'name="spent"')
  assert.is((await bo.post(`/time/entries/${id}`, { rev: '99', spent: '1h', date: '2026-01-05' })).status, 422)
  assert.match(await ada.page('/time?agent=&from=2026-01-05&to=2026-01-05'), `action="/time/entries/${id}/reversal"`)
  assert.is((await act('reversal', { why: 'Twice.' }, ada)).status, 303)
  assert.match(words(await ada.page('/time?agent=&from=&to=')), `takes back entry ${id}`)
  assert.match(words(await ada.page(`/tickets/${ticket.id}`)), /took back time of invoice \d+/)
})

test('all drafts of a list are submitted at once, and all that wait approved: those that were seen, or none', async () => {
  await sql`delete from time_entries where status <> 'invoiced' and invoice_line_id is null`
  for (const spent of ['15m', '30m', '45m']) await enter({ spent })
  const formOf = (page: string, verb: string) =>
    /name="entries" value="([\d. ]+)">\s*<button[^>]*>([^<]*)</.exec(page.split(`action="/time/all/${verb}"`)[1] ?? '')
  const states = async () =>
    (await sql`select status from time_entries where status <> 'invoiced' order by id`).map((one) => one.status)
  const drafts = formOf(await bo.page('/time'), 'submission')!
  assert.is(drafts[2]!.trim(), 'Submit all 3')
  assert.not.ok(formOf(await bo.page('/time'), 'approval'), 'nothing of theirs to approve')
  await enter({ spent: '5m' }) // came after the page was read
  const changed = drafts[1]!.replace(/\.(\d+)$/, '.99')
  const stale = await bo.post('/time/all/submission', { entries: changed })
  assert.is(stale.status, 422)
  assert.match(await stale.text(), /Entry \d+: .* None of the 3 was changed\./)
  assert.equal(await states(), ['draft', 'draft', 'draft', 'draft'])
  const answer = await bo.post('/time/all/submission', { entries: drafts[1]!, back: '/time?agent=' })
  assert.is(answer.headers.get('location'), '/time?agent=&done=all_submission')
  assert.equal(await states(), ['submitted', 'submitted', 'submitted', 'draft'])
  assert.match(await bo.page('/time?done=all_submission'), 'All of them are submitted.')

  const waiting = formOf(await ada.page(`/time?agent=${desk.bo.id}`), 'approval')!
  assert.is(waiting[2]!.trim(), 'Approve all 3')
  assert.is((await bo.post('/time/all/approval', { entries: waiting[1]! })).status, 422, 'one’s own')
  assert.is((await ada.post('/time/all/approval', { entries: waiting[1]! })).status, 303)
  assert.equal(await states(), ['approved', 'approved', 'approved', 'draft'])
  for (const entries of ['', '1', '1.x', '1.1 2', `${'1.1 '.repeat(101)}1.1`])
    assert.is((await ada.post('/time/all/approval', { entries })).status, 422, entries)
  assert.is((await ada.post('/time/all/removal', { entries: waiting[1]! })).status, 404)
  assert.is(
    (await ada.post('/time/all/approval', { entries: waiting[1]! }, { origin: 'https://else.example' })).status,
    403,
  )
})

test('events about time have words', () => {
  for (const type of [
    'timer_started',
    'timer_stopped',
    'time_entered',
    'time_edited',
    'time_removed',
    'time_submitted',
    'time_approved',
    'time_rejected',
    'time_reversed',
    'time_invoiced',
    'invoice_voided',
  ])
    assert.type(timeEventText(type, {}), 'string', type)
  assert.is(timeEventText('merged_into', {}), null)
  assert.is(
    timeEventText('timer_stopped', { seconds: 5400, review: true }),
    'stopped the timer after 1:30, which somebody must look at',
  )
})

test.run()

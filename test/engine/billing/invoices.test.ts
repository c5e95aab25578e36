/** Invoices through the database: drafts that follow, numbers without a gap, entries on one invoice, and what stays for ever. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createDraft, discardDraft, finaliseInvoice, openInvoice } from '../../../src/engine/billing/invoices.ts'
import { getInvoice, listInvoices, listUnbilled } from '../../../src/engine/billing/read.ts'
import { voidInvoice } from '../../../src/engine/billing/void.ts'
import { merge } from '../../../src/engine/tickets/merge.ts'
import { approveEntry, reverseEntry, submitEntry } from '../../../src/engine/time-entries/approval.ts'
import { editEntry, enterTime, removeEntry } from '../../../src/engine/time-entries.ts'
import { testDatabase } from '../../database.ts'
import { NOON, refusal, type TimeDesk, timeDesk } from '../time-desk.ts'

const database = await testDatabase()
const { sql } = database
let given: TimeDesk
const SETTINGS = '  billing: {name: Desk Ltd., prefix: R-, tax: 19%}'
test.before.each(async () => {
  await database.empty()
  given = await timeDesk(sql, SETTINGS)
})
test.after(database.close)

const MARCH = { organization: 'acme', from: '2026-03-01', to: '2026-03-31' }
const draft = async (wish: object = {}) =>
  (await given.act((tx) => createDraft(tx, { ...MARCH, ...wish, agent: given.ada, tools: given.tools }, NOON)))
    .invoiceId
const open = (invoiceId: number) => given.act((tx) => openInvoice(tx, { invoiceId, tools: given.tools }))
const finalise = (invoiceId: number, rev?: number) =>
  given.act((tx) =>
    finaliseInvoice(tx, { invoiceId, agent: given.ada, tools: given.tools, ...(rev !== undefined && { rev }) }, NOON),
  )
const annul = (invoiceId: number) =>
  given.act((tx) => voidInvoice(tx, { invoiceId, agent: given.ada, why: 'wrong customer', tools: given.tools }, NOON))
const reverse = (entryId: number) =>
  given.act((tx) => reverseEntry(tx, { entryId, agent: given.ada, why: 'twice', tools: given.tools }, NOON))
const edit = (entryId: number) =>
  given.act((tx) =>
    editEntry(tx, { entryId, agent: given.bo, details: { note: 'Changed.' }, tools: given.tools }, NOON),
  )
const entry = async (id: number) => (await sql`select * from time_entries where id = ${id}`)[0]!
const hours = (count: number, date = '2026-03-03') => ({ date, seconds: count * 3600 })

test('a draft holds a customer’s approved, billable time of the period, and says what it leaves out', async () => {
  const [a, b] = [await given.addTicket(), await given.addTicket({ organization: 'borealis' })]
  const id = await given.approved(a, hours(1), { note: 'Toner.', workType: 'consulting' })
  const free = await given.approved(a, hours(1), { billable: false })
  await given.approved(a, hours(1, '2026-04-01'))
  await given.approved(b, hours(1))
  const { invoice, excluded } = await open(await draft())
  assert.equal(excluded, [{ id: free, why: 'not_billable' }])
  assert.equal(
    [invoice.status, invoice.number, invoice.net_minor, invoice.tax_minor, invoice.gross_minor],
    ['draft', null, 14_000, 2660, 16_660],
  )
  assert.equal(invoice.lines.length, 1)
  const { id: _id, price_list_id: _list, ...line } = invoice.lines[0]!
  assert.equal(line, {
    position: 0,
    ticket_id: a,
    project_id: null,
    title: 'The printer is down',
    work_type: 'consulting',
    work_type_name: 'Consulting',
    list: 'standard',
    unit_price_minor: 14_000,
    tax_bp: 1900,
    raw_s: 3600,
    billed_s: 3600,
    net_minor: 14_000,
    entries: [{ id, date: '2026-03-03', agent: 'Bo', note: 'Toner.', raw_s: 3600, billed_s: 3600, net_minor: 14_000 }],
    reverses_line_id: null,
  })
  assert.equal(
    (await listUnbilled(sql, { to: '2026-12-31' })).map((one) => [one.organization, one.entries]),
    [
      ['Acme', 1],
      ['Borealis', 1],
    ],
  )
})

test('I5: prices, ranks and time change drafts when they are opened, and nothing else does', async () => {
  const ticket = await given.addTicket()
  await given.approved(ticket, hours(1))
  const id = await draft()
  const first = await open(id)
  assert.equal((await open(id)).invoice, first.invoice, 'the same time, the same draft')
  given = await timeDesk(sql, SETTINGS, (text) => text.replace('{price: 100}', '{price: 110}'))
  const dearer = (await open(id)).invoice
  assert.equal([dearer.net_minor, dearer.rev], [11_000, first.invoice.rev + 1])
  await given.approved(ticket, hours(2))
  assert.is((await open(id)).invoice.net_minor, 33_000)
  given = await timeDesk(sql, SETTINGS, (text) =>
    text
      .replace('price_lists:\n', 'price_lists:\n  - {key: vip, currency: EUR, items: [{price: 10}]}\n')
      .replace(
        'work_types:',
        'groups: [{key: vip, rank: 1, organizations: [acme], price_lists: [{list: vip}]}]\nwork_types:',
      ),
  )
  const grouped = (await open(id)).invoice
  assert.equal([grouped.net_minor, grouped.lines[0]!.list], [3000, 'vip'])
})

test('P2: a list of the requester’s own goes before the organization’s', async () => {
  await given.approved(await given.addTicket(), hours(1))
  given = await timeDesk(sql, SETTINGS, (text) =>
    text.replace(
      'price_lists:\n',
      `price_lists:
  - {key: org, currency: EUR, organizations: [acme], items: [{price: 20}]}
  - {key: eva, currency: EUR, contacts: [EVA@acme.example], items: [{price: 30}]}
`,
    ),
  )
  assert.is((await open(await draft())).invoice.lines[0]!.list, 'eva')
})

test('I3: final invoices have numbers in a row; their words, prices and entries stay', async () => {
  const ticket = await given.addTicket()
  const id = await given.approved(ticket, hours(1))
  const invoiceId = await draft()
  const { invoice: seen } = await open(invoiceId)
  assert.equal(await finalise(invoiceId, seen.rev), { number: 'R-00001' })
  const final = await getInvoice(sql, invoiceId)
  assert.equal(
    [final.status, final.issued_on, final.finalised_by, (await entry(id)).status],
    ['final', '2026-03-03', 'Ada', 'invoiced'],
  )
  assert.equal([final.seller.name, final.customer.name, final.customer.locale], ['Desk Ltd.', 'Acme', 'de'])
  assert.is(await refusal(edit(id)), 'entry_invoiced')
  const remove = given.act((tx) => removeEntry(tx, { entryId: id, agent: given.ada }, NOON))
  assert.is(await refusal(remove), 'entry_invoiced')
  given = await timeDesk(sql, '  billing: {name: Other, tax: 7%}', (text) =>
    text.replace('{price: 100}', '{price: 1}').replace('name: Acme,', 'name: Acme New,'),
  )
  await sql`update tickets set subject = 'Other' where id = ${ticket}`
  assert.equal((await open(invoiceId)).invoice, final)
  assert.is(await refusal(finalise(invoiceId)), 'invoice_final')
  assert.is(
    await refusal(given.act((tx) => discardDraft(tx, { invoiceId, agent: given.ada, tools: given.tools }))),
    'invoice_final',
  )
  const [event] = await sql`select data from events where ticket_id = ${ticket} and type = 'time_invoiced'`
  assert.equal(event!.data, { invoice: invoiceId, number: 'R-00001', entries: [id], net_minor: 10_000 })
})

test('P6: without a price, or without anything, it does not become final', async () => {
  given = await timeDesk(sql, SETTINGS, (text) => text.replace('{price: 100}, ', ''))
  const ticket = await given.addTicket()
  const id = await draft()
  assert.is(await refusal(finalise(id)), 'empty_invoice')
  await given.approved(ticket, hours(1), { workType: 'travel' })
  const unpriced = await given.approved(ticket, hours(1), { workType: 'support' })
  const { invoice } = await open(id)
  assert.equal([invoice.unpriced, invoice.net_minor], [[unpriced], 6000])
  assert.is(await refusal(finalise(id)), 'unpriced_entries')
  assert.is((await sql`select 1 from invoice_series`).length, 0, 'no number was used up')
})

test('T8: editing an entry drops it out of the draft; the admin who saw it is told before it becomes final', async () => {
  const ticket = await given.addTicket()
  const [a] = [await given.approved(ticket, hours(1)), await given.approved(ticket, hours(2))]
  const id = await draft()
  const { invoice } = await open(id)
  await edit(a)
  assert.is((await entry(a)).invoice_line_id, null)
  assert.is(await refusal(finalise(id, invoice.rev)), 'draft_changed')
  const after = await open(id)
  assert.equal([after.invoice.net_minor, after.excluded], [20_000, [{ id: a, why: 'not_approved' }]])
  await finalise(id, after.invoice.rev)
  assert.is((await entry(a)).status, 'draft')
})

test('only admins bill; what cannot be is refused', async () => {
  const given_ = { agent: given.bo, tools: given.tools }
  assert.is(await refusal(given.act((tx) => createDraft(tx, { ...MARCH, ...given_ }, NOON))), 'may_not_bill')
  assert.is(await refusal(draft({ organization: 'nobody' })), 'unknown_organization')
  assert.is(await refusal(draft({ from: '2026-04-01' })), 'bad_period')
  assert.is(await refusal(draft({ to: '2026-02-31' })), 'bad_date')
  assert.is(await refusal(draft({ currency: 'XX1' })), 'unknown_currency')
  assert.is(await refusal(open(9_999_999)), 'unknown_invoice')
})

test('two admins at once: one number, and the other is told', async () => {
  const ticket = await given.addTicket()
  for (let n = 1; n <= 5; n++) {
    await given.approved(ticket, hours(1, `2026-03-0${n}`))
    const id = await draft()
    const ends = await Promise.all([1, 2, 3].map(() => refusal(finalise(id))))
    assert.equal(ends.toSorted(), ['invoice_final', 'invoice_final', 'nothing was refused'])
  }
  const numbers = await sql`select serial from invoices order by serial`
  assert.equal(
    numbers.map((row) => row.serial),
    [1, 2, 3, 4, 5],
  )
})

test('drafts over the same time at once, all made final: no entry is on two invoices, no number is missing', async () => {
  const tickets = await Promise.all([1, 2, 3, 4].map(() => given.addTicket()))
  const ids = await Promise.all(
    tickets.flatMap((ticket) => [1, 2, 3].map((n) => given.approved(ticket, { date: `2026-03-0${n}`, seconds: 60 }))),
  )
  const drafts = await Promise.all(Array.from({ length: 6 }, (_none, n) => draft(n % 2 ? { to: '2026-03-02' } : {})))
  // While they are made final, their entries are edited, and other customers are billed
  const other = await given.approved(await given.addTicket({ organization: 'borealis' }), hours(1))
  const borealis = await draft({ organization: 'borealis' })
  const ends = await Promise.all([
    ...drafts.map((id) => refusal(finalise(id))),
    refusal(finalise(borealis)),
    ...drafts.map((id) => refusal(open(id))),
    refusal(edit(ids[0]!)),
  ])
  assert.ok(
    ends.every((end) =>
      ['nothing was refused', 'empty_invoice', 'invoice_final', 'draft_changed', 'entry_invoiced'].includes(end),
    ),
    String(ends),
  )
  for (const id of drafts) await refusal(finalise(id))
  const serials = (await sql`select serial from invoices where serial is not null order by 1`).map((row) => row.serial)
  assert.equal(
    serials,
    serials.map((_serial, n) => n + 1),
  )
  const billed = await sql<{ id: number }[]>`
    select (e ->> 'id')::bigint as id from invoice_lines l join invoices i on i.id = l.invoice_id,
      jsonb_array_elements(l.entries) as e where i.status = 'final'`
  const seen = billed.map((row) => row.id)
  assert.is(new Set(seen).size, seen.length, 'each entry once')
  assert.ok(seen.includes(other))
  const locked = await sql`select id from time_entries where status = 'invoiced'`
  assert.equal(locked.map((row) => row.id).toSorted(), seen.toSorted())
  assert.ok(seen.length >= ids.length, `${seen.length} of ${ids.length + 1}`)
  for (const row of await listInvoices(sql, { filter: { status: 'final' } })) {
    const { lines } = await getInvoice(sql, row.id)
    assert.is(
      lines.reduce((sum, line) => sum + line.net_minor, 0),
      row.net_minor,
    )
  }
})

test('a finalisation that fails gives its number back', async () => {
  const ticket = await given.addTicket()
  await given.approved(ticket, hours(1))
  const id = await draft()
  const failed = given.act(async (tx) => {
    await finaliseInvoice(tx, { invoiceId: id, agent: given.ada, tools: given.tools }, NOON)
    throw new Error('the power went')
  })
  assert.is(await refusal(failed), 'Error: the power went')
  assert.is((await getInvoice(sql, id)).status, 'draft')
  assert.equal(await finalise(id), { number: 'R-00001' })
})

test('I4: a void invoice stays as it is and has a credit note with the opposite sign; its time is free again', async () => {
  const ticket = await given.addTicket()
  const id = await given.approved(ticket, { date: '2026-03-03', seconds: 1234 })
  const invoiceId = await draft()
  await finalise(invoiceId)
  const before = await getInvoice(sql, invoiceId)
  const { creditNoteId, number } = await annul(invoiceId)
  assert.is(number, 'R-00002')
  const [gone, note] = [await getInvoice(sql, invoiceId), await getInvoice(sql, creditNoteId)]
  assert.equal(
    [gone.status, gone.credit_note, gone.voided_why, gone.lines],
    ['void', 'R-00002', 'wrong customer', before.lines],
  )
  assert.equal(
    [note.kind, note.status, note.voids, note.gross_minor],
    ['credit_note', 'final', 'R-00001', -before.gross_minor],
  )
  assert.equal([note.lines[0]!.net_minor, note.lines[0]!.entries[0]!.net_minor], [-before.net_minor, -before.net_minor])
  assert.equal([(await entry(id)).status, (await entry(id)).invoice_line_id], ['approved', null])
  assert.is(await refusal(annul(invoiceId)), 'not_final')
  assert.is(await refusal(annul(creditNoteId)), 'credit_note')
  const again = await draft()
  assert.equal(await finalise(again), { number: 'R-00003' })
  assert.is((await getInvoice(sql, again)).gross_minor, before.gross_minor)
})

test('T8: a reversing entry takes back what its entry was billed, to the cent, and its line is on the next invoice', async () => {
  given = await timeDesk(sql, SETTINGS, (text) => text.replace('{price: 100}', '{price: 100.01}'))
  const ticket = await given.addTicket()
  const ids = []
  for (let n = 0; n < 3; n++) ids.push(await given.approved(ticket, { date: '2026-03-02', seconds: 100 + n }))
  const first = await draft()
  await finalise(first)
  const billed = await getInvoice(sql, first)
  const taken = []
  for (const id of ids) taken.push((await reverse(id)).entryId)
  assert.is(await refusal(reverse(ids[0]!)), 'entry_reversed')
  assert.is(await refusal(reverse(taken[0]!)), 'entry_reversal')
  assert.is(await refusal(edit(taken[0]!)), 'entry_reversal')
  const second = await draft()
  await finalise(second)
  const back = await getInvoice(sql, second)
  assert.equal([back.net_minor, back.gross_minor], [-billed.net_minor, -billed.gross_minor])
  assert.equal(
    back.lines.map((line) => line.reverses_line_id),
    ids.map(() => billed.lines[0]!.id),
  )
  const parts = billed.lines[0]!.entries.map((one) => one.net_minor)
  assert.equal(
    back.lines.map((line) => -line.net_minor),
    parts,
  )
  assert.is((await entry(ids[0]!)).status, 'invoiced')
  assert.is(await refusal(annul(first)), 'entries_reversed')
})

test('a reversal is removed by admins while it is on no final invoice; then the invoice can be voided', async () => {
  const id = await given.approved(await given.addTicket(), hours(1))
  const invoiceId = await draft()
  await finalise(invoiceId)
  const { entryId } = await reverse(id)
  const remove = (agent = given.ada) => given.act((tx) => removeEntry(tx, { entryId, agent }, NOON))
  assert.is(await refusal(remove(given.bo)), 'not_your_entry')
  await remove()
  await annul(invoiceId)
})

test('I3: what takes back time of another currency makes an invoice of its own', async () => {
  const id = await given.approved(await given.addTicket(), hours(1))
  await finalise(await draft())
  await reverse(id)
  given = await timeDesk(sql, SETTINGS, (text) =>
    text
      .replace('name: Acme,', 'name: Acme, billing: {currency: JPY, tax_mode: reverse_charge},')
      .replace(
        'price_lists:\n',
        'price_lists:\n  - {key: yen, currency: JPY, default: true, items: [{price: 15000}]}\n',
      ),
  )
  await given.approved(await given.addTicket(), hours(1))
  const yen = (await open(await draft())).invoice
  assert.equal([yen.currency, yen.net_minor, yen.tax_minor, yen.tax_mode], ['JPY', 15_000, 0, 'reverse_charge'])
  const euro = (await open(await draft({ currency: 'EUR' }))).invoice
  assert.equal([euro.currency, euro.net_minor, euro.tax_minor, euro.unpriced], ['EUR', -10_000, -1900, []])
})

test('T9: a merge takes time along out of drafts too, but not what is invoiced', async () => {
  const [a, b] = [await given.addTicket(), await given.addTicket({ subject: 'Both' })]
  const billed = await given.approved(a, hours(1, '2026-03-01'))
  await finalise(await draft({ to: '2026-03-01' }))
  const open_ = await given.approved(a, hours(1))
  const id = await draft()
  await given.act((tx) => merge(tx, { ticketId: a, intoId: b, actor: { kind: 'system', id: null, name: 't' } }, NOON))
  assert.equal([(await entry(billed)).ticket_id, (await entry(open_)).ticket_id], [a, b])
  const { invoice } = await open(id)
  assert.equal([invoice.lines[0]!.ticket_id, invoice.lines[0]!.title], [b, 'Both'])
})

test('a draft that is thrown away leaves its time to others', async () => {
  const id = await given.approved(await given.addTicket(), hours(1))
  const [first, second] = [await draft(), await draft()]
  assert.equal((await open(second)).excluded, [{ id, why: 'other_draft' }])
  await given.act((tx) => discardDraft(tx, { invoiceId: first, agent: given.ada, tools: given.tools }))
  assert.is((await open(second)).invoice.net_minor, 10_000)
  assert.is(await refusal(open(first)), 'unknown_invoice')
})

test('time on a project as such is billed beside its tickets', async () => {
  await given.approved(await given.addTicket(), hours(1))
  await given.act(async (tx) => {
    const place = { project: 'acme/incoming' }
    const { entryIds } = await enterTime(tx, { agent: given.bo, place, when: hours(2), tools: given.tools }, NOON)
    await submitEntry(tx, { entryId: entryIds[0]!, agent: given.bo, tools: given.tools }, NOON)
    await approveEntry(tx, { entryId: entryIds[0]!, agent: given.ada, tools: given.tools }, NOON)
  })
  const id = await draft()
  const { invoice } = await open(id)
  assert.equal(
    invoice.lines.map((line) => [line.title, line.net_minor]),
    [
      ['The printer is down', 10_000],
      ['acme/incoming', 20_000],
    ],
  )
  await finalise(id)
})

test.run()

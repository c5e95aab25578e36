/** What leaves the desk: timesheets and invoices as CSV, JSON and print, in the customer's language, harmless and exact. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { invoiceCsv, invoiceJson } from '../../../src/engine/billing/export.ts'
import { printInvoice } from '../../../src/engine/billing/print.ts'
import type { Invoice, StoredLine } from '../../../src/engine/billing/read.ts'
import { entriesCsv } from '../../../src/engine/time-entries/export.ts'
import type { ListedEntry } from '../../../src/engine/time-entries/list.ts'
import { templates } from '../../desk.ts'

const line: StoredLine = {
  id: 1,
  position: 0,
  ticket_id: 12,
  project_id: null,
  title: '=HYPERLINK("http://x.example") <script>alert(1)</script>',
  work_type: 'consulting',
  work_type_name: 'Consulting',
  price_list_id: 1,
  list: 'standard',
  unit_price_minor: 123_456,
  tax_bp: 1900,
  raw_s: 5000,
  billed_s: 5400,
  net_minor: 185_184,
  entries: [
    {
      id: 5,
      date: '2026-03-02',
      agent: 'Bo',
      note: '@SUM(1)\nand more',
      raw_s: 3000,
      billed_s: 3240,
      net_minor: 111_110,
    },
    { id: 6, date: '2026-03-03', agent: 'Ada', note: '', raw_s: 2000, billed_s: 2160, net_minor: 74_074 },
  ],
  reverses_line_id: null,
}
const invoice: Invoice = {
  id: 3,
  kind: 'invoice',
  status: 'final',
  number: 'R-00007',
  organization_id: 1,
  currency: 'EUR',
  period_from: '2026-03-01',
  period_to: '2026-03-31',
  tax_mode: 'standard',
  net_minor: 185_184,
  tax_minor: 35_185,
  gross_minor: 220_369,
  taxes: [{ tax_bp: 1900, net_minor: 185_184, tax_minor: 35_185 }],
  customer: { name: 'Acme & Söhne', address: 'Hauptstr. 1\n10115 Berlin', tax_id: '', locale: 'de' },
  seller: { name: 'Desk Ltd.', address: '1 Example Street', tax_id: 'GB1', terms: '14 days' },
  unpriced: [],
  voids_id: null,
  voids: null,
  credit_note_id: null,
  credit_note: null,
  rev: 1,
  created_at: new Date('2026-04-01T08:00:00Z'),
  created_by: 'Ada',
  issued_on: '2026-04-01',
  finalised_at: new Date('2026-04-01T08:00:00Z'),
  finalised_by: 'Ada',
  voided_at: null,
  voided_by: null,
  voided_why: null,
  lines: [line],
}
const plain = (text: string) => text.replace(/[\u00a0\u202f\u2009]/g, ' ')

test('CSV: a record an entry, formulas are text, amounts sum to the invoice', () => {
  const [heading, ...records] = [...invoiceCsv(invoice)]
  assert.match(heading!, /^invoice,customer,line,ticket,title,.*,net,currency\r\n$/)
  assert.is(
    records[0],
    `R-00007,Acme & Söhne,1,12,"'=HYPERLINK(""http://x.example"") <script>alert(1)</script>",Consulting,standard,1234.56,19.00,5,2026-03-02,Bo,"'@SUM(1)\nand more",3000,3240,0.9000,1111.10,EUR\r\n`,
  )
  const credit = { ...invoice, lines: [{ ...line, entries: [{ ...line.entries[0]!, net_minor: -5 }] }] }
  assert.match([...invoiceCsv(credit)][1]!, /,-0\.05,EUR\r\n$/)
  const nets = records.map((record) => record.trimEnd().split(',').at(-2)!.replace('.', ''))
  assert.is(
    nets.reduce((sum, net) => sum + Number(net), 0),
    invoice.net_minor,
  )
})

test('JSON: whole numbers, and all that is on it', () => {
  const object = JSON.parse(JSON.stringify(invoiceJson(invoice)))
  assert.equal(
    [object.number, object.gross_minor, object.lines[0].hours, object.finalised_at],
    ['R-00007', 220_369, '1.5000', '2026-04-01T08:00:00Z'],
  )
  assert.equal(object.lines[0].entries, line.entries)
})

test('print: in the customer’s language, money and dates as they write them, everything escaped', () => {
  const { subject, text, html } = printInvoice(templates, invoice)
  assert.is(subject, 'Rechnung R-00007')
  const page = plain(html)
  for (const words of [
    '<html lang="de">',
    '1.851,84 €',
    '2.203,69 €',
    '1.234,56 €',
    '02.03.2026',
    'Datum: 01.04.2026',
    '1,50',
    'Acme &amp; Söhne',
    '1.–31. März 2026',
    '19 % × 1.851,84 € = 351,85 €',
    '0:54',
    '14 days',
  ])
    assert.ok(page.includes(words), `${words} in ${page}`)
  assert.not.match(html, /<script/)
  assert.ok(html.includes('&lt;script&gt;'))
  assert.not.match(html, /Entwurf/)
  assert.ok(plain(text).includes('Gesamtbetrag: 2.203,69 €'))
})

test('print: a draft, a credit note and a reverse charge say so; any currency has its own decimals', () => {
  const draft = printInvoice(templates, { ...invoice, status: 'draft', number: null, issued_on: null })
  assert.match(draft.html, 'Dies ist ein Entwurf')
  const customer = { ...invoice.customer, locale: 'en-GB' }
  const credit = printInvoice(templates, {
    ...invoice,
    customer,
    kind: 'credit_note',
    number: 'R-8',
    voids: 'R-00007',
    gross_minor: -220_369,
  })
  assert.is(credit.subject, 'Credit note R-8 for invoice R-00007')
  assert.match(credit.html, '-€2,203.69')
  const reverse = printInvoice(templates, {
    ...invoice,
    customer,
    currency: 'JPY',
    tax_mode: 'reverse_charge',
    gross_minor: 500,
  })
  assert.match(plain(reverse.html), 'JP¥500')
  assert.match(reverse.html, '0%: The recipient owes the tax')
})

test('timesheets: UTC and the agent’s clock side by side, notes are no formulas', () => {
  const entry: ListedEntry = {
    id: 1,
    ticket_id: 12,
    subject: '+1',
    project_id: 1,
    project: 'acme/incoming',
    organization_id: 1,
    organization: 'Acme',
    agent_id: 1,
    agent: 'Bo',
    agent_address: 'bo@desk.example',
    source: 'timer',
    started_at: new Date('2026-10-25T00:30:00Z'),
    ended_at: new Date('2026-10-25T01:30:00Z'),
    raw_s: 3600,
    local_date: '2026-10-25',
    tz: 'Europe/Berlin',
    work_type: 'support',
    work_type_name: 'Support',
    priority: 'normal',
    billable: true,
    note: '=1',
    percent_complete: null,
    ticket_status_after: null,
    status: 'approved',
    review_at: null,
    rejected_why: null,
    approved_by: 'Ada',
    invoice_id: null,
    invoice: null,
    statement_id: null,
    reverses_id: null,
    reversed_by: null,
    rev: 1,
  }
  const [heading, record] = [...entriesCsv([entry, { ...entry, raw_s: -3600, started_at: null, ended_at: null }])]
  assert.is(heading!.split(',').length, record!.split(',').length)
  assert.is(
    record,
    "1,2026-10-25,Bo,bo@desk.example,Acme,acme/incoming,12,'+1,Support,2026-10-25T00:30:00Z,2026-10-25T01:30:00Z,2026-10-25 02:30:00,2026-10-25 02:30:00,Europe/Berlin,3600,1.0000,true,approved,,'=1,,\r\n",
  )
})

test.run()

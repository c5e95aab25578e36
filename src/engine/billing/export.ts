/** An invoice as data: CSV, a record an entry, and one JSON object. Each line lists its entries, which sum to it (I4). */
import { csvLine } from '../../csv.ts'
import { hoursText } from '../billing.ts'
import { decimalText } from './money.ts'
import type { Invoice } from './read.ts'

const COLUMNS = [
  'invoice',
  'customer',
  'line',
  'ticket',
  'title',
  'work_type',
  'price_list',
  'unit_price',
  'tax_percent',
  'entry',
  'date',
  'agent',
  'note',
  'seconds',
  'billed_seconds',
  'billed_hours',
  'net',
  'currency',
]

/** A heading, then a record an entry of a line; the column `net` sums to the invoice's net, to the cent. */
export function* invoiceCsv(invoice: Invoice): Generator<string> {
  yield csvLine(COLUMNS)
  const money = (minor: number) => decimalText(minor, invoice.currency)
  for (const line of invoice.lines)
    for (const entry of line.entries)
      yield csvLine([
        invoice.number,
        invoice.customer.name,
        line.position + 1,
        line.ticket_id,
        line.title,
        line.work_type_name,
        line.list,
        money(line.unit_price_minor),
        percentText(line.tax_bp),
        entry.id,
        entry.date,
        entry.agent,
        entry.note,
        entry.raw_s,
        entry.billed_s,
        hoursText(entry.billed_s),
        money(entry.net_minor),
        invoice.currency,
      ])
}

/** For machines: amounts in minor units, durations in seconds, rates in basis points. */
export function invoiceJson(invoice: Invoice) {
  const { id, kind, status, number, currency, customer, seller, lines } = invoice
  return {
    id,
    kind,
    status,
    number,
    voids: invoice.voids,
    credit_note: invoice.credit_note,
    currency,
    period: { from: invoice.period_from, to: invoice.period_to },
    issued_on: invoice.issued_on,
    finalised_at: invoice.finalised_at?.toISOString().replace('.000Z', 'Z') ?? null,
    tax_mode: invoice.tax_mode,
    customer,
    seller,
    lines: lines.map((line) => ({
      line: line.position + 1,
      ticket: line.ticket_id,
      title: line.title,
      work_type: line.work_type,
      work_type_name: line.work_type_name,
      list: line.list,
      unit_price_minor: line.unit_price_minor,
      tax_bp: line.tax_bp,
      raw_s: line.raw_s,
      billed_s: line.billed_s,
      hours: hoursText(line.billed_s),
      net_minor: line.net_minor,
      entries: line.entries,
    })),
    unpriced: invoice.unpriced,
    net_minor: invoice.net_minor,
    taxes: invoice.taxes,
    tax_minor: invoice.tax_minor,
    gross_minor: invoice.gross_minor,
  }
}

/** Basis points as a percentage: `19.00`. */
const percentText = (bp: number): string => `${Math.floor(bp / 100)}.${String(bp % 100).padStart(2, '0')}`

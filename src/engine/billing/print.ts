/**
 * An invoice for people: the template `invoice` in the customer's language, with dates, hours and money as they write
 * them (SLA I4). The page stands alone and can be printed; all that people wrote is escaped.
 */
import { escapeHtml } from '../../html.ts'
import { type Rendered, type Rich, render, spokenLocale, type Templates } from '../../render.ts'
import { hoursText } from '../billing.ts'
import { formatter } from '../due-words/formatter.ts'
import { oneLine } from '../outbox/address.ts'
import { moneyText } from './money.ts'
import type { Invoice, StoredLine } from './read.ts'

/** As text and as a whole HTML document; a draft says that it is one. */
export function printInvoice(templates: Templates, invoice: Invoice): Rendered {
  const { customer, seller } = invoice
  const locale = spokenLocale(templates, customer.locale)
  const money = (minor: number) => moneyText(minor, invoice.currency, locale)
  const noTax = invoice.tax_mode === 'reverse_charge'
  return render(templates, 'invoice', locale, {
    number: invoice.number,
    voids: invoice.voids,
    date: invoice.issued_on && dayText(invoice.issued_on, locale),
    period: periodText(invoice.period_from, invoice.period_to, locale),
    seller_name: seller.name,
    seller_address: seller.address || null,
    seller_tax_id: seller.tax_id || null,
    customer_name: customer.name,
    customer_address: customer.address || null,
    customer_tax_id: customer.tax_id || null,
    lines: invoice.lines.length > 0 ? linesOf(invoice.lines, { locale, money }) : null,
    net: money(invoice.net_minor),
    taxes: noTax || invoice.taxes.length === 0 ? null : taxesOf(invoice, { locale, money }),
    gross: money(invoice.gross_minor),
    reverse_charge: noTax ? percentText(0, locale) : null,
    terms: seller.terms || null,
  })
}

type Forms = { locale: string; money: (minor: number) => string }

function linesOf(lines: readonly StoredLine[], { locale, money }: Forms): Rich {
  const rows = lines.map((line) => ({
    work: oneLine(
      [
        line.ticket_id === null ? '' : `#${line.ticket_id} `,
        line.title,
        line.work_type_name && `, ${line.work_type_name}`,
      ].join(''),
    ),
    cells: [decimalHours(line.billed_s, locale), money(line.unit_price_minor), money(line.net_minor)],
    entries: line.entries.map((entry) => ({
      words: [dayText(entry.date, locale), entry.agent, oneLine(entry.note)].filter(Boolean).join(', '),
      time: clockText(entry.billed_s),
    })),
  }))
  return {
    text: rows
      .map(({ work, cells, entries }) =>
        [`${work}  ${cells.join('  ')}`, ...entries.map(({ words, time }) => `  ${words}  ${time}`)].join('\n'),
      )
      .join('\n'),
    html: rows
      .map(({ work, cells, entries }) =>
        [
          `<tr><td>${escapeHtml(work)}</td>${cells.map((cell) => `<td class="n">${escapeHtml(cell)}</td>`).join('')}</tr>`,
          ...entries.map(
            ({ words, time }) =>
              `<tr class="entry"><td>${escapeHtml(words)}</td><td class="n">${time}</td><td></td><td></td></tr>`,
          ),
        ].join('\n'),
      )
      .join('\n'),
  }
}

/** `19 % × 100,00 € = 19,00 €`, a line a rate. */
function taxesOf({ taxes }: Invoice, { locale, money }: Forms): Rich {
  const lines = taxes.map(
    (tax) => `${percentText(tax.tax_bp, locale)} × ${money(tax.net_minor)} = ${money(tax.tax_minor)}`,
  )
  return { text: lines.join('\n'), html: lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n') }
}

/** A civil date, whatever zone anybody is in. */
export const dayText = (date: string, locale: string): string =>
  formatter(locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(`${date}T12:00:00Z`))

const periodText = (from: string, to: string, locale: string): string =>
  formatter(locale, { dateStyle: 'long', timeZone: 'UTC' }).formatRange(
    new Date(`${from}T12:00:00Z`),
    new Date(`${to}T12:00:00Z`),
  )

const decimalHours = (seconds: number, locale: string): string =>
  new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 4 }).format(
    hoursText(seconds) as Intl.StringNumericLiteral,
  )

const percentText = (bp: number, locale: string): string =>
  new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 2 }).format(
    `${bp}E-4` as Intl.StringNumericLiteral,
  )

/** `1:30`, or with seconds where there are any; `-` in front of what is taken back. */
export function clockText(seconds: number): string {
  const all = Math.abs(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  const rest = all % 60 ? `:${two(all % 60)}` : ''
  return `${seconds < 0 ? '-' : ''}${Math.floor(all / 3600)}:${two(Math.floor((all % 3600) / 60))}${rest}`
}

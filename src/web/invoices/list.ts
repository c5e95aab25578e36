/** What can be billed, and all invoices: drafts first, then the newest number. */
import { html } from 'hono/html'
import { moneyText } from '../../engine/billing/money.ts'
import type { InvoiceRow, Unbilled } from '../../engine/billing/read.ts'
import type { Desk } from '../../engine/desk.ts'
import { type Cell, figures } from '../figures.ts'
import type { Form } from '../form.ts'
import type { Html } from '../page.ts'
import { clockText, dayText } from '../time/words.ts'
import { INVOICE_WORDS, titleOf } from './words.ts'

/** Approved, billable time on no invoice, by customer; each with the form that makes a draft of it. */
export function unbilledTable(rows: readonly Unbilled[], desk: Desk): Html {
  if (rows.length === 0) return html`<div class="empty"><p>All approved time is on an invoice.</p></div>`
  const keys = new Map([...desk.organizations.values()].map((one) => [one.id, one.key]))
  const cells: Cell<Unbilled>[] = [
    { label: 'Customer', name: 'Customer', of: (row) => row.organization },
    { label: 'Entries', name: 'Entries', number: true, of: (row) => String(row.entries) },
    { label: 'Time', name: 'Time', number: true, of: (row) => clockText(row.raw_s) },
    { label: 'Days', name: 'Days', of: (row) => daysText(row.from, row.to) },
    {
      label: html`<span class="sr">What to do</span>`,
      name: 'Do',
      of: (row) => {
        const key = keys.get(row.organization_id)
        if (key === undefined) return html`<span class="muted">No customer of the desk file any more</span>`
        return html`<form method="post" action="/invoices" class="one">
          <input type="hidden" name="organization" value="${key}">
          <input type="hidden" name="from" value="${row.from}"><input type="hidden" name="to" value="${row.to}">
          <button class="small">Make a draft<span class="sr"> for ${row.organization}</span></button></form>`
      },
    },
  ]
  return figures('Not billed yet', cells, { rows })
}

/** A draft for any customer and period; `draft` is what was typed before it was refused. */
export function draftForm(
  desk: Desk,
  { draft, period }: { draft: Form | null; period: { from: string; to: string } },
): Html {
  const was = (name: string, or: string) => draft?.text(name) ?? or
  return html`<form method="post" action="/invoices" class="filter asking">
    <label>Customer <select name="organization">${[...desk.organizations.values()].map(
      ({ key, name }) =>
        html`<option value="${key}"${key === was('organization', '') && html` selected`}>${name}</option>`,
    )}</select></label>
    <label>From <input type="date" name="from" value="${was('from', period.from)}" required></label>
    <label>To <input type="date" name="to" value="${was('to', period.to)}" required></label>
    <label>Currency <input name="currency" value="${was('currency', '')}" placeholder="The customer’s" autocomplete="off" size="9" maxlength="3"></label>
    <button class="small">Make a draft</button>
  </form>`
}

export function invoiceTable(rows: readonly InvoiceRow[]): Html {
  const cells: Cell<InvoiceRow>[] = [
    { label: 'Invoice', name: 'Invoice', of: (row) => html`<a href="/invoices/${row.id}">${titleOf(row)}</a>` },
    { label: 'Customer', name: 'Customer', of: (row) => row.customer.name },
    { label: 'Days', name: 'Days', of: (row) => daysText(row.period_from, row.period_to) },
    { label: 'Date', name: 'Date', of: (row) => (row.issued_on ? dayText(row.issued_on) : '–') },
    { label: 'State', name: 'State', of: stateMarks },
    { label: 'Total', name: 'Total', number: true, of: (row) => moneyText(row.gross_minor, row.currency, 'en') },
  ]
  return figures('Invoices', cells, { rows })
}

export const stateMarks = (
  row: InvoiceRow,
): Html => html`<span class="mark i-${row.status}">${INVOICE_WORDS[row.status]}</span>
  ${row.unpriced.length > 0 && html`<span class="mark danger">${row.unpriced.length} without a price</span>`}
  ${row.credit_note && html`<span class="sub">by <a href="/invoices/${row.credit_note_id}">${row.credit_note}</a></span>`}
  ${row.voids && html`<span class="sub">for <a href="/invoices/${row.voids_id}">${row.voids}</a></span>`}`

/** Both days are included. */
export const daysText = (from: string, to: string): string =>
  from === to ? dayText(from) : `${dayText(from)} to ${dayText(to)}`

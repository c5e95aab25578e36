/** One invoice: its lines and their entries, what is left out and why, and what can be done with it. */
import { html } from 'hono/html'
import type { Opened } from '../../engine/billing/invoices.ts'
import { moneyText } from '../../engine/billing/money.ts'
import type { Invoice, StoredLine } from '../../engine/billing/read.ts'
import type { ListedEntry } from '../../engine/time-entries/list.ts'
import type { SignedIn } from '../context.ts'
import { type Cell, figures } from '../figures.ts'
import { type Html, time } from '../page.ts'
import { whyForm } from '../time/list.ts'
import { clockText, dayText } from '../time/words.ts'
import { whenText } from '../words.ts'
import { daysText, stateMarks } from './list.ts'
import { EXCLUDED_WORDS, titleOf } from './words.ts'

/** `entries` are those of its period, by id, for what is named but not on a line. */
export type Shown = Opened & { entries: Map<number, ListedEntry>; agent: SignedIn; problem: string | null }

export function invoiceBody(shown: Shown): Html {
  const { invoice, agent, problem } = shown
  const at = `/invoices/${invoice.id}`
  return html`<div class="top"><h1>${titleOf(invoice)}</h1>
      <div class="actions">
        <a class="button small" href="${at}/print">Print view</a>
        <a class="button small" href="${at}.csv" download>CSV</a>
        <a class="button small" href="${at}.json" download>JSON</a>
      </div></div>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <p class="marks">${stateMarks(invoice)} <strong>${invoice.customer.name}</strong>
      <span>${daysText(invoice.period_from, invoice.period_to)}</span></p>
    <p class="sub intro">${madeBy(invoice, agent.zone)}</p>
    ${unpricedList(shown)}
    ${invoice.lines.length === 0 ? html`<div class="empty"><p>Nothing to bill in this period.</p></div>` : lineTable(invoice)}
    ${totals(invoice)}
    ${excludedList(shown)}
    ${doing(invoice)}
    <p><a href="/invoices">All invoices</a></p>`
}

function madeBy(invoice: Invoice, zone: string): Html {
  const at = (when: Date) => time(when, whenText(when, zone))
  return html`Made by ${invoice.created_by ?? 'Postroom'}, ${at(invoice.created_at)}.
    ${invoice.finalised_at && html`Final since ${at(invoice.finalised_at)}, by ${invoice.finalised_by}.`}
    ${invoice.voided_at && html`Voided ${at(invoice.voided_at)} by ${invoice.voided_by}: ${invoice.voided_why}`}`
}

/** Each line with its entries, which sum to it (SLA I4). */
function lineTable(invoice: Invoice): Html {
  const money = (minor: number) => moneyText(minor, invoice.currency, 'en')
  const cells: Cell<StoredLine>[] = [
    {
      label: 'Work',
      name: 'Work',
      of: (
        line,
      ) => html`${line.ticket_id === null ? line.title : html`<a href="/tickets/${line.ticket_id}">#${line.ticket_id} ${line.title || 'No subject'}</a>`}
        <span class="sub">${[line.work_type_name, `list ${line.list}`, line.reverses_line_id !== null && 'takes back an earlier line'].filter(Boolean).join(' · ')}</span>
        <details class="more"><summary>${line.entries.length} ${line.entries.length === 1 ? 'entry' : 'entries'}</summary>
          <ul class="parts">${line.entries.map((entry) => html`<li><a href="/time/entries/${entry.id}">${dayText(entry.date)}</a>, ${entry.agent}, ${clockText(entry.raw_s)}${entry.billed_s !== entry.raw_s && html` (billed ${clockText(entry.billed_s)})`}, ${money(entry.net_minor)}${entry.note && html`<span class="sub">${entry.note}</span>`}</li>`)}</ul></details>`,
    },
    { label: 'Time', name: 'Time', number: true, of: (line) => clockText(line.raw_s) },
    { label: 'Billed', name: 'Billed', number: true, of: (line) => clockText(line.billed_s) },
    { label: 'Price an hour', name: 'Price an hour', number: true, of: (line) => money(line.unit_price_minor) },
    { label: 'Net', name: 'Net', number: true, of: (line) => money(line.net_minor) },
  ]
  return figures('Lines', cells, { rows: invoice.lines })
}

function totals(invoice: Invoice): Html {
  const money = (minor: number) => moneyText(minor, invoice.currency, 'en')
  const percent = (bp: number) => `${bp / 100} %`
  return html`<dl class="totals">
    <div><dt>Net</dt><dd>${money(invoice.net_minor)}</dd></div>
    ${invoice.tax_mode === 'reverse_charge' ? html`<div><dt>Tax</dt><dd>Reverse charge</dd></div>` : invoice.taxes.map((tax) => html`<div><dt>Tax, ${percent(tax.tax_bp)} of ${money(tax.net_minor)}</dt><dd>${money(tax.tax_minor)}</dd></div>`)}
    <div class="total"><dt>Total</dt><dd>${money(invoice.gross_minor)}</dd></div>
  </dl>`
}

/** Without a price there is no final invoice (SLA P6). */
function unpricedList({ invoice, entries }: Shown): Html {
  if (invoice.unpriced.length === 0) return html``
  return html`<section class="warning" aria-labelledby="unpriced"><h2 id="unpriced">Without a price</h2>
    <p>No price list has a price for these: add one to the desk file before the draft can become final.</p>
    <ul class="parts">${invoice.unpriced.slice(0, MOST).map((id) => html`<li>${entryLine(id, entries)}</li>`)}</ul>${more(invoice.unpriced.length)}</section>`
}

function excludedList({ excluded, entries }: Shown): Html {
  if (excluded.length === 0) return html``
  return html`<details class="more" open><summary>Of this period but not on the draft (${excluded.length})</summary>
    <ul class="parts">${excluded.slice(0, MOST).map(({ id, why }) => html`<li>${entryLine(id, entries)} <span class="sub">${EXCLUDED_WORDS[why]}</span></li>`)}</ul>${more(excluded.length)}</details>`
}

/** Shown at once; the timesheet has all of them. */
const MOST = 200
const more = (count: number): Html => (count > MOST ? html`<p class="sub">And ${count - MOST} more.</p>` : html``)

function entryLine(id: number, entries: Map<number, ListedEntry>): Html {
  const entry = entries.get(id)
  if (!entry) return html`<a href="/time/entries/${id}">Time entry ${id}</a>`
  const place = entry.ticket_id === null ? entry.project : `#${entry.ticket_id} ${entry.subject || 'No subject'}`
  return html`<a href="/time/entries/${id}">${dayText(entry.local_date)}</a>, ${entry.agent}, ${clockText(entry.raw_s)}, ${place}`
}

function doing(invoice: Invoice): Html {
  const at = `/invoices/${invoice.id}`
  if (invoice.status === 'draft')
    return html`<div class="actions doing">
      <form method="post" action="${at}/finalisation"><input type="hidden" name="rev" value="${invoice.rev}">
        <button class="primary">Make it final</button></form>
      <details class="discard"><summary class="button">Discard</summary>
        <form method="post" action="${at}/discard" class="stack"><p class="sub">Its time becomes free.</p>
          <button class="small danger">Discard the draft</button></form></details>
    </div>`
  if (invoice.status !== 'final' || invoice.kind === 'credit_note') return html``
  return html`<div class="actions doing">${whyForm(`${at}/void`, 'Void', { id: 'void', name: titleOf(invoice), fields: {} })}</div>`
}

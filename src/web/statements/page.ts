/** One statement: what was sent and what was said to it, the month as it is now, the mail, and what can be done. */
import { html } from 'hono/html'
import { moneyText } from '../../engine/billing/money.ts'
import { type Content, fingerprint, type StatementRow } from '../../engine/billing/statements/content.ts'
import type { Preview } from '../../engine/billing/statements/preview.ts'
import type { StatementRecord } from '../../engine/billing/statements/read.ts'
import { sumsText } from '../../engine/billing/statements/words.ts'
import type { OutboxState } from '../../engine/outbox/tables.ts'
import type { SignedIn } from '../context.ts'
import { type Cell, figures } from '../figures.ts'
import { OUTBOX_WORDS } from '../outbox/words.ts'
import { type Html, time } from '../page.ts'
import { whyForm } from '../time/list.ts'
import { clockText, dayText } from '../time/words.ts'
import { whenText } from '../words.ts'
import { stateMark } from './list.ts'

export type Shown = {
  key: string
  name: string
  /** `2026-10`, and as people say it. */
  month: string
  title: string
  record: StatementRecord | null
  /** Null: the desk file names the customer no more. */
  preview: Preview | null
  /** What became of the mails of it, the newest first. */
  mails: { id: number; recipient: string; state: OutboxState }[]
  agent: SignedIn
  problem: string | null
}

export function statementBody(shown: Shown): Html {
  const { key, name, month, title, record, preview, problem } = shown
  const content = record?.content ?? null
  const changed = content && preview && fingerprint(content) !== preview.seen
  const isOpen = record?.state !== 'approved'
  const isNow = preview !== null && isOpen && (content === null || changed)
  return html`<div class="top"><h1>${title}</h1>
      <div class="actions">${(content ?? preview) && html`<a class="button small" href="/statements/${key}/${month}.csv" download>CSV</a>`}
        ${record?.ticket_id && html`<a class="button small" href="/tickets/${record.ticket_id}">Ticket #${record.ticket_id}</a>`}</div></div>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <p class="marks">${stateMark(record?.state ?? null)} <strong>${name}</strong></p>
    ${story(shown)}
    ${content && table(content, 'As it was sent')}
    ${changed && isOpen && html`<p class="problem">The time has changed since it was sent: a yes to that mail approves nothing.</p>`}
    ${isNow && table(preview.draft, content ? 'As it is now' : 'What would be sent')}
    ${preview && leftOut(preview)}
    ${doing(shown)}
    ${isOpen && preview && preview.draft.rows.length > 0 && mailOf(preview)}
    <p><a href="/statements?month=${month}">All statements of the month</a></p>`
}

/** Who got it when, what they said, and who opened it again why. */
function story({ record, mails, agent }: Shown): Html {
  if (!record) return html`<p class="sub intro">It was not sent yet.</p>`
  const at = (when: Date) => time(when, whenText(when, agent.zone))
  const people = record.people.map((one) => one.address).join(', ')
  return html`<p class="sub intro">
    ${record.state === 'empty' && html`There was no approved time when it was due.`}
    ${record.sent_at && html`Sent to ${people}, ${at(record.sent_at)}${record.sent_by ? html` by ${record.sent_by}` : html` by itself`}${record.revision > 1 && html`, the ${String(record.revision)}. time`}.`}
    ${record.answered_at && html`${record.state === 'disputed' ? 'Objection' : 'Approval'} of ${record.answered_by}, ${at(record.answered_at)}.`}
    ${record.reopened_at && html`Reopened ${at(record.reopened_at)} by ${record.reopened_by}: ${record.reopened_why}`}</p>
    ${record.answer && html`<blockquote class="note-text">${record.answer}</blockquote>`}
    ${
      mails.length > 0 &&
      html`<ul class="parts">${mails.map((one) => html`<li>${one.recipient}: ${OUTBOX_WORDS[one.state]}</li>`)}</ul>`
    }`
}

function table(content: Content, name: string): Html {
  const cells: Cell<StatementRow>[] = [
    {
      label: 'Day',
      name: 'Day',
      of: (row) =>
        html`<a href="/time/entries/${row.id}">${dayText(row.date)}</a> <span class="sub">${row.agent}</span>`,
    },
    {
      label: 'Work',
      name: 'Work',
      of: (
        row,
      ) => html`${row.ticket === null ? row.project : html`<a href="/tickets/${row.ticket}">#${row.ticket} ${row.title || 'No subject'}</a>`}
        <span class="sub">${[row.ticket !== null && row.project, row.work_type].filter(Boolean).join(' · ')}</span>
        ${row.note && html`<span class="note-text">${row.note}</span>`}`,
    },
    { label: 'Time', name: 'Time', number: true, of: (row) => clockText(row.raw_s) },
    {
      label: 'Before tax',
      name: 'Before tax',
      number: true,
      of: (row) =>
        row.net_minor !== null ? moneyText(row.net_minor, row.currency!, 'en') : row.billable ? 'No price' : 'Free',
    },
  ]
  const { rows, billable_s, free_s, sums, unpriced } = content
  return html`<section class="billing" aria-label="${name}"><h2>${name}</h2>
    ${rows.length === 0 ? html`<div class="empty"><p>No approved time.</p></div>` : figures(name, cells, { rows })}
    ${
      rows.length > 0 &&
      html`<dl class="totals">
      <div><dt>Billable</dt><dd>${clockText(billable_s)}</dd></div>
      <div><dt>Free</dt><dd>${clockText(free_s)}</dd></div>
      ${unpriced > 0 && html`<div><dt>Without a price</dt><dd>${unpriced}</dd></div>`}
      <div class="total"><dt>Before tax</dt><dd>${sumsText(sums, 'en') ?? '–'}</dd></div></dl>`
    }</section>`
}

/** Time of the month that is not on it, and why. */
function leftOut({ draft: { open, late } }: Preview): Html {
  const count = (n: number) => (n === 1 ? '1 entry' : `${n} entries`)
  return html`${open > 0 && html`<p class="sub">Not on it: ${count(open)} of the month that nobody has approved yet.</p>`}
    ${late > 0 && html`<p class="sub">Not on it: ${count(late)} that came to this customer after they had approved the month; no invoice takes them until it is reopened.</p>`}`
}

function doing({ key, month, record, preview, name }: Shown): Html {
  const at = `/statements/${key}/${month}`
  if (record?.state === 'approved')
    return html`<div class="actions doing">${whyForm(`${at}/reopening`, 'Reopen', { id: 'reopen', name, fields: {} })}</div>`
  if (!preview) return html``
  if (preview.stopped) return html`<p class="sub">It cannot be sent: ${preview.stopped}</p>`
  const again = (record?.revision ?? 0) > 0
  return html`<div class="actions doing"><form method="post" action="${at}/sending">
    <input type="hidden" name="seen" value="${preview.seen}">
    <button class="primary">${again ? 'Send it again' : 'Send it now'}</button></form></div>
    ${again && html`<p class="sub">A new mail replaces the one before, which then approves nothing.</p>`}`
}

const mailOf = ({ words }: Preview): Html => html`<details class="more"><summary>The mail as it would be sent</summary>
  <p><strong>${words.subject}</strong></p><pre tabindex="0" aria-label="Text of the mail">${words.text}</pre></details>`

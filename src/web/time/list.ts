/** Time entries as rows with what may be done with each, and their sums by group. */
import { html } from 'hono/html'
import type { Desk } from '../../engine/desk.ts'
import { mayApprove } from '../../engine/time-entries/approval.ts'
import type { EntryGroup, EntryTotals, Group, ListedEntry, Sort } from '../../engine/time-entries/list.ts'
import { Temporal } from '../../time.ts'
import type { SignedIn } from '../context.ts'
import { type Cell, figures } from '../figures.ts'
import { buttonForm, type Html } from '../page.ts'
import { type Asked, addressOf } from './ask.ts'
import { clockText, dayText, ENTRY_WORDS, spanText } from './words.ts'

/** Who looks, and where they come back to. */
export type Looking = { agent: SignedIn; desk: Desk; back: string }

/** Heads are links that sort by them, and turn the order where they do already. */
export function entryTable(rows: readonly ListedEntry[], asked: Asked, looking: Looking): Html {
  const head = (sort: Sort, words: string) => {
    const sorted = asked.sort === sort
    const order = sorted && asked.order === 'desc' ? 'asc' : 'desc'
    return html`<a href="${addressOf(asked, { sort, order })}">${words}${sorted && html`<span aria-hidden="true"> ${asked.order === 'asc' ? '↑' : '↓'}</span><span class="sr">, sorted ${asked.order === 'asc' ? 'rising' : 'falling'}</span>`}</a>`
  }
  const cells: Cell<ListedEntry>[] = [
    {
      label: head('date', 'Day'),
      name: 'Day',
      of: (row) =>
        html`<time datetime="${row.local_date}">${dayText(row.local_date)}</time> <span class="sub">${spanText(row)}</span>`,
    },
    { label: head('ticket', 'Work'), name: 'Work', of: workCell },
    { label: head('agent', 'Agent'), name: 'Agent', of: (row) => row.agent },
    {
      label: head('time', 'Time'),
      name: 'Time',
      number: true,
      of: (row) =>
        html`<strong>${clockText(row.raw_s)}</strong> <span class="sub">${row.billable ? 'billable' : 'free'}</span>`,
    },
    { label: head('status', 'State'), name: 'State', of: stateCell },
    { label: html`<span class="sr">What to do</span>`, name: 'Do', of: (row) => actionsOf(row, looking) },
  ]
  return figures('Time entries', cells, { rows })
}

/** Groups with their sums, which come to the total; each leads to its entries. */
export function groupTable(
  groups: readonly EntryGroup[],
  { by, total, asked }: { by: Group; total: EntryTotals; asked: Asked },
): Html {
  const length = (name: string, of: (row: EntryTotals) => number): Cell<EntryGroup> => ({
    label: name,
    name,
    number: true,
    of: (row) => clockText(of(row)),
  })
  const sums = [
    length('Time', (row) => row.raw_s),
    length('Billable', (row) => row.billable_s),
    length('Free', (row) => row.free_s),
    length('Open', (row) => row.open_s),
    length('Submitted', (row) => row.submitted_s),
    length('Approved', (row) => row.approved_s),
    length('Invoiced', (row) => row.invoiced_s),
  ]
  const all = { ...total, key: '', label: '' }
  const name = by[0]!.toUpperCase() + by.slice(1)
  const cells: Cell<EntryGroup>[] = [
    { label: name, name, of: (row) => groupLink(row, by, asked) },
    { label: 'Entries', name: 'Entries', number: true, of: (row) => String(row.entries) },
    ...sums,
  ]
  return figures(`Sums by ${by}`, cells, {
    rows: groups,
    total: ['All', ...cells.slice(1).map((cell) => cell.of(all))],
  })
}

/** One line of what all of it comes to. */
export const totalLine = (
  total: EntryTotals,
): Html => html`<p class="intro"><strong>${clockText(total.raw_s)}</strong> in ${total.entries} ${total.entries === 1 ? 'entry' : 'entries'}:
  ${clockText(total.billable_s)} billable, ${clockText(total.free_s)} free; ${clockText(total.open_s)} open,
  ${clockText(total.submitted_s)} submitted, ${clockText(total.approved_s)} approved, ${clockText(total.invoiced_s)} invoiced.</p>`

/** Buttons and small forms; the engine decides once more whether they may. */
export function actionsOf(entry: ListedEntry, { agent, desk, back }: Looking): Html {
  const own = entry.agent_id === agent.id
  const decides = mayJudge(entry, { agent, desk })
  const at = `/time/entries/${entry.id}`
  const fields = { back, rev: String(entry.rev) }
  const name = `${clockText(entry.raw_s)} of ${dayText(entry.local_date)}`
  const changes =
    (own || agent.admin) && entry.reverses_id === null && entry.status !== 'invoiced' && entry.statement_id === null
  const can = [
    maySubmit(entry, { agent }) && buttonForm(`${at}/submission`, 'Submit', { name, fields }),
    changes &&
      html`<a class="button small" href="${at}">${entry.review_at ? 'Look at it' : 'Edit'}<span class="sr"> ${name}</span></a>`,
    mayDecide(entry, { agent, desk }) && buttonForm(`${at}/approval`, 'Approve', { name, fields }),
    mayDecide(entry, { agent, desk }) &&
      whyForm(`${at}/rejection`, 'Send back', { id: `no-${entry.id}`, name, fields }),
    decides &&
      entry.status === 'invoiced' &&
      entry.reversed_by === null &&
      entry.reverses_id === null &&
      whyForm(`${at}/reversal`, 'Take back', { id: `back-${entry.id}`, name, fields }),
  ].filter((one) => one !== false)
  return can.length === 0 ? html`` : html`<div class="actions">${can}</div>`
}

/** Whether a draft can be submitted as it is. */
export const maySubmit = (entry: ListedEntry, { agent }: Pick<Looking, 'agent'>): boolean =>
  (entry.agent_id === agent.id || agent.admin) &&
  entry.status === 'draft' &&
  entry.review_at === null &&
  entry.raw_s > 0

/** Whether it waits for a decision that is theirs. */
export const mayDecide = (entry: ListedEntry, looking: Pick<Looking, 'agent' | 'desk'>): boolean =>
  entry.status === 'submitted' && mayJudge(entry, looking)

const mayJudge = (entry: ListedEntry, { agent, desk }: Pick<Looking, 'agent' | 'desk'>): boolean =>
  mayApprove(desk, agent) && (entry.agent_id !== agent.id || desk.settings.time.own !== 'refuse')

/** A button that asks why first. */
export const whyForm = (
  action: string,
  label: string,
  { id, name, fields }: { id: string; name: string; fields: Record<string, string> },
): Html => html`<details class="discard"><summary class="button small">${label}<span class="sr"> ${name}</span></summary>
  <form method="post" action="${action}" class="stack">
    ${Object.entries(fields).map(([key, value]) => html`<input type="hidden" name="${key}" value="${value}">`)}
    <label for="${id}">Why</label>
    <input id="${id}" name="why" maxlength="1000" required>
    <button class="small danger">${label}<span class="sr"> ${name}</span></button>
  </form>
</details>`

export function stateCell(entry: ListedEntry): Html {
  return html`<span class="mark t-${entry.status}">${ENTRY_WORDS[entry.status]}</span>
    ${entry.review_at && html`<span class="sub">The timer stopped itself: look at it first.</span>`}
    ${entry.rejected_why && html`<span class="sub">${entry.rejected_why}</span>`}
    ${entry.approved_by && html`<span class="sub">by ${entry.approved_by}</span>`}
    ${entry.invoice && html`<span class="sub">${entry.invoice}</span>`}
    ${entry.invoice_id !== null && !entry.invoice && html`<span class="sub">on a draft invoice</span>`}
    ${entry.statement_id !== null && html`<span class="sub">approved by the customer</span>`}
    ${entry.reverses_id !== null && html`<span class="sub">takes back entry ${entry.reverses_id}</span>`}
    ${entry.reversed_by !== null && html`<span class="sub">taken back by entry ${entry.reversed_by}</span>`}`
}

export function workCell(entry: ListedEntry): Html {
  const place =
    entry.ticket_id === null
      ? html`<strong>${entry.project}</strong>`
      : html`<a href="/tickets/${entry.ticket_id}">#${entry.ticket_id} ${entry.subject || 'No subject'}</a>`
  const beside = [
    entry.organization,
    entry.ticket_id !== null && entry.project,
    entry.work_type_name,
    entry.percent_complete !== null && `${entry.percent_complete} % done`,
  ]
  return html`${place} <span class="sub">${beside.filter(Boolean).join(' · ')}</span> ${entry.note && html`<span class="note-text">${entry.note}</span>`}`
}

function groupLink({ key, label }: EntryGroup, by: Group, asked: Asked): Html | string {
  if (key === '') return by === 'customer' ? 'No customer' : by === 'ticket' ? 'No ticket' : '–'
  const change: Partial<Asked> = { group: '' }
  if (by === 'day') Object.assign(change, { from: key, to: key })
  else if (by === 'week') Object.assign(change, datesOf(key, asked))
  else change[by] = key
  const words = by === 'ticket' ? `#${key} ${label}` : by === 'day' ? dayText(key) : label
  return html`<a href="${addressOf(asked, change)}">${words}</a>`
}

/** Monday to Sunday of `2026-W09`, within the days that were asked for, so that the sum stays that of the group. */
function datesOf(week: string, asked: Asked): { from: string; to: string } {
  const [year, number] = week.split('-W').map(Number) as [number, number]
  const fourth = Temporal.PlainDate.from({ year, month: 1, day: 4 })
  const monday = fourth.subtract({ days: fourth.dayOfWeek - 1 }).add({ weeks: number - 1 })
  const [from, to] = [monday.toString(), monday.add({ days: 6 }).toString()]
  return { from: asked.from > from ? asked.from : from, to: asked.to && asked.to < to ? asked.to : to }
}

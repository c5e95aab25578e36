/** The form of a time entry: what it shows, and what its fields mean. Nothing that was typed is lost when it is refused. */
import { html } from 'hono/html'
import type { Desk } from '../../engine/desk.ts'
import { STATUSES } from '../../engine/tables.ts'
import type { Details } from '../../engine/time-entries/details.ts'
import type { ListedEntry } from '../../engine/time-entries/list.ts'
import type { Place } from '../../engine/time-entries/place.ts'
import type { When } from '../../engine/time-entries.ts'
import { Refusal } from '../../errors.ts'
import { timesheets as limits } from '../../limits.ts'
import { type Form, parseId } from '../form.ts'
import type { Html } from '../page.ts'
import { STATUS_WORDS } from '../words.ts'
import { clockText, clockTime, readLength } from './words.ts'

const FIELDS = [
  'ticket',
  'project',
  'date',
  'spent',
  'start',
  'end',
  'work_type',
  'billable',
  'note',
  'percent',
  'status_after',
] as const
export type Values = Partial<Record<(typeof FIELDS)[number], string>>

/** The fields as they were sent. */
export const sentValues = (form: Form): Values => Object.fromEntries(FIELDS.map((name) => [name, form.text(name)]))

/** The fields as an entry has them; its time stands as a span where it has one, else as a length. */
export function entryValues(entry: ListedEntry): Values {
  const { started_at, ended_at, tz } = entry
  return {
    date: entry.local_date,
    spent: started_at ? '' : clockText(entry.raw_s),
    start: started_at ? clockTime(started_at, tz) : '',
    end: ended_at ? clockTime(ended_at, tz) : '',
    work_type: entry.work_type ?? '',
    billable: entry.billable ? 'yes' : 'no',
    note: entry.note,
    percent: entry.percent_complete === null ? '' : String(entry.percent_complete),
    status_after: entry.ticket_status_after ?? '',
  }
}

/** Where the time went: a ticket, or a project as such. Throws Refusal `no_place`. */
export function placeOf(values: Values): Place {
  const ticketId = parseId(values.ticket?.trim().replace(/^#/, ''))
  const project = values.project?.trim()
  if (ticketId !== null) return { ticketId }
  if (project && !values.ticket?.trim()) return { project }
  throw new Refusal('no_place', 'Type the number of a ticket, or choose a project: time belongs to one of them.')
}

/** Throws Refusal `bad_time` where neither a length nor a span is given, or both. */
export function whenOf(values: Values): When {
  const { date = '', spent = '', start = '', end = '' } = values
  const spans = start.trim() !== '' || end.trim() !== ''
  if (spent.trim() !== '' && spans)
    throw new Refusal('bad_time', 'Enter how long it took, or from when to when: both together say it twice.')
  if (spent.trim() !== '') return { date, seconds: readLength(spent) }
  if (!spans) throw new Refusal('bad_time', 'Enter how long it took, or from when to when.')
  return { date, start: start.trim(), end: end.trim() }
}

/** Only what the form has fields for; `billable` left open is as the project says. */
export function detailsOf(values: Values): Details {
  const { work_type, billable, note, percent = '', status_after } = values
  if (percent.trim() !== '' && !/^\d{1,3}$/.test(percent.trim()))
    throw new Refusal('bad_percent', 'Write how much is done as a whole number from 0 to 100.')
  return {
    ...(work_type !== undefined && { workType: work_type || null }),
    ...(billable && { billable: billable === 'yes' }),
    note: note ?? '',
    percent: percent.trim() === '' ? null : Number(percent),
    statusAfter: status_after || null,
  }
}

/** Day and length or span. `id` tells the fields of several forms on one page apart. */
export const whenFields = (id: string, values: Values): Html => html`<div class="fields">
    <div><label for="${id}-date">Day</label>
      <input id="${id}-date" type="date" name="date" value="${values.date ?? ''}" required></div>
    <div><label for="${id}-spent">How long</label>
      <input id="${id}-spent" name="spent" value="${values.spent ?? ''}" placeholder="1h30m, 90m or 1:30" autocomplete="off" maxlength="20"></div>
    <div><label for="${id}-start">or from</label>
      <input id="${id}-start" type="time" name="start" value="${values.start ?? ''}" step="${stepOf(values)}"></div>
    <div><label for="${id}-end">to</label>
      <input id="${id}-end" type="time" name="end" value="${values.end ?? ''}" step="${stepOf(values)}"></div>
  </div>`

/** To the minute, unless a timer has stopped within one. */
const stepOf = ({ start = '', end = '' }: Values): number => (start.length > 5 || end.length > 5 ? 1 : 60)

/** What was done, and what it says of the ticket where there is one. */
export function detailFields(
  id: string,
  values: Values,
  { desk, onTicket, asProject }: { desk: Desk; onTicket: boolean; asProject: boolean },
): Html {
  const option = (value: string, words: string, chosen: string | undefined) =>
    html`<option value="${value}"${value === chosen && html` selected`}>${words}</option>`
  const types = [...desk.work_types.values()]
  const chosen = values.work_type ?? types[0]?.key ?? ''
  // A kind of work may be gone from the desk file; an entry keeps it unless somebody chooses another.
  const known = chosen === '' || types.some((one) => one.key === chosen)
  const statuses = STATUSES.filter((status) => status !== 'new')
  return html`<div><label for="${id}-note">What was done</label>
      <textarea id="${id}-note" name="note" rows="2" maxlength="${limits.note}">${values.note ?? ''}</textarea></div>
    <div class="fields">
      ${
        types.length > 0 &&
        html`<div><label for="${id}-type">Work</label>
        <select id="${id}-type" name="work_type">${!known && option(chosen, 'As it is', chosen)} ${types.map((one) => option(one.key, one.name, chosen))} ${option('', 'None', chosen)}</select></div>`
      }
      <div><label for="${id}-bill">Billing</label>
        <select id="${id}-bill" name="billable">
          ${asProject && option('', 'As the project says', values.billable)} ${option('yes', 'Billable', values.billable)} ${option('no', 'Free', values.billable)}
        </select></div>
      ${
        onTicket &&
        html`<div><label for="${id}-percent">Percent done</label>
          <input id="${id}-percent" name="percent" value="${values.percent ?? ''}" inputmode="numeric" autocomplete="off" maxlength="3"></div>
        <div><label for="${id}-after">Status when submitted</label>
          <select id="${id}-after" name="status_after">${option('', 'As it is', values.status_after)}
            ${statuses.map((one) => option(one, STATUS_WORDS[one], values.status_after))}</select></div>`
      }
    </div>`
}

/** The whole form that enters time; on a ticket's page its place is given. */
export function enterForm(
  id: string,
  values: Values,
  { desk, back, fixed }: { desk: Desk; back: string; fixed: boolean },
): Html {
  return html`<form method="post" action="/time/entries" class="stack">
    <input type="hidden" name="back" value="${back}">
    ${
      fixed
        ? html`<input type="hidden" name="ticket" value="${values.ticket ?? ''}">`
        : html`<div class="fields">
      <div><label for="${id}-ticket">Ticket number</label>
        <input id="${id}-ticket" name="ticket" value="${values.ticket ?? ''}" inputmode="numeric" autocomplete="off" maxlength="16"></div>
      <div><label for="${id}-project">or project</label>
        <select id="${id}-project" name="project"><option value="">None</option>
          ${[...desk.projects.keys()].map((key) => html`<option${key === values.project && html` selected`}>${key}</option>`)}</select></div>
    </div>`
    }
    ${whenFields(id, values)}
    ${detailFields(id, values, { desk, onTicket: true, asProject: true })}
    <p class="buttons"><button class="primary" name="finish" value="draft">Save draft</button>
      <button name="finish" value="submit">Save and submit</button></p>
  </form>`
}

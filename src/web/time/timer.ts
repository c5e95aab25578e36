/** The timer as a box: what runs and since when, and the form that stops it; or the button that starts it. */
import { html } from 'hono/html'
import type { Desk } from '../../engine/desk.ts'
import type { ListedEntry } from '../../engine/time-entries/list.ts'
import { buttonForm, type Html, time } from '../page.ts'
import { whenText } from '../words.ts'
import { detailFields, entryValues } from './form.ts'
import { clockText } from './words.ts'

type Shown = { desk: Desk; back: string }

/** What it runs on, how long until now, and the form that stops it. */
export function runningTimer(timer: ListedEntry, { desk, back }: Shown): Html {
  const minutes = timer.raw_s - (timer.raw_s % 60)
  const place =
    timer.ticket_id === null
      ? html`<strong>${timer.project}</strong>`
      : html`<a href="/tickets/${timer.ticket_id}">#${timer.ticket_id} ${timer.subject || 'No subject'}</a>`
  return html`<div class="timer" role="group" aria-label="Running timer">
    <p><span class="mark t-running">Timer runs</span> ${back !== `/tickets/${timer.ticket_id}` && place}</p>
    <p class="sub">${clockText(minutes)} h until now, since ${time(timer.started_at!, whenText(timer.started_at!, timer.tz))}</p>
    <form method="post" action="/time/timer/stop" class="stack">
      <input type="hidden" name="back" value="${back}">
      <input type="hidden" name="entry" value="${timer.id}">
      <details class="more"><summary>What was done</summary>
        ${detailFields('stop', entryValues(timer), { desk, onTicket: timer.ticket_id !== null, asProject: false })}
      </details>
      <p><button class="primary">Stop the timer</button></p>
    </form>
  </div>`
}

/** Starting stops what runs elsewhere, and the button says so. */
export const startTicketTimer = (
  ticketId: number,
  { timer, back }: { timer: ListedEntry | null; back: string },
): Html => html`${
  timer &&
  html`<p class="sub">Your timer runs on ${timer.ticket_id === null ? timer.project : html`<a href="/tickets/${timer.ticket_id}">#${timer.ticket_id}</a>`}: starting it here stops it there.</p>`
}
  ${buttonForm('/time/timer', 'Start the timer', { fields: { ticket: String(ticketId), back } })}`

/** A form that asks where to start it. */
export const startTimerForm = ({
  desk,
  back,
}: Shown): Html => html`<form method="post" action="/time/timer" class="filter">
  <input type="hidden" name="back" value="${back}">
  <label>Ticket <input name="ticket" inputmode="numeric" autocomplete="off" size="6" maxlength="16"></label>
  <label>or project <select name="project"><option value="">None</option>
    ${[...desk.projects.keys()].map((key) => html`<option>${key}</option>`)}</select></label>
  <button class="small">Start the timer</button>
</form>`

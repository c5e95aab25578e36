/** Time on a ticket's page: what was spent and how much is done, the timer, and a small form to enter more. */
import { html } from 'hono/html'
import { localDate } from '../../days.ts'
import { findTimer, ticketProgress, totalEntries } from '../../engine/time-entries/list.ts'
import type { SignedIn, Web } from '../context.ts'
import type { Html } from '../page.ts'
import { enterForm } from '../time/form.ts'
import { runningTimer, startTicketTimer } from '../time/timer.ts'
import { clockText } from '../time/words.ts'
import type { TicketRow } from './load.ts'

export async function spentTime(web: Web, { ticket, agent }: { ticket: TicketRow; agent: SignedIn }): Promise<Html> {
  const [now, { desk }] = [web.now(), web.tools()]
  const [total, progress, timer] = await Promise.all([
    totalEntries(web.sql, { ticketId: ticket.id }, now),
    ticketProgress(web.sql, ticket.id),
    findTimer(web.sql, agent.id, now),
  ])
  const back = `/tickets/${ticket.id}`
  const here = timer?.ticket_id === ticket.id ? timer : null
  const values = { ticket: String(ticket.id), date: localDate(now, agent.zone) }
  const all = `/time?${new URLSearchParams({ ticket: String(ticket.id), agent: '', from: '', to: '' })}`
  return html`<section aria-labelledby="f-time" class="spent"><h2 id="f-time">Time</h2>
    <p>${
      total.entries === 0
        ? html`<span class="muted">None was entered.</span>`
        : html`<a href="${all}"><strong>${clockText(total.raw_s)}</strong> spent</a>, ${clockText(total.billable_s)} billable`
    }${progress !== null && `, ${progress} % done`}</p>
    ${here ? runningTimer(here, { desk, back }) : ticket.merged_into === null && startTicketTimer(ticket.id, { timer, back })}
    ${ticket.merged_into === null && html`<details class="more"><summary>Enter time</summary>${enterForm('time', values, { desk, back, fixed: true })}</details>`}
  </section>`
}

/** Queue pages: open tickets by due date, with the time left in words. An open one keeps itself true (queues/live.ts). */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import type { Calendar } from '../engine/business-hours.ts'
import { isByHand, keepOrder } from '../engine/people/order.ts'
import type { QueueOrder } from '../engine/tables.ts'
import { Refusal } from '../errors.ts'
import { seconds } from '../time.ts'
import { queueScriptPath } from './assets.ts'
import type { Env, Pages, SignedIn, Web } from './context.ts'
import { readForm } from './form.ts'
import { findCalendars, secondsLeft, urgencyOf } from './left.ts'
import { priorityMark, statusMark, unassessedMark } from './marks.ts'
import { agentPage, type Html, pager, time } from './page.ts'
import { LIVE_POLICY } from './policy.ts'
import { findQueue, markOf, orderOf, queueQuery, streamPath } from './queues/ask.ts'
import { cursorText, listProjects, listQueue, type QueueClock, type QueueRow, type QueueSlice } from './queues/list.ts'
import { ORDERS, type QUEUES } from './queues/names.ts'
import { leftText, METRIC_WORDS, shortWhenText, shownDue, whenText, zoneText } from './words.ts'

export function queuePages(web: Web): Pages {
  return new Hono<Env>()
    .get('/', (c) => c.redirect('/queues/open', 303))
    .get('/jump', (c) => {
      const number = /^\s*#?(\d{1,15})\s*$/.exec(c.req.query('number') ?? '')?.[1]
      if (!number) throw new Refusal('no_number', 'Type the number of a ticket, such as 12.')
      return c.redirect(`/tickets/${number}`, 303)
    })
    .get('/queues/:name', async (c) => {
      const queue = findQueue(c.req.param('name'))
      if (!queue) return c.notFound()
      const projects = await listProjects(web.sql)
      const agent = c.get('agent')
      const asked = (name: string) => c.req.query(name)
      const query = queueQuery(asked, { queue: queue.name, agent, projects })
      const project = projects.find((one) => one.id === query.projectId)
      const slice = await listQueue(web.sql, query)
      const calendars = await findCalendars(
        web.sql,
        slice.rows.flatMap((row) => row.clocks.map((clock) => clock.calendar_id)),
      )
      const view: View = {
        queue,
        project: project?.key ?? null,
        order: query.order,
        isAsked: orderOf(asked) !== null,
        slice,
        calendars,
        agent,
        now: web.now(),
      }
      const title = project ? `${queue.label} in ${project.key}` : queue.label
      const body = html`<div class="top">
          <h1>${queue.label}</h1>
          ${choices(view, projects)}
        </div>
        <p id="stale" class="warning" role="status"></p>
        <div id="queue" data-live="${streamPath(queue.name, asked, markOf(slice))}">
          ${slice.rows.length === 0 ? emptyList(view) : html`${ticketTable(view)} ${neighbours(view)}`}
        </div>`
      const page = { title, current: `/queues/${queue.name}`, body, script: queueScriptPath }
      return c.html(agentPage(web, agent, page), 200, { 'Content-Security-Policy': LIVE_POLICY })
    })
    .post('/queues/:name', async (c) => {
      const queue = findQueue(c.req.param('name'))
      if (!queue) return c.notFound()
      const form = await readForm(c)
      const choice = { agentId: c.get('agent').id, order: form.text('order') }
      await transaction(web.sql, (tx) => keepOrder(tx, choice))
      const project = form.text('project')
      return c.redirect(`/queues/${queue.name}${project && `?${new URLSearchParams({ project })}`}`, 303)
    }) as Pages
}

type Queue = (typeof QUEUES)[number]
type View = {
  queue: Queue
  project: string | null
  order: QueueOrder
  /** The address names the order: links keep it. */
  isAsked: boolean
  slice: QueueSlice
  calendars: Map<number, Calendar>
  agent: SignedIn
  now: Date
}

/** Which project, and in which order; the order can be kept for the next time. */
function choices({ queue, project, order, agent }: View, projects: { key: string }[]): Html {
  const isOrdered = queue.name !== 'resolved'
  if (projects.length < 2 && !isOrdered) return html``
  return html`<form class="filter" action="/queues/${queue.name}" method="get">
    ${
      projects.length > 1 &&
      html`<label>Project <select name="project">
        <option value="">All projects</option>
        ${projects.map(({ key }) => html`<option${key === project && html` selected`}>${key}</option>`)}
      </select></label>`
    }
    ${
      isOrdered &&
      html`<label>Order <select name="order">
        ${ORDERS.map(({ name, label }) => html`<option value="${name}"${name === order && html` selected`}>${label}</option>`)}
      </select></label>`
    }
    <button class="small">Show</button>
    ${isOrdered && order !== agent.order && html`<button class="small" formmethod="post">Keep this order</button>`}
  </form>`
}

const emptyList = (view: View): Html => html`<div class="empty">
  <p>${view.project ? `Nothing here in ${view.project}.` : view.queue.empty}</p>
  ${view.project && html`<p><a href="/queues/${view.queue.name}">Look in all projects</a></p>`}
</div>`

/** The roles are spelled out because narrow screens lay rows out as cards, which would undo the table's own. */
function ticketTable(view: View): Html {
  const { agent, now, queue } = view
  const last = queue.name === 'resolved' ? 'Resolved' : 'Time left'
  return html`<table role="table" class="tickets" aria-label="${queue.label}">
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col" class="c-left">${last} <span class="zone">${zoneText(agent.zone, now)}</span></th>
        <th role="columnheader" scope="col" class="c-subject">Subject, number, project</th>
        <th role="columnheader" scope="col" class="c-requester">Requester</th>
        <th role="columnheader" scope="col" class="c-status">Status</th>
        <th role="columnheader" scope="col" class="c-priority">Priority</th>
        <th role="columnheader" scope="col" class="c-assignee">Assignee</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${view.slice.rows.map((row) => ticketRow(row, view))}
    </tbody>
  </table>`
}

function ticketRow(row: QueueRow, view: View): Html {
  return html`<tr role="row">
    <td role="cell" class="c-left">${view.queue.name === 'resolved' ? resolvedCell(row, view) : leftCell(row, view)}</td>
    <td role="cell" class="c-subject">
      <a href="/tickets/${row.id}">${row.subject || 'No subject'}</a>
      <span class="sub">#${row.id} · ${row.project}${row.undelivered_at && html` <span class="mark danger">Answer not delivered</span>`}</span>
    </td>
    <td role="cell" class="c-requester">
      <span>${row.requester_name || row.requester_address || 'Nobody to answer'}</span>
      <span class="sub">${row.organization ?? (row.requester_name && row.requester_address) ?? ''}</span>
    </td>
    <td role="cell" class="c-status">${statusMark(row.status)}</td>
    <td role="cell" class="c-priority">${priorityMark(row.priority, row.colour)}${unassessedMark(row)}</td>
    <td role="cell" class="c-assignee">${row.assignee ?? html`<span class="muted">Nobody</span>`}</td>
  </tr>`
}

/** What is due next, in large, and all other clocks of the ticket; what waits says so (SLA Q7, D3). */
function leftCell(row: QueueRow, view: View): Html {
  if (isByHand(row))
    return html`${byHand(row.due_at!, view)}${nextFirst(row).map((one) => html`<span class="sub clock">${clockWords(one, view)}</span>`)}`
  if (row.clocks.length === 0) return html`<span class="muted">No due date</span>`
  const [first, ...others] = nextFirst(row) as [QueueClock, ...QueueClock[]]
  const left = restOf(first, view)
  const due = first.due_at && shownDue(first.due_at)
  const metric = METRIC_WORDS[first.metric]
  const head = due
    ? html`<span class="left ${urgencyOf(left)}" title="${metric} by ${whenText(due, view.agent.zone)}">${leftText(left)}</span>
      <span class="sub">${metric} ${time(first.due_at!, shortWhenText(due, view.agent.zone, view.now))}</span>`
    : first.state === 'paused'
      ? html`<span class="mark">Paused</span> <span class="sub">${metric}: ${leftText(left)}</span>`
      : html`<span class="muted">No due date</span> <span class="sub">${metric}</span>`
  return html`${head}${others.map((one) => html`<span class="sub clock">${clockWords(one, view)}</span>`)}`
}

/** A date that somebody set counts in no working hours: it is shown as it is, and whether it has passed. */
function byHand(due: Date, { agent, now }: View): Html {
  const left = seconds(due) - seconds(now)
  return html`<span class="left ${urgencyOf(left)}" title="Date by hand: ${whenText(due, agent.zone)}">${time(due, shortWhenText(due, agent.zone, now))}</span>
    <span class="sub">${left < 0 ? 'Date by hand has passed' : 'Date by hand'}</span>`
}

/** What customers are promised comes before a team's own part (SLA O4). */
const nextFirst = ({ clocks }: QueueRow): QueueClock[] =>
  clocks.toSorted((a, b) => Number(a.metric === 'ola') - Number(b.metric === 'ola'))

/** Working seconds. */
const restOf = (clock: QueueClock, view: View): number =>
  clock.due_at ? secondsLeft(view.calendars.get(clock.calendar_id), clock.due_at, view.now) : clock.rest_s

function clockWords(clock: QueueClock, view: View): string {
  const metric = METRIC_WORDS[clock.metric]
  if (clock.state === 'paused') return `${metric}: paused, ${leftText(restOf(clock, view))}`
  return clock.due_at ? `${metric}: ${leftText(restOf(clock, view))}` : `${metric}: never due`
}

const resolvedCell = (row: QueueRow, view: View): Html =>
  row.resolved_at ? time(row.resolved_at, shortWhenText(row.resolved_at, view.agent.zone, view.now)) : html``

function neighbours(view: View): Html {
  const { rows, earlier, later } = view.slice
  const kept = { ...(view.project && { project: view.project }), ...(view.isAsked && { order: view.order }) }
  const key = (row: QueueRow) => cursorText({ at: row.place, id: row.id })
  const address = (side: 'before' | 'after', row: QueueRow) =>
    `/queues/${view.queue.name}?${new URLSearchParams({ ...kept, [side]: key(row) })}`
  return pager({
    previous: earlier ? address('before', rows[0]!) : null,
    next: later ? address('after', rows.at(-1)!) : null,
  })
}

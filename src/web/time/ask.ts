/** What the timesheet is asked by its address, and the form that asks it: my week unless it says otherwise. */
import { html } from 'hono/html'
import { addDays, checkDate, localDate, monthOf, weekOf } from '../../days.ts'
import type { Desk } from '../../engine/desk.ts'
import { type EntryFilter, GROUPS, type Group, SORTS, type Sort } from '../../engine/time-entries/list.ts'
import { ENTRY_STATUSES } from '../../engine/time-entries/tables.ts'
import { Refusal } from '../../errors.ts'
import type { SignedIn } from '../context.ts'
import { parseId } from '../form.ts'
import type { Html } from '../page.ts'
import { ENTRY_WORDS } from './words.ts'

/** As it was typed; an empty value asks for all. Days are the agents' own, both included. */
export type Asked = {
  agent: string
  customer: string
  project: string
  ticket: string
  from: string
  to: string
  state: string
  sort: Sort
  order: 'asc' | 'desc'
  group: Group | ''
  page: number
}

/** `problem` says why it means nothing; then the filter is null. */
export type Question = { asked: Asked; filter: EntryFilter | null; problem: string | null }

export function readQuestion(params: URLSearchParams, agent: SignedIn, now: Date): Question {
  const text = (key: string) => params.get(key)?.replaceAll('\0', '').trim().slice(0, 200) ?? ''
  const { from, to } = weekOf(localDate(now, agent.zone))
  const open = params.has('from') || params.has('to') || params.has('ticket')
  const asked: Asked = {
    agent: params.has('agent') ? text('agent') : String(agent.id),
    customer: text('customer'),
    project: text('project'),
    ticket: text('ticket').replace(/^#/, ''),
    from: open ? text('from') : from,
    to: open ? text('to') : to,
    state: text('state'),
    sort: SORTS.find((one) => one === text('sort')) ?? 'date',
    order: text('order') === 'asc' ? 'asc' : 'desc',
    group: GROUPS.find((one) => one === text('group')) ?? '',
    page: parseId(text('page')) ?? 1,
  }
  try {
    return { asked, filter: filterOf(asked), problem: null }
  } catch (error) {
    if (error instanceof Refusal) return { asked, filter: null, problem: error.message }
    throw error
  }
}

/** The address of a page or file that asks the same, but for what is given. */
export function addressOf(asked: Asked, change: Partial<Asked> = {}, path = '/time'): string {
  const { agent, from, to, sort, order, page, ...others } = { ...asked, page: 1, ...change }
  const params = new URLSearchParams({ agent, from, to })
  for (const [name, value] of Object.entries(others)) if (value !== '') params.set(name, value)
  if (sort !== 'date') params.set('sort', sort)
  if (order !== 'desc') params.set('order', order)
  if (page > 1) params.set('page', String(page))
  return `${path}?${params}`
}

type People = { agents: readonly { id: number; name: string }[]; desk: Desk }

export function questionForm({ asked, problem }: Question, { agents, desk }: People, today: string): Html {
  const option = (value: string, words: string, chosen: string) =>
    html`<option value="${value}"${value === chosen && html` selected`}>${words}</option>`
  return html`<form class="filter asking timesheet" action="/time" method="get">
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <label>Agent <select name="agent">${option('', 'Everybody', asked.agent)}
      ${agents.map(({ id, name }) => option(String(id), name, asked.agent))}</select></label>
    <label>Customer <select name="customer">${option('', 'All', asked.customer)}
      ${[...desk.organizations.values()].map(({ id, name }) => option(String(id), name, asked.customer))}</select></label>
    <label>Project <select name="project">${option('', 'All', asked.project)}
      ${[...desk.projects.values()].map(({ id, key }) => option(String(id), key, asked.project))}</select></label>
    <label>Ticket <input name="ticket" value="${asked.ticket}" inputmode="numeric" autocomplete="off" size="6" maxlength="16"></label>
    <label>From <input type="date" name="from" value="${asked.from}"></label>
    <label>To <input type="date" name="to" value="${asked.to}"></label>
    <label>State <select name="state">${option('', 'All', asked.state)}
      ${ENTRY_STATUSES.map((one) => option(one, ENTRY_WORDS[one], asked.state))}</select></label>
    <label>Sort <select name="sort">${SORTS.map((one) => option(one, SORT_WORDS[one], asked.sort))}</select></label>
    <label>Order <select name="order">${option('desc', 'Falling', asked.order)} ${option('asc', 'Rising', asked.order)}</select></label>
    <label>Group <select name="group">${option('', 'No groups', asked.group)}
      ${GROUPS.map((one) => option(one, `By ${one}`, asked.group))}</select></label>
    <button class="small">Show</button>
    <p class="sub hint">${presets(today).map(([words, from, to], n) => html`${n > 0 && ' · '}<a href="${addressOf(asked, { from, to })}">${words}</a>`)}</p>
  </form>`
}

const SORT_WORDS: Record<Sort, string> = {
  date: 'Day',
  agent: 'Agent',
  customer: 'Customer',
  project: 'Project',
  ticket: 'Ticket',
  time: 'Time',
  status: 'State',
}

function presets(today: string): [words: string, from: string, to: string][] {
  const [week, last] = [weekOf(today), weekOf(addDays(today, -7))]
  const [month, previous] = [monthOf(today), monthOf(today, -1)]
  return [
    ['this week', week.from, week.to],
    ['last week', last.from, last.to],
    ['this month', month.from, month.to],
    ['last month', previous.from, previous.to],
    ['all days', '', ''],
  ]
}

function filterOf(asked: Asked): EntryFilter {
  const number = (text: string, words: string) => {
    const id = parseId(text)
    if (id === null) throw new Refusal('bad_choice', `"${text.slice(0, 20)}" is no ${words}.`)
    return id
  }
  const { agent, customer, project, ticket, from, to, state } = asked
  const status = ENTRY_STATUSES.find((one) => one === state)
  if (state && !status) throw new Refusal('bad_choice', `"${state.slice(0, 20)}" is no state of a time entry.`)
  const filter: EntryFilter = {
    ...(agent && { agentId: number(agent, 'agent') }),
    ...(customer && { organizationId: number(customer, 'customer') }),
    ...(project && { projectId: number(project, 'project') }),
    ...(ticket && { ticketId: number(ticket, 'ticket number') }),
    ...(from && { from: checkDate(from) }),
    ...(to && { to: checkDate(to) }),
    ...(status && { status: [status] }),
  }
  if (from && to && to < from) throw new Refusal('bad_period', 'The period ends before it begins.')
  return filter
}

/** The fields of the form that works a ticket: what stands in them, and what may be chosen. What a change does is in changes.ts. */
import { html } from 'hono/html'
import type { Desk } from '../../engine/desk.ts'
import { PRIORITIES, STATUSES } from '../../engine/tables.ts'
import { LINK_KINDS } from '../../engine/tickets/links.ts'
import type { SignedIn } from '../context.ts'
import type { Html } from '../page.ts'
import { PRIORITY_WORDS, STATUS_WORDS } from '../words.ts'
import type { TicketView } from './load.ts'
import { momentText } from './moments.ts'

type Options = (readonly [value: string, words: string])[]

/** `fold`: among those that are opened when they are needed. `options` absent: any text. */
export type WorkField = { name: string; label: string; was: string; options?: Options; hint?: string; fold?: true }

/** All fields, in the order in which they stand. */
export function fieldsOf(setting: { view: TicketView; agent: SignedIn; desk: Desk }): WorkField[] {
  const { view, agent, desk } = setting
  const { ticket, choices } = view
  const { settings, products } = desk
  const statuses = STATUSES.filter((status) => status !== 'new' || ticket.status === 'new')
  const agents = choices.agents.map(({ id, name }) => [String(id), id === agent.id ? `${name} (you)` : name] as const)
  const teams = [...desk.teams.values()].map((one) => [one.key, one.name] as const)
  const own = [...desk.fields.values()].map(({ key, name, values }): WorkField => {
    const options: Options | null = values && [['', 'None'], ...values.map((one) => [one, one] as const)]
    return { name: `field.${key}`, label: name, was: ticket.fields[key] ?? '', ...(options && { options }) }
  })
  return [
    choice('status', 'Status', ticket.status, statuses.map((one) => [one, STATUS_WORDS[one]])), // biome-ignore format: a list
    choice('assignee', 'Assignee', String(ticket.assignee_id ?? ''), [['', 'Nobody'], ...agents]),
    priorityChoice(ticket),
    choice('project', 'Project', String(ticket.project_id), choices.projects.map((one) => [String(one.id), one.key])), // biome-ignore format: a list
    choice('team', 'Team', ticket.team_key ?? '', [['', 'None'], ...teams]),
    choice('type', 'Type', ticket.type, settings.types.map((one) => [one, one])), // biome-ignore format: a list
    ...(products.size > 0
      ? [choice('product', 'Product', ticket.product ?? '', [['', 'None'], ...[...products.values()].map((one) => [one.key, one.name] as const)])] // biome-ignore format: a list
      : []),
    ...own,
    { name: 'tags', label: 'Tags', was: ticket.tags.join(', '), hint: 'vpn, printer' },
    { name: 'until', label: 'Comes back', was: momentText(ticket.wake_at, agent.zone), hint: 'fri 17:00, +2d' },
    { name: 'due', label: 'Due', was: momentText(ticket.due_at, agent.zone), hint: 'tomorrow, 2026-11-25' },
    { name: 'customer', label: 'Customer', was: ticket.requester_address ?? '', hint: 'address', fold: true },
    { name: 'cc', label: 'Also takes part', was: participants(view).join(', '), hint: 'addresses', fold: true },
    { name: 'duplicate', label: 'Duplicate of', was: numberText(ticket.duplicate_of), hint: '#400', fold: true },
    { name: 'links', label: 'Links', was: linksOf(view).join(', '), hint: 'blocks #12, relates #13', fold: true },
    { name: 'merge', label: 'Merge into', was: '', hint: '#400', fold: true },
    { ...choice('follow', 'Tell me of it', flag(ticket.following), YES_NO), fold: true },
    { ...choice('spam', 'Spam', flag(ticket.spam_at !== null), YES_NO), fold: true },
    ...(ticket.requester_address
      ? [{ ...choice('block', 'Hold mail of its sender', flag(ticket.blocked), YES_NO), fold: true as const }]
      : []),
  ]
}

/** One field with its label. */
export function fieldHtml({ name, label, options, hint }: WorkField, value: string): Html {
  const id = `f-${name.replaceAll('.', '-')}`
  if (!options)
    return html`<div><label for="${id}">${label}</label>
      <input id="${id}" name="${name}" value="${value}" placeholder="${hint ?? ''}" autocomplete="off"></div>`
  const known = options.some(([one]) => one === value)
  return html`<div><label for="${id}">${label}</label>
    <select id="${id}" name="${name}">
      ${!known && html`<option value="${value}" selected>As it is</option>`}
      ${options.map(([one, words]) => html`<option value="${one}"${one === value && html` selected`}>${words}</option>`)}
    </select></div>`
}

const YES_NO: Options = [
  ['', 'No'],
  ['1', 'Yes'],
]

/** Whoever chooses the priority that an unassessed ticket has says that it is right (FEATURES 3.11). */
function priorityChoice({ priority, assessed_at }: TicketView['ticket']): WorkField {
  const all = PRIORITIES.map((one) => [one, PRIORITY_WORDS[one]] as const)
  return assessed_at === null
    ? choice('priority', 'Priority', '', [['', 'Unassessed'], ...all])
    : choice('priority', 'Priority', priority, all)
}

const choice = (name: string, label: string, was: string, options: Options): WorkField => ({
  name,
  label,
  was,
  options,
})

const flag = (is: boolean): string => (is ? '1' : '')

const numberText = (id: number | null): string => (id === null ? '' : `#${id}`)

const participants = ({ participants: people }: TicketView): string[] =>
  people.filter((one) => one.role === 'participant').map((one) => one.address)

const linksOf = ({ links }: TicketView): string[] =>
  links.filter((one) => one.kind in LINK_KINDS).map((one) => `${one.kind} #${one.other_id}`)

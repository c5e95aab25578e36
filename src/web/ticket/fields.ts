/**
 * The fields of the form that works a ticket: what stands in them, what may be chosen, and what a change of one does.
 * Each is one verb of the engine; a value that it refuses is refused with its words.
 */
import { html } from 'hono/html'
import type { Tx } from '../../database.ts'
import type { Desk } from '../../engine/desk.ts'
import type { Actor } from '../../engine/events.ts'
import { blockSender, unblockSender } from '../../engine/people/blocks.ts'
import { PRIORITIES, STATUSES } from '../../engine/tables.ts'
import { addCc, removeCc } from '../../engine/tickets/cc.ts'
import { setField, setProduct, setType } from '../../engine/tickets/describe.ts'
import { setDue } from '../../engine/tickets/due.ts'
import { markDuplicate, unmarkDuplicate } from '../../engine/tickets/duplicates.ts'
import { follow, unfollow } from '../../engine/tickets/follow.ts'
import { setTeam } from '../../engine/tickets/hand-over.ts'
import { LINK_KINDS, type LinkKind, linkTickets, unlinkTickets } from '../../engine/tickets/links.ts'
import { changeRequester } from '../../engine/tickets/requester.ts'
import { unmarkSpam } from '../../engine/tickets/spam.ts'
import { snooze } from '../../engine/tickets/wait.ts'
import { assign, markSpam, move, prioritise, setStatus } from '../../engine/tickets.ts'
import type { Tools } from '../../engine/tools.ts'
import { Refusal } from '../../errors.ts'
import type { SignedIn } from '../context.ts'
import type { Html } from '../page.ts'
import { PRIORITY_WORDS, STATUS_WORDS } from '../words.ts'
import type { TicketView } from './load.ts'
import { momentText, readMoment } from './moments.ts'

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
    choice('priority', 'Priority', ticket.priority, PRIORITIES.map((one) => [one, PRIORITY_WORDS[one]])), // biome-ignore format: a list
    choice('project', 'Project', String(ticket.project_id), choices.projects.map((one) => [String(one.id), one.key])), // biome-ignore format: a list
    choice('team', 'Team', ticket.team_key ?? '', [['', 'None'], ...teams]),
    choice('type', 'Type', ticket.type, settings.types.map((one) => [one, one])), // biome-ignore format: a list
    ...(products.size > 0
      ? [choice('product', 'Product', ticket.product ?? '', [['', 'None'], ...[...products.values()].map((one) => [one.key, one.name] as const)])] // biome-ignore format: a list
      : []),
    ...own,
    { name: 'until', label: 'Comes back', was: momentText(ticket.wake_at, agent.zone), hint: 'fri 17:00, +2d' },
    { name: 'due', label: 'Due', was: momentText(ticket.due_at, agent.zone), hint: 'tomorrow, 2026-11-25' },
    { name: 'customer', label: 'Customer', was: ticket.requester_address ?? '', hint: 'address', fold: true },
    { name: 'cc', label: 'Also takes part', was: participants(view).join(', '), hint: 'addresses', fold: true },
    { name: 'duplicate', label: 'Duplicate of', was: numberText(ticket.duplicate_of), hint: '#400', fold: true },
    { name: 'links', label: 'Links', was: linksOf(view).join(', '), hint: 'blocks #12, relates #13', fold: true },
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

/** What an answer does to the ticket comes before these: they are what the person wants it to be after it. */
export const AFTER_TEXT: ReadonlySet<string> = new Set(['status', 'until', 'duplicate', 'spam', 'block'])

export type Doing = { ticketId: number; agent: SignedIn; actor: Actor; tools: Tools }

/** Does what a changed field says. Throws the Refusal of its verb. */
export async function applyField(
  tx: Tx,
  change: { name: string; was: string; value: string },
  doing: Doing,
  now: Date,
): Promise<void> {
  const { name, was, value } = change
  const { ticketId, agent, actor, tools } = doing
  const on = { ticketId, actor, tools }
  if (name.startsWith('field.'))
    return void (await setField(tx, { ...on, field: name.slice('field.'.length), value: value || null }, now))
  switch (name) {
    case 'status':
      return void (await setStatus(tx, { ...on, status: value }, now))
    case 'assignee':
      return await assign(tx, { ...on, agentId: value === '' ? null : rowId(value) }, now)
    case 'priority':
      return await prioritise(tx, { ...on, priority: value }, now)
    case 'project':
      return await move(tx, { ...on, projectId: rowId(value) }, now)
    case 'team':
      return void (await setTeam(tx, { ...on, team: value || null }, now))
    case 'type':
      return void (await setType(tx, { ...on, type: value }, now))
    case 'product':
      return void (await setProduct(tx, { ...on, product: value || null }, now))
    case 'until':
      return await snooze(tx, { ...on, until: readMoment(value, { agent, tools, hour: 9 }, now) }, now)
    case 'due':
      return void (await setDue(tx, { ...on, due: readMoment(value, { agent, tools, hour: 17 }, now) }, now))
    case 'customer':
      return void (await changeRequester(tx, { ...on, address: value }, now))
    case 'duplicate':
      return void (value
        ? await markDuplicate(tx, { ...on, ofId: ticketNumber(value) }, now)
        : await unmarkDuplicate(tx, on, now))
    case 'follow':
      return void (await (value ? follow : unfollow)(tx, { agentId: agent.id, ticketId, actor }, now))
    case 'spam':
      return void (await (value ? markSpam : unmarkSpam)(tx, on, now))
    case 'cc':
      return await applyCc(tx, { was, value }, doing, now)
    case 'links':
      return await applyLinks(tx, { was, value }, doing, now)
    case 'block':
      return await applyBlock(tx, value, doing, now)
    default:
      throw new Refusal('bad_choice', 'Choose one of the offered entries.')
  }
}

const YES_NO: Options = [
  ['', 'No'],
  ['1', 'Yes'],
]

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

const words = (text: string): string[] => text.split(/[,;\s]+/).filter(Boolean)

async function applyCc(tx: Tx, { was, value }: { was: string; value: string }, doing: Doing, now: Date): Promise<void> {
  const { ticketId, actor, tools } = doing
  const [before, after] = [words(was), words(value)].map((list) => list.map((one) => one.toLowerCase()))
  const on = { ticketId, actor, tools }
  for (const address of before!) if (!after!.includes(address)) await removeCc(tx, { ...on, address }, now)
  for (const address of after!) if (!before!.includes(address)) await addCc(tx, { ...on, address }, now)
}

async function applyLinks(
  tx: Tx,
  { was, value }: { was: string; value: string },
  { ticketId, actor }: Doing,
  now: Date,
): Promise<void> {
  const [before, after] = [readLinks(was), readLinks(value)]
  for (const [key, link] of before) if (!after.has(key)) await unlinkTickets(tx, { ticketId, actor, ...link }, now)
  for (const [key, link] of after) if (!before.has(key)) await linkTickets(tx, { ticketId, actor, ...link }, now)
}

/** `blocks #12, relates 13`; a number without a word relates. */
function readLinks(text: string): Map<string, { kind: LinkKind; otherId: number }> {
  const found = new Map<string, { kind: LinkKind; otherId: number }>()
  let kind: LinkKind = 'relates'
  for (const word of words(text)) {
    if (Object.hasOwn(LINK_KINDS, word.toLowerCase())) kind = word.toLowerCase() as LinkKind
    else found.set(`${kind} ${ticketNumber(word)}`, { kind, otherId: ticketNumber(word) })
  }
  return found
}

async function applyBlock(tx: Tx, value: string, { ticketId, actor, tools }: Doing, now: Date): Promise<void> {
  const [row] = await tx<{ sender: string | null }[]>`
    select requester_address as sender from tickets where id = ${ticketId}`
  if (!row?.sender) throw new Refusal('nobody_to_answer', `Ticket #${ticketId} has no sender.`)
  const input = { sender: row.sender, ticketId, actor, desk: tools.desk }
  await (value ? blockSender : unblockSender)(tx, input, now)
}

function rowId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Refusal('bad_choice', 'Choose one of the offered entries.')
  return Number(text)
}

function ticketNumber(text: string): number {
  const match = /^#?([1-9]\d{0,14})$/.exec(text.trim())
  if (!match) throw new Refusal('bad_number', `"${text.slice(0, 40)}" is no number of a ticket: write #12.`)
  return Number(match[1])
}

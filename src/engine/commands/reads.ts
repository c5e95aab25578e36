/**
 * Commands that only read: a ticket's facts, its history, lists, what there is to choose from, and help out of the one
 * list of commands. A customer reads public words alone, and only of their own tickets (MAIL 9.8).
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { commands as limits } from '../../limits.ts'
import { dueOf } from '../people/order.ts'
import { findTickets } from '../search.ts'
import { STATUSES, type Status } from '../tables.ts'
import { agentOn, ticketOn, unexpected, usageOf } from './acting.ts'
import { nameOf, nearestNames } from './aliases.ts'
import { type Acting, type Effect, problem, type Read } from './command.ts'
import { type Name, SPECS } from './names.ts'
import type { PhraseKey } from './phrases/en.ts'
import { say } from './phrases.ts'
import { momentText, numbered } from './said.ts'
import { textOf } from './values.ts'

type Facts = {
  id: number
  subject: string
  status: Status
  priority: string
  type: string
  tags: string[]
  project: string
  team: string | null
  assignee: string | null
  requester_name: string
  requester_address: string | null
  next_due_at: Date | null
  due_at: Date | null
  duplicate_of: number | null
  policy: string | null
}

/** A ticket's facts: `#status` alone. */
export async function reportOf(tx: Tx, on: Acting, _now: Date): Promise<Effect> {
  const facts = await factsOf(tx, ticketOn(on))
  const head = { key: 'report', data: { ticket: numbered(facts.id), subject: facts.subject }, inverse: null } as const
  if (on.who.kind === 'customer') return { ...head, lines: [publicStatus(facts.status, on)] }
  const line = (key: PhraseKey, value: string | null) => (value ? [labelled(on, key, value)] : [])
  return {
    ...head,
    lines: [
      ...line('label_status', facts.status),
      ...line('label_priority', facts.priority),
      ...line('label_type', facts.type),
      ...line('label_project', facts.project),
      ...line('label_team', facts.team),
      ...line('label_assignee', facts.assignee),
      ...line('label_customer', [facts.requester_name, facts.requester_address].filter(Boolean).join(', ')),
      ...line('label_tags', facts.tags.join(', ')),
      ...line('label_level', facts.policy),
      ...line('label_due', facts.next_due_at && momentText(facts.next_due_at, on)),
      ...line('label_due_by_hand', facts.due_at && momentText(facts.due_at, on)),
      ...line('label_duplicate', facts.duplicate_of === null ? null : numbered(facts.duplicate_of)),
      ...(on.url ? [new URL(`/tickets/${facts.id}`, on.url).href] : []),
    ],
  }
}

async function factsOf(tx: Tx, ticketId: number): Promise<Facts> {
  const [row] = await tx<Facts[]>`
    select t.id, t.subject, t.status, t.priority, t.type, t.tags, p.key as project, tm.key as team,
      coalesce(nullif(a.name, ''), a.address) as assignee, t.requester_name, t.requester_address, t.next_due_at,
      t.due_at, t.duplicate_of, s.key as policy
    from tickets t join projects p on p.id = t.project_id left join teams tm on tm.id = t.team_id
    left join agents a on a.id = t.assignee_id left join sla_policies s on s.id = t.policy_id
    where t.id = ${ticketId} and t.deleted_at is null`
  if (!row) throw new Refusal('unknown_ticket', `There is no ticket #${ticketId}.`)
  return row
}

const labelled = (on: Acting, key: PhraseKey, value: string) => `${say(on.locale, { key, data: {} })}: ${value}`

const publicStatus = (status: Status, on: Acting): string =>
  labelled(on, 'label_status', say(on.locale, { key: `public_${status}`, data: {} }))

export const history: Read = (args) => unexpected('history', args) ?? { ok: historyOf }

async function historyOf(tx: Tx, on: Acting): Promise<Effect> {
  const ticketId = ticketOn(on)
  const lines =
    on.who.kind === 'customer' ? await publicHistory(tx, ticketId, on) : await wholeHistory(tx, ticketId, on)
  return { key: 'history_head', data: {}, inverse: null, lines }
}

async function wholeHistory(tx: Tx, ticketId: number, on: Acting): Promise<string[]> {
  const rows = await tx<
    { at: Date; type: string; actor_name: string; data: Record<string, unknown>; why: string | null }[]
  >`
    select at, type, actor_name, data, why from events where ticket_id = ${ticketId} order by seq desc limit ${limits.history}`
  return rows.reverse().map(({ at, type, actor_name, data, why }) => {
    const change = data.to !== undefined ? ` ${plain(data.from)} > ${plain(data.to)}` : ''
    return `${momentText(at, on)}: ${type}${change}, ${actor_name}${why ? ` (${why})` : ''}`
  })
}

const plain = (value: unknown): string =>
  value === null || value === undefined ? '-' : typeof value === 'object' ? JSON.stringify(value) : String(value)

/** What they have had by mail anyway: their own words and ours to them, and how far it is. */
async function publicHistory(tx: Tx, ticketId: number, on: Acting): Promise<string[]> {
  const rows = await tx<{ at: Date; role: string; name: string }[]>`
    select at, author_role as role, author_name as name from comments
    where ticket_id = ${ticketId} and visibility = 'public' and not automatic order by id desc limit ${limits.history}`
  const [ticket] = await tx<{ status: Status }[]>`select status from tickets where id = ${ticketId}`
  const lines = rows.reverse().map(({ at, role, name }) => {
    const key = role === 'agent' ? 'public_answered' : 'public_wrote'
    return `${momentText(at, on)}: ${say(on.locale, { key, data: { who: name || '-' } })}`
  })
  return ticket ? [...lines, publicStatus(ticket.status, on)] : lines
}

export const list: Read = (args) => ({
  ok: (tx, on, now) => listOf(tx, on, args.map((arg) => quotedText(arg)).join(' '), now),
})

const quotedText = (arg: Parameters<typeof textOf>[0]) => (arg.kind === 'quoted' ? `"${arg.text}"` : textOf(arg))

async function listOf(tx: Tx, on: Acting, query: string, now: Date): Promise<Effect> {
  if (on.who.kind === 'customer') return ownTickets(tx, on)
  const mine = `assignee:"${agentOn(on).address}" -status:closed -status:resolved`
  const rows = await findTickets(tx, { query: query || mine, limit: limits.list }, now)
  const lines = rows.map((row) => {
    const due = dueOf(row)
    const line = `${numbered(row.number)} ${row.status} ${row.priority} ${row.project}: ${row.subject}`
    return due ? `${line} (${momentText(due, on)})` : line
  })
  return counted(lines)
}

const counted = (lines: string[]): Effect =>
  lines.length > 0
    ? { key: 'listed', data: { count: lines.length }, inverse: null, lines }
    : { key: 'listed_none', data: {}, inverse: null }

/** By the address that the mail is proven to be from, and no other. */
async function ownTickets(tx: Tx, on: Acting): Promise<Effect> {
  if (on.who.kind !== 'customer') return counted([])
  const rows = await tx<{ id: number; subject: string; status: Status }[]>`
    select id, subject, status from tickets
    where lower(requester_address) = ${on.who.address.toLowerCase()} and deleted_at is null and spam_at is null
      and merged_into is null
    order by status in ('resolved', 'closed'), id desc limit ${limits.list}`
  const words = (status: Status) => say(on.locale, { key: `public_${status}`, data: {} })
  return counted(rows.map((row) => `${numbered(row.id)} ${row.subject}: ${words(row.status)}`))
}

export const why: Read = (args) => unexpected('why', args) ?? { ok: whyOf }

/** Why the ticket is here: what was decided about the mails that made it, and what promised its dates. */
async function whyOf(tx: Tx, on: Acting): Promise<Effect> {
  const ticketId = ticketOn(on)
  const mails = await tx<{ id: number; reasons: { code: string; words: string }[] }[]>`
    select id, reasons from inbound_mails where ticket_id = ${ticketId} order by id limit 5`
  const choices = await tx<{ at: Date; type: string; why: string }[]>`
    select at, type, why from events
    where ticket_id = ${ticketId} and why is not null and type in ('created', 'policy', 'move', 'status')
    order by seq limit 20`
  const lines = [
    ...mails.flatMap(({ id, reasons }) =>
      reasons.map(({ words }) => `${labelled(on, 'label_mail', String(id))}: ${words}`),
    ),
    ...choices.map((one) => `${momentText(one.at, on)}: ${one.type}, ${one.why}`),
  ]
  return { key: 'why_head', data: {}, inverse: null, lines }
}

export const types: Read = (args) =>
  unexpected('types', args) ?? {
    ok: async (_tx, on) => {
      const { desk } = on.tools
      const line = (key: PhraseKey, words: Iterable<string>) => labelled(on, key, [...words].join(', '))
      const lines = [
        line('label_types', desk.settings.types),
        line('label_priorities', desk.settings.priorities),
        line(
          'label_statuses',
          STATUSES.filter((one) => one !== 'new'),
        ),
        line('label_projects', [...desk.projects.keys()].slice(0, 100)),
        line('label_teams', desk.teams.keys()),
        line('label_levels', desk.policies.keys()),
        line('label_work', desk.work_types.keys()),
      ]
      return { key: 'types_head', data: {}, inverse: null, lines }
    },
  }

export const macros: Read = (args) =>
  unexpected('macros', args) ?? {
    ok: async (_tx, on) => {
      const lines = [...on.tools.desk.macros.values()].map((one) => {
        const values = one.values.map((value) => ` ${value}:`).join('')
        return `${one.key}${values}: ${one.name}`
      })
      return lines.length > 0 ? counted(lines) : { key: 'macros_none', data: {}, inverse: null }
    },
  }

/** Customers are told of their own commands only. */
export const help: Read = (args, on) => {
  const [first, ...rest] = args
  const allowed = SPECS.filter((spec) =>
    on.who.kind === 'customer' ? spec.level === 'both' || spec.level === 'customer' : spec.level !== 'customer',
  )
  if (!first) {
    const head = on.who.kind === 'customer' ? 'customer_help' : 'help_head'
    return {
      ok: async () => ({ key: head, data: {}, inverse: null, lines: allowed.map(({ name }) => helpLine(name)) }),
    }
  }
  const word = textOf(first).replace(/^#/, '').toLowerCase()
  const name = nameOf(word, on.desk)
  const spec = allowed.find((one) => one.name === name)
  if (!spec)
    return problem('unknown_command', { name: word }, { column: first.column, nearest: nearestNames(word, on.desk) })
  const wrong = unexpected('help', rest)
  return wrong ?? { ok: async () => ({ key: 'help_head', data: {}, inverse: null, lines: [helpLine(spec.name)] }) }
}

/** Without its sign at the start of a line, so that no help text is a command when it is quoted. */
function helpLine(name: Name): string {
  const { aliases } = SPECS.find((spec) => spec.name === name)!
  return `"#${usageOf(name)}"${aliases.length > 0 ? ` (${aliases.join(', ')})` : ''}`
}

/**
 * What somebody did to a ticket's own fields, taken back: they are what they were, with an event for each. It refuses
 * where somebody else has changed one of them since, because their change would be lost. Clocks follow the events; what
 * they had counted meanwhile stays counted (SLA K10).
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Actor, Event } from '../events.ts'
import { teamCalendarId } from '../sla.ts'
import { lockTicket } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { reselecting } from './policy.ts'
import { tell } from './tell.ts'

const FIELDS = [
  'status', 'resolved_at', 'closed_at', 'wake_at', 'wake_agent_id', 'due_at', 'assignee_id', 'team_id', 'project_id',
  'priority', 'assessed_at', 'assessed_s', 'type', 'tags', 'product', 'fields', 'requester_id', 'requester_address', 'requester_name',
  'organization_id', 'duplicate_of', 'undelivered_at',
] as const // biome-ignore format: a list to be read

/** A ticket's fields as JSON, so that they can be kept; instants are text. */
export type Remembered = Partial<Record<(typeof FIELDS)[number], unknown>>

/** What a change did: the fields it changed, before and after. */
export type Changed = { was: Remembered; is: Remembered }

/** The fields of a ticket as they stand. */
export async function remember(tx: Tx, ticketId: number): Promise<Remembered> {
  const [row] = await tx<{ fields: Remembered }[]>`
    select to_jsonb(t) as fields from tickets t where id = ${ticketId}`
  if (!row) throw new Refusal('unknown_ticket', `There is no ticket #${ticketId}.`)
  return Object.fromEntries(FIELDS.map((field) => [field, row.fields[field]]))
}

/** What differs between two moments; null: nothing. Pure. */
export function differenceOf(was: Remembered, is: Remembered): Changed | null {
  const assessed = !isSame(was.assessed_at, is.assessed_at)
  // who has assessed it vouches for a priority: nobody takes that back who would take another's priority along
  const changed = FIELDS.filter((field) => !isSame(was[field], is[field]) || (assessed && field === 'priority'))
  if (changed.length === 0) return null
  const pick = (from: Remembered) => Object.fromEntries(changed.map((field) => [field, from[field]]))
  return { was: pick(was), is: pick(is) }
}

/** Does something to a ticket and says what it changed of it, for whoever may want it back. */
export async function observed(tx: Tx, ticketId: number, change: () => Promise<unknown>): Promise<Changed | null> {
  const was = await remember(tx, ticketId)
  await change()
  return differenceOf(was, await remember(tx, ticketId))
}

/**
 * Gives the fields their old values again.
 * @throws Refusal `unknown_ticket`, `merged_ticket`, `changed_since` naming the fields
 */
export async function takeBack(
  tx: Tx,
  input: { ticketId: number; changed: Changed; actor: Actor; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<void> {
  const { id } = await lockTicket(tx, input.ticketId)
  const { was, is } = input.changed
  const stands = await remember(tx, id)
  const names = FIELDS.filter((field) => field in was)
  const others = names.filter((field) => !isSame(stands[field], is[field]))
  if (others.length > 0)
    throw new Refusal(
      'changed_since',
      `Ticket #${id} was changed since (${others.join(', ')}), so this cannot be taken back.`,
    )
  if (names.length === 0) return
  await reselecting(tx, { ticketId: id, actor: input.actor, tools: input.tools }, now, async () => {
    const events = eventsOf(input.changed, stands, input.tools).map((event) => ({ ...event, why: 'taken back' }))
    await tell(tx, { ticketId: id, actor: input.actor, events }, now)
    await tx`
      update tickets t set (${tx(names)}) = (select ${tx(names)} from jsonb_populate_record(t, ${JSON.stringify(was)}::text::jsonb)),
        updated_at = ${now}
      where id = ${id}`
  })
}

/** As the verbs tell them; `stands`: the ticket as it is before them. */
function eventsOf({ was, is }: Changed, stands: Remembered, { desk }: Pick<Tools, 'desk'>): Event[] {
  const events: Event[] = []
  const simple = (type: string, field: keyof Remembered) => {
    if (field in was) events.push({ type, data: { from: is[field], to: was[field] } })
  }
  simple('status', 'status')
  if (!isSame(was.priority, is.priority)) simple('priority', 'priority')
  else simple('assessed', 'assessed_at')
  simple('assign', 'assignee_id')
  if ('project_id' in was || 'team_id' in was) events.push(placeEvent({ was, is }, stands, desk))
  simple('type', 'type')
  simple('tags', 'tags')
  simple('product', 'product')
  simple('fields', 'fields')
  simple('due', 'due_at')
  simple('wake', 'wake_at')
  simple('requester', 'requester_address')
  simple('duplicate', 'duplicate_of')
  return events
}

/** A place names its team, also where that stays: the team's clocks follow the event. */
function placeEvent({ was, is }: Changed, stands: Remembered, desk: Tools['desk']): Event {
  const teamId = ('team_id' in was ? was.team_id : stands.team_id) as number | null
  const team = [...desk.teams.values()].find((one) => one.id === teamId)
  const place = { team: teamId, team_calendar_id: teamCalendarId(desk, team) }
  if (!('project_id' in was)) return { type: 'team', data: { from: is.team_id, key: team?.key ?? null, ...place } }
  const project = [...desk.projects.values()].find((one) => one.id === was.project_id)
  return { type: 'move', data: { from: is.project_id, to: was.project_id, key: project?.key ?? null, ...place } }
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

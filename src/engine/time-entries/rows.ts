/**
 * The rows behind timesheets, and the order in which they are locked: tickets by number, then the agent, then the
 * customer's months, then entries. An agent's lock is what makes sums and overlaps of their day hold. Only files of this folder write these rows.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Desk } from '../desk.ts'
import { type Actor, type Event, record } from '../events.ts'
import { shareMonths } from './period.ts'
import type { EntryStatus } from './tables.ts'

/** Who keeps their time: a signed-in agent, or one who wrote a command by mail. */
export type Worker = { id: number; name: string; address: string; admin: boolean; zone: string }

export type EntryRow = {
  id: number
  ticket_id: number | null
  project_id: number | null
  agent_id: number
  source: 'timer' | 'manual'
  started_at: Date | null
  ended_at: Date | null
  raw_s: number
  /** `YYYY-MM-DD`. */
  local_date: string
  tz: string
  work_type_id: number | null
  priority: string
  billable: boolean
  note: string
  percent_complete: number | null
  ticket_status_after: string | null
  status: EntryStatus
  review_at: Date | null
  invoice_line_id: number | null
  /** Of the customer's approval of its month. */
  statement_id: number | null
  reverses_id: number | null
  rev: number
}

/** What a verb tells of an entry in its ticket; an entry on a project has no ticket to tell. */
export async function tellEntry(
  tx: Tx,
  told: { ticketId: number | null; actor: Actor; events: Event[] },
  now: Date,
): Promise<void> {
  if (told.ticketId !== null) await record(tx, { ticketId: told.ticketId, actor: told.actor, events: told.events }, now)
}

export const actorOf = (agent: Pick<Worker, 'id' | 'name'>): Actor => ({
  kind: 'agent',
  id: agent.id,
  name: agent.name,
})

/** Locks tickets, lowest first, whatever state they are in: time that was spent stays spent. */
export async function holdTickets(tx: Tx, ids: (number | null)[]): Promise<void> {
  const wanted = ids.filter((id) => id !== null)
  if (wanted.length > 0) await tx`select id from tickets where id = any(${wanted}::bigint[]) order by id for update`
}

/** One verb at a time changes the times of an agent. */
export async function holdAgent(tx: Tx, agentId: number): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`time/${agentId}`}, 0))`
}

/** The entry, held with its ticket and its agent. Throws Refusal `unknown_entry`, `ticket_busy`. */
export async function holdEntry(tx: Tx, entryId: number): Promise<EntryRow> {
  for (let tries = 0; tries < 3; tries++) {
    const [seen] = await tx<EntryRow[]>`
      select ticket_id, project_id, agent_id from time_entries where id = ${entryId}`
    if (!seen) break
    await holdTickets(tx, [seen.ticket_id])
    await holdAgent(tx, seen.agent_id)
    await shareMonths(tx, { ticketId: seen.ticket_id, projectId: seen.project_id })
    const [row] = await tx<EntryRow[]>`select * from time_entries where id = ${entryId} for update`
    if (!row) break
    // A merge may have taken it along while we waited for its ticket.
    if (row.ticket_id === seen.ticket_id) return row
  }
  throw new Refusal('unknown_entry', `There is no time entry ${entryId}.`)
}

/**
 * What nobody may do to an entry that is on a final invoice, or that is another agent's (T8).
 * @throws Refusal `entry_invoiced`, `not_your_entry`
 */
export function requireChangeable(entry: EntryRow, agent: Worker): void {
  if (entry.status === 'invoiced')
    throw new Refusal(
      'entry_invoiced',
      `Time entry ${entry.id} is on an invoice and stays as it is: reverse it, and enter what is right.`,
    )
  if (entry.reverses_id !== null)
    throw new Refusal('entry_reversal', `Time entry ${entry.id} takes back another one: it can only be removed.`)
  requireOwn(entry, agent)
}

/** Throws Refusal `not_your_entry`. */
export function requireOwn(entry: EntryRow, agent: Worker): void {
  if (entry.agent_id !== agent.id && !agent.admin)
    throw new Refusal('not_your_entry', 'This time entry is another agent’s: only they and admins can change it.')
}

/** The work type of a key, the first one where none is named. Throws Refusal `unknown_work_type`. */
export function workTypeId(desk: Desk, key: string | null | undefined): number | null {
  if (key === null || key === '') return null
  if (key === undefined) return desk.work_types.values().next().value?.id ?? null
  const found = desk.work_types.get(key)
  if (!found)
    throw new Refusal('unknown_work_type', `Work types are ${[...desk.work_types.keys()].join(', ') || 'not set up'}.`)
  return found.id
}

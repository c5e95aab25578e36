/**
 * Whatever happens to tickets is told here: the events are recorded and the clocks take them up, in one transaction
 * (SLA K19). The one place that writes what the clocks decide about a ticket.
 */
import { type Change, change, type Statement, type Tx } from '../../database.ts'
import { type Actor, type Event, numberedRows } from '../events.ts'
import { movedDatesRows } from '../moved-dates/rows.ts'
import { type Advance, advance, type Story } from '../sla/advance.ts'

/**
 * Records events of a ticket whose row the caller holds and has not changed yet, and moves its clocks. What the verb
 * changes of the ticket itself it writes after this.
 */
export async function tell(
  tx: Tx,
  story: { ticketId: number; actor: Actor; events: Event[] },
  now: Date,
): Promise<Advance> {
  return await tellAll(tx, [story], now)
}

/** The same for any number of tickets. */
export async function tellAll(tx: Tx, stories: Story[], now: Date): Promise<Advance> {
  const step = await advance(tx, stories, now)
  await Promise.all([...step.rows, ...storyRows(tx, step), movedDatesRows(tx, stories, step, now)])
  return step
}

/** The events of an advance, and the columns of its tickets, as statements. */
function storyRows(tx: Tx, { moved }: Advance): Statement[] {
  const events = moved.flatMap((one) => one.events)
  const columns = moved.flatMap(({ ticketId, columns, changed, events }) => {
    const source = sourceOf(events)
    return changed || source ? [{ id: ticketId, source, ...columns }] : []
  })
  return [
    ...(events.length ? [numberedRows(tx, events)] : []),
    ...(columns.length ? [change(tx, COLUMNS, columns)] : []),
  ]
}

/** How the policy came to be, where an event says so (S1). */
export const sourceOf = (events: Event[]): string | null =>
  (events.findLast((event) => event.type === 'policy')?.data?.source as string | undefined) ?? null

const COLUMNS: Change = {
  columns: `id bigint, source text, policy_id bigint, calendar_id bigint, team_calendar_id bigint,
    first_response_at timestamptz, answered_at timestamptz, awaiting_since timestamptz, next_due_at timestamptz,
    ola_due_at timestamptz`,
  sql: `
    update tickets t set
      policy_id = given.policy_id, policy_source = coalesce(given.source, t.policy_source),
      calendar_id = given.calendar_id, team_calendar_id = given.team_calendar_id,
      first_response_at = given.first_response_at, answered_at = given.answered_at,
      awaiting_since = given.awaiting_since, next_due_at = given.next_due_at, ola_due_at = given.ola_due_at
    from given where t.id = given.id`,
}

/** Which tickets have had their promised dates moved by an agent, and which of their customers may now be told. */
import { type Change, change, type Statement, type Tx } from '../../database.ts'
import type { Account, Book, Clock } from '../sla/account.ts'
import type { Advance, Story } from '../sla/advance.ts'

/** What an acknowledgement names (SLA D1). */
export const TOLD_METRICS = ['first_response', 'resolution'] as const
export type ToldMetric = (typeof TOLD_METRICS)[number]

/** By what a due date is computed, besides the time that has passed; where that is as before, nothing has changed. */
export type Basis = { target_s: number; calendar_id: number }
export type Bases = Partial<Record<ToldMetric, Basis>>

/** Events by which an agent moves due dates: a priority, a policy, and the calendar that comes with it (K10). */
const MOVES: ReadonlySet<string> = new Set(['priority', 'policy'])

/**
 * Remembers that agents have moved dates, where a policy in force before or after tells of that (D4); null: nothing to
 * remember. Of several changes in a row the last time counts, and where the dates stood before the first.
 */
export function movedDatesRows(
  tx: Tx,
  stories: readonly Story[],
  { moved, book }: Advance,
  now: Date,
): Statement | null {
  const byAgents = stories.filter(
    ({ actor, events }) => actor.kind === 'agent' && events.some((event) => MOVES.has(event.type)),
  )
  if (byAgents.length === 0) return null
  const tickets = new Set(byAgents.map((story) => story.ticketId))
  const rows = moved.flatMap(({ ticketId, before, after }) => {
    if (!tickets.has(ticketId) || !(tells(before, book) || tells(after, book))) return []
    const was = basesOf(before)
    return JSON.stringify(was) === JSON.stringify(basesOf(after)) ? [] : [{ ticket_id: ticketId, was, at: now }]
  })
  return rows.length > 0 ? change(tx, MOVED, rows) : null
}

const MOVED: Change = {
  columns: 'ticket_id bigint, was jsonb, at timestamptz',
  sql: `
    insert into moved_dates (ticket_id, was, at) select * from given
    on conflict (ticket_id) do update set at = excluded.at`,
}

const tells = ({ facts }: Account, book: Book): boolean =>
  facts.policyId !== null && (book.terms(facts.policyId).tellChanges ?? 'never') !== 'never'

/** Of the clocks that were promised when the ticket came: one that began again after a reopening has told nobody anything. */
function basesOf({ clocks }: Account): Bases {
  const bases: Bases = {}
  for (const { metric, cycle, state, target: target_s, calendarId: calendar_id } of clocks)
    if (isTold(metric) && cycle === 1 && (state === 'running' || state === 'paused'))
      bases[metric] = { target_s, calendar_id }
  return bases
}

const isTold = (metric: Clock['metric']): metric is ToldMetric => TOLD_METRICS.some((one) => one === metric)

/**
 * A ticket whose last change is so long ago that it is not taken back any more, its row locked and what was remembered
 * of it taken out; null: there is none that nobody else holds.
 */
export async function takeOne(tx: Tx, changedBefore: Date): Promise<{ ticketId: number; was: Bases | null } | null> {
  const [ticket] = await tx<{ id: number }[]>`
    select t.id from moved_dates m join tickets t on t.id = m.ticket_id where m.at <= ${changedBefore}
    order by m.at, t.id limit 1 for update of t skip locked`
  if (!ticket) return null
  // nobody changes it from here on; somebody may have a moment ago
  const [row] = await tx<{ was: Bases }[]>`
    delete from moved_dates where ticket_id = ${ticket.id} and at <= ${changedBefore} returning was`
  return { ticketId: ticket.id, was: row?.was ?? null }
}

/** Reminders that fired and have not acted yet, and what became of them. engine/reminders.ts is what acts. */
import type { Queryable, Tx } from '../../database.ts'
import { seconds } from '../../time.ts'
import { workingSecondsBetween } from '../business-hours.ts'
import type { Policy } from '../desk.ts'
import type { ReminderAction } from '../rules/actions.ts'
import { baseOf, type ClockMetric } from './account.ts'
import { readCalendar } from './load.ts'
import type { ClockRow } from './rows.ts'

export type Waiting = {
  clockId: number
  ticketId: number
  metric: ClockMetric
  /** `late/2` is the second repetition of `late`. */
  reminder: string
  policy: string
  generation: number
  firedAt: Date
  /** When it acts: at the second in which it fired, or at the ticket's last event where that is later (U2). */
  at: Date
  actions: readonly ReminderAction[]
  /** It is a repetition, or has fired before: changes are made once (E2). */
  again: boolean
  /** Of its clock. */
  state: ClockRow['state']
  breached: boolean
  due: Date | null
  /** Working seconds that are left at a moment, or over when negative. */
  left(at: Date): number
}

/** Of these tickets those in which a reminder waits, with their rows locked; what others hold is left to them. */
export async function lockWaiting(tx: Tx, ticketIds: number[]): Promise<number[]> {
  if (ticketIds.length === 0) return []
  const rows = await tx<{ id: number }[]>`
    select id from tickets t where id = any(${ticketIds}::bigint[]) and exists (
      select from sla_clocks c join sla_fired f on f.clock_id = c.id where c.ticket_id = t.id and f.acted_at is null)
    order by id for update skip locked`
  return rows.map((row) => row.id)
}

/** The first that waits in these tickets, by the time it fired. */
export async function findWaiting(tx: Tx, ticketIds: number[]): Promise<Waiting | null> {
  const [row] = await tx<Row[]>`
    select f.clock_id, c.ticket_id, c.metric, f.reminder, f.generation, f.at as fired_at, c.state, c.target_s,
      c.elapsed_s, c.running_since, c.due_at, c.breached_at, k.definition::text as calendar, p.key as policy,
      p.definition as terms,
      greatest(f.at, (select at from events where ticket_id = c.ticket_id order by seq desc limit 1)) as at,
      exists (select from sla_fired e
        where e.clock_id = f.clock_id and e.reminder = f.reminder and e.generation < f.generation) as again
    from sla_fired f join sla_clocks c on c.id = f.clock_id join calendars k on k.id = c.calendar_id
    join sla_policies p on p.id = f.policy_id
    where f.acted_at is null and c.ticket_id = any(${ticketIds}::bigint[])
    order by f.at, f.clock_id, f.generation, f.reminder limit 1`
  return row ? toWaiting(row) : null
}

/** It has acted, or will not; `dropped`: its notices came too late (E4). */
export async function markActed(
  tx: Tx,
  { clockId, reminder, generation }: Waiting,
  done: { dropped: boolean },
  now: Date,
): Promise<void> {
  await tx`
    update sla_fired set acted_at = ${now}, dropped_at = ${done.dropped ? now : null}
    where clock_id = ${clockId} and reminder = ${reminder} and generation = ${generation}`
}

/** How many have had their notices dropped since a moment. */
export async function countDropped(sql: Queryable, since: Date): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from sla_fired where dropped_at > ${since}`
  return row!.count
}

type Row = Pick<
  ClockRow,
  'metric' | 'state' | 'target_s' | 'elapsed_s' | 'running_since' | 'due_at' | 'breached_at'
> & {
  clock_id: number
  ticket_id: number
  reminder: string
  generation: number
  fired_at: Date
  at: Date
  calendar: string
  policy: string
  terms: Pick<Policy, 'reminders'>
  again: boolean
}

function toWaiting(row: Row): Waiting {
  const base = baseOf(row.reminder)
  const calendar = readCalendar(row.calendar)
  const since = row.running_since && seconds(row.running_since)
  return {
    clockId: row.clock_id,
    ticketId: row.ticket_id,
    metric: row.metric,
    reminder: row.reminder,
    policy: row.policy,
    generation: row.generation,
    firedAt: row.fired_at,
    at: row.at,
    actions: row.terms.reminders.find((one) => one.key === base)?.actions ?? [],
    again: row.again || base !== row.reminder,
    state: row.state,
    breached: row.breached_at !== null,
    due: row.breached_at ?? row.due_at,
    left: (at) =>
      row.target_s - row.elapsed_s - (since === null ? 0 : workingSecondsBetween(calendar, since, seconds(at))),
  }
}

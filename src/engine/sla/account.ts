/**
 * What a ticket's clocks are made of (SLA section 3): the facts that decide, the clocks, the ledger of breaches and the
 * reminders that fired. Plain data in epoch seconds; machine.ts moves it, the database only keeps it.
 */
import type { Calendar } from '../business-hours.ts'
import type { Priority, Status } from '../tables.ts'

export const CLOCK_METRICS = ['first_response', 'next_response', 'resolution', 'ola'] as const
export type ClockMetric = (typeof CLOCK_METRICS)[number]
export type ClockState = 'running' | 'paused' | 'stopped' | 'cancelled'
export type StopReason = 'reply' | 'resolved' | 'handed_over' | 'target_removed' | 'merged' | 'split' | 'spam'
export type Origin = 'customer' | 'agent_for_customer' | 'agent_outbound'

/**
 * A moment of a clock: a percent of the target, or seconds of it that are left (W1). `metric` null: of every clock.
 * `every`: from the breach on again and again, in working seconds (W4). `acts`: it does something, `changes`: something
 * that clocks or the choice of the policy follow (E2).
 */
export type Reminder = { id: string; metric: ClockMetric | null; every?: number; acts?: boolean; changes?: boolean } & (
  | { percent: number; left?: undefined }
  | { left: number; percent?: undefined }
)

/** Of which moves of a promised date a policy tells the customer. */
export type TellChanges = 'never' | 'later' | 'always'

/** One immutable version of a policy (M2). Targets in working seconds; a missing one is no promise (M1). */
export type Terms = {
  readonly id: number
  readonly targets: Readonly<Partial<Record<Priority, Readonly<Partial<Record<ClockMetric, number>>>>>>
  /** By team id. */
  readonly ola: ReadonlyMap<number, Readonly<Partial<Record<Priority, number>>>>
  readonly pauseOn: Readonly<Record<ClockMetric, readonly string[]>>
  readonly reopen: 'resume' | 'restart'
  /** Whether customers hear of dates that an agent moves (D4); absent: never. */
  readonly tellChanges?: TellChanges | undefined
  readonly reminders: readonly Reminder[]
}

/** Versions by the ids of their rows; a version that is not there is a bug. */
export type Book = { terms(id: number): Terms; calendar(id: number): Calendar }

export type Facts = {
  /** Of the last event: time never goes back within a ticket (U2). */
  lastAt: number
  origin: Origin
  status: Status
  priority: Priority
  teamId: number | null
  assigneeId: number | null
  /** Versions in force for this ticket; the calendar is the policy's, or the customer's where it names none. */
  policyId: number | null
  calendarId: number | null
  /** The team's own calendar, null where it has none (O1). */
  teamCalendarId: number | null
  /** The first public answer of an agent. */
  firstResponseAt: number | null
  /** The first request is settled: answered, resolved without an answer, or an agent wrote first (F2, F4). */
  answeredAt: number | null
  /** The oldest customer message that nobody has answered (N1). */
  awaitingSince: number | null
  /** Merged away, spam or deleted: nothing changes any more (K17). */
  ended: boolean
}

export type Clock = {
  metric: ClockMetric
  teamId: number | null
  cycle: number
  state: ClockState
  policyId: number
  calendarId: number
  target: number
  startedAt: number
  /** Up to `runningSince` (K2). */
  elapsed: number
  runningSince: number | null
  dueAt: number | null
  /** What `dueAt` was when it was last taken away (K6). */
  lastDueAt: number | null
  stoppedAt: number | null
  stopReason: StopReason | null
  stopAgentId: number | null
  breachedAt: number | null
  /** The wait that a next response clock measures (K14). */
  awaitingRef: number | null
  nextWarnAt: number | null
  nextWarnId: string | null
  /** Reminders that fired and are not armed again (W3). */
  fired: string[]
  generation: number
}

/** A row of the ledger; it stays, whatever happens to the clock (K11). */
export type Breach = {
  clock: ClockKey
  at: number
  target: number
  assigneeId: number | null
  ticketTeamId: number | null
  supersededAt: number | null
  /** The event that did it: it tells who and why. */
  supersededBy: number | null
}

/** `reminder` is its id, and `id/2` the second time that it is repeated; `policyId` is the version that says what it does. */
export type Firing = { clock: ClockKey; policyId: number; reminder: string; generation: number; at: number }

export type ClockKey = string

export type Account = { facts: Facts; clocks: Clock[]; breaches: Breach[]; firings: Firing[] }

/** The reminder that a firing's or a clock's `id/2` is a repetition of. */
export const baseOf = (reminder: string): string => reminder.split('/', 1)[0]!

/** What names a clock within its ticket. */
export const keyOf = (clock: Pick<Clock, 'metric' | 'teamId' | 'cycle'>): ClockKey =>
  `${clock.metric}/${clock.teamId ?? ''}/${clock.cycle}`

export const isOpen = (clock: Clock): boolean => clock.state === 'running' || clock.state === 'paused'

/** The earliest due date of the running clocks that customers are promised, and of the teams' (Q1). */
export function nextDues(clocks: readonly Clock[]): { nextDueAt: number | null; olaDueAt: number | null } {
  const least = (some: Clock[]) =>
    some.reduce<number | null>(
      (min, { dueAt }) => (dueAt !== null && (min === null || dueAt < min) ? dueAt : min),
      null,
    )
  const running = clocks.filter((clock) => clock.state === 'running')
  return {
    nextDueAt: least(running.filter((clock) => clock.metric !== 'ola')),
    olaDueAt: least(running.filter((clock) => clock.metric === 'ola')),
  }
}

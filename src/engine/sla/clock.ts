/**
 * What may happen to one clock: it runs, pauses, ends, is judged against its target, reminds. Rules K2-K6, K11, K12 and
 * W1-W4. Each changes the clock in place and adds to the ledger; machine.ts says when.
 */
import { addWorkingTime, workingSecondsBetween } from '../business-hours.ts'
import {
  type Account,
  type Book,
  baseOf,
  type Clock,
  keyOf,
  type Reminder,
  type StopReason,
  type Terms,
} from './account.ts'

/** An account being worked on at one moment; `seq` is the event that does it, null for time alone. */
export type Moment = { account: Account; book: Book; at: number; seq: number | null }

/** Counts what has passed, by the calendar that the clock has run under so far (K10). */
export function roll(moment: Moment, clock: Clock): void {
  if (clock.state !== 'running') return
  clock.elapsed += workingSecondsBetween(moment.book.calendar(clock.calendarId), clock.runningSince!, moment.at)
  clock.runningSince = moment.at
}

/** Runs from now on (K5, K7); the elapsed time is rolled. */
export function run(moment: Moment, clock: Clock): void {
  clock.state = 'running'
  clock.runningSince = moment.at
  const rest = Math.max(0, clock.target - clock.elapsed)
  const due = clock.breachedAt ?? addWorkingTime(moment.book.calendar(clock.calendarId), moment.at, rest)
  if (due === null) forgetDue(clock)
  clock.dueAt = due
  remind(moment, clock)
}

export function pause(moment: Moment, clock: Clock): void {
  roll(moment, clock)
  clock.state = 'paused'
  standStill(clock)
}

/** Ends a clock; what ended stays as it is, unless a reopening takes it up again (K15). */
export function end(
  moment: Moment,
  clock: Clock,
  how: { state: 'stopped' | 'cancelled'; reason: StopReason; agentId?: number | null },
): void {
  roll(moment, clock)
  standStill(clock)
  clock.state = how.state
  clock.stoppedAt = moment.at
  clock.stopReason = how.reason
  clock.stopAgentId = how.agentId ?? null
}

/** K11, K12: whether the target at this moment makes the clock late or no longer late. */
export function judge(moment: Moment, clock: Clock): void {
  if (clock.target > clock.elapsed) forgive(moment, clock)
  else if (clock.elapsed > clock.target && clock.breachedAt === null) breach(moment, clock)
}

/** Late at this moment, with the assignee and the team in force (K9). */
export function breach(moment: Moment, clock: Clock): void {
  const { account, at } = moment
  clock.breachedAt = at
  account.breaches.push({
    clock: keyOf(clock),
    at,
    target: clock.target,
    assigneeId: account.facts.assigneeId,
    ticketTeamId: account.facts.teamId,
    supersededAt: null,
    supersededBy: null,
  })
  // W4: the breach fires the reminders that stand at the end; what lies before them has passed with them
  const all = waiting(moment, clock)
  if (all.some((one) => one.at >= clock.target)) fireHighest(moment, clock, all)
}

/** The due second of a running clock has passed (K9); from now on it reminds as often as it is to (W4). */
export function fallDue(moment: Moment, clock: Clock): void {
  breach(moment, clock)
  awaitNext(moment, clock)
}

/** The clock is not late after all; the row of the ledger stays and says since when it does not count. */
export function forgive(moment: Moment, clock: Clock): void {
  clock.breachedAt = null
  supersede(moment, (row) => row.clock === keyOf(clock))
}

export function supersede({ account, at, seq }: Moment, which: (row: Account['breaches'][number]) => boolean): void {
  for (const row of account.breaches) {
    if (row.supersededAt !== null || !which(row)) continue
    row.supersededAt = at
    row.supersededBy = seq
  }
}

/** W3: what fired and lies ahead again after a change of the target may fire once more. */
export function rearm({ book }: Moment, clock: Clock): void {
  const ahead = new Set(
    remindersOf(book, clock)
      .filter((one) => clock.elapsed < reach(one, clock))
      .map((one) => one.id),
  )
  const kept = clock.fired.filter((id) => !ahead.has(baseOf(id)))
  if (kept.length === clock.fired.length) return
  clock.fired = kept
  clock.generation++
}

/**
 * What is reached and has not fired fires now, of several the highest alone; then the next one is awaited (W1-W4). What
 * is reached as soon as a clock starts is awaited too, and fires at that very second.
 */
function remind(moment: Moment, clock: Clock): void {
  const late = clock.breachedAt !== null
  fireHighest(
    moment,
    clock,
    waiting(moment, clock).filter(
      (one) => clock.elapsed > 0 && one.at <= clock.elapsed && (late || one.at < clock.target),
    ),
  )
  for (const one of repeating(moment, clock)) {
    const since = workingSecondsBetween(moment.book.calendar(clock.calendarId), clock.breachedAt!, moment.at)
    const passed = Math.floor(since / one.every)
    if (passed > one.last) fire(moment, clock, `${one.id}/${passed}`)
  }
  awaitNext(moment, clock)
}

/** The reminder that the clock waits for is due at this moment. */
export function remindNext(moment: Moment, clock: Clock): void {
  fire(moment, clock, clock.nextWarnId!)
  awaitNext(moment, clock)
}

/** What a running clock is due at, anew from its start: the zone's offsets may not be what they were (Q6). */
export function retime(moment: Moment, clock: Clock): void {
  if (clock.state !== 'running') return
  const rest = Math.max(0, clock.target - clock.elapsed)
  const calendar = moment.book.calendar(clock.calendarId)
  clock.dueAt = clock.breachedAt ?? addWorkingTime(calendar, clock.runningSince!, rest)
  awaitNext(moment, clock)
}

/** The calendar under which a clock counts from now on (O1). */
export function calendarFor({ account: { facts } }: Moment, clock: Pick<Clock, 'metric'>): number {
  return (clock.metric === 'ola' ? facts.teamCalendarId : null) ?? facts.calendarId!
}

/** What the policy in force promises for a metric, null for nothing. */
export function targetFor(
  { account: { facts }, book }: Moment,
  { metric, teamId }: Pick<Clock, 'metric' | 'teamId'>,
): number | null {
  if (facts.policyId === null || facts.calendarId === null) return null
  const terms = book.terms(facts.policyId)
  if (metric === 'ola') return (teamId !== null && terms.ola.get(teamId)?.[facts.priority]) || null
  return terms.targets[facts.priority]?.[metric] ?? null
}

/** Whether the ticket's status pauses a metric (K6). */
export function isPaused({ account: { facts }, book }: Moment, metric: Clock['metric']): boolean {
  return facts.policyId !== null && book.terms(facts.policyId).pauseOn[metric].includes(facts.status)
}

type Waiting = { id: string; at: number }

/** Reminders that have not fired, by the elapsed seconds at which they do. */
const waiting = ({ book }: Moment, clock: Clock): Waiting[] =>
  remindersOf(book, clock)
    .filter((one) => !clock.fired.includes(one.id))
    .map((one) => ({ id: one.id, at: reach(one, clock) }))
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))

/** Of a late clock those that repeat, with the last repetition that fired (W4). */
function repeating({ book }: Moment, clock: Clock): { id: string; every: number; last: number }[] {
  if (clock.breachedAt === null) return []
  return remindersOf(book, clock).flatMap(({ id, every }) => {
    if (every === undefined || !clock.fired.includes(id)) return []
    const last = clock.fired.find((one) => one.startsWith(`${id}/`))
    return [{ id, every, last: last ? Number(last.slice(id.length + 1)) : 0 }]
  })
}

/** A repetition comes in the clock's working time after the breach, never at midnight (W4). */
function awaitNext(moment: Moment, clock: Clock): void {
  const calendar = moment.book.calendar(clock.calendarId)
  const next = waiting(moment, clock).find((one) => one.at < clock.target)
  const at = next ? addWorkingTime(calendar, clock.runningSince!, Math.max(0, next.at - clock.elapsed)) : null
  const coming = [
    { id: next?.id, at },
    ...repeating(moment, clock).map(({ id, every, last }) => ({
      id: `${id}/${last + 1}`,
      at: addWorkingTime(calendar, clock.breachedAt!, (last + 1) * every),
    })),
  ].filter((one): one is { id: string; at: number } => one.at !== null)
  const first = coming.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))[0]
  clock.nextWarnAt = first?.at ?? null
  clock.nextWarnId = first?.id ?? null
}

function fireHighest(moment: Moment, clock: Clock, reached: Waiting[]): void {
  const highest = reached.at(-1)
  if (!highest) return
  fire(moment, clock, highest.id)
  clock.fired.push(...reached.slice(0, -1).map((one) => one.id))
}

function fire({ account, at }: Moment, clock: Clock, reminder: string): void {
  const base = baseOf(reminder)
  // of repetitions the last one is enough to know which comes next
  if (base !== reminder) clock.fired = clock.fired.filter((one) => !one.startsWith(`${base}/`))
  clock.fired.push(reminder)
  const { policyId, generation } = clock
  account.firings.push({ clock: keyOf(clock), policyId, reminder, generation, at })
}

/** The elapsed seconds at which it fires (W1). */
function reach(reminder: Reminder, { target }: Clock): number {
  if (reminder.percent === undefined) return Math.max(0, target - reminder.left)
  return Math.floor((target * reminder.percent + 99) / 100)
}

const remindersOf = (book: Book, clock: Clock): Terms['reminders'] =>
  book.terms(clock.policyId).reminders.filter((one) => one.metric === null || one.metric === clock.metric)

function standStill(clock: Clock): void {
  forgetDue(clock)
  clock.runningSince = null
  clock.nextWarnAt = null
  clock.nextWarnId = null
}

function forgetDue(clock: Clock): void {
  if (clock.dueAt !== null) clock.lastDueAt = clock.dueAt
  clock.dueAt = null
}

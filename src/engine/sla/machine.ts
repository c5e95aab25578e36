/**
 * The state machine of a ticket's clocks (SLA sections 6 to 9): an account and an event give the account after it. Pure:
 * the same events give the same rows, when they happen and when they are replayed. What time alone does is settled
 * before each event (K9), so an outage or a late sweep changes nothing in the record.
 */
import type { Priority, Status } from '../tables.ts'
import { type Account, type Book, type Clock, type ClockMetric, type Facts, type Firing, isOpen } from './account.ts'
import {
  calendarFor,
  end,
  fallDue,
  forgive,
  isPaused,
  judge,
  type Moment,
  pause,
  rearm,
  remindNext,
  retime,
  roll,
  run,
  supersede,
  targetFor,
} from './clock.ts'

/** Instants in epoch seconds; `seq` is the event's number in its ticket. */
export type SlaEvent = { at: number; seq: number } & (
  | { type: 'created'; facts: Opening }
  /** Public, by a person, irrevocably on its way (F3). */
  | { type: 'answered'; agentId: number | null }
  /** By a person, not by a machine (K8). */
  | { type: 'customer_message' }
  | { type: 'status'; to: Status; agentId: number | null }
  | { type: 'priority'; to: Priority }
  | { type: 'team'; to: number | null; calendarId: number | null }
  | { type: 'assign'; to: number | null }
  /** Another policy, a new version of it, or none (K10, K13). */
  | { type: 'policy'; policyId: number | null; calendarId: number | null }
  /** New versions of the calendars in force. */
  | { type: 'calendar'; calendarId: number | null; teamCalendarId: number | null }
  | { type: 'merged_in'; response: OpenResponse | null }
  | { type: 'merged_away' }
  /** What was said from an instant on is another ticket's now (MAIL 6.8). */
  | { type: 'split_off'; from: number }
  | { type: 'spam' }
  /** What was due in this very second has happened, because a reminder acts on the ticket in it (E2). */
  | { type: 'due' }
  /** In the story, and of no matter here. */
  | { type: 'other' }
)

/** What a ticket begins with. */
export type Opening = Pick<
  Facts,
  'origin' | 'status' | 'priority' | 'teamId' | 'assigneeId' | 'policyId' | 'calendarId' | 'teamCalendarId'
>

/** A promise of an answer that a merged ticket brings along (K18). */
export type OpenResponse = { startedAt: number; elapsed: number }

/** The account after an event, with what became due before it. */
export function apply(account: Account | null, event: SlaEvent, book: Book): Account {
  if (event.type === 'created') return open(event, book)
  if (account === null) throw new RangeError(`an event "${event.type}" before the ticket was created`)
  const next = settle(account, event.type === 'due' ? event.at + 1 : event.at, book)
  const moment: Moment = { account: next, book, at: event.at, seq: event.seq }
  next.facts.lastAt = event.at
  if (next.facts.ended) follow(next.facts, event)
  else act(moment, event)
  return next
}

/** What time alone has done strictly before `at`: breaches at their due date and reminders (K9, W1). */
export function settle(account: Account, at: number, book: Book): Account {
  return settleUntil({ account, at, book }, () => false).account
}

/** The same, but no further than the first reminder that `halts`; `haltedAt` is when that fired. */
export function settleUntil(
  { account, at, book }: { account: Account; at: number; book: Book },
  halts: (firing: Firing) => boolean,
): { account: Account; haltedAt: number | null } {
  const next = structuredClone(account)
  for (;;) {
    const due = earliest(next.clocks, at)
    if (!due) return { account: next, haltedAt: null }
    const before = next.firings.length
    const moment: Moment = { account: next, book, at: due.at, seq: null }
    if (due.what === 'warn') remindNext(moment, due.clock)
    else fallDue(moment, due.clock)
    if (next.firings.slice(before).some(halts)) return { account: next, haltedAt: due.at }
  }
}

/** The account with its due dates computed again, for when the runtime has learned of other offsets of a zone (Q6). */
export function recount(account: Account, book: Book): Account {
  const next = structuredClone(account)
  const moment: Moment = { account: next, book, at: next.facts.lastAt, seq: null }
  for (const clock of next.clocks) retime(moment, clock)
  return next
}

/** The promise of an answer that is open in an account at a moment, for the ticket that it is merged into (K18). */
export function openResponse(account: Account, at: number, book: Book): OpenResponse | null {
  const open = account.clocks.find(
    (one) => isOpen(one) && (one.metric === 'first_response' || one.metric === 'next_response'),
  )
  if (!open) return null
  const clock = structuredClone(open)
  roll({ account, book, at, seq: null }, clock)
  return { startedAt: clock.startedAt, elapsed: clock.elapsed }
}

const DONE: ReadonlySet<Status> = new Set(['resolved', 'closed'])

function open(event: Extract<SlaEvent, { type: 'created' }>, book: Book): Account {
  const { at, facts } = event
  const settled = facts.origin === 'agent_outbound' || DONE.has(facts.status)
  const account: Account = {
    facts: {
      ...facts,
      lastAt: at,
      firstResponseAt: null,
      answeredAt: settled ? at : null,
      awaitingSince: null,
      ended: false,
    },
    clocks: [],
    breaches: [],
    firings: [],
  }
  ensureAll({ account, book, at, seq: event.seq })
  return account
}

function act(moment: Moment, event: Exclude<SlaEvent, { type: 'created' }>): void {
  const { facts } = moment.account
  switch (event.type) {
    case 'answered':
      answered(moment, event.agentId)
      break
    case 'customer_message':
      asked(moment)
      break
    case 'status':
      changeStatus(moment, event.to, event.agentId)
      break
    case 'priority':
      facts.priority = event.to
      retarget(moment)
      break
    case 'team':
      changeTeam(moment, event)
      break
    case 'assign':
      facts.assigneeId = event.to
      break
    case 'policy':
      facts.policyId = event.policyId
      facts.calendarId = event.calendarId
      retarget(moment)
      break
    case 'calendar':
      facts.calendarId = event.calendarId
      facts.teamCalendarId = event.teamCalendarId
      retarget(moment, (clock) => clock.calendarId !== calendarFor(moment, clock))
      break
    case 'merged_in':
      mergedIn(moment, event.response)
      break
    case 'split_off':
      splitOff(moment, event.from)
      break
    case 'merged_away':
    case 'spam':
      leave(moment, event.type)
      break
    case 'due':
    case 'other':
      break
    default:
      throw new RangeError(`unknown event ${JSON.stringify(event satisfies never)}`)
  }
}

/** What is known of a ticket whose clocks have ended; they do not move any more (K17). */
function follow(facts: Facts, event: SlaEvent): void {
  if (event.type === 'status') facts.status = event.to
  else if (event.type === 'priority') facts.priority = event.to
  else if (event.type === 'assign') facts.assigneeId = event.to
  else if (event.type === 'team') {
    facts.teamId = event.to
    facts.teamCalendarId = event.calendarId
  } else if (event.type === 'policy') {
    facts.policyId = event.policyId
    facts.calendarId = event.calendarId
  }
}

/** F3, N3. */
function answered(moment: Moment, agentId: number | null): void {
  const { facts, clocks } = moment.account
  facts.firstResponseAt ??= moment.at
  facts.answeredAt ??= moment.at
  facts.awaitingSince = null
  for (const clock of clocks)
    if (isOpen(clock) && (clock.metric === 'first_response' || clock.metric === 'next_response'))
      end(moment, clock, { state: 'stopped', reason: 'reply', agentId })
}

/** N1, N2: the oldest message that waits rules. */
function asked(moment: Moment): void {
  const { facts } = moment.account
  if (facts.answeredAt === null || DONE.has(facts.status) || facts.awaitingSince !== null) return
  facts.awaitingSince = moment.at
  ensure(moment, 'next_response')
}

/** F4, N3, R2, R4, O2, O4, K6, K7. */
function changeStatus(moment: Moment, to: Status, agentId: number | null): void {
  const { facts, clocks } = moment.account
  const [was, is] = [DONE.has(facts.status), DONE.has(to)]
  facts.status = to
  if (is) {
    facts.answeredAt ??= moment.at
    facts.awaitingSince = null
    for (const clock of clocks) if (isOpen(clock)) end(moment, clock, { state: 'stopped', reason: 'resolved', agentId })
  } else if (was) ensureAll(moment)
  else
    for (const clock of clocks) {
      if (!isOpen(clock)) continue
      const stands = isPaused(moment, clock.metric)
      if (stands && clock.state === 'running') pause(moment, clock)
      if (!stands && clock.state === 'paused') run(moment, clock)
    }
}

/** O1-O3: the team that hands over is done, the one that takes over starts or goes on. */
function changeTeam(moment: Moment, event: { to: number | null; calendarId: number | null }): void {
  const { facts, clocks } = moment.account
  if (facts.teamId === event.to) return
  for (const clock of clocks)
    if (isOpen(clock) && clock.metric === 'ola') end(moment, clock, { state: 'stopped', reason: 'handed_over' })
  facts.teamId = event.to
  facts.teamCalendarId = event.calendarId
  ensure(moment, 'ola')
}

/** K10-K14: from now on other terms apply; what has passed stays counted as it was. */
function retarget(moment: Moment, which: (clock: Clock) => boolean = () => true): void {
  for (const clock of moment.account.clocks) {
    if (!isOpen(clock) || !which(clock)) continue
    roll(moment, clock)
    const target = targetFor(moment, clock)
    if (target === null) {
      forgive(moment, clock)
      end(moment, clock, { state: 'cancelled', reason: 'target_removed' })
    } else takeUp(moment, clock, target)
  }
  ensureAll(moment)
}

/** The terms of this moment for a clock whose elapsed time is rolled; it runs, or stands where the status says so. */
function takeUp(moment: Moment, clock: Clock, target: number): void {
  clock.target = target
  clock.policyId = moment.account.facts.policyId!
  clock.calendarId = calendarFor(moment, clock)
  judge(moment, clock)
  rearm(moment, clock)
  if (isPaused(moment, clock.metric)) pause(moment, clock)
  else run(moment, clock)
}

function ensureAll(moment: Moment): void {
  for (const metric of ['first_response', 'next_response', 'resolution', 'ola'] as const) ensure(moment, metric)
}

/** A clock that should be there and is not: taken up again where it stopped, or started (K14, R4, R5, O3, O4). */
function ensure(moment: Moment, metric: ClockMetric, from: OpenResponse | null = null): void {
  const { facts, clocks } = moment.account
  if (!isWanted(facts, metric)) return
  const teamId = metric === 'ola' ? facts.teamId : null
  const target = targetFor(moment, { metric, teamId })
  if (target === null) return
  const last = clocks.filter((clock) => clock.metric === metric && clock.teamId === teamId).at(-1)
  if (last && isOpen(last)) return
  if (last && mayGoOn(moment, last)) {
    last.stoppedAt = null
    last.stopReason = null
    last.stopAgentId = null
    takeUp(moment, last, target)
    return
  }
  if (last && metric === 'first_response') return // F5
  const clock = fresh(moment, { metric, teamId, cycle: (last?.cycle ?? 0) + 1, target, from })
  clocks.push(clock)
  takeUp(moment, clock, target)
}

/** First response while unanswered, next response while somebody waits, the others while the ticket is open (K14). */
function isWanted(facts: Facts, metric: ClockMetric): boolean {
  if (DONE.has(facts.status)) return false
  if (metric === 'first_response') return facts.answeredAt === null
  if (metric === 'next_response') return facts.awaitingSince !== null
  return metric === 'resolution' || facts.teamId !== null
}

/** Whether a row that ended goes on; otherwise a new cycle starts. */
function mayGoOn({ account: { facts }, book }: Moment, clock: Clock): boolean {
  if (clock.metric === 'next_response') return clock.state === 'cancelled' && clock.awaitingRef === facts.awaitingSince
  if (clock.state === 'cancelled' || clock.metric === 'ola') return true
  return clock.metric === 'resolution' && book.terms(facts.policyId!).reopen === 'resume'
}

function fresh(
  moment: Moment,
  given: { metric: ClockMetric; teamId: number | null; cycle: number; target: number; from: OpenResponse | null },
): Clock {
  const { facts } = moment.account
  const { from, ...named } = given
  return {
    ...named,
    state: 'running',
    policyId: facts.policyId!,
    calendarId: calendarFor(moment, given),
    startedAt: from?.startedAt ?? moment.at,
    elapsed: from?.elapsed ?? 0,
    runningSince: moment.at,
    dueAt: null,
    lastDueAt: null,
    stoppedAt: null,
    stopReason: null,
    stopAgentId: null,
    breachedAt: null,
    awaitingRef: given.metric === 'next_response' ? facts.awaitingSince : null,
    nextWarnAt: null,
    nextWarnId: null,
    fired: [],
    generation: 0,
  }
}

/** K18: merging never extends a promise. */
function mergedIn(moment: Moment, response: OpenResponse | null): void {
  const { facts, clocks } = moment.account
  if (!response || DONE.has(facts.status)) return
  const metric = facts.answeredAt === null ? 'first_response' : 'next_response'
  if (metric === 'next_response')
    facts.awaitingSince = Math.min(facts.awaitingSince ?? response.startedAt, response.startedAt)
  const clock = clocks.find((one) => isOpen(one) && one.metric === metric)
  if (!clock) {
    if (metric === 'next_response') ensure(moment, metric, response)
    return
  }
  roll(moment, clock)
  clock.elapsed = Math.max(clock.elapsed, response.elapsed)
  clock.startedAt = Math.min(clock.startedAt, response.startedAt)
  clock.awaitingRef = metric === 'next_response' ? facts.awaitingSince : null
  takeUp(moment, clock, clock.target)
}

/** Who waited for an answer to what is gone waits for it there; the first request stays (N1). */
function splitOff(moment: Moment, from: number): void {
  const { facts, clocks } = moment.account
  if (facts.awaitingSince === null || facts.awaitingSince < from) return
  facts.awaitingSince = null
  for (const clock of clocks)
    if (isOpen(clock) && clock.metric === 'next_response') end(moment, clock, { state: 'cancelled', reason: 'split' })
}

/** K17: nothing of the ticket counts any more, or, merged, nothing from now on. */
function leave(moment: Moment, why: 'merged_away' | 'spam'): void {
  const { facts, clocks } = moment.account
  for (const clock of clocks)
    if (isOpen(clock)) end(moment, clock, { state: 'cancelled', reason: why === 'spam' ? 'spam' : 'merged' })
  if (why === 'spam') supersede(moment, () => true)
  else facts.status = 'closed'
  facts.ended = true
}

function earliest(clocks: Clock[], before: number): { clock: Clock; at: number; what: 'due' | 'warn' } | null {
  let first: { clock: Clock; at: number; what: 'due' | 'warn' } | null = null
  for (const clock of clocks) {
    if (clock.state !== 'running') continue
    const { nextWarnAt: warn, dueAt: due } = clock
    if (warn !== null && warn < before && (!first || warn < first.at)) first = { clock, at: warn, what: 'warn' }
    if (clock.breachedAt === null && due !== null && due < before && (!first || due < first.at))
      first = { clock, at: due, what: 'due' }
  }
  return first
}

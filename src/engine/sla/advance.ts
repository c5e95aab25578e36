/**
 * The one entry of whatever happens to a ticket: what time, edits and answers have done until now is settled, the events
 * are applied, and the differences come back as statements (SLA K9, K19). The caller holds the tickets' rows, and writes
 * the events and the tickets' columns in the same transaction; so an event is counted exactly when it is recorded.
 */
import type { Statement, Tx } from '../../database.ts'
import { seconds } from '../../time.ts'
import { type Actor, type Event, type NumberedEvent, system } from '../events.ts'
import { type Account, type Book, baseOf, type ClockKey, type Firing, keyOf, nextDues } from './account.ts'
import { type Loaded, load, type Shelf, type Wanted } from './load.ts'
import { readEvent } from './log.ts'
import { apply, recount, settleUntil } from './machine.ts'
import { fromBreach, fromClock, fromFiring, type SlaColumns, toColumns } from './rows.ts'

/**
 * What happens to a ticket; no events: time passes, but no further than the first reminder that changes the ticket, so
 * that what follows follows from the change (E2). `recount`: its due dates are computed anew first (Q6).
 */
export type Story = { ticketId: number; actor: Actor; events: Event[]; dues?: 'as stored' | 'recount' }

export type Moved = {
  ticketId: number
  /** To be recorded: those of the story, and before them what had happened without anybody telling. */
  events: NumberedEvent[]
  columns: SlaColumns
  /** It stands at a reminder that changes the ticket; there may be more to settle. */
  halted: boolean
  /** Whether any of the columns is another than before. */
  changed: boolean
  /** When the story happens, in epoch seconds (U2). */
  at: number
  /** Before the story's own events, settled. */
  before: Account
  after: Account
}

export type Advance = {
  moved: Moved[]
  book: Book
  /** The clocks' own rows; none of them needs the events or the tickets' columns. */
  rows: Statement[]
}

/** Moves the accounts of tickets on to `now`, or to their last event where that is later (U2). */
export async function advance(tx: Tx, stories: Story[], now: Date): Promise<Advance> {
  const shelf = await load(
    tx,
    stories.map((story) => story.ticketId),
    wantedBy(stories),
    now,
  )
  const steps = stories.flatMap((story) => {
    const loaded = shelf.loaded.get(story.ticketId)
    return loaded ? [step(story, loaded, shelf, now)] : []
  })
  return { moved: steps.map(({ moved }) => moved), book: shelf.book, rows: await rowsOf(tx, steps, shelf.book) }
}

/** `answers`: comments of those that have been taken up; a halted ticket takes up the others later. */
type Step = { loaded: Loaded; answers: number[]; moved: Moved }

function step(story: Story, loaded: Loaded, { book }: Shelf, now: Date): Step {
  const log: NumberedEvent[] = []
  let account = story.dues === 'recount' ? recount(loaded.account, book) : loaded.account
  let seq = loaded.seq
  const happen = (event: Event, actor: Actor, at: number) => {
    const row: NumberedEvent = {
      ticket_id: loaded.ticketId,
      seq: ++seq,
      at: new Date(Math.max(at, account.facts.lastAt) * 1000),
      type: event.type,
      actor: actor.kind,
      actor_id: actor.id,
      actor_name: actor.name,
      data: event.data ?? {},
      why: event.why ?? null,
    }
    log.push(row)
    account = apply(account, readEvent(row), book)
  }
  const halts = (firing: Firing) => story.events.length === 0 && reminderOf(book, firing)?.changes === true
  /** Whether it stands: at a reminder, with an event that says that all of this second has happened. */
  const settleTo = (at: number): boolean => {
    const settled = settleUntil({ account, at, book }, halts)
    account = settled.account
    if (settled.haltedAt === null) return false
    const { clock, reminder } = account.firings.at(-1)!
    happen({ type: 'reminder', data: { clock, reminder } }, system('sla'), settled.haltedAt)
    return true
  }
  const answers = loaded.answers.filter((one) => one.takenBack).map((one) => one.commentId)
  let halted = false
  for (const one of untold(loaded)) {
    halted = settleTo(one.at)
    if (halted) break
    const fired = account.firings.length
    happen(one.event, one.actor, one.at)
    if (one.comment !== undefined) answers.push(one.comment)
    halted = account.firings.slice(fired).some(halts)
    if (halted) break
  }
  if (!halted) halted = settleTo(Math.max(seconds(now), account.facts.lastAt))
  const when = halted ? account.facts.lastAt : Math.max(seconds(now), account.facts.lastAt)
  const before = account
  for (const event of story.events) happen(event, story.actor, when)
  const columns = columnsOf(account)
  const changed = JSON.stringify(columns) !== JSON.stringify(columnsOf(loaded.account))
  return {
    loaded,
    answers,
    moved: { ticketId: loaded.ticketId, events: log, columns, halted, changed, at: when, before, after: account },
  }
}

type Untold = { at: number; event: Event; actor: Actor; comment?: number }

/** Edits of the desk, and answers that can no longer be taken back, in the order of their times. */
function untold({ edits, answers }: Loaded): Untold[] {
  const desk = edits.map(({ type, at, data }): Untold => ({ at, event: { type, data }, actor: system('desk') }))
  const sent = answers
    .filter((one) => !one.takenBack)
    .map(({ at, commentId, agentId }): Untold => {
      const event = { type: 'answered', data: { comment: commentId, agent: agentId } }
      return { at: seconds(at), event, actor: system('outbox'), comment: commentId }
    })
  return [...desk, ...sent].sort((a, b) => a.at - b.at)
}

const reminderOf = (book: Book, { policyId, reminder }: Firing) =>
  book.terms(policyId).reminders.find((one) => one.id === baseOf(reminder))

const columnsOf = (account: Account): SlaColumns => toColumns(account.facts, nextDues(account.clocks))

/** The versions that events name (sla/log.ts). */
function wantedBy(stories: Story[]): Wanted {
  const ids = (...names: string[]) =>
    stories
      .flatMap((story) => story.events)
      .flatMap(({ data }) => names.map((name) => data?.[name]))
      .filter((id): id is number => typeof id === 'number')
  return { policyIds: ids('policy_id'), calendarIds: ids('calendar_id', 'team_calendar_id') }
}

/** The differences, for all tickets in a few statements. New clocks get their ids first: breaches refer to them. */
async function rowsOf(tx: Tx, steps: Step[], book: Book): Promise<Statement[]> {
  const fresh = steps.flatMap(({ loaded, moved }) =>
    moved.after.clocks.map(keyOf).filter((key) => !loaded.clockIds.has(key)),
  )
  const ids = fresh.length > 0 ? await reserve(tx, fresh.length) : []
  const clocks: unknown[] = []
  const breaches: unknown[] = []
  const superseded: unknown[] = []
  const fired: unknown[] = []
  const answers = steps.flatMap((one) => one.answers)
  for (const { loaded, moved } of steps) {
    const { ticketId, after } = moved
    const idOf = new Map<ClockKey, number>(loaded.clockIds)
    const was = new Map(loaded.account.clocks.map((clock) => [keyOf(clock), JSON.stringify(clock)]))
    for (const clock of after.clocks) {
      const key = keyOf(clock)
      if (was.get(key) === JSON.stringify(clock)) continue
      if (!idOf.has(key)) idOf.set(key, ids.shift()!)
      clocks.push({ id: idOf.get(key), ...fromClock(ticketId, clock) })
    }
    const byKey = new Map(after.clocks.map((clock) => [keyOf(clock), clock]))
    for (const [n, breach] of after.breaches.entries()) {
      const place = { clockId: idOf.get(breach.clock)!, ticketId, clock: byKey.get(breach.clock)! }
      const id = loaded.breachIds[n]
      if (id === undefined) breaches.push(fromBreach(breach, place))
      else if (breach.supersededAt !== null) superseded.push({ id, ...fromBreach(breach, place) })
    }
    for (const firing of after.firings) {
      const acts = reminderOf(book, firing)?.acts === true
      fired.push({ ...fromFiring(firing, idOf.get(firing.clock)!), acted_at: acts ? null : new Date(firing.at * 1000) })
    }
  }
  return [
    ...(clocks.length ? [clockRows(tx, clocks)] : []),
    ...(breaches.length ? [breachRows(tx, breaches)] : []),
    ...(superseded.length ? [supersededRows(tx, superseded)] : []),
    ...(fired.length ? [firedRows(tx, fired)] : []),
    ...(answers.length ? [tx`delete from sla_answers where comment_id = any(${answers}::bigint[])`] : []),
  ]
}

async function reserve(tx: Tx, count: number): Promise<number[]> {
  const rows = await tx<{ id: number }[]>`
    select nextval('sla_clocks_id_seq') as id from generate_series(1, ${count}::int)`
  return rows.map((row) => row.id)
}

/** New clocks and changed ones. */
const clockRows = (tx: Tx, rows: unknown[]): Statement => tx`
  insert into sla_clocks (id, ticket_id, metric, team_id, cycle, state, policy_id, calendar_id, target_s, started_at,
    elapsed_s, running_since, due_at, last_due_at, stopped_at, stop_reason, stop_agent_id, breached_at, awaiting_ref,
    next_warn_at, next_warn_id, fired, generation)
  overriding system value
  select id, ticket_id, metric, team_id, cycle, state, policy_id, calendar_id, target_s, started_at, elapsed_s,
    running_since, due_at, last_due_at, stopped_at, stop_reason, stop_agent_id, breached_at, awaiting_ref, next_warn_at,
    next_warn_id, array(select jsonb_array_elements_text(fired)), generation
  from jsonb_to_recordset(${tx.json(rows as never)}) as r (
    id bigint, ticket_id bigint, metric text, team_id bigint, cycle int, state text, policy_id bigint, calendar_id bigint,
    target_s int, started_at timestamptz, elapsed_s int, running_since timestamptz, due_at timestamptz,
    last_due_at timestamptz, stopped_at timestamptz, stop_reason text, stop_agent_id bigint, breached_at timestamptz,
    awaiting_ref timestamptz, next_warn_at timestamptz, next_warn_id text, fired jsonb, generation int)
  on conflict (id) do update set
    state = excluded.state, policy_id = excluded.policy_id, calendar_id = excluded.calendar_id,
    target_s = excluded.target_s, started_at = excluded.started_at, elapsed_s = excluded.elapsed_s,
    running_since = excluded.running_since, due_at = excluded.due_at, last_due_at = excluded.last_due_at,
    stopped_at = excluded.stopped_at, stop_reason = excluded.stop_reason, stop_agent_id = excluded.stop_agent_id,
    breached_at = excluded.breached_at, awaiting_ref = excluded.awaiting_ref, next_warn_at = excluded.next_warn_at,
    next_warn_id = excluded.next_warn_id, fired = excluded.fired, generation = excluded.generation`

const breachRows = (tx: Tx, rows: unknown[]): Statement => tx`
  insert into sla_breaches (clock_id, ticket_id, metric, team_id, cycle, at, target_s, assignee_id, ticket_team_id,
    superseded_at, superseded_by)
  select clock_id, ticket_id, metric, team_id, cycle, at, target_s, assignee_id, ticket_team_id, superseded_at,
    superseded_by
  from jsonb_to_recordset(${tx.json(rows as never)}) as r (
    clock_id bigint, ticket_id bigint, metric text, team_id bigint, cycle int, at timestamptz, target_s int,
    assignee_id bigint, ticket_team_id bigint, superseded_at timestamptz, superseded_by int)`

const supersededRows = (tx: Tx, rows: unknown[]): Statement => tx`
  update sla_breaches b set superseded_at = r.superseded_at, superseded_by = r.superseded_by
  from jsonb_to_recordset(${tx.json(rows as never)}) as r (id bigint, superseded_at timestamptz, superseded_by int)
  where b.id = r.id`

const firedRows = (tx: Tx, rows: unknown[]): Statement => tx`
  insert into sla_fired (clock_id, policy_id, reminder, generation, at, acted_at)
  select clock_id, policy_id, reminder, generation, at, acted_at
  from jsonb_to_recordset(${tx.json(rows as never)}) as r (
    clock_id bigint, policy_id bigint, reminder text, generation int, at timestamptz, acted_at timestamptz)
  on conflict do nothing`

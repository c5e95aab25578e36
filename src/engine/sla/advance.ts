/**
 * The one entry of whatever happens to a ticket: what time, edits and answers have done until now is settled, the events
 * are applied, and the differences come back as statements (SLA K9, K19). The caller holds the tickets' rows, and writes
 * the events and the tickets' columns in the same transaction; so an event is counted exactly when it is recorded.
 */
import { type Change, change, type Statement, type Tx } from '../../database.ts'
import { seconds } from '../../time.ts'
import { type Actor, type Event, type NumberedEvent, system } from '../events.ts'
import { type Account, type Book, baseOf, type ClockKey, type Firing, keyOf, nextDues } from './account.ts'
import { type Loaded, load, type Shelf, type Wanted } from './load.ts'
import { readEvent } from './log.ts'
import { apply, recount, settleUntil } from './machine.ts'
import {
  CLOCK_COLUMNS,
  CLOCK_NAMES,
  fromBreach,
  fromClock,
  fromFiring,
  type SlaColumns,
  toColumns,
  toDate,
} from './rows.ts'

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
  const clocks: object[] = []
  const breaches: object[] = []
  const superseded: object[] = []
  const fired: object[] = []
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
      else if (breach.supersededAt !== null)
        superseded.push({ id, superseded_at: toDate(breach.supersededAt), superseded_by: breach.supersededBy })
    }
    for (const firing of after.firings) {
      const acts = reminderOf(book, firing)?.acts === true
      fired.push({ ...fromFiring(firing, idOf.get(firing.clock)!), acted_at: acts ? null : new Date(firing.at * 1000) })
    }
  }
  return [
    ...(clocks.length ? [change(tx, CLOCKS, clocks)] : []),
    ...(breaches.length ? [change(tx, BREACHES, breaches)] : []),
    ...(superseded.length ? [change(tx, SUPERSEDED, superseded)] : []),
    ...(fired.length ? [change(tx, FIRED, fired)] : []),
    ...(answers.length ? [tx`delete from sla_answers where comment_id = any(${answers}::bigint[])`] : []),
  ]
}

async function reserve(tx: Tx, count: number): Promise<number[]> {
  const rows = await tx<{ id: number }[]>`
    select nextval('sla_clocks_id_seq') as id from generate_series(1, ${count}::int)`
  return rows.map((row) => row.id)
}

/** New clocks and changed ones. */
const CLOCKS: Change = {
  columns: `id bigint, ${CLOCK_COLUMNS}`,
  sql: `
    insert into sla_clocks (id, ${CLOCK_NAMES.join(', ')}) overriding system value select * from given
    on conflict (id) do update set ${CLOCK_NAMES.map((name) => `${name} = excluded.${name}`).join(', ')}`,
}

const BREACHES: Change = {
  columns: `clock_id bigint, ticket_id bigint, metric text, team_id bigint, cycle int, at timestamptz, target_s int,
    assignee_id bigint, ticket_team_id bigint, superseded_at timestamptz, superseded_by int`,
  sql: `
    insert into sla_breaches (clock_id, ticket_id, metric, team_id, cycle, at, target_s, assignee_id, ticket_team_id,
      superseded_at, superseded_by)
    select * from given`,
}

const SUPERSEDED: Change = {
  columns: 'id bigint, superseded_at timestamptz, superseded_by int',
  sql: `
    update sla_breaches b set superseded_at = given.superseded_at, superseded_by = given.superseded_by
    from given where b.id = given.id`,
}

const FIRED: Change = {
  columns: 'clock_id bigint, policy_id bigint, reminder text, generation int, at timestamptz, acted_at timestamptz',
  sql: `
    insert into sla_fired (clock_id, policy_id, reminder, generation, at, acted_at) select * from given
    on conflict do nothing`,
}

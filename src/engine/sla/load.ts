/**
 * The accounts of tickets as they are stored, with the versions they are under, the edits that have not reached them yet
 * and the answers whose undo window has ended. One round trip for any number of tickets; their rows are the caller's.
 */
import { askTogether, type Tx } from '../../database.ts'
import { hours } from '../../limits.ts'
import { seconds } from '../../time.ts'
import { remember } from '../business-hours/remember.ts'
import { type Calendar, frozenCalendar } from '../business-hours.ts'
import type { Priority, Status } from '../tables.ts'
import { type Account, type Book, type Breach, type ClockKey, keyOf, type Origin } from './account.ts'
import { type Edits, editsOf, type TeamRow, type VersionRow } from './edits.ts'
import { type ClockRow, type SlaColumns, toClock, toSeconds } from './rows.ts'
import { termsOf } from './terms.ts'

/** A public answer that counts from `at` on (F3). */
export type Answer = { commentId: number; agentId: number | null; at: Date; takenBack: boolean }

export type Loaded = {
  ticketId: number
  account: Account
  /** Number of the last event. */
  seq: number
  clockIds: Map<ClockKey, number>
  /** Of the account's breaches, in their order. */
  breachIds: number[]
  /** In force since before `now`, and not taken up by this ticket. */
  edits: Edits
  answers: Answer[]
}

/** Versions that are needed besides those in use: of events that are about to happen. */
export type Wanted = { policyIds: number[]; calendarIds: number[] }

export type Shelf = { loaded: Map<number, Loaded>; book: Book }

/** Loads the accounts of tickets whose rows the caller holds, or made. */
export async function load(tx: Tx, ticketIds: number[], wanted: Wanted, now: Date): Promise<Shelf> {
  const rows = await askTogether(tx, findRows, { ticketIds, wanted, now })
  const { clocks, breaches, policies, calendars, teams } = rows
  const mine = new Set(ticketIds)
  const tickets = rows.tickets.filter((row) => mine.has(row.id))
  const answers = rows.answers.filter((row) => row.at <= now)
  const teamIds = new Map(teams.map((team) => [team.key, team.id]))
  const terms = new Map(
    policies.map((row) => [row.id, termsOf(row.id, JSON.parse(row.definition), (key) => teamIds.get(key))]),
  )
  const calendarOf = new Map(calendars.map((row) => [row.id, readCalendar(row.definition)]))
  const book: Book = {
    terms: (id) => found(terms.get(id), `policy version ${id}`),
    calendar: (id) => found(calendarOf.get(id), `calendar version ${id}`),
  }
  const [byClocks, byBreaches, byAnswers] = [grouped(clocks), grouped(breaches), grouped(answers)]
  const loaded = tickets.map((ticket): [number, Loaded] => {
    const rows = byClocks.get(ticket.id) ?? []
    const ledger = byBreaches.get(ticket.id) ?? []
    const account: Account = {
      facts: factsOf(ticket),
      clocks: rows.map(toClock),
      breaches: ledger.map(toBreach),
      firings: [],
    }
    return [
      ticket.id,
      {
        ticketId: ticket.id,
        account,
        seq: ticket.last_seq ?? 0,
        clockIds: new Map(rows.map((row, n) => [keyOf(account.clocks[n]!), row.id])),
        breachIds: ledger.map((row) => row.id),
        edits: editsOf(account.facts, { policies, calendars, teams }, now),
        answers: (byAnswers.get(ticket.id) ?? []).map((row) => ({
          commentId: row.comment_id,
          agentId: row.agent_id,
          at: row.at,
          takenBack: row.taken_back,
        })),
      },
    ]
  })
  return { loaded: new Map(loaded), book }
}

/** Of all that is loaded in this transaction at this time, so more than one of them wants. */
async function findRows(tx: Tx, asked: { ticketIds: number[]; wanted: Wanted; now: Date }[]) {
  const ids = [...new Set(asked.flatMap((one) => one.ticketIds))]
  const wanted: Wanted = {
    policyIds: asked.flatMap((one) => one.wanted.policyIds),
    calendarIds: asked.flatMap((one) => one.wanted.calendarIds),
  }
  const latest = new Date(Math.max(...asked.map((one) => one.now.getTime())))
  const [tickets, clocks, breaches, answers, policies, calendars, teams] = await Promise.all([
    findTickets(tx, ids),
    tx<ClockRow[]>`select * from sla_clocks where ticket_id = any(${ids}::bigint[]) order by ticket_id, id`,
    findBreaches(tx, ids),
    findAnswers(tx, ids, latest),
    findPolicies(tx, ids, wanted),
    findCalendars(tx, ids, wanted),
    tx<TeamRow[]>`select id, key, calendar, calendar_at from teams`,
  ])
  return { tickets, clocks, breaches, answers, policies, calendars, teams }
}

type TicketRow = Omit<SlaColumns, 'next_due_at' | 'ola_due_at'> & {
  id: number
  origin: Origin
  status: Status
  priority: Priority
  team_id: number | null
  assignee_id: number | null
  created_at: Date
  ended: boolean
  last_seq: number | null
  last_at: Date | null
}
type BreachRow = {
  id: number
  ticket_id: number
  metric: ClockRow['metric']
  team_id: number | null
  cycle: number
  at: Date
  target_s: number
  assignee_id: number | null
  ticket_team_id: number | null
}
type AnswerRow = { ticket_id: number; comment_id: number; agent_id: number | null; at: Date; taken_back: boolean }

const findTickets = (tx: Tx, ids: number[]) => tx<TicketRow[]>`
  select t.id, t.origin, t.status, t.priority, t.team_id, t.assignee_id, t.policy_id, t.calendar_id, t.team_calendar_id,
    t.first_response_at, t.answered_at, t.awaiting_since, t.created_at,
    (t.merged_into is not null or t.clocks_ended_at is not null or t.deleted_at is not null) as ended,
    e.seq as last_seq, e.at as last_at
  from tickets t left join lateral (
    select seq, at from events where ticket_id = t.id order by seq desc limit 1) e on true
  where t.id = any(${ids}::bigint[])`

/** Those that count; the others never change again. */
const findBreaches = (tx: Tx, ids: number[]) => tx<BreachRow[]>`
  select id, ticket_id, metric, team_id, cycle, at, target_s, assignee_id, ticket_team_id from sla_breaches
  where ticket_id = any(${ids}::bigint[]) and superseded_at is null order by id`

/** Taken back: nothing of it was left to send when its time came. */
const findAnswers = (tx: Tx, ids: number[], now: Date) => tx<AnswerRow[]>`
  select a.ticket_id, a.comment_id, a.agent_id, a.at, not exists (
    select from outbox o where o.ticket_id = a.ticket_id and o.comment_id = a.comment_id and o.kind = 'reply'
      and o.state <> 'suppressed' and not (o.state = 'cancelled' and o.settled_at < a.at)) as taken_back
  from sla_answers a where a.ticket_id = any(${ids}::bigint[]) and a.at <= ${now} order by a.at, a.comment_id`

/** Those in use, and every later version of them. */
const findPolicies = (tx: Tx, ids: number[], { policyIds }: Wanted) => tx<VersionRow[]>`
  with used as (
    select p.key, min(p.version) as version from sla_policies p
    where p.id in (select policy_id from tickets where id = any(${ids}::bigint[])) or p.id = any(${policyIds}::bigint[])
    group by p.key)
  select p.id, p.key, p.version, p.created_at, p.definition::text as definition
  from sla_policies p join used on used.key = p.key and p.version >= used.version order by p.key, p.version`

/** Those in use and every later version of them; of calendars that an edit may bring into use, the newest. */
const findCalendars = (tx: Tx, ids: number[], { calendarIds }: Wanted) => tx<VersionRow[]>`
  with mine as (
    select policy_id, calendar_id, team_calendar_id, team_id from tickets where id = any(${ids}::bigint[])),
  used as (
    select c.key, min(c.version) as version from calendars c
    where c.id in (select calendar_id from mine union select team_calendar_id from mine)
      or c.id = any(${calendarIds}::bigint[])
    group by c.key),
  named as (
    select newer.definition ->> 'calendar' as key from sla_policies p join sla_policies newer on newer.key = p.key
    where p.id in (select policy_id from mine)
    union select calendar from teams where id in (select team_id from mine))
  select c.id, c.key, c.version, c.created_at, c.definition::text as definition
  from calendars c left join used on used.key = c.key
  where c.version >= used.version
    or (used.key is null and c.key in (select key from named) and c.version = (
      select max(version) from calendars newest where newest.key = c.key))
  order by c.key, c.version`

function factsOf(row: TicketRow): Account['facts'] {
  return {
    lastAt: seconds(row.last_at ?? row.created_at),
    origin: row.origin,
    status: row.status,
    priority: row.priority,
    teamId: row.team_id,
    assigneeId: row.assignee_id,
    policyId: row.policy_id,
    calendarId: row.calendar_id,
    teamCalendarId: row.team_calendar_id,
    firstResponseAt: toSeconds(row.first_response_at),
    answeredAt: toSeconds(row.answered_at),
    awaitingSince: toSeconds(row.awaiting_since),
    ended: row.ended,
  }
}

const toBreach = (row: BreachRow): Breach => ({
  clock: keyOf({ metric: row.metric, teamId: row.team_id, cycle: row.cycle }),
  at: seconds(row.at),
  target: row.target_s,
  assigneeId: row.assignee_id,
  ticketTeamId: row.ticket_team_id,
  supersededAt: null,
  supersededBy: null,
})

/** By their text, because one process may know several databases. */
const known = new Map<string, Calendar>()

/** A stored calendar, made once. */
export const readCalendar = (definition: string): Calendar =>
  remember(known, definition, hours.cachedCalendars, () => frozenCalendar(JSON.parse(definition)))

const grouped = <T extends { ticket_id: number }>(rows: readonly T[]): Map<number, T[]> =>
  Map.groupBy(rows, (row) => row.ticket_id)

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`${what} is not loaded`)
  return value
}

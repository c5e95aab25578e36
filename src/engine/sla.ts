/**
 * The promise: which policy a ticket is under (SLA S1-S3, S5) and by when it must be answered and solved. Clocks are
 * rows from the first second on; sla/ holds the machine that moves them and the one entry of whatever happens.
 */
import { type Change, change, type Statement, type Tx } from '../database.ts'
import { floored, seconds } from '../time.ts'
import type { Desk, DeskCalendar, Metric, Organization, Policy, Project, Team } from './desk.ts'
import { groupsOf } from './people.ts'
import { evaluate, type RuleFacts } from './rules.ts'
import { type Account, type Book, type ClockState, nextDues, type Origin } from './sla/account.ts'
import type { OpeningData } from './sla/log.ts'
import { apply, type Opening } from './sla/machine.ts'
import { CLOCK_COLUMNS, CLOCK_NAMES, fromClock, type SlaColumns, toColumns, toDate } from './sla/rows.ts'
import { termsOf } from './sla/terms.ts'
import type { Priority, Status } from './tables.ts'

export type PolicySource = 'manual' | 'rule' | 'org' | 'group' | 'inbox' | 'project' | 'default' | 'none'
export type Selection = { policy: Policy | null; calendar: DeskCalendar | null; source: PolicySource; why: string }

/** A clock of a new ticket; `due` is null when it is never reached (SLA C12) or stands still. */
export type Clock = { metric: Metric; target: number; due: Date | null; state: ClockState }
export type Promised = {
  selection: Selection
  /** What is promised to the customer; a team's own clock is not (O4). */
  clocks: Clock[]
  nextDueAt: number | null
  olaDueAt: number | null
  /** Of the `created` event, for the replay. */
  opening: OpeningData
  account: Account
}
export type OpeningColumns = SlaColumns & { policy_source: PolicySource }

export type PolicyInput = {
  /** The facts that rules see, with organization, group, project, type and priority settled. */
  facts: RuleFacts
  organization: Organization | null
  requester: string | null
  inboxPolicy: string | null
  project: Project | null
  /** Tickets of automatic or list mail get a policy only from a rule (SLA S1, MAIL 10). */
  automatic: boolean
}

/** The policy of a ticket by the order of SLA S1; none is never an error (S5). Pure. */
export function selectPolicy(desk: Desk, input: PolicyInput, now: Date): Selection {
  const { organization, requester, project } = input
  // what is due for a priority waits until somebody has set it: until then the customer's default holds (FEATURES 3.11)
  const facts = input.facts.unassessed ? { ...input.facts, priority: null } : input.facts
  const candidates: [PolicySource, string | null | undefined, string][] = []
  for (const { rule, policy } of desk.sla)
    if (evaluate(rule, facts, now).matched) candidates.push(['rule', policy, `rule ${rule.name}`])
  if (!input.automatic) {
    candidates.push(['org', organization?.policy, `organization ${organization?.name}`])
    for (const group of groupsOf(desk, organization, requester))
      candidates.push(['group', group.policy, `group ${group.name}`])
    candidates.push(['inbox', input.inboxPolicy, 'the inbox'])
    candidates.push(['project', project?.policy, `project ${project?.key}`])
    candidates.push(['default', desk.settings.policy, 'the default'])
  }
  for (const [source, key, why] of candidates) {
    const policy = key ? desk.policies.get(key) : undefined
    if (policy) return { policy, calendar: calendarOf(desk, policy, organization), source, why }
  }
  return { policy: null, calendar: null, source: 'none', why: 'nothing gives a policy' }
}

/** What a ticket begins with, in keys of the desk. */
export type Beginning = {
  status: Status
  priority: Priority
  team: string | null
  assignee: string | null
  origin?: Origin
}

/**
 * What a new ticket is promised: its `created` event taken by the machine, before there is a ticket (F1, R1, O1). Pure.
 * @param at when the mail was accepted; promises count from there (SLA U2)
 */
export function promise(desk: Desk, selection: Selection, beginning: Beginning, at: Date): Promised {
  const { policy, calendar } = selection
  const team = beginning.team === null ? undefined : desk.teams.get(beginning.team)
  const teamCalendar = team?.calendar ? desk.calendars.get(team.calendar) : undefined
  const opening = {
    origin: beginning.origin ?? ('customer' as const),
    status: beginning.status,
    priority: beginning.priority,
    teamId: team?.id ?? null,
    assigneeId: (beginning.assignee !== null && desk.agents.get(beginning.assignee)?.id) || null,
    policyId: (policy && calendar && policy.id) ?? null,
    calendarId: (policy && calendar?.id) ?? null,
    teamCalendarId: teamCalendarId(desk, team),
  }
  const terms = policy && termsOf(policy.id, policy, (key) => desk.teams.get(key)?.id)
  const book: Book = {
    terms: () => terms!,
    calendar: (id) => (id === teamCalendar?.id ? teamCalendar : calendar!).calendar,
  }
  const account = apply(null, { type: 'created', at: seconds(at), seq: 1, facts: opening }, book)
  const clocks = account.clocks.flatMap(({ metric, target, dueAt, state }): Clock[] =>
    metric === 'ola' ? [] : [{ metric, target, due: state === 'running' ? toDate(dueAt) : null, state }],
  )
  return { selection, clocks, ...nextDues(account.clocks), opening: openingData(opening), account }
}

/** The version of a team's own calendar, null where it has none (O1). */
export const teamCalendarId = (desk: Desk, team: Team | undefined): number | null =>
  (team?.calendar && desk.calendars.get(team.calendar)?.id) || null

/** The columns of a new ticket that its promise decides; of one without a promise, such as imported history. */
export function openingColumns(promised: Promised | null, beginning: { status: Status; at: Date }): OpeningColumns {
  const done = beginning.status === 'resolved' || beginning.status === 'closed'
  const none: SlaColumns = {
    policy_id: null,
    calendar_id: null,
    team_calendar_id: null,
    first_response_at: null,
    answered_at: done ? floored(beginning.at) : null,
    awaiting_since: null,
    next_due_at: null,
    ola_due_at: null,
  }
  const columns = promised ? toColumns(promised.account.facts, nextDues(promised.account.clocks)) : none
  return { ...columns, policy_source: promised?.selection.source ?? 'none' }
}

/** The clocks of a promise, as a statement to be run with those that make the ticket; null where there is none. */
export function clockRows(tx: Tx, ticketId: number, { account }: Promised): Statement | null {
  if (account.clocks.length === 0) return null
  return change(
    tx,
    NEW_CLOCKS,
    account.clocks.map((clock) => fromClock(ticketId, clock)),
  )
}

const NEW_CLOCKS: Change = {
  columns: CLOCK_COLUMNS,
  sql: `insert into sla_clocks (${CLOCK_NAMES.join(', ')}) select * from given`,
}

const openingData = (facts: Opening): OpeningData => ({
  origin: facts.origin,
  status: facts.status,
  priority: facts.priority,
  team: facts.teamId,
  assignee: facts.assigneeId,
  policy_id: facts.policyId,
  calendar_id: facts.calendarId,
  team_calendar_id: facts.teamCalendarId,
})

/** A policy may leave the calendar to the customer: then the organization's own applies, else the desk's first. */
export function calendarOf(desk: Desk, policy: Policy, organization: Organization | null): DeskCalendar | null {
  const key = policy.calendar ?? organization?.calendar ?? desk.settings.calendar
  return (key && desk.calendars.get(key)) || null
}

/**
 * The promise: which policy a ticket is under (SLA S1-S3, S5) and by when it must be answered and solved. Clocks are
 * rows from the first second on; what pauses, stops and breaches them acts on these same rows.
 */
import type { Statement, Tx } from '../database.ts'
import { floored, seconds } from '../time.ts'
import { addWorkingTime } from './business-hours.ts'
import type { Desk, DeskCalendar, Metric, Organization, Policy, Project } from './desk.ts'
import { groupsOf } from './people.ts'
import { evaluate, type RuleFacts } from './rules.ts'
import type { Priority } from './tables.ts'

export type PolicySource = 'manual' | 'rule' | 'org' | 'group' | 'inbox' | 'project' | 'default' | 'none'
export type Selection = { policy: Policy | null; calendar: DeskCalendar | null; source: PolicySource; why: string }

/** A clock to be started; `due` is null when it is never reached (SLA C12). */
export type Clock = { metric: Metric; target: number; due: Date | null }
export type Promised = { selection: Selection; clocks: Clock[]; nextDueAt: Date | null }

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
  const candidates: [PolicySource, string | null | undefined, string][] = []
  for (const { rule, policy } of desk.sla)
    if (evaluate(rule, input.facts, now).matched) candidates.push(['rule', policy, `rule ${rule.name}`])
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

/**
 * The clocks that a new customer ticket starts, and the earliest due date (SLA Q1, F1, R1). Pure.
 * @param at when the mail was accepted; promises count from there (SLA U2)
 */
export function promise(selection: Selection, priority: Priority, at: Date): Promised {
  const { policy, calendar } = selection
  const targets = policy?.targets[priority] ?? {}
  const clocks = (['first_response', 'resolution'] as const).flatMap((metric): Clock[] => {
    const target = targets[metric]
    if (!target || !calendar) return []
    const due = addWorkingTime(calendar.calendar, seconds(at), target)
    return [{ metric, target, due: due === null ? null : new Date(due * 1000) }]
  })
  const dues = clocks.flatMap((clock) => (clock.due ? [clock.due.getTime()] : []))
  return { selection, clocks, nextDueAt: dues.length ? new Date(Math.min(...dues)) : null }
}

/** Writes the rows of a promise; the caller writes the ticket's own columns (next_due_at, policy_id, policy_source). */
export async function startClocks(tx: Tx, ticketId: number, made: Promised, at: Date): Promise<void> {
  await clockRows(tx, ticketId, made, at)
}

/** The same as a statement to be run with others; null where nothing is promised. */
export function clockRows(tx: Tx, ticketId: number, made: Promised, at: Date): Statement | null {
  const { policy, calendar } = made.selection
  if (!policy || !calendar || !made.clocks.length) return null
  const start = floored(at)
  const rows = made.clocks.map((clock) => ({
    ticket_id: ticketId,
    metric: clock.metric,
    state: 'running',
    policy_id: policy.id,
    calendar_id: calendar.id,
    target_s: clock.target,
    started_at: start,
    running_since: start,
    due_at: clock.due,
  }))
  return tx`insert into sla_clocks ${tx(rows)}`
}

/** A policy may leave the calendar to the customer: then the organization's own applies, else the desk's first. */
function calendarOf(desk: Desk, policy: Policy, organization: Organization | null): DeskCalendar | null {
  const key = policy.calendar ?? organization?.calendar ?? desk.settings.calendar
  return (key && desk.calendars.get(key)) || null
}

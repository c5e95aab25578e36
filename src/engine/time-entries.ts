/**
 * Time that agents enter, change and take out again (SLA 14); the timer, approval and lists are files of the folder. Each
 * verb is one transaction of the caller's with its event in the ticket. Nothing changes what is on a final invoice, and
 * SLA clocks never hear of any of it (T8, T9).
 */
import type { Tx } from '../database.ts'
import { checkDate } from '../days.ts'
import { Refusal } from '../errors.ts'
import { timesheets as limits } from '../limits.ts'
import type { Desk } from './desk.ts'
import { checkConflicts, type Warning } from './time-entries/conflicts.ts'
import { type Details, detailColumns } from './time-entries/details.ts'
import { resolveSpan, splitAtMidnight, wholePart } from './time-entries/local.ts'
import { requireOpenEntry, requireOpenPeriod } from './time-entries/period.ts'
import { type Place, placeOf } from './time-entries/place.ts'
import {
  actorOf,
  type EntryRow,
  holdAgent,
  holdEntry,
  requireChangeable,
  tellEntry,
  type Worker,
  workTypeId,
} from './time-entries/rows.ts'
import type { Tools } from './tools.ts'

/** How long, and when: a duration on a day, or local times of a day (T3). */
export type When =
  | { date: string; seconds: number; start?: undefined; end?: undefined }
  | { date: string; start: string; end: string; seconds?: undefined }

export type Entered = { entryIds: number[]; warnings: Warning[] }

/**
 * Enters time by hand as a draft; work over midnight becomes two entries where the desk says so (T5).
 * @throws Refusal `bad_date`, `bad_time`, `empty_time`, `time_too_long`, `day_too_long`, `time_overlap`, `period_approved`,
 * those of `placeOf` and of `detailColumns`
 */
export async function enterTime(
  tx: Tx,
  input: { agent: Worker; place: Place; when: When; details?: Details; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<Entered> {
  const { agent, tools } = input
  const { desk } = tools
  const parts = partsOf(input.when, agent.zone, desk)
  const columns = detailColumns(input.details ?? {}, desk)
  const place = await placeOf(tx, input.place, desk)
  await holdAgent(tx, agent.id)
  const { ticketId, projectId } = place
  await requireOpenPeriod(tx, { ticketId, projectId, dates: parts.map((part) => part.localDate) })
  const checked = { agentId: agent.id, except: [], parts, tz: agent.zone }
  const warnings = await checkConflicts(tx, checked, desk, now)
  const base = {
    ticket_id: place.ticketId,
    project_id: place.projectId,
    agent_id: agent.id,
    source: 'manual',
    tz: agent.zone,
    priority: place.priority,
    billable: place.billable,
    work_type_id: workTypeId(desk, undefined),
    ...columns,
  }
  const entryIds = await insertParts(tx, base, parts, now)
  const billable = columns.billable ?? place.billable
  const events = entryIds.map((entry, n) => ({
    type: 'time_entered',
    data: { entry, seconds: parts[n]!.raw_s, date: parts[n]!.localDate, billable },
  }))
  await tellEntry(tx, { ticketId: place.ticketId, actor: actorOf(agent), events }, now)
  return { entryIds, warnings }
}

/**
 * Changes an entry. Whatever it was, it is a draft again and to be submitted anew; a draft invoice loses it (T8). A timer
 * that runs keeps running, and only its details can change.
 * @param input.rev the state that the agent saw
 * @throws Refusal `entry_changed`, `entry_invoiced`, `entry_reversal`, `not_your_entry`, `timer_running`, and those of
 * `enterTime`
 */
export async function editEntry(
  tx: Tx,
  input: {
    entryId: number
    agent: Worker
    rev?: number
    when?: When
    details?: Details
    tools: Pick<Tools, 'desk'>
  },
  now: Date,
): Promise<Entered> {
  const { agent, tools } = input
  const entry = await holdEntry(tx, input.entryId)
  requireChangeable(entry, agent)
  requireRev(entry, input.rev)
  const running = entry.status === 'running'
  if (running && input.when)
    throw new Refusal('timer_running', 'The timer is still running: stop it before you change its time.')
  const columns = detailColumns(input.details ?? {}, tools.desk)
  const parts = input.when ? partsOf(input.when, entry.tz, tools.desk) : []
  const days = parts.map((part) => part.localDate)
  await requireOpenEntry(tx, entry, days)
  const checked = { agentId: entry.agent_id, except: [entry.id], parts, tz: entry.tz }
  const warnings = await checkConflicts(tx, checked, tools.desk, now)
  const [first, ...others] = parts
  const change = { ...columns, ...(first && timeColumns(first)) }
  const changed = differences(entry, change)
  const reopened = !running && entry.status !== 'draft'
  if (Object.keys(changed).length === 0 && !reopened && entry.review_at === null && others.length === 0)
    return { entryIds: [entry.id], warnings }
  await tx`
    update time_entries set ${tx({ ...change, ...OPEN_AGAIN, status: running ? 'running' : 'draft', updated_at: now })},
      rev = rev + 1
    where id = ${entry.id}`
  const { ticket_id, project_id, agent_id, source, tz, priority, work_type_id, billable, note } = entry
  const base = { ticket_id, project_id, agent_id, source, tz, priority, work_type_id, billable, note, ...columns }
  const more = await insertParts(tx, base, others, now)
  const events = [
    { type: 'time_edited', data: { entry: entry.id, changed, was: entry.status } },
    ...more.map((id, n) => ({ type: 'time_entered', data: { entry: id, seconds: others[n]!.raw_s } })),
  ]
  await tellEntry(tx, { ticketId: entry.ticket_id, actor: actorOf(agent), events }, now)
  return { entryIds: [entry.id, ...more], warnings }
}

/**
 * Takes an entry out; what it said stays in the ticket's story.
 * @throws Refusal `entry_invoiced`, `not_your_entry`, `period_approved`
 */
export async function removeEntry(
  tx: Tx,
  input: { entryId: number; agent: Worker; rev?: number },
  now: Date,
): Promise<void> {
  const entry = await holdEntry(tx, input.entryId)
  if (entry.reverses_id === null || entry.status === 'invoiced') requireChangeable(entry, input.agent)
  else if (!input.agent.admin) throw new Refusal('not_your_entry', 'An entry that takes back another is the admins’.')
  requireRev(entry, input.rev)
  await requireOpenEntry(tx, entry)
  await tx`delete from time_entries where id = ${entry.id}`
  const { raw_s, local_date, note, billable, reverses_id } = entry
  const data = { entry: entry.id, seconds: raw_s, date: local_date, note, billable, reverses: reverses_id }
  const events = [{ type: 'time_removed', data }]
  await tellEntry(tx, { ticketId: entry.ticket_id, actor: actorOf(input.agent), events }, now)
}

/** Throws Refusal `entry_changed`. */
export function requireRev(entry: EntryRow, rev: number | undefined): void {
  if (rev !== undefined && rev !== entry.rev)
    throw new Refusal('entry_changed', 'Somebody changed this time entry meanwhile: look at it again.')
}

type NewPart = { startedAt: Date | null; endedAt: Date | null; raw_s: number; localDate: string }

function partsOf(when: When, zone: string, desk: Desk): NewPart[] {
  if (when.seconds === undefined) {
    const span = resolveSpan(when, zone)
    return desk.settings.time.midnight === 'split'
      ? splitAtMidnight(span.startedAt, span.endedAt, zone)
      : [{ ...wholePart(span.startedAt, span.endedAt, zone), localDate: checkDate(when.date) }]
  }
  if (!Number.isInteger(when.seconds) || when.seconds < 0)
    throw new Refusal('bad_time', 'Write how long it took as 1h30m, 90m or 1:30.')
  if (when.seconds > limits.longest)
    throw new Refusal('time_too_long', 'An entry has at most 24 hours: make it two, one for each day.')
  return [{ startedAt: null, endedAt: null, raw_s: when.seconds, localDate: checkDate(when.date) }]
}

const timeColumns = (part: NewPart) => ({
  started_at: part.startedAt,
  ended_at: part.endedAt,
  raw_s: part.raw_s,
  local_date: part.localDate,
})

const OPEN_AGAIN = {
  review_at: null,
  submitted_at: null,
  approved_at: null,
  approved_by: null,
  rejected_at: null,
  rejected_by: null,
  rejected_why: null,
  invoice_line_id: null,
}

async function insertParts(tx: Tx, base: Record<string, unknown>, parts: NewPart[], now: Date): Promise<number[]> {
  const ids: number[] = []
  for (const part of parts) {
    const values = { ...base, ...timeColumns(part), status: 'draft', created_at: now, updated_at: now }
    const [row] = await tx<{ id: number }[]>`insert into time_entries ${tx(values)} returning id`
    ids.push(row!.id)
  }
  return ids
}

/** What really changes, from and to, for the ticket's story. */
function differences(entry: EntryRow, change: Record<string, unknown>): Record<string, [unknown, unknown]> {
  const plain = (value: unknown) => (value instanceof Date ? value.toISOString() : (value ?? null))
  const before = entry as unknown as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(change)
      .map(([key, value]): [string, [unknown, unknown]] => [key, [plain(before[key]), plain(value)]])
      .filter(([, [was, is]]) => was !== is),
  )
}

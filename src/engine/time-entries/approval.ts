/**
 * From a draft to time that can be billed (SLA T6-T8): submitted by who did it, approved or sent back by who may. What is
 * on a final invoice can only be taken back by an entry that reverses it.
 */
import type { Tx } from '../../database.ts'
import { localDate } from '../../days.ts'
import { Refusal } from '../../errors.ts'
import type { Desk } from '../desk.ts'
import { setStatus } from '../tickets.ts'
import { requireRev } from '../time-entries.ts'
import type { Tools } from '../tools.ts'
import { checkConflicts, type Warning } from './conflicts.ts'
import { requireOpenEntry, requireOpenPeriod } from './period.ts'
import { actorOf, type EntryRow, holdEntry, requireOwn, tellEntry, type Worker } from './rows.ts'

/** What a reversing entry takes back, as it was billed; amounts are below zero. */
export type Reversed = {
  line_id: number
  number: string
  currency: string
  price_list_id: number
  list: string
  work_type: string | null
  work_type_name: string
  unit_price_minor: number
  tax_bp: number
  billed_s: number
  net_minor: number
}

type Given = { entryId: number; agent: Worker; rev?: number; tools: Tools }

/** Whether an agent may approve others' time: admins, and whom the desk names (permission `time.approve`). */
export const mayApprove = (desk: Desk, agent: Pick<Worker, 'address' | 'admin'>): boolean =>
  agent.admin || desk.settings.time.approvers.includes(agent.address)

/**
 * Hands in a draft; the ticket gets the status chosen with it, as by hand (T6).
 * @throws Refusal `entry_not_draft`, `empty_entry`, `needs_review` where a timer stopped itself and nobody looked,
 * `time_overlap`, `day_too_long`, `not_your_entry`, `entry_changed`
 */
export async function submitEntry(tx: Tx, input: Given, now: Date): Promise<{ warnings: Warning[] }> {
  const { agent, tools } = input
  const entry = await holdEntry(tx, input.entryId)
  requireOwn(entry, agent)
  requireRev(entry, input.rev)
  await requireOpenEntry(tx, entry)
  if (entry.status !== 'draft')
    throw new Refusal('entry_not_draft', `Only a draft can be submitted; this entry is ${entry.status}.`)
  if (entry.raw_s === 0) throw new Refusal('empty_entry', 'No time was spent: enter how long it took, or remove it.')
  if (entry.review_at)
    throw new Refusal('needs_review', 'The timer of this entry stopped itself: correct or confirm its time first.')
  const part = { startedAt: entry.started_at, endedAt: entry.ended_at, raw_s: entry.raw_s, localDate: entry.local_date }
  const checked = { agentId: entry.agent_id, except: [entry.id], parts: [part], tz: entry.tz }
  const warnings = await checkConflicts(tx, checked, tools.desk, now)
  await tx`
    update time_entries set status = 'submitted', submitted_at = ${now}, updated_at = ${now}, rev = rev + 1
    where id = ${entry.id}`
  const { raw_s: seconds, billable, percent_complete: percent } = entry
  const events = [{ type: 'time_submitted', data: { entry: entry.id, seconds, billable, percent } }]
  await tellEntry(tx, { ticketId: entry.ticket_id, actor: actorOf(agent), events }, now)
  if (entry.ticket_id !== null && entry.ticket_status_after !== null) {
    const change = { ticketId: entry.ticket_id, status: entry.ticket_status_after, actor: actorOf(agent) }
    await setStatus(tx, { ...change, why: 'with the timesheet', tools }, now)
  }
  return { warnings }
}

/** Time that may be billed (T7). Throws Refusal `may_not_approve`, `own_entry`, `entry_not_submitted`, `entry_changed`. */
export async function approveEntry(tx: Tx, input: Given, now: Date): Promise<void> {
  const entry = await holdSubmitted(tx, input)
  await tx`
    update time_entries set status = 'approved', approved_at = ${now}, approved_by = ${input.agent.id},
      updated_at = ${now}, rev = rev + 1
    where id = ${entry.id}`
  const events = [{ type: 'time_approved', data: { entry: entry.id, seconds: entry.raw_s } }]
  await tellEntry(tx, { ticketId: entry.ticket_id, actor: actorOf(input.agent), events }, now)
}

/**
 * Back to who did it, with the reason.
 * @throws Refusal `no_reason`, and those of `approveEntry`
 */
export async function rejectEntry(tx: Tx, input: Given & { why: string }, now: Date): Promise<void> {
  const why = input.why.trim().slice(0, 1000)
  if (!why) throw new Refusal('no_reason', 'Say why: whoever entered the time reads it.')
  const entry = await holdSubmitted(tx, input)
  await tx`
    update time_entries set status = 'rejected', rejected_at = ${now}, rejected_by = ${input.agent.id},
      rejected_why = ${why}, updated_at = ${now}, rev = rev + 1
    where id = ${entry.id}`
  const events = [{ type: 'time_rejected', data: { entry: entry.id }, why }]
  await tellEntry(tx, { ticketId: entry.ticket_id, actor: actorOf(input.agent), events }, now)
}

/**
 * Takes back an entry of a final invoice: a new, approved entry with the amount of that line and the opposite sign, on
 * the customer's next invoice (T8). What is right is entered beside it.
 * @throws Refusal `may_not_approve`, `own_entry`, `entry_not_invoiced`, `entry_reversed`, `entry_reversal`, `no_reason`
 */
export async function reverseEntry(tx: Tx, input: Given & { why: string }, now: Date): Promise<{ entryId: number }> {
  const why = input.why.trim().slice(0, 1000)
  if (!why) throw new Refusal('no_reason', 'Say why: the reason stands beside the reversing entry.')
  const entry = await holdEntry(tx, input.entryId)
  requireApprover(entry, input)
  const reversed = await billedAs(tx, entry)
  const { ticket_id, project_id, agent_id, work_type_id, priority } = entry
  const today = localDate(now, input.agent.zone)
  await requireOpenPeriod(tx, { ticketId: ticket_id, projectId: project_id, dates: [today] })
  const [row] = await tx<{ id: number }[]>`
    insert into time_entries ${tx({
      ticket_id,
      project_id,
      agent_id,
      work_type_id,
      priority,
      source: 'manual',
      raw_s: -entry.raw_s,
      local_date: today,
      tz: input.agent.zone,
      billable: true,
      note: why,
      status: 'approved',
      submitted_at: now,
      approved_at: now,
      approved_by: input.agent.id,
      reverses_id: entry.id,
      reversed: tx.json(reversed as never),
      created_at: now,
      updated_at: now,
    })} on conflict (reverses_id) do nothing returning id`
  if (!row) throw new Refusal('entry_reversed', `Time entry ${entry.id} is reversed already.`)
  const data = { entry: row.id, reverses: entry.id, invoice: reversed.number, net_minor: reversed.net_minor }
  const events = [{ type: 'time_reversed', data, why }]
  await tellEntry(tx, { ticketId: entry.ticket_id, actor: actorOf(input.agent), events }, now)
  return { entryId: row.id }
}

async function holdSubmitted(tx: Tx, input: Given): Promise<EntryRow> {
  const entry = await holdEntry(tx, input.entryId)
  requireApprover(entry, input)
  requireRev(entry, input.rev)
  await requireOpenEntry(tx, entry)
  if (entry.status !== 'submitted')
    throw new Refusal('entry_not_submitted', `This entry is ${entry.status}; only a submitted one can be decided on.`)
  return entry
}

function requireApprover(entry: EntryRow, { agent, tools: { desk } }: Given): void {
  if (!mayApprove(desk, agent))
    throw new Refusal('may_not_approve', 'Time is approved by admins and by those whom the desk names for it.')
  if (entry.agent_id === agent.id && desk.settings.time.own === 'refuse')
    throw new Refusal('own_entry', 'Your own time is approved by somebody else.')
}

/** The entry's part of its line, negated and not rounded again. */
async function billedAs(tx: Tx, entry: EntryRow): Promise<Reversed> {
  if (entry.reverses_id !== null)
    throw new Refusal('entry_reversal', 'An entry that takes back another one is not taken back itself.')
  const [line] = await tx`
    select l.*, i.number, i.currency from invoice_lines l join invoices i on i.id = l.invoice_id
    where l.id = ${entry.invoice_line_id} and i.status = 'final'`
  const part = (line?.entries as { id: number; billed_s: number; net_minor: number }[] | undefined)?.find(
    (one) => one.id === entry.id,
  )
  if (entry.status !== 'invoiced' || !line || !part)
    throw new Refusal('entry_not_invoiced', 'This entry is on no final invoice: change or remove it instead.')
  return {
    line_id: line.id,
    number: line.number,
    currency: line.currency,
    price_list_id: line.price_list_id,
    list: line.list,
    work_type: line.work_type,
    work_type_name: line.work_type_name,
    unit_price_minor: line.unit_price_minor,
    tax_bp: line.tax_bp,
    billed_s: 0 - part.billed_s,
    net_minor: 0 - part.net_minor,
  }
}

/**
 * What invoices do to time entries: a draft takes approved ones, a final invoice locks them, a void one gives them back
 * (SLA T7, T8, I3). An entry points at one line, so it is on one invoice. The caller, billing, holds the invoice's row.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { timesheets as limits } from '../../limits.ts'
import type { Reversed } from './approval.ts'
import { holdTickets } from './rows.ts'
import type { EntryStatus } from './tables.ts'

/** An entry as a bill reads it. */
export type BilledEntry = {
  id: number
  ticket_id: number | null
  project_id: number | null
  /** The ticket's subject or the project's key. */
  title: string
  agent: string
  note: string
  local_date: string
  raw_s: number
  work_type: string | null
  work_type_name: string
  priority: string
  billable: boolean
  status: EntryStatus
  invoice_line_id: number | null
  reversed: Reversed | null
  /** Addresses of the ticket's requester: their groups and lists of their own count (P1, P2). */
  addresses: string[]
}

export type Period = { organizationId: number; from: string; to: string }

/**
 * All entries of a customer in a period, in order, each held until the end of the transaction.
 * @throws Refusal `long_invoice`
 */
export async function holdEntries(tx: Tx, { organizationId, from, to }: Period): Promise<BilledEntry[]> {
  const held = await tx<{ id: number }[]>`
    select e.id from time_entries e
    left join tickets t on t.id = e.ticket_id join projects p on p.id = coalesce(t.project_id, e.project_id)
    where coalesce(t.organization_id, p.organization_id) = ${organizationId} and e.local_date between ${from} and ${to}
    order by e.id limit ${limits.entries + 1} for update of e`
  if (held.length > limits.entries)
    throw new Refusal('long_invoice', `An invoice has at most ${limits.entries} entries: choose a shorter period.`)
  return [
    ...(await tx<BilledEntry[]>`
      select e.id, e.ticket_id, e.project_id, coalesce(t.subject, p.key) as title,
        coalesce(nullif(a.name, ''), a.address) as agent, e.note, e.local_date, e.raw_s, w.key as work_type,
        coalesce(w.name, '') as work_type_name, e.priority, e.billable, e.status, e.invoice_line_id, e.reversed,
        array(select address from contact_addresses where contact_id = t.requester_id
              union select t.requester_address where t.requester_address is not null order by 1) as addresses
      from time_entries e
      join agents a on a.id = e.agent_id
      left join tickets t on t.id = e.ticket_id join projects p on p.id = coalesce(t.project_id, e.project_id)
      left join work_types w on w.id = e.work_type_id
      where e.id = any(${held.map((row) => row.id)}::bigint[])
      order by e.local_date, e.started_at nulls last, e.id`),
  ]
}

/** Locks the tickets of a customer's approved time, before their entries, so that each can be told of its invoice. */
export async function holdTicketsOf(tx: Tx, { organizationId, from, to }: Period): Promise<Set<number>> {
  const rows = await tx<{ ticket_id: number }[]>`
    select distinct e.ticket_id from time_entries e join tickets t on t.id = e.ticket_id
    join projects p on p.id = t.project_id
    where coalesce(t.organization_id, p.organization_id) = ${organizationId} and e.local_date between ${from} and ${to}
      and e.status = 'approved'`
  const ids = rows.map((row) => row.ticket_id)
  await holdTickets(tx, ids)
  return new Set(ids)
}

/** Takes a draft's entries off its lines. */
export async function takeOff(tx: Tx, lineIds: number[]): Promise<void> {
  await tx`update time_entries set invoice_line_id = null where invoice_line_id = any(${lineIds}::bigint[])`
}

/** Puts held entries on a line of a draft. */
export async function putOn(tx: Tx, lineId: number, entryIds: number[]): Promise<void> {
  await tx`update time_entries set invoice_line_id = ${lineId} where id = any(${entryIds}::bigint[])`
}

/** The invoice of these lines is final: their entries are locked. */
export async function lockEntries(tx: Tx, lineIds: number[], now: Date): Promise<void> {
  await tx`
    update time_entries set status = 'invoiced', updated_at = ${now}, rev = rev + 1
    where invoice_line_id = any(${lineIds}::bigint[])`
}

/**
 * The invoice of these lines is void: its time may be billed again.
 * @throws Refusal `entries_reversed`: what was reversed would be taken back twice
 */
export async function freeEntries(tx: Tx, lineIds: number[], now: Date): Promise<void> {
  const reversed = await tx<{ id: number }[]>`
    select r.id from time_entries e join time_entries r on r.reverses_id = e.id
    where e.invoice_line_id = any(${lineIds}::bigint[]) order by 1`
  if (reversed.length > 0)
    throw new Refusal(
      'entries_reversed',
      `Entries of this invoice are taken back by others (${reversed.map((row) => row.id).join(', ')}): remove those first.`,
    )
  await tx`
    update time_entries set status = 'approved', invoice_line_id = null, updated_at = ${now}, rev = rev + 1
    where invoice_line_id = any(${lineIds}::bigint[])`
}

/**
 * What invoices and statements do to time entries: a draft takes approved ones, a final invoice locks them, a void one
 * gives them back (SLA T7, T8, I3); a statement that the customer approves keeps them as they are (C11). An entry points
 * at one line, so it is on one invoice. The caller, billing, holds the row of the invoice or statement.
 */
import type { Queryable, Tx } from '../../database.ts'
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
  /** Key of the project. */
  project: string
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
  /** The customer has approved its month without it. */
  late: boolean
  /** Addresses of the ticket's requester: their groups and lists of their own count (P1, P2). */
  addresses: string[]
}

export type Period = { organizationId: number; from: string; to: string }

/**
 * All entries of a customer in a period, in order, each held until the end of the transaction. Those of an approved
 * statement are its customer's, wherever their tickets went since.
 * @throws Refusal `long_invoice`
 */
export async function holdEntries(tx: Tx, period: Period): Promise<BilledEntry[]> {
  const held = await tx<{ id: number }[]>`
    select e.id from ${sources(tx)} where ${within(tx, period)}
    order by e.id limit ${limits.entries + 1} for update of e`
  const ids = held.map((row) => row.id)
  return await readWhere(tx, tx`${within(tx, period)} and e.id = any(${ids}::bigint[])`)
}

/** The same for reading: nobody is kept from changing them. Throws Refusal `long_invoice`. */
export const readEntries = (sql: Queryable, period: Period): Promise<BilledEntry[]> =>
  readWhere(sql, within(sql, period))

async function readWhere(sql: Queryable, condition: ReturnType<typeof within>): Promise<BilledEntry[]> {
  const rows = await sql<BilledEntry[]>`
    select e.id, e.ticket_id, e.project_id, coalesce(t.subject, p.key) as title, p.key as project,
      coalesce(nullif(a.name, ''), a.address) as agent, e.note, e.local_date, e.raw_s, w.key as work_type,
      coalesce(w.name, '') as work_type_name, e.priority, e.billable, e.status, e.invoice_line_id, e.reversed,
      e.statement_id is null and ${isApprovedMonth(sql)} as late,
      array(select address from contact_addresses where contact_id = t.requester_id
            union select t.requester_address where t.requester_address is not null order by 1) as addresses
    from ${sources(sql)}
    join agents a on a.id = e.agent_id
    left join work_types w on w.id = e.work_type_id
    where ${condition}
    order by e.local_date, e.started_at nulls last, e.id limit ${limits.entries + 1}`
  if (rows.length > limits.entries)
    throw new Refusal('long_invoice', `An invoice has at most ${limits.entries} entries: choose a shorter period.`)
  return [...rows]
}

/** Locks the tickets of a customer's approved time, before their entries, so that each can be told of its invoice. */
export async function holdTicketsOf(tx: Tx, period: Period): Promise<Set<number>> {
  const rows = await tx<{ ticket_id: number }[]>`
    select distinct e.ticket_id from ${sources(tx)}
    where e.ticket_id is not null and e.status = 'approved' and ${within(tx, period)}`
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

/** The customer has approved the month of these entries: they stay as they are. Held in the order of all who hold them. */
export async function closeEntries(tx: Tx, statementId: number, entryIds: number[]): Promise<void> {
  await tx`select id from time_entries where id = any(${entryIds}::bigint[]) order by id for update`
  await tx`update time_entries set statement_id = ${statementId} where id = any(${entryIds}::bigint[])`
}

/** The statement is open again. */
export async function reopenEntries(tx: Tx, statementId: number): Promise<void> {
  await tx`select id from time_entries where statement_id = ${statementId} order by id for update`
  await tx`update time_entries set statement_id = null where statement_id = ${statementId}`
}

/** Who pays for an entry: who approved it, else who its ticket or project belongs to. */
const sources = (sql: Queryable) => sql`
  time_entries e
  left join tickets t on t.id = e.ticket_id
  join projects p on p.id = coalesce(t.project_id, e.project_id)
  left join statements s on s.id = e.statement_id`

const customer = (sql: Queryable) => sql`coalesce(s.organization_id, t.organization_id, p.organization_id)`

const within = (sql: Queryable, { organizationId, from, to }: Period) =>
  sql`${customer(sql)} = ${organizationId} and e.local_date between ${from} and ${to}`

const isApprovedMonth = (sql: Queryable) => sql`exists (
  select from statements m where m.organization_id = ${customer(sql)} and m.state = 'approved'
    and e.local_date between m.period_from and m.period_to)`

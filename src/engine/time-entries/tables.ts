/** Time that people spent: what kinds of work there are, and who did which of it when. Writer: time-entries. */
import { sql } from 'drizzle-orm'
import { boolean, check, date, index, integer, jsonb, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { id, instant, ref, second } from '../../columns.ts'
import { invoiceLines, statements } from '../billing/tables.ts'
import { agents, projects, STATUSES, tickets } from '../tables.ts'

export const ENTRY_STATUSES = ['running', 'draft', 'submitted', 'approved', 'rejected', 'invoiced'] as const
export type EntryStatus = (typeof ENTRY_STATUSES)[number]

const oneOf = (column: string, words: readonly string[]) =>
  sql.raw(`${column} in (${words.map((word) => `'${word}'`).join(', ')})`)

/** Rows come from the desk file, by key. */
export const workTypes = pgTable('work_types', {
  id: id(),
  key: text().notNull().unique(),
  name: text().notNull(),
  disabled_at: instant(),
})

/**
 * A piece of work on a ticket, or on a project as such (SLA 14). `raw_s` is the authority; nothing that a bill rounds
 * changes it. A reversing entry takes back an invoiced one: its seconds are negative, its amounts a copy (T8).
 */
export const timeEntries = pgTable(
  'time_entries',
  {
    id: id(),
    ticket_id: ref().references(() => tickets.id),
    project_id: ref().references(() => projects.id), // of work on no ticket; a ticket's own project may change
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
    source: text().$type<'timer' | 'manual'>().notNull(),
    started_at: second(),
    ended_at: second(),
    raw_s: integer().notNull().default(0),
    local_date: date().notNull(), // frozen at the start, in the zone beside it (T1)
    tz: text().notNull(),
    work_type_id: ref().references(() => workTypes.id),
    priority: text().notNull(), // the ticket's at the start (T1)
    billable: boolean().notNull(),
    note: text().notNull().default(''),
    percent_complete: integer(),
    ticket_status_after: text(), // applied at submission (T6)
    status: text().$type<EntryStatus>().notNull(),
    review_at: instant(), // a timer that stopped itself: somebody must look before it is submitted (T2)
    submitted_at: instant(),
    approved_at: instant(),
    approved_by: ref().references(() => agents.id),
    rejected_at: instant(),
    rejected_by: ref().references(() => agents.id),
    rejected_why: text(),
    // one entry, one line: that is what keeps it from two invoices (I3)
    invoice_line_id: ref().references(() => invoiceLines.id, { onDelete: 'set null' }),
    statement_id: ref().references(() => statements.id), // approved by the customer: it stays as it is until that is reopened
    reverses_id: ref(),
    reversed: jsonb(), // of a reversing entry: what it takes back, as it was billed
    created_at: instant().notNull(),
    updated_at: instant().notNull(),
    rev: integer().notNull().default(1),
  },
  (t) => [
    uniqueIndex('time_entries_running').on(t.agent_id).where(sql`status = 'running'`), // T2
    uniqueIndex('time_entries_reverses').on(t.reverses_id),
    index('time_entries_timers').on(t.started_at).where(sql`status = 'running'`),
    index('time_entries_agent').on(t.agent_id, t.local_date),
    index('time_entries_ticket').on(t.ticket_id),
    index('time_entries_project').on(t.project_id).where(sql`project_id is not null`),
    index('time_entries_date').on(t.local_date, t.id),
    index('time_entries_line').on(t.invoice_line_id),
    index('time_entries_statement').on(t.statement_id).where(sql`statement_id is not null`),
    check('time_entries_status', oneOf('status', ENTRY_STATUSES)),
    check('time_entries_source', oneOf('source', ['timer', 'manual'])),
    check('time_entries_place', sql`(ticket_id is null) <> (project_id is null)`),
    check('time_entries_raw', sql`raw_s >= 0 or reverses_id is not null`),
    check('time_entries_percent', sql`percent_complete between 0 and 100`),
    check('time_entries_after', oneOf('ticket_status_after', STATUSES)),
    check('time_entries_running_end', sql`(status = 'running') = (started_at is not null and ended_at is null)`),
    check('time_entries_invoiced', sql`status <> 'invoiced' or invoice_line_id is not null`),
  ],
)

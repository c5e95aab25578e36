/** Prices, invoices and statements. Writers: the desk file (lists), billing (all else). Money in minor units of the row's currency. */
import { sql } from 'drizzle-orm'
import { bigint, check, date, index, integer, jsonb, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { id, instant, ref } from '../../columns.ts'
import { agents, organizations, projects, tickets } from '../tables.ts'

const money = () => bigint({ mode: 'number' })

/** Immutable versions, as calendars are: an edit inserts one, and invoice lines point at the one they were priced by. */
export const priceLists = pgTable(
  'price_lists',
  {
    id: id(),
    key: text().notNull(),
    version: integer().notNull(),
    definition: jsonb().notNull(),
    created_at: instant().notNull(),
    retired_at: instant(),
  },
  (t) => [uniqueIndex('price_lists_version').on(t.key, t.version)],
)

/**
 * A customer's month of time as they were mailed it and answered it (C11): one a customer and month. While it is
 * `approved`, nothing is added to that month or changed in it, and its entries point here.
 */
export const statements = pgTable(
  'statements',
  {
    id: id(),
    organization_id: ref()
      .notNull()
      .references(() => organizations.id),
    period_from: date().notNull(), // a whole month of local dates, both days inclusive
    period_to: date().notNull(),
    state: text().$type<StatementState>().notNull(),
    revision: integer().notNull().default(0), // how often it was mailed: the reply address of each mail names its own
    ticket_id: ref().references(() => tickets.id), // where it was sent from, and answers are
    people: jsonb().notNull().default([]), // [{address, name}]: who got it, and may approve it
    content: jsonb(), // as it was sent: {rows, sums, ...}
    sent_at: instant(),
    sent_by: ref().references(() => agents.id), // null: by itself
    answered_at: instant(),
    answered_by: text(), // the address that approved or objected
    answer: text(),
    reopened_at: instant(),
    reopened_by: ref().references(() => agents.id),
    reopened_why: text(),
    created_at: instant().notNull(),
    updated_at: instant().notNull(),
  },
  (t) => [
    uniqueIndex('statements_month').on(t.organization_id, t.period_from),
    index('statements_approved').on(t.organization_id, t.period_from, t.period_to).where(sql`state = 'approved'`),
    check('statements_state', sql`state in ('empty', 'sent', 'disputed', 'approved', 'reopened')`),
    check('statements_period', sql`period_from <= period_to`),
    check('statements_mailed', sql`(state = 'empty') = (content is null) and (revision = 0) = (sent_at is null)`),
  ],
)

/** `empty`: there was no time when it was due. */
export type StatementState = 'empty' | 'sent' | 'disputed' | 'approved' | 'reopened'

/** The last number given; its row lock is what makes numbers gapless (SLA I3). */
export const invoiceSeries = pgTable('invoice_series', {
  name: text().primaryKey(),
  last: integer().notNull(),
})

/**
 * What a customer owes for a period. A draft is computed again whenever it is opened; from `final` on nothing of the row
 * or its lines changes but that a credit note may void it (I4, I5).
 */
export const invoices = pgTable(
  'invoices',
  {
    id: id(),
    kind: text().$type<'invoice' | 'credit_note'>().notNull(),
    status: text().$type<'draft' | 'final' | 'void'>().notNull(),
    serial: integer().unique(),
    number: text().unique(),
    organization_id: ref()
      .notNull()
      .references(() => organizations.id),
    currency: text().notNull(),
    period_from: date().notNull(), // local dates of the entries, both inclusive
    period_to: date().notNull(),
    tax_mode: text().$type<'standard' | 'reverse_charge'>().notNull(),
    net_minor: money().notNull(),
    tax_minor: money().notNull(),
    gross_minor: money().notNull(),
    taxes: jsonb().notNull(), // [{tax_bp, net_minor, tax_minor}]
    customer: jsonb().notNull(), // {name, address, tax_id, locale}: frozen with the rest
    seller: jsonb().notNull(), // {name, address, tax_id, terms}
    unpriced: ref().array().notNull().default([]), // entries that keep a draft from becoming final (P6)
    voids_id: ref(), // of a credit note
    rev: integer().notNull().default(1),
    created_at: instant().notNull(),
    created_by: ref().references(() => agents.id),
    issued_on: date(), // the date on it, where the admin was
    finalised_at: instant(),
    finalised_by: ref().references(() => agents.id),
    voided_at: instant(),
    voided_by: ref().references(() => agents.id),
    voided_why: text(),
  },
  (t) => [
    index('invoices_organization').on(t.organization_id, t.period_from),
    uniqueIndex('invoices_voids').on(t.voids_id),
    check('invoices_kind', sql`kind in ('invoice', 'credit_note')`),
    check('invoices_status', sql`status in ('draft', 'final', 'void')`),
    check(
      'invoices_numbered',
      sql`(status = 'draft') = (number is null) and (number is null) = (serial is null) and (number is null) = (issued_on is null)`,
    ),
    check('invoices_period', sql`period_from <= period_to`),
    check('invoices_sum', sql`gross_minor = net_minor + tax_minor`),
    check('invoices_credit', sql`(kind = 'credit_note') = (voids_id is not null)`),
  ],
)

export const invoiceLines = pgTable(
  'invoice_lines',
  {
    id: id(),
    invoice_id: ref()
      .notNull()
      .references(() => invoices.id, { onDelete: 'cascade' }),
    position: integer().notNull(),
    ticket_id: ref().references(() => tickets.id),
    project_id: ref().references(() => projects.id), // of work on no ticket
    title: text().notNull(), // the ticket's subject or the project's key, as they were
    work_type: text(), // its key, and its name beside it
    work_type_name: text().notNull().default(''),
    price_list_id: ref()
      .notNull()
      .references(() => priceLists.id),
    list: text().notNull(), // its key
    unit_price_minor: money().notNull(), // an hour
    tax_bp: integer().notNull(),
    raw_s: integer().notNull(),
    billed_s: integer().notNull(),
    net_minor: money().notNull(),
    entries: jsonb().notNull(), // [{id, date, agent, note, raw_s, billed_s, net_minor}]
    reverses_line_id: ref(), // the line whose amount it takes back, in part or whole (T8)
  },
  (t) => [
    uniqueIndex('invoice_lines_position').on(t.invoice_id, t.position),
    index('invoice_lines_ticket').on(t.ticket_id),
  ],
)

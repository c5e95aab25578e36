/** Invoices as they stand, for pages and files. Reads only: a draft is as it was when it was last opened. */
import type { Queryable } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { timesheets as limits } from '../../limits.ts'
import type { Tax } from '../billing.ts'
import type { Line } from './gather.ts'

/** Who is on an invoice, frozen with it. */
export type Party = { name: string; address: string; tax_id: string }
export type Seller = Party & { terms: string }
export type Buyer = Party & { locale: string }

export type InvoiceRow = {
  id: number
  kind: 'invoice' | 'credit_note'
  status: 'draft' | 'final' | 'void'
  /** Null for drafts. */
  number: string | null
  organization_id: number
  currency: string
  period_from: string
  period_to: string
  tax_mode: 'standard' | 'reverse_charge'
  net_minor: number
  tax_minor: number
  gross_minor: number
  taxes: Tax[]
  customer: Buyer
  seller: Seller
  /** Entries without a price; while there are any, the draft cannot become final. */
  unpriced: number[]
  /** Of a credit note: the invoice it takes back. */
  voids_id: number | null
  voids: string | null
  /** Of a void invoice: its credit note. */
  credit_note_id: number | null
  credit_note: string | null
  rev: number
  created_at: Date
  created_by: string | null
  /** The date on it, `YYYY-MM-DD`; null for drafts. */
  issued_on: string | null
  finalised_at: Date | null
  finalised_by: string | null
  voided_at: Date | null
  voided_by: string | null
  voided_why: string | null
}

export type StoredLine = Line & { id: number; position: number }
export type Invoice = InvoiceRow & { lines: StoredLine[] }

export type InvoiceFilter = { organizationId?: number; status?: InvoiceRow['status']; from?: string; to?: string }

/** An invoice with its lines. Throws Refusal `unknown_invoice`. */
export async function getInvoice(sql: Queryable, invoiceId: number): Promise<Invoice> {
  const [row] = await sql<InvoiceRow[]>`${invoiceRows(sql)} where i.id = ${invoiceId}`
  if (!row) throw new Refusal('unknown_invoice', `There is no invoice ${invoiceId}.`)
  return { ...row, lines: await linesOf(sql, invoiceId) }
}

export async function linesOf(sql: Queryable, invoiceId: number): Promise<StoredLine[]> {
  return [
    ...(await sql<StoredLine[]>`
      select id, position, ticket_id, project_id, title, work_type, work_type_name, price_list_id, list, unit_price_minor,
        tax_bp, raw_s, billed_s, net_minor, entries, reverses_line_id
      from invoice_lines where invoice_id = ${invoiceId} order by position`),
  ]
}

/** Drafts first, then by number, the newest first. */
export async function listInvoices(
  sql: Queryable,
  { filter = {}, limit = limits.page, offset = 0 }: { filter?: InvoiceFilter; limit?: number; offset?: number },
): Promise<InvoiceRow[]> {
  const { organizationId, status, from, to } = filter
  return [
    ...(await sql<InvoiceRow[]>`
      ${invoiceRows(sql)} where true
        ${organizationId === undefined ? sql`` : sql`and i.organization_id = ${organizationId}`}
        ${status === undefined ? sql`` : sql`and i.status = ${status}`}
        ${from === undefined ? sql`` : sql`and i.period_to >= ${from}`}
        ${to === undefined ? sql`` : sql`and i.period_from <= ${to}`}
      order by i.serial desc nulls first, i.id desc limit ${limit} offset ${offset}`),
  ]
}

/** Customers with approved, billable time on no invoice yet, up to a day: who can be billed, and from when. */
export type Unbilled = {
  organization_id: number
  organization: string
  entries: number
  raw_s: number
  from: string
  to: string
}

export async function listUnbilled(sql: Queryable, { to }: { to: string }): Promise<Unbilled[]> {
  return [
    ...(await sql<Unbilled[]>`
      select o.id as organization_id, o.name as organization, count(*)::int as entries, sum(e.raw_s)::bigint as raw_s,
        min(e.local_date) as "from", max(e.local_date) as "to"
      from time_entries e
      left join tickets t on t.id = e.ticket_id join projects p on p.id = coalesce(t.project_id, e.project_id)
      left join statements s on s.id = e.statement_id
      join organizations o on o.id = coalesce(s.organization_id, t.organization_id, p.organization_id)
      where e.status = 'approved' and e.billable and e.invoice_line_id is null and e.local_date <= ${to}
        and (s.id is not null or not exists (
          select from statements m where m.organization_id = o.id and m.state = 'approved'
            and e.local_date between m.period_from and m.period_to))
      group by o.id, o.name order by o.name, o.id`),
  ]
}

const invoiceRows = (sql: Queryable) => sql`
  select i.id, i.kind, i.status, i.number, i.organization_id, i.currency, i.period_from, i.period_to, i.tax_mode,
    i.net_minor, i.tax_minor, i.gross_minor, i.taxes, i.customer, i.seller, i.unpriced, i.voids_id, i.rev, i.created_at,
    i.issued_on, i.finalised_at, i.voided_at, i.voided_why, v.number as voids, n.id as credit_note_id, n.number as credit_note,
    coalesce(nullif(c.name, ''), c.address) as created_by, coalesce(nullif(f.name, ''), f.address) as finalised_by,
    coalesce(nullif(d.name, ''), d.address) as voided_by
  from invoices i
  left join invoices v on v.id = i.voids_id
  left join invoices n on n.voids_id = i.id
  left join agents c on c.id = i.created_by
  left join agents f on f.id = i.finalised_by
  left join agents d on d.id = i.voided_by`

/**
 * What stands on a customer's statement of a month (C11): their approved time, billable and free, an amount where a price
 * list has one, by the calculator of invoices. What a final invoice holds stands as it was billed there, to the cent.
 * Agents' addresses, reply addresses and lines of notes that customers do not read are taken out of what it says.
 */
import { createHash } from 'node:crypto'
import type { Queryable } from '../../../database.ts'
import type { Desk, Inbox, Organization } from '../../desk.ts'
import { oneLine } from '../../outbox/address.ts'
import { leakIn, withoutPrivate } from '../../receive/agent-text.ts'
import { type BilledEntry, type Period, readEntries } from '../../time-entries/billed.ts'
import { gather, type LineEntry, termsOf } from '../gather.ts'

/** An entry as the customer sees it. */
export type StatementRow = {
  id: number
  /** Local date, `YYYY-MM-DD`. */
  date: string
  project: string
  ticket: number | null
  /** The ticket's subject, or the project's key. */
  title: string
  agent: string
  note: string
  /** Its name. */
  work_type: string
  billable: boolean
  raw_s: number
  /** Null: free, or without a price. */
  billed_s: number | null
  net_minor: number | null
  currency: string | null
}

export type Sum = { currency: string; net_minor: number }

export type Content = {
  rows: StatementRow[]
  billable_s: number
  free_s: number
  /** Of each currency, before tax. */
  sums: Sum[]
  /** Billable entries that no price list has a price for. */
  unpriced: number
}

/** With what is not on it: time of the month that nobody has approved yet. */
export type Draft = Content & { open: number; late: number }

/**
 * A customer's month as it is now.
 * @param given.inbox that speaks to them: its name and address stand where an agent's would
 * @throws Refusal `long_invoice`
 */
export async function readContent(
  sql: Queryable,
  given: { organization: Organization; period: Period; inbox: Inbox; desk: Desk },
): Promise<Draft> {
  const { organization, desk, period } = given
  const all = await readEntries(sql, period)
  const entries = all.filter((one) => !one.late && (one.status === 'approved' || one.status === 'invoiced'))
  const amounts = new Map([...(await billedAmounts(sql, entries)), ...priced(entries, { desk, organization })])
  const notes = await hiddenWords(sql, entries)
  const rows = entries.map((one) => rowOf(one, { ...given, notes, amount: amounts.get(one.id) })).sort(inOrder)
  const late = all.filter((one) => one.late).length
  return { ...contentOf(rows), open: all.length - entries.length - late, late }
}

/** Rows with what they come to. Pure. */
export function contentOf(rows: StatementRow[]): Content {
  const seconds = (of: StatementRow[]) => of.reduce((sum, one) => sum + one.raw_s, 0)
  const priced = rows.filter((one) => one.net_minor !== null)
  const sums = [...Map.groupBy(priced, (one) => one.currency!)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, of]) => ({ currency, net_minor: of.reduce((sum, one) => sum + one.net_minor!, 0) }))
  return {
    rows,
    billable_s: seconds(rows.filter((one) => one.billable)),
    free_s: seconds(rows.filter((one) => !one.billable)),
    sums,
    unpriced: rows.filter((one) => one.billable && one.net_minor === null).length,
  }
}

/** What makes two statements the same to who pays: which time, how much, at what amount. Pure. */
export function fingerprint({ rows }: Pick<Content, 'rows'>): string {
  const facts = rows
    .map((one) => [one.id, one.date, one.billable, one.raw_s, one.billed_s, one.net_minor, one.currency])
    .sort((a, b) => Number(a[0]) - Number(b[0]))
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32)
}

type Amount = { billed_s: number; net_minor: number; currency: string }

/** As printed on final invoices. */
async function billedAmounts(sql: Queryable, entries: BilledEntry[]): Promise<Map<number, Amount>> {
  const ids = [...new Set(entries.flatMap((one) => (one.status === 'invoiced' ? (one.invoice_line_id ?? []) : [])))]
  if (ids.length === 0) return new Map()
  const lines = await sql<{ currency: string; entries: LineEntry[] }[]>`
    select i.currency, l.entries from invoice_lines l join invoices i on i.id = l.invoice_id
    where l.id = any(${ids}::bigint[])`
  return new Map(
    lines.flatMap(({ currency, entries: of }) =>
      of.map(({ id, billed_s, net_minor }) => [id, { billed_s, net_minor, currency }] as const),
    ),
  )
}

/** As an invoice of now would have them, in the customer's currency and in those of what is taken back. */
function priced(
  entries: BilledEntry[],
  { desk, organization }: { desk: Desk; organization: Organization },
): Map<number, Amount> {
  const work = entries.filter((one) => one.status === 'approved')
  const ownLines = new Set(work.flatMap((one) => one.invoice_line_id ?? []))
  const taken = work.flatMap((one) => one.reversed?.currency ?? [])
  const currencies = new Set([termsOf(desk, organization).currency, ...taken])
  const amounts = new Map<number, Amount>()
  for (const currency of currencies)
    for (const line of gather(work, { desk, organization, currency, ownLines }).lines)
      for (const { id, billed_s, net_minor } of line.entries) amounts.set(id, { billed_s, net_minor, currency })
  return amounts
}

/**
 * Texts of the tickets that customers do not read: a note of an entry may have been copied out of one. They count, too,
 * when they went to another ticket since, by a split or a merge.
 */
async function hiddenWords(sql: Queryable, entries: BilledEntry[]): Promise<Map<number, string[]>> {
  const noted = entries.flatMap((one) => (one.note === '' ? [] : (one.ticket_id ?? [])))
  if (noted.length === 0) return new Map()
  const rows = await sql<{ ticket_id: number; text: string }[]>`
    with recursive kin as (
      select id as root, id from unnest(${[...new Set(noted)]}::bigint[]) id
      union
      select kin.root, other.id from kin cross join lateral (
        select other_id as id from ticket_links where ticket_id = kin.id and kind in ('split_from', 'split_into')
        union select merged_into from tickets where id = kin.id and merged_into is not null) other)
    select kin.root as ticket_id, c.text from kin join comments c on c.ticket_id = kin.id
    where c.visibility <> 'public'`
  return new Map([...Map.groupBy(rows, (one) => one.ticket_id)].map(([id, of]) => [id, of.map((one) => one.text)]))
}

type Saying = { desk: Desk; inbox: Inbox; notes: Map<number, string[]>; amount: Amount | undefined }

function rowOf(entry: BilledEntry, { desk, inbox, notes, amount }: Saying): StatementRow {
  const { id, local_date, project, ticket_id, work_type_name, billable, raw_s } = entry
  const public_ = (text: string) => withoutPrivate(oneLine(text), desk, inbox)
  const hidden = ticket_id === null ? [] : (notes.get(ticket_id) ?? [])
  return {
    id,
    date: local_date,
    project,
    ticket: ticket_id,
    title: public_(entry.title),
    // whose name nobody entered is known to the desk by their address
    agent: entry.agent.includes('@') ? inbox.name : entry.agent,
    note: leakIn(entry.note, hidden) ? '' : public_(entry.note),
    work_type: work_type_name,
    billable,
    raw_s,
    billed_s: amount?.billed_s ?? null,
    net_minor: amount?.net_minor ?? null,
    currency: amount?.currency ?? null,
  }
}

const inOrder = (a: StatementRow, b: StatementRow): number =>
  (a.project < b.project ? -1 : a.project > b.project ? 1 : 0) ||
  (a.ticket ?? 0) - (b.ticket ?? 0) ||
  (a.date < b.date ? -1 : a.date > b.date ? 1 : 0) ||
  a.id - b.id

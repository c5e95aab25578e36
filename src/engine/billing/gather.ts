/** A customer's time of a period as the lines of an invoice, with the prices in force now (SLA I1-I3, I5). Pure. */

import { bill, type Totals, totalsOf } from '../billing.ts'
import type { Desk, Organization } from '../desk.ts'
import { groupsOf } from '../people.ts'
import type { BilledEntry } from '../time-entries/billed.ts'
import { candidateLists, type PriceList } from './prices.ts'

/** An entry on a line, as it was: what is printed does not change with it. */
export type LineEntry = {
  id: number
  date: string
  agent: string
  note: string
  raw_s: number
  billed_s: number
  net_minor: number
}

/** A line without its place. */
export type Line = {
  ticket_id: number | null
  project_id: number | null
  title: string
  work_type: string | null
  work_type_name: string
  price_list_id: number
  list: string
  unit_price_minor: number
  tax_bp: number
  raw_s: number
  billed_s: number
  net_minor: number
  entries: LineEntry[]
  reverses_line_id: number | null
}

/** Why an entry of the period is not on the invoice, though it could be another time. */
export type Excluded = {
  id: number
  why: 'not_billable' | 'not_approved' | 'invoiced' | 'other_draft' | 'currency' | 'approved_without'
}

export type Gathered = { lines: Line[]; unpriced: number[]; excluded: Excluded[]; totals: Totals }

export type Terms = { currency: string; tax_mode: 'standard' | 'reverse_charge'; tax_bp: number }

/** What a customer is billed in, and at which rate. */
export function termsOf(desk: Desk, organization: Organization | null): Terms {
  const own = organization?.billing
  const { currency, tax_bp } = desk.settings.billing
  const tax_mode = own?.tax_mode ?? 'standard'
  return {
    currency: own?.currency ?? currency,
    tax_mode,
    tax_bp: tax_mode === 'reverse_charge' ? 0 : (own?.tax_bp ?? tax_bp),
  }
}

/**
 * The lines of an invoice out of the entries of its period.
 * @param given.currency of the invoice; in another one than the customer's only what takes back time billed in it
 * @param given.ownLines ids of the lines that the draft has now: entries on others' lines are theirs
 */
export function gather(
  entries: readonly BilledEntry[],
  given: { desk: Desk; organization: Organization | null; currency: string; ownLines: ReadonlySet<number> },
): Gathered {
  const { desk, organization, currency, ownLines } = given
  const terms = termsOf(desk, organization)
  const excluded: Excluded[] = []
  const [work, reversals]: [BilledEntry[], BilledEntry[]] = [[], []]
  for (const entry of entries) {
    const why = exclusionOf(entry, { currency, terms, ownLines })
    if (why) excluded.push({ id: entry.id, why })
    else (entry.reversed ? reversals : work).push(entry)
  }
  const candidates = candidatesFor(desk, organization, currency)
  const byId = new Map(work.map((entry) => [entry.id, entry]))
  const billed = bill(
    work.map((entry) => ({ ...entry, ticket: entry.ticket_id ?? `p${entry.project_id}` })),
    candidates,
  )
  const lines = [
    ...billed.lines.map((line): Line => {
      const of = line.parts.map((part) => ({ part, entry: byId.get(part.id as number)! }))
      const { ticket_id, project_id, title, work_type, work_type_name } = of[0]!.entry
      return {
        ticket_id,
        project_id,
        title,
        work_type,
        work_type_name,
        price_list_id: desk.price_lists.get(line.list)!.id,
        list: line.list,
        unit_price_minor: line.unit_price_minor,
        tax_bp: terms.tax_bp,
        raw_s: line.raw_s,
        billed_s: line.billed_s,
        net_minor: line.net_minor,
        entries: of.map(({ part, entry }) => entryOf(entry, part.billed_s, part.net_minor)),
        reverses_line_id: null,
      }
    }),
    ...reversals.map(reversalLine),
  ]
  return { lines, unpriced: billed.unpriced.map((entry) => entry.id), excluded, totals: totalsOf(lines) }
}

function exclusionOf(
  entry: BilledEntry,
  { currency, terms, ownLines }: { currency: string; terms: Terms; ownLines: ReadonlySet<number> },
): Excluded['why'] | null {
  if (entry.status === 'invoiced') return 'invoiced'
  if (entry.late) return 'approved_without'
  if (!entry.billable) return 'not_billable'
  if (entry.status !== 'approved') return 'not_approved'
  if (entry.invoice_line_id !== null && !ownLines.has(entry.invoice_line_id)) return 'other_draft'
  return (entry.reversed?.currency ?? terms.currency) === currency ? null : 'currency'
}

/** The lists for an entry's requester (P1-P3); a desk has few people with prices of their own, so most share theirs. */
function candidatesFor(desk: Desk, organization: Organization | null, currency: string) {
  const lists = [...desk.price_lists.values()]
  const groupLists = desk.groups.flatMap((group) =>
    group.price_lists.map(({ list, rank }) => ({ group: group.key, list, rank })),
  )
  const organizationLists = lists
    .filter((list) => organization && list.organizations.includes(organization.key))
    .map((list) => list.key)
  const found = new Map<string, PriceList[]>()
  return ({ addresses }: Pick<BilledEntry, 'addresses'>): readonly PriceList[] => {
    const key = addresses.join(' ')
    let candidates = found.get(key)
    if (!candidates) {
      const people = addresses.length > 0 ? addresses : [null]
      const groups = people.flatMap((address) => groupsOf(desk, organization, address).map((group) => group.key))
      const contactLists = lists
        .filter((list) => list.contacts.some((contact) => addresses.includes(contact)))
        .map((list) => list.key)
      candidates = candidateLists({ currency, contactLists, organizationLists, groups }, desk.price_lists, groupLists)
      found.set(key, candidates)
    }
    return candidates
  }
}

/** T8: the amount of the line it takes back, not rounded again. */
function reversalLine(entry: BilledEntry): Line {
  const { line_id, currency: _currency, number: _number, ...was } = entry.reversed!
  const { ticket_id, project_id, title, raw_s } = entry
  return {
    ticket_id,
    project_id,
    title,
    ...was,
    raw_s,
    entries: [entryOf(entry, was.billed_s, was.net_minor)],
    reverses_line_id: line_id,
  }
}

const entryOf = (entry: BilledEntry, billed_s: number, net_minor: number): LineEntry => ({
  id: entry.id,
  date: entry.local_date,
  agent: entry.agent,
  note: entry.note,
  raw_s: entry.raw_s,
  billed_s,
  net_minor,
})

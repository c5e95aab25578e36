/** Billing vectors: the candidate lists, the lines and the totals of one customer's time. */
import { candidateLists, type GroupList, type PriceItem, type Rounding } from '../billing/prices.ts'
import { type BillableEntry, bill, hoursText, totalsOf } from '../billing.ts'
import { differenceOf, whole } from './values.ts'

export type BillingVector = {
  customer: { groups: string[]; currency: string; tax_bp: number }
  price_lists: Record<string, { currency: string; default: boolean; items: PriceItem[]; rounding: Rounding }>
  group_price_lists: GroupList[]
  entries: (BillableEntry & { id: string; ticket: string })[]
  expect: Record<string, unknown>
}

/** What is wrong with the bill, null when it is the expected one. */
export function runInvoice(vector: BillingVector): string | null {
  const { customer, group_price_lists, entries, expect } = vector
  for (const entry of entries) whole(entry.raw_s)
  const lists = new Map(Object.entries(vector.price_lists).map(([key, list]) => [key, { key, ...list }]))
  const candidates = candidateLists(customer, lists, group_price_lists)
  const { lines, unpriced, excluded } = bill(entries, () => candidates)
  const totals = totalsOf(lines.map(({ net_minor }) => ({ net_minor, tax_bp: whole(customer.tax_bp) })))
  const computed = {
    lines: lines.map(({ parts, ...line }) => ({
      ...line,
      hours: hoursText(line.billed_s),
      entries: parts.map((part) => part.id),
    })),
    unpriced: unpriced.map((entry) => entry.id),
    excluded: excluded.map((entry) => entry.id),
    ...totals,
    can_finalise: unpriced.length === 0,
  }
  return differenceOf(computed, expect)
}

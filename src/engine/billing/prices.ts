/** Which price list holds for an entry, and which price in it (SLA P1-P6). Pure; lists and groups are told by their keys. */

/** How time becomes billed time (SLA B3, B4); seconds. */
export type Rounding = {
  scope: 'entry' | 'ticket_day' | 'line'
  increment_s: number
  mode: 'up' | 'nearest' | 'down'
  minimum_s: number
}

/** A price an hour in minor units of the list's currency. Null: any work type, any priority, no limit of time. */
export type PriceItem = {
  work_type: string | null
  priority: string | null
  price_minor: number
  /** First and last day it holds, `YYYY-MM-DD`. */
  from: string | null
  to: string | null
}

export type PriceList = {
  key: string
  currency: string
  /** Holds for every customer, after the lists of their own and of their groups. */
  default: boolean
  items: readonly PriceItem[]
  rounding: Rounding
}

export type Customer = {
  currency: string
  /** Keys of lists made for the contact, and for the organization (P2). */
  contactLists?: readonly string[]
  organizationLists?: readonly string[]
  /** Keys of the groups of the organization and of the contact (P1). */
  groups: readonly string[]
}

export type GroupList = { group: string; list: string; rank: number }

/** What a price depends on. */
export type Priced = { work_type: string | null; priority: string; local_date: string }

/**
 * The lists that may price a customer's time, the first one first (P2): the contact's own, the organization's own, those
 * of the groups by rank, group and list, then default lists. Lists in another currency are left out (P3).
 */
export function candidateLists(
  customer: Customer,
  lists: ReadonlyMap<string, PriceList>,
  groupLists: readonly GroupList[],
): PriceList[] {
  const ofGroups = groupLists
    .filter((one) => customer.groups.includes(one.group))
    .toSorted((a, b) => a.rank - b.rank || compare(a.group, b.group) || compare(a.list, b.list))
  const defaults = [...lists.values()].filter((list) => list.default).map((list) => list.key)
  const keys = new Set([
    ...(customer.contactLists ?? []).toSorted(compare),
    ...(customer.organizationLists ?? []).toSorted(compare),
    ...ofGroups.map((one) => one.list),
    ...defaults.toSorted(compare),
  ])
  return [...keys].map((key) => lists.get(key)).filter((list) => list?.currency === customer.currency) as PriceList[]
}

/** The price of the first list that has one (P5); null: the entry is unpriced (P6). A price of 0 is a price. */
export function findPrice(
  candidates: readonly PriceList[],
  entry: Priced,
): { list: PriceList; price_minor: number } | null {
  for (const list of candidates) {
    const item = findItem(list, entry)
    if (item) return { list, price_minor: item.price_minor }
  }
  return null
}

/** By code units, so that every machine sorts alike. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** P4: a work type of its own counts for more than a priority, then the price that holds since later. */
function findItem(list: PriceList, entry: Priced): PriceItem | null {
  let best: PriceItem | null = null
  for (const item of list.items) {
    if (!matches(item, entry)) continue
    const ahead = best === null ? 1 : scoreOf(item) - scoreOf(best) || compare(item.from ?? '', best.from ?? '')
    if (ahead > 0) best = item
  }
  return best
}

const matches = (item: PriceItem, entry: Priced): boolean =>
  (item.work_type === null || item.work_type === entry.work_type) &&
  (item.priority === null || item.priority === entry.priority) &&
  (item.from === null || item.from <= entry.local_date) &&
  (item.to === null || entry.local_date <= item.to)

const scoreOf = (item: PriceItem): number => (item.work_type === null ? 0 : 2) + (item.priority === null ? 0 : 1)

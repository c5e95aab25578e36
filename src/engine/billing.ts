/**
 * A bill out of time and prices (SLA 15): which entries count, what they cost, lines, taxes and totals. Pure and in
 * integers; what is stored of it is written by billing/invoices.ts. It never guesses a price: an entry without one is
 * named, and the bill cannot become final.
 */
import { divideHalfUp, exact, shares } from './billing/integers.ts'
import { compare, findPrice, type Priced, type PriceList } from './billing/prices.ts'
import { billedSeconds } from './billing/rounding.ts'

type Key = string | number

/** Time as the bill sees it; `ticket` is whatever tells tickets apart. */
export type BillableEntry = Priced & {
  id: Key
  ticket: Key
  raw_s: number
  billable: boolean
  status: string
}

/** One entry's part of a line; the parts sum to the line. */
export type LinePart = { id: Key; billed_s: number; net_minor: number }

export type BillLine = {
  ticket: Key
  work_type: string | null
  /** Key of the price list. */
  list: string
  unit_price_minor: number
  raw_s: number
  billed_s: number
  net_minor: number
  parts: LinePart[]
}

export type Bill<Entry extends BillableEntry = BillableEntry> = {
  lines: BillLine[]
  /** Entries without a price (P6). */
  unpriced: Entry[]
  /** Entries that are free, or not approved (B1). */
  excluded: Entry[]
}

export type Tax = { tax_bp: number; net_minor: number; tax_minor: number }
export type Totals = { net_minor: number; tax_minor: number; gross_minor: number; taxes: Tax[] }

/**
 * Entries as lines: one for each ticket, work type, list and price, rounded once (I1). Entries keep their order in
 * their line.
 * @param candidates the lists that may price an entry, in their order (billing/prices.ts)
 */
export function bill<Entry extends BillableEntry>(
  entries: readonly Entry[],
  candidates: (entry: Entry) => readonly PriceList[],
): Bill<Entry> {
  const groups = new Map<string, { list: PriceList; price: number; entries: Entry[] }>()
  const [unpriced, excluded]: [Entry[], Entry[]] = [[], []]
  for (const entry of entries) {
    if (!entry.billable || entry.status !== 'approved') {
      excluded.push(entry)
      continue
    }
    const price = findPrice(candidates(entry), entry)
    if (price === null) {
      unpriced.push(entry)
      continue
    }
    const key = JSON.stringify([entry.ticket, entry.work_type, price.list.key, price.price_minor])
    const group = groups.get(key)
    if (group) group.entries.push(entry)
    else groups.set(key, { list: price.list, price: price.price_minor, entries: [entry] })
  }
  return { lines: [...groups.values()].map(lineOf).sort(inOrder), unpriced, excluded }
}

/** Totals of lines that each have their rate in basis points; the tax is rounded once a rate (I2). */
export function totalsOf(lines: readonly { net_minor: number; tax_bp: number }[]): Totals {
  const rates = [...Map.groupBy(lines, (line) => line.tax_bp)].sort(([a], [b]) => a - b)
  const taxes = rates.map(([tax_bp, of]): Tax => {
    const net = of.reduce((sum, line) => sum + BigInt(line.net_minor), 0n)
    return { tax_bp, net_minor: exact(net), tax_minor: exact(divideHalfUp(net * BigInt(tax_bp), 10_000n)) }
  })
  const sum = (of: (tax: Tax) => number) => taxes.reduce((all, tax) => all + BigInt(of(tax)), 0n)
  const [net, tax] = [sum((one) => one.net_minor), sum((one) => one.tax_minor)]
  return { net_minor: exact(net), tax_minor: exact(tax), gross_minor: exact(net + tax), taxes }
}

/** Seconds as hours with four decimals, half up: for people, nothing is computed from it (I2). */
export function hoursText(seconds: number): string {
  const tenThousandths = divideHalfUp(BigInt(seconds) * 10_000n, 3600n)
  const digits = String(tenThousandths < 0n ? -tenThousandths : tenThousandths).padStart(5, '0')
  return `${tenThousandths < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`
}

function lineOf({ list, price, entries }: { list: PriceList; price: number; entries: BillableEntry[] }): BillLine {
  const billed = billedSeconds(entries, list.rounding)
  const billed_s = billed.reduce((sum, one) => sum + one, 0)
  const net_minor = exact(divideHalfUp(BigInt(billed_s) * BigInt(price), 3600n))
  const nets = shares(net_minor, billed)
  const { ticket, work_type } = entries[0]!
  return {
    ticket,
    work_type,
    list: list.key,
    unit_price_minor: price,
    raw_s: entries.reduce((sum, entry) => sum + entry.raw_s, 0),
    billed_s,
    net_minor,
    parts: entries.map((entry, n) => ({ id: entry.id, billed_s: billed[n]!, net_minor: nets[n]! })),
  }
}

const inOrder = (a: BillLine, b: BillLine): number =>
  compareKeys(a.ticket, b.ticket) ||
  compare(a.work_type ?? '', b.work_type ?? '') ||
  compare(a.list, b.list) ||
  a.unit_price_minor - b.unit_price_minor

const compareKeys = (a: Key, b: Key): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : compare(String(a), String(b))

/** Bills: which list and price, how time is rounded, what a line and its taxes come to; nothing is lost on the way. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { divideHalfUp, exact, shares } from '../../src/engine/billing/integers.ts'
import { candidateLists, findPrice, type PriceItem, type PriceList } from '../../src/engine/billing/prices.ts'
import { billedSeconds, rounded } from '../../src/engine/billing/rounding.ts'
import { type BillableEntry, bill, hoursText, totalsOf } from '../../src/engine/billing.ts'
import { runVectors } from '../../src/engine/vectors.ts'

const NONE = { scope: 'entry', increment_s: 1, mode: 'up', minimum_s: 0 } as const
const item = (part: Partial<PriceItem>): PriceItem => ({
  work_type: null,
  priority: null,
  price_minor: 1,
  from: null,
  to: null,
  ...part,
})
const list = (key: string, part: Partial<PriceList> = {}): PriceList => ({
  key,
  currency: 'EUR',
  default: false,
  items: [item({})],
  rounding: NONE,
  ...part,
})
const byKey = (...lists: PriceList[]) => new Map(lists.map((one) => [one.key, one]))
let ids = 0
const entry = (part: Partial<BillableEntry> = {}): BillableEntry => ({
  id: ++ids,
  ticket: 1,
  work_type: 'consult',
  priority: 'normal',
  local_date: '2026-03-02',
  raw_s: 3600,
  billable: true,
  status: 'approved',
  ...part,
})

test('P2: own lists of the contact, of the organization, of the groups by rank, then default ones', () => {
  const lists = byKey(
    list('z-default', { default: true }),
    list('a-default', { default: true }),
    ...['contact', 'org', 'g1', 'g2', 'g2b', 'g3', 'nobody'].map((key) => list(key)),
  )
  const groupLists = [
    { group: 'c', list: 'g3', rank: 1 },
    { group: 'b', list: 'g2b', rank: 1 },
    { group: 'b', list: 'g2', rank: 1 },
    { group: 'a', list: 'g1', rank: 2 },
    { group: 'other', list: 'nobody', rank: 0 },
  ]
  const customer = {
    currency: 'EUR',
    contactLists: ['contact'],
    organizationLists: ['org'],
    groups: ['a', 'b', 'c'],
  }
  const found = candidateLists(customer, lists, groupLists).map((one) => one.key)
  assert.equal(found, ['contact', 'org', 'g2', 'g2b', 'g3', 'g1', 'a-default', 'z-default'])
})

test('P3: lists in another currency are skipped; a list stands where it comes first', () => {
  const lists = byKey(list('usd', { currency: 'USD', default: true }), list('eur', { default: true }))
  const groupLists = [
    { group: 'a', list: 'usd', rank: 1 },
    { group: 'b', list: 'eur', rank: 2 },
  ]
  const found = candidateLists({ currency: 'EUR', groups: ['a', 'b'] }, lists, groupLists)
  assert.equal(
    found.map((one) => one.key),
    ['eur'],
  )
})

test('P4: the work type counts for more than the priority, then the later beginning; dates are inclusive', () => {
  const priced = list('one', {
    items: [
      item({ price_minor: 1 }),
      item({ price_minor: 2, priority: 'high' }),
      item({ price_minor: 3, work_type: 'consult' }),
      item({ price_minor: 4, work_type: 'consult', from: '2026-03-02', to: '2026-03-04' }),
      item({ price_minor: 5, work_type: 'consult', from: '2026-03-04' }),
      item({ price_minor: 6, work_type: 'consult', priority: 'high', from: '2026-03-05' }),
    ],
  })
  const price = (part: Partial<BillableEntry>) => findPrice([priced], entry(part))?.price_minor
  assert.is(price({ work_type: null }), 1)
  assert.is(price({ work_type: 'travel', priority: 'high' }), 2)
  assert.is(price({ local_date: '2026-03-01', priority: 'high' }), 3)
  assert.is(price({ local_date: '2026-03-02' }), 4)
  assert.is(price({ local_date: '2026-03-04' }), 5)
  assert.is(price({ local_date: '2026-03-05', priority: 'high' }), 6)
})

test('P5, P6: the order of lists outranks what fits better; 0 is a price, no price is none', () => {
  const general = list('general', { items: [item({ price_minor: 0 })] })
  const special = list('special', { items: [item({ price_minor: 9, work_type: 'consult', priority: 'normal' })] })
  assert.is(findPrice([general, special], entry())?.price_minor, 0)
  assert.is(findPrice([special, general], entry())?.list.key, 'special')
  assert.is(findPrice([special], entry({ work_type: 'travel' })), null)
})

test('B4: nothing stays nothing, then the minimum, then whole increments', () => {
  const up = { scope: 'entry', increment_s: 900, mode: 'up', minimum_s: 0 } as const
  assert.equal(
    [0, 1, 900, 901].map((raw) => rounded(raw, up)),
    [0, 900, 900, 1800],
  )
  const nearest = { ...up, mode: 'nearest' } as const
  assert.equal(
    [1, 449, 450, 1349].map((raw) => rounded(raw, nearest)),
    [0, 0, 900, 900],
  )
  assert.is(rounded(1799, { ...up, mode: 'down' }), 900)
  assert.is(rounded(1, { ...up, mode: 'down', minimum_s: 1000 }), 900)
  assert.is(rounded(0, { ...up, minimum_s: 1800 }), 0)
  assert.is(rounded(1, { ...up, increment_s: 360, minimum_s: 1800 }), 1800)
  assert.is(rounded(1234, { ...up, increment_s: 0 }), 1234)
})

test('B3: an entry, a day or the whole line is rounded, and the parts sum to it', () => {
  const worked = [
    { local_date: '2026-03-02', raw_s: 100 },
    { local_date: '2026-03-03', raw_s: 100 },
    { local_date: '2026-03-02', raw_s: 300 },
  ]
  const rounding = (scope: 'entry' | 'ticket_day' | 'line') =>
    billedSeconds(worked, { scope, increment_s: 900, mode: 'up', minimum_s: 0 })
  assert.equal(rounding('entry'), [900, 900, 900])
  assert.equal(rounding('ticket_day'), [225, 900, 675])
  assert.equal(rounding('line'), [180, 180, 540])
})

test('I1: one rounding a line, half up, and half away from zero below it', () => {
  assert.is(divideHalfUp(5n, 2n), 3n)
  assert.is(divideHalfUp(-5n, 2n), -3n)
  assert.is(divideHalfUp(-4n, 3n), -1n)
  const half = list('half', { items: [item({ price_minor: 1 })] })
  const lines = bill([entry({ raw_s: 900 }), entry({ raw_s: 900 })], () => [half]).lines
  assert.equal([lines[0]!.billed_s, lines[0]!.net_minor], [1800, 1])
  assert.equal(
    lines[0]!.parts.map((part) => part.net_minor),
    [1, 0],
  )
})

test('I1: a line for each ticket, work type, list and price, in their order; ticket 9 before ticket 10', () => {
  const two = list('two', { items: [item({ price_minor: 2 }), item({ price_minor: 3, from: '2026-03-03' })] })
  const given = [entry({ ticket: 10 }), entry({ ticket: 9, local_date: '2026-03-03' }), entry({ ticket: 9 })]
  const { lines } = bill([...given, entry({ ticket: 9, work_type: null })], () => [two])
  assert.equal(
    lines.map((line) => [line.ticket, line.work_type, line.unit_price_minor]),
    [
      [9, null, 2],
      [9, 'consult', 2],
      [9, 'consult', 3],
      [10, 'consult', 2],
    ],
  )
})

test('B1: free and unapproved time is listed, not billed', () => {
  const free = entry({ billable: false })
  const draft = entry({ status: 'draft' })
  const unpriced = entry({ work_type: 'travel' })
  const only = list('only', { items: [item({ work_type: 'consult' })] })
  const result = bill([free, unpriced, draft, entry()], () => [only])
  assert.equal([result.excluded, result.unpriced, result.lines.length], [[free, draft], [unpriced], 1])
})

test('I2: the tax is rounded once a rate', () => {
  const totals = totalsOf([
    { net_minor: 3, tax_bp: 2000 },
    { net_minor: 4, tax_bp: 2000 },
    { net_minor: 5, tax_bp: 1000 },
    { net_minor: -1, tax_bp: 0 },
  ])
  assert.equal(totals, {
    net_minor: 11,
    tax_minor: 2,
    gross_minor: 13,
    taxes: [
      { tax_bp: 0, net_minor: -1, tax_minor: 0 },
      { tax_bp: 1000, net_minor: 5, tax_minor: 1 },
      { tax_bp: 2000, net_minor: 7, tax_minor: 1 },
    ],
  })
  assert.equal(totalsOf([]), { net_minor: 0, tax_minor: 0, gross_minor: 0, taxes: [] })
  assert.is(totalsOf([{ net_minor: -5, tax_bp: 1000 }]).tax_minor, -1)
})

test('hours are text with four decimals', () => {
  assert.equal([0, 1, 3600, 5400, -900, 36000].map(hoursText), [
    '0.0000',
    '0.0003',
    '1.0000',
    '1.5000',
    '-0.2500',
    '10.0000',
  ])
})

test('an amount beyond what a number holds is refused rather than bent', () => {
  assert.throws(() => exact(2n ** 53n), RangeError)
  const dear = list('dear', { items: [item({ price_minor: Number.MAX_SAFE_INTEGER })] })
  assert.is(bill([entry()], () => [dear]).lines[0]!.net_minor, Number.MAX_SAFE_INTEGER)
  assert.throws(() => bill([entry({ raw_s: 7200 })], () => [dear]), RangeError)
})

/** A repeatable stream of whole numbers below a bound. */
function stream(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

test('property: whatever is rounded and shared out, parts sum to lines, lines to totals, and raw time is kept', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = stream(seed)
    const pick = <T>(all: readonly T[]): T => all[next(all.length)]!
    const lists = [0, 1].map((n) =>
      list(`l${n}`, {
        rounding: {
          scope: pick(['entry', 'ticket_day', 'line'] as const),
          increment_s: pick([0, 1, 60, 360, 900]),
          mode: pick(['up', 'nearest', 'down'] as const),
          minimum_s: pick([0, 300, 1800]),
        },
        items: [
          item({ price_minor: next(20_000), work_type: pick([null, 'a']) }),
          item({ price_minor: next(20_000), work_type: 'b', priority: 'high' }),
        ],
      }),
    )
    const entries = Array.from({ length: next(12) }, () =>
      entry({
        ticket: next(3),
        work_type: pick(['a', 'b', null]),
        priority: pick(['high', 'low']),
        local_date: `2026-03-0${1 + next(3)}`,
        raw_s: pick([0, 1, next(40_000)]),
        billable: next(5) > 0,
        status: pick(['approved', 'approved', 'draft']),
      }),
    )
    const { lines, unpriced, excluded } = bill(entries, () => lists)
    const sum = (all: number[]) => all.reduce((a, b) => a + b, 0)
    for (const line of lines) {
      assert.is(sum(line.parts.map((part) => part.billed_s)), line.billed_s)
      assert.is(sum(line.parts.map((part) => part.net_minor)), line.net_minor)
      assert.ok(line.parts.every((part) => part.billed_s >= 0 && part.net_minor >= 0))
    }
    const billed = lines.flatMap((line) => line.parts.map((part) => part.id))
    const all = [...billed, ...unpriced.map((one) => one.id), ...excluded.map((one) => one.id)]
    assert.equal(all.toSorted(), entries.map((one) => one.id).toSorted(), 'each entry is in one place')
    const raw = entries.filter((one) => billed.includes(one.id)).map((one) => one.raw_s)
    assert.is(sum(lines.map((line) => line.raw_s)), sum(raw))
    const totals = totalsOf(lines.map((line) => ({ ...line, tax_bp: pick([0, 700, 1900]) })))
    assert.is(totals.net_minor, sum(lines.map((line) => line.net_minor)))
    assert.is(totals.gross_minor, totals.net_minor + totals.tax_minor)
  }
})

test('property: shares sum to the whole and grow with their weights', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const next = stream(seed)
    const weights = Array.from({ length: 1 + next(9) }, () => next(1000))
    const total = next(100_000) - 50_000
    const parts = shares(total, weights)
    assert.is(
      parts.reduce((a, b) => a + b, 0),
      total,
    )
    for (const part of parts) assert.ok(Math.sign(part) === 0 || Math.sign(part) === Math.sign(total))
  }
})

test('a billing vector is run by its op, and a wrong total fails', async () => {
  const vector = {
    id: 'b1',
    op: 'invoice',
    customer: { groups: ['g'], currency: 'EUR', tax_bp: 1900 },
    price_lists: {
      p: { currency: 'EUR', default: false, items: [item({ price_minor: 10_000 })], rounding: NONE },
    },
    group_price_lists: [{ group: 'g', list: 'p', rank: 1 }],
    entries: [entry({ id: 'e1', ticket: 'T1', raw_s: 1800 })],
    expect: { net_minor: 5000, tax_minor: 950, gross_minor: 5950, can_finalise: true, unpriced: [] },
  }
  const wrong = { ...vector, id: 'b2', expect: { ...vector.expect, gross_minor: 5951 } }
  const lines = [vector, wrong].map((one) => JSON.stringify(one))
  const result = await runVectors(null as never, lines)
  assert.equal([result.passed, result.failures.map((one) => one.id)], [1, ['b2']])
})

test.run()

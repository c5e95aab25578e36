/** The desk file's work types, price lists and billing: what they become, what is refused with its line, what is kept. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { decimalText, exponentOf, isCurrency, moneyText, parseMoney } from '../../../src/engine/billing/money.ts'
import { applyDesk } from '../../../src/engine/desk/apply.ts'
import { parseDesk } from '../../../src/engine/desk/document.ts'
import { loadDesk } from '../../../src/engine/desk/load.ts'
import { showProblem } from '../../../src/yaml.ts'
import { testDatabase } from '../../database.ts'
import { MONDAY } from '../../desk.ts'

const database = await testDatabase()
const { sql } = database
test.before.each(database.empty)
test.after(database.close)

const plain = `inboxes: [{key: support, address: support@desk.example, project: triage}]
projects: [{key: triage}, {key: acme/free, billable: false}]
organizations:
  - {key: acme, domains: [acme.example], billing: {currency: KWD, tax: 8.1%}}
  - {key: borealis, domains: [borealis.example]}
groups: [{key: vip, rank: 7, organizations: [acme], price_lists: [{list: fine}, {list: house, rank: 2}]}]
work_types: [{key: support}, {key: travel, name: On the road}]
`
const prices = `price_lists:
  - {key: house, currency: EUR, default: true, items: [{price: 120.5}]}
  - key: fine
    currency: KWD
    organizations: [acme]
    contacts: [Boss@acme.example]
    rounding: {scope: line, increment: 15m, minimum: 1h}
    items: [{work_type: travel, priority: high, price: "1.234", from: 2026-01-01, to: 2026-12-31}]
`
const parse = (text: string) => {
  const { document, problems } = parseDesk(text, 'desk.yml')
  return document?.desk ?? problems.map(showProblem)
}
const apply = (text: string) => transaction(sql, (tx) => applyDesk(tx, { text, author: 'test' }, MONDAY))

test('prices are minor units of their currency; what is left out is the default', () => {
  const desk = parse(plain + prices) as Exclude<ReturnType<typeof parse>, string[]>
  assert.equal(desk.price_lists.get('house')!.items, [
    { work_type: null, priority: null, price_minor: 12_050, from: null, to: null },
  ])
  assert.equal(desk.price_lists.get('house')!.rounding, {
    scope: 'entry',
    increment_s: 0,
    mode: 'up',
    minimum_s: 0,
  })
  const fine = desk.price_lists.get('fine')!
  assert.equal(
    [fine.items[0]!.price_minor, fine.contacts, fine.rounding.increment_s],
    [1234, ['boss@acme.example'], 900],
  )
  assert.equal(desk.groups[0]!.price_lists, [
    { list: 'fine', rank: 7 },
    { list: 'house', rank: 2 },
  ])
  assert.equal(
    [...desk.projects.values()].map((one) => one.billable),
    [true, false],
  )
  assert.equal(desk.organizations.get('acme')!.billing, {
    name: null,
    address: '',
    tax_id: '',
    currency: 'KWD',
    tax_bp: 810,
    tax_mode: 'standard',
  })
  assert.equal([desk.settings.billing.currency, desk.settings.billing.tax_bp], ['EUR', 0])
  assert.equal(desk.settings.time, { overlap: 'warn', midnight: 'one', approvers: [], own: 'refuse' })
})

test('a list that prices the same work twice from one day, or in no amount of its currency, is refused with its line', () => {
  const wrong = (items: string, currency = 'EUR') =>
    parse(
      `${plain}price_lists: [{key: house, currency: ${currency}, items: ${items}}, {key: fine, currency: EUR, items: [{price: 1}]}]\n`,
    )
  assert.match(String(wrong('[{price: 1}, {price: 2}]')), /desk\.yml:8:.*price from the same day on already/)
  assert.match(String(wrong('[{price: 1.5}]', 'JPY')), /"1\.5" is no price in JPY/)
  assert.match(String(wrong('[{price: -1}]')), /"-1" is no price in EUR/)
  assert.match(String(wrong('[{price: 1, from: 2026-02-01, to: 2026-01-31}]')), /ends before it begins/)
  assert.match(String(wrong('[{price: 1, work_type: suport}]')), /did you mean "?support/i)
  assert.match(String(wrong('[{price: 1}]', 'EURO')), /desk\.yml:8:/)
  assert.ok(!Array.isArray(wrong('[{price: 1}, {price: 2, from: 2026-01-01}, {price: 2, priority: low}]')))
  assert.match(String(parse(plain)), /unknown|"fine"/)
})

test('an edit of a list is a new version, the same text is not; what is named no more is retired', async () => {
  await apply(plain + prices)
  const before = await loadDesk(sql)
  assert.equal([before.price_lists.get('house')!.version, before.work_types.get('travel')!.name], [1, 'On the road'])
  await apply(`# another word\n${plain}${prices.replace('120.5', '130')}`)
  const after = await loadDesk(sql)
  assert.equal([after.price_lists.get('house')!.version, after.price_lists.get('fine')!.version], [2, 1])
  assert.is(after.price_lists.get('fine')!.id, before.price_lists.get('fine')!.id)
  await apply(plain.replace(', {key: travel, name: On the road}', '').replace(/groups: .*\n/, ''))
  const kept = await sql`select key, version, retired_at is not null as gone from price_lists order by key, version`
  assert.equal(
    kept.map((row) => [row.key, row.version, row.gone]),
    [
      ['fine', 1, true],
      ['house', 1, true],
      ['house', 2, true],
    ],
  )
  const [travel] = await sql`select disabled_at from work_types where key = 'travel'`
  assert.ok(travel!.disabled_at)
})

test('money is text of whole minor units, in any currency and language', () => {
  assert.equal(['JPY', 'EUR', 'KWD', 'HUF'].map(exponentOf), [0, 2, 3, 2])
  assert.equal([isCurrency('EUR'), isCurrency('EURO'), isCurrency('ZZZ')], [true, false, false])
  assert.equal([parseMoney('120', 'EUR'), parseMoney('0.5', 'KWD'), parseMoney('1.5', 'JPY')], [12_000, 500, null])
  assert.equal([parseMoney('1e3', 'EUR'), parseMoney('', 'EUR'), parseMoney('1.005', 'EUR')], [null, null, null])
  assert.equal([decimalText(5, 'EUR'), decimalText(-120_50, 'EUR'), decimalText(7, 'JPY')], ['0.05', '-120.50', '7'])
  assert.is(moneyText(-123_456, 'EUR', 'de').replace(/\s/g, ' '), '-1.234,56 €')
  assert.is(moneyText(Number.MAX_SAFE_INTEGER, 'EUR', 'en'), '€90,071,992,547,409.91')
  assert.is(moneyText(1234, 'KWD', 'en').replace(/\s/g, ' '), 'KWD 1.234')
})

test.run()

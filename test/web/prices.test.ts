/** Price lists to read: for admins alone, each with its versions, items and whose it is. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { after, DAY } from '../../src/time.ts'
import { testDatabase } from '../database.ts'
import { demoDesk } from '../desk.ts'
import { NOON, textOf, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const [ada, bo] = [await desk.signIn(desk.ada), await desk.signIn(desk.bo)]
test.after(database.close)

const withLists = (lists: string) =>
  `${demoDesk.replace(/^(?:work_types|price_lists):\n(?:[ -].*\n)*/gm, '')}\n${lists}`
const LISTS = (price: string) => `work_types: [{key: support, name: Support}, {key: travel, name: Travel}]
groups: [{key: vip, name: VIP, rank: 3, organizations: [acme], price_lists: [{list: key-accounts, rank: 7}]}]
price_lists:
  - {key: hourly, name: Hourly, currency: EUR, default: true, rounding: {increment: 15m, minimum: 30m}, items: [{price: ${price}}, {work_type: travel, price: 0}]}
  - key: key-accounts
    name: 'Key & accounts'
    currency: JPY
    organizations: [borealis]
    items: [{work_type: support, priority: urgent, price: 9000, from: 2026-01-01, to: 2026-12-31}]
`
const change = async (lists: string, now: Date) => {
  await transaction(sql, (tx) => applyDesk(tx, { text: withLists(lists), author: 'test' }, now))
  desk.tools.desk = await loadDesk(sql)
}

test('each list with its items, its rounding and whose it is; names are text', async () => {
  await change(LISTS('120'), NOON)
  const page = await ada.page('/prices')
  const words = textOf(page)
  for (const some of [
    'Hourly',
    'EUR; each entry rounded up to 15 min, at least 30 min. For every customer.',
    'Any Any €120.00',
    'Travel Any €0.00',
    'JPY; each entry not rounded. For Borealis, group VIP (rank 7).',
    'Support Urgent ¥9,000 Thu 1 Jan 2026 Thu 31 Dec 2026',
  ])
    assert.ok(words.includes(some), `${some}\n${words}`)
  assert.match(page, 'Key &amp; accounts')
  assert.not.match(page, 'Earlier versions')
  assert.ok(words.indexOf('Hourly') < words.indexOf('Standard No longer in the desk file'))
})

test('a change is another version, the one before it stays to be read', async () => {
  await change(LISTS('135.50'), after(NOON, DAY))
  const page = await ada.page('/prices')
  const [now, earlier] = textOf(page).split('Earlier versions (1)') as [string, string]
  assert.ok(now.includes('Version 2, from Wed 4 Mar 2026'), now)
  assert.ok(now.includes('€135.50') && !now.includes('€120.00'))
  assert.ok(earlier.includes('Version 1, from Tue 3 Mar 2026, 14:00 CET until Wed 4 Mar 2026, 14:00 CET'), earlier)
  assert.ok(earlier.includes('€120.00'))
  await change('work_types: [{key: support}]\n', after(NOON, 2 * DAY))
  assert.is((await ada.page('/prices')).match(/No longer in the desk file/g)?.length, 3)
})

test('they are the admins’', async () => {
  assert.match((await desk.app.request('/prices')).headers.get('location') ?? '', /^\/sign-in/)
  assert.is((await bo.get('/prices')).status, 422)
  assert.match(await ada.page('/invoices'), 'href="/prices"')
})

test.run()

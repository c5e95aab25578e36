/** Reports in a real Chromium: asked for by keyboard alone, and no page wider than the screen. */
import type { Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { REPORTS } from '../../src/engine/reports.ts'
import { sweepDue } from '../../src/engine/tickets/sweep.ts'
import { after, DAY, HOUR } from '../../src/time.ts'
import { startWeb } from '../../src/web/server.ts'
import { createLoginLink } from '../../src/web/session.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from '../web/desk.ts'
import { closeBrowsers, openBrowser } from './chromium.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const server = await startWeb(desk.web, { host: '127.0.0.1', port: 0 })
desk.web.config.url = server.address
for (let n = 0; n < 8; n++)
  await desk.addTicket({
    at: after(NOON, (n - 9) * DAY),
    subject: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(2),
    ...(n % 2 === 0 && { organization: 'acme', project: 'acme/incoming', assignee: 'ada@desk.example' }),
  })
while ((await transaction(sql, (tx) => sweepDue(tx, NOON))).settled > 0);
const browser = await openBrowser()
const page = await browser.newPage()
const secret = await createLoginLink(sql, { agentId: desk.ada.id, lifetime: HOUR }, NOON)
await page.goto(`${server.address}/sign-in/${secret}`)
await page.click('main button')
await page.waitForURL('**/queues/open')

test.after(async () => {
  await closeBrowsers()
  await server.stop()
  await database.close()
})

test('by keyboard alone: from the side bar to a period of a report', async () => {
  await tabTo(page, 'Reports')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/reports')
  await tabTo(page, 'Broken promises')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/reports/violations')
  await tabTo(page, 'From')
  await page.keyboard.type('03022026')
  await tabTo(page, 'Also what no longer counts')
  await page.keyboard.press('Space')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/reports/violations?from=2026-03-02&to=2026-03-04&zone=Europe%2FBerlin&superseded=shown')
  await tabTo(page, '#')
})

test('wide and narrow, no report is wider than the screen', async () => {
  for (const width of [1280, 900, 390]) {
    await page.setViewportSize({ width, height: 860 })
    for (const name of ['violations?superseded=shown', 'compliance?by=hour', ...REPORTS]) {
      await page.goto(`${server.address}/reports/${name}`)
      const whole = await page.evaluate<number>('document.documentElement.scrollWidth')
      assert.ok(whole <= width, `${name} is ${whole} wide on ${width}`)
      const boxes = await page.evaluate<number>('document.querySelectorAll("main .figures").length')
      assert.ok(boxes > 0, name)
    }
  }
})

/** Presses Tab until the focus is on something whose words, or whose label, begin so. */
async function tabTo(on: Page, words: string): Promise<void> {
  const focused = `(() => {
    const it = document.activeElement
    return (it.labels?.[0] ?? it).textContent.trim()
  })()`
  for (let n = 0; n < 80; n++) {
    await on.keyboard.press('Tab')
    if ((await on.evaluate<string>(focused)).startsWith(words)) return
  }
  assert.unreachable(`never reached ${words}`)
}

test.run()

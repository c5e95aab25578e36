/**
 * Timesheets, price lists and invoices in a real Chromium, by keyboard alone and on a narrow screen: from the timer and
 * an entry by hand over submitting and approving to a final invoice, its print and a credit note. SHOTS names a folder
 * for pictures.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { approveStatement } from '../../src/engine/billing/statements/answer.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { after, DAY, HOUR, MINUTE } from '../../src/time.ts'
import { startWeb } from '../../src/web/server.ts'
import { createLoginLink } from '../../src/web/session.ts'
import { testDatabase } from '../database.ts'
import { demoDesk } from '../desk.ts'
import { NOON, webDesk } from '../web/desk.ts'
import { closeBrowsers, openBrowser } from './chromium.ts'

const WIDTHS = [1280, 390]
const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const server = await startWeb(desk.web, { host: '127.0.0.1', port: 0 })
desk.web.config.url = server.address
const long = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(2)
const ticket = await desk.addTicket({ organization: 'acme', project: 'acme/incoming', subject: long })

/** A browser of their own, signed in. */
async function open(agentId: number): Promise<Page> {
  const page = await (await openBrowser()).newPage()
  const secret = await createLoginLink(sql, { agentId, lifetime: HOUR }, desk.clock.now)
  await page.goto(`${server.address}/sign-in/${secret}`)
  await tabTo(page, 'Sign in')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/queues/open')
  return page
}

const bo = await open(desk.bo.id)
let ada = await open(desk.ada.id)
test.after(async () => {
  await closeBrowsers()
  await server.stop()
  await database.close()
})

const states = async () => (await sql`select status from time_entries order by id`).map((row) => row.status as string)

test('the timer: started on a project, stopped with words, a draft', async () => {
  await go(bo, 'Time', '**/time')
  await tabTo(bo, 'or project')
  await bo.keyboard.type('acme')
  await press(bo, 'Start the timer')
  await bo.waitForURL('**done=started')
  desk.clock.now = after(NOON, 25 * MINUTE)
  await bo.reload()
  await look(bo, 'timer')
  await press(bo, 'What was done') // the summary, and then what it opens
  await tabTo(bo, 'What was done')
  await bo.keyboard.type('Looked at the printer.')
  await press(bo, 'Stop the timer')
  await bo.waitForURL('**done=stopped')
  assert.equal(await states(), ['draft'])
  await bo.getByText('0:25').first().waitFor()
})

test('an entry by hand on a ticket, with all that the form has', async () => {
  await tabTo(bo, 'Enter time')
  await bo.keyboard.press('Enter')
  await tabTo(bo, 'Ticket number')
  await bo.keyboard.type(String(ticket.id))
  await tabTo(bo, 'How long')
  await bo.keyboard.type('1h30m')
  await tabTo(bo, 'What was done')
  await bo.keyboard.type(`Replaced the fuser. ${long}`)
  await tabTo(bo, 'Percent done')
  await bo.keyboard.type('50')
  await look(bo, 'entry')
  await press(bo, 'Save draft')
  await bo.waitForURL('**done=entered')
  assert.equal(await states(), ['draft', 'draft'])
})

test('what is refused says why, and keeps what was typed', async () => {
  await tabTo(bo, 'Enter time')
  await bo.keyboard.press('Enter')
  await tabTo(bo, 'How long')
  await bo.keyboard.type('soon')
  await press(bo, 'Save draft')
  await bo.getByRole('alert').waitFor()
  assert.is(await bo.inputValue('#enter-spent'), 'soon')
  await press(bo, 'Back without saving')
  await bo.waitForURL('**/time?*')
})

test('all drafts submitted at once, filtered, grouped, sorted', async () => {
  await press(bo, 'Submit all 2')
  await bo.waitForURL('**done=all_submission')
  assert.equal(await states(), ['submitted', 'submitted'])
  await tabTo(bo, 'Group')
  await bo.keyboard.type('By tic')
  await press(bo, 'Show')
  await bo.waitForURL('**group=ticket**')
  await bo.getByRole('table', { name: 'Sums by ticket' }).waitFor()
  await look(bo, 'groups')
  await tabTo(bo, 'Time', 'table')
  await bo.keyboard.press('Enter')
  await bo.waitForURL('**sort=time**')
})

test('an admin approves all of it at once, and sends one back with a reason', async () => {
  await go(ada, 'Time', '**/time')
  await tabTo(ada, 'Agent')
  await ada.keyboard.type('Bo')
  await press(ada, 'Show')
  await ada.waitForURL('**agent=**')
  await look(ada, 'approval')
  await tabTo(ada, 'Send back')
  await ada.keyboard.press('Enter')
  await tabTo(ada, 'Why')
  await ada.keyboard.type('Which printer?')
  await ada.keyboard.press('Enter')
  await ada.waitForURL('**done=rejection')
  assert.equal((await states()).toSorted(), ['rejected', 'submitted'])
  await bo.goto(`${server.address}/time`)
  await bo.getByText('Which printer?').waitFor()
  await press(bo, 'Edit')
  await bo.waitForURL('**/time/entries/*')
  await tabTo(bo, 'What was done')
  await bo.keyboard.press('End')
  await bo.keyboard.type(' The one on floor 2.')
  await press(bo, 'Save')
  await bo.waitForURL('**done=edited')
  await press(bo, 'Submit')
  await bo.waitForURL('**done=submission')
  await ada.reload()
  await press(ada, 'Approve all 2')
  await ada.waitForURL('**done=all_approval')
  assert.equal(await states(), ['approved', 'approved'])
})

test('a draft of an invoice, made final, printed, and taken back by a credit note', async () => {
  await go(ada, 'Invoices', '**/invoices')
  await look(ada, 'unbilled')
  await press(ada, 'Price lists')
  await ada.waitForURL('**/prices')
  await look(ada, 'prices')
  await press(ada, 'Invoices')
  await ada.waitForURL('**/invoices')
  await press(ada, 'Make a draft')
  await ada.waitForURL('**/invoices/*?done=created')
  await look(ada, 'draft')
  await press(ada, 'Make it final')
  await ada.waitForURL('**done=finalisation')
  assert.equal(await states(), ['invoiced', 'invoiced'])
  await look(ada, 'final')
  const numbers = await sql`select number from invoices where status = 'final'`
  assert.is(numbers.length, 1)
  const download = ada.waitForEvent('download')
  await press(ada, 'CSV')
  const csv = readFileSync((await (await download).path())!, 'utf8')
  assert.match(csv, numbers[0]!.number)
  await tabTo(ada, 'Print')
  const href = await ada.evaluate<string>('document.activeElement.href')
  const invoice = ada.url()
  await ada.goto(href)
  await look(ada, 'print')
  await ada.goto(invoice)
  await tabTo(ada, 'Void')
  await ada.keyboard.press('Enter')
  await tabTo(ada, 'Why')
  await ada.keyboard.type('Another customer.')
  await ada.keyboard.press('Enter')
  await ada.waitForURL('**done=void')
  await look(ada, 'credit-note')
  assert.equal(await states(), ['approved', 'approved'])
})

test('a statement: looked at, sent, approved by the customer, opened again with a reason', async () => {
  const file = demoDesk.replace(
    'policy: gold}',
    'policy: gold, statement: monthly, statement_to: [chief@acme.example]}',
  )
  await transaction(sql, (tx) => applyDesk(tx, { text: file, author: 'test' }, NOON))
  desk.tools.desk = await loadDesk(sql)
  desk.clock.now = after(NOON, 30 * DAY) // the month of the entries is over
  ada = await open(desk.ada.id)
  await go(ada, 'Invoices', '**/invoices')
  await press(ada, 'Statements')
  await ada.waitForURL('**/statements')
  await look(ada, 'statements')
  await press(ada, 'Acme')
  await ada.waitForURL('**/statements/acme/2026-03')
  await tabTo(ada, 'The mail as it would be sent')
  await ada.keyboard.press('Enter')
  await look(ada, 'statement-preview')
  await press(ada, 'Send it now')
  await ada.waitForURL('**done=sent')
  await look(ada, 'statement-sent')
  const [row] = await sql`select s.id, o.html from statements s join outbox o on o.ticket_id = s.ticket_id`
  await transaction(sql, (tx) =>
    approveStatement(
      tx,
      {
        statementId: row!.id,
        revision: 1,
        actor: { kind: 'contact', id: null, name: 'Chief' },
        from: { address: 'chief@acme.example', name: 'Chief' },
        text: 'Ja, danke.',
        messageId: null,
        tools: desk.tools,
      },
      desk.clock.now,
    ),
  )
  await ada.reload()
  await look(ada, 'statement-approved')
  await tabTo(ada, 'Reopen')
  await ada.keyboard.press('Enter')
  await tabTo(ada, 'Why')
  await ada.keyboard.type('An hour is missing.')
  await ada.keyboard.press('Enter')
  await ada.waitForURL('**done=reopened')
  await look(ada, 'statement-reopened')
  await ada.goto('about:blank') // whose policy lets the mail's own styles be
  await ada.setContent(row!.html)
  await look(ada, 'statement-mail')
})

/** By the side bar. */
async function go(page: Page, entry: string, url: string): Promise<void> {
  await tabTo(page, entry, 'nav')
  await page.keyboard.press('Enter')
  await page.waitForURL(url)
}

async function press(page: Page, words: string): Promise<void> {
  await tabTo(page, words)
  await page.keyboard.press('Enter')
}

/** Presses Tab until the focus is on something whose words, or whose label, begin so; `within` an element. */
async function tabTo(page: Page, words: string, within = 'main, nav'): Promise<void> {
  const focused = `(() => {
    const it = document.activeElement
    return it.closest(${JSON.stringify(within)}) ? (it.labels?.[0] ?? it).textContent.trim() : ''
  })()`
  for (let n = 0; n < 120; n++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate<string>(focused)).startsWith(words)) return
  }
  assert.unreachable(`never reached ${words} on ${page.url()}`)
}

/** At both widths no page is wider than the screen, and the focus is seen; with SHOTS a picture of each. */
async function look(page: Page, name: string): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 860 })
    const whole = await page.evaluate<number>('document.documentElement.scrollWidth')
    if (process.env.SHOTS) {
      mkdirSync(process.env.SHOTS, { recursive: true })
      await page.screenshot({ path: path.join(process.env.SHOTS, `${name}-${width}.png`), fullPage: true })
    }
    assert.ok(whole <= width, `${name} is ${whole} wide on ${width}`)
    const cut = await page.evaluate<number>(
      '[...document.querySelectorAll(".wide, .table")].filter((it) => it.scrollWidth > it.clientWidth).length',
    )
    if (width === WIDTHS[0]) assert.is(cut, 0, `a table of ${name} is cut`)
  }
  await page.setViewportSize({ width: 1280, height: 860 })
}

test.run()

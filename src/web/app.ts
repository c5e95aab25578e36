/**
 * The site: its order of rooms, the headers of every answer, and the one place where errors become pages. Reads
 * freely, writes only through engine and spool verbs and its own sessions.
 */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { createMiddleware } from 'hono/factory'
import { html } from 'hono/html'
import { HTTPException } from 'hono/http-exception'
import { isOutage } from '../database.ts'
import { Refusal, wordsOf } from '../errors.ts'
import { web as limits } from '../limits.ts'
import { assetPages } from './assets.ts'
import { attachedPages } from './attached.ts'
import { blockedPages } from './blocked.ts'
import { contactPages } from './contacts.ts'
import type { Env, Web } from './context.ts'
import { filePages } from './files.ts'
import { heldPages } from './held.ts'
import { invoicePages } from './invoices.ts'
import { newTicketPages } from './new-ticket.ts'
import { noticePages } from './notices.ts'
import { followedPages } from './notifications/projects.ts'
import { notificationPages, stopPages } from './notifications.ts'
import { outboxPages } from './outbox.ts'
import { plainPage } from './page.ts'
import { CONTENT_POLICY } from './policy.ts'
import { pricePages } from './prices.ts'
import { livePages } from './queues/live.ts'
import { queuePages } from './queues.ts'
import { reportPages } from './reports.ts'
import { searchPages } from './search.ts'
import { sharedPages } from './shared.ts'
import { onlyAgents, sessionPages, signInPages } from './sign-in.ts'
import { statementPages } from './statements.ts'
import { originalPages } from './ticket/original.ts'
import { splitPages } from './ticket/split.ts'
import { undoPages } from './ticket/undo.ts'
import { ticketPages } from './ticket.ts'
import { timePages } from './time.ts'

/** All pages of the desk, not yet listening: `app.request('/queues/open')` answers as the server would. */
export function createWeb(web: Web): Hono<Env> {
  const app = new Hono<Env>()
  app.use(safeHeaders)
  app.get('/health', (c) => health(web, c.req.header('accept') ?? ''))
  app.route('/', assetPages())
  app.use(
    bodyLimit({
      maxSize: limits.body,
      onError: (c) => c.html(problemPage('That is too much at once', TOO_LARGE), 413),
    }),
  )
  app.route('/', sharedPages(web))
  app.route('/', stopPages(web)) // mail programs post to it from nowhere (RFC 8058)
  // Behind a proxy the request's own origin is the inner one, so the public one is named too.
  const own = new URL(web.config.url).origin
  app.use(csrf({ origin: (origin, c) => origin === own || origin === new URL(c.req.url).origin }))
  app.route('/', signInPages(web))
  app.use(onlyAgents(web))
  const desk = [
    livePages, // before the queues, among which it has its address
    queuePages,
    newTicketPages, // before the tickets, among which it has its address
    ticketPages,
    searchPages,
    originalPages,
    splitPages,
    undoPages,
    filePages,
    attachedPages,
    contactPages,
    heldPages,
    blockedPages,
    outboxPages,
    timePages,
    invoicePages,
    statementPages,
    pricePages,
    reportPages,
    noticePages,
    notificationPages,
    followedPages,
    sessionPages,
  ]
  for (const pages of desk) app.route('/', pages(web))
  app.notFound((c) => c.html(problemPage('Not here', 'This page or file does not exist, or is gone.'), 404))
  app.onError((error, c) => {
    if (error instanceof HTTPException && error.status === 403)
      return c.html(
        problemPage('Not from here', 'This form was sent from another site. Open the desk and try again.'),
        403,
      )
    if (error instanceof Refusal) return c.html(problemPage('That did not work', error.message), REFUSED[error.fault])
    if (isOutage(error)) {
      web.log.warn('web_outage', { path: c.req.routePath, words: wordsOf(error) })
      return c.html(problemPage('Back in a moment', 'The database does not answer. Nothing was lost; try again.'), 503)
    }
    // The route's pattern and not the path, which may hold a sign-in secret.
    web.log.error('web_error', { path: c.req.routePath, words: wordsOf(error), stack: (error as Error).stack })
    return c.html(problemPage('Something broke', 'This is our fault and was written down. Nothing was changed.'), 500)
  })
  return app
}

const REFUSED = { user: 422, config: 500, outage: 503 } as const
const TOO_LARGE = 'A form may hold at most 2 MB.'

/**
 * No page may be framed, run a script that is not ours, load from elsewhere or be kept by a cache. `same-origin` as referrer policy,
 * because with `no-referrer` browsers send `Origin: null` with our own forms; no other site is ever told an address.
 */
const safeHeaders = createMiddleware(async (c, next) => {
  await next()
  const set = (name: string, value: string) => c.res.headers.has(name) || c.res.headers.set(name, value)
  set('Content-Security-Policy', CONTENT_POLICY)
  set('Cache-Control', 'no-store')
  set('X-Content-Type-Options', 'nosniff')
  set('X-Frame-Options', 'DENY')
  set('Referrer-Policy', 'same-origin')
  set('Cross-Origin-Opener-Policy', 'same-origin')
  set('Cross-Origin-Resource-Policy', 'same-origin')
  set('X-Robots-Tag', 'noindex')
  set('X-DNS-Prefetch-Control', 'off') // to resolve the name in a link is to tell its owner that the mail is read
})

const problemPage = (title: string, words: string) =>
  plainPage({
    title,
    body: html`<h1>${title}</h1><p>${words}</p><p><a class="button" href="/">To the queues</a></p>`,
  })

async function health(web: Web, accept: string): Promise<Response> {
  const parts = await web.parts()
  const well = Object.values(parts).every((word) => word === 'ok' || word === 'off')
  const status = well ? 200 : 503
  if (accept.includes('application/json')) return Response.json(parts, { status })
  const lines = Object.entries(parts).map(([part, word]) => `${part} ${word}\n`)
  return new Response(lines.join(''), { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}

/**
 * Signing in and out. A person asks for a link by address and gets the same answer whether or not the desk knows them;
 * the link's page has one button, and only its POST signs in. Sign-ins are listed and can be ended one by one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import { Refusal } from '../errors.ts'
import { web as limits } from '../limits.ts'
import { SECOND } from '../time.ts'
import type { Env, Pages, Web } from './context.ts'
import { parseId, readForm } from './form.ts'
import { linkUrl, mailLoginLink } from './login-mail.ts'
import { agentPage, buttonForm, type Html, plainPage, time } from './page.ts'
import {
  createLoginLink,
  findLink,
  findLinkTarget,
  findSession,
  listSessions,
  openSession,
  revokeSession,
  type SessionRow,
} from './session.ts'
import { agoText, whenText } from './words.ts'

/** Lets only signed-in agents through; others are sent to the sign-in form. */
export function onlyAgents(web: Web) {
  return createMiddleware<Env>(async (c, next) => {
    const secret = getCookie(c, cookieName(web))
    const session = secret ? await findSession(web.sql, secret, web.now()) : null
    if (!session) return c.redirect('/sign-in', 303)
    if (session.renewed) writeCookie(c, web, secret!)
    const zone = session.agent.zone ?? web.tools().desk.inboxes[0]?.zone ?? 'Europe/Berlin'
    c.set('agent', { ...session.agent, zone })
    return next()
  })
}

/** The pages that need no sign-in. */
export function signInPages(web: Web): Pages {
  return new Hono<Env>()
    .get('/sign-in', (c) => c.html(askPage()))
    .post('/sign-in', async (c) => {
      const address = (await readForm(c)).text('address')
      // Known and unknown addresses take the same time; the mail itself is sent later by the outbox.
      await Promise.all([sendLink(web, address), sleep(limits.linkAnswer)])
      return c.html(askedPage())
    })
    .get('/sign-in/:secret', async (c) => {
      const link = await findLink(web.sql, c.req.param('secret'), web.now())
      return link ? c.html(openPage(c.req.param('secret'), link.address)) : c.html(spentPage(), 410)
    })
    .post('/sign-in/:secret', async (c) => {
      const visit = { secret: c.req.param('secret'), browser: c.req.header('user-agent') ?? '' }
      try {
        const secret = await transaction(web.sql, (tx) => openSession(tx, visit, web.now()))
        writeCookie(c, web, secret)
        return c.redirect('/', 303)
      } catch (error) {
        if (error instanceof Refusal && error.code === 'link_spent') return c.html(spentPage(), 410)
        throw error
      }
    }) as Pages
}

/** Signing out, and the list of one's own sign-ins. */
export function sessionPages(web: Web): Pages {
  return new Hono<Env>()
    .post('/sign-out', async (c) => {
      const { id, sessionId } = c.get('agent')
      await revokeSession(web.sql, { id: sessionId, agentId: id }, web.now())
      deleteCookie(c, cookieName(web), { path: '/', secure: web.config.secureCookies })
      return c.redirect('/sign-in', 303)
    })
    .get('/sessions', async (c) => {
      const agent = c.get('agent')
      const sessions = await listSessions(web.sql, agent.id, web.now())
      const row = (session: SessionRow) => html`<li>
        <div>
          <strong>${browserText(session.agent)}</strong>
          ${session.id === agent.sessionId && html`<span class="mark">This one</span>`}
          <p class="sub">Last used ${time(session.used_at, agoText(session.used_at, web.now()))},
            signed in ${time(session.created_at, whenText(session.created_at, agent.zone))}</p>
        </div>
        ${buttonForm(`/sessions/${session.id}/revocation`, 'End', { name: `the sign-in of ${browserText(session.agent)}` })}
      </li>`
      const body = html`<h1>Where you are signed in</h1>
        <p class="muted">${agent.name}, ${agent.address}. A sign-in ends 30 days after its last use.</p>
        <ul class="rows">${sessions.map(row)}</ul>`
      return c.html(agentPage(web, agent, { title: 'Sign-ins', current: '/sessions', layout: 'text', body }))
    })
    .post('/sessions/:id/revocation', async (c) => {
      const [agent, id] = [c.get('agent'), parseId(c.req.param('id'))]
      if (id === null) return c.notFound()
      await revokeSession(web.sql, { id, agentId: agent.id }, web.now())
      return c.redirect('/sessions', 303)
    }) as Pages
}

const cookieName = (web: Web): string => (web.config.secureCookies ? '__Host-postroom' : 'postroom')

function writeCookie(c: Context, web: Web, secret: string): void {
  setCookie(c, cookieName(web), secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: web.config.secureCookies,
    maxAge: limits.session / SECOND,
  })
}

async function sendLink(web: Web, address: string): Promise<void> {
  const now = web.now()
  await transaction(web.sql, async (tx) => {
    const agent = await findLinkTarget(tx, address, now)
    if (!agent) return
    const secret = await createLoginLink(tx, { agentId: agent.id, lifetime: limits.link }, now)
    await mailLoginLink(tx, { tools: web.tools(), agent, link: linkUrl(web.config.url, secret) }, now)
  })
}

const askPage = (): Html =>
  plainPage({
    title: 'Sign in',
    body: html`<h1>Sign in</h1>
      <p class="muted">We mail you a link. It works once, for 30 minutes.</p>
      <form method="post" action="/sign-in" class="stack">
        <label for="address">Your address</label>
        <input id="address" name="address" type="email" autocomplete="email" required maxlength="320">
        <button class="primary">Send me a link</button>
      </form>`,
  })

const askedPage = (): Html =>
  plainPage({
    title: 'Look into your mail',
    body: html`<h1>Look into your mail</h1>
      <p>If this address belongs to an agent of this desk, a link is on its way to it.</p>
      <p class="muted">Nothing there after some minutes? Look into your spam folder, or
        <a href="/sign-in">ask again</a>.</p>`,
  })

const openPage = (secret: string, address: string): Html =>
  plainPage({
    title: 'Sign in',
    body: html`<h1>Sign in</h1>
      <p>You are <strong>${address}</strong>.</p>
      <form method="post" action="/sign-in/${encodeURIComponent(secret)}" class="stack">
        <button class="primary" autofocus>Sign in on this device</button>
      </form>
      <p class="muted">Not you? Close this page; nothing has happened yet.</p>`,
  })

const spentPage = (): Html =>
  plainPage({
    title: 'Link spent',
    body: html`<h1>This link does not work any more</h1>
      <p>It was used already, or it is too old.</p>
      <p><a class="button primary" href="/sign-in">Get a new link</a></p>`,
  })

/** `Firefox on Linux`: enough for people to tell their own devices apart. */
function browserText(agent: string): string {
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(agent))?.[1]
  const browser = find([
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\//, 'Firefox'],
    [/Chrom(e|ium)\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ])
  const system = find([
    [/Android/, 'Android'],
    [/iPhone|iPad/, 'iOS'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'macOS'],
    [/Linux/, 'Linux'],
  ])
  return browser && system ? `${browser} on ${system}` : (browser ?? (agent.slice(0, 60) || 'Unknown browser'))
}

/**
 * The frame of every page: head, skip link, side bar, notices. Pages are typed functions that return markup; all text
 * goes through hono/html, which escapes it, and every attribute is quoted.
 */
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { Queryable } from '../database.ts'
import { type Notice, openNotices } from '../engine/notices.ts'
import { stylesheetPath } from './assets.ts'
import type { SignedIn, Web } from './context.ts'
import { QUEUES, type QueueName } from './queues/names.ts'
import { agoText } from './words.ts'

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

export type Page = {
  title: string
  /** The side bar's marked entry: its path. */
  current?: string
  body: Html
  /** One line above the page about what was just done. */
  done?: string | null
  /** Wide pages, such as lists, use the whole width. */
  layout?: 'list' | 'text'
  /** The path of a script of ours; the answer then needs a policy that lets it run. */
  script?: string
}

/** A page for the agent who is signed in. */
export async function agentPage(web: Web, agent: SignedIn, page: Page): Promise<HtmlEscapedString> {
  const [counts, notices] = await Promise.all([
    countQueues(web.sql, agent.id),
    agent.admin ? openNotices(web.sql) : ([] as Notice[]),
  ])
  const body = html`<body class="desk">
    <a class="skip" href="#main">Skip to the content</a>
    ${sideBar(agent, counts, page.current)}
    <main id="main" tabindex="-1" class="${page.layout ?? 'list'}">
      ${notices.length > 0 && noticeList(notices, web.now())}
      ${page.done && html`<p class="flash" role="status">${page.done}</p>`}
      ${page.body}
    </main>
  </body>`
  return wholeDocument(page.title, body, page.script)
}

/** A page for nobody in particular: sign-in and what goes wrong before it. */
export function plainPage(page: { title: string; body: Html }): Html {
  const body = html`<body class="plain">
    <main id="main" class="card">
      <p class="brand">${LOGO}<span>Postroom</span></p>
      ${page.body}
    </main>
  </body>`
  return wholeDocument(page.title, body)
}

/** Links to the pages beside this one; nothing where there are none. */
export const pager = ({ previous, next }: { previous: string | null; next: string | null }): Html =>
  previous || next
    ? html`<nav class="pager" aria-label="Pages">
    ${previous && html`<a rel="prev" href="${previous}">Previous</a>`}
    ${next && html`<a rel="next" href="${next}">Next</a>`}
  </nav>`
    : html``

/** A small form that is one button. */
export function buttonForm(
  action: string,
  label: string,
  options: { name?: string; fields?: Record<string, string> } = {},
): Html {
  const fields = Object.entries(options.fields ?? {})
  return html`<form method="post" action="${action}" class="one">
    ${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
    <button class="small">${label}${options.name && html`<span class="sr"> ${options.name}</span>`}</button>
  </form>`
}

/** A time for people, with the exact one for machines and on hover. */
export const time = (at: Date, words: string): Html => html`<time datetime="${at.toISOString()}">${words}</time>`

const wholeDocument = (title: string, body: Html, script?: string): Html => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title} · Postroom</title>
    <link rel="stylesheet" href="${stylesheetPath}">
    <link rel="icon" href="${ICON}">
    ${script && html`<script type="module" src="${script}"></script>`}
  </head>
  ${body}
</html>`

/** A sorting frame: three pigeonholes, one with a letter in it. */
const LOGO = html`<svg class="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"><rect x="1.5" y="1.5" width="21" height="21" rx="6" fill="currentColor"/><path d="M6.5 8.2h11v7.6h-11z M6.5 8.6l5.5 4.2 5.5-4.2" fill="none" stroke="var(--on-accent)" stroke-width="1.7" stroke-linejoin="round"/></svg>`

const ICON =
  'data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 24 24%22%3E%3Crect x=%221%22 y=%221%22 width=%2222%22 height=%2222%22 rx=%226%22 fill=%22%230f6b5c%22/%3E%3Cpath d=%22M6.5 8.2h11v7.6h-11z M6.5 8.6l5.5 4.2 5.5-4.2%22 fill=%22none%22 stroke=%22white%22 stroke-width=%221.7%22/%3E%3C/svg%3E'

type Counts = { queues: Record<QueueName, number | null>; held: number; outgoing: number }

function sideBar(agent: SignedIn, counts: Counts, current: string | undefined): Html {
  const entry = (path: string, label: string, count: number | null = null, alarm = '') => html`<li>
    <a href="${path}"${path === current && html` aria-current="page"`}><span>${label}</span>${
      count !== null &&
      count > 0 &&
      html`<span class="count ${alarm}">${count > COUNT_TO ? `${COUNT_TO}+` : count}</span>`
    }</a></li>`
  return html`<header class="side">
    <p class="brand"><a href="/">${LOGO}<span>Postroom</span></a></p>
    <form class="jump" action="/jump" method="get" role="search">
      <label class="sr" for="jump">Go to ticket number</label>
      <input id="jump" name="number" inputmode="numeric" placeholder="Ticket number" autocomplete="off" maxlength="12">
      <button class="sr-focus">Go</button>
    </form>
    <nav aria-label="Desk">
      <h2 id="nav-tickets">Tickets</h2>
      <ul aria-labelledby="nav-tickets">
        ${QUEUES.map((queue) => entry(`/queues/${queue.name}`, queue.label, counts.queues[queue.name]))}
        ${entry('/search', 'Search')}
        ${entry('/tickets/new', 'New ticket')}
        ${entry('/contacts/new', 'New contact')}
      </ul>
      <h2 id="nav-mail">Mail</h2>
      <ul aria-labelledby="nav-mail">
        ${entry('/held', 'Held', counts.held, 'alarm')}
        ${entry('/outbox', 'Outgoing', counts.outgoing)}
        ${entry('/blocked', 'Blocked senders')}
      </ul>
      <h2 id="nav-figures">Figures</h2>
      <ul aria-labelledby="nav-figures">
        ${entry('/time', 'Time')}
        ${entry('/reports', 'Reports')}
        ${agent.admin && entry('/invoices', 'Invoices')}
      </ul>
    </nav>
    <div class="me">
      <a href="/sessions"${current === '/sessions' && html` aria-current="page"`}>${agent.name}</a>
      <a href="/notifications"${current === '/notifications' && html` aria-current="page"`}>My notifications</a>
      <form method="post" action="/sign-out"><button class="link">Sign out</button></form>
    </div>
  </header>`
}

function noticeList(notices: Notice[], now: Date): Html {
  return html`<section class="notices" aria-label="Notices">
    <ul>
      ${notices.map(
        (notice) => html`<li>
          <p><strong>Needs you:</strong> ${notice.words}
            <span class="muted">${notice.count > 1 && html`${notice.count} times, `}${time(notice.last_at, agoText(notice.last_at, now))}</span></p>
          ${buttonForm(`/notices/${notice.id}/settlement`, 'Settle', { name: `notice ${notice.id}` })}
        </li>`,
      )}
    </ul>
  </section>`
}

const COUNT_TO = 999

/** Counts stop at 1000: the side bar must not cost more on a large desk. */
async function countQueues(sql: Queryable, agentId: number): Promise<Counts> {
  const open = sql`status not in ('resolved', 'closed') and deleted_at is null and spam_at is null`
  const most = COUNT_TO + 1
  const [row] = await sql`
    select
      (select count(*)::int from (select from tickets where ${open} limit ${most}) x) as open,
      (select count(*)::int from (select from tickets where ${open} and assignee_id is null limit ${most}) x) as unassigned,
      (select count(*)::int from (select from tickets where ${open} and assignee_id = ${agentId} limit ${most}) x) as mine,
      (select count(*)::int from (select from tickets where ${open} and team_id in (
        select team_id from team_members where agent_id = ${agentId}) limit ${most}) x) as teams,
      (select count(*)::int from (select from inbound_mails where state in ('held', 'quarantined') limit ${most}) x) as held,
      (select count(*)::int from (
        select from outbox where state in ('queued', 'deferred', 'uncertain', 'leased', 'sending') limit ${most}) x) as outgoing`
  const { open: all, unassigned, mine, teams, held, outgoing } = row as unknown as Record<string, number>
  return {
    queues: { open: all!, unassigned: unassigned!, mine: mine!, teams: teams!, waiting: null, resolved: null },
    held: held!,
    outgoing: outgoing!,
  }
}

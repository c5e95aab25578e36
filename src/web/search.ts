/** Tickets by a query in the language of the command line, as `#list` answers it in a mail. */
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { dueOf } from '../engine/people/order.ts'
import { findTickets, QUERY_KEYS, type TicketLine } from '../engine/search.ts'
import { Refusal } from '../errors.ts'
import { web as limits } from '../limits.ts'
import type { Env, Pages, SignedIn, Web } from './context.ts'
import { priorityMark, statusMark, unassessedMark } from './marks.ts'
import { agentPage, type Html } from './page.ts'
import { shortWhenText, shownDue } from './words.ts'

export function searchPages(web: Web): Pages {
  return new Hono<Env>().get('/search', async (c) => {
    const query = (c.req.query('q') ?? '').replaceAll('\0', '').trim().slice(0, limits.query)
    try {
      const rows = query === '' ? null : await findTickets(web.sql, { query, limit: limits.page + 1 }, web.now())
      return searchPage(c, web, { query, rows, problem: null })
    } catch (error) {
      if (!(error instanceof Refusal) || error.fault !== 'user') throw error
      return searchPage(c, web, { query, rows: null, problem: error.message })
    }
  }) as Pages
}

type Found = { query: string; rows: TicketLine[] | null; problem: string | null }

async function searchPage(c: Context<Env>, web: Web, { query, rows, problem }: Found): Promise<Response> {
  const agent = c.get('agent')
  const shown = rows?.slice(0, limits.page) ?? []
  const body = html`<h1>Search</h1>
    <form method="get" action="/search" class="work" role="search" aria-label="Tickets">
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <p><label for="q">Words, "a phrase", #12, or a key and a value</label>
        <input id="q" name="q" value="${query}" maxlength="${limits.query}" autocomplete="off" aria-describedby="q-hint">
        <span class="sub" id="q-hint">${QUERY_KEYS.map((key) => `${key}:`).join(' ')} A minus in front leaves out.</span></p>
      <button class="primary">Search</button>
    </form>
    ${rows && (rows.length === 0 ? html`<div class="empty"><p>No ticket matches.</p></div>` : html`<ul class="rows">${shown.map((one) => line(one, agent, web.now()))}</ul>`)}
    ${rows && rows.length > limits.page && html`<p class="sub">There are more: narrow the search.</p>`}`
  const page = { title: 'Search', current: '/search', layout: 'text', body } as const
  return c.html(agentPage(web, agent, page), problem ? 422 : 200)
}

function line(ticket: TicketLine, agent: SignedIn, now: Date): Html {
  const { number, subject, status, priority, project, requester } = ticket
  const due = dueOf(ticket)
  const who = requester.name || requester.address || 'Nobody to answer'
  return html`<li><div><a href="/tickets/${number}">#${number} ${subject || 'No subject'}</a>
    <p class="sub">${who} · ${project}${due && ` · due ${shortWhenText(shownDue(due), agent.zone, now)}`}</p></div>
    <span class="marks">${statusMark(status)} ${priorityMark(priority)}${unassessedMark(ticket)}</span></li>`
}

/** Outgoing mail: what waits, what failed, the last answer of the other side; tried again or cancelled by hand (8.29). */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import { OUTBOX_STATES, type OutboxState } from '../engine/outbox/tables.ts'
import { cancelMail, listOutbox, type OutboxEntry, retryMail } from '../engine/outbox.ts'
import { web as limits } from '../limits.ts'
import type { Env, Pages, SignedIn, Web } from './context.ts'
import { parseId, readForm } from './form.ts'
import { OUTBOX_KIND_WORDS, OUTBOX_WORDS } from './outbox/words.ts'
import { agentPage, buttonForm, type Html, time } from './page.ts'
import { agoText, whenText } from './words.ts'

export function outboxPages(web: Web): Pages {
  return new Hono<Env>()
    .get('/outbox', async (c) => {
      const agent = c.get('agent')
      const filter = readFilter(new URL(c.req.url).searchParams)
      const [rows, oldest] = await Promise.all([
        listOutbox(web.sql, { ...filter, limit: limits.page + 1 }),
        web.sql<{ at: Date | null }[]>`
          select min(created_at) as at from outbox where state in ('queued', 'deferred', 'uncertain', 'leased', 'sending')`,
      ])
      const mails = rows.slice(0, limits.page)
      const waiting = oldest[0]?.at
      const body = html`<div class="top"><h1>Outgoing mail</h1>${filterForm(filter)}</div>
        ${waiting && html`<p class="muted intro">The oldest one waiting was written ${time(waiting, agoText(waiting, web.now()))}.</p>`}
        ${mails.length === 0 ? html`<div class="empty"><p>No mail to show.</p></div>` : html`<ul class="rows mails">${mails.map((mail) => oneMail(mail, { agent, now: web.now() }))}</ul>`}
        ${rows.length > limits.page && html`<nav class="pager" aria-label="Pages"><a rel="next" href="/outbox?${query({ ...filter, before: mails.at(-1)!.id })}">Older</a></nav>`}`
      const done = DONE[c.req.query('done') ?? ''] ?? null
      return c.html(agentPage(web, agent, { title: 'Outgoing mail', current: '/outbox', body, done }))
    })
    .post('/outbox/:id/retry', async (c) => {
      const id = parseId(c.req.param('id'))
      if (id === null) return c.notFound()
      await transaction(web.sql, (tx) => retryMail(tx, id, web.now()))
      return c.redirect('/outbox?done=retry', 303)
    })
    .post('/outbox/:id/cancellation', async (c) => {
      const id = parseId(c.req.param('id'))
      if (id === null) return c.notFound()
      await transaction(web.sql, (tx) => cancelMail(tx, id, web.now()))
      const back = (await readForm(c)).text('back')
      return c.redirect(/^\/tickets\/\d{1,15}$/.test(back) ? back : '/outbox?done=cancel', 303)
    }) as Pages
}

const DONE: Record<string, string> = { retry: 'It is tried again now.', cancel: 'Cancelled: it will not be sent.' }

type Filter = { state?: OutboxState; recipient?: string; ticketId?: number; before?: number }

function readFilter(params: URLSearchParams): Filter {
  const state = OUTBOX_STATES.find((one) => one === params.get('state'))
  const recipient = params.get('to')?.trim().replaceAll('\0', '')
  const ticketId = parseId(params.get('ticket')?.trim().replace(/^#/, ''))
  const before = parseId(params.get('before') ?? undefined)
  return {
    ...(state && { state }),
    ...(recipient && { recipient }),
    ...(ticketId && { ticketId }),
    ...(before && { before }),
  }
}

const query = ({ state, recipient, ticketId, before }: Filter) =>
  new URLSearchParams({
    ...(state && { state }),
    ...(recipient && { to: recipient }),
    ...(ticketId && { ticket: String(ticketId) }),
    ...(before && { before: String(before) }),
  }).toString()

/** States that say the same to a person are told apart by their own word here. */
function filterForm(filter: Filter): Html {
  const words = (state: OutboxState) => (state === 'leased' ? 'Taken up' : OUTBOX_WORDS[state])
  return html`<form class="filter" action="/outbox" method="get">
    <label>State <select name="state">
      <option value="">All</option>
      ${OUTBOX_STATES.map((state) => html`<option value="${state}"${state === filter.state && html` selected`}>${words(state)}</option>`)}
    </select></label>
    <label>To <input name="to" value="${filter.recipient ?? ''}" autocomplete="off" maxlength="320"></label>
    <label>Ticket <input name="ticket" value="${filter.ticketId ?? ''}" inputmode="numeric" autocomplete="off" size="6" maxlength="16"></label>
    <button class="small">Show</button>
  </form>`
}

function oneMail(mail: OutboxEntry, { agent, now }: { agent: SignedIn; now: Date }): Html {
  const waits = mail.state === 'queued' || mail.state === 'deferred' || mail.state === 'uncertain'
  const again = waits || mail.state === 'failed' || mail.state === 'suppressed' || mail.state === 'cancelled'
  return html`<li id="mail-${mail.id}">
    <div>
      <p class="marks"><span class="mark o-${mail.state}">${OUTBOX_WORDS[mail.state]}</span>
        <strong>${mail.subject || 'No subject'}</strong>
        ${mail.ticket_id !== null && html`<a href="/tickets/${mail.ticket_id}">#${mail.ticket_id}</a>`}</p>
      <p class="sub">${OUTBOX_KIND_WORDS[mail.kind]} to ${mail.recipient},
        ${time(mail.created_at, whenText(mail.created_at, agent.zone))}${mail.tries > 0 && `, ${mail.tries} ${mail.tries === 1 ? 'try' : 'tries'}`}${waits && html`, next ${time(mail.next_try_at, agoText(mail.next_try_at, now))}`}</p>
      ${mail.last_answer && html`<p class="answer"><span class="sr">Last answer: </span>${mail.last_answer}</p>`}
    </div>
    <div class="actions">
      ${again && buttonForm(`/outbox/${mail.id}/retry`, mail.state === 'queued' ? 'Send now' : 'Try again', { name: `mail ${mail.id} to ${mail.recipient}` })}
      ${waits && buttonForm(`/outbox/${mail.id}/cancellation`, 'Cancel', { name: `mail ${mail.id} to ${mail.recipient}` })}
    </div>
  </li>`
}

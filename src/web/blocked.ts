/** Senders whose mail is held: each can be let in again, and addresses and whole domains be added (`#block` in a mail). */
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import { blockSender, unblockSender } from '../engine/people/blocks.ts'
import { Refusal } from '../errors.ts'
import type { Env, Pages, Web } from './context.ts'
import { readForm } from './form.ts'
import { agentPage, buttonForm, time } from './page.ts'
import { actingOn, keepReceipt } from './ticket/acting.ts'
import { blocking, did } from './ticket/changes.ts'
import { whenText } from './words.ts'

export function blockedPages(web: Web): Pages {
  const inputOf = (c: Context<Env>, sender: string) => {
    const { id, name } = c.get('agent')
    return { sender, ticketId: null, actor: { kind: 'agent', id, name } as const, desk: web.tools().desk }
  }
  /** With the receipt that a mail's `#block` leaves. */
  const change = (c: Context<Env>, { sender, to }: { sender: string; to: 'blocked' | 'unblocked' }) =>
    transaction(web.sql, async (tx) => {
      const now = web.now()
      const verb = to === 'blocked' ? blockSender : unblockSender
      const { pattern, was } = await verb(tx, inputOf(c, sender), now)
      const { inverses, said } = blocking({ pattern, ticketId: null, to, changed: (to === 'unblocked') === was })
      const { acting } = await actingOn(tx, web, { ticketId: null, agent: c.get('agent') }, now)
      await keepReceipt(tx, { acting, ran: inverses.map((inverse) => did(null, 'block', { ...said, inverse })) }, now)
    })
  return new Hono<Env>()
    .get('/blocked', (c) => listPage(c, web, { sender: '' }))
    .post('/blocked', async (c) => {
      const sender = (await readForm(c)).text('sender').trim()
      try {
        await change(c, { sender, to: 'blocked' })
        return c.redirect('/blocked?done=blocked', 303)
      } catch (error) {
        if (!(error instanceof Refusal) || error.fault !== 'user') throw error
        return listPage(c, web, { sender, problem: error.message })
      }
    })
    .post('/blocked/removal', async (c) => {
      const sender = (await readForm(c)).text('sender')
      await change(c, { sender, to: 'unblocked' })
      return c.redirect('/blocked?done=unblocked', 303)
    }) as Pages
}

const DONE: Record<string, string> = {
  blocked: 'Their mail is held from now on.',
  unblocked: 'Their mail comes in again. What is held stays held.',
}

type Row = { pattern: string; blocked_at: Date; blocked_by: string }

async function listPage(c: Context<Env>, web: Web, typed: { sender: string; problem?: string }): Promise<Response> {
  const agent = c.get('agent')
  const rows = await web.sql<Row[]>`
    select pattern, blocked_at, blocked_by from blocked_senders order by blocked_at desc, pattern limit 500`
  const body = html`<div class="top"><h1>Blocked senders</h1> <a class="button small" href="/held">Held mail</a></div>
    <p class="muted intro">Their mail is accepted and held. Nothing is deleted; anybody here may release it.</p>
    <form method="post" action="/blocked" class="work" aria-label="Block a sender">
      ${typed.problem && html`<p class="problem" role="alert">${typed.problem}</p>`}
      <p><label for="sender">Address, or a domain with all below it</label>
        <input id="sender" name="sender" value="${typed.sender}" required maxlength="320" placeholder="evil.example" autocomplete="off"></p>
      <button class="primary">Block</button>
    </form>
    ${
      rows.length > 0 &&
      html`<ul class="rows">${rows.map(
        (one) => html`<li><div><strong class="address">${one.pattern}</strong>
          <p class="sub">By ${one.blocked_by}, ${time(one.blocked_at, whenText(one.blocked_at, agent.zone))}</p></div>
        ${buttonForm('/blocked/removal', 'Let in again', { name: one.pattern, fields: { sender: one.pattern } })}</li>`,
      )}</ul>`
    }`
  const done = DONE[c.req.query('done') ?? ''] ?? null
  const page = { title: 'Blocked senders', current: '/blocked', layout: 'text', body, done } as const
  return c.html(agentPage(web, agent, page), typed.problem ? 422 : 200)
}

/**
 * A ticket that an agent opens for a customer: what they said on the telephone, or in a letter. The verb is that of `#new`
 * in a mail; nobody is written to.
 */
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import type { Desk } from '../engine/desk.ts'
import { checkAddress } from '../engine/outbox/address.ts'
import { openFor } from '../engine/tickets/open-for.ts'
import { assign } from '../engine/tickets.ts'
import { Refusal } from '../errors.ts'
import { tickets as limits } from '../limits.ts'
import type { Env, Pages, SignedIn, Web } from './context.ts'
import { type Form, readForm } from './form.ts'
import { agentPage, type Html } from './page.ts'

/** Its address stands before that of the tickets. */
export function newTicketPages(web: Web): Pages {
  return new Hono<Env>()
    .get('/tickets/new', (c) =>
      formPage(c, web, { value: (name) => (name === 'mine' ? 'yes' : (c.req.query(name) ?? '')) }),
    )
    .post('/tickets/new', async (c) => {
      const form = await readForm(c)
      try {
        const { ticketId } = await openTicket(web, { form, agent: c.get('agent') })
        return c.redirect(`/tickets/${ticketId}?done=opened`, 303)
      } catch (error) {
        if (!(error instanceof Refusal) || error.fault !== 'user') throw error
        return formPage(c, web, { value: (name) => form.text(name), problem: error.message })
      }
    }) as Pages
}

/** @throws Refusal of `openFor`, `bad_address`; then nothing was opened */
async function openTicket(web: Web, { form, agent }: { form: Form; agent: SignedIn }): Promise<{ ticketId: number }> {
  const [now, tools] = [web.now(), web.tools()]
  const { desk } = tools
  const inbox = desk.inboxes.find((one) => one.key === form.text('inbox')) ?? desk.inboxes[0]
  if (!inbox) throw new Refusal('no_inbox', 'The desk has no inbox that a ticket could belong to.')
  const input = {
    subject: form.text('subject').trim(),
    requester: { address: checkAddress(form.text('customer').trim()), name: form.text('name').trim() },
    text: form.text('text').trim() || null,
    note: form.text('note').trim(),
    project: form.text('project') || null,
    inbox,
    agent: { id: agent.id, name: agent.name, address: agent.address },
    channel: 'web' as const,
    files: [],
    tools,
  }
  return transaction(web.sql, async (tx) => {
    const { ticketId } = await openFor(tx, input, now)
    const actor = { kind: 'agent', id: agent.id, name: agent.name } as const
    if (form.text('mine') === 'yes') await assign(tx, { ticketId, agentId: agent.id, actor }, now)
    return { ticketId }
  })
}

type Filled = { value(name: string): string; problem?: string }

async function formPage(c: Context<Env>, web: Web, filled: Filled): Promise<Response> {
  const { problem } = filled
  const body = html`<h1>New ticket</h1>
    <p class="muted intro">For a customer who did not write: it is routed and promised as their own mail would be. Nobody
      is written to; answer them on the ticket’s page.</p>
    ${newForm(web.tools().desk, filled)}`
  const page = { title: 'New ticket', current: '/tickets/new', layout: 'text', body } as const
  return c.html(agentPage(web, c.get('agent'), page), problem ? 422 : 200)
}

function newForm(desk: Desk, { value, problem }: Filled): Html {
  const option = (name: string, given: string, words: string) =>
    html`<option value="${given}"${value(name) === given && html` selected`}>${words}</option>`
  return html`<form method="post" action="/tickets/new" class="work" aria-label="New ticket">
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <div class="fields">
      <div><label for="customer">Customer’s address</label>
        <input id="customer" name="customer" type="email" value="${value('customer')}" required maxlength="320" autocomplete="off"></div>
      <div><label for="name">Their name</label>
        <input id="name" name="name" value="${value('name')}" maxlength="200" autocomplete="off"></div>
      <div><label for="project">Project</label>
        <select id="project" name="project">${option('project', '', 'As the rules say')}
          ${[...desk.projects.keys()].map((key) => option('project', key, key))}</select></div>
      ${
        desk.inboxes.length > 1 &&
        html`<div><label for="inbox">Speaks as</label>
        <select id="inbox" name="inbox">${desk.inboxes.map((one) => option('inbox', one.key, one.address))}</select></div>`
      }
    </div>
    <p><label for="subject">Subject</label>
      <input id="subject" name="subject" value="${value('subject')}" maxlength="${limits.subject}" autocomplete="off"></p>
    <p><label for="text">What they said</label>
      <textarea id="text" name="text" rows="6" aria-describedby="text-hint">${value('text')}</textarea>
      <span class="sub" id="text-hint">Shown as their words. Customers see it where an answer quotes it.</span></p>
    <p><label for="note">Note for agents</label>
      <textarea id="note" name="note" rows="3">${value('note')}</textarea></p>
    <p><label><input type="checkbox" name="mine" value="yes"${value('mine') === 'yes' && html` checked`}> Give it to me</label></p>
    <button class="primary">Open ticket</button>
  </form>`
}

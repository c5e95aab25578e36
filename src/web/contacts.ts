/**
 * A contact: entered by an agent with the verb of `#contact`, shown with those who are perhaps the same person, and taken
 * back while nothing has come of it.
 */
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { type Queryable, transaction } from '../database.ts'
import { createContact, findSimilar, forgetContact, type SimilarContact } from '../engine/people/contacts.ts'
import type { Status } from '../engine/tables.ts'
import { Refusal } from '../errors.ts'
import { web as limits } from '../limits.ts'
import type { Env, Pages, Web } from './context.ts'
import { parseId, readForm } from './form.ts'
import { statusMark } from './marks.ts'
import { agentPage, buttonForm, type Html, time } from './page.ts'
import { whenText } from './words.ts'

export function contactPages(web: Web): Pages {
  return new Hono<Env>()
    .get('/contacts/new', (c) => formPage(c, web, { address: c.req.query('address') ?? '', name: '' }))
    .post('/contacts/new', async (c) => {
      const form = await readForm(c)
      const [address, name] = [form.text('address').trim(), form.text('name').trim()]
      const input = { address, name, desk: web.tools().desk }
      try {
        const { contactId, created } = await transaction(web.sql, (tx) => createContact(tx, input, web.now()))
        return c.redirect(`/contacts/${contactId}?done=${created ? 'made' : 'there'}`, 303)
      } catch (error) {
        if (!(error instanceof Refusal) || error.fault !== 'user') throw error
        return formPage(c, web, { address, name, problem: error.message })
      }
    })
    .get('/contacts/:id', async (c) => (await contactPage(c, web)) ?? c.notFound())
    .post('/contacts/:id/removal', async (c) => {
      const id = parseId(c.req.param('id'))
      if (id === null) return c.notFound()
      const { forgotten } = await transaction(web.sql, (tx) => forgetContact(tx, id))
      return c.redirect(forgotten ? '/contacts/new?done=forgotten' : `/contacts/${id}?done=stays`, 303)
    }) as Pages
}

const DONE: Record<string, string> = {
  made: 'They are a contact now.',
  there: 'They were a contact already: nothing was changed.',
  stays: 'They wrote or were written to, so they stay.',
  forgotten: 'The contact is taken back.',
}

type Typed = { address: string; name: string; problem?: string }

async function formPage(c: Context<Env>, web: Web, { address, name, problem }: Typed): Promise<Response> {
  const body = html`<h1>New contact</h1>
    <p class="muted intro">Whoever writes becomes a contact by themselves. An address that is known is never entered
      twice; people who are perhaps the same are shown to you.</p>
    <form method="post" action="/contacts/new" class="work" aria-label="New contact">
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <div class="fields">
        <div><label for="address">Address</label>
          <input id="address" name="address" type="email" value="${address}" required maxlength="320" autocomplete="off"></div>
        <div><label for="name">Name</label>
          <input id="name" name="name" value="${name}" maxlength="200" autocomplete="off"></div>
      </div>
      <button class="primary">Create contact</button>
    </form>`
  const done = DONE[c.req.query('done') ?? ''] ?? null
  const page = { title: 'New contact', current: '/contacts/new', layout: 'text', body, done } as const
  return c.html(agentPage(web, c.get('agent'), page), problem ? 422 : 200)
}

type Contact = {
  id: number
  name: string
  organization: string | null
  verified_at: Date | null
  created_at: Date
  addresses: string[]
  unused: boolean
}

/** Null where there is no such contact. */
async function contactPage(c: Context<Env>, web: Web): Promise<Response | null> {
  const [agent, id] = [c.get('agent'), parseId(c.req.param('id'))]
  const contact = id === null ? null : await findContact(web.sql, id)
  if (!contact) return null
  const [address = ''] = contact.addresses
  const [similar, tickets] = await Promise.all([similarTo(web.sql, contact), ticketsOf(web.sql, contact.id)])
  const name = contact.name || address
  const fact = (label: string, value: Html | string) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`
  const body = html`<div class="top"><h1>${name}</h1>
      <a class="button small" href="/tickets/new?customer=${encodeURIComponent(address)}">New ticket for them</a></div>
    <div class="facts"><section aria-label="Facts"><dl>
      ${fact('Address', html`${contact.addresses.map((one) => html`<span class="address">${one}</span> `)}`)}
      ${contact.organization && fact('Organization', contact.organization)}
      ${fact('Proven', contact.verified_at ? time(contact.verified_at, whenText(contact.verified_at, agent.zone)) : 'No mail of theirs was proven to be theirs')}
      ${fact('Since', time(contact.created_at, whenText(contact.created_at, agent.zone)))}
    </dl></section></div>
    ${similar.length > 0 && similarList(similar)}
    ${tickets.length > 0 && ticketList(tickets)}
    ${contact.unused && buttonForm(`/contacts/${contact.id}/removal`, 'Take this contact back', { name })}`
  const done = DONE[c.req.query('done') ?? ''] ?? null
  const page = await agentPage(web, agent, { title: name, current: '/contacts/new', layout: 'text', body, done })
  return c.html(page)
}

const similarList = (people: SimilarContact[]): Html => html`<section aria-labelledby="similar">
  <h2 id="similar">Perhaps the same person</h2>
  <ul class="rows">${people.map(
    ({ id, name, address }) =>
      html`<li><div><a href="/contacts/${id}">${name || address}</a>${name && html` <span class="sub address">${address}</span>`}</div></li>`,
  )}</ul></section>`

type TicketLine = { id: number; subject: string; status: Status }

const ticketList = (tickets: TicketLine[]): Html => html`<section aria-labelledby="theirs">
  <h2 id="theirs">Their tickets</h2>
  <ul class="rows">${tickets.map(
    ({ id, subject, status }) =>
      html`<li><div><a href="/tickets/${id}">#${id} ${subject || 'No subject'}</a></div> ${statusMark(status)}</li>`,
  )}</ul></section>`

/** `unused`: nothing has come of them yet, as `forgetContact` judges it. */
async function findContact(sql: Queryable, id: number): Promise<Contact | null> {
  const [row] = await sql<Contact[]>`
    select c.id, c.name, o.name as organization, c.verified_at, c.created_at,
      array(select address from contact_addresses where contact_id = c.id order by address) as addresses,
      c.answered_at is null and c.verified_at is null
        and not exists (select from tickets where requester_id = c.id)
        and not exists (select from comments where contact_id = c.id)
        and not exists (select from ticket_participants where contact_id = c.id) as unused
    from contacts c left join organizations o on o.id = c.organization_id where c.id = ${id}`
  return row ?? null
}

async function similarTo(sql: Queryable, { id, name, addresses }: Contact): Promise<SimilarContact[]> {
  const [address] = addresses
  if (!address) return []
  return (await findSimilar(sql, { address, name })).filter((one) => one.id !== id)
}

async function ticketsOf(sql: Queryable, contactId: number): Promise<TicketLine[]> {
  return await sql<TicketLine[]>`
    select id, subject, status from tickets where requester_id = ${contactId} and deleted_at is null
    order by id desc limit ${limits.page}`
}

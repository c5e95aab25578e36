/** A ticket's page and the one form that works it. */
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import { cancelForTicket } from '../engine/outbox.ts'
import { admit } from '../engine/tickets/people.ts'
import { Refusal } from '../errors.ts'
import type { Env, Pages, Web } from './context.ts'
import { parseId, readForm } from './form.ts'
import { findCalendars } from './left.ts'
import { priorityMark, statusMark, unassessedMark } from './marks.ts'
import { agentPage } from './page.ts'
import { conversation } from './ticket/conversation.ts'
import { facts, nextDue } from './ticket/facts.ts'
import { loadTicket, type TicketView } from './ticket/load.ts'
import { choosePolicy, policyForm } from './ticket/policy.ts'
import { spentTime } from './ticket/spent.ts'
import { listUndoable, undoList } from './ticket/undo.ts'
import { type Draft, work, workForm } from './ticket/work.ts'
import { TIME_DONE } from './time/words.ts'
import { agoText, whenText } from './words.ts'

export function ticketPages(web: Web): Pages {
  return new Hono<Env>()
    .get('/tickets/:number', async (c) => (await ticketPage(c, web, null)) ?? c.notFound())
    .post('/tickets/:number/work', async (c) => {
      const ticketId = parseId(c.req.param('number'))
      if (ticketId === null) return c.notFound()
      const form = await readForm(c)
      try {
        const { done, commentId } = await work(web, { ticketId, agent: c.get('agent'), form })
        return c.redirect(`/tickets/${ticketId}?done=${done}${commentId === null ? '' : `#comment-${commentId}`}`, 303)
      } catch (error) {
        if (!(error instanceof Refusal) || error.fault !== 'user') throw error
        const page = await ticketPage(c, web, { code: error.code, words: error.message, form })
        if (page) return page
        throw error
      }
    })
    .post('/tickets/:number/policy', async (c) => {
      const ticketId = parseId(c.req.param('number'))
      if (ticketId === null) return c.notFound()
      await choosePolicy(web, { ticketId, agent: c.get('agent'), form: await readForm(c) })
      return c.redirect(`/tickets/${ticketId}?done=policy`, 303)
    })
    .post('/tickets/:number/people', async (c) => {
      const ticketId = parseId(c.req.param('number'))
      if (ticketId === null) return c.notFound()
      const address = (await readForm(c)).text('address')
      const { id, name } = c.get('agent')
      const input = { ticketId, address, actor: { kind: 'agent', id, name } as const, tools: web.tools() }
      await transaction(web.sql, (tx) => admit(tx, input, web.now()))
      return c.redirect(`/tickets/${ticketId}?done=admitted`, 303)
    })
    .post('/comments/:id/cancellation', async (c) => {
      const id = parseId(c.req.param('id'))
      const [comment] = await web.sql<{ ticket_id: number }[]>`select ticket_id from comments where id = ${id}`
      if (!comment) return c.notFound()
      const cancelled = await transaction(web.sql, (tx) =>
        cancelForTicket(tx, { ticketId: comment.ticket_id, commentId: id }, web.now()),
      )
      const done = cancelled > 0 ? 'undone' : 'late'
      return c.redirect(`/tickets/${comment.ticket_id}?done=${done}#comment-${id}`, 303)
    }) as Pages
}

const DONE: Record<string, string> = {
  answer: 'Your answer is saved and goes out after the undo time.',
  note: 'Your note is saved.',
  private: 'Your private note is saved.',
  ask: 'Your question is saved and goes out after the undo time.',
  change: 'Saved.',
  policy: 'The policy counts from now on.',
  nothing: 'Nothing was changed.',
  opened: 'The ticket is open. Nobody was written to.',
  split: 'This is a ticket of its own now. Nobody was written to.',
  admitted: 'They take part now: they get the answers and may write by mail.',
  undone: 'Your answer was not sent. Its text is still below.',
  back: 'It is as it was before.',
  back_late: 'It is as it was before, but the answer was on its way already: write a correction to the customer.',
  late: 'Too late: the answer was on its way already.',
}

/** Null where there is no such ticket. */
async function ticketPage(c: Context<Env>, web: Web, draft: Draft | null): Promise<Response | null> {
  const [agent, id, now] = [c.get('agent'), parseId(c.req.param('number')), web.now()]
  const view =
    id === null ? null : await loadTicket(web.sql, id, { agentId: agent.id, before: parseId(c.req.query('before')) })
  if (!view) return null
  const { ticket } = view
  if (ticket.deleted_at)
    throw new Refusal(
      'deleted_ticket',
      `Ticket #${ticket.id} was deleted by ${ticket.deleted_by} on ${whenText(ticket.deleted_at, agent.zone)}.`,
    )
  const calendars = await findCalendars(web.sql, [
    ...view.clocks.map((clock) => clock.calendar_id),
    ...[...view.courses.values()].flatMap(({ ran }) => ran.map((one) => one.calendarId)),
  ])
  const spent = await spentTime(web, { ticket, agent })
  const undoable = await listUndoable(web.sql, { ticketId: ticket.id, agentId: agent.id }, now)
  const policy = policyForm(web, { ticket, agent })
  const setting = { view, agent, now, calendars, spent, policy }
  const subject = ticket.subject || 'No subject'
  const body = html`<div class="ticket">
    <header class="ticket-head">
      <p class="sub"><a href="/queues/open?project=${encodeURIComponent(ticket.project)}">${ticket.project}</a> · #${ticket.id} ·
        opened ${agoText(ticket.created_at, now)}</p>
      <h1>${subject}</h1>
      <p class="marks">${statusMark(ticket.status)} ${priorityMark(ticket.priority, ticket.colour)}${unassessedMark(ticket)} ${nextDue(setting)}
        <span class="muted">${ticket.assignee ? `Assigned to ${ticket.assignee}` : 'Nobody has it'}</span>
        <a class="to-work" href="#work">Answer</a></p>
    </header>
    ${warnings(view, agent.zone)}
    <div class="columns">
      <div class="column">
        ${conversation(setting)}
        ${ticket.merged_into ? null : workForm({ view, agent, desk: web.tools().desk }, draft)}
        ${ticket.merged_into ? null : undoList(undoable, { ticketId: ticket.id, now })}
      </div>
      ${facts(setting)}
    </div>
  </div>`
  const word = c.req.query('done') ?? ''
  const done = DONE[word] ?? TIME_DONE[word] ?? null
  const page = await agentPage(web, agent, { title: `#${ticket.id} ${subject}`, body, done: draft ? null : done })
  return c.html(page, draft ? 422 : 200)
}

function warnings({ ticket, mails }: TicketView, zone: string) {
  const words = [
    ticket.undelivered_at && `An answer could not be delivered on ${whenText(ticket.undelivered_at, zone)}.`,
    ticket.spam_at &&
      `Marked as spam by ${ticket.spam_by} on ${whenText(ticket.spam_at, zone)}; further mail of this conversation is held.`,
    ticket.automatic && 'Opened by an automatic mail: no automatic answer was sent.',
    ticket.merged_into && html`Merged into <a href="/tickets/${ticket.merged_into}">#${ticket.merged_into}</a>.`,
    ...mails
      .filter(({ state }) => state === 'held')
      .map(
        ({ id, subject, reasons }) =>
          html`<a href="/held#mail-${id}">Mail ${id}</a>, “${subject || 'No subject'}”, waits beside this ticket: ${reasons.at(-1)?.words}`,
      ),
  ].filter(Boolean)
  return words.map((each) => html`<p class="warning">${each}</p>`)
}

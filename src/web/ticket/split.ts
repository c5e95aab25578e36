/** An answer with another subject in an open ticket (MAIL 6.8): the remark, and the button that makes it a ticket. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../../database.ts'
import { split } from '../../engine/tickets/split.ts'
import type { Env, Pages, Web } from '../context.ts'
import { parseId, readForm } from '../form.ts'
import { buttonForm, type Html } from '../page.ts'
import type { CommentRow, TicketView } from './load.ts'

export function splitPages(web: Web): Pages {
  return new Hono<Env>().post('/tickets/:number/split', async (c) => {
    const [ticketId, commentId] = [parseId(c.req.param('number')), parseId((await readForm(c)).text('comment'))]
    if (ticketId === null || commentId === null) return c.notFound()
    const { id, name } = c.get('agent')
    const actor = { kind: 'agent', id, name } as const
    const made = await transaction(web.sql, (tx) =>
      split(tx, { ticketId, commentId, subject: null, actor, tools: web.tools() }, web.now()),
    )
    return c.redirect(`/tickets/${made.ticketId}?done=split`, 303)
  }) as Pages
}

/** Nothing for a comment that keeps to the subject, or that its ticket begins with. */
export function otherSubject(comment: CommentRow, { ticket, comments, earlier, mails }: TicketView): Html {
  const mail = mails.find((one) => one.comment_id === comment.id)
  const isFirst = earlier === 0 && comments[0]?.id === comment.id
  if (!mail || isFirst || !mail.reasons.some((one) => one.code === 'new_subject')) return html``
  return html`<div class="delivery waiting">
    <p>Its subject is another: “${mail.subject}”.
      <span class="sub">A new ticket takes this comment and all below it; nothing is sent.</span></p>
    ${ticket.merged_into === null && buttonForm(`/tickets/${ticket.id}/split`, 'Split into a new ticket', { name: `from “${mail.subject}” on`, fields: { comment: String(comment.id) } })}
  </div>`
}

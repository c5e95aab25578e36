/** A mail whose original was too large and stayed in its mailbox (MAIL 2.12): what it holds, and the button for it. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { requestOriginal } from '../../mail/spool.ts'
import type { Env, Pages, Web } from '../context.ts'
import { parseId } from '../form.ts'
import { buttonForm, type Html } from '../page.ts'
import { sizeText } from '../words.ts'
import type { MailRow } from './load.ts'

export function originalPages(web: Web): Pages {
  return new Hono<Env>().post('/mails/:id/original', async (c) => {
    const id = parseId(c.req.param('id'))
    if (id === null) return c.notFound()
    await requestOriginal(web.sql, { mailId: id, by: c.get('agent').name })
    const [mail] = await web.sql<{ ticket_id: number; comment_id: number }[]>`
      select ticket_id, comment_id from inbound_mails where id = ${id}`
    return c.redirect(`/tickets/${mail!.ticket_id}#comment-${mail!.comment_id}`, 303)
  }) as Pages
}

/** Nothing for a mail that was taken whole, or whose original is attached. */
export function originalOf(mail: MailRow | undefined): Html {
  if (!mail?.original || mail.original === 'here') return html``
  const size = mail.oversize === null ? '' : ` of ${sizeText(mail.oversize)}`
  const parts = (mail.parts ?? []).filter((part) => part.name !== null)
  return html`<div class="delivery waiting">
    <p>The original${size} was left on the mail server; only its header is here.
      ${parts.length > 0 && html`<span class="sub">It holds ${parts.map((part) => part.name).join(', ')}.</span>`}
      ${mail.original_words && html`<span class="sub">It could not be fetched: ${mail.original_words}.</span>`}</p>
    ${mail.original === 'left' && buttonForm(`/mails/${mail.id}/original`, 'Fetch the original', { name: `mail ${mail.id}` })}
    ${mail.original === 'asked' && html`<p class="sub">It is fetched with the next poll.</p>`}
    ${mail.original === 'gone' && html`<p class="sub">It can no longer be found in its mailbox.</p>`}
  </div>`
}

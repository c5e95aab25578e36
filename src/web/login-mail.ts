/** The mail with a sign-in link, queued in the caller's transaction. */
import type { Tx } from '../database.ts'
import { queueMail } from '../engine/outbox.ts'
import type { Tools } from '../engine/tools.ts'
import { Refusal } from '../errors.ts'
import { web as limits } from '../limits.ts'
import { localeFor, render } from '../render.ts'
import { MINUTE } from '../time.ts'
import { makeMessageId } from '../tokens.ts'
import type { LinkTarget } from './context.ts'

/** `https://desk.example/sign-in/<secret>`; `npm start` and `login` print the same. */
export const linkUrl = (url: string, secret: string): string => new URL(`/sign-in/${secret}`, url).href

/** @throws Refusal `no_inbox`, fault `config`: a desk without an inbox has no address to write from */
export async function mailLoginLink(
  tx: Tx,
  mail: { tools: Tools; agent: LinkTarget; link: string },
  now: Date,
): Promise<void> {
  const { desk, keys, templates } = mail.tools
  const inbox = desk.inboxes[0]
  if (!inbox) throw new Refusal('no_inbox', 'The desk has no inbox, so it cannot send a sign-in link.', 'config')
  const locale = localeFor(templates, mail.agent.locale ?? 'en') // the web view itself speaks English
  const data = { desk: inbox.name, link: mail.link, minutes: limits.link / MINUTE }
  const { subject, text, html } = render(templates, 'login', locale, data)
  const { name, address } = mail.agent
  await queueMail(
    tx,
    {
      kind: 'login',
      ticketId: null,
      commentId: null,
      inboxId: inbox.id,
      generation: 0,
      messageId: makeMessageId(keys, 's', 0, inbox.address.slice(inbox.address.lastIndexOf('@') + 1), now),
      recipients: [{ name, address }],
      headers: [
        ['From', [{ name: inbox.name, address: inbox.address }]],
        ['To', [{ name, address }]],
      ],
      subject,
      text,
      html,
      attachmentIds: [],
      notBefore: null,
    },
    mail.tools,
    now,
  )
}

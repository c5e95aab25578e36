/** The mail with a sign-in link, queued in the caller's transaction. */
import type { Tx } from '../database.ts'
import { plainMail } from '../engine/outbox/plain.ts'
import { queueMail } from '../engine/outbox.ts'
import type { Tools } from '../engine/tools.ts'
import { Refusal } from '../errors.ts'
import { web as limits } from '../limits.ts'
import { localeFor, render } from '../render.ts'
import { MINUTE } from '../time.ts'
import type { LinkTarget } from './context.ts'

/** `https://desk.example/sign-in/<secret>`; `npm start` and `login` print the same. */
export const linkUrl = (url: string, secret: string): string => new URL(`/sign-in/${secret}`, url).href

/** @throws Refusal `no_inbox`, fault `config`: a desk without an inbox has no address to write from */
export async function mailLoginLink(
  tx: Tx,
  mail: { tools: Tools; agent: LinkTarget; link: string },
  now: Date,
): Promise<void> {
  const { desk, templates } = mail.tools
  const inbox = desk.inboxes[0]
  if (!inbox) throw new Refusal('no_inbox', 'The desk has no inbox, so it cannot send a sign-in link.', 'config')
  const locale = localeFor(templates, mail.agent.locale ?? 'en') // the web view itself speaks English
  const data = { desk: inbox.name, link: mail.link, minutes: limits.link / MINUTE }
  const words = render(templates, 'login', locale, data)
  await queueMail(tx, plainMail(mail.tools, { kind: 'login', inbox, to: mail.agent, words }, now), mail.tools, now)
}

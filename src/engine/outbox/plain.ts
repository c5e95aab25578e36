/** A mail of the desk's own to one person, about no ticket: a digest, a sign-in link. */
import { makeMessageId } from '../../tokens.ts'
import type { Inbox } from '../desk.ts'
import type { HeaderValue, Mailbox, OutgoingMail, Sending } from '../outbox.ts'
import { oneLine } from './address.ts'
import { domainOf } from './headers.ts'

/** To be queued by `queueMail`; `headers` follow From and To. */
export function plainMail(
  { keys }: Pick<Sending, 'keys'>,
  mail: {
    kind: 'notification' | 'notice' | 'login'
    inbox: Pick<Inbox, 'id' | 'name' | 'address'>
    to: Mailbox
    headers?: [string, HeaderValue][]
    words: { subject: string; text: string; html: string | null }
  },
  now: Date,
): OutgoingMail {
  const { kind, inbox, headers = [], words } = mail
  const to = { name: oneLine(mail.to.name), address: mail.to.address }
  return {
    kind,
    ticketId: null,
    commentId: null,
    inboxId: inbox.id,
    generation: 0,
    messageId: makeMessageId(keys, 'n', 0, domainOf(inbox.address), now),
    recipients: [to],
    headers: [['From', [{ name: inbox.name, address: inbox.address }]], ['To', [to]], ...headers],
    ...words,
    attachmentIds: [],
    notBefore: null,
  }
}

/** The headers that make a mail part of a ticket's conversation (MAIL 8.1-8.4, 8.6): pure, for all mail to customers. */
import { outgoing } from '../../limits.ts'
import { type Keys, rootId } from '../../tokens.ts'
import type { Inbox } from '../desk.ts'
import type { HeaderValue } from '../outbox.ts'
import { isMessageId, type Mailbox } from './address.ts'
import { signFor } from './signed.ts'

/** A ticket as its outgoing mails see it. */
export type MailedTicket = {
  id: number
  /** The requester's own, undecorated. */
  subject: string
  requester: Mailbox
  locale: string
  zone: string
  /** Of its keys (5.8). */
  generation: number
}

export type Conversation = {
  keys: Keys
  inbox: Inbox
  ticket: MailedTicket
  from: string
  to: Mailbox[]
  cc: Mailbox[]
  /** Message-IDs that the recipients may know, oldest first; the last one is answered. Without angle brackets. */
  known: string[]
}

/** From, To, Cc, Reply-To, In-Reply-To and References, in this order. Without a signed address there is no Reply-To. */
export function conversationHeaders(mail: Conversation): [string, HeaderValue][] {
  const { inbox, ticket, known } = mail
  const answered = known.filter(isMessageId).at(-1)
  const replyTo = replyAddress(mail.keys, inbox, ticket)
  return [
    ['From', [{ name: mail.from, address: inbox.address }]],
    ['To', mail.to],
    ...(mail.cc.length > 0 ? ([['Cc', mail.cc]] as [string, HeaderValue][]) : []),
    ...(replyTo ? ([['Reply-To', [{ name: inbox.name, address: replyTo }]]] as [string, HeaderValue][]) : []),
    ...(answered ? ([['In-Reply-To', `<${answered}>`]] as [string, HeaderValue][]) : []),
    ['References', referencesOf(rootId(mail.keys, ticket.id, domainOf(inbox.address)), known)],
  ]
}

/** The domain that an inbox's Message-IDs carry. */
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

/** `Re: ` once, whatever the customer's client had put there, and the rest as they wrote it (8.4). */
export const replySubject = (subject: string): string => (/^re:\s/i.test(subject) ? subject : `Re: ${subject}`)

/** Root, first known id, then the newest eight, at most 1,500 bytes; ids that no header can carry are left out (8.3). */
export function referencesOf(root: string, known: string[]): string {
  const valid = [...new Set(known.filter(isMessageId))]
  const first = valid.slice(0, 1)
  const rest = valid.slice(1).slice(-outgoing.referenceIds)
  const line = () => [root, ...first, ...rest].map((id) => `<${id}>`).join(' ')
  while (line().length > outgoing.references - 'References: '.length && (rest.length > 0 || first.length > 0))
    (rest.length > 1 ? rest : first.length > 0 ? first : rest).shift()
  return line()
}

/**
 * Where the ticket's customers answer to (5.7). It stands in the text too, for clients that drop References and rewrite
 * addresses: threading finds it in a quotation (6.1 (5)). Null where the inbox signs none (5.10).
 */
export const replyAddress = (keys: Keys, inbox: Inbox, ticket: MailedTicket): string | null =>
  signFor(keys, inbox, {
    purpose: 'c',
    inbox: inbox.id,
    ticket: ticket.id,
    person: 0,
    generation: ticket.generation,
    comment: 0,
  })

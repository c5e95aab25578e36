/**
 * The acknowledgement: that the mail came, its number, what is promised and when, and that a reply is enough. It says
 * nothing that an unverified sender chose (MAIL 4a.25). Whether one may go at all is decided before (4a.22, 4a.26).
 */
import { render, spokenLocale } from '../render.ts'
import { seconds } from '../time.ts'
import { makeMessageId } from '../tokens.ts'
import type { Inbox } from './desk.ts'
import { dueText, type HowComputed, howText } from './due-words.ts'
import { addressKey, isAddress, oneLine } from './outbox/address.ts'
import { conversationHeaders, domainOf, type MailedTicket, replyAddress } from './outbox/headers.ts'
import type { OutgoingMail } from './outbox.ts'
import { matchRecipient } from './recipients.ts'
import type { Tools } from './tools.ts'

/** A due date that runs, and what it was computed from. */
export type Due = { at: Date; how: Omit<HowComputed, 'locale'> | null }

export type AckInput = {
  ticket: MailedTicket
  inbox: Inbox
  /** Null where the clock does not run: the sentence is left out (SLA D1). */
  firstResponse: Due | null
  resolution: Due | null
  /** Verdict strong, or a person here has answered this address before (4a.25). */
  trust: { mayQuote: boolean }
  /** The mail that is acknowledged; ids without angle brackets. */
  mail: { messageId: string | null; references: string[] }
  /** The number of the closed ticket that this one follows (6.12). */
  followUpOf: number | null
  tools: Tools
}

/** What was promised, for `tickets.ack_promise` (SLA D1). */
export type AckPromise = {
  message_id: string
  at: string
  locale: string
  zone: string
  first_response_due: string | null
  resolution_due: string | null
}

export type Ack = OutgoingMail & { promise: AckPromise }

/** Null where nobody can be written to: the address is unusable or our own. */
export function prepareAck(input: AckInput, now: Date): Ack | null {
  const { ticket, inbox, trust, tools } = input
  const { address } = ticket.requester
  if (!isAddress(address) || matchRecipient(tools.desk, address)) return null
  const requester = { address, name: trust.mayQuote ? oneLine(ticket.requester.name) : '' }
  const locale = spokenLocale(tools.templates, ticket.locale)
  const messageId = makeMessageId(tools.keys, 'a', ticket.id, domainOf(inbox.address), now)
  return {
    kind: 'ack',
    ticketId: ticket.id,
    commentId: null,
    inboxId: inbox.id,
    messageId,
    recipients: [requester],
    headers: conversationHeaders({
      keys: tools.keys,
      inbox,
      ticket,
      from: inbox.name,
      to: [requester],
      cc: [],
      known: knownIds(input),
    }),
    ...words(input, { locale, name: named(requester) }),
    attachmentIds: [],
    notBefore: null,
    generation: ticket.generation,
    promise: {
      message_id: messageId,
      at: now.toISOString(),
      locale,
      zone: ticket.zone,
      first_response_due: input.firstResponse?.at.toISOString() ?? null,
      resolution_due: input.resolution?.at.toISOString() ?? null,
    },
  }
}

/** An address as display name is no name to greet with. */
const named = (person: { name: string; address: string }) =>
  addressKey(person.name) === addressKey(person.address) ? '' : person.name

/** The mail's own References lead a client to the thread it keeps; an unverified sender may choose but one id. */
function knownIds({ mail, trust }: AckInput): string[] {
  return [...(trust.mayQuote ? mail.references : []), ...(mail.messageId ? [mail.messageId] : [])]
}

function words(input: AckInput, reader: { locale: string; name: string }) {
  const { ticket, inbox, trust, followUpOf, tools } = input
  const data = {
    number: ticket.id,
    name: reader.name,
    their_subject: trust.mayQuote ? oneLine(ticket.subject).replace(/^re:\s+/i, '') : '',
    inbox_name: inbox.name,
    reference: replyAddress(tools.keys, inbox, ticket),
    first_response_due: input.firstResponse && dueWords(input.firstResponse, ticket.zone, reader.locale),
    first_response_how: input.firstResponse && howWords(input.firstResponse, reader.locale),
    resolution_due: input.resolution && dueWords(input.resolution, ticket.zone, reader.locale),
    resolution_how: input.resolution && howWords(input.resolution, reader.locale),
  }
  return followUpOf === null
    ? render(tools.templates, 'ack', reader.locale, data)
    : render(tools.templates, 'ack-follow-up', reader.locale, { ...data, earlier: followUpOf })
}

const dueWords = (due: Due, zone: string, locale: string) => dueText({ at: seconds(due.at), zone, locale })

const howWords = (due: Due, locale: string) => due.how && howText({ ...due.how, locale })

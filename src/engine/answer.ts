/**
 * A public answer of an agent as a mail: their words, who they are, the number, and the customer's last message below.
 * It carries no mark of automatic mail (MAIL 8.9) and never the agent's own address (8.6).
 */
import { Refusal } from '../errors.ts'
import { escapeHtml } from '../html.ts'
import { outgoing } from '../limits.ts'
import { type Rich, render, spokenLocale } from '../render.ts'
import { seconds } from '../time.ts'
import { makeMessageId } from '../tokens.ts'
import type { Inbox } from './desk.ts'
import { dueText } from './due-words.ts'
import { type Mailbox, oneLine } from './outbox/address.ts'
import { conversationHeaders, domainOf, type MailedTicket, replyAddress, replySubject } from './outbox/headers.ts'
import { chooseRecipients } from './outbox/recipients.ts'
import type { SharedFile } from './outbox/shared-files.ts'
import { type OutlookThread, threadHeaders } from './outbox/thread-index.ts'
import type { OutgoingMail } from './outbox.ts'
import type { Tools } from './tools.ts'

export type AnswerInput = {
  ticket: MailedTicket
  inbox: Inbox
  agent: { name: string }
  /** Plain text with LF line ends. */
  text: string
  commentId: number
  participants: Mailbox[]
  /** Those that customers have seen, oldest first, without angle brackets. */
  messageIds: string[]
  /** What is answered; its visible text is quoted (8.14). */
  lastCustomerComment: { at: Date; name: string; text: string } | null
  /** Of the mail that is answered (8.5). */
  thread?: OutlookThread | null
  notBefore: Date | null
  /** On the suppression list: left out of the headers too (8.10). */
  suppressed?: string[]
  attachmentIds?: number[]
  /** Files that are fetched instead of sent (8.30). */
  shared?: SharedFile[]
  tools: Tools
}

/** @throws Refusal `nobody_to_answer` when nobody is left to write to */
export function preparePublicAnswer(input: AnswerInput, now: Date): OutgoingMail {
  const { ticket, inbox, agent, tools } = input
  const { to, cc } = chooseRecipients(tools.desk, {
    requester: ticket.requester,
    participants: input.participants,
    suppressed: input.suppressed ?? [],
  })
  if (to.length === 0)
    throw new Refusal('nobody_to_answer', `Nobody in ticket #${ticket.id} can be written to: enter another address.`)
  const from = agent.name ? `${oneLine(agent.name)} (${inbox.name})` : inbox.name
  return {
    kind: 'reply',
    ticketId: ticket.id,
    commentId: input.commentId,
    inboxId: inbox.id,
    messageId: makeMessageId(tools.keys, 'c', ticket.id, domainOf(inbox.address), now),
    recipients: [...to, ...cc],
    headers: [
      ...conversationHeaders({ keys: tools.keys, inbox, ticket, from, to, cc, known: input.messageIds }),
      ...threadHeaders(input.thread ?? null),
    ],
    ...words(input),
    attachmentIds: input.attachmentIds ?? [],
    notBefore: input.notBefore,
    generation: ticket.generation,
  }
}

function words({ ticket, inbox, agent, text, shared = [], lastCustomerComment: last, tools }: AnswerInput) {
  const locale = spokenLocale(tools.templates, ticket.locale)
  return render(tools.templates, 'answer', locale, {
    subject: replySubject(oneLine(ticket.subject)),
    body: { text: [text, ...shared.map(linkLine)].join('\n\n'), html: htmlOf(text) + shared.map(linkHtml).join('') },
    agent_name: agent.name,
    inbox_name: inbox.name,
    number: ticket.id,
    reference: replyAddress(tools.keys, inbox, ticket),
    quote: last && quoteOf(last.text),
    quote_author: last && oneLine(last.name),
    quote_date: last && dueText({ at: seconds(last.at), zone: ticket.zone, locale }),
  })
}

const named = ({ filename, size }: SharedFile) =>
  `${oneLine(filename)} (${size < 1e6 ? `${Math.ceil(size / 1e3)} KB` : `${Math.round(size / 1e5) / 10} MB`})`

/** In no language: a name, an address, and the day until which it is good. */
const linkLine = (file: SharedFile) => `${named(file)}, ${file.until.toISOString().slice(0, 10)}:\n${file.url}`

const linkHtml = (file: SharedFile) =>
  `<p><a href="${escapeHtml(file.url)}">${escapeHtml(named(file))}</a>, ${file.until.toISOString().slice(0, 10)}</p>`

function quoteOf(text: string): Rich | null {
  const kept = text.replaceAll('\r\n', '\n').trim().slice(0, outgoing.quote)
  if (kept === '') return null
  const lines = kept.split('\n').map((line) => (line.startsWith('>') ? `>${line}` : `> ${line}`.trimEnd()))
  return { text: lines.join('\n'), html: htmlOf(kept) }
}

const htmlOf = (text: string) => escapeHtml(text).replaceAll('\n', '<br>\n')

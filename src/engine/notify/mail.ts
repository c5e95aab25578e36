/**
 * One mail to one agent about one ticket: what happened since the last one, the ticket's facts, and what was said. Its
 * first lines say where a plain answer goes; the addresses in it are that agent's own (MAIL 5.7, COMMANDS E5.1). Mails of
 * a ticket have one subject and one root, so that every client shows them as a conversation (8.2, 8.4).
 */
import { escapeHtml } from '../../html.ts'
import { notifying as limits } from '../../limits.ts'
import { localeFor, type Rendered, type Rich, render, spokenLocale } from '../../render.ts'
import { seconds } from '../../time.ts'
import { agentRootId, makeMessageId } from '../../tokens.ts'
import type { Agent, Inbox } from '../desk.ts'
import { dueText, remainingText } from '../due-words.ts'
import { oneLine } from '../outbox/address.ts'
import { domainOf } from '../outbox/headers.ts'
import { signFor } from '../outbox/signed.ts'
import type { HeaderValue, OutgoingMail } from '../outbox.ts'
import type { Tools } from '../tools.ts'
import type { NewsRow } from './concerns.ts'
import type { ToldComment, ToldTicket } from './gather.ts'
import { type NotifyPhrases, notifyPhrases } from './phrases.ts'

export type Notification = {
  agent: Agent
  ticket: ToldTicket
  /** What this agent is told of, oldest first. */
  news: NewsRow[]
  tools: Tools
  /** Of the web view. */
  url: string
}

export function prepareNotification(given: Notification, now: Date): OutgoingMail {
  const { agent, ticket, tools } = given
  const { inbox } = ticket
  return {
    kind: 'notification',
    ticketId: ticket.id,
    commentId: null,
    inboxId: inbox.id,
    generation: ticket.generation,
    messageId: makeMessageId(tools.keys, 'n', ticket.id, domainOf(inbox.address), now),
    recipients: [{ name: oneLine(agent.name), address: agent.address }],
    headers: agentHeaders({ agent, ticket, tools }),
    ...wordsFor(given),
    attachmentIds: [],
    notBefore: null,
  }
}

/** As much of a ticket as its mails to agents are addressed by. */
export type Addressed = { id: number; generation: number; inbox: Inbox; shown: number }

/** From, To, the agent's own address for answers, and the root that all its mails to agents share (8.2). */
export function agentHeaders(given: { agent: Agent; ticket: Addressed; tools: Tools }): [string, HeaderValue][] {
  const { agent, ticket, tools } = given
  const { inbox } = ticket
  const { answer } = agentAddresses(given)
  const root = `<${agentRootId(tools.keys, ticket.id, domainOf(inbox.address))}>`
  const name = phrasesOf(agent, inbox, tools).answerTo(ticket.id)
  return [
    ['From', [{ name: inbox.name, address: inbox.address }]],
    ['To', [{ name: oneLine(agent.name), address: agent.address }]],
    ...(answer ? ([['Reply-To', [{ name, address: answer }]]] as [string, HeaderValue][]) : []),
    ['In-Reply-To', root],
    ['References', root],
  ]
}

/** The agent's own two addresses in a ticket; null where the inbox signs none (5.10). */
export function agentAddresses({ agent, ticket, tools }: { agent: Agent; ticket: Addressed; tools: Tools }) {
  const { inbox, id, generation, shown } = ticket
  const sign = (purpose: 'a' | 'n') =>
    signFor(tools.keys, inbox, { purpose, inbox: inbox.id, ticket: id, person: agent.id, generation, comment: shown })
  return { answer: sign('a'), note: sign('n') }
}

/** `Internal note #412` as a link to write to, where there is such an address. */
export function noteLink(given: { agent: Agent; ticket: Addressed; tools: Tools }): Rich | null {
  const { note } = agentAddresses(given)
  if (!note) return null
  const name = phrasesOf(given.agent, given.ticket.inbox, given.tools).noteTo(given.ticket.id)
  return { text: `${name} <mailto:${note}>`, html: `<a href="mailto:${note}">${escapeHtml(name)}</a>` }
}

/** The language that a mail to an agent is written in, and the zone of its dates. */
export function readsIn(agent: Agent, inbox: Inbox, tools: Tools): { locale: string; zone: string } {
  return { locale: spokenLocale(tools.templates, agent.locale ?? inbox.locale), zone: agent.zone ?? inbox.zone }
}

/** `[#412] The printer is on fire`: the same in every mail of the ticket and in every language (8.4). */
export const ticketSubject = (id: number, subject: string, tools: Tools): string =>
  `[${tools.desk.settings.subject_prefix}#${id}] ${oneLine(subject).replace(/^(?:(?:re|aw|fwd?|wg):\s*)+/i, '')}`

const phrasesOf = (agent: Agent, inbox: Inbox, tools: Tools): NotifyPhrases =>
  notifyPhrases(localeFor(tools.templates, readsIn(agent, inbox, tools).locale))

function wordsFor(given: Notification): Rendered {
  const { agent, ticket, tools, url } = given
  const { locale, zone } = readsIn(agent, ticket.inbox, tools)
  const reader: Reader = { phrases: phrasesOf(agent, ticket.inbox, tools), locale, zone, url }
  const note = noteLink(given)
  return render(tools.templates, 'notification', locale, {
    subject: ticketSubject(ticket.id, ticket.subject, tools),
    customer: note === null || ticket.requester_address === null ? null : customerOf(ticket),
    note,
    news: newsList(given, reader),
    facts: linesOf(factsOf(ticket, reader)),
    link: new URL(`/tickets/${ticket.id}`, url).href,
    comments: conversationOf(given, reader),
    desk: ticket.inbox.name,
  })
}

/** How somebody is written to; `url` is where the web view is. */
export type Reader = { phrases: NotifyPhrases; locale: string; zone: string; url: string }

/** Who a plain answer reaches. */
export function customerOf(ticket: ToldTicket): string {
  const address = ticket.requester_address ?? '–'
  return ticket.requester_name ? `${oneLine(ticket.requester_name)} <${address}>` : address
}

function newsList({ news, ticket, tools }: Notification, { phrases }: Reader): Rich {
  const agents = new Map([...tools.desk.agents.values()].map((one) => [one.id, one.name || one.address]))
  const lines = news.map((one) => {
    const comment = one.comment_id === null ? undefined : ticket.comments.get(one.comment_id)
    const who = (one.actor_id === null ? null : agents.get(one.actor_id)) ?? (comment ? authorOf(comment) : null)
    if (one.held) return phrases.heldMail(oneLine(one.held.from), one.held.mail)
    const words = (one.private ? phrases.privateNote : phrases.news[one.kind])(who && oneLine(who))
    return one.other_id === null ? words : `${words} (#${one.other_id})`
  })
  const shown = lines.slice(0, limits.lines)
  if (lines.length > shown.length) shown.push(phrases.more(lines.length - shown.length))
  return {
    text: shown.map((line) => `- ${line}`).join('\n'),
    html: `<ul>\n${shown.map((line) => `<li>${escapeHtml(line)}</li>`).join('\n')}\n</ul>`,
  }
}

function factsOf(ticket: ToldTicket, { phrases, locale, zone }: Reader): string[] {
  const due = (at: string) => dueText({ at: seconds(new Date(at)), zone, locale })
  return [
    `${phrases.customer}: ${[customerOf(ticket), ticket.organization].filter(Boolean).join(', ')}`,
    `${phrases.project}: ${ticket.project}`,
    `${phrases.status}: ${phrases.statuses[ticket.status]}`,
    `${phrases.priority}: ${phrases.priorities[ticket.priority]}`,
    `${phrases.assignee}: ${ticket.assignee === null ? phrases.nobody : oneLine(ticket.assignee)}`,
    ...ticket.clocks.map((clock) => {
      const left = clock.breached_at === null ? (clock.remaining_s ?? 0) : -Math.max(1, clock.over_by_s ?? 0)
      const at = due((clock.breached_at ?? clock.due_at)!)
      return `${phrases.metrics[clock.kind]}: ${at}, ${remainingText(left, locale)}`
    }),
    ...(ticket.due_at ? [`${phrases.byHand}: ${due(ticket.due_at.toISOString())}`] : []),
  ]
}

/** What is new in full, then the last exchange before it, shortened unless nothing is new. */
function conversationOf({ news, ticket }: Notification, reader: Reader): Rich {
  const told = new Set(news.map((one) => one.comment_id))
  const fresh = [...ticket.comments.values()].filter((one) => told.has(one.id))
  const parts: Rich[] = []
  let room: number = limits.whole
  for (const comment of fresh) {
    parts.push(commentOf(comment, reader, Math.max(limits.shortened, room)))
    room -= comment.text.length
  }
  for (const [n, comment] of ticket.before.entries()) {
    const inFull = fresh.length === 0 && n === 0
    if (fresh.length > 0 && n === 0) parts.push(heading(reader.phrases.earlier))
    parts.push(commentOf(comment, reader, inFull ? limits.comment : limits.shortened))
  }
  return joined(parts)
}

const joined = (parts: Rich[]): Rich => ({
  text: parts.map((one) => one.text).join('\n\n'),
  html: parts.map((one) => one.html).join('\n'),
})

/** What was said last, for a mail that tells of nothing said. */
export function lastExchange({ before }: ToldTicket, reader: Reader): Rich | null {
  const parts = before.map((one, n) => commentOf(one, reader, n === 0 ? limits.comment : limits.shortened))
  return parts.length === 0 ? null : joined(parts)
}

const heading = (words: string): Rich => ({ text: `${words}:`, html: `<p>${escapeHtml(words)}:</p>` })

function commentOf(comment: ToldComment, { phrases, locale, zone, url }: Reader, most: number): Rich {
  const at = dueText({ at: seconds(comment.at), zone, locale })
  const kind = comment.visibility === 'internal' ? ` (${phrases.internal})` : ''
  const head = `${authorOf(comment)}${kind}, ${at}:`
  const text = comment.text.replaceAll('\r\n', '\n').trim()
  const isCut = comment.cut || text.length > most
  const body = isCut ? `${text.slice(0, most).trimEnd()}\n${phrases.cut}` : text
  const files = comment.files.map(
    (file) => `${oneLine(file.filename)} (${sizeOf(file.size)}) <${new URL(`/attachments/${file.id}`, url).href}>`,
  )
  const lines = [body, ...(files.length > 0 ? [`${phrases.attachments}:`, ...files.map((one) => `- ${one}`)] : [])]
  const whole = lines.filter(Boolean).join('\n')
  return {
    text: `${head}\n${whole}`,
    html: `<p><b>${escapeHtml(head)}</b></p>\n<div style="${BAR}">${htmlOf(whole)}</div>`,
  }
}

/** Quoted by a bar and not as a quotation, which mail clients fold away. */
const BAR = 'border-left:3px solid #ccc;padding-left:10px'

const authorOf = (comment: ToldComment): string => oneLine(comment.author_name || comment.author_address || '–')

const linesOf = (lines: string[]): Rich => ({ text: lines.join('\n'), html: lines.map(escapeHtml).join('<br>\n') })

const htmlOf = (text: string): string => escapeHtml(text).replaceAll('\n', '<br>\n')

const sizeOf = (bytes: number): string =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`

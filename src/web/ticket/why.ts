/**
 * The decision about a mail, for people: why this kind, this author, this ticket, this project, these dates. Reads the
 * trace that was stored with the mail; one of an older version may lack any part, and then that part is not shown.
 */
import { html } from 'hono/html'
import type { Plan } from '../../engine/receive.ts'
import type { Auth } from '../../incoming.ts'
import type { SignedIn } from '../context.ts'
import { type Html, time } from '../page.ts'
import { METRIC_WORDS, shortLength, shownDue, whenText } from '../words.ts'
import type { MailRow } from './load.ts'

/** What `traceOf` in engine/receive/plan.ts made, as JSON. */
type Trace = {
  auth?: Auth
  author?: Plan['author']
  thread?: Plan['thread']
  route?: { project: string; rule: string | null; trace: string } | null
  signals?: Plan['signals']
  sla?: {
    policy: string | null
    why: string
    calendar: string | null
    clocks: { metric: string; target: number; due: string | null; state?: string }[]
  }
}

/** One row a question; nothing where the mail has no trace. */
export function whyHere(mail: MailRow, agent: SignedIn): Html {
  const trace = (mail.trace ?? {}) as Trace
  const { author, auth, thread, route, sla } = trace
  return html`<dl class="why">
    ${mail.kind && row('Kind', html`${KIND_WORDS[mail.kind] ?? mail.kind}${list(signalWords(trace))}`)}
    ${author && row('Author', html`${authorWords(author)}${auth && html`<span class="sub">Sender ${authWords(auth)}</span>`}`)}
    ${thread && row('Ticket', html`${threadWords(thread)}${list(thread.refused.map((one) => `Not #${one.ticket} by ${BY_WORDS[one.by] ?? one.by}: ${one.why}.`))}`)}
    ${route && row('Project', html`${route.project}, by ${route.rule === null ? 'the inbox' : `rule “${route.rule}”`}${list(route.trace === '' ? [] : route.trace.split('\n'))}`)}
    ${sla && row('Dates', html`${sla.policy === null ? 'Nothing is promised' : `Policy ${sla.policy}`}: ${sla.why}${dates(sla, agent)}`)}
  </dl>`
}

const row = (question: string, answer: Html): Html => html`<div><dt>${question}</dt><dd>${answer}</dd></div>`

const list = (lines: string[]): Html =>
  lines.length === 0 ? html`` : html`<ul class="sub">${lines.map((line) => html`<li>${line}</li>`)}</ul>`

const KIND_WORDS: Record<string, string> = {
  human: 'Written by a person',
  autoreply: 'An automatic reply',
  autogen: 'Made by a program',
  list: 'From a mailing list',
  dsn: 'A delivery report',
  mdn: 'A read receipt',
  arf: 'A complaint report',
  calendar_reply: 'An answer to an invitation',
  own: 'Our own mail',
  empty: 'Empty',
}

const signalWords = ({ signals = [] }: Trace): string[] =>
  signals.length > 0 ? signals.map((one) => `${one.words} (${one.rule})`) : ['nothing says otherwise']

function authorWords({ role, address, name, organization }: Plan['author']): string {
  const who = address === null ? 'Nobody could be read' : name ? `${name} <${address}>` : address
  return `${who}, ${role}${organization ? ` of ${organization}` : ''}`
}

const authWords = ({ verdict, spf, dkim, dmarc, reasons }: Auth): string =>
  `${VERDICT_WORDS[verdict]} (SPF ${spf}, DKIM ${dkim}, DMARC ${dmarc}). ${reasons.map((one) => one.words).join('; ')}`

const VERDICT_WORDS: Record<Auth['verdict'], string> = {
  strong: 'proven',
  weak: 'partly proven',
  none: 'not proven',
  fail: 'forged, as its domain says',
}

const threadWords = ({ ticket, by }: Plan['thread']): string =>
  ticket === null || by === null ? 'A new one: it names none that it may join' : `#${ticket}, by ${BY_WORDS[by] ?? by}`

const BY_WORDS: Record<string, string> = {
  token: 'its signed reply address',
  our_id: 'the Message-ID of a mail of ours',
  foreign_id: 'the Message-ID of a mail in it',
  ancestor: 'a mail that both answer',
  body_token: 'the signed address in its text',
  side: 'the side question it answers',
  external_id: 'the number of another system',
  subject_tag: 'the number in its subject',
  provider: 'what its provider says',
}

function dates({ clocks, calendar }: NonNullable<Trace['sla']>, { zone }: SignedIn): Html {
  if (clocks.length === 0) return html``
  return html`<ul class="sub">${clocks.map(({ metric, target, due, state }) => {
    const at = due === null ? null : shownDue(new Date(due))
    return html`<li>${METRIC_WORDS[metric] ?? metric}: ${shortLength(target)} of calendar ${calendar ?? 'none'},
      ${at === null ? (state === 'paused' ? 'standing still' : 'never reached') : html`until ${time(at, whenText(at, zone))}`}</li>`
  })}</ul>`
}

/**
 * The card of an invitation (MAIL 4.20): what, when in the reader's zone, where, by whom. All of it is a stranger's words:
 * shown as text, nothing in it is a link, and nobody is answered.
 */
import { html } from 'hono/html'
import type { CalendarCard } from '../../incoming.ts'
import { Temporal } from '../../time.ts'
import type { SignedIn } from '../context.ts'
import { type Html, time } from '../page.ts'
import { whenText } from '../words.ts'
import { ianaZone } from './zones.ts'

export function invitation(card: CalendarCard | null, agent: SignedIn): Html {
  if (!card) return html``
  const row = (name: string, value: Html | string) => value !== '' && html`<div><dt>${name}</dt><dd>${value}</dd></div>`
  const { organiser } = card
  return html`<section class="invitation${card.method === 'cancel' && html` cancelled`}" aria-label="Invitation">
    <p class="sub">${METHOD_WORDS[card.method ?? ''] ?? METHOD_WORDS.publish}</p>
    <h4>${card.title || 'Without a title'}</h4>
    <dl>
      ${row('When', when(card, agent.zone))}
      ${row('Where', card.location)}
      ${row('By', organiser === null ? '' : organiser.name ? html`${organiser.name} <span class="sub address">${organiser.address}</span>` : organiser.address)}
    </dl>
  </section>`
}

/** `Eva Brandt accepted the invitation “Demo”`, of a `calendar_answer` event's data, which older rows have less of. */
export function calendarAnswer({ from, name, title, answer }: Record<string, unknown>): string {
  const did = ANSWER_WORDS[String(answer ?? '')] ?? 'answered the invitation'
  return `${name || from || 'Somebody'} ${did}${title ? ` “${title}”` : ''}`
}

const ANSWER_WORDS: Record<string, string> = {
  accepted: 'accepted the invitation',
  declined: 'declined the invitation',
  tentative: 'accepted the invitation tentatively',
  delegated: 'passed the invitation on',
}

const METHOD_WORDS: Record<string, string> = {
  request: 'Invitation',
  publish: 'Calendar entry',
  cancel: 'Cancelled',
  counter: 'Another time is proposed',
  add: 'Further dates of an invitation',
  refresh: 'Asks for the invitation once more',
  declinecounter: 'The proposed time is declined',
  reply: 'Answer to an invitation',
}

function when({ start, end, zone }: CalendarCard, reader: string): Html | string {
  if (start === null) return ''
  if (!start.includes('T')) return wholeDays(start, end)
  const place = zone === null ? reader : ianaZone(zone)
  const [from, to] = [instant(start, place), instant(end, place)]
  // a time of nobody knows where stands as it was written
  if (from === null) return html`${start.replace('T', ' ')}${zone && html` <span class="sub">${zone}</span>`}`
  const there = place !== null && place !== reader && place !== 'UTC' && whenText(from, place)
  return html`${time(from, whenText(from, reader))}${to && html` to ${time(to, endText(from, to, reader))}`}
    ${there && html`<span class="sub">${there} there</span>`}`
}

/** RFC 5545 3.6.1: the end of a whole day is the day after it. */
function wholeDays(start: string, end: string | null): string {
  try {
    const first = Temporal.PlainDate.from(start)
    const last = end !== null && !end.includes('T') ? Temporal.PlainDate.from(end).subtract({ days: 1 }) : first
    const text = (day: typeof first) =>
      day.toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })
    return Temporal.PlainDate.compare(last, first) > 0 ? `${text(first)} to ${text(last)}` : `${text(first)}, all day`
  } catch {
    return start // the 31st of February
  }
}

function instant(local: string | null, zone: string | null): Date | null {
  if (local === null || zone === null) return null
  try {
    const there = Temporal.PlainDateTime.from(local.includes('T') ? local : `${local}T00:00:00`).toZonedDateTime(zone)
    return new Date(there.epochMilliseconds)
  } catch {
    return null
  }
}

/** On the same day the time is enough. */
function endText(from: Date, to: Date, zone: string): string {
  const [a, b] = [whenText(from, zone), whenText(to, zone)]
  return a.split(',')[0] === b.split(',')[0] ? b.slice(b.indexOf(',') + 2) : b
}

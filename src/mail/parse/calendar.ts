/**
 * What the card of an invitation shows (4.20), of the first VEVENT of a text/calendar part. A line reader of our own:
 * ical.js builds the whole calendar, every recurrence of it included, of which the card shows four properties. Linear;
 * answers nobody (never RSVP).
 */
import type { CalendarCard, MailAddress } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import { normaliseAddress } from './addresses.ts'
import { withoutTricks } from './headers.ts'

type Property = { name: string; params: Map<string, string>; value: string }

/** Null where the text holds no event. `method` is that of the Content-Type; the calendar's own is second to it. */
export function readCalendar(text: string, method: string | null): CalendarCard | null {
  const card: CalendarCard = {
    method: method === null ? null : words(method).toLowerCase().slice(0, 40),
    title: '',
    start: null,
    end: null,
    zone: null,
    organiser: null,
    location: '',
    answer: null,
  }
  let depth = 0 // of components within the event, whose properties are not the event's: alarms
  let found = false
  for (const line of unfolded(text)) {
    const property = propertyOf(line)
    if (!property) continue
    const { name, value } = property
    if (name === 'METHOD' && !found) card.method ??= words(value).toLowerCase().slice(0, 40)
    else if (name === 'BEGIN' && found) depth++
    else if (name === 'BEGIN' && /^vevent$/i.test(value.trim())) found = true
    else if (name === 'END' && found && depth-- === 0) break
    if (!found || depth > 0) continue
    if (name === 'SUMMARY') card.title ||= words(value)
    else if (name === 'LOCATION') card.location ||= words(value)
    else if (name === 'ORGANIZER') card.organiser ??= person(property)
    else if (name === 'ATTENDEE') card.answer ??= words(property.params.get('PARTSTAT') ?? '').toLowerCase() || null
    else if (name === 'DTEND') card.end ??= time(value)
    else if (name === 'DTSTART' && card.start === null) {
      card.start = time(value)
      card.zone = /Z\s*$/i.test(value) ? 'UTC' : words(property.params.get('TZID') ?? '').slice(0, 100) || null
    }
  }
  if (!found) return null
  return card.method === 'reply' ? card : { ...card, answer: null }
}

/** RFC 5545 3.1: a line that begins with a blank continues the one before. */
function* unfolded(text: string): Generator<string> {
  let line = ''
  for (const next of text.slice(0, limits.parse.calendar).split(/\r\n|\n|\r/)) {
    if ((next[0] === ' ' || next[0] === '\t') && line !== '') {
      if (line.length < 10_000) line += next.slice(1)
      continue
    }
    if (line !== '') yield line
    line = next
  }
  if (line !== '') yield line
}

/** NAME;PARAM=value;PARAM="value":value */
function propertyOf(line: string): Property | null {
  const name = /^[A-Za-z-]{1,40}(?=[;:])/.exec(line)?.[0]
  if (!name) return null
  const params = new Map<string, string>()
  let at = name.length
  while (line[at] === ';') {
    const param = /^;([A-Za-z0-9-]{1,40})=("[^"]{0,500}"|[^;:"]{0,500})/.exec(line.slice(at, at + 600))
    if (!param) return null
    params.set(param[1]!.toUpperCase(), param[2]!.replaceAll('"', ''))
    at += param[0].length
  }
  return line[at] === ':' ? { name: name.toUpperCase(), params, value: line.slice(at + 1) } : null
}

/** `20260303T091500Z` as `2026-03-03T09:15:00`, `20260303` as `2026-03-03`; null where it is no time. */
function time(value: string): string | null {
  const [, year, month, day, hour, minute, second] =
    /^\s*(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z?)?\s*$/i.exec(value) ?? []
  if (!year) return null
  return hour ? `${year}-${month}-${day}T${hour}:${minute}:${second}` : `${year}-${month}-${day}`
}

function person({ params, value }: Property): MailAddress | null {
  const address = normaliseAddress(value)
  return address === null ? null : { name: words(params.get('CN') ?? ''), address }
}

const words = (value: string) =>
  withoutTricks(
    value
      .slice(0, 2000)
      .replace(/\\n/gi, ' ')
      .replace(/\\([,;\\])/g, '$1'),
  )
    .trim()
    .slice(0, 500)
    .toWellFormed()

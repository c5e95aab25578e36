/**
 * Due dates in words for people (SLA D1-D3, mail rule 8.15): when, in whose clock, how long still, and how it was
 * computed. Pure texts in the recipient's language; it decides neither zone nor language.
 */
import { hours } from '../limits.ts'
import { remember } from './business-hours/remember.ts'
import type { Calendar } from './business-hours.ts'
import { formatter } from './due-words/formatter.ts'
import { type Phrases, phrasesFor } from './due-words/phrases.ts'
import { type Stretch, spansText } from './due-words/spans.ts'
import { weekText } from './due-words/week.ts'

export type DueAt = {
  /** Epoch seconds. */
  at: number
  /** IANA name. */
  zone: string
  /** BCP 47, such as `de` or `en-GB`. */
  locale: string
}

export type HowComputed = {
  calendar: Calendar
  targetSeconds: number
  locale: string
  /** Named at the end; else the city of the calendar's zone. */
  place?: string
  /** The time that was computed over, epoch seconds: its holidays and exceptions are named, and its working time. */
  from?: number
  due?: number
  /** Of a clock that has been paused, or counted by other calendars before: what it ran in, the last until it is due. */
  ran?: readonly Stretch[]
}

/**
 * `Friday, 27 November 2026 at 17:00 CET (UTC+01:00)`: rounded up to the minute (D3), always with the zone named, so
 * that the repeated hour of autumn can be told apart. Throws RangeError for an unknown zone.
 */
export function dueText({ at, zone, locale }: DueAt): string {
  const shown = Math.ceil(at / 60) * 60_000
  // A burst of mails is promised the same few minutes, and finding a zone's name takes up to nine formatters.
  return remember(dueTexts, `${shown} ${zone} ${locale}`, hours.cachedTexts, () => {
    const language = regional(usable(locale), zone)
    const format = formatter(language, { dateStyle: 'full', timeStyle: 'short', timeZone: zone })
    return `${plainSpaces(format.format(shown))} ${zoneText(shown, zone, language)}`
  })
}

const dueTexts = new Map<string, string>()

/**
 * Working time left, `3 hours 20 minutes left`, or over when negative, `1 hour 5 minutes overdue`. Hours and minutes,
 * never days; what is left is floored and what is over is ceiled to the minute (D3).
 */
export function remainingText(seconds: number, locale: string): string {
  const phrases = phrasesFor(locale)
  if (seconds < 0) return phrases.overdue(lengthText(Math.ceil(-seconds / 60) * 60, locale))
  return phrases.left(lengthText(Math.floor(seconds / 60) * 60, locale))
}

/** `1 hour 30 minutes`: hours, minutes, and seconds only where there are any; `0 minutes` for nothing. */
export function lengthText(seconds: number, locale: string): string {
  const language = phrasesFor(locale).locale
  const [hour, minute, second] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60]
  const parts = [
    ...(hour > 0 ? [unitText(hour, 'hour', language)] : []),
    ...(minute > 0 || (hour === 0 && second === 0) ? [unitText(minute, 'minute', language)] : []),
    ...(second > 0 ? [unitText(second, 'second', language)] : []),
  ]
  return parts.join(' ')
}

/**
 * How a due date was computed, in one line: `8 working hours, Mon-Fri 9-17, Berlin`; `4 hours, around the clock`.
 * A week too irregular for a line is told by its hours. With `from` and `due`, the holidays and exceptions between
 * them follow the week, because without them the line would not add up, and then the spans that were counted (C7):
 * `…, Berlin: Mon 14:00→17:00, Tue 9:00→14:00`.
 */
export function howText(how: HowComputed): string {
  const { from, due } = how
  if (how.ran || from === undefined || due === undefined) return computedText(how)
  // to the minute, as the spans are told: a burst of mails is told the same few lines
  const minutes = `${Math.floor(from / 60)} ${Math.floor(due / 60)} ${Math.ceil(due / 60)}`
  const key = `${how.targetSeconds} ${minutes} ${how.locale} ${how.place ?? ''}`
  const texts = howTexts.get(how.calendar) ?? new Map<string, string>()
  if (texts.size === 0) howTexts.set(how.calendar, texts)
  return remember(texts, key, hours.cachedTexts, () => computedText(how))
}

const howTexts = new WeakMap<Calendar, Map<string, string>>()

function computedText(how: HowComputed): string {
  const { calendar, locale, from, due } = how
  const stretch = from === undefined || due === undefined ? [] : [{ calendar, from, to: due }]
  const spans = spansText(how.ran ?? stretch, phrasesFor(locale), (seconds) => lengthText(seconds, locale))
  return spans ? `${termsText(how)}: ${spans}` : termsText(how)
}

function termsText({ calendar, targetSeconds, locale, place, from, due }: HowComputed): string {
  const phrases = phrasesFor(locale)
  if (calendar.always) return `${lengthText(targetSeconds, locale)}, ${phrases.aroundTheClock}`
  const week = weekText(calendar, phrases, (seconds) => lengthText(seconds, locale))
  const special = from === undefined || due === undefined ? [] : week.special(from, due)
  const where = place ?? cityOf(calendar.tz)
  return [targetText(targetSeconds, phrases), ...week.regular, ...special, where].join(', ')
}

/** The last part of a zone's name: `New York` of `America/New_York`. */
export const cityOf = (zone: string): string => zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ')

function targetText(seconds: number, phrases: Phrases): string {
  if (seconds > 0 && seconds % 3600 === 0) return phrases.workingHours(seconds / 3600)
  return phrases.ofWorkingTime(lengthText(seconds, phrases.locale))
}

function unitText(value: number, unit: 'hour' | 'minute' | 'second', locale: string): string {
  const format = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' })
  return plainSpaces(format.format(value))
}

/** `CET (UTC+01:00)`, or the offset alone where nobody has a name for it. */
function zoneText(at: number, zone: string, locale: string): string {
  const offset = zonePart(at, zone, 'en', 'longOffset').replace('GMT', 'UTC') || 'UTC'
  const numeric = offset === 'UTC' ? 'UTC+00:00' : offset
  const name = [locale, ...NAMING].map((each) => zonePart(at, zone, each, 'short')).find(isName)
  if (name === 'UTC') return name
  return name ? `${name} (${numeric})` : numeric
}

// A language knows few names of zones: English of Great Britain has CET and EET, of the States EST and so on.
const NAMING = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA', 'en-CA', 'en-NZ']

/** `GMT-5`, `UTC+1`, `GMT+0` are offsets, not names. */
const isName = (text: string): boolean => text !== '' && !/\d/.test(text)

function zonePart(at: number, zone: string, locale: string, timeZoneName: 'short' | 'longOffset'): string {
  const parts = formatter(locale, { timeZone: zone, timeZoneName }).formatToParts(at)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? ''
}

/** Bare English is American only in America: a customer in Berlin reads `27 November 2026 at 17:00`. */
export function regional(locale: string, zone: string): string {
  return locale === 'en' ? (/^(America|US)\/|^Pacific\/Honolulu$/.test(zone) ? 'en-US' : 'en-GB') : locale
}

/** A locale as Intl takes it; English for anything it does not. */
function usable(locale: string): string {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(locale)[0] ?? 'en'
  } catch {
    return 'en' // not a language tag at all: the locale comes from a mail or an import, and a due date is still due
  }
}

/** Narrow and no-break spaces look broken in plain-text mails and terminals. */
const plainSpaces = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ')

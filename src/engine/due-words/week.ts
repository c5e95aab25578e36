/** The working week of a calendar in a line: `Mon-Thu 9-17, Fri 9-15`, and the dates of a stretch that differ from it. */

import { dateOfDay, dayNumber, secondsOfDay } from '../business-hours/calendar.ts'
import { offsetAt } from '../business-hours/zone.ts'
import type { Calendar, Shift, Weekday } from '../business-hours.ts'
import { formatter } from './formatter.ts'
import type { Phrases } from './phrases.ts'

export type WeekText = {
  /** The usual week; empty for a calendar of exceptions only. */
  regular: string[]
  /** What holidays and exceptions change between two instants, a part a date, the first three. */
  special: (from: number, due: number) => string[]
}

/** The words of a week; `length` words a number of seconds. */
export function weekText(calendar: Calendar, phrases: Phrases, length: (seconds: number) => string): WeekText {
  const groups = groupDays(calendar)
  const parts = groups.map((group) => `${daysText(group.days, phrases.locale)} ${shiftsText(group.spans)}`)
  // Months of shifts would fit nobody's line; the days and their sum are shorter and still true.
  const regular = parts.join(', ').length <= LONGEST ? parts : [summaryText(groups, phrases, length)]
  return { regular, special: (from, due) => specialDates(calendar, { from, due, phrases }) }
}

type Span = [start: number, end: number]
type Group = { days: number[]; spans: Span[] }

const LONGEST = 60
const SPECIALS = 3
const DAY = 86_400
const WEEK = ['1', '2', '3', '4', '5', '6', '7'] as const satisfies Weekday[]

/** Open weekdays (0 is Monday) with equal hours together, in the order of their first day. */
function groupDays(calendar: Calendar): Group[] {
  const groups = new Map<string, Group>()
  WEEK.forEach((weekday, day) => {
    const spans = union(calendar.weekly?.[weekday] ?? [])
    if (spans.length === 0) return
    const group = groups.get(spans.join()) ?? { days: [], spans }
    group.days.push(day)
    groups.set(spans.join(), group)
  })
  return [...groups.values()]
}

/** Shifts as seconds of the day, overlapping and touching ones joined; an end over 86 400 is on the next date. */
function union(shifts: readonly Shift[]): Span[] {
  const spans = shifts.map(([from, to]): Span => {
    const [start, end] = [secondsOfDay(from) ?? 0, secondsOfDay(to) ?? 0]
    return [start, end <= start ? end + DAY : end]
  })
  const joined: Span[] = []
  for (const [start, end] of spans.sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], end)
    else joined.push([start, end])
  }
  return joined
}

/** `Mon-Wed/Fri`: neighbours become a range. */
function daysText(days: number[], locale: string): string {
  const ranges: [first: number, last: number][] = []
  for (const day of days) {
    const range = ranges.at(-1)
    if (range && range[1] === day - 1) range[1] = day
    else ranges.push([day, day])
  }
  const name = formatter(locale, { weekday: 'short', timeZone: 'UTC' })
  const word = (day: number) => name.format((day + 4) * DAY * 1000) // 1970-01-05 was a Monday
  return ranges.map(([first, last]) => (first === last ? word(first) : `${word(first)}-${word(last)}`)).join('/')
}

const shiftsText = (spans: Span[]): string => spans.map(spanText).join(' + ')

/** `9-17`, and `8:00-17:30` as soon as either is not a full hour. */
function spanText([start, end]: Span): string {
  const close = end > DAY ? end - DAY : end
  const isFull = start % 3600 === 0 && close % 3600 === 0
  return `${timeText(start, isFull)}-${timeText(close, isFull)}`
}

function timeText(time: number, isFull: boolean): string {
  const hour = Math.floor(time / 3600)
  return isFull ? String(hour) : `${hour}:${String((time / 60) % 60).padStart(2, '0')}`
}

function summaryText(groups: Group[], phrases: Phrases, length: (seconds: number) => string): string {
  const days = groups.flatMap((group) => group.days).sort((a, b) => a - b)
  return `${daysText(days, phrases.locale)} ${phrases.aWeek(length(weekSeconds(groups)))}`
}

/** Seconds of a week without clock changes; a night that runs into the next day's hours counts once. */
function weekSeconds(groups: Group[]): number {
  const placed = groups.flatMap(({ days, spans }) => {
    return days.flatMap((day) => spans.map(([start, end]): Span => [day * DAY + start, day * DAY + end]))
  })
  // Sunday's tail lies on the next Monday: fold it back before counting.
  const folded = placed.flatMap(([start, end]): Span[] => {
    return end > 7 * DAY
      ? [
          [start, 7 * DAY],
          [0, end - 7 * DAY],
        ]
      : [[start, end]]
  })
  let [sum, reached] = [0, 0]
  for (const [start, end] of folded.sort((a, b) => a[0] - b[0])) {
    sum += Math.max(0, end - Math.max(start, reached))
    reached = Math.max(reached, end)
  }
  return sum
}

type Stretch = { from: number; due: number; phrases: Phrases }

/** `24 Dec 9-12`, `25 Dec closed`: dates of the stretch, in the calendar's zone, that are not as their weekday is. */
function specialDates(calendar: Calendar, { from, due, phrases }: Stretch): string[] {
  const localDay = (at: number) => Math.floor((at + offsetAt(calendar.tz, at)) / DAY)
  const [first, last] = [localDay(from) - 1, localDay(due)] // the night before reaches into the first day
  const changed = new Map<number, Span[]>()
  // A file may name thousands: texts are compared before any is computed with.
  const [since, until] = [dateOfDay(first), dateOfDay(last)]
  for (const holiday of calendar.holidays ?? []) {
    if (holiday.length > 5 && (holiday < since || holiday > until)) continue
    for (const day of occurrences(holiday, first, last)) changed.set(day, [])
  }
  for (const [date, shifts] of Object.entries(calendar.exceptions ?? {})) {
    for (const day of occurrences(date, first, last)) changed.set(day, union(shifts))
  }
  const closedText = (day: number) => {
    const name = calendar.names?.[dateOfDay(day)]
    return name ? `${phrases.closed} (${name})` : phrases.closed
  }
  const parts = [...changed]
    .filter(([day, spans]) => isNoticed(calendar, day, { spans, first }))
    .sort(([a], [b]) => a - b)
    .map(([day, spans]) => `${dateText(day, phrases.locale)} ${spans.length ? shiftsText(spans) : closedText(day)}`)
  return parts.length > SPECIALS ? [...parts.slice(0, SPECIALS), '…'] : parts
}

/** The days in [first, last] that a date, yearly or not, names. */
function occurrences(date: string, first: number, last: number): number[] {
  if (date.length > 5) return [dayNumber(date)].filter((day) => day !== null && day >= first && day <= last) as number[]
  const found: number[] = []
  for (let year = yearOf(first); year <= yearOf(last); year++) {
    const day = dayNumber(`${year}-${date}`)
    if (day !== null && day >= first && day <= last) found.push(day)
  }
  return found
}

const yearOf = (day: number): number => new Date(day * DAY * 1000).getUTCFullYear()

type Change = { spans: Span[]; first: number }

/** A holiday on a Sunday changes nothing; of the day before the stretch only a night would reach into it. */
function isNoticed(calendar: Calendar, day: number, { spans, first }: Change): boolean {
  const usual = union(calendar.weekly?.[WEEK[(((day + 3) % 7) + 7) % 7]!] ?? [])
  if (usual.join() === spans.join()) return false
  return day > first || [...usual, ...spans].some(([, end]) => end > DAY)
}

function dateText(day: number, locale: string): string {
  const language = locale === 'en' ? 'en-GB' : locale
  return formatter(language, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(day * DAY * 1000)
}

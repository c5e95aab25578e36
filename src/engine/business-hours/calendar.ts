/**
 * What a working calendar is and whether it is sound (SLA C1, M3), and the short form people write in the desk file.
 * Every fault has words for the person who wrote it; nothing here computes time.
 */
import { Refusal } from '../../errors.ts'
import { hours } from '../../limits.ts'
import { isZone } from '../../time.ts'

/** `['09:00', '17:00']`; the end may be `24:00`, and an end at or before the start is on the next date (C5). */
export type Shift = readonly [start: string, end: string]

/** ISO weekday: 1 is Monday. */
export type Weekday = '1' | '2' | '3' | '4' | '5' | '6' | '7'

export type Calendar = {
  readonly tz: string
  /** Every second is working time, and the rest is ignored (C2). */
  readonly always?: boolean
  /** A missing weekday is closed. */
  readonly weekly: Readonly<Partial<Record<Weekday, readonly Shift[]>>>
  /** `2026-12-25`, or `12-25` for every year. */
  readonly holidays: readonly string[]
  /** Shifts that replace those of a date, holidays included (C7). */
  readonly exceptions: Readonly<Record<string, readonly Shift[]>>
  /** What holidays are called, by their date `2026-12-25`; they are shown and count nothing. */
  readonly names?: Readonly<Record<string, string>>
}

/**
 * What is wrong with a calendar, in words, one sentence a fault; empty when it is sound (M3). Takes the whole form
 * and the short form of the desk file (see expandCalendar).
 */
export const checkCalendar = (calendar: unknown): string[] => readCalendar(calendar).faults

/**
 * The whole calendar behind a short form such as `{tz, weekly: {mon-fri: ["09:00-17:00"]}, holidays: ["01-01"]}`,
 * deeply frozen. Day keys are `mon`..`sun`, ranges (`mon-fri`, `sat-sun`, `fri-mon`) and lists (`mon,wed`), or ISO
 * numbers; times are `"09:00-17:00"` or `["09:00", "17:00"]`. The whole form comes back as it is.
 * Throws Refusal `bad_calendar` (config) naming every fault.
 */
export function expandCalendar(short: unknown): Calendar {
  const { calendar, faults } = readCalendar(short)
  if (faults.length > 0) throw new Refusal('bad_calendar', faults.join('; '), 'config')
  return calendar
}

/** Freezes a calendar read from the database, whole, so that its index is found by identity and not by content. */
export function frozenCalendar(calendar: Calendar): Calendar {
  freeze(calendar)
  return calendar
}

/** Seconds of the day for `HH:MM` (`24:00` included), null for anything else. */
export function secondsOfDay(time: string): number | null {
  const match = /^(\d\d):(\d\d)$/.exec(time)
  const [hour, minute] = [Number(match?.[1]), Number(match?.[2])]
  if (!match || minute > 59 || hour > 24 || (hour === 24 && minute > 0)) return null
  return hour * 3600 + minute * 60
}

/** Days since 1970-01-01 of a civil date `YYYY-MM-DD`, null where no such date exists. */
export function dayNumber(date: string): number | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return null
  const at = Date.parse(`${date}T00:00:00Z`)
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== date ? null : at / 86_400_000
}

/** The other way round. */
export const dateOfDay = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10)

/** `MM-DD` of some year: `02-29` is one (C7). */
export const isYearlyDate = (date: string): boolean => /^\d\d-\d\d$/.test(date) && dayNumber(`2024-${date}`) !== null

type Days = Record<string, Shift[]>
type Reading = { calendar: Calendar; faults: string[] }

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

function readCalendar(value: unknown): Reading {
  const faults: string[] = []
  if (!isObject(value)) return { calendar: EMPTY, faults: ['a calendar is an object with tz and weekly'] }
  const always = value.always === true
  if (value.always !== undefined && typeof value.always !== 'boolean') faults.push('always: is true or false')
  const tz = value.tz ?? (always ? 'UTC' : '')
  if (typeof tz !== 'string' || !isZone(tz)) faults.push(`tz: ${show(tz)} is not a zone such as "Europe/Berlin"`)
  const weekly = readWeekly(value.weekly ?? {}, faults)
  const holidays = readHolidays(value.holidays ?? [], faults)
  const exceptions = readExceptions(value.exceptions ?? {}, faults)
  const isEmpty =
    [...Object.values(weekly)].every((shifts) => shifts.length === 0) && Object.keys(exceptions).length < 1
  if (!always && isEmpty && faults.length === 0) faults.push('weekly: no working time at all, so nothing is ever due')
  const calendar = { tz: String(tz), ...(always ? { always } : {}), weekly, holidays, exceptions }
  freeze(calendar)
  return { calendar, faults }
}

function readWeekly(value: unknown, faults: string[]): Days {
  if (!isObject(value)) {
    faults.push('weekly: is an object such as {mon-fri: ["09:00-17:00"]}')
    return {}
  }
  const weekly: Days = {}
  for (const [key, shifts] of Object.entries(value)) {
    const days = readDays(key)
    if (days.length === 0) faults.push(`weekly: ${show(key)} is not a weekday (mon..sun, mon-fri, "mon,wed")`)
    const read = readShifts(shifts, `weekly, ${key}`, faults)
    for (const day of days) {
      // A second mention could mean "instead" or "also": nobody should have to guess.
      if (weekly[day]) faults.push(`weekly: ${WEEKDAYS[Number(day) - 1]} is named twice`)
      weekly[day] = read
    }
  }
  return weekly
}

/** ISO weekdays named by a key, in order; none when any part of it is not understood. */
function readDays(key: string): string[] {
  const days: number[] = []
  for (const part of key.toLowerCase().split(',')) {
    const [first, last, ...rest] = part.split('-').map((word) => readDay(word.trim()))
    if (first === undefined || first < 0 || rest.length > 0 || last === -1) return []
    for (let day = first; ; day = (day + 1) % 7) {
      days.push(day + 1)
      if (day === (last ?? first)) break
    }
  }
  return days.map(String)
}

const readDay = (word: string): number => (/^[1-7]$/.test(word) ? Number(word) - 1 : WEEKDAYS.indexOf(word))

function readShifts(value: unknown, where: string, faults: string[]): Shift[] {
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list)) {
    faults.push(`${where}: is a list of times such as ["09:00-17:00"], or [] for closed`)
    return []
  }
  if (list.length > hours.shifts) faults.push(`${where}: more than ${hours.shifts} shifts a day`)
  return list.flatMap((entry) => {
    const [start, end, ...rest] = typeof entry === 'string' ? entry.split('-').map((time) => time.trim()) : pair(entry)
    const fault = rest.length > 0 ? MALFORMED : shiftFault(start, end)
    if (fault === null) return [[start as string, end as string] as const]
    faults.push(`${where}: ${show(entry)} ${fault}`)
    return []
  })
}

const MALFORMED = 'is not a time span such as "09:00-17:00"'

const pair = (entry: unknown): unknown[] => (Array.isArray(entry) ? entry : [])

function shiftFault(start: unknown, end: unknown): string | null {
  if (typeof start !== 'string' || typeof end !== 'string') return MALFORMED
  if (secondsOfDay(start) === null || secondsOfDay(end) === null) return MALFORMED
  if (start === '24:00') return 'starts at 24:00; write 00:00 of the next day'
  if (start === end) return 'starts and ends at the same time; write 00:00-24:00 for a whole day'
  return null
}

function readHolidays(value: unknown, faults: string[]): string[] {
  if (!Array.isArray(value)) {
    faults.push('holidays: is a list of dates such as ["2026-12-25", "01-01"]')
    return []
  }
  return value.flatMap((date) => {
    if (typeof date === 'string' && (isYearlyDate(date) || dayNumber(date) !== null)) return [date]
    faults.push(`holidays: ${show(date)} is not a date YYYY-MM-DD or MM-DD`)
    return []
  })
}

function readExceptions(value: unknown, faults: string[]): Days {
  if (!isObject(value)) {
    faults.push('exceptions: is an object such as {"2026-12-24": ["09:00-12:00"]}')
    return {}
  }
  const exceptions: Days = {}
  for (const [date, shifts] of Object.entries(value)) {
    if (dayNumber(date) === null) faults.push(`exceptions: ${show(date)} is not a date YYYY-MM-DD`)
    exceptions[date] = readShifts(shifts, `exceptions, ${date}`, faults)
  }
  return exceptions
}

const EMPTY: Calendar = Object.freeze({ tz: 'UTC', weekly: {}, holidays: [], exceptions: {} })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 60)

function freeze(calendar: Calendar): void {
  const days = [...Object.values(calendar.weekly ?? {}), ...Object.values(calendar.exceptions ?? {})]
  for (const shifts of days) for (const shift of shifts ?? []) Object.freeze(shift)
  for (const shifts of days) Object.freeze(shifts)
  for (const part of [calendar.weekly, calendar.holidays, calendar.exceptions, calendar.names]) Object.freeze(part)
  Object.freeze(calendar)
}

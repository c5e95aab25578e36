/**
 * Yearly recurrence of whole days (RFC 5545 3.3.10) as calendars of public holidays use it. A day belongs to a rule or
 * it does not, so a year is walked and each day asked. ical.js 2.2.1 has iterators, and carries days that a month does
 * not have into the next one (29 February, the last day of several months); that is why this is here.
 */
import { dateOfDay, dayNumber } from '../business-hours/calendar.ts'

/** Months 1-12; days of the month, from its end where negative; weekdays 1 (Monday) to 7 with their count, 0 for all. */
export type YearlyRule = {
  interval: number
  count: number | null
  until: string | null
  months: number[] | null
  days: number[] | null
  weekdays: { nth: number; weekday: number }[] | null
}

/** A rule from what ical.js made of it, with what it leaves to its first day `YYYY-MM-DD` filled in; else what is wrong. */
export function readRule(recur: Record<string, unknown>, first: string): YearlyRule | string {
  const unknown = Object.keys(recur).find((key) => !KNOWN.includes(key))
  if (recur.freq !== 'YEARLY') return `FREQ=${String(recur.freq)} does not recur every year`
  if (unknown) return `${unknown.toUpperCase()} is not understood here`
  const list = (key: string) => (recur[key] === undefined ? null : [recur[key]].flat().map(Number))
  const [months, days] = [list('bymonth'), list('bymonthday')]
  const weekdays = recur.byday === undefined ? null : [recur.byday].flat().map((text) => weekdayOf(String(text)))
  const interval = recur.interval === undefined ? 1 : Number(recur.interval)
  const count = recur.count === undefined ? null : Number(recur.count)
  const until = recur.until === undefined ? null : String(recur.until).slice(0, 10)
  const fits = (numbers: number[] | null, most: number, least = 1) =>
    numbers === null || numbers.every((n) => Number.isInteger(n) && Math.abs(n) <= most && n >= least && n !== 0)
  if (!fits([interval], 100)) return 'INTERVAL is no number of years from 1 to 100'
  if (count !== null && !fits([count], 1_000_000)) return 'COUNT is no number'
  if (until !== null && dayNumber(until) === null) return 'UNTIL is no date'
  if (!fits(months, 12)) return 'BYMONTH is no month'
  if (!fits(days, 31, -31)) return 'BYMONTHDAY is no day of a month'
  if (weekdays?.some((one) => one === null)) return 'BYDAY is no weekday'
  const [, month, day] = first.split('-').map(Number)
  const bare = days === null && weekdays === null
  return {
    interval,
    count,
    until,
    months: months ?? (bare ? [month!] : null),
    days: bare ? [day!] : days,
    weekdays: weekdays as YearlyRule['weekdays'],
  }
}

const KNOWN = ['freq', 'interval', 'count', 'until', 'bymonth', 'bymonthday', 'byday', 'wkst']

function weekdayOf(text: string): { nth: number; weekday: number } | null {
  const match = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(text)
  return match && { nth: Number(match[1] ?? 0), weekday: WEEK.indexOf(match[2]!) + 1 }
}

const WEEK = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']

/** The days of a rule in [first, last], in order. */
export function datesOf(rule: YearlyRule, first: string, last: string): string[] {
  const found: string[] = []
  const end = rule.until !== null && rule.until < last ? rule.until : last
  for (let year = Number(first.slice(0, 4)); year <= Number(end.slice(0, 4)); year += rule.interval) {
    for (const month of rule.months ? [...rule.months].sort((a, b) => a - b) : MONTHS) {
      const length = lengthOf(year, month)
      for (let day = 1; day <= length; day++) {
        if (!isOf(rule, { year, month, day, length })) continue
        const date = dateOfDay(startOf(year, month) + day - 1)
        if (date < first) continue
        if (date > end || found.length === rule.count) return found
        found.push(date)
      }
    }
  }
  return found
}

const MONTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
const startOf = (year: number, month: number): number => Date.UTC(year, month - 1, 1) / 86_400_000
const lengthOf = (year: number, month: number): number => startOf(year, month + 1) - startOf(year, month)

type Day = { year: number; month: number; day: number; length: number }

/** A count of weekdays is within the month where the rule names months, else within the year. */
function isOf({ months, days, weekdays }: YearlyRule, { year, month, day, length }: Day): boolean {
  if (days && !days.includes(day) && !days.includes(day - length - 1)) return false
  if (!weekdays) return true
  const number = startOf(year, month) + day - 1
  const weekday = ((number + 3) % 7) + 1 // 1970-01-01 was a Thursday
  const [position, of] = months
    ? [day, length]
    : [number - startOf(year, 1) + 1, startOf(year + 1, 1) - startOf(year, 1)]
  const [nth, fromEnd] = [Math.ceil(position / 7), -Math.ceil((of - position + 1) / 7)]
  return weekdays.some((one) => one.weekday === weekday && [0, nth, fromEnd].includes(one.nth))
}

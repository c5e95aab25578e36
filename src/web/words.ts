/** How facts are said to agents: statuses, priorities, times in their zone. Pure; the web view speaks English. */
import type { Priority, Status } from '../engine/tables.ts'
import { MINUTE, seconds } from '../time.ts'

export const STATUS_WORDS: Record<Status, string> = {
  new: 'New',
  open: 'Open',
  waiting_customer: 'Waiting for customer',
  on_hold: 'On hold',
  resolved: 'Resolved',
  closed: 'Closed',
}

export const PRIORITY_WORDS: Record<Priority, string> = { low: 'Low', normal: 'Normal', high: 'High', urgent: 'Urgent' }

export const METRIC_WORDS: Record<string, string> = {
  first_response: 'First answer',
  next_response: 'Next answer',
  resolution: 'Solution',
  ola: 'Team agreement',
}

/** `Tue 4 Mar 2025, 14:30 CET`: always with the zone named. */
export function whenText(at: Date, zone: string): string {
  const parts = format(zone, { ...DAY_FORMAT, year: 'numeric', timeZoneName: 'short' }).formatToParts(at)
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? ''
  return `${part('weekday')} ${part('day')} ${part('month')} ${part('year')}, ${part('hour')}:${part('minute')} ${part('timeZoneName')}`
}

/** `Tue 14:30` within six days of `now`, else `4 Mar` or `4 Mar 2024`: for lists that name their zone once. */
export function shortWhenText(at: Date, zone: string, now: Date): string {
  if (Math.abs(at.getTime() - now.getTime()) < NEAR)
    return format(zone, { weekday: 'short', hour: '2-digit', minute: '2-digit' }).format(at).replace(',', '')
  const year = (date: Date) => format(zone, { year: 'numeric' }).format(date)
  const day = format(zone, { day: 'numeric', month: 'short' }).format(at)
  return year(at) === year(now) ? day : `${day} ${year(at)}`
}

/** `CET`, the name of the zone at an instant. */
export function zoneText(zone: string, at: Date): string {
  const parts = format(zone, { timeZoneName: 'short' }).formatToParts(at)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone
}

/** A due date as it is shown: rounded up to the minute, so that a met promise never looks late (SLA D3). */
export const shownDue = (due: Date): Date => new Date(Math.ceil(due.getTime() / MINUTE) * MINUTE)

/** `3 h 20 min`: hours and minutes, never days (SLA D3). */
export function shortLength(secondsLeft: number): string {
  const minutes = Math.floor(secondsLeft / 60)
  const [hour, minute] = [Math.floor(minutes / 60), minutes % 60]
  return hour === 0 ? `${minute} min` : minute === 0 ? `${hour} h` : `${hour} h ${minute} min`
}

/** `2 h 10 min left` or `35 min overdue`, from working seconds; left is floored, over is ceiled (SLA D3). */
export function leftText(workingSeconds: number): string {
  if (workingSeconds < 0) return `${shortLength(Math.ceil(-workingSeconds / 60) * 60)} overdue`
  return workingSeconds < 60 ? 'under 1 min left' : `${shortLength(workingSeconds)} left`
}

/** A length that has passed, ceiled to the minute as what is overdue is (SLA D3); of corrections it may be negative. */
export const longText = (length: number): string =>
  `${length < 0 ? '−' : ''}${shortLength(Math.ceil(Math.abs(length) / 60) * 60)}`

/** `66.6 %` of basis points, never rounded up; `n/a` of nothing (SLA V2). */
export const shareText = (share: number | null): string =>
  share === null ? 'n/a' : `${Math.floor(share / 100)}.${Math.floor((share % 100) / 10)} %`

/** `just now`, `3 min ago`, `in 40 s`, `2 days ago`: how far an instant is from now, in the largest unit that fits. */
export function agoText(at: Date, now: Date): string {
  const away = seconds(at) - seconds(now)
  if (away <= 0 && away > -60) return 'just now'
  const size = Math.abs(away)
  const [value, unit] =
    size < 90
      ? [size, 's']
      : size < 5400
        ? [size / 60, 'min']
        : size < 172_800
          ? [size / 3600, 'h']
          : [size / 86_400, 'days']
  const words = `${Math.floor(value)} ${unit}`
  return away > 0 ? `in ${words}` : `${words} ago`
}

/** `340 bytes`, `12 KB`, `3.4 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  if (bytes < 1e6) return `${Math.round(bytes / 1000)} KB`
  return `${(bytes / 1e6).toFixed(1)} MB`
}

const NEAR = 6 * 24 * 60 * MINUTE
const DAY_FORMAT = {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
} satisfies Intl.DateTimeFormatOptions

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making a format costs far more than using it; there are few zones and few shapes. */
function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`
  let found = formats.get(key)
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone, hourCycle: 'h23' })
    if (formats.size < 1000) formats.set(key, found)
  }
  return found
}

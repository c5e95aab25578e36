/** How working time came together, span by span: `Mon 14:10→17:00, paused 35 minutes, Tue 9:00→12:30`. */
import { offsetAt } from '../business-hours/zone.ts'
import { type Calendar, type WorkingSpan, workingSecondsBetween, workingSpans } from '../business-hours.ts'
import { formatter } from './formatter.ts'
import type { Phrases } from './phrases.ts'

/** A time in which a clock ran, or will until it is due, [from, to) in epoch seconds, and what it was counted in. */
export type Stretch = { calendar: Calendar; from: number; to: number }

/**
 * The working time of stretches in the calendar's own hours, with the working time between them as pauses; of more than
 * six parts the first four and the last. Empty where every second counts and nothing was paused: the dates say it all.
 */
export function spansText(
  stretches: readonly Stretch[],
  phrases: Phrases,
  length: (seconds: number) => string,
): string {
  const ran = stretches.filter((one) => one.to > one.from)
  if (ran.every(({ calendar }) => calendar.always) && ran.length < 2) return ''
  const began = ran[0]?.from ?? 0
  let day = Number.NaN
  const parts = joined(ran).map((part) => {
    if ('paused' in part) return phrases.paused(length(part.paused))
    const sameDay = day === dayOf(part.from, part.zone)
    day = dayOf(part.from, part.zone)
    return partText(part, { phrases, began, sameDay })
  })
  return (parts.length > MOST ? [...parts.slice(0, MOST - 2), '…', parts.at(-1)!] : parts).join(', ')
}

type Part = (WorkingSpan & { zone: string }) | { paused: number }

const MOST = 6
const SPANS = 400 // of a stretch that are looked at
const DAY = 86_400

/** Spans that touch are one, and a pause without working time is none (K7). */
function joined(stretches: readonly Stretch[]): Part[] {
  const parts: Part[] = []
  for (const [n, { calendar, from, to }] of stretches.entries()) {
    const before = stretches[n - 1]
    const paused = before ? workingSecondsBetween(calendar, before.to, from) : 0
    if (paused > 0) parts.push({ paused })
    const zone = calendar.always ? 'UTC' : calendar.tz
    for (const span of workingSpans(calendar, from, to, SPANS)) {
      const last = parts.at(-1)
      if (last && 'to' in last && last.to === span.from) last.to = span.to
      else parts.push({ ...span, zone })
    }
  }
  return parts
}

/** `Mon 14:10→17:00`; a week and more after the beginning `23 Nov 9:00→12:00`; what is shown is rounded as D3 does. */
function partText(
  { from, to, zone }: WorkingSpan & { zone: string },
  { phrases, began, sameDay }: { phrases: Phrases; began: number; sameDay: boolean },
): string {
  const end = Math.ceil(to / 60) * 60
  const times = `${timeText(from, zone)}→${timeText(end, zone)}`
  if (sameDay) return times
  const language = phrases.locale === 'en' ? 'en-GB' : phrases.locale
  const near = dayOf(from, zone) - dayOf(began, zone) < 7
  const options = near ? ({ weekday: 'short' } as const) : ({ day: 'numeric', month: 'short' } as const)
  return `${formatter(language, { ...options, timeZone: zone }).format(from * 1000)} ${times}`
}

const localOf = (at: number, zone: string): number => at + offsetAt(zone, at)

const dayOf = (at: number, zone: string): number => Math.floor(localOf(at, zone) / DAY)

/** `9:00`, and `0:00` for a midnight. */
function timeText(at: number, zone: string): string {
  const second = ((localOf(at, zone) % DAY) + DAY) % DAY
  return `${Math.floor(second / 3600)}:${String(Math.floor(second / 60) % 60).padStart(2, '0')}`
}

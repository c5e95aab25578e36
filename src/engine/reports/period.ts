/** The time that a report is about: local midnights of a zone, half-open (SLA V5). Pure. */
import type { Queryable } from '../../database.ts'
import { checkDate } from '../../days.ts'
import { Refusal } from '../../errors.ts'
import { isZone, Temporal } from '../../time.ts'
import { offsetSegments } from '../business-hours/zone.ts'

/** `[from, to)`; null is open. The dates are what was asked: `toDate` is the first day that is not in it. */
export type Period = {
  zone: string
  fromDate: string | null
  toDate: string | null
  from: Date | null
  to: Date | null
}

/**
 * Dates `YYYY-MM-DD` of a zone as instants: each is the first moment of its day there, also where clocks change at
 * midnight. Empty or null is open.
 * @throws Refusal `bad_zone`, `bad_date`, `bad_period`
 */
export function periodOf(asked: { from: string | null; to: string | null; zone: string }): Period {
  const { zone } = asked
  if (!isZone(zone)) throw new Refusal('bad_zone', `"${zone.slice(0, 50)}" is no time zone: write it as Europe/Berlin.`)
  const [fromDate, toDate] = [dateOf(asked.from), dateOf(asked.to)]
  const [from, to] = [midnight(fromDate, zone), midnight(toDate, zone)]
  if (from && to && from >= to)
    throw new Refusal(
      'bad_period',
      `A period from ${fromDate} to ${toDate} holds no day: the second date is not in it.`,
    )
  return { zone, fromDate, toDate, from, to }
}

/** The condition that an instant lies in the period. */
export function within(sql: Queryable, column: ReturnType<Queryable>, { from, to }: Pick<Period, 'from' | 'to'>) {
  return sql`true ${from ? sql`and ${column} >= ${from}` : sql``} ${to ? sql`and ${column} < ${to}` : sql``}`
}

/** The weekday (1 is Monday) and the hour that clocks in the zone show at the start of a quarter of an hour. */
export function civilOf(zone: string, quarter: number): { weekday: number; hour: number } {
  const at = quarter * QUARTER
  const segment = offsetSegments(zone, new Date(at * 1000).getUTCFullYear()).find((one) => at < one.to)!
  const local = new Date((at + segment.offset) * 1000)
  return { weekday: local.getUTCDay() || 7, hour: local.getUTCHours() }
}

/** Seconds. Every zone's offset has been a multiple of it since 1986, so a quarter lies in one hour. */
export const QUARTER = 900

function dateOf(text: string | null): string | null {
  const date = text?.trim() ?? ''
  return date === '' ? null : checkDate(date)
}

const midnight = (date: string | null, zone: string): Date | null =>
  date === null ? null : new Date(Temporal.PlainDate.from(date).toZonedDateTime(zone).epochMilliseconds)

/** Civil days as `YYYY-MM-DD`: what people call a date, of a zone where an instant is meant. Pure. */
import { Refusal } from './errors.ts'
import { Temporal } from './time.ts'

/** Both days included. */
export type Days = { from: string; to: string }

/** The civil date of an instant in a zone. */
export const localDate = (at: Date, zone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone).toPlainDate().toString()

/** A number of days later. */
export const addDays = (date: string, days: number): string => Temporal.PlainDate.from(date).add({ days }).toString()

/** Monday to Sunday of the week that a day lies in. */
export function weekOf(date: string): Days {
  const day = Temporal.PlainDate.from(date)
  const monday = day.subtract({ days: day.dayOfWeek - 1 })
  return { from: monday.toString(), to: monday.add({ days: 6 }).toString() }
}

/** First to last day of the month that a day lies in, or of one so many months later. */
export function monthOf(date: string, months = 0): Days {
  const first = Temporal.PlainDate.from(date).with({ day: 1 }).add({ months })
  return { from: first.toString(), to: first.add({ months: 1 }).subtract({ days: 1 }).toString() }
}

/** A day that exists, as somebody wrote it. Throws Refusal `bad_date`. */
export function checkDate(text: string): string {
  if (/^(?:19|20|21)\d\d-\d\d-\d\d$/.test(text)) {
    try {
      return Temporal.PlainDate.from(text, { overflow: 'reject' }).toString()
    } catch {
      // no such day: refused below
    }
  }
  throw new Refusal('bad_date', `"${text.slice(0, 20)}" is no date: write it as 2026-01-31.`)
}

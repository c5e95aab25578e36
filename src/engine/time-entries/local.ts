/**
 * Local days and times of timesheets (SLA T1, T3-T5): what people write on a clock on the wall, as instants and absolute
 * seconds. Pure.
 */
import { checkDate, localDate } from '../../days.ts'
import { Refusal } from '../../errors.ts'
import { timesheets as limits } from '../../limits.ts'
import { floored, seconds, Temporal } from '../../time.ts'

/** A stretch of time as it is shown before it is entered (T3). */
export type Span = {
  startedAt: Date
  endedAt: Date
  raw_s: number
  /** Offsets from UTC at both ends, such as `+01:00`. */
  offsets: [start: string, end: string]
  /** A time that does not exist on that day, because clocks went forward, was shifted forward. */
  shifted: boolean
}

/** A stretch on one local day. */
export type Part = { startedAt: Date; endedAt: Date; raw_s: number; localDate: string }

/** Seconds that a civil date really has in a zone: 82,800 to 90,000 where clocks change, else 86,400 (T4). */
export function dayLength(date: string, zone: string): number {
  const day = Temporal.PlainDate.from(date)
  const start = day.toZonedDateTime(zone)
  return (day.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds - start.epochMilliseconds) / 1000
}

/**
 * Local times of a day as instants: one that clocks skip is shifted forward, of one that they repeat the earlier is
 * meant, and an end at or before the start is on the next day (T3).
 * @param wish.start `HH:MM` or `HH:MM:SS`; the end may be `24:00`
 * @throws Refusal `bad_date`, `bad_time`, `empty_time` where the two meet or swap as clocks change, `time_too_long`
 */
export function resolveSpan(wish: { date: string; start: string; end: string }, zone: string): Span {
  const date = Temporal.PlainDate.from(checkDate(wish.date))
  const [start, end] = [timeOf(wish.start), timeOf(wish.end === '24:00' ? '00:00' : wish.end)]
  const overnight = Temporal.PlainTime.compare(end, start) <= 0
  const from = date.toPlainDateTime(start).toZonedDateTime(zone)
  const until = (overnight ? date.add({ days: 1 }) : date).toPlainDateTime(end).toZonedDateTime(zone)
  const raw_s = (until.epochMilliseconds - from.epochMilliseconds) / 1000
  if (raw_s <= 0)
    throw new Refusal('empty_time', 'Clocks change between these two times, and no time is left: enter a duration.')
  if (raw_s > limits.longest)
    throw new Refusal('time_too_long', 'An entry has at most 24 hours: make it two, one for each day.')
  const shifted =
    Temporal.PlainTime.compare(from.toPlainTime(), start) !== 0 ||
    Temporal.PlainTime.compare(until.toPlainTime(), end) !== 0
  return {
    startedAt: new Date(from.epochMilliseconds),
    endedAt: new Date(until.epochMilliseconds),
    raw_s,
    offsets: [from.offset, until.offset],
    shifted,
  }
}

/** A stretch cut where local dates change; its parts touch and sum to it exactly (T5). */
export function splitAtMidnight(startedAt: Date, endedAt: Date, zone: string): Part[] {
  const parts: Part[] = []
  let from = floored(startedAt)
  const end = floored(endedAt)
  do {
    const day = zoned(from, zone)
    // The next midnight, of whatever date it is: dates may be skipped, and midnight may come twice.
    const midnight = new Date(day.toPlainDate().add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds)
    const until = midnight < end && midnight > from ? midnight : end
    parts.push({ ...partOf(from, until), localDate: day.toPlainDate().toString() })
    from = until
  } while (from < end)
  return parts
}

/** A stretch as one part, on the day it began (T5). */
export const wholePart = (startedAt: Date, endedAt: Date, zone: string): Part => ({
  ...partOf(floored(startedAt), floored(endedAt)),
  localDate: localDate(startedAt, zone),
})

const partOf = (startedAt: Date, endedAt: Date) => ({
  startedAt,
  endedAt,
  raw_s: seconds(endedAt) - seconds(startedAt),
})

const zoned = (at: Date, zone: string) => Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone)

function timeOf(text: string) {
  if (!/^(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/.test(text))
    throw new Refusal('bad_time', `"${text.slice(0, 20)}" is no time of day: write it as 09:30.`)
  return Temporal.PlainTime.from(/^\d:/.test(text) ? `0${text}` : text)
}

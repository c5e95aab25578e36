/** How time is said to agents and read from them: states, lengths as clocks show them, and what a ticket's story says. Pure. */
import type { ListedEntry } from '../../engine/time-entries/list.ts'
import type { EntryStatus } from '../../engine/time-entries/tables.ts'
import { Refusal } from '../../errors.ts'
import { parseDuration, Temporal } from '../../time.ts'

export const ENTRY_WORDS: Record<EntryStatus, string> = {
  running: 'Timer runs',
  draft: 'Draft',
  submitted: 'Submitted',
  approved: 'Approved',
  rejected: 'Sent back',
  invoiced: 'Invoiced',
}

/** What was done, by the word in the address. */
export const TIME_DONE: Record<string, string> = {
  entered: 'Saved as a draft.',
  edited: 'Saved. It is a draft, to be submitted again.',
  submission: 'Submitted.',
  approval: 'Approved.',
  rejection: 'Sent back with your reason.',
  reversal: 'Taken back: the reversing entry goes on the customer’s next invoice.',
  removal: 'Removed.',
  all_submission: 'All of them are submitted.',
  all_approval: 'All of them are approved.',
  started: 'The timer runs.',
  switched: 'The timer runs here now; what it ran on before is a draft.',
  stopped: 'The timer is stopped; its time is a draft.',
  overlap: 'Done, but you worked on something else at the same time: look at both entries.',
  day_too_long: 'Done, but that day has more time than it has hours: look at its entries.',
}

/** Seconds as `1:30`, with seconds only where there are any; what is taken back has a minus. */
export function clockText(length: number): string {
  const all = Math.abs(length)
  const two = (value: number) => String(value).padStart(2, '0')
  const rest = all % 60 ? `:${two(all % 60)}` : ''
  return `${length < 0 ? '−' : ''}${Math.floor(all / 3600)}:${two(Math.floor(all / 60) % 60)}${rest}`
}

/**
 * `1h30m`, `90m`, `1:30`, `1:30:20`, `1.5h` or `1,5` (hours) as seconds.
 * @throws Refusal `bad_time`
 */
export function readLength(text: string): number {
  const plain = text.trim().toLowerCase().replace(/\s+/g, '')
  const clock = /^(\d{1,3}):([0-5]\d)(?::([0-5]\d))?$/.exec(plain)
  if (clock) return Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3] ?? 0)
  const decimal = /^(\d{1,3})(?:[.,](\d{1,2}))?h?$/.exec(plain)
  // In hundredths of an hour, which are whole seconds.
  if (decimal) return (Number(decimal[1]) * 100 + Number((decimal[2] ?? '').padEnd(2, '0'))) * 36
  const length = parseDuration(plain.replace(/min$/, 'm'))
  if (length === null) throw new Refusal('bad_time', 'Write how long it took as 1h30m, 90m or 1:30.')
  return length
}

/** `Tue 3 Mar 2026` of a civil date, whatever zone anybody is in. */
export const dayText = (date: string): string => DAY.format(new Date(`${date}T12:00:00Z`)).replace(',', '')

/** A local time of day as a form shows it: `09:30`, or with seconds where there are any. */
export function clockTime(at: Date, zone: string): string {
  const time = Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone).toPlainTime()
  return time.toString({ smallestUnit: time.second === 0 ? 'minute' : 'second' })
}

/** `09:30 to 11:00 +01:00`: with the offset, because on two days a year an hour comes twice or not at all (SLA T3). */
export function spanText(entry: Pick<ListedEntry, 'started_at' | 'ended_at' | 'tz'>): string | null {
  const { started_at: start, ended_at: end, tz } = entry
  if (!start) return null
  const offset = (at: Date) => Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(tz).offset
  if (!end) return `since ${clockTime(start, tz)} ${offset(start)}`
  const turned = offset(start) === offset(end) ? '' : ` ${offset(start)}`
  return `${clockTime(start, tz)}${turned} to ${clockTime(end, tz)} ${offset(end)}`
}

/** What an event about time or its bill says in a ticket's story; null where it is about something else. */
export function timeEventText(type: string, data: Record<string, unknown>): string | null {
  const length = typeof data.seconds === 'number' ? clockText(data.seconds) : 'time'
  switch (type) {
    case 'timer_started':
      return 'started the timer'
    case 'timer_stopped':
      return `stopped the timer after ${length}${data.review === true ? ', which somebody must look at' : ''}`
    case 'time_entered':
      return `entered ${length}${typeof data.date === 'string' ? ` for ${dayText(data.date)}` : ''}`
    case 'time_edited':
      return 'changed a time entry'
    case 'time_removed':
      return `took out ${length}`
    case 'time_submitted':
      return `submitted ${length}${typeof data.percent === 'number' ? `, ${data.percent} % done` : ''}`
    case 'time_approved':
      return `approved ${length}`
    case 'time_rejected':
      return 'sent a time entry back'
    case 'time_reversed':
      return `took back time of invoice ${data.invoice}`
    case 'time_invoiced':
      return `billed time on invoice ${data.number}`
    case 'invoice_voided':
      return `voided invoice ${data.number} by credit note ${data.credit_note}`
    case 'statement_sent':
      return `sent the statement of ${data.month}`
    case 'statement_approved':
      return `approved the statement of ${data.month}`
    case 'statement_disputed':
      return `objected to the statement of ${data.month}`
    case 'statement_reopened':
      return `reopened the statement of ${data.month}`
    default:
      return null
  }
}

const DAY = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
})

/** Timesheets as a file: the entries of a list, as CSV that a spreadsheet reads and does not run (MAIL 9.9, FEATURES 4.29). */
import { csvLine } from '../../csv.ts'
import { Temporal } from '../../time.ts'
import { hoursText } from '../billing.ts'
import type { ListedEntry } from './list.ts'

const COLUMNS = [
  'id',
  'date',
  'agent',
  'agent_address',
  'customer',
  'project',
  'ticket',
  'subject',
  'work_type',
  'started_at', // ISO 8601 UTC
  'ended_at',
  'local_start', // as the agent's clock showed it
  'local_end',
  'zone',
  'seconds',
  'hours',
  'billable',
  'status',
  'percent_complete',
  'note',
  'invoice',
  'reverses',
]

/** A heading, then a record an entry; seconds are whole, hours have four decimals and are for people. */
export function* entriesCsv(entries: Iterable<ListedEntry>): Generator<string> {
  yield csvLine(COLUMNS)
  for (const entry of entries)
    yield csvLine([
      entry.id,
      entry.local_date,
      entry.agent,
      entry.agent_address,
      entry.organization,
      entry.project,
      entry.ticket_id,
      entry.subject,
      entry.work_type_name,
      iso(entry.started_at),
      iso(entry.ended_at),
      local(entry.started_at, entry.tz),
      local(entry.ended_at, entry.tz),
      entry.tz,
      entry.raw_s,
      hoursText(entry.raw_s),
      entry.billable,
      entry.status,
      entry.percent_complete,
      entry.note,
      entry.invoice,
      entry.reverses_id,
    ])
}

const iso = (at: Date | null): string | null => at?.toISOString().replace('.000Z', 'Z') ?? null

function local(at: Date | null, zone: string): string | null {
  if (!at) return null
  const time = Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone)
  return time.toPlainDateTime().toString({ smallestUnit: 'second' }).replace('T', ' ')
}

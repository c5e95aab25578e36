/** What a report is made of: columns that say what their values are, and rows of plain values (SLA section 11). */
import type { CsvCell } from '../../csv.ts'
import { csvLine } from '../../csv.ts'
import { Temporal } from '../../time.ts'

/**
 * `seconds` are integers; `share` is basis points, rounded down, so that only all is 100 %, and null ("n/a") of nothing;
 * `instant` is `2026-01-05T12:00:00Z`.
 */
export type ColumnKind = 'text' | 'ticket' | 'number' | 'seconds' | 'share' | 'instant' | 'flag'
export type Column = { key: string; label: string; kind: ColumnKind }
export type Value = string | number | boolean | null
/** A value for each column, by its key; perhaps more that machines want. */
export type Row = Record<string, Value>

/** Rows, and where counts may be added up their sums. */
export type Sheet = { columns: readonly Column[]; rows: Row[]; total: Row | null }

/** A column: its key, its label, what it holds. */
export const column = (key: string, label: string, kind: ColumnKind = 'number'): Column => ({ key, label, kind })

/** Basis points, rounded down: null of nothing (V2). Whole numbers below 2^39. */
export const share = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.floor((part * 10_000) / whole)

/** Sums of these columns over all rows. */
export const sums = (rows: readonly Row[], keys: readonly string[]): Row =>
  Object.fromEntries(keys.map((key) => [key, rows.reduce((sum, row) => sum + Number(row[key] ?? 0), 0)]))

/** Whole seconds, as the vectors write them. */
export const iso = (at: Date | null): string | null => at?.toISOString().replace(/\.\d{3}Z$/, 'Z') ?? null

/** The file, record by record; an instant has a second column with the time in `zone` (V5). */
export function* csvRecords({ columns, rows }: Sheet, zone: string): Generator<string> {
  yield csvLine(columns.flatMap(({ key, kind }) => (kind === 'instant' ? [key, `${key}_local`] : [key])))
  for (const row of rows)
    yield csvLine(
      columns.flatMap(({ key, kind }): CsvCell[] => {
        const value = row[key] ?? null
        return kind === 'instant' ? [value, value && localText(String(value), zone)] : [value]
      }),
    )
}

/** `2026-03-29 03:00:00 +02:00`: with the offset, so that no hour of autumn is read as the other. */
function localText(instant: string, zone: string): string {
  const local = Temporal.Instant.from(instant).toZonedDateTimeISO(zone)
  return `${local.toPlainDateTime().toString({ smallestUnit: 'second' }).replace('T', ' ')} ${local.offset}`
}

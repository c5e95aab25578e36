/** `report NAME`: the reports of SLA section 11 as a table for people, JSON lines or CSV. */
import type { Sql } from '../database.ts'
import { type Column, csvRecords, type Row, type Sheet } from '../engine/reports/shape.ts'
import { type Asked, deskZone, makeReport, readAsk } from '../engine/reports.ts'
import { longText, shareText } from '../web/words.ts'
import type { Print } from './show.ts'

export type ReportOptions = Omit<Asked, 'zone'> & { zone: string | null; form: 'text' | 'json' | 'csv' }

/** Prints one report. Without a zone the first inbox's. Throws Refusal for words that are no report or no date. */
export async function showReport(sql: Sql, print: Print, options: ReportOptions, now: Date): Promise<void> {
  const ask = readAsk({ ...options, zone: options.zone ?? (await deskZone(sql)) })
  const sheet = await makeReport(sql, ask, now)
  const { zone, fromDate, toDate } = ask.period
  if (options.form === 'csv') {
    // print adds the LF of each record's CRLF
    for (const record of csvRecords(sheet, zone)) print(record.slice(0, -1))
  } else if (options.form === 'json') {
    for (const row of sheet.rows) print(JSON.stringify(row))
  } else {
    const words = `${fromDate ? `from ${fromDate}` : 'from the beginning'} ${toDate ? `until before ${toDate}` : 'until now'}`
    print(`${ask.name}, ${words}, days of ${zone}`)
    for (const line of tableLines(sheet)) print(line)
    print(sheet.rows.length === 1 ? '1 row' : `${sheet.rows.length} rows`)
  }
}

/** Aligned columns, those without a value left out. Control characters never reach a terminal. */
function tableLines({ columns, rows, total }: Sheet): string[] {
  const lines = total && rows.length > 0 ? [...rows, total] : rows
  const used = columns.filter(({ key, kind }) => kind === 'share' || lines.some((row) => (row[key] ?? null) !== null))
  const cells = [
    used.map(({ label }) => label),
    ...rows.map((row) => used.map((column) => cellText(column, row))),
    ...(lines.length > rows.length
      ? [used.map((column, n) => (n === 0 ? 'all' : column.key in total! ? cellText(column, total!) : ''))]
      : []),
  ].map((line) => line.map((text) => text.replace(/\p{Cc}|\p{Cf}/gu, ' ').slice(0, WIDEST)))
  const widths = used.map((_, n) => Math.max(...cells.map((line) => line[n]!.length)))
  return cells.map((line) =>
    line
      .map((text, n) => (isNumber(used[n]!) ? text.padStart(widths[n]!) : text.padEnd(widths[n]!)))
      .join('  ')
      .trimEnd(),
  )
}

const WIDEST = 40

const isNumber = ({ kind }: Column): boolean => kind === 'number' || kind === 'seconds' || kind === 'share'

function cellText({ key, kind }: Column, row: Row): string {
  const value = row[key] ?? null
  if (kind === 'share') return shareText(value as number | null)
  if (value === null) return ''
  if (kind === 'seconds') return longText(value as number)
  return kind === 'ticket' ? `#${value}` : String(value)
}

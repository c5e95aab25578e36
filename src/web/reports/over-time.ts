/** Broken promises counted by day, month or year of the zone, empty ones included: what the chart of them shows. Pure. */

import { localDate } from '../../days.ts'
import type { Period } from '../../engine/reports/period.ts'
import type { Row } from '../../engine/reports/shape.ts'
import { DAY } from '../../time.ts'
import type { Bucket } from './chart.ts'

export type OverTime = { unit: 'Day' | 'Month' | 'Year'; buckets: Bucket[] }

/** Of rows of `violations` that count, from the period's first day, or the first breach, to its last; null of none. */
export function overTime(rows: readonly Row[], period: Period): OverTime | null {
  const dates = rows
    .filter((row) => row.superseded_at === null)
    .map((row) => localDate(new Date(String(row.at)), period.zone))
  if (dates.length === 0) return null
  const first = period.fromDate ?? dates.reduce((a, b) => (a < b ? a : b))
  const last = period.toDate ? plusDays(period.toDate, -1) : dates.reduce((a, b) => (a > b ? a : b))
  const days = (Date.parse(last) - Date.parse(first)) / DAY + 1
  const [unit, length] =
    days <= 62 ? (['Day', 10] as const) : days <= 1100 ? (['Month', 7] as const) : (['Year', 4] as const)
  const counts = new Map<string, number>()
  for (let date = first; date <= last; date = plusDays(date, 1)) counts.set(date.slice(0, length), 0)
  for (const date of dates) counts.set(date.slice(0, length), (counts.get(date.slice(0, length)) ?? 0) + 1)
  return { unit, buckets: [...counts].map(([label, count]) => ({ label, count })) }
}

const plusDays = (date: string, days: number): string =>
  new Date(Date.parse(date) + days * DAY).toISOString().slice(0, 10)

/** From worked to billed seconds (SLA B3, B4). Worked time is never changed: rounding happens on the bill. */
import { shares } from './integers.ts'
import type { Rounding } from './prices.ts'

export type Worked = { local_date: string; raw_s: number }

/**
 * Billed seconds of each entry of one line, in the order given. What is rounded together, a day's or the whole line's
 * entries, is shared out among them in proportion, so that the parts sum to it.
 */
export function billedSeconds(entries: readonly Worked[], rounding: Rounding): number[] {
  const billed = new Array<number>(entries.length).fill(0)
  const together = Map.groupBy(entries.keys(), (n) => bucketOf(entries[n]!, n, rounding))
  for (const places of together.values()) {
    const raw = places.map((n) => entries[n]!.raw_s)
    const whole = rounded(
      raw.reduce((sum, one) => sum + one, 0),
      rounding,
    )
    for (const [m, share] of shares(whole, raw).entries()) billed[places[m]!] = share
  }
  return billed
}

/** B4: nothing stays nothing; else at least the minimum, then in whole increments. */
export function rounded(raw: number, { increment_s: step, mode, minimum_s }: Rounding): number {
  if (raw === 0) return 0
  const seconds = Math.max(raw, minimum_s)
  if (step <= 1) return seconds
  const over = seconds % step
  const down = seconds - over
  if (over === 0 || mode === 'down') return down
  return mode === 'up' || 2 * over >= step ? down + step : down
}

function bucketOf(entry: Worked, n: number, { scope }: Rounding): string | number {
  return scope === 'entry' ? n : scope === 'ticket_day' ? entry.local_date : ''
}

/**
 * Time: the one importer of Temporal. Instants travel as `Date` at the database's edge and as epoch seconds in the
 * calculators (SLA U1); zones are IANA names.
 */
import { Temporal as Polyfill } from 'temporal-polyfill'

export const Temporal: typeof Polyfill = (globalThis as { Temporal?: typeof Polyfill }).Temporal ?? Polyfill

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Whole epoch seconds of a Date, floored (SLA U1). */
export const seconds = (at: Date): number => Math.floor(at.getTime() / 1000)

/** A Date floored to its second: how event times are stored (SLA section 3; `timestamptz(0)` would round). */
export const floored = (at: Date): Date => new Date(seconds(at) * 1000)

export const after = (at: Date, milliseconds: number): Date => new Date(at.getTime() + milliseconds)

/** Whether the runtime knows the zone: `Europe/Kyiv` and `Europe/Kiev` both do (SLA U4). */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

/** `4h`, `90m`, `2h30m`, `1d`(24 h), `45s` as seconds; null when it is none of these. */
export function parseDuration(text: string): number | null {
  const match = /^(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?$/.exec(text.trim())
  if (!match || match[0] === '') return null
  const [d, h, m, s] = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number]
  return ((d * 24 + h) * 60 + m) * 60 + s
}

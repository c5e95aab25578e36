/**
 * Zones as offsets: the stretches of a year in which a zone keeps one offset from UTC, read from the runtime's tz
 * data. It refuses nothing but zones the runtime does not know (RangeError of Intl). Seconds everywhere.
 */
import { hours } from '../../limits.ts'
import { isZone } from '../../time.ts'
import { remember } from './remember.ts'

/** `offset` seconds east of UTC hold in the instants [from, to). */
export type OffsetSegment = { from: number; to: number; offset: number }

const DAY = 86_400

// Two changes closer together than this that cancel each other out would be missed. None is known; the closest pairs
// of tz data are weeks apart (Ramadan in Cairo and Casablanca).
const STEP = DAY

const clocks = new Map<string, Intl.DateTimeFormat>()
const segments = new Map<string, OffsetSegment[]>()

/** The constant-offset segments that fill a UTC year, in order. */
export function offsetSegments(zone: string, year: number): OffsetSegment[] {
  return remember(segments, `${zone} ${year}`, hours.cachedZoneYears, () => findSegments(zone, year))
}

/** Seconds east of UTC that `zone` keeps at an instant in epoch seconds. */
export function offsetAt(zone: string, at: number): number {
  const year = offsetSegments(zone, new Date(at * 1000).getUTCFullYear())
  return year.find((segment) => at < segment.to)!.offset
}

/** The same from the runtime, which takes a hundred times as long. */
function askOffset(zone: string, at: number): number {
  // Without seconds of the epoch lost: Intl formats whole seconds, also for the local mean times before 1900.
  const parts = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/.exec(clockOf(zone).format(at * 1000))
  if (!parts) throw new RangeError(`no civil time for ${at} in ${zone}`)
  const [month, day, year, hour, minute, second] = parts.slice(1).map(Number) as Civil
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - at
}

/** The first second of a UTC year. */
export const yearStart = (year: number): number => Date.UTC(year, 0, 1) / 1000

/**
 * Self-test of the runtime's tz data (SLA U4): null when it is 2022b or newer, else words for the admin. Iran gave up
 * summer time in 2022 and Kyiv got its spelling; older data computes wrong due dates.
 */
export function zoneDataProblem(): string | null {
  const version = process.versions.tz ?? 'unknown'
  const remedy = `the time zone data of this Node (${version}) is too old; install Node 24 or newer`
  if (!isZone('Europe/Kyiv')) return `Europe/Kyiv is unknown: ${remedy}`
  const tehran = offsetSegments('Asia/Tehran', 2023)
  if (tehran.length !== 1 || tehran[0]?.offset !== 12_600) return `Tehran has summer time in 2023: ${remedy}`
  return null
}

type Civil = [number, number, number, number, number, number]

function clockOf(zone: string): Intl.DateTimeFormat {
  return remember(clocks, zone, hours.cachedCalendars, () => {
    const numeric = 'numeric' as const
    const date = { year: numeric, month: numeric, day: numeric, calendar: 'gregory', numberingSystem: 'latn' }
    const time = { hour: numeric, minute: numeric, second: numeric, hourCycle: 'h23' as const }
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, ...date, ...time })
  })
}

function findSegments(zone: string, year: number): OffsetSegment[] {
  const end = yearStart(year + 1)
  const found: OffsetSegment[] = []
  let from = yearStart(year)
  let offset = askOffset(zone, from)
  for (let low = from; low < end; ) {
    const high = Math.min(low + STEP, end)
    if (askOffset(zone, high) === offset) {
      low = high
      continue
    }
    const change = firstChange(zone, low, high, offset)
    if (change >= end) break
    found.push({ from, to: change, offset })
    from = change
    offset = askOffset(zone, change)
    low = change
  }
  found.push({ from, to: end, offset })
  return found
}

/** The first second in (low, high] without `offset`, which `low` has and `high` has not. */
function firstChange(zone: string, low: number, high: number, offset: number): number {
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2)
    if (askOffset(zone, middle) === offset) low = middle
    else high = middle
  }
  return high
}

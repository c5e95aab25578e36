/** How long working time takes to compute: warm add and between (the bar of SLA Q4), and a calendar's first use. */
import { addWorkingTime, type Calendar, expandCalendar, workingSecondsBetween } from '../src/engine/business-hours.ts'
import { type Figure, median } from './figures.ts'

const HOUR = 3600
const START = Date.parse('2026-01-01T00:00:00Z') / 1000
const RUNS = 15
const CALLS = 20_000

const calendars: Record<string, Calendar> = {
  office: expandCalendar({ tz: 'Europe/Berlin', weekly: { 'mon-fri': ['09:00-17:00'] }, holidays: ['01-01', '12-25'] }),
  'split nights': expandCalendar({
    tz: 'America/New_York',
    weekly: { 'mon-sat': ['08:00-12:00', '13:00-17:30', '22:00-06:00'] },
  }),
}

const AT_MOST = 20 // microseconds

export async function measureHours(): Promise<Figure[]> {
  const beside: Record<string, number> = {}
  const calls: number[] = []
  for (const [name, calendar] of Object.entries(calendars)) {
    beside[`ms, ${name}: first year, cold`] = elapsed(() => addWorkingTime(calendar, START, HOUR)) / 1000
    beside[`ms, ${name}: ten years, cold`] =
      elapsed(() => workingSecondsBetween(calendar, START, START + 3653 * 86_400)) / 1000
    calls.push(
      warm((at) => addWorkingTime(calendar, at, 40 * HOUR)),
      warm((at) => workingSecondsBetween(calendar, at, at + 30 * 86_400)),
    )
  }
  const slowest = Math.max(...calls)
  return [
    {
      what: 'working time, warm add and between, the slowest',
      value: slowest,
      unit: 'us',
      bar: { atMost: AT_MOST },
      all: calls,
      beside,
    },
  ]
}

/** Median over runs of the microseconds a call takes, at instants spread over a year. */
function warm(call: (at: number) => number | null): number {
  const runs = Array.from({ length: RUNS }, () => {
    return elapsed(() => {
      for (let i = 0; i < CALLS; i++) call(START + ((i * 7919) % 31_000_000))
    })
  })
  return median(runs) / CALLS
}

function elapsed(work: () => void): number {
  const from = performance.now()
  work()
  return (performance.now() - from) * 1000
}

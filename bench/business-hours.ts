/** How long working time takes to compute: warm add and between, and a calendar's first use. `node bench/business-hours.ts` */
import { addWorkingTime, type Calendar, expandCalendar, workingSecondsBetween } from '../src/engine/business-hours.ts'

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

for (const [name, calendar] of Object.entries(calendars)) {
  print(`${name}: cold, first year`, 'ms', elapsed(() => addWorkingTime(calendar, START, HOUR)) / 1000)
  print(
    `${name}: cold, ten years`,
    'ms',
    elapsed(() => workingSecondsBetween(calendar, START, START + 3653 * 86_400)) / 1000,
  )
  print(
    `${name}: add, warm`,
    'us',
    warm((at) => addWorkingTime(calendar, at, 40 * HOUR)),
  )
  print(
    `${name}: between, warm`,
    'us',
    warm((at) => workingSecondsBetween(calendar, at, at + 30 * 86_400)),
  )
  const loose = structuredClone(calendar)
  print(
    `${name}: add, warm, calendar not frozen`,
    'us',
    warm((at) => addWorkingTime(loose, at, 40 * HOUR)),
  )
}

/** Median over runs of the microseconds a call takes, at instants spread over a year. */
function warm(call: (at: number) => number | null): number {
  const runs = Array.from({ length: RUNS }, () => {
    return elapsed(() => {
      for (let i = 0; i < CALLS; i++) call(START + ((i * 7919) % 31_000_000))
    })
  })
  return runs.sort((a, b) => a - b)[RUNS >> 1]! / CALLS
}

function elapsed(work: () => void): number {
  const from = performance.now()
  work()
  return (performance.now() - from) * 1000
}

function print(what: string, unit: string, value: number): void {
  console.log(`${what.padEnd(48)} ${value.toFixed(3).padStart(9)} ${unit}`)
}

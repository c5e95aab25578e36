/** Calendar vectors, `op` add and between, through the calculator of working time. */
import { addWorkingTime, type Calendar, workingSecondsBetween } from '../business-hours.ts'
import { instant, whole } from './values.ts'

type AddVector = { calendar: Calendar; start: unknown; duration_s: unknown; expect: { due: unknown } }
type BetweenVector = { calendar: Calendar; a: unknown; b: unknown; expect: { seconds: unknown } }

/** What is wrong with the computed due date, null when it is the expected one. */
export function runAdd(vector: AddVector): string | null {
  const due = addWorkingTime(vector.calendar, instant(vector.start), whole(vector.duration_s))
  const expected = vector.expect.due === null ? null : instant(vector.expect.due)
  return due === expected ? null : `due ${shown(due)}, expected ${shown(expected)}`
}

/** What is wrong with the computed seconds, null when they are the expected ones. */
export function runBetween(vector: BetweenVector): string | null {
  const seconds = workingSecondsBetween(vector.calendar, instant(vector.a), instant(vector.b))
  const expected = whole(vector.expect.seconds)
  return seconds === expected ? null : `${seconds} seconds, expected ${expected}`
}

const shown = (at: number | null): string =>
  at === null ? 'never' : new Date(at * 1000).toISOString().replace('.000', '')

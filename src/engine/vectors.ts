/**
 * Runs published vectors, input and expected result a JSON line, through the real calculators, and says which fail.
 * Calendar vectors (`op` add, between) so far; what this version cannot compute fails and is never skipped.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Refusal, wordsOf } from '../errors.ts'
import { addWorkingTime, type Calendar, workingSecondsBetween } from './business-hours.ts'

export type VectorFailure = { id: string; words: string }
export type VectorResult = { passed: number; failed: number; failures: VectorFailure[] }

/** Runs vectors given as JSON lines; empty lines do not count. A line that is not JSON is a failure, never a throw. */
export async function runVectors(lines: AsyncIterable<string> | Iterable<string>): Promise<VectorResult> {
  const result: VectorResult = { passed: 0, failed: 0, failures: [] }
  let number = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    const failure = runVector(line, number)
    if (failure) {
      result.failed++
      result.failures.push(failure)
    } else result.passed++
  }
  return result
}

/**
 * The command `vectors FILE...`: prints each failure and at last `N passed, N failed` over all files, a line at a
 * time through `print`. Resolves to the exit code: 1 when anything failed or nothing was there to run.
 * Throws Refusal `unreadable_file` for a file that cannot be read.
 */
export async function vectorsCommand(files: readonly string[], print: (line: string) => void): Promise<0 | 1> {
  let [passed, failed] = [0, 0]
  for (const file of files) {
    const result = await runVectors(linesOf(file))
    passed += result.passed
    failed += result.failed
    for (const { id, words } of result.failures) print(`${file}: ${id}: ${words}`)
  }
  print(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

type Vector = Record<string, unknown> & { expect: Record<string, unknown>; calendar: Calendar }

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })
  } catch (error) {
    throw new Refusal('unreadable_file', `${file} cannot be read: ${wordsOf(error)}`, 'user', { cause: error })
  }
}

function runVector(line: string, number: number): VectorFailure | null {
  let id = `line ${number}`
  try {
    const vector = JSON.parse(line.replace(/^\uFEFF/, '')) as Vector
    if (typeof vector.id === 'string') id = vector.id
    const words = difference(vector)
    return words === null ? null : { id, words }
  } catch (error) {
    return { id, words: wordsOf(error) }
  }
}

/** What is wrong with the computed result, null when it is the expected one. */
function difference(vector: Vector): string | null {
  switch (vector.op) {
    case 'add': {
      const due = addWorkingTime(vector.calendar, instant(vector.start), whole(vector.duration_s))
      const expected = vector.expect.due === null ? null : instant(vector.expect.due)
      return due === expected ? null : `due ${shown(due)}, expected ${shown(expected)}`
    }
    case 'between': {
      const seconds = workingSecondsBetween(vector.calendar, instant(vector.a), instant(vector.b))
      const expected = whole(vector.expect.seconds)
      return seconds === expected ? null : `${seconds} seconds, expected ${expected}`
    }
    default:
      return 'not handled by this version'
  }
}

function instant(value: unknown): number {
  const isInstant = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)
  const at = isInstant ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw new TypeError(`${JSON.stringify(value)} is not an instant YYYY-MM-DDTHH:MM:SSZ`)
  return at / 1000
}

function whole(value: unknown): number {
  if (!Number.isInteger(value)) throw new TypeError(`${JSON.stringify(value)} is not a whole number of seconds`)
  return value as number
}

const shown = (at: number | null): string =>
  at === null ? 'never' : new Date(at * 1000).toISOString().replace('.000', '')

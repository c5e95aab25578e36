/**
 * Runs published vectors, input and expected result a JSON line, through the real engine, and says which fail. Each kind
 * has its runner in vectors/; what this version cannot compute fails and is never skipped.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Sql } from '../database.ts'
import { Refusal, wordsOf } from '../errors.ts'
import { runInvoice } from './vectors/billing.ts'
import { runAdd, runBetween } from './vectors/calendar.ts'
import { runClocks } from './vectors/clocks.ts'

export type VectorFailure = { id: string; words: string }
export type VectorResult = { passed: number; failed: number; failures: VectorFailure[] }

/** Runs vectors given as JSON lines; empty lines do not count. A line that is not JSON is a failure, never a throw. */
export async function runVectors(sql: Sql, lines: AsyncIterable<string> | Iterable<string>): Promise<VectorResult> {
  const result: VectorResult = { passed: 0, failed: 0, failures: [] }
  let number = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    const failure = await runVector(sql, line, number)
    if (failure) {
      result.failed++
      result.failures.push(failure)
    } else result.passed++
  }
  return result
}

/**
 * The command `vectors FILE...`: prints each failure and at last `N passed, N failed` over all files, a line at a
 * time through `print`. Writes nothing that stays. Resolves to the exit code: 1 when anything failed or nothing was
 * there to run.
 * @throws Refusal `unreadable_file` for a file that cannot be read
 */
export async function vectorsCommand(
  sql: Sql,
  files: readonly string[],
  print: (line: string) => void,
): Promise<0 | 1> {
  let [passed, failed] = [0, 0]
  for (const file of files) {
    const result = await runVectors(sql, linesOf(file))
    passed += result.passed
    failed += result.failed
    for (const { id, words } of result.failures) print(`${file}: ${id}: ${words}`)
  }
  print(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

type Vector = Record<string, unknown>
/** What is wrong with the computed result, null when it is the expected one. */
type Runner = (sql: Sql, vector: never) => string | null | Promise<string | null>

const RUNNERS: Record<string, Runner> = {
  add: (_sql, vector) => runAdd(vector),
  between: (_sql, vector) => runBetween(vector),
  clocks: runClocks,
  invoice: (_sql, vector) => runInvoice(vector),
}

/** Calendar vectors name what they are; the others are told by what they hold. */
function kindOf(vector: Vector): string {
  if (typeof vector.op === 'string') return vector.op
  return 'events' in vector ? 'clocks' : ''
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })
  } catch (error) {
    throw new Refusal('unreadable_file', `${file} cannot be read: ${wordsOf(error)}`, 'user', { cause: error })
  }
}

async function runVector(sql: Sql, line: string, number: number): Promise<VectorFailure | null> {
  let id = `line ${number}`
  try {
    const vector = JSON.parse(line.replace(/^\uFEFF/, '')) as Vector
    if (typeof vector.id === 'string') id = vector.id
    const kind = kindOf(vector)
    if (!Object.hasOwn(RUNNERS, kind)) return { id, words: 'not handled by this version' }
    const words = await RUNNERS[kind]!(sql, vector as never)
    return words === null ? null : { id, words }
  } catch (error) {
    return { id, words: wordsOf(error) }
  }
}

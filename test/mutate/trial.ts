/** One mutation in a copy of the checkout: applied, tried against its tests, taken back. */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { SECOND } from '../../src/time.ts'
import { runFile, type Verdict } from '../run-file.ts'
import { findStale, type Mutation } from './list.ts'

/** `green`: all of at least one test passed. `red`: names of the tests that failed. */
export type Trial = { green: boolean; ran: boolean; late: boolean; red: string[]; seconds: number; why: string }

export type Outcome = 'killed' | 'survived' | 'stale' | 'broken' | 'unproven'
export type Result = { id: string; title: string; outcome: Outcome; words: string; seconds: number }

const only = new URL('./only.ts', import.meta.url).href
const LEFT_OUT = /^(?:node_modules|\.git|data|coverage)$/

/** The files of `root` without what is made from them; packages are shared by a link. */
export function copyCheckout(root: string, copy: string): void {
  cpSync(root, copy, { recursive: true, filter: (file) => !LEFT_OUT.test(path.relative(root, file)) })
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
}

/** The tests of `file` whose name holds `words`, for at most `limit` milliseconds. */
export async function tryTests(
  test: { file: string; words: string },
  { copy, limit, env }: { copy: string; limit: number; env: NodeJS.ProcessEnv },
): Promise<Trial> {
  const started = performance.now()
  const verdict = await runFile(test.file, {
    cwd: copy,
    limit,
    env: { ...env, POSTROOM_TEST_ONLY: test.words },
    preload: only,
  })
  return readTrial(verdict, (performance.now() - started) / 1000)
}

/**
 * Tries `mutation` against its tests until one is red. A hang is a kill too, and told as such; a file that ends
 * without having run a test shows a broken mutant, which proves nothing.
 *
 * @param options.normal what each of its tests is without the mutation, by `keyOf`
 * @param options.patience milliseconds beyond four times what they took then
 */
export async function tryMutation(
  mutation: Mutation,
  options: { copy: string; normal: Map<string, Trial>; env: NodeJS.ProcessEnv; patience: number },
): Promise<Result> {
  const { copy, normal, env, patience } = options
  const { id, title, tests } = mutation
  const started = performance.now()
  const end = (outcome: Outcome, words: string): Result => {
    return { id, title, outcome, words, seconds: (performance.now() - started) / 1000 }
  }
  const stale = findStale(mutation, copy)
  if (stale) return end('stale', stale)
  const unproven = tests.find((test) => !normal.get(keyOf(test))?.green)
  if (unproven) return end('unproven', `${unproven.file} is not green without it: ${normal.get(keyOf(unproven))?.why}`)
  const file = path.join(copy, mutation.file)
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text.replace(mutation.before, () => mutation.after),
  )
  try {
    for (const test of tests) {
      const limit = Math.round(patience + 4 * (normal.get(keyOf(test))?.seconds ?? 0) * SECOND)
      const trial = await tryTests(test, { copy, limit, env })
      if (trial.late) return end('killed', `by time-out after ${Math.round(limit / SECOND)} s`)
      if (!trial.ran) return end('broken', `${test.file}: ${trial.why}`)
      if (!trial.green) return end('killed', trial.red.join('; ') || trial.why)
    }
    return end('survived', tests.map((test) => test.file).join(', '))
  } finally {
    writeFileSync(file, text)
  }
}

export const keyOf = (test: { file: string; words: string }): string => `${test.file} ${test.words}`.trim()

function readTrial({ passed, failed, output, why }: Verdict, seconds: number): Trial {
  const red = [...output.matchAll(/^ +FAIL +(?:[^"\n]* )?"(.*)"$/gm)].map((match) => match[1]!)
  const late = why?.startsWith('killed after') ?? false
  const ran = passed + red.length > 0
  const skipped = /^SKIPPED.*$/m.exec(output)?.[0]
  const error = ran ? null : /^\S*Error.*$/m.exec(output)?.[0]
  return {
    green: ran && failed === 0,
    ran,
    late,
    red,
    seconds,
    why: red[0] ?? skipped ?? error ?? why ?? 'no test ran',
  }
}

/**
 * The test runner: each file in a process of its own, two at a time, against one server that the runner owns.
 *
 *     node test/run.ts [--system] [part of a path...]
 *
 * uvu alone would pass a file that forgot `.run()`, one whose `before` threw, and would wait for ever on a hang. So a
 * file passes when its summary says that all of at least one test passed, its exit code is 0, and it ended in time.
 * The last line is `N passed, N failed`.
 */
import { globSync } from 'node:fs'
import path from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { MINUTE } from '../src/time.ts'
import type { TestServer } from './database.ts'
import { runFile, type Verdict } from './run-file.ts'
import { withTestServer } from './run-server.ts'

type Result = Verdict & { file: string; seconds: number }

const root = path.join(import.meta.dirname, '..')
const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { system: { type: 'boolean', default: false } },
})
const kind = flags.system
  ? { glob: 'test/system/**/*.system.ts', limit: 10 * MINUTE, atOnce: 1 }
  : { glob: 'test/**/*.test.ts', limit: 5 * MINUTE, atOnce: 2 }

process.exitCode = await main()

async function main(): Promise<number> {
  const files = globSync(kind.glob, { cwd: root })
    .filter(
      (file) => wanted.length === 0 || wanted.some((part) => file.includes(path.relative(root, path.resolve(part)))),
    )
    .sort()
  if (files.length === 0) {
    console.log(`no test file matches ${wanted.join(' ')}\n0 passed, 1 failed`)
    return 1
  }
  return await withTestServer(async (server, stopping) => report(await runAll(files, server, stopping)))
}

async function runAll(files: string[], server: TestServer, stopping: AbortSignal): Promise<Result[]> {
  const results: Result[] = []
  const env = { ...process.env, POSTROOM_TEST_SERVER: JSON.stringify(server) }
  const waiting = [...files]
  const worker = async () => {
    for (let file = waiting.shift(); file && !stopping.aborted; file = waiting.shift()) {
      const started = performance.now()
      const verdict = await runFile(file, { cwd: root, limit: kind.limit, env })
      const result = { ...verdict, file, seconds: (performance.now() - started) / 1000 }
      results.push(result)
      show(result)
    }
  }
  await Promise.all(Array.from({ length: kind.atOnce }, worker))
  return results
}

function show({ file, passed, failed, seconds, output, why }: Result): void {
  const mark = failed ? styleText('red', 'fail') : styleText('green', 'ok  ')
  console.log(`${mark} ${file}  ${passed} passed${failed ? `, ${failed} failed` : ''}  ${seconds.toFixed(1)} s`)
  if (failed) console.log(`${output.trim().replaceAll(/^/gm, '     ')}\n${why ? `     ${why}\n` : ''}`)
  // What a suite says about a missing part must not drown in a green run.
  else for (const line of output.match(/^SKIPPED.*$/gm) ?? []) console.log(styleText('yellow', `     ${line}`))
}

function report(results: Result[]): number {
  const sum = (key: 'passed' | 'failed') => results.reduce((total, result) => total + result[key], 0)
  for (const { file } of results.filter((result) => result.failed)) console.log(`failed: ${file}`)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
  return sum('failed') ? 1 : 0
}

/**
 * The test runner: each file in a process of its own, two at a time, against one server that the runner owns.
 *
 *     node test/run.ts [--system] [part of a path...]
 *
 * uvu alone would pass a file that forgot `.run()`, one whose `before` threw, and would wait for ever on a hang. So a
 * file passes when its summary says that all of at least one test passed, its exit code is 0, and it ended in time.
 * The last line is `N passed, N failed`.
 */
import { existsSync, globSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { livePid } from '../src/embedded-postgres/processes.ts'
import { startEmbedded } from '../src/embedded-postgres.ts'
import { silent } from '../src/log.ts'
import { MINUTE } from '../src/time.ts'
import { prepareTemplate, type TestServer } from './database.ts'
import { killGroup, runFile, running, type Verdict } from './run-file.ts'

type Result = Verdict & { file: string; seconds: number }

const root = path.join(import.meta.dirname, '..')
const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { system: { type: 'boolean', default: false } },
})
const kind = flags.system
  ? { glob: 'test/system/**/*.system.ts', limit: 10 * MINUTE, atOnce: 1 }
  : { glob: 'test/**/*.test.ts', limit: 5 * MINUTE, atOnce: 2 }

const waiting: string[] = []

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
  sweep()
  const data = path.join(os.tmpdir(), `postroom-run-${process.pid}`)
  const embedded = await startEmbedded({ data, log: silent })
  const tidy = async () => {
    waiting.length = 0
    for (const group of running) killGroup(group)
    await embedded.stop()
    for (const folder of [embedded.home, data]) rmSync(folder, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void tidy().finally(() => process.exit(130)))
  try {
    const server = { ...embedded.connection, template: await prepareTemplate(embedded.connection) }
    return report(await runAll(files, server))
  } finally {
    await tidy()
  }
}

async function runAll(files: string[], server: TestServer): Promise<Result[]> {
  const results: Result[] = []
  const env = { ...process.env, POSTROOM_TEST_SERVER: JSON.stringify(server) }
  waiting.push(...files)
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
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

/** A runner that was killed could not stop its server. */
function sweep(): void {
  for (const name of readdirSync(os.tmpdir())) {
    const runner = /^postroom-run-(\d+)$/.exec(name)?.[1]
    if (!runner || existsSync(`/proc/${runner}`)) continue
    const data = path.join(os.tmpdir(), name)
    const server = livePid(path.join(data, 'postgres'))
    if (server) process.kill(server, 'SIGKILL')
    rmSync(data, { recursive: true, force: true })
  }
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

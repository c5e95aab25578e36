/**
 * The test runner: each file in a process of its own, two at a time, against one server that the runner owns.
 *
 *     node test/run.ts [--system] [part of a path...]
 *
 * uvu alone would pass a file that forgot `.run()`, one whose `before` threw, and would wait for ever on a hang. So a
 * file passes when its summary says that all of at least one test passed, its exit code is 0, and it ended in time.
 * The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process'
import { globSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { startEmbedded } from '../src/embedded-postgres.ts'
import { silent } from '../src/log.ts'
import { MINUTE } from '../src/time.ts'
import { prepareTemplate, type TestServer } from './database.ts'

type Result = { file: string; passed: number; failed: number; seconds: number; output: string; why: string | null }

const root = path.join(import.meta.dirname, '..')
const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { system: { type: 'boolean', default: false } },
})
const kind = flags.system
  ? { glob: 'test/system/**/*.system.ts', limit: 10 * MINUTE, atOnce: 1 }
  : { glob: 'test/**/*.test.ts', limit: 2 * MINUTE, atOnce: 2 }

/** Children to be killed with the runner; each leads its own process group. */
const running = new Set<number>()

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
  const data = path.join(os.tmpdir(), `postroom-run-${process.pid}`)
  const embedded = await startEmbedded({ data, log: silent })
  const tidy = async () => {
    for (const pid of running) killGroup(pid)
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
  const waiting = [...files]
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const result = await runFile(file, server)
      results.push(result)
      show(result)
    }
  }
  await Promise.all(Array.from({ length: kind.atOnce }, worker))
  return results
}

function runFile(file: string, server: TestServer): Promise<Result> {
  const started = performance.now()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', POSTROOM_TEST_SERVER: JSON.stringify(server) },
  })
  if (child.pid) running.add(child.pid)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  let late = false
  const timer = setTimeout(() => {
    late = true
    if (child.pid) killGroup(child.pid)
  }, kind.limit)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    // The file is done when it exits; a process that it left behind may hold the pipes open and is ended with it.
    child.on('exit', () => child.pid && killGroup(child.pid))
    child.on('close', (code) => {
      clearTimeout(timer)
      if (child.pid) running.delete(child.pid)
      resolve({ file, seconds: (performance.now() - started) / 1000, output, ...judge(output, code, late) })
    })
  })
}

/** A failure that no test accounts for (a hang, a crash, no tests at all) counts as one more. */
function judge(output: string, code: number | null, late: boolean): Pick<Result, 'passed' | 'failed' | 'why'> {
  const summary = [...output.matchAll(/Total:\s+(\d+)\s+Passed:\s+(\d+)/g)].at(-1)
  const total = Number(summary?.[1] ?? 0)
  const passed = Number(summary?.[2] ?? 0)
  const why = late
    ? `killed after ${kind.limit / 1000} s`
    : !summary || total === 0
      ? 'ran no test (is `.run()` there?)'
      : code !== 0 && passed === total
        ? `exit code ${code} though every test passed`
        : null
  return { passed, failed: total - passed + (why ? 1 : 0), why }
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

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // the group is gone already
  }
}

/** One test file in a process group of its own, and the verdict on it. */
import { spawn } from 'node:child_process'

export type Verdict = { passed: number; failed: number; output: string; why: string | null }

/** The process groups that run now, to be killed with the runner. */
export const running = new Set<number>()

/**
 * Runs `file` and judges it; the module at the address `preload` is loaded before it. A failure that no test accounts
 * for (a hang, a crash, no test at all) counts as one more failed, and `why` says what it was.
 */
export function runFile(
  file: string,
  options: { cwd: string; limit: number; env: NodeJS.ProcessEnv; preload?: string },
): Promise<Verdict> {
  const child = spawn(process.execPath, [...(options.preload ? ['--import', options.preload] : []), file], {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...options.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  const group = child.pid
  if (group) running.add(group)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  let late = false
  const timer = setTimeout(() => {
    late = true
    if (group) killGroup(group)
  }, options.limit)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    // Whatever the file left behind holds the pipes open and ends with it.
    child.on('exit', () => group && killGroup(group))
    child.on('close', (code) => {
      clearTimeout(timer)
      if (group) running.delete(group)
      const summary = [...output.matchAll(/Total:\s+(\d+)\s+Passed:\s+(\d+)/g)].at(-1)
      const total = Number(summary?.[1] ?? 0)
      const passed = Number(summary?.[2] ?? 0)
      const why = late ? `killed after ${options.limit / 1000} s` : findFault({ output, code, total, passed })
      resolve({ passed, failed: total - passed + (why ? 1 : 0), output, why })
    })
  })
}

export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // it is gone already
  }
}

/** What uvu itself would let pass. */
function findFault(end: { output: string; code: number | null; total: number; passed: number }): string | null {
  if (end.total === 0) {
    const skipped = end.code === 0 && /^SKIPPED /m.test(end.output) // a system suite without its program
    return skipped ? null : 'ran no test (is `.run()` there?)'
  }
  if (end.code !== 0 && end.passed === end.total) return `exit code ${end.code} though every test passed`
  return null
}

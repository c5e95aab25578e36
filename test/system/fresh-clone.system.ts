/**
 * What the README promises, from an empty folder: a clone that only its owner can enter, `npm ci` with install scripts
 * blocked, `npm start`, `npm run demo`, a `kill -9`, a second start, and an end by a signal to npm alone.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { freePort } from './free-port.ts'
import { needs } from './needs.ts'

const [git, npm] = needs('git', 'npm')
const run = promisify(execFile)
const root = path.join(import.meta.dirname, '..', '..')
const home = mkdtempSync(path.join(os.tmpdir(), 'postroom-clone-'))
chmodSync(home, 0o700)
const clone = path.join(home, 'clone')
const env = cleanEnv({ POSTROOM_SMTP: await freePort(), POSTROOM_WEB: await freePort() })
const started: ChildProcess[] = []
const folders = [home]

test.after(() => {
  for (const { pid } of started) tryKill(-pid!)
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** `npm start`, until it says ready. */
async function start(): Promise<{
  npm: ChildProcess
  seconds: number
  printed: string
  ended: Promise<number | null>
}> {
  const from = performance.now()
  const child = spawn(npm, ['start'], { cwd: clone, env, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  started.push(child)
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += chunk
  })
  while (!/^ready$/m.test(printed)) {
    if (child.exitCode !== null || performance.now() - from > 60_000) throw new Error(`not ready: ${printed}`)
    await sleep(20)
  }
  const elsewhere = /\S*\/var\/lib\/postroom\/\w+/.exec(printed)?.[0]
  if (elsewhere) folders.push(elsewhere)
  return { npm: child, seconds: (performance.now() - from) / 1000, printed, ended }
}

const countTickets = async () =>
  (await run(path.join(clone, 'bin', 'postroom'), ['tickets', '--json'], { cwd: clone, env })).stdout
    .split('\n')
    .filter(Boolean).length

test('two commands of the README, a demo, a kill -9 and a second start', async () => {
  await run(git, ['clone', '--quiet', root, clone])
  const from = performance.now()
  await run(npm, ['ci', '--ignore-scripts'], { cwd: clone, env })
  console.log(`npm ci took ${((performance.now() - from) / 1000).toFixed(1)} s`)

  const first = await start()
  console.log(`npm start took ${first.seconds.toFixed(1)} s`)
  // on a machine that has other work too, as much longer
  const limit = 10 * Math.max(1, (os.loadavg()[0] as number) / os.availableParallelism())
  assert.ok(first.seconds < limit, `ready after ${first.seconds} s, not ${limit} s`)
  assert.match(first.printed, new RegExp(`smtp +${env.POSTROOM_SMTP}, for support@desk.example`))
  assert.match(first.printed, new RegExp(`sign in +http://${env.POSTROOM_WEB}/sign-in/\\S{20,}`))
  const { stdout } = await run(npm, ['run', 'demo'], { cwd: clone, env })
  assert.match(stdout, /12 mails[\s\S]*7 tickets/)
  assert.is(await countTickets(), 7)

  tryKill(-first.npm.pid!)
  await first.ended
  const second = await start()
  assert.is(await countTickets(), 7, 'it goes on where it was')

  // as a container does: to the one process it knows
  process.kill(second.npm.pid!, 'SIGTERM')
  await second.ended
  const until = Date.now() + 30_000
  while (groupLives(second.npm.pid!)) {
    assert.ok(Date.now() < until, 'the daemon has outlived npm')
    await sleep(100)
  }
})

test.run()

function cleanEnv(ports: Record<string, number>): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !/^(?:POSTROOM_|npm_|DATABASE_URL$|CI$)/.test(name)) env[name] = value
  // not the Node of this checkout
  env.PATH = (env.PATH ?? '')
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':')
  for (const [name, port] of Object.entries(ports)) env[name] = `127.0.0.1:${port}`
  return env
}

/** Of the whole group: npm, its shell, the daemon. The private server is not in it. */
function tryKill(group: number): void {
  try {
    process.kill(group, 'SIGKILL')
  } catch {
    // it is gone
  }
}

function groupLives(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch {
    return false
  }
}

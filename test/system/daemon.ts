/**
 * A whole Postroom of our own, as people run it: `bin/postroom serve` with a configuration and a data folder in a
 * temporary folder, and its commands with --json.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

export type Desk = {
  /** What `serve` has printed. */
  printed(): string
  /** Runs a command with --json; its lines as objects. */
  json<T>(...command: string[]): Promise<T[]>
  stop(): Promise<void>
}

const BINARY = path.join(import.meta.dirname, '..', '..', 'bin', 'postroom')

/** A folder that others can enter, for sockets and configuration; removed by the caller. */
export function makeHome(): string {
  const home = mkdtempSync(path.join(os.tmpdir(), 'postroom-system-'))
  chmodSync(home, 0o755)
  return home
}

/**
 * Starts a desk in `home` and resolves when it is ready.
 * @param files name -> text; `postroom.yml` is the configuration
 */
export async function startDesk(home: string, files: Record<string, string>): Promise<Desk> {
  const folder = path.join(home, 'desk')
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  const place = ['--config', path.join(folder, 'postroom.yml'), '--data', path.join(folder, 'data')]
  const child = spawn(BINARY, ['serve', ...place], { env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
  let [printed, logged] = ['', '']
  child.stdout.on('data', (chunk) => {
    printed += chunk
  })
  child.stderr.on('data', (chunk) => {
    logged += chunk
  })
  for (let tries = 0; !/^ready$/m.test(printed); tries++) {
    if (child.exitCode !== null || tries > 600) throw new Error(`the desk did not start:\n${printed}\n${logged}`)
    await sleep(100)
  }
  return {
    printed: () => printed,
    async json<T>(...command: string[]) {
      const { stdout } = await promisify(execFile)(BINARY, [...command, '--json', ...place], {
        env: cleanEnv(),
        maxBuffer: 64 * 1024 * 1024,
      })
      const lines = stdout.split('\n').filter(Boolean)
      return lines.map((line) => JSON.parse(line) as T)
    },
    stop: () => end(child),
  }
}

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Asks until there is an answer that is neither null nor undefined nor false. */
export async function eventually<T>(what: string, ask: () => Promise<T | null | undefined | false>): Promise<T> {
  const until = Date.now() + 30_000
  while (Date.now() < until) {
    const answer = await ask()
    if (answer !== null && answer !== undefined && answer !== false) return answer
    await sleep(250)
  }
  throw new Error(`waited 30 s in vain for ${what}`)
}

export const removeHome = (home: string): void => rmSync(home, { recursive: true, force: true })

/** Without what would move the desk elsewhere. */
function cleanEnv(): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const name of Object.keys(env)) if (name.startsWith('POSTROOM_') || name === 'DATABASE_URL') delete env[name]
  return env
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

/**
 * Which processes belong to a cluster, read from /proc: a pid file alone proves nothing, because a killed server may
 * stay as a zombie where nobody reaps it, and pids repeat after a power cut in a container.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '../errors.ts'
import { embedded as limits } from '../limits.ts'

/** The pid of the postmaster that runs on `dir`, or 0. */
export function livePid(dir: string): number {
  try {
    const pid = Number.parseInt(fs.readFileSync(path.join(dir, 'postmaster.pid'), 'utf8'), 10)
    return isServerOf(dir, pid) ? pid : 0
  } catch {
    return 0 // no pid file: nothing runs
  }
}

/** Every server process of `dir`: a postmaster, or backends that outlived theirs and still have the files open. */
export function serverProcesses(dir: string): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isServerOf(dir, pid))
}

/** Whether something accepts connections there; also true for a server in another container on the same volume. */
export function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket)
    const answer = (value: boolean) => {
      connection.destroy()
      resolve(value)
    }
    connection.on('connect', () => answer(true)).on('error', () => answer(false))
  })
}

/**
 * One process at a time starts the server of `dir`. The kernel frees the name on any death of its holder.
 * @throws Refusal `start_busy` after `limits.turn`
 */
export async function takeTurn(dir: string): Promise<{ end(): void }> {
  const name = `\0postroom-${createHash('sha256').update(dir).digest('hex').slice(0, 32)}`
  for (const deadline = Date.now() + limits.turn; ; await sleep(50)) {
    const server = await new Promise<net.Server | null>((resolve, reject) => {
      const server = net.createServer((connection) => connection.destroy())
      server.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
      )
      server.listen(name, () => resolve(server))
    })
    if (server) return { end: () => void server.close() }
    if (Date.now() > deadline)
      throw new Refusal(
        'start_busy',
        `Another process has been starting the database in ${dir} for too long.`,
        'outage',
      )
  }
}

/** Removes what a killed server left behind. Only in one's turn, and only when no process of it lives. */
export function removeStaleFiles(dir: string): void {
  // The socket's lock holds the same pid: leaving it would refuse the start just as the pid file does.
  for (const file of ['postmaster.pid', '.s.PGSQL.5432.lock', '.s.PGSQL.5432'])
    fs.rmSync(path.join(dir, file), { force: true })
}

/** Polls until `done`, at most `milliseconds`; says whether it came true. */
export async function waitUntil(done: () => boolean | Promise<boolean>, milliseconds: number): Promise<boolean> {
  for (const deadline = Date.now() + milliseconds; Date.now() < deadline; await sleep(20)) if (await done()) return true
  return false
}

/** A process of another user, a zombie and one that just ended cannot be read, and are not ours to count. */
function isServerOf(dir: string, pid: number): boolean {
  try {
    return (
      path.basename(fs.readlinkSync(`/proc/${pid}/exe`)).startsWith('postgres') &&
      fs.readlinkSync(`/proc/${pid}/cwd`) === dir
    )
  } catch {
    return false
  }
}

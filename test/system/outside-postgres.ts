/** A PostgreSQL that is nobody's private one: over TCP on loopback, started, stopped and killed by the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { connect, isOutage } from '../../src/database.ts'
import { findBinaries, serverOwner } from '../../src/embedded-postgres/binaries.ts'
import { serverProcesses } from '../../src/embedded-postgres/processes.ts'
import { startEmbedded } from '../../src/embedded-postgres.ts'
import { silent } from '../../src/log.ts'
import { kill, makeFolder, until } from '../daemon.ts'
import { freePort } from './free-port.ts'

export type Outside = {
  /** For DATABASE_URL. */
  url: string
  start(): Promise<void>
  /** As an administrator stops it ("fast"): sessions are ended, everything is written. */
  halt(): Promise<void>
  remove(): Promise<void>
}

/** Running; the private server's own code makes the cluster, because initdb is the same for all. */
export async function startOutside(): Promise<Outside> {
  const folder = makeFolder()
  const cluster = path.join(folder.path, 'postgres')
  const made = await startEmbedded({ data: folder.path, log: silent })
  await made.stop()
  const owner = serverOwner(cluster)
  const { bin } = findBinaries(folder.path, owner)
  const port = await freePort()
  let child: ChildProcess | null = null
  const outside: Outside = {
    url: `postgres://postroom@127.0.0.1:${port}/postroom`,
    async start() {
      const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'shared_buffers=64MB']
      child = spawn(path.join(bin, 'postgres'), ['-D', cluster, ...settings.flatMap((one) => ['-c', one])], {
        ...(owner && { uid: owner.uid, gid: owner.gid }),
        cwd: os.tmpdir(),
        env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
        stdio: 'ignore',
      })
      await until('PostgreSQL takes connections', () => answers(outside.url))
    },
    async halt() {
      const gone = new Promise((resolve) => child?.once('exit', resolve))
      kill(child?.pid ?? 0, 'SIGINT')
      await gone
    },
    async remove() {
      for (const pid of serverProcesses(cluster)) kill(pid)
      await folder.remove()
    },
  }
  await outside.start()
  return outside
}

async function answers(url: string): Promise<boolean> {
  const { sql, end } = connect({ url }, { max: 1 })
  try {
    await sql`select 1`
    return true
  } catch (error) {
    if (!isOutage(error)) throw error
    return false
  } finally {
    await end()
  }
}

/** The private server that a runner owns: started before its test files, stopped and removed however the run ends. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { livePid } from '../src/embedded-postgres/processes.ts'
import { startEmbedded } from '../src/embedded-postgres.ts'
import { silent } from '../src/log.ts'
import { prepareTemplate, type TestServer } from './database.ts'
import { killGroup, running } from './run-file.ts'

/**
 * Does `work` with a server that has a migrated template. A signal ends the running test files with it; `stopping`
 * says that no other may begin.
 */
export async function withTestServer<T>(work: (server: TestServer, stopping: AbortSignal) => Promise<T>): Promise<T> {
  sweep()
  const data = path.join(os.tmpdir(), `postroom-run-${process.pid}`)
  const embedded = await startEmbedded({ data, log: silent })
  const stopping = new AbortController()
  const tidy = async () => {
    stopping.abort()
    for (const group of running) killGroup(group)
    await embedded.stop()
    for (const folder of [embedded.home, data]) rmSync(folder, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void tidy().finally(() => process.exit(130)))
  try {
    const server = { ...embedded.connection, template: await prepareTemplate(embedded.connection) }
    return await work(server, stopping.signal)
  } finally {
    await tidy()
  }
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

/**
 * PostgreSQL is gone under load: clients hear 4xx, nothing that had its 250 is lost, and the desk is back by itself.
 * An outside server is stopped for `OUTAGE_SECONDS` (8); the private one is killed, and the daemon starts it again.
 */
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect, type Sql } from '../../src/database.ts'
import { type Daemon, kill, makeFolder, startDaemon, until } from '../daemon.ts'
import { seeded } from '../random.ts'
import { audit, settle } from './audit.ts'
import { type Ledger, makeLedger, startLoad } from './load.ts'
import { startOutside } from './outside-postgres.ts'

const seconds = Number(process.env.OUTAGE_SECONDS ?? 8)
const outside = await startOutside()
const folders = [makeFolder(), makeFolder()]
const daemons: Daemon[] = []
test.after(async () => {
  for (const daemon of daemons) await daemon.kill()
  for (const folder of folders) await folder.remove()
  await outside.remove()
})

const health = async (daemon: Daemon) => (await fetch(`${daemon.web}/health`)).status

/** Under load before, while and after `out`; the books must balance, and the daemon is the same process. */
async function endure(given: {
  daemon: Daemon
  sql: Sql
  ledger: Ledger
  data: string
  out: (ledger: Ledger) => Promise<void>
}) {
  const { daemon, sql, data } = given
  const ledger = given.ledger
  const promised = () => [...ledger.mails.values()].reduce((sum, one) => sum + one.promised, 0)
  const load = startLoad({
    place: daemon.smtp,
    ledger,
    random: seeded(ledger.mails.size + 1),
    clients: 4,
    pause: 30,
  })
  const begun = promised()
  await until('a load', async () => promised() > begun + 20)
  await given.out(ledger)
  const before = promised()
  const from = performance.now()
  await until('mail is taken again', async () => promised() > before + 20, 60_000)
  const back = performance.now() - from
  await load.stop()
  await settle(sql, daemon.pid, 30_000) // far less than a lease: nothing may wait for one
  assert.is(await health(daemon), 200)
  const { faults, figures } = await audit(sql, { ledger, relayed: [], folder: path.join(data, 'outgoing') })
  const refused = Object.fromEntries(ledger.refused)
  console.log(`back after ${Math.round(back)} ms: ${JSON.stringify({ ...figures, refused })}`)
  assert.equal(faults, [])
  assert.equal(
    Object.keys(refused).filter((code) => !code.startsWith('4')),
    [],
  )
  return refused
}

test(`an outside PostgreSQL is stopped for ${seconds} s`, async () => {
  const data = folders[0]!.path
  const daemon = await startDaemon({ data, env: { DATABASE_URL: outside.url } })
  daemons.push(daemon)
  const { sql, end } = connect({ url: outside.url }, { max: 2 })
  try {
    const refused = await endure({
      daemon,
      sql,
      ledger: makeLedger(),
      data,
      async out(ledger) {
        await outside.halt()
        await sleep((seconds * 1000) / 2)
        assert.is(await health(daemon), 503)
        await sleep((seconds * 1000) / 2)
        assert.ok(
          [...ledger.refused.values()].some((count) => count > 0),
          'clients were told',
        )
        await outside.start()
      },
    })
    assert.ok((refused['451'] ?? 0) + (refused['421'] ?? 0) > 0)
  } finally {
    await end()
  }
  assert.is((await daemon.terminate()).code, 0)
})

test('the private PostgreSQL is killed, and the daemon starts it again within 5 s', async () => {
  const folder = folders[1]!
  const daemon = await startDaemon({ data: folder.path })
  daemons.push(daemon)
  const ledger = makeLedger()
  const { sql, end } = folder.open()
  try {
    for (let time = 0; time < 2; time++)
      await endure({
        daemon,
        sql,
        ledger,
        data: folder.path,
        async out() {
          const server = folder.postmaster()
          kill(server)
          const from = performance.now()
          await until('another server runs', async () => ![0, server].includes(folder.postmaster()), 5000)
          console.log(`started again after ${Math.round(performance.now() - from)} ms`)
        },
      })
  } finally {
    await end()
  }
  assert.is((await daemon.terminate()).code, 0)
  assert.is(folder.postmaster(), 0)
})

test.run()

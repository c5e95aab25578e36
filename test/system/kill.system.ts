/**
 * Seeded rounds of kill -9 at random moments under load by SMTP and IMAP, over one data folder; every tenth takes the
 * private server along. In the end the books must balance (audit.ts). `KILL_ROUNDS` and `KILL_SEED` choose; Ctrl-C
 * ends a long run after its round, with the books of what was done.
 */
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isOutage } from '../../src/database.ts'
import { kill, makeFolder, spawnDaemon, until } from '../daemon.ts'
import { startPostbox } from '../postbox.ts'
import { seeded } from '../random.ts'
import { audit, settle } from './audit.ts'
import { type Dovecot, missingDovecot, startDovecot } from './dovecot.ts'
import { makeLedger, startLoad, writeMail } from './load.ts'

const rounds = Number(process.env.KILL_ROUNDS ?? 12)
const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 1e6))
const root = path.join(import.meta.dirname, '..', '..')

const missing = missingDovecot()
if (missing && process.env.CI === 'true') throw new Error(missing)
if (missing) console.log(`SKIPPED the load by IMAP: ${missing}`)
const dovecot = missing ? null : await startDovecot()
const sink = await startPostbox()
const folder = makeFolder()
const outgoing = path.join(folder.path, 'outgoing')
fs.mkdirSync(folder.path, { mode: 0o711 })
const configs = { relay: writeConfig('relay'), files: writeConfig('files') }
const { sql, end } = folder.open()
const random = seeded(seed)
const ledger = makeLedger()
let enough = false
process.once('SIGINT', () => {
  enough = true
})

test.after(async () => {
  await end()
  await sink.stop()
  await dovecot?.stop()
  await folder.remove()
})

function writeConfig(kind: 'relay' | 'files'): string {
  const desk = path.join(root, 'config', 'demo-desk.yml')
  const file = path.join(folder.path, `${kind}.yml`)
  const mailbox = dovecot && {
    name: 'main',
    inbox: 'support',
    host: '127.0.0.1',
    port: dovecot.port,
    tls: 'none',
    user: 'desk',
    password: dovecot.password,
  }
  const config = {
    web: { listen: '127.0.0.1:0' },
    listeners: [{ kind: 'mx', listen: '127.0.0.1:0' }],
    dns: { zone: path.join(root, 'config', 'demo-zone.yml') },
    ...(kind === 'relay' && {
      relay: { url: `smtp://127.0.0.1:${sink.port}`, per_minute: 100_000, per_domain_minute: 100_000 },
    }),
    mailboxes: mailbox ? [mailbox] : [],
    desk: path.join(folder.path, 'desk.yml'),
  }
  fs.copyFileSync(desk, config.desk)
  fs.writeFileSync(file, JSON.stringify(config)) // YAML holds JSON
  return file
}

/**
 * Another daemon would poll the mailbox a minute after the death of this one: that time passes between two rounds. The
 * leases of mails run out in their own time, or each round would count as one more death of the same few mails.
 */
const ageMailbox = () => whileThere(() => sql`update leases set until = now() - interval '1 second'`)

/** 300 rounds ask for more acknowledgements than an inbox may send in an hour: that hour passes, too. */
const ageBudgets = () =>
  whileThere(() => sql`delete from mail_budgets where scope like 'inbox/%' and period <> 'epoch'`)

/** With the server gone there is nobody to ask: what was to pass waits a round longer. */
async function whileThere(work: () => Promise<unknown>): Promise<void> {
  if (!folder.postmaster()) return
  await work().catch((error) => {
    if (!isOutage(error)) throw error // it was on its way down
  })
}

/** Now and then the relay takes a mail and says nothing, or hangs up: what was under way then is `uncertain`. */
function moody(): void {
  sink.say = ({ phase }) => {
    if (phase === 'end') return random() < 0.04 ? (random() < 0.5 ? 'hang' : 'drop') : null
    return phase === 'rcpt' && random() < 0.01 ? 'drop' : null
  }
}

async function round(number: number): Promise<void> {
  moody()
  const begun = spawnDaemon({ data: folder.path, config: random() < 0.5 ? configs.relay : configs.files })
  if (number % 12 === 11) {
    await sleep(random() * 1500) // while it starts
    return await begun.kill()
  }
  await begun.ready
  const daemon = begun.daemon()
  const load = startLoad({ place: daemon.smtp, ledger, random, clients: 4 })
  const mailing = dovecot && mailInto(dovecot)
  await sleep(random() * 1500)
  const server = number % 10 === 9 ? folder.postmaster() : 0
  if (server && random() < 0.5) kill(server)
  await daemon.kill()
  if (server) kill(server)
  await Promise.all([load.stop(), mailing])
}

/** A mailbox takes mail whether or not anybody polls it. */
async function mailInto(server: Dovecot): Promise<void> {
  for (let count = Math.floor(random() * 4); count > 0; count--) {
    const roots = [...ledger.mails.values()].filter((one) => one.via === 'imap' && one.root === one.id)
    const replied = random() < 0.4 ? roots[Math.floor(random() * roots.length)] : undefined
    const sent = writeMail(ledger, random, {
      root: replied?.root ?? null,
      via: 'imap',
      large: random() < 0.1 ? 3e5 : 0,
    })
    server.deliver('desk', sent.raw)
    Object.assign(sent, { promised: 1, handed: 1 })
    await sleep(random() * 200)
  }
}

/** So that the mailbox is followed "from now" before the first mail is in it. */
async function begin(): Promise<void> {
  const first = spawnDaemon({ data: folder.path, config: configs.files })
  await first.ready
  if (dovecot) await until('the mailbox is followed', async () => (await sql`select 1 from mailboxes`).length > 0)
  await first.kill()
}

test(`${rounds} rounds of kill -9, seed ${seed}`, async () => {
  await begin()
  const from = performance.now()
  let done = 0
  for (; done < rounds && !enough; done++) {
    const number = done
    await ageMailbox()
    await ageBudgets()
    await round(number)
    if (rounds > 20 && number % 20 === 19)
      console.log(`round ${number + 1}: ${ledger.mails.size} mails, ${Math.round(performance.now() - from)} ms`)
  }
  const each = Math.round((performance.now() - from) / done)

  sink.say = () => null
  await ageMailbox()
  const last = spawnDaemon({ data: folder.path, config: configs.relay })
  await last.ready
  const daemon = last.daemon()
  if (dovecot) {
    const total = [...ledger.mails.values()].filter((one) => one.via === 'imap').length
    await until(
      'the mailbox is read',
      async () => {
        const [seen] = await sql`select count(*)::int as n from imap_seen where state = 'imported'`
        return seen!.n >= total
      },
      90_000,
    )
  }
  const hours = setInterval(ageBudgets, 500)
  await settle(sql, daemon.pid).finally(() => clearInterval(hours))
  const { faults, figures } = await audit(sql, { ledger, relayed: sink.taken(), folder: outgoing })
  console.log(
    `seed ${seed}, ${done} rounds, ${each} ms each: ${JSON.stringify({ ...figures, refused: Object.fromEntries(ledger.refused) })}`,
  )
  if (faults.length) console.log(faults.slice(0, 50).join('\n'))
  assert.is(faults.length, 0)
  assert.ok(figures.promised! > done, 'there was a load')
  assert.ok((figures.quarantined ?? 0) <= figures.sent! / 50, 'few mails died three times with the daemon')
  await end()
  assert.is((await daemon.terminate()).code, 0)
  assert.is(folder.postmaster(), 0)
})

test.run()

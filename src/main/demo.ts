/** `demo`: a dozen of the project's own mails through the real SMTP listener, and what became of them. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal, wordsOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { openSession } from '../mail/deliver/relay.ts'
import { type Place, readConfig, withInstallation } from './installation.ts'
import { type Print, showMails, showTickets } from './show.ts'

const FOLDER = path.join(import.meta.dirname, '..', '..', 'fixtures', 'mails', 'demo')

/** @throws Refusal `no_daemon` where nothing listens */
export async function demo(place: Place, { log, print }: { log: Log; print: Print }): Promise<number> {
  const config = readConfig(place)
  const listener = config.listeners.find((one) => one.kind === 'mx' && 'port' in one.listen)
  if (!listener || !('port' in listener.listen)) throw new Refusal('no_listener', 'The demo needs an SMTP listener.')
  const { host, port } = listener.listen
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.eml'))
    .sort()
  return await withInstallation(place, log, async ({ sql }) => {
    const [before] = await sql`select coalesce(max(id), 0) as id from inbound_mails`
    for (const name of files) {
      const raw = readFileSync(path.join(FOLDER, name))
      const from = /^Return-Path: <(.*)>/im.exec(raw.toString('latin1'))?.[1] ?? ''
      const answer = await send({ host, port }, { from, raw })
      print(`${name.padEnd(34)} ${answer}`)
    }
    for (let tries = 0; tries < 100; tries++) {
      const [open] = await sql`
        select count(*)::int as n from inbound_mails where id > ${before!.id} and state = 'received'`
      if (open!.n === 0) break
      await sleep(100)
    }
    print('')
    await showMails(sql, print, { json: false, limit: files.length, state: null })
    print('')
    await showTickets(sql, print, { json: false, limit: files.length, query: '' }, new Date())
    print(
      `Outgoing mail is in ${config.relay ? `the queue to ${config.relay.host}` : path.join(config.data, 'outgoing')}.`,
    )
    return 0
  })
}

/** One mail by SMTP; the server's words, also where it refuses. @throws Refusal `no_daemon` */
async function send(at: { host: string; port: number }, mail: { from: string; raw: Buffer }): Promise<string> {
  const session = await openSession({ ...PLAIN, ...at }).catch(() => {
    throw new Refusal('no_daemon', `Nothing listens on ${at.host}:${at.port}: run npm start in another terminal.`)
  })
  try {
    const open = async () => Readable.from([mail.raw])
    return (await session.send({ from: mail.from, to: 'support@desk.example', open })).answer
  } catch (error) {
    return wordsOf(error)
  } finally {
    session.close()
  }
}

const PLAIN = {
  tls: 'opportunistic' as const,
  user: null,
  password: null,
  ca: null,
  perMinute: 1000,
  perDomainMinute: 1000,
  concurrency: 1,
}

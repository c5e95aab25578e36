/** What the tests of the listeners share: a spool on a real database, listeners on free ports, clients that get closed. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { blobBytes } from '../../../src/blobs.ts'
import { silent } from '../../../src/log.ts'
import type { Served } from '../../../src/mail/intake-smtp/recipients.ts'
import { type SmtpIntake, type SmtpSetting, startSmtp } from '../../../src/mail/intake-smtp.ts'
import { startSpool } from '../../../src/mail/spool/accept.ts'
import { getMail, listMails } from '../../../src/mail/spool.ts'
import { testDatabase } from '../../database.ts'
import { type Client, greet, openSmtp, type Place } from '../../smtp-client.ts'

export const MAIL = 'From: eva@acme.example\r\nSubject: Printer\r\nMessage-ID: <a@acme.example>\r\n\r\nIt smokes.\r\n'

type Change = Partial<Omit<SmtpSetting, 'listener'>> & { listener?: Partial<SmtpSetting['listener']> }

const OURS = new Map([
  ['support@desk.example', 'support'],
  ['billing@desk.example', 'billing'],
  ['grüße@desk.example', 'support'],
])

const served = (): Served => ({
  domains: new Set(['desk.example']),
  match(address) {
    const inbox = OURS.get(address.toLowerCase())
    return inbox ? { inbox, tag: null } : null
  },
})

export async function openHouse() {
  const database = await testDatabase()
  const { sql } = database
  const spool = startSpool({ sql, log: silent })
  const tmp = mkdtempSync(path.join(os.tmpdir(), 'postroom-smtp-'))
  const started: SmtpIntake[] = []
  const opened: Client[] = []
  const kept = (client: Client) => {
    opened.push(client)
    return client
  }
  const rows = () => listMails(sql, {})
  const newest = async () => getMail(sql, (await rows())[0]!.id)
  return {
    sql,
    spool,
    tmp,
    empty: database.empty,
    rows,
    newest,
    /** The raw of the newest mail. */
    stored: async () => blobBytes(sql, (await newest()).blobId!, 1e8),
    async listening(change: Change = {}): Promise<SmtpIntake> {
      const intake = await startSmtp({
        hostname: 'desk.example',
        served,
        spool,
        log: silent,
        tmp,
        diskFree: async () => Number.POSITIVE_INFINITY,
        ...change,
        listener: { kind: 'mx', listen: '127.0.0.1:0', ...change.listener },
      })
      started.push(intake)
      return intake
    },
    /** Connected, the greeting not read yet. */
    raw: async (place: Place) => kept(await openSmtp(place)),
    hello: async (place: Place, words?: string) => kept(await greet(place, words)),
    /** After each test. */
    async clear() {
      for (const client of opened.splice(0)) client.leave()
      await Promise.all(started.splice(0).map((intake) => intake.stop()))
      await database.empty()
    },
    /** After all: throws when a file or a connection is left. */
    async close() {
      const left = readdirSync(tmp)
      rmSync(tmp, { recursive: true })
      await spool.stop()
      await database.close()
      if (left.length) throw new Error(`left behind: ${left.join(', ')}`)
    },
  }
}

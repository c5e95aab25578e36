/** `explain PATH...`: what would be done with each mail, and why. Writes nothing. */
import { createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { readBlob } from '../blobs.ts'
import { previewDesk } from '../engine/desk/watch.ts'
import { Refusal, wordsOf } from '../errors.ts'
import { parse as limits } from '../limits.ts'
import type { Log } from '../log.ts'
import { startTrust } from '../mail/authenticate/trust.ts'
import { explainMail, type Setup, type Subject } from '../mail/explain.ts'
import { findMails, type MailSource, type NoMail } from '../mail/import/sources.ts'
import { filedEnvelope } from '../mail/import.ts'
import { servedBy } from '../mail/intake-smtp/recipients.ts'
import { startParser } from '../mail/parse.ts'
import { getMail } from '../mail/spool.ts'
import { type Explained, explained, unexplained } from './explain/object.ts'
import { explainedText } from './explain/text.ts'
import { type Installation, type Place, TEMPLATES, withInstallation } from './installation.ts'
import { headOf, inOrder } from './mails.ts'
import { readRuleMail } from './rules.ts'
import type { Print } from './show.ts'

export type ExplainCall = {
  /** Files, folders, mboxes, Maildirs, `-`, or the numbers of stored mails. */
  paths: string[]
  json: boolean
  /** Where mails from files are taken to have gone. */
  to: string | null
  archive: boolean
  log: Log
  print: Print
  stdin?: NodeJS.ReadableStream
}

/** Mails under way at once: one is parsed while another is decided. */
const AT_ONCE = 2

/** Exit code 1 when something could not be read; the others are explained all the same. */
export async function explain(place: Place, call: ExplainCall): Promise<number> {
  return await withInstallation(place, call.log, async (house) => {
    const temp = await mkdtemp(path.join(tmpdir(), 'postroom-explain-'))
    const parser = await startParser({ temp, log: call.log, children: AT_ONCE })
    try {
      const { desk, refused } = await previewDesk({
        sql: house.sql,
        ...house.config.desk,
        templates: TEMPLATES,
        readMail: readRuleMail(parser, house.config.desk.file),
        clock: () => new Date(),
      })
      if (refused !== null) call.log.warn('desk_refused', { words: refused })
      const tools = { desk, keys: house.keys, templates: house.templates }
      const trust = startTrust(house.config, () => new Date())
      return await explainAll(house, { sql: house.sql, parser, tools, trust }, { ...call, temp })
    } finally {
      await parser.stop()
      await rm(temp, { recursive: true, force: true })
    }
  })
}

type Call = ExplainCall & { temp: string }

async function explainAll(house: Installation, setup: Setup, call: Call): Promise<number> {
  let unread = 0
  const work = async (found: Found): Promise<Explained | null> => {
    try {
      if ('id' in found) return await explainStored(house, setup, found)
      if (found.problem === null) return await explainFile(setup, found, call)
      return found.skipped ? null : unexplained(found.name, { code: 'unreadable_file', words: found.problem })
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'unreadable_file'
      return unexplained(found.name, { code, words: wordsOf(error) })
    }
  }
  for await (const one of inOrder(findAll(call), AT_ONCE, work)) {
    if (one === null) continue
    if (one.sha256 === null) unread++
    call.print(call.json ? JSON.stringify(one) : `${explainedText(one)}\n`)
  }
  return unread > 0 ? 1 : 0
}

type Stored = { id: number; name: string }
type Found = MailSource | NoMail | Stored

async function* findAll(call: Call): AsyncGenerator<Found> {
  for (const one of call.paths) {
    if (one === '-') yield* fromStdin(call)
    else if (/^#?\d{1,15}$/.test(one) && !existsSync(one)) yield { id: Number(one.replace('#', '')), name: one }
    else yield* findMails([one])
  }
}

/** Kept in a file while it is worked on: it may be an mbox of any size. */
async function* fromStdin({ temp, stdin = process.stdin }: Call): AsyncGenerator<Found> {
  const file = path.join(temp, 'stdin')
  await pipeline(stdin, createWriteStream(file, { mode: 0o600 }))
  for await (const found of findMails([file])) yield { ...found, name: found.name.replace(file, '-') }
}

/** A stored mail as if it were worked on now: with its own envelope, and the state of the desk as it is. */
async function explainStored({ sql }: Installation, setup: Setup, { id, name }: Stored): Promise<Explained> {
  const mail = await getMail(sql, id)
  const { blobId } = mail
  if (blobId === null) throw new Refusal('raw_gone', `The bytes of mail ${id} were removed after it was discarded.`)
  const { via, listener, envelopeFrom: from, recipients, session, prefix, receivedAt, releasedAt, releasedAs } = mail
  const envelope = { via, listener, from, recipients, session, prefix, receivedAt }
  // only a mail that could not be read goes on in a ticket of its own
  const ticketId = mail.state === 'quarantined' ? mail.ticketId : null
  const judged = { id, envelope, releasedAt, releasedAs, ticketId }
  return explained(name, await explainMail(setup, { judged, open: () => readBlob(sql, blobId) }, new Date()))
}

async function explainFile(setup: Setup, source: MailSource, call: Call): Promise<Explained> {
  return explained(source.name, await explainMail(setup, await filedSubject(setup, source, call), new Date()))
}

async function filedSubject(setup: Setup, source: MailSource, { to, archive }: Call): Promise<Subject> {
  const { desk } = setup.tools
  const filed = {
    head: await headOf(source, limits.header),
    manner: archive ? ('archive' as const) : ('live' as const),
    to,
    match: servedBy(desk).match,
    fallback: desk.inboxes[0]!.address,
    date: source.date,
  }
  return {
    judged: { id: 0, envelope: filedEnvelope(filed, new Date()), releasedAt: null, ticketId: null },
    open: source.open,
  }
}

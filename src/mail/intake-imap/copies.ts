/**
 * The job that keeps the Sent folder complete (2.18, 8.25): each answer that was sent gets one copy there, whoever it
 * went to. It runs beside the poller's connection, on one of its own, so only the daemon that polls the mailbox does it
 * and a slow APPEND delays no customer's mail. What fails is told, tried again later, and never touches the sending.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { listUncopied, markCopied, type Uncopied } from '../../engine/outbox/copies.ts'
import { wordsOf } from '../../errors.ts'
import { after } from '../../time.ts'
import { openMail } from '../deliver/files.ts'
import { openSession, type Session } from './connection.ts'
import type { Credentials, Intake } from './mailbox.ts'
import { type SentCopy, saveSent } from './sent.ts'

/** What failed, by Message-ID (`''` for the account as a whole), and when it may be tried again; outlives connections. */
export type Copying = {
  waiting: Map<string, { failures: number; until: number }>
  /** A notice may be open, perhaps of an earlier daemon. */
  notice: 'none' | 'open'
}

type Job = { intake: Intake; folder: string; copying: Copying; signal: AbortSignal; session: Session | null }

/** Runs until stopped; the mailbox must name a folder. */
export function startCopies(
  intake: Intake,
  given: { folder: string; copying: Copying; credentials: () => Promise<Credentials> },
): { stop(): Promise<void> } {
  const { folder, copying, credentials } = given
  const stopping = new AbortController()
  const job: Job = { intake, folder, copying, signal: stopping.signal, session: null }
  let wake = () => {}
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await copyDue(job, credentials).catch((error: unknown) => {
        intake.log.warn('imap.copies', { words: wordsOf(error) }) // the database is away; the next round looks again
      })
      if (stopping.signal.aborted) break
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, intake.limits.sentPoll)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  })()
  return {
    async stop() {
      stopping.abort()
      wake()
      job.session?.close() // a copy cut off is found by the next search, or made then
      await Promise.race([loop, sleep(intake.limits.logout, null, { ref: false })]) // a server that hangs holds up nobody
    },
  }
}

/** One look: what may be tried now is copied, on one connection. */
async function copyDue(job: Job, credentials: () => Promise<Credentials>): Promise<void> {
  const { intake, copying, folder } = job
  const { sql, mailbox, limits, message, log } = intake
  const now = intake.now()
  const resting = [...copying.waiting].flatMap(([id, { until }]) => (until > now.getTime() ? [id] : []))
  if (resting.includes(ACCOUNT)) return
  const since = after(now, -limits.sentFor)
  const due = await listUncopied(sql, { inbox: mailbox.inbox, since, except: resting, limit: limits.sentBatch })
  await forgetOld(job, due, now)
  if (due.length === 0) return
  try {
    job.session = await openSession({ mailbox, credentials: await credentials(), limits, message, log })
  } catch (error) {
    return await failed(job, ACCOUNT, wordsOf(error))
  }
  copying.waiting.delete(ACCOUNT)
  let closed = false
  job.session.closed.then(() => {
    closed = true
  })
  try {
    for (const row of due) {
      if (job.signal.aborted || closed) break
      await copyOne(job, job.session, row)
    }
  } finally {
    const { session } = job
    job.session = null
    await session.logout()
  }
  if (copying.waiting.size === 0) await settled(job)
  log.debug('imap.copies', { folder, tried: due.length })
}

const ACCOUNT = ''

async function copyOne(job: Job, session: Session, row: Uncopied): Promise<void> {
  const { intake, folder, copying } = job
  const { sql, log } = intake
  const raw = await bytesOf(intake, row)
  let copy: SentCopy
  if (raw === null) copy = { kind: 'failed', words: 'it is too large' }
  else
    try {
      copy = await saveSent(session, { folder, messageId: row.message_id, raw, at: row.date_at })
    } catch (error) {
      copy = { kind: 'failed', words: wordsOf(error) }
    }
  if (copy.kind === 'failed') return await failed(job, row.message_id, copy.words)
  await markCopied(sql, row.message_id, intake.now())
  copying.waiting.delete(row.message_id)
  log.info('imap.copied', { outbox: row.id, copy: copy.kind })
}

/** APPEND wants the size first, so the mail is whole in memory; null when it is larger than any that we take in. */
async function bytesOf({ sql, message }: Intake, row: Uncopied): Promise<Buffer | null> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of await openMail(sql, row, [])) {
    bytes += (piece as Buffer).length
    if (bytes > message) return null
    pieces.push(piece as Buffer)
  }
  return Buffer.concat(pieces)
}

async function failed(job: Job, id: string, words: string): Promise<void> {
  if (job.signal.aborted) return // cut off by ourselves
  const { intake, copying, folder } = job
  const { mailbox, limits, log, notices } = intake
  const failures = (copying.waiting.get(id)?.failures ?? 0) + 1
  const wait = limits.authBackoff[Math.min(failures, limits.authBackoff.length) - 1] ?? limits.backoffCap
  copying.waiting.set(id, { failures, until: intake.now().getTime() + wait })
  copying.notice = 'open'
  log.warn('imap.copy_failed', { folder, words, failures, wait })
  const what = `Mailbox ${mailbox.name} takes no copy of an answer into ${folder}: ${words}`
  await notices.raise('mailbox_sent', mailbox.name, `${what}. The answer itself was sent; the copy is tried again.`)
}

/** What no longer turns up was too old to be tried on; its notice stays for a person to settle. */
async function forgetOld({ intake, copying }: Job, due: Uncopied[], now: Date): Promise<void> {
  if (due.length === intake.limits.sentBatch) return
  const there = new Set(due.map((row) => row.message_id))
  for (const [id, { until }] of copying.waiting) {
    if (id === ACCOUNT || there.has(id) || until > now.getTime()) continue
    copying.waiting.delete(id)
    copying.notice = 'none'
    intake.log.warn('imap.copy_given_up')
  }
}

async function settled({ intake, copying, signal }: Job): Promise<void> {
  if (copying.notice === 'none' || signal.aborted) return
  await intake.notices.settle('mailbox_sent', intake.mailbox.name)
  copying.notice = 'none'
}

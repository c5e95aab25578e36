/**
 * The journey of an accepted mail (ARCHITECTURE): claim, parse, classify, then one transaction in which the engine
 * decides and acts and the spool records the end. Before that transaction nothing anyone can see has changed; after it
 * nothing is left to do. Any number of these may run on one database.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readBlob } from '../blobs.ts'
import {
  isOutage,
  type Listening,
  listen,
  notify,
  type Sql,
  type Statement,
  type Tx,
  transaction,
} from '../database.ts'
import { OUTBOX_CHANNEL } from '../engine/outbox.ts'
import { type Plan, receive } from '../engine/receive.ts'
import type { Tools } from '../engine/tools.ts'
import { Refusal, wordsOf } from '../errors.ts'
import type { Auth } from '../incoming.ts'
import { pipeline as limits } from '../limits.ts'
import type { Log } from '../log.ts'
import { authOf, type Trust } from './authenticate/trust.ts'
import { spamMark } from './classify/spam.ts'
import { type Copy, likenessOf } from './duplicates.ts'
import { gather, knownOf, quarantineWords, type Read, scanned } from './judge.ts'
import type { Parser } from './parse.ts'
import { claim, extend, fail, finish, giveBack, readAtLast, upgradeVerdict } from './spool/claims.ts'
import type { Recent } from './spool/recent.ts'
import { type ClaimedMail, MAIL_CHANNEL } from './spool.ts'

export type Pipeline = {
  /** Stops claiming and waits for the mails under way. */
  stop(): Promise<void>
  /** Resolves when a look found nothing to do and nothing is under way. */
  idle(): Promise<void>
}

type Setup = {
  sql: Sql
  parser: Parser
  tools: () => Tools
  /** Whom to ask and to believe about senders. */
  trust: Trust
  /** Unique per running daemon: the holder of the leases. */
  worker: string
  /** What the spool of this daemon has just stored. */
  recent?: Recent
  log: Log
  now: () => Date
  /** Mails under way at once: some wait for a parse child while others are in their transaction. */
  atOnce?: number
}

type Working = Setup & { onAcknowledged(): void; stop: AbortSignal }

/** Works on accepted mails until stopped: woken by `listen`, and by a poll to be sure. */
export async function startPipeline(given: Setup): Promise<Pipeline> {
  const { sql, log, now, worker, atOnce = limits.batch } = given
  const bell = startBell(sql, log)
  const stop = new AbortController()
  const setup: Working = { ...given, onAcknowledged: bell.ring, stop: stop.signal }
  const busy = new Map<number, { work: Promise<void>; suspect: boolean }>()
  let stopping = false
  let looking: Promise<void> | null = null
  let again = false
  const idlers: (() => void)[] = []
  // Half of the places at least, so that under load one claim, with its commit, serves several mails.
  const hasRoom = () => busy.size <= atOnce / 2

  const look = () => {
    again = true
    looking ??= (async () => {
      while (again && !stopping) {
        again = false
        if (!hasRoom()) break // each mail that ends looks again
        const room = atOnce - busy.size
        const suspects = [...busy.values()].some((one) => one.suspect) ? 'none' : 'one'
        const claimed = await claim(sql, { worker, limit: room, suspects }, now()).catch((error) => {
          log.warn('claim_failed', { words: wordsOf(error) })
          return []
        })
        for (const mail of claimed) start(mail)
        if (claimed.length === room) again = true
      }
    })().finally(() => {
      looking = null
      if (again && !stopping && hasRoom()) look()
      else if (!busy.size) for (const done of idlers.splice(0)) done()
    })
  }
  const start = (mail: ClaimedMail) => {
    const work = workOn(setup, mail).finally(() => {
      busy.delete(mail.id)
      look()
    })
    busy.set(mail.id, { work, suspect: mail.attempts > 1 })
  }

  const listening: Listening = await listen(sql, MAIL_CHANNEL, look)
  const poll = setInterval(look, limits.poll)
  const renew = setInterval(() => {
    if (busy.size)
      extend(sql, { worker, ids: [...busy.keys()] }, now()).catch((error) =>
        log.warn('lease_failed', { words: wordsOf(error) }),
      )
  }, limits.lease / 4)
  look()

  return {
    async stop() {
      stopping = true
      stop.abort()
      clearInterval(poll)
      await listening.stop()
      await looking
      await Promise.all([...busy.values()].map((one) => one.work))
      clearInterval(renew)
      await bell.rest()
      for (const done of idlers.splice(0)) done()
    },
    idle: () =>
      new Promise((resolve) => {
        idlers.push(resolve)
        look()
      }),
  }
}

/**
 * Wakes the deliverers after commits, one notification for all that were made meanwhile: within the transactions each
 * would make the next wait until it is on disk. One that is lost costs the five seconds of the deliverer's poll.
 */
function startBell(sql: Sql, log: Log): { ring(): void; rest(): Promise<void> } {
  let ringing: Promise<void> | null = null
  let again = false
  const ring = () => {
    again = true
    ringing ??= (async () => {
      while (again) {
        again = false
        await notify(sql, OUTBOX_CHANNEL).catch((error) => log.warn('wake_failed', { words: wordsOf(error) }))
      }
      ringing = null
    })()
  }
  return {
    ring,
    async rest() {
      await ringing
    },
  }
}

/** One mail from claim to its end. Never throws: a failure is the mail's own, an outage is nobody's. */
async function workOn(setup: Working, mail: ClaimedMail): Promise<void> {
  const { sql, worker, log, now } = setup
  try {
    const poison = mail.exhausted ? 'It stopped the program each time it was worked on.' : quarantineWords(mail)
    if (poison !== null)
      return await settle(setup, mail, await scanned(readBlob(sql, mail.blobId), { code: 'poison', words: poison }))
    const source = sourceOf(setup, mail)
    const { mail: parsed, dispose } = await setup.parser.parse(source())
    try {
      const auth = await authOf(setup.trust, { envelope: mail.envelope, mail: parsed, raw: source })
      const spam = spamMark(setup.trust, { envelope: mail.envelope, mail: parsed })
      await settle(setup, mail, { mail: parsed, auth, poison: null, spam })
    } finally {
      await dispose().catch((error) => log.warn('parts_left', { mail: mail.id, words: wordsOf(error) }))
    }
  } catch (error) {
    const words = wordsOf(error)
    if (error instanceof Refusal && error.code === 'lease_lost') return void log.info('lease_lost', { mail: mail.id })
    try {
      if (isOutage(error)) {
        log.warn('mail_postponed', { mail: mail.id, words })
        return await putBack(setup, mail, words)
      }
      log.warn('mail_failed', { mail: mail.id, attempt: mail.attempts, words })
      if ((await fail(sql, { worker, id: mail.id, words }, now())) === 'exhausted')
        await settle(setup, mail, await scanned(readBlob(sql, mail.blobId), { code: 'poison', words }))
    } catch (second) {
      // its lease runs out, and the mail is done again from the raw
      log.error('mail_left', { mail: mail.id, words: wordsOf(second) })
    }
  }
}

/** The bytes, as often as they are wanted: from memory where this daemon has just stored them, else from their blob. */
function sourceOf({ sql, recent }: Setup, { id, blobId }: ClaimedMail): () => AsyncIterable<Buffer> {
  const held = recent?.take(id)
  if (!held) return () => readBlob(sql, blobId)
  return async function* () {
    yield held
  }
}

/** Insists: what cannot be put back now would wait for its lease, and its conversation with it. */
async function putBack({ sql, worker, now, stop }: Working, mail: ClaimedMail, words: string) {
  for (;;) {
    try {
      return await giveBack(sql, { worker, id: mail.id, delay: limits.backoff, words }, now())
    } catch (error) {
      if (!isOutage(error) || stop.aborted) throw error
      await sleep(limits.pause, null, { signal: stop }).catch(() => {}) // then once more, and no longer
    }
  }
}

/** Decides, does and finishes in one transaction; once more when a copy was finished meanwhile (3.8). */
async function settle(setup: Working, claimed: ClaimedMail, read: Read): Promise<void> {
  for (let round = 0; ; round++) {
    try {
      if (await transaction(setup.sql, (tx) => settleIn(tx, setup, claimed, read))) setup.onAcknowledged()
      return
    } catch (error) {
      const again = error instanceof Refusal && error.code === 'duplicate_mail' && round < 2
      if (!again) throw error
    }
  }
}

async function settleIn(tx: Tx, setup: Working, claimed: ClaimedMail, read: Read) {
  const { mail, auth } = read
  const { worker } = setup
  const now = setup.now()
  const tools = setup.tools()
  const known = knownOf(claimed, read)
  const { arrival, facts, copy, keys } = await gather(tx, { judged: claimed, known, tools }, now)
  const raw = { blobId: claimed.blobId, bytes: claimed.bytes }
  const done = await receive(tx, { arrival, facts, raw, tools }, now)
  const { plan } = done
  await finish(
    tx,
    {
      id: claimed.id,
      worker,
      outcome: {
        state: plan.state,
        kind: plan.kind,
        messageId: mail.messageId,
        from: mail.from?.address ?? null,
        subject: mail.subject,
        ticketId: done.ticketId ?? copy.earlier?.ticketId ?? claimed.ticketId,
        commentId: done.commentId ?? copy.earlier?.commentId ?? null,
        duplicateOf: copy.earlier?.id ?? null,
        dedupeKey: copy.earlier || plan.state === 'held' ? null : (keys[0] ?? null),
        likeness: mail.error === null ? likenessOf(mail) : null,
        reasons: [...plan.reasons, ...done.reasons],
        trace: done.trace,
      },
      rows: [...done.rows, ...toEarlier(tx, { id: claimed.id, copy, plan, auth }, now)],
    },
    now,
  )
  await done.rest()
  return done.acknowledged
}

/** What a mail does to earlier ones that are the same. */
function toEarlier(
  tx: Tx,
  { id, copy, plan, auth }: { id: number; copy: Copy; plan: Plan; auth: Auth },
  now: Date,
): Statement[] {
  // 3.9: by a better authenticated way the same mail says more about its sender
  if (copy.earlier) return [upgradeVerdict(tx, { id: copy.earlier.id, auth })]
  const isRead = plan.state === 'ticketed' || plan.state === 'commented'
  return isRead && copy.unread.length ? [readAtLast(tx, { ids: copy.unread.map((one) => one.id), as: id }, now)] : []
}

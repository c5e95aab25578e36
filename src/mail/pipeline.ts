/**
 * The journey of an accepted mail (ARCHITECTURE): claim, parse, classify, then one transaction in which the engine
 * decides and acts and the spool records the end. Before that transaction nothing anyone can see has changed; after it
 * nothing is left to do. Any number of these may run on one database.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readBlob } from '../blobs.ts'
import { isOutage, type Listening, listen, notify, type Sql } from '../database.ts'
import { OUTBOX_CHANNEL } from '../engine/outbox.ts'
import type { Tools } from '../engine/tools.ts'
import { Refusal, wordsOf } from '../errors.ts'
import type { IncomingMail, ParsedMail } from '../incoming.ts'
import { pipeline as limits } from '../limits.ts'
import type { Log } from '../log.ts'
import { authOf, type Trust } from './authenticate/trust.ts'
import { spamMark } from './classify/spam.ts'
import { forwardIn } from './forward/attached.ts'
import { quarantineWords, type Read, scanned } from './judge.ts'
import type { Parser } from './parse.ts'
import { type Settling, startSettling } from './pipeline/settle.ts'
import { claim, extend, fail, giveBack } from './spool/claims.ts'
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
  /** Wakes the deliverer of this daemon; without it, those of all daemons are notified. */
  wake?: () => void
  /** What the spool of this daemon has just stored. */
  recent?: Recent
  log: Log
  now: () => Date
}

type Working = Setup & { settling: Settling; reading: Set<number>; onRead: () => void; stop: AbortSignal }

/** Works on accepted mails until stopped: woken by `listen`, and by a poll to be sure. */
export async function startPipeline(given: Setup): Promise<Pipeline> {
  const { sql, log, now, worker } = given
  const bell = startBell(sql, log)
  const stop = new AbortController()
  const reading = new Set<number>()
  const settling = startSettling({ ...given, onAcknowledged: given.wake ?? bell.ring, expected: () => reading.size })
  const setup: Working = { ...given, settling, reading, onRead: () => hasRoom() && look(), stop: stop.signal }
  const busy = new Map<number, { work: Promise<void>; suspect: boolean }>()
  let stopping = false
  let claimedAt = 0
  let looking: Promise<void> | null = null
  let again = false
  const idlers: (() => void)[] = []
  // Half of the places at least, so that under load one claim, with its commit, serves several mails.
  const hasRoom = () => reading.size <= limits.batch / 2 && busy.size <= limits.underWay - limits.batch / 2

  const look = () => {
    again = true
    looking ??= (async () => {
      while (again && !stopping) {
        const pause = busy.size ? claimedAt + limits.between - performance.now() : 0
        if (pause > 0) await sleep(pause, null, { signal: stop.signal }).catch(() => {})
        again = false
        if (stopping || !hasRoom()) break // each mail that ends looks again
        claimedAt = performance.now()
        const room = Math.min(limits.batch - reading.size, limits.underWay - busy.size)
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
    reading.add(mail.id)
    const work = workOn(setup, mail).finally(() => {
      busy.delete(mail.id)
      if (reading.delete(mail.id)) settling.look()
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
    const { mail: parsed, dispose } = await setup.parser.parse(source)
    try {
      const auth = await authOf(setup.trust, { envelope: mail.envelope, mail: parsed, raw: source })
      const spam = spamMark(setup.trust, { envelope: mail.envelope, mail: parsed })
      const forward = isAgents(setup.tools(), parsed) ? await forwardIn(setup.parser, parsed) : null
      await settle(setup, mail, { mail: parsed, auth, poison: null, spam, forward })
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

/** Whether From names an agent: only what they forward may open a ticket for somebody else (7.11). */
const isAgents = ({ desk }: Tools, mail: ParsedMail): mail is IncomingMail =>
  mail.error === null && mail.from !== null && desk.agents.has(mail.from.address.toLowerCase())

function settle({ settling, reading, onRead }: Working, mail: ClaimedMail, read: Read): Promise<void> {
  reading.delete(mail.id)
  onRead()
  return settling.settle(mail, read)
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

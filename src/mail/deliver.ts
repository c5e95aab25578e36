/**
 * Delivery: takes rows of the outbox by a lease, sends each in a transaction of its own to the relay, or writes it as
 * an .eml file where there is none, and records how it ended (MAIL 8.20-8.28, 8.31). It decides nothing about a mail:
 * the row holds all. Any number of daemons may run one.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isOutage, listen, type Sql } from '../database.ts'
import { type Claimed, claimMails, nextDue, releaseMail, settleOverdue } from '../engine/outbox/delivery.ts'
import { nextMinute, type Rates, rateLeft, takeTurn } from '../engine/outbox/rates.ts'
import { OUTBOX_CHANNEL } from '../engine/outbox.ts'
import { wordsOf } from '../errors.ts'
import { outgoing } from '../limits.ts'
import type { Log } from '../log.ts'
import { after } from '../time.ts'
import { folderCarrier, relayCarrier } from './deliver/carriers.ts'
import { makeCircuit } from './deliver/circuit.ts'
import type { DkimKey } from './deliver/dkim.ts'
import { carryOne, type Notices, type Shop, tellOf } from './deliver/lane.ts'
import type { Relay } from './deliver/relay.ts'

export type DelivererOptions = {
  sql: Sql
  /** Null: mails become files in `folder`. */
  relay: (Relay & { dkim: DkimKey | null }) | null
  folder: string
  /** Unique among all daemons that live or have lived. */
  worker?: string
  log: Log
  now: () => Date
  notices: Notices
  /** Milliseconds; tests shorten them. */
  pace?: { poll?: number; claim?: number; circuit?: readonly number[]; stop?: number }
}

export type Deliverer = {
  /** Where mail goes, for people. */
  where: string
  /** `ok`, or `waiting` while the relay is in trouble. */
  state(): 'ok' | 'waiting'
  /** Looks at the outbox now. */
  wake(): void
  /** Takes nothing new, gives what is under way 20 s, then cuts it off; such a mail is `uncertain` or waits. */
  stop(): Promise<void>
}

/** Runs until stopped; resolves when it listens. */
export async function startDeliverer(options: DelivererOptions): Promise<Deliverer> {
  const shop = makeShop(options)
  const { log, carrier, circuit, now } = shop
  const bell = makeBell()
  const lanes = new Set<Promise<void>>()
  const stopping = new AbortController()
  const carry = (row: Claimed) => {
    const lane: Promise<void> = carryOne(shop, row)
      .catch((error: unknown) => log.error('mail_lane_failed', { id: row.id, words: wordsOf(error) }))
      .finally(() => {
        lanes.delete(lane)
        bell.ring()
      })
    lanes.add(lane)
  }
  const listening = await listen(shop.sql, OUTBOX_CHANNEL, bell.ring)
  const run = makeRounds({ ...shop, ...ratesOf(options.relay), pace: options.pace ?? {} })
  const poll = options.pace?.poll ?? outgoing.poll
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      let wait = poll
      try {
        const rows = await run(lanes.size)
        for (const row of rows) carry(row)
        if (rows.length === 0) wait = await untilDue(shop, poll)
      } catch (error) {
        log[isOutage(error) ? 'warn' : 'error']('outbox_round_failed', { words: wordsOf(error) })
      }
      if (!stopping.signal.aborted) await bell.wait(wait)
    }
  })()
  return {
    where: options.relay ? `relay ${carrier.name}` : `files in ${carrier.name}`,
    state: () => (circuit.closed(now()) && circuit.lanes(2) === 2 ? 'ok' : 'waiting'),
    wake: bell.ring,
    async stop() {
      stopping.abort()
      bell.ring()
      await listening.stop()
      await loop
      await Promise.race([Promise.all(lanes), sleep(options.pace?.stop ?? outgoing.stop, null, { ref: false })])
      shop.cut.abort()
      carrier.cut()
      await Promise.all(lanes)
    },
  }
}

/** Milliseconds until there is something to look at: the next mail that is due, at most a poll's time. */
async function untilDue({ sql, circuit, now }: Shop, poll: number): Promise<number> {
  const at = now()
  if (!circuit.closed(at)) return poll
  const due = await nextDue(sql, after(at, poll), at)
  return due === null ? poll : Math.max(1, due.getTime() - now().getTime())
}

function makeShop(options: DelivererOptions): Shop & { cut: AbortController } {
  const cut = new AbortController()
  return {
    sql: options.sql,
    carrier: options.relay ? relayCarrier(options.relay) : folderCarrier(options.folder),
    circuit: makeCircuit(options.pace?.circuit),
    dkim: options.relay?.dkim ? [options.relay.dkim] : [],
    worker: options.worker ?? randomUUID(),
    notices: options.notices,
    log: options.log,
    now: options.now,
    cut,
    async pause() {
      await sleep(500, null, { signal: cut.signal }).catch(() => {})
      return cut.signal.aborted ? 'stop' : 'again'
    },
  }
}

/** Files have no rate. */
const ratesOf = (relay: Relay | null): { rates: Rates | null } => ({
  rates: relay && {
    relay: `${relay.host}:${relay.port}`,
    perMinute: relay.perMinute,
    perDomainMinute: relay.perDomainMinute,
  },
})

type Counter = Shop & { rates: Rates | null; pace: NonNullable<DelivererOptions['pace']> }

/** One look at the outbox: the rows that may go now, given how many are under way. */
function makeRounds(counter: Counter): (busy: number) => Promise<Claimed[]> {
  const { sql, carrier, circuit, rates, worker, now } = counter
  const claim = { worker, lease: counter.pace.claim ?? outgoing.claim }
  let rounds = 0
  let sweptAt = 0
  let spent = 0
  return async (busy) => {
    const at = now()
    if (at.getTime() - sweptAt >= (counter.pace.poll ?? outgoing.poll)) {
      sweptAt = at.getTime()
      for (const settled of await settleOverdue(sql, at)) await tellOf(counter, settled, 'see its last answer')
    }
    if (!circuit.closed(at) || nextMinute(at).getTime() === spent) return []
    const free = circuit.lanes(carrier.lanes) - busy
    const rate = rates ? await rateLeft(sql, rates, at) : { left: free, fullDomains: [] }
    // whoever is woken until the minute ends need not ask again: what was sent in it is not taken back
    if (rates && rate.left <= 0) spent = nextMinute(at).getTime()
    const limit = Math.min(free, rate.left)
    // files go faster than claims: with half of the lanes free one claim, and its commit, serves several mails
    if (limit <= 0 || (!rates && busy > carrier.lanes / 2)) return []
    // every other round begins with what has waited longest, so that nothing starves behind a stream of replies
    const order = rounds++ % 2 === 0 ? 'priority' : 'oldest'
    const rows = await claimMails(sql, { ...claim, limit, fullDomains: rate.fullDomains, order }, at)
    if (order === 'oldest' && rows.length < limit)
      rows.push(
        ...(await claimMails(
          sql,
          { ...claim, limit: limit - rows.length, fullDomains: rate.fullDomains, order: 'priority' },
          at,
        )),
      )
    return rates ? await withTurns(counter, rates, rows) : rows
  }
}

/** A minute's share is counted where mail is about to go; what has none waits for the next minute, as it was. */
async function withTurns({ sql, worker, now }: Shop, rates: Rates, rows: Claimed[]): Promise<Claimed[]> {
  const going: Claimed[] = []
  for (const row of rows) {
    if (await takeTurn(sql, rates, row.recipient, now())) going.push(row)
    else await releaseMail(sql, { id: row.id, worker }, { answer: null, nextTryAt: nextMinute(now()) })
  }
  return going
}

/** Rung while nobody waits, it shortens the next wait to nothing. */
function makeBell(): { ring: () => void; wait(milliseconds: number): Promise<void> } {
  let rung = false
  let open: (() => void) | null = null
  return {
    ring() {
      rung = true
      open?.()
    },
    async wait(milliseconds) {
      if (!rung) {
        let timer: NodeJS.Timeout | undefined
        await new Promise<void>((resolve) => {
          open = resolve
          timer = setTimeout(resolve, milliseconds)
        })
        clearTimeout(timer)
        open = null
      }
      rung = false
    },
  }
}

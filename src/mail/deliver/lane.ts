/** One mail's way out: sent, and its end written down, with whoever must know told (MAIL 8.20-8.24). */
import type { Sql } from '../../database.ts'
import { type Claimed, markSending, retryDelay, type Settled } from '../../engine/outbox/delivery.ts'
import { wordsOf } from '../../errors.ts'
import { outgoing } from '../../limits.ts'
import type { Log } from '../../log.ts'
import { after } from '../../time.ts'
import type { Carrier, Delivered } from './carriers.ts'
import type { Circuit } from './circuit.ts'
import type { DkimKey } from './dkim.ts'
import { openMail } from './files.ts'
import { type Failure, judge, type Outcome } from './outcome.ts'
import { insist, writeFailure, writeSent } from './record.ts'
import { failureOf } from './relay.ts'

export type Notices = {
  raise(kind: 'relay_down' | 'reply_undelivered', subject: string, words: string): Promise<void>
  settle(kind: 'relay_down' | 'reply_undelivered', subject: string): Promise<void>
}

/** What all lanes of a deliverer share. */
export type Shop = {
  sql: Sql
  carrier: Carrier
  circuit: Circuit
  dkim: DkimKey[]
  worker: string
  notices: Notices
  log: Log
  now: () => Date
  /** Between two tries to reach the database; `stop` when the deliverer was cut. */
  pause(): Promise<'again' | 'stop'>
}

/** Never rejects, unless the database does not come back before the deliverer is cut; the lease then decides. */
export async function carryOne(shop: Shop, row: Claimed): Promise<void> {
  const { sql, worker, now } = shop
  let delivered: Delivered
  try {
    delivered = await shop.carrier.carry({
      id: row.id,
      from: row.envelope_from,
      to: row.recipient,
      open: () => openMail(sql, row, shop.dkim),
      async begin() {
        if (!(await markSending(sql, { id: row.id, worker }, now())))
          throw new Error('another worker has taken this mail')
      },
    })
  } catch (error) {
    const failure = failureOf(error)
    if (failure) return await failed(shop, row, failure)
    // no byte has left: the row's own lease runs out, and it is tried again
    return shop.log.warn('mail_not_begun', { id: row.id, words: wordsOf(error) })
  }
  await insist(() => writeSent(sql, { row, worker }, delivered, now()), shop.pause)
  shop.log.info('mail_sent', { id: row.id, kind: row.kind })
  if (shop.circuit.healthy()) await shop.notices.settle('relay_down', shop.carrier.name)
  if (AWAITED[row.kind] && (row.deferred_at || row.uncertain_at))
    await shop.notices.settle('reply_undelivered', subjectOf(row))
}

/** What a person waits for. */
const AWAITED: Partial<Record<Claimed['kind'], string>> = { reply: 'An answer', statement: 'A statement' }

/** A row's end that nobody may overlook. */
export async function tellOf(shop: Shop, settled: NonNullable<Settled>, words: string): Promise<void> {
  const name = AWAITED[settled.kind]
  if (!name || !['failed', 'uncertain', 'deferred'].includes(settled.state)) return
  const fate = {
    failed: 'could not be delivered',
    uncertain: 'may or may not have arrived',
    deferred: 'is still waiting to be taken',
  }[settled.state as 'failed']
  const subject = subjectOf(settled)
  await shop.notices.raise(
    'reply_undelivered',
    subject,
    `${name} in ${subject} ${fate} (outbox ${settled.id}): ${words}`,
  )
}

const subjectOf = (row: { id: number; ticket_id: number | null }) =>
  row.ticket_id === null ? `mail ${row.id}` : `#${row.ticket_id}`

async function failed(shop: Shop, row: Claimed, failure: Failure): Promise<void> {
  const { sql, worker, now, circuit, log } = shop
  const outcome = judge(failure)
  const trip = outcome.kind === 'relay' ? circuit.trip(outcome.trouble, now()) : null
  if (outcome.kind !== 'relay' && circuit.healthy()) await shop.notices.settle('relay_down', shop.carrier.name)
  log.warn('mail_not_sent', { id: row.id, outcome: outcome.kind, phase: failure.phase, words: failure.words })
  const settled = await insist(
    () => writeFailure(sql, { row, worker }, { failure, outcome, retryAt: trip?.until ?? now() }, now()),
    shop.pause,
  )
  if (trip) await alarm(shop, outcome, trip.inARow, failure.words)
  if (settled && (settled.state !== 'deferred' || isLateNow(row, now()))) await tellOf(shop, settled, failure.words)
}

/** One notice for one trouble; a hiccup is none until it is the third in a row. */
async function alarm({ notices, carrier }: Shop, outcome: Outcome, inARow: number, words: string): Promise<void> {
  if (outcome.kind !== 'relay' || (outcome.trouble === 'quiet' ? inARow !== 3 : inARow !== 1)) return
  const what = outcome.trouble === 'throttled' ? 'takes no more mail for now' : 'takes no mail'
  await notices.raise(
    'relay_down',
    carrier.name,
    `${carrier.name} ${what}; all outgoing mail waits, none is lost: ${words}`,
  )
}

/** The try after which a reply has been deferred for over an hour: said once, not at every try (8.22). */
function isLateNow(row: Claimed, now: Date): boolean {
  if (!row.deferred_at) return false
  const before = after(now, -retryDelay(row.id, row.tries))
  const late = after(row.deferred_at, outgoing.tellAfter)
  return now >= late && before < late
}

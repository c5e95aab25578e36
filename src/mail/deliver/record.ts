/** Writes down how a try ended: the row's state and its line in delivery_attempts, in one transaction (MAIL 8.29). */
import { isOutage, type Queryable, type Sql, together, transaction } from '../../database.ts'
import {
  type Claimed,
  recordDeferred,
  recordFailed,
  recordUncertain,
  releaseMail,
  type Settled,
  sentRow,
} from '../../engine/outbox/delivery.ts'
import { type MailId, messageIdRows } from '../../engine/thread.ts'
import type { Delivered } from './carriers.ts'
import type { Failure, Outcome } from './outcome.ts'

export type Done = { row: Claimed; worker: string }

/** The relay's own id for the mail leads to the ticket too (8.1): some replace ours on the way. */
export async function writeSent(sql: Sql, { row, worker }: Done, delivered: Delivered, now: Date): Promise<void> {
  const messageId = delivered.serverMessageId?.replace(/^<(.*)>$/, '$1')
  const ids: MailId[] =
    messageId && row.ticket_id
      ? [{ messageId, ticketId: row.ticket_id, commentId: row.comment_id, direction: 'out' }]
      : []
  // one statement is a transaction of its own, without the three round trips of a begun one
  await together(sql, [
    sentRow(sql, { id: row.id, worker }, delivered.answer, now),
    attempt(sql, row.id, { phase: 'answer', code: 250, words: delivered.answer, ok: true }, now),
    ...(ids.length ? [messageIdRows(sql, ids, now)] : []),
  ])
}

/** @param retryAt when the relay may be tried again, for an outcome that is the relay's */
export async function writeFailure(
  sql: Sql,
  { row, worker }: Done,
  why: { failure: Failure; outcome: Outcome; retryAt: Date },
  now: Date,
): Promise<Settled> {
  const { failure, outcome } = why
  const held = { id: row.id, worker }
  return await transaction(sql, async (tx) => {
    await attempt(tx, row.id, { ...failure, ok: false }, now)
    switch (outcome.kind) {
      case 'relay':
        await releaseMail(tx, held, { answer: failure.words, nextTryAt: why.retryAt })
        return null
      case 'deferred':
        return await recordDeferred(tx, held, failure.words, now)
      case 'failed':
        return await recordFailed(tx, held, { answer: failure.words, noSuchUser: outcome.noSuchUser }, now)
      case 'uncertain':
        return await recordUncertain(tx, held, `Perhaps delivered, no answer came: ${failure.words}`, now)
    }
  })
}

/** Waits for a database that comes back: what a server has taken must be known, or it is sent again. */
export async function insist<T>(work: () => Promise<T>, pause: () => Promise<'again' | 'stop'>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isOutage(error) || (await pause()) === 'stop') throw error
    }
  }
}

const attempt = (tx: Queryable, id: number, one: Failure & { ok: boolean }, now: Date) => tx`
  insert into delivery_attempts (outbox_id, at, phase, code, words, ok)
  values (${id}, ${now}, ${one.phase}, ${one.code}, ${one.words}, ${one.ok})`

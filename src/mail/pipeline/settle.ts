/**
 * The one transaction of a mail: decide, do, finish. Mails that are ready at the same time and have nothing to do with
 * each other share one, as they share one when they are accepted: its commit, its messages and its statements then
 * serve all of them. What each of them does stands or falls whole; where anything goes wrong, each is done alone.
 */
import { isOutage, type Sql, type Statement, share, type Tx, transaction } from '../../database.ts'
import { isCommanding } from '../../engine/receive/customer.ts'
import { isStatementAnswer } from '../../engine/receive/statement.ts'
import { type Plan, type Received, receive } from '../../engine/receive.ts'
import type { Tools } from '../../engine/tools.ts'
import { Refusal, wordsOf } from '../../errors.ts'
import type { Auth } from '../../incoming.ts'
import { blob, pipeline as limits } from '../../limits.ts'
import type { Log } from '../../log.ts'
import type { Trust } from '../authenticate/trust.ts'
import { type Copy, likenessOf } from '../duplicates.ts'
import { type Case, gather, knownOf, type Prepared, prepare, type Read } from '../judge.ts'
import { type Ending, finish, readAtLast, upgradeVerdict } from '../spool/claims.ts'
import { type ClaimedMail, release, releaseTheirs } from '../spool.ts'

export type Settling = {
  /**
   * Resolves when the mail has its end. Rejects with what the database or the engine rejects with; nothing was done.
   */
  settle(claimed: ClaimedMail, read: Read): Promise<void>
  /** To be called when a mail that was expected does not come. */
  look(): void
}

type Setup = {
  sql: Sql
  tools: () => Tools
  trust: Trust
  worker: string
  log: Log
  now: () => Date
  /** An acknowledgement was written. */
  onAcknowledged(): void
  /** How many mails are being read: worth a short wait. */
  expected(): number
}

type Waiting = {
  claimed: ClaimedMail
  read: Read
  prepared: Prepared
  tools: Tools
  /** It shares its transaction with nobody, and so has nobody to wait for. */
  lonely: boolean
  since: number
  done(): void
  failed(error: unknown): void
}

/** Group commit: while a flight is in the air the next one fills; beside one that is late another sets out. */
export function startSettling(setup: Setup): Settling {
  const queue: Waiting[] = []
  let flights = 0
  let lateAt = 0
  let timer: NodeJS.Timeout | null = null
  const mayFly = () => flights === 0 || (flights < limits.flights && performance.now() >= lateAt)
  const look = () => {
    while (mayFly() && queue.length && isRipe()) {
      flights++
      lateAt = performance.now() + limits.late
      void fly(setup, takeGroup(queue)).then((left) => {
        flights--
        queue.unshift(...left)
        look()
      })
    }
    if (timer === null && queue.length && flights < limits.flights)
      timer = setTimeout(() => {
        timer = null
        look()
      }, limits.linger)
  }
  const isRipe = () =>
    queue[0]!.lonely ||
    queue.length >= limits.group ||
    setup.expected() === 0 ||
    performance.now() - queue[0]!.since >= limits.linger
  return {
    look,
    settle(claimed, read) {
      const tools = setup.tools()
      const prepared = prepare(claimed, knownOf(claimed, read, setup.trust), tools)
      return new Promise((done, failed) => {
        const lonely = isLonely(claimed, read, tools)
        queue.push({ claimed, read, prepared, tools, lonely, since: performance.now(), done, failed })
        look()
      })
    },
  }
}

/** The oldest, and those behind it that share no lock with each other. */
function takeGroup(queue: Waiting[]): Waiting[] {
  const group: Waiting[] = []
  const names = new Set<string>()
  for (const waiting of queue) {
    if (group.length === limits.group) break
    if (group.length && (waiting.lonely || waiting.prepared.names.some((name) => names.has(name)))) continue
    group.push(waiting)
    for (const name of waiting.prepared.names) names.add(name)
    if (waiting.lonely) break
  }
  for (const one of group) queue.splice(queue.indexOf(one), 1)
  return group
}

/**
 * A mail that failed before may fail again, one whose files are streamed keeps the connection to itself, what is
 * commanded is done in a savepoint, which would undo what others did in it, and what is approved holds a customer's months.
 */
const isLonely = (claimed: ClaimedMail, { mail }: Read, tools: Tools): boolean =>
  claimed.attempts > 1 ||
  mail.error !== null ||
  mail.parts.some((part) => part.size > blob.chunk) ||
  (mail.from !== null && tools.desk.agents.has(mail.from.address.toLowerCase())) ||
  isCommanding(mail) ||
  isStatementAnswer(mail, tools)

/** Never rejects: each of the group hears of its own fate. Returns those that another of the group was in the way of. */
async function fly(setup: Setup, group: Waiting[]): Promise<Waiting[]> {
  try {
    const { left, acknowledged } = await transaction(setup.sql, (tx) => settleIn(tx, setup, group))
    if (acknowledged) setup.onAcknowledged()
    for (const waiting of group) if (!left.includes(waiting)) waiting.done()
    return left
  } catch (error) {
    if (group.length === 1 && !mayComeRight(error)) group[0]!.failed(error)
    else if (isOutage(error)) for (const waiting of group) waiting.failed(error)
    else {
      if (group.length > 1) setup.log.info('group_split', { mails: group.length, words: wordsOf(error) })
      for (const waiting of group) await flyAlone(setup, waiting)
    }
    return []
  }
}

/** Once more when a copy was finished meanwhile (3.8). */
async function flyAlone(setup: Setup, waiting: Waiting): Promise<void> {
  for (let round = 0; ; round++) {
    try {
      const { acknowledged } = await transaction(setup.sql, (tx) => settleIn(tx, setup, [waiting]))
      if (acknowledged) setup.onAcknowledged()
      return waiting.done()
    } catch (error) {
      if (!mayComeRight(error) || round === 2) return waiting.failed(error)
    }
  }
}

const mayComeRight = (error: unknown) => error instanceof Refusal && error.code === 'duplicate_mail'

type Judged = { waiting: Waiting; found: Case }

async function settleIn(tx: Tx, setup: Setup, group: Waiting[]): Promise<{ left: Waiting[]; acknowledged: boolean }> {
  const now = setup.now()
  if (group.length > 1) share(tx)
  fixPlans(tx)
    .execute()
    .catch(() => {}) // what fails it fails the questions behind it
  const judged = await allOf(
    group.map(async (waiting) => ({ waiting, found: await gather(tx, waiting.prepared, waiting.tools, now) })),
  )
  const going = withoutSharedTickets(judged)
  const received = await allOf(
    going.map(({ waiting, found: { arrival, facts } }) => {
      const { blobId, bytes } = waiting.claimed
      return receive(tx, { arrival, facts, raw: { blobId, bytes }, tools: waiting.tools }, now)
    }),
  )
  const endings = going.map((one, n) => endingOf(tx, { ...one, done: received[n]! }, { worker: setup.worker, now }))
  await finish(tx, endings, now)
  for (const done of received) await done.rest()
  for (const { releases = [] } of received)
    for (const one of releases)
      if ('confirmed' in one) await releaseTheirs(tx, { id: one.mail, confirmed: one.confirmed }, now)
      else await release(tx, { id: one.mail, by: one.by, as: one.as }, now)
  const left = group.filter((waiting) => !going.some((one) => one.waiting === waiting))
  return { left, acknowledged: received.some((done) => done.acknowledged) }
}

/**
 * A queue's statistics are always stale: a plan made while a table was nearly empty reads all of it, and is kept until
 * the server counts again. Whatever a mail asks has an index, and is planned once: planning took longer than doing.
 */
const fixPlans = (tx: Tx) => tx`
  select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`

/** Waits for all, also when one fails: what is asked late in a transaction that has ended would be asked outside it. */
async function allOf<T>(work: Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work)
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

/** Two mails that name one ticket follow each other: the second waits for what the first does there. */
function withoutSharedTickets(judged: Judged[]): Judged[] {
  const tickets = new Set<number>()
  return judged.filter(({ found: { facts, arrival } }) => {
    const named = [
      ...facts.candidates.keys(),
      ...facts.matters.values(),
      facts.sender?.storm?.ticket ?? null,
      arrival.fallbackTicket,
      arrival.copy?.ticketId ?? null,
    ].filter((id) => id !== null)
    if (named.some((id) => tickets.has(id))) return false
    for (const id of named) tickets.add(id)
    return true
  })
}

function endingOf(
  tx: Tx,
  { waiting, found, done }: Judged & { done: Received },
  { worker, now }: { worker: string; now: Date },
): Ending {
  const { claimed, read } = waiting
  const { mail } = read
  const { copy, keys } = found
  const { plan } = done
  return {
    id: claimed.id,
    worker,
    outcome: {
      state: done.state ?? plan.state,
      kind: plan.kind,
      messageId: mail.messageId,
      from: mail.from?.address ?? null,
      subject: mail.subject,
      ticketId: done.ticketId ?? copy.earlier?.ticketId ?? claimed.ticketId,
      commentId: done.commentId ?? copy.earlier?.commentId ?? null,
      duplicateOf: copy.earlier?.id ?? null,
      dedupeKey: copy.earlier || (done.state ?? plan.state) === 'held' ? null : (keys[0] ?? null),
      likeness: mail.error === null ? likenessOf(mail) : null,
      reasons: [...plan.reasons, ...done.reasons],
      trace: done.trace,
    },
    rows: [...done.rows, ...toEarlier(tx, { id: claimed.id, copy, plan, auth: read.auth }, now)],
  }
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

/**
 * From DATA to the reply: takes the bytes as they come, judges what can be judged before they are stored (size, header
 * block, loops, bare newlines), stores, and says what to answer. 250 comes from the spool's commit and from nowhere
 * else (1.1). A refused mail is drained to its end, so that the reply stands where the client looks for it.
 */
import { isOutage } from '../../database.ts'
import { wordsOf } from '../../errors.ts'
import * as limits from '../../limits.ts'
import type { Log } from '../../log.ts'
import type { Spool } from '../spool/accept.ts'
import type { Envelope } from '../spool.ts'
import type { SmtpLimits } from './doors.ts'
import { type Keep, startKeeping } from './keep.ts'
import { comparable } from './recipients.ts'
import { readHops } from './trace.ts'

/** `words` begin with the enhanced code, except those of a 250. `hangUp`: close after it. */
export type Reply = { code: number; words: string; hangUp?: true }

export type Delivery = {
  kind: 'mx' | 'lmtp'
  envelope: Envelope
  limits: SmtpLimits
  bareNewline: 'normalise' | 'refuse'
  spool: Spool
  tmp: string
  log: Log
  /** All bytes are here; from now on it is not the client who keeps us waiting. */
  onReceived: () => void
}

/** What a header block says that matters before the mail is stored. */
type Marks = Pick<Envelope['session'], 'held' | 'quarantined'>

/**
 * @param source the unstuffed bytes; ending it early must not destroy it
 * @throws when the client goes away in the middle
 */
export async function receive(source: AsyncIterable<Buffer>, delivery: Delivery): Promise<Reply> {
  const keep = startKeeping(delivery.tmp)
  try {
    const marks = await gather(source, keep, delivery)
    delivery.onReceived()
    if ('code' in marks) return marks
    return await store(keep, marks, delivery)
  } finally {
    await keep.drop()
  }
}

async function gather(source: AsyncIterable<Buffer>, keep: Keep, delivery: Delivery): Promise<Reply | Marks> {
  const seesEnd = headerEnd()
  const seesBareNewline = bareNewlines()
  const most = Math.min(delivery.limits.header, limits.spool.small)
  let bytes = 0
  let marks: Marks | null = null
  let refusal: Reply | null = null
  for await (const chunk of source) {
    bytes += chunk.length
    if (refusal) continue
    const bare = delivery.bareNewline === 'refuse' && seesBareNewline(chunk)
    if (bare) refusal = { code: 500, words: '5.5.2 Lines end with CR and LF', hangUp: true }
    else if (bytes > delivery.limits.message) refusal = TOO_LARGE
    else refusal = await keep.add(chunk).then(() => null, noRoom)
    if (refusal || marks) continue
    const end = seesEnd(chunk, bytes - chunk.length)
    if (end === null && bytes <= most) continue
    const judged = judge(keep, end ?? bytes, delivery)
    if ('code' in judged) refusal = judged
    else marks = judged
  }
  if (refusal) return refusal
  return marks ?? judge(keep, bytes, delivery)
}

/** @param end where the header block ends, as far as it was read */
function judge(keep: Keep, end: number, { kind, envelope, limits: most }: Delivery): Reply | Marks {
  if (end > most.header)
    return kind === 'mx' ? { code: 552, words: '5.3.4 Header too large' } : { quarantined: 'header' } // 1.13
  const { received, deliveredTo } = readHops(keep.inMemory().subarray(0, end))
  const circling = envelope.recipients.some(
    ({ address }) => (deliveredTo.get(comparable(address)) ?? 0) >= most.ownDelivered,
  )
  if (received <= most.received && !circling) return {}
  return kind === 'mx' ? { code: 554, words: '5.4.6 This mail is going round in circles' } : { held: 'loop' } // 1.19
}

async function store(keep: Keep, marks: Marks, { envelope, spool, limits: most, log }: Delivery): Promise<Reply> {
  try {
    const session = { ...envelope.session, ...marks }
    const accepting = spool.accept({ envelope: { ...envelope, session }, bytes: await keep.content() })
    const { id } = await inTime(accepting, most.commit)
    return { code: 250, words: `Accepted as ${id}` }
  } catch (error) {
    const words = wordsOf(error)
    if (isOutage(error) || error instanceof Late) log.warn('mail_deferred', { listener: envelope.listener, words })
    else log.error('mail_not_stored', { listener: envelope.listener, words })
    return { code: 451, words: '4.3.0 Cannot store mail now, try again later' }
  }
}

const TOO_LARGE: Reply = { code: 552, words: '5.3.4 Message too large' }

const noRoom = (error: NodeJS.ErrnoException): Reply =>
  error.code === 'ENOSPC' || error.code === 'EDQUOT'
    ? { code: 452, words: '4.3.1 Not enough disk space, try again later' }
    : { code: 451, words: '4.3.0 Cannot store mail now, try again later' }

class Late extends Error {}

/** The commit may still come about: the sender tries again, and the copy is found by its content (3.2). */
function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Late('the database did not answer in time')), milliseconds)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

const CR = 13
const LF = 10

/** Finds the blank line over chunk boundaries, with any line ends. @returns the offset behind it, or null */
function headerEnd(): (chunk: Buffer, offset: number) => number | null {
  let breaks = 0
  let before = 0
  return (chunk, offset) => {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (byte !== CR && byte !== LF) breaks = 0
      else if (byte === CR || before !== CR) breaks++
      before = byte
      if (breaks === 2) return offset + i + 1
    }
    return null
  }
}

/** Whether an LF stands without its CR, over chunk boundaries. */
function bareNewlines(): (chunk: Buffer) => boolean {
  let before = 0
  return (chunk) => {
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1))
      if ((at === 0 ? before : chunk[at - 1]) !== CR) return true
    if (chunk.length) before = chunk[chunk.length - 1]!
    return false
  }
}

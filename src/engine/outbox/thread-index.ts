/** Outlook's own thread of a conversation (MAIL 8.5): carried on where the mail that is answered has one. Pure. */
import { randomBytes } from 'node:crypto'
import type { HeaderValue } from '../outbox.ts'
import { oneLine } from './address.ts'

/** Of a mail: `Thread-Index` as base64 without blanks, and `Thread-Topic`. */
export type OutlookThread = { index: string; topic: string }

/** What a mail's headers say, or null: 22 bytes, then five for each answer. */
export function readThread(headers: readonly [string, string][]): OutlookThread | null {
  const header = (name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''
  const index = header('thread-index').replace(/\s+/g, '')
  if (index === '' || index.length > LONGEST || !/^[A-Za-z0-9+/]+={0,2}$/.test(index)) return null
  const { length } = Buffer.from(index, 'base64')
  if (length < HEAD || (length - HEAD) % CHILD !== 0) return null
  return { index, topic: oneLine(header('thread-topic')).slice(0, 255) }
}

/** The thread of an answer to a mail: its bytes and one block more. */
export function childOf({ index, topic }: OutlookThread, now: Date): OutlookThread {
  const parent = Buffer.from(index, 'base64')
  const block = Buffer.alloc(CHILD)
  block.writeUInt32BE(sinceHead(parent, now))
  block[4] = randomBytes(1)[0]!
  return { index: Buffer.concat([parent, block]).toString('base64'), topic }
}

/** As headers of a mail; none where there is no thread, or no room for one more answer. */
export const threadHeaders = (thread: OutlookThread | null): [string, HeaderValue][] =>
  thread === null || thread.index.length > LONGEST
    ? []
    : [
        ['Thread-Index', thread.index],
        ...(thread.topic ? ([['Thread-Topic', thread.topic]] as [string, string][]) : []),
      ]

const HEAD = 22
const CHILD = 5
const LONGEST = 900 // base64 digits: a header line that every server takes

/** The time since the head's, in units of 2^18 or, with the first bit set, 2^23 times 100 ns. */
function sinceHead(parent: Buffer, now: Date): number {
  const began = parent.readUIntBE(0, 6) * 2 ** 16 // FILETIME without its last 16 bits
  const at = (now.getTime() + EPOCH) * 1e4
  const apart = Math.max(0, at - began)
  const fine = Math.floor(apart / 2 ** 18)
  return fine < 2 ** 31 ? fine : 2 ** 31 + (Math.floor(apart / 2 ** 23) % 2 ** 31)
}

const EPOCH = 11_644_473_600_000 // from 1601 to 1970, in ms

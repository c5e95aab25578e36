/** The header block of a raw mail, apart from its body: read in constant memory, the rest still a stream. */
import { Refusal } from '../../errors.ts'
import { authenticate as limits, parse } from '../../limits.ts'
import { endOfHeader } from '../parse/headers.ts'

export type Head = {
  /** With its blank line; at most the header limit, or all there is. */
  head: Buffer
  rest: AsyncIterable<Buffer>
  /** To be called when `rest` is not wanted any more. */
  stop(): Promise<void>
}

/** Reads up to the blank line. A header block beyond the limit (1.13) ends where the limit is. */
export async function readHead(source: AsyncIterable<Buffer>): Promise<Head> {
  const reader = source[Symbol.asyncIterator]()
  let bytes: Buffer = Buffer.alloc(0)
  let end = -1
  let done = false
  while (end < 0 && !done && bytes.length < parse.header) {
    const next = await reader.next()
    done = next.done === true
    if (next.done) break
    const from = Math.max(0, bytes.length - 3)
    bytes = bytes.length ? Buffer.concat([bytes, next.value]) : next.value
    end = endOfHeader(bytes, from)
  }
  const cut = end < 0 ? bytes.length : end
  async function* rest() {
    if (cut < bytes.length) yield bytes.subarray(cut)
    if (done) return
    for (let next = await reader.next(); !next.done; next = await reader.next()) yield next.value
  }
  return {
    head: bytes.subarray(0, cut),
    rest: rest(),
    async stop() {
      await reader.return?.()
    },
  }
}

/**
 * Every bare LF as CRLF, as verifiers read them, in few pieces.
 * @throws Refusal `long_line`: no mail has such a line, and the canonical form of one costs its length squared
 */
export async function* withLineEnds(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let last = 0
  let line = 0
  for await (const chunk of source) {
    const whole = Buffer.allocUnsafe(chunk.length * 2)
    let length = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte !== LF) {
        if (++line > limits.line) throw longLine()
      } else {
        line = 0
        if (last !== CR) whole[length++] = CR
      }
      whole[length++] = byte
      last = byte
    }
    yield whole.subarray(0, length)
  }
}

const CR = 13
const LF = 10
const longLine = () => new Refusal('long_line', 'it has a line that is longer than any in a mail')

/** The same header block with its first `most` DKIM signatures only (5.2), and how many were left out. */
export function withFewSignatures(head: Buffer, most: number): { kept: Buffer; dropped: number } {
  const parts: Buffer[] = []
  let seen = 0
  let dropped = 0
  let start = 0
  while (start < head.length) {
    let end = head.indexOf(10, start)
    while (end >= 0 && (head[end + 1] === 32 || head[end + 1] === 9)) end = head.indexOf(10, end + 1)
    const field = head.subarray(start, end < 0 ? head.length : end + 1)
    start += field.length
    const isSignature = /^dkim-signature[ \t]*:/i.test(field.toString('latin1', 0, 100))
    if (isSignature && ++seen > most) dropped++
    else parts.push(field)
  }
  return dropped ? { kept: Buffer.concat(parts), dropped } : { kept: head, dropped }
}

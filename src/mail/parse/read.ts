/**
 * Bytes to an IncomingMail, in one pass over the stream. Runs in the parse child, and in-process for `explain` and
 * tests. Whatever the bytes are, it ends with a mail: a cap cuts and is flagged, nothing decoded is lost.
 */
import { createHash } from 'node:crypto'
import { wordsOf } from '../../errors.ts'
import type { ParsedMail } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import { assemble, type Raw } from './assemble.ts'
import { endOfHeader, parseHeaders, startOfHeader } from './headers.ts'
import { startBodyHash } from './keys.ts'
import { repair } from './repair.ts'
import { scanHeaders } from './scan.ts'
import { type Place, startSplit } from './split.ts'
import { unwrap } from './unwrap.ts'

/**
 * Parses one mail. Decoded parts are written under `folder`, made when needed and the caller's to delete. Throws only
 * what `source` throws; an error of ours becomes a BrokenMail.
 */
export async function readMail(source: AsyncIterable<Buffer>, folder: string): Promise<ParsedMail> {
  const reading = startReading(folder)
  for await (const chunk of source) await reading.take(chunk)
  return reading.finish()
}

/** The same for a mail that is in memory anyway. */
export function parseBuffer(bytes: Buffer, folder: string): Promise<ParsedMail> {
  return readMail(slices(bytes), folder)
}

async function* slices(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

function startReading(folder: string) {
  const hash = createHash('sha256')
  const bodyHash = startBodyHash()
  const raw: Omit<Raw, 'split' | 'sha256' | 'bodySha256'> = {
    fields: [],
    bytes: 0,
    blank: true,
    truncated: new Set(),
    flags: new Set(),
  }
  const { parts, stray, carried } = limits.parse
  const place: Place = { folder, depth: 0, room: { parts, stray, carried } }
  let head: Buffer = Buffer.alloc(0) // while the header block lasts; afterwards its first bytes, for the scan
  let tail: Buffer | null = null // the last bytes of a header block that is longer than we read
  let split: ReturnType<typeof startSplit> | null = null
  let failure: unknown = null

  const body = async (chunk: Buffer) => {
    if (chunk.length === 0) return
    bodyHash.update(chunk)
    await split!.write(chunk)
  }
  const begin = async (block: Buffer, rest: Buffer) => {
    const { fields, truncated } = parseHeaders(block)
    if (truncated) raw.truncated.add('headers')
    const readable = fields.some((field) => field.key !== '')
    if (readable) raw.fields = fields
    else raw.flags.add('no_header')
    split = startSplit(raw.fields, place)
    if (!readable) await body(block) // text without any header is a body
    await body(rest)
  }
  const header = async (chunk: Buffer) => {
    if (tail) {
      const joined: Buffer = Buffer.concat([tail, chunk])
      const end = wholeEnd(joined, 0)
      if (end < 0) tail = joined.subarray(-3)
      else await begin(head, joined.subarray(end))
      return
    }
    const from = head.length - 3
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const start = startOfHeader(head)
    if (start < 0 && head.length <= limits.parse.header) return // blank lines so far
    const end = start < 0 || start === head.length ? 0 : wholeEnd(head, Math.max(from, start))
    if (end >= 0) await begin(head.subarray(0, end), head.subarray(end))
    else if (head.length > limits.parse.header) {
      raw.truncated.add('headers')
      tail = head.subarray(-3)
      head = head.subarray(0, limits.parse.header)
    }
  }
  return {
    async take(chunk: Buffer): Promise<void> {
      hash.update(chunk)
      raw.bytes += chunk.length
      if (raw.blank) raw.blank = !/\S/.test(chunk.toString('latin1'))
      if (failure !== null) return
      try {
        await (split ? body(chunk) : header(chunk))
      } catch (error) {
        failure = error // the rest is still counted and hashed
      }
    },
    async finish(): Promise<ParsedMail> {
      const sha256 = hash.digest('hex')
      try {
        if (failure !== null) throw failure
        if (!split) await begin(head, Buffer.alloc(0))
        const tree = await split!.end()
        await repair(tree, place)
        await unwrap(tree, place)
        return assemble({ ...raw, split: tree, sha256, bodySha256: bodyHash.digest() }, folder)
      } catch (error) {
        const words = `The mail could not be parsed: ${wordsOf(error)}`
        return { ...scanHeaders(head), error: { code: 'unparsable', words }, bytes: raw.bytes, sha256 }
      }
    },
  }
}

/** A CR at the very end of what came so far may be half a line end: the next byte tells. */
function wholeEnd(bytes: Buffer, from: number): number {
  const end = endOfHeader(bytes, from)
  return end === bytes.length && bytes[end - 1] === 13 ? -1 : end
}

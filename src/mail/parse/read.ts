/**
 * Bytes to an IncomingMail, in one pass over the stream. Runs in the parse child, and in-process for `explain` and
 * tests. Whatever the bytes are, it ends with a mail: a cap cuts and is flagged, nothing decoded is lost.
 */
import { createHash } from 'node:crypto'
import { wordsOf } from '../../errors.ts'
import type { ParsedMail } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import { assemble, type Raw } from './assemble.ts'
import { endOfHeader, parseHeaders, rawValues } from './headers.ts'
import { startBodyHash } from './keys.ts'
import { scanHeaders } from './scan.ts'
import { type Split, startSplit } from './split.ts'
import { parseParameters } from './words.ts'

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
    bodyHead: Buffer.alloc(0),
  }
  let head: Buffer = Buffer.alloc(0) // while the header block lasts; afterwards its first bytes, for the scan
  let tail: Buffer | null = null // the last bytes of a header block that is longer than we read
  let split: ReturnType<typeof startSplit> | null = null
  const bodyChunks: Buffer[] = []
  let bodyKept = 0
  let failure: unknown = null

  const body = async (chunk: Buffer) => {
    if (chunk.length === 0) return
    bodyHash.update(chunk)
    if (bodyKept < limits.parse.bodyHead) {
      bodyChunks.push(chunk.subarray(0, limits.parse.bodyHead - bodyKept))
      bodyKept += bodyChunks.at(-1)!.length
    }
    await split!.write(chunk)
  }
  const begin = async (block: Buffer, rest: Buffer) => {
    const { fields, truncated } = parseHeaders(block)
    if (truncated) raw.truncated.add('headers')
    const readable = fields.some((field) => field.key !== '')
    if (readable) raw.fields = fields
    else raw.flags.add('no_header')
    split = startSplit(raw.fields, folder)
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
    const end = startsBlank(head) ? 0 : wholeEnd(head, from)
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
        raw.bodyHead = Buffer.concat(bodyChunks)
        const tree = await repaired(await split!.end(), raw, folder)
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

/** A mail that begins with an empty line has no header (4.1). */
const startsBlank = (head: Buffer) => head[0] === 10 || (head[0] === 13 && head.length > 1)

/**
 * A multipart whose boundary is missing or wrong gave no leaf: split again at the first `--x` line that repeats, else
 * everything is text (4.17). Only what was kept of the body can be repaired.
 */
async function repaired(
  split: Split,
  raw: Pick<Raw, 'fields' | 'flags' | 'truncated' | 'bodyHead' | 'bytes'>,
  folder: string,
) {
  const isMultipart = split.root?.type.startsWith('multipart/') && split.root.children.length === 0
  if (!isMultipart || raw.bodyHead.length === 0) return split
  raw.flags.add('no_boundary')
  if (raw.bodyHead.length >= limits.parse.bodyHead) raw.truncated.add('text')
  const boundary = repeatedBoundary(raw.bodyHead)
  const declared = parseParameters(rawValues(raw.fields, 'content-type')[0] ?? '').value
  const type = boundary === null ? 'text/plain' : `${declared}; boundary="${boundary}"`
  const again = startSplit([{ name: 'Content-Type', key: 'content-type', raw: type }], folder)
  await again.write(raw.bodyHead)
  const result = await again.end()
  return { ...result, truncated: [...new Set([...split.truncated, ...result.truncated])] }
}

function repeatedBoundary(body: Buffer): string | null {
  const seen = new Set<string>()
  for (const [, line] of body.toString('latin1', 0, 256 * 1024).matchAll(/^--([^\s"\\][^\r\n"\\]{0,200})$/gm)) {
    const name = line!.trimEnd().replace(/--$/, '')
    if (name === '' || /^-+$/.test(name)) continue
    if (seen.has(name)) return name
    seen.add(name)
  }
  return null
}

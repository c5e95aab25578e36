/**
 * mbox (RFC 4155): where its mails begin and end, and the lines that were quoted. One pass in constant memory; what a
 * mail means is not looked at.
 */

/** A mail in the file: from its first header line to before the blank line that ends it. */
export type Slice = {
  /** Byte offsets; `to` is behind the mail. */
  from: number
  to: number
  /** Some of its lines begin with `>From `, and are to be unquoted. */
  quoted: boolean
  /** When it was delivered, as its `From ` line says. */
  date: Date | null
}

/** Bytes of a line that are looked at. */
const HEAD = 200

/**
 * The mails of an mbox. A new one begins with a `From ` line after a blank line (or at the start of the file) that
 * carries a time and a year: writers that quote nothing leave lines such as `From my point of view` behind blank lines.
 */
export async function* splitMbox(chunks: AsyncIterable<Buffer>): AsyncGenerator<Slice> {
  let slice: Slice | null = null
  let blank: number | null = 0 // offset of the blank line just before, if there is one
  let line = { from: 0, length: 0, head: '' }
  const finish = (end: number): Slice | null => {
    const isBlank = line.length === 0 || line.head === '\r'
    const separates = blank !== null && isSeparator(line.head, slice === null && line.from === 0)
    const done = separates && slice ? { ...slice, to: blank! } : null
    if (separates) slice = { from: end, to: end, quoted: false, date: dateOf(line.head) }
    else if (slice && /^>+From /.test(line.head)) slice.quoted = true
    blank = isBlank ? line.from : null
    line = { from: end, length: 0, head: '' }
    return done
  }
  let at = 0
  for await (const chunk of chunks) {
    for (let i = 0; i < chunk.length; ) {
      const found = chunk.indexOf(10, i)
      const end = found < 0 ? chunk.length : found
      const room = HEAD - line.head.length
      if (room > 0) line.head += chunk.toString('latin1', i, Math.min(end, i + room))
      line.length += end - i
      i = end + 1
      if (found < 0) break
      const done = finish(at + i)
      if (done) yield done
    }
    at += chunk.length
  }
  if (line.length > 0) {
    const done = finish(at)
    if (done) yield done
  }
  if (slice) yield { ...(slice as Slice), to: blank ?? at }
}

/** Takes one `>` from each line of `>From `, `>>From ` and so on. */
export async function* unquoted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  let midLine = false
  const strip = (bytes: Buffer) => {
    const pattern = midLine ? /(\n)>(>*From )/g : /(^|\n)>(>*From )/g
    midLine = bytes.length > 0 ? bytes.at(-1) !== 10 : midLine
    return bytes.includes('>From ') ? Buffer.from(bytes.toString('latin1').replace(pattern, '$1$2'), 'latin1') : bytes
  }
  for await (const chunk of chunks) {
    const joined = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    const lines = joined.lastIndexOf(10) + 1
    const keep = joined.length - lines > HEAD ? joined.length : lines // a long beginning is no `From ` line to come
    rest = Buffer.from(joined.subarray(keep))
    if (keep > 0) yield strip(joined.subarray(0, keep))
  }
  if (rest.length > 0) yield strip(rest)
}

const isSeparator = (line: string, first: boolean): boolean =>
  line.startsWith('From ') && (first || (/\d{1,2}:\d{2}/.test(line) && /(?:^|\D)(?:19|20)\d{2}(?:\D|$)/.test(line)))

/** asctime, and what others write: `Fri Nov 20 09:14:02 2026`, with or without a zone. */
function dateOf(line: string): Date | null {
  const text = /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) .*$/.exec(line)?.[0].trim()
  if (!text) return null
  const zoned = /(?:[+-]\d{4}|\b(?:GMT|UTC))\b/.test(text) ? text : `${text} UTC`
  const at = Date.parse(zoned)
  return Number.isNaN(at) ? null : new Date(at)
}

/**
 * Content-Transfer-Encodings undone as bytes pass by (4.16). Owns the names people write for them; what is none of
 * them is taken as it stands. Replaces the library's quoted-printable reader, which holds the whole part as a string.
 */

const LF = 10
const CR = 13
const EQUALS = 61
const LINE = 64 * 1024

/** 'other' for 7bit, 8bit, binary and anything unknown or misspelt. */
export function transferEncoding(declared: string): 'base64' | 'quoted-printable' | 'other' {
  if (/^["'\s]*base-?64\b/i.test(declared)) return 'base64'
  return /^["'\s]*quoted[-_ ]?printable\b/i.test(declared) ? 'quoted-printable' : 'other'
}

/**
 * A function from encoded to decoded bytes; holds a line at most, which it gives for `null`, the end. Never fails: what
 * is no code stays as it is.
 */
export function startDecoder(declared: string): (chunk: Buffer | null) => Buffer {
  const encoding = transferEncoding(declared)
  if (encoding === 'other') return (chunk) => chunk ?? NOTHING
  return encoding === 'base64' ? startBase64() : startQuotedPrintable()
}

const NOTHING = Buffer.alloc(0)

/** Whole quartets are decoded, junk is left out, a pad ends a quartet so that joined base64 texts decode each. */
function startBase64(): (chunk: Buffer | null) => Buffer {
  let held = ''
  return (chunk) => {
    const raw = held + (chunk === null ? '' : chunk.toString('latin1'))
    const text = /[^A-Za-z0-9+/=]/.test(raw) ? raw.replace(/[^A-Za-z0-9+/=]+/g, '') : raw
    const pad = text.lastIndexOf('=')
    const end = chunk === null ? text.length : pad + 1 + ((text.length - pad - 1) & ~3)
    held = text.slice(end)
    const ready = text.slice(0, end)
    const inner = ready.indexOf('=')
    if (inner < 0 || inner >= ready.length - 2) return Buffer.from(ready, 'base64')
    return Buffer.concat(ready.split(/=+/).map((piece) => Buffer.from(piece, 'base64')))
  }
}

function startQuotedPrintable(): (chunk: Buffer | null) => Buffer {
  let held: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const bytes = held.length === 0 ? (chunk ?? held) : Buffer.concat([held, chunk ?? Buffer.alloc(0)])
    let end = chunk === null ? bytes.length : bytes.lastIndexOf(LF) + 1
    if (end === 0 && bytes.length > LINE) {
      const code = bytes.lastIndexOf(EQUALS)
      end = code >= bytes.length - 3 ? code : bytes.length - 1
    }
    held = bytes.subarray(end)
    return decodeLines(bytes.subarray(0, end))
  }
}

/** RFC 2045 6.7; an `=` that begins no code is itself, blanks at the end of a line were added on the way. */
function decodeLines(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte === EQUALS) {
      const high = hex(bytes[i + 1])
      const low = high < 0 ? -1 : hex(bytes[i + 2])
      if (low >= 0) {
        out[length++] = high * 16 + low
        i += 2
        continue
      }
      const end = lineEndAfter(bytes, i + 1)
      if (end >= 0) i = end - 1
      else out[length++] = byte
    } else if (byte === 32 || byte === 9) {
      let next = i + 1
      while (bytes[next] === 32 || bytes[next] === 9) next++
      const isTrailing = next === bytes.length || bytes[next] === LF || (bytes[next] === CR && bytes[next + 1] === LF)
      if (!isTrailing) length += bytes.copy(out, length, i, next)
      i = next - 1
    } else out[length++] = byte
  }
  return out.subarray(0, length)
}

/** The offset behind the line end that follows `from` with nothing but blanks between, -1 where there is none. */
function lineEndAfter(bytes: Buffer, from: number): number {
  let at = from
  while (bytes[at] === 32 || bytes[at] === 9) at++
  if (at >= bytes.length) return bytes.length
  if (bytes[at] === CR) return bytes[at + 1] === LF ? at + 2 : at + 1
  return bytes[at] === LF ? at + 1 : -1
}

function hex(code: number | undefined): number {
  if (code === undefined) return -1
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

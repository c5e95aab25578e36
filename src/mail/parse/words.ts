/**
 * RFC 2047 encoded-words and RFC 2231 parameters, as tolerantly as 4.4 and 4.6 ask. Decodes once only: what a word
 * decodes to is never looked at again. Everything here is linear in its input.
 */
import { decodeBytes } from './charset.ts'

/** `value` is lower case and bare of parameters; the keys of `params` are lower case. */
export type Parameterised = { value: string; params: Record<string, string> }

/** A `?` within the text is wrong and common; the text is bounded so that a thousand half words cost nothing. */
const WORD = /=\?([^?\s]{1,80})\?([bBqQ])\?((?:[^?]|\?(?!=)){0,4000})\?=/g

/** Decodes every encoded-word of an unfolded header value; adjacent words of one charset are joined as bytes first. */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return value
  let out = ''
  let at = 0
  let bytes: Buffer[] = []
  let charset = ''
  const flush = () => {
    if (bytes.length > 0) out += decodeBytes(bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes), charset)
    bytes = []
  }
  for (const word of value.matchAll(WORD)) {
    const between = value.slice(at, word.index)
    const label = word[1]!.split('*')[0]!.toLowerCase() // RFC 2231 5: charset*language
    const adjacent = bytes.length > 0 && /^\s*$/.test(between)
    if (!adjacent || label !== charset) flush()
    if (!adjacent) out += between
    charset = label
    bytes.push(wordBytes(word[2]!, word[3]!))
    at = word.index + word[0].length
  }
  flush()
  return out + value.slice(at)
}

/** A structured value such as Content-Type; precedence among spellings of one parameter as in 4.6. */
export function parseParameters(raw: string): Parameterised {
  const semicolon = raw.indexOf(';')
  const value = withoutComments(semicolon < 0 ? raw : raw.slice(0, semicolon))
    .trim()
    .toLowerCase()
  const params: Record<string, string> = Object.create(null)
  if (semicolon < 0) return { value, params }
  const pieces = new Map<string, { number: number; encoded: boolean; text: string }[]>()
  for (const [name, text] of pairs(raw.slice(semicolon + 1))) {
    const [, base, number, star] = /^([^*]{1,60})(?:\*(\d{1,3}))?(\*?)$/.exec(name) ?? []
    if (!base) continue
    if (number === undefined && !star) params[base] ??= decodeWords(text)
    else {
      const list = pieces.get(base) ?? []
      if (list.length < 200) list.push({ number: Number(number ?? 0), encoded: star === '*', text })
      pieces.set(base, list)
    }
  }
  for (const [base, list] of pieces) {
    const joined = joinPieces(list)
    // encoded-words cut into pieces: RFC 2231 with none of its own encoding, from programs that mix both
    params[base] = list.some((piece) => piece.encoded) ? joined : decodeWords(joined)
  }
  return { value, params }
}

function wordBytes(encoding: string, text: string): Buffer {
  if (encoding === 'b' || encoding === 'B') return Buffer.from(text, 'base64')
  return percentBytes(text.replaceAll('_', ' '), '=')
}

/** Bytes of a text in which `mark` and two hex digits stand for a byte; anything else stands for itself. */
function percentBytes(text: string, mark: '=' | '%'): Buffer {
  const source = Buffer.from(text, 'utf8')
  const code = mark.charCodeAt(0)
  const out = Buffer.allocUnsafe(source.length)
  let length = 0
  for (let i = 0; i < source.length; i++) {
    const high = source[i] === code ? hex(source[i + 1]) : -1
    const low = high >= 0 ? hex(source[i + 2]) : -1
    if (low >= 0) {
      out[length++] = high * 16 + low
      i += 2
    } else out[length++] = source[i]!
  }
  return out.subarray(0, length)
}

function hex(code: number | undefined): number {
  if (code === undefined) return -1
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** name=value pairs between semicolons, quotes honoured; a quote that never closes ends with the text. */
function pairs(text: string): [string, string][] {
  const found: [string, string][] = []
  let i = 0
  while (i < text.length && found.length < 500) {
    const equals = text.indexOf('=', i)
    if (equals < 0) break
    const semicolon = text.indexOf(';', i)
    if (semicolon >= 0 && semicolon < equals) {
      i = semicolon + 1
      continue
    }
    const name = withoutComments(text.slice(i, equals)).trim().toLowerCase()
    let j = equals + 1
    while (text[j] === ' ' || text[j] === '\t') j++
    let value: string
    if (text[j] === '"') {
      ;[value, j] = quoted(text, j)
      const end = text.indexOf(';', j)
      i = end < 0 ? text.length : end + 1
    } else {
      const end = text.indexOf(';', j)
      i = end < 0 ? text.length : end + 1
      value = withoutComments(text.slice(j, end < 0 ? undefined : end)).trim()
    }
    found.push([name, value])
  }
  return found
}

function quoted(text: string, start: number): [string, number] {
  let out = ''
  for (let i = start + 1; i < text.length; i++) {
    const char = text[i]!
    if (char === '"') return [out, i + 1]
    // a Windows path in a filename is no quoting: only \" and \\ are
    if (char === '\\' && (text[i + 1] === '"' || text[i + 1] === '\\')) out += text[++i]
    else out += char
  }
  return [out, text.length]
}

const withoutComments = (text: string) => (text.includes('(') ? text.replace(/\([^()]*\)/g, '') : text)

function joinPieces(list: { number: number; encoded: boolean; text: string }[]): string {
  list.sort((a, b) => a.number - b.number)
  const first = list[0]!
  const [, charset, rest] = (first.encoded && /^([^']{0,60})'[^']*'([\s\S]*)$/.exec(first.text)) || [
    null,
    '',
    first.text,
  ]
  const bytes = list.map((piece) => {
    const text = piece === first ? rest! : piece.text
    return piece.encoded ? percentBytes(text, '%') : Buffer.from(text, 'utf8')
  })
  return decodeBytes(Buffer.concat(bytes), charset || null)
}

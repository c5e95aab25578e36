/**
 * The header block: where it ends, its fields, their values as text (4.1, 4.3). Folded with CRLF, LF or CR; broken
 * lines are kept under an empty name. Knows nothing of what the fields mean.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import * as limits from '../../limits.ts'
import { decodeBytes } from './charset.ts'
import { decodeWords } from './words.ts'

/** `raw` is unfolded and not yet word-decoded; `key` is the name in lower case. */
export type Field = { name: string; key: string; raw: string }

const CR = 13
const LF = 10

/** A text that begins with blank lines may begin with any word and a colon; these words and no others open a mail. */
const LEADING =
  /^(?:>?From |(?:return-path|received|from|to|cc|subject|date|message-id|mime-version|content-type|delivered-to|reply-to|sender|x-[a-z-]{1,40}|dkim-signature|arc-[a-z-]{1,40})[ \t]*:)/i

/** Offset just behind the blank line that ends the header block, or -1 while there is none in `bytes`. */
export function endOfHeader(bytes: Buffer, from = 0): number {
  for (let i = Math.max(0, from); i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte !== LF && byte !== CR) continue
    const next = byte === CR && bytes[i + 1] === LF ? i + 2 : i + 1
    if (bytes[next] === LF) return next + 1
    if (bytes[next] === CR) return bytes[next + 1] === LF ? next + 2 : next + 1
    i = next - 1
  }
  return -1
}

/**
 * Where the header block begins: behind blank lines, if a field that every mail has follows them (4.1). The length of
 * `bytes` where it begins with a blank line and no such field follows; -1 while too little came to tell.
 */
export function startOfHeader(bytes: Buffer): number {
  let at = 0
  while (bytes[at] === CR || bytes[at] === LF || bytes[at] === 32 || bytes[at] === 9) at++
  if (at === 0 || (at > 0 && bytes[0] !== CR && bytes[0] !== LF)) return 0
  if (at === bytes.length) return -1
  if (bytes.length - at < 60 && !bytes.subarray(at).includes(LF)) return -1 // the rest of the line is to come
  const line = bytes.toString('latin1', at, at + 60)
  return LEADING.test(line) ? at : bytes.length
}

/** Reads a header block, the blank line included or not. A leading mbox `From ` line is skipped. */
export function parseHeaders(block: Buffer): { fields: Field[]; truncated: boolean } {
  const fields: Field[] = []
  let truncated = false
  const text = headerText(block).replaceAll('\0', '') // PostgreSQL refuses NUL
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === '') continue
    const last = fields.at(-1)
    if (line[0] === ' ' || line[0] === '\t') {
      if (!last) continue
      if (last.raw.length + line.length > limits.parse.headerValue) truncated = true
      else last.raw += last.raw === '' ? line.trimStart() : ` ${line.trimStart()}`
      continue
    }
    if (fields.length >= limits.parse.headerFields) {
      truncated = true
      break
    }
    if (fields.length === 0 && /^>?From /.test(line)) continue // mbox
    fields.push(fieldOf(line))
  }
  return { fields, truncated }
}

/** The value for people and rules: words decoded, control and bidi characters gone (4.29). */
export const displayed = (raw: string) => withoutTricks(decodeWords(raw)).trim()

/** Raw values of one field name (lower case), in order. */
export const rawValues = (fields: Field[], key: string) =>
  fields.filter((field) => field.key === key).map((field) => field.raw)

/** Removes what makes a line look other than it is: C0, C1, bidi controls, lone surrogates (4.29). */
export function withoutTricks(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return text
    .replace(/[\t\r\n]+/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, '')
    .toWellFormed()
}

function fieldOf(line: string): Field {
  const colon = line.indexOf(':')
  const name = colon > 0 ? line.slice(0, colon).trimEnd() : ''
  if (name === '' || /[\s\u0080-\uffff]/.test(name)) return { name: '', key: '', raw: line }
  return { name, key: name.toLowerCase(), raw: line.slice(colon + 1, colon + 1 + limits.parse.headerValue).trim() }
}

/**
 * Line by line only where the whole is neither ASCII nor UTF-8: one koi8 line must not spoil the others. Such lines
 * are most probably in the charset that the mail declares for its body (4.3).
 */
function headerText(block: Buffer): string {
  if (block.includes('\x1b$')) return decodeBytes(block, 'iso-2022-jp') // sent raw by old Japanese programs
  if (isAscii(block)) return block.toString('latin1')
  if (isUtf8(block)) return block.toString('utf8')
  const text = block.toString('latin1')
  const charset = DECLARED.exec(text)?.[1] ?? null
  return text
    .split('\n')
    .map((line) => {
      const bytes = Buffer.from(line, 'latin1')
      return decodeBytes(bytes, isUtf8(bytes) ? 'utf-8' : charset)
    })
    .join('\n')
}

const DECLARED = /^content-type:[^\n]*(?:\n[ \t][^\n]*){0,20}?charset\s{0,5}=\s{0,5}["']?([\w.:-]{1,40})/im

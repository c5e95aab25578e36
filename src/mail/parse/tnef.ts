/**
 * Outlook's winmail.dat (MS-OXTNEF): its body and its attachments, for 4.19. Reads nothing twice and nothing beyond the
 * bytes it was given; what is broken ends the reading, what was read before stays.
 */
import * as limits from '../../limits.ts'
import { decodeBytes } from './charset.ts'
import { charsetOf } from './codepages.ts'
import { expandRtf, readRtf } from './rtf.ts'

export type TnefFile = { name: string; type: string | null; contentId: string | null; bytes: Buffer }

/** `complete` is false where the stream broke off or an attribute lies about its length. */
export type Tnef = { html: string | null; text: string | null; files: TnefFile[]; complete: boolean }

const SIGNATURE = 0x223e9f78

/** Attributes by the low half of their id (MS-OXTNEF 2.1.3.2). */
const BODY = 0x800c
const ATTACH_TITLE = 0x8010
const ATTACH_DATA = 0x800f
const ATTACH_REND = 0x9002
const MESSAGE_PROPERTIES = 0x9003
const ATTACH_PROPERTIES = 0x9005
const CODEPAGE = 0x9007

/** MAPI properties (MS-OXPROPS). */
const PR_BODY = 0x1000
const PR_RTF_COMPRESSED = 0x1009
const PR_HTML = 0x1013
const PR_INTERNET_CODEPAGE = 0x3fde
const PR_ATTACH_DATA = 0x3701
const PR_ATTACH_SHORT_NAME = 0x3704
const PR_ATTACH_LONG_NAME = 0x3707
const PR_ATTACH_TYPE = 0x370e
const PR_ATTACH_CONTENT_ID = 0x3712

type Value = { kind: number; bytes: Buffer }
type Draft = { title: string; data: Buffer | null; properties: Map<number, Value> }

/** Null where `bytes` are no TNEF at all. Never throws. */
export function readTnef(bytes: Buffer): Tnef | null {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== SIGNATURE) return null
  const drafts: Draft[] = []
  let charset = 'windows-1252'
  let plain: Buffer | null = null
  let message = new Map<number, Value>()
  const { attributes, complete } = attributesOf(bytes)
  for (const { id, data } of attributes) {
    const draft = drafts.at(-1)
    if (id === CODEPAGE && data.length >= 4) charset = charsetOf(data.readUInt32LE(0)) ?? charset
    else if (id === BODY) plain = data
    else if (id === MESSAGE_PROPERTIES) message = propertiesOf(data)
    else if (id === ATTACH_REND) drafts.push({ title: '', data: null, properties: new Map() })
    else if (id === ATTACH_TITLE && draft) draft.title = zeroEnded(data, charset)
    else if (id === ATTACH_DATA && draft) draft.data = data
    else if (id === ATTACH_PROPERTIES && draft) draft.properties = propertiesOf(data)
  }
  const { html, text } = bodyOf(message, plain, charset)
  return { html, text, files: drafts.map((draft) => fileOf(draft, charset)).filter((file) => file !== null), complete }
}

function attributesOf(bytes: Buffer): { attributes: { id: number; data: Buffer }[]; complete: boolean } {
  const attributes: { id: number; data: Buffer }[] = []
  let at = 6
  while (at + 9 <= bytes.length) {
    const id = bytes.readUInt16LE(at + 1)
    const length = bytes.readUInt32LE(at + 5)
    const end = at + 9 + length
    if (end > bytes.length || attributes.length >= limits.parse.parts * 8) return { attributes, complete: false }
    attributes.push({ id, data: bytes.subarray(at + 9, end) })
    at = end + 2 // its checksum
  }
  return { attributes, complete: at >= bytes.length }
}

/** A property list; of properties with several values the first. What is unknown ends the list. */
function propertiesOf(data: Buffer): Map<number, Value> {
  const found = new Map<number, Value>()
  const reader = startReader(data)
  const count = reader.number()
  for (let i = 0; i < count && !reader.failed(); i++) {
    const tag = reader.number()
    const id = tag >>> 16
    if (id >= 0x8000) skipName(reader)
    const isMulti = (tag & 0x1000) !== 0
    const kind = tag & 0xefff
    const size = FIXED[kind]
    if (size === undefined && !VARIABLE.has(kind)) break
    const values = isMulti || size === undefined ? reader.number() : 1
    for (let j = 0; j < values && !reader.failed(); j++) {
      const value = reader.padded(size ?? reader.number())
      if (!reader.failed() && !found.has(id)) found.set(id, { kind, bytes: value })
    }
  }
  return found
}

const FIXED: Record<number, number> = {
  2: 2,
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 8,
  10: 4,
  11: 2,
  20: 8,
  64: 8,
  72: 16,
}
const STRING8 = 0x1e
const UNICODE = 0x1f
const BINARY = 0x102
const OBJECT = 0x0d
const VARIABLE = new Set([STRING8, UNICODE, BINARY, OBJECT])

function skipName(reader: Reader): void {
  reader.padded(16)
  if (reader.number() === 0) reader.number()
  else reader.padded(reader.number())
}

type Reader = ReturnType<typeof startReader>

/** Beyond the end it gives zeros and empty buffers, and says so. */
function startReader(data: Buffer) {
  let at = 0
  let failed = false
  return {
    failed: () => failed,
    number(): number {
      if (at + 4 > data.length) failed = true
      if (failed) return 0
      at += 4
      return data.readUInt32LE(at - 4)
    },
    padded(length: number): Buffer {
      if (at + length > data.length) failed = true
      if (failed) return Buffer.alloc(0)
      const value = data.subarray(at, at + length)
      at += (length + 3) & ~3
      return value
    },
  }
}

/** HTML, else the text of the RTF (or the HTML that Outlook hid in it), else the plain body. */
function bodyOf(message: Map<number, Value>, plain: Buffer | null, charset: string) {
  const codepage = message.get(PR_INTERNET_CODEPAGE)
  const htmlCharset =
    (codepage !== undefined && codepage.bytes.length >= 4 && charsetOf(codepage.bytes.readUInt32LE(0))) || 'utf-8'
  const html = message.get(PR_HTML)
  const rtf = message.get(PR_RTF_COMPRESSED)
  const unpacked = rtf ? expandRtf(rtf.bytes) : null
  const read = unpacked ? readRtf(unpacked) : null
  const body = message.get(PR_BODY)
  const text = body ? words(body, charset) : plain ? zeroEnded(plain, charset) : ''
  const found = html ? (html.kind === BINARY ? decodeBytes(html.bytes, htmlCharset) : words(html, charset)) : ''
  if (/\S/.test(found)) return { html: found, text: nonBlank(text) }
  if (read?.html && /\S/.test(read.html)) return { html: read.html, text: nonBlank(text) }
  return { html: null, text: nonBlank(read?.text ?? '') ?? nonBlank(text) }
}

const nonBlank = (text: string) => (/\S/.test(text) ? text : null)

function fileOf(draft: Draft, charset: string): TnefFile | null {
  const word = (id: number) => {
    const value = draft.properties.get(id)
    return value ? words(value, charset) : ''
  }
  const object = draft.properties.get(PR_ATTACH_DATA)
  // of an object the first 16 bytes are the id of its interface
  const embedded = object?.kind === OBJECT ? object.bytes.subarray(16) : object?.bytes
  const isMessage = embedded !== undefined && embedded.length >= 4 && embedded.readUInt32LE(0) === SIGNATURE
  const bytes = draft.data?.length && !isMessage ? draft.data : (embedded ?? draft.data)
  if (!bytes) return null
  const name = word(PR_ATTACH_LONG_NAME) || draft.title || word(PR_ATTACH_SHORT_NAME)
  return {
    name: isMessage ? `${name || 'message'}.dat` : name,
    type: isMessage ? 'application/ms-tnef' : word(PR_ATTACH_TYPE).toLowerCase() || null,
    contentId: word(PR_ATTACH_CONTENT_ID) || null,
    bytes,
  }
}

function words(value: Value, charset: string): string {
  if (value.kind === UNICODE)
    return decodeBytes(value.bytes.subarray(0, value.bytes.length & ~1), 'utf-16le').replace(/\0+$/, '')
  return zeroEnded(value.bytes, charset)
}

function zeroEnded(bytes: Buffer, charset: string): string {
  const end = bytes.indexOf(0)
  return decodeBytes(end < 0 ? bytes : bytes.subarray(0, end), charset)
}

/**
 * Bytes to text by the declared charset, then UTF-8, then windows-1252 (4.2, 4.3). Owns the aliases and the few old
 * charsets that TextDecoder does not know. Never fails: U+FFFD at worst.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'

/** Names seen in mail that WHATWG does not list, and where the common mislabelling wants another decoder (4.2). */
const ALIASES: Record<string, string> = {
  utf8mb4: 'utf-8',
  'utf-8-mac': 'utf-8',
  'unicode-1-1-utf-7': 'utf-7',
  'x-unicode-1-1-utf-7': 'utf-7',
  utf7: 'utf-7',
  cp850: 'cp850',
  'cp-850': 'cp850',
  ibm850: 'cp850',
  'ibm-850': 'cp850',
  '850': 'cp850',
  cp858: 'cp850',
  cp437: 'cp437',
  'cp-437': 'cp437',
  ibm437: 'cp437',
  gb2312: 'gb18030',
  'x-gbk': 'gb18030',
  cp936: 'gb18030',
  ms936: 'gb18030',
  cp949: 'euc-kr',
  ms949: 'euc-kr',
  uhc: 'euc-kr',
  'x-windows-949': 'euc-kr',
  cp932: 'shift_jis',
  'cp-932': 'shift_jis',
  'windows-932': 'shift_jis',
  'iso-2022-jp-ms': 'iso-2022-jp',
  'iso-2022-jp-1': 'iso-2022-jp',
  'iso-2022-jp-2': 'iso-2022-jp',
  cp50220: 'iso-2022-jp',
  cp50221: 'iso-2022-jp',
  jis: 'iso-2022-jp',
  hz: 'hz-gb-2312',
  csiso2022kr: 'iso-2022-kr',
  'eucjp-ms': 'euc-jp',
  cp950: 'big5',
  'x-utf-8': 'utf-8',
  utf: 'utf-8',
  'iso-10646-ucs-2': 'utf-16be',
  'ansi_x3.110-1983': 'windows-1252',
  ansi: 'windows-1252',
  default: 'windows-1252',
}

const CP850 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00AD±‗¾¶§÷¸°¨·¹³²■\u00A0'
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00A0'

const decoders = new Map<string, TextDecoder | null>()

/**
 * The text of `bytes`. A declared charset holds where it decodes without error, or nearly so; US-ASCII and none mean
 * "guess". A UTF-8 or UTF-16 byte order mark is removed.
 */
export function decodeBytes(bytes: Buffer, declared: string | null): string {
  const charset = canonical(declared)
  const isStateful = charset !== null && STATEFUL.has(charset)
  if (!isStateful && !charset?.startsWith('utf-16') && isAscii(bytes)) return bytes.toString('latin1')
  if (charset !== null && charset !== 'utf-8' && !isFalseUtf16(bytes, charset)) {
    const text = decodeDeclared(bytes, charset)
    if (text !== null) return text
  }
  if (isUtf8(bytes)) return withoutMark(bytes.toString('utf8'))
  if (charset === null && bytes.length > 3 && (bytes[0] === 0xff || bytes[0] === 0xfe)) {
    const marked = byMark(bytes)
    if (marked !== null) return marked
  }
  const nearly = charset === null ? null : decodeLeniently(bytes, charset)
  if (nearly !== null) return nearly
  const cyrillic = charset === null ? cyrillicCharset(bytes) : null
  return decodeStrictly(bytes, cyrillic ?? 'windows-1252') ?? bytes.toString('latin1')
}

/** Charsets that are plain ASCII on the wire. */
const STATEFUL = new Set(['utf-7', 'iso-2022-jp', 'iso-2022-kr', 'hz-gb-2312'])

function decodeDeclared(bytes: Buffer, charset: string): string | null {
  const own = OWN[charset]
  if (own) return byLines(bytes, own)
  const text = decodeStrictly(bytes, charset)
  if (text !== null) return text
  if (charset === 'euc-kr') return byLines(bytes, decodeUhc)
  return charset === 'iso-2022-jp' ? decodeStrictly(withSingleEscapes(bytes), charset) : null
}

/** Decoders of our own; null where the bytes are not that. None carries a state from one line to the next. */
const OWN: Record<string, (bytes: Buffer) => string | null> = Object.assign(Object.create(null), {
  'utf-7': (bytes: Buffer) => (isAscii(bytes) ? decodeUtf7(bytes.toString('latin1')) : null),
  cp850: (bytes: Buffer) => decodeTable(bytes, CP850),
  cp437: (bytes: Buffer) => decodeTable(bytes, CP437),
  'hz-gb-2312': (bytes: Buffer) => decodeStrictly(fromHz(bytes), 'gb18030'),
  'iso-2022-kr': (bytes: Buffer) => decodeStrictly(fromIso2022Kr(bytes), 'euc-kr'),
})

/** A stretch of lines at a time: millions of small pieces of 10 MB would need a hundred times that. */
function byLines(bytes: Buffer, decode: (bytes: Buffer) => string | null): string | null {
  if (bytes.length <= STRETCH) return decode(bytes)
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\n', Math.min(at + STRETCH, bytes.length))
    const stretch = bytes.subarray(at, end < 0 ? bytes.length : end + 1)
    const piece = decode(stretch)
    if (piece === null) return null
    text += piece
    at += stretch.length
  }
  return text
}

const STRETCH = 64 * 1024

/** Called UTF-16 by a mail program that then wrote ASCII or UTF-8 (also by `<meta>`, which cannot be UTF-16). */
const isFalseUtf16 = (bytes: Buffer, charset: string) => /^utf-?16/.test(charset) && !bytes.includes(0) && isUtf8(bytes)

function byMark(bytes: Buffer): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decodeStrictly(bytes, 'utf-16le')
  return bytes[0] === 0xfe && bytes[1] === 0xff ? decodeStrictly(bytes, 'utf-16be') : null
}

/** A declared multibyte charset with a few broken places (a line cut in the middle of a character) is still that. */
function decodeLeniently(bytes: Buffer, charset: string): string | null {
  if (charset !== 'utf-8' && !/^(?:shift_jis|euc-|gb|big5|iso-2022-jp)/.test(charset)) return null
  const source = charset === 'iso-2022-jp' ? withSingleEscapes(bytes) : bytes
  let text: string
  try {
    text = new TextDecoder(charset).decode(source)
  } catch {
    return null // not a label that TextDecoder knows
  }
  let broken = 0
  let foreign = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0xfffd) broken++
    else if (code > 0x7f) foreign++
  }
  return broken * 4 <= foreign ? text : null
}

/**
 * Raw bytes of nobody knows what (4.3). Three letters in a row that are all beyond ASCII are no western word, and of
 * what is left Cyrillic is the commonest by far: KOI8-R has its small letters where windows-1251 has its capitals.
 */
function cyrillicCharset(bytes: Buffer): string | null {
  const text = bytes.toString('latin1', 0, 65_536)
  let low = 0
  let high = 0
  for (const [run] of text.matchAll(/[\x80-\xff]+/g)) {
    if (run.length < 3 || !/^[\xc0-\xff\xa3\xb3\xa8\xb8]+$/.test(run)) continue
    for (const char of run.slice(1)) {
      if (char >= '\xe0') high++
      else low++
    }
  }
  if (low + high < 3 || (low + high) * 2 < text.replace(/[^\x80-\xff]/g, '').length) return null
  return low > high ? 'koi8-r' : 'windows-1251'
}

/** Decoder name for a declared charset, null where nothing usable was declared. */
export function canonical(declared: string | null): string | null {
  if (!declared) return null
  const name = declared
    .toLowerCase()
    .replace(/[\s"'<>;]/g, '')
    .slice(0, 60)
  if (name === '' || name === 'us-ascii' || name === 'ascii' || name === 'usascii' || name === 'unknown-8bit')
    return null
  return Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name // a mail may well declare charset=constructor
}

function decodeStrictly(bytes: Buffer, charset: string): string | null {
  let decoder = decoders.get(charset)
  if (decoder === undefined) {
    decoder = makeDecoder(charset)
    if (decoders.size < 200) decoders.set(charset, decoder)
  }
  if (!decoder) return null
  try {
    return decoder.decode(bytes)
  } catch {
    return null // not valid in this charset: the caller goes on to its next guess
  }
}

function makeDecoder(charset: string): TextDecoder | null {
  for (const label of [charset, charset.replace(/^x-/, ''), charset.replace(/^cp-?(?=125\d$)/, 'windows-')]) {
    try {
      return new TextDecoder(label, { fatal: true })
    } catch {
      // unknown label: the next spelling, and null when none is known
    }
  }
  return null
}

const withoutMark = (text: string) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)

function decodeTable(bytes: Buffer, table: string): string {
  const latin = bytes.toString('latin1')
  return latin.replace(/[\x80-\xff]/g, (char) => table[char.charCodeAt(0) - 0x80] ?? '\uFFFD')
}

/** RFC 2152. A shifted run that is not base64 stays as it is. */
function decodeUtf7(text: string): string {
  return text.replace(/\+([A-Za-z0-9+/]*)-?/g, (_run, base64: string) => {
    if (base64 === '') return '+'
    const bytes = Buffer.from(base64, 'base64')
    return bytes
      .subarray(0, bytes.length & ~1)
      .swap16()
      .toString('utf16le')
  })
}

/** RFC 1843: `~{` and `~}` around GB 2312 in seven bits, `~~` for a tilde, a tilde at a line's end for nothing. */
function fromHz(bytes: Buffer): Buffer {
  const out: Buffer[] = []
  for (const line of bytes.toString('latin1').split('\n')) {
    let isHan = false
    const pieces = line.split(/(~[{}~]|~\r?$)/)
    const text = pieces
      .map((piece) => {
        if (piece === '~{' || piece === '~}') isHan = piece === '~{'
        else if (piece === '~~') return '~'
        else if (!/^~\r?$/.test(piece)) return isHan ? raised(piece) : piece
        return ''
      })
      .join('')
    out.push(Buffer.from(/~\r?$/.test(line) && !/~~\r?$/.test(line) ? text : `${text}\n`, 'latin1'))
  }
  const whole = Buffer.concat(out)
  return whole.subarray(0, -1)
}

/** RFC 1557: an announcement, then shift-out and shift-in around KS C 5601 in seven bits. */
function fromIso2022Kr(bytes: Buffer): Buffer {
  let isHangul = false
  const text = bytes
    .toString('latin1')
    .replaceAll('\x1b$)C', '')
    .split(/([\x0e\x0f\n])/)
    .map((piece) => {
      if (piece === '\n') isHangul = false
      if (piece === '\x0e' || piece === '\x0f') isHangul = piece === '\x0e'
      else return isHangul ? raised(piece) : piece
      return ''
    })
    .join('')
  return Buffer.from(text, 'latin1')
}

const raised = (text: string) => text.replace(/[\x21-\x7e]/g, (char) => String.fromCharCode(char.charCodeAt(0) | 0x80))

/** WHATWG calls one escape right behind another an error; old programs write them between joined words. */
function withSingleEscapes(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/(?:\x1b[($][@BJI])+(?=\x1b[($][@BJI])/g, ''), 'latin1')
}

/**
 * CP949: EUC-KR, and every Hangul syllable it lacks, in Unicode order where EUC-KR has no characters. WHATWG counts
 * it to euc-kr, Node's decoder does not know it; the order is all it takes to have it.
 */
function decodeUhc(bytes: Buffer): string | null {
  uhc ??= makeUhc()
  const pieces: string[] = []
  let from = 0
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i]! < 0x81) continue
    const added = uhc.get((bytes[i]! << 8) | (bytes[i + 1] ?? 0))
    if (added !== undefined) {
      const before = decodeStrictly(bytes.subarray(from, i), 'euc-kr')
      if (before === null) return null
      pieces.push(before, added)
      from = i + 2
    }
    i++
  }
  const rest = decodeStrictly(bytes.subarray(from), 'euc-kr')
  return rest === null ? null : pieces.join('') + rest
}

let uhc: Map<number, string> | null = null

function makeUhc(): Map<number, string> {
  const known = new Set<string>()
  for (let lead = 0xb0; lead <= 0xc8; lead++) {
    for (let trail = 0xa1; trail <= 0xfe; trail++) known.add(decodeStrictly(Buffer.from([lead, trail]), 'euc-kr') ?? '')
  }
  const added = new Map<number, string>()
  let lead = 0x81
  let trail = 0x41
  for (let code = 0xac00; code <= 0xd7a3; code++) {
    const syllable = String.fromCharCode(code)
    if (known.has(syllable)) continue
    added.set((lead << 8) | trail, syllable)
    trail++
    if (trail === 0x5b) trail = 0x61
    if (trail === 0x7b) trail = 0x81
    if (trail > (lead < 0xa1 ? 0xfe : 0xa0)) {
      lead++
      trail = 0x41
    }
  }
  return added
}

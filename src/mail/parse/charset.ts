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
  'iso-2022-jp-2': 'iso-2022-jp',
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
 * The text of `bytes`. A declared charset holds where it decodes without error; US-ASCII and none mean "guess".
 * A UTF-8 or UTF-16 byte order mark is removed.
 */
export function decodeBytes(bytes: Buffer, declared: string | null): string {
  const charset = canonical(declared)
  const stateful =
    charset !== null && (charset === 'utf-7' || charset.startsWith('iso-2022') || charset === 'hz-gb-2312')
  if (!stateful && !charset?.startsWith('utf-16') && isAscii(bytes)) return bytes.toString('latin1')
  if (charset === 'utf-7' && isAscii(bytes)) return decodeUtf7(bytes.toString('latin1'))
  if (charset === 'cp850') return decodeTable(bytes, CP850)
  if (charset === 'cp437') return decodeTable(bytes, CP437)
  if (charset !== null && charset !== 'utf-8') {
    const text = decodeStrictly(bytes, charset)
    if (text !== null) return text
  }
  if (isUtf8(bytes)) return withoutMark(bytes.toString('utf8'))
  return decodeStrictly(bytes, 'windows-1252') ?? bytes.toString('latin1')
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
  const known = ALIASES[name]
  if (known) return known
  return name
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

/**
 * Just enough RTF for the bodies in winmail.dat: the compression of MS-OXRTFCP, the text, and the HTML that Outlook
 * hides in its RTF (MS-OXRTFEX). One pass, a stack of its own, bounded output, never throws.
 */
import * as limits from '../../limits.ts'
import { decodeBytes } from './charset.ts'
import { charsetOf } from './codepages.ts'

const COMPRESSED = 0x75465a4c
const STORED = 0x414c454d
const WINDOW = 4096

/** What the dictionary holds before the first byte (MS-OXRTFCP 2.1.2.1). */
const PRELOADED =
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans ' +
  'SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx'

/** The RTF of a PR_RTF_COMPRESSED value; null where it is none. What breaks off gives what came before. */
export function expandRtf(bytes: Buffer): Buffer | null {
  if (bytes.length < 16) return null
  const kind = bytes.readUInt32LE(8)
  if (kind === STORED) return bytes.subarray(16)
  if (kind !== COMPRESSED) return null
  const size = Math.min(bytes.readUInt32LE(4), limits.parse.text, bytes.length * 20)
  const window = Buffer.alloc(WINDOW)
  let write = window.write(PRELOADED, 'latin1')
  const out = Buffer.alloc(size)
  let length = 0
  let at = 16
  const emit = (byte: number) => {
    window[write] = byte
    write = (write + 1) % WINDOW
    if (length < size) out[length++] = byte
  }
  while (at < bytes.length && length < size) {
    const control = bytes[at++]!
    for (let bit = 0; bit < 8 && at < bytes.length; bit++) {
      if ((control & (1 << bit)) === 0) {
        emit(bytes[at++]!)
        continue
      }
      if (at + 1 >= bytes.length) return out.subarray(0, length)
      const pair = bytes.readUInt16BE(at)
      at += 2
      const offset = pair >> 4
      if (offset === write) return out.subarray(0, length) // the end mark
      for (let i = 0; i < (pair & 15) + 2; i++) emit(window[(offset + i) % WINDOW]!)
    }
  }
  return out.subarray(0, length)
}

/** Destinations whose text nobody wrote. */
const HIDDEN = new Set(
  'fonttbl colortbl stylesheet info pict object objdata header footer headerl headerr footerl footerr filetbl listtable listoverridetable rsidtbl generator themedata colorschememapping datastore latentstyles xmlnstbl mhtmltag fldinst'.split(
    ' ',
  ),
)
const SIGNS: Record<string, string> = {
  par: '\n',
  line: '\n',
  row: '\n',
  sect: '\n',
  page: '\n',
  cell: '\t',
  tab: '\t',
  emdash: '—',
  endash: '–',
  lquote: '‘',
  rquote: '’',
  ldblquote: '“',
  rdblquote: '”',
  bullet: '•',
  emspace: ' ',
  enspace: ' ',
}

type Group = { hidden: boolean; tag: boolean; rtfOnly: boolean; skip: number }

/** The text, and the HTML where the RTF says `\fromhtml`. */
export function readRtf(rtf: Buffer): { text: string; html: string | null } {
  const source = rtf.toString('latin1')
  const isHtml = /^\{\\rtf1?[^{}]{0,200}\\fromhtml1/.test(source.slice(0, 400))
  const out = startText()
  const stack: Group[] = []
  let group: Group = { hidden: false, tag: false, rtfOnly: false, skip: 1 }
  let charset = 'windows-1252'
  let pending = 0 // characters that stand in for a \u and are not shown
  const show = (text: string) => {
    const isShown = isHtml ? group.tag || !(group.hidden || group.rtfOnly) : !group.hidden
    if (isShown) out.text(text)
  }
  for (const [token, word, number, hexCode, text] of source.matchAll(TOKEN)) {
    if (token === '{') {
      if (stack.length < 1000) stack.push({ ...group })
      continue
    }
    if (token === '}') {
      group = stack.pop() ?? group
      pending = 0
      continue
    }
    if (hexCode !== undefined) {
      if (pending > 0) pending--
      else if (isHtml ? group.tag || !(group.hidden || group.rtfOnly) : !group.hidden)
        out.byte(Number.parseInt(hexCode, 16), charset)
      continue
    }
    if (text !== undefined) {
      const clean = text.replace(/[\r\n]+/g, '')
      show(pending > 0 ? clean.slice(pending) : clean)
      pending = Math.max(0, pending - clean.length)
      continue
    }
    if (word === undefined) {
      if (token === '\\*') group.hidden = true
      else if (token === '\\~') show('\u00a0')
      else if (/^\\[\\{}]$/.test(token)) show(token[1]!)
      else if (/^\\[\r\n]/.test(token)) show('\n')
      continue
    }
    const value = number === '' || number === undefined ? null : Number(number)
    if (word === 'ansicpg' && value !== null) charset = charsetOf(value) ?? charset
    else if (word === 'uc') group.skip = Math.min(value ?? 1, 10)
    else if (word === 'u' && value !== null) {
      show(String.fromCharCode(value < 0 ? value + 65536 : value & 0xffff))
      pending = group.skip
    } else if (word === 'htmltag') group.tag = true
    else if (word === 'htmlrtf') group.rtfOnly = value !== 0
    else if (HIDDEN.has(word)) group.hidden = true
    else if (Object.hasOwn(SIGNS, word)) show(isHtml && word === 'par' ? '\r\n' : SIGNS[word]!)
  }
  const whole = out.end()
  return isHtml ? { text: '', html: whole } : { text: whole.replace(/\n{3,}/g, '\n\n').trim(), html: null }
}

const TOKEN = /[{}]|\\([a-z]{1,32})(-?\d{0,10}) ?|\\'([0-9a-f]{2})|\\[^a-z]|([^\\{}]+)/gi

/** Text pieces and single bytes, of which runs are decoded together. */
function startText() {
  const pieces: string[] = []
  let bytes: number[] = []
  let charset = ''
  let length = 0
  const flush = () => {
    if (bytes.length > 0) pieces.push(decodeBytes(Buffer.from(bytes), charset))
    bytes = []
  }
  return {
    text(text: string) {
      if (text === '' || length > limits.parse.text) return
      flush()
      length += text.length
      pieces.push(text)
    },
    byte(byte: number, of: string) {
      charset = of
      if (length++ < limits.parse.text) bytes.push(byte)
    },
    end() {
      flush()
      return pieces.join('').toWellFormed()
    },
  }
}

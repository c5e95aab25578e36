/** winmail.dat (4.19, X30): made here by a small writer, read as part of a mail, and broken in every place. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { IncomingMail } from '../../../src/incoming.ts'
import { parseBuffer } from '../../../src/mail/parse/read.ts'
import { expandRtf, readRtf } from '../../../src/mail/parse/rtf.ts'
import { readTnef } from '../../../src/mail/parse/tnef.ts'

const temp = mkdtempSync(join(tmpdir(), 'postroom-tnef-'))
process.on('exit', () => rmSync(temp, { recursive: true, force: true }))
let folders = 0

const number = (value: number, bytes: 2 | 4) => {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntLE(value, 0, bytes)
  return buffer
}
const attribute = (id: number, data: Buffer) => {
  const sum = data.reduce((all, byte) => (all + byte) & 0xffff, 0)
  return Buffer.concat([
    Buffer.from([id >>> 16 === 6 ? 2 : 1]),
    number(id, 4),
    number(data.length, 4),
    data,
    number(sum, 2),
  ])
}
const tnefOf = (...attributes: Buffer[]) => Buffer.concat([number(0x223e9f78, 4), number(1, 2), ...attributes])
const padded = (data: Buffer) => Buffer.concat([data, Buffer.alloc(-data.length & 3)])
const variable = (tag: number, data: Buffer) =>
  Buffer.concat([number(tag, 4), number(1, 4), number(data.length, 4), padded(data)])
const unicode = (id: number, text: string) => variable(id * 65536 + 0x1f, Buffer.from(`${text}\0`, 'utf16le'))
const long = (id: number, value: number) => Buffer.concat([number(id * 65536 + 3, 4), number(value, 4)])
const named = (text: string) =>
  Buffer.concat([
    number(0x8001_001e, 4),
    Buffer.alloc(16, 7),
    number(1, 4),
    number(10, 4),
    padded(Buffer.from('name\0', 'utf16le')),
    number(1, 4),
    number(text.length, 4),
    padded(Buffer.from(text)),
  ])
const properties = (...list: Buffer[]) => Buffer.concat([number(list.length, 4), ...list])
const MESSAGE = 0x0006_9003
const REND = 0x0006_9002
const TITLE = 0x0001_8010
const DATA = 0x0006_800f
const ATTACHMENT = 0x0006_9005
const stored = (rtf: string) =>
  Buffer.concat([
    number(rtf.length + 12, 4),
    number(rtf.length, 4),
    Buffer.from('MELA'),
    number(0, 4),
    Buffer.from(rtf, 'latin1'),
  ])

const file = (title: string, bytes: Buffer, ...more: Buffer[]) => [
  attribute(REND, Buffer.alloc(14)),
  attribute(TITLE, Buffer.from(`${title}\0`)),
  attribute(DATA, bytes),
  ...(more.length > 0 ? [attribute(ATTACHMENT, properties(...more))] : []),
]

async function mailWith(tnef: Buffer, text: string): Promise<IncomingMail> {
  const head =
    'From: ann@example.org\r\nSubject: winmail\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
  const part = 'Content-Type: application/ms-tnef; name="winmail.dat"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
  const source = `${head}--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n--b\r\n${part}${tnef.toString('base64')}\r\n--b--\r\n`
  const mail = await parseBuffer(Buffer.from(source), join(temp, `${++folders}`))
  assert.is(mail.error, null)
  return mail as IncomingMail
}
const partsOf = (mail: IncomingMail) => mail.parts.map((part) => [part.filename, part.type, part.original])

const PDF = Buffer.from('%PDF-1.4\n')
const HTML =
  '<html><body><p>The <b>printer</b> is on fire. Gr\u00fc\u00dfe <img src="cid:flame@example.org"></p></body></html>'
const html = (words = HTML) => [long(0x3fde, 65001), variable(0x1013_0102, Buffer.from(words))]

test('X30 winmail.dat with body and files: both visible, the original beside them', async () => {
  const tnef = tnefOf(
    attribute(MESSAGE, properties(named('left alone'), ...html())),
    ...file('OFFER~1.PDF', PDF, unicode(0x3707, 'Offer für Ann.pdf'), unicode(0x370e, 'application/pdf')),
    ...file('terms.pdf', PDF),
    ...file('flame.png', Buffer.from('png'), unicode(0x370e, 'image/png'), unicode(0x3712, 'flame@example.org')),
  )
  const mail = await mailWith(tnef, 'The printer is on fire. Grüße')
  assert.is(mail.text, 'The printer is on fire. Grüße', 'what stands in both is shown once')
  assert.match(mail.html ?? '', '<b>printer</b>')
  assert.match(mail.html ?? '', 'src="cid:flame%40example.org"')
  assert.equal(partsOf(mail), [
    ['Offer für Ann.pdf', 'application/pdf', false],
    ['terms.pdf', 'application/octet-stream', false],
    ['flame.png', 'image/png', false],
    ['winmail.dat', 'application/ms-tnef', true],
  ])
  assert.equal(mail.parts[0]!.content, PDF)
  assert.equal(mail.parts[3]!.content, tnef)
  assert.is(mail.parts[2]!.inline, true)
  assert.equal(mail.flags, [])
})

test('a body that differs from the text beside it is shown behind it: nothing is lost', async () => {
  const mail = await mailWith(
    tnefOf(attribute(MESSAGE, properties(...html('<p>Other words.</p>')))),
    'Sent by the gateway.',
  )
  assert.is(mail.text, 'Sent by the gateway.\n\nOther words.')
})

test('no text beside it: HTML before RTF before plain', async () => {
  const body = attribute(0x0002_800c, Buffer.from('plain words\0'))
  const rtf = variable(
    0x1009_0102,
    stored("{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}\\pard RTF w\\'f6rds\\par second \\u8364?\\par}"),
  )
  assert.is((await mailWith(tnefOf(body), '')).text.trim(), 'plain words')
  assert.is((await mailWith(tnefOf(body, attribute(MESSAGE, properties(rtf))), '')).text, 'RTF wörds\nsecond €')
  assert.match(
    (await mailWith(tnefOf(body, attribute(MESSAGE, properties(rtf, ...html()))), '')).text,
    'The printer is on fire.',
  )
})

test('RTF: the example of MS-OXRTFCP, HTML in RTF, fields and hidden groups', () => {
  const packed = Buffer.from(
    '2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c09002062770' + '5b06c647d0a800fa0',
    'hex',
  )
  assert.is(expandRtf(packed)?.toString('latin1'), '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n')
  assert.is(readRtf(expandRtf(packed)!).text, 'hello world')
  const repeats = Buffer.from('1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0', 'hex')
  assert.is(expandRtf(repeats)?.toString('latin1'), '{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}')
  const inside = readRtf(
    Buffer.from(
      "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0\\fswiss Arial;}}{\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 W\\'f6rds {\\*\\htmltag84 <b>}bold{\\*\\htmltag92 </b>}\\htmlrtf }\\htmlrtf0 {\\*\\htmltag72 </p>}}",
      'latin1',
    ),
  )
  assert.is(inside.html, '<p>Wörds <b>bold</b></p>')
})

test('what is no TNEF, or breaks off, stays a file and says so; nothing throws', async () => {
  const none = await mailWith(Buffer.from('nothing of the kind'), 'Words.')
  assert.equal(partsOf(none), [['winmail.dat', 'application/ms-tnef', false]])
  assert.equal(none.flags, ['tnef_unreadable'])
  const whole = tnefOf(
    ...file('a.pdf', PDF),
    attribute(MESSAGE, properties(named('x'), ...html())),
    ...file('b.pdf', PDF),
  )
  const cut = await mailWith(whole.subarray(0, whole.length - 12), 'Words.')
  assert.equal(partsOf(cut).at(0), ['winmail.dat', 'application/ms-tnef', false])
  assert.equal(partsOf(cut).at(1), ['a.pdf', 'application/octet-stream', false])
  assert.equal(cut.flags, ['tnef_unreadable'])
  for (let at = 0; at < whole.length; at++) readTnef(whole.subarray(0, at))
  for (let at = 6; at < whole.length; at++) {
    for (const byte of [0, 0x7f, 0xff]) {
      const broken = Buffer.from(whole)
      broken[at] = byte
      readTnef(broken)
    }
  }
})

test('a property list or an RTF that promises millions costs nothing', () => {
  const before = performance.now()
  readTnef(tnefOf(attribute(MESSAGE, Buffer.concat([number(0xffff_ffff, 4), Buffer.alloc(1000, 0xff)]))))
  expandRtf(Buffer.concat([number(100, 4), number(0x7fff_ffff, 4), Buffer.from('LZFu'), Buffer.alloc(104)]))
  readRtf(Buffer.from('{'.repeat(1e6)))
  readRtf(Buffer.from("\\u8364 \\'".repeat(1e5)))
  assert.ok(performance.now() - before < 2000)
})

test.run()

/** The regressions of MAIL 11 that parsing answers for, each by its id; what a ticket then becomes is tested elsewhere. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bytesOf } from '../../../src/engine/attachments.ts'
import type { IncomingMail } from '../../../src/incoming.ts'
import { readCms } from '../../../src/mail/parse/cms.ts'
import { parseBuffer } from '../../../src/mail/parse/read.ts'
import { startDecoder } from '../../../src/mail/parse/transfer.ts'

const FIXTURES = fileURLToPath(new URL('../../../fixtures/mails/', import.meta.url))
const temp = mkdtempSync(join(tmpdir(), 'postroom-rules-'))
process.on('exit', () => rmSync(temp, { recursive: true, force: true }))
let folders = 0

async function parsed(source: string | Buffer): Promise<IncomingMail> {
  const mail = await parseBuffer(Buffer.from(source as string), join(temp, `${++folders}`))
  assert.is(mail.error, null)
  return mail as IncomingMail
}
const fixture = (name: string) => parsed(readFileSync(join(FIXTURES, `${name}.eml`)))
const HEAD = 'From: Ann <ann@example.org>\r\nTo: support@desk.example\r\nSubject: s\r\nMIME-Version: 1.0\r\n'

test('X26 charsets: windows-1258, gb2312 that is UTF-8, one that nobody knows: the text is shown', async () => {
  assert.not.match((await fixture('charset/windows-1258')).text, '\ufffd')
  assert.match((await fixture('charset/gb2312-is-utf-8')).text, '\u2013')
  const unknown = await parsed(`${HEAD}Content-Type: text/plain; charset=foo-8\r\n\r\nGrüße\r\n`)
  assert.is(unknown.text.trim(), 'Grüße')
})

test('X27 a filename in RFC 2231 with the wrong charset is readable', async () => {
  const { parts } = await fixture('odd/filenames')
  assert.is(parts[1]!.filename, 'Wölbung.jpg')
})

test('a control character before the type of a multipart, of the mail and of a part: every text is there', async () => {
  const inner =
    'Content-Type:\x13multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain\r\n\r\nwithin\r\n--i--\r\n'
  const mail = await parsed(
    `${HEAD}Content-Type:\x07multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nabove\r\n--o\r\n${inner}--o--\r\n`,
  )
  const files = Buffer.concat(await Promise.all(mail.parts.map(bytesOf))).toString('latin1')
  assert.match(mail.text, 'above')
  assert.match(mail.text + files, 'within')
})

test('a multipart without the semicolon before its boundary: what stands in it is shown', async () => {
  const mail = await parsed(
    `${HEAD}Content-Type: multipart/mixed boundary=o\r\n\r\n--o\r\n\r\nHello there\r\n--o--\r\n`,
  )
  assert.match(mail.text, 'Hello there')
})

test('a NUL in the fields of a report goes: PostgreSQL takes none', async () => {
  const mail = await parsed(
    `${HEAD}Content-Type: multipart/report; report-type=delivery-status; boundary=d\r\n\r\n--d\r\n` +
      'Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n' +
      'Final-Recipient: rfc822; eva@acme.example\r\nAction: failed\r\nStatus: 5.1.1\r\n' +
      'Diagnostic-Code: smtp; 550 5.1.\x001 no such user\r\n\r\n--d--\r\n',
  )
  assert.is(mail.report!.recipients[0]!.diagnostic, '550 5.1.1 no such user')
  assert.not.match(JSON.stringify(mail.report), '\\u0000')
})

test('X28 raw 8-bit bytes in Cc and From', async () => {
  const raw = Buffer.from(
    `From: J\xfcrgen <j@example.org>\r\nCc: Andr\xe9 <a@example.org>\r\nSubject: s\r\n\r\nx`,
    'latin1',
  )
  const mail = await parsed(raw)
  assert.equal(mail.from, { name: 'Jürgen', address: 'j@example.org' })
  assert.equal(mail.cc, [{ name: 'André', address: 'a@example.org' }])
})

test('X29 From wholly within an encoded-word, and no From at all', async () => {
  const encoded = await fixture('odd/from-in-encoded-word')
  assert.is(encoded.from?.address, 'j@example.org')
  assert.ok(encoded.fromIrregular)
  assert.is((await fixture('odd/no-from')).from, null)
})

test('X31 a cid image without disposition, and one that is meant by its name', async () => {
  for (const name of ['human/inline-cid-without-disposition', 'human/inline-by-file-name']) {
    const mail = await fixture(name)
    assert.ok(mail.parts[0]!.inline, name)
    assert.match(mail.html ?? '', '<img src="cid:')
  }
})

test('X32 opaque S/MIME of nobody known: the text is visible, the signature unverified', async () => {
  for (const name of ['human/smime-opaque', 'human/smime-opaque-streamed']) {
    const mail = await fixture(name)
    assert.is(mail.text.trim(), 'Opaque wörds.')
    assert.ok(mail.flags.includes('signature_not_verified'))
    assert.equal(
      mail.parts.map((part) => part.original),
      [false, true],
    )
  }
})

test('X35 attachments with broken types and charsets are kept', async () => {
  const mail = await fixture('odd/broken-content-type-parts')
  assert.is(mail.parts.length, 2)
  const odd = await parsed(
    `${HEAD}Content-Type: application/pdf; charset="\xff=?; name==?utf-8?Q?[=2312]?=\r\nContent-Disposition: attachment; filename\r\n\r\n[#12]`,
  )
  assert.is(odd.parts.length, 1)
  assert.is(odd.text, '')
})

test('X36 Reply-To: <> is none; another is only where to write to', async () => {
  const empty = await parsed(`${HEAD}Reply-To: <>\r\n\r\nx`)
  assert.equal(empty.replyTo, [])
  const other = await parsed(`${HEAD}Reply-To: ceo@victim.example\r\n\r\nx`)
  assert.is(other.from?.address, 'ann@example.org')
})

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/.{76}/g, '$&\r\n')
const mixed = (...parts: string[]) =>
  `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`
const deep = (levels: number) =>
  Array.from({ length: levels }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`).join('')
const der = (bytes: Buffer, tag: number) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([Buffer.from([tag, 0x84]), length, bytes])
}

/** A signed-data whose content is `inner`, with nobody's signature. */
function signed(inner: Buffer): Buffer {
  const oid = (last: number) => Buffer.from([6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, last])
  const content = der(Buffer.concat([oid(1), der(der(inner, 4), 0xa0)]), 0x30)
  const data = der(Buffer.concat([Buffer.from([2, 1, 1]), der(Buffer.alloc(0), 0x31), content]), 0x30)
  return der(Buffer.concat([oid(2), der(data, 0xa0)]), 0x30)
}
const wrap = (inner: string) =>
  `Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(signed(Buffer.from(inner)))}`
const wrapped = (levels: number) => {
  let inner = 'Content-Type: text/plain\r\n\r\nInnermost.'
  for (let i = 0; i < levels; i++) inner = wrap(inner)
  return inner
}

test('signed within signed: unwrapped a few times, then it stays a file', async () => {
  const two = await parsed(`${HEAD}${wrapped(2)}`)
  assert.is(two.text, 'Innermost.')
  assert.equal(two.truncated, [])
  const many = await parsed(`${HEAD}${wrapped(15)}`)
  assert.is(many.text, '')
  assert.ok(many.truncated.includes('wrappings'))
  assert.is(many.parts.length, 11)
})

test('CMS that is cut or mutated in any place is a file, not an exception', () => {
  const whole = signed(Buffer.from('Content-Type: text/plain\r\n\r\nx'))
  assert.equal(readCms(whole), { kind: 'signed', content: Buffer.from('Content-Type: text/plain\r\n\r\nx') })
  assert.equal(readCms(Buffer.from(`-----BEGIN PKCS7-----\n${base64(whole)}\n-----END PKCS7-----`)).kind, 'signed')
  for (let at = 0; at < whole.length; at++) {
    readCms(whole.subarray(0, at))
    const broken = Buffer.from(whole)
    broken[at] = 0x80
    readCms(broken)
  }
  readCms(Buffer.alloc(1e6, 0x30))
  readCms(Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from([0x30, 0x80]))))
})

const hostile: [name: string, source: () => string, truncated: string[]][] = [
  [
    'X33 a million parts',
    () => `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n'.repeat(1e6)}`,
    ['parts'],
  ],
  [
    'X33 a million parts that are only a header',
    () => `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nX\r\n'.repeat(1e6)}`,
    ['parts'],
  ],
  [
    'X33 10 000 nested multiparts',
    () => `${HEAD}${deep(10_000)}Content-Type: text/plain\r\n\r\ndeep`,
    ['depth', 'parts'],
  ],
  [
    'X33 10 000 nested multiparts, all with the wrong boundary',
    () => `${HEAD}${deep(10_000).replaceAll('\r\n--b', '\r\n--c')}x`,
    [],
  ],
  ['X33 a message/rfc822 that is only a header', () => mixed('Content-Type: message/rfc822\r\n\r\nSubject: inner'), []],
  ['X33 10 000 mails within each other', () => mixed('Content-Type: message/rfc822\r\n\r\n'.repeat(10_000)), []],
  [
    'X34 2 000 links',
    () => `${HEAD}Content-Type: text/html\r\n\r\n${'<a href="https://a.example">x</a>\r\n'.repeat(2000)}`,
    [],
  ],
  ['X34 40 000 nested div', () => `${HEAD}Content-Type: text/html\r\n\r\n${'<div>'.repeat(40_000)}x`, ['html_depth']],
  ['X34 5 MB of blanks', () => `${HEAD}Content-Type: text/plain\r\n\r\nx${' '.repeat(5e6)}y`, []],
  ['X34 5 MB of blank lines', () => `${HEAD}\r\nx${'\r\n'.repeat(2.5e6)}y`, []],
  ['5 MB of blanks before the header', () => `${' \r\n'.repeat(1.7e6)}${HEAD}\r\nx`, ['headers']],
  [
    '10 MB of quoted-printable codes',
    () => `${HEAD}Content-Transfer-Encoding: quoted-printable\r\n\r\n${'=41'.repeat(3.3e6)}`,
    [],
  ],
  [
    '10 MB of quoted-printable blanks',
    () => `${HEAD}Content-Transfer-Encoding: quoted-printable\r\n\r\n${'= '.repeat(5e6)}`,
    [],
  ],
  ['10 MB of pads in base64', () => `${HEAD}Content-Transfer-Encoding: base64\r\n\r\n${'=a'.repeat(5e6)}`, []],
  [
    '5 MB of iso-2022-jp escapes',
    () => `${HEAD}Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n${'\x1b$B\x1b(B'.repeat(8e5)}`,
    [],
  ],
  [
    '5 MB of HZ escapes',
    () => `${HEAD}Content-Type: text/plain; charset=hz-gb-2312\r\n\r\n${'~{~}'.repeat(1.2e6)}`,
    [],
  ],
  [
    "boundaries that repeat 200 000 times and are nobody's",
    () => `${HEAD}Content-Type: multipart/mixed\r\n\r\n${'--x \r\n\r\nq\r\n'.repeat(2e5)}`,
    ['parts'],
  ],
  ['60 KB of half encoded-words with question marks', () => `${HEAD}X-A: ${'=?utf-8?Q?a?b'.repeat(5000)}\r\n\r\nx`, []],
  ['two texts of a million line ends', () => mixed(`\r\nx${'\r\n'.repeat(1e6)}y`, `\r\nx${'\r\n'.repeat(1e6)}y`), []],
  [
    'a million soft line breaks',
    () => `${HEAD}Content-Type: text/plain; format=flowed\r\n\r\n${'> a \r\n'.repeat(1e6)}`,
    [],
  ],
  [
    'a million UTF-7 runs',
    () => `${HEAD}Content-Type: text/plain; charset=utf-7\r\n\r\n${'+AOQ-\r\n'.repeat(7e5)}`,
    [],
  ],
  [
    'a calendar of 60 KB folds',
    () => `${HEAD}Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT\r\nSUMMARY:x${'\r\n y'.repeat(15_000)}`,
    [],
  ],
]
for (const [name, source, truncated] of hostile) {
  test(`hostile: ${name}: a mail within 2 s, flagged where it was cut`, async () => {
    const bytes = Buffer.from(source())
    const before = process.cpuUsage()
    const mail = await parsed(bytes)
    const { user, system } = process.cpuUsage(before)
    assert.is(mail.bytes, bytes.length)
    for (const word of truncated) assert.ok(mail.truncated.includes(word), `${mail.truncated} has ${word}`)
    if (truncated.length === 0 && !name.includes('wrong')) assert.equal(mail.truncated, [])
    assert.ok((user + system) / 1000 < 2000, `${Math.round((user + system) / 1000)} ms`)
  })
}

function decoded(encoding: string, pieces: string[]): string {
  const decode = startDecoder(encoding)
  const chunks = pieces.map((piece) => decode(Buffer.from(piece, 'latin1')))
  return Buffer.concat([...chunks, decode(null)]).toString('latin1')
}

test('4.16 transfer codes, however the bytes are cut', () => {
  const cases: [string, string, string][] = [
    ['quoted-printable', 'a=3D=\r\nb =20 \r\nc=  \nd=E9=4\t\r\n=', 'a=b  \r\ncd\xe9=4\r\n'],
    ['base64', 'T25l\r\nLg==VHdvLg', 'One.Two.'],
    ['8bits', 'a=3D', 'a=3D'],
  ]
  for (const [encoding, source, expected] of cases) {
    for (const size of [1, 2, 3, 5, 1000]) {
      const pieces = source.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      assert.is(decoded(encoding, pieces), expected, `${encoding} by ${size}`)
    }
  }
})

test.run()

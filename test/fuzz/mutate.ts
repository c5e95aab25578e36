/** A fixture made worse: bytes, lines, headers, charsets, codes, boundaries and HTML. */
import type { Random } from './random.ts'

const LARGEST = 2 * 1024 * 1024

const CHARSETS = (
  'utf-8 us-ascii iso-8859-1 windows-1252 koi8-r shift_jis iso-2022-jp iso-2022-kr hz-gb-2312 utf-7 utf-16 utf-16le gb18030 ' +
  'big5 euc-kr cp949 cp850 foo-8 x-user-defined replacement __proto__ constructor'
).split(' ')
const CODES = ['base64', 'quoted-printable', '8bit', '7bit', 'binary', 'x-uuencode', '8bits', '']
const TYPES = (
  'text/plain text/html text multipart/mixed multipart/alternative multipart/related multipart/digest multipart/signed ' +
  'multipart/encrypted multipart/report message/rfc822 message/delivery-status application/ms-tnef application/pkcs7-mime ' +
  'text/calendar image/png application/octet-stream ; a/b/c'
).split(' ')
const HTML = [
  '<div>'.repeat(300),
  '</div>'.repeat(300),
  '<table><tr><td>'.repeat(50),
  '<!--',
  '-->',
  '<style>',
  '<title>',
  '<svg><math><mtext><style>',
  '<blockquote type=cite>',
  '<img src="cid:x">',
  '<a href="javascript:1">',
  '<p style="a:b;c:url(x);position:fixed">',
  '&#x0;&#xD800;&lt;script&gt;',
  '<![CDATA[',
  '<?xml ',
  '\u0000',
  '<',
]
const HEADERS = [
  'From: a@example.org, b@example.org',
  'From: =?utf-8?B?PGFAZXhhbXBsZS5vcmc+?=',
  'To: undisclosed-recipients:;',
  'Cc: "a',
  'Subject: =?x?Q?=E9?= =?utf-8?B?w6?=',
  'Content-Type: text/html; charset*0=utf; charset*1=-8',
  "Content-Disposition: attachment; filename*1*=b; filename*0*=utf-8''%",
  'References: <<a@b>> <c',
  'Date: 31 Feb 99999999999 25:61 +9999',
  'Received: x',
  'X: \u0000\u202e',
  ': no name',
  'no colon',
  ' folded',
]

/** At most 2 MB. `others` are mails to take pieces of. */
export function mutate(source: Buffer, others: Buffer[], random: Random): Buffer {
  let bytes = source
  for (let times = 1 + random.below(6); times > 0; times--) {
    bytes = random.pick(MUTATIONS)(bytes, random, others).subarray(0, LARGEST)
  }
  return bytes
}

type Mutation = (bytes: Buffer, random: Random, others: Buffer[]) => Buffer

const span = (bytes: Buffer, random: Random, largest: number): [number, number] => {
  const from = random.below(bytes.length + 1)
  return [from, Math.min(bytes.length, from + random.below(largest))]
}
const insert = (bytes: Buffer, at: number, piece: Buffer | string) =>
  Buffer.concat([bytes.subarray(0, at), Buffer.from(piece as string), bytes.subarray(at)])
/** One match of `pattern`, any of them, replaced. */
const replaceOne = (bytes: Buffer, random: Random, pattern: RegExp, by: string): Buffer => {
  const text = bytes.toString('latin1')
  const found = [...text.matchAll(pattern)]
  if (found.length === 0) return bytes
  const match = random.pick(found)
  return Buffer.from(text.slice(0, match.index) + by + text.slice(match.index + match[0].length), 'latin1')
}

const MUTATIONS: Mutation[] = [
  (bytes, random) => {
    const copy = Buffer.from(bytes)
    for (let i = random.below(30); i > 0 && copy.length > 0; i--) copy[random.below(copy.length)] = random.below(256)
    return copy
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    const [from, to] = span(bytes, random, 400)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  (bytes, random) => {
    const [from, to] = span(bytes, random, 200)
    const piece = bytes.subarray(from, to)
    return insert(bytes, to, Buffer.concat(Array.from({ length: random.pick([1, 2, 50, 3000]) }, () => piece)))
  },
  (bytes, random, others) => {
    const other = random.pick(others)
    const [from, to] = span(other, random, 3000)
    return insert(bytes, random.below(bytes.length + 1), other.subarray(from, to))
  },
  (bytes, random) => replaceOne(bytes, random, /charset\s?=\s?"?[\w.-]+/gi, `charset=${random.pick(CHARSETS)}`),
  (bytes, random) =>
    replaceOne(bytes, random, /=\?[\w.-]+\?[bq]\?/gi, `=?${random.pick(CHARSETS)}?${random.pick(['b', 'Q'])}?`),
  (bytes, random) =>
    replaceOne(bytes, random, /^content-transfer-encoding:.*/gim, `Content-Transfer-Encoding: ${random.pick(CODES)}`),
  (bytes, random) => replaceOne(bytes, random, /^content-type:\s?[^;\r\n]*/gim, `Content-Type: ${random.pick(TYPES)}`),
  (bytes, random) =>
    replaceOne(bytes, random, /boundary\s?=\s?/gi, random.pick(['boundary=x', 'bound=', 'boundary*0=', 'boundary="'])),
  (bytes, random) => replaceOne(bytes, random, /^--.*/gm, random.pick(['--', '', '--x', '--b--', '-- '])),
  (bytes, random) => replaceOne(bytes, random, /\r\n/g, random.pick(['\n', '\r', '\r\n\r\n', '\0', '\n\r', ' '])),
  (bytes, random) =>
    Buffer.from(bytes.toString('latin1').replaceAll('\r\n', random.pick(['\n', '\r', '\r\r\n'])), 'latin1'),
  (bytes, random) => insert(bytes, random.below(bytes.length + 1), random.pick(HTML)),
  (bytes, random) => {
    const lines = [...bytes.toString('latin1').matchAll(/\n/g)].map((match) => match.index + 1)
    const line = `${random.pick(HEADERS)}\r\n`
    return insert(bytes, random.chance(0.7) ? (lines[random.below(Math.min(12, lines.length))] ?? 0) : 0, line)
  },
]

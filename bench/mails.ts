/**
 * The mails and the desk of the benches, made from numbers alone: the same run makes the same bytes. 1,000 mails of
 * 250 senders in 50 organizations: 60% new with text and HTML, 25% replies by In-Reply-To, 10% new with a file of
 * 100 KB, 5% new in other charsets. Nobody is sent more than the three acknowledgements an hour that are allowed.
 */

export type BenchMail = { from: string; to: string; raw: Buffer; kind: 'new' | 'reply' | 'file' | 'charset' }

export const SENDERS = 250
export const ORGANIZATIONS = 50
export const INBOX = 'support@desk.example'

const ROUNDS = 4 // mails of each sender: three new ones and an answer
const FILE = 100 * 1024
const LOCALES = ['en', 'de', 'fr', 'es', 'pl', 'uk']
const CHARSETS = ['iso-8859-1', 'windows-1252', 'iso-8859-2', 'koi8-r', 'windows-1251', 'iso-8859-15']

/** A desk of 50 organizations, each with a domain, a project, a rule and a language. */
export function deskText(): string {
  const numbers = Array.from({ length: ORGANIZATIONS }, (_, n) => n)
  const organizations = numbers.map((n) => {
    const locale = LOCALES[n % LOCALES.length]
    const policy = n % 3 === 0 ? 'gold' : 'silver'
    return `  - {key: ${keyOf(n)}, name: Org ${n}, domains: [${keyOf(n)}.example], locale: ${locale}, policy: ${policy}}`
  })
  return `inboxes:
  - {key: support, address: ${INBOX}, name: Desk Support, project: triage, locale: en, zone: Europe/Berlin}
agents:
  - {address: ada@desk.example, name: Ada, admin: true}
teams:
  - {key: support, name: Support, members: [ada@desk.example]}
calendars:
  - {key: berlin, tz: Europe/Berlin, weekly: {mon-fri: ["09:00-17:00"]}, holidays: ["01-01", "12-25"]}
policies:
  - key: gold
    targets: {normal: {first_response: 4h, resolution: 24h}, high: {first_response: 2h, resolution: 16h}}
  - key: silver
    targets: {normal: {first_response: 8h, resolution: 48h}, high: {first_response: 4h, resolution: 32h}}
organizations:
${organizations.join('\n')}
projects:
  - {key: triage, team: support}
${numbers.map((n) => `  - {key: ${keyOf(n)}/incoming, team: support}`).join('\n')}
rules:
${numbers.map((n) => `  - {name: ${keyOf(n)}, when: {organization: ${keyOf(n)}}, then: [{project: ${keyOf(n)}/incoming}]}`).join('\n')}
  - {name: urgent, when: {subject: {contains: [urgent, dringend]}}, then: [{priority: high}]}
settings: {policy: silver, calendar: berlin}
`
}

/** The DNS of that desk: each domain says that mail from this machine is its own. */
export function zoneText(): string {
  const domains = ['client', 'mail', 'desk', ...Array.from({ length: ORGANIZATIONS }, (_, n) => keyOf(n))]
  return domains
    .flatMap((name) => [
      `${name}.example: {TXT: ["v=spf1 ip4:127.0.0.0/8 ip6:::1 -all"], MX: ["10 mail.example"]}`,
      `_dmarc.${name}.example: {TXT: ["v=DMARC1; p=none"]}`,
    ])
    .join('\n')
}

/**
 * @param run told apart by it: senders, ids and words of one run are not those of another
 * @param count at most 1,000
 */
export function* makeMails({ run, count }: { run: string; count: number }): Generator<BenchMail> {
  const random = startRandom(run)
  const subjects = new Map<string, string>()
  let fresh = 0
  for (let n = 0; n < count; n++) {
    const sender = n % SENDERS
    const round = Math.floor(n / SENDERS)
    const answers = round > 0 && sender % (ROUNDS - 1) === round - 1
    const kind = answers
      ? 'reply'
      : ((['charset', 'file', 'new', 'new', 'new', 'new', 'new', 'file'] as const)[fresh % 15] ?? 'new')
    if (!answers) fresh++
    const parent = `${run}.${sender}@mail.example`
    const subject = answers ? `Re: ${subjects.get(parent)}` : `${words(random, 5)} (${run}-${n})`
    const id = `${run}.${n}@mail.example`
    if (round === 0) subjects.set(id, subject)
    const from = `person${sender}.${run}@${keyOf(sender % ORGANIZATIONS)}.example`
    const head = headOf({ n, from, subject, id, parent: answers ? parent : null })
    yield { from, to: INBOX, kind, raw: Buffer.concat([head, bodyOf(kind, random, n)]) }
  }
}

/** One mail with one file of about `bytes`, as pieces: header and text, the file in base64, the end. */
export function* makeLargeMail(options: {
  id: string
  bytes: number
  file: (piece: Buffer) => void
}): Generator<Buffer> {
  const random = startRandom(options.id)
  const from = `large.${options.id}@${keyOf(0)}.example`
  yield headOf({ n: 0, from, subject: `A large file ${options.id}`, id: `${options.id}@mail.example`, parent: null })
  yield Buffer.from(
    'Content-Type: multipart/mixed; boundary="large"\r\n\r\n--large\r\nContent-Type: text/plain\r\n\r\nHere it is.\r\n' +
      '--large\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n' +
      'Content-Disposition: attachment; filename="large.bin"\r\n\r\n',
  )
  const piece = 57 * 1024 // whole lines of 76 characters
  for (let left = Math.floor((options.bytes * 57) / 78); left > 0; left -= piece) {
    const bytes = randomBytes(random, Math.min(piece, left))
    options.file(bytes)
    yield base64Lines(bytes)
  }
  yield Buffer.from('--large--\r\n')
}

export const largeSender = (id: string): string => `large.${id}@${keyOf(0)}.example`

const keyOf = (n: number) => `org${String(n).padStart(2, '0')}`

function headOf(mail: { n: number; from: string; subject: string; id: string; parent: string | null }): Buffer {
  const minute = String(mail.n % 60).padStart(2, '0')
  const lines = [
    `Received: from client.example (client.example [192.0.2.7]) by mail.example with ESMTPS id ${mail.n}; Mon, 2 Mar 2026 09:${minute}:01 +0000`,
    `From: "Person ${mail.n % SENDERS}" <${mail.from}>`,
    `To: Desk Support <${INBOX}>`,
    `Subject: ${mail.subject}`,
    `Date: Mon, 2 Mar 2026 09:${minute}:00 +0000`,
    `Message-ID: <${mail.id}>`,
    ...(mail.parent ? [`In-Reply-To: <${mail.parent}>`, `References: <${mail.parent}>`] : []),
    'User-Agent: Mozilla Thunderbird',
    'MIME-Version: 1.0',
    '',
  ]
  return Buffer.from(lines.join('\r\n'))
}

function bodyOf(kind: BenchMail['kind'], random: () => number, n: number): Buffer {
  const paragraphs = Array.from({ length: 4 }, () => words(random, 30 + Math.floor(random() * 60)))
  if (kind === 'charset') return charsetBody(paragraphs, CHARSETS[n % CHARSETS.length]!)
  const quoted =
    kind === 'reply' ? `\r\n\r\nOn Monday somebody wrote:\r\n> ${words(random, 10)}\r\n> ${words(random, 9)}\r\n` : ''
  const text = `${paragraphs.join('\r\n\r\n')}${quoted}\r\n`
  const alternative = [
    'Content-Type: multipart/alternative; boundary="alt"',
    '',
    '--alt',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    text,
    '--alt',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    quotedPrintable(htmlOf(paragraphs)),
    '--alt--',
    '',
  ].join('\r\n')
  if (kind !== 'file') return Buffer.from(alternative)
  const file = [
    '--mix',
    `Content-Type: application/pdf; name="report-${n}.pdf"`,
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename="report-${n}.pdf"`,
    '',
    '',
  ].join('\r\n')
  return Buffer.concat([
    Buffer.from(`Content-Type: multipart/mixed; boundary="mix"\r\n\r\n--mix\r\n${alternative}${file}`),
    base64Lines(Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(random, FILE - 9)])),
    Buffer.from('--mix--\r\n'),
  ])
}

const htmlOf = (paragraphs: string[]) => `<html><head><style>p { margin: 0 0 1em }</style></head>
<body lang="en"><div class="WordSection1">
${paragraphs.map((text) => `<p class="MsoNormal"><span style="font-size:11.0pt;color:#1f497d">${text}</span></p>`).join('\n')}
<table border="0"><tr><td><b>Person</b></td><td><a href="https://www.example.com/?a=1&amp;b=2">www.example.com</a></td></tr></table>
</div></body></html>`

function charsetBody(paragraphs: string[], charset: string): Buffer {
  const local = /koi8|1251/.test(charset) ? 'Добрый день, принтер снова не работает.' : 'Grüße, löschen, déjà.'
  const head = `Content-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n`
  return Buffer.concat([Buffer.from(head), encode([local, ...paragraphs, ''].join('\r\n'), charset)])
}

/** Charsets of one byte a character, by asking the decoder what each byte means. */
function encode(text: string, charset: string): Buffer {
  const bytes = new Map<string, number>()
  const decoder = new TextDecoder(charset)
  for (let byte = 255; byte >= 0; byte--) bytes.set(decoder.decode(Uint8Array.of(byte)), byte)
  return Buffer.from([...text].map((letter) => bytes.get(letter) ?? 63))
}

const quotedPrintable = (text: string) =>
  text
    .replaceAll('=', '=3D')
    .split('\n')
    .map((line) => line.replaceAll(/.{72}(?=.{2})/g, (part) => cutSafely(part)))
    .join('\r\n')

/** A soft line break never stands inside an escape. */
function cutSafely(part: string): string {
  const at = part.lastIndexOf('=')
  const cut = at > part.length - 3 ? at : part.length
  return `${part.slice(0, cut)}=\r\n${part.slice(cut)}`
}

function base64Lines(bytes: Buffer): Buffer {
  const text = bytes.toString('base64')
  const lines: string[] = []
  for (let at = 0; at < text.length; at += 76) lines.push(text.slice(at, at + 76))
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1')
}

const WORDS = `the printer on our second floor has stopped again after last update and shows only a blank page when we
send something from accounting please let me know whether anybody can look at this before Friday because invoices are
waiting I tried to restart it twice without luck also password reset mail never came thanks in advance kind regards
server backup licence order delivery keyboard monitor network cable wireless office colleague meeting urgent question
error message screen login account access folder shared drive customer contract number attached see below morning`.split(
  /\s+/,
)

const words = (random: () => number, count: number) =>
  Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ')

function randomBytes(random: () => number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (; at + 4 <= length; at += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), at)
  for (; at < length; at++) bytes[at] = Math.floor(random() * 256)
  return bytes
}

/** mulberry32: small, fast, the same everywhere. */
function startRandom(seed: string): () => number {
  let state = [...seed].reduce((sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 2_654_435_761), 1)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

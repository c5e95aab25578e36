import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, verify } from 'node:crypto'
import { simpleParser } from 'mailparser'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Composable } from '../../src/engine/outbox.ts'
import { compose, type MailFile } from '../../src/mail/compose.ts'
import { dkimHeader } from '../../src/mail/deliver/dkim.ts'

const row = (change: Partial<Composable> = {}): Composable => ({
  id: 42,
  message_id: 'c.1.01j0000000000000000000000a.aaaabbbbccccdddd@desk.example',
  date_at: new Date('2026-11-23T10:00:00Z'),
  headers: [
    ['From', [{ name: 'Ada (Desk)', address: 'support@desk.example' }]],
    ['To', [{ name: 'Kim', address: 'kim@acme.example' }]],
    ['Cc', [{ name: 'Zoë, the "boss"', address: 'zoe@acme.example' }]],
    ['Reply-To', [{ name: 'Desk', address: 'support+rabc@desk.example' }]],
    ['In-Reply-To', '<one@acme.example>'],
    [
      'References',
      `<t.1.mac@desk.example> ${Array.from({ length: 9 }, (_, n) => `<${n}-mail@acme.example>`).join(' ')}`,
    ],
    ['X-Postroom-Loop', 'abcdef'],
  ],
  subject: 'Re: Printer on fire',
  text: 'Hello\n',
  html: '<p>Hello</p>',
  ...change,
})

const file = (content: Buffer, change: Partial<MailFile> = {}): MailFile => ({
  filename: 'a.bin',
  type: 'application/octet-stream',
  inline: false,
  contentId: null,
  async *open() {
    for (let at = 0; at < content.length; at += 10_000) yield content.subarray(at, at + 10_000)
  },
  ...change,
})

const bytesOf = async (mail: AsyncIterable<Buffer>) => {
  const chunks: Buffer[] = []
  for await (const chunk of mail) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const headOf = (bytes: Buffer) => bytes.toString('latin1').split('\r\n\r\n')[0]!

test('the headers of a reply, in order, as golden lines', async () => {
  const head = headOf(await bytesOf(compose(row({ html: null }), [])))
  assert.equal(head.split('\r\n'), [
    'Date: Mon, 23 Nov 2026 10:00:00 +0000',
    'From: "Ada (Desk)" <support@desk.example>',
    'To: Kim <kim@acme.example>',
    'Cc: =?UTF-8?Q?Zo=C3=AB=2C_the_=22boss=22?= <zoe@acme.example>',
    'Reply-To: Desk <support+rabc@desk.example>',
    'Subject: Re: Printer on fire',
    'Message-ID: <c.1.01j0000000000000000000000a.aaaabbbbccccdddd@desk.example>',
    'In-Reply-To: <one@acme.example>',
    'References: <t.1.mac@desk.example> <0-mail@acme.example>',
    ' <1-mail@acme.example> <2-mail@acme.example> <3-mail@acme.example>',
    ' <4-mail@acme.example> <5-mail@acme.example> <6-mail@acme.example>',
    ' <7-mail@acme.example> <8-mail@acme.example>',
    'X-Postroom-Loop: abcdef',
    'MIME-Version: 1.0',
    'Content-Transfer-Encoding: 7bit',
    'Content-Type: text/plain; charset=utf-8',
  ])
})

test('two composes are byte-identical, with files and signatures, and another row differs (0.8)', async () => {
  const content = randomBytes(200_000)
  const files = () => [
    file(content),
    file(content, { inline: true, contentId: 'x@y', filename: 'ü.png', type: 'image/png' }),
  ]
  const first = await bytesOf(compose(row(), files()))
  const second = await bytesOf(compose(row(), files()))
  assert.is(first.equals(second), true)
  assert.is(first.equals(await bytesOf(compose(row({ id: 43 }), files()))), false)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const sign = () =>
    dkimHeader(compose(row(), files()), [{ domain: 'desk.example', selector: 's', key }], row().date_at)
  assert.is(await sign(), await sign())
})

test('levels that are not needed are left out (8.12)', async () => {
  const types = async (change: Partial<Composable>, files: MailFile[]) =>
    [...(await bytesOf(compose(row(change), files))).toString().matchAll(/^Content-Type: ([a-z]+\/[a-z-]+)/gm)].map(
      (m) => m[1],
    )
  const content = Buffer.from('x')
  const inline = file(content, { inline: true, contentId: 'i@d', type: 'image/png', filename: 'i.png' })
  assert.equal(await types({ html: null }, []), ['text/plain'])
  assert.equal(await types({}, []), ['multipart/alternative', 'text/plain', 'text/html'])
  assert.equal(await types({}, [inline]), [
    'multipart/related',
    'multipart/alternative',
    'text/plain',
    'text/html',
    'image/png',
  ])
  assert.equal(await types({}, [inline, file(content)]), [
    'multipart/mixed',
    'multipart/related',
    'multipart/alternative',
    'text/plain',
    'text/html',
    'image/png',
    'application/octet-stream',
  ])
  assert.equal(await types({ html: null }, [inline]), ['multipart/mixed', 'text/plain', 'image/png'])
})

test('7-bit with CRLF and short lines, whatever is in it, and it comes out again (8.13, 8.18)', async () => {
  const texts = [
    'ПРИВЕТ, как дела? '.repeat(40),
    `${'Grüße an alle. '.repeat(50)}\n\nzweite Zeile`,
    `${'long ascii '.repeat(200)}`,
    '日本語のテキスト'.repeat(30),
    'a\n.\nb\n..\n.c\r\nd\re\n',
    'From the start\n>From here\ntrailing  \n',
    '\n\n\n',
    '😀'.repeat(100),
  ]
  for (const text of texts) {
    const bytes = await bytesOf(
      compose(row({ text, subject: `Ä ${text}`.replace(/\s+/g, ' ').trim(), html: `<p>${text}</p>` }), []),
    )
    const wire = bytes.toString('latin1')
    assert.is(/[^\x00-\x7f]/.test(wire), false, text)
    assert.is(/\r(?!\n)|(?<!\r)\n/.test(wire), false, text)
    for (const line of wire.split('\r\n')) assert.ok(line.length <= 78, line)
    const parsed = await simpleParser(bytes)
    assert.is(parsed.text!.trimEnd(), text.replace(/\r\n?/g, '\n').trimEnd())
    assert.is(parsed.subject, `Ä ${text}`.replace(/\s+/g, ' ').trim())
  }
})

test('files come out as they went in, with their names (8.13)', async () => {
  const content = randomBytes(70_001)
  const names = [
    'plain.pdf',
    'Größe – Übersicht.pdf',
    'отчёт за ноябрь и декабрь 2026 года, окончательный.docx',
    `q"uo\\te;\r\nX: y.txt`,
    '%41.txt',
  ]
  const bytes = await bytesOf(
    compose(
      row(),
      names.map((filename) => file(content, { filename, type: 'text/html' })),
    ),
  )
  for (const line of bytes.toString('latin1').split('\r\n')) assert.ok(line.length <= 78, line)
  const parsed = await simpleParser(bytes)
  assert.is(parsed.headers.has('x'), false)
  assert.is(parsed.attachments.length, names.length)
  parsed.attachments.forEach((one, n) => {
    assert.is(one.content.equals(content), true, names[n])
    if (!/[\r\n]/.test(names[n]!)) assert.is(one.filename, names[n])
  })
})

test('a row that names files or URLs opens none, and a mail as a file keeps its 8-bit bytes', async () => {
  const text = 'file:///etc/passwd http://127.0.0.1:9/'
  const parsed = await simpleParser(await bytesOf(compose(row({ text, html: null }), [])))
  assert.is(parsed.text!.trim(), text)
  const inner = Buffer.from('Subject: grün\r\n\r\nJa, grün.\r\n', 'latin1')
  const bytes = await bytesOf(compose(row(), [file(inner, { type: 'message/rfc822', filename: 'a.eml' })]))
  assert.is(/[^\x00-\x7f]/.test(bytes.toString('latin1')), false)
  assert.is((await simpleParser(bytes)).attachments[0]!.content.equals(inner), true)
})

test('a file that cannot be read fails the mail instead of cutting it short', async () => {
  const broken = file(Buffer.alloc(0), {
    async *open() {
      yield Buffer.from('half')
      throw new Error('the blob is gone')
    },
  })
  const caught = await bytesOf(compose(row(), [broken])).then(
    () => 'nothing',
    (error) => error.message,
  )
  assert.is(caught, 'the blob is gone')
})

// --- DKIM, verified by a second reading of RFC 6376 (no line of the signer is used) ---

function verifies(mail: Buffer, key: KeyObject): boolean {
  const [head, ...rest] = mail.toString('latin1').split('\r\n\r\n')
  const fields = head!.replace(/\r\n([ \t])/g, '$1').split('\r\n')
  const signature = fields.find((one) => /^dkim-signature:/i.test(one))!
  const tags = Object.fromEntries(
    signature
      .slice(signature.indexOf(':') + 1)
      .split(';')
      .map((tag) => [tag.split('=')[0]!.trim(), tag.slice(tag.indexOf('=') + 1).replace(/\s/g, '')]),
  )
  const body = `${rest
    .join('\r\n\r\n')
    .replace(/[ \t]+\r\n/g, '\r\n')
    .replace(/[ \t]+/g, ' ')
    .replace(/(?:\r\n)*$/, '')}\r\n`
  const empty = body === '\r\n'
  const hash = createHash('sha256')
    .update(empty ? '' : body, 'latin1')
    .digest('base64')
  if (hash !== tags.bh) return false
  const left = [...fields]
  const canonical = (field: string) => {
    const name = field.slice(0, field.indexOf(':')).toLowerCase().trim()
    return `${name}:${field
      .slice(field.indexOf(':') + 1)
      .replace(/[ \t]+/g, ' ')
      .trim()}`
  }
  const signed = tags.h!.split(':').flatMap((name: string) => {
    const at = left.findLastIndex((one) => one.toLowerCase().startsWith(`${name}:`))
    return at < 0 ? [] : [`${canonical(left.splice(at, 1)[0]!)}\r\n`]
  })
  const own = canonical(signature).replace(/(;\s*b=).*$/, '$1')
  const data = Buffer.from(signed.join('') + own, 'latin1')
  const value = Buffer.from(tags.b!, 'base64')
  return key.asymmetricKeyType === 'ed25519'
    ? verify(null, createHash('sha256').update(data).digest(), key, value)
    : verify('sha256', data, key, value)
}

for (const kind of ['rsa', 'ed25519'] as const)
  test(`a ${kind} signature verifies and breaks with any signed part (8.19)`, async () => {
    const pair = kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')
    const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const text = 'Hello  world \n\n.\nПривет\n\n\n'
    const made = () => compose(row({ text }), [file(randomBytes(0))])
    const header = await dkimHeader(made(), [{ domain: 'desk.example', selector: 's1', key }], row().date_at)
    for (const line of header.split('\r\n')) assert.ok(line.length <= 78, line)
    assert.match(header, /; t=1795428000;/)
    assert.not.match(header, /\bl=/)
    const names = /h=([^;]*);/.exec(header)![1]!.replace(/\s/g, '').split(':')
    for (const name of ['from', 'subject', 'to', 'date']) assert.is(names.filter((one) => one === name).length, 2)
    const signed = Buffer.concat([Buffer.from(header), await bytesOf(made())])
    const publicKey = createPublicKey(pair.privateKey)
    assert.is(verifies(signed, publicKey), true)
    const broken = (from: string, to: string) => {
      const changed = signed.toString('latin1').replace(from, to)
      assert.is.not(changed, signed.toString('latin1'))
      assert.is(verifies(Buffer.from(changed, 'latin1'), publicKey), false, `${from} -> ${to}`)
    }
    broken('Printer', 'Printers')
    broken('Hello', 'Hallo')
    broken('kim@acme', 'tim@acme')
    broken('\r\nFrom:', '\r\nFrom: x@y.example\r\nFrom:') // oversigned: one more is one too many
    broken('; charset=utf-8', '; charset=latin1')
  })

test('an empty body signs as the empty string', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const made = () => compose(row({ text: '', html: null }), [])
  const header = await dkimHeader(made(), [{ domain: 'desk.example', selector: 's1', key }], row().date_at)
  assert.match(header, /bh=47DEQpj8HBSa\+\/TImW\+5JCeuQeRkm5NMpJWZG3hSuFU=/)
  assert.is(verifies(Buffer.concat([Buffer.from(header), await bytesOf(made())]), createPublicKey(privateKey)), true)
})

test.run()

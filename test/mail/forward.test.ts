/** Forwarded mails: every fixture, the prefixes, senders as programs print them, attached originals (7.11-7.13). */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hasForwardPrefix } from '../../src/forward-prefix.ts'
import type { Forwarded, IncomingMail } from '../../src/incoming.ts'
import { readSender } from '../../src/mail/forward/sender.ts'
import { readForward } from '../../src/mail/forward.ts'
import { parseBuffer } from '../../src/mail/parse/read.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/mails/forward/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'postroom-forward-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const parsed = async (bytes: Buffer | string) =>
  (await parseBuffer(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes), folder)) as IncomingMail

const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.eml'))
test('there are fixtures', () => assert.ok(names.length >= 28))

for (const name of names) {
  const mail = await parsed(readFileSync(join(FIXTURES, name)))
  const { forwarded } = JSON.parse(readFileSync(join(FIXTURES, name.replace(/\.eml$/, '.json')), 'utf8')) as {
    forwarded: Partial<Forwarded> | null
  }
  test(`fixture ${name}`, () => {
    const found = readForward(mail)
    if (forwarded === null) return assert.is(found, null)
    for (const [key, value] of Object.entries(forwarded)) assert.equal(found?.[key as keyof Forwarded], value, key)
  })
}

const subjects: [subject: string, isForward: boolean][] = [
  ...'Fwd Fw WG TR RV I ENC Doorst VB VS VL PD TOV İLT ΠΡΘ ПЕР 转发 轉寄 転送 전달'
    .split(' ')
    .map((word): [string, boolean] => [`${word}: Till`, true]),
  ['FWD: x', true],
  ['转发：x', true],
  ['[EXT] Fw: x', true],
  ['Re: Fwd: x', false],
  ['Forwarding: x', false],
  ['Fwd without colon', false],
  ['', false],
]
for (const [subject, isForward] of subjects) {
  test(`subject ${subject}`, () => assert.is(hasForwardPrefix(subject), isForward))
}

const senders: [line: string, name: string | null, address: string][] = [
  ['Ines Roth <ines@shop.example>', 'Ines Roth', 'ines@shop.example'],
  ['"Roth, Ines" <ines@shop.example>', 'Roth, Ines', 'ines@shop.example'],
  ['Ines Roth [mailto:ines@shop.example]', 'Ines Roth', 'ines@shop.example'],
  ['Ines Roth &lt;ines@shop.example&gt;', 'Ines Roth', 'ines@shop.example'],
  ['Ines Roth <ines@shop.example<mailto:ines@shop.example>>', 'Ines Roth', 'ines@shop.example'],
  ['Ines Roth (ines@shop.example)', 'Ines Roth', 'ines@shop.example'],
  ['*Ines Roth* <ines@shop.example>', 'Ines Roth', 'ines@shop.example'],
  ['ines@Shop.Example', '', 'ines@shop.example'],
  ['Ines Roth', null, ''],
  ['a@shop.example, b@shop.example', null, ''],
  ['m@4@5l', null, ''],
  ['\\@DengXian', null, ''],
  ['', null, ''],
]
for (const [line, name, address] of senders) {
  test(`sender ${line}`, () => assert.equal(readSender(line), name === null ? null : { name, address }))
}

test('an attached original is the best one (7.11)', async () => {
  const original = await parsed(
    'From: Ines <ines@shop.example>\nSubject: Till\nDate: Wed, 23 Sep 2026 09:00:00 +0200\n\nNo paper.\n',
  )
  const text = 'see attached\n\n---------- Forwarded message ---------\nFrom: x@evil.example\nSubject: y\n\nz\n'
  const found = readForward({ subject: 'Fwd: Till', text, html: null, attached: [original] })
  assert.is(found?.by, 'attached')
  assert.equal(found?.from, { name: 'Ines', address: 'ines@shop.example' })
  assert.is(found?.date, '2026-09-23T07:00:00.000Z')
  assert.is(found?.text.trim(), 'No paper.')
  assert.is(readForward({ subject: 'Till', text: 'see attached', html: null, attached: [original] }), null)
})

test('#onbehalf on the first line says that it forwards', () => {
  const block = 'From: Ines <ines@shop.example>\nSent: Monday\nTo: Ada\nSubject: Till\n\nNo paper.\n'
  assert.is(
    readForward({ subject: 'Till', text: `#onbehalf\n\n${block}`, html: null })?.from?.address,
    'ines@shop.example',
  )
  assert.is(readForward({ subject: 'Till', text: `#onbehalfx\n\n${block}`, html: null }), null)
})

test('linear: 1 MB of newlines, banners and labels', () => {
  for (const part of ['\n', '---------- Forwarded message ---------\n', 'From: a\n', 'a@'.repeat(190).concat('\n')]) {
    const text = part.repeat(Math.ceil((1024 * 1024) / part.length))
    const before = process.cpuUsage()
    readForward({ subject: 'Fwd: x', text, html: null })
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 1_000_000, `${part.slice(0, 10)}: ${(user + system) / 1000} ms`)
  }
})

test.run()

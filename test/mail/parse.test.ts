/** Every fixture mail beside what is expected of it, the hostile ones made here, and the pool of killable children. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bytesOf } from '../../src/engine/attachments.ts'
import type { IncomingMail } from '../../src/incoming.ts'
import * as limits from '../../src/limits.ts'
import { silent } from '../../src/log.ts'
import { classify } from '../../src/mail/classify.ts'
import { parseBuffer } from '../../src/mail/parse/read.ts'
import { isoDate, scanHeaders } from '../../src/mail/parse/scan.ts'
import { startParser, sweepParts } from '../../src/mail/parse.ts'

type Expected = Record<string, unknown> & {
  case?: string | string[]
  attachments?: Record<string, unknown>[]
  text_contains?: string[]
  text_excludes?: string[]
  html_contains?: string[]
  html_excludes?: string[]
}

const FIXTURES = fileURLToPath(new URL('../../fixtures/mails/', import.meta.url))
const temp = mkdtempSync(join(tmpdir(), 'postroom-parse-'))
process.on('exit', () => rmSync(temp, { recursive: true, force: true }))
let folders = 0
const folder = () => join(temp, `in-process-${++folders}`)

async function parsed(source: string | Buffer): Promise<IncomingMail> {
  const mail = await parseBuffer(Buffer.isBuffer(source) ? source : Buffer.from(source), folder())
  assert.is(mail.error, null)
  return mail as IncomingMail
}

const names = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.eml'))
test('there are fixtures', () => assert.ok(names.length >= 25))

for (const name of names) {
  const expectation = join(FIXTURES, name.replace(/\.eml$/, '.json'))
  if (!existsSync(expectation)) continue
  const expected = JSON.parse(readFileSync(expectation, 'utf8')) as Expected
  // the regressions of MAIL 11 that this mail is an input of
  const cases = [expected.case ?? []].flat().map((id) => `, ${id}`)
  test(`fixture ${name}${cases.join('')}`, async () => {
    const bytes = readFileSync(join(FIXTURES, name))
    const mail = await parsed(bytes)
    compare(mail, expected)
    assert.is(mail.sha256, createHash('sha256').update(bytes).digest('hex'))
    assert.equal(mail.truncated, [])
    for (const part of mail.parts) {
      const content = await bytesOf(part)
      assert.is(content.length, part.size)
      assert.is(createHash('sha256').update(content).digest('hex'), part.sha256)
    }
    const scan = scanHeaders(bytes)
    assert.is(scan.messageId, mail.messageId)
    assert.is(scan.subject, mail.subject)
  })
}

/** Compares what the expectation names, in the words of `explain --json`. */
function compare(mail: IncomingMail, expected: Expected): void {
  const found = classify(mail, { from: null, nullSender: false })
  const shown: Record<string, unknown> = {
    kind: found.kind,
    no_ack: found.noAck,
    vacation_subject: found.vacationSubject,
    loop_ids: found.loopIds,
    list_ids: found.listIds,
    from: mail.from,
    sender: mail.sender,
    reply_to: mail.replyTo,
    to: mail.to,
    cc: mail.cc,
    subject: mail.subject,
    base_subject: mail.baseSubject,
    date: mail.date,
    message_id: mail.messageId,
    in_reply_to: mail.inReplyTo,
    references: mail.references,
    text: mail.text.trim(),
    html: mail.html,
    language: mail.language,
    flags: mail.flags,
    calendar: mail.calendar,
    report: mail.report,
  }
  for (const [key, value] of Object.entries(expected)) {
    if (key in shown) assert.equal(shown[key], value, key)
    else
      assert.ok(
        /^(?:case|attachments|reply|forwarded|(?:text|html)_(?:contains|excludes))$/.test(key),
        `unknown expectation ${key}`,
      )
  }
  for (const words of expected.text_contains ?? [])
    assert.ok(mail.text.includes(words), `text has ${words}: ${mail.text}`)
  for (const words of expected.text_excludes ?? []) assert.not.ok(mail.text.includes(words), `text has ${words}`)
  for (const words of expected.html_contains ?? [])
    assert.ok(mail.html?.includes(words), `html has ${words}: ${mail.html}`)
  for (const words of expected.html_excludes ?? []) assert.not.ok(mail.html?.includes(words), `html has ${words}`)
  if (!expected.attachments) return
  assert.is(mail.parts.length, expected.attachments.length, 'attachments')
  for (const [i, wanted] of expected.attachments.entries()) {
    const part = mail.parts[i] as unknown as Record<string, unknown>
    for (const [key, value] of Object.entries(wanted)) assert.equal(part[key], value, `attachment ${i} ${key}`)
  }
}

test('content key: the same for one mail sent twice, another for another body, Date or sender', async () => {
  const mail = (from: string, date: string, body: string) =>
    parsed(`From: ${from}\r\nDate: ${date}\r\nMessage-ID: <>\r\nSubject: s\r\n\r\n${body}`)
  const first = await mail('a@example.org', 'Tue, 03 Mar 2026 09:15:00 +0100', 'x\r\ny\r\n')
  assert.is(first.messageId, null)
  assert.is((await mail('a@example.org', 'Tue, 03 Mar 2026 09:15:00 +0100', 'x\ny\n\n\n')).contentKey, first.contentKey)
  assert.is.not(
    (await mail('a@example.org', 'Tue, 03 Mar 2026 09:15:00 +0100', 'x\r\nz\r\n')).contentKey,
    first.contentKey,
  )
  assert.is.not(
    (await mail('a@example.org', 'Tue, 03 Mar 2026 09:15:01 +0100', 'x\r\ny\r\n')).contentKey,
    first.contentKey,
  )
  assert.is.not(
    (await mail('b@example.org', 'Tue, 03 Mar 2026 09:15:00 +0100', 'x\r\ny\r\n')).contentKey,
    first.contentKey,
  )
})

test('bare hash: a list copy with footer equals the direct copy (3.3)', async () => {
  const head = 'From: a@example.org\r\nSubject: s\r\n\r\n'
  const direct = await parsed(`${head}Hello all,\r\nhow are you?\r\n`)
  const list = await parsed(`${head}Hello all,\r\nhow are  you?\r\n\r\n${'_'.repeat(47)}\r\nusers mailing list\r\n`)
  const other = await parsed(`${head}Hello all,\r\nwho are you?\r\n`)
  assert.is(list.bareSha256, direct.bareSha256)
  assert.is.not(list.bodySha256, direct.bodySha256)
  assert.is.not(other.bareSha256, direct.bareSha256)
})

test('dates: zones, comments and their absence; what is no date is null', () => {
  assert.is(isoDate('Fri, 07 Mar 2008 02:35:23 -0800 (PST)'), '2008-03-07T10:35:23.000Z')
  assert.is(isoDate('3 Mar 2026 09:15:00'), '2026-03-03T09:15:00.000Z')
  assert.is(isoDate('Tue, 03 Mar 2026 09:15:00 XYZ'), '2026-03-03T09:15:00.000Z')
  assert.is(isoDate('yesterday'), null)
  assert.is(isoDate(''), null)
})

test('ids: at most 100, the first and the newest stay (6.2)', async () => {
  const ids = Array.from({ length: 300 }, (_, i) => `<r${i}@example.org>`).join('\r\n ')
  const mail = await parsed(`From: a@example.org\r\nReferences: ${ids}\r\n\r\nx`)
  assert.is(mail.references.length, limits.parse.ids)
  assert.equal([mail.references[0], mail.references.at(-1)], ['r0@example.org', 'r299@example.org'])
  assert.equal(mail.truncated, ['ids'])
})

const HEAD = 'From: m@example.net\r\nSubject: hostile\r\nMIME-Version: 1.0\r\n'
const nested = (levels: number) =>
  Array.from({ length: levels }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`).join('')
const hostile: [name: string, source: () => string, truncated: string[]][] = [
  [
    'a million empty parts',
    () => `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n'.repeat(1e6)}`,
    ['parts'],
  ],
  [
    '10 000 nested multiparts',
    () => `${HEAD}${nested(10_000)}Content-Type: text/plain\r\n\r\ndeep`,
    ['depth', 'parts'],
  ],
  ['50 levels', () => `${HEAD}${nested(50)}Content-Type: text/plain\r\n\r\ndeep`, ['depth']],
  ['50 000 leading blank lines', () => `${'\r\n'.repeat(50_000)}${HEAD}\r\nx`, []],
  ['20 000 nested div', () => `${HEAD}Content-Type: text/html\r\n\r\n${'<div>'.repeat(20_000)}x`, ['html_depth']],
  ['90 000 elements', () => `${HEAD}Content-Type: text/html\r\n\r\n${'<b>x</b>'.repeat(90_000)}`, ['html']],
  [
    '6 000 links',
    () => `${HEAD}Content-Type: text/html\r\n\r\n${'<a href="http://a.example">x</a> '.repeat(6000)}`,
    ['html'],
  ],
  ['5 MB of blanks in HTML', () => `${HEAD}Content-Type: text/html\r\n\r\n<p>x${' '.repeat(5e6)}y</p>`, ['html']],
  ['11 MB of text', () => `${HEAD}\r\n${'0123456789abcde\n'.repeat(720_000)}`, ['text']],
  ['2 MB of header', () => `${HEAD}X-Long: ${'x'.repeat(2e6)}\r\n\r\nbody`, ['headers']],
  ['5 000 fields', () => `${HEAD}${'X-A: b\r\n'.repeat(5000)}\r\nbody`, ['headers']],
  ['60 KB of open brackets in To', () => `${HEAD}To: ${'<'.repeat(60_000)}\r\n\r\nx`, []],
  ['60 KB of open comments in To', () => `${HEAD}To: ${'('.repeat(60_000)}\r\n\r\nx`, []],
  ['60 KB of quotes in To', () => `${HEAD}To: ${'"a\\'.repeat(20_000)}\r\n\r\nx`, []],
  ['5 000 addresses', () => `${HEAD}To: ${'a@b.example,\r\n '.repeat(4000)}a@b.example\r\n\r\nx`, ['addresses']],
  ['60 KB of half encoded-words', () => `${HEAD}X-A: ${'=?utf-8?Q?a'.repeat(5500)}\r\n\r\nx`, []],
  ['60 KB subject of tags', () => `${HEAD.replace('hostile', `${'Re: [a] '.repeat(7000)}`)}\r\nx`, []],
  ['open comments in HTML', () => `${HEAD}Content-Type: text/html\r\n\r\n${'<!--'.repeat(200_000)}`, []],
  ['open tags in HTML', () => `${HEAD}Content-Type: text/html\r\n\r\n${'<a '.repeat(300_000)}`, []],
]
for (const [name, source, truncated] of hostile) {
  test(`hostile: ${name}: within 3 s, a mail, flagged`, async () => {
    const bytes = Buffer.from(source())
    const before = process.cpuUsage()
    const mail = await parsed(bytes)
    const { user, system } = process.cpuUsage(before)
    assert.equal(mail.truncated.sort(), truncated)
    assert.is(mail.bytes, bytes.length)
    assert.ok((user + system) / 1000 < 3000, `${Math.round((user + system) / 1000)} ms`)
  })
}

test('random bytes and mutated fixtures never throw and never lose the hash', async () => {
  let seed = 7
  const random = () => {
    seed = (seed * 48271) % 2147483647
    return seed / 2147483647
  }
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(readFileSync(join(FIXTURES, names[Math.floor(random() * names.length)]!)))
    for (let i = 0; i < 20 && bytes.length > 0; i++)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    const mail = await parseBuffer(bytes, folder())
    assert.is(mail.error, null)
    assert.not.ok(JSON.stringify(mail).includes('\\u0000'), 'NUL, which PostgreSQL refuses')
    assert.is(mail.sha256, createHash('sha256').update(bytes).digest('hex'))
  }
})

test('cut anywhere into chunks, the result is the same', async () => {
  const bytes = readFileSync(join(FIXTURES, 'human/attachments.eml'))
  const whole = await parsed(bytes)
  for (const size of [1, 2, 3, 7, 64]) {
    const { readMail } = await import('../../src/mail/parse/read.ts')
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    const mail = (await readMail(pieces(), folder())) as IncomingMail
    const bare = (found: IncomingMail) => ({ ...found, parts: found.parts.map((part) => ({ ...part, content: null })) })
    assert.equal(bare(mail), bare(whole), `chunks of ${size}`)
  }
})

async function* once(source: string | Buffer): AsyncGenerator<Buffer> {
  yield Buffer.from(source)
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'none'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

test('pool: parses, hands small parts over, writes the others, disposes of them', async () => {
  const home = join(temp, 'pool')
  const parser = await startParser({ children: 2, temp: home, log: silent })
  const bytes = readFileSync(join(FIXTURES, 'human/attachments.eml'))
  const results = await Promise.all(Array.from({ length: 20 }, () => parser.parse(once(bytes))))
  const inProcess = await parsed(bytes)
  for (const { mail } of results) assert.equal(mail, inProcess)
  assert.equal(readdirSync(home), [])
  const sizes = [300, 200, 200, 200, 60] // KB: beyond a chunk, within the room for all, beyond it, within what is left
  const files = sizes.map((size, n) => Buffer.alloc(size * 1024, `${n}`))
  const several = await Promise.all([1, 2].map(() => parser.parse(once(filesMail(files)))))
  for (const { mail } of several) {
    const { parts } = mail as IncomingMail
    assert.equal(await Promise.all(parts.map(bytesOf)), files)
    assert.equal(
      parts.map((part) => Buffer.isBuffer(part.content)),
      [false, true, true, false, true],
    )
  }
  assert.is(readdirSync(home).length, 2)
  for (const { dispose } of [...results, ...several]) await dispose()
  assert.equal(readdirSync(home), [])
  await parser.stop()
  assert.is(await refusalOf(parser.parse(once('x'))), 'parse_stopped')
})

function filesMail(files: Buffer[]): string {
  const type = 'Content-Type: application/zip\r\nContent-Transfer-Encoding: base64'
  const parts = files.map((file) => `--x\r\n${type}\r\n\r\n${file.toString('base64')}\r\n`)
  return `${HEAD}Content-Type: multipart/mixed; boundary=x\r\n\r\n${parts.join('')}--x--\r\n`
}

test('pool: a large attachment streams through without being held by the parent', async () => {
  const home = join(temp, 'large')
  const parser = await startParser({ children: 1, temp: home, log: silent })
  await parser.parse(once('From: a@example.org\r\n\r\nx'))
  const line = Buffer.from(`${Buffer.alloc(57, 7).toString('base64')}\r\n`.repeat(1000))
  async function* large() {
    yield Buffer.from(`${HEAD}Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n`)
    for (let i = 0; i < 1000; i++) yield line
  }
  const before = process.memoryUsage()
  const { mail, dispose } = await parser.parse(large())
  const after = process.memoryUsage()
  const [part] = (mail as IncomingMail).parts
  assert.is(part!.size, 57_000_000)
  assert.is(part!.sha256, createHash('sha256').update(Buffer.alloc(57_000_000, 7)).digest('hex'))
  assert.ok(after.external + after.heapUsed - before.external - before.heapUsed < 40e6)
  await dispose()
  await parser.stop()
})

test('pool: what the source throws is passed on, an abort is told apart, and the next mail is parsed', async () => {
  const parser = await startParser({ children: 1, temp: join(temp, 'errors'), log: silent })
  async function* failing() {
    yield Buffer.from('From: a@example.org\r\n')
    throw new Error('the blob is gone')
  }
  assert.is(await refusalOf(parser.parse(failing())), 'Error: the blob is gone')
  const stop = new AbortController()
  async function* endless() {
    for (;;) {
      yield Buffer.from('x\r\n'.repeat(1000))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const aborted = refusalOf(parser.parse(endless(), { signal: stop.signal }))
  const queued = parser.parse(once('From: q@example.org\r\n\r\nx'))
  setTimeout(() => stop.abort(), 50)
  assert.is(await aborted, 'parse_aborted')
  assert.is((await queued).mail.from?.address, 'q@example.org')
  await parser.stop()
})

test('pool: a child that dies, spins or grows costs its mail a Refusal and nobody else anything', async () => {
  const { startChild } = await import('../../src/mail/parse/process.ts')
  // Only the last one is to meet the wall: on a busy machine 400 ms of work take long.
  const run = (body: string, wall = 30_000) => {
    const file = join(temp, `runaway-${++folders}.mjs`)
    writeFileSync(file, body)
    const child = startChild({ log: silent, file, caps: { cpu: 400, resident: 200e6, wall } })
    return refusalOf(child.run({ source: once('x'), folder: temp })).finally(() => child.kill())
  }
  assert.is(await run('for(;;);'), 'parse_cpu')
  assert.is(await run('const held=[];setInterval(()=>held.push(Buffer.alloc(3e7,1)),20)'), 'parse_memory')
  assert.is(await run('process.exit(3)'), 'parse_crashed')
  assert.is(await run('setInterval(()=>{},1000)', 1500), 'parse_time')
})

/** A child that answers each mail with its own bytes as the subject, dies of "die", takes its time for "slow" and "nap". */
function oddChild(): string {
  const file = join(temp, `odd-${++folders}.mjs`)
  writeFileSync(
    file,
    `import { writeSync } from 'node:fs'
    import { frameOf, startFrames } from ${JSON.stringify(new URL('../../src/mail/parse/frames.ts', import.meta.url).href)}
    const push = startFrames(1e6)
    for await (const chunk of process.stdin) for (const { type, payload } of push(chunk)) {
      const words = payload.toString()
      if (type === 'D' && words === 'die') process.exit(3)
      const ms = { slow: 1500, nap: 50 }[words]
      if (type === 'D' && ms) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
      const mail = { error: null, parts: [], bytes: 1, subject: words }
      if (type === 'D') writeSync(3, Buffer.concat(frameOf('R', [Buffer.from(JSON.stringify(mail))])))
    }`,
  )
  return file
}

test('pool: mails that stand behind one that kills its child are read by another, once each', async () => {
  const parser = await startParser({ children: 2, temp: join(temp, 'dies'), log: silent, file: oddChild() })
  const words = ['a', 'b', 'die', 'c', 'd', 'e', 'die', 'f', 'g', 'h']
  const results = await Promise.all(
    words.map((one) =>
      parser
        .parse(() => once(one))
        .then(
          ({ mail }) => (mail as IncomingMail).subject,
          (error) => error.code,
        ),
    ),
  )
  assert.equal(
    results,
    words.map((one) => (one === 'die' ? 'parse_crashed' : one)),
  )
  await parser.stop()
})

test('pool: mails that stand behind a long one do not wait for it, and it is read to its end', async () => {
  const parser = await startParser({ children: 2, temp: join(temp, 'slow'), log: silent, file: oddChild() })
  await Promise.all(['x', 'y'].map((one) => parser.parse(once(one)))) // both have loaded
  const order: string[] = []
  const words = ['slow', 'a', 'b', 'c', 'd', 'e']
  await Promise.all(
    words.map(async (one) => {
      const { mail } = await parser.parse(() => once(one))
      order.push((mail as IncomingMail).subject)
    }),
  )
  assert.is(order.pop(), 'slow')
  assert.equal(order.toSorted(), ['a', 'b', 'c', 'd', 'e'])
  await parser.stop()
})

test('pool: a mail that waits for room goes on when the child has worked off what others took from it', async () => {
  const parser = await startParser({ children: 2, temp: join(temp, 'taken'), log: silent, file: oddChild() })
  await Promise.all(['x', 'y'].map((one) => parser.parse(once(one)))) // both have loaded
  const slow = parser.parse(() => once('slow'))
  const naps = ['nap', 'nap', 'nap'].map((one) => parser.parse(() => once(one)))
  await Promise.all([slow, ...naps])
  // The first child now reads the naps that the second one has answered; this mail has to have a child to itself.
  assert.is(((await parser.parse(once('alone'))).mail as IncomingMail).subject, 'alone')
  await parser.stop()
})

test('sweep: folders of dead processes and old ones go, those of the living stay', async () => {
  const home = join(temp, 'sweep')
  const { hostname } = await import('node:os')
  const host =
    hostname()
      .toLowerCase()
      .replace(/[^0-9a-z]/g, '')
      .slice(0, 30) || 'host'
  const alive = `job-${host}-1-abcd-1`
  for (const name of [
    alive,
    `job-${host}-4194304-abcd-1`,
    'job-otherhost-7-abcd-1',
    'job-otherhost-7-abcd-2',
    'keep',
  ]) {
    await mkdir(join(home, name), { recursive: true })
  }
  await utimes(join(home, 'job-otherhost-7-abcd-1'), 1, 1)
  assert.is(await sweepParts(home, new Date()), 2)
  assert.equal(readdirSync(home).sort(), [alive, 'job-otherhost-7-abcd-2', 'keep'].sort())
})

test.run()

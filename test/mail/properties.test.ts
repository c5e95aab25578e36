/**
 * What must hold for every mail, tried on fixtures changed by a seed: ranges partition the text; a mail processed twice
 * changes nothing; the order of headers that are neither repeated nor trace, and for unsigned mail the line ends, change
 * neither kind nor author nor thread; X- headers and, outside 4.11 (c) and 4.13, Reply-To never change the author.
 *
 * `PROPERTY_SEED=7 node test/run.ts test/mail/properties.test.ts` repeats a run, `PROPERTY_COUNT=1000` makes it longer.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../src/config.ts'
import type { IncomingMail } from '../../src/incoming.ts'
import { silent } from '../../src/log.ts'
import { startTrust } from '../../src/mail/authenticate/trust.ts'
import { type Explanation, explainMail } from '../../src/mail/explain.ts'
import { parseBuffer } from '../../src/mail/parse/read.ts'
import { startParser } from '../../src/mail/parse.ts'
import { MONDAY, mail, startDesk } from '../desk.ts'
import { type Random, startRandom } from '../fuzz/random.ts'

const SEED = Number(process.env.PROPERTY_SEED ?? Math.floor(performance.timeOrigin) % 1e6)
const CHANGED = Number(process.env.PROPERTY_COUNT ?? 80) // changed mails a property
const TWICE = 30 // mails delivered twice

const FIXTURES = path.join(import.meta.dirname, '..', '..', 'fixtures', 'mails')
const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-properties-'))
const desk = await startDesk()
const parser = await startParser({ temp, log: silent, children: 1 })
const trust = startTrust(loadConfig({ env: {}, cwd: os.tmpdir() }), () => MONDAY)
test.after(async () => {
  await parser.stop()
  await desk.stop()
  rmSync(temp, { recursive: true, force: true })
})

const names = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.eml'))
const fixtures = names.sort().map((name) => ({ name, bytes: readFileSync(path.join(FIXTURES, name)) }))

/** Tickets that fixtures answer, by their own authors: so that there are threads. */
for (const [n, { bytes }] of fixtures.entries()) {
  const parsed = await parseBuffer(bytes, path.join(temp, `parent-${n}`))
  const parent = parsed.error === null ? (parsed.inReplyTo[0] ?? parsed.references[0]) : undefined
  if (parsed.error !== null || !parent || !parsed.from || /[^\x21-\x7e]/.test(parent)) continue
  const headers = { 'Message-ID': `<${parent}>`, From: parsed.from.address }
  await desk.deliver(mail({ subject: parsed.baseSubject || 'x', headers }))
}

async function explain(bytes: Buffer): Promise<Explanation> {
  const judged = {
    id: 0,
    envelope: {
      via: 'mx' as const,
      listener: 'test',
      // from a server of their own: what From says is proven where the demo's zone knows the domain
      from: /^From:.*?<?([^\s<>]+@[^\s<>]+)>?\r?$/im.exec(bytes.toString('latin1'))?.[1] ?? null,
      recipients: [{ address: 'support@desk.example', inbox: 'support', tag: null }],
      session: { ip: '127.0.0.1', helo: 'client.example' },
      prefix: '',
      receivedAt: MONDAY,
    },
    releasedAt: null,
    ticketId: null,
  }
  async function* open() {
    yield bytes
  }
  return await explainMail({ sql: desk.sql, parser, tools: desk.tools(), trust }, { judged, open }, MONDAY)
}

const KNOWN = new Map<string, Explanation>()
async function explainFixture({ name, bytes }: (typeof fixtures)[number]): Promise<Explanation> {
  const found = KNOWN.get(name) ?? (await explain(bytes))
  KNOWN.set(name, found)
  return found
}

const judgement = ({ plan }: Explanation) => ({ kind: plan.kind, author: plan.author, thread: plan.thread })

/** Runs a change of some fixtures through the desk; `same` compares. A change that gives null fits the fixture not. */
function property(
  name: string,
  change: (bytes: Buffer, random: Random) => Buffer | null,
  same: (before: Explanation, after: Explanation) => void,
): void {
  test(`${name} (seed ${SEED})`, async () => {
    const random = startRandom(SEED)
    let tried = 0
    for (let n = 0; n < CHANGED; n++) {
      const fixture = random.pick(fixtures)
      const changed = change(fixture.bytes, random)
      if (changed === null || changed.equals(fixture.bytes)) continue
      tried++
      const before = await explainFixture(fixture)
      const after = await explain(changed)
      try {
        same(before, after)
        partitions(after)
      } catch (error) {
        throw new Error(`${fixture.name}, mail ${n} of seed ${SEED}: ${(error as Error).message}`, { cause: error })
      }
    }
    assert.ok(tried > CHANGED / 4, `${tried} mails tried`)
  })
}

function partitions({ read }: Explanation): void {
  if (read.mail.error !== null) return
  const { text, ranges } = read.mail
  let at = 0
  for (const [i, range] of ranges.entries()) {
    assert.is(range.from, at)
    assert.ok(range.to > range.from)
    assert.is.not(range.kind, ranges[i - 1]?.kind)
    at = range.to
  }
  assert.is(at, text.length)
}

test('the fixtures are of many kinds, and some have threads', async () => {
  const kinds = new Set<string | null>()
  let threads = 0
  for (const fixture of fixtures) {
    const found = await explainFixture(fixture)
    partitions(found)
    kinds.add(found.plan.kind)
    if (found.plan.thread.ticket !== null) threads++
  }
  assert.ok(kinds.size >= 8, [...kinds].join())
  assert.ok(threads >= 5, `${threads} threads`)
})

/** Header fields with their folded lines, and the rest, byte for byte; null where the header is no plain header. */
function split(bytes: Buffer): { fields: string[]; rest: string } | null {
  const text = bytes.toString('latin1')
  const head = /^(?:[!-9;-~]+[ \t]*:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)+/.exec(text)?.[0]
  if (!head || !/^\r?\n/.test(text.slice(head.length))) return null
  return { fields: head.match(/[^\r\n]+\r?\n(?:[ \t][^\r\n]*\r?\n)*/g) ?? [], rest: text.slice(head.length) }
}

const joined = (fields: string[], rest: string) => Buffer.from(fields.join('') + rest, 'latin1')
const nameOf = (field: string) => field.slice(0, field.indexOf(':')).trim().toLowerCase()
const TRACE = /^(?:received|return-path|delivered-to|x-original-to|authentication-results|arc-.*|dkim-signature)$/

/** Every free field takes the place of another free one; repeated and trace fields stay where they are. */
function reordered(bytes: Buffer, random: Random): Buffer | null {
  const mail = split(bytes)
  if (!mail) return null
  const count = new Map<string, number>()
  for (const field of mail.fields) count.set(nameOf(field), (count.get(nameOf(field)) ?? 0) + 1)
  const isFree = (field: string) => count.get(nameOf(field)) === 1 && !TRACE.test(nameOf(field))
  const free = mail.fields.filter(isFree)
  for (let i = free.length - 1; i > 0; i--) {
    const other = random.below(i + 1)
    const held = free[i]!
    free[i] = free[other]!
    free[other] = held
  }
  let next = 0
  return joined(
    mail.fields.map((field) => (isFree(field) ? free[next++]! : field)),
    mail.rest,
  )
}

property('the order of headers changes neither kind nor author nor thread', reordered, (before, after) =>
  assert.equal(judgement(after), judgement(before)),
)

function otherLineEnds(bytes: Buffer, random: Random): Buffer | null {
  const text = bytes.toString('latin1')
  if (/^(?:dkim-signature|arc-seal):|multipart\/signed|pkcs7|begin pgp/im.test(text)) return null
  const end = text.includes('\r\n') ? '\n' : '\r\n'
  const isMixed = random.chance(0.2)
  return Buffer.from(
    text.replace(/\r?\n/g, (own) => (isMixed && random.chance(0.5) ? own : end)),
    'latin1',
  )
}

property('line ends of unsigned mail change neither kind nor author nor thread', otherLineEnds, (before, after) => {
  assert.equal(judgement(after), judgement(before))
  const shown = ({ read }: Explanation) => (read.mail as IncomingMail).text ?? ''
  assert.is(shown(after).length, shown(before).length)
})

const X_HEADERS = (
  'X-Original-Sender X-Original-From X-Sender X-From X-Envelope-From X-Google-Original-From X-Forwarded-For ' +
  'X-Authenticated-Sender X-Postroom-Author X-Postroom-Agent X-Postroom-Ticket X-Reply-To X-Real-From X-Author'
).split(' ')
const OTHERS = ['ada@desk.example', 'eva@acme.example', 'eve@other.example', '"Ada" <ada@desk.example>', '<>', 'x']

/** From is an inbox of ours: then 4.13 believes what a list in front of it wrote. */
const isOurs = (fields: string[]) => fields.some((field) => nameOf(field) === 'from' && /@desk\.example/i.test(field))

function withXHeaders(bytes: Buffer, random: Random): Buffer | null {
  const mail = split(bytes)
  if (!mail || isOurs(mail.fields)) return null
  const named = random.pick(OTHERS) // several that agree could be believed
  for (const name of X_HEADERS) {
    if (random.chance(0.5)) mail.fields.splice(random.below(mail.fields.length + 1), 0, `${name}: ${named}\r\n`)
  }
  return joined(mail.fields, mail.rest)
}

property('X- headers never change the author', withXHeaders, (before, after) =>
  assert.equal(after.plan.author, before.plan.author),
)

/** The demo desk has no form senders (4.11 c). */
function withReplyTo(bytes: Buffer, random: Random): Buffer | null {
  const mail = split(bytes)
  if (!mail || isOurs(mail.fields)) return null
  const fields = mail.fields.filter((field) => nameOf(field) !== 'reply-to' || random.chance(0.3))
  for (let n = 1 + random.below(2); n > 0; n--)
    fields.splice(random.below(fields.length + 1), 0, `Reply-To: ${random.pick(OTHERS)}\r\n`)
  return joined(fields, mail.rest)
}

property('Reply-To never changes the author', withReplyTo, (before, after) =>
  assert.equal(after.plan.author, before.plan.author),
)

/** All that a mail could change, but for the mails themselves and what only counts them. */
const TABLES = (
  'tickets comments events contacts contact_addresses ticket_participants ticket_links attachments message_ids outbox ' +
  'suppressions sla_clocks organizations'
).split(' ')

async function state(): Promise<Record<string, string>> {
  const rows = await Promise.all(
    TABLES.map(
      (table) => desk.sql`select md5(string_agg(t::text, '' order by t::text)) as sum from ${desk.sql(table)} t`,
    ),
  )
  return Object.fromEntries(TABLES.map((table, n) => [table, rows[n]![0]!.sum as string]))
}

test(`a mail processed twice changes nothing (seed ${SEED})`, async () => {
  const random = startRandom(SEED)
  for (let n = 0; n < TWICE; n++) {
    const { name, bytes } = random.pick(fixtures)
    const first = await desk.deliver(bytes)
    const before = await state()
    const second = await desk.deliver(bytes)
    assert.equal(await state(), before, `${name}, mail ${n} of seed ${SEED}`)
    const ends = first.state === 'ticketed' || first.state === 'commented' ? ['recorded'] : ['recorded', first.state]
    assert.ok(ends.includes(second.state), `${name}: ${first.state}, then ${second.state}`)
  }
})

test.run()

/**
 * The fuzzer: fixtures made worse and mails grown from a seed, through the parse child with its caps; one in twenty
 * through a whole desk.
 *
 *     node test/fuzz.ts [--seconds N] [--seed S] [--only MAIL]
 *
 * Fails on a crash, on more than 2 s of computing or 512 MB for a mail, on an answer that is no mail, on parts that
 * are not what was said of them, on a decoded word that is in no text and no part, on ranges that are not the text, and
 * on a mail without a final state. Prints counts and the seed; mail N of a seed is the same mail anywhere.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { bytesOf } from '../src/engine/attachments.ts'
import { wordsOf } from '../src/errors.ts'
import type { ParsedMail } from '../src/incoming.ts'
import * as limits from '../src/limits.ts'
import { silent } from '../src/log.ts'
import { classify } from '../src/mail/classify.ts'
import { type Child, startChild } from '../src/mail/parse/process.ts'
import { type Endings, startEndings } from './fuzz/endings.ts'
import { grow } from './fuzz/grow.ts'
import { childrenNow, costOf } from './fuzz/measure.ts'
import { mutate } from './fuzz/mutate.ts'
import { startRandom } from './fuzz/random.ts'

export type FuzzResult = {
  seed: number
  mails: number
  grown: number
  words: number
  /** Of them through a whole desk. */
  ended: number
  /** The most computing for one mail, in ms, and which. */
  slowest: { mail: number; cpu: number }
  /** The largest memory of a child, in bytes. */
  peak: number
  failures: string[]
}

const CPU = 2000
const ENOUGH = 20 // failures after which more of them teach nothing

const WARM = Buffer.from('Subject: x\n\nx\n')
const ENDED = 20 // one in so many goes through a whole desk

/** Runs for `seconds`, or the one mail `only`. The file of a failed mail is named in its failure. */
export async function fuzz(options: {
  seconds: number
  seed: number
  only?: number
  endings?: Endings
}): Promise<FuzzResult> {
  const { seconds, seed, only, endings } = options
  const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-fuzz-'))
  const fixtures = readFixtures()
  const result: FuzzResult = {
    seed,
    mails: 0,
    grown: 0,
    words: 0,
    ended: 0,
    slowest: { mail: -1, cpu: 0 },
    peak: 0,
    failures: [],
  }
  let child: Child | null = null
  let pid: string | undefined
  let end = Number.POSITIVE_INFINITY // it begins with the first child that is ready
  for (let n = only ?? 0; only === undefined ? performance.now() < end : n === only; n++) {
    const { bytes, words } = mailOf(seed, n, fixtures)
    const folder = path.join(temp, `${n}`)
    if (child === null) {
      const others = new Set(childrenNow())
      child = startChild({ log: silent, caps: { ...limits.parse, cpu: CPU } })
      pid = childrenNow().find((one) => !others.has(one))
      await child.run({ source: once(WARM), folder }) // what it takes to start is no mail's time
      if (end === Number.POSITIVE_INFINITY) end = performance.now() + seconds * 1000
    }
    let wrong: string | null
    const before = costOf(pid)
    try {
      wrong = await wrongWith(await child.run({ source: once(bytes), folder }), bytes, words)
    } catch (error) {
      wrong = wordsOf(error)
    }
    rmSync(folder, { recursive: true, force: true })
    const { cpu, peak } = costOf(pid)
    if (cpu - before.cpu > result.slowest.cpu) result.slowest = { mail: n, cpu: cpu - before.cpu }
    result.peak = Math.max(result.peak, peak)
    if (endings && n % ENDED === 0) {
      result.ended++
      wrong ??= await endings.take(n, bytes)
    }
    result.mails++
    if (words.length > 0) result.grown++
    result.words += words.length
    if (wrong !== null) {
      const file = path.join(os.tmpdir(), `postroom-fuzz-${seed}-${n}.eml`)
      writeFileSync(file, bytes)
      result.failures.push(`mail ${n} of seed ${seed}: ${wrong} (${file})`)
      if (result.failures.length >= ENOUGH) break
    }
    if (!child.isSpent()) continue
    child.kill()
    child = null
  }
  await child?.stop()
  rmSync(temp, { recursive: true, force: true })
  return result
}

function readFixtures(): Buffer[] {
  const folder = path.join(import.meta.dirname, '..', 'fixtures', 'mails')
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.eml'))
  return names.sort().map((name) => readFileSync(path.join(folder, name)))
}

function mailOf(seed: number, n: number, fixtures: Buffer[]): { bytes: Buffer; words: string[] } {
  const random = startRandom(Math.imul(seed, 0x9e3779b1) ^ n)
  if (n % 3 === 0) return grow(n, random)
  return { bytes: mutate(random.pick(fixtures), fixtures, random), words: [] }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** What is wrong with an answer, null where nothing is. */
async function wrongWith(mail: ParsedMail, bytes: Buffer, words: string[]): Promise<string | null> {
  if (mail.error !== null) return `no mail: ${mail.error.words}`
  if (mail.bytes !== bytes.length) return `${mail.bytes} bytes of ${bytes.length}`
  if (mail.sha256 !== createHash('sha256').update(bytes).digest('hex')) return 'another hash'
  const shown = JSON.stringify({ ...mail, parts: mail.parts.map((part) => ({ ...part, content: null })) })
  if (shown.includes('\\u0000')) return 'a NUL, which PostgreSQL refuses'
  if (/[^\\]\\ud[89a-f]/.test(shown)) return 'half a character'
  classify(mail, { from: null, nullSender: false })
  const parted = mail.ranges.map(({ from, to }) => mail.text.slice(from, to)).join('')
  if (parted !== mail.text) return 'the ranges are not the text'
  const files: Buffer[] = []
  for (const part of mail.parts) {
    const content = await bytesOf(part)
    if (content.length !== part.size) return `${part.filename}: ${content.length} bytes, not ${part.size}`
    if (createHash('sha256').update(content).digest('hex') !== part.sha256) return `${part.filename}: another hash`
    if (part.filename === '' || Buffer.byteLength(part.filename) > limits.parse.filename) return 'a name beyond the cap'
    files.push(content)
  }
  const text = `${mail.text}\n${mail.html ?? ''}`
  const lost = words.find((word) => !text.includes(word) && !files.some((file) => file.includes(word)))
  return lost === undefined ? null : `${lost} is lost`
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { seconds: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
  })
  const seed = Number(values.seed ?? Date.now() % 1e6)
  const endings = await startEndings()
  const result = await fuzz({
    seconds: Number(values.seconds ?? 60),
    seed,
    endings,
    ...(values.only !== undefined && { only: Number(values.only) }),
  })
  const left = await endings.stop()
  if (left !== null) result.failures.push(left)
  for (const failure of result.failures) console.log(failure)
  console.log(`seed ${result.seed}: ${result.mails} mails, ${result.grown} of them grown with ${result.words} words`)
  console.log(`${result.ended} through a whole desk, each to its end`)
  console.log(`slowest: mail ${result.slowest.mail}, ${result.slowest.cpu} ms of computing`)
  console.log(`largest: ${Math.round(result.peak / 1024 / 1024)} MB`)
  console.log(`${result.mails - result.failures.length} passed, ${result.failures.length} failed`)
  process.exitCode = result.failures.length > 0 || result.mails === 0 ? 1 : 0
}

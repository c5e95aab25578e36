/**
 * The fuzzer: fixtures made worse and mails grown from a seed, through the parse child with its caps.
 *
 *     node test/fuzz.ts [--seconds N] [--seed S] [--only MAIL]
 *
 * Fails on a crash, on more than 2 s of computing or 512 MB for a mail, on an answer that is no mail, on parts that
 * are not what was said of them, and on a decoded word that is in no text and no part. Prints counts and the seed;
 * mail N of a seed is the same mail anywhere.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { wordsOf } from '../src/errors.ts'
import type { ParsedMail } from '../src/incoming.ts'
import * as limits from '../src/limits.ts'
import { silent } from '../src/log.ts'
import { type Child, startChild } from '../src/mail/parse/process.ts'
import { grow } from './fuzz/grow.ts'
import { mutate } from './fuzz/mutate.ts'
import { startRandom } from './fuzz/random.ts'

export type FuzzResult = { seed: number; mails: number; grown: number; words: number; failures: string[] }

const CPU = 2000
const ENOUGH = 20 // failures after which more of them teach nothing

/** Runs for `seconds`, or the one mail `only`. The folder of a failed mail is named in its failure. */
export async function fuzz(options: { seconds: number; seed: number; only?: number }): Promise<FuzzResult> {
  const { seconds, seed, only } = options
  const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-fuzz-'))
  const fixtures = readFixtures()
  const result: FuzzResult = { seed, mails: 0, grown: 0, words: 0, failures: [] }
  let child: Child | null = null
  const end = performance.now() + seconds * 1000
  for (let n = only ?? 0; only === undefined ? performance.now() < end : n === only; n++) {
    const { bytes, words } = mailOf(seed, n, fixtures)
    child ??= startChild({ log: silent, caps: { ...limits.parse, cpu: CPU } })
    const folder = path.join(temp, `${n}`)
    let wrong: string | null
    try {
      wrong = wrongWith(await child.run({ source: once(bytes), folder }), bytes, words)
    } catch (error) {
      wrong = wordsOf(error)
    }
    rmSync(folder, { recursive: true, force: true })
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
function wrongWith(mail: ParsedMail, bytes: Buffer, words: string[]): string | null {
  if (mail.error !== null) return `no mail: ${mail.error.words}`
  if (mail.bytes !== bytes.length) return `${mail.bytes} bytes of ${bytes.length}`
  if (mail.sha256 !== createHash('sha256').update(bytes).digest('hex')) return 'another hash'
  const shown = JSON.stringify(mail)
  if (shown.includes('\\u0000')) return 'a NUL, which PostgreSQL refuses'
  if (/[^\\]\\ud[89a-f]/.test(shown)) return 'half a character'
  const files: Buffer[] = []
  for (const part of mail.parts) {
    const content = readFileSync(part.file)
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
  const result = await fuzz({
    seconds: Number(values.seconds ?? 60),
    seed,
    ...(values.only !== undefined && { only: Number(values.only) }),
  })
  for (const failure of result.failures) console.log(failure)
  console.log(`seed ${result.seed}: ${result.mails} mails, ${result.grown} of them grown with ${result.words} words`)
  console.log(`${result.mails - result.failures.length} passed, ${result.failures.length} failed`)
  process.exitCode = result.failures.length > 0 || result.mails === 0 ? 1 : 0
}

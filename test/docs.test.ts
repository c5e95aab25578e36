/** The documents tell the truth: the commented examples hold every key of the code, ARCHITECTURE.md every file. */
import { generateKeyPairSync } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { z } from 'zod'
import { configSchema, zoneSchema } from '../src/config/schema.ts'
import { loadConfig } from '../src/config.ts'
import { CALENDAR_KEYS } from '../src/engine/desk/calendars.ts'
import { parseDesk } from '../src/engine/desk/document.ts'
import { readHolidayFiles } from '../src/engine/desk/holiday-files.ts'
import { deskSchema } from '../src/engine/desk/schema.ts'
import { LOCALES } from '../src/engine/desk/values.ts'
import { AT_KEYS, CONDITION_KEYS, TEXT_TESTS } from '../src/engine/rules/conditions.ts'
import { readTree, showProblem } from '../src/yaml.ts'

const root = path.join(import.meta.dirname, '..')
const read = (name: string) => readFileSync(path.join(root, name), 'utf8')

const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-docs-'))
test.after(() => rmSync(folder, { recursive: true }))

/** The file with its commented-out keys put back: `# key: value` becomes `key: value` in the same column. */
const uncommented = (text: string) =>
  text.replace('dns: system\n# ', '').replace(/^( *)# ( *(?:tls|cert|key|ca|dkim|domain|selector):)/gm, '$1$2')

type Def = {
  type: string
  innerType?: z.ZodType
  in?: z.ZodType
  out?: z.ZodType
  shape?: Record<string, z.ZodType>
  element?: z.ZodType
  keyType?: z.ZodType
  valueType?: z.ZodType
  options?: z.ZodType[]
  entries?: Record<string, unknown>
}

/** Every path of keys that a schema allows, as `rules[].tests[].mail.from`. */
function keysOf(schema: z.ZodType, at = ''): string[] {
  const def = schema._zod.def as unknown as Def
  if (def.innerType) return keysOf(def.innerType, at)
  if (def.type === 'pipe')
    return keysOf((def.in!._zod.def as unknown as Def).type === 'transform' ? def.out! : def.in!, at)
  if (def.options) return [...new Set(def.options.flatMap((option) => keysOf(option, at)))]
  if (def.type === 'array') return keysOf(def.element!, `${at}[]`)
  if (def.type === 'record') {
    const words = Object.keys((def.keyType!._zod.def as unknown as Def).entries ?? {})
    return words.flatMap((word) => [`${at}.${word}`, ...keysOf(def.valueType!, `${at}.${word}`)])
  }
  return Object.entries(def.shape ?? {}).flatMap(([key, inner]) => [`${at}.${key}`, ...keysOf(inner, `${at}.${key}`)])
}

/** Every path of keys that a document holds. A list written as one mapping counts as a list too. */
function pathsOf(value: unknown, at = ''): Set<string> {
  const found = new Set<string>()
  if (Array.isArray(value)) for (const item of value) for (const inner of pathsOf(item, `${at}[]`)) found.add(inner)
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      found.add(`${at}.${key}`)
      for (const deeper of pathsOf(inner, `${at}.${key}`)) found.add(deeper)
    }
  return found
}

const missing = (schema: z.ZodType, text: string): string[] => {
  const has = pathsOf(readTree(text, 'example').value)
  // `then:` may be one mapping or a list of them; the example shows the list.
  return keysOf(schema).filter((key) => !has.has(key) && !/^\.(?:rules|policies\[\]\.reminders)\[\]\.then\./.test(key))
}

test('postroom.example.yml holds every key of the code', () => {
  assert.equal(missing(configSchema, uncommented(read('config/postroom.example.yml'))), [])
  assert.ok(keysOf(configSchema).length > 50, 'the walk found the keys')
})

test('postroom.example.yml is accepted as it is, and with what it comments out', () => {
  const env = { RELAY_PASSWORD: 'a', IMAP_PASSWORD: 'b', OAUTH_SECRET: 'c', OAUTH_REFRESH_TOKEN: 'd' }
  const { privateKey } = generateKeyPairSync('ed25519')
  for (const name of ['desk.key', 'dkim.pem'])
    writeFileSync(path.join(folder, name), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  for (const name of ['desk.crt', 'ca.pem']) writeFileSync(path.join(folder, name), 'certificate')
  cpSync(path.join(root, 'config/demo-zone.yml'), path.join(folder, 'demo-zone.yml'))
  const file = path.join(folder, 'postroom.yml')
  for (const text of [read('config/postroom.example.yml'), uncommented(read('config/postroom.example.yml'))]) {
    writeFileSync(file, text)
    const config = loadConfig({ file, env, cwd: folder })
    assert.is(config.mailboxes.length, 2)
    assert.is(config.listeners[0]!.tls === null, !text.includes('\n    tls: # offers'))
  }
})

test('desk.example.yml holds every key of the code and every word of the condition language', () => {
  const text = read('config/desk.example.yml')
  assert.equal(missing(deskSchema, text), [])
  assert.ok(keysOf(deskSchema).length > 100, 'the walk found the keys')
  const { rules, calendars } = readTree(text, 'desk.example.yml').value as {
    rules: { when: unknown }[]
    calendars: unknown
  }
  const words = [...pathsOf(rules.map((rule) => rule.when))].map((one) => one.replace(/^.*?\[\]/, ''))
  const used = (word: string) =>
    words.some((one) => one.endsWith(`.${word}`) || (word === 'header.' && one.includes('.header.')))
  assert.equal(
    [...CONDITION_KEYS, ...TEXT_TESTS, ...AT_KEYS].filter((word) => !used(word)),
    [],
  )
  const calendarKeys = [...pathsOf(calendars)]
  assert.equal(
    CALENDAR_KEYS.filter((key) => !calendarKeys.includes(`[].${key}`)),
    [],
  )
  for (const locale of LOCALES) assert.match(text, new RegExp(`\\b${locale}\\b`))
})

const holidays = await readHolidayFiles(read('config/desk.example.yml'), path.join(root, 'config'))

test('the desks that ship are accepted, tests and all', () => {
  for (const name of ['desk.example.yml', 'demo-desk.yml'])
    assert.equal(parseDesk(read(`config/${name}`), name, { holidays }).problems.map(showProblem), [])
})

test('each rule of the desks that ship is guarded by a test', () => {
  for (const name of ['desk.example.yml', 'demo-desk.yml']) {
    const text = read(`config/${name}`)
    const count = parseDesk(text, name, { holidays }).document!.desk.rules.length
    // A rule that never acts: its own tests, or those of another, must notice.
    for (let n = 0; n < count; n++) {
      let seen = -1
      const weak = text.replace(/^ {4}then:/gm, (line) => (++seen === n ? '    then: [{tag: weak}]\n    # was:' : line))
      assert.ok(seen + 1 === count, `${name} has one then: a rule`)
      const { problems } = parseDesk(withoutBlock(weak), name, { holidays })
      assert.ok(
        problems.some((problem) => problem.cause.includes('is red')),
        `${name}: nothing guards rule ${n + 1}: ${problems.map(showProblem)}`,
      )
    }
  }
})

/** Drops what stood under a `then:` that became `# was:`. */
const withoutBlock = (text: string) => text.replace(/(\n {4}# was:[^\n]*)((?:\n {6,}[^\n]*)*)/, '$1')

test('the demo zone names the demo domains', () => {
  const zone = zoneSchema.parse(readTree(read('config/demo-zone.yml'), 'demo-zone.yml').value)
  for (const domain of ['desk.example', 'acme.example', 'borealis.example']) {
    assert.match(zone[domain]!.TXT![0]!, 'ip4:127.0.0.0/8 ip6:::1')
    assert.equal(zone[`_dmarc.${domain}`]!.TXT, ['v=DMARC1; p=none'])
  }
})

test('ARCHITECTURE.md names every file of src/, and nothing that is not there', () => {
  assert.ok(existsSync(path.join(root, 'ARCHITECTURE.md')), 'ARCHITECTURE.md is missing')
  const text = read('ARCHITECTURE.md')
  const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const unnamed = files.filter((name) => !names(text, name))
  assert.equal(unnamed, [])
  const gone = [...text.matchAll(/\bsrc\/[\w./-]+\.ts\b/g)]
    .map(([name]) => name)
    .filter((name) => !existsSync(path.join(root, name)))
  assert.equal(gone, [])
})

/** A file is named by its path below src/, or, in a folder of its own, by its name on the line that names the folder. */
function names(text: string, file: string): boolean {
  const base = path.basename(file, '.ts')
  const folder = path.dirname(file)
  const word = (name: string) => new RegExp(`(?<![\\w-])${name.replaceAll('.', '\\.')}(?![\\w-])`)
  return text.includes(file) || text.split('\n').some((line) => line.includes(`${folder}/`) && word(base).test(line))
}

test('the README starts with the two commands', () => {
  const text = read('README.md')
  for (const command of ['npm ci && npm start', 'npm ci && npm test']) assert.match(text, command)
})

test.run()

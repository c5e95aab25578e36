/** Receipts in seven languages: every phrase is there, says the same things, and is no command in any of them. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readLine } from '../../../src/engine/commands/grammar.ts'
import { en, type PhraseKey } from '../../../src/engine/commands/phrases/en.ts'
import { REFUSALS } from '../../../src/engine/commands/phrases/refusals.ts'
import { PHRASES, say } from '../../../src/engine/commands/phrases.ts'
import { LOCALES } from '../../../src/render.ts'

const root = path.join(import.meta.dirname, '../../..')
const keys = Object.keys(en) as PhraseKey[]
const holes = (words: string) => [...words.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort()

test('each language has each phrase with the same values', () => {
  assert.equal(Object.keys(PHRASES).sort(), [...LOCALES].sort())
  for (const locale of LOCALES) {
    assert.equal(Object.keys(PHRASES[locale]!).sort(), [...keys].sort(), locale)
    for (const key of keys) assert.equal(holes(PHRASES[locale]![key]), holes(en[key]), `${locale} ${key}`)
  }
})

test('no phrase is a command, and most are words of their language', () => {
  for (const locale of LOCALES) {
    for (const key of keys) assert.is(readLine(PHRASES[locale]![key]), null, `${locale} ${key}`)
    if (locale === 'en') continue
    const same = keys.filter((key) => PHRASES[locale]![key] === en[key])
    assert.ok(same.length < 16, `${locale}: ${same}`)
  }
})

test('what a verb refuses is said in the reader’s language, and in its own words', () => {
  const codes = Object.keys(REFUSALS.de!).sort()
  const sources = globSync('src/engine/**/*.ts', { cwd: root }).map((file) =>
    readFileSync(path.join(root, file), 'utf8'),
  )
  const refused = new Set(
    sources.flatMap((text) => [...text.matchAll(/new Refusal\(\s*'(\w+)'/g)].map(([, code]) => code!)),
  )
  assert.equal(Object.keys(REFUSALS).sort(), LOCALES.filter((one) => one !== 'en').sort())
  for (const [locale, words] of Object.entries(REFUSALS)) {
    assert.equal(Object.keys(words).sort(), codes, locale)
    for (const [code, one] of Object.entries(words)) {
      assert.ok(refused.has(code), `nothing refuses with ${code}`)
      assert.is(readLine(one), null)
    }
  }
  const data = { code: 'past_time', words: 'That time has passed already.' }
  assert.is(say('en', { key: 'refused', data }), data.words)
  assert.is(say('de-CH', { key: 'refused', data }), 'Diese Zeit ist schon vorbei. (That time has passed already.)')
  assert.is(say('de', { key: 'refused', data: { ...data, code: 'constructor' } }), data.words)
})

test('a region finds its language, another language English; values are data', () => {
  assert.is(say('de-AT', { key: 'unassigned', data: {} }), 'niemandem zugewiesen')
  assert.is(say('nl', { key: 'unassigned', data: {} }), 'assigned to nobody')
  assert.is(say('en', { key: 'assigned', data: { to: '{to} {constructor}' } }), 'assigned to {to} {constructor}')
  assert.is(say('ru', { key: 'status_now', data: { to: '@public_closed' } }), 'статус: закрыто')
  assert.is(say('en', { key: 'status_now', data: { to: '@constructor' } }), 'status: @constructor')
})

test.run()

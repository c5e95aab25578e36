/** Receipts in seven languages: every phrase is there, says the same things, and is no command in any of them. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readLine } from '../../../src/engine/commands/grammar.ts'
import { en, type PhraseKey } from '../../../src/engine/commands/phrases/en.ts'
import { PHRASES, say } from '../../../src/engine/commands/phrases.ts'
import { LOCALES } from '../../../src/render.ts'

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

test('a region finds its language, another language English; values are data', () => {
  assert.is(say('de-AT', { key: 'unassigned', data: {} }), 'niemandem zugewiesen')
  assert.is(say('nl', { key: 'unassigned', data: {} }), 'assigned to nobody')
  assert.is(say('en', { key: 'assigned', data: { to: '{to} {constructor}' } }), 'assigned to {to} {constructor}')
  assert.is(say('ru', { key: 'status_now', data: { to: '@public_closed' } }), 'статус: закрыто')
  assert.is(say('en', { key: 'status_now', data: { to: '@constructor' } }), 'status: @constructor')
})

test.run()

/** Times, lengths and addresses as people write them in commands (COMMANDS E2), in the writer's zone. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Reading } from '../../../src/engine/commands/command.ts'
import { readLine } from '../../../src/engine/commands/grammar.ts'
import { addressOf, durationOf, ticketOf } from '../../../src/engine/commands/values.ts'
import { timeOf } from '../../../src/engine/commands/when.ts'

const reading = (now: string, zone: string) => ({ now: new Date(now), zone }) as unknown as Reading
/** Half past nine on a Monday in Berlin. */
const MONDAY = reading('2026-11-23T08:30:00Z', 'Europe/Berlin')

const args = (words: string) => readLine(`#due ${words}`)!.args
function time(words: string, on = MONDAY, hour = 17): string {
  const found = timeOf(args(words), on, hour)
  return found.ok ? `${found.ok.at.toISOString().slice(0, 16)}/${found.ok.used}` : found.problem!.words.key
}

test('dates with and without a time, in the writer’s zone', () => {
  assert.is(time('2026-11-25'), '2026-11-25T16:00/1')
  assert.is(time('2026-11-25', MONDAY, 9), '2026-11-25T08:00/1')
  assert.is(time('2026-11-25T08:15'), '2026-11-25T07:15/1')
  assert.is(time('2026-11-25 08:15'), '2026-11-25T07:15/2')
  assert.is(time('"2026-11-25 08:15"'), '2026-11-25T07:15/1')
  assert.is(time('25.11.2026 8:15'), '2026-11-25T07:15/2')
  assert.is(time('2026-11-25', reading('2026-11-23T08:30:00Z', 'America/New_York')), '2026-11-25T22:00/1')
})

test('steps: minutes and hours run on, days and weeks keep the time of the day', () => {
  assert.is(time('+90m'), '2026-11-23T10:00/1')
  assert.is(time('+4h'), '2026-11-23T12:30/1')
  assert.is(time('+2d'), '2026-11-25T08:30/1')
  assert.is(time('2d 14:00'), '2026-11-25T13:00/2')
  assert.is(time('+1w'), '2026-11-30T08:30/1')
  const beforeSummer = reading('2026-03-28T11:00:00Z', 'Europe/Berlin')
  assert.is(time('+1d', beforeSummer), '2026-03-29T10:00/1', 'noon is noon on the day that clocks go forward')
})

test('weekdays are the next of their name; today’s own only with a time to come', () => {
  assert.is(time('fri 17:00'), '2026-11-27T16:00/2')
  assert.is(time('friday'), '2026-11-27T16:00/1')
  assert.is(time('mon'), '2026-11-30T16:00/1')
  assert.is(time('mon 17:00'), '2026-11-23T16:00/2')
  assert.is(time('mon 09:00'), '2026-11-30T08:00/2')
  for (const word of ['Freitag', 'vendredi', 'viernes', 'piątek', 'пʼятниця', 'пятница', 'fr.', 'пт'])
    assert.is(time(word), '2026-11-27T16:00/1', word)
})

test('today, tomorrow and a time alone', () => {
  assert.is(time('today'), '2026-11-23T16:00/1')
  assert.is(time('tomorrow 8:00'), '2026-11-24T07:00/2')
  for (const word of ['morgen', 'demain', 'mañana', 'jutro', 'завтра'])
    assert.is(time(word), '2026-11-24T16:00/1', word)
  assert.is(time('17:00'), '2026-11-23T16:00/1')
  assert.is(time('08:00'), '2026-11-24T07:00/1', 'it has passed today')
})

test('what is no time is none', () => {
  for (const words of ['someday', '2026-02-30', '2026-11-25T25:00', '31.11.2026', '25:00', 'm', '+2x', '-2d'])
    assert.is(time(words), 'no_time', words)
  assert.is(timeOf([], MONDAY, 9).problem!.words.key, 'when_missing')
})

test('lengths of time', () => {
  const length = (words: string) => durationOf(args(words)[0]!).ok ?? null
  for (const [words, seconds] of [
    ['1h30m', 5400],
    ['90m', 5400],
    ['1:30', 5400],
    ['1.5h', 5400],
    ['1,5h', 5400],
    ['2h', 7200],
    ['45min', 2700],
    ['0:05', 300],
    ['90', null],
    ['1h90', null],
    ['1:75', null],
    ['h', null],
    ['-1h', null],
  ] as const)
    assert.is(length(words), seconds, words)
})

test('numbers of tickets, and addresses', () => {
  for (const [words, number] of [
    ['412', 412],
    ['#412', 412],
    ['412,', 412],
    ['c3', undefined],
    ['4 12', 4],
    ['1234567890123', undefined],
  ] as const)
    assert.is(ticketOf(args(words)[0]!).ok, number, words)
  assert.is(addressOf('Eva@ACME.example', 1).ok, 'eva@acme.example')
  assert.is(addressOf('mailto:eva@bücher.example', 1).ok, 'eva@xn--bcher-kva.example')
  for (const text of ['eva', 'eva@', '@acme.example', 'eva@acme', 'e va@acme.example'])
    assert.is(addressOf(text, 1).problem!.words.key, 'no_address', text)
})

test.run()

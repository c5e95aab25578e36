/** Local days and times: nights when clocks change, days that are missing, and cuts at midnight that lose no second. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkDate, localDate } from '../../../src/days.ts'
import { dayLength, resolveSpan, splitAtMidnight, wholePart } from '../../../src/engine/time-entries/local.ts'
import { Refusal } from '../../../src/errors.ts'
import { at } from '../time-desk.ts'

const code = (work: () => unknown): string => {
  try {
    work()
    return 'nothing was refused'
  } catch (error) {
    return error instanceof Refusal ? error.code : String(error)
  }
}
const span = (date: string, start: string, end: string, zone = 'Europe/Warsaw') =>
  resolveSpan({ date, start, end }, zone)

test('T1: in Warsaw 01:30 to 03:30 is 1 h in the spring night, 3 h in the autumn night, 2 h else', () => {
  assert.is(span('2026-03-29', '01:30', '03:30').raw_s, 3600)
  assert.is(span('2026-10-25', '01:30', '03:30').raw_s, 3 * 3600)
  assert.is(span('2026-03-28', '01:30', '03:30').raw_s, 2 * 3600)
  assert.is(wholePart(at('2026-03-29T00:30:00Z'), at('2026-03-29T01:30:00Z'), 'Europe/Warsaw').raw_s, 3600)
})

test('T3: a time in the gap is shifted forward, one that comes twice is the earlier; the form can show both', () => {
  const gap = span('2026-03-29', '02:30', '04:00')
  assert.is(gap.startedAt.toISOString(), '2026-03-29T01:30:00.000Z')
  assert.equal([gap.raw_s, gap.offsets, gap.shifted], [1800, ['+02:00', '+02:00'], true])
  const twice = span('2026-10-25', '02:30', '03:00')
  assert.is(twice.startedAt.toISOString(), '2026-10-25T00:30:00.000Z')
  assert.equal([twice.raw_s, twice.offsets, twice.shifted], [5400, ['+02:00', '+01:00'], false])
  // Lord Howe moves by half an hour
  assert.is(span('2026-04-05', '01:00', '02:30', 'Australia/Lord_Howe').raw_s, 7200)
})

test('T3: an end at or before the start is on the next day, at most 24 h later', () => {
  assert.is(span('2026-03-02', '22:00', '06:00').raw_s, 8 * 3600)
  assert.is(span('2026-03-02', '09:00', '09:00').raw_s, 86_400)
  assert.is(span('2026-03-02', '00:00', '24:00').raw_s, 86_400)
  assert.is(span('2026-03-28', '22:00', '06:00').raw_s, 7 * 3600)
  assert.is(span('2026-03-02', '9:05', '09:05:01').raw_s, 1)
  assert.is(
    code(() => span('2026-10-24', '12:00', '12:00')),
    'time_too_long',
  )
  assert.is(
    code(() => span('2026-03-29', '02:45', '03:15')),
    'empty_time',
  )
})

test('what is no date or time is refused', () => {
  for (const date of ['2026-02-29', '2026-13-01', '26-01-01', '2026-01-01T10:00', '', '9999-01-01'])
    assert.is(
      code(() => checkDate(date)),
      'bad_date',
      date,
    )
  assert.is(checkDate('2028-02-29'), '2028-02-29')
  for (const time of ['24:01', '9', '09:60', '25:00', '', '-1:00'])
    assert.is(
      code(() => span('2026-03-02', time, '10:00')),
      'bad_time',
      time,
    )
  assert.is(
    code(() => span('2026-03-02', '24:00', '10:00')),
    'bad_time',
  )
})

test('T4: a day is as long as it really is there', () => {
  assert.is(dayLength('2026-03-02', 'Europe/Warsaw'), 86_400)
  assert.is(dayLength('2026-03-29', 'Europe/Warsaw'), 82_800)
  assert.is(dayLength('2026-10-25', 'Europe/Warsaw'), 90_000)
  assert.is(dayLength('2026-04-05', 'Australia/Lord_Howe'), 88_200)
  assert.is(dayLength('2011-12-30', 'Pacific/Apia'), 0)
})

test('T5: cut at midnight into two that touch and sum exactly', () => {
  const parts = splitAtMidnight(at('2026-03-02T21:00:00Z'), at('2026-03-03T01:00:01Z'), 'Europe/Berlin')
  assert.equal(
    parts.map((part) => [part.localDate, part.raw_s, part.startedAt.toISOString()]),
    [
      ['2026-03-02', 7200, '2026-03-02T21:00:00.000Z'],
      ['2026-03-03', 7201, '2026-03-02T23:00:00.000Z'],
    ],
  )
  const whole = splitAtMidnight(at('2026-03-02T21:00:00Z'), at('2026-03-02T23:00:00Z'), 'Europe/Berlin')
  assert.equal(
    whole.map((part) => [part.localDate, part.raw_s]),
    [['2026-03-02', 7200]],
  )
})

test('T5: a midnight that clocks skip, or pass twice, cuts once', () => {
  // Beirut goes from 00:00 to 01:00; Apia skipped 30 December 2011
  const skipped = splitAtMidnight(at('2026-03-28T20:00:00Z'), at('2026-03-29T00:00:00Z'), 'Asia/Beirut')
  assert.equal(
    skipped.map((part) => [part.localDate, part.raw_s]),
    [
      ['2026-03-28', 7200],
      ['2026-03-29', 7200],
    ],
  )
  const apia = splitAtMidnight(at('2011-12-30T09:00:00Z'), at('2011-12-30T11:00:00Z'), 'Pacific/Apia')
  assert.equal(
    apia.map((part) => [part.localDate, part.raw_s]),
    [
      ['2011-12-29', 3600],
      ['2011-12-31', 3600],
    ],
  )
  // Havana goes from 01:00 back to 00:00: midnight comes twice
  const twice = splitAtMidnight(at('2026-11-01T03:30:00Z'), at('2026-11-01T06:00:00Z'), 'America/Havana')
  assert.equal(
    twice.map((part) => [part.localDate, part.raw_s]),
    [
      ['2026-10-31', 1800],
      ['2026-11-01', 7200],
    ],
  )
})

test('property: cuts of any stretch in any zone touch, sum exactly, and each lies on its own date', () => {
  const zones = ['Europe/Berlin', 'America/Havana', 'Asia/Beirut', 'Australia/Lord_Howe', 'Africa/Casablanca', 'UTC']
  let state = 7
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  for (let n = 0; n < 500; n++) {
    const zone = zones[next(zones.length)]!
    const start = at('2026-01-01T00:00:00Z').getTime() + next(365 * 86_400) * 1000
    const [from, until] = [new Date(start), new Date(start + next(3 * 86_400) * 1000)]
    const parts = splitAtMidnight(from, until, zone)
    assert.is(
      parts.reduce((sum, part) => sum + part.raw_s, 0),
      (until.getTime() - from.getTime()) / 1000,
    )
    assert.is(new Set(parts.map((part) => part.localDate)).size, parts.length)
    for (const [m, part] of parts.entries()) {
      assert.is(localDate(part.startedAt, zone), part.localDate)
      if (part.raw_s > 0) assert.is(localDate(new Date(part.endedAt.getTime() - 1000), zone), part.localDate)
      if (m > 0) assert.is(part.startedAt.getTime(), parts[m - 1]!.endedAt.getTime())
      assert.ok(part.raw_s <= dayLength(part.localDate, zone))
    }
  }
})

test.run()

/** Working time: every rule of SLA section 5 by hand, then random calendars against the membership rule, minute by minute. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  addWorkingTime,
  type Calendar,
  checkCalendar,
  expandCalendar,
  frozenCalendar,
  isWorkingTime,
  type Shift,
  workingSecondsBetween,
  workingSpans,
  zoneDataProblem,
} from '../../src/engine/business-hours.ts'
import { Refusal } from '../../src/errors.ts'
import { Temporal } from '../../src/time.ts'
import { seeded } from '../random.ts'

const HOUR = 3600
const DAY = 86_400

const at = (text: string): number => Date.parse(text) / 1000
const iso = (seconds: number | null): string | null =>
  seconds === null ? null : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

const daily = (...shifts: Shift[]) =>
  Object.fromEntries(['1', '2', '3', '4', '5', '6', '7'].map((day) => [day, shifts])) as Calendar['weekly']

const calendar = (part: Partial<Calendar>): Calendar => ({
  tz: 'UTC',
  weekly: {},
  holidays: [],
  exceptions: {},
  ...part,
})

const office = expandCalendar({ tz: 'Europe/Berlin', weekly: { 'mon-fri': ['09:00-17:00'] } })

const add = (rules: Calendar, start: string, seconds: number) => iso(addWorkingTime(rules, at(start), seconds))
const between = (rules: Calendar, a: string, b: string) => workingSecondsBetween(rules, at(a), at(b))

test('C1: several shifts a day count, and overlapping or touching ones count once', () => {
  const split = calendar({
    weekly: {
      1: [
        ['13:00', '17:00'],
        ['08:00', '12:00'],
      ],
    },
  })
  assert.is(between(split, '2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z'), 8 * HOUR)
  assert.is(add(split, '2026-11-23T11:00:00Z', 2 * HOUR), '2026-11-23T14:00:00Z')
  const overlapping = calendar({
    weekly: {
      1: [
        ['08:00', '12:00'],
        ['09:00', '10:00'],
        ['11:00', '13:00'],
        ['13:00', '14:00'],
      ],
    },
  })
  assert.is(between(overlapping, '2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z'), 6 * HOUR)
  const nights = calendar({ weekly: { 1: [['20:00', '10:00']], 2: [['08:00', '12:00']] } })
  assert.is(between(nights, '2026-11-23T00:00:00Z', '2026-11-25T00:00:00Z'), 16 * HOUR)
})

test('C2: always works every second, whatever else the calendar says', () => {
  const always = calendar({ tz: 'Nowhere/Known', always: true, holidays: ['2026-12-25', 'rubbish'] })
  assert.is(add(always, '2026-12-24T23:59:59Z', 2), '2026-12-25T00:00:01Z')
  assert.is(between(always, '2026-12-25T00:00:00Z', '2026-12-26T00:00:00Z'), DAY)
  assert.is(isWorkingTime(always, at('2026-12-25T12:00:00Z')), true)
  assert.equal(workingSpans(always, 5, 9), [{ from: 5, to: 9 }])
  assert.is(addWorkingTime(always, 0, 3660 * DAY + 1), null)
})

test('C4: intervals are half-open, and midnight loses nothing', () => {
  assert.is(isWorkingTime(office, at('2026-11-23T07:59:59Z')), false)
  assert.is(isWorkingTime(office, at('2026-11-23T08:00:00Z')), true)
  assert.is(isWorkingTime(office, at('2026-11-23T15:59:59Z')), true)
  assert.is(isWorkingTime(office, at('2026-11-23T16:00:00Z')), false)
  const whole = calendar({ weekly: daily(['00:00', '24:00']) })
  assert.is(between(whole, '2025-12-30T12:00:00Z', '2026-01-02T12:00:00Z'), 3 * DAY)
  assert.is(isWorkingTime(whole, at('2025-12-31T23:59:59Z')), true)
})

test('C5: an end at or before the start is on the next date', () => {
  const night = calendar({ weekly: { 5: [['22:00', '06:00']] } })
  assert.is(between(night, '2026-11-27T00:00:00Z', '2026-11-29T00:00:00Z'), 8 * HOUR)
  assert.is(isWorkingTime(night, at('2026-11-28T05:59:59Z')), true)
  assert.is(isWorkingTime(night, at('2026-11-28T06:00:00Z')), false)
  const evening = calendar({ weekly: { 5: [['20:00', '00:00']] } })
  assert.is(between(evening, '2026-11-27T00:00:00Z', '2026-11-29T00:00:00Z'), 4 * HOUR)
})

test('C6: a shift belongs to the date it starts on', () => {
  const nights = { weekly: daily(['22:00', '06:00']) }
  const holiday = calendar({ ...nights, holidays: ['2026-12-25'] })
  // the tail of the 24th still counts, the shift of the 25th and its tail into the 26th do not
  assert.is(between(holiday, '2026-12-25T00:00:00Z', '2026-12-26T22:00:00Z'), 6 * HOUR)
  assert.is(isWorkingTime(holiday, at('2026-12-25T05:00:00Z')), true)
  assert.is(isWorkingTime(holiday, at('2026-12-26T05:00:00Z')), false)
  const closedTail = calendar({ ...nights, exceptions: { '2026-12-24': [['22:00', '24:00']] } })
  assert.is(isWorkingTime(closedTail, at('2026-12-25T01:00:00Z')), false)
})

test('C7: exception before dated holiday before yearly holiday before weekly', () => {
  const rules = calendar({
    weekly: daily(['09:00', '17:00']),
    holidays: ['2026-12-24', '12-25', '02-29'],
    exceptions: { '2026-12-24': [['09:00', '12:00']], '2027-12-25': [['10:00', '11:00']], '2026-12-28': [] },
  })
  const worked = (date: string) => between(rules, `${date}T00:00:00Z`, `${date}T24:00:00Z`) / HOUR
  assert.is(worked('2026-12-24'), 3)
  assert.is(worked('2026-12-25'), 0)
  assert.is(worked('2027-12-25'), 1)
  assert.is(worked('2026-12-28'), 0)
  assert.is(worked('2026-12-29'), 8)
  assert.is(worked('2024-02-29'), 0)
  assert.is(worked('2025-02-28'), 8)
  assert.is(worked('2025-03-01'), 8)
})

test('C8: the spring gap has no seconds and the autumn overlap has both times', () => {
  const night = calendar({ tz: 'Europe/Berlin', weekly: daily(['22:00', '06:00']) })
  assert.is(between(night, '2026-03-28T20:00:00Z', '2026-03-29T12:00:00Z'), 7 * HOUR)
  assert.is(between(night, '2026-10-24T18:00:00Z', '2026-10-25T12:00:00Z'), 9 * HOUR)
  const gap = calendar({ tz: 'Europe/Berlin', weekly: daily(['02:00', '03:00']) })
  assert.is(between(gap, '2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z'), 0)
  const twice = calendar({ tz: 'Europe/Berlin', weekly: daily(['02:30', '03:00']) })
  assert.equal(
    workingSpans(twice, at('2026-10-24T12:00:00Z'), at('2026-10-25T12:00:00Z')).map((span) => [
      iso(span.from),
      iso(span.to),
    ]),
    [
      ['2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z'],
      ['2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'],
    ],
  )
  const half = calendar({ tz: 'Australia/Lord_Howe', weekly: daily(['01:00', '02:00']) })
  assert.is(between(half, '2026-04-04T06:00:00Z', '2026-04-05T06:00:00Z'), 1.5 * HOUR)
  const ramadan = calendar({ tz: 'Africa/Casablanca', weekly: daily(['00:00', '24:00']) })
  assert.is(between(ramadan, '2024-03-09T23:00:00Z', '2024-03-11T00:00:00Z'), 25 * HOUR) // local 10 March
})

test('C9: the date before is civil arithmetic, also where the zone skipped it', () => {
  // Apia went from 29 to 31 December 2011; 2011-12-30 was a Friday nobody lived
  const friday = calendar({ tz: 'Pacific/Apia', weekly: { 5: [['20:00', '04:00']] } })
  assert.equal(workingSpans(friday, at('2011-12-29T00:00:00Z'), at('2012-01-01T00:00:00Z')), [
    { from: at('2011-12-30T10:00:00Z'), to: at('2011-12-30T14:00:00Z') },
  ])
  const thursday = calendar({ tz: 'Pacific/Apia', weekly: { 4: [['20:00', '04:00']] } })
  assert.is(between(thursday, '2011-12-29T20:00:00Z', '2012-01-01T00:00:00Z'), 4 * HOUR)
})

test('C10: the earliest instant: nothing to add is the start, a goal that ends a shift is closing time', () => {
  assert.is(add(office, '2026-11-22T03:00:00Z', 0), '2026-11-22T03:00:00Z')
  assert.is(add(office, '2026-11-23T08:00:00Z', 8 * HOUR), '2026-11-23T16:00:00Z')
  assert.is(add(office, '2026-11-23T08:00:00Z', 8 * HOUR + 1), '2026-11-24T08:00:01Z')
  assert.is(add(office, '2026-11-27T16:00:00Z', 1), '2026-11-30T08:00:01Z')
  assert.is(add(office, '2026-12-31T15:00:00Z', 2 * HOUR), '2027-01-01T09:00:00Z') // Thursday to Friday, over New Year
})

test('C11: between is zero backwards and counts across years', () => {
  assert.is(between(office, '2026-11-23T12:00:00Z', '2026-11-23T11:00:00Z'), 0)
  assert.is(between(office, '2026-11-23T12:00:00Z', '2026-11-23T12:00:00Z'), 0)
  assert.is(between(office, '2025-12-29T00:00:00Z', '2027-01-04T00:00:00Z'), 53 * 40 * HOUR)
})

test('C12: unreachable within 3660 days is null, however small the goal', () => {
  assert.is(add(calendar({}), '2026-01-01T00:00:00Z', 1), null)
  const once = (date: string) => calendar({ exceptions: { [date]: [['00:00', '01:00']] } })
  const start = at('2026-01-01T00:00:00Z')
  const date = (days: number) => new Date((start + days * DAY) * 1000).toISOString().slice(0, 10)
  assert.is(addWorkingTime(once(date(3659)), start, HOUR), start + 3659 * DAY + HOUR)
  assert.is(addWorkingTime(once(date(3660)), start, 1), null)
  assert.is(addWorkingTime(once(date(3660)), start + 1, 1), start + 3660 * DAY + 1)
  const yearly = calendar({ weekly: { 1: [['09:00', '09:01']] }, holidays: [] })
  assert.is(addWorkingTime(yearly, start, 60 * 500), at('2035-07-30T09:01:00Z')) // 500 Mondays
  assert.is(addWorkingTime(yearly, start, 60 * 530), null)
})

test('C14: seconds are kept', () => {
  assert.is(add(office, '2026-11-23T15:59:17Z', 60), '2026-11-24T08:00:17Z')
  assert.is(between(office, '2026-11-23T08:00:01Z', '2026-11-23T08:00:43Z'), 42)
})

test('instants that are none are refused, not searched for', () => {
  assert.throws(() => workingSecondsBetween(office, Number.NaN, 5), /not an instant/)
  assert.throws(() => addWorkingTime(office, at('2026-11-23T08:00:00Z') * 1000, 5), /not an instant/)
})

test('spans are capped, clipped and joined over New Year', () => {
  assert.is(workingSpans(office, at('2026-01-01T00:00:00Z'), at('2026-12-31T00:00:00Z'), 7).length, 7)
  const whole = calendar({ weekly: daily(['00:00', '24:00']) })
  const [from, to] = [at('2026-12-31T12:00:00Z'), at('2027-01-01T12:00:00Z')]
  assert.equal(workingSpans(whole, from, to), [{ from, to }])
  assert.equal(workingSpans(office, at('2026-11-23T10:00:00Z'), at('2026-11-23T11:00:00Z')), [
    { from: at('2026-11-23T10:00:00Z'), to: at('2026-11-23T11:00:00Z') },
  ])
})

test('a changed calendar is a changed calendar: the index is found by content unless the whole object is frozen', () => {
  const [start, end] = ['2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z']
  const loose = { tz: 'UTC', weekly: { 1: [['09:00', '10:00']] as Shift[] }, holidays: [], exceptions: {} }
  Object.freeze(loose) // a shallow freeze does not stop the next line
  assert.is(between(loose, start, end), HOUR)
  loose.weekly[1].push(['11:00', '12:00'])
  assert.is(between(loose, start, end), 2 * HOUR)
  frozenCalendar(loose)
  assert.throws(() => loose.weekly[1].push(['13:00', '14:00']))
  assert.is(between(loose, start, end), 2 * HOUR)
})

test('random calendars agree with the membership rule, minute by minute (C3), and with C13', () => {
  const random = seeded(20_261_122)
  for (let run = 0; run < 24; run++) {
    const { zone, near } = ZONES[run % ZONES.length]!
    const rules = randomCalendar(zone, near, random)
    const from = near - (30 + Math.floor(random() * 24)) * HOUR
    const minutes = 3 * 24 * 60
    let sum = 0
    for (let minute = 0; minute < minutes; minute++) {
      const instant = from + minute * 60
      const expected = isMember(rules, instant)
      if (isWorkingTime(rules, instant) !== expected) {
        assert.unreachable(`${iso(instant)} is ${expected ? '' : 'not '}working time in ${JSON.stringify(rules)}`)
      }
      if (expected) sum += 60
    }
    const to = from + minutes * 60
    const words = JSON.stringify(rules)
    assert.is(workingSecondsBetween(rules, from, to), sum, words)
    const spans = workingSpans(rules, from, to, 1000)
    assert.is(
      spans.reduce((total, span) => total + span.to - span.from, 0),
      sum,
      words,
    )
    checkIdentities(rules, { from, to, random, words })
  }
})

test('zone data is recent (U4)', () => {
  assert.is(zoneDataProblem(), null)
})

test('a short calendar is expanded', () => {
  assert.equal(
    expandCalendar({
      key: 'berlin',
      tz: 'Europe/Berlin',
      weekly: { 'mon-wed': ['09:00-12:00', '13:00 - 17:00'], 'thu, Fri': '22:00-06:00', sun: [] },
      holidays: ['01-01', '2026-12-25'],
      exceptions: { '2026-12-24': ['09:00-12:00'], '2026-12-31': [] },
    }),
    {
      tz: 'Europe/Berlin',
      weekly: {
        1: [
          ['09:00', '12:00'],
          ['13:00', '17:00'],
        ],
        2: [
          ['09:00', '12:00'],
          ['13:00', '17:00'],
        ],
        3: [
          ['09:00', '12:00'],
          ['13:00', '17:00'],
        ],
        4: [['22:00', '06:00']],
        5: [['22:00', '06:00']],
        7: [],
      },
      holidays: ['01-01', '2026-12-25'],
      exceptions: { '2026-12-24': [['09:00', '12:00']], '2026-12-31': [] },
    },
  )
  assert.equal(Object.keys(expandCalendar({ tz: 'UTC', weekly: { 'sat-mon': '10:00-11:00' } }).weekly), ['1', '6', '7'])
  assert.equal(expandCalendar(office), office)
  assert.equal(expandCalendar({ always: true }), { tz: 'UTC', always: true, weekly: {}, holidays: [], exceptions: {} })
})

test('a bad calendar is refused with a sentence for each fault (M3)', () => {
  const faults = (part: object) => checkCalendar({ tz: 'UTC', weekly: { mon: ['09:00-17:00'] }, ...part })
  assert.equal(faults({}), [])
  assert.equal(faults({ weekly: { 1: [['00:00', '24:00']] } }), [])
  assert.equal(faults({ tz: 'Europe/Kiev' }), [])
  assert.match(faults({ tz: 'Europe/Atlantis' }).join(), '"Europe/Atlantis" is not a zone')
  assert.match(faults({ tz: undefined }).join(), 'tz: "" is not a zone')
  for (const span of [
    '9-17',
    '09:00-25:00',
    '09:60-17:00',
    '09:00',
    '09:00-10:00-11:00',
    '09:00-24:30',
    5,
    null,
    ['09:00'],
  ]) {
    assert.match(faults({ weekly: { mon: [span] } }).join(), 'weekly, mon: ', JSON.stringify(span))
  }
  assert.match(faults({ weekly: { mon: ['24:00-06:00'] } }).join(), 'starts at 24:00')
  assert.match(faults({ weekly: { mon: ['09:00-09:00'] } }).join(), 'same time')
  assert.match(faults({ weekly: { mon: Array(13).fill('09:00-10:00') } }).join(), 'more than 12 shifts')
  for (const day of ['monday', 'mon-', '-fri', 'mon-fri-sun', '', '8', 'mon,,tue']) {
    assert.match(faults({ weekly: { [day]: ['09:00-17:00'] } }).join(), 'is not a weekday', day)
  }
  assert.match(faults({ weekly: { 'mon-fri': ['09:00-17:00'], wed: ['09:00-12:00'] } }).join(), 'wed is named twice')
  for (const date of ['2025-02-29', '2026-13-01', '13-01', '02-30', '25.12.', 20261225]) {
    assert.match(faults({ holidays: [date] }).join(), 'holidays: ', String(date))
  }
  assert.equal(faults({ holidays: ['02-29', '2024-02-29'] }), [])
  assert.match(faults({ exceptions: { '12-24': [] } }).join(), 'exceptions: "12-24"')
  assert.match(faults({ exceptions: { '2026-12-24': ['9'] } }).join(), 'exceptions, 2026-12-24: "9"')
  assert.match(faults({ weekly: {} }).join(), 'no working time at all')
  assert.match(faults({ weekly: { mon: [] } }).join(), 'no working time at all')
  assert.equal(faults({ weekly: {}, exceptions: { '2026-12-24': ['09:00-12:00'] } }), [])
  for (const rubbish of [null, 'x', [], 5]) assert.is(checkCalendar(rubbish).length, 1)
  assert.match(
    faults({ weekly: [], holidays: {}, exceptions: 'no', always: 'yes' }).join(),
    /always.*weekly.*holidays.*exceptions/,
  )
  try {
    expandCalendar({ tz: 'Mars', weekly: { mon: ['9-17'] } })
    assert.unreachable('a bad calendar was expanded')
  } catch (error) {
    assert.instance(error, Refusal)
    assert.is((error as Refusal).code, 'bad_calendar')
    assert.match((error as Refusal).message, /"Mars".*"9-17"/)
  }
})

test('a stored calendar that cannot be read is refused by the calculators too', () => {
  assert.throws(
    () => addWorkingTime(calendar({ weekly: { 1: [['9', '17']] } }), 0, 1),
    /"9" is neither a time nor a date/,
  )
  assert.throws(() => addWorkingTime(calendar({ holidays: ['soon'] }), 0, 1), /"soon"/)
})

/** Zones with an offset change near an instant of each. */
const ZONES = [
  { zone: 'Europe/Berlin', near: at('2026-03-29T01:00:00Z') },
  { zone: 'Europe/Kyiv', near: at('2026-10-25T01:00:00Z') },
  { zone: 'America/New_York', near: at('2026-11-01T06:00:00Z') },
  { zone: 'Australia/Lord_Howe', near: at('2026-10-03T15:30:00Z') },
  { zone: 'Asia/Tehran', near: at('2022-09-21T19:30:00Z') },
  { zone: 'Africa/Casablanca', near: at('2026-02-15T02:00:00Z') },
  { zone: 'Pacific/Apia', near: at('2011-12-30T10:00:00Z') },
  { zone: 'America/Sao_Paulo', near: at('2018-11-04T03:00:00Z') },
  { zone: 'Africa/Cairo', near: at('2014-06-26T21:00:00Z') },
  { zone: 'Asia/Kolkata', near: at('2026-01-01T00:00:00Z') },
  { zone: 'America/St_Johns', near: at('2007-03-11T03:31:00Z') },
  { zone: 'Antarctica/Troll', near: at('2026-03-29T01:00:00Z') },
]

/** The membership rule, written down a second time: civil date and time from Temporal, no offsets, no intervals. */
function isMember(rules: Calendar, instant: number): boolean {
  const local = Temporal.Instant.fromEpochMilliseconds(instant * 1000).toZonedDateTimeISO(rules.tz)
  const time = local.toPlainTime().toString().slice(0, 5)
  const own = shiftsOn(rules, local.toPlainDate().toString())
  const before = shiftsOn(rules, local.toPlainDate().subtract({ days: 1 }).toString())
  return (
    own.some(([start, end]) => start <= time && (end <= start || time < end)) ||
    before.some(([start, end]) => end <= start && time < end)
  )
}

function shiftsOn(rules: Calendar, date: string): readonly Shift[] {
  if (rules.exceptions[date]) return rules.exceptions[date]
  if (rules.holidays.includes(date) || rules.holidays.includes(date.slice(5))) return []
  return rules.weekly[String(Temporal.PlainDate.from(date).dayOfWeek) as '1'] ?? []
}

function randomCalendar(zone: string, near: number, random: () => number): Calendar {
  const time = () => `${two(Math.floor(random() * 24))}:${two(Math.floor(random() * 4) * 15)}`
  const shift = (): Shift => {
    const [start, end] = [random() < 0.3 ? '00:00' : time(), random() < 0.2 ? '24:00' : time()]
    return start === end ? [start, '24:00'] : [start, end]
  }
  const shifts = () => Array.from({ length: Math.floor(random() * 4) }, shift)
  const date = () => new Date((near + Math.floor(random() * 5 - 2) * DAY) * 1000).toISOString().slice(0, 10)
  const weekly = Object.fromEntries(['1', '2', '3', '4', '5', '6', '7'].map((day) => [day, shifts()]))
  const holidays = random() < 0.5 ? [date(), date().slice(5)] : []
  const exceptions = random() < 0.5 ? { [date()]: shifts() } : {}
  return calendar({ tz: zone, weekly, holidays, exceptions })
}

type Window = { from: number; to: number; random: () => number; words: string }

/** C13, additivity of between, and add as its inverse, at random instants of a window. */
function checkIdentities(rules: Calendar, { from, to, random, words }: Window): void {
  for (let i = 0; i < 20; i++) {
    const start = from + Math.floor(random() * (to - from))
    const goal = Math.floor(random() * 40 * HOUR)
    const due = addWorkingTime(rules, start, goal)
    if (due === null) continue
    assert.ok(workingSecondsBetween(rules, start, due) >= goal, words)
    if (due > start) assert.ok(workingSecondsBetween(rules, start, due - 1) < goal, words)
    const middle = start + Math.floor(random() * (due - start))
    const passed = workingSecondsBetween(rules, start, middle)
    assert.is(passed + workingSecondsBetween(rules, middle, due), workingSecondsBetween(rules, start, due), words)
    // At t = start..due the rest of the goal leads to the same due date, except where nothing is left to work.
    if (passed < goal) assert.is(addWorkingTime(rules, middle, goal - passed), due, words)
  }
}

const two = (value: number): string => String(value).padStart(2, '0')

test.run()

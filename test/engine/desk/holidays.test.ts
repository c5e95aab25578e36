import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { dateOfDay, dayNumber } from '../../../src/engine/business-hours/calendar.ts'
import { readHolidays } from '../../../src/engine/desk/holidays.ts'
import { showProblem } from '../../../src/yaml.ts'

const file = (...events: string[][]) =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    ...events.flatMap((lines) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT']),
    'END:VCALENDAR',
    '',
  ].join('\r\n')

const days = (...events: string[][]) => {
  const { days, problems } = readHolidays(file(...events), 'own.ics')
  assert.equal(problems.map(showProblem), [])
  return days!
}
const dates = (...lines: string[]) => Object.keys(days(lines))
const fault = (text: string) => readHolidays(text, 'own.ics').problems.map(showProblem).join('\n')

test('an all-day event closes its days, the day of DTEND is not one of them', () => {
  assert.equal(days(['DTSTART;VALUE=DATE:20261225', 'DTEND;VALUE=DATE:20261227', 'SUMMARY:Christmas']), {
    '2026-12-25': 'Christmas',
    '2026-12-26': 'Christmas',
  })
  assert.equal(dates('DTSTART;VALUE=DATE:20261225'), ['2026-12-25'])
  assert.equal(dates('DTSTART;VALUE=DATE:20261225', 'DTEND;VALUE=DATE:20261225'), ['2026-12-25'])
  assert.equal(dates('DTSTART;VALUE=DATE:20261231', 'DURATION:P2D'), ['2026-12-31', '2027-01-01'])
  assert.equal(dates('dtstart;value=date:20281231', 'dtend;value=date:20290102'), ['2028-12-31', '2029-01-01'])
})

test('lines are unfolded, texts unescaped, and two holidays of a day have both names', () => {
  const named = days(
    ['DTSTART;VALUE=DA', ' TE:20260525', 'SUMMARY:Whit\\, or', '  Pentecost\\nMonday'],
    [
      'DTSTART;VALUE=DATE:20260525',
      'SUMMARY;LANGUAGE=de:Pfingst',
      '\tmontag',
      'BEGIN:VALARM',
      'SUMMARY:no',
      'END:VALARM',
    ],
    ['DTSTART;VALUE=DATE:20260525'],
  )
  assert.equal(named, { '2026-05-25': 'Whit, or Pentecost Monday, Pfingstmontag' })
  const bare = readHolidays(
    `\uFEFF${file(['DTSTART;VALUE=DATE:20260525', 'SUMMARY:a<b>\u202ec'])}`.replaceAll('\r', ''),
    'x',
  )
  assert.equal(bare.days, { '2026-05-25': 'a b c' })
})

test('what recurs each year: by date, by weekday, with INTERVAL, COUNT and UNTIL', () => {
  const each = dates('DTSTART;VALUE=DATE:20201003', 'RRULE:FREQ=YEARLY')
  assert.is(each.length, 41, 'written out to 2060')
  assert.equal([each[0], each.at(-1)], ['2020-10-03', '2060-10-03'])
  assert.equal(dates('DTSTART;VALUE=DATE:16010101', 'RRULE:FREQ=YEARLY')[0], '2020-01-01')
  assert.equal(dates('DTSTART;VALUE=DATE:20240229', 'RRULE:FREQ=YEARLY;COUNT=3'), [
    '2024-02-29',
    '2028-02-29',
    '2032-02-29',
  ])
  assert.equal(dates('DTSTART;VALUE=DATE:20261126', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20281201'), [
    '2026-11-26',
    '2027-11-25',
    '2028-11-23',
  ])
  assert.equal(dates('DTSTART;VALUE=DATE:20260525', 'RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;COUNT=2'), [
    '2026-05-25',
    '2027-05-31',
  ])
  const night = ['RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=12;BYMONTHDAY=-1;COUNT=2', 'DTEND;VALUE=DATE:20270102']
  assert.equal(dates('DTSTART;VALUE=DATE:20261231', ...night), ['2026-12-31', '2027-01-01', '2028-12-31', '2029-01-01'])
  const monday = 'RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=MO;BYMONTHDAY=18,19,20,21,22,23,24;COUNT=2'
  assert.equal(dates('DTSTART;VALUE=DATE:20260518', monday), ['2026-05-18', '2027-05-24'])
  assert.equal(
    dates('DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=YEARLY;BYMONTH=1,5;BYMONTHDAY=1;UNTIL=20270102T000000Z'),
    ['2026-01-01', '2026-05-01', '2027-01-01'],
  )
})

/** Every day from the start on is asked, independently of how the rule is walked. */
test('of a yearly rule exactly the days that fit it, whatever the months have', () => {
  let seed = 7
  const roll = (most: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * most)
  }
  for (let round = 0; round < 60; round++) {
    const [months, monthDays] = [
      [1 + roll(12), 1 + roll(12)],
      [1 + roll(31), -1 - roll(31)],
    ]
    const start = dayNumber('2020-01-01')! + roll(900)
    const rule = `RRULE:FREQ=YEARLY;BYMONTH=${months};BYMONTHDAY=${monthDays}`
    const first = dateOfDay(start).replaceAll('-', '')
    const want = new Set([dateOfDay(start)])
    for (let day = start; dateOfDay(day) <= '2060-12-31'; day++) {
      const [, month, date] = dateOfDay(day).split('-').map(Number)
      const fromEnd = date! - 1 - new Date(Date.UTC(Number(dateOfDay(day).slice(0, 4)), month!, 0)).getUTCDate()
      if (months.includes(month!) && (monthDays.includes(date!) || monthDays.includes(fromEnd)))
        want.add(dateOfDay(day))
    }
    assert.equal(dates(`DTSTART;VALUE=DATE:${first}`, rule), [...want].sort(), rule)
  }
})

test('EXDATE, RDATE, cancelled events, and an occurrence that was moved', () => {
  const lines = ['UID:1', 'DTSTART;VALUE=DATE:20260501', 'RRULE:FREQ=YEARLY;COUNT=3', 'SUMMARY:May']
  assert.equal(dates(...lines, 'EXDATE;VALUE=DATE:20270501', 'RDATE;VALUE=DATE:20260603,20260604'), [
    '2026-05-01',
    '2026-06-03',
    '2026-06-04',
    '2028-05-01',
  ])
  assert.equal(dates('DTSTART;VALUE=DATE:20260403', 'RDATE;VALUE=DATE:20270326'), ['2026-04-03', '2027-03-26'])
  assert.equal(Object.keys(days(lines, ['DTSTART;VALUE=DATE:20260808', 'STATUS:CANCELLED'])).length, 3)
  const moved = ['UID:1', 'RECURRENCE-ID;VALUE=DATE:20270501', 'DTSTART;VALUE=DATE:20270503', 'SUMMARY:Moved']
  assert.equal(days(lines, moved), { '2026-05-01': 'May', '2027-05-03': 'Moved', '2028-05-01': 'May' })
  assert.equal(Object.keys(days(lines, [...moved, 'STATUS:CANCELLED'])), ['2026-05-01', '2028-05-01'])
})

test('what is no whole day, no date or no yearly rule is refused with its line and a remedy', () => {
  const check = (lines: string[], want: RegExp) =>
    assert.match(
      fault(file(['SUMMARY:x'], lines).replace(/BEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT\r\n/, '\r\n\r\n')),
      want,
    )
  check(['DTSTART:20261224T140000'], /^own\.ics:6:1: DTSTART is a time of day.*; make it an all-day event/)
  check(['SUMMARY:a', 'DTSTART;TZID=Europe/Berlin:20261224T140000'], /^own\.ics:7:1: DTSTART is a time of day/)
  check(['DTSTART;VALUE=DATE:20261301'], /^own\.ics:6:1: DTSTART: "2026-13-01" is no date; write it as 20261225/)
  check(['DTSTART;VALUE=DATE:2026-12-25'], /own\.ics:6:1: .*no date/)
  check(['DTSTART;VALUE=DATE:20260230'], /no date/)
  check(['DTSTART;VALUE=DATE:soon'], /^own\.ics:6:1: DTSTART: .* is no date/)
  check(['no colon'], /^own\.ics:5:1: /)
  check(['SUMMARY:x'], /^own\.ics:5:1: the event has no DTSTART/)
  const day = 'DTSTART;VALUE=DATE:20260105'
  check(
    [day, 'RRULE:FREQ=WEEKLY'],
    /^own\.ics:7:1: RRULE: FREQ=WEEKLY does not recur every year; write a rule of every year/,
  )
  check([day, 'RRULE:FREQ=YEARLY;BYSETPOS=1;BYDAY=MO'], /BYSETPOS is not understood/)
  check([day, 'RRULE:FREQ=YEARLY;BYMONTH=13'], /own\.ics:5:1: .*BYMONTH/)
  check([day, 'DTEND;VALUE=DATE:20260104'], /ends before it begins/)
  check([day, 'DTEND;VALUE=DATE:20290104'], /longer than 366 days/)
  check([day, 'DURATION:PT4H'], /own\.ics:7:1: DURATION is not whole days/)
  check([day, 'EXDATE:20260105T100000Z'], /own\.ics:7:1: EXDATE is a time of day/)
  check([day, 'RRULE:FREQ=YEARLY', 'EXDATE;VALUE=DATE:20270105', 'EXDATE:20280105T100000Z'], /own\.ics:9:1: EXDATE/)
  check([day, 'RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260105'], /RANGE/)
  assert.match(
    fault(file([day, 'RRULE:FREQ=YEARLY;BYMONTHDAY=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15'])),
    /closes 6\d{3} days; name at most 5000/,
  )
})

test('a file that is none, or not whole, is refused', () => {
  assert.match(fault(''), /own\.ics:1:1: it is no iCalendar file.*; name an \.ics file/)
  assert.match(fault('<!doctype html>'), /no iCalendar file/)
  assert.match(fault(file()), /no all-day event/)
  const whole = file(['DTSTART;VALUE=DATE:20261225'])
  assert.match(fault(whole.slice(0, -20)), /ends without END:VCALENDAR; fetch it again/)
  assert.match(fault(whole.replace('END:VEVENT\r\n', '')), /ends without END:VCALENDAR/)
  assert.match(
    fault(file(['DTSTART;VALUE=DATE:20261225', 'BEGIN:VEVENT'])),
    /own\.ics:3:1: the event has no END:VEVENT/,
  )
})

test('a large file is read in time that grows with its length', () => {
  const events = Array.from({ length: 4000 }, () => [
    'DTSTART;VALUE=DATE:20260101',
    'RRULE:FREQ=YEARLY',
    `SUMMARY:${'x'.repeat(60)}`,
  ])
  const began = performance.now()
  assert.is(Object.keys(days(...events)).length, 35)
  assert.ok(performance.now() - began < 30_000)
  assert.match(fault(file(...events, ...events)), /more than 5000 events/)
})

test.run()

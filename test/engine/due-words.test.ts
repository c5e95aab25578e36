/** Due dates in words, in each language Postroom answers in. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { expandCalendar } from '../../src/engine/business-hours.ts'
import { cityOf, dueText, howText, lengthText, remainingText } from '../../src/engine/due-words.ts'

const LOCALES = ['en', 'de', 'fr', 'es', 'pl', 'uk', 'ru'] as const
type Locale = (typeof LOCALES)[number]

const HOUR = 3600
const at = (text: string): number => Date.parse(text) / 1000
const berlin = (part: object) => expandCalendar({ tz: 'Europe/Berlin', ...part })
const office = berlin({ weekly: { 'mon-fri': ['09:00-17:00'] } })

test('a due date is whole in every language, with the zone named', () => {
  const expected: Record<Locale, string> = {
    en: 'Friday, 27 November 2026 at 17:00 CET (UTC+01:00)',
    de: 'Freitag, 27. November 2026 um 17:00 MEZ (UTC+01:00)',
    fr: 'vendredi 27 novembre 2026 à 17:00 CET (UTC+01:00)',
    es: 'viernes, 27 de noviembre de 2026, 17:00 CET (UTC+01:00)',
    pl: 'piątek, 27 listopada 2026 17:00 CET (UTC+01:00)',
    uk: 'пʼятниця, 27 листопада 2026 р. о 17:00 CET (UTC+01:00)',
    ru: 'пятница, 27 ноября 2026 г. в 17:00 CET (UTC+01:00)',
  }
  for (const locale of LOCALES) {
    assert.is(dueText({ at: at('2026-11-27T16:00:00Z'), zone: 'Europe/Berlin', locale }), expected[locale])
  }
})

test('the zone has a name where there is one, and always its offset', () => {
  const zoneOf = (zone: string, locale: string, instant = '2026-11-27T16:00:00Z') =>
    dueText({ at: at(instant), zone, locale }).replace(/^.*\d\d?:\d\d (?:AM |PM )?/, '')
  for (const locale of LOCALES) {
    assert.is(zoneOf('America/New_York', locale), 'EST (UTC-05:00)')
    assert.is(zoneOf('Asia/Tehran', locale), 'UTC+03:30')
    assert.is(zoneOf('UTC', locale), 'UTC')
    assert.is(zoneOf('Europe/London', locale), 'GMT (UTC+00:00)')
  }
  assert.is(zoneOf('Europe/Kyiv', 'de'), 'OEZ (UTC+02:00)')
  assert.is(zoneOf('Europe/Kyiv', 'uk'), 'EET (UTC+02:00)')
})

test('English is American in America and 24 h elsewhere', () => {
  const noon = at('2026-11-27T21:30:00Z')
  assert.is(
    dueText({ at: noon, zone: 'America/New_York', locale: 'en' }),
    'Friday, November 27, 2026 at 4:30 PM EST (UTC-05:00)',
  )
  assert.match(
    dueText({ at: noon, zone: 'Europe/Berlin', locale: 'en-US' }),
    'November 27, 2026 at 10:30 PM CET (UTC+01:00)',
  )
})

test('clock changes: the hour after the gap, and both hours of the overlap', () => {
  const text = (instant: string, locale = 'en') => dueText({ at: at(instant), zone: 'Europe/Berlin', locale })
  assert.match(text('2026-03-29T01:30:00Z'), '29 March 2026 at 03:30 CEST (UTC+02:00)')
  assert.match(text('2026-03-29T01:30:00Z', 'de'), '29. März 2026 um 03:30 MESZ (UTC+02:00)')
  assert.match(text('2026-10-25T00:30:00Z'), '02:30 CEST (UTC+02:00)')
  assert.match(text('2026-10-25T01:30:00Z'), '02:30 CET (UTC+01:00)')
})

test('a due date is rounded up to the minute, over the hour and over a clock change', () => {
  const text = (instant: string) => dueText({ at: at(instant), zone: 'Europe/Berlin', locale: 'de' })
  assert.match(text('2026-11-27T15:59:01Z'), 'um 17:00 MEZ')
  assert.match(text('2026-11-27T16:00:00Z'), 'um 17:00 MEZ')
  assert.match(text('2026-11-27T16:00:01Z'), 'um 17:01 MEZ')
  assert.match(text('2026-03-29T00:59:30Z'), 'um 03:00 MESZ (UTC+02:00)')
})

test('an unknown language gets English, an unknown zone an error', () => {
  for (const locale of ['tlh', 'xx-YY', 'not a tag', '']) {
    assert.match(dueText({ at: 0, zone: 'Europe/Berlin', locale }), 'Thursday, 1 January 1970 at 01:00 CET', locale)
    assert.is(remainingText(HOUR, locale), '1 hour left', locale)
  }
  assert.is(remainingText(HOUR, 'de-AT'), 'noch 1 Stunde')
  assert.throws(() => dueText({ at: 0, zone: 'Mars/Base', locale: 'en' }), RangeError)
})

test('no text has a space that plain text would show oddly', () => {
  for (const locale of LOCALES) {
    const texts = [dueText({ at: 1, zone: 'America/New_York', locale }), remainingText(-5400, locale)]
    assert.not.match(texts.join(), /[\u00a0\u202f]/)
  }
})

test('what is left is floored, what is over is ceiled, and days are hours', () => {
  assert.is(remainingText(0, 'en'), '0 minutes left')
  assert.is(remainingText(59, 'en'), '0 minutes left')
  assert.is(remainingText(7259, 'en'), '2 hours left')
  assert.is(remainingText(50 * HOUR + 60, 'en'), '50 hours 1 minute left')
  assert.is(remainingText(-1, 'en'), '1 minute overdue')
  assert.is(remainingText(-60, 'en'), '1 minute overdue')
  assert.is(remainingText(-3541, 'en'), '1 hour overdue')
  assert.is(remainingText(-3601, 'en'), '1 hour 1 minute overdue')
})

test('left and over in every language', () => {
  const expected: Record<Locale, [left: string, overdue: string]> = {
    en: ['1 hour 30 minutes left', '2 hours overdue'],
    de: ['noch 1 Stunde 30 Minuten', '2 Stunden überfällig'],
    fr: ['reste 1 heure 30 minutes', 'en retard de 2 heures'],
    es: ['tiempo restante: 1 hora 30 minutos', 'retraso: 2 horas'],
    pl: ['pozostało: 1 godzina 30 minut', 'po terminie: 2 godziny'],
    uk: ['залишилося: 1 година 30 хвилин', 'прострочено: 2 години'],
    ru: ['осталось: 1 час 30 минут', 'просрочено: 2 часа'],
  }
  for (const locale of LOCALES) {
    assert.equal([remainingText(5400, locale), remainingText(-7200, locale)], expected[locale])
  }
})

test('lengths have hours and minutes, and seconds only where there are any', () => {
  assert.is(lengthText(0, 'en'), '0 minutes')
  assert.is(lengthText(45, 'en'), '45 seconds')
  assert.is(lengthText(3601, 'en'), '1 hour 1 second')
  assert.is(lengthText(22 * HOUR, 'pl'), '22 godziny')
  assert.is(lengthText(5 * 60, 'uk'), '5 хвилин')
})

test('working hours take the plural of every language', () => {
  const expected: Record<Locale, string[]> = {
    en: ['1 working hour', '2 working hours', '5 working hours', '21 working hours', '22 working hours'],
    de: ['1 Arbeitsstunde', '2 Arbeitsstunden', '5 Arbeitsstunden', '21 Arbeitsstunden', '22 Arbeitsstunden'],
    fr: ['1 heure ouvrée', '2 heures ouvrées', '5 heures ouvrées', '21 heures ouvrées', '22 heures ouvrées'],
    es: ['1 hora laborable', '2 horas laborables', '5 horas laborables', '21 horas laborables', '22 horas laborables'],
    pl: ['1 godzina robocza', '2 godziny robocze', '5 godzin roboczych', '21 godzin roboczych', '22 godziny robocze'],
    uk: ['1 робоча година', '2 робочі години', '5 робочих годин', '21 робоча година', '22 робочі години'],
    ru: ['1 рабочий час', '2 рабочих часа', '5 рабочих часов', '21 рабочий час', '22 рабочих часа'],
  }
  for (const locale of LOCALES) {
    const texts = [1, 2, 5, 21, 22].map((hours) => howText({ calendar: office, targetSeconds: hours * HOUR, locale }))
    assert.equal(
      texts.map((text) => text.split(',')[0]),
      expected[locale],
    )
  }
})

test('how a due date was computed, in one line of every language', () => {
  const expected: Record<Locale, string> = {
    en: '8 working hours, Mon-Fri 9-17, Berlin',
    de: '8 Arbeitsstunden, Mo-Fr 9-17, Berlin',
    fr: '8 heures ouvrées, lun.-ven. 9-17, Berlin',
    es: '8 horas laborables, lun-vie 9-17, Berlin',
    pl: '8 godzin roboczych, pon.-pt. 9-17, Berlin',
    uk: '8 робочих годин, пн-пт 9-17, Berlin',
    ru: '8 рабочих часов, пн-пт 9-17, Berlin',
  }
  for (const locale of LOCALES) {
    assert.is(howText({ calendar: office, targetSeconds: 8 * HOUR, locale }), expected[locale])
  }
  assert.is(
    howText({ calendar: office, targetSeconds: 8 * HOUR, locale: 'de', place: 'Werk Süd' }),
    '8 Arbeitsstunden, Mo-Fr 9-17, Werk Süd',
  )
})

test('targets of no whole hours are hours and minutes of working time', () => {
  const expected: Record<Locale, string> = {
    en: '1 hour 30 minutes of working time',
    de: '1 Stunde 30 Minuten Arbeitszeit',
    fr: '1 heure 30 minutes de temps ouvré',
    es: '1 hora 30 minutos de tiempo laborable',
    pl: '1 godzina 30 minut czasu pracy',
    uk: '1 година 30 хвилин робочого часу',
    ru: '1 час 30 минут рабочего времени',
  }
  for (const locale of LOCALES) {
    assert.is(howText({ calendar: office, targetSeconds: 90 * 60, locale }).split(',')[0], expected[locale])
  }
})

test('around the clock has neither week nor city', () => {
  const expected: Record<Locale, string> = {
    en: '4 hours, around the clock',
    de: '4 Stunden, rund um die Uhr',
    fr: '4 heures, 24 heures sur 24',
    es: '4 horas, las 24 horas del día',
    pl: '4 godziny, całodobowo',
    uk: '4 години, цілодобово',
    ru: '4 часа, круглосуточно',
  }
  for (const locale of LOCALES) {
    const calendar = berlin({ always: true, weekly: { mon: ['09:00-10:00'] } })
    assert.is(howText({ calendar, targetSeconds: 4 * HOUR, locale }), expected[locale])
  }
})

test('weeks of other shapes stay short and true', () => {
  const week = (weekly: object, locale = 'en') =>
    howText({ calendar: berlin({ weekly }), targetSeconds: HOUR, locale }).slice(
      '1 working hour, '.length,
      -', Berlin'.length,
    )
  assert.is(
    week({ 'mon-thu': ['08:00-12:00', '13:00-17:30'], fri: ['08:00-12:00'] }),
    'Mon-Thu 8-12 + 13:00-17:30, Fri 8-12',
  )
  assert.is(week({ 'mon,wed,fri': ['09:30-17:00'] }), 'Mon/Wed/Fri 9:30-17:00')
  assert.is(week({ 'mon-tue': ['09:00-17:00'], 'thu-fri': ['09:00-17:00'] }), 'Mon-Tue/Thu-Fri 9-17')
  assert.is(week({ 'mon-sun': ['22:00-06:00'] }), 'Mon-Sun 22-6')
  assert.is(week({ 'mon-sun': ['00:00-24:00'] }), 'Mon-Sun 0-24')
  assert.is(week({ mon: ['09:00-13:00', '12:00-15:00', '15:00-17:00'] }), 'Mon 9-17')
  const odd = { mon: ['08:00-12:00', '13:00-17:30'], tue: ['09:00-17:00'], thu: ['08:00-14:15'], fri: ['07:00-11:00'] }
  assert.is(week({ ...odd, sat: ['10:00-12:00'] }), 'Mon-Tue/Thu-Sat 28 hours 45 minutes a week')
})

test('the hours of a week count a shared second once, over Sunday night too', () => {
  const weekly = {
    mon: ['03:00-07:30', '09:00-10:15'],
    tue: ['08:30-09:00', '22:00-06:00'],
    wed: ['05:00-07:15'],
    thu: ['09:05-09:10', '11:00-11:05'],
    sun: ['22:00-05:00'],
  }
  // Mon 0-7:30 with Sunday's tail and 1:15, Tue 0:30, Tue-Wed 22-7:15, Thu 0:10, Sun 22-24
  const text = howText({ calendar: berlin({ weekly }), targetSeconds: HOUR, locale: 'en' })
  assert.is(text, '1 working hour, Mon-Thu/Sun 20 hours 40 minutes a week, Berlin')
})

test('holidays and exceptions between start and due are named, others are not', () => {
  const calendar = berlin({
    weekly: { 'mon-fri': ['09:00-17:00'] },
    holidays: ['12-25', '12-26', '01-01', '2026-11-02'],
    exceptions: { '2026-12-24': ['09:00-12:00'], '2026-12-30': ['09:00-17:00'], '2027-01-02': ['10:00-11:00'] },
  })
  const how = (from: string, due: string, locale = 'en') =>
    howText({ calendar, targetSeconds: 8 * HOUR, locale, from: at(from), due: at(due) })
  assert.is(
    how('2026-11-23T15:00:00Z', '2026-11-24T15:00:00Z'),
    '8 working hours, Mon-Fri 9-17, Berlin: Mon 16:00→17:00, Tue 9:00→16:00',
  )
  // 26 December 2026 is a Saturday anyway, and the 30th is as long as ever
  assert.is(
    how('2026-12-23T12:00:00Z', '2026-12-30T12:00:00Z'),
    '8 working hours, Mon-Fri 9-17, 24 Dec 9-12, 25 Dec closed, Berlin: Wed 13:00→17:00, Thu 9:00→12:00, Mon 9:00→17:00, Tue 9:00→17:00, 30 Dec 9:00→13:00',
  )
  assert.is(
    how('2026-12-24T12:00:00Z', '2027-01-04T12:00:00Z', 'de'),
    '8 Arbeitsstunden, Mo-Fr 9-17, 24. Dez. 9-12, 25. Dez. geschlossen, 1. Jan. geschlossen, …, Berlin: Mo 9:00→17:00, Di 9:00→17:00, Mi 9:00→17:00, 31. Dez. 9:00→17:00, 2. Jan. 10:00→11:00, 4. Jan. 9:00→13:00',
  )
  // in Berlin it is already Christmas Day; the 24th is over
  assert.is(
    how('2026-12-24T23:30:00Z', '2026-12-28T12:00:00Z'),
    '8 working hours, Mon-Fri 9-17, 25 Dec closed, Berlin: Mon 9:00→13:00',
  )
})

test('a removed night reaches into the day the stretch begins', () => {
  const calendar = berlin({ weekly: { 'mon-sun': ['22:00-06:00'] }, holidays: ['2026-12-24'] })
  const stretch = { from: at('2026-12-25T01:00:00Z'), due: at('2026-12-25T22:00:00Z') }
  assert.is(
    howText({ calendar, targetSeconds: HOUR, locale: 'en', ...stretch }),
    '1 working hour, Mon-Sun 22-6, 24 Dec closed, Berlin: Fri 22:00→23:00',
  )
})

test('pauses stand between the spans, in working time, and in every language (C7)', () => {
  const noon = berlin({ weekly: { 'mon-fri': ['09:00-12:00', '13:00-17:00'] } })
  const ran = [
    { calendar: noon, from: at('2026-11-27T10:10:20Z'), to: at('2026-11-27T13:25:00Z') },
    { calendar: noon, from: at('2026-11-27T14:00:00Z'), to: at('2026-11-27T18:00:00Z') },
    { calendar: noon, from: at('2026-11-28T08:00:00Z'), to: at('2026-11-30T08:30:10Z') }, // over the weekend
  ]
  const how = (locale: string) => howText({ calendar: noon, targetSeconds: 4 * HOUR, locale, ran }).split(': ')
  assert.is(
    how('en').slice(1).join(': '),
    'Fri 11:10→12:00, 13:00→14:25, paused 35 minutes, 15:00→17:00, Mon 9:00→9:31',
  )
  assert.match(
    howText({
      calendar: noon,
      targetSeconds: 80 * HOUR,
      locale: 'en',
      from: at('2026-11-27T08:00:00Z'),
      due: at('2026-12-10T08:30:00Z'),
    }),
    /: Fri 9:00→12:00, 13:00→17:00, Mon 9:00→12:00, 13:00→17:00, …, 10 Dec 9:00→9:30$/,
  )
  const paused: Record<Locale, string> = {
    en: 'paused 35 minutes',
    de: '35 Minuten angehalten',
    fr: '35 minutes en pause',
    es: '35 minutos en pausa',
    pl: 'wstrzymano: 35 minut',
    uk: 'призупинено: 35 хвилин',
    ru: 'приостановлено: 35 минут',
  }
  for (const locale of LOCALES) assert.match(how(locale).join(': '), `, ${paused[locale]}, 15:00→17:00`)
  const night = { calendar: berlin({ always: true }), from: at('2026-11-27T22:00:00Z'), to: at('2026-11-28T02:00:00Z') }
  assert.is(howText({ ...night, targetSeconds: 4 * HOUR, locale: 'en', due: night.to }), '4 hours, around the clock')
})

test('a calendar of exceptions alone has no week to tell', () => {
  const calendar = berlin({ exceptions: { '2026-12-24': ['09:00-12:00'] } })
  assert.is(howText({ calendar, targetSeconds: HOUR, locale: 'en' }), '1 working hour, Berlin')
})

test('the city of a zone', () => {
  assert.is(cityOf('America/Argentina/Buenos_Aires'), 'Buenos Aires')
  assert.is(cityOf('UTC'), 'UTC')
})

test.run()

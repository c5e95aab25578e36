/** The calendars of a desk file: their short form read, and the holidays of the files that they name put in. */
import { type Fault, type Problem, unknownKey } from '../../yaml.ts'
import { type Calendar, checkCalendar, expandCalendar, frozenCalendar } from '../business-hours.ts'
import { type HolidayFiles, NAME_REMEDY, namesOf } from './holiday-files.ts'
import type { Holidays } from './holidays.ts'
import type { Complain } from './names.ts'
import type { DeskFile } from './schema.ts'

/** What a calendar may hold besides its key (SLA C1). */
export const CALENDAR_KEYS: readonly string[] = ['tz', 'always', 'weekly', 'holidays', 'holidays_from', 'exceptions']

export type Calendars = {
  /** Those without a fault, by key. */
  calendars: Map<string, Calendar>
  /** What the files that they name hold, by the name of the file. */
  holidays: Record<string, Holidays>
  /** In those files, with their lines. */
  problems: Problem[]
}

/** Faults of the desk file go to `complain` and `faults`. */
export function readCalendars(file: DeskFile, files: HolidayFiles, complain: Complain, faults: Fault[]): Calendars {
  const found: Calendars = { calendars: new Map(), holidays: {}, problems: [] }
  const refused = new Map<string, Problem[]>() // by file, which several calendars may name
  for (const [n, { key, ...short }] of file.calendars.entries()) {
    const wrong = checkCalendar(short)
    for (const cause of wrong) {
      const part = /^\w+/.exec(cause)?.[0] ?? ''
      const path = CALENDAR_KEYS.includes(part) ? ['calendars', n, part] : ['calendars', n]
      complain(path, `calendar "${key}": ${cause}`, 'see calendars in desk.example.yml')
    }
    for (const name of Object.keys(short))
      if (!CALENDAR_KEYS.includes(name)) faults.push(unknownKey(['calendars', n, name], CALENDAR_KEYS))
    const names = namesOf(short.holidays_from)
    if (names === null) complain(['calendars', n, 'holidays_from'], `calendar "${key}": names no files`, NAME_REMEDY)
    for (const name of names ?? []) {
      const reading = files.get(name)
      if (reading?.days) found.holidays[name] = reading.days
      else if (reading) refused.set(name, reading.problems)
      else complain(['calendars', n, 'holidays_from'], `calendar "${key}": ${name} was not read`, NAME_REMEDY)
    }
    if (wrong.length === 0) found.calendars.set(key, withHolidays(expandCalendar(short), names ?? [], found.holidays))
  }
  return { ...found, problems: [...refused.values()].flat() }
}

/** Its own holidays, and those of its files with their names (C7: an exception still replaces any of them). */
function withHolidays(calendar: Calendar, files: readonly string[], holidays: Calendars['holidays']): Calendar {
  if (files.length === 0) return calendar
  const days = files.flatMap((name) => Object.entries(holidays[name] ?? {}))
  const names = Object.fromEntries(days.filter(([, name]) => name !== ''))
  return frozenCalendar({
    ...calendar,
    holidays: [...new Set([...calendar.holidays, ...days.map(([day]) => day)])],
    names,
  })
}

/** Times that people write in commands (COMMANDS E2, `when`), in their own zone and language. Pure. */
import { Temporal } from '../../time.ts'
import { LOCALES } from '../desk/values.ts'
import { problem, type Reading } from './command.ts'
import type { Arg } from './grammar.ts'
import { type Found, textOf } from './values.ts'

type Day = ReturnType<typeof Temporal.PlainDate.from>
type Moment = ReturnType<typeof Temporal.ZonedDateTime.from>

export type At = { at: Date; used: number }

/**
 * A time in the writer's zone, from the first of `args` on: `2026-11-25`, `2026-11-25T17:00`, `+2d`, `fri 17:00`,
 * `tomorrow`, `17:00`; days in seven languages. `hour` is that of a day without a time.
 */
export function timeOf(args: Arg[], on: Reading, hour: number): Found<At> {
  const [first, second] = args
  if (!first) return problem('when_missing')
  const text = textOf(first).toLowerCase()
  const now = Temporal.Instant.fromEpochMilliseconds(on.now.getTime()).toZonedDateTimeISO(on.zone)
  const step = /^\+?(\d{1,4})(m|min|h|d|w)$/.exec(text)
  if (step && /^(?:m|min|h)$/.test(step[2]!)) {
    const unit = step[2] === 'h' ? 'hours' : 'minutes'
    return { ok: { at: dateOf(now.add({ [unit]: Number(step[1]) })), used: 1 } }
  }
  const clock = second && clockOf(textOf(second))
  const used = clock ? 2 : 1
  const at = (day: Day, time = clock ?? { hour, minute: 0 }) =>
    dateOf(day.toZonedDateTime({ timeZone: on.zone, plainTime: Temporal.PlainTime.from(time) }))
  const today = now.toPlainDate()
  if (step) {
    const day = today.add({ days: Number(step[1]) * (step[2] === 'w' ? 7 : 1) })
    return { ok: { at: at(day, clock ?? { hour: now.hour, minute: now.minute }), used } }
  }
  const alone = clockOf(text)
  if (alone) {
    const passed = at(today, alone) <= on.now
    return { ok: { at: at(passed ? today.add({ days: 1 }) : today, alone), used: 1 } }
  }
  const day = dayOf(text, today, (one) => clock !== null && clock !== undefined && at(one) > on.now)
  if (!day) return problem('no_time', { value: text }, { column: first.column })
  const given = /[t ](\d{1,2}:\d\d)$/.exec(text)
  const inText = given && clockOf(given[1]!)
  if (given && !inText) return problem('no_time', { value: text }, { column: first.column })
  return { ok: inText ? { at: at(day, inText), used: 1 } : { at: at(day), used } }
}

type Clock = { hour: number; minute: number }

function clockOf(text: string): Clock | null {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text)
  return match && { hour: Number(match[1]), minute: Number(match[2]) }
}

/** A weekday is the next one; today's own name is today only with a time that is still to come. */
function dayOf(text: string, today: Day, isToCome: (day: Day) => boolean) {
  const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[t ]\d{1,2}:\d\d)?$/.exec(text)
  const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text)
  const [year, month, day] = iso ? iso.slice(1).map(Number) : dotted ? dotted.slice(1).map(Number).reverse() : []
  if (year !== undefined) {
    try {
      return Temporal.PlainDate.from({ year, month: month!, day: day! }, { overflow: 'reject' })
    } catch {
      return null // no such day
    }
  }
  if (TODAY.has(text)) return today
  if (TOMORROW.has(text)) return today.add({ days: 1 })
  const weekday = WEEKDAYS.get(text.replace(/\.$/, ''))
  if (weekday === undefined) return null
  const ahead = (weekday - today.dayOfWeek + 7) % 7
  const next = today.add({ days: ahead })
  return ahead === 0 && !isToCome(next) ? next.add({ days: 7 }) : next
}

const TODAY = new Set(['today', 'heute', "aujourd'hui", 'hoy', 'dziś', 'dzisiaj', 'сьогодні', 'сегодня'])
const TOMORROW = new Set(['tomorrow', 'morgen', 'demain', 'mañana', 'jutro', 'завтра'])

/** Monday is 1. Short and long, in every language that a name is one day's only. */
const WEEKDAYS: ReadonlyMap<string, number> = weekdays()

function weekdays(): Map<string, number> {
  const found = new Map<string, number>()
  for (let day = 1; day <= 7; day++) {
    const date = new Date(Date.UTC(2024, 0, day)) // 1 January 2024 was a Monday
    for (const locale of LOCALES)
      for (const weekday of ['long', 'short'] as const) {
        const name = new Intl.DateTimeFormat(locale, { weekday, timeZone: 'UTC' }).format(date)
        const word = name.toLowerCase().replace(/\.$/, '')
        found.set(word, found.has(word) && found.get(word) !== day ? 0 : day)
      }
  }
  for (const [word, day] of found) if (day === 0) found.delete(word)
  return found
}

const dateOf = (at: Moment): Date => new Date(at.epochMilliseconds)

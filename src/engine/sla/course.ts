/**
 * When each clock of a ticket ran, and in which calendar: read from the ticket's events, because a clock's row keeps only
 * the sum. For showing how a due date came about (FEATURES C7). Reads only.
 */
import type { Tx } from '../../database.ts'
import { clocks as limits } from '../../limits.ts'
import { seconds } from '../../time.ts'
import { type Calendar, workingSecondsBetween } from '../business-hours.ts'
import type { Stretch } from '../due-words/spans.ts'
import { type Account, type Book, type ClockKey, keyOf } from './account.ts'
import { readEvent } from './log.ts'
import { apply, type SlaEvent } from './machine.ts'
import { readStory } from './replay.ts'

/** [from, to) in epoch seconds, counted in a version of a calendar. */
export type Ran = { calendarId: number; from: number; to: number }

/**
 * What a clock has counted: `ran` in order, whose working time and `brought` are its elapsed seconds. `brought` came
 * with a ticket that was merged into this one (K18).
 */
export type Course = { ran: Ran[]; brought: number }

/** The courses of a ticket's clocks; none where its events do not tell how it began, or are too many for a page. */
export async function findCourses(tx: Tx, ticketId: number): Promise<Map<ClockKey, Course>> {
  const [count] = await tx<{ count: number }[]>`select count(*)::int from events where ticket_id = ${ticketId}`
  if (count!.count > limits.story) return new Map()
  // What has not reached the ticket yet is no part of its story.
  const { events, book } = await readStory(tx, ticketId, new Date(0))
  return events[0]?.type === 'created' ? coursesOf(events.map(readEvent), book) : new Map()
}

/** What a clock ran in, and will run in until it is due or was late: for `howText` (due-words.ts). */
export function stretchesOf(
  { ran }: Course,
  clock: { calendar_id: number; running_since: Date | null; due_at: Date | null; breached_at: Date | null },
  calendars: ReadonlyMap<number, Calendar>,
): Stretch[] {
  const until = clock.breached_at ?? clock.due_at
  const end = until && seconds(until)
  const since = clock.running_since && seconds(clock.running_since)
  const past = ran.map(({ calendarId, from, to }) => ({ id: calendarId, from, to: end ? Math.min(to, end) : to }))
  const coming = since !== null && end !== null ? [{ id: clock.calendar_id, from: since, to: end }] : []
  return [...past, ...coming].flatMap(({ id, from, to }) => {
    const calendar = calendars.get(id)
    return calendar ? [{ calendar, from, to }] : []
  })
}

/** Up to the last event; a clock that runs has counted up to its `runningSince`. Pure. */
export function coursesOf(events: readonly SlaEvent[], book: Book): Map<ClockKey, Course> {
  const courses = new Map<ClockKey, Course>()
  let account: Account | null = null
  for (const event of events) {
    const before = new Map((account?.clocks ?? []).map((clock) => [keyOf(clock), clock]))
    account = apply(account, event, book)
    for (const clock of account.clocks) {
      const key = keyOf(clock)
      const course = courses.get(key) ?? { ran: [], brought: 0 }
      courses.set(key, course)
      const was = before.get(key)
      const since = was?.state === 'running' ? was.runningSince : null
      const stretch =
        was && since !== null && since !== clock.runningSince
          ? { calendarId: was.calendarId, from: since, to: event.at }
          : null
      const counted = stretch ? workingSecondsBetween(book.calendar(stretch.calendarId), stretch.from, stretch.to) : 0
      if (stretch && stretch.to > stretch.from) course.ran.push(stretch)
      course.brought += clock.elapsed - (was?.elapsed ?? 0) - counted
    }
  }
  return courses
}

/** Two policies, two calendars, two teams and random stories about them, for tests of the machine. */
import { type Calendar, expandCalendar } from '../../../src/engine/business-hours.ts'
import type { Book, Terms } from '../../../src/engine/sla/account.ts'
import type { Opening, SlaEvent } from '../../../src/engine/sla/machine.ts'
import { PRIORITIES, type Priority, type Status } from '../../../src/engine/tables.ts'
import type { Random } from '../../fuzz/random.ts'

export const HOUR = 3600

const calendars: Calendar[] = [
  expandCalendar({ tz: 'Europe/Berlin', weekly: { 'mon-fri': ['09:00-12:00', '13:00-17:00'] }, holidays: ['12-25'] }),
  expandCalendar({ tz: 'America/New_York', weekly: { 'mon-sat': ['22:00-06:00'] } }),
  expandCalendar({ tz: 'UTC', always: true }),
]
const pauseOn = { first_response: [], next_response: [], resolution: ['waiting_customer', 'on_hold'], ola: ['on_hold'] }
const targets = (hours: number) =>
  Object.fromEntries(
    PRIORITIES.map((priority, n) => [
      priority,
      { first_response: (hours * HOUR) >> n, next_response: (hours * HOUR) >> n, resolution: (5 * hours * HOUR) >> n },
    ]),
  ) as Terms['targets']

const terms: Terms[] = [
  {
    id: 0,
    targets: targets(8),
    ola: new Map([[1, { normal: 4 * HOUR, urgent: HOUR }]]),
    pauseOn,
    reopen: 'resume',
    reminders: [
      { id: 'half', metric: null, percent: 50 },
      { id: 'last', metric: 'resolution', left: HOUR },
      { id: 'end', metric: null, percent: 100 },
    ],
  },
  {
    id: 1,
    // nothing is promised for low, and no solution for urgent
    targets: { ...targets(2), low: {}, urgent: { first_response: HOUR / 2 } },
    ola: new Map([
      [1, { low: HOUR, normal: HOUR }],
      [2, { normal: 2 * HOUR, high: HOUR, urgent: HOUR }],
    ]),
    pauseOn: { ...pauseOn, first_response: ['on_hold'] },
    reopen: 'restart',
    reminders: [{ id: 'half', metric: null, percent: 75 }],
  },
]

/** Policies 0 and 1, calendars 0 (Berlin), 1 (nights in New York) and 2 (always). */
export const book: Book = { terms: (id) => terms[id]!, calendar: (id) => calendars[id]! }

/** A ticket of a customer, as most begin. */
export const opening: Opening = {
  origin: 'customer',
  status: 'new',
  priority: 'normal',
  teamId: 1,
  assigneeId: null,
  policyId: 0,
  calendarId: 0,
  teamCalendarId: null,
}

/** Whatever may happen to a ticket, from its creation to a few weeks later. */
export function randomStory(random: Random, length: number): SlaEvent[] {
  let at = Date.parse('2026-03-02T00:00:00Z') / 1000 + random.below(30 * 24 * HOUR)
  const origin = random.pick(['customer', 'customer', 'agent_for_customer', 'agent_outbound'] as const)
  const policyId = random.pick([0, 0, 1, null])
  const first: SlaEvent = {
    type: 'created',
    at,
    seq: 1,
    facts: {
      ...opening,
      origin,
      policyId,
      calendarId: policyId,
      priority: random.pick(PRIORITIES),
      teamId: random.pick([1, 2, null]),
    },
  }
  return [
    first,
    ...Array.from({ length }, (_, n): SlaEvent => {
      at += random.chance(0.2) ? 0 : random.below(random.chance(0.5) ? 4 * HOUR : 48 * HOUR)
      const when = { at, seq: n + 2 }
      return { ...when, ...randomEvent(random, at, n === length - 1) }
    }),
  ]
}

type Happening = SlaEvent extends infer E ? (E extends unknown ? Omit<E, 'at' | 'seq'> : never) : never

function randomEvent(random: Random, at: number, last: boolean): Happening {
  const roll = random.below(last ? 22 : 20)
  if (roll < 5)
    return {
      type: 'status',
      to: random.pick<Status>(['open', 'waiting_customer', 'on_hold', 'resolved', 'closed', 'open']),
      agentId: 7,
    }
  if (roll < 8) return { type: 'answered', agentId: 7 }
  if (roll < 11) return { type: 'customer_message' }
  if (roll < 13) return { type: 'priority', to: random.pick<Priority>(PRIORITIES) }
  if (roll < 15) return { type: 'team', to: random.pick([1, 2, null]), calendarId: random.pick([null, null, 2]) }
  if (roll < 16) return { type: 'assign', to: random.pick([7, 8, null]) }
  if (roll < 18) {
    const policyId = random.pick([0, 1, null])
    return { type: 'policy', policyId, calendarId: policyId === null ? null : random.pick([0, 1, 2]) }
  }
  if (roll < 19) return { type: 'merged_in', response: { startedAt: at - 2 * HOUR, elapsed: random.below(3 * HOUR) } }
  if (roll < 20) return { type: 'other' }
  return { type: roll < 21 ? 'merged_away' : 'spam' }
}

/** The clocks' machine: its rules one by one, then what holds for every story, by a few hundred random ones. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addWorkingTime, workingSecondsBetween, workingSpans } from '../../../src/engine/business-hours.ts'
import { type Account, isOpen, keyOf, nextDues } from '../../../src/engine/sla/account.ts'
import { coursesOf } from '../../../src/engine/sla/course.ts'
import { apply, openResponse, type SlaEvent, settle } from '../../../src/engine/sla/machine.ts'
import { startRandom } from '../../fuzz/random.ts'
import { book, HOUR, opening, randomStory } from './world.ts'

/** Monday 2 March 2026, in Berlin's winter: 08:00 UTC is 09:00. */
const at = (time: string, day = 2) => Date.parse(`2026-03-${String(day).padStart(2, '0')}T${time}Z`) / 1000
type Happening = SlaEvent extends infer E ? (E extends unknown ? Omit<E, 'seq'> : never) : never
const tell = (events: Happening[]): Account =>
  events.reduce<Account | null>((account, event, n) => apply(account, { ...event, seq: n + 1 }, book), null)!
const created = (facts: Partial<typeof opening> = {}, when = at('08:00:00')): Happening => ({
  type: 'created',
  at: when,
  facts: { ...opening, ...facts },
})
const clock = (account: Account, metric: string, cycle = 1) =>
  account.clocks.find((one) => one.metric === metric && one.cycle === cycle)!
const states = (account: Account) => account.clocks.map((one) => `${one.metric} ${one.state}`)

test('F1, R1, O1: a ticket of a customer starts three clocks, in the calendar of its policy', () => {
  const account = tell([created()])
  assert.equal(states(account), ['first_response running', 'resolution running', 'ola running'])
  assert.is(clock(account, 'resolution').dueAt, at('15:00:00', 4), '20 h at 7 h a day')
  assert.is(clock(account, 'first_response').target, 4 * HOUR)
  assert.is(clock(account, 'ola').teamId, 1)
})

test('F2: a ticket that an agent began is answered; R3: one created as done has no clocks; S5: nor has one without a policy', () => {
  assert.equal(states(tell([created({ origin: 'agent_outbound' })])), ['resolution running', 'ola running'])
  assert.equal(states(tell([created({ status: 'resolved' })])), [])
  assert.equal(states(tell([created({ policyId: null, calendarId: null })])), [])
})

test('K3: exactly at the due second is met, one second later is late, at the due second', () => {
  const due = clock(tell([created()]), 'first_response').dueAt!
  const met = tell([created(), { type: 'answered', at: due, agentId: 7 }])
  assert.is(clock(met, 'first_response').breachedAt, null)
  assert.is(clock(met, 'first_response').stopAgentId, 7)
  const late = tell([created({ assigneeId: 9 }), { type: 'assign', at: due + 1, to: 8 }])
  assert.is(clock(late, 'first_response').breachedAt, due)
  assert.is(late.breaches[0]!.assigneeId, 9, 'who had it then')
})

test('K6, K7: a pause over a weekend costs nothing', () => {
  const account = tell([
    created({}, at('08:00:00', 5)),
    { type: 'status', at: at('15:00:00', 6), to: 'waiting_customer', agentId: null },
    { type: 'status', at: at('08:00:00', 9), to: 'open', agentId: null },
  ])
  const { elapsed, dueAt } = clock(account, 'resolution')
  assert.is(elapsed, 13 * HOUR)
  assert.is(dueAt, at('16:00:00', 9))
  const paused = tell([created(), { type: 'status', at: at('09:00:00'), to: 'on_hold', agentId: null }])
  assert.is(clock(paused, 'resolution').dueAt, null)
  assert.is(clock(paused, 'resolution').lastDueAt, at('15:00:00', 4))
  assert.is(clock(paused, 'first_response').state, 'running')
})

test('K10-K12: a higher priority counts what has passed; too much is late at once, and a lower one forgives it', () => {
  const urgent = tell([created(), { type: 'priority', at: at('09:00:00'), to: 'urgent' }])
  assert.is(clock(urgent, 'first_response').dueAt, at('09:00:00'), 'one hour is over in this second')
  assert.is(clock(urgent, 'first_response').breachedAt, null)
  const over = tell([created(), { type: 'priority', at: at('09:00:01'), to: 'urgent' }])
  assert.is(clock(over, 'first_response').breachedAt, at('09:00:01'))
  const forgiven = apply(over, { type: 'priority', at: at('10:00:00'), seq: 3, to: 'low' }, book)
  assert.is(clock(forgiven, 'first_response').breachedAt, null)
  assert.equal(
    forgiven.breaches
      .filter((row) => row.clock === 'first_response//1')
      .map((row) => [row.supersededAt, row.supersededBy]),
    [[at('10:00:00'), 3]],
  )
})

test('K13, K14: without a target the clock is cancelled, and goes on where it stood when one comes back', () => {
  const gone = tell([created(), { type: 'policy', at: at('09:00:00'), policyId: null, calendarId: null }])
  assert.equal(states(gone), ['first_response cancelled', 'resolution cancelled', 'ola cancelled'])
  const back = apply(gone, { type: 'policy', at: at('13:00:00'), seq: 3, policyId: 0, calendarId: 0 }, book)
  assert.is(clock(back, 'first_response').elapsed, HOUR)
  assert.is(clock(back, 'first_response').stopReason, null)
})

test('N1-N3: the oldest unanswered message rules, each wait is a row of its own', () => {
  const wait: Happening[] = [
    created(),
    { type: 'customer_message', at: at('08:30:00') },
    { type: 'answered', at: at('09:00:00'), agentId: 7 },
    { type: 'customer_message', at: at('10:00:00') },
    { type: 'customer_message', at: at('10:30:00') },
  ]
  assert.is(clock(tell(wait), 'next_response').startedAt, at('10:00:00'))
  const second = tell([
    ...wait,
    { type: 'answered', at: at('10:40:00'), agentId: 7 },
    { type: 'customer_message', at: at('13:00:00') },
  ])
  assert.is(clock(second, 'next_response').stopReason, 'reply')
  assert.is(clock(second, 'next_response', 2).state, 'running')
})

test('F4, F5, R4: resolving answers, a reopening goes on with the solution or starts it anew, and never the first answer', () => {
  const story = (policyId: number): Happening[] => [
    created({ policyId, calendarId: 0 }),
    { type: 'status', at: at('09:00:00'), to: 'resolved', agentId: 7 },
    { type: 'status', at: at('12:00:00'), to: 'open', agentId: null },
    { type: 'customer_message', at: at('12:00:00') },
  ]
  const resumed = tell(story(0))
  assert.is(clock(resumed, 'first_response').stopReason, 'resolved')
  assert.equal([clock(resumed, 'resolution').state, clock(resumed, 'resolution').elapsed], ['running', HOUR])
  assert.is(clock(resumed, 'next_response').state, 'running')
  const restarted = tell(story(1))
  assert.is(clock(restarted, 'resolution').state, 'stopped')
  assert.equal([clock(restarted, 'resolution', 2).state, clock(restarted, 'resolution', 2).elapsed], ['running', 0])
})

test('O2, O3: handing over and back gains nothing', () => {
  const account = tell([
    created({ policyId: 1, calendarId: 0 }),
    { type: 'team', at: at('08:30:00'), to: 2, calendarId: null },
    { type: 'team', at: at('10:00:00'), to: 1, calendarId: null },
  ])
  const [first, second] = account.clocks.filter((one) => one.metric === 'ola')
  assert.equal([first!.state, first!.elapsed, first!.teamId], ['running', HOUR / 2, 1])
  assert.equal([second!.state, second!.stopReason, second!.elapsed], ['stopped', 'handed_over', 1.5 * HOUR])
  assert.is(clock(account, 'resolution').state, 'running')
})

test('O1: a team counts in its own calendar', () => {
  const account = tell([created({ teamCalendarId: 2 }, at('20:00:00'))])
  assert.is(clock(account, 'ola').dueAt, at('00:00:00', 3))
  // Q1: what customers are promised is what the ticket is due by, however early the team's part is
  assert.equal(nextDues(account.clocks), { nextDueAt: at('13:00:00', 3), olaDueAt: at('00:00:00', 3) })
  assert.is(account.clocks[0]!.calendarId, 0)
})

test('K17: a merge leaves its breaches, spam takes all of them back, and then nothing changes any more', () => {
  const late: Happening[] = [created(), { type: 'other', at: at('08:00:00', 4) }]
  const merged = tell([...late, { type: 'merged_away', at: at('09:00:00', 4) }])
  assert.equal(new Set(merged.clocks.map((one) => one.stopReason)), new Set(['merged']))
  assert.is(merged.breaches[0]!.supersededAt, null)
  const spam = tell([...late, { type: 'spam', at: at('09:00:00', 4) }])
  assert.ok(spam.breaches.length > 0 && spam.breaches.every((row) => row.supersededAt === at('09:00:00', 4)))
  const after = apply(spam, { type: 'priority', at: at('10:00:00', 4), seq: 9, to: 'low' }, book)
  assert.equal(after.clocks, spam.clocks)
})

test('K18: a merge never extends a promise', () => {
  const source = tell([created({}, at('06:00:00')), { type: 'other', at: at('09:00:00') }])
  const response = openResponse(source, at('10:00:00'), book)
  assert.equal(response, { startedAt: at('06:00:00'), elapsed: 2 * HOUR })
  const target = tell([created({}, at('09:30:00')), { type: 'merged_in', at: at('10:00:00'), response }])
  assert.is(clock(target, 'first_response').dueAt, clock(source, 'first_response').dueAt)
  const answered = tell([
    created({}, at('09:00:00')),
    { type: 'answered', at: at('09:30:00'), agentId: 7 },
    { type: 'merged_in', at: at('10:00:00'), response },
  ])
  assert.equal([clock(answered, 'next_response').elapsed, answered.facts.awaitingSince], [2 * HOUR, at('06:00:00')])
})

test('W1-W4: reminders fire once, at their instants; the breach fires the one at the end', () => {
  const done = settle(tell([created()]), at('08:00:00', 9), book)
  assert.equal(
    done.firings.filter((one) => one.clock === 'resolution//1').map((one) => [one.reminder, one.at]),
    [
      ['half', at('11:00:00', 3)],
      ['last', at('14:00:00', 4)],
      ['end', at('15:00:00', 4)],
    ],
  )
})

test('W3: a change that puts it ahead again arms it again; what is reached already fires at once, the highest alone', () => {
  const fired = tell([created(), { type: 'priority', at: at('10:30:00'), to: 'low' }])
  const first = clock(fired, 'first_response')
  assert.equal([first.fired, first.generation, first.nextWarnAt], [[], 1, at('13:00:00')])
  // 6.5 h of the solution have passed, of 40 h and then of 5: all three lie behind at once, and the last is told
  const both = tell([created({ priority: 'low' }), { type: 'priority', at: at('15:30:00'), to: 'urgent' }])
  assert.equal(
    both.firings.filter((one) => one.clock === 'resolution//1').map((one) => [one.reminder, one.at]),
    [['end', at('15:30:00')]],
  )
  assert.equal(clock(both, 'resolution').fired.toSorted(), ['end', 'half', 'last'])
})

test('K9: a late sweep changes nothing in the record, whenever it comes', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = startRandom(seed)
    const story = randomStory(random, 12)
    const end = story.at(-1)!.at + random.below(400 * HOUR)
    const tellWith = (sweeps: (from: number, to: number) => number[]) => {
      let account: Account | null = null
      for (const [n, event] of story.entries()) {
        account = apply(account, event, book)
        for (const when of sweeps(event.at, story[n + 1]?.at ?? end)) account = settle(account, when, book)
      }
      return settle(account!, end, book)
    }
    const never = tellWith(() => [])
    const often = tellWith((from, to) =>
      Array.from({ length: 5 }, () => from + random.below(to - from + 1)).sort((a, b) => a - b),
    )
    assert.equal(often, never, `seed ${seed}`)
  }
})

test('C13 and sums: what is left of a running clock is what the working time until its due date holds', () => {
  let looked = 0
  for (let seed = 1; seed <= 300; seed++) {
    const random = startRandom(seed)
    let account: Account | null = null
    for (const event of randomStory(random, 10)) {
      account = apply(account, event, book)
      for (const one of account.clocks) {
        if (one.state !== 'running' || one.dueAt === null || one.breachedAt !== null) continue
        const calendar = book.calendar(one.calendarId)
        const [since, due] = [one.runningSince!, one.dueAt]
        const spans = workingSpans(calendar, since, due, 10_000)
        const sum = spans.reduce((all, span) => all + span.to - span.from, 0)
        assert.is(one.elapsed + sum, one.target, `seed ${seed}`)
        const between = since + random.below(due - since + 1)
        const rest = one.target - one.elapsed - workingSecondsBetween(calendar, since, between)
        assert.is(addWorkingTime(calendar, between, rest), due, `seed ${seed}`)
        looked++
      }
    }
  }
  assert.ok(looked > 1000, `${looked} clocks`)
})

test('C7: what a clock ran in sums to what it has counted, and to its target when it is due', () => {
  let [looked, paused] = [0, 0]
  for (let seed = 1; seed <= 1200; seed++) {
    const story = randomStory(startRandom(seed), 2 + (seed % 13))
    const account = story.reduce<Account | null>((all, event) => apply(all, event, book), null)!
    const courses = coursesOf(story, book)
    for (const one of account.clocks) {
      const { ran, brought } = courses.get(keyOf(one))!
      const worked = (from: number, to: number, calendarId: number) =>
        workingSpans(book.calendar(calendarId), from, to, 10_000).reduce((all, span) => all + span.to - span.from, 0)
      const sum = ran.reduce((all, part) => all + worked(part.from, part.to, part.calendarId), brought)
      assert.is(sum, one.elapsed, `seed ${seed} ${keyOf(one)}`)
      for (const [n, part] of ran.entries())
        assert.ok(part.from < part.to && part.from >= (ran[n - 1]?.to ?? 0), `seed ${seed}: in order`)
      if (!story.some((event) => event.type === 'merged_in')) assert.is(brought, 0)
      if (ran.some((part, n) => n > 0 && part.from > ran[n - 1]!.to)) paused++
      if (one.state !== 'running' || one.dueAt === null || one.breachedAt !== null) continue
      assert.is(sum + worked(one.runningSince!, one.dueAt, one.calendarId), one.target, `seed ${seed} ${keyOf(one)}`)
      looked++
    }
  }
  assert.ok(looked > 100 && paused > 100, `${looked} due, ${paused} paused`)
})

test('in every story: one clock a metric and team is open, a breached clock has one row that stands, elapsed never shrinks', () => {
  for (let seed = 1; seed <= 300; seed++) {
    let account: Account | null = null
    let before = new Map<string, number>()
    for (const event of randomStory(startRandom(seed), 20)) {
      account = apply(account, event, book)
      const open = account.clocks.filter(isOpen).map((one) => `${one.metric}/${one.teamId}`)
      assert.is(new Set(open).size, open.length, `seed ${seed}`)
      for (const one of account.clocks) {
        const key = `${one.metric}/${one.teamId ?? ''}/${one.cycle}`
        const standing = account.breaches.filter((row) => row.clock === key && row.supersededAt === null)
        if (!account.facts.ended) assert.is(standing.length, one.breachedAt === null ? 0 : 1, `seed ${seed} ${key}`)
        assert.ok(one.elapsed >= (before.get(key) ?? 0), `seed ${seed} ${key}`)
      }
      before = new Map(account.clocks.map((one) => [`${one.metric}/${one.teamId ?? ''}/${one.cycle}`, one.elapsed]))
    }
  }
})

test.run()

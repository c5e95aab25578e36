/**
 * The schedule. Cron only wakes; what is due is in rows. Each job takes its lease, so that one daemon does it, and can
 * be called by hand with the time as an argument.
 */
import { schedule } from 'node-cron'
import { releaseLease, type Sql, takeLease, transaction } from './database.ts'
import { sendDueStatements } from './engine/billing/statements.ts'
import { purgeChallenges } from './engine/challenges.ts'
import { system } from './engine/events.ts'
import { tellMovedDates } from './engine/moved-dates.ts'
import { raiseNotice } from './engine/notices.ts'
import { queueAgentDigests } from './engine/notify/digest.ts'
import { purgeTold } from './engine/notify/rows.ts'
import { queueTimesheets } from './engine/notify/timesheet.ts'
import { tellNews } from './engine/notify.ts'
import { purgeBudgets } from './engine/outbox/budget.ts'
import { purgeBodies } from './engine/outbox.ts'
import { remindDue } from './engine/reminders.ts'
import { listOutdated } from './engine/sla/find-due.ts'
import { tellPassed } from './engine/tickets/due.ts'
import { sweepOutdated, sweepZones } from './engine/tickets/sweep.ts'
import { wakeDue } from './engine/tickets/wait.ts'
import { closeResolved } from './engine/tickets.ts'
import { stopForgotten } from './engine/time-entries/timer.ts'
import type { Tools } from './engine/tools.ts'
import { claimCalls, purgeCalls, settleCall } from './engine/webhooks.ts'
import { wordsOf } from './errors.ts'
import { callHook } from './hooks.ts'
import { hooks, kept, notifying, reminders, tickets } from './limits.ts'
import type { Log } from './log.ts'
import { queueDigests } from './mail/digest.ts'
import { remindOfHeld } from './mail/spool/held.ts'
import { purge } from './mail/spool.ts'
import { after, MINUTE } from './time.ts'
import { rotateKeys } from './tokens.ts'
import { purgeLinks } from './web/session.ts'

/** What jobs need besides the database; `url` is where the web view is, `secret` opens the keys. */
export type House = {
  tools: () => Tools
  url: string
  secret: Buffer
  /** Inside that may be called. Default: none. */
  networks?: readonly string[]
}

export type Job = {
  name: string
  cron: string
  /**
   * `every`: each daemon does it, without a lease, because locked rows share the work and a daemon that died must not be
   * waited for; it is logged only where something was done. Default: one daemon, under its lease.
   */
  by?: 'every'
  run(sql: Sql, now: Date, house: House): Promise<Record<string, number>>
}

export const JOBS: Job[] = [
  { name: 'sla_due', cron: '*/10 * * * * *', by: 'every', run: sweepWhatIsDue }, // SLA Q3
  { name: 'wake', cron: '*/10 * * * * *', by: 'every', run: wakeWhatIsDue }, // COMMANDS: until, snooze
  { name: 'dates', cron: '*/10 * * * * *', by: 'every', run: tellWhatPassed }, // dates by hand
  { name: 'moved_dates', cron: '*/10 * * * * *', by: 'every', run: tellCustomers }, // SLA D4
  { name: 'notify', cron: '*/5 * * * * *', by: 'every', run: tellAgents }, // MAIL 8.32
  { name: 'sla_edits', cron: '* * * * *', by: 'every', run: sweepWhatIsOutdated }, // SLA Q5
  { name: 'sla_zones', cron: '47 2 * * *', run: sweepZonesOfAll }, // SLA Q6, C12
  { name: 'timers', cron: '*/5 * * * *', run: (sql, now, { tools }) => stopForgotten(sql, tools().desk, now) }, // SLA T2
  {
    name: 'close_resolved', // HOUSE, Words: 14 days after an agent said done
    cron: '7 * * * *',
    async run(sql, now) {
      const before = after(now, -tickets.close)
      let closed = 0
      for (let some = 1; some > 0; closed += some)
        some = await transaction(sql, (tx) => closeResolved(tx, before, system('cron'), now))
      return { closed }
    },
  },
  { name: 'held_mail', cron: '57 6 * * *', run: remindOfHeld }, // 4a.28
  {
    name: 'digest', // 4a.28; hourly, because it is seven o'clock somewhere
    cron: '0 * * * *',
    run: (sql, now, { tools, url }) => queueDigests(sql, { tools: tools(), url }, now),
  },
  {
    name: 'agent_digest', // C14; hourly for the same reason
    cron: '0 * * * *',
    run: (sql, now, { tools, url }) => queueAgentDigests(sql, { tools: tools(), url }, now),
  },
  {
    name: 'timesheets', // C12
    cron: '0 * * * *',
    run: (sql, now, { tools, url }) => queueTimesheets(sql, { tools: tools(), url }, now),
  },
  {
    name: 'statements', // C11; hourly, because it is eight o'clock somewhere
    cron: '0 * * * *',
    run: (sql, now, { tools }) => sendDueStatements(sql, tools(), now),
  },
  { name: 'webhooks', cron: '*/10 * * * * *', by: 'every', run: callWebhooks }, // SLA E1
  {
    name: 'purge_webhooks',
    cron: '7 5 * * *',
    run: async (sql, now) => ({ calls: await purgeCalls(sql, after(now, -hooks.kept)) }),
  },
  { name: 'purge_mails', cron: '17 * * * *', run: purge },
  {
    name: 'purge_outbox', // HOUSE, Kept: bodies of sent mails
    cron: '27 3 * * *',
    run: async (sql, now) => ({ bodies: await purgeBodies(sql, after(now, -kept.outboxBodies)) }),
  },
  {
    name: 'purge_budgets',
    cron: '37 3 * * *',
    run: async (sql, now) => ({ counters: await transaction(sql, (tx) => purgeBudgets(tx, now)) }),
  },
  {
    name: 'purge_told',
    cron: '33 3 * * *',
    run: async (sql, now) => ({ told: await transaction(sql, (tx) => purgeTold(tx, after(now, -notifying.told))) }),
  },
  { name: 'rotate_keys', cron: '7 4 * * *', run: (sql, now, { secret }) => rotateKeys(sql, secret, now) }, // 5.8
  {
    name: 'purge_challenges', // HOUSE, Kept: challenges until used or expired, dedupe keys 400 days
    cron: '51 3 * * *',
    run: async (sql, now) => ({
      questions: await purgeChallenges(sql, {
        questions: after(now, -kept.discarded),
        executed: after(now, -kept.dedupe),
      }),
    }),
  },
  { name: 'purge_links', cron: '47 3 * * *', run: async (sql, now) => ({ links: await purgeLinks(sql, now) }) },
]

type Ticking = House & { sql: Sql; worker: string; log: Log; now: () => Date }

/** Starts the ticker; a job that another daemon is doing, or this one still, is passed over. */
export function startCron(given: Ticking): { stop(): Promise<void> } {
  const running = new Map<string, Promise<void>>()
  const tasks = JOBS.map((job) =>
    schedule(job.cron, () => {
      if (running.has(job.name)) return
      const work = runJob(job, given).finally(() => running.delete(job.name))
      running.set(job.name, work)
    }),
  )
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.destroy()))
      await Promise.all(running.values())
    },
  }
}

/** Does one job if its lease is free. A failure is logged; the next tick tries again. */
export async function runJob(job: Job, given: Ticking): Promise<void> {
  const { sql, worker, log } = given
  const lease = `cron/${job.name}`
  try {
    if (job.by !== 'every' && !(await takeLease(sql, lease, worker, 10 * MINUTE))) return
    try {
      const done = await job.run(sql, given.now(), given)
      if (job.by !== 'every' || Object.values(done).some((count) => count > 0))
        log.info('cron_done', { job: job.name, ...done })
    } finally {
      if (job.by !== 'every') await releaseLease(sql, lease, worker)
    }
  } catch (error) {
    log.error('cron_failed', { job: job.name, words: wordsOf(error) })
  }
}

/** Ticket by ticket, so that a budget that is asked for keeps nobody waiting for another. */
async function tellCustomers(sql: Sql, now: Date, { tools }: House): Promise<Record<string, number>> {
  let told = 0
  for (let found = true; found; ) {
    const one = await transaction(sql, (tx) => tellMovedDates(tx, tools(), now))
    if (one.told) told++
    found = one.found
  }
  return { told }
}

/** A few mails a tick; what belongs to a ticket that somebody works on this very moment waits for the next. */
async function tellAgents(sql: Sql, now: Date, { tools, url }: House): Promise<Record<string, number>> {
  const done = { mails: 0, for_digests: 0, failed: 0 }
  for (let batches = 0; batches < 20; batches++) {
    const batch = await transaction(sql, (tx) => tellNews(tx, { tools: tools(), url }, now))
    done.mails += batch.mails
    done.for_digests += batch.digest
    done.failed += batch.failed
    if (!batch.more || done.mails > 0) break
  }
  return done
}

/**
 * What fell due while no daemon ran, before the mails that came meanwhile are worked on: they find the tickets as they
 * would have found them (SLA K9, E2). No longer than a start may take; the schedule does the rest.
 */
export async function sweepFirst({ sql, tools, url, log, now }: Ticking): Promise<void> {
  const done = { settled: 0, reminders: 0 }
  try {
    let more = true
    for (const until = performance.now() + reminders.first; more && performance.now() < until; ) {
      const batch = await transaction(sql, (tx) => remindDue(tx, { tools: tools(), url }, now()))
      done.settled += batch.settled
      done.reminders += batch.reminders
      more = batch.more
    }
  } catch (error) {
    log.error('cron_failed', { job: 'sla_due', words: wordsOf(error) }) // the next tick tries again
  }
  if (done.settled + done.reminders > 0) log.info('cron_done', { job: 'sla_due', ...done })
}

/** Batch by batch until nothing is due, or all of it is in other hands. */
async function sweepWhatIsDue(sql: Sql, now: Date, { tools, url }: House): Promise<Record<string, number>> {
  const done = { settled: 0, reminders: 0, notices: 0, dropped_notices: 0 }
  for (;;) {
    const batch = await transaction(sql, (tx) => remindDue(tx, { tools: tools(), url }, now))
    done.settled += batch.settled
    done.reminders += batch.reminders
    done.notices += batch.notices
    done.dropped_notices += batch.dropped
    if (!batch.more) return done
  }
}

async function wakeWhatIsDue(sql: Sql, now: Date): Promise<Record<string, number>> {
  let woken = 0
  for (let more = true; more; ) {
    const batch = await transaction(sql, (tx) => wakeDue(tx, now))
    woken += batch.woken
    more = batch.more
  }
  return { woken }
}

async function tellWhatPassed(sql: Sql, now: Date): Promise<Record<string, number>> {
  let passed = 0
  for (let more = true; more; ) {
    const batch = await transaction(sql, (tx) => tellPassed(tx, now))
    passed += batch.passed
    more = batch.more
  }
  return { passed }
}

/** A batch of calls, some at once, each settled as soon as it is answered; the next ones wait for the next tick. */
async function callWebhooks(sql: Sql, now: Date, { networks = [] }: House): Promise<Record<string, number>> {
  const done = { called: 0, failed: 0 }
  const calls = await claimCalls(sql, now)
  const next = async () => {
    for (let call = calls.shift(); call; call = calls.shift()) {
      const { ok, words } = await callHook(call, networks)
      await settleCall(sql, { call, ok, words }, now)
      done.called++
      if (!ok) done.failed++
    }
  }
  await Promise.all(Array.from({ length: hooks.atOnce }, next))
  return done
}

/** Version by version, batch by batch. */
async function sweepWhatIsOutdated(sql: Sql, now: Date): Promise<Record<string, number>> {
  let settled = 0
  for (const version of await listOutdated(sql))
    for (let last: number | null = 0; last !== null; ) {
      const after: number = last
      const batch = await transaction(sql, (tx) => sweepOutdated(tx, { version, after }, now))
      settled += batch.settled
      last = batch.last
    }
  return { settled }
}

/** Due dates by the zone data of this runtime; admins hear of calendars under which nothing is ever due. */
async function sweepZonesOfAll(sql: Sql, now: Date): Promise<Record<string, number>> {
  let settled = 0
  const never = new Set<string>()
  for (let last: number | null = 0; last !== null; ) {
    const from: number = last
    const page = await transaction(sql, (tx) => sweepZones(tx, from, now))
    settled += page.settled
    for (const key of page.never) never.add(key)
    last = page.last
  }
  for (const key of never) {
    const words = `Clocks run under calendar ${key} that are never due: it has too little working time in ten years.`
    await raiseNotice(sql, { kind: 'never_due', subject: key, words }, now)
  }
  return { settled, never: never.size }
}

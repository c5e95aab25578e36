/**
 * The schedule. Cron only wakes; what is due is in rows. Each job takes its lease, so that one daemon does it, and can
 * be called by hand with the time as an argument.
 */
import { schedule } from 'node-cron'
import { releaseLease, type Sql, takeLease, transaction } from './database.ts'
import { system } from './engine/events.ts'
import { purgeBudgets } from './engine/outbox/budget.ts'
import { purgeBodies } from './engine/outbox.ts'
import { closeResolved } from './engine/tickets.ts'
import type { Tools } from './engine/tools.ts'
import { wordsOf } from './errors.ts'
import { kept, tickets } from './limits.ts'
import type { Log } from './log.ts'
import { queueDigests } from './mail/digest.ts'
import { remindOfHeld } from './mail/spool/held.ts'
import { purge } from './mail/spool.ts'
import { after, MINUTE } from './time.ts'
import { purgeLinks } from './web/session.ts'

/** What jobs that write mails need besides the database; `url` is where the web view is. */
export type House = { tools: () => Tools; url: string }

export type Job = {
  name: string
  cron: string
  run(sql: Sql, now: Date, house: House): Promise<Record<string, number>>
}

export const JOBS: Job[] = [
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
  { name: 'purge_links', cron: '47 3 * * *', run: async (sql, now) => ({ links: await purgeLinks(sql, now) }) },
]

type Ticking = House & { sql: Sql; worker: string; log: Log; now: () => Date }

/** Starts the ticker; a job that another daemon is doing is passed over. */
export function startCron(given: Ticking): { stop(): Promise<void> } {
  const running = new Set<Promise<void>>()
  const tasks = JOBS.map((job) =>
    schedule(job.cron, () => {
      const work = runJob(job, given).finally(() => running.delete(work))
      running.add(work)
    }),
  )
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.destroy()))
      await Promise.all(running)
    },
  }
}

/** Does one job if its lease is free. A failure is logged; the next tick tries again. */
export async function runJob(job: Job, given: Ticking): Promise<void> {
  const { sql, worker, log } = given
  const lease = `cron/${job.name}`
  try {
    if (!(await takeLease(sql, lease, worker, 10 * MINUTE))) return
    try {
      log.info('cron_done', { job: job.name, ...(await job.run(sql, given.now(), given)) })
    } finally {
      await releaseLease(sql, lease, worker)
    }
  } catch (error) {
    log.error('cron_failed', { job: job.name, words: wordsOf(error) })
  }
}

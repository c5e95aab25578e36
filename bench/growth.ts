/**
 * What a mail costs with 100,000 tickets behind it, against 1,000: two databases on one server, two daemons of which
 * one works at a time, the same mix of mails. The result is the median of the ratios of five alternating pairs.
 */
import type { Sql } from '../src/database.ts'
import { type Figure, median } from './figures.ts'
import { type Daemon, type Ground, type Helper, startDaemon, startHelper } from './ground.ts'
import { fillDesk } from './growth-rows.ts'
import { settled, timeRun } from './throughput.ts'

const FEW = 1000
const MANY = 100_000
const MAILS = 300
const WARM = 400
const PAIRS = 5
const AT_MOST = 1.25

type Side = { name: string; sql: Sql; daemon: Daemon }

export async function measureGrowth(ground: Ground, tell: (words: string) => void): Promise<Figure[]> {
  const client = startHelper('client.ts')
  const sides: Side[] = []
  try {
    for (const tickets of [FEW, MANY]) sides.push(await prepare(ground, tickets, tell))
    const [few, many] = sides as [Side, Side]
    for (const side of sides) await costOf(side, client, { run: 'warm', count: WARM })
    const costs: { few: number; many: number }[] = []
    for (let pair = 0; pair < PAIRS; pair++) {
      const cost = { few: 0, many: 0 }
      for (const which of pair % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const))
        cost[which] = await costOf(which === 'few' ? few : many, client, { run: `pair${pair}`, count: MAILS })
      costs.push(cost)
      tell(`pair ${pair + 1}: ${cost.many.toFixed(2)} ms a mail, with few ${cost.few.toFixed(2)}`)
    }
    const ratios = costs.map((cost) => cost.many / cost.few)
    return [
      {
        what: `cost of a mail with ${MANY} tickets, of that with ${FEW}`,
        value: median(ratios),
        unit: 'ratio',
        bar: { atMost: AT_MOST },
        all: ratios,
        beside: {
          [`ms a mail with ${MANY} tickets`]: median(costs.map((cost) => cost.many)),
          [`ms a mail with ${FEW} tickets`]: median(costs.map((cost) => cost.few)),
        },
      },
    ]
  } finally {
    await client.stop()
    for (const { name, sql, daemon } of sides) {
      await daemon.stop()
      await sql.end()
      await ground.dropDatabase(name)
    }
  }
}

/** A daemon makes the schema and the desk; the rows come from SQL; the daemon that is measured starts after them. */
async function prepare(ground: Ground, tickets: number, tell: (words: string) => void): Promise<Side> {
  const name = `growth_${tickets}`
  await ground.makeDatabase(name)
  await (await startDaemon(ground, { database: name })).stop()
  const sql = ground.open(name)
  const from = performance.now()
  await fillDesk(sql, tickets)
  tell(`${tickets} tickets made in ${((performance.now() - from) / 1000).toFixed(0)} s`)
  return { name, sql, daemon: await startDaemon(ground, { database: name }) }
}

/** Milliseconds a mail. Each run has its own senders; what the inbox may answer in an hour begins anew. */
async function costOf(side: Side, client: Helper, run: { run: string; count: number }): Promise<number> {
  await side.sql`delete from mail_budgets where scope like 'inbox/%'`
  const took = await timeRun(client, { ...run, address: side.daemon.smtp, done: settled(side.sql) })
  return took / run.count
}

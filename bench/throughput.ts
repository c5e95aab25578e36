/**
 * End to end against the floor: 1,000 mixed mails from SMTP to ticket and acknowledgement in the outbox, limits and
 * budgets as shipped, and the same bytes through smtp-server, mailparser and bare inserts on the same server. Both are
 * warm, both are sent to by the same client over as many connections. The result is the median of the ratios of six
 * pairs.
 *
 * The daemon has a relay (sink.ts) and its shipped rates, as a desk in use has: 30 mails leave in a minute while the
 * others wait in the outbox. Without one it would write all of them to files meanwhile, at no rate, which is delivery
 * and not measured here.
 */
import type { Sql } from '../src/database.ts'
import type { Prepare, Send, Sent } from './client.ts'
import { cpuOf } from './cpu.ts'
import { type Figure, median } from './figures.ts'
import { type Daemon, type Ground, type Helper, startDaemon, startHelper, until } from './ground.ts'
import type { Address } from './smtp.ts'

const MAILS = 1000
const WARM = ['warm-1', 'warm-2'] // runs of 750: what a daemon is after its first seconds, and within an inbox's budget
const WARM_MAILS = 750
const CONNECTIONS = 10
const PAIRS = 6 // each order as often: what runs second finds the server warmer
const AT_LEAST = 0.4

export async function measureThroughput(ground: Ground, tell: (words: string) => void): Promise<Figure[]> {
  const client = startHelper('client.ts')
  const ratios: number[] = []
  const costs: Cost[] = []
  const whole: number[] = []
  const bare: number[] = []
  try {
    for (let pair = 0; pair < PAIRS; pair++) {
      const order = pair % 2 === 0 ? [endToEnd, floor] : [floor, endToEnd]
      for (const work of order) {
        const { rate, cost } = await work(ground, client)
        if (work === endToEnd) whole.push(rate)
        else bare.push(rate)
        if (cost) costs.push(cost)
      }
      ratios.push(whole[pair]! / bare[pair]!)
      const { daemon, parser, server } = costs[pair]!
      tell(
        `pair ${pair + 1}: ${whole[pair]!.toFixed(0)} mails/s of ${bare[pair]!.toFixed(0)}; CPU a mail: ` +
          `daemon ${daemon.toFixed(2)} ms, parse children ${parser.toFixed(2)} ms, PostgreSQL ${server.toFixed(2)} ms`,
      )
    }
  } finally {
    await client.stop()
  }
  return [
    {
      what: 'throughput end to end, of the floor',
      value: median(ratios),
      unit: 'ratio',
      bar: { atLeast: AT_LEAST },
      all: ratios,
      beside: {
        'mails/s end to end': median(whole),
        'mails/s floor': median(bare),
        'CPU ms a mail, daemon': median(costs.map((cost) => cost.daemon)),
        'CPU ms a mail, parse children': median(costs.map((cost) => cost.parser)),
        'CPU ms a mail, PostgreSQL': median(costs.map((cost) => cost.server)),
      },
    },
  ]
}

/** Sends the mails of a run and waits until `done`. @returns milliseconds from the first byte to the end */
export async function timeRun(
  client: Helper,
  given: { run: string; count: number; address: Address; done: () => Promise<boolean> },
): Promise<number> {
  await client.ask({ prepare: { run: given.run, count: given.count } } satisfies Prepare)
  const { startedAt } = await client.ask<Sent>({
    send: { ...given.address, connections: CONNECTIONS },
  } satisfies Send)
  await until(given.done, `run ${given.run}`)
  return Date.now() - startedAt
}

/** Whether every mail has its final state; those that became a ticket have their acknowledgement in the outbox. */
export const settled = (sql: Sql) => async () => {
  const [row] = await sql`select exists (select from inbound_mails where state = 'received') as busy`
  return row?.busy === false
}

/** Milliseconds of CPU a mail; without the client and the relay. */
type Cost = { daemon: number; parser: number; server: number }

async function endToEnd(ground: Ground, client: Helper): Promise<{ rate: number; cost: Cost | null }> {
  await ground.makeDatabase('throughput')
  let daemon: Daemon | null = null
  const sink = startHelper('sink.ts')
  const sql = ground.open('throughput')
  try {
    const { port } = await sink.ask<{ port: number }>({})
    daemon = await startDaemon(ground, { database: 'throughput', relay: port })
    const { pid } = daemon
    const address = daemon.smtp
    const done = settled(sql)
    for (const run of WARM) await timeRun(client, { run, count: WARM_MAILS, address, done })
    const before = [cpuOf(pid), cpuOf(ground.pid)] as const
    const took = await timeRun(client, { run: 'load', count: MAILS, address, done })
    const after = [cpuOf(pid), cpuOf(ground.pid)] as const
    await requireAll(sql)
    const cost = {
      daemon: (after[0].own - before[0].own) / MAILS,
      parser: (after[0].children - before[0].children) / MAILS,
      server: (after[1].own + after[1].children - before[1].own - before[1].children) / MAILS,
    }
    return { rate: (MAILS * 1000) / took, cost }
  } finally {
    await daemon?.stop()
    await sink.stop()
    await sql.end()
    await ground.dropDatabase('throughput')
  }
}

/** A run that lost a mail, missed a conversation or left an acknowledgement out measures something else. */
async function requireAll(sql: Sql): Promise<void> {
  const [found] = await sql`
    with mails as (select state from inbound_mails where envelope_from like '%.load@%')
    select (select count(*)::int from mails where state = 'ticketed') as ticketed,
           (select count(*)::int from mails where state = 'commented') as commented,
           (select count(*)::int from outbox where kind = 'ack' and recipient like '%.load@%') as acks`
  const wanted = { ticketed: (MAILS * 3) / 4, commented: MAILS / 4, acks: (MAILS * 3) / 4 }
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}`)
}

async function floor(ground: Ground, client: Helper): Promise<{ rate: number; cost: null }> {
  await ground.makeDatabase('floor')
  const server = startHelper('floor.ts', { FLOOR_SOCKET: `${ground.host}/.s.PGSQL.5432`, FLOOR_USER: ground.user })
  try {
    const { port } = await server.ask<{ port: number }>({})
    const address = { host: '127.0.0.1', port }
    const done = async () => true // its 250 is the end
    for (const run of WARM) await timeRun(client, { run, count: WARM_MAILS, address, done })
    const took = await timeRun(client, { run: 'load', count: MAILS, address, done })
    return { rate: (MAILS * 1000) / took, cost: null }
  } finally {
    await server.stop()
    await ground.dropDatabase('floor')
  }
}

/**
 * How long after the end of the undo window an agent's answer by mail is at the customer's server, on a desk with 10,000
 * open tickets and everything as shipped: the window, the relay's rates, the daemon's own wake-ups.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../src/database.ts'
import { loadSecret } from '../src/secrets.ts'
import { loadKeys, signedAddress } from '../src/tokens.ts'
import { type Figure, median } from './figures.ts'
import { type Ground, SECRET, startDaemon, startHelper, until } from './ground.ts'
import { fillDesk } from './growth-rows.ts'
import { INBOX } from './mails.ts'
import { openLine } from './smtp.ts'

const TICKETS = 100_000 // of which 10,000 are open
const ANSWERS = 20
const AT_MOST = 2 // seconds
const AGENT = 'ada@desk.example'
const DATABASE = 'answer'

type Place = { ticket: number; inbox: number; agent: number; generation: number; shown: number }

export async function measureAnswer(ground: Ground, tell: (words: string) => void): Promise<Figure[]> {
  const sink = startHelper('sink.ts')
  await ground.makeDatabase(DATABASE)
  const sql = ground.open(DATABASE)
  const { port: relay } = await sink.ask<{ port: number }>({})
  try {
    await (await startDaemon(ground, { database: DATABASE })).stop()
    await fillDesk(sql, TICKETS)
    const daemon = await startDaemon(ground, { database: DATABASE, relay })
    try {
      const keys = await loadKeys(
        sql,
        loadSecret({ env: { POSTROOM_SECRET: SECRET }, data: ground.folder }),
        new Date(),
      )
      const line = await openLine(daemon.smtp)
      for (const place of await placesOf(sql)) {
        const { ticket, inbox, agent, generation, shown } = place
        const to = signedAddress(keys, INBOX, {
          purpose: 'a',
          ticket,
          inbox,
          person: agent,
          generation,
          comment: shown,
        })
        await line.send({ from: AGENT, to, pieces: [answerTo(ticket, to)] })
        await sleep(1000)
      }
      line.close()
      tell(`${ANSWERS} answers written; they wait for their windows`)
      await until(async () => (await latenesses(sql)).length === ANSWERS, 'sending the answers')
    } finally {
      await daemon.stop()
    }
    const late = await latenesses(sql)
    return [
      {
        what: `an agent's answer is out after its window, with ${TICKETS / 10} open tickets; the slowest of ${ANSWERS}`,
        value: Math.max(...late),
        unit: 's',
        bar: { atMost: AT_MOST },
        all: late,
        beside: { 'seconds after its window, median': median(late) },
      },
    ]
  } finally {
    await sql.end()
    await ground.dropDatabase(DATABASE)
    await sink.stop()
  }
}

/** Open tickets of five organizations in turn: the relay has a rate for each domain. */
const placesOf = (sql: Sql): Promise<Place[]> => sql<Place[]>`
  select t.id as ticket, t.inbox_id as inbox, t.token_generation as generation,
    (select id from agents where address = ${AGENT}) as agent,
    (select max(seq) from events e where e.ticket_id = t.id) as shown
  from tickets t where t.status = 'open' order by t.id limit ${ANSWERS}`

const answerTo = (ticket: number, to: string): Buffer =>
  Buffer.from(
    [
      `From: Ada <${AGENT}>`,
      `To: ${to}`,
      `Subject: Re: [#${ticket}] Printer ${ticket}`,
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <answer.${ticket}.${Date.now()}@desk.example>`,
      '',
      `Please switch printer ${ticket} off and on again.`,
      '',
    ].join('\r\n'),
  )

/** Seconds from the end of its window until the relay had it, of each answer that is out. */
async function latenesses(sql: Sql): Promise<number[]> {
  const rows = await sql<{ late: number }[]>`
    select extract(epoch from settled_at - not_before)::float8 as late from outbox
    where kind = 'reply' and state = 'sent' order by id`
  return rows.map((row) => row.late)
}

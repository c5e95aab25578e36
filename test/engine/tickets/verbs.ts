/** A ticket as its row says, and what taking a change back leaves of it: nothing but the time of the last change. */
import * as assert from 'uvu/assert'
import type { Sql } from '../../../src/database.ts'
import type { Actor } from '../../../src/engine/events.ts'
import { observed, takeBack } from '../../../src/engine/tickets/take-back.ts'
import type { TimeDesk } from '../time-desk.ts'

export const rowOf = async (sql: Sql, id: number) => {
  const [row] = await sql`select * from tickets where id = ${id}`
  return { ...row! }
}

export const eventsOf = async (sql: Sql, id: number) => {
  const rows = await sql`select type, data, why from events where ticket_id = ${id} and type <> 'created' order by seq`
  return rows.map((row) => ({ ...row }))
}

/**
 * Does it, checks that something changed, takes it back, and compares all columns but `updated_at`, and `answered_at`:
 * a resolved ticket counts as answered, and that never restarts (SLA F4, F5).
 */
export async function undone(
  sql: Sql,
  desk: TimeDesk,
  given: {
    ticketId: number
    actor: Actor
    now: Date
    change: (tx: Parameters<Parameters<TimeDesk['act']>[0]>[0]) => Promise<unknown>
  },
): Promise<void> {
  const { ticketId, actor, now } = given
  const still = ({ updated_at: _at, answered_at: _answered, ...row }: Awaited<ReturnType<typeof rowOf>>) => row
  const before = still(await rowOf(sql, ticketId))
  const changed = await desk.act((tx) => observed(tx, ticketId, () => given.change(tx)))
  assert.ok(changed, 'something was changed')
  assert.not.equal(still(await rowOf(sql, ticketId)), before)
  await desk.act((tx) =>
    takeBack(tx, { ticketId, changed: JSON.parse(JSON.stringify(changed)), actor, tools: desk.tools }, now),
  )
  assert.equal(still(await rowOf(sql, ticketId)), before)
}

/** What a reminder was to do before a mail came, an agent's or a customer's, is done before it, also where nobody has swept yet (SLA K9, E2). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { remindDue } from '../../../src/engine/reminders.ts'
import { after, MINUTE, SECOND } from '../../../src/time.ts'
import { demoDesk, MONDAY, mail, startDesk } from '../../desk.ts'
import { ground } from './ground.ts'

const desk = await startDesk({
  desk: demoDesk.replace(
    '  - key: gold\n',
    '  - key: gold\n    reminders: [{key: half, percent: 50, metric: first_response, then: {priority: high}}]\n',
  ),
})
const { sql } = desk
const { answer, ticket } = ground(desk)

/** The customer, to the address that the acknowledgement gave them. */
async function writesAgain(id: number) {
  const [row] = await sql`select headers from outbox where ticket_id = ${id} and kind = 'ack'`
  const [to] = (row!.headers as [string, { address: string }[]][]).find(([name]) => name === 'Reply-To')![1]
  const recipients = [{ address: to!.address, inbox: 'support', tag: to!.address.split('@')[0]!.split('+')[1]! }]
  return await desk.deliver(mail({ subject: 'Re: it burns', to: to!.address }), { recipients })
}

const url = 'https://desk.example'
test.after(() => desk.stop())

for (const who of ['agent', 'customer'] as const)
  test(`the record is the same, swept in time or not: a mail of the ${who}`, async () => {
    const record = async (swept: boolean) => {
      await desk.reset()
      Object.assign(desk.tools(), { url })
      const id = who === 'agent' ? await ticket() : (await desk.deliver(mail({}))).ticket_id!
      desk.clock.at = after(MONDAY, 120 * MINUTE + SECOND)
      if (swept) await transaction(sql, (tx) => remindDue(tx, { tools: desk.tools(), url }, desk.clock.at))
      desk.clock.at = after(MONDAY, 125 * MINUTE)
      const end = who === 'agent' ? await answer(id, 'Restart it.') : await writesAgain(id)
      assert.is(end.ticket_id, id)
      const rows = await sql`select type, at, actor from events where ticket_id = ${id} order by seq`
      return rows.map((row) => `${(row.at.getTime() - MONDAY.getTime()) / MINUTE} ${row.actor} ${row.type}`)
    }
    const late = await record(false)
    assert.ok(late.includes('120 system priority'), late.join('\n'))
    assert.equal(late, await record(true))
  })

test.run()

/** An answer to a real notification, as fifteen mail clients quote it: the customer gets the words alone, or nothing. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { note } from '../../../src/engine/tickets.ts'
import { after, MINUTE } from '../../../src/time.ts'
import { mail, startDesk, wholeAddress } from '../../desk.ts'
import { CLIENTS, composed } from '../../engine/notify/clients.ts'
import { agentOf, notifications, replyTo, sweep } from '../../engine/notify/desk.ts'
import { BO, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { agent, outgoing, reason } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const OWN = 'Please restart it.\nIt has to cool down for an hour.'
/** Nothing tells what was written now from what was there: the answer waits. */
const UNMARKED = ['a client that marks nothing, above own words', 'a client that marks nothing, and nothing else']

for (const [name, quote] of Object.entries(CLIENTS))
  test(`the answer of ${name}`, async () => {
    const { ticket_id: id } = await desk.deliver(mail({ text: 'It burns since this morning, and nobody comes.' }))
    const secret = 'Their contract ends in March: promise nothing beyond that.'
    await transaction(sql, (tx) =>
      note(tx, { ticketId: id!, agent: agent('ada@desk.example'), text: secret, channel: 'web' }, desk.clock.at),
    )
    desk.clock.at = after(desk.clock.at, 5 * MINUTE)
    await sweep(desk, desk.clock.at)
    const told = (await notifications(desk)).find((one) => one.recipient === BO)!
    assert.match(told.text, 'promise nothing')
    await sql`delete from outbox`
    const raw = composed({
      from: `Bo <${BO}>`,
      to: replyTo(told)!.address,
      subject: `Re: ${told.subject}`,
      date: 'Mon, 23 Nov 2026 09:40:00 +0100',
      body: quote(told, OWN),
    })
    const end = await desk.deliver(raw)
    const mails = await outgoing()
    const replies = mails.filter((one) => one.recipient === EVA)
    if (UNMARKED.includes(name)) {
      assert.is(end.state, 'held')
      assert.equal(replies, [])
      return
    }
    assert.equal([end.state, reason(end)], ['commented', 'agent'], JSON.stringify(end.reasons))
    assert.is(replies.length, 1)
    const [body] = replies[0]!.text.split('\n-- \n')
    assert.is(body!.replace(/\s+/g, ' ').trim(), OWN.replace(/\s+/g, ' '))
    for (const words of [/promise nothing|Internal note/, wholeAddress(BO)])
      assert.not.match(JSON.stringify(replies), words)
    assert.ok(await agentOf(desk, BO))
  })

test.run()

/** Mails that cannot be worked on (MAIL 2.15): counted out in the end, never lost, and made good when they come again. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { merge } from '../../src/engine/tickets/merge.ts'
import { pipeline as limits } from '../../src/limits.ts'
import { retry } from '../../src/mail/spool.ts'
import { after, HOUR } from '../../src/time.ts'
import { MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

/** A mail over which the daemon died until its attempts were used up: begun as often as may be, and never ended. */
async function doomed(raw: string) {
  const id = await desk.accept(raw, { receivedAt: after(desk.clock.at, HOUR) }) // so that nobody takes it meanwhile
  await sql`update inbound_mails set attempts = ${limits.deaths}, leased_by = 'gone', lease_until = now() where id = ${id}`
  desk.clock.at = after(desk.clock.at, 2 * HOUR)
  return await desk.ending(id)
}

const raw = mail({ subject: 'Der Drucker', headers: { 'Message-ID': '<twice@mail.example>' } })
const comments = async (ticket: number | null) =>
  (await sql<{ text: string }[]>`select text from comments where ticket_id = ${ticket} order by id`).map(
    (one) => one.text,
  )

test('MAIL 2.15: a mail that the daemon died over has a ticket in triage, and nobody is answered', async () => {
  const end = await doomed(raw)
  assert.is(end.state, 'quarantined')
  const [ticket] = await sql`select subject, requester_address from tickets where id = ${end.ticket_id}`
  assert.is(ticket!.subject, 'Der Drucker')
  assert.match((await comments(end.ticket_id))[0]!, 'could not be read')
  assert.is((await sql`select 1 from outbox`).length, 0)
})

test('a quarantined mail that its sender sends again is read into its ticket, and leaves the quarantine', async () => {
  const first = await doomed(raw)
  const again = await desk.deliver(raw)
  assert.is(again.state, 'ticketed')
  assert.is(again.ticket_id, first.ticket_id)
  assert.is((await comments(first.ticket_id)).length, 2)
  const before = await desk.ending(first.id)
  assert.equal([before.state, before.duplicate_of], ['recorded', again.id])
  assert.match(before.reasons.at(-1)!.words, `mail ${again.id}`)
  const third = await desk.deliver(raw)
  assert.equal([third.state, third.duplicate_of], ['recorded', again.id])
})

test('other bytes under the same Message-ID take nothing out of the quarantine', async () => {
  const first = await doomed(raw)
  const other = await desk.deliver(raw.replace('Subject: Der Drucker', 'Subject: Der Kopierer'))
  assert.is.not(other.state, 'recorded')
  assert.is((await desk.ending(first.id)).state, 'quarantined')
})

test('a retried mail goes on with its ticket, and a copy that comes later is a copy of it', async () => {
  const first = await doomed(raw)
  await transaction(sql, (tx) => retry(tx, { id: first.id, by: 'test' }, desk.clock.at))
  const read = await desk.ending(first.id)
  assert.equal([read.state, read.ticket_id], ['ticketed', first.ticket_id])
  const copy = await desk.deliver(raw)
  assert.equal([copy.state, copy.duplicate_of], ['recorded', first.id])
})

test('MAIL 6.13, 6.14: the ticket was merged, closed or deleted meanwhile: read at last, it goes where that leads', async () => {
  const actor = { kind: 'system' as const, id: null, name: 'test' }
  const again = async (id: number) => {
    await transaction(sql, (tx) => retry(tx, { id, by: 'test' }, desk.clock.at))
    return await desk.ending(id)
  }
  const merged = await doomed(raw)
  const other = await desk.deliver(mail({}))
  const into = other.ticket_id!
  await transaction(sql, (tx) => merge(tx, { ticketId: merged.ticket_id!, intoId: into, actor }, desk.clock.at))
  await sql`update tickets set status = 'closed', closed_at = ${desk.clock.at} where id = ${into}`
  const read = await again(merged.id)
  assert.equal([read.state, read.ticket_id], ['ticketed', into])
  assert.is((await comments(into)).length, 3)
  assert.equal(await comments(merged.ticket_id), [])
  const [ticket] = await sql`select status from tickets where id = ${into}`
  assert.is(ticket!.status, 'open', 'who closed it had not read it')

  const deleted = await doomed(raw.replaceAll('twice', 'gone'))
  await sql`update tickets set deleted_at = ${desk.clock.at} where id = ${deleted.ticket_id}`
  const anew = await again(deleted.id)
  assert.is(anew.state, 'ticketed')
  assert.is.not(anew.ticket_id, deleted.ticket_id)
})

test('the deaths of a daemon that is killed from outside count no mail out before there are many', async () => {
  const id = await desk.accept(raw, { receivedAt: after(MONDAY, HOUR) })
  await sql`update inbound_mails set attempts = ${limits.deaths - 1} where id = ${id}`
  desk.clock.at = after(MONDAY, 2 * HOUR)
  assert.is((await desk.ending(id)).state, 'ticketed')
})

test.run()

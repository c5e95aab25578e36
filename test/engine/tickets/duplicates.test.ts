import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { markDuplicate, reopenDuplicates, unmarkDuplicate } from '../../../src/engine/tickets/duplicates.ts'
import { linkTickets, unlinkTickets } from '../../../src/engine/tickets/links.ts'
import { merge } from '../../../src/engine/tickets/merge.ts'
import { observed, takeBack } from '../../../src/engine/tickets/take-back.ts'
import { wait } from '../../../src/engine/tickets/wait.ts'
import { setStatus } from '../../../src/engine/tickets.ts'
import { after, DAY, SECOND } from '../../../src/time.ts'
import { MONDAY, mail, startDesk } from '../../desk.ts'
import { refusal } from '../time-desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const me = () => {
  const { id, name } = desk.tools().desk.agents.get('bo@desk.example')!
  return { kind: 'agent' as const, id, name }
}
const on = (ticketId: number) => ({ ticketId, actor: me(), tools: desk.tools() })
const start = async (from: string, options: Parameters<typeof mail>[0] = {}) =>
  (await desk.deliver(mail({ from, ...options }))).ticket_id!
const act = <T>(work: (tx: Parameters<Parameters<typeof transaction>[1]>[0]) => Promise<T>) => transaction(sql, work)
const duplicate = (ticketId: number, ofId: number) => act((tx) => markDuplicate(tx, { ...on(ticketId), ofId }, MONDAY))
const close = (ticketId: number, status = 'resolved') =>
  act((tx) => setStatus(tx, { ...on(ticketId), status }, desk.clock.at))
const ticket = async (id: number) => (await sql`select * from tickets where id = ${id}`)[0]!
const told = async () =>
  await sql`select * from outbox where kind = 'notification' and headers::text like '%Reply-To%' order by id`

test('FEATURES 2.28: closing the original closes its duplicates, and tells each requester once in their language', async () => {
  const original = await start('Eva <eva@acme.example>')
  const german = await start('Dora <dora@acme.example>', {
    text: 'Guten Tag, der Drucker im zweiten Stock funktioniert seit gestern Abend leider nicht mehr, bitte helfen Sie uns.',
  })
  const again = await start('Dora <dora@acme.example>')
  const own = await start('Eva <eva@acme.example>')
  for (const id of [german, again, own]) await duplicate(id, original)
  await sql`delete from mail_budgets` // what had come counts, too
  const { closed } = await close(original)
  assert.equal(
    closed.map((one) => one.ticketId),
    [german, again, own],
  )
  for (const id of [german, again, own]) {
    const row = await ticket(id)
    assert.equal([row.status, row.resolved_at, row.duplicate_of], ['resolved', MONDAY, original])
    const notes = await sql`select text, visibility from comments where ticket_id = ${id} and author_role = 'system'`
    assert.equal(
      notes.map((one) => ({ ...one })),
      [{ text: `Closed with ticket #${original}, of which it is a duplicate.`, visibility: 'internal' }],
    )
  }
  const mails = await told()
  assert.equal(
    mails.map((one) => [one.recipient, one.ticket_id]),
    [['dora@acme.example', german]],
    'Dora once, for whichever of hers is first; Eva has the answer of her own ticket',
  )
  assert.match(mails[0]!.text, `Ihre Anfrage #${german} betraf dieselbe Sache`)
  assert.not.match(mails[0]!.text, new RegExp(`#${original}\\b`))
  assert.ok(mails[0]!.not_before > MONDAY, 'it can still be taken back')
  assert.equal((await close(original, 'closed')).closed, [])
  assert.is((await told()).length, 1, 'once')
})

test('an answer to a duplicate that was closed opens that one again, and nothing else (MAIL 6.12)', async () => {
  const original = await start('eva@acme.example')
  const other = await start('dora@acme.example')
  await duplicate(other, original)
  await close(original)
  const [note] = await told()
  const end = await desk.deliver(
    mail({ from: 'dora@acme.example', headers: { 'In-Reply-To': `<${note!.message_id}>` } }),
  )
  assert.equal([end.state, end.ticket_id], ['commented', other])
  assert.is((await ticket(other)).status, 'open')
  assert.is((await ticket(original)).status, 'resolved')
  await close(original, 'open')
  await act((tx) => setStatus(tx, { ...on(original), status: 'resolved' }, after(MONDAY, SECOND)))
  assert.is((await ticket(other)).status, 'resolved', 'closed with it once more')
})

test('taken back: the original and its duplicates are open, and the mail is not sent', async () => {
  const original = await start('eva@acme.example')
  const other = await start('dora@acme.example')
  await duplicate(other, original)
  await act((tx) => wait(tx, { ...on(other), status: 'on_hold', until: after(MONDAY, DAY) }, MONDAY))
  const before = [await ticket(original), await ticket(other)]
  let closed: Awaited<ReturnType<typeof close>>['closed'] = []
  const changed = await act((tx) =>
    observed(tx, original, async () => {
      closed = (await setStatus(tx, { ...on(original), status: 'closed' }, MONDAY)).closed
    }),
  )
  const kept = JSON.parse(JSON.stringify({ changed, closed }))
  const late = await act(async (tx) => {
    await takeBack(tx, { ...on(original), changed: kept.changed }, MONDAY)
    return await reopenDuplicates(tx, { closed: kept.closed, actor: me() }, MONDAY)
  })
  assert.equal(late, { late: 0 })
  const now = [await ticket(original), await ticket(other)]
  const shown = (rows: typeof now) =>
    rows.map(({ updated_at: _at, answered_at: _answered, next_due_at: _due, ...row }) => row) // SLA F5
  assert.equal(shown(now), shown(before))
  assert.equal(
    (await told()).map((one) => one.state),
    ['cancelled'],
  )
})

test('a duplicate of what is done is closed at once; of itself, or in a ring, it is refused', async () => {
  const original = await start('eva@acme.example')
  const other = await start('dora@acme.example')
  const third = await start('carl@acme.example')
  await duplicate(third, other)
  assert.is(await refusal(duplicate(other, other)), 'duplicate_itself')
  assert.is(await refusal(duplicate(other, third)), 'duplicate_itself')
  await close(original)
  const { closed } = await duplicate(other, original)
  assert.equal(
    closed.map((one) => one.ticketId),
    [other, third],
    'with what is a duplicate of it',
  )
  assert.equal(await duplicate(other, original), { from: original, closed: [] })
})

test('it is a duplicate no more: both say so, and closing leaves it alone', async () => {
  const original = await start('eva@acme.example')
  const other = await start('dora@acme.example')
  await duplicate(other, original)
  const links = () => sql`select ticket_id, other_id, kind from ticket_links order by ticket_id`
  assert.equal(
    (await links()).map((one) => [one.ticket_id, one.other_id, one.kind]),
    [
      [original, other, 'duplicate'],
      [other, original, 'duplicate_of'],
    ],
  )
  assert.equal(await act((tx) => unmarkDuplicate(tx, on(other), MONDAY)), { from: original })
  assert.equal(await act((tx) => unmarkDuplicate(tx, on(other), MONDAY)), { from: null })
  assert.is((await links()).length, 0)
  await close(original)
  assert.is((await ticket(other)).status, 'new')
})

test('the original is merged away: its duplicates are those of the target', async () => {
  const [original, other, target] = [
    await start('eva@acme.example'),
    await start('dora@acme.example'),
    await start('carl@acme.example'),
  ]
  await duplicate(other, original)
  await duplicate(target, original)
  await act((tx) => merge(tx, { ticketId: original, intoId: target, actor: me() }, MONDAY))
  assert.equal([(await ticket(other)).duplicate_of, (await ticket(target)).duplicate_of], [target, null])
})

test('nobody is told of a quiet ticket, or when an answer would go to ourselves', async () => {
  const original = await start('eva@acme.example')
  const quiet = await start('monitor@acme.example', { headers: { 'Auto-Submitted': 'auto-generated' } })
  const nobody = await start('dora@acme.example')
  await sql`update tickets set requester_address = 'support@desk.example' where id = ${nobody}`
  for (const id of [quiet, nobody]) await duplicate(id, original)
  assert.is((await close(original)).closed.length, 2)
  assert.is((await told()).length, 0)
})

test('tickets are linked and unlinked in the story of both, once', async () => {
  const [one, two] = [await start('eva@acme.example'), await start('dora@acme.example')]
  const link = (kind: 'blocks' | 'relates') =>
    act((tx) => linkTickets(tx, { ticketId: one, otherId: two, kind, actor: me() }, MONDAY))
  const links = async () =>
    (await sql`select ticket_id, kind from ticket_links order by 1, 2`).map((row) => Object.values(row))
  const before = await links()
  assert.equal(await link('blocks'), { changed: true })
  assert.equal(await link('blocks'), { changed: false })
  assert.equal(await links(), [
    [one, 'blocks'],
    [two, 'blocked_by'],
  ])
  const off = () => act((tx) => unlinkTickets(tx, { ticketId: one, otherId: two, kind: 'blocks', actor: me() }, MONDAY))
  assert.equal([await off(), await off()], [{ changed: true }, { changed: false }])
  assert.equal(await links(), before)
  assert.is(
    await refusal(act((tx) => linkTickets(tx, { ticketId: one, otherId: one, kind: 'relates', actor: me() }, MONDAY))),
    'link_itself',
  )
  assert.is((await sql`select 1 from events where type in ('linked', 'unlinked')`).length, 4)
})

test.run()

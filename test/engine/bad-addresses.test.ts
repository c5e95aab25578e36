/** Reply addresses that look like ours and are not: counted, told of, and what follows (MAIL 5.8). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { countFailure, findFailures } from '../../src/engine/outbox/failures.ts'
import { badAddresses } from '../../src/limits.ts'
import { HOUR, MINUTE } from '../../src/time.ts'
import { signedAddress } from '../../src/tokens.ts'
import { keys, MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const good = (ticket: number) =>
  signedAddress(keys, 'support@desk.example', {
    purpose: 'c',
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket,
    person: 0,
    generation: 0,
    comment: 0,
  })
const bad = good(1).replace(/.@/, (end) => (end[0] === 'a' ? 'b@' : 'a@'))
const from = (client: string) => ({ session: { ip: client, helo: 'mx.sly.example' } })
const notices = async () =>
  [...(await sql`select subject, words from notices where kind = 'bad_reply_addresses' order by subject`)].map(
    (row) => ({
      ...row,
    }),
  ) as { subject: string; words: string }[]
const codes = (ending: { reasons: { code: string }[] }) => ending.reasons.map((reason) => reason.code)

const CLIENT = '198.51.100.7'

test('from the limit on a signed address from that client lets nobody in who takes no part; no mail is lost', async () => {
  const first = await desk.deliver(mail({}))
  const ticket = first.ticket_id!
  for (let n = 1; n <= badAddresses.perHour; n++) {
    assert.equal(await notices(), [], `before ${n}`)
    const end = await desk.deliver(mail({ from: `sly${n}@other.example`, to: bad }), from(CLIENT))
    assert.is(end.state, 'ticketed')
    assert.ok(codes(end).includes('bad_token'))
  }
  const [notice] = await notices()
  assert.is(notice!.subject, CLIENT)
  assert.match(notice!.words, '20 mails')

  const stranger = () => mail({ from: 'new@other.example', to: good(ticket) })
  const refused = await desk.deliver(stranger(), from(CLIENT))
  assert.is(refused.state, 'ticketed')
  assert.is.not(refused.ticket_id, ticket)
  assert.ok(codes(refused).includes('refused_claim'))
  assert.is(
    (await sql`select 1 from ticket_links where ticket_id = ${refused.ticket_id} and other_id = ${ticket}`).length,
    1,
  )
  const quoted = await desk.deliver(
    mail({ from: 'new@other.example', text: `See below.\n\nReference: ${good(ticket)}` }),
    from(CLIENT),
  )
  assert.is.not(quoted.ticket_id, ticket, 'nor one in the text')

  const own = await desk.deliver(mail({ to: good(ticket) }), from(CLIENT))
  assert.equal([own.state, own.ticket_id], ['commented', ticket], 'who takes part is not kept out')
  const elsewhere = await desk.deliver(stranger(), from('198.51.100.8'))
  assert.equal([elsewhere.state, elsewhere.ticket_id], ['commented', ticket])
  assert.ok(codes(elsewhere).includes('pending_person'))

  desk.clock.at = new Date(MONDAY.getTime() + HOUR + 20 * MINUTE)
  const later = await desk.deliver(stranger(), from(CLIENT))
  assert.equal([later.state, later.ticket_id], ['commented', ticket], 'an hour later')
})

test('a sender is counted by any way; this machine and relays of our own are no client', async () => {
  const first = await desk.deliver(mail({}))
  for (let n = 1; n <= badAddresses.perHour; n++)
    await desk.deliver(
      mail({ from: 'Carl <carl@borealis.example>', to: bad }),
      n % 2 ? {} : { via: 'imap', session: {} },
    )
  assert.equal(
    (await notices()).map((row) => row.subject),
    ['carl@borealis.example'],
  )
  const token = await desk.deliver(mail({ from: 'carl@borealis.example', to: good(first.ticket_id!) }))
  assert.is.not(token.ticket_id, first.ticket_id)
  assert.is((await sql`select scope from mail_budgets where scope like 'bad-address/client/%'`).length, 0)
})

test('a copy, an imported file and a mail without such an address count nothing', async () => {
  const count = async () =>
    (await sql`select coalesce(sum(count), 0)::int as n from mail_budgets where scope like 'bad-address/%'`)[0]!.n
  const one = mail({ to: bad })
  await desk.deliver(one, from(CLIENT))
  assert.is(await count(), 2, 'client and sender')
  assert.is((await desk.deliver(one, from(CLIENT))).state, 'recorded')
  await desk.deliver(mail({ to: bad }), { via: 'import', session: {} })
  await desk.deliver(mail({ to: 'support+returns@desk.example' }), from(CLIENT))
  assert.is(await count(), 2)
})

test('IPv6 clients of one network are one', async () => {
  const count = async (client: string) => (await findFailures(sql, { client, sender: null }, MONDAY)).client
  await countFailure(sql, { client: '2001:db8::1', sender: null }, MONDAY)
  await countFailure(sql, { client: '2001:0DB8:0:0:9:8:7:6', sender: null }, MONDAY)
  assert.is(await count('2001:db8:0:0:1::'), 2)
  assert.is(await count('2001:db8:0:1::1'), 0)
})

test.run()

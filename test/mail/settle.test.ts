/** Mails that are settled in one transaction: what each becomes is what it becomes alone. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk

test.before.each(() => desk.reset())
test.after(() => desk.stop())

const together = async (mails: string[]) => {
  const ids = await Promise.all(mails.map((raw) => desk.accept(raw)))
  await desk.idle()
  return await Promise.all(ids.map((id) => desk.ending(id)))
}
const count = async (table: string) => (await sql`select count(*)::int as n from ${sql(table)}`)[0]!.n as number
const from = (n: number) => `Person ${n} <person${n}@many.example>`

test('thirty first mails of thirty people are thirty tickets, in fewer transactions', async () => {
  const endings = await together(Array.from({ length: 30 }, (_, n) => mail({ from: from(n), subject: `Printer ${n}` })))
  assert.equal(new Set(endings.map((one) => one.state)), new Set(['ticketed']))
  const rows = await sql`
    select t.subject, t.requester_address, c.text, o.recipient, o.state, m.message_id
    from inbound_mails m join tickets t on t.id = m.ticket_id join comments c on c.id = m.comment_id
      join outbox o on o.ticket_id = t.id and o.kind = 'ack'
    where c.ticket_id = t.id and c.message_id = m.message_id order by t.requester_id`
  assert.is(rows.length, 30)
  for (const row of rows) {
    const n = /^Printer (\d+)$/.exec(row.subject)?.[1]
    assert.is(row.requester_address, `person${n}@many.example`)
    assert.is(row.recipient, row.requester_address)
  }
  assert.is(await count('contacts'), 30)
  assert.is(await count('pending_ids'), 0)
  const [made] = await sql`select count(distinct xmin::text)::int as n from tickets`
  assert.ok(made!.n < 15, `${made!.n} transactions`)
})

test('mails of one person follow each other: one contact, and no acknowledgement too many', async () => {
  await together(Array.from({ length: 6 }, (_, n) => mail({ subject: `Matter ${n}` })))
  assert.is(await count('contacts'), 1)
  assert.is(await count('tickets'), 6)
  assert.is(await count('outbox'), 3)
})

test('answers to one address are counted together, whoever wrote', async () => {
  const headers = { 'Reply-To': 'One Box <box@many.example>' }
  await together(Array.from({ length: 8 }, (_, n) => mail({ from: from(n), headers })))
  const [found] = await sql`
    select max(n)::int as most from (select count(*) as n from outbox where kind = 'ack' group by recipient) counted`
  assert.ok(found!.most <= 3, `${found!.most} to one address`)
})

test('two people who write into one ticket at once are two comments in its story', async () => {
  const first = await desk.deliver(
    mail({ headers: { 'Message-ID': '<root@mail.example>', Cc: 'Ida <ida@acme.example>' } }),
  )
  await sql`
    insert into ticket_participants (ticket_id, address, name, role, added_at)
    values (${first.ticket_id}, 'ida@acme.example', 'Ida', 'participant', now()) on conflict do nothing`
  await sql`update ticket_participants set role = 'participant'`
  const names = ['Eva Beispiel <eva@acme.example>', 'Ida <ida@acme.example>']
  const tags = names.map((who) => mail({ from: who, subject: `Re: [#${first.ticket_id}] The printer is on fire` }))
  const others = Array.from({ length: 5 }, (_, n) => mail({ from: from(n) }))
  const endings = await together([...tags, ...others])
  assert.equal(
    endings.slice(0, 2).map((one) => [one.state, one.ticket_id]),
    [
      ['commented', first.ticket_id],
      ['commented', first.ticket_id],
    ],
  )
  assert.equal(new Set(endings.slice(2).map((one) => one.state)), new Set(['ticketed']))
  const story = await sql`select seq, type from events where ticket_id = ${first.ticket_id} order by seq`
  assert.equal(
    story.map((row) => row.seq),
    story.map((_, n) => n + 1),
  )
  assert.is(story.filter((row) => row.type === 'customer_comment').length, 2)
})

test('a mail that cannot be done does not cost its neighbours: they are done once, it is tried again', async () => {
  await sql`
    create or replace function refuse() returns trigger language plpgsql as
    $$ begin if new.subject = 'breaks' then raise exception 'it breaks'; end if; return new; end $$`
  await sql`create trigger refuse before insert on tickets for each row execute function refuse()`
  try {
    const mails = Array.from({ length: 12 }, (_, n) => mail({ from: from(n), subject: n === 5 ? 'breaks' : 'works' }))
    const endings = await together(mails)
    assert.equal(
      endings.map((one) => one.state),
      mails.map((_, n) => (n === 5 ? 'received' : 'ticketed')),
    )
    assert.is(await count('tickets'), 11)
    assert.is(await count('outbox'), 11)
    assert.is(await count('comments'), 11)
    assert.match(JSON.stringify(endings[5]!.reasons), /attempt_failed/)
  } finally {
    await sql`drop trigger refuse on tickets`
    await sql`drop function refuse`
  }
})

test.run()

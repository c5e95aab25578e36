/** An agent's queue by mail each morning (C14): when, to whom, what stands in it, and that none of it is a command. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient, transaction } from '../../../src/database.ts'
import { readBatch } from '../../../src/engine/commands/grammar.ts'
import { queueAgentDigests } from '../../../src/engine/notify/digest.ts'
import { assign, setStatus } from '../../../src/engine/tickets.ts'
import { htmlToText } from '../../../src/html.ts'
import { LOCALES } from '../../../src/render.ts'
import { signedAddress } from '../../../src/tokens.ts'
import { demoDesk, keys, mail, startDesk } from '../../desk.ts'
import { CLIENTS, composed } from './clients.ts'
import { agentOf, notifications, replyTo, sweep, tokensOf, URL_OF_DESK } from './desk.ts'

const desk = await startDesk()
const { sql } = desk
test.after(() => desk.stop())
test.before.each(() => desk.reset())

/** Tuesday morning in Berlin. */
const SEVEN = new Date('2026-11-24T06:00:00Z')
const digests = (now: Date, client = sql) => queueAgentDigests(client, { tools: desk.tools(), url: URL_OF_DESK }, now)
const wanted = (agent = '') => demoDesk.replace('name: Bo}', `name: Bo, notify: {digest: on}${agent}}`)
const opened = async (change: Parameters<typeof mail>[0] = {}) => (await desk.deliver(mail(change))).ticket_id!
const sentTo = async (address: string) => (await notifications(desk)).filter((one) => one.recipient === address)

test('from seven on in their zone, once a day; off for agents and on for admins unless they choose', async () => {
  await opened()
  assert.equal(await digests(new Date('2026-11-24T05:59:00Z')), { digests: 0 }, 'before seven')
  assert.equal(await digests(SEVEN), { digests: 1 })
  assert.equal(
    (await notifications(desk)).map((one) => one.recipient),
    ['ada@desk.example'],
  )
  assert.equal(await digests(new Date('2026-11-24T12:00:00Z')), { digests: 0 }, 'once a day')
  await desk.change(wanted(', zone: America/New_York'))
  assert.equal(await digests(new Date('2026-11-24T11:59:00Z')), { digests: 0 }, 'before seven in New York')
  assert.equal(await digests(new Date('2026-11-24T12:00:00Z')), { digests: 1 })
  assert.is((await sentTo('bo@desk.example')).length, 1)
  assert.equal(await digests(new Date('2026-11-25T12:00:00Z')), { digests: 2 }, 'and the next day')
})

test('nothing where the queue is empty, none on a day their calendar is closed', async () => {
  assert.equal(await digests(SEVEN), { digests: 0 })
  await opened()
  assert.equal(await digests(new Date('2026-11-24T12:00:00Z')), { digests: 0 }, 'that day was looked at')
  assert.equal(await digests(new Date('2026-11-28T08:00:00Z')), { digests: 0 }, 'Saturday')
  assert.equal(await digests(new Date('2026-11-29T08:00:00Z')), { digests: 0 }, 'Sunday')
  assert.equal(await digests(new Date('2026-11-30T08:00:00Z')), { digests: 1 })
  await desk.change(
    demoDesk
      .replace('name: Ada, admin: true}', 'name: Ada, admin: true, calendar: fair}')
      .replace('calendars:\n', 'calendars:\n  - {key: fair, tz: Europe/Berlin, weekly: {sat: ["10:00-14:00"]}}\n'),
  )
  assert.equal(await digests(new Date('2026-12-01T08:00:00Z')), { digests: 0 }, 'their own calendar counts')
  assert.equal(await digests(new Date('2026-12-05T08:00:00Z')), { digests: 1 })
})

test('two daemons at once write one', async () => {
  await opened()
  await desk.change(wanted())
  const other = openClient(desk.database.target)
  try {
    const rounds = await Promise.all([digests(SEVEN), digests(SEVEN, other), digests(SEVEN), digests(SEVEN, other)])
    assert.is(
      rounds.reduce((sum, one) => sum + one.digests, 0),
      2,
    )
    assert.is((await notifications(desk)).length, 2)
  } finally {
    await other.end()
  }
})

test("theirs by due date, what is nobody's in their teams, what waits, and what is new for them", async () => {
  await desk.reset(
    wanted(', notify: {digest: on, reply: digest}').replace(', notify: {digest: on}, notify', ', notify'),
  )
  const ids = [
    await opened({ subject: 'Normal matter' }),
    await opened({ subject: 'From New York', from: 'Noor <noor@borealis.example>' }),
    await opened({ subject: 'Waits' }),
    await opened({ subject: 'Snoozed' }),
    await opened({ subject: "Nobody's" }),
  ]
  await sql`delete from ticket_news`
  const { id: agentId, actor } = await agentOf(desk, 'bo@desk.example')
  const other = await agentOf(desk, 'ada@desk.example')
  for (const ticketId of ids.slice(0, 4))
    await transaction(sql, (tx) => assign(tx, { ticketId, agentId, actor }, desk.clock.at))
  await transaction(sql, (tx) =>
    setStatus(tx, { ticketId: ids[2]!, status: 'on_hold', actor: other.actor }, desk.clock.at),
  )
  await sql`update tickets set wake_at = '2026-12-01' where id = ${ids[3]!}`
  const [last] = await sql`select message_id from message_ids where ticket_id = ${ids[0]!} and direction = 'in'`
  const answer = { headers: { 'In-Reply-To': `<${last!.message_id}>` }, subject: 'Re: Normal matter' }
  for (const text of ['One more thing.', 'And another.']) await desk.deliver(mail({ ...answer, text }))
  await sweep(desk, SEVEN)
  await digests(SEVEN)
  const [sent] = await sentTo('bo@desk.example')
  const { text } = sent!
  assert.is(sent!.subject, '[Desk Support] Your tickets: 2')
  const mine = text.slice(text.indexOf('Yours: 2'), text.indexOf('Nobody’s yet'))
  assert.match(
    mine,
    new RegExp(`- #${ids[0]}: Normal matter – Eva Beispiel, Acme; open, normal; 23/11/2026, 13:30 \\(overdue\\)`),
  )
  assert.ok(mine.indexOf('Normal matter') < mine.indexOf('From New York'), 'by due date')
  assert.not.match(text, /Snoozed/)
  assert.match(text, new RegExp(`in your teams: 1\n- #${ids[4]}: Nobody's`))
  assert.match(text, /Yours too, waiting for others: 1\n/)
  assert.match(text, new RegExp(`News since.*\n- #${ids[0]}: Normal matter – the customer wrote \\(2\\)\n`))
  assert.is(replyTo(sent!)!.name, 'Commands to the desk')
  assert.equal(tokensOf(sent!).answer, {
    purpose: 'a',
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket: 0,
    person: agentId,
    generation: 0,
    comment: 0,
  })
  assert.is((await sql`select count(*)::int as n from digest_news`)[0]!.n, 0, 'told')
})

test('answered with lines for several tickets, quoted below as clients do: a batch, whole or not at all', async () => {
  for (const client of ['gmail', 'outlook, html', 'thunderbird', 'mail.ru']) {
    await desk.reset(wanted())
    const ids = [await opened(), await opened({ subject: 'Another' }), await opened({ subject: 'A third' })]
    desk.clock.at = SEVEN
    await digests(SEVEN)
    const [sent] = await sentTo('bo@desk.example')
    const to = replyTo(sent!)!.address
    const answer = (own: string) => {
      const body = CLIENTS[client]!(sent!, own)
      const date = 'Tue, 24 Nov 2026 06:59:00 +0100'
      const raw = composed({ from: 'Bo <bo@desk.example>', to, subject: sent!.subject, date, body })
      return desk.deliver(raw, { recipients: [{ address: to, inbox: 'support', tag: null }] })
    }
    const state = async () =>
      (await sql`select status, assignee_id is not null as taken from tickets order by id`).map(
        (row) => `${row.status} ${row.taken}`,
      )
    const wrong = await answer(`${ids[0]} take\n${ids[1]} clsoe quiet`)
    assert.is(wrong.state, 'held', `${client}: ${JSON.stringify(wrong.reasons)}`)
    assert.equal(await state(), ['new false', 'new false', 'new false'], client)
    const right = await answer(`${ids[0]},${ids[2]} take\n#${ids[1]} close quiet`)
    assert.is(right.state, 'recorded', `${client}: ${JSON.stringify(right.reasons)}`)
    assert.equal(await state(), ['open true', 'resolved false', 'open true'], client)
  }
})

test('receipts that an agent wants in the digest stand there once, with what takes them back', async () => {
  await desk.reset(wanted(', receipts: digest'))
  const ticket = await opened()
  const { id: person } = await agentOf(desk, 'bo@desk.example')
  const inbox = desk.tools().desk.inboxes[0]!.id
  const token = { purpose: 'a' as const, inbox, ticket, person, generation: 0, comment: 9 }
  const to = signedAddress(keys, 'support@desk.example', token)
  const command = mail({ from: 'Bo <bo@desk.example>', to, text: '#prio high\n#tag +vpn' })
  const end = await desk.deliver(command, { recipients: [{ address: to, inbox: 'support', tag: null }] })
  assert.is(end.state, 'recorded', JSON.stringify(end.reasons))
  assert.equal(await sentTo('bo@desk.example'), [])
  await digests(SEVEN)
  const [first] = await sentTo('bo@desk.example')
  const [receipt] = await sql`select id from receipts`
  assert.match(first!.text, new RegExp(`Done by your mails.*\\n- ${receipt!.id}: #${ticket}: .*high.* · .*vpn`))
  await digests(new Date('2026-11-25T06:00:00Z'))
  assert.not.match((await sentTo('bo@desk.example'))[1]!.text, /Done by your mails/)
})

test('who wants no digest, but some news in one, gets those and no queue', async () => {
  await desk.reset(demoDesk.replace('name: Bo}', 'name: Bo, notify: {new: digest}}'))
  await opened()
  await sweep(desk, SEVEN)
  await digests(SEVEN)
  const [sent] = await sentTo('bo@desk.example')
  assert.match(sent!.text, /News since/)
  assert.not.match(sent!.text, /in your teams/)
  assert.equal(await digests(new Date('2026-11-25T08:00:00Z')), { digests: 1 }, 'the admin only')
})

test('no line of it is a command of a batch, whatever tickets are called and however it is quoted (E5.6)', async () => {
  const subjects = ['close', '#close', 'take it home', '12 close', 'take, please', ': close']
  for (const locale of LOCALES) {
    await desk.reset(wanted(`, locale: ${locale}`))
    for (const subject of subjects) await opened({ subject })
    await digests(SEVEN)
    const [sent] = await sentTo('bo@desk.example')
    for (const text of [sent!.text, htmlToText(sent!.html)]) {
      const lines = text.split('\n').map((line) => line.replace(/^[\s>|*•·-]+/u, ''))
      for (const [n] of lines.entries()) {
        const { given, stray } = readBatch(lines.slice(n).join('\n'))
        assert.equal([given, stray], [[], []], `${locale}: ${lines[n]}`)
      }
    }
    assert.not.match(sent!.text + sent!.html, /undefined|null|\[object/, locale)
  }
})

test.run()

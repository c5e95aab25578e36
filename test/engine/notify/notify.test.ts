/** Mails to agents about tickets: who is told of what, when, once, and what stands in them (MAIL 8.32, C11). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient, transaction } from '../../../src/database.ts'
import { choose } from '../../../src/engine/notify/choices.ts'
import { tellNews } from '../../../src/engine/notify.ts'
import { merge } from '../../../src/engine/tickets/merge.ts'
import { privateComment } from '../../../src/engine/tickets/private.ts'
import { assign, deleteTicket, markSpam, move, note, reply } from '../../../src/engine/tickets.ts'
import { LOCALES } from '../../../src/render.ts'
import { after, SECOND } from '../../../src/time.ts'
import { agentRootId, readMessageId } from '../../../src/tokens.ts'
import { demoDesk, keys, MONDAY, mail, startDesk } from '../../desk.ts'
import { agentOf, header, notifications, replyTo, sweep, tokensOf, URL_OF_DESK } from './desk.ts'

const desk = await startDesk()
const { sql } = desk
test.after(() => desk.stop())
test.before.each(() => desk.reset())

const sec = (seconds: number) => after(MONDAY, seconds * SECOND)
const told = async () => (await notifications(desk)).map((one) => one.recipient)
const ada = () => agentOf(desk, 'ada@desk.example')
const bo = () => agentOf(desk, 'bo@desk.example')
const within = <T>(work: Parameters<typeof transaction<T>>[1]) => transaction(sql, work)
/** A ticket whose opening everybody has heard of. */
async function ticketOf(change: Parameters<typeof mail>[0] = {}): Promise<number> {
  const { ticket_id } = await desk.deliver(mail(change))
  return ticket_id!
}
async function told0(change: Parameters<typeof mail>[0] = {}): Promise<number> {
  const id = await ticketOf(change)
  await sql`delete from ticket_news`
  return id
}
async function customerWrites(id: number, text: string, at: Date): Promise<void> {
  desk.clock.at = at
  const [last] = await sql`select message_id from message_ids where ticket_id = ${id} and direction = 'in' limit 1`
  const ending = await desk.deliver(
    mail({ subject: 'Re: The printer is on fire', text, headers: { 'In-Reply-To': `<${last!.message_id}>` } }),
  )
  assert.is(ending.ticket_id, id)
}

test('a new ticket is told to its team after a minute, each with addresses of their own (5.7, 8.8)', async () => {
  const id = await ticketOf()
  assert.is((await sweep(desk, sec(59))).mails, 0, 'not before the minute is over')
  assert.equal(await sweep(desk, sec(60)), { mails: 2, digest: 0, failed: 0 })
  assert.equal((await sweep(desk, sec(600))).mails, 0, 'once')
  const sent = await notifications(desk)
  assert.equal(sent.map((one) => one.recipient).sort(), ['ada@desk.example', 'bo@desk.example'])
  const [{ count } = { count: -1 }] = await sql`select count(*)::int from ticket_news`
  assert.is(count, 0)
  for (const one of sent) {
    const { id: agentId } = await agentOf(desk, one.recipient)
    const { answer, note } = tokensOf(one)
    const common = { inbox: desk.tools().desk.inboxes[0]!.id, ticket: id, person: agentId, generation: 0, comment: 1 }
    assert.equal(answer, { purpose: 'a', ...common })
    assert.equal(note, { purpose: 'n', ...common })
    assert.is(replyTo(one)!.name, `Answer to customer #${id}`)
    assert.equal(readMessageId(keys, one.message_id), { kind: 'n', ticket: id })
    assert.is(one.subject, `[#${id}] The printer is on fire`)
    assert.is(header(one, 'References'), `<${agentRootId(keys, id, 'desk.example')}>`)
    assert.is(header(one, 'Auto-Submitted'), 'auto-generated')
    assert.is(header(one, 'X-Auto-Response-Suppress'), 'All')
    const lines = one.text.split('\n')
    assert.is(lines[0], 'An answer to this mail goes to the customer, Eva Beispiel <eva@acme.example>.')
    assert.match(lines[1]!, new RegExp(`^To write to colleagues only: Internal note #${id} <mailto:support\\+r`))
    for (const words of [
      '- New ticket of Eva Beispiel',
      'Customer: Eva Beispiel <eva@acme.example>, Acme',
      'Project: acme/incoming',
      'Status: new',
      'Priority: normal',
      'Assigned to: nobody',
      'First answer: Monday, 23 November 2026 at 13:30 CET (UTC+01:00), 3 hours 59 minutes left',
      `The ticket: https://desk.example/tickets/${id}`,
      'Please help.',
    ])
      assert.ok(one.text.includes(words), `${words} in\n${one.text}`)
    assert.ok(one.html.includes(`<a href="mailto:support+r`), 'the note is a link')
  }
  assert.is.not(replyTo(sent[0]!)!.address, replyTo(sent[1]!)!.address)
})

test('five comments in a minute are one mail that lists five, and the next waits two minutes (8.32)', async () => {
  const id = await told0()
  const { id: agentId, actor } = await bo()
  await within((tx) => assign(tx, { ticketId: id, agentId, actor }, sec(1)))
  for (let n = 1; n <= 5; n++) await customerWrites(id, `Words number ${n}.`, sec(10 * n))
  assert.is((await sweep(desk, sec(69))).mails, 0)
  assert.is((await sweep(desk, sec(70))).mails, 1)
  const [sent] = await notifications(desk)
  assert.is(sent!.recipient, 'bo@desk.example')
  assert.is(sent!.text.match(/^- Eva Beispiel wrote$/gm)?.length, 5)
  for (let n = 1; n <= 5; n++) assert.ok(sent!.text.includes(`Words number ${n}.`))
  assert.ok(sent!.text.includes('Earlier:\n'), 'and what was said before')
  await customerWrites(id, 'Words number 6.', sec(80))
  assert.is((await sweep(desk, sec(189))).mails, 0, 'not within two minutes of the last')
  assert.is((await sweep(desk, sec(190))).mails, 1)
  const second = (await notifications(desk))[1]!
  assert.is(second.text.match(/^- Eva Beispiel wrote$/gm)?.length, 1)
  const [newest] = await sql`select max(seq) as seq from events where ticket_id = ${id} and type = 'customer_comment'`
  assert.is(tokensOf(second).answer!.comment, newest!.seq)
  assert.is(second.subject, sent!.subject, 'one subject')
})

test('whoever took it meanwhile is the one who hears; nobody hears of what they did', async () => {
  const id = await ticketOf()
  const { id: agentId, actor } = await bo()
  await within((tx) => assign(tx, { ticketId: id, agentId, actor }, sec(20)))
  await sweep(desk, sec(60))
  assert.equal(await told(), ['bo@desk.example'], 'the new ticket is his; that he took it himself is no news')
  assert.not.match((await notifications(desk))[0]!.text, /Assigned to you/)
  const other = await ada()
  await within((tx) => note(tx, { ticketId: id, agent: other, text: 'Call her first.', channel: 'web' }, sec(200)))
  await within((tx) =>
    reply(tx, { ticketId: id, agent: other, text: 'We are on it.', channel: 'web', tools: desk.tools() }, sec(210)),
  )
  await sweep(desk, sec(300))
  assert.equal(await told(), ['bo@desk.example', 'bo@desk.example'])
  const { text } = (await notifications(desk))[1]!
  assert.match(text, /- Ada left an internal note\n- Ada answered the customer/)
  assert.match(text, /Ada \(internal note\), Monday, .*:\nCall her first\./)
  assert.match(text, /Ada, Monday, .*:\nWe are on it\./)
  const self = await bo()
  await within((tx) => note(tx, { ticketId: id, agent: self, text: 'Mine.', channel: 'web' }, sec(500)))
  assert.is((await sweep(desk, sec(600))).mails, 0)
})

test('an assignment, a colleague who follows, a ticket that changes hands', async () => {
  const id = await told0()
  const [a, b] = [await ada(), await bo()]
  await within((tx) => assign(tx, { ticketId: id, agentId: b.id, actor: a.actor }, sec(0)))
  await sweep(desk, sec(60))
  assert.match((await notifications(desk))[0]!.text, /- Assigned to you by Ada\n/)
  assert.match((await notifications(desk))[0]!.text, /Please help\.\nThis is mail/, 'the customer in full')
  await sql`insert into agent_followers (agent_id, ticket_id, since) values (${a.id}, ${id}, ${MONDAY})`
  await customerWrites(id, 'More.', sec(300))
  await sweep(desk, sec(400))
  assert.equal((await told()).sort(), ['ada@desk.example', 'bo@desk.example', 'bo@desk.example'])
  await within((tx) => assign(tx, { ticketId: id, agentId: null, actor: b.actor }, sec(500)))
  const projectId = desk.tools().desk.projects.get('triage')!.id
  await within((tx) => move(tx, { ticketId: id, projectId, actor: b.actor, tools: desk.tools() }, sec(510)))
  await sweep(desk, sec(700))
  const last = (await notifications(desk)).slice(3)
  assert.equal(
    last.map((one) => one.recipient),
    ['ada@desk.example'],
  )
  assert.match(last[0]!.text, /- Given to your team by Bo/)
})

test('instant, in the digest, or not at all: by the desk file, and by themselves', async () => {
  const choice = (kinds: string) =>
    demoDesk
      .replace('name: Bo}', `name: Bo, notify: {${kinds}}}`)
      .replace('  policy: silver\n  calendar', '  notify: 10s\n  policy: silver\n  calendar')
  await desk.reset(choice('new: digest, reply: none'))
  const id = await ticketOf()
  assert.equal(await sweep(desk, sec(10)), { mails: 1, digest: 1, failed: 0 })
  assert.equal(await told(), ['ada@desk.example'])
  const waiting =
    await sql`select a.address, d.ticket_id, d.topic, d.count from digest_news d join agents a on a.id = d.agent_id`
  assert.equal([...waiting], [{ address: 'bo@desk.example', ticket_id: id, topic: 'new', count: 1 }])
  const { id: agentId } = await bo()
  const { actor } = await ada()
  await within((tx) => assign(tx, { ticketId: id, agentId, actor }, sec(20)))
  await sweep(desk, sec(200))
  await customerWrites(id, 'Hello?', sec(300))
  assert.equal((await sweep(desk, sec(400))).mails, 0, 'he does not want to hear of replies')
  await within((tx) => choose(tx, { agentId, choices: { reply: 'instant' } }))
  await customerWrites(id, 'Hello??', sec(500))
  assert.equal((await sweep(desk, sec(600))).mails, 1, 'what he chose himself counts')
  try {
    await within((tx) => choose(tx, { agentId, choices: { reply: 'sometimes' } }))
    assert.unreachable()
  } catch (error) {
    assert.is((error as { code?: string }).code, 'unknown_choice')
  }
})

test('never: automatic, spam, deleted, history; nobody who is gone or unreachable', async () => {
  await ticketOf({ headers: { 'Auto-Submitted': 'auto-generated' } })
  await desk.deliver(mail({ subject: 'Old' }), { via: 'import', session: { archive: true } as never })
  const spam = await ticketOf({ subject: 'Buy' })
  const gone = await ticketOf({ subject: 'Gone' })
  const { actor } = await ada()
  await within((tx) => markSpam(tx, { ticketId: spam, actor }, sec(1)))
  await within((tx) => deleteTicket(tx, { ticketId: gone, actor }, sec(1)))
  await sweep(desk, sec(100))
  assert.equal(await told(), [])
  assert.is((await sql`select count(*)::int as n from ticket_news`)[0]!.n, 0)
  await ticketOf({ subject: 'Real' })
  await sql`insert into notices (kind, subject, words, first_at, last_at) values ('agent_unreachable', 'bo@desk.example', 'x', now(), now())`
  await sweep(desk, sec(200))
  assert.equal(await told(), ['ada@desk.example'])
  await desk.change(
    demoDesk
      .replace('  - {address: bo@desk.example, name: Bo}\n', '')
      .replace('ada@desk.example, bo@desk.example', 'ada@desk.example'),
  )
  await sql`update notices set settled_at = now()`
  await ticketOf({ subject: 'Another' })
  await sweep(desk, sec(300))
  assert.equal(await told(), ['ada@desk.example', 'ada@desk.example'])
})

test('who sleeps is told in the morning, in one mail; colleagues are not kept waiting', async () => {
  await desk.reset(demoDesk.replace('name: Bo}', 'name: Bo, zone: Europe/Berlin, quiet: ["09:00-12:00"]}'))
  const id = await ticketOf()
  await sweep(desk, sec(60))
  assert.equal(await told(), ['ada@desk.example'])
  await customerWrites(id, 'Still there?', sec(600))
  await sweep(desk, sec(800))
  const noon = new Date('2026-11-23T11:00:00Z')
  assert.is((await sweep(desk, after(noon, -SECOND))).mails, 0)
  await sweep(desk, noon)
  assert.equal(await told(), ['ada@desk.example', 'ada@desk.example', 'bo@desk.example'])
  assert.match((await notifications(desk))[2]!.text, /- New ticket of Eva Beispiel\n- Eva Beispiel wrote\n/)
})

test('an answer to it reaches the customer, its link makes a note, and what came since holds an answer up', async () => {
  const id = await ticketOf()
  await sweep(desk, sec(60))
  const sent = (await notifications(desk)).find((one) => one.recipient === 'bo@desk.example')!
  const note = /<mailto:([^>]+)>/.exec(sent.text)![1]!
  const answer = async (to: string, text: string) =>
    await desk.deliver(mail({ from: 'Bo <bo@desk.example>', to, subject: `Re: ${sent.subject}`, text }), {
      recipients: [{ address: to, inbox: 'support', tag: null }],
    })
  assert.is((await answer(note, 'Looks like DNS.')).ticket_id, id)
  assert.is((await answer(replyTo(sent)!.address, 'Please restart it.')).ticket_id, id)
  const said =
    await sql`select visibility, text from comments where ticket_id = ${id} and author_role = 'agent' order by id`
  assert.equal(
    [...said],
    [
      { visibility: 'internal', text: 'Looks like DNS.' },
      { visibility: 'public', text: 'Please restart it.' },
    ],
  )
  const replies = await sql`select recipient from outbox where kind = 'reply'`
  assert.equal(
    replies.map((row) => row.recipient),
    ['eva@acme.example'],
  )
  await customerWrites(id, 'Stop, it works again.', sec(70))
  const late = await answer(replyTo(sent)!.address, 'And then unplug it.')
  assert.equal([late.state, late.reasons.at(-1)!.code], ['held', 'collision'])
})

test('files are named with their links', async () => {
  const raw = mail({
    headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
    text: '--b\nContent-Type: text/plain\n\nSee the log.\n--b\nContent-Type: text/x-log\nContent-Disposition: attachment; filename="vpn.log"\n\nline\n--b--',
  })
  await desk.deliver(raw)
  await sweep(desk, sec(60))
  const [file] = await sql`select id from attachments`
  const [sent] = await notifications(desk)
  assert.ok(
    sent!.text.includes(`See the log.\nAttachments:\n- vpn.log (1 kB) <${URL_OF_DESK}/attachments/${file!.id}>`),
    sent!.text,
  )
})

test('a private note is told to whom it is for, without its words; nobody else hears of it', async () => {
  const id = await told0()
  const [a, b] = [await ada(), await bo()]
  const text = 'Between you and me.'
  await within((tx) => privateComment(tx, { ticketId: id, agent: a, text, toId: b.id, channel: 'web' }, sec(1)))
  await within((tx) => privateComment(tx, { ticketId: id, agent: b, text, toId: null, channel: 'web' }, sec(2)))
  await within((tx) => assign(tx, { ticketId: id, agentId: a.id, actor: a.actor }, sec(3)))
  await sweep(desk, sec(100))
  const sent = await notifications(desk)
  assert.equal(
    sent.map((one) => one.recipient),
    ['bo@desk.example'],
  )
  assert.match(sent[0]!.text, /- Ada left you a private note: it stands in the ticket\n/)
  assert.not.match(sent[0]!.text + sent[0]!.html, text)
})

test('news of a merged ticket are told of the one it became', async () => {
  const target = await told0()
  const source = await ticketOf({ subject: 'The same printer' })
  const { actor } = await ada()
  await within((tx) => merge(tx, { ticketId: source, intoId: target, actor }, sec(10)))
  await sweep(desk, sec(70))
  await sweep(desk, sec(75))
  assert.equal([...new Set((await notifications(desk)).map((one) => one.ticket_id))], [target])
})

test('two daemons at once: each mail once', async () => {
  for (let n = 0; n < 5; n++) await ticketOf({ subject: `Matter ${n}` })
  const other = openClient(desk.database.target)
  try {
    const telling = { tools: desk.tools(), url: URL_OF_DESK }
    for (let round = 0; round < 3; round++)
      await Promise.all([sql, other].map((client) => transaction(client, (tx) => tellNews(tx, telling, sec(100)))))
    assert.is((await told()).length, 10)
  } finally {
    await other.end()
  }
})

test('a storm of tickets is no storm of mails: what is too much waits for the digest', async () => {
  const id = await told0()
  const [row] = await sql`select * from tickets where id = ${id}`
  await sql`delete from mail_budgets`
  for (let n = 0; n < 100; n++) {
    const [made] = await sql`
      insert into tickets (subject, base_subject, project_id, team_id, inbox_id, requester_address, created_at, updated_at)
      values (${`T${n}`}, ${`T${n}`}, ${row!.project_id}, ${row!.team_id}, ${row!.inbox_id}, 'x@acme.example', ${MONDAY}, ${MONDAY})
      returning id`
    await sql`insert into ticket_news (ticket_id, kind, at) values (${made!.id}, 'new', ${MONDAY})`
  }
  const done = await sweep(desk, sec(60))
  assert.equal(done, { mails: 120, digest: 80, failed: 0 })
  const digests = (await notifications(desk)).filter((one) => one.ticket_id === null)
  assert.equal(digests.map((one) => one.recipient).sort(), ['ada@desk.example', 'bo@desk.example'], 'one each, at once')
  for (const one of digests) assert.match(one.text, /News since.*\n- #\d+: T60 – new\n/)
})

test('a ticket that cannot be told of stops nobody, and the admins hear of it', async () => {
  const bad = await ticketOf()
  await sql`update tickets set zone = 'UTC', locale = 'en' where id = ${bad}`
  await sql`update agents set zone = 'Nowhere/Town' where address = 'ada@desk.example'`
  await desk.change(demoDesk)
  await sql`update agents set zone = 'Nowhere/Town' where address = 'ada@desk.example'`
  const tools = desk.tools()
  const agents = new Map(
    [...tools.desk.agents].map(([key, one]) => [key, { ...one, zone: one.name === 'Ada' ? 'Nowhere/Town' : null }]),
  )
  const broken = { ...tools, desk: { ...tools.desk, agents } }
  const outcome = await transaction(sql, (tx) => tellNews(tx, { tools: broken, url: URL_OF_DESK }, sec(60)))
  assert.is(outcome.failed, 1)
  assert.is((await sql`select count(*)::int as n from notices where kind = 'notify_failed'`)[0]!.n, 1)
  assert.is((await sql`select count(*)::int as n from ticket_news`)[0]!.n, 0)
})

test('in every language: the names of the addresses, the facts, the dates', async () => {
  for (const locale of LOCALES) {
    await desk.reset(demoDesk.replace('name: Bo}', `name: Bo, locale: ${locale}, zone: America/New_York}`))
    const id = await ticketOf()
    await sweep(desk, sec(60))
    const sent = (await notifications(desk)).find((one) => one.recipient === 'bo@desk.example')!
    assert.ok(replyTo(sent)!.name.endsWith(`#${id}`), locale)
    assert.match(sent.text, /UTC-05:00/, locale)
    if (locale !== 'en') assert.not.match(sent.text, /Customer|Priority|Assigned|left|working/, locale)
    assert.not.match(sent.text + sent.html, /undefined|null|\[object/, locale)
  }
})

test.run()

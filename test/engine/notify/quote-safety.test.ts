/**
 * COMMANDS E5.6: every mail that goes out, quoted in the style of fifteen clients or not quoted at all, and sent back by an
 * agent who is who they say, runs no command and holds nothing up, whatever words of customers stand in it.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { previewStatement } from '../../../src/engine/billing/statements/preview.ts'
import { sendStatement } from '../../../src/engine/billing/statements.ts'
import { readBlock } from '../../../src/engine/commands/grammar.ts'
import { queueAgentDigests } from '../../../src/engine/notify/digest.ts'
import { queueMail } from '../../../src/engine/outbox.ts'
import { assign, note, reply } from '../../../src/engine/tickets.ts'
import { approveEntry, submitEntry } from '../../../src/engine/time-entries/approval.ts'
import { enterTime } from '../../../src/engine/time-entries.ts'
import { LOCALES, placeholders, render, type TemplateName } from '../../../src/render.ts'
import { after, DAY, SECOND } from '../../../src/time.ts'
import { signedAddress } from '../../../src/tokens.ts'
import { demoDesk, keys, MONDAY, mail, startDesk, templates } from '../../desk.ts'
import { CLIENTS, composed, type Quoted } from './clients.ts'
import { agentOf, sweep, URL_OF_DESK } from './desk.ts'

const desk = await startDesk({
  desk: demoDesk.replace('policy: gold}', 'policy: gold, statement: monthly, statement_to: [chief@acme.example]}'),
})
const { sql } = desk
test.after(() => desk.stop())
test.before.each(() => desk.reset())

const BO = 'bo@desk.example'
const EVIL = [
  '#tag +pwned',
  '#close',
  ' #assign bo@desk.example',
  '\u200b#prio urgent',
  '＃close',
  '> #close',
  '#1 #close',
]
const SPEECH = `#tag +pwned\n#close\n\n${EVIL.join('\n')}\nand so on #close\n`

const sec = (seconds: number) => after(MONDAY, seconds * SECOND)
const outbox = async () =>
  await sql<(Quoted & { kind: string })[]>`select kind, subject, text, html from outbox order by id`

/** One mail of every template and language with such words wherever words of people may stand, as the outbox keeps it. */
async function everyTemplate(): Promise<(Quoted & { name: string; locale: string })[]> {
  const inbox = desk.tools().desk.inboxes[0]!
  const found: (Quoted & { name: string; locale: string })[] = []
  for (const name of Object.keys(placeholders) as TemplateName[])
    for (const locale of LOCALES) {
      const data = Object.entries(placeholders[name]).map(([key, kind], n) => {
        const evil = EVIL[n % EVIL.length]!
        const lines = SPEECH.replaceAll('>', '&gt;').replaceAll('\n', '<br>\n')
        return [key, kind === 'rich' ? { text: SPEECH, html: `<div>${lines}</div>` } : evil]
      })
      const words = render(templates, name, locale, Object.fromEntries(data) as never)
      const to = [{ name: '', address: 'somebody@elsewhere.example' }]
      const headers: [string, { name: string; address: string }[]][] = [
        ['From', [{ name: '', address: inbox.address }]],
      ]
      const row = { kind: 'notice' as const, ticketId: null, commentId: null, inboxId: inbox.id, generation: 0 }
      const rest = {
        messageId: `${name}.${locale}@desk.example`,
        recipients: to,
        headers,
        attachmentIds: [],
        notBefore: null,
      }
      await transaction(sql, (tx) => queueMail(tx, { ...row, ...rest, ...words }, desk.tools(), MONDAY))
      const [kept] = await sql<Quoted[]>`select subject, text, html from outbox order by id desc limit 1`
      found.push({ ...kept!, name, locale })
    }
  return found
}

/** Where an agent would answer to a notification that is written now. */
async function addressOf(ticket: number, person: number): Promise<string> {
  const [row] = await sql`select coalesce(max(seq), 0) as seq from events where ticket_id = ${ticket}`
  const inbox = desk.tools().desk.inboxes[0]!.id
  const token = { purpose: 'a' as const, inbox, ticket, person, generation: 0, comment: row!.seq }
  return signedAddress(keys, 'support@desk.example', token)
}

/** Bo answers it, at an address of his. */
async function answers(ticket: number, given: Quoted, client: string, own: string, ip = '127.0.0.1') {
  const { id: person } = await agentOf(desk, BO)
  const to = await addressOf(ticket, person)
  const body = CLIENTS[client]!(given, own)
  const raw = composed({
    from: `Bo <${BO}>`,
    to,
    subject: given.subject,
    date: 'Mon, 23 Nov 2026 09:29:00 +0100',
    body,
  })
  return await desk.deliver(raw, {
    recipients: [{ address: to, inbox: 'support', tag: null }],
    session: { ip, helo: 'client.example' },
  })
}

/** What commands would have changed. */
const state = async () =>
  await sql`select id, tags, priority, assignee_id, team_id, status in ('resolved', 'closed') as done from tickets order by id`

async function runsNothing(ticket: number, given: Quoted, client: string, what: string): Promise<void> {
  const before = [...(await state())]
  const own = `Thank you, that is number ${++answered}.`
  const end = await answers(ticket, given, client, own)
  const why = `${what}, ${client}: ${JSON.stringify(end.reasons)}`
  assert.equal([...(await state())], before, why)
  const trace = end.trace as { commands?: unknown[] }
  assert.equal(trace.commands ?? [], [], why)
  // words alone are no answer to a digest
  const known = ticket === 0 ? /needs a ticket|nothing in it/ : /^there is nothing in it$/
  const wrong = end.reasons.filter((one) => one.code === 'command_error' && !known.test(one.words))
  assert.equal(wrong, [], why)
  if (end.state === 'commented') {
    const [{ text } = { text: '' }] = await sql`select text from comments where id = ${end.comment_id}`
    assert.ok(text.includes(own) || client.includes('marks nothing'), `${why}: ${text}`)
  }
}

let answered = 0

test('every template in fifteen clients, through the pipeline; no language has a line that is a command', async () => {
  const all = await everyTemplate()
  const ticket = (await desk.deliver(mail({}))).ticket_id!
  for (const given of all)
    for (const line of given.text.split('\n')) {
      const bare = line.replace(/^[\s>|]+/, '')
      const { given: run, stray } = readBlock(bare)
      assert.equal([run, stray], [[], []], `${given.locale}/${given.name}: ${line}`)
    }
  const clients = Object.keys(CLIENTS)
  assert.ok(clients.length >= 12)
  for (const name of Object.keys(placeholders))
    for (const [n, client] of clients.entries()) {
      const locale = LOCALES[(n + answered) % LOCALES.length]!
      const given = all.find((one) => one.name === name && one.locale === locale)!
      await runsNothing(ticket, given, client, `${locale}/${name}`)
    }
})

/** Time of last month with such a note, and the statement of it. */
async function sendTime(ticketId: number) {
  const [by, boss] = [BO, 'ada@desk.example'].map((address) => {
    const { id, name, admin } = desk.tools().desk.agents.get(address)!
    return { id, name, address, admin, zone: 'Europe/Berlin' }
  })
  const tools = desk.tools()
  const organization = tools.desk.organizations.get('acme')!
  await transaction(sql, async (tx) => {
    const when = { date: '2026-10-05', seconds: 60 }
    const input = { agent: by!, place: { ticketId }, when, details: { note: '#close' }, tools }
    const { entryIds } = await enterTime(tx, input, sec(5))
    await submitEntry(tx, { entryId: entryIds[0]!, agent: by!, tools }, sec(5))
    await approveEntry(tx, { entryId: entryIds[0]!, agent: boss!, tools }, sec(5))
    const days = { from: '2026-10-01', to: '2026-10-31' }
    const { seen } = await previewStatement(tx, { organization, days, revision: 0, tools }, sec(5))
    await sendStatement(tx, { organization: 'acme', month: '2026-10', seen, agent: boss!, tools }, sec(5))
  })
}

test('what a desk really sent, about words that are commands', async () => {
  const ticket = (await desk.deliver(mail({ subject: '#close', text: SPEECH }))).ticket_id!
  const [bo, ada] = [await agentOf(desk, BO), await agentOf(desk, 'ada@desk.example')]
  await transaction(sql, (tx) => assign(tx, { ticketId: ticket, agentId: bo.id, actor: ada.actor }, sec(1)))
  await transaction(sql, (tx) => note(tx, { ticketId: ticket, agent: ada, text: SPEECH, channel: 'web' }, sec(2)))
  await transaction(sql, (tx) =>
    reply(tx, { ticketId: ticket, agent: ada, text: SPEECH, channel: 'web', tools: desk.tools() }, sec(3)),
  )
  // who is told of a mail that is held: whose address it used, who wrote it, who has the ticket
  for (const from of [`Bo <${BO}>`, 'Eva <eva@acme.example>', 'sly@evil.example'])
    await desk.deliver(mail({ from, to: await addressOf(ticket, ada.id), subject: '#close', text: SPEECH }))
  await sweep(desk, sec(90))
  await queueAgentDigests(sql, { tools: desk.tools(), url: URL_OF_DESK }, after(MONDAY, DAY))
  await sendTime(ticket)
  for (const commands of [
    '#nota inside\n#close',
    '#tag +ok\n#prio high',
    '#help',
    '#help close',
    '#block evil@elsewhere.example',
    '#ask noc@isp.example "#close?"',
  ])
    await answers(
      ticket,
      { subject: 'x', text: '', html: '' },
      'a client that marks nothing, above own words',
      commands,
    )
  await answers(ticket, { subject: 'x', text: '', html: '' }, 'mail.ru', 'Not proven.\n#close', '192.0.2.66')
  const sent = await outbox()
  assert.equal([...new Set(sent.map((one) => one.kind))].sort(), [
    'ack',
    'notification',
    'receipt',
    'reply',
    'statement',
  ])
  for (const words of [
    'nota',
    'high',
    'duplicate',
    'yes',
    '· #close?',
    '“#accept ',
    'is held beside it',
    'passed on',
    'nicht weitergegeben',
  ])
    assert.ok(
      sent.some((one) => one.text.includes(words) || one.subject.includes(words)),
      `a mail says ${words}`,
    )
  assert.ok(
    sent.some((one) => one.text.includes('· #tag +pwned')),
    'the words are there, behind a dot',
  )
  await sql`update comments set text = 'x', visible = 'x' where visibility = 'internal'`
  for (const given of sent)
    for (const client of Object.keys(CLIENTS))
      await runsNothing(ticket, given, client, `${given.kind} ${given.subject}`)
})

test('the answer to a digest runs nothing that the agent did not write', async () => {
  const ticket = (await desk.deliver(mail({ subject: 'close', text: SPEECH }))).ticket_id!
  await queueAgentDigests(sql, { tools: desk.tools(), url: URL_OF_DESK }, after(MONDAY, DAY))
  const sent = (await outbox()).at(-1)!
  assert.match(sent.text, new RegExp(`#${ticket}: close`))
  for (const client of Object.keys(CLIENTS)) await runsNothing(0, sent, client, 'the digest')
})

test.run()

/**
 * Note safety, as a property over random days: whatever people do by mail and in the web, no text of an internal or
 * private comment, no address of an agent's own and no id of a note is ever in a mail to somebody who is no agent.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { previewStatement } from '../../../src/engine/billing/statements/preview.ts'
import { reopenStatement, sendStatement } from '../../../src/engine/billing/statements.ts'
import { tellMovedDates } from '../../../src/engine/moved-dates.ts'
import { queueAgentDigests } from '../../../src/engine/notify/digest.ts'
import { remindDue } from '../../../src/engine/reminders.ts'
import { ask } from '../../../src/engine/tickets/ask.ts'
import { addCc } from '../../../src/engine/tickets/cc.ts'
import { markDuplicate } from '../../../src/engine/tickets/duplicates.ts'
import { follow } from '../../../src/engine/tickets/follow.ts'
import { merge } from '../../../src/engine/tickets/merge.ts'
import { privateComment } from '../../../src/engine/tickets/private.ts'
import { split } from '../../../src/engine/tickets/split.ts'
import { assign, note, prioritise, reply, setStatus } from '../../../src/engine/tickets.ts'
import { approveEntry, submitEntry } from '../../../src/engine/time-entries/approval.ts'
import { enterTime } from '../../../src/engine/time-entries.ts'
import { Refusal } from '../../../src/errors.ts'
import { after, MINUTE, SECOND } from '../../../src/time.ts'
import { readMessageId, readSignedAddress } from '../../../src/tokens.ts'
import { demoDesk, keys, startDesk } from '../../desk.ts'
import { type Random, startRandom } from '../../fuzz/random.ts'
import { CLIENTS, composed, type Quoted } from './clients.ts'
import { agentOf, sweep, URL_OF_DESK } from './desk.ts'

const REMINDERS =
  'reminders: [{key: half, metric: first_response, percent: 10, then: {notify: [team, boss@elsewhere.example]}}]'
const TO = 'statement: monthly, statement_to: [eva@acme.example, chief@acme.example]'
const desk = await startDesk({
  desk: demoDesk
    .replace('  - key: gold\n', `  - key: gold\n    ${REMINDERS}\n    tell_changes: always\n`)
    .replace('  - key: silver\n', '  - key: silver\n    tell_changes: always\n')
    .replace('calendar: berlin, policy: gold}', `calendar: berlin, policy: gold, ${TO}}`),
})
const { sql } = desk
test.after(() => desk.stop())

const AGENTS = ['ada@desk.example', 'bo@desk.example']
const CUSTOMERS = ['Eva <eva@acme.example>', 'Noor <noor@borealis.example>', 'Max <max@acme.example>']
const OUTSIDER = 'noc@isp.example'
const INBOX = 'support@desk.example'

type Row = Quoted & {
  id: number
  kind: string
  recipient: string
  message_id: string
  ticket_id: number | null
  headers: [string, unknown][]
}

/** What must not be read: its mark, and the one outsider who may. */
type Secret = { mark: string; may: string | null }

async function day(seed: number) {
  await desk.reset()
  const random = startRandom(seed)
  const secrets: Secret[] = []
  const noteIds: string[] = []
  const counts: Record<string, number> = {}
  let words = 0
  const secret = (may: string | null = null) => {
    const mark = `geheim${seed}n${++words}x`
    secrets.push({ mark, may })
    return `${mark} is not for customers, whatever they ask.${random.chance(0.3) ? `\n#close\n> ${mark}` : ''}`
  }
  const open = () =>
    `Words ${seed}n${++words}x for everybody.${random.chance(0.2) ? '\n\nMore of them, in another paragraph.' : ''}`
  const world: World = { random, secret, open, noteIds }
  for (let step = 0; step < 45; step++) {
    desk.clock.at = after(desk.clock.at, (20 + random.below(240)) * SECOND)
    const [name, deed] = step < 2 ? ['mail', STEPS.mail!] : random.pick(Object.entries(STEPS))
    try {
      await deed(world)
      counts[name] = (counts[name] ?? 0) + 1
    } catch (error) {
      if (!(error instanceof Refusal)) throw error // refused is an answer too
    }
  }
  await STEPS.sweep!(world)
  return { secrets, noteIds, counts }
}

type World = { random: Random; secret(may?: string | null): string; open(): string; noteIds: string[] }

const tickets = async () =>
  await sql<{ id: number; message_id: string | null }[]>`
    select t.id, (select message_id from message_ids m where m.ticket_id = t.id and direction = 'in' order by id limit 1) as message_id
    from tickets t where merged_into is null order by id`
const outbox = async () =>
  await sql<Row[]>`
    select id, kind, recipient, subject, text, html, message_id, ticket_id, headers from outbox order by id`
const isAgent = (address: string) => AGENTS.includes(address)
const headerOf = (row: Row, name: string) => row.headers.find(([one]) => one === name)?.[1]
const replyTo = (row: Row) => (headerOf(row, 'Reply-To') as { address: string }[] | undefined)?.[0]?.address
const pickTicket = async ({ random }: World) => random.pick(await tickets()).id
const pickAgent = async ({ random }: World) => await agentOf(desk, random.pick(AGENTS))
const acme = () => desk.tools().desk.organizations.get('acme')!
const worker = (address: string) => {
  const { id, name, admin } = desk.tools().desk.agents.get(address)!
  return { id, name, address, admin, zone: 'Europe/Berlin' }
}
const within = <T>(work: Parameters<typeof transaction<T>>[1]) => transaction(sql, work)
const now = () => desk.clock.at

/** Somebody answers a mail that they got, in a random client, with all of it in the quotation. */
async function answerTo(world: World, row: Row, given: { from: string; to: string; own: string }) {
  const body = CLIENTS[world.random.pick(Object.keys(CLIENTS))]!(row, given.own)
  const date = now().toUTCString().replace('GMT', '+0000')
  const raw = composed({ ...given, subject: row.subject, date, body }).replace(
    'MIME-Version',
    `In-Reply-To: <${row.message_id}>\nMIME-Version`,
  )
  await desk.deliver(raw, { recipients: [{ address: given.to, inbox: 'support', tag: null }] })
  return /^Message-ID: <(.+)>$/m.exec(raw)![1]!
}

let movedDates = 0

const STEPS: Record<string, (world: World) => Promise<unknown>> = {
  async mail(world) {
    const from = world.random.pick(CUSTOMERS)
    const date = now().toUTCString().replace('GMT', '+0000')
    const raw = composed({ from, to: INBOX, subject: 'A matter', date, body: { text: world.open(), html: null } })
    await desk.deliver(raw.replace('Subject: Re: ', 'Subject: '))
  },
  async customerAnswers(world) {
    const theirs = (await outbox()).filter(
      (row) => !isAgent(row.recipient) && row.recipient !== 'boss@elsewhere.example',
    )
    if (theirs.length === 0) return
    const row = world.random.pick(theirs)
    const isSide = readSignedAddress(keys, INBOX, replyTo(row) ?? '')?.purpose === 'q'
    const own = isSide ? world.secret(OUTSIDER) : world.open()
    await answerTo(world, row, { from: row.recipient, to: replyTo(row) ?? INBOX, own })
  },
  async agentAnswersByMail(world) {
    const agent = world.random.pick(AGENTS)
    const told = (await outbox()).filter((row) => row.recipient === agent && row.ticket_id !== null && replyTo(row))
    if (told.length === 0) return
    const row = world.random.chance(0.7) ? told.at(-1)! : world.random.pick(told)
    await answerTo(world, row, { from: agent, to: replyTo(row)!, own: world.open() })
  },
  async agentNotesByMail(world) {
    const agent = world.random.pick(AGENTS)
    const told = (await outbox()).filter((row) => row.recipient === agent && /<mailto:/.test(row.text))
    if (told.length === 0) return
    const row = world.random.pick(told)
    const to = /<mailto:([^>]+)>/.exec(row.text)![1]!
    world.noteIds.push(await answerTo(world, row, { from: agent, to, own: world.secret() }))
  },
  async strangerUsesAgentsAddress(world) {
    const told = (await outbox()).filter((row) => isAgent(row.recipient) && replyTo(row))
    if (told.length === 0) return
    const row = world.random.pick(told)
    await answerTo(world, row, { from: world.random.pick(CUSTOMERS), to: replyTo(row)!, own: world.open() })
  },
  async note(world) {
    const [ticketId, agent] = [await pickTicket(world), await pickAgent(world)]
    await within((tx) => note(tx, { ticketId, agent, text: world.secret(), channel: 'web' }, now()))
  },
  async private(world) {
    const [ticketId, agent] = [await pickTicket(world), await pickAgent(world)]
    await within((tx) => privateComment(tx, { ticketId, agent, text: world.secret(), channel: 'web' }, now()))
  },
  async ask(world) {
    const [ticketId, agent] = [await pickTicket(world), await pickAgent(world)]
    const text = world.secret(OUTSIDER)
    await within((tx) =>
      ask(tx, { ticketId, agent, address: OUTSIDER, text, channel: 'web', tools: desk.tools() }, now()),
    )
  },
  async reply(world) {
    const [ticketId, agent] = [await pickTicket(world), await pickAgent(world)]
    await within((tx) => reply(tx, { ticketId, agent, text: world.open(), channel: 'web', tools: desk.tools() }, now()))
  },
  async assign(world) {
    const [ticketId, { actor }, { id }] = [await pickTicket(world), await pickAgent(world), await pickAgent(world)]
    await within((tx) => assign(tx, { ticketId, agentId: world.random.chance(0.2) ? null : id, actor }, now()))
  },
  async follow(world) {
    const [ticketId, { actor, id }] = [await pickTicket(world), await pickAgent(world)]
    await within((tx) => follow(tx, { ticketId, agentId: id, actor }, now()))
  },
  async cc(world) {
    const [ticketId, { actor }] = [await pickTicket(world), await pickAgent(world)]
    const address = world.random.pick(['max@acme.example', 'noor@borealis.example', OUTSIDER])
    await within((tx) => addCc(tx, { ticketId, address, actor, foreign: 'allow', tools: desk.tools() }, now()))
  },
  async merge(world) {
    const [ticketId, intoId, { actor }] = [await pickTicket(world), await pickTicket(world), await pickAgent(world)]
    await within((tx) => merge(tx, { ticketId, intoId, actor }, now()))
  },
  async split(world) {
    const [{ actor }, rows] = [await pickAgent(world), await sql`select id, ticket_id from comments order by id`]
    const { id: commentId, ticket_id: ticketId } = world.random.pick(rows)
    await within((tx) => split(tx, { ticketId, commentId, subject: null, actor, tools: desk.tools() }, now()))
  },
  async duplicate(world) {
    const [ticketId, ofId, { actor }] = [await pickTicket(world), await pickTicket(world), await pickAgent(world)]
    await within((tx) => markDuplicate(tx, { ticketId, ofId, actor, tools: desk.tools() }, now()))
  },
  async statement(world) {
    const ids = (await sql`select id from tickets where merged_into is null and organization_id = ${acme().id}`).map(
      (one) => one.id as number,
    )
    if (ids.length === 0) return
    const ticketId = world.random.pick(ids)
    const hidden = await sql<{ text: string }[]>`
      select text from comments where ticket_id = ${ticketId} and visibility <> 'public' order by id`
    const note = hidden.length > 0 && world.random.chance(0.6) ? world.random.pick([...hidden]).text : world.open()
    const [by, boss] = [worker('bo@desk.example'), worker('ada@desk.example')]
    const tools = desk.tools()
    await within(async (tx) => {
      const when = { date: '2026-10-05', seconds: 60 }
      const input = { agent: by, place: { ticketId }, when, details: { note }, tools }
      const { entryIds } = await enterTime(tx, input, now())
      const given = { entryId: entryIds[0]!, tools }
      await submitEntry(tx, { ...given, agent: by }, now())
      await approveEntry(tx, { ...given, agent: boss }, now())
      const days = { from: '2026-10-01', to: '2026-10-31' }
      const { seen } = await previewStatement(tx, { organization: acme(), days, revision: 0, tools }, now())
      await sendStatement(tx, { organization: 'acme', month: '2026-10', seen, agent: boss, tools }, now())
    })
  },
  async customerApproves(world) {
    const sent = (await outbox()).filter((row) => row.kind === 'statement')
    if (sent.length === 0) return
    const row = world.random.chance(0.7) ? sent.at(-1)! : world.random.pick(sent)
    await answerTo(world, row, { from: row.recipient, to: replyTo(row)!, own: 'Yes, thank you.' })
    const [done] = await sql`select id from statements where state = 'approved'`
    const given = { statementId: done?.id as number, why: world.open(), agent: worker('ada@desk.example') }
    if (done) await within((tx) => reopenStatement(tx, given, now()))
  },
  async status(world) {
    const [ticketId, { actor }] = [await pickTicket(world), await pickAgent(world)]
    const status = world.random.pick(['open', 'resolved', 'closed', 'on_hold'])
    await within((tx) => setStatus(tx, { ticketId, status, actor, tools: desk.tools() } as never, now()))
  },
  async priority(world) {
    const [ticketId, { actor }] = [await pickTicket(world), await pickAgent(world)]
    const priority = world.random.pick(['low', 'normal', 'high', 'urgent'])
    await within((tx) => prioritise(tx, { ticketId, priority, actor, tools: desk.tools() }, now()))
  },
  async sweep() {
    desk.clock.at = after(now(), 3 * MINUTE)
    await sweep(desk, now())
    await within((tx) => remindDue(tx, { tools: desk.tools(), url: URL_OF_DESK }, now()))
    while ((await within((tx) => tellMovedDates(tx, desk.tools(), now()))).found) movedDates++
    await queueAgentDigests(sql, { tools: desk.tools(), url: URL_OF_DESK }, now())
  },
}

/** Signed addresses of agents anywhere in it. */
const agentTokens = (text: string) =>
  [...text.matchAll(/[\w+.-]+@[\w.-]+/g)].filter(([address]) => {
    const token = readSignedAddress(keys, INBOX, address)
    return token !== null && (token.purpose === 'a' || token.purpose === 'n')
  })

test('nothing that is for agents reaches anybody else', async () => {
  const sum: Record<string, number> = {}
  let [toOthers, toAgents, kept] = [0, 0, 0]
  for (let seed = 1; seed <= 12; seed++) {
    const { secrets, noteIds, counts } = await day(seed)
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count
    for (const row of await outbox()) {
      const whole = [row.subject, row.text, row.html, JSON.stringify(row.headers)].join('\n')
      const why = `seed ${seed}, ${row.kind} ${row.id} to ${row.recipient}:\n${row.text}`
      if (isAgent(row.recipient)) {
        toAgents++
        kept += secrets.filter((one) => whole.includes(one.mark)).length
        continue
      }
      toOthers++
      for (const { mark, may } of secrets) if (may !== row.recipient) assert.not.match(whole, mark, why)
      assert.equal(agentTokens(whole), [], why)
      const ids = String(headerOf(row, 'References') ?? '') + String(headerOf(row, 'In-Reply-To') ?? '')
      for (const [, id] of ids.matchAll(/<([^>]+)>/g)) {
        const ours = readMessageId(keys, id!)
        assert.ok(!(ours?.kind === 'n' && ours.ticket > 0) && !noteIds.includes(id!), `${id} in ${why}`)
      }
    }
    const [{ n }] = (await sql`select count(*)::int as n from comments where visibility <> 'public'`) as unknown as [
      { n: number },
    ]
    assert.ok(n > 0)
  }
  assert.ok(movedDates > 5, `${movedDates} tickets whose dates an agent moved`)
  for (const name of Object.keys(STEPS)) assert.ok(sum[name]! > 5, `${name} was tried: ${JSON.stringify(sum)}`)
  assert.ok(
    toOthers > 100 && toAgents > 100 && kept > 50,
    `${toOthers} to others, ${toAgents} to agents, ${kept} notes told`,
  )
})

test.run()

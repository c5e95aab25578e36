/**
 * Conversations in parallel, the mails of each in order, to two daemons on one PostgreSQL: the same partition of mails
 * into tickets as one daemon makes.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect, type Sql } from '../../src/database.ts'
import { type Daemon, makeFolder, startDaemon, until } from '../daemon.ts'
import { greet } from '../smtp-client.ts'
import { startOutside } from './outside-postgres.ts'

const CONVERSATIONS = Number(process.env.CONVERSATIONS ?? 40)
const AT_ONCE = 8
const SECRET = Buffer.alloc(32, 7).toString('base64')

/** What an acknowledgement gives its reader to answer with. */
type Ack = { address: string; id: string }
type Letter = { id: string; from: string; to?: string; subject: string; refers?: string[] }
type Desk = { sql: Sql; daemons: Daemon[] }

/** The mails of a conversation; `wait` gives the acknowledgement of its first mail. */
type Script = (mail: Name, wait: () => Promise<Ack>) => AsyncGenerator<Letter>
type Name = { id(n: number): string; customer: string; colleague: string; stranger: string }

const SCRIPTS: Script[] = [
  async function* plain({ id, customer: from }, wait) {
    yield { id: id(1), from, subject: 'The printer' }
    yield { id: id(2), from, subject: 'Re: The printer', refers: [id(1)] }
    const ack = await wait()
    yield { id: id(3), from, to: ack.address, subject: 'By the address of the answer' }
    yield { id: id(2), from, subject: 'Re: The printer', refers: [id(1)] }
    yield { id: id(5), from, subject: 'By the id of the answer', refers: [ack.id] }
  },
  async function* copies({ id, customer: from }, wait) {
    yield { id: id(1), from, subject: 'Twice' }
    yield { id: id(1), from, subject: 'Twice' }
    yield { id: id(3), from, subject: 'Re: Twice', refers: [id(1)] }
    yield { id: id(4), from, subject: 'Re: Twice', refers: [id(1), id(3)] }
    yield { id: id(5), from, to: (await wait()).address, subject: 'Re: Twice', refers: [id(4)] }
  },
  async function* colleagues({ id, customer, colleague }, wait) {
    yield { id: id(1), from: customer, subject: 'The door' }
    yield { id: id(2), from: colleague, subject: 'Re: The door', refers: [id(1)] }
    yield { id: id(3), from: customer, subject: 'Re: The door', refers: [id(1), id(2)] }
    yield { id: id(4), from: colleague, subject: 'Re: The door', refers: [id(1), id(2), id(3)] }
    yield { id: id(5), from: colleague, to: (await wait()).address, subject: 'I was given this address' }
  },
  async function* strangers({ id, customer, stranger }, wait) {
    yield { id: id(1), from: customer, subject: 'The lift' }
    yield { id: id(2), from: stranger, subject: 'Fwd: The lift', refers: [id(1)] }
    yield { id: id(3), from: customer, subject: 'Re: The lift', refers: [id(2)] }
    yield { id: id(4), from: stranger, subject: 'The lift, once more' }
    yield { id: id(5), from: customer, subject: 'Re: The lift', refers: [(await wait()).id, id(2)] }
  },
]

const outside = await startOutside()
const folders = [makeFolder(), makeFolder()]
const daemons: Daemon[] = []
test.after(async () => {
  for (const daemon of daemons) await daemon.kill()
  for (const folder of folders) await folder.remove()
  await outside.remove()
})

/** Everything from an empty database to the partition, by so many daemons. */
async function run(
  count: number,
): Promise<{ partition: string[]; contacts: number; copies: number; shares: number[] }> {
  const name = `desk${count}`
  const admin = connect({ url: outside.url }, { max: 1 })
  await admin.sql.unsafe(`create database ${name}`)
  await admin.end()
  const url = outside.url.replace(/[^/]+$/, name)
  const env = { DATABASE_URL: url, POSTROOM_SECRET: SECRET }
  const running = await Promise.all(folders.slice(0, count).map((folder) => startDaemon({ data: folder.path, env })))
  daemons.push(...running)
  const { sql, end } = connect({ url }, { max: 4 })
  try {
    const waiting = Array.from({ length: CONVERSATIONS }, (_, number) => number)
    const talk = async () => {
      for (let number = waiting.shift(); number !== undefined; number = waiting.shift())
        await converse({ sql, daemons: running }, number)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, talk))
    await until('all mails are settled', async () => {
      const [open] = await sql`select count(*)::int as n from inbound_mails where settled_at is null`
      return open!.n === 0
    })
    const [contacts] = await sql`select count(*)::int as n from contact_addresses`
    const [copies] = await sql`select count(*)::int as n from inbound_mails where duplicate_of is not null`
    const shares = running.map((daemon) => daemon.log().match(/"mail_sent"/g)?.length ?? 0)
    return {
      partition: await partitionOf(sql),
      contacts: contacts!.n,
      copies: copies!.n,
      shares,
    }
  } finally {
    await end()
    for (const daemon of running) assert.is((await daemon.terminate()).code, 0)
  }
}

/** In order: each mail after the 250 of the one before, to the next daemon. */
async function converse({ sql, daemons }: Desk, number: number): Promise<void> {
  const id = (n: number) => `talk-${number}-${n}@talk.example`
  // two conversations share a customer, so that first mails of one sender meet
  const customer = `c${number >> 1}@${number % 8 < 4 ? 'acme.example' : 'elsewhere.example'}`
  const people = { customer, colleague: `other${number}@acme.example`, stranger: `s${number}@stranger.example` }
  const wait = () => until('an acknowledgement is queued', () => ackOf(sql, id(1)))
  let turn = number
  for await (const letter of SCRIPTS[(number >> 1) % SCRIPTS.length]!({ id, ...people }, wait)) {
    const daemon = daemons[turn++ % daemons.length]!
    const client = await greet(daemon.smtp)
    const to = letter.to ?? 'support@desk.example'
    const replies = [...(await client.begin(letter.from, to)), await client.body(rawOf(letter))]
    client.leave()
    assert.match(replies.at(-1)!, /^250 /, replies.join('\n'))
  }
}

async function ackOf(sql: Sql, messageId: string): Promise<Ack | null> {
  const [row] = await sql<{ message_id: string; headers: [string, unknown][] }[]>`
    select o.message_id, o.headers from inbound_mails m join outbox o on o.ticket_id = m.ticket_id and o.kind = 'ack'
    where m.message_id = ${messageId} and m.duplicate_of is null`
  const people = row?.headers.find(([name]) => name === 'Reply-To')?.[1] as { address: string }[] | undefined
  return row && people?.[0] ? { address: people[0].address, id: row.message_id } : null
}

const rawOf = ({ id, from, to, subject, refers = [] }: Letter) =>
  [
    `From: ${from}`,
    `To: ${to ?? 'support@desk.example'}`,
    `Subject: ${subject}`,
    'Date: Mon, 23 Nov 2026 09:29:00 +0100',
    `Message-ID: <${id}>`,
    ...(refers.length
      ? [`In-Reply-To: <${refers.at(-1)}>`, `References: ${refers.map((one) => `<${one}>`).join(' ')}`]
      : []),
    '',
    `This is ${id}.`,
    '',
  ].join('\r\n')

/** A line for each ticket: its mails by their own ids, and what became of each. Ticket numbers differ, sets do not. */
async function partitionOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ mails: string[] }[]>`
    select array_agg(message_id || ' ' || state order by message_id, state) as mails from inbound_mails group by ticket_id`
  return rows.map((row) => row.mails.join(', ')).sort()
}

test('two daemons make the tickets that one makes', async () => {
  const one = await run(1)
  const two = await run(2)
  console.log(
    `${CONVERSATIONS} conversations: ${one.partition.length} tickets, ${one.copies} copies, ${one.contacts} addresses; two daemons sent ${two.shares} acknowledgements`,
  )
  assert.equal(two.partition, one.partition)
  assert.is(two.contacts, one.contacts)
  assert.is(two.copies, one.copies)
  assert.ok(one.partition.length > CONVERSATIONS, 'colleagues and strangers have tickets of their own')
  assert.ok(
    two.shares.every((share) => share > 0),
    'both daemons worked',
  )
})

test.run()

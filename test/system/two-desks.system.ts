/**
 * Two desks, each with the other's support address as a customer, and a relay between them: at most one acknowledgement
 * each. Where the relay takes out every word that says "automatic", and then every word that says which conversation,
 * the budgets end it (MAIL 4a.22).
 */
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Sql } from '../../src/database.ts'
import { budget } from '../../src/limits.ts'
import { type Daemon, type Folder, makeFolder, startDaemon, until } from '../daemon.ts'
import { type Postbox, type SinkMail, startPostbox } from '../postbox.ts'
import { greet } from '../smtp-client.ts'

/** What the relay does to a mail between the desks. */
type Relay = (raw: string, number: number) => string

const AUTOMATIC = /^(?:auto-submitted|x-auto-response-suppress|x-postroom-loop|precedence):.*\r\n(?:[ \t].*\r\n)*/gim
const CONVERSATION = /^(?:in-reply-to|references|reply-to|message-id|dkim-signature):.*\r\n(?:[ \t].*\r\n)*/gim

const honest: Relay = (raw) => raw
const stripping: Relay = (raw) => raw.replace(AUTOMATIC, '')
const forgetful: Relay = (raw, number) =>
  `Message-ID: <rewritten-${number}@relay.example>\r\n${raw.replace(AUTOMATIC, '').replace(CONVERSATION, '')}`
    .replace(/^subject:.*\r\n(?:[ \t].*\r\n)*/im, `Subject: A message, number ${number}\r\n`)
    .replaceAll(/\+r[a-z2-7]+@/g, '@')
    .replaceAll(/\[#\d+\]/g, '')

type Desk = { domain: string; folder: Folder; daemon: Daemon }
type World = { desks: Desk[]; relay: Postbox; crossed: SinkMail[]; stop(): Promise<void> }

const worlds = new Set<World>()
test.after(async () => {
  for (const world of worlds) await world.stop()
})

async function startWorld(change: Relay): Promise<World> {
  const relay = await startPostbox()
  const folders = [makeFolder(), makeFolder()]
  const domains = ['alpha.example', 'beta.example']
  const desks = await Promise.all(
    folders.map(async (folder, n) => {
      const config = writeDesk(folder, { own: domains[n]!, other: domains[1 - n]!, relay: relay.port })
      return { domain: domains[n]!, folder, daemon: await startDaemon({ data: folder.path, config }) }
    }),
  )
  const crossed: SinkMail[] = []
  let carried = 0
  const carry = async () => {
    for (const mail of relay.mails.slice(carried)) {
      carried++
      const to = mail.to[0]!
      const desk = desks.find((one) => to.endsWith(`@${one.domain}`))
      assert.ok(desk, `a mail left for ${to}`)
      const raw = change(mail.raw.toString('latin1'), carried)
      const plain = change === forgetful ? to.replace(/\+.*@/, '@') : to
      await inject(desk, { from: change === forgetful ? addressOf(raw) : mail.from, to: plain, raw })
      crossed.push(mail)
    }
  }
  let carrying = Promise.resolve()
  const clock = setInterval(() => {
    carrying = carrying.then(carry)
  }, 50)
  const world: World = {
    desks,
    relay,
    crossed,
    async stop() {
      worlds.delete(world)
      clearInterval(clock)
      await carrying
      for (const { daemon, folder } of desks) {
        await daemon.kill()
        await folder.remove()
      }
      await relay.stop()
    },
  }
  worlds.add(world)
  return world
}

function writeDesk(folder: Folder, names: { own: string; other: string; relay: number }): string {
  fs.mkdirSync(folder.path, { mode: 0o711 })
  const inbox = { key: 'support', address: `support@${names.own}`, name: 'Support', project: 'triage', locale: 'en' }
  const desk = {
    inboxes: [{ ...inbox, zone: 'Europe/Berlin' }],
    agents: [{ address: `ada@${names.own}`, name: 'Ada', admin: true }],
    teams: [{ key: 'support', name: 'Support', members: [`ada@${names.own}`] }],
    calendars: [{ key: 'berlin', tz: 'Europe/Berlin', weekly: { 'mon-fri': ['09:00-17:00'] } }],
    policies: [{ key: 'gold', calendar: 'berlin', targets: { normal: { first_response: '4h', resolution: '24h' } } }],
    organizations: [{ key: 'other', name: 'The other desk', domains: [names.other], policy: 'gold' }],
    projects: [{ key: 'triage', team: 'support' }],
    settings: { policy: 'gold', calendar: 'berlin' },
  }
  const config = {
    web: { listen: '127.0.0.1:0' },
    listeners: [{ kind: 'mx', listen: '127.0.0.1:0' }],
    relay: { url: `smtp://127.0.0.1:${names.relay}`, per_minute: 1000, per_domain_minute: 1000 },
    desk: 'desk.yml',
  }
  fs.writeFileSync(path.join(folder.path, 'desk.yml'), JSON.stringify(desk)) // YAML holds JSON
  const file = path.join(folder.path, 'postroom.yml')
  fs.writeFileSync(file, JSON.stringify(config))
  return file
}

async function inject(desk: Desk, mail: { from: string; to: string; raw: string }): Promise<void> {
  const client = await greet(desk.daemon.smtp)
  const replies = [...(await client.begin(mail.from, mail.to)), await client.body(mail.raw)]
  client.leave()
  assert.match(replies.at(-1)!, /^250 /, replies.join('\n'))
}

/** As a person at one desk would write to the other. */
const letter = (from: string, to: string) =>
  [
    `From: Support <support@${from}>`,
    `To: support@${to}`,
    'Subject: Your invoice',
    'Date: Mon, 23 Nov 2026 09:29:00 +0100',
    `Message-ID: <invoice.${from}@mail.example>`,
    '',
    'We have a question about it.',
    '',
  ].join('\r\n')

const addressOf = (raw: string) => /^from:.*?([^\s<>]+@[^\s<>]+)/im.exec(raw)?.[1] ?? ''

/** One desk's mail is injected at the other, or each's; then nothing may be under way anywhere for two seconds. */
async function talk(change: Relay, begins: 'one' | 'both'): Promise<{ acks: number[]; tickets: number[] }> {
  const world = await startWorld(change)
  const [a, b] = world.desks as [Desk, Desk]
  await inject(a, { from: `support@${b.domain}`, to: `support@${a.domain}`, raw: letter(b.domain, a.domain) })
  if (begins === 'both')
    await inject(b, { from: `support@${a.domain}`, to: `support@${b.domain}`, raw: letter(a.domain, b.domain) })
  const databases = world.desks.map((desk) => desk.folder.open())
  try {
    let quiet = 0
    await until(
      'silence',
      async () => {
        const open = await Promise.all(databases.map(({ sql }) => underWay(sql)))
        const still = open.every((count) => count === 0) && world.crossed.length === world.relay.mails.length
        quiet = still ? quiet + 1 : 0
        return quiet > 40
      },
      120_000,
    )
    const counts = await Promise.all(databases.map(({ sql }) => countOf(sql)))
    assert.is(
      world.crossed.length,
      counts.reduce((sum, one) => sum + one.acks, 0),
    )
    return { acks: counts.map((one) => one.acks), tickets: counts.map((one) => one.tickets) }
  } finally {
    for (const { end } of databases) await end()
    await world.stop()
  }
}

async function underWay(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select (select count(*) from inbound_mails where settled_at is null)::int +
      (select count(*) from outbox where settled_at is null)::int as n`
  return row!.n
}

/** Nothing but acknowledgements may have gone out. */
async function countOf(sql: Sql): Promise<{ acks: number; tickets: number }> {
  const [counts] = await sql<{ acks: number; others: number; tickets: number }[]>`
    select count(*) filter (where kind = 'ack' and state = 'sent')::int as acks,
      count(*) filter (where kind <> 'ack')::int as others, (select count(*) from tickets)::int as tickets from outbox`
  assert.is(counts!.others, 0)
  return counts!
}

test('at most one acknowledgement each, and no answer to it', async () => {
  assert.equal((await talk(honest, 'both')).acks, [1, 1])
})

test('without the words that say "automatic" the conversation is still known', async () => {
  // one conversation: of two that cross, the first mail of each may be the other's acknowledgement
  assert.equal((await talk(stripping, 'one')).acks, [1, 1])
})

test('without any word of the conversation either, the budgets end it', async () => {
  const most = budget.perAddressHour
  const { acks, tickets } = await talk(forgetful, 'both')
  assert.equal(acks, [most, most])
  assert.equal(tickets, [most + 1, most + 1]) // the letter, and each acknowledgement of the other
})

test.run()

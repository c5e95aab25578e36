/** The main job on the real program: a mail comes in by SMTP, becomes a ticket, and the acknowledgement is there. */
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Sql } from '../src/database.ts'
import { command, type Daemon, listed, makeFolder, startDaemon, until } from './daemon.ts'
import { mail } from './desk.ts'
import { greet } from './smtp-client.ts'

const folder = makeFolder()
const setting = { data: folder.path }
const started = new Set<Daemon>()
test.after(async () => {
  for (const daemon of started) await daemon.kill()
  await folder.remove()
})

async function start(env: Record<string, string> = {}): Promise<Daemon> {
  const daemon = await startDaemon({ ...setting, env })
  started.add(daemon)
  return daemon
}

/** By SMTP; the answer to the final dot. */
async function send(daemon: Daemon, raw: string, from = 'eva@acme.example'): Promise<string> {
  const client = await greet(daemon.smtp)
  await client.begin(from, 'support@desk.example')
  const answer = await client.body(raw.replaceAll('\n', '\r\n'))
  client.leave()
  return answer
}

type Row = { state: string; ticket_id: number; subject: string }

/** A command costs a second, so what is waited for is asked by SQL. The connection ends: the last to leave counts it. */
async function ask<T>(question: (sql: Sql) => Promise<T>): Promise<T> {
  const { sql, end } = folder.open()
  try {
    return await question(sql)
  } finally {
    await end()
  }
}

/** Newest first, as the commands list. */
const settled = (count: number) =>
  ask((sql) =>
    until(`${count} mails are settled`, async () => {
      const mails = await sql<(Row & { settled_at: Date | null })[]>`
        select state, ticket_id, subject, settled_at from inbound_mails order by id desc`
      return mails.length === count && mails.every((one) => one.settled_at) && mails
    }),
  )

/** The files, once all rows say that they are written. */
const acks = (count: number) =>
  ask(async (sql) => {
    await until(`${count} acknowledgements are written`, async () => {
      const rows = await sql<{ state: string }[]>`select state from outbox`
      return rows.length === count && rows.every((row) => row.state === 'sent')
    })
    const outgoing = path.join(folder.path, 'outgoing')
    return fs.readdirSync(outgoing).map((name) => fs.readFileSync(path.join(outgoing, name), 'utf8'))
  })

const idOf = (raw: string) => /^Message-ID: (.*)$/im.exec(raw)![1]!
const reply = (raw: string, text: string) => {
  const from = /^From: (.*)$/m.exec(raw)![1]!
  return mail({ from, subject: 'Re: your mail', text, headers: { 'In-Reply-To': idOf(raw), References: idOf(raw) } })
}

const first = mail({ subject: 'Der Drucker', text: 'Er brennt.' })
let daemon: Daemon

test('the first start says where everything is, and a mail becomes a ticket with its acknowledgement', async () => {
  daemon = await start()
  const parts = daemon.lines.map((line) => line.split(/ {2,}/)[0])
  assert.equal(parts, ['database', 'desk', 'outgoing', 'smtp', 'web', 'sign in', 'ready'])
  assert.match(daemon.lines.find((line) => line.startsWith('smtp'))!, /127\.0\.0\.1:\d+, for support@desk\.example$/)
  assert.match(daemon.lines.find((line) => line.startsWith('sign in'))!, /\/sign-in\/\S{20,}/)

  assert.match(await send(daemon, first), /^250 /)
  await settled(1)
  const files = await acks(1)
  assert.is(files.length, 1)
  assert.match(files[0]!, /^To: .*eva@acme\.example/m)
  assert.match(files[0]!, /^Auto-Submitted: auto-replied/m)
  const [[arrived], [ticket], [ack]] = await Promise.all([
    listed(setting, 'mails'),
    listed(setting, 'tickets'),
    listed(setting, 'outbox'),
  ])
  assert.is(arrived!.state, 'ticketed')
  assert.is(arrived!.ticket, ticket!.number)
  assert.is(ticket!.subject, 'Der Drucker')
  assert.is(ticket!.project, 'acme/incoming')
  assert.ok(ticket!.next_due_at)
  assert.equal([ack!.state, ack!.kind, ack!.to], ['sent', 'ack', 'eva@acme.example'])
  const health = await fetch(`${daemon.web}/health`)
  assert.is(health.status, 200)
})

test('what is on stderr is JSON and names nobody', () => {
  const lines = daemon.log().trim().split('\n')
  for (const line of lines) assert.type(JSON.parse(line).event, 'string')
  assert.not.match(daemon.log(), /eva@acme|brennt|sign-in\//)
})

test('SIGTERM ends it cleanly, and its server with it; the next start goes on where it was', async () => {
  const { code, took } = await daemon.terminate()
  assert.is(code, 0)
  assert.ok(took < 30_000, `${took} ms`)
  assert.is(folder.postmaster(), 0)
  daemon = await start()
  assert.match(await send(daemon, reply(first, 'Und raucht.')), /^250 /)
  const [answer] = await settled(2)
  assert.is(answer!.state, 'commented')
  assert.is((await acks(1)).length, 1) // a follow-up is not acknowledged
})

test('after kill -9 the next start joins the server that is still up', async () => {
  const server = folder.postmaster()
  assert.ok(server > 0)
  await daemon.kill()
  assert.is(folder.postmaster(), server)
  daemon = await start()
  assert.is(folder.postmaster(), server)
  assert.match(await send(daemon, reply(first, 'Noch immer.')), /^250 /)
  const [answer] = await settled(3)
  assert.is(answer!.state, 'commented')
  const [whole] = await listed(setting, 'ticket', String(answer!.ticket_id))
  assert.is((whole!.comments as unknown[]).length, 3)
})

test('a second daemon on the same data takes mail too, and the server stays until the last one leaves', async () => {
  const second = await start()
  const server = folder.postmaster()
  const other = mail({ from: 'Noor <noor@borealis.example>', subject: 'The door' })
  assert.match(await send(second, other, 'noor@borealis.example'), /^250 /)
  assert.match(await send(daemon, reply(other, 'It squeaks.'), 'noor@borealis.example'), /^250 /)
  const [two, one] = await settled(5)
  assert.equal([one!.state, two!.state], ['ticketed', 'commented'])
  assert.is(one!.ticket_id, two!.ticket_id)
  await acks(2)

  assert.is((await daemon.terminate()).code, 0)
  assert.is(folder.postmaster(), server)
  assert.match(await send(second, mail({})), /^250 /)
  await settled(6)
  await acks(3)
  assert.is((await second.terminate()).code, 0)
  assert.is(folder.postmaster(), 0)
})

test('a port that is taken is refused in words, and nothing stays behind', async () => {
  daemon = await start()
  const { address, port } = daemon.smtp
  const refused = await command({ ...setting, env: { POSTROOM_SMTP: `${address}:${port}` } }, 'serve')
  assert.is(refused.code, 1)
  assert.match(refused.err, new RegExp(`cannot listen on ${address}:${port}`))
  assert.match(refused.err, /POSTROOM_SMTP/)
  assert.match(await send(daemon, mail({})), /^250 /) // the first one does not mind
  assert.is((await daemon.terminate()).code, 0)
})

test.run()

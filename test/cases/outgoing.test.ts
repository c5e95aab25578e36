/**
 * The regressions of MAIL 11 about what leaves and what is shown, each by its id: from the customer's mail through the
 * real pipeline to the bytes on the wire of a relay that misbehaves, and to the agent's browser.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { clearNotice, openNotices, raiseNotice } from '../../src/engine/notices.ts'
import { reply } from '../../src/engine/tickets.ts'
import { silent } from '../../src/log.ts'
import { type Deliverer, startDeliverer } from '../../src/mail/deliver.ts'
import { after, HOUR, MINUTE } from '../../src/time.ts'
import { createWeb } from '../../src/web/app.ts'
import { createLoginLink } from '../../src/web/session.ts'
import { mail, startDesk } from '../desk.ts'
import { relayAt } from '../mail/deliver/relay.ts'
import { type FakeImap, startFakeImap } from '../mail/fake-imap.ts'
import { mailboxAt, startPollers, until } from '../mail/imap-poller.ts'
import { type Postbox, startPostbox } from '../postbox.ts'
import { browser } from '../web/desk.ts'

const desk = await startDesk()
const { sql } = desk
const pollers = startPollers(sql)
const boxes: Postbox[] = []
const deliverers: Deliverer[] = []
const servers: FakeImap[] = []
let offset = 0
const now = () => after(new Date(), offset)

async function stopAll() {
  await Promise.all(deliverers.splice(0).map((one) => one.stop()))
  await pollers.stopAll()
  await Promise.all([...boxes.splice(0), ...servers.splice(0)].map((one) => one.stop()))
}
test.before.each(async () => {
  offset = 0
  await desk.reset()
  desk.clock.at = new Date()
})
test.after.each(stopAll)
test.after(async () => {
  await stopAll()
  await pollers.close()
  await desk.stop()
})

const startBox = async (port?: number) => {
  const box = await startPostbox(port === undefined ? {} : { port })
  boxes.push(box)
  return box
}
const deliver = async (port: number) => {
  const deliverer = await startDeliverer({
    sql,
    relay: relayAt(port, { concurrency: 1 }),
    folder: '/nonexistent',
    log: silent,
    now,
    notices: {
      raise: (kind, subject, words) => raiseNotice(sql, { kind, subject, words }, now()),
      settle: (kind, subject) => clearNotice(sql, kind, subject, now()),
    },
    pace: { poll: 30, circuit: [100, 200], stop: 300 },
  })
  deliverers.push(deliverer)
}
/** An answer whose undo window is over. */
const answer = (ticketId: number | null) => {
  const agent = desk.tools().desk.agents.get('bo@desk.example')!
  const input = { ticketId: ticketId!, agent, text: 'It is on its way.', channel: 'web' as const, tools: desk.tools() }
  return transaction(sql, (tx) => reply(tx, input, after(desk.clock.at, -2 * MINUTE)))
}
const rows = (kind: string) => sql`select * from outbox where kind = ${kind} order by id`
const statesOf = async (kind: string) => (await rows(kind)).map((row) => row.state as string)
const isReply = (raw: Buffer) => !/^Auto-Submitted:/im.test(raw.toString())
const headOf = (raw: Buffer) => raw.toString().slice(0, raw.indexOf('\r\n\r\n'))
const unfolded = (head: string, name: string) =>
  head
    .replaceAll(/\r\n[ \t]/g, ' ')
    .split('\r\n')
    .find((line) => line.startsWith(`${name}: `)) ?? ''

// --- X58: what is in doubt ---

test('X58: the server takes the mail and hangs up before its 250: an answer goes twice at most, equal; an acknowledgement once', async () => {
  const box = await startBox()
  box.say = ({ phase }) => (phase === 'end' ? 'drop' : null)
  const first = await desk.deliver(mail({}))
  await answer(first.ticket_id)
  await deliver(box.port)
  await until('both are in doubt', async () =>
    [...(await statesOf('ack')), ...(await statesOf('reply'))].every((state) => state === 'uncertain'),
  )
  for (let tries = 0; tries < 3; tries++) {
    offset += 31 * MINUTE
    await sleep(200)
  }
  offset += 48 * HOUR
  await sleep(200)
  const replies = box.mails.filter((one) => isReply(one.raw))
  assert.is(replies.length, 2)
  assert.ok(replies[0]!.raw.equals(replies[1]!.raw))
  assert.is(box.mails.length - replies.length, 1)
  assert.equal([await statesOf('reply'), await statesOf('ack')], [['uncertain'], ['uncertain']])
})

test('X58: the copy for Sent is refused: the answer was sent, once, and stays sent', async () => {
  const box = await startBox()
  const server = await startFakeImap()
  servers.push(server)
  server.answer = ({ command, tag, write }) => {
    if (!/^APPEND/i.test(command)) return false
    write(`${tag} NO [OVERQUOTA] the mailbox is full\r\n`)
    return true
  }
  const poller = pollers.start(mailboxAt(server.port, { sent: 'Sent' }))
  await poller.pollNow()
  const first = await desk.deliver(mail({}))
  await answer(first.ticket_id)
  await deliver(box.port)
  await until('it is told', () => poller.notices.some((words) => /mailbox_sent.*mailbox is full/.test(words)))
  await sleep(300)
  const [row] = await rows('reply')
  assert.equal([row!.state, row!.tries, row!.copied_at], ['sent', 1, null])
  assert.is(box.mails.filter((one) => isReply(one.raw)).length, 1)
})

test('X58: the relay is down: everything waits, one notice says so, and all of it goes later', async () => {
  const gone = await startBox()
  const { port } = gone
  await gone.stop()
  boxes.length = 0
  for (let n = 0; n < 5; n++)
    await answer((await desk.deliver(mail({ from: `p${n}@acme.example`, subject: `Matter ${n}` }))).ticket_id)
  await deliver(port)
  await until('it is told', async () => (await openNotices(sql)).length === 1)
  assert.ok([...(await statesOf('ack')), ...(await statesOf('reply'))].every((state) => state === 'queued'))
  const box = await startBox(port)
  await until('all are sent', async () =>
    [...(await statesOf('ack')), ...(await statesOf('reply'))].every((state) => state === 'sent'),
  )
  assert.is(box.mails.length, 10)
  await until('the notice is settled', async () => (await openNotices(sql)).length === 0)
})

// --- X59: what a mail can carry into ours ---

test('X59: a line break in a name becomes no header of ours', async () => {
  const box = await startBox()
  const name = `=?utf-8?B?${Buffer.from('Eva\r\nBcc: victim@other.example\r\nX-Evil: 1').toString('base64')}?=`
  const first = await desk.deliver(
    mail({ from: `${name} <eva@acme.example>`, subject: '=?utf-8?Q?Door=0D=0ABcc:_victim@other.example?=' }),
  )
  await answer(first.ticket_id)
  await deliver(box.port)
  await until('both came', () => box.mails.length === 2)
  for (const one of box.mails) {
    assert.not.match(headOf(one.raw), /^(?:Bcc|X-Evil):/im)
    assert.equal(one.to, ['eva@acme.example'])
  }
})

test('X59: an address with a quoted part or a second at sign is never written to', async () => {
  const odd = '"x@acme.example y"@internal.example'
  const end = await desk.deliver(mail({ from: `Eva <${odd}>`, headers: { Cc: '<a@b@other.example>' } }), {
    from: 'eva@acme.example',
  })
  assert.is(end.state, 'ticketed')
  const asked = await desk.deliver(mail({ headers: { 'Reply-To': `<${odd}>`, Cc: `Carl <${odd}>` } }))
  await answer(asked.ticket_id)
  const recipients = (await sql`select distinct recipient from outbox`).map((row) => row.recipient)
  assert.equal(recipients, ['eva@acme.example'])
  const headers = await sql`select headers from outbox`
  assert.not.match(JSON.stringify(headers), /internal\.example|a@b@/)
})

test('X59: a conversation of 60 mails: References of the answer are whole ids, 1 500 bytes at most', async () => {
  const box = await startBox()
  const ids = Array.from({ length: 60 }, (_, n) => `<${'conversation'.repeat(6)}.${n}@mail.acme.example>`)
  const first = await desk.deliver(mail({ headers: { References: ids.join('\n '), 'In-Reply-To': ids.at(-1)! } }))
  await answer(first.ticket_id)
  await deliver(box.port)
  await until('both came', () => box.mails.length === 2)
  for (const one of box.mails) {
    const line = unfolded(headOf(one.raw), 'References')
    assert.ok(line.length > 0 && line.length <= 1500, `${line.length} bytes`)
    const found = line.slice('References: '.length).split(/\s+/)
    for (const id of found) assert.match(id, /^<[^<>\s]+@[^<>\s@]+>$/)
    assert.match(found[0]!, /^<t\./)
  }
})

test('X59: mail to anna-maria@ bounces: anna-lena@, anna@ and a tag of hers are written to all the same', async () => {
  const box = await startBox()
  box.say = ({ phase, to }) => (phase === 'rcpt' && to === 'anna-maria@acme.example' ? '550 5.1.1 no such user' : null)
  await desk.deliver(mail({ from: 'anna-maria@acme.example' }))
  await deliver(box.port)
  await until('it failed', async () => (await statesOf('ack'))[0] === 'failed')
  const suppressed = await sql`select address from suppressions`
  assert.equal(
    suppressed.map((row) => row.address),
    ['anna-maria@acme.example'],
  )
  const others = ['anna-lena@acme.example', 'anna@acme.example', 'anna-maria+x@acme.example', 'annamaria@acme.example']
  for (const from of others) await desk.deliver(mail({ from, subject: `From ${from}` }))
  await until('they are written to', () => box.mails.length === others.length)
  assert.equal(box.mails.map((one) => one.to[0]).sort(), [...others].sort())
  // and to her nothing goes any more, as long as nothing proves that she is back
  await desk.deliver(mail({ from: 'anna-maria@acme.example', subject: 'Again' }), {
    session: { ip: '192.0.2.66', helo: 'elsewhere.example' },
  })
  await sleep(100)
  assert.is(box.mails.length, others.length)
})

// --- X60: what an agent opens ---

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
const PAGE = '<!doctype html><script>alert(1)</script>'
const HTML = { 'Content-Type': 'text/html; charset=utf-8' }
const MXSS = [
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=alert(1)&gt;">',
  '<svg></p><style><a id="</style><img src=x onerror=alert(1)>">',
  '<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>',
  '<title><a title="</title><img src=x onerror=alert(1)>">',
  '<a href="javascript:alert(1)">click</a>',
]

test('X60: drawings, pages, renamed ones, a file name that is markup and mutating HTML: nothing of it can run', async () => {
  const part = (type: string, name: string, body: string) =>
    `--b\nContent-Type: ${type}\nContent-Disposition: attachment; filename*=utf-8''${encodeURIComponent(name)}\n\n${body}`
  const evil = '"><svg onload=alert(1)>.jpg'
  const end = await desk.deliver(
    mail({
      headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
      text: [
        `--b\nContent-Type: text/html; charset=utf-8\n\n<p>Dear desk</p>${MXSS[0]}`,
        part('image/svg+xml', 'a.svg', SVG),
        part('text/html', 'a.html', PAGE),
        part('image/png', 'a.png', PAGE),
        part('image/jpeg', evil, SVG),
        '--b--',
      ].join('\n'),
    }),
  )
  assert.is(end.state, 'ticketed')
  const app = createWeb({
    sql,
    parse: desk.parse,
    tools: desk.tools,
    now,
    log: silent,
    config: { url: 'http://desk.example', secureCookies: false },
    parts: () => ({}),
  })
  const ada = desk.tools().desk.agents.get('ada@desk.example')!
  const secret = await createLoginLink(sql, { agentId: ada.id, lifetime: HOUR }, now())
  const signedIn = await app.request(`/sign-in/${secret}`, { method: 'POST', headers: { origin: 'http://localhost' } })
  const person = browser(app, signedIn.headers.get('set-cookie')!.split(';')[0]!)

  const page = await person.page(`/tickets/${end.ticket_id}`)
  assert.match(page, 'Dear desk')
  assert.not.match(page, /<svg onload|<script>alert|onerror=alert\(1\)>/)
  for (const [n, vector] of MXSS.entries()) {
    const shown = n === 0 ? end : await desk.deliver(mail({ headers: HTML, text: `<p>Dear desk</p>${vector}` }))
    const frame = await person.get(`/comments/${shown.comment_id}/frame`)
    const policy = frame.headers.get('content-security-policy')!
    assert.match(policy, /^sandbox [^;]*; default-src 'none'/)
    assert.not.match(policy, /allow-scripts|allow-same-origin/)
    // what stands in quotation marks is the value of an attribute; a link's is looked at before
    const [, body = ''] = (await frame.text()).split('<body>')
    assert.match(body, 'Dear desk', vector)
    assert.not.match(body, /javascript:/i)
    assert.not.match(
      body.replaceAll(/"[^"]*"/g, '""'),
      /<(?:script|style|svg|math|title|form|mglyph)\b|\son\w+=/i,
      vector,
    )
  }

  const files = await sql`select id, filename from attachments where ticket_id = ${end.ticket_id} order by id`
  assert.is(files.length, 4)
  for (const file of files)
    for (const query of ['', '?view=1']) {
      const download = await person.get(`/attachments/${file.id}${query}`)
      assert.is(download.headers.get('content-type'), 'application/octet-stream', file.filename)
      assert.match(download.headers.get('content-disposition')!, /^attachment; filename="[^"<>]*"/)
      assert.match(download.headers.get('content-security-policy')!, /^sandbox; default-src 'none'/)
      assert.is(download.headers.get('x-content-type-options'), 'nosniff')
      await download.body?.cancel()
    }
})

test.run()

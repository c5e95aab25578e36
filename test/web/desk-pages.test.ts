/** Held and outgoing mail, notices, health, and the rules that hold on every page. */
import { request } from 'node:http'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { raiseNotice } from '../../src/engine/notices.ts'
import { silent } from '../../src/log.ts'
import { startSpool } from '../../src/mail/spool/accept.ts'
import { after, MINUTE } from '../../src/time.ts'
import { createWeb } from '../../src/web/app.ts'
import { startWeb } from '../../src/web/server.ts'
import { testDatabase } from '../database.ts'
import { browser as browserWith, NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { app } = desk
const browser = await desk.signIn(desk.ada)
const ofBo = await desk.signIn(desk.bo)
const evil = '"><script>alert(1)</script>'
test.after(database.close)

async function inbound(state: 'held' | 'quarantined', subject = 'A prize') {
  const spool = startSpool({ sql, log: silent })
  const { id } = await spool.accept({
    envelope: {
      via: 'mx',
      listener: 'mx',
      from: 'a@b.example',
      recipients: [{ address: 'support@desk.example', inbox: 'support', tag: null }],
      session: {},
      prefix: '',
      receivedAt: NOON,
    },
    bytes: Buffer.from(`From: a@b.example\r\nSubject: ${subject}\r\n\r\nbody\r\n`),
  })
  await spool.stop()
  const reasons = sql.json([{ code: 'spam_folder', words: `It was there ${evil}.` }])
  await sql`update inbound_mails set state = ${state}, reasons = ${reasons}, settled_at = ${NOON} where id = ${id}`
  return id
}

async function outbound(state: string, wish: { to?: string; ticket?: number | null; answer?: string } = {}) {
  const [row] = await sql`
    insert into outbox (kind, priority, ticket_id, message_id, date_at, envelope_from, recipient, headers, subject, text, state,
      tries, last_answer, next_try_at, expires_at, created_at)
    values ('reply', 0, ${wish.ticket ?? null}, 'a@desk.example', ${NOON}, 'b@desk.example', ${wish.to ?? 'eva@acme.example'}, '[]',
      ${`Re: ${evil}`}, 't', ${state}, 2, ${wish.answer ?? null}, ${after(NOON, MINUTE)}, ${after(NOON, MINUTE)}, ${NOON}) returning id`
  return row!.id as number
}

const mailState = async (id: number) =>
  (await sql`select state, settled_by, reasons from inbound_mails where id = ${id}`)[0]!
const sentState = async (id: number) => (await sql`select state from outbox where id = ${id}`)[0]!.state

test('held mail is shown with its reasons and released, discarded or retried by hand', async () => {
  const [held, unwanted, failed] = [await inbound('held', evil), await inbound('held'), await inbound('quarantined')]
  const page = await browser.page('/held')
  assert.not.match(page, '<script')
  assert.match(page, 'spam_folder')
  assert.match(page, `/mails/${held}/release`)
  assert.match(page, `/mails/${failed}/retry`)
  assert.not.match(page, `/mails/${failed}/release`)
  assert.is((await browser.post(`/mails/${held}/release`)).status, 303)
  assert.is((await browser.post(`/mails/${unwanted}/discard`, { why: 'an advertisement' })).status, 303)
  assert.is((await browser.post(`/mails/${failed}/retry`)).status, 303)
  assert.is((await mailState(held)).state, 'received')
  assert.is((await mailState(failed)).state, 'received')
  const discarded = await mailState(unwanted)
  assert.equal([discarded.state, discarded.settled_by], ['discarded', 'Ada'])
  assert.match(JSON.stringify(discarded.reasons), 'an advertisement')
  const again = await browser.post(`/mails/${held}/release`)
  assert.is(again.status, 422)
  assert.match(await again.text(), 'is received, not held')
})

test('a mail that is held beside a ticket can be let in as one of its own', async () => {
  const { id: ticket } = await desk.addTicket()
  const held = await inbound('held')
  const retried = await inbound('quarantined')
  assert.not.match(await browser.page('/held'), /As its own ticket/)
  await sql`update inbound_mails set ticket_id = ${ticket} where id in (${held}, ${retried})`
  assert.match(await browser.page(`/tickets/${ticket}`), `<a href="/held#mail-${held}">Mail ${held}</a>`)
  const page = await browser.page('/held')
  assert.is(page.match(/As its own ticket/g)!.length, 1)
  assert.match(page, `Mail ${held} from `)
  assert.is((await browser.post(`/mails/${held}/release`, { as: 'ticket' })).status, 303)
  assert.is((await browser.post(`/mails/${retried}/retry`, { as: 'ticket' })).status, 303)
  const rows = await sql`
    select released_as, ticket_id from inbound_mails where id in (${held}, ${retried}) order by id`
  assert.equal([...rows], [{ released_as: 'ticket', ticket_id: null }, { released_as: null, ticket_id: ticket }])
}) // biome-ignore format: rows are rows

test('a mail that stayed in its mailbox is shown and asked for by hand', async () => {
  const [box] = await sql`
    insert into mailboxes (name, folder, uidvalidity, last_uid, created_at) values (${evil}, 'INBOX', 1, 9, ${NOON}) returning id`
  await sql`
    insert into imap_seen (mailbox_id, uid, state, at, words)
    values (${box!.id}, 7, 'unfetchable', ${NOON}, ${evil}), (${box!.id}, 8, 'imported', ${NOON}, null)`
  const page = await browser.page('/held')
  assert.match(page, `/mailboxes/${box!.id}/7/import`)
  assert.not.match(page, /<script|\/8\/import/)
  assert.is((await browser.post(`/mailboxes/${box!.id}/7/import`)).status, 303)
  assert.is((await browser.post(`/mailboxes/${box!.id}/8/import`)).status, 404)
  assert.match(await browser.page('/held'), 'Fetched with the next poll')
  assert.equal([...(await sql`select uid from imap_seen where action = 'import'`)], [{ uid: 7 }])
})

test('outgoing mail is filtered, tried again and cancelled', async () => {
  const ticket = await desk.addTicket()
  const failed = await outbound('failed', { to: 'gone@x.example', answer: '550 5.1.1 No such user' })
  const waiting = await outbound('deferred', { ticket: ticket.id })
  const sent = await outbound('sent')
  const shown = async (query: string) =>
    [...(await browser.page(`/outbox${query}`)).matchAll(/id="mail-(\d+)"/g)].map((m) => Number(m[1]))
  assert.equal(await shown(''), [sent, waiting, failed])
  assert.equal(await shown('?state=failed'), [failed])
  assert.equal(await shown(`?ticket=${ticket.id}`), [waiting])
  assert.equal(await shown('?to=gone@x.example'), [failed])
  assert.equal(await shown('?state=nonsense&ticket=x'), [sent, waiting, failed])
  const page = await browser.page('/outbox')
  assert.match(page, '550 5.1.1 No such user')
  assert.not.match(page, '<script')
  assert.is((await browser.post(`/outbox/${waiting}/cancellation`)).status, 303)
  assert.is(await sentState(waiting), 'cancelled')
  assert.is((await browser.post(`/outbox/${failed}/retry`)).status, 303)
  assert.is(await sentState(failed), 'queued')
  const late = await browser.post(`/outbox/${sent}/cancellation`)
  assert.is(late.status, 422)
  assert.match(await late.text(), 'can no longer be cancelled')
})

test('notices stand on every page of an admin, and only admins settle them', async () => {
  await raiseNotice(sql, { kind: 'relay_down', words: `The relay is down ${evil}` }, NOON)
  await raiseNotice(sql, { kind: 'relay_down', words: `The relay is down ${evil}` }, NOON)
  const [{ id } = { id: 0 }] = await sql`select id from notices`
  for (const path of ['/queues/open', '/held', '/outbox', '/sessions']) {
    const page = await browser.page(path)
    assert.match(page, 'The relay is down &quot;&gt;&lt;script&gt;', path)
    assert.match(page, '2 times')
    assert.not.match(await ofBo.page(path), 'The relay is down')
  }
  assert.is((await ofBo.post(`/notices/${id}/settlement`)).status, 404)
  assert.match(await browser.page('/held'), 'The relay is down')
  assert.is((await browser.post(`/notices/${id}/settlement`)).status, 303)
  assert.not.match(await browser.page('/held'), 'The relay is down')
})

test('every form refuses another origin, and every answer is safe', async () => {
  const held = await inbound('held')
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  for (const path of [
    '/sign-in',
    '/sign-out',
    `/mails/${held}/release`,
    '/tickets/1/work',
    '/outbox/1/retry',
    '/notices/1/settlement',
  ])
    for (const headers of [foreign, { origin: 'null' }, { origin: 'http://desk.example.evil.example' }] as Record<
      string,
      string
    >[])
      assert.is((await browser.post(path, {}, headers)).status, 403, path)
  assert.is(
    (await app.request(`/mails/${held}/release`, { method: 'POST', headers: { cookie: browser.cookie } })).status,
    403,
  )
  assert.is((await mailState(held)).state, 'held')
  assert.is((await browser.post(`/mails/${held}/release`, {}, { origin: 'http://desk.example' })).status, 303)
  for (const path of ['/queues/open', '/sign-in', '/held', '/nowhere', '/sign-in/x', '/tickets/0']) {
    const { headers } = await browser.get(path)
    const policy = headers.get('content-security-policy') ?? ''
    for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
      assert.match(policy, rule)
    assert.not.match(policy, /unsafe|script-src (?!'self'(?:;|$))/)
    assert.is(policy.includes('script-src'), path === '/queues/open', path)
    assert.is(headers.get('x-content-type-options'), 'nosniff', path)
    assert.is(headers.get('cache-control'), 'no-store', path)
  }
})

test('pages hold no script and no style of their own, and nothing from elsewhere', async () => {
  await desk.addTicket()
  for (const path of ['/queues/open', '/held', '/outbox', '/sessions', '/sign-in']) {
    const page = await browser.page(path)
    const scripts = page.match(/<script[\s\S]*?<\/script>/g) ?? []
    const ours = /^<script type="module" src="\/assets\/[0-9a-f]{12}\.js"><\/script>$/
    assert.equal(scripts.length, path === '/queues/open' ? 1 : 0, path)
    for (const script of scripts) assert.match(script, ours)
    assert.not.match(page, /<style| style=| on\w+=/, path)
    assert.not.match(page, /(src|href|action)="(https?:)?\/\//, path)
    assert.not.match(page, /\[object |undefined|NaN/, path)
  }
})

test('style and script may be kept for ever because their addresses change with them', async () => {
  const page = await browser.page('/queues/open')
  for (const [at, type] of [
    [/href="(\/assets\/[^"]+)"/, 'text/css'],
    [/src="(\/assets\/[^"]+)"/, 'text/javascript'],
  ] as const) {
    const answer = await app.request(at.exec(page)![1]!)
    assert.match(answer.headers.get('content-type')!, type)
    assert.match(answer.headers.get('cache-control')!, 'immutable')
  }
  assert.is((await app.request('/assets/..%2fserver.ts')).status, 303)
})

test('a form that is too large is refused', async () => {
  const answer = await browser.post('/tickets/1/work', { text: 'x'.repeat(2_200_000) })
  assert.is(answer.status, 413)
})

test('health needs no sign-in and says a word a part', async () => {
  const well = await app.request('/health')
  assert.is(well.status, 200)
  assert.is(await well.text(), 'database ok\nsmtp ok\n')
  const ill = createWeb({ ...desk.web, parts: () => ({ database: 'ok', relay: 'failing', imap: 'off' }) })
  const answer = await ill.request('/health', { headers: { accept: 'application/json' } })
  assert.is(answer.status, 503)
  assert.equal(await answer.json(), { database: 'ok', relay: 'failing', imap: 'off' })
})

test('an outage and a bug are told apart, and neither shows its inside', async () => {
  const broken = (error: Error) =>
    createWeb({
      ...desk.web,
      tools: () => {
        throw error
      },
    })
  const lost = await browserWith(
    broken(Object.assign(new Error('secret detail'), { code: 'ECONNREFUSED' })),
    browser.cookie,
  ).get('/queues/open')
  assert.is(lost.status, 503)
  assert.not.match(await lost.text(), 'secret detail')
  const bug = await browserWith(broken(new Error('secret detail')), browser.cookie).get('/queues/open')
  assert.is(bug.status, 500)
  assert.not.match(await bug.text(), 'secret detail')
  assert.match(desk.logged.pop()!, 'secret detail')
})

test('the server stops at once, also while a browser holds its connection open', async () => {
  const server = await startWeb(desk.web, { host: '127.0.0.1', port: 0 })
  const open = request(`${server.address}/health`, { headers: { connection: 'keep-alive' } })
  const ended = new Promise((resolve) => open.on('error', resolve))
  const answered = new Promise<number>((resolve) => open.on('response', (answer) => resolve(answer.statusCode!)))
  open.end()
  assert.is(await answered, 200)
  const started = performance.now()
  await server.stop()
  assert.ok(performance.now() - started < 1000)
  void ended
})

test('a port that is taken is said in words', async () => {
  const first = await startWeb(desk.web, { host: '127.0.0.1', port: 0 })
  const port = Number(new URL(first.address).port)
  try {
    await startWeb(desk.web, { host: '127.0.0.1', port })
    assert.unreachable()
  } catch (error) {
    assert.is((error as { code: string }).code, 'web_listen')
  }
  await first.stop()
})

test.run()

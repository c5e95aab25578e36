/** OAuth2 of mailboxes (2.11) against a stub identity provider, and the login that uses it. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findSecret } from '../../src/keys.ts'
import type { OAuth } from '../../src/mail/intake-imap/mailbox.ts'
import { readAnswer, startTokens } from '../../src/mail/intake-imap/oauth.ts'
import { testDatabase } from '../database.ts'
import { type FakeImap, startFakeImap } from './fake-imap.ts'
import { countMails, fast, mailboxAt, rawMail, secret, startPollers, until } from './imap-poller.ts'

const DAY = 86_400_000
const database = await testDatabase()
const { sql } = database
const pollers = startPollers(sql)
const asked: URLSearchParams[] = []
let reply: (form: URLSearchParams) => { status?: number; body: unknown } | Promise<{ status?: number; body: unknown }>
const provider = http.createServer(async (request, response) => {
  let text = ''
  for await (const piece of request) text += piece
  const form = new URLSearchParams(text)
  asked.push(form)
  const { status = 200, body } = await reply(form)
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(typeof body === 'string' ? body : JSON.stringify(body))
})
await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
const tokenUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/token`

const oauth: OAuth = { tokenUrl, clientId: 'desk', clientSecret: 'hidden', scope: 'imap', refreshToken: 'first' }
const tokens = (changes: Partial<OAuth> = {}) =>
  startTokens({ sql, secret, name: 'main', oauth: { ...oauth, ...changes }, limits: fast })
const stored = async () => JSON.parse((await findSecret(sql, secret, 'oauth/main'))?.toString() ?? 'null')
const code = async (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: { code?: string }) => error.code,
  )

/** A server that takes XOAUTH2 with one access token. */
async function startImapServer(accepts: () => string): Promise<FakeImap> {
  const server = await startFakeImap({ capabilities: 'IMAP4rev1 AUTH=XOAUTH2 SASL-IR IDLE' })
  let pending: string | null = null
  server.answer = ({ tag, command, write, ok }) => {
    if (pending !== null && tag === '' && command === '') {
      write(`${pending} NO [AUTHENTICATIONFAILED] bad token\r\n`)
      pending = null
      return true
    }
    const given = /^AUTHENTICATE XOAUTH2 (\S+)/.exec(command)?.[1]
    if (!given) return false
    if (Buffer.from(given, 'base64').toString() === `user=support\x01auth=Bearer ${accepts()}\x01\x01`) ok()
    else {
      pending = tag
      write(`+ ${Buffer.from('{"status":"401"}').toString('base64')}\r\n`)
    }
    return true
  }
  return server
}

test.before.each(async () => {
  await database.empty()
  asked.length = 0
})
test.after.each(() => pollers.stopAll())
test.after(async () => {
  await pollers.close()
  provider.closeAllConnections()
  await new Promise((resolve) => provider.close(resolve))
  await database.close()
})

test('a rotated refresh token is stored, sealed, before the access token is handed out', async () => {
  reply = () => ({ body: { access_token: 'a1', expires_in: 3600, refresh_token: 'second' } })
  const one = tokens()
  assert.is(await one.access(new Date()), 'a1')
  assert.is((await stored()).refresh, 'second')
  const [row] = await sql`select sealed from keys where name = 'oauth/main'`
  assert.not(row?.sealed.toString('latin1').includes('second'))
  assert.equal(Object.fromEntries(asked[0]!), {
    grant_type: 'refresh_token',
    refresh_token: 'first',
    client_id: 'desk',
    client_secret: 'hidden',
    scope: 'imap',
  })
  // Another daemon, or the next start, goes on with it.
  await tokens().access(new Date())
  assert.is(asked[1]!.get('refresh_token'), 'second')
})

test('without the database a rotated token is not used, and not lost', async () => {
  reply = () => ({ body: { access_token: 'a1', expires_in: 3600, refresh_token: 'second' } })
  const one = tokens()
  await sql.unsafe('alter table keys add constraint test_refuses check (false) not valid')
  try {
    assert.is(await code(one.access(new Date())), '23514')
  } finally {
    await sql.unsafe('alter table keys drop constraint test_refuses')
  }
  await one.access(new Date())
  assert.equal(
    asked.map((form) => form.get('refresh_token')),
    ['first', 'second'],
  )
})

test('an answer without a refresh token keeps the old one (Google)', async () => {
  reply = () => ({ body: { access_token: 'a1', expires_in: 3600 } })
  const one = tokens()
  const now = new Date()
  await one.access(now)
  await one.access(new Date(now.getTime() + 54 * 60_000))
  assert.is(asked.length, 1, 'good for another 6 minutes')
  await one.access(new Date(now.getTime() + 56 * 60_000))
  assert.is(asked.length, 2, 'asked for 5 minutes before the end')
  assert.is(asked[1]!.get('refresh_token'), 'first')
})

test('at least weekly, or an idle grant expires', async () => {
  reply = () => ({ body: { access_token: 'a1', expires_in: 3600 } })
  const one = tokens()
  const now = Date.now()
  await one.access(new Date(now))
  await one.keepAlive(new Date(now + 6 * DAY))
  assert.is(asked.length, 1)
  await one.keepAlive(new Date(now + 7 * DAY))
  assert.is(asked.length, 2)
})

test('a new token in the configuration replaces what came of the old one', async () => {
  reply = () => ({ body: { access_token: 'a1', expires_in: 3600, refresh_token: 'second' } })
  await tokens().access(new Date())
  await tokens({ refreshToken: 'authorised again' }).access(new Date())
  assert.is(asked[1]!.get('refresh_token'), 'authorised again')
})

test('the three kinds of no', () => {
  const told = (status: number, text: string) => {
    try {
      readAnswer({ status, text, host: 'idp.example' })
      return 'none'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  const table: [number, string, string][] = [
    [400, '{"error":"invalid_grant"}', 'oauth_revoked'],
    [401, '{"error":"invalid_client"}', 'oauth_refused'],
    [200, '{}', 'oauth_refused'],
    [200, '[1]', 'oauth_refused'],
    [200, '<html>', 'oauth_refused'],
    [503, 'later', 'oauth_unreachable'],
    [429, '{}', 'oauth_unreachable'],
    [200, '{"access_token":"x"}', 'none'],
  ]
  for (const [status, text, expected] of table) assert.is(told(status, text), expected, text)
})

test('a provider that is away, talks for ever or redirects is unreachable, and its words hold no secret', async () => {
  reply = () => ({ body: 'x'.repeat(fast.tokenAnswer + 1) })
  assert.is(await code(tokens().access(new Date())), 'oauth_unreachable')
  const away = tokens({ tokenUrl: 'http://127.0.0.1:1/token' })
  const error = await away.access(new Date()).catch((thrown: Error) => thrown)
  assert.not.match(String(error), /first|hidden/)
})

test('XOAUTH2: a refused token is answered with an empty line, fetched anew, and the poll goes on', async () => {
  let n = 0
  reply = () => ({ body: { access_token: `a${++n}`, expires_in: 3600 } })
  const server = await startImapServer(() => 'a2')
  try {
    const poller = pollers.start(mailboxAt(server.port, { login: { oauth } }), { limits: { authBackoff: [50] } })
    await until('logged in', () => poller.state().lastPoll !== null)
    assert.is(n, 2)
    assert.is(poller.state().logins, 2)
  } finally {
    await pollers.stopAll()
    await server.stop()
  }
})

test('a goodbye because the token ran out: another token, at once, and nobody is told', async () => {
  let n = 0
  reply = () => ({ body: { access_token: `a${++n}`, expires_in: 3600 } })
  const server = await startImapServer(() => `a${n}`)
  try {
    const login = server.answer
    const poller = pollers.start(mailboxAt(server.port, { login: { oauth } }), { limits: { backoff: 60_000 } })
    await until('logged in', () => poller.state().phase === 'waiting')
    server.answer = (ask) => {
      if (!/^UID SEARCH/.test(ask.command)) return login(ask)
      server.answer = login
      ask.write('* BYE Session invalidated - AccessTokenExpired\r\n')
      ask.close()
      return true
    }
    server.mails.push({ uid: 1, raw: rawMail(1) })
    server.announce()
    await until('the mail', async () => (await countMails(sql)) === 1)
    assert.is(n, 2)
    assert.equal(
      poller.notices.filter((words) => words.startsWith('raise')),
      [],
    )
  } finally {
    await pollers.stopAll()
    await server.stop()
  }
})

test('invalid_grant is final: one notice, no more asking, until somebody authorises it again (X11)', async () => {
  reply = () => ({ status: 400, body: { error: 'invalid_grant', error_description: 'Token has been revoked.' } })
  const server = await startImapServer(() => 'a')
  try {
    const poller = pollers.start(mailboxAt(server.port, { login: { oauth } }), { limits: { backoffCap: 500 } })
    await until('final', () => poller.state().phase === 'refused')
    for (let n = 0; n < 3; n++) await poller.pollNow()
    assert.is(asked.length, 1)
    assert.is(server.connections(), 0)
    const told = poller.notices.filter((words) => words.startsWith('raise'))
    assert.is(told.length, 1)
    assert.match(told[0]!, /mailbox_login main: .*invalid_grant.*authorise/)
    await poller.stop()
    reply = () => ({ body: { access_token: 'a', expires_in: 3600 } })
    const again = pollers.start(mailboxAt(server.port, { login: { oauth: { ...oauth, refreshToken: 'new' } } }))
    await until('it polls', () => again.state().lastPoll !== null)
    assert.ok(again.notices.includes('settle mailbox_login main'))
  } finally {
    await pollers.stopAll()
    await server.stop()
  }
})

test.run()

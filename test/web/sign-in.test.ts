/** Signing in by a mailed link: who gets one, what uses it up, where the cookie works and how it ends. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { after, DAY, HOUR, MINUTE } from '../../src/time.ts'
import { secretHash } from '../../src/tokens.ts'
import { createWeb } from '../../src/web/app.ts'
import { createLoginLink, purgeLinks } from '../../src/web/session.ts'
import { testDatabase } from '../database.ts'
import { browser, NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { app, clock, ada, bo } = desk
const nobody = browser(app, '')

test.before.each(async () => {
  clock.now = NOON
  await sql`delete from login_links`
  await sql`delete from sessions`
  await sql`delete from outbox`
})
test.after(database.close)

const ask = (address: string) => nobody.post('/sign-in', { address })
const mailed = async () => [
  ...(await sql<
    { recipient: string; text: string }[]
  >`select recipient, text from outbox where kind = 'login' order by id`),
]
const linkIn = (text: string) => new URL(/http:\S+\/sign-in\/\S+/.exec(text)![0]).pathname
const newLink = (lifetime = MINUTE) => createLoginLink(sql, { agentId: ada.id, lifetime }, clock.now)

test('pages other than sign-in send strangers to the form', async () => {
  for (const path of [
    '/',
    '/queues/open',
    '/tickets/1',
    '/held',
    '/outbox',
    '/attachments/1',
    '/mails/1/raw',
    '/sessions',
    '/nowhere',
  ]) {
    const answer = await nobody.get(path)
    assert.is(answer.status, 303, path)
    assert.is(answer.headers.get('location'), '/sign-in', path)
  }
  assert.is((await nobody.post('/tickets/1/work', { text: 'x' })).headers.get('location'), '/sign-in')
})

test('a known and an unknown address get the same answer, and only the known one a mail', async () => {
  const started = performance.now()
  const known = await ask(' ADA@desk.example ')
  const between = performance.now()
  const unknown = await ask('mallory@elsewhere.example')
  const ended = performance.now()
  assert.is(known.status, 200)
  assert.is(unknown.status, 200)
  assert.is(await known.text(), await unknown.text())
  assert.ok(between - started >= 240 && ended - between >= 240, 'both take their time')
  assert.equal(
    (await mailed()).map((mail) => mail.recipient),
    ['ada@desk.example'],
  )
})

test('a disabled agent gets no link, and one that exists stops working', async () => {
  const secret = await newLink()
  const browserOfAda = await desk.signIn(ada)
  await sql`update agents set disabled_at = ${NOON} where id = ${ada.id}`
  try {
    await ask('ada@desk.example')
    assert.equal(await mailed(), [])
    assert.is((await nobody.get(`/sign-in/${secret}`)).status, 410)
    assert.is((await nobody.post(`/sign-in/${secret}`)).status, 410)
    assert.is((await browserOfAda.get('/queues/open')).status, 303)
  } finally {
    await sql`update agents set disabled_at = null where id = ${ada.id}`
  }
})

test('the mailed link signs in, at the desk’s own address', async () => {
  await ask('ada@desk.example')
  const [mail] = await mailed()
  assert.match(mail!.text, 'http://desk.example/sign-in/')
  assert.match(mail!.text, '30')
  const path = linkIn(mail!.text)
  assert.match(await (await nobody.get(path)).text(), 'ada@desk.example')
  const answer = await nobody.post(path)
  assert.is(answer.status, 303)
  const page = await browser(app, answer.headers.get('set-cookie')!.split(';')[0]!).get('/queues/open')
  assert.is(page.status, 200)
})

test('opening a link, as mail scanners do, neither signs in nor uses it up', async () => {
  const secret = await newLink()
  for (let n = 0; n < 3; n++) {
    const answer = await nobody.get(`/sign-in/${secret}`)
    assert.is(answer.status, 200)
    assert.is(answer.headers.get('set-cookie'), null)
  }
  await app.request(`/sign-in/${secret}`, { method: 'HEAD' })
  assert.equal([...(await sql`select 1 from sessions`)], [])
  assert.is((await nobody.post(`/sign-in/${secret}`)).status, 303)
})

test('a link works once, also when it is used twice at the same moment', async () => {
  const secret = await newLink()
  const answers = await Promise.all([1, 2, 3, 4].map(() => nobody.post(`/sign-in/${secret}`)))
  assert.equal(answers.map((answer) => answer.status).sort(), [303, 410, 410, 410])
  assert.is((await nobody.get(`/sign-in/${secret}`)).status, 410)
})

test('a mailed link lasts 30 minutes', async () => {
  await ask('ada@desk.example')
  const path = linkIn((await mailed())[0]!.text)
  clock.now = after(NOON, 30 * MINUTE - 1)
  assert.is((await nobody.get(path)).status, 200)
  clock.now = after(NOON, 30 * MINUTE)
  assert.is((await nobody.get(path)).status, 410)
  assert.is((await nobody.post(path)).status, 410)
})

test('a made-up secret is refused like a used one', async () => {
  assert.is((await nobody.get('/sign-in/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')).status, 410)
  assert.is((await nobody.post('/sign-in/..%2f..%2fetc')).status, 410)
})

test('five links an hour and agent, also when asked for in parallel', async () => {
  await Promise.all(Array.from({ length: 8 }, () => ask('ada@desk.example')))
  assert.is((await mailed()).length, 5)
  await ask('bo@desk.example')
  assert.is((await mailed()).length, 6)
  clock.now = after(NOON, HOUR + 1)
  await ask('ada@desk.example')
  assert.is((await mailed()).length, 7)
})

test('secrets are stored as hashes only, and the page that holds one is not kept or told to others', async () => {
  const secret = await newLink()
  const [row] = await sql`select hash from login_links`
  assert.equal(row!.hash, secretHash(secret))
  const answer = await nobody.get(`/sign-in/${secret}`)
  assert.is(answer.headers.get('cache-control'), 'no-store')
  assert.is(answer.headers.get('referrer-policy'), 'same-origin')
  const cookie = (await nobody.post(`/sign-in/${secret}`)).headers.get('set-cookie')!
  const [session] = await sql`select hash from sessions`
  assert.equal(session!.hash, secretHash(/=([^;]+)/.exec(cookie)![1]!))
})

test('the cookie is for this host, this site, and http only; by https also Secure and __Host-', async () => {
  const plain = (await nobody.post(`/sign-in/${await newLink()}`)).headers.get('set-cookie')!
  assert.match(plain, /^postroom=[\w-]{43}; /)
  assert.match(plain, 'HttpOnly')
  assert.match(plain, 'SameSite=Lax')
  assert.match(plain, 'Path=/')
  assert.match(plain, `Max-Age=${(30 * DAY) / 1000}`)
  assert.not.match(plain, /Secure|Domain/)
  const safe = createWeb({ ...desk.web, config: { url: 'https://desk.example', secureCookies: true } })
  const answer = await browser(safe, '').post(`/sign-in/${await newLink()}`, {}, { origin: 'https://desk.example' })
  const cookie = answer.headers.get('set-cookie')!
  assert.match(cookie, /^__Host-postroom=/)
  assert.match(cookie, '; Secure')
  assert.is((await browser(safe, cookie.split(';')[0]!).get('/queues/open')).status, 200)
  assert.is((await browser(safe, cookie.split(';')[0]!.replace('__Host-', '')).get('/queues/open')).status, 303)
})

test('a sign-in lasts 30 days from its last use, and its cookie is renewed with it', async () => {
  const browserOfAda = await desk.signIn(ada)
  assert.is((await browserOfAda.get('/queues/open')).headers.get('set-cookie'), null)
  clock.now = after(NOON, 20 * DAY)
  assert.match((await browserOfAda.get('/queues/open')).headers.get('set-cookie')!, browserOfAda.cookie)
  clock.now = after(NOON, 49 * DAY)
  assert.is((await browserOfAda.get('/queues/open')).status, 200)
  clock.now = after(NOON, 79 * DAY)
  assert.is((await browserOfAda.get('/queues/open')).status, 303)
})

test('signing out ends the sign-in and not only the cookie', async () => {
  const browserOfAda = await desk.signIn(ada)
  const answer = await browserOfAda.post('/sign-out')
  assert.match(answer.headers.get('set-cookie')!, 'Max-Age=0')
  assert.is((await browserOfAda.get('/queues/open')).status, 303)
})

test('sign-ins are listed and ended one by one, one’s own only', async () => {
  const [first, second, ofBo] = [await desk.signIn(ada), await desk.signIn(ada), await desk.signIn(bo)]
  const ids = await sql<{ id: number }[]>`select id from sessions order by id`
  const page = await first.page('/sessions')
  assert.is(page.match(/\/revocation/g)!.length, 2)
  assert.is(page.match(/This one/g)!.length, 1)
  assert.is((await first.post(`/sessions/${ids[2]!.id}/revocation`)).status, 422)
  assert.is((await ofBo.get('/queues/open')).status, 200)
  assert.is((await first.post(`/sessions/${ids[1]!.id}/revocation`)).status, 303)
  assert.is((await second.get('/queues/open')).status, 303)
  assert.is((await first.get('/queues/open')).status, 200)
})

test('spent links and ended sign-ins are purged a day later, living ones stay', async () => {
  await newLink(30 * DAY)
  await newLink(MINUTE)
  const [ended, living] = [await desk.signIn(ada), await desk.signIn(ada)]
  await ended.post('/sign-out')
  assert.is(await purgeLinks(sql, after(NOON, DAY - MINUTE)), 0)
  assert.is(await purgeLinks(sql, after(NOON, DAY + HOUR)), 4) // one link too old, two used, one sign-in
  assert.is((await living.get('/queues/open')).status, 200)
  assert.is((await sql`select count(*)::int as n from login_links`)[0]!.n, 1)
})

test.run()

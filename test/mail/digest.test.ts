/** The daily mail about mails that wait (MAIL 2.16, 4a.28). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { JOBS, runJob } from '../../src/cron.ts'
import { transaction } from '../../src/database.ts'
import { raiseNotice } from '../../src/engine/notices.ts'
import { addAgent } from '../../src/engine/people.ts'
import { silent } from '../../src/log.ts'
import { queueDigests } from '../../src/mail/digest.ts'
import { discard, purge } from '../../src/mail/spool.ts'
import { LOCALES } from '../../src/render.ts'
import { after, DAY, HOUR } from '../../src/time.ts'
import { MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const URL_ = 'https://desk.example'
const digest = (at = desk.clock.at) => queueDigests(sql, { tools: desk.tools(), url: URL_ }, at)
const sent = () =>
  sql<{ recipient: string; subject: string; text: string; html: string; kind: string; headers: [string, unknown][] }[]>`
    select recipient, subject, text, html, kind, headers from outbox where kind = 'notice' order by id`

/** A mail from the spam folder. */
const spam = (subject: string, from = 'Mallory <mallory@evil.example>') =>
  desk.deliver(mail({ from, subject }), {
    via: 'imap',
    session: { junk: true } as never,
  })

test('nothing waits: no mail, and none later that day', async () => {
  assert.equal(await digest(), { digests: 0 })
  assert.is((await spam('Buy this')).state, 'held')
  assert.equal(await digest(after(desk.clock.at, HOUR)), { digests: 0 }, 'it is a daily mail')
  assert.equal(await digest(after(desk.clock.at, DAY)), { digests: 1 })
})

test('each admin gets counts and list, automatic, in their language and zone, at their seven o’clock, once', async () => {
  await spam('Buy <b>this</b> now')
  await spam('=?utf-8?Q?Second_=C3=A4?=')
  const forged = await desk.deliver(mail({ from: 'support@desk.example' }), { from: 'x@evil.example', session: {} })
  assert.is(forged.state, 'held')
  await transaction(sql, async (tx) => {
    await addAgent(tx, { address: 'kim@desk.example', name: 'Kim', admin: true }, MONDAY)
    await addAgent(tx, { address: 'no@desk.example', name: 'No admin', admin: false }, MONDAY)
  })
  await sql`update agents set locale = 'de', zone = 'America/New_York' where address = 'kim@desk.example'`
  assert.equal(await digest(), { digests: 1 }, 'it is four in the morning in New York')
  assert.equal(await digest(after(MONDAY, 4 * HOUR)), { digests: 1 })
  assert.equal(await digest(after(MONDAY, 5 * HOUR)), { digests: 0 })
  const [ada, kim] = await sent()
  assert.equal([ada!.recipient, kim!.recipient], ['ada@desk.example', 'kim@desk.example'])
  assert.is(ada!.subject, '[Desk Support] Mail that waits: 3')
  assert.match(ada!.text, 'Held: 3\n')
  assert.match(ada!.text, 'mallory@evil.example, Buy <b>this</b> now (marked as spam)')
  assert.match(ada!.text, 'it claims to come from this desk')
  assert.match(ada!.html, 'Buy &lt;b&gt;this&lt;/b&gt; now')
  assert.match(ada!.text, `${URL_}/held`)
  const [, newest] = /^- (\d+): /m.exec(ada!.text)!
  assert.match(ada!.text, `“#accept ${newest}”; as a ticket of its own, with “#new mail:${newest}”`)
  assert.match(ada!.text, 'Europe/Berlin')
  assert.match(kim!.text, /^- \d+: 23\.11\.26, 03:30, mallory@evil\.example, Second ä \(als Spam markiert\)$/m)
  assert.match(kim!.text, 'America/New_York')
  const headers = Object.fromEntries(kim!.headers)
  assert.equal([headers['Auto-Submitted'], headers['X-Auto-Response-Suppress']], ['auto-generated', 'All'])
})

test('two daemons at once, and again after a restart: one mail', async () => {
  await spam('Buy this')
  const job = JOBS.find((one) => one.name === 'digest')!
  const given = (worker: string) => ({
    sql,
    worker,
    log: silent,
    now: () => MONDAY,
    tools: desk.tools,
    url: URL_,
    secret: Buffer.alloc(32),
  })
  await Promise.all([digest(), digest(), runJob(job, given('one')), runJob(job, given('two'))])
  await runJob(job, given('three'))
  assert.is((await sent()).length, 1)
})

test('a transaction that fails takes the day back', async () => {
  await spam('Buy this')
  const broken = { ...desk.tools(), templates: { locales: ['en'], byKey: new Map() } }
  assert.is(await queueDigests(sql, { tools: broken, url: URL_ }, MONDAY).catch(() => 'failed'), 'failed')
  assert.equal(await digest(), { digests: 1 })
})

test('what the purge discarded is counted; what was decided is not', async () => {
  const one = await spam('Buy this')
  await spam('Buy that')
  await transaction(sql, (tx) => discard(tx, { id: one.id, by: 'ada', why: '' }, MONDAY))
  const late = after(MONDAY, 31 * DAY)
  await purge(sql, late)
  assert.equal(await digest(late), { digests: 1 })
  const [row] = await sent()
  assert.match(row!.text, 'Discarded since yesterday, after 30 days: 1')
  assert.not.match(row!.text, /Held: /)
  assert.equal(await digest(after(late, 2 * DAY)), { digests: 0 })
})

test('fifty are named and the others counted; an admin whose mail comes back gets none (4a.8)', async () => {
  await sql`
    insert into inbound_mails (received_at, due_at, via, recipients, bytes, state, settled_at, from_address, subject, reasons)
    select ${MONDAY}, ${MONDAY}, 'mx', '[]', 1, case when n = 1 then 'quarantined' else 'held' end, ${MONDAY},
      'x@evil.example', 'mail ' || n, '[{"code": "rule", "words": ""}]' from generate_series(1, 53) as n`
  for (const locale of LOCALES) {
    await sql`delete from mail_budgets`
    await sql`update agents set locale = ${locale} where admin`
    assert.equal(await digest(), { digests: 1 })
    const text = (await sent()).at(-1)!.text
    assert.is(text.match(/^- /gm)!.length, 50)
    assert.match(text, /: 52$/m)
    assert.match(text, /: 3$/m)
  }
  const texts = (await sent()).map((one) => /^- .*\((.*)\)$/m.exec(one.text)![1])
  assert.is(new Set(texts).size, LOCALES.length)
  await sql`delete from mail_budgets`
  await raiseNotice(sql, { kind: 'agent_unreachable', subject: 'ada@desk.example', words: 'full' }, MONDAY)
  assert.equal(await digest(), { digests: 0 })
})

test.run()

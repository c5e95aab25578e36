/** After the sanitiser changed, formatted comments are done again from the raw mail, and cleaned until then (MAIL 9.1). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SANITISER_VERSION } from '../../src/html.ts'
import { silent } from '../../src/log.ts'
import { startSanitising } from '../../src/mail/sanitise-again.ts'
import { mail, startDesk } from '../desk.ts'
import { webDesk } from '../web/desk.ts'

const desk = await startDesk()
const { sql, parser } = desk
const web = await webDesk(sql)
const browser = await web.signIn(web.ada)
test.after(() => desk.stop())

const HTML = { 'Content-Type': 'text/html; charset=utf-8' }
const OLD =
  '<p>Hello</p><script>x()</script><img src="cid:logo" onerror="x()"><img data-remote-src="http://x.example/1">'

type Stored = { html: string | null; sanitiser: number; text: string; visible: string }
const stored = async (id: number) =>
  (await sql<Stored[]>`select html, sanitiser, text, visible from comments where id = ${id}`)[0]!
const age = (id: number) =>
  sql`update comments set html = ${OLD}, sanitiser = ${SANITISER_VERSION - 1} where id = ${id}`
const run = (worker = 'one') => startSanitising({ sql, parser, worker, log: silent }).done

/** A formatted mail's comment, as today's sanitiser makes it. */
async function comment(): Promise<number> {
  const end = await desk.deliver(mail({ headers: HTML, text: '<p>Hello <b>again</b></p><script>x()</script>' }))
  return end.comment_id!
}

test('from the raw mail; its words stay', async () => {
  const id = await comment()
  const before = await stored(id)
  assert.is(before.sanitiser, SANITISER_VERSION)
  assert.match(before.html!, '<b>again</b>')
  await age(id)
  await sql`update comments set text = 'kept', visible = 'kept' where id = ${id}`
  await run()
  assert.equal(await stored(id), { ...before, text: 'kept', visible: 'kept' })
})

test('what the raw mail is gone of is cleaned; its pictures stay', async () => {
  const id = await comment()
  await age(id)
  await sql`update inbound_mails set blob_id = null where comment_id = ${id}`
  await run()
  const { html, sanitiser } = await stored(id)
  assert.is(sanitiser, SANITISER_VERSION)
  assert.match(html!, '<p>Hello</p><img src="cid:logo" /><img data-remote-src="http://x.example/1" />')
  assert.not.match(html!, /script|onerror/)
})

test('what is of today, and what a newer version made, is left alone; so is text', async () => {
  const [today, newer, text] = [await comment(), await comment(), (await desk.deliver(mail({}))).comment_id!]
  await sql`update comments set html = 'today' where id = ${today}`
  await sql`update comments set html = 'newer', sanitiser = ${SANITISER_VERSION + 1} where id = ${newer}`
  await sql`update comments set sanitiser = ${SANITISER_VERSION - 1} where id = ${text}`
  await run()
  assert.is((await stored(today)).html, 'today')
  assert.is((await stored(newer)).html, 'newer')
  assert.is((await stored(text)).sanitiser, SANITISER_VERSION - 1)
})

test('more than a batch, and one daemon at a time', async () => {
  const id = await comment()
  await sql`
    insert into comments (ticket_id, at, author_role, visibility, channel, text, visible, html, sanitiser)
    select ticket_id, at, 'contact', 'public', 'mail', 'x', 'x', ${OLD}, 1
    from comments, generate_series(1, 250) where id = ${id}`
  await sql`insert into leases (name, holder, until) values ('sanitise', 'other', now() + interval '1 hour')`
  await run()
  const old = () => sql`select from comments where html is not null and sanitiser < ${SANITISER_VERSION}`
  assert.is((await old()).length, 250)
  await sql`delete from leases`
  await run()
  assert.is((await old()).length, 0)
  assert.is((await sql`select from leases where name = 'sanitise'`).length, 0)
})

test('until then it is cleaned when it is shown', async () => {
  const id = await comment()
  await age(id)
  const shown = await (await browser.get(`/comments/${id}/frame`)).text()
  assert.match(shown, '<p>Hello</p>')
  assert.not.match(shown, /<script|onerror/)
  await sql`update comments set sanitiser = null where id = ${id}`
  assert.not.match(await (await browser.get(`/comments/${id}/frame`)).text(), /<script|onerror/)
})

test('a stop in the middle ends it, and the next start goes on', async () => {
  const ids = [await comment(), await comment()]
  for (const id of ids) await age(id)
  const pass = startSanitising({ sql, parser, worker: 'one', log: silent })
  await pass.stop()
  await run()
  for (const id of ids) assert.is((await stored(id)).sanitiser, SANITISER_VERSION)
})

test.run()

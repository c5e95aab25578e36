/** The remark at an answer with another subject, and its button (MAIL 6.8). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MONDAY, mail, startDesk } from '../desk.ts'
import { textOf, webDesk } from './desk.ts'

const desk = await startDesk()
const { sql } = desk
const web = await webDesk(sql)
web.clock.now = MONDAY
const browser = await web.signIn(web.ada)

test.after(() => desk.stop())

const REMARK = 'Its subject is another: “'

const withFile = mail({
  subject: 'Second <monitor>',
  headers: {
    'In-Reply-To': '<start@mail.example>',
    'Content-Type': 'multipart/mixed; boundary=b',
  },
  text: '--b\nContent-Type: text/plain\n\nIt flickers.\n--b\nContent-Type: image/png; name=flicker.png\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=flicker.png\n\niVBORw0KGgo=\n--b--',
})

test('the button makes a ticket of the answer and of all below it, with their files and reasons', async () => {
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<start@mail.example>' } }))
  const path = `/tickets/${first.ticket_id}`
  assert.not.match(await browser.page(path), REMARK)
  await desk.deliver(
    mail({ subject: 'Re: The printer is on fire', headers: { 'In-Reply-To': '<start@mail.example>' } }),
  )
  assert.not.match(await browser.page(path), REMARK, 'the same matter')
  const other = await desk.deliver(withFile)
  assert.is(other.ticket_id, first.ticket_id)

  const page = await browser.page(path)
  assert.is(page.split(REMARK).length, 2)
  const form = /<form method="post" action="([^"]*\/split)"[\s\S]*?name="comment" value="(\d+)"[\s\S]*?<\/form>/.exec(
    page,
  )!
  assert.equal([form[1], Number(form[2])], [`${path}/split`, other.comment_id])
  assert.match(form[0], /<button[^>]*>Split into a new ticket/)

  const done = await browser.post(form[1]!, { comment: form[2]! })
  assert.is(done.status, 303)
  const where = done.headers.get('location')!
  assert.match(where, /^\/tickets\/\d+\?done=split$/)
  const made = await browser.page(where)
  assert.match(made, '<h1>Second &lt;monitor&gt;</h1>')
  assert.match(made, 'This is a ticket of its own now.')
  assert.match(made, 'It flickers.')
  assert.match(made, 'flicker.png')
  assert.match(made, 'Why this is here', 'the mail’s story came along')
  assert.not.match(made, REMARK)
  assert.match(textOf(made), `Ada split it off #${first.ticket_id}`)
  const left = await browser.page(path)
  assert.not.match(left, /It flickers|flicker\.png/)
  assert.match(textOf(left), /Ada split it: a part of it is #\d+ now/)
  assert.match(textOf(left), /See also #\d+ Second &lt;monitor&gt; split into/)
  assert.is((await sql`select id from outbox`).length, 1, 'the first acknowledgement')
})

test('a second press, a comment of elsewhere and no comment at all change nothing', async () => {
  const [ticket] = await sql`select ticket_id, other_id from ticket_links where kind = 'split_into'`
  const [moved] = await sql`select id from comments where ticket_id = ${ticket!.other_id}`
  const count = async () => (await sql`select id from tickets`).length
  const before = await count()
  for (const [comment, status] of [
    [String(moved!.id), 422],
    ['x', 404],
  ] as const)
    assert.is((await browser.post(`/tickets/${ticket!.ticket_id}/split`, { comment })).status, status)
  const foreign = await web.app.request(`/tickets/${ticket!.ticket_id}/split`, {
    method: 'POST',
    headers: { origin: 'https://evil.example', 'content-type': 'application/x-www-form-urlencoded' },
    body: `comment=${moved!.id}`,
  })
  assert.is(foreign.status, 403)
  assert.is(await count(), before)
})

test.run()

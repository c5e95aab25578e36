/** The ticket page of a mail whose original stayed in its mailbox (MAIL 2.12). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const browser = await desk.signIn(desk.ada)

test.after(database.close)

let uid = 0

/** A ticket by a mail of which only the header came. */
async function oversized() {
  const { id, commentId } = await desk.addTicket({ text: '' })
  const session = { oversize: 200_000_000, parts: [{ type: 'video/mp4', bytes: 1, name: '<clip>.mp4' }] }
  const [mail] = await sql`
    insert into inbound_mails (received_at, via, listener, recipients, session, bytes, state, due_at, ticket_id, comment_id)
    values (${NOON}, 'imap', 'main', '[]', ${sql.json(session)}, 800, 'ticketed', ${NOON}, ${id}, ${commentId})
    returning id`
  const [box] = await sql`
    insert into mailboxes (name, folder, uidvalidity, last_uid, created_at)
    values ('main', 'INBOX', 1, 0, ${NOON})
    on conflict (name, folder, uidvalidity) do update set last_uid = 0 returning id`
  await sql`
    insert into imap_seen (mailbox_id, uid, state, mail_id, at, original)
    values (${box!.id}, ${++uid}, 'imported', ${mail!.id}, ${NOON}, 'left')`
  return { ticket: id, comment: commentId, mail: mail!.id as number, box: box!.id as number }
}

test('the page says what was left behind; the button asks for it, once', async () => {
  const { ticket, comment, mail } = await oversized()
  const page = await browser.page(`/tickets/${ticket}`)
  assert.match(page, 'The original of 200.0 MB was left on the mail server')
  assert.match(page, '&lt;clip&gt;.mp4')
  assert.match(page, `action="/mails/${mail}/original"`)
  const answer = await browser.post(`/mails/${mail}/original`)
  assert.is(answer.status, 303)
  assert.is(answer.headers.get('location'), `/tickets/${ticket}#comment-${comment}`)
  const asked = await browser.page(`/tickets/${ticket}`)
  assert.match(asked, 'It is fetched with the next poll.')
  assert.not.match(asked, `action="/mails/${mail}/original"`)
  const [seen] = await sql`select original, original_by from imap_seen where mail_id = ${mail}`
  assert.equal({ ...seen }, { original: 'asked', original_by: 'Ada' })
  assert.is((await browser.post(`/mails/${mail}/original`)).status, 303, 'asking twice is asking once')
})

test('why it could not be fetched is shown, and it can be asked for again', async () => {
  const { ticket, mail } = await oversized()
  await sql`update imap_seen set original_words = 'the server <stopped>' where mail_id = ${mail}`
  const page = await browser.page(`/tickets/${ticket}`)
  assert.match(page, 'It could not be fetched: the server &lt;stopped&gt;.')
  assert.match(page, `action="/mails/${mail}/original"`)
})

test('nothing is offered where the original is here, was never left, or its folder was rebuilt', async () => {
  const here = await oversized()
  await sql`update imap_seen set original = 'here' where mail_id = ${here.mail}`
  assert.not.match(await browser.page(`/tickets/${here.ticket}`), 'left on the mail server')
  assert.is((await browser.post(`/mails/${here.mail}/original`)).status, 422)
  const { id } = await desk.addTicket()
  assert.not.match(await browser.page(`/tickets/${id}`), 'left on the mail server')
  assert.is((await browser.post('/mails/999999/original')).status, 422)
  const rebuilt = await oversized()
  await sql`update mailboxes set superseded_at = now() where id = ${rebuilt.box}`
  assert.match(await browser.page(`/tickets/${rebuilt.ticket}`), 'can no longer be found')
  assert.is((await browser.post(`/mails/${rebuilt.mail}/original`)).status, 422)
})

test('only an agent may ask, and only from our own pages', async () => {
  const { mail } = await oversized()
  const stranger = await desk.app.request(`/mails/${mail}/original`, {
    method: 'POST',
    headers: { origin: 'http://localhost' },
  })
  assert.is.not(stranger.headers.get('location'), null)
  assert.match(stranger.headers.get('location')!, '/sign-in')
  assert.is((await browser.post(`/mails/${mail}/original`, {}, { origin: 'http://evil.example' })).status, 403)
  const [seen] = await sql`select original from imap_seen where mail_id = ${mail}`
  assert.is(seen!.original, 'left')
})

test.run()

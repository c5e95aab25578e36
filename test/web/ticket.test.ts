/** A ticket's page: what it tells, and the one form that works it. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { suppress } from '../../src/engine/outbox/suppressions.ts'
import { merge } from '../../src/engine/tickets/merge.ts'
import { settleTickets } from '../../src/engine/tickets/sweep.ts'
import { web as limits } from '../../src/limits.ts'
import { after, DAY, HOUR, SECOND } from '../../src/time.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { clock, ada, bo } = desk
const browser = await desk.signIn(ada)

test.before.each(() => {
  clock.now = NOON
})
test.after(database.close)

type Fields = Record<string, string>

/** What the page's form would send, with some fields changed. */
async function submit(id: number, changes: Fields) {
  return browser.post(`/tickets/${id}/work`, { ...formOf(await browser.page(`/tickets/${id}`)), ...changes })
}

function formOf(page: string): Fields {
  const hidden = [...page.matchAll(/<input type="hidden" name="(was_\w+)" value="([^"]*)"/g)].map((m) => [m[1]!, m[2]!])
  const chosen = hidden.map(([name, value]) => [name!.slice('was_'.length), value!])
  return { kind: 'answer', text: '', ...Object.fromEntries([...hidden, ...chosen]) }
}

const row = async (id: number) => (await sql`select * from tickets where id = ${id}`)[0]!
const eventTypes = async (id: number) =>
  (await sql`select type from events where ticket_id = ${id} order by seq`).map((event) => event.type as string)

test('the page tells who, where, what is promised and how it was computed', async () => {
  const { id } = await desk.addTicket({ organization: 'acme', project: 'acme/incoming', subject: 'Drucker' })
  const page = await browser.page(`/tickets/${id}`)
  for (const words of [
    '<h1>Drucker</h1>',
    'Eva Brandt',
    'eva@acme.example',
    'Acme',
    'acme/incoming',
    'Support',
    '>New<',
  ])
    assert.match(page, words)
  assert.match(page, 'by <time datetime="2026-03-04T09:00:00.000Z">Wed 4 Mar 2026, 10:00 CET</time>')
  assert.match(page, '4 working hours, Mon-Fri 9-17, Berlin: Tue 14:00→17:00, Wed 9:00→10:00')
  assert.match(page, 'Policy gold, chosen by the organization')
  assert.match(page, 'First answer: 4 h left')
})

test('beside the requester stands whether they are proven to be who they say', async () => {
  const { id } = await desk.addTicket()
  const shown = async () => {
    const who = /Requester<\/dt><dd>([\s\S]*?)<\/dd>/.exec(await browser.page(`/tickets/${id}`))![1]!
    return who.match(/Not verified|Verified/)?.[0] ?? null
  }
  assert.is(await shown(), null, 'no contact yet')
  const [contact] = await sql`insert into contacts (name, created_at) values ('Eva', ${NOON}) returning id`
  await sql`update tickets set requester_id = ${contact!.id} where id = ${id}`
  assert.is(await shown(), 'Not verified')
  await sql`update contacts set verified_at = ${NOON}`
  assert.is(await shown(), 'Verified')
})

test('a clock that stands still says so and what is left of it; one that ended says when', async () => {
  const { id } = await desk.addTicket({ organization: 'acme', project: 'acme/incoming' })
  clock.now = after(NOON, HOUR)
  await submit(id, { text: 'We look at it.', status: 'waiting_customer' })
  clock.now = after(NOON, 2 * HOUR)
  await transaction(sql, (tx) => settleTickets(tx, [id], clock.now)) // the undo window is over
  const page = await browser.page(`/tickets/${id}`)
  assert.match(page, /First answer<\/strong>\s*<span class="mark">Done<\/span>/)
  assert.match(page, /Solution<\/strong>\s*<span class="mark">Paused<\/span> <span class="left">23 h left/)
  assert.match(page, 'it can no longer be taken back')
  const queue = await browser.page('/queues/open')
  assert.match(queue, '<span class="mark">Paused</span> <span class="sub">Solution: 23 h left</span>')
  await submit(id, { status: 'open' })
  const running = await browser.page(`/tickets/${id}`)
  assert.match(running, 'Solution: 23 h left')
  assert.match(
    running,
    '24 working hours, Mon-Fri 9-17, Berlin: Tue 14:00→15:00, paused 1 hour, 16:00→17:00, Wed 9:00→17:00, Thu 9:00→17:00, Fri 9:00→15:00',
  )
})

test('comments stand oldest first; notes are marked, automatic ones folded', async () => {
  const { id } = await desk.addTicket({ text: 'first words' })
  await desk.addComment(id, { text: 'second words', visibility: 'internal' })
  await desk.addComment(id, { text: 'third words', automatic: true })
  const page = await browser.page(`/tickets/${id}`)
  const places = ['first words', 'second words', 'third words'].map((words) => page.indexOf(words))
  assert.ok(places[0]! > 0 && places[0]! < places[1]! && places[1]! < places[2]!)
  assert.match(page, /class="comment note">[\s\S]*?Internal note[\s\S]*?second words/)
  assert.match(page, /class="comment customer automatic">\s*<details><summary>[\s\S]*?third words/)
})

test('the visible words come first, the whole text folded behind them', async () => {
  const { id } = await desk.addTicket()
  await desk.addComment(id, { text: 'Yes.\n\n> Shall we?', visible: 'Yes.' })
  const page = await browser.page(`/tickets/${id}`)
  assert.match(
    page,
    /<div class="prose">Yes\.<\/div>\s*<details class="more"><summary>Whole text with quotes<\/summary><div class="prose">Yes\.\n\n&gt; Shall we\?/,
  )
})

test('long conversations come in parts and long texts are cut, with a way to the rest', async () => {
  const { id, commentId } = await desk.addTicket({ text: 'the very first' })
  await sql`
    insert into comments (ticket_id, at, author_role, author_name, visibility, channel, text, visible)
    select ${id}, ${NOON}, 'contact', 'Eva', 'public', 'mail', 'words ' || n, 'words ' || n
    from generate_series(1, ${limits.comments}) n`
  const long = await desk.addComment(id, { text: `${'x'.repeat(limits.shownText)}END` })
  const page = await browser.page(`/tickets/${id}`)
  assert.not.match(page, 'the very first')
  assert.not.match(page, 'xEND')
  assert.match(await browser.page(`/comments/${long}/text`), 'xEND')
  const earlier = /href="(\/tickets\/\d+\?before=\d+)"/.exec(page)![1]!
  assert.match(await browser.page(earlier), 'the very first')
  assert.match(await browser.page(earlier), `comment-${commentId}"`)
})

test('MAIL 6.9: who waits is shown with a button that admits them', async () => {
  const { id } = await desk.addTicket()
  await sql`
    insert into ticket_participants (ticket_id, address, name, role, added_at)
    values (${id}, 'sly@other.example', 'Sly', 'pending', ${NOON})`
  const page = await browser.page(`/tickets/${id}`)
  assert.match(page, /Sly[\s\S]{0,200}pending[\s\S]{0,200}value="sly@other.example"[\s\S]{0,100}Admit/)
  const answer = await browser.post(`/tickets/${id}/people`, { address: 'sly@other.example' })
  assert.is(answer.headers.get('location'), `/tickets/${id}?done=admitted`)
  const [person] = await sql`select role, contact_id from ticket_participants where ticket_id = ${id}`
  assert.is(person!.role, 'participant')
  assert.ok(person!.contact_id)
  const after = await browser.page(`/tickets/${id}`)
  assert.not.match(after, '/people"')
  assert.match(after, 'let sly@other.example take part')
  const nobody = await browser.post(`/tickets/${id}/people`, { address: 'nobody@other.example' })
  assert.ok(nobody.status >= 400 && nobody.status < 500)
  assert.is((await browser.post('/tickets/999999/people', { address: 'x@other.example' })).status >= 400, true)
})

test('MAIL 6.13: both pages tell of a merge, and the target shows the mails of both', async () => {
  const [one, two] = [await desk.addTicket({ text: 'from the first' }), await desk.addTicket()]
  const actor = { kind: 'agent', id: ada.id, name: 'Ada' } as const
  await transaction(sql, (tx) => merge(tx, { ticketId: one.id, intoId: two.id, actor }, NOON))
  const source = await browser.page(`/tickets/${one.id}`)
  assert.match(source, `Merged into <a href="/tickets/${two.id}">#${two.id}</a>`)
  assert.match(source, `merged it into #${two.id}`)
  const target = await browser.page(`/tickets/${two.id}`)
  assert.match(target, 'from the first')
  assert.match(target, `merged #${one.id} into it`)
})

test('an answer is saved, waits in the outbox for the undo time, and can be undone', async () => {
  const { id } = await desk.addTicket({ organization: 'acme' })
  const answer = await submit(id, { text: 'It works again.\r\nBye' })
  assert.is(answer.status, 303)
  assert.match(answer.headers.get('location')!, new RegExp(`^/tickets/${id}\\?done=answer#comment-\\d+$`))
  const [sent] = await sql`select * from outbox where ticket_id = ${id}`
  assert.is(sent!.recipient, 'eva@acme.example')
  assert.equal(sent!.not_before, after(NOON, 60 * SECOND))
  assert.is((await row(id)).status, 'waiting_customer')
  const [comment] = await sql`select * from comments where id = ${sent!.comment_id}`
  assert.is(comment!.text, 'It works again.\nBye')
  assert.is(comment!.visibility, 'public')
  assert.match(await browser.page(`/tickets/${id}`), 'Goes out in 60 s to eva@acme.example.')
  const undone = await browser.post(`/comments/${comment!.id}/cancellation`)
  assert.match(undone.headers.get('location')!, 'done=undone')
  assert.is((await sql`select state from outbox where id = ${sent!.id}`)[0]!.state, 'cancelled')
  assert.match((await browser.post(`/comments/${comment!.id}/cancellation`)).headers.get('location')!, 'done=late')
})

test('a note stays inside', async () => {
  const { id } = await desk.addTicket()
  assert.is((await submit(id, { kind: 'note', text: 'Call him back' })).status, 303)
  const [comment] = await sql`select * from comments where ticket_id = ${id} order by id desc limit 1`
  assert.is(comment!.visibility, 'internal')
  assert.is(comment!.agent_id, ada.id)
  assert.equal([...(await sql`select 1 from outbox where ticket_id = ${id}`)], [])
})

test('one form does several things at once, each with its event', async () => {
  const { id } = await desk.addTicket()
  const acme = desk.tools.desk.projects.get('acme/incoming')!.id
  await submit(id, {
    kind: 'note',
    text: 'Mine now',
    assignee: String(bo.id),
    project: String(acme),
    priority: 'urgent',
    status: 'on_hold',
  })
  const ticket = await row(id)
  assert.equal(
    [ticket.assignee_id, ticket.project_id, ticket.priority, ticket.status],
    [bo.id, acme, 'urgent', 'on_hold'],
  )
  const types = await eventTypes(id)
  for (const type of ['move', 'assign', 'priority', 'note', 'status']) assert.ok(types.includes(type), type)
  assert.match(await browser.page(`/tickets/${id}`), /gave it to Bo[\s\S]*changed the status from Open to On hold/)
})

test('an answer with a status of one’s own choice keeps that status', async () => {
  const { id } = await desk.addTicket()
  await submit(id, { text: 'Done.', status: 'resolved' })
  assert.is((await row(id)).status, 'resolved')
})

test('a form sent unchanged changes nothing', async () => {
  const { id } = await desk.addTicket()
  const before = await eventTypes(id)
  assert.match((await submit(id, {})).headers.get('location')!, 'done=nothing')
  assert.equal(await eventTypes(id), before)
})

test('a page opened before another agent’s change does not undo it', async () => {
  const { id } = await desk.addTicket()
  const stale = formOf(await browser.page(`/tickets/${id}`))
  await submit(id, { assignee: String(bo.id), priority: 'high' })
  await browser.post(`/tickets/${id}/work`, { ...stale, kind: 'note', text: 'late note' })
  const ticket = await row(id)
  assert.equal([ticket.assignee_id, ticket.priority], [bo.id, 'high'])
})

test('what is refused is said on the page, the words typed are kept, and nothing is done', async () => {
  const { id } = await desk.addTicket({ requester: { name: 'Nobody', address: null } })
  const answer = await submit(id, { kind: 'answer', text: 'Dear <nobody> & all', priority: 'high' })
  assert.is(answer.status, 422)
  const page = await answer.text()
  assert.match(page, /role="alert"[^>]*>Ticket #\d+ has no sender to answer/)
  assert.match(page, 'Dear &lt;nobody&gt; &amp; all</textarea>')
  assert.match(page, '<option value="high" selected>')
  assert.is((await row(id)).priority, 'normal')
  for (const fields of [
    { status: 'burnt' },
    { assignee: '999999' },
    { assignee: '1 or 1=1' },
    { project: '0' },
    { priority: 'high,low' },
  ] as Fields[])
    assert.is((await submit(id, fields)).status, 422, JSON.stringify(fields))
})

test('MAIL 8.26: an answer to an address that failed is refused with the reason, and goes when the agent says so', async () => {
  const { id } = await desk.addTicket({})
  await transaction(sql, (tx) =>
    suppress(tx, { address: 'eva@acme.example', reason: 'bounced', evidence: '550 no such user', lasts: 'hard' }, NOON),
  )
  const refused = await submit(id, { text: 'hello again' })
  assert.is(refused.status, 422)
  const page = await refused.text()
  assert.match(page, '550 no such user')
  assert.match(page, 'name="suppressed" value="send"')
  await submit(id, { text: 'hello again', suppressed: 'send' })
  const rows = await sql`select state from outbox where ticket_id = ${id} and kind = 'reply'`
  assert.equal(
    rows.map((row) => row.state),
    ['queued'],
  )
  await sql`delete from suppressions`
})

test('MAIL 4.8: a ticket without a readable sender can be answered once an address is entered', async () => {
  const { id } = await desk.addTicket({})
  await sql`update tickets set requester_id = null, requester_address = null where id = ${id}`
  const refused = await submit(id, { text: 'who are you' })
  assert.is(refused.status, 422)
  await submit(id, { text: 'who are you', requester: 'found@acme.example' })
  const [mail] = await sql`select recipient from outbox where ticket_id = ${id} and kind = 'reply'`
  assert.is(mail!.recipient, 'found@acme.example')
  assert.ok((await eventTypes(id)).includes('requester'))
  const own = await submit(id, { requester: 'support@desk.example' })
  assert.is(own.status, 422)
})

test('NUL in a form is dropped, for the database has no place for it', async () => {
  const { id } = await desk.addTicket()
  assert.is((await submit(id, { kind: 'note', text: 'a\0b' })).status, 303)
  assert.is((await sql`select text from comments where ticket_id = ${id} order by id desc limit 1`)[0]!.text, 'ab')
})

test('why a ticket is here, and which mails it sent', async () => {
  const { id, commentId } = await desk.addTicket()
  await sql`
    insert into inbound_mails (received_at, due_at, via, recipients, bytes, state, kind, ticket_id, comment_id, reasons, trace)
    values (${NOON}, ${NOON}, 'mx', '[]', 4312, 'ticketed', 'human', ${id}, ${commentId},
      ${sql.json([{ code: 'new_ticket', words: 'Nothing <known> is meant.' }])}, ${sql.json({ stage: '<route>' })})`
  await sql`
    insert into outbox (kind, priority, ticket_id, message_id, date_at, envelope_from, recipient, headers, subject, text,
      next_try_at, expires_at, created_at)
    values ('ack', 1, ${id}, 'a@desk.example', ${NOON}, 'b@desk.example', 'eva@acme.example', '[]', 's', 't', ${NOON}, ${NOON}, ${NOON})`
  const page = await browser.page(`/tickets/${id}`)
  assert.match(page, /Why this is here[\s\S]*Nothing &lt;known&gt; is meant\. <code>new_ticket<\/code>/)
  assert.match(page, '&lt;route&gt;')
  assert.match(page, /Acknowledgement <span class="mark o-queued">Waiting/)
  const cancel = /action="(\/outbox\/\d+\/cancellation)"/.exec(page)![1]!
  const answer = await browser.post(cancel, { back: `/tickets/${id}` })
  assert.is(answer.headers.get('location'), `/tickets/${id}`)
  assert.match(await browser.page(`/tickets/${id}`), 'o-cancelled')
})

test('a way back never leads off the desk', async () => {
  const [mail] = await sql`
    insert into outbox (kind, priority, message_id, date_at, envelope_from, recipient, headers, subject, text, next_try_at, expires_at, created_at)
    values ('ack', 1, 'c@desk.example', ${NOON}, 'b@desk.example', 'x@y.example', '[]', 's', 't', ${NOON}, ${NOON}, ${NOON}) returning id`
  const answer = await browser.post(`/outbox/${mail!.id}/cancellation`, { back: '//evil.example/tickets/1' })
  assert.is(answer.headers.get('location'), '/outbox?done=cancel')
})

test('what strangers wrote is text everywhere', async () => {
  const evil = `'"><script>alert(1)</script><img src=x onerror=alert(1)>`
  const { id, commentId } = await desk.addTicket({
    subject: evil,
    text: evil,
    requester: { name: evil, address: `${evil}@b.example` },
  })
  await desk.attach({ ticketId: id, commentId }, { name: evil, bytes: Buffer.from('x') })
  await sql`update tickets set tags = ${[evil]}, type = ${evil}, locale = ${evil} where id = ${id}`
  await sql`update comments set flags = ${[evil]} where id = ${commentId}`
  await sql`insert into ticket_participants (ticket_id, address, name, role, added_at) values (${id}, ${evil}, ${evil}, 'pending', ${NOON})`
  await sql`insert into events (ticket_id, seq, at, type, actor, actor_name, data, why)
    values (${id}, 50, ${NOON}, ${evil}, 'system', ${evil}, '{}', ${evil}), (${id}, 51, ${NOON}, 'move', 'agent', 'x', ${sql.json({ key: evil })}, null)`
  const page = await browser.page(`/tickets/${id}`)
  assert.not.match(page, /<script|<img/)
  assert.ok(page.split('&lt;script&gt;').length > 12)
})

test('web addresses in plain text become links that tell the other side nothing; other schemes stay text', async () => {
  const { id } = await desk.addTicket({
    text: 'See (https://x.example/a?b=1&c="2"). javascript:alert(1) data:text/html,x',
  })
  const page = await browser.page(`/tickets/${id}`)
  assert.match(page, '<a href="https://x.example/a?b=1&amp;c=" rel="noopener noreferrer nofollow" target="_blank">')
  assert.not.match(page, /href="(javascript|data:text)/)
})

test('a private note is its author’s alone', async () => {
  const { id } = await desk.addTicket()
  const note = await desk.addComment(id, {
    text: 'for my eyes',
    visibility: 'private',
    author: { role: 'agent', agentId: bo.id, name: 'Bo', address: null },
  })
  const file = await desk.attach({ ticketId: id, commentId: note }, { name: 'a.txt', bytes: Buffer.from('secret') })
  const page = await browser.page(`/tickets/${id}`)
  assert.not.match(page, 'for my eyes')
  assert.match(page, 'only its author and whom it is for can read it')
  assert.is((await browser.get(`/comments/${note}/text`)).status, 404)
  assert.is((await browser.get(`/attachments/${file}`)).status, 404)
  const ofBo = await desk.signIn(bo)
  assert.match(await ofBo.page(`/tickets/${id}`), 'for my eyes')
  assert.is((await ofBo.get(`/attachments/${file}`)).status, 200)
})

test('deleted, merged, spam and missing tickets say what they are', async () => {
  const { id } = await desk.addTicket()
  const other = await desk.addTicket()
  await sql`update tickets set spam_at = ${NOON}, spam_by = 'Ada' where id = ${id}`
  assert.match(await browser.page(`/tickets/${id}`), 'Marked as spam by Ada')
  await sql`update tickets set merged_into = ${other.id} where id = ${id}`
  const merged = await browser.page(`/tickets/${id}`)
  assert.match(merged, `Merged into <a href="/tickets/${other.id}">`)
  assert.not.match(merged, '<textarea')
  await sql`update tickets set deleted_at = ${after(NOON, -DAY)}, deleted_by = 'Bo' where id = ${other.id}`
  const gone = await browser.get(`/tickets/${other.id}`)
  assert.is(gone.status, 422)
  assert.match(await gone.text(), 'was deleted by Bo')
  for (const path of [
    '/tickets/987654',
    '/tickets/0',
    '/tickets/1e3',
    '/tickets/-1',
    '/tickets/99999999999999999999',
    '/tickets/abc',
  ])
    assert.is((await browser.get(path)).status, 404, path)
  assert.is((await browser.post('/tickets/987654/work', { kind: 'note', text: 'x' })).status, 422)
  assert.equal(desk.logged, [])
})

test.run()

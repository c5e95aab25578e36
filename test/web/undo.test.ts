/** What was done on a ticket's page is taken back there, by the code of `#undo`; and macros, which run what a mail's run. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { after, MINUTE } from '../../src/time.ts'
import { testDatabase } from '../database.ts'
import { demoDesk } from '../desk.ts'
import { NOON, textOf, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const macros = `macros:
  - {key: restarted, name: Restarted, values: [host], text: {en: "{{customer}}, {{host}} runs.", de: "{{customer}}, {{host}} läuft."}, commands: ["#tag +{{host}}", "#close"]}
  - {key: inside, text: {en: "Looked at."}, commands: ["#note"]}
  - {key: urgent, commands: ["#priority urgent"]}
  - {key: asks, commands: ["#ask noc@isp.example \\"Is line 7 down?\\"", "#sla gold", "#close"]}
`
await transaction(sql, (tx) => applyDesk(tx, { text: `${demoDesk}\n${macros}`, author: 'test' }, NOON))
desk.tools.desk = await loadDesk(sql)
const { ada, bo, clock } = desk
const browser = await desk.signIn(ada)
test.before.each(() => {
  clock.now = NOON
})
test.after(database.close)

type Fields = Record<string, string>

function formOf(page: string): Fields {
  const hidden = [...page.matchAll(/<input type="hidden" name="(was_[\w.-]+)" value="([^"]*)"/g)].map((m) => [
    m[1]!,
    m[2]!,
  ])
  return {
    kind: 'answer',
    text: '',
    ...Object.fromEntries([...hidden, ...hidden.map(([name, value]) => [name!.slice(4), value!])]),
  }
}

const page = (id: number) => browser.page(`/tickets/${id}`)
const submit = async (id: number, changes: Fields) =>
  browser.post(`/tickets/${id}/work`, { ...formOf(await page(id)), ...changes })
const row = async (id: number) => (await sql`select * from tickets where id = ${id}`)[0]!
const add = async () => (await desk.addTicket({ organization: 'acme', project: 'acme/incoming' })).id
const receiptsOn = async (id: number) =>
  [...(await page(id)).matchAll(/name="receipt" value="(\d+)"/g)].map((m) => m[1]!)
const takeBack = async (id: number, receipt: string, who = browser) => who.post(`/tickets/${id}/undo`, { receipt })

test('all that one form did is taken back by one button, and the ticket is as before', async () => {
  const [id, other, third] = [await add(), await add(), await add()]
  const before = await row(id)
  await submit(id, {
    kind: 'note',
    text: 'Mine now',
    status: 'on_hold',
    assignee: String(bo.id),
    priority: 'urgent',
    project: String(desk.tools.desk.projects.get('triage')!.id),
    team: '',
    type: 'incident',
    tags: 'vpn, printer',
    due: '2026-03-10',
    until: 'fri 17:00',
    customer: 'olga@acme.example',
    cc: 'carl@acme.example',
    links: `blocks #${other}`,
    duplicate: `#${third}`,
    follow: '1',
    spam: '1',
    block: '1',
  })
  const changed = await row(id)
  assert.equal([changed.tags, changed.priority, changed.duplicate_of], [['vpn', 'printer'], 'urgent', third])
  const words = textOf(await page(id))
  for (const said of ['assigned to Bo', 'priority: urgent', 'project: triage', 'no team', 'tags: vpn, printer', 'taking part: carl@acme.example', 'blocks #', `duplicate of #${third}`, 'marked as spam']) // biome-ignore format: a list
    assert.match(words, said)
  const [receipt, ...more] = await receiptsOn(id)
  assert.equal(more, [])
  assert.is((await takeBack(id, receipt!)).headers.get('location'), `/tickets/${id}?done=back`)
  const now = await row(id)
  for (const field of ['status', 'assignee_id', 'priority', 'project_id', 'team_id', 'type', 'tags', 'due_at', 'wake_at', 'requester_address', 'duplicate_of', 'spam_at']) // biome-ignore format: a list
    assert.equal(now[field], before[field], field)
  for (const table of ['ticket_participants', 'ticket_links', 'agent_followers'])
    assert.is((await sql`select 1 from ${sql(table)} where ticket_id = ${id}`).length, 0, table)
  assert.is((await sql`select 1 from blocked_senders`).length, 0)
  assert.equal(await receiptsOn(id), [], 'once')
  assert.is((await takeBack(id, receipt!)).status, 422)
})

test('an answer in its undo window is recalled with what it did to the ticket; one that has left is told of', async () => {
  const id = await add()
  const { status } = await row(id)
  await submit(id, { text: 'Done.', priority: 'high' })
  assert.is((await row(id)).status, 'waiting_customer')
  const [receipt] = await receiptsOn(id)
  await takeBack(id, receipt!)
  assert.equal([(await row(id)).status, (await row(id)).priority], [status, 'normal'])
  assert.equal(
    (await sql`select state from outbox where ticket_id = ${id} and kind = 'reply'`).map((one) => one.state),
    ['cancelled'],
  )
  await submit(id, { text: 'Again.' })
  assert.is((await receiptsOn(id)).length, 1)
  await sql`update outbox set state = 'sent' where ticket_id = ${id} and state = 'queued'`
  assert.equal(await receiptsOn(id), [], 'an answer that has left is no longer offered')
  await sql`update outbox set state = 'queued' where ticket_id = ${id} and state = 'sent'`
  const [second] = await receiptsOn(id)
  await sql`update outbox set state = 'sent' where ticket_id = ${id} and state = 'queued'`
  assert.is((await takeBack(id, second!)).headers.get('location'), `/tickets/${id}?done=back_late`)
})

test('what a colleague changed since is not overwritten, and nobody takes back what another did', async () => {
  const id = await add()
  await submit(id, { kind: 'note', priority: 'high' })
  const [receipt] = await receiptsOn(id)
  const ofBo = await desk.signIn(bo)
  assert.not.match(await ofBo.page(`/tickets/${id}`), 'name="receipt"')
  assert.is((await takeBack(id, receipt!, ofBo)).status, 422)
  await ofBo.post(`/tickets/${id}/work`, {
    ...formOf(await ofBo.page(`/tickets/${id}`)),
    kind: 'note',
    priority: 'low',
  })
  const refused = await takeBack(id, receipt!)
  assert.is(refused.status, 422)
  assert.match(await refused.text(), 'changed since')
  assert.is((await row(id)).priority, 'low')
})

test('a form that changed nothing, and a note alone, leave nothing to take back; and no mail is sent of any of it', async () => {
  const id = await add()
  await submit(id, {})
  await submit(id, { kind: 'note', text: 'A note' })
  assert.equal(await receiptsOn(id), [])
  await submit(id, { kind: 'note', tags: 'x' })
  assert.is((await receiptsOn(id)).length, 1)
  assert.equal([...(await sql`select 1 from outbox where ticket_id = ${id}`)], [])
})

test('the list ends after 30 days, and forms from elsewhere are refused', async () => {
  const id = await add()
  await submit(id, { kind: 'note', tags: 'x' })
  const [receipt] = await receiptsOn(id)
  const foreign = await browser.post(`/tickets/${id}/undo`, { receipt: receipt! }, { origin: 'https://evil.example' })
  assert.is(foreign.status, 403)
  assert.equal((await row(id)).tags, ['x'])
  await sql`update receipts set at = ${after(NOON, -31 * 24 * 60 * MINUTE)} where id = ${receipt!}`
  assert.equal(await receiptsOn(id), [])
})

test('a macro goes before the text in the customer’s language, its commands run, and one button takes all of it back', async () => {
  const id = await add()
  await sql`update tickets set locale = 'de' where id = ${id}`
  await submit(id, { text: 'Grüße', macro: 'restarted', macro_values: 'host:db1' })
  const ticket = await row(id)
  assert.equal([ticket.status, ticket.tags], ['resolved', ['db1']])
  const [comment] =
    await sql`select text, visibility, channel from comments where ticket_id = ${id} order by id desc limit 1`
  assert.equal({ ...comment }, { text: 'Eva Brandt, db1 läuft.\n\nGrüße', visibility: 'public', channel: 'web' })
  const [receipt] = await receiptsOn(id)
  await takeBack(id, receipt!)
  assert.equal([(await row(id)).status, (await row(id)).tags], ['new', []])
  assert.is((await sql`select state from outbox where ticket_id = ${id} and kind = 'reply'`)[0]!.state, 'cancelled')
})

test('a macro says itself that its text is a note; one of commands alone needs no text', async () => {
  const id = await add()
  await submit(id, { macro: 'inside' })
  const [comment] = await sql`select text, visibility from comments where ticket_id = ${id} order by id desc limit 1`
  assert.equal({ ...comment }, { text: 'Looked at.', visibility: 'internal' })
  assert.match((await submit(id, { macro: 'urgent' })).headers.get('location')!, 'done=change')
  assert.is((await row(id)).priority, 'urgent')
})

test('what is taken away here leaves its receipt and its event as what is added does, and comes back by one button', async () => {
  const [id, other, third] = [await add(), await add(), await add()]
  const sender = (await row(id)).requester_address as string
  await submit(id, { links: `blocks #${other}`, follow: '1', spam: '1', block: '1', duplicate: `#${third}` })
  const [first] = await receiptsOn(id)
  const added = async () => [
    (await row(id)).spam_at !== null,
    (await row(id)).duplicate_of,
    (await sql`select from ticket_links where ticket_id = ${id} and other_id = ${other} and kind = 'blocks'`).length,
    (await sql`select from agent_followers where ticket_id = ${id}`).length,
    (await sql`select from blocked_senders where pattern = ${sender}`).length,
  ]
  assert.equal(await added(), [true, third, 1, 1, 1])
  await submit(id, { links: '', follow: '', spam: '', block: '', duplicate: '' })
  assert.equal(await added(), [false, null, 0, 0, 0])
  const events = await sql`select type from events where ticket_id = ${id} and actor = 'agent' order by seq`
  for (const type of ['unlinked', 'unfollowed', 'not_spam', 'unblocked', 'duplicate'])
    assert.ok(events.some((one) => one.type === type), type)
  const [receipt] = await receiptsOn(id)
  assert.is.not(receipt, first)
  const words = textOf(await page(id))
  for (const said of ['follows #', 'no more', 'it is no spam', `mail from ${sender} comes in again`, 'linked no more: blocks #', `no duplicate of #${third}`]) // biome-ignore format: a list
    assert.match(words, said)
  await takeBack(id, receipt!)
  assert.equal(await added(), [true, third, 1, 1, 1])
  await takeBack(id, first!)
  assert.equal(await added(), [false, null, 0, 0, 0])
}) // biome-ignore format: as above

test('blocked senders and followed projects leave receipts too, of no ticket', async () => {
  const project = 'acme/incoming'
  await browser.post('/blocked', { sender: 'evil.example' })
  await browser.post('/blocked', { sender: 'evil.example' })
  await browser.post('/blocked/removal', { sender: 'evil.example' })
  await browser.post('/notifications/projects', { project })
  await browser.post('/notifications/projects/removal', { project })
  const rows = await sql`
    select effects -> 0 ->> 'key' as key, effects -> 0 -> 'inverse' ->> 'verb' as verb, channel
    from receipts where ticket_id is null and agent_id = ${ada.id} order by id`
  assert.equal([...rows], [
    { key: 'blocked', verb: 'unblock', channel: 'web' },
    { key: 'unblocked', verb: 'block', channel: 'web' },
    { key: 'follows', verb: 'unfollow', channel: 'web' },
    { key: 'follows_not', verb: 'follow', channel: 'web' },
  ]) // biome-ignore format: rows are rows
})

test('what a macro does here came by the web: its comment, its events and its receipt say so', async () => {
  const id = await add()
  await submit(id, { macro: 'asks' })
  const comments = await sql`select channel, visibility from comments where ticket_id = ${id} and author_role = 'agent'`
  assert.equal([...comments], [{ channel: 'web', visibility: 'internal' }])
  const events = await sql`
    select type, why, data ->> 'reason' as reason from events
    where ticket_id = ${id} and type in ('status', 'policy') and actor = 'agent' order by seq`
  assert.ok(events.length >= 2, JSON.stringify(events))
  assert.not.match(JSON.stringify(events), /by mail/)
  assert.is(events.findLast((one) => one.type === 'status')!.why, 'on the web')
  assert.match(JSON.stringify(events), /on the web.*on the web/)
  const receipts = await sql`select channel, mail_id, message_id from receipts where ticket_id = ${id}`
  assert.equal([...receipts], [{ channel: 'web', mail_id: null, message_id: null }])
})

test('a macro that cannot be used is refused with the reason, and the words typed are kept', async () => {
  const id = await add()
  for (const [fields, reason] of [
    [{ macro: 'restarted' }, 'needs host'],
    [{ macro: 'restarted', macro_values: 'port:1' }, 'takes no value'],
    [{ macro: 'none' }, 'cannot be used'],
    [{ macro: 'urgent #close' }, 'cannot be used'],
    [{ macro: 'urgent', macro_values: '\n#close' }, 'cannot be used'],
  ] as [Fields, string][]) {
    const refused = await submit(id, { text: 'My words', ...fields })
    assert.is(refused.status, 422, JSON.stringify(fields))
    const words = await refused.text()
    assert.match(words, reason)
    assert.match(words, 'My words</textarea>')
  }
  const shown = await (await submit(id, { macro: 'restarted', macro_values: 'x' })).text()
  assert.match(shown, '<option value="restarted" selected>Restarted (host)')
  assert.is((await row(id)).status, 'new')
})

test('a ticket is merged into another by its number', async () => {
  const [id, other] = [await add(), await add()]
  await submit(id, { kind: 'note', text: 'The same.', merge: `#${other}` })
  assert.is((await row(id)).merged_into, other)
  assert.match(await page(id), `Merged into <a href="/tickets/${other}">`)
  assert.is((await submit(other, { merge: 'x' })).status, 422)
})

test.run()

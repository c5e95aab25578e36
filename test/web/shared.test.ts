/** Files that an answer could not carry (MAIL 8.30): as links in the mail, good for a month, for whoever has them. */
import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { putBlob } from '../../src/blobs.ts'
import { transaction } from '../../src/database.ts'
import { linked } from '../../src/engine/outbox/shared-files.ts'
import { reply } from '../../src/engine/tickets.ts'
import { DAY } from '../../src/time.ts'
import { fileToken, readFileToken } from '../../src/tokens.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
test.after(database.close)

/** Without a session. */
const visit = async (path: string) => await desk.app.request(path)

const MB = 1e6
const file = (filename: string, size: number) => ({ filename, size })

test('8.30: the largest go as links until the others fit, and programs always', () => {
  const of = (...files: { filename: string; size: number }[]) => [...linked(files)].sort()
  assert.equal(of(file('a.log', MB), file('b.pdf', 5 * MB)), [])
  assert.equal(of(file('a.log', MB), file('video.mp4', 30 * MB)), [1])
  assert.equal(of(file('a.zip', 9 * MB), file('b.zip', 8 * MB), file('c.zip', 7 * MB)), [0])
  assert.equal(of(file('setup.EXE', 10), file('readme.exe.txt', 10), file('x.js', 10)), [0, 2])
})

async function answered() {
  const place = await desk.addTicket()
  const bytes = randomBytes(2000)
  const { id: blobId } = await transaction(sql, (tx) =>
    putBlob(
      tx,
      (async function* () {
        yield bytes
      })(),
    ),
  )
  const stored = { blobId, type: 'application/octet-stream', inline: false, contentId: null }
  const files = [
    { ...stored, filename: 'setup.exe', size: 2000 },
    { ...stored, filename: 'notes.txt', size: 2000 },
  ]
  const tools = { ...desk.tools, url: 'https://desk.example/' }
  const input = { ticketId: place.id, agent: desk.ada, text: 'Here it is.', channel: 'web', files, tools } as const
  const { commentId } = await transaction(sql, (tx) => reply(tx, input, NOON))
  const [row] = await sql`select text, html, attachment_ids from outbox where comment_id = ${commentId}`
  const path = /https:\/\/desk\.example(\/shared\/[0-9a-z.]+)/.exec(row!.text)![1]!
  return { place, commentId, bytes, row: row!, path }
}

test('8.30: the mail carries the link, the other file, and nothing of the first', async () => {
  const { row, commentId } = await answered()
  const names = await sql`select filename from attachments where id = any(${row.attachment_ids}::bigint[])`
  assert.equal(
    names.map((one) => one.filename),
    ['notes.txt'],
  )
  assert.match(row.text, 'setup.exe (2 KB)')
  assert.match(row.html, 'href="https://desk.example/shared/')
  const [comment] = await sql`select text from comments where id = ${commentId}`
  assert.is(comment!.text, 'Here it is.')
})

test('8.30: whoever has the link gets the file, as a download and nothing else', async () => {
  const { path, bytes } = await answered()
  const answer = await visit(path)
  assert.is(answer.status, 200)
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes))
  assert.match(answer.headers.get('content-disposition')!, /^attachment;/)
  assert.match(answer.headers.get('content-security-policy')!, 'sandbox')
})

test('8.30: a link that is changed, too old or revoked, or of a deleted ticket, leads nowhere', async () => {
  const { path, place, commentId } = await answered()
  const status = async (one: string) => (await visit(one)).status
  assert.is(await status(`${path.slice(0, -1)}${path.endsWith('a') ? 'b' : 'a'}`), 404)
  const { keys } = desk.tools
  const link = { comment: commentId, index: 0, generation: 0, until: new Date(NOON.getTime() + 30 * DAY) }
  assert.equal(readFileToken(keys, fileToken(keys, link)), link)
  assert.is(await status(`/shared/${fileToken(keys, { ...link, until: new Date(NOON.getTime() - 1000) })}`), 404)
  assert.is(await status(`/shared/${fileToken(keys, { ...link, index: 7 })}`), 404)
  await sql`update tickets set token_generation = 1 where id = ${place.id}`
  assert.is(await status(path), 404)
  await sql`update tickets set token_generation = 0, deleted_at = ${NOON} where id = ${place.id}`
  assert.is(await status(path), 404)
})

test('8.30: no link leads to a note, or to what a customer sent', async () => {
  const { path, commentId } = await answered()
  for (const change of [sql`visibility = 'internal'`, sql`visibility = 'public', author_role = 'contact'`]) {
    await sql`update comments set ${change} where id = ${commentId}`
    assert.is((await visit(path)).status, 404)
  }
})

test.run()

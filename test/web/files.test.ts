/** Files, raw mails and formatted mails: downloaded byte for byte, never run, only for those who may see them. */
import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silent } from '../../src/log.ts'
import { startSpool } from '../../src/mail/spool/accept.ts'
import { cleanFilename, disposition } from '../../src/web/filename.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const browser = await desk.signIn(desk.ada)
const place = await desk.addTicket()
const where = { ticketId: place.id, commentId: place.commentId }
test.after(database.close)

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
  'base64',
)
const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')
const HTML = Buffer.from('<!doctype html><script>alert(1)</script>')

const fetched = async (name: string, bytes: Buffer, query = '', type = 'image/png') =>
  browser.get(`/attachments/${await desk.attach(where, { name, bytes, type })}${query}`)
const header = (answer: Response, name: string) => answer.headers.get(name) ?? ''

test('a file comes back byte for byte, also when it has many chunks', async () => {
  for (const size of [0, 1, 256 * 1024, 3_000_001]) {
    const bytes = randomBytes(size)
    const answer = await fetched('a.bin', bytes)
    assert.is(header(answer, 'content-length'), String(size))
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes), `${size} bytes`)
  }
})

test('a file is a download in a sandbox, whatever it is and whatever it claims to be (9.5, X60)', async () => {
  for (const [name, bytes] of [
    ['x.svg', SVG],
    ['x.png', HTML],
    ['x.html', HTML],
    ['x.xml', Buffer.from('<?xml version="1.0"?><x/>')],
    ['x.js', Buffer.from('alert(1)')],
  ] as const)
    for (const query of ['', '?view=1', '?view=1&type=text/html&overridetype=image/png']) {
      const answer = await fetched(name, bytes, query)
      assert.is(header(answer, 'content-type'), 'application/octet-stream', name)
      assert.match(header(answer, 'content-disposition'), /^attachment;/)
      assert.match(header(answer, 'content-security-policy'), /^sandbox; default-src 'none'/)
      assert.is(header(answer, 'x-content-type-options'), 'nosniff')
      await answer.body?.cancel()
    }
})

test('only images by their own bytes are shown in place, and only when asked (9.5, X60)', async () => {
  const shown = await fetched('photo.html', PNG, '?view=1', 'text/html')
  assert.is(header(shown, 'content-type'), 'image/png')
  assert.match(header(shown, 'content-disposition'), /^inline;/)
  assert.match(header(shown, 'content-security-policy'), /^sandbox/)
  assert.match(header(await fetched('photo.png', PNG), 'content-disposition'), /^attachment;/)
  const pdf = await fetched('a.pdf', Buffer.from('%PDF-1.4\n'), '?view=1', 'application/pdf')
  assert.is(header(pdf, 'content-type'), 'application/pdf')
  assert.match(header(pdf, 'content-disposition'), /^attachment;/)
})

test('names of downloads lose what is dangerous and keep what is theirs (9.6, X60)', async () => {
  const check = (given: string, wanted: string) => assert.is(cleanFilename(given), wanted, JSON.stringify(given))
  check('Büro Übersicht.pdf', 'Büro Übersicht.pdf')
  check('../../etc/passwd', 'passwd')
  check('..\\..\\windows\\win.ini', 'win.ini')
  check('"><svg onload=alert(1)>.jpg', '___svg onload=alert(1)_.jpg')
  check('CON.txt', '_CON.txt')
  check('nul', '_nul')
  check('a\r\nSet-Cookie: x=1', 'aSet-Cookie_ x=1')
  check('gpj.\u202eexe.txt', 'gpj.exe.txt')
  check('.htaccess', 'htaccess')
  check('-rf', 'rf')
  check('...', 'attachment')
  check('', 'attachment')
  const long = cleanFilename(`${'ü'.repeat(200)}.pdf`)
  assert.ok(Buffer.byteLength(long) <= 150 && long.endsWith('ü.pdf'))
  assert.is(
    disposition('attachment', `Bü"ro's (1).pdf`),
    `attachment; filename="B__ro's (1).pdf"; filename*=UTF-8''B%C3%BC_ro%27s%20%281%29.pdf`,
  )
  const answer = await fetched('x\r\nX-Evil: 1\n.pdf', Buffer.from('x'))
  assert.is(answer.headers.get('x-evil'), null)
})

test('files of deleted tickets, and ids that are none, are not there', async () => {
  const gone = await desk.addTicket()
  const id = await desk.attach({ ticketId: gone.id, commentId: gone.commentId }, { name: 'a', bytes: Buffer.from('x') })
  await sql`update tickets set deleted_at = now() where id = ${gone.id}`
  assert.is((await browser.get(`/attachments/${id}`)).status, 404)
  for (const path of [
    '/attachments/0',
    '/attachments/x',
    '/attachments/999999',
    '/attachments/..%2f..%2fetc%2fpasswd',
    '/comments/999999/frame',
    '/comments/x/text',
  ])
    assert.is((await browser.get(path)).status, 404, path)
})

test('the raw mail is a download of its bytes behind our trace lines', async () => {
  const spool = startSpool({ sql, log: silent })
  const raw = Buffer.from('From: a@b.example\r\nSubject: <script>\r\n\r\nbody\xff\r\n', 'latin1')
  const { id } = await spool.accept({
    envelope: {
      via: 'mx',
      listener: 'mx',
      from: 'a@b.example',
      recipients: [],
      session: {},
      prefix: 'Received: here\r\n',
      receivedAt: NOON,
    },
    bytes: raw,
  })
  await spool.stop()
  const answer = await browser.get(`/mails/${id}/raw`)
  assert.is(header(answer, 'content-type'), 'message/rfc822')
  assert.is(
    header(answer, 'content-disposition'),
    `attachment; filename="mail-${id}.eml"; filename*=UTF-8''mail-${id}.eml`,
  )
  const bytes = Buffer.from(await answer.arrayBuffer())
  assert.ok(bytes.equals(Buffer.concat([Buffer.from('Received: here\r\n'), raw])))
  assert.is(header(answer, 'content-length'), String(bytes.length))
  await sql`update inbound_mails set blob_id = null where id = ${id}`
  assert.is((await browser.get(`/mails/${id}/raw`)).status, 422)
  assert.is((await browser.get('/mails/999999/raw')).status, 422)
})

test('a formatted mail is a document that can ask for nothing, with its own images inside it', async () => {
  const { id, commentId } = await desk.addTicket({
    html: '<p>Hi <img src="cid:Logo@1"><img src="cid:evil"><img src="cid:gone"><img data-remote-src="http://x.example/t.gif"></p>',
  })
  await desk.attach({ ticketId: id, commentId }, { name: 'l.png', bytes: PNG, contentId: 'logo@1' })
  await desk.attach({ ticketId: id, commentId }, { name: 'e.png', bytes: SVG, contentId: 'evil' })
  const answer = await browser.get(`/comments/${commentId}/frame`)
  const policy = header(answer, 'content-security-policy')
  assert.match(policy, "default-src 'none'")
  assert.match(policy, /^sandbox allow-popups allow-popups-to-escape-sandbox;/)
  assert.not.match(policy, /allow-scripts|allow-same-origin|allow-forms|'self' |https?:/)
  assert.match(policy, 'img-src data:;')
  assert.is(header(answer, 'referrer-policy'), 'no-referrer')
  const text = await answer.text()
  assert.match(text, `<img src="data:image/png;base64,${PNG.toString('base64')}">`)
  assert.match(text, 'src="cid:evil"')
  assert.not.match(text, 'image/svg')
  const page = await browser.page(`/tickets/${id}`)
  assert.match(page, `<iframe class="formatted" sandbox="allow-popups allow-popups-to-escape-sandbox"`)
  assert.not.match(page, 'data-remote-src')
  assert.is((await browser.get(`/comments/${place.commentId}/frame`)).status, 404)
})

test.run()

/** What parsing found is on the ticket's page: invitations, encryption, signatures, cuts, originals, attached mails. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CalendarCard } from '../../src/incoming.ts'
import { ianaZone } from '../../src/web/ticket/zones.ts'
import { MONDAY, mail, startDesk } from '../desk.ts'
import { textOf, webDesk } from './desk.ts'

const desk = await startDesk()
const { sql } = desk
const web = await webDesk(sql)
web.clock.now = MONDAY
const browser = await web.signIn(web.ada)

test.after(() => desk.stop())

const fixture = (name: string) => readFileSync(path.join(import.meta.dirname, '..', '..', 'fixtures', 'mails', name))

/** The page of the ticket that a mail became. */
async function pageOf(raw: string | Buffer): Promise<string> {
  const end = await desk.deliver(raw)
  assert.is(end.state, 'ticketed', JSON.stringify(end.reasons))
  return browser.page(`/tickets/${end.ticket_id}`)
}

test('an invitation is a card with its time in the reader’s zone and in its own', async () => {
  const page = await pageOf(fixture('human/calendar-windows-zone.eml'))
  const text = textOf(page)
  assert.match(text, 'Invitation Vorführung, zweiter Termin')
  assert.match(text, /When Tue 10 Mar 2026, 14:00 CET +to 15:00 CET/)
  assert.match(text, 'Where Köln; Raum 3')
  assert.match(text, /By Example, Ann ann@example\.org/)
  assert.match(page, '<time datetime="2026-03-10T13:00:00.000Z">')
  assert.match(page, /part-1\.ics/)
})

test('an answer to an invitation is a line in its ticket, and nothing else', async () => {
  const first = await desk.deliver(mail({ headers: { 'Message-ID': '<invite.1@mail.example>' } }))
  const reply = await desk.deliver(
    mail({
      subject: 'Accepted: Demo',
      headers: { 'In-Reply-To': '<invite.1@mail.example>', 'Content-Type': 'text/calendar; method=REPLY' },
      text: 'BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;PARTSTAT=DECLINED:mailto:eva@acme.example\nSUMMARY:Demo <b>\nEND:VEVENT\nEND:VCALENDAR',
    }),
  )
  assert.is(reply.state, 'recorded')
  const page = await browser.page(`/tickets/${first.ticket_id}`)
  assert.match(page, /<p class="happened">Eva Beispiel declined the invitation “Demo &lt;b&gt;” <span/)
  assert.is(page.match(/<article/g)?.length, 1)
})

const card = (wish: Partial<CalendarCard>): CalendarCard => ({
  method: 'request',
  title: 'Demo',
  start: null,
  end: null,
  zone: null,
  organiser: null,
  location: '',
  answer: null,
  ...wish,
})

/** The card as text; the reader is in Berlin. */
async function shown(wish: Partial<CalendarCard>): Promise<string> {
  const { id } = await web.addTicket()
  await web.addComment(id, { calendar: card(wish) })
  const page = await browser.page(`/tickets/${id}`)
  return textOf(/<section class="invitation[\s\S]*?<\/section>/.exec(page)![0]).trim()
}

const at = (wish: Partial<CalendarCard>) => ({ start: '2026-07-01T09:00:00', ...wish })
const whens: [wish: Partial<CalendarCard>, words: string | RegExp][] = [
  [at({ zone: 'UTC', end: '2026-07-01T10:30:00' }), /When Wed 1 Jul 2026, 11:00 CEST +to 12:30 CEST$/],
  [at({ zone: 'America/New_York' }), /When Wed 1 Jul 2026, 15:00 CEST +Wed 1 Jul 2026, 09:00 \S+ there$/],
  [at({ zone: 'Eastern Standard Time' }), 'When Wed 1 Jul 2026, 15:00 CEST'],
  [at({ zone: '/mozilla.org/20070129_1/America/New_York' }), 'When Wed 1 Jul 2026, 15:00 CEST'],
  [at({ zone: null }), /When Wed 1 Jul 2026, 09:00 CEST$/],
  [at({ zone: 'Customized Time Zone' }), /When 2026-07-01 09:00:00 +Customized Time Zone$/],
  [at({ zone: 'UTC', end: '2026-07-02T10:00:00' }), /11:00 CEST +to Thu 2 Jul 2026, 12:00 CEST$/],
  [{ start: '2026-07-01', end: '2026-07-02' }, /When Wed, 1 Jul 2026, all day$/],
  [{ start: '2026-07-01', end: '2026-07-04' }, /When Wed, 1 Jul 2026 to Fri, 3 Jul 2026$/],
  [{ start: '2026-07-01' }, /all day$/],
  [{ start: '2026-02-31' }, /When 2026-02-31$/],
  [{ start: '2026-13-41T25:61:00', zone: 'UTC' }, /When 2026-13-41 25:61:00 +UTC$/],
  [{ method: 'cancel' }, 'Cancelled Demo'],
  [{ method: 'counter' }, 'Another time is proposed'],
  [{ method: null }, 'Calendar entry'],
  [{ title: '' }, 'Without a title'],
]
for (const [wish, words] of whens)
  test(`the card of ${JSON.stringify(wish)}`, async () => assert.match(await shown(wish), words))

test('nothing in a card is a link or markup', async () => {
  const { id } = await web.addTicket()
  const evil = '<a href="https://evil.example">x</a> https://evil.example/'
  await web.addComment(id, {
    calendar: card({ title: evil, location: evil, zone: evil, start: '2026-07-01T09:00:00', method: evil }),
  })
  const page = await browser.page(`/tickets/${id}`)
  const found = /<section class="invitation[\s\S]*?<\/section>/.exec(page)![0]
  assert.not.match(found, '<a')
  assert.match(found, '&lt;a href=')
})

test('zones of Windows are places that the runtime knows; what is none is none', () => {
  for (const name of ['W. Europe Standard Time', 'Romance Standard Time', 'Tokyo Standard Time', 'UTC'])
    assert.ok(ianaZone(name), name)
  for (const name of ['', 'x', 'CET-ish', '__proto__', 'constructor', '../etc', '/a/b', 'Europe/Nowhere'])
    assert.is(ianaZone(name), null, name)
})

const said: [file: string, words: string[]][] = [
  ['human/pgp-encrypted.eml', ['Encrypted', 'is encrypted and cannot be read here']],
  ['human/smime-enveloped.eml', ['Encrypted', '(encrypted, cannot be read here)']],
  ['human/smime-clear-signed.eml', ['Signature not verified', 'smime.p7s']],
  ['human/pgp-signed.eml', ['Signature not verified']],
  ['human/smime-opaque.eml', ['Signature not verified', 'Original, as it came', 'smime.p7m']],
  ['human/smime-unreadable.eml', ['S/MIME not readable', 'It is attached as it came']],
  ['human/winmail-dat.eml', ['Original, as it came', 'winmail.dat']],
]
for (const [file, words] of said)
  test(`${file} says what it is`, async () => {
    const text = textOf(await pageOf(fixture(file)))
    for (const word of words) assert.match(text, word)
  })

test('an original stands apart from the files that were in it', async () => {
  const raw = fixture('human/winmail-dat.eml')
    .toString('latin1')
    .replace(/^Message-ID: .*$/im, 'Message-ID: <w2@x.example>')
  const page = await pageOf(Buffer.from(raw.replace(/^Date: .*$/im, 'Date: Mon, 23 Nov 2026 09:00:00 +0100'), 'latin1'))
  const [files] = /<ul class="files" aria-label="Attachments">[\s\S]*?<\/ul>/.exec(page) ?? ['']
  assert.not.match(files, 'winmail.dat')
  assert.match(
    page,
    /<summary>Original, as it came<\/summary><ul class="files"><li>\s*<a href="\/attachments\/\d+" download>winmail\.dat/,
  )
})

test('a mail that was cut says so', async () => {
  const deep = `${'<div>'.repeat(300)}x`
  const text = textOf(await pageOf(mail({ headers: { 'Content-Type': 'text/html; charset=utf-8' }, text: deep })))
  assert.match(text, 'Cut')
  assert.match(text, 'The raw mail holds all of it')
})

test('an attached mail can be read, behind the same walls, and does nothing', async () => {
  const inner = mail({
    from: 'Boss <boss@acme.example>',
    subject: '[#12] <script>x()</script>',
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
    text: '<p>Inner words</p><script>x()</script><a href="https://evil.example/">bank.example</a><img src=x onerror=x()>',
  })
  const page = await pageOf(
    mail({
      headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
      text: `--b\n\nSee the attached.\n--b\nContent-Type: message/rfc822\n\n${inner}\n--b--`,
    }),
  )
  const [, id] = /href="\/attachments\/(\d+)\/mail"/.exec(page)!
  const read = await browser.page(`/attachments/${id}/mail`)
  const text = textOf(read)
  assert.match(text, 'From Boss &lt;boss@acme.example&gt;')
  assert.match(text, 'Inner words')
  assert.match(text, 'Mon 23 Nov 2026, 09:29 CET')
  assert.not.match(read, '<script')
  assert.match(read, `src="/attachments/${id}/frame"`)
  const frame = await browser.get(`/attachments/${id}/frame`)
  assert.match(frame.headers.get('content-security-policy')!, "default-src 'none'")
  const html = await frame.text()
  assert.match(html, 'Inner words')
  assert.match(html, '<desk-host>leads to evil.example</desk-host>')
  assert.not.match(html, /<script|onerror/)
})

test('only a mail is read so, and only by whom the ticket is for', async () => {
  const { id, commentId } = await web.addTicket()
  const place = { ticketId: id, commentId }
  const text = await web.attach(place, { name: 'a.eml', bytes: Buffer.from('Subject: x\n\nx'), type: 'text/plain' })
  assert.is((await browser.get(`/attachments/${text}/mail`)).status, 404)
  assert.is((await browser.get(`/attachments/${text}/frame`)).status, 404)
  const eml = await web.attach(place, { name: 'a.eml', bytes: Buffer.from('Subject: x\n\nx'), type: 'message/rfc822' })
  assert.is((await browser.get(`/attachments/${eml}/mail`)).status, 200)
  assert.is((await browser.get(`/attachments/${eml}/frame`)).status, 404)
  const junk = await web.attach(place, { name: 'b.eml', bytes: Buffer.from([0, 1, 2, 255]), type: 'message/rfc822' })
  assert.is((await browser.get(`/attachments/${junk}/mail`)).status, 200)
  await sql`update tickets set deleted_at = now() where id = ${id}`
  assert.is((await browser.get(`/attachments/${eml}/mail`)).status, 404)
  assert.equal(web.logged, [])
})

test.run()

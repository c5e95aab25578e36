/** `import`: mails from files through the real pipeline, live or as history, and nothing twice. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { silent } from '../../src/log.ts'
import { splitMbox, unquoted } from '../../src/mail/import/mbox.ts'
import { findMails } from '../../src/mail/import/sources.ts'
import { importMails } from '../../src/main/import.ts'
import { command } from '../daemon.ts'
import { mail } from '../desk.ts'
import { openHouse } from './house.ts'

const place = await openHouse()
const { sql } = place
const files = mkdtempSync(path.join(os.tmpdir(), 'postroom-test-'))

/** Writes a file below the test's folder, whatever folders it takes. */
function write(name: string, text: string): string {
  const file = path.join(files, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

const reading = suite('files')

const MBOX = [
  'From eva@acme.example Mon Nov 23 09:30:00 2026',
  'Subject: one',
  '',
  'It said:',
  '',
  'From my point of view it is well.',
  '>From here on it is quoted.',
  '>>From twice.',
  '',
  'From - Tue Nov 24 10:00:00 2026 +0100',
  'Subject: two',
  '',
  'Nothing',
  'From line without a blank one before, 10:00 2026',
  '',
  'From x@y Wed Nov 25 11:00:00 2026',
  'Subject: three',
  '',
  'The end.',
  '',
  '',
].join('\n')

async function split(text: string, size: number) {
  const bytes = Buffer.from(text)
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, (n + 1) * size),
  )
  const found = []
  for await (const slice of splitMbox(Readable.from(chunks))) found.push(slice)
  return found.map((slice) => ({ ...slice, text: bytes.subarray(slice.from, slice.to).toString() }))
}

reading('an mbox begins a mail at a dated From line behind a blank one, whatever pieces it is read in', async () => {
  const whole = await split(MBOX, MBOX.length)
  assert.equal(
    whole.map((one) => [one.text.split('\n')[0], one.quoted, one.date?.toISOString()]),
    [
      ['Subject: one', true, '2026-11-23T09:30:00.000Z'],
      ['Subject: two', false, '2026-11-24T09:00:00.000Z'],
      ['Subject: three', false, '2026-11-25T11:00:00.000Z'],
    ],
  )
  assert.match(whole[0]!.text, /From my point of view/)
  assert.ok(whole[1]!.text.endsWith('10:00 2026\n'), 'the blank line before the next belongs to the format')
  for (let size = 1; size < 60; size++) assert.equal(await split(MBOX, size), whole, `pieces of ${size}`)
  const crlf = await split(MBOX.replaceAll('\n', '\r\n'), 7)
  assert.equal(
    crlf.map((one) => one.text.replaceAll('\r\n', '\n')),
    whole.map((one) => one.text),
  )
})

reading('quoted From lines lose one mark, in any pieces, and a line of any length passes', async () => {
  const long = '>'.repeat(3000)
  const text = `>From a\n>>From b\nnot >From c\n${long}\n>From d`
  const want = `From a\n>From b\nnot >From c\n${long}\nFrom d`
  for (const size of [1, 2, 3, 5, 8, 250, 5000]) {
    const bytes = Buffer.from(text)
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
      bytes.subarray(n * size, (n + 1) * size),
    )
    const out: Buffer[] = []
    for await (const chunk of unquoted(Readable.from(chunks))) out.push(chunk)
    assert.is(Buffer.concat(out).toString(), want, `pieces of ${size}`)
  }
})

async function found(...paths: string[]) {
  const list: string[] = []
  for await (const one of findMails(paths))
    list.push(`${path.relative(files, one.name)}${one.problem === null ? '' : one.skipped ? ' skipped' : ' bad'}`)
  return list
}

reading('folders are walked by name for what looks like a mail; a Maildir by the time of delivery', async () => {
  write('folder/b.eml', mail({}))
  write('folder/a/inner', mail({}))
  write('folder/c.mbox', MBOX)
  write('folder/labels.json', '{}')
  write('folder/notes', 'Dear diary\n')
  write('folder/.hidden/x.eml', mail({}))
  write('maildir/cur/1700000002.x:2,S', mail({}))
  write('maildir/new/1700000001.y', mail({}))
  write('maildir/tmp/1700000000.z', mail({}))
  write('maildir/.Old/cur/1600000000.w:2,', mail({}))
  mkdirSync(path.join(files, 'maildir/.Old/new'))
  assert.equal(await found(path.join(files, 'folder')), [
    'folder/a/inner',
    'folder/b.eml',
    'folder/c.mbox#1',
    'folder/c.mbox#2',
    'folder/c.mbox#3',
    'folder/labels.json skipped',
    'folder/notes skipped',
  ])
  assert.equal(await found(path.join(files, 'maildir'), path.join(files, 'gone')), [
    'maildir/new/1700000001.y',
    'maildir/cur/1700000002.x:2,S',
    'maildir/.Old/cur/1600000000.w:2,',
    'gone bad',
  ])
})

const importing = suite('import')
importing.after(async () => {
  rmSync(files, { recursive: true, force: true })
  await place.close()
})

type Report = {
  imported: number
  known: number
  skipped: number
  refused: { file: string }[]
  states?: Record<string, number>
}

async function take(paths: string[], given: { archive?: boolean; to?: string; wait?: boolean } = {}) {
  const lines: string[] = []
  const { archive, to = null, wait = true } = given
  const manner = archive ? ('archive' as const) : ('live' as const)
  const print = (line: string) => void lines.push(line)
  const code = await importMails({ data: place.data }, { paths, manner, to, wait, json: true, log: silent, print })
  return { code, ...(JSON.parse(lines.at(-1)!) as Report) }
}

const count = async (table: string) => (await sql`select count(*)::int as n from ${sql(table)}`)[0]!.n as number

const mboxOf = (...mails: string[]) => mails.map((one) => `From x Mon Nov 23 09:30:00 2026\n${one}\n`).join('')

importing('live: as if the mails came now, in their order; twice takes nothing twice', async () => {
  const first = mail({ subject: 'Imported', headers: { 'Message-ID': '<live.1@acme.example>' } })
  const answer = mail({
    subject: 'Re: Imported',
    headers: { 'Message-ID': '<live.2@acme.example>', 'In-Reply-To': '<live.1@acme.example>' },
  })
  const file = write('live.mbox', mboxOf(first, answer))
  const began = new Date()
  const report = await take([file])
  assert.equal(report, {
    code: 0,
    imported: 2,
    known: 0,
    skipped: 0,
    refused: [],
    states: { commented: 1, ticketed: 1 },
  })
  const [ticket] = await sql`select * from tickets where subject = 'Imported'`
  assert.is(ticket!.status, 'new')
  assert.ok(ticket!.created_at >= new Date(began.getTime() - 1000), 'it is new')
  assert.is(await count('outbox'), 1)
  assert.is(await count('sla_clocks'), 2)
  const before = await count('inbound_mails')
  assert.equal(await take([file]), {
    code: 0,
    imported: 0,
    known: 2,
    skipped: 0,
    refused: [],
    states: { commented: 1, ticketed: 1 },
  })
  assert.is(await count('inbound_mails'), before)
  // one that was broken off in the middle is called again, with the same mails from elsewhere
  const more = write('more/1.eml', first)
  write('more/2.eml', mail({ subject: 'One more' }))
  const again = await take([path.dirname(more), file])
  assert.is(again.imported, 1)
  assert.is(again.known, 3)
})

importing(
  'archive: one closed ticket a conversation, with its real dates; nothing is sent and nothing is promised',
  async () => {
    const [outbox, clocks] = [await count('outbox'), await count('sla_clocks')]
    const received = (date: string) => ({
      Received: `from a.example by b.example; ${date}`,
      Date: 'Mon, 1 Jan 2035 00:00:00 +0000',
    })
    const old = (id: string, from: string, date: string, more: Record<string, string> = {}) =>
      mail({
        from,
        subject: 'Long ago',
        headers: { ...received(date), 'Message-ID': `<${id}@old.example>`, ...more },
      })
    write('old/1.eml', old('o1', 'Eva <eva@acme.example>', 'Tue, 3 Mar 2020 10:00:00 +0100'))
    write(
      'old/2.eml',
      old('o2', 'Desk <support@desk.example>', 'Wed, 4 Mar 2020 10:00:00 +0100', {
        'In-Reply-To': '<o1@old.example>',
        To: 'eva@acme.example',
      }),
    )
    write(
      'old/3.eml',
      old('o3', 'Eva <eva@acme.example>', 'Fri, 1 May 2020 10:00:00 +0200', { 'In-Reply-To': '<o2@old.example>' }),
    )
    write('old/4.eml', mail({ subject: 'Undated', headers: { Date: 'Sun, 5 Apr 2020 08:00:00 +0000' } }))
    write(
      'old/5.eml',
      old('o5', 'Desk <support@desk.example>', 'Wed, 6 May 2020 10:00:00 +0100', { To: 'somebody@elsewhere.example' }),
    )
    const report = await take([path.join(files, 'old')], { archive: true })
    assert.is(report.imported, 5)
    const tickets = await sql`
    select subject, status, created_at, closed_at, next_due_at, id from tickets where created_at < '2021-01-01' order by created_at`
    assert.equal(
      tickets.map((row) => [
        row.subject,
        row.status,
        row.created_at.toISOString(),
        row.closed_at.toISOString(),
        row.next_due_at,
      ]),
      [
        ['Long ago', 'closed', '2020-03-03T09:00:00.000Z', '2020-03-03T09:00:00.000Z', null],
        ['Undated', 'closed', '2020-04-05T08:00:00.000Z', '2020-04-05T08:00:00.000Z', null],
      ],
    )
    const comments = await sql`select at, author_address from comments where ticket_id = ${tickets[0]!.id} order by id`
    assert.equal(
      comments.map((row) => [row.at.toISOString().slice(0, 10), row.author_address]),
      [
        ['2020-03-03', 'eva@acme.example'],
        ['2020-03-04', 'support@desk.example'],
        ['2020-05-01', 'eva@acme.example'],
      ],
    )
    assert.is(await count('outbox'), outbox)
    assert.is(await count('sla_clocks'), clocks)
    const [sent] = await sql`select state from inbound_mails where message_id = 'o5@old.example'`
    assert.is(sent!.state, 'recorded')
  },
)

importing('the envelope is what delivered the mail says, or --to', async () => {
  const folder = path.dirname(
    write(
      'way/1.eml',
      mail({
        to: 'undisclosed@elsewhere.example',
        headers: { 'Return-Path': '<>', 'Delivered-To': 'support+tag@desk.example' },
      }),
    ),
  )
  write('way/2.eml', mail({ to: 'elsewhere@other.example', headers: { 'Return-Path': '<eva@acme.example>' } }))
  await take([folder], { wait: false })
  const rows = await sql`select via, envelope_from, recipients, session from inbound_mails order by id desc limit 2`
  assert.equal(
    rows.map((row) => [row.via, row.envelope_from, row.recipients[0].address, row.recipients[0].inbox, row.session]),
    [
      ['import', 'eva@acme.example', 'support@desk.example', 'support', {}],
      ['import', '', 'support+tag@desk.example', 'support', {}],
    ],
  )
  try {
    await take([folder], { to: 'nobody@elsewhere.example' })
    assert.unreachable()
  } catch (error) {
    assert.is((error as { code: string }).code, 'not_ours')
  }
})

importing('a large mail streams; what cannot be taken is named and stops nobody', async () => {
  const large = write('big/1.eml', mail({ subject: 'Large', text: `${'x'.repeat(70)}\n`.repeat(8000) }))
  write('big/2.eml', mail({ subject: 'Behind the large one' }))
  const { code, imported, refused } = await take([path.join(files, 'gone'), path.dirname(large)])
  assert.is(code, 1)
  assert.is(imported, 2)
  assert.is(refused.length, 1)
  const rows = await sql`select subject, state from inbound_mails order by id desc limit 2`
  assert.equal(
    rows.map((row) => [row.subject, row.state]),
    [
      ['Behind the large one', 'ticketed'],
      ['Large', 'ticketed'],
    ],
  )
})

importing('is there to be typed', async () => {
  const file = write('typed.eml', mail({ subject: 'Typed' }))
  const { code, out, err } = await command({ data: place.data }, 'import', file, '--archive', '--wait')
  assert.is(code, 0, err)
  assert.match(out, '1 imported, 0 here already, 0 refused')
  assert.match(out, '1 ticketed')
  assert.is((await command({ data: place.data }, 'import')).code, 2)
})

reading.run()
importing.run()

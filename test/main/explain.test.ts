/** `explain`: says what would be done, says all of it, does none of it, and is what is then done. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../src/config.ts'
import { transaction } from '../../src/database.ts'
import { traceOf } from '../../src/engine/receive/plan.ts'
import { setStatus } from '../../src/engine/tickets.ts'
import { silent } from '../../src/log.ts'
import { startTrust } from '../../src/mail/authenticate/trust.ts'
import { explainMail } from '../../src/mail/explain.ts'
import { startParser } from '../../src/mail/parse.ts'
import { startSpool } from '../../src/mail/spool/accept.ts'
import type { Envelope } from '../../src/mail/spool.ts'
import { explain } from '../../src/main/explain.ts'
import { openDesk } from '../../src/main/installation.ts'
import { DAY, MINUTE } from '../../src/time.ts'
import { command } from '../daemon.ts'
import { envelopeOf, MONDAY, mail, startDesk } from '../desk.ts'
import { seeded } from '../random.ts'
import { openHouse } from './house.ts'

const root = path.join(import.meta.dirname, '..', '..')
const fixtures = globSync('fixtures/mails/*/*.eml', { cwd: root }).sort()
const desk = await startDesk()
const { sql } = desk
const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-test-'))
const parser = await startParser({ temp, log: silent, children: 1 })
const trust = startTrust(loadConfig({ env: {}, cwd: os.tmpdir() }), () => MONDAY)
const place = await openHouse()

const agreement = suite('the executed plan is the explained one')
agreement.before.each(() => desk.reset())

const crlf = (text: string) => Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'))
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown

/** Explains a mail before it is there, then delivers it, and compares all that the spool keeps of the decision. */
async function both(name: string, bytes: Buffer, given: Partial<Envelope> = {}): Promise<{ ticket: number | null }> {
  const envelope = envelopeOf('somebody@elsewhere.example', { receivedAt: desk.clock.at, ...given })
  const subject = {
    judged: { id: 0, envelope, releasedAt: null, ticketId: null },
    open: () => Readable.from([bytes]),
  }
  const before = await explainMail({ sql, parser, tools: desk.tools(), trust }, subject, desk.clock.at)
  const end = await desk.deliver(bytes, envelope)
  assert.is(end.state, before.plan.state, name)
  assert.is(end.kind, before.plan.kind, name)
  assert.equal(end.trace, plain(traceOf(before.plan)), name)
  // doing it may add a reason, such as a spent budget
  assert.equal(end.reasons.slice(0, before.plan.reasons.length), plain(before.plan.reasons), name)
  return { ticket: end.ticket_id }
}

agreement('for every fixture', async () => {
  assert.ok(fixtures.length > 50, `${fixtures.length} fixtures`)
  for (const file of fixtures) await both(file, readFileSync(path.join(root, file)))
})

agreement('in conversations of customers, colleagues, strangers and machines', async () => {
  const next = seeded(20_261_123)
  const random = (below: number) => Math.floor(next() * below)
  const one = <T>(list: readonly T[]): T => list[random(list.length)]!
  const people = [
    'Eva <eva@acme.example>',
    'Jan <jan@acme.example>',
    'Noor <noor@borealis.example>',
    'sly@stranger.example',
  ]
  const ids: string[] = []
  const raws: Buffer[] = []
  const seen = new Set<string>()
  for (let n = 0; n < 40; n++) {
    const [outgoing] = await sql`
      select message_id, ticket_id from outbox where kind = 'ack' order by id offset ${random(5)} limit 1`
    const headers: Record<string, string | null> = { 'Message-ID': `<seeded.${n}@mail.example>` }
    const way = one(['new', 'foreign', 'foreign', 'ours', 'ours', 'tag', 'machine', 'again'])
    if (way === 'foreign' && ids.length) headers['In-Reply-To'] = one(ids)
    if (way === 'ours' && outgoing) headers.References = `<${outgoing.message_id}>`
    if (way === 'machine') headers['Auto-Submitted'] = 'auto-replied'
    if (way === 'machine' && outgoing) headers['In-Reply-To'] = `<${outgoing.message_id}>`
    const subject =
      way === 'tag' && outgoing ? `[#${outgoing.ticket_id}] and now` : one(['Printer', 'Re: Printer', 'VPN'])
    const from = one(people)
    const raw = crlf(
      mail({ from, subject, headers: { ...headers, Cc: one(['', '', 'Jan <jan@acme.example>']) || null } }),
    )
    const bytes = way === 'again' && raws.length ? one(raws) : raw
    const { ticket } = await both(`${n} ${way}`, bytes, { from: /[^\s<>]+@[^\s<>]+/.exec(from)![0] })
    ids.push(`<seeded.${n}@mail.example>`)
    raws.push(bytes)
    seen.add(way)
    desk.clock.at = new Date(desk.clock.at.getTime() + one([MINUTE, MINUTE, 20 * MINUTE, 20 * DAY]))
    const actor = { kind: 'system' as const, id: null, name: 'test' }
    if (ticket !== null && random(3) === 0)
      await transaction(sql, (tx) => setStatus(tx, { ticketId: ticket, status: 'resolved', actor }, desk.clock.at))
  }
  assert.is(seen.size, 6)
  const states = await sql`select distinct state from inbound_mails order by state`
  assert.ok(states.length >= 3, JSON.stringify(states))
})

agreement.after(async () => {
  await desk.stop()
  await parser.stop()
  rmSync(temp, { recursive: true, force: true })
})

const cli = suite('the command')
const files = mkdtempSync(path.join(os.tmpdir(), 'postroom-test-'))
cli.after(async () => {
  await place.close()
  rmSync(files, { recursive: true, force: true })
})

type Line = Record<string, unknown> & { file: string; error: { code: string } | null; subject: string }

async function explained(paths: string[], given: { stdin?: Readable; archive?: boolean; to?: string } = {}) {
  const lines: string[] = []
  const { stdin, archive = false, to = null } = given
  const call = { paths, json: true, to, archive, log: silent, print: (line: string) => void lines.push(line) }
  const code = await explain({ data: place.data }, { ...call, ...(stdin && { stdin }) })
  return { code, mails: lines.map((line) => JSON.parse(line) as Line) }
}

const FIELDS =
  'file bytes sha256 kind no_ack held from sender reply_to to cc subject base_subject date message_id in_reply_to ' +
  'references text visible quoted signature html attachments forwarded dsn auth author commands thread route sla plan ' +
  'reasons truncated error'

/** Every row of every table, and where every sequence stands. */
async function everything() {
  const { sql } = place
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') order by 1`
  const rows: Record<string, unknown> = {}
  for (const { name } of tables) {
    const [row] = await sql.unsafe(
      `select count(*)::int as n, md5(string_agg(t::text, '' order by t::text)) from ${name} t`,
    )
    rows[name] = { ...row }
  }
  const sequences = await sql`select sequencename as name, last_value::text from pg_sequences order by 1`
  return { rows, sequences: sequences.map((row) => ({ ...row })) }
}

cli(
  'says all of each mail and writes nothing: in a fresh desk no row, in a used one not even a number is taken',
  async () => {
    const fresh = (await everything()).rows
    const { code, mails } = await explained([path.join(root, 'fixtures/mails')])
    assert.is(code, 0)
    // each mail, with all fields, in the order of the files
    const names = mails.map((one) => path.relative(root, one.file))
    assert.equal(names.filter((name) => name.endsWith('.eml')).toSorted(), fixtures)
    for (const one of mails)
      assert.equal(
        FIELDS.split(' ').filter((field) => !(field in one)),
        [],
        one.file,
      )
    assert.equal(
      names.map((name) => path.dirname(name)),
      names.map((name) => path.dirname(name)).toSorted(),
    )
    assert.equal((await everything()).rows, fresh)
    await openDesk(place.house, silent)
    await stored(mail({ subject: 'In use' }))
    const used = await everything()
    await explained([path.join(root, 'fixtures/mails/human'), '1'])
    assert.equal(await everything(), used)
  },
)

async function stored(raw: string, envelope: Partial<Envelope> = {}): Promise<number> {
  const spool = startSpool({ sql: place.sql, log: silent })
  const whole = envelopeOf('eva@acme.example', envelope)
  const { id } = await spool.accept({ envelope: whole, bytes: crlf(raw) })
  await spool.stop()
  return id
}

cli('says who, what kind, where to, until when, and why', async () => {
  const file = path.join(files, 'one.eml')
  writeFileSync(file, crlf(mail({ from: 'Eva <eva@acme.example>', text: 'It burns.\n\n> quoted\n' })))
  const [one] = (await explained([file])).mails
  assert.is(one!.kind, 'human')
  assert.is(one!.state, 'ticketed')
  assert.equal(one!.from, { name: 'Eva', address: 'eva@acme.example' })
  assert.equal((one!.author as { organization: string }).organization, 'Acme')
  const route = one!.route as { project: string; rule: string; trace: { rule: string; matched: boolean }[] }
  assert.is(route.project, 'acme/incoming')
  assert.is(route.rule, 'acme')
  assert.ok(route.trace.some((step) => step.rule === 'acme' && step.matched))
  const sla = one!.sla as { policy: string; first_response_due: string; how: string[] }
  assert.is(sla.policy, 'gold')
  assert.match(sla.first_response_due, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.match(sla.how.join('\n'), /first response: 4 working hours, Mon-Fri 9-17, Berlin/)
  assert.match(one!.visible as string, 'It burns.')
  assert.not.match(one!.visible as string, 'quoted')
  assert.equal(
    (one!.plan as { action: string }[]).map((step) => step.action),
    ['create_ticket', 'acknowledge'],
  )
})

cli('takes a stored mail with its own envelope, and as the desk stands now', async () => {
  const id = await stored(mail({ from: 'nobody', subject: 'Stored' }), { from: '', receivedAt: MONDAY })
  const [one] = (await explained([String(id)])).mails
  assert.is(one!.subject, 'Stored')
  assert.is(one!.received_at, MONDAY.toISOString())
  assert.ok((one!.reasons as { words: string }[]).some((reason) => /null sender/.test(reason.words)))
})

cli('what cannot be read is said, and stops nobody', async () => {
  const good = path.join(root, 'fixtures/mails/human/plain.eml')
  const { code, mails } = await explained([path.join(files, 'nonesuch.eml'), '4711', good])
  assert.is(code, 1)
  assert.equal(
    mails.map((one) => one.error?.code ?? null),
    ['unreadable_file', 'no_mail', null],
  )
  assert.equal(
    FIELDS.split(' ').filter((field) => !(field in mails[0]!)),
    [],
  )
})

cli('reads an mbox from standard input', async () => {
  const text = `From eva@acme.example Mon Nov 23 09:30:00 2026\n${mail({ subject: 'A' })}\nFrom x Mon Nov 23 09:31:00 2026\n${mail({ subject: 'B' })}\n`
  const { mails } = await explained(['-'], { stdin: Readable.from([Buffer.from(text)]) })
  assert.equal(
    mails.map((one) => [one.file, one.subject]),
    [
      ['-#1', 'A'],
      ['-#2', 'B'],
    ],
  )
})

cli('as history: closed, nothing sent, no clock', async () => {
  const [one] = (await explained([path.join(root, 'fixtures/mails/human/plain.eml')], { archive: true })).mails
  assert.equal(
    (one!.plan as { action: string }[]).map((step) => step.action),
    ['create_ticket'],
  )
  assert.is((one!.sla as { first_response_due: string | null }).first_response_due, null)
})

cli('is there to be typed; without --json people can read it', async () => {
  const { code, out, err } = await command(
    { data: place.data },
    'explain',
    path.join(root, 'fixtures/mails/human/plain.eml'),
  )
  assert.is(code, 0, err)
  assert.match(out, /route {5}\S+/)
  assert.match(out, /plan {6}ticketed: create_ticket/)
  const empty = await command({ data: place.data }, 'explain')
  assert.is(empty.code, 2)
})

agreement.run()
cli.run()

/**
 * The house rules that a program can check: who may import whom, which file owns a dependency or a table, no clock
 * below the edges. ARCHITECTURE.md says why; a rule that is in the way is changed there and here, not gone round.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

type Import = { target: string; line: number }
type Source = { file: string; text: string; imports: Import[] }
type Room = 'base' | 'engine' | 'mail' | 'web' | 'top'

const root = path.join(import.meta.dirname, '..')
const sources = globSync('src/**/*.ts', { cwd: root }).sort().map(read)
const testFiles = globSync('test/**/*.{test,system}.ts', { cwd: root }).sort()

/** Wiring: the commands and the schedule start everything, so they know everything. */
const TOP = /^src\/(main|cron|commands)(\/|\.ts$)/

const mayImport: Record<Room, Room[]> = {
  base: ['base'],
  engine: ['base', 'engine'],
  mail: ['base', 'engine', 'mail'],
  web: ['base', 'engine', 'web'],
  top: ['base', 'engine', 'mail', 'web', 'top'],
}

/** What the web may call of mail: held mails, raw source, retry, release, discard. */
const WEB_DOOR = 'src/mail/spool.ts'

/** Package -> who may import it: a file, or a face with its folder. */
const dependencyOwners: Record<string, string[]> = {
  '@hono/node-server': ['src/web'],
  'drizzle-orm': [
    'src/database',
    'src/columns',
    ...sources.map(({ file }) => file).filter((file) => /\/tables\.ts$/.test(file)),
  ],
  'file-type': ['src/mail/parse', 'src/web/bytes'],
  handlebars: ['src/render'],
  hono: ['src/web'],
  'ical.js': ['src/engine/desk'],
  imapflow: ['src/mail/intake-imap'],
  asn1js: ['src/mail/parse'],
  mailauth: ['src/mail/authenticate'],
  mailparser: ['src/mail/parse'],
  'node-cron': ['src/cron'],
  nodemailer: ['src/mail/deliver', 'src/mail/compose'],
  postgres: ['src/database'],
  re2js: ['src/engine/rules'],
  'sanitize-html': ['src/html'],
  'smtp-server': ['src/mail/intake-smtp'],
  'temporal-polyfill': ['src/time'],
  tldts: ['src/engine/people', 'src/mail/authenticate', 'src/engine/receive'],
  tinyld: ['src/mail/parse', 'src/mail/classify', 'src/mail/pipeline'],
  yaml: ['src/yaml', 'src/config', 'src/engine/rules', 'src/engine/desk'],
  zod: ['src/yaml', 'src/config', 'src/engine/rules', 'src/engine/desk'],
}

/** The desk file's rows are written where a version is applied, and by the file that makes some at run time. */
const desk = 'src/engine/desk'
const tableOwners: Record<string, string[]> = {
  agent_choices: ['src/engine/notify'],
  agent_followers: ['src/engine/tickets'],
  agents: [desk, 'src/engine/people'],
  attachments: ['src/engine/attachments'],
  blob_chunks: ['src/blobs'],
  blobs: ['src/blobs'],
  blocked_senders: ['src/engine/people'],
  calendars: [desk, 'src/engine/sla'],
  challenges: ['src/engine/challenges'],
  comments: ['src/engine/tickets'],
  contact_addresses: ['src/engine/people'],
  contacts: ['src/engine/people'],
  customer_group_members: [desk, 'src/engine/people'],
  customer_groups: [desk, 'src/engine/people'],
  delivery_attempts: ['src/mail/deliver'],
  digest_news: ['src/engine/notify'],
  events: ['src/engine/events'],
  executed_mails: ['src/engine/challenges'],
  imap_seen: ['src/mail/spool'],
  inbound_mails: ['src/mail/spool'],
  inboxes: [desk, 'src/engine/tickets'],
  invoice_lines: ['src/engine/billing'],
  invoice_series: ['src/engine/billing'],
  invoices: ['src/engine/billing'],
  keys: ['src/keys'],
  leases: ['src/database'],
  login_links: ['src/web/session'],
  mail_budgets: ['src/engine/outbox'],
  mailbox_refusals: ['src/mail/spool'],
  mailboxes: ['src/mail/spool'],
  message_ids: ['src/engine/thread'],
  moved_dates: ['src/engine/moved-dates'],
  notices: ['src/engine/notices'],
  organization_domains: [desk, 'src/engine/people'],
  organizations: [desk, 'src/engine/people'],
  outbox: ['src/engine/outbox'],
  pending_ids: ['src/mail/spool'],
  price_lists: [desk, 'src/engine/billing'],
  projects: [desk, 'src/engine/tickets'],
  receipts: ['src/engine/commands'],
  rule_sets: [desk, 'src/engine/rules'],
  sessions: ['src/web/session'],
  side_questions: ['src/engine/tickets'],
  sla_answers: ['src/engine/sla'],
  sla_breaches: ['src/engine/sla'],
  sla_clocks: ['src/engine/sla'],
  sla_fired: ['src/engine/sla'],
  sla_policies: [desk, 'src/engine/sla'],
  statements: ['src/engine/billing'],
  suppressions: ['src/engine/outbox'],
  team_members: [desk, 'src/engine/people'],
  teams: [desk, 'src/engine/people'],
  ticket_links: ['src/engine/tickets'],
  ticket_news: ['src/engine/notify'],
  ticket_participants: ['src/engine/tickets'],
  ticket_told: ['src/engine/notify'],
  tickets: ['src/engine/tickets'],
  time_entries: ['src/engine/time-entries'],
  webhook_calls: ['src/engine/webhooks'],
  work_types: [desk, 'src/engine/time-entries'],
}

test('there is something to check', () => {
  assert.ok(sources.length > 20, `${sources.length} sources`)
  assert.ok(sources.flatMap(({ imports }) => imports).length > 50)
  assert.ok(testFiles.length > 5)
})

test('rooms import in one direction: web -> engine <- mail, base below all', () => {
  const wrong = local().filter(({ from, to }) => {
    if (roomOf(from) === 'web' && to === WEB_DOOR) return false
    return !mayImport[roomOf(from)].includes(roomOf(to))
  })
  none(wrong.map(({ from, to, line }) => `${from}:${line} (${roomOf(from)}) imports ${to} (${roomOf(to)})`))
})

test('every import has a file', () => {
  const files = new Set(sources.map(({ file }) => file))
  none(
    local()
      .filter(({ to }) => !files.has(to))
      .map(({ from, to, line }) => `${from}:${line} imports ${to}`),
  )
})

test('no cycles, not even of types', () => {
  const next = Map.groupBy(local(), ({ from }) => from)
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, trail: string[]) => {
    if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '))
    else if (!done.has(file)) for (const { to } of next.get(file) ?? []) visit(to, [...trail, file])
    done.add(file)
  }
  for (const { file } of sources) visit(file, [])
  none(cycles)
})

test('a dependency is imported by its owner only, and every one has an owner', () => {
  none(
    packages()
      .filter(({ from, name }) => !(dependencyOwners[name] ?? []).some((owner) => owns(owner, from)))
      .map(
        ({ from, name, line }) =>
          `${from}:${line} imports ${name}, of ${dependencyOwners[name]?.join(', ') ?? 'nobody'}`,
      ),
  )
})

test('every dependency of package.json is used', () => {
  const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const used = new Set(packages().map(({ name }) => name))
  none(Object.keys(dependencies).filter((name) => !used.has(name)))
})

test('a table is written by its owner only, and every one has an owner', () => {
  const declared = sources
    .filter(({ file }) => file.endsWith('/tables.ts'))
    .flatMap(({ text }) => [...text.matchAll(/pgTable\(\s*'(\w+)'/g)].map((match) => match[1] as string))
  assert.equal(declared.sort(), Object.keys(tableOwners).sort())

  const write =
    /(?<!\bdo |\bfor |\bno key )\b(?:insert into|update|delete from|merge into|truncate(?: table)?)\s+(?:only\s+)?"?(\w+)"?/gi
  const wrong = sources.flatMap(({ file, text }) =>
    [...text.matchAll(write)]
      .filter(([, table = '']) => table in tableOwners && !tableOwners[table]?.some((owner) => owns(owner, file)))
      .map((match) => `${file}:${lineOf(text, match.index)} writes ${match[1]}`),
  )
  none(wrong)
})

test('drizzle reads; rows are written by tagged SQL, where the owner check sees them', () => {
  none(occurrences(/\b(?:db|tx)\s*\.(?:insert|update|delete)\(/g, () => true))
})

test('the engine reads no clock, no environment and no network', () => {
  const engine = (file: string) => roomOf(file) === 'engine'
  none(occurrences(/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bTemporal\.Now\b/g, engine))
  none(occurrences(/\bprocess\.env\b|\bfetch\(|from 'node:(?:net|http|https|tls|dns)/g, engine))
})

test('functions and named exports: no default exports, classes only for errors', () => {
  none(occurrences(/^export default\b/gm, () => true))
  none(occurrences(/^(?:export )?(?:abstract )?class (?!\w+ extends Error\b)/gm, () => true))
})

test('every source begins by saying what it is', () => {
  none(sources.filter(({ text }) => !text.startsWith('/**')).map(({ file }) => file))
})

test('every test file runs: a forgotten `.run()` would pass in silence', () => {
  none(testFiles.filter((file) => !/^ *\w+\.run\(\)$/m.test(readFileSync(path.join(root, file), 'utf8'))))
})

function read(file: string): Source {
  const text = readFileSync(path.join(root, file), 'utf8')
  const pattern = /^(?:import|export)\s+[^'"`;]*?\bfrom\s+'([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm
  const imports = [...text.matchAll(pattern)].map((match) => ({
    target: (match[1] ?? match[2] ?? match[3]) as string,
    line: lineOf(text, match.index),
  }))
  return { file, text, imports }
}

function roomOf(file: string): Room {
  if (TOP.test(file)) return 'top'
  const room = /^src\/(engine|mail|web)\//.exec(file)?.[1]
  return (room as Room | undefined) ?? 'base'
}

/** A face `src/x` owns `src/x.ts`, `src/x-y.ts` and the folder `src/x/`. */
const owns = (owner: string, file: string): boolean =>
  file === owner || (file.startsWith(owner) && /^(?:\.ts$|\/|-)/.test(file.slice(owner.length)))

const local = () =>
  sources.flatMap(({ file, imports }) =>
    imports
      .filter(({ target }) => target.startsWith('.'))
      .map(({ target, line }) => ({ from: file, to: path.join(path.dirname(file), target), line })),
  )

const packages = () =>
  sources.flatMap(({ file, imports }) =>
    imports
      .filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'))
      .map(({ target, line }) => ({ from: file, name: /^(?:@[^/]+\/)?[^/]+/.exec(target)?.[0] as string, line })),
  )

const occurrences = (pattern: RegExp, where: (file: string) => boolean): string[] =>
  sources
    .filter(({ file }) => where(file))
    .flatMap(({ file, text }) =>
      [...text.matchAll(pattern)].map((at) => `${file}:${lineOf(text, at.index)} ${at[0].trim()}`),
    )

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

const none = (found: string[]): void => assert.equal(found, [])

test.run()

/**
 * Compares what Postroom makes of labelled mails with what other software's tests expect of them.
 *
 *     node test/score.ts FOLDER [--source NAME] [--show]
 *
 * FOLDER holds a folder a source with `labels.jsonl` (one object a mail) and the files it names. Every label is judged
 * exact, near (0.95 similarity without white space) or different; every difference is listed. Ends with exit code 1
 * when a mail crashed, took over two seconds or lost words that its author wrote.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { settleKind } from '../src/engine/kind.ts'
import { htmlToText } from '../src/html.ts'
import type { IncomingMail, MailKind } from '../src/incoming.ts'
import { classify } from '../src/mail/classify.ts'
import { parseBuffer } from '../src/mail/parse/read.ts'
import { extractReply, type Reply } from '../src/mail/reply-text.ts'

type Label = {
  file: string
  class?: string
  subject?: string
  from?: string
  notes?: string
  attachments?: { filename?: string; type?: string; sha256?: string }[]
  attachment_count?: number
  body_contains?: string[]
  reply_text?: string
  reply_text_nows?: string
  reply_html?: string
  reply_html_nows?: string
  reply_excludes?: string[]
  nothing_stripped?: boolean
  text_without_signature?: string
  max_parse_seconds?: number
}
type Verdict = 'exact' | 'near' | 'different'
type Finding = { field: string; verdict: Verdict; wanted: string; got: string }
type Row = { source: string; file: string; findings: Finding[]; milliseconds: number; lost: string[]; crash: string }

const NEAR = 0.95
const SLOW = 2000
const KINDS: Record<string, MailKind[]> = {
  auto_reply: ['autoreply', 'autogen'],
  bounce: ['dsn'],
  list: ['list'],
  calendar: ['calendar_reply', 'human'],
  new: ['human', 'list', 'autogen'],
  reply: ['human', 'list'],
  forward: ['human', 'list'],
}
const NO_MEMORY = {
  ownMessageId: false,
  ownLoop: false,
  fromOwnInbox: false,
  ownList: false,
  referencesOurs: false,
  recentlyMailed: false,
}

const options = process.argv.slice(2)
const folder = options.find((option) => !option.startsWith('--'))
const only = options.includes('--source') ? options[options.indexOf('--source') + 1] : null

async function scoreAll(root: string): Promise<Row[]> {
  const rows: Row[] = []
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'postroom-score-'))
  try {
    for (const source of readdirSync(root).sort()) {
      const list = path.join(root, source, 'labels.jsonl')
      if (!existsSync(list) || (only && only !== source)) continue
      for (const line of readFileSync(list, 'utf8').split('\n')) {
        if (line.trim() === '') continue
        rows.push(await scoreOne({ root, source, label: JSON.parse(line) as Label, scratch }))
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return rows
}

async function scoreOne(input: { root: string; source: string; label: Label; scratch: string }): Promise<Row> {
  const { root, source, label, scratch } = input
  const row: Row = { source, file: label.file, findings: [], milliseconds: 0, lost: [], crash: '' }
  const bytes = asMail(readFileSync(path.join(root, source, label.file)), label)
  const started = performance.now()
  try {
    const mail = await parseBuffer(bytes, path.join(scratch, 'parts'))
    if (mail.error !== null) row.crash = `${mail.error.code}: ${mail.error.words}`
    else {
      const reply = extractReply({ ...mail, hasFiles: mail.parts.length > 0 ? 'yes' : 'no' })
      row.milliseconds = performance.now() - started
      row.findings = compare(label, mail, reply)
      if (label.max_parse_seconds !== undefined) {
        const isFast = row.milliseconds <= 1000 * label.max_parse_seconds
        const got = `${Math.round(row.milliseconds)} ms`
        row.findings.push({
          field: 'time',
          verdict: isFast ? 'exact' : 'different',
          wanted: `${label.max_parse_seconds} s`,
          got,
        })
      }
      row.lost = lostWords(label, mail, reply)
    }
  } catch (error) {
    row.crash = String(error)
  }
  rmSync(path.join(scratch, 'parts'), { recursive: true, force: true })
  return row
}

/** A body without headers becomes a text mail. */
function asMail(bytes: Buffer, { file }: Label): Buffer {
  const type = { '.txt': 'text/plain', '.html': 'text/html' }[path.extname(file)]
  if (type === undefined) return bytes
  const head = `From: Ada <ada@example.com>\nMIME-Version: 1.0\nContent-Type: ${type}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n`
  return Buffer.concat([Buffer.from(head), bytes])
}

function compare(label: Label, mail: IncomingMail, reply: Reply): Finding[] {
  const found: Finding[] = []
  const add = (field: string, verdict: Verdict, wanted: string, got: string) =>
    found.push({ field, verdict, wanted, got })
  const kind = settleKind(classify(mail, { from: null, nullSender: false }), NO_MEMORY).kind
  if (label.class && KINDS[label.class])
    add('class', KINDS[label.class]!.includes(kind) ? 'exact' : 'different', label.class, kind)
  if (label.from) {
    const address = mail.from?.address.toLowerCase() ?? ''
    const wanted = label.from.replace(/\([^()]*\)/g, '').toLowerCase()
    const isSame = address !== '' && (wanted.includes(address) || label.from.toLowerCase().includes(address))
    add('from', isSame ? 'exact' : 'different', label.from, address)
  }
  if (label.subject !== undefined && label.subject !== null) add('subject', ...texts(label.subject, mail.subject))
  addReply(add, label, mail, reply)
  addAttachments(add, label, mail)
  return found
}

type Add = (field: string, verdict: Verdict, wanted: string, got: string) => void

function addReply(add: Add, label: Label, mail: IncomingMail, reply: Reply): void {
  const staying = (label.notes ?? '').includes('signature stays')
  const candidates = staying ? [reply.visible, inOrder(mail.text, reply)] : [reply.visible]
  const field = isHtml(label) ? 'reply (html)' : 'reply (text)'
  const best = (wanted: string, blank: 'blank' | 'as is') =>
    candidates.map((got) => texts(wanted, got, blank)).sort((a, b) => RANK[a[0]] - RANK[b[0]])[0]!
  if (label.reply_text_nows !== undefined) add(field, ...best(label.reply_text_nows, 'blank'))
  else if (label.reply_text !== undefined) {
    const isEmpty = label.reply_text.trim() === ''
    add(field, ...(isEmpty ? shownWhole(mail, reply) : best(label.reply_text, 'as is')))
  }
  const html = label.reply_html_nows ?? label.reply_html
  if (html !== undefined) add(field, ...best(tagless(html), 'blank'))
  if (label.nothing_stripped) add(field, ...texts(mail.text, reply.visible))
  if (label.text_without_signature !== undefined)
    add('signature', ...texts(label.text_without_signature, reply.visible))
  for (const words of label.reply_excludes ?? []) {
    add('excludes', reply.visible.includes(words) ? 'different' : 'exact', `without ${words}`, reply.visible)
  }
  for (const words of label.body_contains ?? []) {
    const where = label.class === 'reply' ? reply.visible : mail.text
    add('contains', flat(where).includes(flat(words)) ? 'exact' : 'different', words, where)
  }
}

const RANK: Record<Verdict, number> = { exact: 0, near: 1, different: 2 }

/** An empty expectation is met by what 7.2 shows: the whole. */
const shownWhole = (mail: IncomingMail, reply: Reply): [Verdict, string, string] => [
  reply.visible === mail.text ? 'exact' : 'different',
  '(the whole)',
  reply.visible,
]

const inOrder = (text: string, reply: Reply) =>
  reply.ranges
    .filter(({ kind }) => kind !== 'quoted')
    .map(({ from, to }) => text.slice(from, to))
    .join('')

const isHtml = ({ file }: Label) => file.endsWith('.html')

/** Tags out of a label whose white space may be gone; `>` of quoted lines is our way to show a blockquote. */
const tagless = (html: string) => htmlToText(html.replace(/<[^>]*>/g, ' '))

function addAttachments(add: Add, label: Label, mail: IncomingMail): void {
  const wanted = label.attachments
  if (wanted === undefined && label.attachment_count === undefined) return
  const got = mail.parts.map(({ filename, type }) => `${filename} (${type})`).join(', ')
  if (wanted === undefined) {
    add(
      'attachments',
      mail.parts.length === label.attachment_count ? 'exact' : 'different',
      `${label.attachment_count}`,
      got,
    )
    return
  }
  const names = new Set(mail.parts.map(({ filename }) => filename))
  const hashes = new Set(mail.parts.map(({ sha256 }) => sha256))
  const missing = wanted.filter(
    ({ filename, sha256 }) => (filename && !names.has(filename)) || (sha256 && !hashes.has(sha256)),
  )
  const verdict = mail.parts.length !== wanted.length || missing.length > 0 ? 'different' : 'exact'
  add('attachments', verdict, wanted.map(({ filename, type }) => `${filename} (${type})`).join(', '), got)
}

/** Words a label says the person wrote that are in none of the three texts. */
function lostWords(label: Label, mail: IncomingMail, reply: Reply): string[] {
  const all = new Set(wordsOf(`${reply.visible}\n${reply.quoted}\n${reply.signature}`))
  const whole = reply.ranges.map(({ from, to }) => mail.text.slice(from, to)).join('')
  const lost = whole === mail.text ? [] : ['(the ranges are not the whole)']
  const html = label.reply_html ? tagless(label.reply_html) : ''
  // the targets of links are no words that a person wrote, and our text does not print them
  const text = (label.reply_text ?? '').replace(/\]\([^()\s]*\)/g, ']')
  return [...lost, ...wordsOf(`${text}\n${html}`).filter((word) => !all.has(word))]
}

const wordsOf = (text: string) => text.match(/[\p{L}\p{N}]+/gu) ?? []

function texts(wanted: string, got: string, blank: 'blank' | 'as is' = 'as is'): [Verdict, string, string] {
  const strip = (text: string) => text.replace(/\r\n?/g, '\n').trim()
  const without = (text: string) => text.replace(/[\s>]+/g, '')
  if (blank === 'as is' ? strip(wanted) === strip(got) : without(wanted) === without(got)) return ['exact', wanted, got]
  return [similarity(without(wanted), without(got)) >= NEAR ? 'near' : 'different', wanted, got]
}

/** Twice the longest common subsequence over both lengths; long texts by their heads. */
function similarity(a: string, b: string): number {
  if (a === b) return 1
  if (Math.min(a.length, b.length) / Math.max(a.length, b.length, 1) < 0.8) return 0
  const x = a.slice(0, 4000)
  const y = b.slice(0, 4000)
  let before = new Uint16Array(y.length + 1)
  for (const char of x) {
    const row = new Uint16Array(y.length + 1)
    for (let j = 1; j <= y.length; j++)
      row[j] = y[j - 1] === char ? before[j - 1]! + 1 : Math.max(row[j - 1]!, before[j]!)
    before = row
  }
  return (2 * before[y.length]!) / (x.length + y.length)
}

const flat = (text: string) => text.replace(/\s+/g, ' ').trim()

function report(rows: Row[]): number {
  console.log('source                    field          exact  near  different')
  for (const [source, own] of Map.groupBy(rows, (row) => row.source)) {
    const findings = own.flatMap((row) => row.findings)
    for (const [field, list] of Map.groupBy(findings, (finding) => finding.field)) {
      const count = (verdict: Verdict) => String(list.filter((finding) => finding.verdict === verdict).length)
      const share = Math.round((100 * Number(count('exact'))) / list.length)
      console.log(
        `${source.padEnd(26)}${field.padEnd(14)}${count('exact').padStart(6)}${count('near').padStart(6)}` +
          `${count('different').padStart(11)}  ${share} %`,
      )
    }
    const slowest = own.reduce((worst, row) => (row.milliseconds > worst.milliseconds ? row : worst))
    console.log(`${source.padEnd(26)}slowest: ${slowest.file}, ${Math.round(slowest.milliseconds)} ms`)
  }
  for (const row of rows) {
    for (const { field, verdict, wanted, got } of row.findings) {
      if (verdict === 'exact') continue
      console.log(`\n${verdict}: ${row.source}/${row.file}, ${field}`)
      console.log(`  wanted ${shortened(wanted)}\n  got    ${shortened(got)}`)
    }
  }
  const crashed = rows.filter((row) => row.crash !== '')
  const slow = rows.filter((row) => row.milliseconds > SLOW)
  const lost = rows.filter((row) => row.lost.length > 0)
  for (const row of crashed) console.log(`crash: ${row.source}/${row.file}: ${row.crash}`)
  for (const row of slow) console.log(`slow: ${row.source}/${row.file}: ${Math.round(row.milliseconds)} ms`)
  for (const row of lost) console.log(`lost words: ${row.source}/${row.file}: ${row.lost.slice(0, 10).join(' ')}`)
  console.log(`\n${rows.length} mails, ${crashed.length} crashes, ${slow.length} slow, ${lost.length} with lost words`)
  return rows.length > 0 && crashed.length + slow.length + lost.length === 0 ? 0 : 1
}

function shortened(text: string): string {
  const shown = options.includes('--show') ? text : text.length > 300 ? `${text.slice(0, 300)}…` : text
  return JSON.stringify(shown)
}

if (folder === undefined) {
  console.log('node test/score.ts FOLDER [--source NAME] [--show]')
  process.exit(2)
}
process.exitCode = report(await scoreAll(folder))

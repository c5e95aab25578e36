/** What we make of one labelled mail against what its label says, field by field (exact, near, different). */
import { settleKind } from '../../src/engine/kind.ts'
import { htmlToText } from '../../src/html.ts'
import type { IncomingMail, MailKind } from '../../src/incoming.ts'
import { classify } from '../../src/mail/classify.ts'
import type { Reply } from '../../src/mail/reply-text.ts'
import type { Label } from './labels.ts'

export type Verdict = 'exact' | 'near' | 'different'
export type Finding = { field: string; verdict: Verdict; wanted: string; got: string }

const NEAR = 0.95
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

/** Every field that the label names. */
export function compare(label: Label, mail: IncomingMail, reply: Reply): Finding[] {
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
export function lostWords(label: Label, mail: IncomingMail, reply: Reply): string[] {
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

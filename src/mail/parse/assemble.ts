/** From fields and MIME tree to the IncomingMail: body, parts, people, keys, in that order. Runs once a mail. */

import { escapeHtml, hiddenText, htmlToText, SANITISER_VERSION, sanitise } from '../../html.ts'
import type { CalendarCard, IncomingMail, StructureNode } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import { extractReply } from '../reply-text.ts'
import { hasWords, joinTexts, readBody, type Segment } from './body.ts'
import { readCalendar } from './calendar.ts'
import { decodeBytes } from './charset.ts'
import { displayed, type Field, rawValues, withoutTricks } from './headers.ts'
import { parseIds } from './ids.ts'
import { bareHash, contentKey } from './keys.ts'
import { guessLanguage } from './language.ts'
import { type Images, leavesOf, startMatching, writeParts } from './parts.ts'
import { readPeople } from './people.ts'
import { reportOf } from './report.ts'
import { scanFields } from './scan.ts'
import type { Node, Split } from './split.ts'
import { baseSubject } from './subject.ts'
import { decodeWords, parseParameters } from './words.ts'

/** What the stream gave, repaired and unwrapped, before anything is judged. */
export type Raw = {
  fields: Field[]
  split: Split
  bytes: number
  sha256: string
  bodySha256: string
  blank: boolean
  truncated: Set<string>
  flags: Set<string>
}

/** Fields that may stand once; the first counts (4.10). */
const SINGLETONS = ['subject', 'date', 'message-id', 'to', 'cc', 'reply-to', 'sender', 'content-type', 'in-reply-to']

/** The mail; writes its parts under `folder`. */
export function assemble(raw: Raw, folder: string): IncomingMail {
  const { fields, truncated, flags } = raw
  for (const word of raw.split.truncated) truncated.add(word)
  for (const word of raw.split.flags) flags.add(word)
  for (const key of SINGLETONS) {
    if (fields.filter((field) => field.key === key).length > 1) flags.add(`duplicate_${key.replaceAll('-', '_')}`)
  }
  const root = raw.split.root
  const mailer = rawValues(fields, 'x-mailer')[0] ?? ''
  const { segments, used } = root ? readBody(root, mailer) : { segments: [], used: new Set<Node>() }
  const leaves = leavesOf(root)
  const named = writeParts(leaves, used, folder)
  const body = bodyOf(segments, startMatching(named), truncated)
  markArmour(body, flags)
  const parts = named.map(({ part }) => part)
  const scan = scanFields(fields)
  const people = readPeople(fields, truncated, flags)
  const referred = references(fields, truncated)
  const structure = structureOf(root, truncated)
  const calendar = calendarOf(leaves)
  const dateRaw = (rawValues(fields, 'date')[0] ?? '').slice(0, 200)
  const subject = scan.subject
  const { from, to, cc } = people
  const headers = fields
    .filter((field) => field.key !== '')
    .map(({ name, raw: value }): [string, string] => [name, shown(value)])
  return {
    error: null,
    bytes: raw.bytes,
    sha256: raw.sha256,
    headers,
    ...people,
    deliveredTo: scan.deliveredTo,
    receivedCount: scan.receivedCount,
    subject,
    baseSubject: baseSubject(subject),
    date: scan.date,
    dateRaw,
    messageId: scan.messageId,
    ...referred,
    ...body,
    ranges: extractReply({ ...body, subject, hasFiles: parts.length > 0 ? 'yes' : 'no' }).ranges,
    sanitiserVersion: SANITISER_VERSION,
    parts,
    structure,
    reportType: reportTypeOf(fields, structure),
    report: reportOf({ parts: named, headers, text: body.text }),
    calendarMethod: nested(structure, 'text/calendar', 'method')?.toLowerCase() ?? calendar?.method ?? null,
    calendar,
    language: guessLanguage(body.text),
    truncated: [...truncated],
    flags: [...flags],
    contentKey: contentKey({ from, dateRaw, subject, to, cc, bodySha256: raw.bodySha256 }),
    bodySha256: raw.bodySha256,
    bareSha256: bareHash(
      body.text,
      parts.filter((part) => !part.type.startsWith('text/')).map((part) => part.sha256),
    ),
    blank: raw.blank,
  }
}

/** A header value for rules and people, without NUL, which PostgreSQL refuses. */
const shown = (value: string) => withoutTricks(decodeWords(value))

type Body = Pick<IncomingMail, 'text' | 'textFrom' | 'hidden' | 'html'>

function bodyOf(segments: Segment[], images: Images, truncated: Set<string>): Body {
  const htmls: (() => string)[] = [] // most mails have none: text is turned into HTML only beside HTML
  const texts: string[] = []
  let room: number = limits.parse.html
  let hasHtml = false
  for (const [i, segment] of segments.entries()) {
    if (segment.image) {
      // Apple Mail: text, image, text. Behind the last text it is an attachment like any other
      const src =
        segments.slice(i + 1).some(hasWords) && segments.slice(0, i).some(hasWords) && images.place(segment.image)
      if (src) htmls.push(() => `<div><img src="${escapeHtml(src)}" alt="" /></div>`)
      if (src) hasHtml = true
      continue
    }
    if (segment.html === null) {
      texts.push(segment.plain ?? '')
      htmls.push(() => plainToHtml(segment.plain ?? ''))
      continue
    }
    const clean = segment.html.length <= room ? sanitise(segment.html, images.find) : null
    room -= segment.html.length
    const text = clean ? clean.text : () => htmlToText(segment.html ?? '')
    if (!clean || clean.html === null) truncated.add('html')
    for (const word of clean?.truncated ?? []) truncated.add(word)
    const plain = segment.plain !== null && /\S/.test(segment.plain) ? segment.plain : null
    texts.push(plain ?? (segment.plain === '' ? '' : text()))
    if (clean && clean.html !== null && !clean.empty) hasHtml = true
    htmls.push(() => clean?.html ?? plainToHtml(plain ?? text()))
  }
  const whole = joinTexts(texts)
  const text = whole.length > limits.parse.text ? whole.slice(0, limits.parse.text).toWellFormed() : whole
  if (text !== whole) truncated.add('text')
  const textFrom = text === '' ? 'none' : segments.some((segment) => /\S/.test(segment.plain ?? '')) ? 'plain' : 'html'
  const hidden =
    textFrom === 'html'
      ? segments
          .map(({ html }) => hiddenText(html ?? ''))
          .join('\n')
          .trim()
      : ''
  return {
    text,
    textFrom,
    hidden: hidden.slice(0, limits.parse.text),
    html: hasHtml ? htmls.map((made) => made()).join('<br>\n') : null,
  }
}

const plainToHtml = (text: string) => (text === '' ? '' : `<div style="white-space:pre-wrap">${escapeHtml(text)}</div>`)

/** PGP within the text (4.22), and the words for a mail of which nothing can be read (4.21). */
function markArmour(body: Body, flags: Set<string>): void {
  if (body.text.includes('-----BEGIN PGP ')) {
    if (/^-----BEGIN PGP MESSAGE-----/m.test(body.text)) flags.add('encrypted')
    if (/^-----BEGIN PGP SIGNED MESSAGE-----/m.test(body.text)) flags.add('signature_not_verified')
  }
  if (flags.has('encrypted') && !/\S/.test(body.text)) body.text = '(encrypted, cannot be read here)'
}

function calendarOf(leaves: Node[]): CalendarCard | null {
  for (const node of leaves) {
    const isCalendar = node.type === 'text/calendar' || node.type === 'application/ics'
    const leaf = isCalendar ? node.leaf! : null
    if (!leaf || leaf.size > limits.parse.small) continue // no invitation is that long
    const card = readCalendar(decodeBytes(leaf.bytes, node.params.charset ?? 'utf-8'), node.params.method ?? null)
    if (card) return card
  }
  return null
}

function references(fields: Field[], truncated: Set<string>) {
  const inReplyTo = parseIds(rawValues(fields, 'in-reply-to'))
  const older = parseIds(rawValues(fields, 'references'))
  if (inReplyTo.truncated || older.truncated) truncated.add('ids')
  return { inReplyTo: inReplyTo.ids, references: older.ids }
}

function structureOf(root: Node | null, truncated: Set<string>): StructureNode[] {
  const found: StructureNode[] = []
  const waiting = root ? [root] : []
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (found.length >= limits.parse.parts) {
      truncated.add('structure')
      break
    }
    const params = Object.fromEntries(
      Object.entries(node.params)
        .slice(0, 20)
        .map(([key, value]) => [key, displayed(value).slice(0, 200)]),
    )
    found.push({ type: node.type, depth: node.depth, params })
    waiting.push(...node.children.toReversed())
  }
  return found
}

/** From the header as written: a report whose boundary is wrong is a report still. */
function reportTypeOf(fields: Field[], structure: StructureNode[]): string | null {
  const declared = parseParameters(rawValues(fields, 'content-type')[0] ?? '')
  const own = declared.value === 'multipart/report' ? declared.params['report-type'] : undefined
  return (own ?? nested(structure, 'multipart/report', 'report-type'))?.trim().toLowerCase() ?? null
}

function nested(structure: StructureNode[], type: string, param: string): string | undefined {
  return structure.find((node) => node.type === type && node.params[param] !== undefined)?.params[param]
}

/**
 * Which leaves are the mail's body, and in what order (4.14, 4.15). Gives plain and HTML segments; sanitising is
 * html.ts, files are parts.ts.
 */

import { htmlToText } from '../../html.ts'
import * as limits from '../../limits.ts'
import { canonical, decodeBytes } from './charset.ts'
import { isBodyText, type Node } from './split.ts'

/**
 * A stretch of body in document order; both texts are set where the mail offers both. An image that stands between
 * texts is a stretch of its own. `wrapped`: out of a winmail.dat.
 */
export type Segment = { plain: string | null; html: string | null; image?: Node; wrapped?: boolean }

/** The segments of the tree and the leaves that went into them. `mailer` is X-Mailer. */
export function readBody(root: Node, mailer: string): { segments: Segment[]; used: Set<Node> } {
  const used = new Set<Node>()
  const found = segmentsOf(root, used)
  const segments = found.some((segment) => segment.wrapped) ? withoutTwins(found) : found
  if (OUTLOOK.test(mailer)) for (const segment of segments) segment.plain &&= withoutDoubledBlanks(segment.plain)
  if (segments.some((segment) => !segment.image)) return { segments, used }
  const other = firstOtherText(root)
  return { segments: other ? [{ plain: leafText(other), html: null }, ...segments] : segments, used }
}

/** The decoded text of a leaf: LF line ends, no NUL, format=flowed undone. */
export function leafText(node: Node): string {
  const leaf = node.leaf!
  const declared = node.params.charset ?? null
  const isOpen = node.type === 'text/html' && canonical(declared) === null
  const charset = isOpen ? metaCharset(leaf.bytes) : declared
  const bytes =
    leaf.bytes.length > LARGE && !/^utf-?(?:16|32)/i.test(charset ?? '') ? withoutReturns(leaf.bytes) : leaf.bytes
  const decoded = decodeBytes(bytes, charset)
  const text = (decoded.includes('\r') ? decoded.replace(/\r\n?/g, '\n') : decoded).replaceAll('\0', '').toWellFormed()
  const flowed = node.type === 'text/plain' && node.params.format?.trim().toLowerCase() === 'flowed'
  return flowed ? unflow(text, node.params.delsp?.trim().toLowerCase() === 'yes' ? 'delete' : 'keep') : text
}

const LARGE = 256 * 1024

/** Line ends of a large text as LF: replacing a million of them in a string costs several hundred MB. */
function withoutReturns(bytes: Buffer): Buffer {
  if (!bytes.includes(13)) return bytes
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte !== 13) out[length++] = byte
    else if (bytes[i + 1] !== 10) out[length++] = 10
  }
  return out.subarray(0, length)
}

/** Recursion ends at limits.parse.depth: what lies deeper is a part, never body. */
function segmentsOf(node: Node, used: Set<Node>): Segment[] {
  if (node.depth > limits.parse.depth) return []
  if (node.leaf && node.children.length === 0) {
    if (isPlacedImage(node)) return [{ plain: null, html: null, image: node }]
    if (!isBodyText(node) || isNamedAfterBody(node, used) || !hasRoom(node, used)) return []
    used.add(node)
    const text = leafText(node)
    return [node.type === 'text/html' ? { plain: null, html: text } : { plain: text, html: null }]
  }
  if (node.type === 'multipart/alternative') return alternativeOf(node, used)
  const segments = node.children.flatMap((child) => segmentsOf(child, used))
  if (node.type.endsWith('ms-tnef')) for (const segment of segments) segment.wrapped = true
  return segments
}

/** All text together is what one may be (4.24); what comes beyond it is a part. */
function hasRoom(node: Node, used: Set<Node>): boolean {
  let size = node.leaf!.bytes.length
  for (const other of used) size += other.leaf!.bytes.length
  return used.size === 0 || size <= limits.parse.text
}

/** Apple Mail puts images among its texts (4.14); a viewer shows them there whatever the HTML says. */
function isPlacedImage(node: Node): boolean {
  const isImage = /^image\/(?:png|jpe?g|gif|webp)$/.test(node.type)
  return isImage && node.disposition.value === 'inline' && node.parent?.type === 'multipart/mixed'
}

/** A text file with a name that follows body text is a file, whatever its disposition says. */
function isNamedAfterBody(node: Node, used: Set<Node>): boolean {
  const named = node.disposition.params.filename ?? node.params.name
  return named !== undefined && used.size > 0
}

/** RFC 2046 5.1.4: the last one we can show; both kinds are kept, an empty one yields, any other is a part. */
function alternativeOf(node: Node, used: Set<Node>): Segment[] {
  const children = node.children.map((child) => {
    const leaves = new Set(used)
    return { leaves, segments: segmentsOf(child, leaves) }
  })
  const plain = children.findLast(({ segments }) => segments.some((segment) => /\S/.test(segment.plain ?? '')))
  const html = children.findLast(({ segments }) => segments.some((segment) => /\S/.test(segment.html ?? '')))
  for (const child of children) {
    const isShown = child === plain || child === html || !child.segments.some(hasWords)
    if (isShown) for (const leaf of child.leaves) used.add(leaf)
  }
  return merged(plain?.segments, html?.segments)
}

function merged(plain: Segment[] | undefined, html: Segment[] | undefined): Segment[] {
  if (!plain || !html || plain === html) return html ?? plain ?? []
  // alternatives within an alternative: rare, and better shown twice than lost
  if ([...plain, ...html].some((segment) => /\S/.test(segment.plain ?? '') && segment.html !== null)) {
    return [...plain, ...html]
  }
  const texts = plain.map((segment) => segment.plain ?? htmlToText(segment.html ?? ''))
  if (html.length === 1) return [{ plain: joinTexts(texts), html: html[0]!.html }]
  // HTML with files or more text inside its branch: the plain text stands for the first stretch of it
  const first = html.findIndex((segment) => segment.html !== null)
  return html.map((segment, i) =>
    i === first ? { plain: joinTexts(texts), html: segment.html } : withoutPlain(segment),
  )
}

/** Any text that is not white space. */
export const hasWords = ({ plain, html }: Segment) => /\S/.test(plain ?? '') || /\S/.test(html ?? '')

const withoutPlain = (segment: Segment): Segment =>
  segment.html === null ? segment : { plain: '', html: segment.html }

/** Texts in order with one blank line between them. */
export function joinTexts(texts: string[]): string {
  const full = texts.filter((text) => /\S/.test(text))
  return full.length < 2 ? (full[0] ?? '') : full.map(withoutEnd).join('\n\n')
}

/** Without the line ends at the end; a regular expression would look from each of a million line ends anew. */
function withoutEnd(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n') end--
  return text.slice(0, end)
}

/** text/enriched, text/rtf and the like are better than nothing where there is no other text. */
function firstOtherText(root: Node): Node | null {
  const waiting = [root]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    waiting.push(...node.children.toReversed())
    const shown = node.leaf && node.leaf.size <= limits.parse.small && node.disposition.value !== 'attachment'
    if (shown && /^text\/(?:enriched|richtext|markdown|x-markdown)$/.test(node.type)) return node
  }
  return null
}

function metaCharset(bytes: Buffer): string | null {
  const head = bytes.subarray(0, 2048).toString('latin1')
  return /<meta[^>]{0,200}?charset\s{0,10}=\s{0,10}["']?([A-Za-z0-9_.:-]{1,40})/i.exec(head)?.[1] ?? null
}

/**
 * Outlook writes the text that goes with its winmail.dat twice, once beside it: equal texts become one stretch, so that
 * nothing is shown twice and nothing that differs is lost (4.19).
 */
function withoutTwins(segments: Segment[]): Segment[] {
  const bare = (text: string) => text.replace(/\s+/g, '')
  const kept: Segment[] = []
  for (const segment of segments) {
    const text = segment.wrapped ? bare(segment.plain ?? htmlToText(segment.html ?? '')) : ''
    const twin = segment.wrapped
      ? kept.find((other) => other.plain !== null && text !== '' && bare(other.plain).includes(text))
      : undefined
    if (!twin) kept.push(segment)
    else if (twin.html === null && bare(twin.plain!) === text) twin.html = segment.html
  }
  return kept
}

const OUTLOOK = /^Microsoft (?:Office )?Outlook,? 1[2-6]\b/i

/** 4.15: Outlook 12 to 16 end a paragraph with two line ends in text; where every line is one, one of them goes. */
function withoutDoubledBlanks(text: string): string {
  const lines = text.trim().split('\n')
  const full = lines.filter((line) => /\S/.test(line)).length
  const isDoubled = full > 2 && lines.every((line, i) => i % 2 === 0 || !/\S/.test(line)) && lines.length > full + 1
  return isDoubled
    ? lines
        .filter((_line, i) => i % 2 === 0)
        .map((line) => line.trimEnd())
        .join('\n')
    : text
}

/** RFC 3676: soft line breaks joined, stuffing removed, `-- ` left alone. */
function unflow(text: string, space: 'delete' | 'keep'): string {
  let out = ''
  let depth = -1 // of the paragraph that still flows, -1: none does
  let end = 0
  for (let at = 0; at <= text.length; at = end + 1) {
    end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    let quotes = 0
    while (quotes < 200 && text[at + quotes] === '>') quotes++
    const stuffed = text[at + quotes] === ' ' ? 1 : 0
    const content = text.slice(at + quotes + stuffed, end)
    const isSeparator = content === '-- '
    if (depth >= 0 && (depth !== quotes || isSeparator)) depth = -1
    if (depth < 0) out += `${at > 0 ? '\n' : ''}${quotes > 0 ? `${'>'.repeat(quotes)} ` : ''}`
    const isSoft = content.endsWith(' ') && !isSeparator
    out += isSoft && space === 'delete' ? content.slice(0, -1) : content
    depth = isSoft ? quotes : -1
  }
  return out
}

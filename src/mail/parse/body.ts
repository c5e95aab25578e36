/**
 * Which leaves are the mail's body, and in what order (4.14, 4.15). Gives plain and HTML segments; sanitising is
 * html.ts, files are parts.ts.
 */

import * as limits from '../../limits.ts'
import { decodeBytes } from './charset.ts'
import { isBodyText, type Node } from './split.ts'

/** A stretch of body in document order; both are set where the mail offers both. */
export type Segment = { plain: string | null; html: string | null }

/** The segments of the tree and the leaves that went into them. */
export function readBody(root: Node): { segments: Segment[]; used: Set<Node> } {
  const used = new Set<Node>()
  const segments = segmentsOf(root, used)
  if (segments.length > 0) return { segments, used }
  const other = firstOtherText(root)
  return { segments: other ? [{ plain: leafText(other), html: null }] : [], used }
}

/** The decoded text of a leaf: LF line ends, no NUL, format=flowed undone. */
export function leafText(node: Node): string {
  const leaf = node.leaf!
  const charset = node.params.charset ?? (node.type === 'text/html' ? metaCharset(leaf.bytes) : null)
  const text = decodeBytes(leaf.bytes, charset).replace(/\r\n?/g, '\n').replaceAll('\0', '').toWellFormed()
  const flowed = node.type === 'text/plain' && node.params.format?.toLowerCase() === 'flowed'
  return flowed ? unflow(text, node.params.delsp?.toLowerCase() === 'yes' ? 'delete' : 'keep') : text
}

/** Recursion ends at limits.parse.depth: what lies deeper is a part, never body. */
function segmentsOf(node: Node, used: Set<Node>): Segment[] {
  if (node.depth > limits.parse.depth) return []
  if (node.leaf) {
    if (!isBodyText(node) || isNamedAfterBody(node, used)) return []
    used.add(node)
    const text = leafText(node)
    return [node.type === 'text/html' ? { plain: null, html: text } : { plain: text, html: null }]
  }
  const children = node.children.map((child) => segmentsOf(child, used))
  return node.type === 'multipart/alternative' ? alternative(children) : children.flat()
}

/** A text file with a name that follows body text is a file, whatever its disposition says. */
function isNamedAfterBody(node: Node, used: Set<Node>): boolean {
  const named = node.disposition.params.filename ?? node.params.name
  return named !== undefined && used.size > 0
}

/** RFC 2046 5.1.4: the last one we can show; both kinds are kept, an empty one yields. */
function alternative(children: Segment[][]): Segment[] {
  const plain = children.findLast((segments) => segments.some((segment) => /\S/.test(segment.plain ?? '')))
  const html = children.findLast((segments) => segments.some((segment) => /\S/.test(segment.html ?? '')))
  if (!plain || !html || plain === html) return html ?? plain ?? []
  const texts = plain.map((segment) => segment.plain ?? '')
  if (html.length === 1) return [{ plain: joinTexts(texts), html: html[0]!.html }]
  // HTML with files or more text inside its branch: the plain text stands for the first stretch of it
  const first = html.findIndex((segment) => segment.html !== null)
  return html.map((segment, i) =>
    i === first ? { plain: joinTexts(texts), html: segment.html } : withoutPlain(segment),
  )
}

const withoutPlain = (segment: Segment): Segment =>
  segment.html === null ? segment : { plain: '', html: segment.html }

/** Texts in order with one blank line between them. */
export function joinTexts(texts: string[]): string {
  const full = texts.filter((text) => /\S/.test(text))
  return full.length < 2 ? (full[0] ?? '') : full.map((text) => text.replace(/\n{1,1000}$/, '')).join('\n\n')
}

/** text/enriched, text/rtf and the like are better than nothing where there is no other text. */
function firstOtherText(root: Node): Node | null {
  const waiting = [root]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    waiting.push(...node.children.toReversed())
    const shown = node.leaf && node.leaf.file === null && node.disposition.value !== 'attachment'
    if (shown && /^text\/(?:enriched|richtext|markdown|x-markdown)$/.test(node.type)) return node
  }
  return null
}

function metaCharset(bytes: Buffer): string | null {
  const head = bytes.subarray(0, 2048).toString('latin1')
  return /<meta[^>]{0,200}?charset\s{0,10}=\s{0,10}["']?([A-Za-z0-9_.:-]{1,40})/i.exec(head)?.[1] ?? null
}

/** RFC 3676: soft line breaks joined, stuffing removed, `-- ` left alone. */
function unflow(text: string, space: 'delete' | 'keep'): string {
  const out: string[] = []
  let paragraph: string[] = []
  let depth = -1 // of the paragraph that still flows, -1: none does
  for (const line of text.split('\n')) {
    const quotes = /^>{0,200}/.exec(line)![0].length
    const content = line.slice(quotes).replace(/^ /, '')
    if (depth >= 0 && (depth !== quotes || content === '-- ')) {
      out.push(paragraph.join(''))
      paragraph = []
      depth = -1
    }
    if (depth < 0 && quotes > 0) paragraph.push(`${'>'.repeat(quotes)} `)
    if (content.endsWith(' ') && content !== '-- ') {
      paragraph.push(space === 'delete' ? content.slice(0, -1) : content)
      depth = quotes
    } else {
      paragraph.push(content)
      out.push(paragraph.join(''))
      paragraph = []
      depth = -1
    }
  }
  if (paragraph.length > 0) out.push(paragraph.join(''))
  return out.join('\n')
}

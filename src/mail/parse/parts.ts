/** The leaves that are not body: named, numbered, written to files; and which of them the HTML shows (4.18, 4.23). */

import { hash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IncomingPart } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import { cleanFilename } from './filename.ts'
import { rawValues } from './headers.ts'
import { scanHeaders } from './scan.ts'
import type { Leaf, Node } from './split.ts'

/** A part and the names under which HTML may refer to it. */
export type NamedPart = { node: Node; part: IncomingPart; names: string[] }

/**
 * Describes every leaf but those in `used`; originals come last. What is in memory stays there as far as limits.parse
 * allows, the rest is written to `folder`.
 */
export function writeParts(leaves: Node[], used: Set<Node>, folder: string): NamedPart[] {
  const left = leaves.filter((node) => !used.has(node))
  const ordered = left.some((node) => node.original) ? left.toSorted((a, b) => +a.original - +b.original) : left
  let room: number = limits.parse.carried
  return ordered.map((node, i) => {
    const named = describe(node, i + 1)
    const { content } = named.part
    if (Buffer.isBuffer(content) && content.length > room) named.part.content = written(content, folder, i + 1)
    else if (Buffer.isBuffer(content)) room -= content.length
    return named
  })
}

/** How the HTML shows parts. */
export type Images = {
  /**
   * The part that a `src` means, marked inline: by Content-ID, Content-Location or bare file name. The answer is the
   * canonical `cid:` URL, null where no part is meant.
   */
  find(src: string): string | null
  /** The URL for a part that is shown where it stands; null where it is shown already. */
  place(node: Node): string | null
}

export function startMatching(parts: NamedPart[]): Images {
  const byName = new Map<string, IncomingPart>()
  for (const { part, names } of parts) for (const name of names) if (!byName.has(name)) byName.set(name, part)
  const shown = (part: IncomingPart) => {
    part.inline = true
    part.contentId ??= `part-${parts.findIndex((named) => named.part === part) + 1}`
    return `cid:${encodeURIComponent(part.contentId)}`
  }
  return {
    find(src) {
      if (byName.size === 0) return null
      const name = plainName(src.replace(/^cid:/i, ''))
      const isRemote = /^(?:https?:)?\/\//.test(name) // MHTML: only a Content-Location that is the same
      const part = byName.get(name) ?? (isRemote ? undefined : byName.get(name.split(/[/\\]/).at(-1) ?? ''))
      return part ? shown(part) : null
    },
    place(node) {
      const named = parts.find((entry) => entry.node === node)
      return named && !named.part.inline ? shown(named.part) : null
    },
  }
}

/** All leaves in document order; iterative, a tree may be 500 deep. */
export function leavesOf(root: Node | null): Node[] {
  const found: Node[] = []
  const waiting = root ? [root] : []
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.leaf) found.push(node)
    waiting.push(...node.children.toReversed())
  }
  return found
}

function written(bytes: Buffer, folder: string, number: number): { file: string } {
  const file = join(folder, `p${number}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, bytes, { mode: 0o600 })
  return { file }
}

function describe(node: Node, number: number): NamedPart {
  const leaf = node.leaf!
  const declared = node.disposition.params.filename ?? node.params.name ?? embeddedName(node) ?? ''
  const contentId = plainName(rawValues(node.fields, 'content-id')[0] ?? '') || null
  const location = rawValues(node.fields, 'content-location')[0]?.trim() ?? ''
  const { value } = node.disposition
  const part: IncomingPart = {
    filename: cleanFilename(declared, node.type, number),
    type: /^[\w.+-]{1,60}\/[\w.+-]{1,80}$/.test(node.type) ? node.type : 'application/octet-stream',
    size: leaf.size,
    inline: false,
    contentId: contentId?.slice(0, 250) ?? null,
    disposition: value === 'inline' || value === 'attachment' ? value : value === '' ? null : 'attachment',
    sha256: leaf.sha256 || hash('sha256', leaf.bytes),
    content: leaf.file === null ? leaf.bytes : { file: leaf.file },
    charset: node.params.charset?.toLowerCase().slice(0, 60) ?? null,
    original: node.original,
  }
  const isImage = part.type.startsWith('image/')
  return {
    node,
    part,
    names: [contentId ?? '', plainName(location), isImage ? plainName(declared) : ''].filter(Boolean),
  }
}

/** Content-IDs compare without brackets, URL encoding and case (4.18). */
function plainName(text: string): string {
  const bare = text.trim().replace(/^<|>$/g, '')
  if (bare.length > 998) return ''
  try {
    return decodeURIComponent(bare).toLowerCase()
  } catch {
    return bare.toLowerCase() // a lone percent sign: as written
  }
}

/** An attached mail is called after its Subject (4.23); one without, or broken, after its number. */
function embeddedName(node: Node): string | null {
  const leaf = node.leaf!
  if (!/^message\/(?:rfc822|global)$/.test(node.type)) return null
  const { subject } = scanHeaders(headOf(leaf, limits.parse.embeddedHead))
  return subject === '' ? null : `${subject.replace(/[/\\]/g, '-').slice(0, 120)}.eml`
}

/** The first bytes of a leaf, from memory or from its file. */
export function headOf({ bytes, file }: Leaf, count: number): Buffer {
  if (file === null) return bytes.subarray(0, count)
  const head = Buffer.alloc(count)
  const handle = openSync(file, 'r')
  try {
    return head.subarray(0, readSync(handle, head))
  } finally {
    closeSync(handle)
  }
}

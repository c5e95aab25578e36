/**
 * Parts that wrap a mail's content: winmail.dat (4.19), opaque S/MIME signatures (4.21). What is inside hangs below
 * the part as its children, within the same limits, and the part itself stays as the original. Says in flags what was
 * signed or encrypted.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as limits from '../../limits.ts'
import { readCms } from './cms.ts'
import { endOfHeader, parseHeaders, rawValues } from './headers.ts'
import { repair } from './repair.ts'
import { isBodyText, type Node, type Place, type Split, startSplit } from './split.ts'
import { readTnef, type TnefFile } from './tnef.ts'

/** Adds to the tree and to the flags of `split`. */
export async function unwrap(split: Split, place: Place): Promise<void> {
  const flags = new Set(split.flags)
  const waiting = split.root ? [split.root] : []
  let unwrapped = 0
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const kind = kindOf(node)
    if (kind === 'signed') flags.add('signature_not_verified')
    else if (kind === 'encrypted') flags.add('encrypted')
    else if (kind !== null && unwrapped >= limits.parse.wrappings) split.truncated.push('wrappings')
    else if (kind !== null) {
      const inner = { ...place, folder: `${place.folder}/w${++unwrapped}`, depth: node.depth + 1 }
      if (kind === 'smime') await unwrapSigned(node, inner, { split, flags })
      else unwrapTnef(node, inner, { split, flags })
    }
    waiting.push(...node.children.toReversed())
  }
  split.flags = [...flags]
}

type Notes = { split: Split; flags: Set<string> }
type Kind = 'signed' | 'encrypted' | 'smime' | 'tnef'

/** By type, or by the name that programs which know no type give such a file. */
function kindOf(node: Node): Kind | null {
  if (node.leaf === null) {
    if (node.type === 'multipart/signed') return 'signed'
    return node.type === 'multipart/encrypted' ? 'encrypted' : null
  }
  if (isBodyText(node) || node.leaf.size === 0) return null
  if (/^application\/(?:x-)?pkcs7-mime$/.test(node.type)) return 'smime'
  if (/^application\/(?:vnd\.)?ms-tnef$/.test(node.type)) return 'tnef'
  if (node.type === 'application/pgp-encrypted') return 'encrypted' // Exchange makes a multipart/mixed around it
  if (node.type !== 'application/octet-stream') return null
  const name = (node.disposition.params.filename ?? node.params.name ?? '').toLowerCase()
  if (name === 'winmail.dat' || name === 'win.dat') return 'tnef'
  return name === 'smime.p7m' ? 'smime' : null
}

async function unwrapSigned(node: Node, place: Place, { split, flags }: Notes): Promise<void> {
  const bytes = contentOf(node)
  const cms = bytes ? readCms(bytes) : { kind: 'unknown' as const }
  if (cms.kind === 'encrypted') flags.add('encrypted')
  if (cms.kind === 'unknown') {
    // what cannot be read but calls itself enveloped is encrypted to whoever looks at the ticket
    const declared = node.params['smime-type']?.toLowerCase()
    flags.add(declared === 'enveloped-data' || declared === 'authenveloped-data' ? 'encrypted' : 'smime_unreadable')
  }
  if (cms.kind !== 'signed') return
  flags.add('signature_not_verified')
  if (cms.content === null || cms.content.length === 0) return
  const end = endOfHeader(cms.content)
  const { fields } = parseHeaders(cms.content.subarray(0, end < 0 ? undefined : end))
  const hasHeader = rawValues(fields, 'content-type').length > 0 || rawValues(fields, 'mime-version').length > 0
  const inner = startSplit(hasHeader ? fields : [], place)
  const body = hasHeader ? cms.content.subarray(end < 0 ? cms.content.length : end) : cms.content
  for (let at = 0; at < body.length; at += 65_536) await inner.write(body.subarray(at, at + 65_536))
  const result = await inner.end()
  await repair(result, place)
  for (const word of result.flags) flags.add(word)
  for (const word of result.truncated) if (!split.truncated.includes(word)) split.truncated.push(word)
  if (result.root === null) return
  result.root.parent = node
  node.children = [result.root]
  node.original = true
}

function unwrapTnef(node: Node, place: Place, { split, flags }: Notes): void {
  const bytes = contentOf(node)
  const tnef = bytes ? readTnef(bytes) : null
  if (!tnef?.complete) flags.add('tnef_unreadable')
  if (!tnef || (tnef.html === null && tnef.text === null && tnef.files.length === 0)) return
  node.type = 'application/ms-tnef' // also where only its name said so
  const add = (made: Node) => {
    if (--place.room.parts < 0) {
      if (!split.truncated.includes('parts')) split.truncated.push('parts')
    } else node.children.push(made)
  }
  const text = tnef.html ?? tnef.text
  if (text !== null) {
    const type = tnef.html === null ? 'text/plain' : 'text/html'
    add(leafOf(node, { type, params: { charset: 'utf-8' }, bytes: Buffer.from(text.slice(0, limits.parse.text)) }))
  }
  for (const file of tnef.files) add(fileNode(node, file))
  node.original = tnef.complete
}

function fileNode(parent: Node, file: TnefFile): Node {
  const type = file.type ?? 'application/octet-stream'
  const made = leafOf(parent, { type, params: {}, bytes: file.bytes })
  made.disposition = { value: 'attachment', params: file.name === '' ? {} : { filename: file.name } }
  if (file.contentId) made.fields = [{ name: 'Content-ID', key: 'content-id', raw: file.contentId.slice(0, 998) }]
  return made
}

function leafOf(parent: Node, made: { type: string; params: Record<string, string>; bytes: Buffer }): Node {
  const sha256 = createHash('sha256').update(made.bytes).digest('hex')
  return {
    type: made.type,
    params: made.params,
    disposition: { value: '', params: {} },
    fields: [],
    depth: parent.depth + 1,
    parent,
    children: [],
    leaf: { bytes: made.bytes, file: null, size: made.bytes.length, sha256, cut: null },
    stray: [],
    original: false,
  }
}

/** Null where it is beyond limits.parse.wrapped: then it stays a file. */
function contentOf({ leaf }: Node): Buffer | null {
  if (leaf === null || leaf.size > limits.parse.wrapped || leaf.cut !== null) return null
  return leaf.file === null ? leaf.bytes : readFileSync(leaf.file)
}

/**
 * The MIME tree and its decoded leaves: the only file that knows mailparser. Text leaves come out as bytes too, since
 * which charset they are in is our judgement (4.2). Small leaves stay in memory, large ones go to files.
 */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { MailParser } from 'mailparser'
import { wordsOf } from '../../errors.ts'
import * as limits from '../../limits.ts'
import { type Field, parseHeaders, rawValues, withoutTricks } from './headers.ts'
import { startDecoder } from './transfer.ts'
import { type Parameterised, parseParameters } from './words.ts'

export type Node = {
  type: string
  params: Record<string, string>
  disposition: Parameterised
  fields: Field[]
  depth: number
  parent: Node | null
  children: Node[]
  /** Null for a multipart. */
  leaf: Leaf | null
  /** Lines of a multipart that lie in none of its parts: what a wrong boundary leaves (4.17). Dropped with a part. */
  stray: Buffer[]
  /** Its content was taken out of its wrapping and hangs below as children: shown as the original only (4.19, 4.21). */
  original: boolean
}

/**
 * Content lies in `bytes`, or in `file` where it is larger than is kept in memory and no body text. `sha256` is empty
 * until somebody wants it of what is in memory.
 */
export type Leaf = { bytes: Buffer; file: string | null; size: number; sha256: string; cut: 'cap' | 'broken' | null }

export type Split = { root: Node | null; truncated: string[]; flags: string[] }

/** Where a split puts its files, below which depth it hangs, and what all splits of one mail may make together. */
export type Place = { folder: string; depth: number; room: { parts: number; stray: number; carried: number } }

/**
 * What we use of mailparser beyond its types; the exact version is pinned and split is covered by tests. Its splitter is
 * fed by hand: the streams that mailparser puts around it, and around each part, cost more than the splitting.
 */
type Splitter = {
  node: RawNode
  _transform(chunk: Buffer, encoding: string, done: Done): void
  _flush(done: Done): void
  checkBoundary(line: Buffer): 1 | 2 | 3 | 4 | false
  compareBoundary(line: Buffer, start: number, boundary: Buffer): 1 | 2 | false
  push(found: Found): void
  newNode(parent?: RawNode): void
}
type Done = (error?: Error | null) => void
type RawNode = {
  type: 'node'
  headers: false | { lines: { line: string }[] }
  _headerlen: number
  _boundary: Buffer | false
  _parentBoundary: Buffer | false
  _parentBoundaryOwner: RawNode | false
  parseHeaders(): void
  parentNode: RawNode | false
  contentType: string | false
  multipart: string | false
  encoding: string
  getPartNr(): number[]
}
/** A node whose header was read, bytes of the leaf that was named last, or lines of a multipart outside its parts. */
type Found = RawNode | { type: 'body' | 'data'; node: RawNode; value?: Buffer }

/** Levels above a part that are looked at for a boundary line: what is deeper is no mail of people. */
const ANCESTORS = limits.parse.depth * 2

/** Stands for a broken Content-Type until the bytes are there. */
const UNTYPED = 'unknown/unknown'

const NOTHING = Buffer.alloc(0)

/**
 * Starts on a mail whose root fields are `fields` (only the Content-* ones matter); body bytes follow by `write`.
 * The folder is made when the first file is written. Errors of the MIME structure end up in `truncated` and `flags`.
 */
export function startSplit(fields: Field[], place: Place): { write(c: Buffer): Promise<void>; end(): Promise<Split> } {
  const { room } = place
  const truncated = new Set<string>()
  const flags = new Set<string>()
  const known = new Map<RawNode, Node>()
  let root: Node | null = null
  let files = 0
  let content: Content | null = null // of the leaf that was named last, while it lasts
  let gaveUp = false
  let failure: unknown = null

  const finish = (how: 'whole' | 'broken') => {
    content?.finish(how)
    if (content?.node.leaf?.cut === 'cap') truncated.add('text')
    content = null
  }
  const begin = (data: RawNode) => {
    const parent = data.parentNode ? (known.get(data.parentNode) ?? null) : null
    const node = nodeOf(data, parent, place.depth)
    known.set(data, node)
    root ??= node
    if (parent) dropStray(parent, place)
    if (node.depth > limits.parse.depth) truncated.add('depth')
    if (--room.parts < 0) truncated.add('parts')
    else {
      parent?.children.push(node)
      if (node.leaf) content = startContent(node, node.leaf, { place, encoding: data.encoding, number: ++files })
    }
  }
  /** A multipart to the splitter and to nobody else: `multipart/mixed boundary=x`, without a semicolon. */
  const isUnsplit = (data: RawNode) => data.multipart !== false && content?.node === known.get(data)
  const take = (found: Found) => {
    if (found.type === 'body' || (found.type === 'data' && isUnsplit(found.node))) {
      if (found.value) content?.add(found.value)
      return
    }
    finish('whole')
    if (found.type === 'node') begin(found)
    else keepStray(known.get(found.node), found.value, place)
  }
  const splitter = makeSplitter((found) => {
    try {
      if (failure === null) take(found)
    } catch (error) {
      failure = error // a disk that is full, say; the splitter is not to hear of it in its own course
    }
  })
  const run = (step: (done: Done) => void) =>
    new Promise<void>((resolve, reject) => {
      if (gaveUp || room.parts < 0) return resolve()
      step((error) => {
        if (failure !== null) return reject(failure)
        if (error) {
          gaveUp = true
          for (const word of causeOf(wordsOf(error))) (word === 'mime_error' ? flags : truncated).add(word)
          finish('broken')
        }
        resolve()
      })
    })
  const put = (chunk: Buffer) => run((done) => splitter._transform(chunk, 'buffer', done))
  const head = put(rootHead(fields))
  return {
    async write(chunk) {
      await head
      await put(chunk)
    },
    async end() {
      await head
      await run((done) => splitter._flush(done))
      finish('whole')
      return { root, truncated: [...truncated], flags: [...flags] }
    },
  }
}

/** That of a mailparser, without the streams around it. */
const MailSplitter = (new MailParser() as unknown as { splitter: object }).splitter.constructor as new (
  options: object,
) => Splitter

function makeSplitter(onFound: (found: Found) => void): Splitter {
  const splitter = new MailSplitter({
    ignoreEmbedded: true, // 4.23: an attached mail is a file
    maxChildNodes: limits.parse.parts * 40, // ours is counted in the tree, so that what came before it stays
    maxHeadSize: limits.parse.header * 2,
  })
  splitter.push = onFound
  mendBoundaries(splitter)
  withoutNumbers(splitter)
  return splitter
}

/**
 * mailsplit knows the boundaries of a part's multipart and of the one above. Where nested ones were never closed, a
 * line of any multipart above ends them all (RFC 2046 5.1.2). It also drops a part that ends within its header when
 * another part follows, though not when none does.
 */
function mendBoundaries(splitter: Splitter): void {
  const checkBoundary = splitter.checkBoundary.bind(splitter)
  splitter.checkBoundary = (line) => {
    const { node } = splitter
    let found = checkBoundary(line)
    if (!found && line.length > 3 && isDashed(line)) {
      const owner = ancestorOf(splitter, line)
      if (owner) {
        node._parentBoundaryOwner = owner
        node._parentBoundary = owner._boundary
        found = checkBoundary(line)
      }
    }
    if (found === 3 && node._headerlen > 0 && !node.headers) {
      node.parseHeaders()
      splitter.push(node)
    }
    return found
  }
}

/** The line end before a boundary may come with it. */
const isDashed = (line: Buffer) => {
  const start = line[0] === 13 ? (line[1] === 10 ? 2 : 1) : line[0] === 10 ? 1 : 0
  return line[start] === 45 && line[start + 1] === 45
}

function ancestorOf(splitter: Splitter, line: Buffer): RawNode | null {
  const start = line.indexOf(45)
  let owner = splitter.node._parentBoundaryOwner
  for (let levels = 0; owner && levels < ANCESTORS; levels++) {
    owner = owner._parentBoundaryOwner
    if (owner && owner._boundary !== false && splitter.compareBoundary(line, start, owner._boundary)) return owner
  }
  return null
}

/** Nobody asks for IMAP's part numbers, and each is as long as the tree is deep. */
function withoutNumbers(splitter: Splitter): void {
  const newNode = splitter.newNode.bind(splitter)
  splitter.newNode = (parent) => {
    newNode(parent)
    splitter.node.getPartNr = () => []
  }
  splitter.node.getPartNr = () => []
}

/** Only the first children are waited for: a multipart that has one is in order. */
function keepStray(node: Node | undefined, value: Buffer | undefined, { room }: Place): void {
  if (!value || !node || node.leaf || node.children.length > 0) return
  if (room.stray < value.length) return
  room.stray -= value.length
  node.stray.push(value)
}

function dropStray(node: Node, { room }: Place): void {
  if (node.stray.length === 0) return
  for (const held of node.stray.splice(0)) room.stray += held.length
}

function nodeOf(data: RawNode, parent: Node | null, depth: number): Node {
  const lines = data.headers ? data.headers.lines : []
  const block = Buffer.from(lines.map((entry) => entry.line).join('\r\n'), 'latin1')
  const { fields } = parseHeaders(block)
  const written = rawValues(fields, 'content-type')[0]
  const declared = parseParameters(written ?? '')
  const node: Node = {
    type: typeOf(written, data.contentType, parent),
    params: declared.params,
    disposition: parseParameters(rawValues(fields, 'content-disposition')[0] ?? ''),
    fields,
    depth: parent ? parent.depth + 1 : depth,
    parent,
    children: [],
    leaf: null,
    stray: [],
    original: false,
  }
  if (node.type.startsWith('multipart/')) return node
  node.leaf = { bytes: NOTHING, file: null, size: 0, sha256: '', cut: null }
  // no blank line and nothing that could be a field: what stands there is the content
  if (parent && block.length > 0 && fields.every((field) => field.key === '')) node.leaf.bytes = block
  return node
}

/** RFC 2046 5.1.5: in a digest the default is a mail. What is no type at all is judged by its bytes later (4.17). */
function typeOf(written: string | undefined, guessed: string | false, parent: Node | null): string {
  if (written === undefined && parent?.type === 'multipart/digest') return 'message/rfc822'
  const type = withoutTricks(guessed || '')
  // with a control character before it, it is none to mailparser, which then gives the whole as one part
  const isMultipart = type.startsWith('multipart/') && !/^multipart\//i.test(guessed || '')
  return /^[^\s/]+\/[^\s/]+$/.test(type) && !isMultipart ? type : UNTYPED
}

/** Only what the tree needs, so that nothing in the other fields can spoil it; no control characters (4.29). */
function rootHead(fields: Field[]): Buffer {
  const wanted = fields.filter((field) => field.key.startsWith('content-') && !/[\r\n]/.test(field.raw))
  const lines = wanted.map(({ name, raw }) => `${name}: ${raw.replace(/[\0-\x08\x0b-\x1f\x7f]/g, ' ')}\r\n`)
  return Buffer.from(`${lines.join('')}\r\n`)
}

type Content = { node: Node; add(chunk: Buffer): void; finish(how: 'whole' | 'broken'): void }

/** Body text is kept up to limits.parse.text; anything else that is large goes to a file, whole. */
function startContent(node: Node, leaf: Leaf, of: { place: Place; encoding: string; number: number }): Content {
  const { folder, room } = of.place
  const decode = startDecoder(of.encoding)
  const isText = isBodyText(node)
  const held: Buffer[] = []
  let kept = 0
  let file: { handle: number; hash: Hash } | null = null
  const keep = (chunk: Buffer) => {
    if (chunk.length === 0) return
    leaf.size += chunk.length
    if (file) return write(chunk)
    if (isText && kept >= limits.parse.text) {
      leaf.cut = 'cap'
      return
    }
    held.push(chunk)
    kept += chunk.length
    if (isText) return
    room.carried -= chunk.length
    if (kept <= limits.parse.small || (kept <= limits.blob.chunk && room.carried >= 0)) return
    room.carried += kept
    mkdirSync(folder, { recursive: true })
    leaf.file = join(folder, `${of.number}`)
    file = { handle: openSync(leaf.file, 'wx', 0o600), hash: createHash('sha256') }
    for (const piece of held.splice(0)) write(piece)
  }
  const write = (chunk: Buffer) => {
    file!.hash.update(chunk)
    for (let at = 0; at < chunk.length; ) at += writeSync(file!.handle, chunk, at)
  }
  return {
    node,
    add: (chunk) => keep(decode(chunk)),
    finish(how) {
      if (how === 'whole') keep(decode(null))
      else leaf.cut = 'broken' // the splitter gave up within this part; `truncated` says why
      if (file) {
        closeSync(file.handle)
        leaf.sha256 = file.hash.digest('hex')
      } else if (leaf.size > 0) leaf.bytes = held.length === 1 ? held[0]! : Buffer.concat(held)
      else leaf.size = leaf.bytes.length
      const undeclared = node.type === 'text/plain' && rawValues(node.fields, 'content-type').length === 0
      if (node.type === UNTYPED || undeclared)
        node.type = isText || leaf.size <= limits.parse.small ? sniffed(leaf) : 'application/octet-stream'
    },
  }
}

/** 4.17: text where it can be printed, by its first bytes; UTF-16 shows by its mark. */
function sniffed({ bytes }: Leaf): string {
  const head = bytes.subarray(0, 4096)
  if (head[0] === 0xff && head[1] === 0xfe) return 'text/plain'
  const text = head.toString('latin1')
  const odd = text.length - text.replace(/[\0-\x08\x0e-\x1a\x1c-\x1f]/g, '').length
  return odd * 50 > text.length ? 'application/octet-stream' : 'text/plain'
}

/** Text that may be shown as the mail's body: plain or HTML, and not declared an attachment (4.14). */
export function isBodyText(node: Node): boolean {
  return (node.type === 'text/plain' || node.type === 'text/html') && node.disposition.value !== 'attachment'
}

function causeOf(words: string): string[] {
  if (words.includes('child nodes')) return ['parts']
  if (words.includes('header size')) return ['headers']
  return ['mime_error']
}

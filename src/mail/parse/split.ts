/**
 * The MIME tree and its decoded leaves: the only file that knows mailparser. Text leaves come out as bytes too, since
 * which charset they are in is our judgement (4.2). Small leaves stay in memory, large ones go to files.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Transform } from 'node:stream'
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

/** Content lies in `bytes`, or in `file` where it is larger than 64 KB and no body text. */
export type Leaf = { bytes: Buffer; file: string | null; size: number; sha256: string; cut: 'cap' | 'broken' | null }

export type Split = { root: Node | null; truncated: string[]; flags: string[] }

/** Where a split puts its files, below which depth it hangs, and what all splits of one mail may make together. */
export type Place = { folder: string; depth: number; room: { parts: number; stray: number } }

/** What we use of mailparser beyond its types; the exact version is pinned and split is covered by tests. */
type Internals = {
  textTypes: string[]
  processHeaders(lines: unknown): Map<string, unknown>
  createNode(data: RawNode): unknown
  processChunk(data: { type: string; node: RawNode; value: Buffer }, done: () => void): void
  splitter: Splitter
}
type Splitter = {
  node: RawNode
  checkBoundary(line: Buffer): 1 | 2 | 3 | 4 | false
  compareBoundary(line: Buffer, start: number, boundary: Buffer): 1 | 2 | false
  push(node: RawNode): void
  newNode(parent?: RawNode): void
}
type RawNode = {
  headers: false | { lines: { line: string }[] }
  _headerlen: number
  _boundary: Buffer | false
  _parentBoundary: Buffer | false
  _parentBoundaryOwner: RawNode | false
  parseHeaders(): void
  parentNode: RawNode | false
  contentType: string | false
  encoding: string
  getDecoder(): Transform
  getPartNr(): number[]
}
type RawAttachment = {
  type: string
  checksum: string
  content: Readable
  release(): void
}

const IN_MEMORY = 64 * 1024

/** Levels above a part that are looked at for a boundary line: what is deeper is no mail of people. */
const ANCESTORS = limits.parse.depth * 2

/** Stands for a broken Content-Type until the bytes are there. */
const UNTYPED = 'unknown/unknown'

/**
 * Starts on a mail whose root fields are `fields` (only the Content-* ones matter); body bytes follow by `write`.
 * The folder is made when the first file is written. Errors of the MIME structure end up in `truncated` and `flags`.
 */
export function startSplit(fields: Field[], place: Place): { write(c: Buffer): Promise<void>; end(): Promise<Split> } {
  const { folder, room } = place
  const truncated = new Set<string>()
  const flags = new Set<string>()
  const leaves: Node[] = []
  let root: Node | null = null
  let taken = 0
  let failed = false
  let current: RawAttachment | null = null
  let busy: Promise<void> = Promise.resolve()

  const parser = startMailparser(place, (node) => {
    root ??= node
    if (node.depth > limits.parse.depth) truncated.add('depth')
    if (--room.parts < 0) truncated.add('parts')
    else node.parent?.children.push(node)
    if (node.leaf) leaves.push(node) // those beyond the cap too: mailparser gives their content all the same
  })
  const ended = new Promise<void>((resolve) => {
    parser.once('end', resolve)
    parser.on('error', (error: unknown) => {
      failed = true
      for (const word of causeOf(wordsOf(error))) (word === 'mime_error' ? flags : truncated).add(word)
      current?.content.destroy(new Error('the mail broke off'))
      resolve()
    })
  })
  parser.on('data', (data: unknown) => {
    const attachment = data as RawAttachment
    if (attachment.type !== 'attachment') return
    const node = leaves[taken++]!
    current = attachment
    busy = collect({ attachment, node, file: join(folder, `${taken}`), folder }).then(() => {
      if (node.leaf!.cut === 'cap') truncated.add('text')
      if (!failed) attachment.release()
    })
  })
  parser.write(rootHead(fields))
  return {
    async write(chunk) {
      if (failed || room.parts < 0 || parser.write(chunk)) return
      await Promise.race([new Promise<void>((resolve) => parser.once('drain', resolve)), ended])
    },
    async end() {
      if (!failed) parser.end()
      await ended
      await busy
      return { root, truncated: [...truncated], flags: [...flags] }
    },
  }
}

function startMailparser(place: Place, onNode: (node: Node) => void): MailParser {
  const options = {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    skipImageLinks: true,
    checksumAlgo: 'sha256',
    ignoreEmbedded: true, // 4.23: an attached mail is a file
    maxChildNodes: limits.parse.parts * 40, // ours is counted in the tree, so that what came before it stays
    maxHeadSize: limits.parse.header * 2,
  }
  const parser = new MailParser(options as ConstructorParameters<typeof MailParser>[0])
  const internals = parser as unknown as Internals
  internals.textTypes = []
  internals.processHeaders = () => new Map() // we read them ourselves
  const known = new Map<RawNode, Node>()
  const createNode = internals.createNode.bind(parser)
  internals.createNode = (data) => {
    data.getDecoder = () => startDecoder(data.encoding)
    const made = createNode(data)
    const parent = data.parentNode ? (known.get(data.parentNode) ?? null) : null
    const node = nodeOf(data, parent, place.depth)
    known.set(data, node)
    if (parent) dropStray(parent, place)
    onNode(node)
    return made
  }
  const processChunk = internals.processChunk.bind(parser)
  internals.processChunk = (data, done) => {
    if (data.type === 'data' && data.node) keepStray(known.get(data.node), data.value, place)
    processChunk(data, done)
  }
  mendBoundaries(internals.splitter)
  withoutNumbers(internals.splitter)
  return parser
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
  node.leaf = { bytes: Buffer.alloc(0), file: null, size: 0, sha256: '', cut: null }
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

/** Body text is kept up to limits.parse.text; anything else that is large goes to `file`, whole. */
async function collect(job: { attachment: RawAttachment; node: Node; file: string; folder: string }): Promise<void> {
  const leaf = job.node.leaf!
  const isText = isBodyText(job.node)
  const chunks: Buffer[] = []
  let kept = 0
  let handle: FileHandle | null = null
  try {
    // it has ended when the loop has: destroying it would make an error first, once a part
    for await (const chunk of job.attachment.content.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      leaf.size += chunk.length
      if (handle) await handle.write(chunk)
      else if (isText && kept >= limits.parse.text) leaf.cut = 'cap'
      else {
        chunks.push(chunk)
        kept += chunk.length
      }
      if (!handle && !isText && kept > IN_MEMORY) {
        mkdirSync(job.folder, { recursive: true })
        handle = await open(job.file, 'wx', 0o600)
        for (const held of chunks.splice(0)) await handle.write(held)
      }
    }
    leaf.sha256 = job.attachment.checksum
  } catch {
    leaf.cut = 'broken' // the splitter gave up within this part; `truncated` says why
  } finally {
    await handle?.close()
  }
  if (handle) leaf.file = job.file
  else if (leaf.size > 0) leaf.bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  else if (leaf.bytes.length > 0) asWhole(leaf)
  const undeclared = rawValues(job.node.fields, 'content-type').length === 0 && job.node.type === 'text/plain'
  if (job.node.type === UNTYPED || undeclared) job.node.type = sniffed(leaf)
}

/** Content that never went through a stream. */
function asWhole(leaf: Leaf): void {
  leaf.size = leaf.bytes.length
  leaf.sha256 = createHash('sha256').update(leaf.bytes).digest('hex')
}

/** 4.17: text where it can be printed, by its first bytes; UTF-16 shows by its mark. */
function sniffed(leaf: Leaf): string {
  if (leaf.file !== null) return 'application/octet-stream'
  const head = leaf.bytes.subarray(0, 4096)
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

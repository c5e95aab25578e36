/**
 * The MIME tree and its decoded leaves: the only file that knows mailparser. Text leaves come out as bytes too, since
 * which charset they are in is our judgement (4.2). Small leaves stay in memory, large ones go to files.
 */
import { mkdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { MailParser } from 'mailparser'
import { wordsOf } from '../../errors.ts'
import * as limits from '../../limits.ts'
import { type Field, parseHeaders, rawValues, withoutTricks } from './headers.ts'
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
}

/** Content lies in `bytes`, or in `file` where it is larger than limits.parse.bodyHead and no body text. */
export type Leaf = { bytes: Buffer; file: string | null; size: number; sha256: string; cut: 'cap' | 'broken' | null }

export type Split = { root: Node | null; truncated: string[]; flags: string[] }

/** What we use of mailparser beyond its types; the exact version is pinned and split is covered by tests. */
type Internals = {
  textTypes: string[]
  processHeaders(lines: unknown): Map<string, unknown>
  createNode(data: RawNode): RawTreeNode
}
type RawNode = { headers: { lines: { line: string }[] }; contentType: string | false }
type RawTreeNode = { parent?: RawTreeNode }
type RawAttachment = {
  type: string
  checksum: string
  content: AsyncIterable<Buffer> & { destroy(error?: Error): void }
  release(): void
}

const IN_MEMORY = 64 * 1024

/**
 * Starts on a mail whose root fields are `fields` (only the Content-* ones matter); body bytes follow by `write`.
 * `folder` is made when the first file is written. Errors of the MIME structure end up in `truncated` and `flags`.
 */
export function startSplit(
  fields: Field[],
  folder: string,
): { write(c: Buffer): Promise<void>; end(): Promise<Split> } {
  const truncated = new Set<string>()
  const flags = new Set<string>()
  const leaves: Node[] = []
  let root: Node | null = null
  let taken = 0
  let nodes = 0
  let failed = false
  let current: RawAttachment | null = null
  let busy: Promise<void> = Promise.resolve()

  const parser = startMailparser((node) => {
    root ??= node
    if (node.depth > limits.parse.depth) truncated.add('depth')
    if (++nodes > limits.parse.parts) truncated.add('parts')
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
      if (failed || nodes > limits.parse.parts || parser.write(chunk)) return
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

function startMailparser(onNode: (node: Node) => void): MailParser {
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
  const createNode = internals.createNode.bind(parser)
  const known = new Map<RawTreeNode, Node>()
  internals.createNode = (data) => {
    const raw = createNode(data)
    const parent = raw.parent ? (known.get(raw.parent) ?? null) : null
    const node = nodeOf(data, parent)
    known.set(raw, node)
    onNode(node)
    return raw
  }
  return parser
}

function nodeOf(data: RawNode, parent: Node | null): Node {
  const block = Buffer.from(data.headers.lines.map((entry) => entry.line).join('\r\n'), 'latin1')
  const { fields } = parseHeaders(block)
  const declared = parseParameters(rawValues(fields, 'content-type')[0] ?? '')
  const type = withoutTricks(data.contentType || '') || 'text/plain'
  return {
    type,
    params: declared.params,
    disposition: parseParameters(rawValues(fields, 'content-disposition')[0] ?? ''),
    fields,
    depth: parent ? parent.depth + 1 : 0,
    parent,
    children: [],
    leaf: type.startsWith('multipart/') ? null : { bytes: Buffer.alloc(0), file: null, size: 0, sha256: '', cut: null },
  }
}

/** Only what the tree needs, so that nothing in the other fields can spoil it. */
function rootHead(fields: Field[]): Buffer {
  const wanted = fields.filter((field) => field.key.startsWith('content-') && !/[\r\n]/.test(field.raw))
  return Buffer.from(`${wanted.map((field) => `${field.name}: ${field.raw}\r\n`).join('')}\r\n`)
}

/** Body text is kept up to limits.parse.text; anything else that is large goes to `file`, whole. */
async function collect(job: { attachment: RawAttachment; node: Node; file: string; folder: string }): Promise<void> {
  const leaf = job.node.leaf!
  const isText = isBodyText(job.node)
  const chunks: Buffer[] = []
  let kept = 0
  let handle: FileHandle | null = null
  try {
    for await (const chunk of job.attachment.content) {
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
  else leaf.bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
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

/**
 * Multiparts whose boundary is missing or wrong, at any depth (4.17): split again at the first `--x` line that
 * repeats, else what stands there is text. Works on what the split kept of them.
 */
import { type Node, type Place, type Split, startSplit } from './split.ts'

/** Puts the parts it finds into the tree of `split`. New parts may need repair too, and get it. */
export async function repair(split: Split, place: Place): Promise<void> {
  const waiting = split.root ? [split.root] : []
  let repaired = 0
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.stray.length > 0 && node.children.length === 0) {
      const found = await splitAgain(node, { ...place, folder: `${place.folder}/r${++repaired}`, depth: node.depth })
      if (found) {
        for (const word of found.truncated) if (!split.truncated.includes(word)) split.truncated.push(word)
        if (!split.flags.includes('no_boundary')) split.flags.push('no_boundary')
      }
    }
    waiting.push(...node.children.toReversed())
  }
}

async function splitAgain(node: Node, place: Place): Promise<Split | null> {
  const held = withinAncestors(Buffer.concat(node.stray.splice(0)), node)
  if (!/\S/.test(held.toString('latin1', 0, 65_536).replace(/^--.*$/gm, ''))) return null // an empty multipart
  const body = held.includes(10) ? held : Buffer.from(held.toString('latin1').replaceAll('\r', '\n'), 'latin1')
  const boundary = repeatedBoundary(body)
  const type = boundary === null ? 'text/plain' : `${node.type}; boundary="${boundary}"`
  const again = startSplit([{ name: 'Content-Type', key: 'content-type', raw: type }], place)
  await again.write(boundary === null ? body : withTrimmedLines(body, boundary))
  const result = await again.end()
  const { root } = result
  if (!root) return null
  node.type = root.type
  node.leaf = root.leaf
  node.children = root.children
  for (const child of node.children) child.parent = node
  return result
}

/** The first by where it stands, not by where it repeats: what is nested repeats earlier. */
function repeatedBoundary(body: Buffer): string | null {
  const seen = new Map<string, number>()
  for (const [, line] of body.toString('latin1', 0, 256 * 1024).matchAll(/^--([^\s"\\][^\r\n"\\]{0,200})$/gm)) {
    const name = line!.trimEnd().replace(/--$/, '')
    if (name !== '' && !/^-+$/.test(name)) seen.set(name, (seen.get(name) ?? 0) + 1)
  }
  for (const [name, times] of seen) if (times > 1) return name
  return null
}

/** mailsplit hands out what follows the last part of a multipart together with the boundary lines around it. */
function withinAncestors(held: Buffer, node: Node): Buffer {
  let end = held.length
  for (let above = node.parent; above; above = above.parent) {
    const boundary = above.params.boundary
    if (!boundary) continue
    const mark = Buffer.from(`--${boundary}`)
    for (let at = held.indexOf(mark); at >= 0 && at < end; at = held.indexOf(mark, at + 1)) {
      const isLine =
        (at === 0 || held[at - 1] === 10) && /^(?:--)?[ \t]*\r?(?:\n|$)/.test(restOfLine(held, at + mark.length))
      if (isLine) end = at
    }
  }
  return held.subarray(0, end)
}

const restOfLine = (held: Buffer, at: number) => held.toString('latin1', at, at + 100)

/** RFC 2046 5.1.1 allows blanks behind a boundary, mailsplit does not. */
function withTrimmedLines(body: Buffer, boundary: string): Buffer {
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  const pieces: Buffer[] = []
  let from = 0
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
    let end = at + mark.length
    if (body[end] === 45 && body[end + 1] === 45) end += 2
    let next = end
    while (body[next] === 32 || body[next] === 9) next++
    if (next === end || (at > 0 && body[at - 1] !== 10)) continue
    pieces.push(body.subarray(from, end))
    from = next
  }
  return Buffer.concat([...pieces, body.subarray(from)])
}

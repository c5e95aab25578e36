/** Going through many mails that lie in files, as `explain` and `import` do. */
import type { MailSource } from '../mail/import/sources.ts'

/** The first bytes of a mail: its header block, if that is no larger. */
export async function headOf(source: MailSource, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of source.open()) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= most) break
  }
  return Buffer.concat(chunks).subarray(0, most)
}

/** What `work` makes of each item, in the items' order, at most `atOnce` under way; the source is read no further ahead. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const waiting: Promise<R>[] = []
  for await (const item of items) {
    const result = work(item)
    result.catch(() => {}) // awaited below, in its turn
    waiting.push(result)
    if (waiting.length >= atOnce) yield await waiting.shift()!
  }
  for (const result of waiting) yield await result
}

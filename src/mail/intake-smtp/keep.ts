/**
 * The bytes of one DATA while they arrive: in memory up to limits.spool.small, then in a file, so that neither a slow
 * sender nor a large mail holds memory or a database connection (1.16). Nothing here is durable or needs to be.
 */
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import path from 'node:path'
import * as limits from '../../limits.ts'

export type Keep = {
  /** The chunk may be reused after it. @throws the file system's error */
  add(chunk: Buffer): Promise<void>
  /** All bytes so far; only while there are at most limits.spool.small. */
  inMemory(): Buffer
  /** The whole, once. */
  content(): Promise<Buffer | AsyncIterable<Buffer>>
  /** Removes what was kept; `content` has been read to its end or is not wanted. */
  drop(): Promise<void>
}

const START = 16 * 1024
const WRITE = 64 * 1024

/** @param folder where files may lie; start-up sweeps it */
export function startKeeping(folder: string): Keep {
  // One growing buffer rather than a list: a client that sends single bytes must not cost an object for each.
  let store: Buffer = Buffer.allocUnsafe(START)
  let length = 0
  let file: { handle: FileHandle; name: string } | null = null
  const flush = async () => {
    if (!file) {
      const name = path.join(folder, `smtp-${randomUUID()}`)
      file = { name, handle: await open(name, 'wx', 0o600) }
    }
    for (let at = 0; at < length; ) at += (await file.handle.write(store, at, length - at)).bytesWritten
    length = 0
  }
  return {
    async add(chunk) {
      if (length + chunk.length > store.length) store = grown(store, length, length + chunk.length)
      length += chunk.copy(store, length)
      if (length > (file ? WRITE : limits.spool.small)) await flush()
    },
    inMemory: () => store.subarray(0, length),
    async content() {
      if (!file) return store.subarray(0, length)
      await flush()
      return reading(file.name)
    },
    async drop() {
      const kept = file
      file = null
      if (!kept) return
      await kept.handle.close().catch(() => {}) // a file that cannot be closed is gone with the process
      await unlink(kept.name).catch(() => {}) // start-up sweeps the folder
    },
  }
}

/** Opens the file when it is read, so that a content nobody reads holds nothing. */
async function* reading(name: string): AsyncGenerator<Buffer> {
  yield* createReadStream(name, { highWaterMark: limits.blob.chunk })
}

function grown(store: Buffer, length: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(needed, 2 * store.length))
  store.copy(larger, 0, 0, length)
  return larger
}

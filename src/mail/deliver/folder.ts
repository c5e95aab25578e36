/**
 * Delivery without a relay: DATA/outgoing/<outbox id>.eml. Written beside and renamed, both synced, so a file with that
 * name is whole; a second try writes the same bytes over it.
 */
import { createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Writes the mail and returns the file's path. Memory does not grow with it. */
export async function writeEml(folder: string, id: number, mail: Readable): Promise<string> {
  const file = path.join(folder, `${id}.eml`)
  const beside = `${file}.${process.pid}.part`
  if (!made.has(folder)) await mkdir(folder, { recursive: true, mode: 0o700 })
  made.add(folder)
  try {
    await pipeline(mail, createWriteStream(beside, { mode: 0o600, flush: true }))
    await rename(beside, file)
  } catch (error) {
    made.delete(folder) // somebody may have taken it away: the next try makes it again
    await rm(beside, { force: true })
    throw error
  }
  await syncFolder(folder)
  return file
}

const made = new Set<string>()

/** The name survives a power cut only when its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

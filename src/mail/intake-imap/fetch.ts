/**
 * One mail from the server: its raw bytes in memory or in a file, never in a transaction, because a slow server may
 * take minutes (2.14) and a database connection is not to wait for it. A mail beyond the size limit is its header
 * and the shape of the rest (2.12). Nothing is changed on the server.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import type { MessageStructureObject } from 'imapflow'
import { Refusal, wordsOf } from '../../errors.ts'
import { parse as parseLimits } from '../../limits.ts'
import type { Described, Session } from './connection.ts'
import type { Intake } from './mailbox.ts'

/** A part of a mail that stays on the server. */
export type Part = { type: string; bytes: number | null; name: string | null }

export type Fetched =
  | {
      kind: 'mail'
      sha256: Buffer
      bytes: number
      /** Can be called more than once: a failed transaction is tried again. */
      read(): Buffer | AsyncIterable<Buffer>
      /** Removes the file. */
      drop(): Promise<void>
      /** Set when only the header was taken: bytes of the original, and what it holds. */
      oversize: { bytes: number; parts: Part[] } | null
    }
  | { kind: 'gone' }
  | { kind: 'unfetchable'; words: string }

/** @throws when the connection fails; what the server merely cannot give is `unfetchable` or `gone` */
export async function fetchMail(intake: Intake, session: Session, found: Described): Promise<Fetched> {
  if (found.size !== null && found.size > intake.message) return fetchHeader(intake, session, found.uid, found.size)
  const first = await session.bytes(found.uid, 0, intake.limits.chunk)
  if (first === null) return fetchWhole(intake, session, found.uid)
  const body = collect(intake)
  /** Sizes are estimates on some servers: a full piece is followed by another try, a short one only below the size. */
  const goesOn = (last: number, bytes: number) =>
    last === intake.limits.chunk
      ? bytes !== found.size
      : last > 0 && last < intake.limits.chunk && bytes < (found.size ?? 0)
  try {
    await body.add(first)
    for (let last = first.length; body.bytes() <= intake.message && goesOn(last, body.bytes()); ) {
      const next = await session.bytes(found.uid, body.bytes(), intake.limits.chunk)
      if (next === null && last === intake.limits.chunk && body.bytes() < (found.size ?? 0)) {
        await body.drop()
        return await missing(session, found.uid, 'the server stopped in the middle of the mail')
      }
      last = next?.length ?? 0
      if (next) await body.add(next)
    }
    if (body.bytes() <= intake.message) return await body.end()
  } catch (error) {
    await body.drop()
    throw error
  }
  await body.drop()
  return fetchHeader(intake, session, found.uid, Math.max(found.size ?? 0, body.bytes()))
}

/** 2.12: header and shape; the header block alone is a whole mail without a body. */
async function fetchHeader(intake: Intake, session: Session, uid: number, size: number): Promise<Fetched> {
  const header = await session.header(uid, parseLimits.header)
  if (header === null) return missing(session, uid, 'the server gives neither the mail nor its header')
  const structure = await session.structure(uid)
  const body = collect(intake)
  await body.add(header)
  return { ...(await body.end()), oversize: { bytes: size, parts: partsOf(structure, intake.limits.structureNodes) } }
}

/** 2.13: one literal, nothing else asked for. */
async function fetchWhole(intake: Intake, session: Session, uid: number): Promise<Fetched> {
  const raw = await session.whole(uid)
  if (raw === null)
    return missing(session, uid, 'the server lists the mail and does not give it, or not in readable form')
  const body = collect(intake)
  try {
    await body.add(raw)
    return await body.end()
  } catch (error) {
    await body.drop()
    throw error
  }
}

async function missing(session: Session, uid: number, words: string): Promise<Fetched> {
  const there = await session.uids(uid, uid)
  return there.includes(uid) ? { kind: 'unfetchable', words } : { kind: 'gone' }
}

/** The leaves, as far as a person wants to know them; the depth is bounded by the library. */
export function partsOf(structure: MessageStructureObject | null, most: number): Part[] {
  const parts: Part[] = []
  const waiting = structure ? [structure] : []
  for (let seen = 0; waiting.length && seen < most; seen++) {
    const node = waiting.shift()!
    if (node.childNodes?.length) waiting.unshift(...node.childNodes)
    else
      parts.push({
        type: String(node.type ?? 'application/octet-stream').slice(0, 100),
        bytes: typeof node.size === 'number' ? node.size : null,
        name: nameOf(node)?.slice(0, 200) ?? null,
      })
  }
  return parts
}

function nameOf(node: MessageStructureObject): string | null {
  const name = node.dispositionParameters?.filename ?? node.parameters?.name
  return typeof name === 'string' ? name : null
}

/** Gathers bytes in memory, and from limits.inMemory on in a file. */
function collect(intake: Intake) {
  const hash = createHash('sha256')
  const held: Buffer[] = []
  let bytes = 0
  let file: { path: string; into: WriteStream } | null = null
  const drop = async () => {
    file?.into.destroy()
    if (file) await rm(file.path, { force: true })
  }
  return {
    bytes: () => bytes,
    drop,
    async add(chunk: Buffer) {
      hash.update(chunk)
      bytes += chunk.length
      if (!file && bytes <= intake.limits.inMemory) {
        held.push(chunk)
        return
      }
      file ??= openFile(intake)
      for (const piece of [...held.splice(0), chunk]) await write(file.into, piece)
    },
    async end(): Promise<Extract<Fetched, { kind: 'mail' }>> {
      const kept = file
      if (kept) {
        kept.into.end()
        await finished(kept.into)
      }
      const read = () => (kept ? (createReadStream(kept.path) as AsyncIterable<Buffer>) : Buffer.concat(held))
      return { kind: 'mail', sha256: hash.digest(), bytes, read, drop, oversize: null }
    },
  }
}

function openFile(intake: Intake): { path: string; into: WriteStream } {
  mkdirSync(intake.tmp, { recursive: true, mode: 0o700 })
  const file = path.join(intake.tmp, `imap-${randomUUID()}`)
  const into = createWriteStream(file, { mode: 0o600, flags: 'wx' })
  into.on('error', () => {}) // told by `write` and `finished`
  return { path: file, into }
}

function write(into: WriteStream, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    into.write(piece, (error) => {
      if (!error) resolve()
      else
        reject(
          new Refusal('imap_disk', `a mail could not be written to disk: ${wordsOf(error)}`, 'outage', {
            cause: error,
          }),
        )
    })
  })
}

/**
 * Mails that lie in files: single ones, folders of them, mbox and Maildir. Finds and opens them one after the other, in
 * an order that does not change; a path that cannot be read is named and stops nobody.
 */
import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { wordsOf } from '../../errors.ts'
import { splitMbox, unquoted } from './mbox.ts'

export type MailSource = {
  /** The path as it was given or found; `#n` behind it is the n-th mail of an mbox. */
  name: string
  /** As they lie in the file: an mbox's quoting counts. */
  bytes: number
  /** When it was delivered, as its mbox or its Maildir says. */
  date: Date | null
  problem: null
  open(): AsyncIterable<Buffer>
}

/** `skipped`: it lay in a folder and is no mail. */
export type NoMail = { name: string; problem: string; skipped: boolean }

/** The mails under the paths. What is named is taken for a mail; in a folder, only what looks like one. */
export async function* findMails(paths: readonly string[]): AsyncGenerator<MailSource | NoMail> {
  for (const one of paths) yield* under(one)
}

async function* under(name: string): AsyncGenerator<MailSource | NoMail> {
  try {
    const found = await stat(name)
    if (found.isDirectory()) yield* (await isMaildir(name)) ? maildir(name) : folder(name)
    else yield* file(name, 'named')
  } catch (error) {
    yield { name, problem: wordsOf(error), skipped: false }
  }
}

/** Depth first by name; hidden files and links are left alone, so that no ring is walked. */
async function* folder(name: string): AsyncGenerator<MailSource | NoMail> {
  const entries = await readdir(name, { withFileTypes: true })
  for (const entry of entries.toSorted(byName)) {
    const inner = path.join(name, entry.name)
    const hidden = entry.name.startsWith('.')
    if (entry.isDirectory() && (!hidden || (await isMaildir(inner)))) yield* under(inner)
    else if (entry.isFile() && !hidden)
      yield* guarded(inner, async function* () {
        if (await looksLikeMail(inner)) yield* file(inner, 'found')
        else yield { name: inner, problem: 'it is no mail', skipped: true }
      })
  }
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

const isMaildir = async (name: string): Promise<boolean> =>
  (await Promise.all(['cur', 'new'].map((part) => isFolder(path.join(name, part))))).every(Boolean)

const isFolder = (name: string): Promise<boolean> =>
  stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  )

/** By the time in the files' names, read or unread; then the folders inside (Maildir++). */
async function* maildir(name: string): AsyncGenerator<MailSource | NoMail> {
  const parts = await Promise.all(
    ['cur', 'new'].map(async (part) => (await readdir(path.join(name, part))).map((file) => ({ part, name: file }))),
  )
  const files = parts.flat().filter((one) => !one.name.startsWith('.'))
  const delivered = (file: string) => Number(/^\d{9,10}(?=\.)/.exec(file)?.[0] ?? 0)
  for (const one of files.toSorted((a, b) => delivered(a.name) - delivered(b.name) || byName(a, b))) {
    const at = delivered(one.name)
    const inner = path.join(name, one.part, one.name)
    yield* guarded(inner, async function* () {
      yield await whole(inner, at > 0 ? new Date(at * 1000) : null)
    })
  }
  const entries = await readdir(name, { withFileTypes: true })
  for (const entry of entries.toSorted(byName))
    if (entry.isDirectory() && !['cur', 'new', 'tmp'].includes(entry.name)) yield* under(path.join(name, entry.name))
}

async function* guarded(
  name: string,
  work: () => AsyncGenerator<MailSource | NoMail>,
): AsyncGenerator<MailSource | NoMail> {
  try {
    yield* work()
  } catch (error) {
    yield { name, problem: wordsOf(error), skipped: false }
  }
}

/** One mail, or an mbox: that is what begins with a `From ` line and is not called .eml. */
async function* file(name: string, how: 'named' | 'found'): AsyncGenerator<MailSource> {
  const isMbox = !/\.eml$/i.test(name) && (await headOf(name, 5)) === 'From '
  if (!isMbox) return yield await whole(name, null)
  let n = 0
  for await (const slice of splitMbox(createReadStream(name))) {
    const bytes = slice.to - slice.from
    const read = () => (bytes > 0 ? createReadStream(name, { start: slice.from, end: slice.to - 1 }) : nothing())
    yield {
      name: `${name}#${++n}`,
      bytes,
      date: slice.date,
      problem: null,
      open: () => (slice.quoted ? unquoted(read()) : read()),
    }
  }
  if (n === 0 && how === 'named') yield await whole(name, null)
}

async function* nothing(): AsyncGenerator<Buffer> {}

async function whole(name: string, date: Date | null): Promise<MailSource> {
  const { size } = await stat(name)
  return { name, bytes: size, date, problem: null, open: () => createReadStream(name) }
}

/** A mail begins with a header field, perhaps after blank lines or an mbox line. */
async function looksLikeMail(name: string): Promise<boolean> {
  if (/\.(eml|mbox|mbx)$/i.test(name)) return true
  if (/\.(jsonl?|md|txt|html?|ya?ml|xz|gz|zip|pdf)$/i.test(name)) return false
  return /^(?:From .{0,300}\r?\n|[ \t]{0,100}\r?\n){0,20}[!-9;-~]{1,100}[ \t]{0,10}:/.test(await headOf(name, 4096))
}

async function headOf(name: string, length: number): Promise<string> {
  const handle = await open(name)
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/**
 * Labelled mails on disk: a folder a source, in it `labels.jsonl` (one object a mail) and the files it names. For the
 * score and for the bench of parsing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** What another software's test expects of a mail; every field may be missing but `file`. */
export type Label = {
  file: string
  class?: string
  subject?: string
  from?: string
  notes?: string
  attachments?: { filename?: string; type?: string; sha256?: string }[]
  attachment_count?: number
  body_contains?: string[]
  reply_text?: string
  reply_text_nows?: string
  reply_html?: string
  reply_html_nows?: string
  reply_excludes?: string[]
  nothing_stripped?: boolean
  text_without_signature?: string
  max_parse_seconds?: number
}
export type Labelled = { source: string; label: Label; bytes: Buffer }

/** The mails of every source of a folder, or of the one source `only`. */
export function* readLabelled(root: string, only: string | null = null): Generator<Labelled> {
  for (const source of readdirSync(root).sort()) {
    const list = path.join(root, source, 'labels.jsonl')
    if (!existsSync(list) || (only !== null && only !== source)) continue
    for (const line of readFileSync(list, 'utf8').split('\n')) {
      if (line.trim() === '') continue
      const label = JSON.parse(line) as Label
      yield { source, label, bytes: asMail(readFileSync(path.join(root, source, label.file)), label.file) }
    }
  }
}

/** A text or HTML file without headers becomes a mail of such a text. */
export function asMail(bytes: Buffer, file: string): Buffer {
  const type = { '.txt': 'text/plain', '.html': 'text/html' }[path.extname(file)]
  if (type === undefined) return bytes
  const head = `From: Ada <ada@example.com>\nMIME-Version: 1.0\nContent-Type: ${type}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n`
  return Buffer.concat([Buffer.from(head), bytes])
}

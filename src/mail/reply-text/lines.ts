/** A mail's text cut into lines that together are the whole text, byte for byte, and what a single line shows. */
import * as limits from '../../limits.ts'

/** `q` quoted, `s` signature, `v` visible. */
export type LineKind = 'v' | 'q' | 's'

export type Line = {
  /** Offsets in the whole text; `to` is behind the line end. */
  from: number
  to: number
  /** Without line end, `>` marks, bidi marks and outer blanks; what patterns look at. */
  body: string
  /** Number of `>` before it; a fullwidth one counts too (Japanese mails). */
  depth: number
  blank: boolean
  /** Visible characters of the whole text before this line, and in it; 0 until `measureLines` has counted. */
  at: number
  size: number
  kind: LineKind
}

/** The lines of the examined head of the text (7.14); the rest belongs to the last range. */
export function splitLines(text: string): Line[] {
  const lines: Line[] = []
  const end = Math.min(text.length, limits.replyText.characters)
  for (let from = 0; from < end && lines.length < limits.replyText.lines; ) {
    const newline = text.indexOf('\n', from)
    const to = newline < 0 || newline >= end ? end : newline + 1
    const raw = text.slice(from, to)
    const marks = MARKS.exec(raw.slice(0, 200))![0]
    const body = clean(raw.slice(marks.length))
    lines.push({ from, to, body, depth: depthOf(marks), blank: body === '', at: 0, size: 0, kind: 'v' })
    if (closesAddress(lines)) unquote(lines.at(-1)!, raw)
    from = to
  }
  return lines
}

/** Counts visible characters, by which HTML's marks are laid over the lines: only mails with marks need it. */
export function measureLines(lines: Line[], text: string): void {
  let at = 0
  for (const line of lines) {
    line.at = at
    line.size = text.slice(line.from, line.to).replace(/\s+/g, '').length
    at += line.size
  }
}

/** Index of the next line that is not blank, from `index` on; -1: there is none. */
export function nextFull(lines: Line[], index: number): number {
  for (let i = index; i < lines.length; i++) if (!lines[i]!.blank) return i
  return -1
}

/** Words, as a person counts them: runs with a letter or digit in them; CJK text without blanks counts by two. */
export function wordCount(text: string): number {
  const head = text.slice(0, 2000)
  const cjk = head.match(/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g)?.length ?? 0
  const words = head.match(/[^\s]*[\p{L}\p{N}][^\s]*/gu)?.length ?? 0
  return Math.max(words, Math.ceil(cjk / 2))
}

/** Up to three blanks before and between, as clients write them; a deeper indent is code or a table. */
const MARKS = /^[ \t]{0,3}(?:[>＞][ \t]{0,2}){0,50}/

/** `<`, an address, `> wrote:`, each on a line of its own (Polymail): this `>` closes a bracket, it quotes nothing. */
function closesAddress(lines: Line[]): boolean {
  const { body, depth } = lines.at(-1)!
  if (depth !== 1 || !/^(?:\S{1,20}\s?){0,3}[:：]$/.test(body)) return false
  return lines.slice(-3, -1).some((line) => line.depth === 0 && /<[^>]{0,10}$/.test(line.body))
}

function unquote(line: Line, raw: string): void {
  line.depth = 0
  line.body = clean(raw)
}

function depthOf(marks: string): number {
  return marks.replace(/[^>＞]/g, '').length
}

/** Right-to-left clients put direction marks around names and dates; Word puts no-break blanks anywhere. */
function clean(text: string): string {
  return text
    .replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    .replace(/\u00a0/g, ' ')
    .trim()
}

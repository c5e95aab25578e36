/**
 * The grammar of commands in a mail (COMMANDS E2): which lines at the top of a text are commands, what their arguments
 * are, and what is left to post. Pure text; whether a name means anything is the registry's. It refuses nothing: what
 * is wrong with a line travels as its fault, so that the answer can point at it.
 */
import { commands as limits } from '../../limits.ts'

/** Columns count from 1, in the line's `source`. */
export type Arg =
  | { kind: 'word'; text: string; column: number }
  | { kind: 'quoted'; text: string; column: number }
  | { kind: 'pair'; key: string; value: string; column: number }
  | { kind: 'list'; op: '+' | '-' | '='; text: string; column: number }

export type Fault = { key: 'unclosed_quote' | 'line_too_long'; column: number }

export type GivenLine = {
  /** From 1, in the text as it was given. */
  line: number
  /** As it was read: plain quotes, dashes and spaces, links unwrapped. */
  source: string
  /** NFKC, lower case, without `#`. */
  name: string
  args: Arg[]
  /** The tickets of a batch line. */
  ticket?: number[]
  fault: Fault | null
}

export type Block = {
  given: GivenLine[]
  /** What is left to post; a first line `##word` is `#word`. */
  text: string
  /** Lines below the block that look like commands: where one names a command, nobody meant it to be sent. */
  stray: GivenLine[]
}

/** The block at the very top of new text, from which quotations are taken out already. */
export const readBlock = (text: string): Block => readTop(text, readLine)

/** The answer to a digest: `412,413 take`, a line for any number of tickets; plain commands may stand among them. */
export const readBatch = (text: string): Block =>
  readTop(text, (line, number) => readBatchLine(line, number) ?? readLine(line, number))

/** One line as a command; null where it is text: `#` and a letter begin one, so `#1` does not, nor does `##word`. */
export function readLine(line: string, number = 1): GivenLine | null {
  const source = normalised(line)
  const match = COMMAND.exec(source)
  return match && lineOf({ source, number, match: match as unknown as Match })
}

/** The same characters that people mean, as one kind of space, quote and dash; links that clients add are unwrapped. */
export function normalised(line: string): string {
  return line
    .slice(0, 4 * limits.line)
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(/\s/g, ' ')
    .replace(/[“”„‟«»]/g, '"')
    .replace(/[‘’‚‛]/g, "'")
    .replace(/[‐‑‒–—―−]/g, '-')
    .replace(/( ?)<(mailto:|https?:|tel:)?([^\s<>]{1,500})>/gi, unwrapped)
    .trimEnd()
}

/** A link right behind what it links says nothing new; an address alone in brackets is an address. */
function unwrapped(link: string, space: string, scheme: string | undefined, target: string, at: number, line: string) {
  const before = line.slice(Math.max(0, at - 300), at)
  if (scheme && (space ? /[^\s@]@[^\s@]+$/ : /\S$/).test(before)) return ''
  return scheme?.toLowerCase() === 'mailto:' || (!scheme && target.includes('@')) ? space + target : link
}

const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g
const COMMAND = /^#(?<name>\p{L}\S*)(?: +(?<rest>.*))?$/u
const BATCH = /^#?(?<tickets>\d{1,12}(?: *, *#?\d{1,12})*) +#?(?<name>\p{L}\S*)(?: +(?<rest>.*))?$/u
const END = /^#end$/i
const LITERAL = /^##\p{L}/u

/** What some apps write above everything: `Get Outlook for iOS`, `Sent from my iPhone`, in any language. */
const APP_LINE = /^(?=.{1,120}$)(?:.*\boutlook\b.*\b(?:ios|android)\b.*|sent from my \w[\w ]{0,30})$/iu

type ReadLine = (line: string, number: number) => GivenLine | null

function readTop(text: string, read: ReadLine): Block {
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const isSkipped = (line: string) => isBlank(line) || APP_LINE.test(normalised(line).trim())
  const top = lines.findIndex((line) => !isSkipped(line))
  if (top < 0) return { given: [], text: text.trim(), stray: [] }
  const given: GivenLine[] = []
  let at = top
  for (; at < lines.length && !END.test(normalised(lines[at]!)); at++) {
    const found = read(lines[at]!, at + 1)
    if (!found) break
    given.push(found)
  }
  const ended = at < lines.length && END.test(normalised(lines[at]!))
  const body = lines.slice(ended ? at + 1 : at)
  if (ended) return { given, text: trimmed(body), stray: [] } // who separates the text says that all of it is text
  const first = body.findIndex((line) => !isBlank(line))
  const literal = first >= 0 && LITERAL.test(normalised(body[first]!))
  const stray = strayLines(body, { from: first + (literal ? 1 : 0), before: at, read })
  if (literal) body[first] = normalised(body[first]!).slice(1)
  return { given, text: trimmed(body), stray }
}

/** Indented ones too: whoever wrote them meant a command, and as text they would be mailed out. */
function strayLines(body: string[], { from, before, read }: { from: number; before: number; read: ReadLine }) {
  const found: GivenLine[] = []
  for (let n = Math.max(0, from); n < body.length && found.length < limits.stray; n++) {
    if (/^-- ?$/.test(body[n]!)) break
    const line = read(normalised(body[n]!).trimStart(), before + n + 1)
    if (line) found.push(line)
  }
  return found
}

function readBatchLine(line: string, number: number): GivenLine | null {
  const source = normalised(line)
  const match = BATCH.exec(source)
  if (!match) return null
  const found = lineOf({ source, number, match: match as unknown as Match })
  const ticket = match.groups!.tickets!.split(',').map((one) => Number(one.replace(/[ #]/g, '')))
  return { ...found, ticket: [...new Set(ticket)] }
}

type Match = { groups: { name: string; rest?: string } }

function lineOf({ source, number, match }: { source: string; number: number; match: Match }): GivenLine {
  const name = match.groups.name.toLowerCase()
  if (source.length > limits.line) {
    const fault = { key: 'line_too_long', column: limits.line } as const
    return { line: number, source: source.slice(0, limits.line), name, args: [], fault }
  }
  const rest = match.groups.rest ?? ''
  return { line: number, source, name, ...readArgs(rest, source.length - rest.length + 1) }
}

const KEY = '\\p{L}[\\p{L}\\p{N}_.-]*'

/** Tried in this order; what has a quote that is never closed is none of them. */
const FORMS: { pattern: RegExp; make: (found: RegExpExecArray, column: number) => Arg }[] = [
  { pattern: /"([^"]*)"/y, make: ([, text], column) => ({ kind: 'quoted', text: text!.trim(), column }) },
  {
    pattern: new RegExp(`(${KEY}):(?:"([^"]*)"|(?!")(\\S*))`, 'uy'),
    make: ([, key, quoted, bare], column) => ({
      kind: 'pair',
      key: key!.toLowerCase(),
      value: (quoted ?? bare!).trim(),
      column,
    }),
  },
  {
    pattern: /([+\-=])(?:"([^"]+)"|(?!")(\S+))/y,
    make: ([, op, quoted, bare], column) => ({
      kind: 'list',
      op: op as '+' | '-' | '=',
      text: (quoted ?? bare!).trim(),
      column,
    }),
  },
  {
    pattern: new RegExp(`(?!(?:${KEY}:|[+\\-=])?")\\S+`, 'uy'),
    make: ([text], column) => ({ kind: 'word', text, column }),
  },
]

function readArgs(rest: string, column: number): { args: Arg[]; fault: Fault | null } {
  const args: Arg[] = []
  for (let at = skipSpaces(rest, 0); at < rest.length; at = skipSpaces(rest, at)) {
    const found = formAt(rest, at)
    if (!found) return { args, fault: { key: 'unclosed_quote', column: column + at } }
    args.push(found.make(found.match, column + at))
    at += found.match[0].length
  }
  return { args, fault: null }
}

function formAt(rest: string, at: number) {
  for (const { pattern, make } of FORMS) {
    pattern.lastIndex = at
    const match = pattern.exec(rest)
    if (match) return { match, make }
  }
  return null
}

function skipSpaces(text: string, from: number): number {
  let at = from
  while (text[at] === ' ') at++
  return at
}

const isBlank = (line: string) => line.replace(INVISIBLE, '').trim() === ''

const trimmed = (lines: string[]) => lines.join('\n').trim()

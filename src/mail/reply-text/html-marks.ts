/** Lays the containers that HTML shows (7.5) over the lines of the text, where both are the same words. */
import { type Mark, type MarkKind, markedText, mayBeMarked } from '../../html/quotes.ts'
import { type Line, measureLines } from './lines.ts'

/** Lines by what HTML says of them. `rest` is the line from which on all is the answered mail, -1: nothing says so. */
export type HtmlLines = {
  rest: number
  restClient: string
  /** Line -> container kind and client; the innermost that says something. */
  kinds: Map<number, { kind: MarkKind; client: string }>
  /** Lines before which a horizontal rule stands. */
  rules: Set<number>
  /** Lines before or in which an image stands; may be lines.length. */
  images: Set<number>
}

const NOTHING: HtmlLines = { rest: -1, restClient: '', kinds: new Map(), rules: new Set(), images: new Set() }

/** Nothing where the HTML's words are not the text's: then a part of the mail stands in one of them only. */
export function htmlLines(text: string, lines: Line[], html: string | null): HtmlLines {
  if (html === null || lines.length === 0 || !mayBeMarked(html)) return NOTHING
  const marked = markedText(html)
  if (marked.marks.length === 0) return NOTHING
  if (letters(marked.text) !== letters(text)) return fromOtherWords(text, lines, marked)
  measureLines(lines, text)
  const found: HtmlLines = { ...NOTHING, kinds: new Map(), rules: new Set(), images: new Set() }
  const indexAt = lineFinder(lines)
  const holdsCite = citesWithin(marked.marks)
  for (const mark of marked.marks) {
    const first = indexAt(mark.from)
    if (mark.kind === 'rest') {
      if (first < lines.length && (found.rest < 0 || first < found.rest)) {
        found.rest = first
        found.restClient = mark.client
      }
    } else if (mark.kind === 'rule') found.rules.add(first)
    else if (mark.kind === 'image') found.images.add(first)
    else if (mark.kind !== 'quote' || !holdsCite(mark)) cover(found, lines, mark, first)
  }
  return found
}

/**
 * In Gmail people answer between the quotes inside div.gmail_quote: where a container holds a blockquote, only that is
 * quoted, and 7.3 judges the rest.
 */
function citesWithin(marks: Mark[]): (mark: Mark) => boolean {
  const starts = marks.filter(({ kind }) => kind === 'cite' || kind === 'indent').map(({ from }) => from)
  return ({ from, to }) => {
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (starts[middle]! < from) low = middle + 1
      else high = middle
    }
    return low < starts.length && starts[low]! < to
  }
}

/** Nested containers: the outermost decides, its lines are covered once. */
function cover(found: HtmlLines, lines: Line[], mark: Mark, first: number): void {
  const strong = mark.kind !== 'indent'
  for (let i = first; i < lines.length && lines[i]!.at < mark.to; i++) {
    const line = lines[i]!
    if (line.blank && line.size === 0) continue
    if (line.at < mark.from || line.at + line.size > mark.to) continue
    const known = found.kinds.get(i)
    if (known && (known.kind !== 'indent' || !strong)) {
      // the outer container has had these lines already: jumping over them keeps nested containers linear
      if (known.kind === mark.kind) break
      continue
    }
    found.kinds.set(i, { kind: mark.kind, client: mark.client })
  }
}

/**
 * text/plain beside text/html: the plain text has links and emphasis that HTML has not. The beginning of what HTML
 * marks as the answered mail is looked for in it; only one place that is alike may be it.
 */
function fromOtherWords(text: string, lines: Line[], marked: { text: string; marks: Mark[] }): HtmlLines {
  const rest = marked.marks.find(({ kind }) => kind === 'rest')
  if (!rest) return NOTHING
  const htmlLetters = marked.text.replace(/\s+/g, '').slice(rest.from)
  const needle = wordLetters(htmlLetters.slice(0, 400)).slice(0, NEEDLE)
  if (needle.length < NEEDLE) return NOTHING
  for (let i = 0; i < lines.length; i++) {
    const { from, body } = lines[i]!
    if (body === '' || !needle.startsWith(wordLetters(body.slice(0, 200)).slice(0, 5))) continue
    if (!wordLetters(text.slice(from, from + 600)).startsWith(needle)) continue
    return { ...NOTHING, rest: i, restClient: rest.client }
  }
  return NOTHING
}

const NEEDLE = 40

const letters = (text: string) => text.replace(/[\s>]+/g, '')
const wordLetters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')

/** The first line that holds or follows the visible character with this number. */
function lineFinder(lines: Line[]): (at: number) => number {
  return (at) => {
    let low = 0
    let high = lines.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (lines[middle]!.at + lines[middle]!.size <= at) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Finds attribution lines (7.7): over how many lines one wraps, and where in its first line it begins. */
import * as limits from '../../limits.ts'
import {
  attributionEnd,
  beginsAttribution,
  hasClock,
  hasDate,
  hasDateOrAddress,
  mayEndAttribution,
} from './attribution-words.ts'
import { type Line, nextFull } from './lines.ts'

/**
 * Lines `from` up to, without, `to`. `offset` is where in the text it begins. `confirmed`: it has a date or an address
 * in it (7.4 c); else only `>` lines below make it one.
 */
export type Attribution = { from: number; to: number; offset: number; confirmed: boolean }

/** Gmail wraps at 80 columns and Polymail sets the address on lines of its own: six lines hold any of them. */
const WRAPPED = 6

/**
 * The attribution that ends with line `index`, or null. `floor`: lines before this one belong to something else.
 * `quoted` tells whether a line stands in a quotation, `isKnown` whether what stands from one on was written before;
 * `budget` goes down by the characters looked at.
 */
export function attributionEndingAt(input: {
  text: string
  lines: Line[]
  index: number
  floor: number
  quoted: (index: number) => boolean
  isKnown: (from: number) => boolean
  budget: { steps: number }
}): Attribution | null {
  const { lines, index, floor, quoted, isKnown, budget } = input
  const last = lines[index]!
  if (last.body.length > limits.replyText.line || !/[:：>*_-]$/.test(last.body)) return null // most lines
  if (!mayEndAttribution(plain(last.body))) return null
  const next = nextFull(lines, index + 1)
  const beforeQuote = next >= 0 && ((quoted(next) && lines[next]!.depth >= last.depth) || isKnown(next))
  let joined = ''
  let loose: Attribution | null = null
  for (let from = index; from >= floor && from > index - WRAPPED; from--) {
    const line = lines[from]!
    if (line.depth !== last.depth || (from < index && quoted(from))) break
    // an address without a name goes on above the blank line (Polymail)
    if (line.blank && loose?.confirmed && !joined.startsWith('<')) break
    if (line.blank) continue
    joined = joined === '' ? line.body : `${line.body} ${joined}`
    if (joined.length > limits.replyText.attribution) break
    budget.steps -= joined.length
    if (budget.steps < 0) return null
    const flat = plain(joined)
    const end = attributionEnd(flat)
    if (end === null) continue
    const found = { from, to: index + 1, offset: line.from, confirmed: hasDateOrAddress(flat) }
    if (beginsAttribution(flat) && isPlausible(end, flat, beforeQuote)) return found
    const evident = end === 'verb' && (found.confirmed || beforeQuote)
    const better = loose === null || (!loose.confirmed && found.confirmed && index - from < 3)
    if (evident && better && endsParagraph(lines, from, floor)) loose = found
    else if (evident && loose === null && from === index && found.confirmed) loose = found
  }
  return sharedLine(input.text, lines, index, beforeQuote) ?? loose
}

/** An address at the end says little without date and time; without a colon it needs the quote below it. */
function isPlausible(end: 'verb' | 'address' | 'bare_address', flat: string, beforeQuote: boolean): boolean {
  if (end === 'verb') return beforeQuote || hasDateOrAddress(flat)
  return hasDate(flat) && (beforeQuote || (end === 'address' && hasClock(flat)))
}

/** A name alone before "wrote:" is an attribution only where it begins its paragraph or stands alone on its line. */
function endsParagraph(lines: Line[], from: number, floor: number): boolean {
  return from === floor || from === 0 || lines[from - 1]!.blank || lines[from]!.body.length < 120
}

/** `reply On Wed, Apr 4, 2012 at 3:59 PM, a@b wrote:` and Yahoo's `reply--- On …`: the answer shares the line. */
const SHARED =
  /(?:-{2,10} ?|\s)(On (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6},? )/g

function sharedLine(text: string, lines: Line[], index: number, beforeQuote: boolean): Attribution | null {
  const line = lines[index]!
  if (!beforeQuote || line.depth > 0 || attributionEnd(plain(line.body)) !== 'verb') return null
  const raw = text.slice(line.from, line.to)
  const found = [...raw.matchAll(SHARED)].at(-1)
  if (!found || !hasDate(raw.slice(found.index))) return null
  return { from: index, to: index + 1, offset: line.from + found.index, confirmed: true }
}

/** Emphasis and links that text/plain versions of HTML carry: `*From*`, `_x_`, `<mailto:a@b>`. */
function plain(body: string): string {
  return body
    .replace(/<mailto:[^<>\s]{1,300}>/g, '')
    .replace(/[*_]{1,3}(?=\s|$|[:,])|(?<=^|\s)[*_]{1,3}/g, '')
    .replace(/\s{1,400}/g, ' ')
    .trim()
}

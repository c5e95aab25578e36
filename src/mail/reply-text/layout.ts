/** First pass: which lines are quoted, by marks, containers, attributions, header blocks and banners, from the top. */

import { hasForwardPrefix } from '../../forward-prefix.ts'
import * as limits from '../../limits.ts'
import { type Attribution, attributionEndingAt } from './attribution.ts'
import { hasDateOrAddress } from './attribution-words.ts'
import { bannerOf, isMarker, isSeparator } from './banners.ts'
import { headerBlockAt, isHeaderLine, isLabelled } from './header-block.ts'
import { type HtmlLines, htmlLines } from './html-marks.ts'
import { type Memory, rememberTexts } from './known.ts'
import { type Line, nextFull, splitLines, wordCount } from './lines.ts'
import type { ReplyInput, ReplyReason } from './shape.ts'

export type Layout = {
  lines: Line[]
  html: HtmlLines
  /** Where a quotation begins inside its line: offsets in the text, by line. */
  shared: Map<number, number>
  /** From this line on a forwarded mail stands, which is content (7.13); lines.length: none does. */
  forward: number
  /** What is left of limits.replyText.steps; below zero the result is of no use. */
  budget: { steps: number }
  /** What the ticket already holds; null where nothing is known of it. */
  memory: Memory | null
}

type Scan = Layout & {
  /** The subject says so: a header block is the forwarded mail's, unless that is one of ours. */
  forwards: boolean
  input: ReplyInput
  why: ReplyReason[]
  quoted: (index: number) => boolean
  /** 7.4 (b): the text from a line on stood in earlier mails. */
  isKnown: (from: number) => boolean
}

export function readLayout(input: ReplyInput, why: ReplyReason[]): Layout {
  const lines = splitLines(input.text)
  const html = htmlLines(input.text, lines, input.html)
  const quoted = (index: number) => isQuoted(lines, html, index)
  const budget = { steps: limits.replyText.steps }
  const memory = input.known && input.known.length > 0 ? rememberTexts(input.known) : null
  const isKnown = startKnown(lines, memory)
  const scan: Scan = {
    lines,
    html,
    shared: new Map(),
    forward: lines.length,
    budget,
    memory,
    forwards: hasForwardPrefix(input.subject ?? '') && !isKnown(0),
    input,
    why,
    quoted,
    isKnown,
  }
  let floor = 0 // lines before this one are settled
  let marked = -1 // first line quoted by marks alone
  for (let i = 0; i < lines.length; ) {
    const next = step(scan, i, floor)
    if (next > i) {
      i = next
      floor = next
      continue
    }
    if (quoted(i) && (scan.html.kinds.get(i)?.kind !== 'indent' || lines[i]!.kind === 'q')) {
      for (let n = Math.max(floor, withSeparator(lines, i)); n <= i; n++) lines[n]!.kind = 'q'
      floor = i + 1
      if (marked < 0) marked = i
    }
    i++
  }
  joinWrapped(lines)
  ownBlockquotes(scan)
  if (marked >= 0) say(scan, 'quote_marks', marked)
  return scan
}

/** By `>`, or inside a container; a bare blockquote counts where `ownBlockquotes` finds that it is no one's own. */
function isQuoted(lines: Line[], html: HtmlLines, index: number): boolean {
  const kind = html.kinds.get(index)?.kind
  if (kind === 'quote' || kind === 'cite' || kind === 'indent') return true
  return lines[index]!.depth > 0
}

/** Judges one line; returns the line to go on with, which is greater than `i` where something began here. */
function step(scan: Scan, i: number, floor: number): number {
  const { lines, html } = scan
  const line = lines[i]!
  if (html.rest === i && scan.forwards) return keepForward(scan, i)
  if (html.rest === i) return quoteToEnd(scan, i, floor, 'html_container')
  if (line.blank) return i
  if (isGroupWise(line)) return openQuote(scan, i, i + 1, 'attribution')
  const inQuote = scan.quoted(i) && html.kinds.get(i)?.kind !== 'indent'
  const banner = bannerOf(line.body)
  if (banner === 'forwarded' && line.depth === 0 && !inCite(html, i)) return keepForward(scan, i)
  if (inQuote && html.kinds.get(i)?.kind !== 'quote') return i
  if (banner === 'original' && !scan.forwards) return openQuote(scan, i, i + 1, 'original_banner')
  if (html.kinds.get(i)?.kind === 'indent' && line.kind === 'q') return i
  if (html.rules.has(i) && isHeaderLine(line)) return openQuote(scan, i, i + 1, 'header_block')
  const isParted = () => html.rules.has(i) || drawnAbove(lines, i, floor) || scan.isKnown(i + 2)
  const block = isLabelled(line) ? headerBlockAt(lines, i, isParted() ? 2 : 3) : null
  if (block) return scan.forwards ? keepForward(scan, i) : openQuote(scan, i, block.to, 'header_block')
  if (isMarker(line.body) && scan.isKnown(i + 1)) return quoteToEnd(scan, i, floor, 'reply_marker')
  const attribution = attributionEndingAt({ ...scan, text: scan.input.text, index: i, floor })
  return attribution ? openAttribution(scan, attribution) : i
}

/** `>>> Ada Lovelace <ada@x> 23.09.2026 10:00 >>>` above a quote without any mark (Novell GroupWise). */
function isGroupWise({ body, depth }: Line): boolean {
  return depth === 3 && body.length <= limits.replyText.line && / >{3}$/.test(body) && hasDateOrAddress(body)
}

const inCite = (html: HtmlLines, i: number) => html.kinds.get(i)?.kind === 'cite'

function drawnAbove(lines: Line[], index: number, floor: number): boolean {
  for (let i = index - 1; i >= Math.max(floor, index - 3); i--) if (!lines[i]!.blank) return isSeparator(lines[i]!.body)
  return false
}

/** A forwarded mail is what its sender wants to be seen: nothing below is folded. */
function keepForward(scan: Scan, i: number): number {
  scan.forward = i
  say(scan, 'forward_banner', i)
  return scan.lines.length
}

/** A banner or header block: where the quote uses `>` only that is quoted (7.4), else all to the end. */
function openQuote(scan: Scan, from: number, to: number, code: ReplyReason['code']): number {
  const { lines, html } = scan
  const first = withSeparator(lines, from)
  const block = code === 'original_banner' ? headerBlockAt(lines, Math.max(0, nextFull(lines, to)), 2) : null
  const body = block ? block.to : to
  const next = nextFull(lines, body)
  const usesMarks = next >= 0 && lines[next]!.depth > 0 && !html.kinds.has(next) && html.rest < 0
  say(scan, code, from)
  const end = usesMarks ? body : lines.length
  for (let i = first; i < end; i++) lines[i]!.kind = 'q'
  return end
}

function quoteToEnd(scan: Scan, i: number, floor: number, code: ReplyReason['code']): number {
  const { lines, html } = scan
  say(scan, code, i, code === 'html_container' ? html.restClient : '')
  for (let n = Math.max(floor, withSeparator(lines, i)); n < lines.length; n++) lines[n]!.kind = 'q'
  return lines.length
}

function openAttribution(scan: Scan, found: Attribution): number {
  const { lines } = scan
  const next = nextFull(lines, found.to)
  const isFollowed = next >= 0 && scan.quoted(next)
  if (!isFollowed && !found.confirmed && !scan.isKnown(found.to)) return found.from
  if (!isFollowed && next < 0) return found.from // nothing stands below: a sentence that ends so, or an empty quote
  say(scan, 'attribution', found.from)
  const first = lines[found.from]!
  if (found.offset > first.from) scan.shared.set(found.from, found.offset)
  const from = found.offset > first.from ? found.from + 1 : withSeparator(lines, withHeaders(lines, found.from))
  const end = isFollowed ? found.to : lines.length
  for (let i = from; i < end; i++) lines[i]!.kind = 'q'
  // a bare blockquote under an attribution is the answered mail
  if (isFollowed)
    for (let i = next; i < lines.length && scan.html.kinds.get(i)?.kind === 'indent'; i = nextLine(lines, i))
      lines[i]!.kind = 'q'
  return end
}

const nextLine = (lines: Line[], i: number) => {
  const next = nextFull(lines, i + 1)
  return next < 0 ? lines.length : next
}

/** Headers between a drawn line and the attribution (Yandex: To and Subject of the mail that is answered). */
function withHeaders(lines: Line[], from: number): number {
  let first = from
  while (first > 0 && from - first < HEADERS && isLabelled(lines[first - 1]!)) first--
  return first > 0 && isSeparator(lines[first - 1]!.body) ? first : from
}

const HEADERS = 4

/** The drawn line above, with blank lines between, belongs to what it parts off. */
function withSeparator(lines: Line[], from: number): number {
  for (let i = from - 1; i >= Math.max(0, from - 3); i--) {
    if (lines[i]!.blank) continue
    return isSeparator(lines[i]!.body) && lines[i]!.depth <= lines[from]!.depth ? i : from
  }
  return from
}

/** At least 60 in 100 of the lines from one on stood in earlier mails; counted once, from the end. */
function startKnown(lines: Line[], memory: Memory | null): (from: number) => boolean {
  let shares: { known: number; judged: number }[] | null = null
  const count = (remembers: Memory) => {
    const all: { known: number; judged: number }[] = []
    let [known, judged] = [0, 0]
    for (let i = lines.length - 1; i >= 0; i--) {
      const answer = remembers(lines[i]!.body)
      if (answer !== null) judged++
      if (answer) known++
      all[i] = { known, judged }
    }
    return all
  }
  return (from) => {
    if (memory === null) return false
    shares ??= count(memory)
    const share = shares[from]
    return share !== undefined && share.judged > 0 && share.known >= share.judged * 0.6
  }
}

/**
 * A quoted line that a mail program broke anew leaves its end without `>`: one word with the look of a link's end,
 * directly between quoted lines.
 */
function joinWrapped(lines: Line[]): void {
  for (let i = 1; i < lines.length - 1; i++) {
    const { body, depth, kind } = lines[i]!
    if (kind !== 'v' || depth > 0 || lines[i - 1]!.kind !== 'q' || lines[i + 1]!.depth === 0) continue
    if (lines[i - 1]!.depth === 0 || body.length > 200) continue
    const isLink = /^[(<]?(?:https?:\/\/|www\.)[^\s()<>]{1,180}[)>]?\s?[)>]?$/.test(body)
    const isLinkEnd = /^[^\s]{1,180}[)>]$/.test(body) && /[=_/&%?.]/.test(body)
    if (isLink || isLinkEnd) lines[i]!.kind = 'q'
  }
}

/**
 * A blockquote without any mark of a mail program may be the person's own (an indent, a citation). It is the answered
 * mail where an attribution or header block stands above or in it, or where nothing stands below it.
 */
function ownBlockquotes({ lines, html }: Scan): void {
  if (html.kinds.size === 0) return
  let below = 0 // words below, where more than one keeps a blockquote open; a quotation counts as many
  for (let i = lines.length - 1; i >= 0; i--) {
    const line = lines[i]!
    if (line.blank) continue
    const found = html.kinds.get(i)
    if (line.kind === 'q')
      below += found?.kind === 'indent' ? 0 : MANY // an attribution inside it ends no blockquote
    else if (found?.kind !== 'indent') below += wordCount(line.body)
    else if (below <= 1 && found.client === '') line.kind = 'q'
    else below += MANY
  }
}

const MANY = 2

function say(scan: Scan, code: ReplyReason['code'], index: number, client = ''): void {
  if (scan.why.length >= REASONS) return
  const line = scan.lines[index]!
  const seen = line.body.length > 80 ? `${line.body.slice(0, 80).toWellFormed()}…` : line.body
  scan.why.push({ code, words: `line ${index + 1}${client === '' ? '' : ` (${client})`}: ${seen}` })
}

const REASONS = 20

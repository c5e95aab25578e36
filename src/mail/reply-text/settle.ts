/** Second pass: signatures, answers between the quotes (7.3), edited quotes (7.4), never empty (7.2); then the ranges. */
import * as limits from '../../limits.ts'
import type { RangeKind, TextRange } from '../../ranges.ts'
import { attributionEnd, beginsAttribution } from './attribution-words.ts'
import { bannerOf } from './banners.ts'
import { isLabelled } from './header-block.ts'
import type { Layout } from './layout.ts'
import { type Line, type LineKind, wordCount } from './lines.ts'
import type { ReplyInput, ReplyReason } from './shape.ts'
import { isMobileLine, isSignOff, signatureIn } from './signature.ts'

export function settleKinds(layout: Layout, input: ReplyInput, why: ReplyReason[]): TextRange[] {
  const { lines } = layout
  if (input.text === '') return []
  if (layout.budget.steps < 0) {
    why.push({ code: 'over_budget', words: 'too much in it looks like quotation marks: the whole is shown' })
    return [{ kind: 'visible', from: 0, to: input.text.length }]
  }
  blanksJoinQuotes(lines)
  markSignatures(layout, input, why)
  const answers = answersBelow(lines)
  if (answers > 1) unfold(lines, why)
  else showEdited(layout, why)
  if (!hasSomethingVisible(layout, input) && lines.some(({ kind }) => kind !== 'v')) {
    why.push({ code: 'nothing_visible', words: 'all of it would be folded: the whole is shown' })
    return [{ kind: 'visible', from: 0, to: input.text.length }]
  }
  const last = lines.at(-1)!
  if (last.to < input.text.length)
    why.push({ code: 'too_long', words: `only the first ${lines.length} lines were looked at` })
  return rangesOf(layout, input.text)
}

/** Blank lines between two quoted lines and right below a quotation are part of it. */
function blanksJoinQuotes(lines: Line[]): void {
  for (let i = 1; i < lines.length; i++) {
    if (lines[i]!.blank && lines[i]!.kind === 'v' && lines[i - 1]!.kind === 'q') lines[i]!.kind = 'q'
  }
}

/** In each stretch of unquoted lines, and by the containers of HTML. */
function markSignatures({ lines, html, forward }: Layout, input: ReplyInput, why: ReplyReason[]): void {
  const footers = input.footers ?? new Set<string>()
  for (let from = 0; from < forward; ) {
    if (lines[from]!.kind === 'q') {
      from++
      continue
    }
    let to = from
    while (to < forward && lines[to]!.kind !== 'q') to++
    const start = signatureIn(lines, from, to, footers)
    if (start) {
      for (let i = start.index; i < to; i++) lines[i]!.kind = 's'
      why.push({
        code: 'signature',
        words: `line ${start.index + 1} (${start.by}): ${lines[start.index]!.body.slice(0, 80)}`,
      })
    }
    for (let i = from; i < to; i++)
      if (html.kinds.get(i)?.kind === 'signature' && !lines[i]!.blank) lines[i]!.kind = 's'
    from = to
  }
  // blank lines inside a signature are the signature's
  for (let i = 1; i < lines.length; i++) {
    if (lines[i]!.blank && lines[i]!.kind === 'v' && lines[i - 1]!.kind === 's') lines[i]!.kind = 's'
  }
}

/** Words that stand below the first quotation and are neither signature nor sign-off (7.3). */
function answersBelow(lines: Line[]): number {
  const first = lines.findIndex(({ kind }) => kind === 'q')
  if (first < 0) return 0
  let words = 0
  for (let from = first; from < lines.length; ) {
    if (lines[from]!.kind !== 'v') {
      from++
      continue
    }
    let to = from
    while (to < lines.length && lines[to]!.kind === 'v') to++
    const stretch = lines.slice(from, to)
    if (!isSignOff(stretch)) for (const { body } of stretch) words += wordCount(body)
    from = to
  }
  return words
}

/** Answers stand between the quotes: they need them. Only long runs are folded. */
function unfold(lines: Line[], why: ReplyReason[]): void {
  why.push({ code: 'interleaved', words: 'the answer stands below or between the quotes: only long quotes are folded' })
  for (let from = 0; from < lines.length; ) {
    if (lines[from]!.kind !== 'q') {
      from++
      continue
    }
    let to = from
    while (to < lines.length && lines[to]!.kind === 'q') to++
    const size = lines.slice(from, to).filter(({ blank, depth }) => !blank || depth > 0).length
    if (size <= limits.replyText.folded) for (let i = from; i < to; i++) lines[i]!.kind = 'v'
    from = to
  }
}

/** 7.4: where the quote is a mail we know, lines in it that no mail had were typed now. */
function showEdited({ lines, memory: remembers }: Layout, why: ReplyReason[]): void {
  if (remembers === null || !lines.some(({ kind }) => kind === 'q')) return
  const start = lines.findIndex(({ kind }) => kind === 'q')
  const judged = lines.map((line, i) => (line.kind === 'q' && i >= start ? remembers(line.body) : null))
  const known = judged.filter((answer) => answer === true).length
  const unknown = judged.filter((answer) => answer === false).length
  if (known === 0 || known < (known + unknown) * 0.6) return
  const firstKnown = judged.indexOf(true) // what stands above it is the attribution or header block
  // nobody types into a quote of a quote, and what a program sets around one was not typed
  const edited = lines.filter((line, i) => judged[i] === false && i > firstKnown && line.depth <= 1 && !isFrame(line))
  for (const line of edited) line.kind = 'v'
  if (edited.length > 0) {
    why.push({ code: 'edited_quote', words: `${edited.length} lines below the cut are in no earlier mail: shown` })
  }
}

/** An attribution, a header, a banner, a phone's line. */
function isFrame(line: Line): boolean {
  const { body } = line
  if (body.length > limits.replyText.line) return false
  if (isLabelled(line)) return true
  return attributionEnd(body) !== null || beginsAttribution(body) || bannerOf(body) !== null || isMobileLine(body)
}

/** 7.2: a letter, a digit, an image, an emoji; a file beside the text is enough. */
function hasSomethingVisible({ lines, html, shared }: Layout, input: ReplyInput): boolean {
  if (input.hasFiles === 'yes') return true
  if (shared.size > 0) return true
  const words = lines.some(({ kind, body }) => kind === 'v' && /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(body))
  return words || [...html.images].some((i) => i === 0 || lines[i]?.kind === 'v' || lines[i - 1]!.kind === 'v')
}

const NAMES: Record<LineKind, RangeKind> = { v: 'visible', q: 'quoted', s: 'signature' }

/** What was not looked at joins the last range (7.14). */
function rangesOf({ lines, shared }: Layout, text: string): TextRange[] {
  const ranges: TextRange[] = []
  const add = (kind: RangeKind, from: number, to: number) => {
    const last = ranges.at(-1)
    if (from === to) return
    if (last?.kind === kind) last.to = to
    else ranges.push({ kind, from, to })
  }
  for (const [i, line] of lines.entries()) {
    const cut = shared.get(i)
    if (cut !== undefined && lines[i + 1]?.kind === 'q') {
      add('visible', line.from, cut)
      add('quoted', cut, line.to)
    } else add(NAMES[line.kind], line.from, line.to)
  }
  if (ranges.length > 0) ranges.at(-1)!.to = text.length
  return ranges
}

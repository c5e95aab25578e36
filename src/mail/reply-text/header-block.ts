/** Header blocks that mail programs print above a mail they answer or forward (7.8), and what they say. */
import * as limits from '../../limits.ts'
import { type HeaderRole, meaningsOf } from './header-labels.ts'
import type { Line } from './lines.ts'

/** `to` is the line after the block; values by role, wrapped lines joined. */
export type HeaderBlock = { from: number; to: number; language: string; values: Partial<Record<HeaderRole, string>> }

type Label = { label: string; value: string }

/** `*From:*`, `|From:|`, `From :`, `发件人：`; a label is at most 30 characters. */
const LABEL = /^[*_|]{0,2} ?([\p{L}\p{M}][\p{L}\p{M}. -]{0,29}?) ?[*_|]{0,2} ?[:：][*_|]{0,2}/u
const BLOCK_LINES = 6
const CONTINUED = 3 // lines over which one header may wrap

/**
 * The block that begins at `index`, or null. `required` is how many different headers it needs: 3 by 7.8, fewer where
 * something else shows that a quotation begins here. Lines of another quote depth end it.
 */
export function headerBlockAt(lines: Line[], index: number, required = 3): HeaderBlock | null {
  const first = labelOf(lines[index]!)
  if (!first) return null
  const languages = new Set(meaningsOf(first.label).map(({ language }) => language))
  let best: HeaderBlock | null = null
  for (const language of languages) {
    if (language === '*') continue
    const block = readBlock(lines, index, language)
    const count = Object.keys(block.values).filter((role) => role !== 'other').length
    if (count >= required && isComplete(block) && count > size(best)) best = block
  }
  return best
}

/**
 * `From: a@b Date: Thu, 24 Mar 2026 08:07` on one line: header blocks set in inline elements (Hotmail's, quoted again)
 * lose their line breaks as text. Believed only under a horizontal rule, and with an address and a date.
 */
export function isHeaderLine({ body }: Line): boolean {
  if (body.length > limits.replyText.line || !/\S@\S/.test(body)) return false
  const labels = [...body.matchAll(/(?:^|\s)([\p{L}\p{M}]{1,20}) ?[:：](?=\s)/gu)].map((match) => meaningsOf(match[1]!))
  return (labels[0] ?? []).some(
    ({ language, role }) =>
      role === 'from' &&
      labels.slice(1).some((known) => known.some((other) => other.language === language && other.role === 'date')),
  )
}

/** A line that begins with a label of any language. */
export function isLabelled(line: Line): boolean {
  const label = labelOf(line)
  return label !== null && meaningsOf(label.label).length > 0
}

const size = (block: HeaderBlock | null) => (block ? Object.keys(block.values).length : 0)

/** A travel request has From, To and Date as well: a mail's block has an address in it, or a Subject beside From. */
function isComplete({ values }: HeaderBlock): boolean {
  const all = Object.values(values).join(' ')
  const hasSender = values.from !== undefined || (values.date !== undefined && values.to !== undefined)
  return hasSender && (/[^\s@]@[^\s@]/.test(all) || (values.subject !== undefined && values.date !== undefined))
}

function readBlock(lines: Line[], index: number, language: string): HeaderBlock {
  const depth = lines[index]!.depth
  const block: HeaderBlock = { from: index, to: index + 1, language, values: {} }
  let role: HeaderRole | null = null
  let continued = 0
  let since = 0 // lines since the last header
  let blanks = 0
  for (let i = index; i < lines.length && since < BLOCK_LINES; i++) {
    const line = lines[i]!
    if (line.depth !== depth) break
    if (line.blank) {
      // Word writes a paragraph a header: one blank line between two of them, never two
      if (++blanks > 1) break
      continue
    }
    const label = labelOf(line)
    const meaning = label ? meaningsOf(label.label).find((known) => known.language === language) : undefined
    const other = label && !meaning ? meaningsOf(label.label).some((known) => known.role === 'other') : false
    if (label && (meaning || other)) {
      role = meaning?.role ?? 'other'
      if (block.values[role] !== undefined && role !== 'other') break // a second block begins
      block.values[role] = label.value
      block.to = i + 1
      since = 0
      continued = 0
      blanks = 0
      continue
    }
    since++
    if (blanks > 0 || role === null || ++continued > CONTINUED) break
    if (!continues(lines, i, block, role)) break
    block.values[role] = `${block.values[role] ?? ''} ${line.body}`.trim().slice(0, 2000)
    block.to = i + 1
  }
  return block
}

/** A wrapped value ends before the next header; the last header's value ends with the block. */
function continues(lines: Line[], index: number, block: HeaderBlock, role: HeaderRole): boolean {
  const value = block.values[role] ?? ''
  if (value === '' || value.endsWith(',') || value.endsWith(';') || /\[mailto:$|<$/.test(value)) return true
  for (let i = index + 1; i < Math.min(lines.length, index + CONTINUED + 1); i++) {
    const line = lines[i]!
    if (line.blank) return false
    const label = labelOf(line)
    if (label && meaningsOf(label.label).length > 0) return true
  }
  return false
}

function labelOf(line: Line): Label | null {
  if (line.body.length > limits.replyText.line) return null
  const found = LABEL.exec(line.body)
  if (!found) return null
  const value = line.body
    .slice(found[0].length)
    .replace(/[*_|]{1,3}$/, '')
    .trim()
  return { label: found[1]!, value }
}

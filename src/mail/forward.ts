/**
 * Reads the mail that a mail forwards (7.11-7.13): an attached original, or the topmost header block or banner in the
 * text. Detection only: whether anything follows from it is the engine's. An address is read from that block's From
 * line and from nowhere else.
 */

import { hasForwardPrefix } from '../forward-prefix.ts'
import { htmlToText } from '../html.ts'
import type { Forwarded, ParsedMail } from '../incoming.ts'
import * as limits from '../limits.ts'
import { readSender } from './forward/sender.ts'
import { isoDate } from './parse/scan.ts'
import { attributionEnd, beginsAttribution } from './reply-text/attribution-words.ts'
import { bannerOf, isSeparator } from './reply-text/banners.ts'
import { type HeaderBlock, headerBlockAt } from './reply-text/header-block.ts'
import { type Line, nextFull, splitLines } from './reply-text/lines.ts'

export type ForwardInput = {
  subject: string
  text: string
  html: string | null
  /** The parsed message/rfc822 parts of the mail, in order. */
  attached?: readonly ParsedMail[]
}

/**
 * The forwarded mail, or null. A header block without a banner counts only in a mail whose subject or first line says
 * that it forwards: else it stands above a quotation.
 */
export function readForward({ subject, text, html, attached = [] }: ForwardInput): Forwarded | null {
  const says = hasForwardPrefix(subject) || isOnBehalf(text)
  if (attached.length === 1 && says) return fromAttached(attached[0]!, text)
  return fromText(text, says) ?? (html === null ? null : fromText(htmlToText(html), says))
}

const isOnBehalf = (text: string) => /^\s{0,200}#onbehalf[ \t]*(?:\n|$)/i.test(text.slice(0, 300))

function fromAttached(mail: ParsedMail, above: string): Forwarded {
  const isWhole = mail.error === null
  return {
    by: 'attached',
    from: isWhole && mail.allFrom.length > 1 ? null : mail.from,
    subject: mail.subject,
    date: mail.date,
    dateWritten: isWhole ? mail.dateRaw : (mail.date ?? ''),
    text: isWhole ? mail.text : '',
    above: above.trim(),
  }
}

function fromText(text: string, says: boolean): Forwarded | null {
  const lines = splitLines(text)
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    if (line.blank || line.depth > 0) continue
    const banner = bannerOf(line.body)
    if (banner === 'forwarded') {
      const start = nextFull(lines, i + 1)
      const block = start < 0 ? null : (headerBlockAt(lines, start, 2) ?? attributed(lines[start]!, start))
      return block ? forwardOf({ text, lines, block, top: i, by: 'banner' }) : null
    }
    const original = banner === 'original' ? nextFull(lines, i + 1) : i
    const block = original < 0 ? null : headerBlockAt(lines, original)
    if (block) return says ? forwardOf({ text, lines, block, top: i, by: 'header_block' }) : null
  }
  return null
}

/** Below its banner Yandex prints no block but one line: `23.09.2026, 09:00, "X" <a@b>:`. */
function attributed({ body }: Line, index: number): HeaderBlock | null {
  if (body.length > limits.replyText.line || !beginsAttribution(body) || attributionEnd(body) !== 'address') return null
  const [, date = '', from] = /^(.{1,60}?\d{1,2}:\d{2}), (.{1,400}):$/.exec(body) ?? []
  return from === undefined ? null : { from: index, to: index + 1, language: 'ru', values: { from, date } }
}

function forwardOf(found: {
  text: string
  lines: Line[]
  block: HeaderBlock
  top: number
  by: 'banner' | 'header_block'
}): Forwarded {
  const { text, lines, block, by } = found
  const { values } = block
  const top = withoutSeparator(lines, found.top)
  const body = nextFull(lines, block.to)
  return {
    by,
    from: readSender(values.from ?? ''),
    subject: values.subject ?? '',
    date: zonedDate(values.date ?? ''),
    dateWritten: values.date ?? '',
    text: body < 0 ? '' : text.slice(lines[body]!.from).trimEnd(),
    above: text.slice(0, lines[top]!.from).trim(),
  }
}

/** The line drawn above the block is the mail program's. */
function withoutSeparator(lines: Line[], top: number): number {
  for (let i = top - 1; i >= Math.max(0, top - 3); i--) {
    if (!lines[i]!.blank) return isSeparator(lines[i]!.body) ? i : top
  }
  return top
}

/** Most blocks print local time without a zone: that is no instant. */
function zonedDate(written: string): string | null {
  return /[+-]\d{2}:?\d{2}\s*(?:\([^()]{0,40}\))?$|\b(?:GMT|UTC|Z)$/.test(written) ? isoDate(written) : null
}

/** What extraction takes and gives: types only. */

import type { TextRange } from '../../ranges.ts'

/** Why a range begins, or why nothing was folded: for "why?". */
export type ReplyReason = {
  code:
    | 'attribution'
    | 'header_block'
    | 'original_banner'
    | 'forward_banner'
    | 'html_container'
    | 'quote_marks'
    | 'reply_marker'
    | 'signature'
    | 'interleaved'
    | 'edited_quote'
    | 'nothing_visible'
    | 'too_long'
    | 'over_budget'
  words: string
}

export type ReplyInput = {
  /** IncomingMail.text. */
  text: string
  /** IncomingMail.html, or null. Its containers count where its words are those of `text`. */
  html: string | null
  /** With a forward prefix the mail under a header block is what its sender wants to be seen. */
  subject?: string
  /** Whole texts of the ticket's earlier mails and comments (7.4 b), newest first. */
  known?: readonly string[]
  /** The mail has files: then a visible part without words may stay empty (7.2, 7.9). */
  hasFiles?: 'yes' | 'no'
  /** Paragraphs that at least three mails of the sender's domain carry, as `normalisedParagraph` gives them (7.9). */
  footers?: ReadonlySet<string>
}

export type Reply = {
  ranges: TextRange[]
  /** The ranges of a kind, joined as they stand. */
  visible: string
  quoted: string
  signature: string
  why: ReplyReason[]
}

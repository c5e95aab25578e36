/**
 * What a person wrote now, and what of a mail is quotation or signature (7.1-7.10, 7.14). Takes nothing away: it parts
 * the text into ranges that together are the whole, byte for byte; showing and folding is for others. Pure, linear.
 */
import { joinRanges, type RangeKind } from '../ranges.ts'
import { readLayout } from './reply-text/layout.ts'
import { settleKinds } from './reply-text/settle.ts'
import type { Reply, ReplyInput, ReplyReason } from './reply-text/shape.ts'

export type { Reply, ReplyInput, ReplyReason } from './reply-text/shape.ts'

/**
 * Parts one mail's text. `ranges` are in order, without gap or overlap, neighbours differ in kind; empty text has none.
 * Never throws on any input.
 */
export function extractReply(input: ReplyInput): Reply {
  const why: ReplyReason[] = []
  const layout = readLayout(input, why)
  const ranges = settleKinds(layout, input, why)
  const of = (kind: RangeKind) => joinRanges(input.text, ranges, kind)
  return { ranges, visible: of('visible'), quoted: of('quoted'), signature: of('signature'), why }
}

/** The parts of a mail's text: what its author wrote now, quotation, signature. Nothing is ever cut, only told apart. */

export type RangeKind = 'visible' | 'quoted' | 'signature'

/** UTF-16 offsets into the text; `to` is behind the range. */
export type TextRange = { kind: RangeKind; from: number; to: number }

/** The ranges of a kind, joined as they stand. */
export const joinRanges = (text: string, ranges: readonly TextRange[], kind: RangeKind): string =>
  ranges
    .filter((range) => range.kind === kind)
    .map(({ from, to }) => text.slice(from, to))
    .join('')

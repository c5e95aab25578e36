/** What differs between two texts, for people: lines that only one of them has. */

const MOST = 40

/** `- line` for what only `before` has, `+ line` for what only `after` has, in their order; at most 40 lines. */
export function differenceOf(before: string, after: string): string {
  const lines = [...only(before, after, '-'), ...only(after, before, '+')]
  const more = lines.length - MOST
  return (
    [...lines.slice(0, MOST), ...(more > 0 ? [`(${more} more lines)`] : [])].join('\n') ||
    '(the same lines in another order)'
  )
}

function only(text: string, other: string, sign: string): string[] {
  const left = new Map<string, number>()
  for (const line of other.split('\n')) left.set(line.trimEnd(), (left.get(line.trimEnd()) ?? 0) + 1)
  return text.split('\n').flatMap((line) => {
    const count = left.get(line.trimEnd()) ?? 0
    left.set(line.trimEnd(), count - 1)
    return count > 0 || line.trim() === '' ? [] : [`${sign} ${line.trimEnd()}`]
  })
}

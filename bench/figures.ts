/** What a bench found: figures with their bars, as a table and as JSON. */

export type Figure = {
  what: string
  value: number
  unit: 'ratio' | 'MB' | 'us' | 'ms' | 's'
  bar: { atLeast: number } | { atMost: number } | null
  /** All rounds of which `value` is the median. */
  all: number[]
  /** Absolute figures of this machine, for orientation. */
  beside: Record<string, number>
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function holds({ value, bar }: Figure): boolean {
  if (!bar) return true
  return 'atLeast' in bar ? value >= bar.atLeast : value <= bar.atMost
}

export function tableOf(figures: Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    numberOf(figure.value, figure.unit),
    barOf(figure),
    figure.bar ? (holds(figure) ? 'pass' : 'FAIL') : '',
    figure.all.length > 1 ? figure.all.map((value) => numberOf(value, 'ratio')).join(' ') : '',
  ])
  const table = [['what', 'median', 'bar', '', 'rounds'], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The absolute figures, a line each. */
export const besideOf = (figures: Figure[]): string =>
  figures
    .flatMap(({ beside }) =>
      Object.entries(beside).map(([name, value]) => `  ${name}: ${Number(value.toPrecision(3))}`),
    )
    .join('\n')

const numberOf = (value: number, unit: Figure['unit']) =>
  unit === 'ratio' ? value.toFixed(2) : `${value.toFixed(1)} ${unit}`

function barOf({ bar, unit }: Figure): string {
  if (!bar) return ''
  return 'atLeast' in bar ? `at least ${numberOf(bar.atLeast, unit)}` : `at most ${numberOf(bar.atMost, unit)}`
}

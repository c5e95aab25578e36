/**
 * Charts as SVG, drawn here: no script, no inline style. Places are percentages and letters keep their size, so that
 * one drawing fits every width. Each says its numbers in words too; the table below has them all.
 */
import { html } from 'hono/html'
import type { Row, Sheet } from '../../engine/reports/shape.ts'
import type { ReportName } from '../../engine/reports.ts'
import type { Priority } from '../../engine/tables.ts'
import type { Html } from '../page.ts'
import { METRIC_WORDS, PRIORITY_WORDS, shareText } from '../words.ts'

type Part = { kind: 'good' | 'bad' | 'plain'; of: number }
/** `of` are shares of the full width, 0 to 1. */
type Bar = { label: string; words: string; parts: Part[] }
export type Bucket = { label: string; count: number }

/** Bars for the rows of a report that has any to draw; null else. */
export function barsOf(name: Exclude<ReportName, 'violations'>, sheet: Sheet): Html | null {
  const bars = BARS[name](sheet.rows)
  if (bars.length === 0) return null
  const shown = bars.slice(0, MOST)
  const height = shown.length * STEP
  return html`<figure class="chart">
    <p class="legend">${LEGEND[name].map(([kind, words]) => html`<span class="key k-${kind}">${words}</span>`)}</p>
    <svg width="100%" height="${height}" role="img" aria-label="${TITLE[name]}; the table below has the numbers">
      ${shown.map((bar, n) => drawnBar(bar, n * STEP))}
    </svg>
    ${bars.length > MOST && html`<figcaption class="sub">The first ${MOST} of ${bars.length}; the table has all.</figcaption>`}
  </figure>`
}

/** Columns over time. */
export function columnsOf(buckets: Bucket[], title: string): Html {
  const most = Math.max(1, ...buckets.map((one) => one.count))
  const step = 100 / buckets.length
  const [first, last] = [buckets[0]!.label, buckets.at(-1)!.label]
  return html`<figure class="chart">
    <svg width="100%" height="${COLUMNS + 34}" role="img" aria-label="${title}; most in one: ${most}">
      <text class="soft" x="0" y="11">${most}</text>
      <line class="axis" x1="0" x2="100%" y1="16" y2="16"></line>
      ${buckets.map(({ label, count }, n) => {
        const size = (count / most) * COLUMNS
        return html`<rect class="k-bad" x="${percent(n * step + step * 0.1)}" width="${percent(step * 0.8)}" y="${round(16 + COLUMNS - size)}" height="${round(size)}"><title>${label}: ${count}</title></rect>`
      })}
      <line class="axis strong" x1="0" x2="100%" y1="${16 + COLUMNS}" y2="${16 + COLUMNS}"></line>
      <text class="soft" x="0" y="${COLUMNS + 31}">${first}</text>
      ${buckets.length > 1 && html`<text class="soft end" x="100%" y="${COLUMNS + 31}">${last}</text>`}
    </svg>
  </figure>`
}

const MOST = 24
/** Pixels. */
const STEP = 42
const COLUMNS = 110
const LABEL = 26 // characters beside a value on a phone

function drawnBar(bar: Bar, y: number): Html {
  let from = 0
  const label = bar.label.length > LABEL ? `${bar.label.slice(0, LABEL - 1).toWellFormed()}…` : bar.label
  return html`<g>
    <text x="0" y="${y + 14}">${label}</text>
    <text class="end" x="100%" y="${y + 14}">${bar.words}</text>
    <rect class="track" x="0" width="100%" y="${y + 21}" height="9" rx="3"></rect>
    ${bar.parts.map(({ kind, of }) => {
      const x = from
      from += of
      return (
        of > 0 &&
        html`<rect class="k-${kind}" x="${percent(x * 100)}" width="${percent(of * 100)}" y="${y + 21}" height="9" rx="3"></rect>`
      )
    })}
  </g>`
}

const round = (value: number): string => String(Math.round(value * 100) / 100)
const percent = (value: number): string => `${round(value)}%`

const TITLE: Record<ReportName, string> = {
  violations: 'Broken promises over time',
  compliance: 'Share of promises kept',
  agents: 'Answers in time and late, by agent',
  teams: 'Share of team targets kept',
  organizations: 'Tickets by customer, with those whose promise was broken',
  unassessed: 'Tickets that nobody has assessed yet, by team and by customer',
}
const KEPT: [Part['kind'], string][] = [
  ['good', 'in time'],
  ['bad', 'late'],
]
const LEGEND: Record<ReportName, [Part['kind'], string][]> = {
  violations: [],
  compliance: KEPT,
  agents: KEPT,
  teams: KEPT,
  organizations: [
    ['bad', 'with a promise broken'],
    ['plain', 'other tickets'],
  ],
  unassessed: [
    ['bad', 'unassessed'],
    ['plain', 'other tickets'],
  ],
}

const number = (row: Row, key: string): number => Number(row[key] ?? 0)

const kept = (row: Row, label: string): Bar => {
  const all = number(row, 'stopped')
  const part = (kind: Part['kind'], key: string): Part => ({ kind, of: all === 0 ? 0 : number(row, key) / all })
  return {
    label,
    words: all === 0 ? 'n/a' : `${shareText(row.share as number)} of ${all}`,
    parts: [part('good', 'met'), part('bad', 'breached')],
  }
}

/** How many of the tickets of each row are bad, all bars to one scale. */
function shareOfTickets(rows: Row[], { label, bad }: { label: string; bad: string }): Bar[] {
  const most = Math.max(1, ...rows.map((row) => number(row, 'tickets')))
  return rows.map((row) => ({
    label: String(row[label]),
    words: `${number(row, bad)} of ${number(row, 'tickets')}`,
    parts: [
      { kind: 'bad', of: number(row, bad) / most },
      { kind: 'plain', of: (number(row, 'tickets') - number(row, bad)) / most },
    ],
  }))
}

const BARS: Record<Exclude<ReportName, 'violations'>, (rows: Row[]) => Bar[]> = {
  compliance: (rows) =>
    rows
      .filter((row) => row.metric !== null)
      .map((row) => {
        const metric = METRIC_WORDS[String(row.metric)] ?? String(row.metric)
        const value = row.by === 'priority' ? (PRIORITY_WORDS[row.key as Priority] ?? row.label) : row.label
        return kept(row, row.by === 'metric' ? metric : `${value}: ${metric}`)
      }),
  teams: (rows) => rows.filter((row) => row.stopped !== 0).map((row) => kept(row, String(row.name))),
  agents(rows) {
    const most = Math.max(1, ...rows.map((row) => number(row, 'answers')))
    return rows.map((row) => ({
      label: String(row.name),
      words: `${number(row, 'answers_met')} in time, ${number(row, 'answers_late')} late`,
      parts: [
        { kind: 'good', of: number(row, 'answers_met') / most },
        { kind: 'bad', of: number(row, 'answers_late') / most },
      ],
    }))
  },
  organizations: (rows) => shareOfTickets(rows, { label: 'organization', bad: 'breached' }),
  unassessed: (rows) => shareOfTickets(rows, { label: 'name', bad: 'open' }),
}

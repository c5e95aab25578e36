/** A report as a table: the same on paper and on a phone, where each row is a card and each value says what it is. */
import { html } from 'hono/html'
import type { Column, Row, Sheet } from '../../engine/reports/shape.ts'
import type { Priority } from '../../engine/tables.ts'
import { type Cell, figures } from '../figures.ts'
import { priorityMark } from '../marks.ts'
import { type Html, time } from '../page.ts'
import { longText, METRIC_WORDS, PRIORITY_WORDS, shareText, whenText } from '../words.ts'

/** Any report but the violations; keys and columns of which no row has a value are left out. */
export function reportTable(sheet: Sheet, name: string): Html {
  const used = sheet.columns.filter(
    ({ key, kind }) =>
      !LEFT_OUT.includes(key) && (kind === 'share' || sheet.rows.some((row) => (row[key] ?? null) !== null)),
  )
  const cells = used.map(
    (column): Cell<Row> => ({
      ...named(column.label),
      ...(isNumber(column) && { number: true }),
      of: (row) => valueText(column, row),
    }),
  )
  const sum = sheet.total && sheet.rows.length > 1 ? sheet.total : null
  const total = sum && used.map((column, n) => (n === 0 ? 'All' : column.key in sum ? valueText(column, sum) : ''))
  return figures(name, cells, { rows: sheet.rows, ...(total && { total }) })
}

/** For machines: people read the name beside a key, and these counts below their sum. */
const LEFT_OUT = ['agent', 'team', 'key', 'answers_met', 'answers_late', 'solutions_met', 'solutions_late']

/** What a person reads of a violation first: the ticket, the promise, who, when, by how much. */
export function violationTable(rows: readonly Row[], zone: string): Html {
  const cells: Cell<Row>[] = [
    {
      ...named('Ticket'),
      of: (
        row,
      ) => html`<a href="/tickets/${row.ticket}">#${row.ticket}</a> ${row.subject ?? html`<span class="muted">No subject</span>`}
        <span class="sub">${[row.organization, row.requester].filter(Boolean).join(' · ')}</span>`,
    },
    {
      ...named('Promise'),
      of: (
        row,
      ) => html`${METRIC_WORDS[String(row.metric)]}${row.metric === 'ola' && ` (${row.team})`}${Number(row.cycle) > 1 && ` ${row.cycle}`}
        <span class="sub">${longText(Number(row.target_s))}, ${row.policy}, ${PRIORITY_WORDS[row.priority as Priority] ?? row.priority}</span>`,
    },
    { ...named('Who'), of: (row) => String(row.who) },
    {
      ...named('Late since'),
      of: (row) => {
        const at = new Date(String(row.at))
        return time(at, whenText(at, zone))
      },
    },
    { ...named('Over by'), number: true, of: (row) => overText(row) },
    { ...named('Ended'), of: (row) => endText(row, zone) },
  ]
  return figures('Broken promises', cells, { rows })
}

/** Counts with their words. */
export const countTable = (name: string, unit: string, rows: readonly { label: string; count: number }[]): Html =>
  figures<{ label: string; count: number }>(
    name,
    [
      { ...named(unit), of: (row) => row.label },
      { ...named('Broken promises'), number: true, of: (row) => String(row.count) },
    ],
    { rows },
  )

const named = (label: string) => ({ label, name: label })

const isNumber = ({ kind }: Column): boolean => kind === 'number' || kind === 'seconds' || kind === 'share'

function valueText({ key, kind }: Column, row: Row): Html | string {
  const value = row[key] ?? null
  if (kind === 'share') return shareText(value as number | null)
  if (value === null) return '–'
  if (kind === 'seconds') return longText(Number(value))
  if (key === 'answers' || key === 'solutions')
    return html`${value} <span class="sub">${row[`${key}_met`]} in time, ${row[`${key}_late`]} late</span>`
  if (key === 'metric') return METRIC_WORDS[String(value)] ?? String(value)
  if (key === 'by') return BY_WORDS[String(value)] ?? String(value)
  if (row.by === 'priority' && key === 'label' && Object.hasOwn(PRIORITY_WORDS, String(value)))
    return priorityMark(value as Priority)
  return String(value)
}

const BY_WORDS: Record<string, string> = { team: 'Team', organization: 'Customer' }

function overText(row: Row): Html | string {
  if (row.over_by_s === null) return html`<span class="mark">Does not count</span>`
  const [working, wall] = [Number(row.over_by_s), Number(row.over_by_wall_s)]
  return html`<span class="${row.still_open ? 'left over' : ''}">${longText(working)}</span>
    <span class="sub">${longText(wall)} on the wall</span>`
}

const STATES: Record<string, string> = { running: 'Still running', paused: 'Paused', cancelled: 'Cancelled' }

function endText(row: Row, zone: string): Html | string {
  const gone =
    row.superseded_at &&
    html`<span class="sub">Not counted since ${whenText(new Date(String(row.superseded_at)), zone)}, by ${row.superseded_by}: ${row.superseded_why}</span>`
  if (row.stopped_at === null) return html`${STATES[String(row.state)] ?? row.state} ${gone}`
  const at = new Date(String(row.stopped_at))
  return html`${row.state === 'cancelled' && 'Cancelled '}${time(at, whenText(at, zone))}
    <span class="sub">${row.stopped_by ?? row.stop_reason}</span> ${gone}`
}

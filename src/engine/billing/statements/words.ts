/**
 * A statement in words: the mail, the mail that says that it is approved, and its table as CSV. Pure. What people wrote
 * is escaped, and stands behind a ticket's number or on one line.
 */
import { csvLine } from '../../../csv.ts'
import { escapeHtml } from '../../../html.ts'
import { type Rendered, type Rich, render, spokenLocale, type Templates } from '../../../render.ts'
import { hoursText } from '../../billing.ts'
import { formatter } from '../../due-words/formatter.ts'
import { lengthText } from '../../due-words.ts'
import { decimalText, moneyText } from '../money.ts'
import { clockText, dayText } from '../print.ts'
import type { Content, StatementRow, Sum } from './content.ts'
import { statementPhrases } from './phrases.ts'

/** Whose, of which month, and in which language. */
export type Named = {
  templates: Templates
  /** Display name of the inbox. */
  desk: string
  customer: string
  /** First day of the month. */
  from: string
  /** What the reader wishes. */
  locale: string
}

/**
 * @param given.answers whether it can be approved by answering; `revision`: how often it was sent, with this time
 */
export function statementWords(
  given: Named & { content: Content; answers: 'approve' | 'none'; revision: number },
): Rendered {
  const { templates, content, answers, revision } = given
  const locale = spokenLocale(templates, given.locale)
  return render(templates, 'statement', locale, {
    ...sumsOf(given, locale),
    table: tableOf(content.rows, locale),
    unpriced: content.unpriced || null,
    approve: answers === 'approve' ? statementPhrases(locale).yes : null,
    again: revision > 1 ? revision : null,
  })
}

/** @param given.by the address that approved it; `reference` leads further mail to its ticket */
export function approvedWords(given: Named & { content: Content; by: string; reference: string | null }): Rendered {
  const { templates, by, reference } = given
  const locale = spokenLocale(templates, given.locale)
  return render(templates, 'statement-approved', locale, { ...sumsOf(given, locale), by, reference })
}

/** `October 2026`. */
export const monthText = (from: string, locale: string): string =>
  formatter(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${from}T12:00:00Z`))

/** `€150.00`, and more of them where there are several currencies; null where nothing has an amount. */
export const sumsText = (sums: readonly Sum[], locale: string): string | null =>
  sums.map(({ currency, net_minor }) => moneyText(net_minor, currency, locale)).join(' + ') || null

const COLUMNS = [
  'date',
  'project',
  'ticket',
  'title',
  'agent',
  'note',
  'work_type',
  'billable',
  'minutes',
  'seconds',
  'billed_seconds',
  'billed_hours',
  'net',
  'currency',
]

/** A heading, then a record an entry; `net` sums to the statement's sums, to the cent. */
export function* statementCsv({ rows }: Pick<Content, 'rows'>): Generator<string> {
  yield csvLine(COLUMNS)
  for (const row of rows)
    yield csvLine([
      row.date,
      row.project,
      row.ticket,
      row.title,
      row.agent,
      row.note,
      row.work_type,
      row.billable,
      Math.round(row.raw_s / 60),
      row.raw_s,
      row.billed_s,
      row.billed_s === null ? null : hoursText(row.billed_s),
      row.net_minor === null ? null : decimalText(row.net_minor, row.currency!),
      row.currency,
    ])
}

/** Of the file. */
export const csvName = (organization: string, from: string): string =>
  `statement-${organization}-${from.slice(0, 7)}.csv`

function sumsOf({ desk, customer, from, content }: Named & { content: Content }, locale: string) {
  const { billable_s, free_s, sums } = content
  return {
    desk,
    customer,
    month: monthText(from, locale),
    billable: timeText(billable_s, locale),
    free: free_s === 0 ? null : timeText(free_s, locale),
    net: sumsText(sums, locale),
  }
}

/** What is taken back may be more than was done. */
const timeText = (seconds: number, locale: string): string =>
  `${seconds < 0 ? '-' : ''}${lengthText(Math.abs(seconds), locale)}`

type Place = { project: string; title: string; rows: StatementRow[] }

/** Rows are in the order of projects and tickets. */
function placesOf(rows: readonly StatementRow[]): Place[] {
  const places = Map.groupBy(rows, (row) => `${row.project} ${row.ticket ?? ''}`)
  return [...places.values()].map((of) => {
    const { project, ticket, title } = of[0]!
    return { project, title: ticket === null ? '' : `#${ticket}: ${title}`, rows: of }
  })
}

/** A line an entry, below its ticket, below its project. */
function tableOf(rows: readonly StatementRow[], locale: string): Rich {
  const phrases = statementPhrases(locale)
  const cells = (row: StatementRow) => ({
    date: dayText(row.date, locale),
    time: clockText(row.raw_s),
    amount:
      row.net_minor !== null
        ? moneyText(row.net_minor, row.currency!, locale)
        : row.billable
          ? phrases.unpriced
          : phrases.free,
    note: [row.work_type, row.note].filter(Boolean).join(': '),
  })
  const places = placesOf(rows)
  const isNew = (n: number) => places[n]!.project !== places[n - 1]?.project
  const text = places.flatMap(({ project, title, rows: of }, n) => [
    ...(isNew(n) ? [...(n > 0 ? [''] : []), `${project}:`] : []),
    ...(title ? [title] : []),
    ...of.map((row) => {
      const { date, time, amount, note } = cells(row)
      return `- ${[date, row.agent, time, amount, note].filter(Boolean).join(' | ')}`
    }),
  ])
  const head = [phrases.date, phrases.agent, phrases.note, phrases.time, phrases.amount]
  const wide = (words: string) => `<td colspan="5" style="${BREAKS}">${words}</td>`
  const html = places.flatMap(({ project, title, rows: of }, n) => [
    ...(isNew(n) ? [`<tr>${wide(`<strong>${escapeHtml(project)}</strong>`)}</tr>`] : []),
    ...(title ? [`<tr>${wide(escapeHtml(title))}</tr>`] : []),
    ...of.map((row) => {
      const { date, time, amount, note } = cells(row)
      const left = [cellOf(date, WHOLE), cellOf(row.agent, ''), cellOf(note, BREAKS)]
      const right = [time, amount].map((one) => cellOf(one, `text-align:right;${WHOLE}`))
      return `<tr>${[...left, ...right].join('')}</tr>`
    }),
  ])
  const heads = head.map((one, n) => `<th align="${n > 2 ? 'right' : 'left'}">${escapeHtml(one)}</th>`)
  return {
    text: text.join('\n'),
    html: `<table cellpadding="4" style="border-collapse:collapse">\n<tr>${heads.join('')}</tr>\n${html.join('\n')}\n</table>`,
  }
}

const BREAKS = 'overflow-wrap:anywhere'
const WHOLE = 'white-space:nowrap'

const cellOf = (words: string, style: string): string =>
  `<td valign="top"${style && ` style="${style}"`}>${escapeHtml(words)}</td>`

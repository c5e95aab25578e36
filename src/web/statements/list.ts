/** The customers of one month: what they were sent, and what they said. */
import { html } from 'hono/html'
import type { StatementRecord } from '../../engine/billing/statements/read.ts'
import { sumsText } from '../../engine/billing/statements/words.ts'
import type { StatementState } from '../../engine/billing/tables.ts'
import type { Organization } from '../../engine/desk.ts'
import { type Cell, figures } from '../figures.ts'
import { type Html, time } from '../page.ts'
import { clockText } from '../time/words.ts'
import { whenText } from '../words.ts'
import { STATEMENT_MARKS, STATEMENT_WORDS } from './words.ts'

/** `approved_s`: seconds of the month that an agent has approved, whether they were sent or not. */
export type CustomerMonth = {
  key: string
  name: string
  /** Null: the desk file names them no more. */
  organization: Organization | null
  statement: StatementRecord | null
  approved_s: number
}

export function customerTable(rows: readonly CustomerMonth[], { month, zone }: { month: string; zone: string }): Html {
  const content = (row: CustomerMonth) => row.statement?.content ?? null
  const cells: Cell<CustomerMonth>[] = [
    {
      label: 'Customer',
      name: 'Customer',
      of: (row) => html`<a href="/statements/${row.key}/${month}">${row.name}</a>
        <span class="sub">${row.organization?.statement === 'monthly' ? 'monthly by mail' : 'only when somebody sends it'}</span>`,
    },
    { label: 'State', name: 'State', of: (row) => stateMark(row.statement?.state ?? null) },
    { label: 'Approved time', name: 'Approved time', number: true, of: (row) => clockText(row.approved_s) },
    { label: 'Sent', name: 'Sent', number: true, of: (row) => lengthOf(content(row)) },
    {
      label: 'Before tax',
      name: 'Before tax',
      number: true,
      of: (row) => sumsText(content(row)?.sums ?? [], 'en') ?? '–',
    },
    {
      label: 'Answer',
      name: 'Answer',
      of: ({ statement }) =>
        statement?.answered_at
          ? html`${statement.answered_by} <span class="sub">${time(statement.answered_at, whenText(statement.answered_at, zone))}</span>`
          : '–',
    },
  ]
  return figures('Statements of the month', cells, { rows })
}

export const stateMark = (state: StatementState | null): Html =>
  state === null
    ? html`<span class="mark">Not sent</span>`
    : html`<span class="mark ${STATEMENT_MARKS[state]}">${STATEMENT_WORDS[state]}</span>`

const lengthOf = (content: StatementRecord['content']): string =>
  content ? clockText(content.billable_s + content.free_s) : '–'

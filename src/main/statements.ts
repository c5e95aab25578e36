/** `statements [MONTH]`: what customers were sent of their time, and what they said to it. */
import type { Sql } from '../database.ts'
import { daysOfMonth, listStatements, type StatementRecord } from '../engine/billing/statements/read.ts'
import { sumsText } from '../engine/billing/statements/words.ts'
import { lengthText } from '../engine/due-words.ts'
import { iso } from '../engine/reports/shape.ts'
import type { Print, Show } from './show.ts'

/** The newest month first. Throws Refusal `bad_month`. */
export async function showStatements(sql: Sql, print: Print, options: Show & { month: string | null }): Promise<void> {
  const from = options.month === null ? null : daysOfMonth(options.month).from
  const rows = await listStatements(sql, { from, limit: options.limit })
  for (const row of rows) print(options.json ? JSON.stringify(objectOf(row)) : lineOf(row))
  if (!options.json) print(rows.length === 1 ? '1 statement' : `${rows.length} statements`)
}

/** Seconds, and amounts in minor units of their currency. */
function objectOf(row: StatementRecord) {
  const { content } = row
  return {
    id: row.id,
    organization: row.organization_name,
    month: monthOf(row),
    state: row.state,
    revision: row.revision,
    ticket: row.ticket_id,
    people: row.people,
    billable_s: content?.billable_s ?? 0,
    free_s: content?.free_s ?? 0,
    sums: content?.sums ?? [],
    unpriced: content?.unpriced ?? 0,
    entries: content?.rows ?? [],
    sent_at: iso(row.sent_at),
    sent_by: row.sent_by,
    answered_at: iso(row.answered_at),
    answered_by: row.answered_by,
    reopened_at: iso(row.reopened_at),
    reopened_by: row.reopened_by,
    reopened_why: row.reopened_why,
  }
}

function lineOf(row: StatementRecord): string {
  const { content, organization, state, answered_by: by, ticket_id: ticket } = row
  const time = content ? `${lengthText(Math.max(0, content.billable_s), 'en')} billable` : ''
  const parts = [
    monthOf(row),
    organization,
    state,
    time,
    content && sumsText(content.sums, 'en'),
    by,
    ticket && `#${ticket}`,
  ]
  return parts
    .filter(Boolean)
    .join('  ')
    .replace(/\p{Cc}|\p{Cf}/gu, ' ')
}

const monthOf = ({ period_from }: StatementRecord): string => period_from.slice(0, 7)

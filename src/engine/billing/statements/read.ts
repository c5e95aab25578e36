/** Statements as they stand: for pages, for reports, and for what an answer to one may do. Reads only. */
import type { Queryable, Tx } from '../../../database.ts'
import { type Days, monthOf } from '../../../days.ts'
import { Refusal } from '../../../errors.ts'
import type { Token } from '../../../tokens.ts'
import type { StatementState } from '../tables.ts'
import type { Content } from './content.ts'

export type StatementRecord = {
  id: number
  organization_id: number
  /** Key and name. */
  organization: string
  organization_name: string
  period_from: string
  period_to: string
  state: StatementState
  /** How often it was mailed. */
  revision: number
  ticket_id: number | null
  people: { address: string; name: string }[]
  /** As it was sent; null: it never was. */
  content: Content | null
  sent_at: Date | null
  sent_by: string | null
  answered_at: Date | null
  answered_by: string | null
  answer: string | null
  reopened_at: Date | null
  reopened_by: string | null
  reopened_why: string | null
}

/** What an answer to a statement is judged by. */
export type AnsweredStatement = {
  id: number
  ticketId: number | null
  revision: number
  state: StatementState
  month: string
  /** Addresses it was sent to. */
  people: string[]
}

/** First and last day of `2026-10`. Throws Refusal `bad_month`. */
export function daysOfMonth(month: string): Days {
  if (!/^(?:19|20|21)\d\d-(?:0[1-9]|1[0-2])$/.test(month))
    throw new Refusal('bad_month', `"${month.slice(0, 20)}" is no month: write it as 2026-01.`)
  return monthOf(`${month}-01`)
}

/** The statement of a customer and month, or null. */
export async function findStatement(
  sql: Queryable,
  which: { organizationId: number; from: string },
): Promise<StatementRecord | null> {
  const [row] = await sql<StatementRecord[]>`
    ${rows(sql)} where s.organization_id = ${which.organizationId} and s.period_from = ${which.from}`
  return row ?? null
}

/** Throws Refusal `unknown_statement`. */
export async function getStatement(sql: Queryable, id: number): Promise<StatementRecord> {
  const [row] = await sql<StatementRecord[]>`${rows(sql)} where s.id = ${id}`
  if (!row) throw new Refusal('unknown_statement', `There is no statement ${id}.`)
  return row
}

/** The newest month first, of all customers; those of one month where it is named. */
export async function listStatements(
  sql: Queryable,
  { from = null, limit = null }: { from?: string | null; limit?: number | null },
): Promise<StatementRecord[]> {
  return [
    ...(await sql<StatementRecord[]>`
      ${rows(sql)} where ${from}::date is null or s.period_from = ${from}::date
      order by s.period_from desc, o.name, s.id limit ${limit}::bigint`),
  ]
}

/** The statement that the reply address of a mail names; null where there is none, or more than one. */
export async function findAnswered(tx: Tx, tokens: readonly Token[]): Promise<AnsweredStatement | null> {
  const ids = [...new Set(tokens.flatMap((one) => (one.purpose === 's' ? one.person : [])))]
  if (ids.length !== 1) return null
  const [row] = await tx<AnsweredStatement[]>`
    select id, ticket_id as "ticketId", revision, state, to_char(period_from, 'YYYY-MM') as month,
      array(select lower(one ->> 'address') from jsonb_array_elements(people) one) as people
    from statements where id = ${ids[0]!}`
  return row ?? null
}

const rows = (sql: Queryable) => sql`
  select s.id, s.organization_id, o.key as organization, o.name as organization_name, s.period_from, s.period_to, s.state,
    s.revision, s.ticket_id, s.people, s.content, s.sent_at, coalesce(nullif(a.name, ''), a.address) as sent_by,
    s.answered_at, s.answered_by, s.answer, s.reopened_at, coalesce(nullif(r.name, ''), r.address) as reopened_by,
    s.reopened_why
  from statements s join organizations o on o.id = s.organization_id
  left join agents a on a.id = s.sent_by left join agents r on r.id = s.reopened_by`

/**
 * Several changes as one statement. A mail makes a dozen rows in as many tables; sent one by one each of them costs the
 * server a start of its executor and us a message, which together was half of the time a mail took. Changes of one kind,
 * of one mail or of many, are rows of one part of it.
 */
import type postgres from 'postgres'
import { type Recordset, recordset } from './recordset.ts'

/** A query that nobody has awaited: awaiting runs it alone, `together` runs it with others. */
export type Statement = PromiseLike<postgres.RowList<postgres.Row[]>>

type Query = postgres.PendingQuery<postgres.Row[]>

/** What a change does to a table: one `insert`, `update` or `delete` that reads its rows from `given`. */
export type Change = Recordset

/**
 * Runs all of them as one statement, in no order that counts: none may need what another does, except that foreign keys
 * are checked at the end. All see the database as it was before, and no two may change the same row. Each is one
 * `insert`, `update` or `delete`, without a `with` of its own.
 * @returns what the first one returned, for all changes of its kind; it has a `returning`
 */
export function together(tx: postgres.ISql, statements: [Statement, ...Statement[]]): Query {
  const [first, ...others] = merged(tx, statements)
  const parts = others.reduce((all, each, n) => tx`${all}, ${tx(`s${n + 1}`)} as (${each})`, tx`s0 as (${first!})`)
  return tx`with ${parts} select * from s0`
}

/**
 * Rows of a change, as a statement. Their values travel as JSON: dates as ISO text, bytes as hex that the change
 * decodes; what PostgreSQL cannot hold of a text is replaced.
 */
export function change(tx: postgres.ISql, kind: Change, rows: object[]): Statement {
  const query = () => recordset(tx, kind, rows)
  const changing: Changing = {
    kind,
    rows,
    query,
    // biome-ignore lint/suspicious/noThenProperty: awaited it runs alone, as the driver's own queries do
    then: (done, failed) => query().then(done, failed),
  }
  return changing
}

/** A dozen a mail, nearly all to be merged with others: the driver hears of one only when it is run. */
type Changing = Statement & { kind: Change; rows: object[]; query(): Query }

/** What stands for a statement inside the text of another. */
export const fragment = (statement: Statement): Query =>
  isChanging(statement) ? statement.query() : (statement as Query)

const isChanging = (statement: Statement): statement is Changing => 'kind' in statement

/** In the order in which each kind first appeared. */
function merged(tx: postgres.ISql, statements: Statement[]): Query[] {
  const byKind = new Map<Change, object[]>()
  const all: (Query | Change)[] = []
  for (const statement of statements) {
    if (!isChanging(statement)) {
      all.push(statement as Query)
      continue
    }
    const rows = byKind.get(statement.kind)
    if (rows) rows.push(...statement.rows)
    else {
      byKind.set(statement.kind, [...statement.rows])
      all.push(statement.kind)
    }
  }
  return all.map((one) => {
    const rows = byKind.get(one as Change)
    return rows ? recordset(tx, one as Change, rows) : (one as Query)
  })
}

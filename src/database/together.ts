/**
 * Several changes as one statement. A mail makes a dozen rows in as many tables; sent one by one each of them costs the
 * server a start of its executor and us a message, which together was half of the time a mail took. Changes of one kind,
 * of one mail or of many, are rows of one part of it.
 */
import type postgres from 'postgres'
import { type Recordset, recordset } from './recordset.ts'

/** A tagged query that nobody has awaited: awaiting runs it alone, `together` runs it with others. */
export type Statement = postgres.PendingQuery<postgres.Row[]>

/** What a change does to a table: one `insert`, `update` or `delete` that reads its rows from `given`. */
export type Change = Recordset

/**
 * Runs all of them as one statement, in no order that counts: none may need what another does, except that foreign keys
 * are checked at the end. All see the database as it was before, and no two may change the same row. Each is one
 * `insert`, `update` or `delete`, without a `with` of its own.
 * @returns what the first one returned, for all changes of its kind; it has a `returning`
 */
export function together(tx: postgres.ISql, statements: [Statement, ...Statement[]]): Statement {
  const [first, ...others] = merged(tx, statements)
  const parts = others.reduce((all, each, n) => tx`${all}, ${tx(`s${n + 1}`)} as (${each})`, tx`s0 as (${first!})`)
  return tx`with ${parts} select * from s0`
}

/**
 * Rows of a change, as a statement. Their values travel as JSON: dates as ISO text, bytes as hex that the change
 * decodes; what PostgreSQL cannot hold of a text is replaced.
 */
export function change(tx: postgres.ISql, kind: Change, rows: object[]): Statement {
  const statement = recordset(tx, kind, rows)
  changes.set(statement, { kind, rows })
  return statement
}

const changes = new WeakMap<Statement, { kind: Change; rows: object[] }>()

/** In the order in which each kind first appeared. */
function merged(tx: postgres.ISql, statements: Statement[]): Statement[] {
  const byKind = new Map<Change, { at: number; rows: object[]; count: number }>()
  const all: Statement[] = []
  for (const statement of statements) {
    const found = changes.get(statement)
    const same = found && byKind.get(found.kind)
    if (same) {
      same.rows.push(...found.rows)
      same.count++
      continue
    }
    if (found) byKind.set(found.kind, { at: all.length, rows: [...found.rows], count: 1 })
    all.push(statement)
  }
  for (const [kind, { at, rows, count }] of byKind) if (count > 1) all[at] = recordset(tx, kind, rows)
  return all
}

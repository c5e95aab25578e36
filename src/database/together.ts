/**
 * Several changes as one statement. A mail makes a dozen rows in as many tables; sent one by one each of them costs the
 * server a start of its executor and us a message, which together was half of the time a mail took.
 */
import type postgres from 'postgres'

/** A tagged query that nobody has awaited: awaiting runs it alone, `together` runs it with others. */
export type Statement = postgres.PendingQuery<postgres.Row[]>

/**
 * Runs all of them as one statement, in no order that counts: none may need what another does, except that foreign keys
 * are checked at the end. All see the database as it was before. Each is one `insert`, `update` or `delete`, without a
 * `with` of its own.
 * @returns what the first one returned; it has a `returning`
 */
export function together(tx: postgres.ISql, [first, ...others]: [Statement, ...Statement[]]): Statement {
  const parts = others.reduce((all, each, n) => tx`${all}, ${tx(`s${n + 1}`)} as (${each})`, tx`s0 as (${first})`)
  return tx`with ${parts} select * from s0`
}

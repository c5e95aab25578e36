/**
 * Questions of many mails as one statement. Mails that are settled in one transaction ask the same questions at the same
 * time: each is collected until all have asked, and sent as rows of one statement.
 */
import type postgres from 'postgres'
import { type Recordset, recordset } from './recordset.ts'

/** The statement returns rows with the `n` of what was asked, which is a column of `given` besides those named. */
export type Question = Recordset

/**
 * A question that is asked for each row by itself; `sql` reads `given.<column>`. It changes nothing and calls nothing
 * volatile: for equal rows the server may answer once. `offset 0` in an `exists` keeps the server from reading a whole
 * table once for all rows.
 */
export const each = (columns: string, sql: string): Question => ({
  columns: `n int, ${columns}`,
  sql: `select given.n, found.* from given cross join lateral (${sql}) as found`,
})

/** A question that answers all rows together, each with its `n`. */
export const all = (columns: string, sql: string): Question => ({ columns: `n int, ${columns}`, sql })

/**
 * Asks, and returns the rows for this one. Where the transaction is shared, together with the others that ask the same
 * in this turn of the event loop; the statements go out in the order in which they were first asked.
 */
export async function ask<Row extends object>(tx: postgres.ISql, question: Question, asked: object): Promise<Row[]> {
  const open = sharing.get(tx)
  if (!open) return [...(await answer<Row>(tx, question, [asked]))[0]!]
  return (await join(tx, open, { kind: question, asked })) as Row[]
}

/**
 * Asks what is no question of rows: `find` is called once with what everybody asked in this turn, and each has the whole
 * of its answer to look things up in.
 */
export async function askTogether<Asked extends object, Answer extends object>(
  tx: postgres.ISql,
  find: (tx: never, asked: Asked[]) => Promise<Answer>,
  asked: Asked,
): Promise<Answer> {
  const open = sharing.get(tx)
  return (
    open ? await join(tx, open, { kind: find as never as Find, asked }) : await find(tx as never, [asked])
  ) as Answer
}

/** From now on what is asked in this transaction is collected. */
export function share(tx: postgres.ISql): void {
  sharing.set(tx, new Map())
}

type Find = (tx: never, asked: object[]) => Promise<object>
type Waiting = { asked: object; resolve(answer: object): void; reject(error: unknown): void }
type Open = Map<Question | Find, Waiting[]>

const sharing = new WeakMap<postgres.ISql, Open>()

function join(tx: postgres.ISql, open: Open, { kind, asked }: { kind: Question | Find; asked: object }) {
  return new Promise<object>((resolve, reject) => {
    if (open.size === 0) setImmediate(() => flush(tx, open))
    const waiting = open.get(kind)
    if (waiting) waiting.push({ asked, resolve, reject })
    else open.set(kind, [{ asked, resolve, reject }])
  })
}

function flush(tx: postgres.ISql, open: Open): void {
  const questions = [...open]
  open.clear()
  for (const [kind, waiting] of questions) {
    const asked = waiting.map((one) => one.asked)
    const answers =
      typeof kind === 'function'
        ? kind(tx as never, asked).then((whole) => asked.map(() => whole))
        : answer(tx, kind, asked)
    answers.then(
      (answers) => {
        for (const [n, one] of waiting.entries()) one.resolve(answers[n]!)
      },
      (error) => {
        for (const one of waiting) one.reject(error)
      },
    )
  }
}

async function answer<Row extends object>(tx: postgres.ISql, question: Question, asked: object[]): Promise<Row[][]> {
  const rows = await recordset(
    tx,
    question,
    asked.map((one, n) => ({ n, ...one })),
  )
  const answers: Row[][] = asked.map(() => [])
  for (const { n, ...row } of rows) answers[n]!.push(row as Row)
  return answers
}

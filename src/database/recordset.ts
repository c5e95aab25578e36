/**
 * Any number of rows as one parameter. One text for one row and for many: the server plans it once, and the driver
 * prepares it once a connection.
 */
import type postgres from 'postgres'

/** `sql` says once `from given`, a table of the rows with these columns and types. */
export type Recordset = { columns: string; sql: string }

/** The statement for these rows. It is written out as JSON when it is sent, so one that is merged with others is not. */
export function recordset(tx: postgres.ISql, kind: Recordset, rows: object[]): postgres.PendingQuery<postgres.Row[]> {
  return (tx as never as (strings: readonly string[], rows: object) => postgres.PendingQuery<postgres.Row[]>)(
    textOf(kind),
    { toString: () => storableJson(rows) },
  )
}

const texts = new WeakMap<Recordset, TemplateStringsArray>()

/** The driver takes a text with its gaps where a template has them. */
function textOf(kind: Recordset): TemplateStringsArray {
  let text = texts.get(kind)
  if (!text) {
    const [before, after, ...more] = kind.sql.split(/\bfrom given\b/)
    if (after === undefined || more.length) throw new Error(`a recordset is read in one place: ${kind.sql}`)
    const parts = [`${before}from json_to_recordset(`, `::text::json) as given (${kind.columns})${after}`]
    text = Object.assign(parts, { raw: parts }) as TemplateStringsArray
    texts.set(kind, text)
  }
  return text
}

/** PostgreSQL's text and JSON hold neither NUL nor lone surrogates; JSON writes both as escapes, so few texts are looked at. */
function storableJson(rows: object[]): string {
  const text = JSON.stringify(rows)
  return text.includes('\\u') && /\\u(?:0000|d[89a-f])/i.test(text)
    ? JSON.stringify(rows, (_, part) =>
        typeof part === 'string' ? part.replaceAll('\0', '\ufffd').toWellFormed() : part,
      )
    : text
}

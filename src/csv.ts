/**
 * Tables as CSV by RFC 4180. A text that a spreadsheet would take for a formula is shown as text (MAIL 9.9): whoever
 * writes a ticket's subject or a note does not write what runs on the desk's machines.
 */

export type Cell = string | number | null

/** Lines end in CRLF, also the last one. Numbers and plain decimals stay numbers. */
export const csvText = (rows: readonly (readonly Cell[])[]): string =>
  rows.map((row) => `${row.map(cellText).join(',')}\r\n`).join('')

function cellText(cell: Cell): string {
  if (cell === null) return ''
  const text = String(cell)
  const safe = FORMULA.test(text) && !DECIMAL.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Also after blanks, which some programs drop, and in the full-width forms that some take for the same. */
const FORMULA = /^[\s\0]*[=+\-@|%\t\r\n＝＋－＠]/u
const DECIMAL = /^-?\d+(?:\.\d+)?$/

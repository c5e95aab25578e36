/**
 * Rows as CSV (RFC 4180) for people who open them in a spreadsheet: the one writer of such files. What somebody else
 * wrote can be no formula there (MAIL 9.9). It formats no numbers and no times: that is for who knows their zone.
 */

/** Numbers are integers, and may be negative; null is an empty field. */
export type CsvCell = string | number | bigint | boolean | null

/** In front of a download, or spreadsheets read it in the code page of their country. Not for pipes. */
export const CSV_MARK = '\ufeff'

/**
 * One record with its line end (CRLF). Text that a spreadsheet would take for a formula gets an apostrophe in front, as
 * a hand would put it there: what begins, after blanks, with `=`, `+`, `-`, `@` or their full-width twins, or with a tab
 * or a line end. A plain decimal such as `-1.50` is none.
 */
export const csvLine = (cells: readonly CsvCell[]): string => `${cells.map(field).join(',')}\r\n`

function field(cell: CsvCell): string {
  if (cell === null) return ''
  const text = typeof cell === 'string' ? unarmed(cell.toWellFormed().replaceAll('\0', '')) : String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const unarmed = (text: string): string =>
  /^(?:[\t\r\n]|[\s\p{Cf}]*[=+\-@＝＋－＠])/u.test(text) && !/^-\d+(?:\.\d+)?$/.test(text) ? `'${text}` : text

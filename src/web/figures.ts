/**
 * Rows of figures as a table that is cards on a phone, where each value says what it is; and records as a download. The
 * roles are spelled out because narrow screens lay rows out as cards, which would undo the table's own.
 */
import { html } from 'hono/html'
import { CSV_MARK } from '../csv.ts'
import { disposition } from './filename.ts'
import type { Html } from './page.ts'

export type Cell<Row> = { label: Html | string; name: string; number?: true; of(row: Row): Html | string }

/** `total` stands below, a value for each column. In a box that can be scrolled, by keyboard too, where it is too wide. */
export function figures<Row>(
  name: string,
  cells: readonly Cell<Row>[],
  { rows, total }: { rows: readonly Row[]; total?: readonly (Html | string)[] },
): Html {
  const line = (value: (n: number) => Html | string) =>
    cells.map(
      (cell, n) =>
        html`<td role="cell" data-label="${cell.name}" class="${cell.number ? 'number' : n === 0 ? 'first' : ''}"><div>${value(n)}</div></td>`,
    )
  return html`<div class="wide" role="region" tabindex="0" aria-label="${name}"><table role="table" class="figures" aria-label="${name}">
    <thead role="rowgroup"><tr role="row">
      ${cells.map((cell) => html`<th role="columnheader" scope="col" class="${cell.number ? 'number' : ''}">${cell.label}</th>`)}
    </tr></thead>
    <tbody role="rowgroup">${rows.map((row) => html`<tr role="row">${line((n) => cells[n]!.of(row))}</tr>`)}</tbody>
    ${total && html`<tfoot role="rowgroup"><tr role="row">${line((n) => total[n] ?? '')}</tr></tfoot>`}
  </table></div>`
}

/** CSV as a file, written as fast as it is read. */
export function csvDownload(name: string, records: Iterator<string>): Response {
  const bytes = new TextEncoder()
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes.encode(CSV_MARK)),
    pull(controller) {
      const { value, done } = records.next()
      if (done) controller.close()
      else controller.enqueue(bytes.encode(value))
    },
  })
  return new Response(stream, {
    headers: { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Disposition': disposition('attachment', name) },
  })
}

/** Small marks for a status or priority. The word carries the meaning; shape and colour repeat it. */
import { html } from 'hono/html'
import type { Priority, Status } from '../engine/tables.ts'
import type { Html } from './page.ts'
import { PRIORITY_WORDS, STATUS_WORDS } from './words.ts'

export const statusMark = (status: Status): Html =>
  html`<span class="status s-${status}" title="${STATUS_WORDS[status]}">${status === 'waiting_customer' ? 'Waiting' : STATUS_WORDS[status]}</span>`

/** Of an open ticket whose priority nobody has set yet: it is the default (FEATURES 3.11). */
export const unassessedMark = ({ assessed_at, status }: { assessed_at: Date | null; status: Status }): Html =>
  assessed_at === null && status !== 'resolved' && status !== 'closed'
    ? html` <span class="sub">Unassessed</span>`
    : html``

/** `colour` is the policy's own for it, null where it has none. */
export function priorityMark(priority: Priority, colour: string | null = null): Html {
  const bars = { low: 1, normal: 2, high: 3, urgent: 4 }[priority]
  return html`<span class="priority p-${priority}${colour && ` k-${colour}`}"><svg viewBox="0 0 16 12" width="16" height="12" aria-hidden="true">
    ${[1, 2, 3, 4].map((n) => html`<rect x="${(n - 1) * 4}" y="${12 - n * 3}" width="3" height="${n * 3}" rx="1" class="${n <= bars ? 'on' : 'off'}"/>`)}
  </svg>${PRIORITY_WORDS[priority]}</span>`
}

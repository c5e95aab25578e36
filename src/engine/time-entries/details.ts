/** What an agent says about their time besides how long it took: checked, and as columns. */
import { Refusal } from '../../errors.ts'
import { timesheets as limits } from '../../limits.ts'
import type { Desk } from '../desk.ts'
import { STATUSES } from '../tables.ts'
import { workTypeId } from './rows.ts'

/** Left out: as it is, or the default. */
export type Details = {
  /** Key of a work type; null: none. */
  workType?: string | null
  billable?: boolean
  note?: string
  /** Of the ticket, 0 to 100; the last one submitted is the ticket's (T6). */
  percent?: number | null
  /** Status that the ticket gets when the entry is submitted (T6). */
  statusAfter?: string | null
}

export type DetailColumns = {
  work_type_id?: number | null
  billable?: boolean
  note?: string
  percent_complete?: number | null
  ticket_status_after?: string | null
}

/**
 * Only what was given.
 * @throws Refusal `unknown_work_type`, `bad_percent`, `unknown_status`, `long_note`
 */
export function detailColumns(details: Details, desk: Desk): DetailColumns {
  const { percent, statusAfter } = details
  const columns: DetailColumns = {}
  if (details.workType !== undefined) columns.work_type_id = workTypeId(desk, details.workType)
  if (details.billable !== undefined) columns.billable = details.billable
  if (details.note !== undefined) columns.note = noteOf(details.note)
  if (percent !== undefined) {
    if (percent !== null && !(Number.isInteger(percent) && percent >= 0 && percent <= 100))
      throw new Refusal('bad_percent', 'Write how much is done as a whole number from 0 to 100.')
    columns.percent_complete = percent
  }
  if (statusAfter !== undefined) {
    const known: readonly string[] = STATUSES.filter((status) => status !== 'new')
    if (statusAfter !== null && !known.includes(statusAfter))
      throw new Refusal('unknown_status', `A ticket can become ${known.join(', ')}.`)
    columns.ticket_status_after = statusAfter
  }
  return columns
}

function noteOf(text: string): string {
  const note = text.replaceAll('\r\n', '\n').replaceAll('\0', '\uFFFD').trim()
  if (note.length > limits.note)
    throw new Refusal('long_note', `A note has at most ${limits.note} characters, and this one ${note.length}.`)
  return note
}

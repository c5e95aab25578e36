/** What statements and their states are called. */
import type { StatementState } from '../../engine/billing/tables.ts'

export const STATEMENT_WORDS: Record<StatementState, string> = {
  empty: 'No time',
  sent: 'Sent',
  disputed: 'Objected to',
  approved: 'Approved',
  reopened: 'Reopened',
}

/** How each looks: as marks of invoices and time entries do. */
export const STATEMENT_MARKS: Record<StatementState, string> = {
  empty: '',
  sent: 't-submitted',
  disputed: 't-rejected',
  approved: 't-approved',
  reopened: '',
}

/** What was done, by the word in the address. */
export const STATEMENT_DONE: Record<string, string> = {
  sent: 'Sent: it waits for the customer’s answer.',
  reopened: 'Reopened: its time can be changed again, and it approves nothing until it is sent and approved anew.',
}

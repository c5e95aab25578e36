/** What invoices and what they leave out are called. */
import type { Excluded } from '../../engine/billing/gather.ts'
import type { InvoiceRow } from '../../engine/billing/read.ts'

export const INVOICE_WORDS: Record<InvoiceRow['status'], string> = { draft: 'Draft', final: 'Final', void: 'Void' }

export const EXCLUDED_WORDS: Record<Excluded['why'], string> = {
  not_billable: 'It is free.',
  not_approved: 'It is not approved yet.',
  invoiced: 'It is on a final invoice already.',
  other_draft: 'Another draft holds it.',
  currency: 'It is billed in another currency.',
  approved_without: 'The customer has approved the statement of its month without it.',
}

/** What an invoice is called before it has a number, and after. */
export const titleOf = ({ kind, number }: Pick<InvoiceRow, 'kind' | 'number'>): string =>
  number === null ? 'Draft of an invoice' : `${kind === 'credit_note' ? 'Credit note' : 'Invoice'} ${number}`

/** What was done, by the word in the address. */
export const INVOICE_DONE: Record<string, string> = {
  created: 'A draft: it follows time and prices until you make it final.',
  finalisation: 'Final: it has its number, and nothing of it changes any more.',
  discarded: 'The draft is gone; its time is free again.',
  void: 'Voided by this credit note; its time can be changed and billed again.',
}

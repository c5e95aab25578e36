/** Taking back a final invoice: a credit note over the same lines with the opposite sign (SLA I4). */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Totals } from '../billing.ts'
import { freeEntries } from '../time-entries/billed.ts'
import { holdTickets, type Worker } from '../time-entries/rows.ts'
import type { Tools } from '../tools.ts'
import type { Line } from './gather.ts'
import { holdInvoice, nextNumber, requireBilling, signed, tellTickets, totalColumns, writeLines } from './invoices.ts'
import { getInvoice, type StoredLine } from './read.ts'

/**
 * Voids a final invoice. Its credit note has the next number and is final at once; its time may be changed and billed
 * again.
 * @throws Refusal `may_not_bill`, `no_reason`, `not_final`, `credit_note`, `entries_reversed`
 */
export async function voidInvoice(
  tx: Tx,
  input: { invoiceId: number; agent: Worker; why: string; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<{ creditNoteId: number; number: string }> {
  requireBilling(input.agent)
  const why = input.why.trim().slice(0, 1000)
  if (!why) throw new Refusal('no_reason', 'Say why: the reason stays with the invoice.')
  const held = await holdInvoice(tx, input.invoiceId)
  if (held.kind === 'credit_note') throw new Refusal('credit_note', 'A credit note is not voided: bill the time again.')
  if (held.status !== 'final')
    throw new Refusal('not_final', `Invoice ${held.id} is ${held.status}; only a final one can be voided.`)
  const invoice = await getInvoice(tx, held.id)
  await holdTickets(
    tx,
    invoice.lines.map((line) => line.ticket_id),
  )
  await freeEntries(
    tx,
    invoice.lines.map((line) => line.id),
    now,
  )
  const { serial, number } = await nextNumber(tx, input.tools.desk)
  const { organization_id, currency, period_from, period_to, tax_mode } = invoice
  const [row] = await tx<{ id: number }[]>`
    insert into invoices ${tx({
      kind: 'credit_note',
      status: 'final',
      serial,
      number,
      organization_id,
      currency,
      period_from,
      period_to,
      tax_mode,
      ...totalColumns(tx, negated(invoice)),
      customer: tx.json(invoice.customer as never),
      seller: tx.json(invoice.seller as never),
      voids_id: invoice.id,
      created_at: now,
      created_by: input.agent.id,
      ...signed(input.agent, now),
    })} returning id`
  await writeLines(tx, row!.id, invoice.lines.map(opposite))
  await tx`
    update invoices set status = 'void', voided_at = ${now}, voided_by = ${input.agent.id}, voided_why = ${why}
    where id = ${invoice.id}`
  const data = { invoice: invoice.id, number: invoice.number, credit_note: number }
  await tellTickets(tx, { lines: invoice.lines, type: 'invoice_voided', data, agent: input.agent }, now)
  return { creditNoteId: row!.id, number }
}

/** Zero has no other sign. */
const minus = (value: number): number => 0 - value

const negated = ({ net_minor, tax_minor, gross_minor, taxes }: Totals): Totals => ({
  net_minor: minus(net_minor),
  tax_minor: minus(tax_minor),
  gross_minor: minus(gross_minor),
  taxes: taxes.map((tax) => ({ ...tax, net_minor: minus(tax.net_minor), tax_minor: minus(tax.tax_minor) })),
})

function opposite({ id, position: _position, ...line }: StoredLine): Line {
  return {
    ...line,
    raw_s: minus(line.raw_s),
    billed_s: minus(line.billed_s),
    net_minor: minus(line.net_minor),
    entries: line.entries.map((entry) => ({
      ...entry,
      raw_s: minus(entry.raw_s),
      billed_s: minus(entry.billed_s),
      net_minor: minus(entry.net_minor),
    })),
    reverses_line_id: id,
  }
}

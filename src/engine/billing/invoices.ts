/**
 * Invoices: a draft that is computed again whenever it is opened, made final once with the next number, taken back only
 * by a credit note (SLA I3-I5). Locks: the invoice, its tickets by number, their entries, the series of numbers.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Tx } from '../../database.ts'
import { checkDate, localDate } from '../../days.ts'
import { Refusal } from '../../errors.ts'
import type { Totals } from '../billing.ts'
import type { Desk, Organization } from '../desk.ts'
import { organizationById } from '../people.ts'
import { holdEntries, holdTicketsOf, lockEntries, type Period, putOn, takeOff } from '../time-entries/billed.ts'
import { actorOf, tellEntry, type Worker } from '../time-entries/rows.ts'
import type { Tools } from '../tools.ts'
import { type Excluded, type Gathered, gather, type Line, termsOf } from './gather.ts'
import { isCurrency } from './money.ts'
import { type Buyer, getInvoice, type Invoice, linesOf, type Seller, type StoredLine } from './read.ts'

export type Opened = { invoice: Invoice; excluded: Excluded[] }

type Given = { agent: Worker; tools: Pick<Tools, 'desk'> }

/**
 * A draft for a customer's time of a period, both days included. Time that another draft holds stays there.
 * @param input.currency the customer's unless named
 * @throws Refusal `may_not_bill`, `unknown_organization`, `bad_date`, `bad_period`, `unknown_currency`, `long_invoice`
 */
export async function createDraft(
  tx: Tx,
  input: Given & { organization: string; from: string; to: string; currency?: string },
  now: Date,
): Promise<{ invoiceId: number }> {
  requireBilling(input.agent)
  const { desk } = input.tools
  const organization = desk.organizations.get(input.organization)
  if (!organization) throw new Refusal('unknown_organization', `There is no organization "${input.organization}".`)
  const [from, to] = [checkDate(input.from), checkDate(input.to)]
  if (to < from) throw new Refusal('bad_period', 'The period ends before it begins.')
  const terms = termsOf(desk, organization)
  const currency = input.currency ?? terms.currency
  if (!isCurrency(currency)) throw new Refusal('unknown_currency', `"${currency.slice(0, 10)}" is no currency.`)
  const [row] = await tx<{ id: number }[]>`
    insert into invoices ${tx({
      kind: 'invoice',
      status: 'draft',
      organization_id: organization.id,
      currency,
      period_from: from,
      period_to: to,
      ...headOf(tx, desk, organization),
      ...totalColumns(tx, NOTHING),
      rev: 0,
      created_at: now,
      created_by: input.agent.id,
    })} returning id`
  await compute(tx, await holdInvoice(tx, row!.id), desk)
  return { invoiceId: row!.id }
}

/** The invoice; a draft with the time and the prices of now (I5). Throws Refusal `unknown_invoice`, `long_invoice`. */
export async function openInvoice(tx: Tx, input: { invoiceId: number; tools: Pick<Tools, 'desk'> }): Promise<Opened> {
  const held = await holdInvoice(tx, input.invoiceId)
  const excluded = held.status === 'draft' ? (await compute(tx, held, input.tools.desk)).excluded : []
  return { invoice: await getInvoice(tx, held.id), excluded }
}

/**
 * Makes a draft final: the next number without a gap, prices, names and rates as they are now, its entries locked, all or
 * nothing. Of several admins who do it at once one succeeds.
 * @param input.rev the state that the admin saw; a draft that has changed since is refused
 * @throws Refusal `may_not_bill`, `invoice_final`, `draft_changed`, `unpriced_entries`, `empty_invoice`
 */
export async function finaliseInvoice(
  tx: Tx,
  input: Given & { invoiceId: number; rev?: number },
  now: Date,
): Promise<{ number: string }> {
  requireBilling(input.agent)
  const { desk } = input.tools
  const held = await holdDraft(tx, input.invoiceId)
  const tickets = await holdTicketsOf(tx, periodOf(held))
  const { unpriced, rev } = await compute(tx, held, desk)
  const lines = await linesOf(tx, held.id)
  const late = lines.some((line) => line.ticket_id !== null && !tickets.has(line.ticket_id))
  if (late || (input.rev !== undefined && input.rev !== rev))
    throw new Refusal('draft_changed', 'The draft has changed since you saw it: look at it again.')
  if (unpriced.length > 0)
    throw new Refusal('unpriced_entries', `No price list has a price for ${unpriced.length} entries: add one first.`)
  if (lines.length === 0) throw new Refusal('empty_invoice', 'There is nothing to bill in this period.')
  const { serial, number } = await nextNumber(tx, desk)
  const organization = organizationById(desk, held.organization_id)
  const head = organization && headOf(tx, desk, organization)
  await tx`
    update invoices set ${tx({ ...head, status: 'final', serial, number, ...signed(input.agent, now) })}
    where id = ${held.id} and status = 'draft'`
  await lockEntries(
    tx,
    lines.map((line) => line.id),
    now,
  )
  await tellTickets(tx, { lines, type: 'time_invoiced', data: { invoice: held.id, number }, agent: input.agent }, now)
  return { number }
}

/** Throws away a draft; its entries are free. Throws Refusal `may_not_bill`, `invoice_final`. */
export async function discardDraft(tx: Tx, input: Given & { invoiceId: number }): Promise<void> {
  requireBilling(input.agent)
  const held = await holdDraft(tx, input.invoiceId)
  await clearLines(tx, await linesOf(tx, held.id))
  await tx`delete from invoices where id = ${held.id} and status = 'draft'`
}

export type HeldInvoice = {
  id: number
  kind: Invoice['kind']
  status: Invoice['status']
  organization_id: number
  currency: string
  period_from: string
  period_to: string
  rev: number
}

/** The invoice with its row locked. Throws Refusal `unknown_invoice`. */
export async function holdInvoice(tx: Tx, invoiceId: number): Promise<HeldInvoice> {
  const [row] = await tx<HeldInvoice[]>`
    select id, kind, status, organization_id, currency, period_from, period_to, rev from invoices
    where id = ${invoiceId} for update`
  if (!row) throw new Refusal('unknown_invoice', `There is no invoice ${invoiceId}.`)
  return row
}

/** Invoices are the admins' (permission `billing`). Throws Refusal `may_not_bill`. */
export function requireBilling(agent: Pick<Worker, 'admin'>): void {
  if (!agent.admin) throw new Refusal('may_not_bill', 'Invoices are made by admins.')
}

/** The next number; whoever asks meanwhile waits for the end of this transaction, so that none is ever missing. */
export async function nextNumber(tx: Tx, desk: Desk): Promise<{ serial: number; number: string }> {
  const [row] = await tx<{ last: number }[]>`
    insert into invoice_series (name, last) values ('invoices', 1)
    on conflict (name) do update set last = invoice_series.last + 1 returning last`
  const serial = row!.last
  return { serial, number: `${desk.settings.billing.prefix}${String(serial).padStart(5, '0')}` }
}

type Told = { lines: readonly StoredLine[]; type: string; data: Record<string, unknown>; agent: Worker }

/** Each ticket of the lines is told once, with its part. */
export async function tellTickets(tx: Tx, { lines, type, data, agent }: Told, now: Date): Promise<void> {
  for (const [ticketId, of] of Map.groupBy(lines, (line) => line.ticket_id)) {
    const net_minor = of.reduce((sum, line) => sum + line.net_minor, 0)
    const entries = of.flatMap((line) => line.entries.map((entry) => entry.id))
    const events = [{ type, data: { ...data, entries, net_minor } }]
    await tellEntry(tx, { ticketId, actor: actorOf(agent), events }, now)
  }
}

export const totalColumns = (tx: Tx, { net_minor, tax_minor, gross_minor, taxes }: Totals) => ({
  net_minor,
  tax_minor,
  gross_minor,
  taxes: tx.json(taxes as never),
})

/** Who made it final, and the date where they were. */
export const signed = (agent: Worker, now: Date) => ({
  issued_on: localDate(now, agent.zone),
  finalised_at: now,
  finalised_by: agent.id,
})

/** Writes lines of an invoice in their order; returns their ids. */
export async function writeLines(tx: Tx, invoiceId: number, lines: readonly Line[]): Promise<number[]> {
  const ids: number[] = []
  for (const [position, line] of lines.entries()) {
    const { entries, ...columns } = line
    const values = { ...columns, entries: tx.json(entries as never), invoice_id: invoiceId, position }
    const [row] = await tx<{ id: number }[]>`insert into invoice_lines ${tx(values)} returning id`
    ids.push(row!.id)
  }
  return ids
}

const NOTHING: Totals = { net_minor: 0, tax_minor: 0, gross_minor: 0, taxes: [] }

async function holdDraft(tx: Tx, invoiceId: number): Promise<HeldInvoice> {
  const held = await holdInvoice(tx, invoiceId)
  if (held.status !== 'draft')
    throw new Refusal('invoice_final', `Invoice ${invoiceId} is ${held.status}: only a draft can be changed.`)
  return held
}

const periodOf = (held: HeldInvoice): Period => ({
  organizationId: held.organization_id,
  from: held.period_from,
  to: held.period_to,
})

/** Lines and totals as they are now; nothing is written where they are what they were. */
async function compute(tx: Tx, held: HeldInvoice, desk: Desk): Promise<Gathered & { rev: number }> {
  const organization = organizationById(desk, held.organization_id)
  const before = await linesOf(tx, held.id)
  const entries = await holdEntries(tx, periodOf(held))
  const ownLines = new Set(before.map((line) => line.id))
  const gathered = gather(entries, { desk, organization, currency: held.currency, ownLines })
  const { lines, totals, unpriced } = gathered
  const places = new Map(before.flatMap((line) => line.entries.map((entry) => [entry.id, line.id])))
  const same =
    held.rev > 0 &&
    isDeepStrictEqual(before.map(contentOf), lines) &&
    entries.every((entry) => !places.has(entry.id) || entry.invoice_line_id === places.get(entry.id))
  const head = organization && headOf(tx, desk, organization)
  const rev = same ? held.rev : held.rev + 1
  await tx`
    update invoices set ${tx({ ...head, ...totalColumns(tx, totals), unpriced, rev })}
    where id = ${held.id} and status = 'draft'`
  if (!same) {
    await clearLines(tx, before)
    const ids = await writeLines(tx, held.id, lines)
    for (const [n, line] of lines.entries())
      await putOn(
        tx,
        ids[n]!,
        line.entries.map((entry) => entry.id),
      )
  }
  return { ...gathered, rev }
}

async function clearLines(tx: Tx, lines: StoredLine[]): Promise<void> {
  const ids = lines.map((line) => line.id)
  await takeOff(tx, ids)
  await tx`delete from invoice_lines where id = any(${ids}::bigint[])`
}

function contentOf({ id: _id, position: _position, ...line }: StoredLine): Line {
  return line
}

/** Who bills whom, in words that a final invoice keeps. */
function headOf(tx: Tx, desk: Desk, organization: Organization) {
  const { billing } = organization
  const { name, address, tax_id, terms } = desk.settings.billing
  const customer: Buyer = {
    name: billing.name ?? organization.name,
    address: billing.address,
    tax_id: billing.tax_id,
    locale: organization.locale ?? desk.inboxes[0]?.locale ?? 'en',
  }
  const seller: Seller = { name, address, tax_id, terms }
  return {
    tax_mode: billing.tax_mode,
    customer: tx.json(customer as never),
    seller: tx.json(seller as never),
  }
}

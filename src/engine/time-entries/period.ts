/**
 * Months that a customer has approved (C11): nothing is added to them, and nothing of them is changed, moved or taken
 * out, until an admin opens the statement again. Whoever writes time holds the customer's months shared, whoever approves
 * or opens one holds them alone, so that none changes under the other's hands.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'

/** What time is spent on, held by the caller. */
export type Spot = { ticketId: number | null; projectId: number | null }

/**
 * Refuses what would touch an approved month: of the customer of the place, and of who approved the entry itself, wherever
 * its ticket went since.
 * @param dates local dates that an entry has, and is to have
 * @throws Refusal `period_approved`
 */
export async function requireOpenPeriod(
  tx: Tx,
  given: Spot & { dates: readonly string[]; statementId?: number | null },
): Promise<void> {
  const organizationId = await shareMonths(tx, given)
  const { dates, statementId = null } = given
  if (organizationId === null && statementId === null) return
  const [row] = await tx<{ name: string; month: string }[]>`
    select o.name, to_char(s.period_from, 'YYYY-MM') as month
    from statements s join organizations o on o.id = s.organization_id
    where s.state = 'approved' and (s.id = ${statementId} or (s.organization_id = ${organizationId} and exists (
      select from unnest(${[...dates]}::text[]) d where d::date between s.period_from and s.period_to)))
    order by s.period_from limit 1`
  if (row)
    throw new Refusal(
      'period_approved',
      `${row.name} has approved the statement of ${row.month}, so its time stays as it is. An admin can reopen it under Statements, with a reason.`,
    )
}

/** The same for an entry as it is, and for days that it is to move to. */
export const requireOpenEntry = (
  tx: Tx,
  entry: { ticket_id: number | null; project_id: number | null; local_date: string; statement_id: number | null },
  dates: readonly string[] = [],
): Promise<void> =>
  requireOpenPeriod(tx, {
    ticketId: entry.ticket_id,
    projectId: entry.project_id,
    dates: [entry.local_date, ...dates],
    statementId: entry.statement_id,
  })

/** Keeps the months of a place's customer as they are until the end of the transaction. @returns the customer, if any */
export async function shareMonths(tx: Tx, { ticketId, projectId }: Spot): Promise<number | null> {
  const [row] = await tx<{ id: number | null }[]>`
    select coalesce(t.organization_id, p.organization_id) as id
    from (select ${ticketId}::bigint as ticket_id, ${projectId}::bigint as project_id) e
    left join tickets t on t.id = e.ticket_id left join projects p on p.id = coalesce(t.project_id, e.project_id)`
  const id = row?.id ?? null
  if (id !== null) await tx`select pg_advisory_xact_lock_shared(hashtextextended(${lockOf(id)}, 0))`
  return id
}

/** For who approves a month or opens it again: nobody writes time of the customer meanwhile. */
export async function holdMonths(tx: Tx, organizationId: number): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${lockOf(organizationId)}, 0))`
}

const lockOf = (organizationId: number): string => `statements/${organizationId}`

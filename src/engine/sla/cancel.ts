/** Clocks that end without having been kept or broken (SLA K17): what was breached before stays breached. */
import type { Tx } from '../../database.ts'
import { floored } from '../../time.ts'

/** Cancels the open clocks of a ticket whose row the caller holds; the caller clears its due dates. */
export async function cancelClocks(
  tx: Tx,
  input: { ticketId: number; reason: 'merged' | 'spam' },
  now: Date,
): Promise<void> {
  await tx`
    update sla_clocks set state = 'cancelled', stopped_at = ${floored(now)}, stop_reason = ${input.reason},
      running_since = null, last_due_at = coalesce(due_at, last_due_at), due_at = null
    where ticket_id = ${input.ticketId} and state in ('running', 'paused')`
}

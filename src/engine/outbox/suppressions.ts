/** Addresses that are not written to (MAIL 8.26): added by bounces and by relays that say "no such user". */
import type { Queryable } from '../../database.ts'
import { outgoing } from '../../limits.ts'
import { after } from '../../time.ts'
import { addressKey } from './address.ts'

export type Suppression = { address: string; reason: string; evidence: string; expires_at: Date; created_at: Date }

/**
 * Suppresses exactly this address, or renews it with the newer evidence. No folding of dots, dashes or plus tags.
 * @param entry.lasts `hard` 90 days; `soft` 7 days (three soft failures over at least 72 h)
 * @param entry.evidence the server's words or the bounce, for people
 */
export async function suppress(
  tx: Queryable,
  entry: { address: string; reason: string; evidence: string; lasts: 'hard' | 'soft' },
  now: Date,
): Promise<void> {
  const expires = after(now, entry.lasts === 'hard' ? outgoing.suppression : outgoing.softSuppression)
  await tx`
    insert into suppressions (address, reason, evidence, expires_at, created_at)
    values (${addressKey(entry.address)}, ${entry.reason}, ${entry.evidence}, ${expires}, ${now})
    on conflict (address) do update set reason = excluded.reason, evidence = excluded.evidence,
      expires_at = greatest(suppressions.expires_at, excluded.expires_at)`
}

/** Lifts it: an agent's decision, or an inbound mail with a strong verdict from that address. True if there was one. */
export async function liftSuppression(tx: Queryable, address: string): Promise<boolean> {
  const { count } = await tx`delete from suppressions where address = ${addressKey(address)}`
  return count > 0
}

/**
 * Lifts it because its owner wrote, proven (8.26); not where they call our mail spam, which writing does not take back.
 * To be called before anything automatic is written to them in this transaction.
 */
export async function liftBecauseTheyWrote(tx: Queryable, address: string): Promise<void> {
  await tx`delete from suppressions where address = ${addressKey(address)} and reason <> ${COMPLAINT}`
}

/** The reason that stays until an agent decides, or its time is over (4a.10). */
export const COMPLAINT = 'its owner calls our mail spam'

/** Those of `addresses` that are suppressed now, by their key. */
export async function findSuppressed(tx: Queryable, addresses: string[], now: Date): Promise<Map<string, Suppression>> {
  if (addresses.length === 0) return new Map()
  const rows = await tx<Suppression[]>`
    select address, reason, evidence, expires_at, created_at from suppressions
    where address = any(${addresses.map(addressKey)}) and expires_at > ${now}`
  return new Map(rows.map((row) => [row.address, row]))
}

/**
 * The engine's door for mail: facts, decision, deed. The caller holds the advisory locks on the mail's Message-IDs and
 * on its sender, and finishes the mail in the same transaction.
 */
import type { Tx } from '../database.ts'
import { apply, type Done } from './receive/apply.ts'
import { decide } from './receive/decide.ts'
import { type Arrival, loadFacts } from './receive/facts.ts'
import { type Plan, traceOf } from './receive/plan.ts'
import type { Tools } from './tools.ts'

export type { Arrival } from './receive/facts.ts'
export type { Plan } from './receive/plan.ts'

export type Received = Done & { plan: Plan; trace: unknown }

/** Decides a mail and does it. Nothing is visible before the caller's transaction commits. */
export async function receive(
  tx: Tx,
  input: { arrival: Arrival; raw: { blobId: number; bytes: number }; tools: Tools },
  now: Date,
): Promise<Received> {
  const facts = await loadFacts(tx, input.arrival, input.tools, now)
  const plan = decide(input.arrival, facts, now)
  const done = await apply(tx, { ...input, plan, facts }, now)
  return { ...done, plan, trace: traceOf(plan) }
}

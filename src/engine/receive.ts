/**
 * The engine's door for mail: facts, decision, deed. The caller holds the advisory locks on the mail's Message-IDs and
 * on its sender, and finishes the mail in the same transaction.
 */
import type { Tx } from '../database.ts'
import { apply } from './receive/apply.ts'
import { decide } from './receive/decide.ts'
import type { Arrival, Facts } from './receive/facts.ts'
import { type Plan, traceOf } from './receive/plan.ts'
import type { Done } from './receive/work.ts'
import type { Tools } from './tools.ts'

export { decide } from './receive/decide.ts'
export { type Arrival, type Facts, type Known, loadFacts } from './receive/facts.ts'
export { identify } from './receive/identity.ts'
export type { Plan } from './receive/plan.ts'

export type Received = Done & { plan: Plan; trace: unknown }

/** Decides a mail and prepares what is to be done; the caller runs `rows` with its own, then `rest`, and commits. */
export async function receive(
  tx: Tx,
  input: { arrival: Arrival; facts: Facts; raw: { blobId: number; bytes: number }; tools: Tools },
  now: Date,
): Promise<Received> {
  const plan = decide(input.arrival, input.facts, now)
  const done = await apply(tx, { ...input, plan }, now)
  return { ...done, plan, trace: traceOf(plan) }
}

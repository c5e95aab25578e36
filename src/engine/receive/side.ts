/** The answer of somebody who was asked on the side (MAIL 5.9, purpose `q`): for agents' eyes, and nothing else. Pure. */
import type { Candidate } from '../thread.ts'
import { forAgents, reason } from './endings.ts'
import type { Plan } from './plan.ts'

/**
 * An internal comment, whoever wrote it and whatever kind of mail it is: no status changes, no clock starts, nobody takes
 * part in the ticket because of it, and no later mail of theirs is let in as a customer's.
 */
export const sideAnswer = (plan: Plan, ticket: Candidate): Plan =>
  forAgents(plan, ticket.id, [
    reason('comment', `it belongs to ticket #${ticket.id} (side)`),
    reason('side_answer', 'it answers a side question: shown to agents only'),
  ])

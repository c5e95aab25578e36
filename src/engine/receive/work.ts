/** What carrying a plan out is given, and what it hands back. Types only. */
import type { Statement } from '../../database.ts'
import type { Confirmed } from '../../incoming.ts'
import type { LetIn } from '../commands/command.ts'
import type { Tools } from '../tools.ts'
import type { Arrival, Facts } from './facts.ts'
import type { Plan, Reason } from './plan.ts'

export type Work = { plan: Plan; arrival: Arrival; facts: Facts; tools: Tools; raw: { blobId: number; bytes: number } }

/** What becomes of it; `reasons` are those that only doing it could tell, such as a spent budget. */
export type Done = {
  ticketId: number | null
  commentId: number | null
  reasons: Reason[]
  /** An acknowledgement is among `rows`: the deliverer is to be woken after the commit. */
  acknowledged: boolean
  /** How it ended, where that is not what the plan says: an agent's mail that could not be carried out is held. */
  state?: Plan['state']
  /** Held mails that are to be worked on once more: their agent's, or let in by somebody who may. */
  releases?: ({ mail: number; confirmed: Confirmed } | LetIn)[]
  /** To be run by the caller, together with its own. */
  rows: Statement[]
  /** What is rare and needs the rows; to be called after them. */
  rest(): Promise<void>
}

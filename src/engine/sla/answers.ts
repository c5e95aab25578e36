/** Public answers inside their undo window (F3): they stop a clock when it ends, unless they were taken back. */
import type { Tx } from '../../database.ts'

/** The answer counts from `at` on. The comment is there, the ticket's row is the caller's. */
export async function awaitAnswer(
  tx: Tx,
  answer: { ticketId: number; commentId: number; agentId: number },
  at: Date,
): Promise<void> {
  await tx`
    insert into sla_answers (comment_id, ticket_id, agent_id, at)
    values (${answer.commentId}, ${answer.ticketId}, ${answer.agentId}, ${at})`
}

/** Some of a ticket's comments are another's now, and answers among them that wait (MAIL 6.8). */
export async function moveAnswersOf(tx: Tx, commentIds: number[], to: number): Promise<void> {
  await tx`update sla_answers set ticket_id = ${to} where comment_id = any(${commentIds}::bigint[])`
}

/** Answers that wait go with their comments to another ticket (MAIL 6.13). */
export async function moveAnswers(tx: Tx, from: number, to: number): Promise<void> {
  await tx`update sla_answers set ticket_id = ${to} where ticket_id = ${from}`
}

/** What an agent's public answer makes of the status of a ticket (FEATURES 2.26), however it was given. */
import type { Desk } from '../desk.ts'
import type { Status } from '../tables.ts'

/**
 * Whoever works on it waits for the customer from then on, unless its project says that its tickets stay open. What
 * waits already or is done stays so: an agent said that, and an answer does not know better. Pure.
 */
export function afterAnswer(
  ticket: { status: Status; projectId: number },
  { projects }: Pick<Desk, 'projects'>,
): Status {
  if (ticket.status !== 'new' && ticket.status !== 'open') return ticket.status
  const project = [...projects.values()].find((one) => one.id === ticket.projectId)
  return project?.after_answer ?? 'waiting_customer'
}

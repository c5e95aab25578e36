/** What time is spent on: a ticket, or a project as such. */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Desk } from '../desk.ts'
import { lockTicket } from '../tickets.ts'

/** A project by its key. */
export type Place = { ticketId: number; project?: undefined } | { project: string; ticketId?: undefined }

export type Found = { ticketId: number | null; projectId: number | null; priority: string; billable: boolean }

/**
 * The place with its row held, and what an entry there begins with: the priority, frozen now (T1), and whether it is
 * billed.
 * @throws Refusal `unknown_ticket`, `merged_ticket`, `unknown_project`
 */
export async function placeOf(tx: Tx, place: Place, desk: Desk): Promise<Found> {
  if (place.ticketId === undefined) {
    const project = desk.projects.get(place.project)
    if (!project) throw new Refusal('unknown_project', `There is no project "${place.project}".`)
    return { ticketId: null, projectId: project.id, priority: 'normal', billable: project.billable }
  }
  const ticket = await lockTicket(tx, place.ticketId)
  const project = [...desk.projects.values()].find((one) => one.id === ticket.project_id)
  return { ticketId: ticket.id, projectId: null, priority: ticket.priority, billable: project?.billable ?? true }
}

/** What queues there are, and by what they can be ordered. */
import type { QueueOrder } from '../../engine/tables.ts'

/** The named queues, in the order of the side bar. A queue is a filter, never a column. */
export const QUEUES = [
  { name: 'open', label: 'All open', empty: 'No open tickets. A mail to one of your inboxes makes one.' },
  { name: 'unassigned', label: 'Unassigned', empty: 'Every open ticket has somebody.' },
  { name: 'mine', label: 'Mine', empty: 'Nothing is assigned to you.' },
  { name: 'teams', label: 'My teams', empty: 'Your teams have no open tickets.' },
  { name: 'waiting', label: 'Waiting for customer', empty: 'No ticket waits for a customer.' },
  { name: 'resolved', label: 'Resolved', empty: 'Nothing was resolved lately.' },
] as const

/** By what an agent can have open tickets ordered. */
export const ORDERS = [
  { name: 'due', label: 'Next due' },
  { name: 'first_response', label: 'Time left to answer' },
  { name: 'resolution', label: 'Time left to solve' },
  { name: 'created', label: 'Age' },
] as const satisfies { name: QueueOrder; label: string }[]

export type QueueName = (typeof QUEUES)[number]['name']

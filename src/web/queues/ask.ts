/** What a queue's address asks for, read alike by the page and by the stream that tells when the page has changed. */
import { createHash } from 'node:crypto'
import { isOrder } from '../../engine/people/order.ts'
import type { QueueOrder } from '../../engine/tables.ts'
import type { SignedIn } from '../context.ts'
import { parseCursor, type QueueQuery } from './list.ts'
import { QUEUES, type QueueName } from './names.ts'

/** The query of an address, of the page or of its stream. */
export type Asked = (name: 'project' | 'order' | 'after' | 'before') => string | undefined

/** The queue of this name, or null when there is none. */
export const findQueue = (name: string | undefined) => QUEUES.find((one) => one.name === name) ?? null

/** A page of a queue as an agent sees it; a project, order or place that is unknown changes nothing. */
export function queueQuery(
  asked: Asked,
  given: { queue: QueueName; agent: Pick<SignedIn, 'id' | 'order'>; projects: { id: number; key: string }[] },
): QueueQuery {
  const project = given.projects.find((one) => one.key === asked('project'))
  return {
    queue: given.queue,
    agentId: given.agent.id,
    order: orderOf(asked) ?? given.agent.order,
    projectId: project?.id ?? null,
    after: parseCursor(asked('after')),
    before: parseCursor(asked('before')),
  }
}

/** The order that an address names; null: the agent's own. */
export function orderOf(asked: Asked): QueueOrder | null {
  const order = asked('order')
  return isOrder(order) ? order : null
}

/** A word that differs when what a page shows differs, time passing aside. */
export const markOf = (shown: unknown): string =>
  createHash('sha256').update(JSON.stringify(shown)).digest('base64url').slice(0, 16)

/** The address of the stream that tells when a page shows something else than `mark`. */
export function streamPath(queue: QueueName, asked: Asked, mark: string): string {
  const query = new URLSearchParams({ queue })
  for (const name of ['project', 'order', 'after', 'before'] as const) if (asked(name)) query.set(name, asked(name)!)
  query.set('since', mark)
  return `/queues/events?${query}`
}

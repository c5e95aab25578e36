/**
 * The stream by which an open queue learns that it is out of date (server-sent events). It carries no ticket: the
 * browser asks for its page again, so what it shows is always a page that a reload would show too.
 */
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { live as limits } from '../../limits.ts'
import type { Env, Pages, Web } from '../context.ts'
import { findQueue, queueQuery } from './ask.ts'
import { listProjects } from './list.ts'
import { startWatch } from './watch.ts'

/** `/queues/events`, an event `change` within two seconds of each change of the page that its query names. */
export function livePages(web: Web): Pages {
  const watch = startWatch(web)
  const open = new Map<number, number>()
  return new Hono<Env>().get('/queues/events', async (c) => {
    const agent = c.get('agent')
    const { sessionId } = agent
    const queue = findQueue(c.req.query('queue'))
    if (!queue) return c.notFound()
    if (c.req.method === 'HEAD') return c.body(null) // nobody would read the stream, or end it
    const projects = await listProjects(web.sql)
    const query = queueQuery((name) => c.req.query(name), { queue: queue.name, agent, projects })
    const streams = open.get(sessionId) ?? 0
    if (streams >= limits.streams) return c.text('Too many pages of this sign-in are open.', 429)
    open.set(sessionId, streams + 1)
    const watching = watch(query, c.req.header('last-event-id') || c.req.query('since') || '')
    const answer = streamSSE(c, async (stream) => {
      stream.onAbort(watching.end)
      // A browser comes again by itself; a sign-in that was ended meanwhile is then refused.
      const until = performance.now() + limits.life
      try {
        await stream.write(`retry: ${limits.retry}\n\n`)
        while (!stream.aborted && performance.now() < until) {
          const mark = await watching.next(limits.heartbeat)
          if (mark === null) await stream.write(': still here\n\n')
          else await stream.writeSSE({ event: 'change', id: mark, data: queue.name })
        }
      } finally {
        watching.end()
        const left = open.get(sessionId)! - 1
        if (left > 0) open.set(sessionId, left)
        else open.delete(sessionId)
      }
    })
    answer.headers.set('Cache-Control', 'no-store')
    answer.headers.set('X-Accel-Buffering', 'no') // nginx would hold events back
    return answer
  }) as Pages
}

/**
 * Looks whether open pages still show what the database holds: one look for the whole process every two seconds,
 * however many browsers wait, and none while nobody does. Nothing is sent by those who change tickets, so taking mail
 * costs the same with and without open pages. A snapshot that has not moved means that nothing was committed; where it
 * moved, each page that somebody looks at is read once more and compared.
 */
import { wordsOf } from '../../errors.ts'
import { live as limits } from '../../limits.ts'
import type { Web } from '../context.ts'
import { markOf } from './ask.ts'
import { listQueue, type QueueQuery } from './list.ts'

export type Watching = {
  /**
   * Waits until the page shows something else than was last told, for at most `milliseconds`.
   * @returns the mark of what it shows now, or null when the time is over or watching has ended
   */
  next(milliseconds: number): Promise<string | null>
  end(): void
}

type View = { query: QueueQuery; mark: string | null; wakes: Set<() => void> }

/** `watch(query, seen)` looks at a page until its `end`; `seen` is the mark that the browser has. */
export function startWatch(web: Pick<Web, 'sql' | 'log'>): (query: QueueQuery, seen: string) => Watching {
  const views = new Map<string, View>()
  let running = false
  let snapshot: string | null = null
  let failing = false

  const look = async () => {
    // Read before the pages: what is committed while they are read moves the next one.
    const [row] = await web.sql`select pg_current_snapshot()::text as snapshot`
    for (const view of views.values()) {
      if (view.mark !== null && row!.snapshot === snapshot) continue
      const mark = markOf(await listQueue(web.sql, view.query))
      if (mark === view.mark) continue
      view.mark = mark
      for (const wake of view.wakes) wake()
    }
    snapshot = row!.snapshot
  }
  const turn = async () => {
    try {
      await look()
      failing = false
    } catch (error) {
      if (!failing && views.size > 0) web.log.warn('live_failed', { words: wordsOf(error) })
      failing = true
    }
    running = views.size > 0
    if (running) setTimeout(turn, limits.poll).unref()
  }
  return (query, seen) => {
    const key = JSON.stringify(query)
    const view = views.get(key) ?? { query, mark: null, wakes: new Set() }
    views.set(key, view)
    if (!running) {
      running = true
      setTimeout(turn, 0).unref()
    }
    return watching(view, seen, () => {
      if (view.wakes.size === 0 && views.get(key) === view) views.delete(key)
    })
  }
}

function watching(view: View, first: string, left: () => void): Watching {
  let seen = first
  let ended = false
  let rouse = () => {}
  const wake = () => rouse()
  view.wakes.add(wake)
  const news = () => view.mark !== null && view.mark !== seen
  return {
    async next(milliseconds) {
      if (!ended && !news()) {
        const waited = Promise.withResolvers<void>()
        rouse = waited.resolve
        const timer = setTimeout(waited.resolve, milliseconds)
        timer.unref()
        await waited.promise
        clearTimeout(timer)
      }
      if (ended || !news()) return null
      seen = view.mark!
      return seen
    },
    end() {
      ended = true
      view.wakes.delete(wake)
      rouse()
      left()
    },
  }
}

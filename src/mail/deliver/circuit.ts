/** The relay's health in this daemon: after trouble nothing is sent for a while, then one mail tries (MAIL 8.23). */
import { outgoing } from '../../limits.ts'

export type Circuit = {
  /** Whether mail may go now. */
  closed(now: Date): boolean
  /** One at a time until the relay has taken something again. */
  lanes(most: number): number
  /** Opens it; returns when it closes again, and how many troubles in a row this is. */
  trip(trouble: 'down' | 'throttled' | 'quiet', now: Date): { until: Date; inARow: number }
  /** The relay works. True when it did not before, or nobody knew. */
  healthy(): boolean
}

/** @param pauses milliseconds, growing; the last one repeats */
export function makeCircuit(pauses: readonly number[] = outgoing.circuit): Circuit {
  let inARow = 0
  let until = 0
  let known = false
  return {
    closed: (now) => now.getTime() >= until,
    lanes: (most) => (inARow > 0 ? 1 : most),
    trip(trouble, now) {
      const pause = pauses[Math.min(inARow, pauses.length - 1)]!
      inARow++
      // several lanes may meet the same trouble: the longest pause holds
      until = Math.max(until, now.getTime() + (trouble === 'throttled' ? Math.max(pause, outgoing.throttled) : pause))
      return { until: new Date(until), inARow }
    },
    healthy() {
      const news = inARow > 0 || !known
      inARow = 0
      until = 0
      known = true
      return news
    },
  }
}

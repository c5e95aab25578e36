/** Numbers that a seed decides: the same seed, the same mails on every machine. */
import { seeded } from '../random.ts'

export type Random = {
  /** A whole number from 0 to below `end`. */
  below(end: number): number
  /** True about `share` of the time. */
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
}

export function startRandom(seed: number): Random {
  const next = seeded(seed)
  const below = (end: number) => Math.floor(next() * end)
  return { below, chance: (share) => next() < share, pick: (list) => list[below(list.length)]! }
}

/** Numbers that a seed decides: the same seed, the same mails on every machine. */

export type Random = {
  /** A whole number from 0 to below `end`. */
  below(end: number): number
  /** True about `share` of the time. */
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
}

export function startRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (end: number) => Math.floor(next() * end)
  return { below, chance: (share) => next() < share, pick: (list) => list[below(list.length)]! }
}

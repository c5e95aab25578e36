/** Integer arithmetic of bills: no float ever holds money or a share of it (SLA U3). */

/** `n / d` rounded to the nearest integer, halves away from zero (SLA I1, I2); `d` is above zero. */
export function divideHalfUp(n: bigint, d: bigint): bigint {
  return n < 0n ? -divideHalfUp(-n, d) : (2n * n + d) / (2n * d)
}

/** A bigint as a number. Throws RangeError beyond 2^53, rather than bend an amount. */
export function exact(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is too large an amount`)
  return number
}

/**
 * Cuts `total` into one share for each weight, in proportion, so that the shares sum to it exactly. Without any weight
 * the first share is all of it.
 */
export function shares(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + BigInt(weight), 0n)
  if (sum === 0n) return weights.map((_weight, n) => (n === 0 ? total : 0))
  let [weighed, given] = [0n, 0n]
  return weights.map((weight) => {
    weighed += BigInt(weight)
    const until = divideHalfUp(BigInt(total) * weighed, sum)
    const share = until - given
    given = until
    return exact(share)
  })
}

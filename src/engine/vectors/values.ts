/** What vectors are written in: instants, whole seconds, and the words of a difference. */

/** Epoch seconds of `YYYY-MM-DDTHH:MM:SSZ`; throws TypeError for anything else. */
export function instant(value: unknown): number {
  const isInstant = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)
  const at = isInstant ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw new TypeError(`${JSON.stringify(value)} is not an instant YYYY-MM-DDTHH:MM:SSZ`)
  return at / 1000
}

/** Throws TypeError for anything but an integer. */
export function whole(value: unknown): number {
  if (!Number.isInteger(value)) throw new TypeError(`${JSON.stringify(value)} is not a whole number of seconds`)
  return value as number
}

/**
 * Where what was computed is not what was expected, the first few places; null when it is. Keys that are computed and
 * not expected do not count.
 */
export function differenceOf(computed: unknown, expected: unknown): string | null {
  const places: string[] = []
  compare(computed, expected, '', places)
  return places.length === 0 ? null : places.slice(0, 5).join('; ')
}

function compare(computed: unknown, expected: unknown, path: string, places: string[]): void {
  if (typeof expected !== 'object' || expected === null) {
    if ((computed ?? null) !== expected)
      places.push(`${path} ${JSON.stringify(computed ?? null)}, expected ${JSON.stringify(expected)}`)
    return
  }
  if (Array.isArray(expected) && (!Array.isArray(computed) || computed.length !== expected.length)) {
    places.push(`${path} has ${Array.isArray(computed) ? computed.length : 'no'} rows, expected ${expected.length}`)
    return
  }
  for (const [key, value] of Object.entries(expected))
    compare((computed as Record<string, unknown> | null)?.[key], value, path === '' ? key : `${path}.${key}`, places)
}

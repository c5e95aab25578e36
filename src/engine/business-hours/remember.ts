/** A map that keeps its most recently used entries. It owns eviction, nothing else. */

/** The value under `key`, made at the first use; the least recently used entry leaves when `most` is exceeded. */
export function remember<Key, Value>(kept: Map<Key, Value>, key: Key, most: number, make: () => Value): Value {
  const found = kept.get(key)
  if (found !== undefined) {
    kept.delete(key)
    kept.set(key, found)
    return found
  }
  const made = make()
  kept.set(key, made)
  if (kept.size > most) kept.delete(kept.keys().next().value as Key)
  return made
}

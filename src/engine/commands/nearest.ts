/**
 * Names that somebody may have meant: by edit distance, and by what the same keys write on a Russian or Ukrainian
 * keyboard, since `сдщыу` is `close` with the other layout on. Pure.
 */

/** The nearest first; none is better than one that nobody meant. */
export function nearest(word: string, known: Iterable<string>): string[] {
  const given = word.toLowerCase()
  const forms = new Set([given, mapped(given, TO_LATIN), ...TO_CYRILLIC.map((map) => mapped(given, map))])
  const scored: { name: string; distance: number }[] = []
  for (const name of new Set(known)) {
    const distance = Math.min(...[...forms].map((form) => distanceOf(form, name)))
    const isPart = given.length >= 3 && name.startsWith(given)
    if (isPart || distance <= allowedFor(name))
      scored.push({ name, distance: isPart ? Math.min(distance, 1.5) : distance })
  }
  scored.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return scored.map((one) => one.name)
}

/** One slip in four characters. */
const allowedFor = (name: string) => (name.length < 3 ? 0 : name.length < 6 ? 1 : 2)

/** Insertions, deletions, substitutions and swapped neighbours; long words are no slip of a short name. */
function distanceOf(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 9
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, n) => n)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1)
      row.push(best)
    }
    before = above
    above = row
  }
  return above[b.length]!
}

const LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
const RUSSIAN = 'йцукенгшщзхъфывапролджэячсмитьбю'
const UKRAINIAN = 'йцукенгшщзхїфівапролджєячсмитьбю'

const keysOf = (from: string, to: string) => new Map([...from].map((letter, n) => [letter, to[n]!]))
const TO_LATIN = new Map([...keysOf(RUSSIAN, LATIN), ...keysOf(UKRAINIAN, LATIN)])
const TO_CYRILLIC = [keysOf(LATIN, RUSSIAN), keysOf(LATIN, UKRAINIAN)]

const mapped = (word: string, keys: Map<string, string>) =>
  [...word].map((letter) => keys.get(letter) ?? letter).join('')

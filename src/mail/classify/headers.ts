/** Header look-up by lower-case name over the ordered pairs of an IncomingMail. */

export type HeaderLookup = {
  /** First value, null when absent. */
  first(key: string): string | null
  all(key: string): string[]
  has(key: string): boolean
  keys(): Iterable<string>
}

/** Builds the look-up once a mail; keys are asked for in lower case. */
export function headersOf(headers: [string, string][]): HeaderLookup {
  const byKey = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const values = byKey.get(key)
    if (values) values.push(value)
    else byKey.set(key, [value])
  }
  return {
    first: (key) => byKey.get(key)?.[0] ?? null,
    all: (key) => byKey.get(key) ?? [],
    has: (key) => byKey.has(key),
    keys: () => byKey.keys(),
  }
}

/** The values of Precedence and of its spelling with an X. */
export const precedences = (headers: HeaderLookup): string[] =>
  [...headers.all('precedence'), ...headers.all('x-precedence')].map((value) => value.trim())

/**
 * Regular expressions that admins write: RE2 syntax, run in time linear in the text (9.10). The only importer of
 * re2js. Letter case does not count unless the pattern says `(?-i)`.
 */
import { RE2JS } from 're2js'
import { wordsOf } from '../../errors.ts'
import { rules as limits } from '../../limits.ts'

export type Pattern = {
  source: string
  /** Where it first matches, and -1. */
  find(text: string): number
  /** What its first group holds at the first match, all of the match where it has no group; null where nothing matches. */
  capture(text: string): string | null
}

export type PatternFault = { cause: string; remedy: string }

/** Compiles a pattern, or says why not. */
export function compilePattern(source: string): Pattern | PatternFault {
  if (source.length > limits.pattern)
    return { cause: `the pattern is longer than ${limits.pattern} characters`, remedy: 'write several with any: [...]' }
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE)
  } catch (error) {
    return {
      cause: wordsOf(error),
      remedy: 'write RE2 syntax: no look-around, no back-references, repeats up to 1000',
    }
  }
  if (compiled.programSize() > limits.program)
    return { cause: 'the pattern unfolds to more than it may', remedy: 'make its repeats {n,m} smaller' }
  return {
    source,
    find(text) {
      // `test` runs on an automaton and is much faster than finding where; most patterns match nothing.
      if (!compiled.test(text)) return -1
      const matcher = compiled.matcher(text)
      return matcher.find() ? matcher.start() : 0
    },
    capture(text) {
      if (!compiled.test(text)) return null
      const matcher = compiled.matcher(text)
      return matcher.find() ? matcher.group(compiled.groupCount() > 0 ? 1 : 0) : null
    },
  }
}

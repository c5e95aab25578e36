/** The one error class. A Refusal is an expected "no" with words for people; everything else is a bug or an outage. */

/** Whose doing it is decides the answer at the edge: `user` 4xx/5xx.1, `config` stop at start, `outage` try again later. */
export type Fault = 'user' | 'config' | 'outage'

export class Refusal extends Error {
  /** A stable, greppable word: `unknown_recipient`, `rule_tests_failed`. */
  readonly code: string
  readonly fault: Fault

  /**
   * @param code stable machine word
   * @param words one sentence for a person: what is wrong, where, and the remedy
   */
  constructor(code: string, words: string, fault: Fault = 'user', options?: ErrorOptions) {
    super(words, options)
    this.name = 'Refusal'
    this.code = code
    this.fault = fault
  }
}

/** The words of anything thrown, for logs and stored reasons. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Compile-time proof that a union was handled to its end. */
export function never(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`)
}

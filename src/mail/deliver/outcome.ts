/**
 * What a failure means and whose it is (MAIL 8.23, 8.24, 8.26, 8.27): pure. The phase decides first, then the code,
 * then the few texts by which providers say "too much" where they mean the sender and not the recipient.
 */

/** How far the transaction had come. `body` begins with the first byte, `answer` with the last one handed over. */
export type Phase = 'connect' | 'mail' | 'rcpt' | 'data' | 'body' | 'answer'

export type Failure = {
  phase: Phase
  /** Three digits, or null: no answer, a lost connection, a time-out. */
  code: number | null
  /** The server's words, or ours where there are none. */
  words: string
}

export type Outcome =
  /** The relay's trouble: nothing is sent for a while and nobody is blamed. `quiet`: not worth a notice yet. */
  | { kind: 'relay'; trouble: 'down' | 'throttled' | 'quiet' }
  | { kind: 'deferred' }
  | { kind: 'failed'; noSuchUser: boolean }
  | { kind: 'uncertain' }

/** Judges one failed try. */
export function judge({ phase, code, words }: Failure): Outcome {
  if (phase === 'connect') return { kind: 'relay', trouble: code === 421 ? 'quiet' : 'down' }
  if (code === null) return judgeSilence(phase)
  const enhanced = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(words)?.[0] ?? ''
  if (isThrottle(code, enhanced, words)) return { kind: 'relay', trouble: 'throttled' }
  if (code === 421) return { kind: 'relay', trouble: 'quiet' }
  if (phase === 'mail' && !isTooLarge(code, enhanced)) return { kind: 'relay', trouble: code >= 500 ? 'down' : 'quiet' }
  if (code < 500) return { kind: 'deferred' }
  return { kind: 'failed', noSuchUser: phase === 'rcpt' && isNoSuchUser(code, enhanced, words) }
}

/** Before the body the relay is to blame; in it perhaps this mail; after it nobody knows. */
function judgeSilence(phase: Phase): Outcome {
  if (phase === 'answer') return { kind: 'uncertain' }
  return phase === 'body' ? { kind: 'deferred' } : { kind: 'relay', trouble: 'down' }
}

/** 8.27; greylisting often says 450 4.7.1 and means this recipient. */
function isThrottle(code: number, enhanced: string, words: string): boolean {
  if ([421, 450, 454].includes(code) && enhanced.startsWith('4.7.')) return !/gr[ae]y-?\s?list/i.test(words)
  if (code === 550 && enhanced === '5.4.5') return true // Gmail: daily limit
  if (code === 554 && enhanced === '5.2.0') return /quota|limit|exceed/i.test(words) // Microsoft 365
  return code === 550 && /^5\.(?:1\.8|7\.[57]\d\d)$/.test(enhanced) // Microsoft 365: sender blocked
}

/** The one refusal at MAIL that is about the mail: its SIZE (RFC 1870). */
const isTooLarge = (code: number, enhanced: string) => code === 552 || enhanced === '5.3.4'

function isNoSuchUser(code: number, enhanced: string, words: string): boolean {
  if (![550, 551, 553].includes(code)) return false
  if (/^5\.1\.(?:1|2|3|6|10)$/.test(enhanced)) return true
  return enhanced === '' && /(?:no such|unknown) (?:user|recipient|mailbox)|user (?:unknown|not found)/i.test(words)
}

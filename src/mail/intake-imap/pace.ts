/** How long to wait before the next connection (2.10). Pure. */
import type { ImapLimits } from './mailbox.ts'

/** What went wrong last: `login` is the server's no to who we are, `lost` everything else. */
export type Failure = 'lost' | 'login'

/**
 * @param failures in a row, at least 1
 * @param random from 0 to 1; many mailboxes on one server must not come back in step
 * @returns milliseconds
 */
export function pause(limits: ImapLimits, given: { failure: Failure; failures: number; random: number }): number {
  const { failure, failures, random } = given
  if (failure === 'login')
    return limits.authBackoff[Math.min(failures, limits.authBackoff.length) - 1] ?? limits.backoffCap
  const doubled = limits.backoff * 2 ** Math.min(failures - 1, 20)
  return Math.min(limits.backoffCap, Math.round(doubled * (0.8 + 0.4 * random)))
}

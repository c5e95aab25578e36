/** What one line of a delivery report means for us (4a.6). Pure. In doubt it is `policy`: shown, and nobody suppressed. */
import type { ReportedRecipient } from '../../incoming.ts'

export type BounceOutcome = 'hard' | 'soft' | 'policy' | 'delayed' | 'delivered'

/** No such mailbox or domain, not even tomorrow (RFC 3463). */
const HARD = /^5\.(?:1\.(?:1|2|3|6|10)|2\.1|4\.(?:1|4))$/
/** Full, or given up after days. */
const SOFT = /^(?:4\.\d+\.\d+|5\.2\.2|5\.4\.7)$/
/** Refused for what we are or what the mail is: 8.27 names those that are about the sender. */
const POLICY = /^5\.(?:7\.\d+|6\.\d+|3\.4|2\.3|4\.5|1\.8)$/
const GENERIC = /^[245]\.0\.0$/

const NO_SUCH_USER =
  /\b(?:no such|unknown|invalid) (?:user|recipient|mailbox|address)|\b(?:user|recipient|mailbox|address)\b.{0,40}\b(?:unknown|not found|unavailable|does(?: not|n't) exist|rejected as unknown)|\bno mailbox (?:here )?by that name|\bcouldn't be found|\bcould not be found/i

/** The outcome for one recipient. A refusal for policy in either code wins over the other code. */
export function outcomeOf({ action, status, diagnostic }: ReportedRecipient): BounceOutcome {
  if (action === 'delayed') return 'delayed'
  if (action === 'delivered' || action === 'relayed' || action === 'expanded') return 'delivered'
  const said = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(diagnostic ?? '')?.[0] ?? null
  const codes = [status, said].filter((code) => code !== null && !GENERIC.test(code)) as string[]
  if (codes.some((code) => POLICY.test(code))) return 'policy'
  if (codes.some((code) => HARD.test(code))) return 'hard'
  if (codes.some((code) => SOFT.test(code))) return 'soft'
  if (codes.length > 0) return 'policy'
  if (status?.startsWith('4.')) return 'soft'
  return NO_SUCH_USER.test(diagnostic ?? '') && !/\b4\d\d\b/.test(diagnostic ?? '') ? 'hard' : 'policy'
}

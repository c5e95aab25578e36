/**
 * What the server in front of us thinks of a mail (4a.27). Only its own words count: they stand above the first Received
 * that is not its own, and a mail straight from a stranger carries none.
 */
import type { IncomingMail, ParsedMail } from '../../incoming.ts'
import { registrable } from '../authenticate/results.ts'
import type { Trust } from '../authenticate/trust.ts'
import type { Envelope } from '../spool.ts'

/** The mark in words, or null. A mail that waits in a Junk folder is marked by lying there. */
export function spamMark(
  trust: Pick<Trust, 'authservIdOf' | 'isRelay'>,
  { envelope, mail }: { envelope: Envelope; mail: ParsedMail },
): string | null {
  if (mail.error !== null) return null
  if ((envelope.session as { junk?: boolean }).junk) return 'it lay in the Junk folder'
  const { ip } = envelope.session
  if (envelope.via === 'mx' && !(ip && trust.isRelay(ip))) return null
  return markIn(trustedHeaders(mail, trust.authservIdOf(envelope)))
}

/**
 * The header fields that the trusted hops wrote, topmost first. Whoever handed the mail over wrote the topmost Received,
 * so its servers are those under the same registrable domain; or under the configured one, where there is one.
 */
export function trustedHeaders(mail: IncomingMail, authservId: string | null): [string, string][] {
  let own = authservId === null || !authservId.includes('.') ? null : registrable(authservId)
  const end = mail.headers.findIndex(([name, value]) => {
    if (name.toLowerCase() !== 'received') return false
    const by = /\bby\s+([^\s;()]+)/i.exec(value.slice(0, 2000))?.[1]?.toLowerCase() ?? ''
    if (by === '' || !by.includes('.') || /^\[?[\d.:a-f]+\]?$/.test(by)) return false // handed on within one machine
    own ??= registrable(by)
    return registrable(by) !== own
  })
  return end < 0 ? mail.headers : mail.headers.slice(0, end)
}

const MARKS: [name: string, pattern: RegExp][] = [
  ['x-spam-flag', /^yes\b/i],
  ['x-spam-status', /^yes\b/i],
  ['x-spam', /^yes\b/i],
  ['x-rspamd-action', /^(?:reject|add[ _]header)\b/i],
  ['x-ses-spam-verdict', /^fail\b/i],
  ['x-ms-exchange-organization-scl', /^[5-9]\b/],
  ['x-microsoft-antispam', /\bSFV:SPM\b/i],
  ['x-forefront-antispam-report', /\bSFV:SPM\b/i],
]

/** The topmost of each name counts. */
function markIn(headers: [string, string][]): string | null {
  for (const [name, pattern] of MARKS) {
    const found = headers.find(([key]) => key.toLowerCase() === name)
    if (found && pattern.test(found[1].trim())) return `${found[0]}: ${found[1].trim().slice(0, 60)}`
  }
  return null
}

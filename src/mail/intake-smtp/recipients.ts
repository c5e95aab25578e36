/**
 * Whom the listeners take mail for (1.7, 1.8, 1.15). The desk says which inbox an address belongs to; here stands what
 * only the wire knows: quoted local parts, the postmaster without a domain, and signed addresses whatever separators
 * the desk has chosen for itself.
 */
import { domainToASCII } from 'node:url'
import type { Desk } from '../../engine/desk.ts'
import { matchRecipient, servedDomains } from '../../engine/recipients.ts'
import { looksSigned } from '../../tokens.ts'

export type Served = {
  /** The key of the inbox, and what followed the separator; null: not ours, or nobody. */
  match(address: string): { inbox: string; tag: string | null } | null
  /** As A-labels: an address elsewhere is a relay attempt. */
  domains: ReadonlySet<string>
}

/** What a version of the desk serves. */
export function servedBy(desk: Desk): Served {
  return {
    domains: servedDomains(desk),
    match(address) {
      const found = find(desk, unquoted(address))
      return found && { inbox: found.inbox.key, tag: found.tag }
    },
  }
}

/** The domain of an address as an A-label, '' where there is none. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@')
  return at < 0
    ? ''
    : domainToASCII(
        address
          .slice(at + 1)
          .toLowerCase()
          .replace(/\.$/, ''),
      )
}

/** For comparing two addresses: without case, the domain as an A-label. */
export const comparable = (address: string): string => {
  const bare = unquoted(address)
  return `${bare.slice(0, Math.max(0, bare.lastIndexOf('@'))).toLowerCase()}@${domainOf(bare)}`
}

function find(desk: Desk, address: string) {
  // RFC 5321 4.5.1: "postmaster" alone is a recipient that every server has
  if (address.toLowerCase() === 'postmaster') return desk.inboxes[0] ? { inbox: desk.inboxes[0], tag: null } : null
  const found = matchRecipient(desk, address)
  const cut = address.toLowerCase().lastIndexOf('+r')
  if (found || cut < 0 || !looksSigned(address)) return found
  const base = matchRecipient(desk, address.slice(0, cut) + address.slice(address.lastIndexOf('@')))
  return base && { inbox: base.inbox, tag: address.slice(cut + 1, address.lastIndexOf('@')) }
}

/** `"support"@desk.example` is `support@desk.example` (RFC 5321 4.1.2). */
function unquoted(address: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"(@.*)$/s.exec(address)
  return quoted ? quoted[1]!.replace(/\\(.)/gs, '$1') + quoted[2]! : address
}

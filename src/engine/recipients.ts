/** Which inbox an address belongs to (MAIL 1.7, 1.8, 1.15): the address, an alias, either with a tag, or a role box. */
import { domainToASCII } from 'node:url'
import type { Desk, Inbox } from './desk.ts'

/** `tag` is what followed the separator, in the case it was written in; null when nothing did. */
export type Match = { inbox: Inbox; tag: string | null }

const ROLES = ['postmaster', 'abuse']

/**
 * The inbox that serves an address, or null. Case does not matter, domains are compared as A-labels, and whatever
 * follows a separator is a tag: a signed address, valid or broken, belongs to its base.
 */
export function matchRecipient(desk: Desk, address: string): Match | null {
  const at = address.lastIndexOf('@')
  if (at < 1) return null
  const local = address.slice(0, at)
  const domain = domainToASCII(
    address
      .slice(at + 1)
      .toLowerCase()
      .replace(/\.$/, ''),
  )
  const { exact, domains } = doors(desk)
  const whole = exact.get(`${local.toLowerCase()}@${domain}`)
  if (whole) return { inbox: whole, tag: null }
  for (let cut = 1; cut < local.length; cut++) {
    if (!desk.settings.separators.includes(local[cut]!)) continue
    const inbox = exact.get(`${local.slice(0, cut).toLowerCase()}@${domain}`)
    if (inbox) return { inbox, tag: local.slice(cut + 1) }
  }
  return ROLES.includes(local.toLowerCase()) && domains.has(domain) ? { inbox: desk.inboxes[0]!, tag: null } : null
}

/** The domains that the desk serves, as A-labels. */
export const servedDomains = (desk: Desk): ReadonlySet<string> => doors(desk).domains

type Doors = { exact: Map<string, Inbox>; domains: Set<string> }
const known = new WeakMap<Desk, Doors>()

/** Every address of a desk version, indexed once. */
function doors(desk: Desk): Doors {
  let found = known.get(desk)
  if (!found) {
    const exact = new Map(
      desk.inboxes.flatMap((inbox) => [inbox.address, ...inbox.aliases].map((one) => [one.toLowerCase(), inbox])),
    )
    found = { exact, domains: new Set([...exact.keys()].map((one) => one.slice(one.lastIndexOf('@') + 1))) }
    known.set(desk, found)
  }
  return found
}

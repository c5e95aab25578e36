/**
 * Which inbox an address belongs to (MAIL 1.7, 1.8, 1.15): the address, an alias, either with a tag, a signed address of
 * the subdomain (5.10), or a role box.
 */
import { domainToASCII } from 'node:url'
import { claimedInbox, replyDomain } from '../tokens.ts'
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
  const signed = signedFor(desk, local, domain)
  if (signed) return { inbox: signed, tag: local }
  return ROLES.includes(local.toLowerCase()) && domains.has(domain) ? { inbox: desk.inboxes[0]!, tag: null } : null
}

/** The domains that the desk serves, as A-labels; with those of signed addresses. */
export const servedDomains = (desk: Desk): ReadonlySet<string> => doors(desk).domains

type Doors = { exact: Map<string, Inbox>; domains: Set<string> }
const known = new WeakMap<Desk, Doors>()

/**
 * An address of the subdomain, by its shape alone: a valid or damaged one is never refused, nor one of before the desk
 * chose another form. It says for which inbox it was; else it is for the first that has such addresses.
 */
function signedFor(desk: Desk, local: string, domain: string): Inbox | null {
  if (!TOKEN.test(local)) return null
  const inboxes = desk.inboxes.filter((inbox) => domain === replyDomain(domainOf(inbox.address)))
  const claimed = claimedInbox(local)
  return (
    inboxes.find((inbox) => inbox.id === claimed) ??
    inboxes.find((inbox) => inbox.reply_addresses === 'subdomain') ??
    inboxes[0] ??
    null
  )
}

/** With room for a character that no signature has: what was mistyped is told apart later. */
const TOKEN = /^r[a-z0-9]{20,63}$/i

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

/** Every address of a desk version, indexed once. */
function doors(desk: Desk): Doors {
  let found = known.get(desk)
  if (!found) {
    const exact = new Map(
      desk.inboxes.flatMap((inbox) => [inbox.address, ...inbox.aliases].map((one) => [one.toLowerCase(), inbox])),
    )
    const replies = desk.inboxes.filter((inbox) => inbox.reply_addresses === 'subdomain')
    found = {
      exact,
      domains: new Set([
        ...[...exact.keys()].map(domainOf),
        ...replies.map((inbox) => replyDomain(domainOf(inbox.address))),
      ]),
    }
    known.set(desk, found)
  }
  return found
}

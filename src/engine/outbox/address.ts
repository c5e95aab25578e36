/**
 * What may stand in an outgoing header or envelope (MAIL 8.17): the one gate for addresses, names, subjects and ids.
 * It refuses what cannot be written safely and never repairs an address, because a repaired address is another's.
 */
import { domainToASCII } from 'node:url'
import { Refusal } from '../../errors.ts'

/** A person or place in a header: name unencoded. */
export type Mailbox = { name: string; address: string }

/**
 * The address with its domain as lower-case A-label; the local part stays as written.
 * @throws Refusal `bad_address`: not dot-atom@domain, a second `@`, a quoted local part, non-ASCII before the `@`,
 * a domain literal, CR, LF or NUL, or longer than RFC 5321 4.5.3.1 allows
 */
export function checkAddress(address: string): string {
  const at = address.indexOf('@')
  const local = address.slice(0, Math.max(at, 0))
  const domain = domainOf(address.slice(at + 1))
  if (at < 1 || local.length > 64 || !DOT_ATOM.test(local) || domain === null || local.length + domain.length > 253)
    throw new Refusal('bad_address', `No mail can be sent to ${JSON.stringify(address)}: that is not an address.`)
  return `${local}@${domain}`
}

/** Whether `checkAddress` accepts it. */
export function isAddress(address: string): boolean {
  try {
    return checkAddress(address) !== ''
  } catch {
    return false
  }
}

/** The key under which suppressions and budgets know an address: case-folded, nothing else (8.26). */
export const addressKey = (address: string): string => address.toLowerCase()

/** A value for one header line: control characters, CR, LF and NUL among them, become spaces; runs shrink to one. */
export const oneLine = (value: string): string => value.replace(/[\s\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim()

/**
 * A Message-ID without its angle brackets.
 * @throws Refusal `bad_message_id`
 */
export function checkMessageId(id: string): string {
  if (!isMessageId(id)) throw new Refusal('bad_message_id', `${JSON.stringify(id)} is not a Message-ID.`)
  return id
}

/** Foreign ids that are not of this form are left out of References (8.3). */
export const isMessageId = (id: string): boolean =>
  /^[\x21-\x3b\x3d\x3f\x41-\x7e]+@[\x21-\x3b\x3d\x3f\x41-\x7e]+$/.test(id)

const ATEXT = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+"
const DOT_ATOM = new RegExp(`^${ATEXT}(?:\\.${ATEXT})*$`)
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Null when it is none. The ASCII check comes first: `domainToASCII` also drops tabs and decodes `%2e`. */
function domainOf(text: string): string | null {
  if (/[\u0000-\u0020\u007f"(),:;<>@[\\\]%/?#]/.test(text)) return null
  const domain = domainToASCII(text)
  if (domain === '' || domain.length > 253) return null
  return domain.split('.').every((label) => LABEL.test(label)) ? domain : null
}

/** Signed addresses in the form that an inbox can take (MAIL 5.7, 5.10); the one place that chooses. */
import { type Keys, signedAddress, signedSubdomainAddress, type Token } from '../../tokens.ts'
import type { Inbox } from '../desk.ts'

/** Null where the inbox signs none. Those it signed before it was told so are read all the same. */
export function signFor(keys: Keys, inbox: Pick<Inbox, 'address' | 'reply_addresses'>, token: Token): string | null {
  const form = inbox.reply_addresses
  if (form === 'off') return null
  return form === 'plus'
    ? signedAddress(keys, inbox.address, token)
    : signedSubdomainAddress(keys, inbox.address, token)
}

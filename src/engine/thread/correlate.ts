/**
 * Numbers that other systems give to their side of a conversation (MAIL 6.24). A desk that drops our headers is
 * followed by its own number, where an admin wrote a rule for it and the sender's domain is proven.
 */
import type { Auth, IncomingMail, MailAddress } from '../../incoming.ts'
import { rules as limits } from '../../limits.ts'
import type { Desk } from '../desk.ts'

/**
 * The keys of the outside tickets that a mail is about, `external/<domain>/<number>`; none without the verdict
 * `strong`. Pure. A key with a blank in front of it stands for no Message-ID that a header could carry.
 */
export function externalIds(mail: IncomingMail, from: MailAddress | null, auth: Auth, desk: Desk): string[] {
  if (!from || auth.verdict !== 'strong') return []
  if (from.address.toLowerCase() !== mail.from?.address.toLowerCase()) return [] // named by a form or a list
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1).toLowerCase()
  const address = from.address.toLowerCase()
  const ids = desk.settings.correlations.flatMap((rule) => {
    if (rule.from !== domain && rule.from !== address) return []
    const number = rule.pattern.capture(rule.in === 'subject' ? mail.subject : mail.text.slice(0, limits.text))
    return number ? [providerKey('external', domain, number.toLowerCase())] : []
  })
  return [...new Set(ids)]
}

/** A name that is stored beside Message-IDs and can be none: those hold no blanks (3.1). */
export const providerKey = (kind: 'external' | 'provider', scope: string, id: string): string =>
  `${kind} ${scope} ${id.trim().slice(0, 200)}`

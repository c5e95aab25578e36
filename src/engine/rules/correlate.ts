/** The key under which mails of one matter meet (4a.19): the sender's domain and what a rule's pattern finds. Pure. */
import type { Pattern } from './pattern.ts'

/** Null where the pattern finds nothing. With blanks in it, so that no Message-ID can be taken for one. */
export function correlationKey(pattern: Pattern, mail: { from: string; subject: string }): string | null {
  const found = pattern.capture(mail.subject.normalize('NFC'))?.trim().replace(/\s+/g, ' ').toLowerCase().slice(0, 200)
  const domain = mail.from.slice(mail.from.lastIndexOf('@') + 1).toLowerCase()
  return found && domain ? `matter ${domain} ${found}` : null
}

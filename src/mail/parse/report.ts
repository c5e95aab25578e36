/** What a report says (4a.3), from the files its parts lie in: read here, in the child, and no more than is needed. */
import type { MailReport } from '../../incoming.ts'
import { report as limits } from '../../limits.ts'
import { REPORT_PART, readReport } from '../bounce.ts'
import { bounceSender } from '../classify/bounce-words.ts'
import { headOf, type NamedPart } from './parts.ts'

/** Null for a mail that reports nothing: most. */
export function reportOf(mail: { parts: NamedPart[]; headers: [string, string][]; text: string }): MailReport | null {
  const parts = mail.parts.filter(({ part }) => REPORT_PART.test(part.type)).slice(0, limits.parts)
  return readReport(
    parts.map(({ node, part }) => ({ type: part.type, bytes: headOf(node.leaf!, limits.bytes) })),
    { headers: mail.headers, text: mail.text, looksLikeBounce: isFromDaemon(mail.headers) },
  )
}

/** Whose words are read for recipients, where no part names any (4a.1). */
function isFromDaemon(headers: [string, string][]): 'yes' | 'no' {
  const first = (key: string) => headers.find(([name]) => name.toLowerCase() === key)?.[1] ?? ''
  const local = /([^\s<>"(),:;@]{1,64})@/.exec(first('from'))?.[1]?.toLowerCase() ?? ''
  return bounceSender(local, /^\s*<\s*>/.test(first('return-path'))) === 'nobody' ? 'no' : 'yes'
}

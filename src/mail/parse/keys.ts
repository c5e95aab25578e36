/** What tells a second copy of a mail from another mail (3.2, 3.3). Hashes only; who compares them is the spool. */
import { createHash } from 'node:crypto'
import type { MailAddress } from '../../incoming.ts'

const CR = 13
const LF = 10

/** Hashes body bytes with every line end as LF and the trailing blank lines gone, however the bytes are cut. */
export function startBodyHash(): { update(chunk: Buffer): void; digest(): string } {
  const hash = createHash('sha256')
  let pending = 0 // line ends seen and not yet written: those at the very end never are
  let afterCr = false
  return {
    update(chunk) {
      const out = Buffer.allocUnsafe(chunk.length)
      let length = 0
      for (const byte of chunk) {
        if (byte === CR || (byte === LF && !afterCr)) pending++
        else if (byte !== LF) {
          while (pending > 0) {
            if (length === out.length) {
              hash.update(out.subarray(0, length))
              length = 0
            }
            out[length++] = LF
            pending--
          }
          if (length === out.length) {
            hash.update(out.subarray(0, length))
            length = 0
          }
          out[length++] = byte
        }
        afterCr = byte === CR
      }
      hash.update(out.subarray(0, length))
    },
    digest: () => hash.digest('hex'),
  }
}

/** 3.2, hex. */
export function contentKey(mail: {
  from: MailAddress | null
  dateRaw: string
  subject: string
  to: MailAddress[]
  cc: MailAddress[]
  bodySha256: string
}): string {
  const people = [...mail.to, ...mail.cc].map((entry) => entry.address).sort()
  const fields = [mail.from?.address ?? '', mail.dateRaw, mail.subject, people.join(','), mail.bodySha256]
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex')
}

/** 3.3: the text without a list's footer, case and spacing, and the files that are not text. */
export function bareHash(text: string, files: string[]): string {
  const bare = withoutListFooter(text).toLowerCase().replace(/\s+/g, ' ').trim()
  return createHash('sha256')
    .update(JSON.stringify([bare, ...files.sort()]))
    .digest('hex')
}

/** Mailman and its kin put a line of underscores in front of their footer; looked for in the last lines only. */
function withoutListFooter(text: string): string {
  const lines = text.trimEnd().split('\n')
  for (let i = lines.length - 1; i >= Math.max(0, lines.length - 15); i--) {
    if (/^_{20,200}\s*$/.test(lines[i]!)) return lines.slice(0, i).join('\n')
  }
  return text
}

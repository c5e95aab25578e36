/** What tells a second copy of a mail from another mail (3.2, 3.3). Hashes only; who compares them is the spool. */
import { createHash, hash } from 'node:crypto'
import type { MailAddress } from '../../incoming.ts'

/**
 * Hashes body bytes with every line end as LF and the trailing blank lines gone, however the bytes are cut. By one
 * regular expression a chunk: byte by byte it was a third of the time that a mail with a file took to parse.
 */
export function startBodyHash(): { update(chunk: Buffer): void; digest(): string } {
  const whole = createHash('sha256')
  let pending = 0 // line ends seen and not yet written: those at the very end never are
  let afterCr = false
  return {
    update(chunk) {
      const text = chunk.toString('latin1')
      const lines = (afterCr && text.startsWith('\n') ? text.slice(1) : text).replace(/\r\n?/g, '\n')
      if (text !== '') afterCr = text.endsWith('\r')
      let end = lines.length
      while (end > 0 && lines.charCodeAt(end - 1) === LF) end--
      if (end > 0) {
        whole.update('\n'.repeat(pending) + lines.slice(0, end), 'latin1')
        pending = 0
      }
      pending += lines.length - end
    },
    digest: () => whole.digest('hex'),
  }
}

const LF = 10

/** Characters at a time: a text of 10 MB that is half blanks would cost a hundred times that in one go. */
const STRETCH = 256 * 1024

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
  return hash('sha256', JSON.stringify(fields))
}

/** 3.3: the text without a list's footer, case and spacing, and the files that are not text. */
export function bareHash(text: string, files: string[]): string {
  const own = withoutListFooter(text).trim()
  const names = JSON.stringify(files.sort())
  if (own.length <= STRETCH) return hash('sha256', names + evened(own))
  const whole = createHash('sha256').update(names)
  for (let at = 0; at < own.length; at += STRETCH) whole.update(evened(own.slice(at, at + STRETCH)))
  return whole.digest('hex')
}

/** Without case, and with single blanks, which most white space is already. */
const evened = (text: string) => text.replace(/[^\S ]\s*| \s+/g, ' ').toLowerCase()

/** Mailman and its kin put a line of underscores in front of their footer; looked for in the last lines only. */
function withoutListFooter(text: string): string {
  const whole = text.trimEnd()
  let end = whole.length
  for (let lines = 0; lines < 15 && end > 0; lines++) {
    const start = whole.lastIndexOf('\n', end - 1) + 1
    if (/^_{20,200}\s*$/.test(whole.slice(start, Math.min(end, start + 300)))) return whole.slice(0, start)
    end = start - 1
  }
  return text
}

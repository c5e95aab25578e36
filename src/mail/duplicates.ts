/** Whether a mail was here before (MAIL 3). Pure: the spool finds the earlier mails, this judges them. */
import { hash } from 'node:crypto'
import type { IncomingMail } from '../incoming.ts'
import { MINUTE } from '../time.ts'
import type { EarlierMail } from './spool/claims.ts'
import type { Likeness } from './spool.ts'

/** `earlier` is the mail that this one is a copy of; `collision`: same Message-ID, another mail (3.4). */
export type Copy = {
  earlier: EarlierMail | null
  words: string
  collision: boolean
  /** Earlier tries of this mail that could not be read: this one, sent again, is what was meant (2.15). */
  unread: EarlierMail[]
}

/** A mail that was not here before. */
export const NO_COPY: Copy = { earlier: null, words: '', collision: false, unread: [] }

/** Without an id and a date, equal content is a copy only within this time (3.5). */
const WINDOW = 10 * MINUTE

/**
 * The keys under which a mail may be known, its own first (3.2, 3.5). Without Message-ID and Date the key names a
 * window of ten minutes, and the window before is looked at too.
 */
export function dedupeKeys(mail: IncomingMail, receivedAt: Date): Buffer[] {
  const key = (...parts: string[]) => hash('sha256', parts.join('\0'), 'buffer')
  if (mail.messageId) return [key('id', mail.messageId, mail.contentKey)]
  if (mail.dateRaw) return [key('none', mail.contentKey)]
  const window = Math.floor(receivedAt.getTime() / WINDOW)
  return [window, window - 1].map((at) => key('none', mail.contentKey, String(at)))
}

/** What is stored of a mail to tell a later copy from a collision. */
export const likenessOf = (mail: IncomingMail): Likeness => ({
  from: mail.from?.address.toLowerCase() ?? '',
  date: mail.dateRaw,
  subject: mail.baseSubject,
  body: mail.bodySha256,
  bare: mail.bareSha256,
  list: mail.headers.some(([name]) => name.toLowerCase() === 'list-id'),
})

/** Judges the earlier mails with the same id or content (3.2-3.5). A held or discarded one is none that was worked on. */
export function copyOf(mail: IncomingMail, earlier: EarlierMail[], receivedAt: Date): Copy {
  const mine = likenessOf(mail)
  let collision = false
  const unread = earlier.filter(
    (one) =>
      one.state === 'quarantined' &&
      mail.messageId &&
      one.messageId === mail.messageId &&
      one.from === mail.from?.address,
  )
  for (const other of earlier) {
    if (other.state === 'held' || other.state === 'discarded' || !other.likeness) continue
    if (other.sameKey) {
      const apart = Math.abs(receivedAt.getTime() - other.receivedAt.getTime())
      if (mail.messageId || mail.dateRaw || apart <= WINDOW)
        return { ...NO_COPY, earlier: original(other, earlier), words: `the same mail as ${other.id}` }
    } else if (mail.messageId && other.messageId === mail.messageId) {
      if (isCopy(mine, other.likeness))
        return { ...NO_COPY, earlier: original(other, earlier), words: `a copy of mail ${other.id}, by another way` }
      collision = true
    }
  }
  return { ...NO_COPY, collision, unread }
}

/** MAIL 3.3: same From and Subject; equal text, or with the same Date equal but for what a list puts around it. */
function isCopy(a: Likeness, b: Likeness): boolean {
  if (a.from !== b.from || a.subject !== b.subject) return false
  return a.body === b.body || (a.date === b.date && a.list !== b.list && a.bare === b.bare)
}

/** The first of a row of copies. */
const original = (one: EarlierMail, all: EarlierMail[]): EarlierMail =>
  all.find((other) => other.id === one.duplicateOf) ?? one

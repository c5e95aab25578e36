/**
 * The bytes of small mails this daemon has just stored, for the worker of the same daemon that claims them a moment
 * later: reading them back is a statement and a base64 pass each way. What is not here is read from the blob.
 */
import * as limits from '../../limits.ts'

export type Recent = {
  /** A copy is kept, because the buffer of a session is larger than its mail. */
  keep(id: number, bytes: Buffer): void
  /** Forgets them: a second attempt reads what is durable. */
  take(id: number): Buffer | null
}

/** Bounded by limits.spool.recent; the oldest go first. */
export function startRecent(): Recent {
  const kept = new Map<number, Buffer>()
  let bytes = 0
  const drop = (id: number, mail: Buffer) => {
    kept.delete(id)
    bytes -= mail.length
  }
  return {
    keep(id, mail) {
      kept.set(id, Buffer.from(mail))
      bytes += mail.length
      for (const [oldest, held] of kept) {
        if (bytes <= limits.spool.recent) break
        drop(oldest, held)
      }
    },
    take(id) {
      const mail = kept.get(id)
      if (mail) drop(id, mail)
      return mail ?? null
    },
  }
}

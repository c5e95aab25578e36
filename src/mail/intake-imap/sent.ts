/**
 * A copy of an outgoing mail for the Sent folder (2.18), for relays that do not keep one themselves. It is put there
 * once: what the folder has already is left alone, and a failure is told and never makes the mail go again.
 */
import { wordsOf } from '../../errors.ts'
import { normaliseId } from '../parse/ids.ts'
import { type Opening, openSession } from './connection.ts'

/** `saved` now, `there` before, or the server's words for why not. */
export type SentCopy = { kind: 'saved' } | { kind: 'there' } | { kind: 'failed'; words: string }

/**
 * @param sent.folder its path; null: the one that the server calls `\Sent`
 * @param sent.messageId as in the mail, with its brackets
 */
export async function saveSent(
  opening: Opening,
  sent: { folder: string | null; messageId: string; raw: Buffer; at: Date },
): Promise<SentCopy> {
  const id = normaliseId(sent.messageId)
  if (id === null) return { kind: 'failed', words: 'the mail has no Message-ID to look for' }
  try {
    const session = await openSession(opening)
    try {
      const folder = sent.folder ?? (await session.folders()).find((one) => one.use === '\\Sent')?.path
      if (!folder) return { kind: 'failed', words: 'the server names no Sent folder' }
      await session.select(folder, 'read')
      if ((await session.findMessageId(id)).length) return { kind: 'there' }
      const words = await session.append(folder, sent.raw, sent.at)
      return words === null ? { kind: 'saved' } : { kind: 'failed', words }
    } finally {
      await session.logout()
    }
  } catch (error) {
    return { kind: 'failed', words: wordsOf(error) }
  }
}

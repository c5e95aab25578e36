/**
 * A copy of an outgoing mail for the Sent folder (2.18), for relays that do not keep one themselves. It is put there
 * once: what the folder has already is left alone.
 */
import { normaliseId } from '../parse/ids.ts'
import type { Session } from './connection.ts'

/** `saved` now, `there` before, or the server's words for why not. */
export type SentCopy = { kind: 'saved' } | { kind: 'there' } | { kind: 'failed'; words: string }

/**
 * @param sent.folder its path, or a special use such as `\Sent`
 * @param sent.messageId with or without its brackets
 * @throws when the connection fails; then nobody knows whether the copy is there, and the next search tells
 */
export async function saveSent(
  session: Session,
  sent: { folder: string; messageId: string; raw: Buffer; at: Date },
): Promise<SentCopy> {
  const id = normaliseId(sent.messageId)
  if (id === null) return { kind: 'failed', words: 'the mail has no Message-ID to look for' }
  const folder = await findSent(session, sent.folder)
  await session.select(folder, 'write') // read-only, the library would leave out `\Seen`
  if ((await session.findMessageId(id)).length) return { kind: 'there' }
  const words = await session.append(folder, sent.raw, sent.at)
  return words === null ? { kind: 'saved' } : { kind: 'failed', words }
}

/** The path of a folder that is named by its path or by its special use. */
export async function findSent(session: Session, name: string): Promise<string> {
  const listed = await session.folders()
  return listed.find((one) => one.use?.toLowerCase() === name.toLowerCase())?.path ?? name
}

/**
 * Fetches originals that people asked for (2.12): by UID, piece by piece into a file, then as a blob that is attached
 * to the mail's comment. What cannot be had is told; it never stops the mails that are new.
 */
import { putBlob } from '../../blobs.ts'
import { transaction } from '../../database.ts'
import { attachOriginal } from '../../engine/tickets/original.ts'
import { Refusal, wordsOf } from '../../errors.ts'
import { settleOriginal, type Wanted, wantedOriginals } from '../spool/originals.ts'
import type { Session } from './connection.ts'
import { type Fetched, fetchMail } from './fetch.ts'
import type { Intake } from './mailbox.ts'
import type { Place } from './take.ts'

/** The folder must be selected. @throws when the connection fails; the request stands */
export async function takeOriginals(intake: Intake, session: Session, place: Place): Promise<void> {
  for (const wanted of await wantedOriginals(intake.sql, place.cursor.id)) {
    intake.signal.throwIfAborted()
    await takeOriginal(intake, session, place, wanted)
  }
}

async function takeOriginal(intake: Intake, session: Session, place: Place, wanted: Wanted): Promise<void> {
  const { folder, cursor } = place
  const { uid } = wanted
  const key = `original\0${folder.path}\0${folder.uidvalidity}\0${uid}`
  if ((intake.trouble.get(key) ?? 0) >= intake.limits.attempts) {
    intake.trouble.delete(key)
    return giveUp(intake, place, wanted, 'the connection died each time it was fetched')
  }
  const found = (await session.describe([uid])).get(uid) ?? { uid, size: null, at: null, emailId: null }
  let fetched: Fetched
  try {
    fetched = await fetchMail({ ...intake, message: intake.limits.original }, session, found)
  } catch (error) {
    const ours = intake.signal.aborted || (error as { code?: unknown }).code === 'imap_disk'
    if (!ours) intake.trouble.set(key, (intake.trouble.get(key) ?? 0) + 1)
    throw error
  }
  intake.trouble.delete(key)
  if (fetched.kind === 'gone') {
    const words = 'it is no longer on the server'
    await settleOriginal(intake.sql, { id: cursor.id, uid, original: 'gone', words, action: null })
    return tell(intake, wanted, words)
  }
  if (fetched.kind === 'unfetchable') return giveUp(intake, place, wanted, fetched.words)
  try {
    if (fetched.oversize) return await giveUp(intake, place, wanted, 'it is too large even for that')
    await keep(intake, place, { wanted, fetched })
  } catch (error) {
    if (!(error instanceof Refusal) || error.fault !== 'user') throw error
    await giveUp(intake, place, wanted, wordsOf(error))
  } finally {
    await fetched.drop()
  }
}

async function keep(
  intake: Intake,
  { cursor }: Place,
  { wanted, fetched }: { wanted: Wanted; fetched: Extract<Fetched, { kind: 'mail' }> },
): Promise<void> {
  const { sql, mailbox, log, notices } = intake
  const { uid, commentId, by } = wanted
  const { do: then } = mailbox.after
  const action = then === 'move' || then === 'delete' ? then : null // was put off while only the server had it
  await transaction(sql, async (tx) => {
    if (!(await settleOriginal(tx, { id: cursor.id, uid, original: 'here', words: null, action }))) return
    const { id: blobId } = await putBlob(tx, fetched.read())
    await attachOriginal(tx, { commentId, blobId, bytes: fetched.bytes, why: `${by} asked for it` }, intake.now())
  })
  log.info('imap.original', { uid, mail: wanted.mailId, bytes: fetched.bytes })
  await notices.settle('mailbox_original', `mail ${wanted.mailId}`)
}

async function giveUp(intake: Intake, { cursor }: Place, wanted: Wanted, words: string): Promise<void> {
  await settleOriginal(intake.sql, { id: cursor.id, uid: wanted.uid, original: 'left', words, action: null })
  await tell(intake, wanted, words)
}

async function tell({ log, mailbox, notices }: Intake, { mailId, uid }: Wanted, words: string): Promise<void> {
  log.warn('imap.original_failed', { uid, mail: mailId, words })
  const what = `The original of mail ${mailId} could not be fetched from mailbox ${mailbox.name}: ${words}.`
  await notices.raise('mailbox_original', `mail ${mailId}`, what)
}

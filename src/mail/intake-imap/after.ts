/**
 * What is done on the server after a mail is safely here (2.6): pending rows of imap_seen, tried until done. A refusal
 * is shown and tried again later; it never un-imports. Only the UIDs we took are ever touched, never by a plain EXPUNGE.
 */
import { failActions, pendingActions, settleActions } from '../spool/imap.ts'
import type { Done, Session } from './connection.ts'
import type { Intake } from './mailbox.ts'
import type { Place } from './take.ts'

/** Set on mails that the desk has taken. */
const KEYWORD = '$Helpdesk'

/** Mails tried one by one after the server refused all of them together. */
const SINGLY = 50

/** @returns the server's words when it refused, else null; the folder must be selected for writing */
export async function runActions(intake: Intake, session: Session, { cursor, folder }: Place): Promise<string | null> {
  const { sql, mailbox, notices, limits, log } = intake
  let refused: string | null = null
  let did = 0
  for (let round = 0; round < 2; round++) {
    const pending = await pendingActions(sql, cursor.id, limits.actionBatch)
    for (const [action, rows] of Map.groupBy(pending, (row) => row.action)) {
      intake.signal.throwIfAborted()
      const uids = rows.map((row) => row.uid)
      const words = folder.readOnly
        ? 'the folder is read-only'
        : await carryOut(intake, session, { cursor, action, uids })
      refused ??= words
      if (words) await failActions(sql, { id: cursor.id, uids, words })
      else did += uids.length
    }
    if (pending.length === 0 || refused) break // the second round deletes what the first one copied
  }
  if (refused) {
    log.warn('imap.action_refused', { folder: folder.path, words: refused })
    const words = `Mailbox ${mailbox.name}: the server refuses "${mailbox.after.do}" after import in ${folder.path}: ${refused}`
    await notices.raise('mailbox_action', mailbox.name, words)
  } else if (did > 0) await notices.settle('mailbox_action', mailbox.name)
  return refused
}

/** All at once; when that is refused, one by one, so that one mail does not hold up the others. */
async function carryOut(
  intake: Intake,
  session: Session,
  work: { cursor: Place['cursor']; action: string; uids: number[] },
): Promise<Done> {
  const { cursor, action, uids } = work
  const together = await step(intake, session, work)
  if (together === null || uids.length === 1) return together
  let done = 0
  for (const uid of uids.slice(0, SINGLY))
    if ((await step(intake, session, { cursor, action, uids: [uid] })) === null) done++
    else if (done === 0) break
  return together
}

async function step(
  intake: Intake,
  session: Session,
  { cursor, action, uids }: { cursor: Place['cursor']; action: string; uids: number[] },
): Promise<Done> {
  const settle = (left: string | null) => settleActions(intake.sql, { id: cursor.id, uids, left }, intake.now())
  const { move, uidplus } = session.capabilities
  const { after } = intake.mailbox
  if (action === 'move' && after.do === 'move') {
    const moved = move ? await session.move(uids, after.folder) : await session.copy(uids, after.folder)
    if (moved === null) await settle(move ? null : 'delete') // durable: a retry must not copy again
    return moved
  }
  if (action === 'move') return 'the folder to move to is no longer configured'
  const flag = action === 'seen' ? '\\Seen' : action === 'keyword' ? KEYWORD : '\\Deleted'
  const done = action === 'delete' && uidplus ? await session.expunge(uids) : await session.addFlag(uids, flag)
  if (done === null) await settle(null)
  return done
}

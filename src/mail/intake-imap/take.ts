/**
 * Takes one UID: fetches it, stores it with its seen row and the cursor in one transaction (2.1), or records why not.
 * One mail that cannot be had never stops the others (0.4).
 */

import { transaction } from '../../database.ts'
import { acceptIn } from '../spool/accept.ts'
import { type Cursor, findSameBytes, importUid, judge } from '../spool/imap.ts'
import { type Envelope, releaseSpam } from '../spool.ts'
import type { Described, Folder, Session } from './connection.ts'
import { type Fetched, fetchMail, type Part } from './fetch.ts'
import type { Watched } from './login.ts'
import type { Intake } from './mailbox.ts'

/**
 * `archive`: no acknowledgement, closed, real dates (2.5). `requested`: a person asked for it. `doubtful`: an old mail
 * of a rebuilt folder, which a person decides on unless its bytes are known (2.4).
 */
export type Manner = 'normal' | 'archive' | 'requested' | 'doubtful'

/** What an IMAP mail's session says besides SMTP's facts. */
export type ImapSession = {
  folder: string
  uid: number
  uidvalidity: number
  /** INTERNALDATE as the server gave it, ISO 8601. */
  internal_date: string | null
  /** Gmail's X-GM-MSGID or OBJECTID's EMAILID (2.19). */
  email_id?: string
  /** Gmail's X-GM-THRID or OBJECTID's THREADID. */
  thread_id?: string
  /** Whose Authentication-Results may be believed (5.4). */
  authserv_id?: string
  archive?: true
  /** It lay in the spam folder (2.16). */
  junk?: true
  /** It lay in the Sent folder (2.17). */
  sent?: true
  /** Bytes of the original, of which only the header is here (2.12), and its parts. */
  oversize?: number
  parts?: Part[]
}

export type Place = { cursor: Cursor; folder: Folder; holds: Watched['holds'] }

export type Taken = 'imported' | 'known' | 'not_imported' | 'unfetchable' | 'gone'

export async function takeMail(
  intake: Intake,
  session: Session,
  place: Place,
  want: { found: Described; manner: Manner },
): Promise<Taken> {
  const { cursor, folder } = place
  const { found, manner } = want
  const key = `${folder.path}\0${folder.uidvalidity}\0${found.uid}`
  if ((intake.trouble.get(key) ?? 0) >= intake.limits.attempts && manner !== 'requested') {
    intake.trouble.delete(key) // tomorrow's try counts anew
    return setAside(intake, cursor, found.uid, 'the connection died each time this mail was fetched')
  }
  let fetched: Fetched
  try {
    fetched = await fetchMail(intake, session, found)
  } catch (error) {
    const ours = intake.signal.aborted || (error as { code?: unknown }).code === 'imap_disk'
    if (!ours) intake.trouble.set(key, (intake.trouble.get(key) ?? 0) + 1)
    throw error
  }
  intake.trouble.delete(key)
  if (fetched.kind === 'unfetchable') return setAside(intake, cursor, found.uid, fetched.words)
  if (fetched.kind === 'gone') {
    await judge(intake.sql, { id: cursor.id, judged: [], lastUid: found.uid }, intake.now())
    return 'gone'
  }
  try {
    return await store(intake, place, { ...want, fetched })
  } finally {
    await fetched.drop()
  }
}

/**
 * 2.20: INTERNALDATE, but not before the last completed poll (it was not here then) and not after now. An archived
 * mail keeps its real date.
 */
export function receivedAt(at: Date | null, given: { notBefore: Date; now: Date; manner: Manner }): Date {
  const { notBefore, now, manner } = given
  if (at === null || at > now) return now
  if (manner === 'archive' || at >= notBefore) return at
  return notBefore > now ? now : notBefore
}

async function store(
  intake: Intake,
  place: Place,
  want: { found: Described; manner: Manner; fetched: Extract<Fetched, { kind: 'mail' }> },
): Promise<Taken> {
  const { sql, mailbox, log } = intake
  const { found, manner, fetched } = want
  const { id } = place.cursor
  const now = intake.now()
  const same = fetched.oversize ? null : await findSameBytes(sql, mailbox.name, fetched.sha256)
  if (same !== null) {
    if (place.holds === 'mail') await releaseFromJunk(intake, same, now)
    const words = 'the same bytes are here already'
    const judged = [{ uid: found.uid, state: 'known' as const, mailId: same, words }]
    await judge(sql, { id, judged, lastUid: found.uid }, now)
    return 'known'
  }
  if (manner === 'doubtful') {
    const words = 'older than the last poll, and unknown'
    const judged = [{ uid: found.uid, state: 'not_imported' as const, mailId: null, words }]
    await judge(sql, { id, judged, lastUid: found.uid }, now)
    return 'not_imported'
  }
  const envelope = envelopeOf(intake, place, { ...want, now })
  const left = fetched.oversize !== null
  const moves = mailbox.after.do === 'move' || mailbox.after.do === 'delete' // an original left there must stay (2.12)
  const untouched = manner === 'archive' || place.holds !== 'mail' || (left && moves)
  const action = untouched || mailbox.after.do === 'none' ? null : mailbox.after.do
  const accept = async (tx: Parameters<typeof acceptIn>[0]) =>
    (await acceptIn(tx, { envelope, bytes: fetched.read() })).id
  const mailId = await importUid(sql, { id, uid: found.uid, action, original: left ? 'left' : null, accept }, now)
  if (mailId === null) return 'known'
  log.info('imap.imported', { folder: place.folder.path, uid: found.uid, mail: mailId, bytes: fetched.bytes })
  return 'imported'
}

function envelopeOf(
  intake: Intake,
  { cursor, folder, holds }: Place,
  want: { found: Described; manner: Manner; fetched: Extract<Fetched, { kind: 'mail' }>; now: Date },
): Envelope {
  const { mailbox } = intake
  const { found, manner, fetched, now } = want
  const session: ImapSession = {
    folder: folder.path,
    uid: found.uid,
    uidvalidity: folder.uidvalidity,
    internal_date: found.at?.toISOString() ?? null,
    ...(found.emailId && { email_id: found.emailId }),
    ...(found.threadId && { thread_id: found.threadId }),
    ...(mailbox.authservId && { authserv_id: mailbox.authservId }),
    ...(manner === 'archive' && { archive: true as const }),
    ...(holds === 'junk' && { junk: true as const }),
    ...(holds === 'sent' && { sent: true as const }),
    ...(fetched.oversize && { oversize: fetched.oversize.bytes, parts: fetched.oversize.parts }),
  }
  return {
    via: 'imap',
    listener: mailbox.name,
    from: null,
    recipients: [{ address: mailbox.address, inbox: mailbox.inbox, tag: null }],
    session: session as Envelope['session'],
    prefix: '',
    receivedAt: receivedAt(found.at, { notBefore: cursor.lastGoodPoll ?? cursor.createdAt, now, manner }),
  }
}

/** Somebody took a mail out of the spam folder: what was held for lying there is let in, as they wish (2.16). */
async function releaseFromJunk({ sql, mailbox, log }: Intake, mailId: number, now: Date): Promise<void> {
  const by = `whoever moved it out of the spam folder of ${mailbox.name}`
  if (!(await transaction(sql, (tx) => releaseSpam(tx, { id: mailId, by }, now)))) return
  log.info('imap.released', { mail: mailId })
}

/** 2.13: recorded, told, tried again daily; the cursor goes on. */
async function setAside(intake: Intake, cursor: Cursor, uid: number, words: string): Promise<Taken> {
  const { sql, mailbox, log, notices } = intake
  const judged = [{ uid, state: 'unfetchable' as const, mailId: null, words }]
  await judge(sql, { id: cursor.id, judged, lastUid: uid }, intake.now())
  log.warn('imap.unfetchable', { uid, words })
  await notices.raise('mailbox_unfetchable', mailbox.name, `Mail ${uid} of mailbox ${mailbox.name}: ${words}.`)
  return 'unfetchable'
}

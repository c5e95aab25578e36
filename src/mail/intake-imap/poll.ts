/**
 * One poll of one folder: what is new since the cursor (2.2), what turned up late (2.3), what a new UIDVALIDITY means
 * (2.4), and where a first connection begins (2.5). It reads the server and never changes it.
 */
import { DAY } from '../../time.ts'
import { parseHeaders, rawValues } from '../parse/headers.ts'
import { normaliseId } from '../parse/ids.ts'
import {
  type Cursor,
  findCursor,
  finishPoll,
  finishReconcile,
  forgetRequest,
  type Judged,
  judge,
  listTrouble,
  openCursor,
  reconcileFrom,
  retries,
  type Stored,
  storedByMessageId,
  unseen,
} from '../spool/imap.ts'
import type { Described, Folder, Session } from './connection.ts'
import type { Watched } from './login.ts'
import type { Intake } from './mailbox.ts'
import { takeOriginals } from './originals.ts'
import { type Manner, type Place, takeMail } from './take.ts'

/** How a mail met while polling is treated. */
type Verdict = { do: 'take'; manner: Manner } | { do: 'skip'; judged: Judged }

/** What tells in a rebuilt folder whether a mail may be known. */
type Trait = { messageId: string | null; date: string }

/** A mail of a rebuilt folder this much older than the last good poll is not new (2.4). */
const GRACE = DAY

/**
 * @param moment `reconcile`: after a connection was made, or an hour has passed (2.3)
 * @returns how many mails were imported
 */
export async function pollFolder(
  intake: Intake,
  session: Session,
  { path, holds, moment }: Watched & { moment: 'plain' | 'reconcile' },
): Promise<Place & { imported: number }> {
  const began = intake.now()
  const folder = await session.select(path, intake.mailbox.after.do === 'none' || holds !== 'mail' ? 'read' : 'write')
  const cursor = await findPlace(intake, session, { folder, holds })
  const place = { cursor, folder, holds }
  const uids = (await session.uids(cursor.lastUid + 1, '*')).filter((uid) => uid > cursor.lastUid)
  let imported = await takeAll(intake, session, { place, uids })
  const due = !cursor.reconciledAt || began.getTime() - cursor.reconciledAt.getTime() >= intake.limits.reconcile
  imported += await takeRetries(intake, session, place)
  await takeOriginals(intake, session, place)
  if (moment === 'reconcile' || due) {
    imported += await reconcile(intake, session, place)
    await finishReconcile(intake.sql, cursor.id, began)
  }
  await finishPoll(intake.sql, cursor.id, began)
  return { ...place, imported }
}

/** The cursor, made at a first connection and made anew when the UIDVALIDITY is another. */
async function findPlace(
  intake: Intake,
  session: Session,
  { folder, holds }: { folder: Folder; holds: Watched['holds'] },
): Promise<Cursor> {
  const { sql, mailbox, log } = intake
  const current = await findCursor(sql, mailbox.name, folder.path)
  if (current?.uidvalidity === folder.uidvalidity) return current
  // old spam is nobody's archive, and what was sent long ago was answered long ago
  const fromNow = current === null && (mailbox.importDays === 0 || holds !== 'mail')
  const lastUid = fromNow ? await newestUid(session, folder) : 0
  const { uidvalidity } = folder
  await openCursor(sql, { name: mailbox.name, folder: folder.path, uidvalidity, lastUid }, intake.now())
  if (current) log.warn('imap.uidvalidity', { folder: folder.path, was: current.uidvalidity, is: uidvalidity })
  const opened = await findCursor(sql, mailbox.name, folder.path)
  if (!opened) throw new Error(`the cursor of ${folder.path} vanished`)
  return opened
}

async function newestUid(session: Session, folder: Folder): Promise<number> {
  if (folder.uidNext > 0) return folder.uidNext - 1
  return (await session.uids(1, '*')).at(-1) ?? 0
}

/** In windows, oldest first; mails in between that need no import are recorded with the next step (2.12). */
async function takeAll(intake: Intake, session: Session, work: { place: Place; uids: number[] }): Promise<number> {
  const { place, uids } = work
  let imported = 0
  for (let from = 0; from < uids.length; from += intake.limits.window) {
    const window = uids.slice(from, from + intake.limits.window)
    const verdicts = await judgeWindow(intake, session, { place, window })
    imported += await carryOut(intake, session, { place, verdicts })
  }
  return imported
}

async function carryOut(
  intake: Intake,
  session: Session,
  work: { place: Place; verdicts: { found: Described; verdict: Verdict }[] },
): Promise<number> {
  const { place, verdicts } = work
  const { id } = place.cursor
  let imported = 0
  let left = verdicts.filter(({ verdict }) => verdict.do === 'skip' && verdict.judged.state === 'not_imported').length
  let waiting: Judged[] = []
  const record = async () => {
    if (waiting.length)
      await judge(
        intake.sql,
        { id, judged: waiting, lastUid: Math.max(...waiting.map((one) => one.uid)) },
        intake.now(),
      )
    waiting = []
  }
  for (const { found, verdict } of verdicts) {
    intake.signal.throwIfAborted()
    if (verdict.do === 'skip') waiting.push(verdict.judged)
    else {
      await record()
      const taken = await takeMail(intake, session, place, { found, manner: verdict.manner })
      if (taken === 'imported') imported++
      if (taken === 'not_imported') left++
    }
  }
  await record()
  if (left > 0) await tellNotImported(intake, left)
  return imported
}

async function judgeWindow(
  intake: Intake,
  session: Session,
  { place, window }: { place: Place; window: number[] },
): Promise<{ found: Described; verdict: Verdict }[]> {
  const described = await session.describe(window)
  const all = window.map((uid) => described.get(uid) ?? { uid, size: null, at: null, emailId: null })
  const { cursor, holds } = place
  if (cursor.polledAt === null && cursor.successor === 'yes') return judgeRebuilt(intake, session, { cursor, all })
  if (cursor.polledAt === null && intake.mailbox.importDays > 0 && holds === 'mail')
    return all.map((found) => ({ found, verdict: judgeFirst(found, cursor, intake.mailbox.importDays) }))
  return all.map((found) => ({ found, verdict: { do: 'take', manner: 'normal' } }))
}

/** 2.5: what lay there is archive as far back as was asked for; what comes meanwhile is mail. */
function judgeFirst(found: Described, cursor: Cursor, days: number): Verdict {
  const age = found.at === null ? 0 : cursor.createdAt.getTime() - found.at.getTime()
  if (age < 0) return { do: 'take', manner: 'normal' }
  if (age <= days * DAY) return { do: 'take', manner: 'archive' }
  return { do: 'skip', judged: { uid: found.uid, state: 'known', mailId: null, words: 'older than the import' } }
}

/** 2.4: known by its traits, or recent and therefore taken (a copy is found by its bytes), or left for a person. */
async function judgeRebuilt(
  intake: Intake,
  session: Session,
  { cursor, all }: { cursor: Cursor; all: Described[] },
): Promise<{ found: Described; verdict: Verdict }[]> {
  const traits = await traitsOf(session, all)
  const ids = [...traits.values()].flatMap((trait) => trait.messageId ?? [])
  const stored = Map.groupBy(await storedByMessageId(intake.sql, [...new Set(ids)]), (one) => one.messageId)
  const here = Map.groupBy(traits.values(), (trait) => trait.messageId)
  const since = cursor.lastGoodPoll === null ? 0 : cursor.lastGoodPoll.getTime() - GRACE
  return all.map((found) => {
    const trait = traits.get(found.uid)
    const candidates = (trait?.messageId && stored.get(trait.messageId)) || []
    const known = trait && here.get(trait.messageId)?.length === 1 ? knownBy(candidates, found, trait) : null
    const words = 'known from before the folder was rebuilt'
    if (known) return { found, verdict: skip(found, 'known', known.id, words) }
    if (found.at === null || found.at.getTime() >= since) return { found, verdict: { do: 'take', manner: 'normal' } }
    if (candidates.length || !trait?.messageId) return { found, verdict: { do: 'take', manner: 'doubtful' } }
    return { found, verdict: skip(found, 'not_imported', null, 'older than the last poll, and unknown') }
  })
}

/** One stored mail of this id, size and date, and one here: no need to fetch it. */
function knownBy(candidates: Stored[], found: Described, trait: Trait): Stored | null {
  const [only, ...others] = candidates
  return only && !others.length && only.bytes === found.size && only.date === trait.date ? only : null
}

const skip = (found: Described, state: Judged['state'], mailId: number | null, words: string): Verdict => ({
  do: 'skip',
  judged: { uid: found.uid, state, mailId, words },
})

async function traitsOf(session: Session, all: Described[]): Promise<Map<number, Trait>> {
  const uids = all.map((found) => found.uid)
  const heads = uids.length ? await session.fields(uids, ['message-id', 'date']) : new Map<number, Buffer>()
  const traits = new Map<number, Trait>()
  for (const [uid, head] of heads) {
    const { fields } = parseHeaders(head)
    const id = rawValues(fields, 'message-id')[0]
    traits.set(uid, {
      messageId: id === undefined ? null : normaliseId(id),
      date: (rawValues(fields, 'date')[0] ?? '').trim(),
    })
  }
  return traits
}

/** 2.3: UIDs at or below the cursor that nobody has judged: exposed late by the server. */
async function reconcile(intake: Intake, session: Session, place: Place): Promise<number> {
  const { id, lastUid } = place.cursor
  const since = new Date(intake.now().getTime() - intake.limits.reconcileWindow)
  const from = await reconcileFrom(intake.sql, id, since)
  if (from === null || lastUid < 1) return 0
  const there = await session.uids(Math.max(1, from), Math.max(1, lastUid))
  const missing = await unseen(intake.sql, id, there)
  return takeAll(intake, session, { place, uids: missing })
}

/** Unfetchable mails once a day (2.13), and mails that a person asked for (2.4). */
async function takeRetries(intake: Intake, session: Session, place: Place): Promise<number> {
  const { sql, limits, mailbox, notices } = intake
  const { id } = place.cursor
  const before = new Date(intake.now().getTime() - limits.unfetchableRetry)
  const uids = await retries(sql, id, before)
  if (uids.length === 0) return 0
  const described = await session.describe(uids)
  let imported = 0
  for (const uid of uids) {
    intake.signal.throwIfAborted()
    const found = described.get(uid) ?? { uid, size: null, at: null, emailId: null }
    const taken = await takeMail(intake, session, place, { found, manner: 'requested' })
    if (taken === 'imported') imported++
    if (taken === 'gone') await forgetRequest(sql, { id, uid, words: 'no longer on the server' }, intake.now())
  }
  const left = await listTrouble(sql, mailbox.name)
  if (!left.some((one) => one.state === 'unfetchable')) await notices.settle('mailbox_unfetchable', mailbox.name)
  if (!left.some((one) => one.state === 'not_imported')) await notices.settle('mailbox_not_imported', mailbox.name)
  return imported
}

async function tellNotImported(intake: Intake, count: number): Promise<void> {
  const { name } = intake.mailbox
  const words = `Mailbox ${name} was rebuilt by its server; ${count} old mails in it are unknown here and were not imported.`
  await intake.notices.raise('mailbox_not_imported', name, words)
}

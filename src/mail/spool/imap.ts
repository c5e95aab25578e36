/**
 * The tables of IMAP intake: where each folder stands (`mailboxes`) and what became of each UID (`imap_seen`). Part of
 * the spool, because a mail, its seen row and the cursor stand or fall together (2.1).
 */
import { type Queryable, type Sql, type Tx, transaction } from '../../database.ts'

/** A folder at its current UIDVALIDITY. */
export type Cursor = {
  id: number
  uidvalidity: number
  lastUid: number
  /** Start of the last completed poll of this UIDVALIDITY; null: none yet. */
  polledAt: Date | null
  reconciledAt: Date | null
  createdAt: Date
  /** The folder was known under another UIDVALIDITY before (2.4). */
  successor: 'yes' | 'no'
  /** Start of the last completed poll under any UIDVALIDITY. */
  lastGoodPoll: Date | null
}

export type SeenState = 'imported' | 'known' | 'unfetchable' | 'not_imported'

/** A judgement on a UID that needs no new mail. */
export type Judged = { uid: number; state: Exclude<SeenState, 'imported'>; mailId: number | null; words: string | null }

export type PendingAction = { uid: number; action: string }

/** A stored mail that may be the same as one in a rebuilt folder (2.4). */
export type Stored = { id: number; messageId: string; bytes: number; date: string | null }

export async function findCursor(sql: Queryable, name: string, folder: string): Promise<Cursor | null> {
  const [row] = await sql`
    select m.id, m.uidvalidity, m.last_uid, m.polled_at, m.reconciled_at, m.created_at,
      (select count(*) from mailboxes o where o.name = m.name and o.folder = m.folder) as versions,
      (select max(o.polled_at) from mailboxes o where o.name = m.name and o.folder = m.folder) as last_good_poll
    from mailboxes m where m.name = ${name} and m.folder = ${folder} and m.superseded_at is null`
  if (!row) return null
  return {
    id: row.id,
    uidvalidity: row.uidvalidity,
    lastUid: row.last_uid,
    polledAt: row.polled_at,
    reconciledAt: row.reconciled_at,
    createdAt: row.created_at,
    successor: row.versions > 1 ? 'yes' : 'no',
    lastGoodPoll: row.last_good_poll,
  }
}

/**
 * Begins to follow a folder after `lastUid`. A cursor under another UIDVALIDITY is superseded and kept; one that
 * comes back (a restored server) goes on where it was. UIDs up to `lastUid` are judged: they were there before.
 */
export async function openCursor(
  sql: Sql,
  given: { name: string; folder: string; uidvalidity: number; lastUid: number },
  now: Date,
): Promise<void> {
  const { name, folder, uidvalidity, lastUid } = given
  await transaction(sql, async (tx) => {
    await tx`
      update mailboxes set superseded_at = ${now}
      where name = ${name} and folder = ${folder} and superseded_at is null and uidvalidity <> ${uidvalidity}`
    const [row] = await tx`
      insert into mailboxes (name, folder, uidvalidity, last_uid, created_at)
      values (${name}, ${folder}, ${uidvalidity}, ${lastUid}, ${now})
      on conflict (name, folder, uidvalidity) do update set superseded_at = null
      returning id, (xmax = 0) as fresh`
    // The least UID judged is where reconciling may begin (2.3): what lies before is no business of ours.
    if (row?.fresh) {
      const floor: Judged = { uid: lastUid, state: 'known', mailId: null, words: 'there before the first connection' }
      await insertJudged(tx, row.id, [floor], now)
    }
  })
}

/** Records judgements and moves the cursor to `lastUid`, which is at least every UID among them. */
export async function judge(
  sql: Sql,
  given: { id: number; judged: Judged[]; lastUid: number },
  now: Date,
): Promise<void> {
  await transaction(sql, async (tx) => {
    await insertJudged(tx, given.id, given.judged, now)
    await advance(tx, given.id, given.lastUid)
  })
}

/**
 * The import of one UID: `accept` stores the mail, and the seen row and the cursor commit with it (2.1). A UID that was
 * `unfetchable` or `not_imported` becomes `imported`.
 * @param given.action what is still to be done on the server (2.6), null: nothing
 * @param given.original `left`: only the header was taken (2.12)
 * @returns the mail's id; null when the UID had been taken already, and nothing was changed
 */
export async function importUid(
  sql: Sql,
  given: {
    id: number
    uid: number
    action: string | null
    original: 'left' | null
    accept: (tx: Tx) => Promise<number>
  },
  now: Date,
): Promise<number | null> {
  return transaction(sql, async (tx) => {
    // The row comes first: a second poller waits here for the first one's commit.
    const [fresh] = await tx`
      insert into imap_seen as s (mailbox_id, uid, state, at, action, original)
      values (${given.id}, ${given.uid}, 'imported', ${now}, ${given.action}, ${given.original})
      on conflict (mailbox_id, uid) do update
        set state = 'imported', at = excluded.at, words = null, action = excluded.action, action_words = null,
          original = excluded.original
        where s.state in ('unfetchable', 'not_imported')
      returning uid`
    if (!fresh) return null
    const mailId = await given.accept(tx)
    await tx`update imap_seen set mail_id = ${mailId} where mailbox_id = ${given.id} and uid = ${given.uid}`
    await advance(tx, given.id, given.uid)
    return mailId
  })
}

/** A poll ended well; `at` is when it began. */
export async function finishPoll(sql: Sql, id: number, at: Date): Promise<void> {
  await sql`update mailboxes set polled_at = greatest(polled_at, ${at}) where id = ${id}`
}

export async function finishReconcile(sql: Sql, id: number, at: Date): Promise<void> {
  await sql`update mailboxes set reconciled_at = ${at} where id = ${id}`
}

/**
 * Where a missing UID is looked for from (2.3): after the newest one judged before `since`, or else from the least one
 * judged. Null: none was.
 */
export async function reconcileFrom(sql: Queryable, id: number, since: Date): Promise<number | null> {
  const [row] = await sql`
    select coalesce(
      (select uid + 1 from imap_seen where mailbox_id = ${id} and at < ${since} order by uid desc limit 1),
      (select uid from imap_seen where mailbox_id = ${id} order by uid limit 1)) as uid`
  return row?.uid ?? null
}

/** Those of `uids` that nobody has judged. */
export async function unseen(sql: Queryable, id: number, uids: number[]): Promise<number[]> {
  const rows = await sql<{ uid: number }[]>`
    select u.uid from unnest(${uids}::bigint[]) as u (uid)
    where not exists (select from imap_seen s where s.mailbox_id = ${id} and s.uid = u.uid) order by 1`
  return rows.map((row) => row.uid)
}

/** UIDs to be tried again: unfetchable ones last tried before `before` (2.13), and those a person asked for (2.4). */
export async function retries(sql: Queryable, id: number, before: Date): Promise<number[]> {
  const rows = await sql<{ uid: number }[]>`
    select uid from imap_seen where mailbox_id = ${id} and ((state = 'unfetchable' and at < ${before})
      or (state in ('unfetchable', 'not_imported') and action = 'import' and action_done_at is null)) order by uid`
  return rows.map((row) => row.uid)
}

/** The admin's click on a mail that was not imported (2.4): the next poll fetches it. False: there is none such. */
export async function requestImport(sql: Sql, given: { mailboxId: number; uid: number }): Promise<boolean> {
  const { count } = await sql`
    update imap_seen set action = 'import', action_done_at = null
    where mailbox_id = ${given.mailboxId} and uid = ${given.uid} and state in ('not_imported', 'unfetchable')`
  return count === 1
}

/** A requested UID is gone from the server: nothing is left to ask for. */
export async function forgetRequest(
  sql: Sql,
  given: { id: number; uid: number; words: string },
  now: Date,
): Promise<void> {
  await sql`
    update imap_seen set action = null, state = 'not_imported', at = ${now}, words = ${given.words}
    where mailbox_id = ${given.id} and uid = ${given.uid}`
}

/** What waits for a person: not imported after a rebuild, or unfetchable; newest first. */
export async function listTrouble(
  sql: Queryable,
  name: string,
): Promise<{ mailboxId: number; folder: string; uid: number; state: SeenState; words: string | null; at: Date }[]> {
  const rows = await sql`
    select s.mailbox_id, m.folder, s.uid, s.state, s.words, s.at
    from imap_seen s join mailboxes m on m.id = s.mailbox_id
    where m.name = ${name} and m.superseded_at is null and s.state in ('unfetchable', 'not_imported')
    order by s.at desc, s.uid desc`
  return rows.map(({ mailbox_id, folder, uid, state, words, at }) => ({
    mailboxId: mailbox_id,
    folder,
    uid,
    state,
    words,
    at,
  }))
}

/** Actions not yet done on the server (2.6), oldest UIDs first. */
export async function pendingActions(sql: Queryable, id: number, limit: number): Promise<PendingAction[]> {
  return sql<PendingAction[]>`
    select uid, action from imap_seen
    where mailbox_id = ${id} and action is not null and action <> 'import' and action_done_at is null
    order by uid limit ${limit}`
}

/** The next step of an action: `null` it is done, else what is left (a copied mail is still to be deleted). */
export async function settleActions(
  sql: Sql,
  given: { id: number; uids: number[]; left: string | null },
  now: Date,
): Promise<void> {
  const { id, uids, left } = given
  if (left === null)
    await sql`
      update imap_seen set action_done_at = ${now}, action_words = null
      where mailbox_id = ${id} and uid = any(${uids}::bigint[])`
  else await sql`update imap_seen set action = ${left} where mailbox_id = ${id} and uid = any(${uids}::bigint[])`
}

/** The server refused: shown, and tried again. */
export async function failActions(sql: Sql, given: { id: number; uids: number[]; words: string }): Promise<void> {
  await sql`
    update imap_seen set action_words = ${given.words}
    where mailbox_id = ${given.id} and uid = any(${given.uids}::bigint[])`
}

/**
 * A mail of the same bytes that this account (any folder of it) or an import brought: moved back, copied, seen in
 * `\All`, or from before a UIDVALIDITY change (2.4, 2.7, 2.19). Two accounts may each hold a copy: those are two.
 */
export async function findSameBytes(sql: Queryable, name: string, sha256: Buffer): Promise<number | null> {
  const [row] = await sql`
    select m.id from blobs b join inbound_mails m on m.blob_id = b.id
    where b.sha256 = ${sha256} and ((m.via = 'imap' and m.listener = ${name}) or m.via = 'import')
    order by m.id limit 1`
  return row?.id ?? null
}

/** Stored mails of these Message-IDs; the date is the header's, as the pipeline kept it. */
export async function storedByMessageId(sql: Queryable, messageIds: string[]): Promise<Stored[]> {
  const rows = await sql`
    select id, message_id, bytes, likeness->>'date' as date from inbound_mails
    where message_id = any(${messageIds}::text[])`
  return rows.map((row) => ({ id: row.id, messageId: row.message_id, bytes: row.bytes, date: row.date }))
}

async function insertJudged(tx: Tx, id: number, judged: Judged[], now: Date): Promise<void> {
  if (judged.length === 0) return
  const rows = judged.map((one) => ({
    mailbox_id: id,
    uid: one.uid,
    state: one.state,
    mail_id: one.mailId,
    words: one.words,
    at: now,
  }))
  for (let from = 0; from < rows.length; from += 1000)
    await tx`
      insert into imap_seen ${tx(rows.slice(from, from + 1000))}
      on conflict (mailbox_id, uid) do update
        set state = excluded.state, words = excluded.words, at = excluded.at, mail_id = excluded.mail_id, action = null
        where imap_seen.state in ('unfetchable', 'not_imported')`
}

async function advance(tx: Tx, id: number, uid: number): Promise<void> {
  await tx`update mailboxes set last_uid = greatest(last_uid, ${uid}) where id = ${id}`
}

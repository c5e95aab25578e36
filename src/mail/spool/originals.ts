/**
 * Originals beyond the size limit (2.12): their header is a mail of the desk, they themselves stay in their mailbox.
 * Here is which of them a person has asked for, and what became of that. The poller that follows the mailbox fetches.
 */
import type { Queryable, Sql, Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'

/** Asked for; `commentId` is where it belongs. */
export type Wanted = { uid: number; mailId: number; commentId: number; by: string }

/**
 * Has the mailbox's next poll fetch the original of a mail. Asking twice is asking once.
 * @throws Refusal `no_mail`, `no_original` (it was taken whole, is here, or can no longer be found), `mail_state` while
 * the mail belongs to no ticket
 */
export async function requestOriginal(sql: Sql, given: { mailId: number; by: string }): Promise<void> {
  const { count } = await sql`
    update imap_seen s set original = 'asked', original_by = ${given.by}, original_words = null
    from mailboxes b, inbound_mails m
    where s.mail_id = ${given.mailId} and s.original in ('left', 'asked') and b.id = s.mailbox_id
      and b.superseded_at is null and m.id = s.mail_id and m.comment_id is not null`
  if (count === 0) throw await refusal(sql, given.mailId)
}

/** What was asked for in a folder, in the order of arrival. */
export async function wantedOriginals(sql: Queryable, mailboxId: number): Promise<Wanted[]> {
  return sql<Wanted[]>`
    select s.uid, s.mail_id as "mailId", m.comment_id as "commentId", s.original_by as by
    from imap_seen s join inbound_mails m on m.id = s.mail_id
    where s.mailbox_id = ${mailboxId} and s.original = 'asked' order by s.uid`
}

/**
 * How a request ended: `here` stands in one transaction with the attachment, `left` can be asked again, `gone` cannot.
 * @param given.action what may be done on the server now that it is here (2.6), null: nothing more
 * @returns false when it was not asked for any more; then nothing is changed
 */
export async function settleOriginal(
  tx: Tx | Sql,
  given: {
    id: number
    uid: number
    original: 'here' | 'left' | 'gone'
    words: string | null
    action: 'move' | 'delete' | null
  },
): Promise<boolean> {
  const { count } = await tx`
    update imap_seen set original = ${given.original}, original_words = ${given.words},
      action = coalesce(action, ${given.action})
    where mailbox_id = ${given.id} and uid = ${given.uid} and original = 'asked'`
  return count === 1
}

async function refusal(sql: Sql, mailId: number): Promise<Refusal> {
  const [mail] = await sql`
    select m.state, m.comment_id, s.original from inbound_mails m left join imap_seen s on s.mail_id = m.id
    where m.id = ${mailId} order by s.original is null limit 1`
  if (!mail) return new Refusal('no_mail', `There is no mail ${mailId}.`)
  if (mail.original === null) return new Refusal('no_original', `Mail ${mailId} was taken whole.`)
  if (mail.original === 'here') return new Refusal('no_original', `The original of mail ${mailId} is here already.`)
  if (mail.comment_id === null)
    return new Refusal('mail_state', `Mail ${mailId} is ${mail.state}: it belongs to no ticket yet.`)
  return new Refusal('no_original', `The original of mail ${mailId} can no longer be found in its mailbox.`)
}

/**
 * Copies of agents' answers for a mailbox's Sent folder (MAIL 2.18, 8.25): which messages still want one, and that one
 * has it. Nothing here changes a row's state: whatever becomes of a copy, the mail was sent and is not sent again.
 */
import type { Queryable } from '../../database.ts'
import type { Composable } from '../outbox.ts'

/** A sent answer whose copy is missing. */
export type Uncopied = Composable & { attachment_ids: number[] }

/**
 * Answers in tickets of an inbox that were sent after `since`, oldest first; of one that went to several recipients the
 * first row.
 * @param given.inbox its key
 * @param given.except Message-IDs to leave out, because they were tried a moment ago
 */
export async function listUncopied(
  sql: Queryable,
  given: { inbox: string; since: Date; except: string[]; limit: number },
): Promise<Uncopied[]> {
  const rows = await sql<Uncopied[]>`
    select distinct on (o.message_id) o.id, o.message_id, o.date_at, o.headers, o.subject, o.text, o.html,
      o.attachment_ids
    from outbox o join tickets t on t.id = o.ticket_id join inboxes i on i.id = t.inbox_id
    where o.kind = 'reply' and o.state = 'sent' and o.copied_at is null and o.settled_at > ${given.since}
      and o.text is not null and i.key = ${given.inbox} and o.message_id <> all(${given.except}::text[])
    order by o.message_id, o.id`
  return rows.sort((a, b) => a.id - b.id).slice(0, given.limit)
}

/** The folder has its copy: noted on all rows of the message, also those that are still on their way. */
export async function markCopied(sql: Queryable, messageId: string, now: Date): Promise<void> {
  await sql`update outbox set copied_at = ${now} where message_id = ${messageId} and copied_at is null`
}

/**
 * What happened and is to be told to agents: a row beside the change, in its transaction. Who is told, and when, is
 * decided later, by whoever they are then. Appending costs next to nothing, because every mail does it.
 */
import { type Change, change, type Statement, type Tx } from '../../database.ts'
import type { Actor } from '../events.ts'
import type { NewsKind } from './kinds.ts'

export type News = {
  ticketId: number
  kind: NewsKind
  commentId?: number | null
  /** The held mail. */
  mailId?: number | null
  /** The other ticket of a merge or a split. */
  otherId?: number | null
  /** Whom it was assigned to, or who had it. */
  agentId?: number | null
  /** Who caused it, and is never told of it (MAIL 8.32). */
  actor: Actor
}

/** Appends one. */
export async function addNews(tx: Tx, news: News, now: Date): Promise<void> {
  await newsRow(tx, news, now)
}

/** The same as a statement to be run with others. */
export function newsRow(
  tx: Tx,
  { ticketId, kind, commentId, mailId, otherId, agentId, actor }: News,
  now: Date,
): Statement {
  const row = {
    ticket_id: ticketId,
    kind,
    comment_id: commentId ?? null,
    mail_id: mailId ?? null,
    other_id: otherId ?? null,
    agent_id: agentId ?? null,
    actor_id: actor.kind === 'agent' ? actor.id : null,
    at: now,
  }
  return change(tx, NEW_NEWS, [row])
}

const NEW_NEWS: Change = {
  columns: `ticket_id bigint, kind text, comment_id bigint, mail_id bigint, other_id bigint, agent_id bigint, actor_id bigint,
    at timestamptz`,
  sql: 'insert into ticket_news (ticket_id, kind, comment_id, mail_id, other_id, agent_id, actor_id, at) select * from given',
}

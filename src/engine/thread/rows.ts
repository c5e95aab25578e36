/**
 * What else leads to a ticket besides the Message-IDs of its mails: ids that those only referred to, numbers of other
 * systems, threads of a mail provider. And what a merge moves.
 */
import { type Change, change, type Statement, type Tx } from '../../database.ts'
import { sameAddress } from '../people.ts'

export type Reference = {
  ids: string[]
  direction: 'ancestor' | 'external' | 'provider'
  ticketId: number
  commentId: number
  /** From, To and Cc of the mail that carried them: who may refer to them (6.3). */
  people: string[]
  baseSubject: string
}

/** Stores them, as a statement to be run with others; one that is there already stays as it is. */
export function referenceRows(tx: Tx, reference: Reference, now: Date): Statement {
  const { ids, ticketId, commentId, direction, baseSubject } = reference
  const people = [...new Set(reference.people.map(sameAddress))]
  const place = { ticket_id: ticketId, comment_id: commentId, direction, people, base_subject: baseSubject, at: now }
  return change(
    tx,
    REFERENCES,
    [...new Set(ids)].map((id) => ({ message_id: id, ...place })),
  )
}

const REFERENCES: Change = {
  columns: `message_id text, ticket_id bigint, comment_id bigint, direction text, people text[], base_subject text,
    at timestamptz`,
  sql: `
    insert into message_ids (message_id, ticket_id, comment_id, direction, people, base_subject, at)
    select * from given on conflict (message_id, ticket_id) do nothing`,
}

/** What the mails of some comments brought leads to the ticket that has them now (6.8). */
export async function moveMessageIdsOf(
  tx: Tx,
  { commentIds, from, to }: { commentIds: number[]; from: number; to: number },
): Promise<void> {
  await tx`
    update message_ids set ticket_id = ${to} where ticket_id = ${from} and comment_id = any(${commentIds}::bigint[])`
}

/** All that leads to one ticket leads to another from now on (6.13). */
export async function moveMessageIds(tx: Tx, from: number, to: number): Promise<void> {
  await tx`
    delete from message_ids mine using message_ids theirs
    where mine.ticket_id = ${from} and theirs.ticket_id = ${to} and theirs.message_id = mine.message_id
      and (mine.direction = 'ancestor' or theirs.direction <> 'ancestor')`
  await tx`
    delete from message_ids theirs using message_ids mine
    where mine.ticket_id = ${from} and theirs.ticket_id = ${to} and theirs.message_id = mine.message_id`
  await tx`update message_ids set ticket_id = ${to} where ticket_id = ${from}`
}

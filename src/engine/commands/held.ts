/**
 * Held mails that an agent lets in by a command: into the ticket that they claim, or as a ticket of their own (4a.28).
 * Here they are looked up and locked; whoever runs the commands has the spool release them in the same transaction, and
 * then they are judged once more, as if they had just arrived. What waits for an agent's own word is not let in so.
 */
import type { Queryable, Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { ReleasedAs } from '../../incoming.ts'
import type { Acting, Effect } from './command.ts'
import type { Arg } from './grammar.ts'
import { numbered } from './said.ts'
import { textOf } from './values.ts'

/** The number of a mail as lists and notices show it, `17` or `#17`; null: that is none. Pure. */
export function mailNumber(arg: Arg | string): number | null {
  const match = /^#?([1-9]\d{0,11})$/.exec(typeof arg === 'string' ? arg : textOf(arg))
  return match ? Number(match[1]) : null
}

/** The mails that wait beside a ticket, oldest first. */
export async function heldBeside(sql: Queryable, ticketId: number): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id from inbound_mails
    where ticket_id = ${ticketId} and state = 'held' and not reasons -> -1 ->> 'code' = any(${OWN}::text[]) order by id`
  return rows.map((row) => row.id)
}

type Row = { from: string; code: string | null; ticket: number | null; spam: boolean; done: boolean }

/**
 * Says what becomes of a held mail, and that it is to be released.
 * @throws Refusal `no_held_mail`, `waits_for_word`, and `spam_ticket` where it would only be held again
 */
export async function letInHeld(
  tx: Tx,
  on: Acting,
  { mail, as }: { mail: number; as: ReleasedAs | null },
): Promise<Effect> {
  const [row] = await tx<Row[]>`
    select coalesce(m.from_address, '–') as from, m.reasons -> -1 ->> 'code' as code, t.id as ticket,
      coalesce(t.spam_at is not null, false) as spam, coalesce(t.status in ('resolved', 'closed'), false) as done
    from inbound_mails m
    left join tickets c on c.id = coalesce(m.ticket_id, (m.trace #>> '{thread,ticket}')::bigint)
    left join tickets t on t.id = coalesce(c.merged_into, c.id) and t.deleted_at is null
    where m.id = ${mail} and m.state = 'held' for update of m`
  if (!row) throw new Refusal('no_held_mail', `No mail ${mail} is held.`)
  if (row.code !== null && OWN.includes(row.code))
    throw new Refusal('waits_for_word', `Mail ${mail} waits for the word of the agent whose mail it is.`)
  const data = { mail, from: row.from }
  const letsIn = { mail, by: on.actor.kind === 'agent' ? on.actor.name : '', as }
  if (as === 'ticket') return { key: 'mail_own_ticket', data, inverse: null, letsIn }
  if (row.spam) throw new Refusal('spam_ticket', `Ticket #${row.ticket} is marked as spam, so mail ${mail} waits.`)
  // a ticket that is done may have a follow-up instead (6.12)
  if (row.ticket === null || row.done) return { key: 'mail_let_in', data, inverse: null, letsIn }
  return { key: 'mail_into_ticket', data: { ...data, ticket: numbered(row.ticket) }, inverse: null, letsIn }
}

/** Reasons of mails that bear an agent's name or are theirs: the question that they were sent lets those in (5.6). */
const OWN: string[] = ['challenge', 'collision', 'command_error', 'note_leak']

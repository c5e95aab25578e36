/** The append-only story of each ticket. A change and its event stand together in one transaction. */
import type { Statement, Tx } from '../database.ts'
import { floored } from '../time.ts'

/** Who did it. `system` names the part that acted: `rules`, `cron`, `mail`. */
export type Actor =
  | { kind: 'agent'; id: number; name: string }
  | { kind: 'contact'; id: number | null; name: string }
  | { kind: 'system'; id: null; name: string }

export type Event = {
  type: string
  data?: Record<string, unknown>
  why?: string | null
}

/** A row of the story whose number and time are known: the caller holds the ticket's row and has read its last event. */
export type NumberedEvent = {
  ticket_id: number
  seq: number
  at: Date
  type: string
  actor: Actor['kind']
  actor_id: number | null
  actor_name: string
  data: Record<string, unknown>
  why: string | null
}

export const system = (name: string): Actor => ({ kind: 'system', id: null, name })

/**
 * Appends events to a ticket whose row the caller has locked or made in this transaction; that lock is what makes
 * `seq` gapless. `at` never goes back within a ticket (SLA U2).
 */
export async function record(
  tx: Tx,
  story: { ticketId: number; actor: Actor; events: Event[] },
  now: Date,
): Promise<void> {
  if (story.events.length) await eventRows(tx, story, now)
}

/** The same as a statement to be run with others; of one ticket there may be one among them. */
export function eventRows(tx: Tx, story: { ticketId: number; actor: Actor; events: Event[] }, now: Date): Statement {
  const { ticketId, actor } = story
  const events = story.events.map(({ type, data = {}, why = null }) => ({ type, data, why }))
  return tx`
    insert into events (ticket_id, seq, at, type, actor, actor_id, actor_name, data, why)
    select ${ticketId}, last.seq + e.n, greatest(last.at, ${floored(now)}::timestamptz), e.value ->> 'type', ${actor.kind},
           ${actor.id}, ${actor.name}, e.value -> 'data', e.value ->> 'why'
    from (select coalesce(max(seq), 0) as seq, max(at) as at from events where ticket_id = ${ticketId}) as last,
         jsonb_array_elements(${tx.json(events as never)}) with ordinality as e (value, n)`
}

/** Events of any number of tickets, as a statement. */
export const numberedRows = (tx: Tx, rows: NumberedEvent[]): Statement => tx`
  insert into events (ticket_id, seq, at, type, actor, actor_id, actor_name, data, why)
  select ticket_id, seq, at, type, actor, actor_id, actor_name, data, why
  from jsonb_to_recordset(${tx.json(rows as never)}) as r (
    ticket_id bigint, seq int, at timestamptz, type text, actor text, actor_id bigint, actor_name text, data jsonb,
    why text)`

/** The append-only story of each ticket. A change and its event stand together in one transaction. */
import { type Change, change, type Statement, type Tx } from '../database.ts'
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
  const rows = story.events.map(({ type, data = {}, why = null }, n) => ({
    ticket_id: ticketId,
    n: n + 1,
    at: floored(now),
    type,
    actor: actor.kind,
    actor_id: actor.id,
    actor_name: actor.name,
    data,
    why,
  }))
  return change(tx, NEW_EVENTS, rows)
}

const NEW_EVENTS: Change = {
  columns: `ticket_id bigint, n int, at timestamptz, type text, actor text, actor_id bigint, actor_name text,
    data jsonb, why text`,
  sql: `
    insert into events (ticket_id, seq, at, type, actor, actor_id, actor_name, data, why)
    select given.ticket_id, coalesce(last.seq, 0) + given.n, greatest(last.at, given.at), given.type, given.actor,
      given.actor_id, given.actor_name, given.data, given.why
    from given
    left join lateral (
      select e.seq, e.at from events e where e.ticket_id = given.ticket_id order by e.seq desc limit 1) last on true
    order by given.ticket_id, given.n`,
}

/** Events of any number of tickets, as a statement. */
export const numberedRows = (tx: Tx, rows: NumberedEvent[]): Statement => change(tx, NUMBERED_EVENTS, rows)

const NUMBERED_EVENTS: Change = {
  columns: `ticket_id bigint, seq int, at timestamptz, type text, actor text, actor_id bigint, actor_name text,
    data jsonb, why text`,
  sql: `
    insert into events (ticket_id, seq, at, type, actor, actor_id, actor_name, data, why) select * from given`,
}

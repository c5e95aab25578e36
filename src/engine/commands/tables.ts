/** What became of each mail with commands: kept, so that it can be read again and taken back. */
import { sql } from 'drizzle-orm'
import { check, index, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import { id, instant, ref } from '../../columns.ts'
import { agents, tickets } from '../tables.ts'
import type { Channel } from './command.ts'

export type Outcome = 'done' | 'dry' | 'error'

/** One row for each mail, and for each form of the web that did something. */
export const receipts = pgTable(
  'receipts',
  {
    id: id(),
    agent_id: ref().references(() => agents.id), // null: a customer's
    address: text().notNull(), // whom the receipt is for
    ticket_id: ref().references(() => tickets.id),
    channel: text().$type<Channel>().notNull(),
    mail_id: ref(), // of inbound_mails, which is above this room: no foreign key
    outcome: text().$type<Outcome>().notNull(),
    reason: text().notNull().default(''), // of an error: what it was, to tell it from others
    effects: jsonb().notNull().default([]), // Kept[] of receipts.ts, in order, each with its inverse
    message_id: text(), // of the mail; null: none was sent
    at: instant().notNull(),
    undone_at: instant(),
  },
  (t) => [
    check('receipts_channel', sql.raw(`channel in ('mail', 'web')`)),
    check('receipts_outcome', sql.raw(`outcome in ('done', 'dry', 'error')`)),
    index('receipts_agent').on(t.agent_id, t.at),
    index('receipts_ticket').on(t.ticket_id),
    index('receipts_message').on(t.message_id).where(sql`message_id is not null`),
  ],
)

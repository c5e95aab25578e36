/** Calls to other systems, each until it was answered or given up. Writer: webhooks. */
import { sql } from 'drizzle-orm'
import { check, index, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import { id, instant, ref } from '../../columns.ts'
import { tickets } from '../tables.ts'

export const webhookCalls = pgTable(
  'webhook_calls',
  {
    id: id(),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    url: text().notNull(),
    key: text().notNull(), // of the firing: the same for each of its tries
    body: jsonb().notNull(),
    state: text().$type<'queued' | 'done' | 'failed'>().notNull().default('queued'),
    tries: integer().notNull().default(0),
    next_try_at: instant().notNull(), // while a daemon is at it: when its lease ends
    last_answer: text(),
    created_at: instant().notNull(),
    settled_at: instant(),
  },
  (t) => [
    check('webhook_calls_state', sql`state in ('queued', 'done', 'failed')`),
    index('webhook_calls_due').on(t.next_try_at).where(sql`state = 'queued'`),
    index('webhook_calls_settled').on(t.settled_at).where(sql`settled_at is not null`),
  ],
)

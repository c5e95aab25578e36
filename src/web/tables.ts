/** The web's own tables: sign-in links and sessions. Only hashes of secrets are stored. */
import { index, pgTable, text } from 'drizzle-orm/pg-core'
import { bytea, id, instant, ref } from '../columns.ts'
import { agents } from '../engine/tables.ts'

export const loginLinks = pgTable('login_links', {
  hash: bytea().primaryKey(),
  agent_id: ref()
    .notNull()
    .references(() => agents.id),
  created_at: instant().notNull(),
  expires_at: instant().notNull(),
  used_at: instant(),
})

export const sessions = pgTable(
  'sessions',
  {
    id: id(),
    hash: bytea().notNull().unique(),
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
    created_at: instant().notNull(),
    used_at: instant().notNull(),
    agent: text().notNull().default(''), // the browser's User-Agent, so that people know their sessions apart
    revoked_at: instant(),
  },
  (t) => [index('sessions_agent').on(t.agent_id)],
)

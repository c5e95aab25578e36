/** What agents are asked about mails of theirs that are held, and which of their mails were carried out. */
import { sql } from 'drizzle-orm'
import { boolean, check, index, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { bytea, id, instant, ref } from '../../columns.ts'
import { agents, tickets } from '../tables.ts'

/**
 * One row for each mail that is held and an agent was, or would have been, told of. `challenge`: the nonce that only
 * their registered address got releases it (5.6); `send`: `#send` does; `notice`: nothing does, it was not theirs.
 */
export const challenges = pgTable(
  'challenges',
  {
    id: id(),
    kind: text().$type<'challenge' | 'send' | 'notice'>().notNull(),
    why: text().notNull(), // the reason code; with agent and ticket it says what was told before
    nonce: bytea(), // hashed
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
    ticket_id: ref().references(() => tickets.id),
    mail_id: ref().notNull(), // of inbound_mails, which is above this room: no foreign key
    told: boolean().notNull(), // a mail went to them; false: one for the same reason had just gone
    asked_at: instant().notNull(),
    expires_at: instant().notNull(),
    used_at: instant(),
  },
  (t) => [
    check('challenges_kind', sql.raw(`kind in ('challenge', 'send', 'notice')`)),
    uniqueIndex('challenges_nonce').on(t.nonce).where(sql`nonce is not null`),
    index('challenges_agent').on(t.agent_id, t.asked_at),
  ],
)

/** Hashes of agents' mails that were carried out: of the Message-ID, and of reply address and body (COMMANDS E5.5). */
export const executedMails = pgTable('executed_mails', {
  hash: bytea().primaryKey(),
  at: instant().notNull(),
})

/** What agents are to be told, and how far each was told. Writer: notify. */
import { check, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { id, instant, oneOf, ref } from '../../columns.ts'
import { agents, tickets } from '../tables.ts'
import { NEWS, type NewsKind, REGULAR, type Regular, TOPICS, type Topic, type Way } from './kinds.ts'

/**
 * What happened in a ticket and is not told yet; rows are deleted when everybody concerned was told. Written with every
 * mail, so it has one index and no foreign keys: each would be one more question a mail.
 */
export const ticketNews = pgTable(
  'ticket_news',
  {
    id: id(),
    ticket_id: ref().notNull(),
    kind: text().$type<NewsKind>().notNull(),
    comment_id: ref(),
    mail_id: ref(), // that is held
    other_id: ref(), // the other ticket of a merge or a split
    agent_id: ref(), // whom it was assigned to, or who had what was merged
    actor_id: ref(), // the agent who did it, who is not told
    at: instant().notNull(),
    not_before: instant(), // nobody concerned can be told earlier: they were told a moment ago, or sleep
  },
  () => [check('ticket_news_kind', oneOf('kind', NEWS))],
)

/** How far an agent was told of a ticket, and when last: at most one mail in two minutes (MAIL 8.32). */
export const ticketTold = pgTable(
  'ticket_told',
  {
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
    news_id: ref().notNull(),
    at: instant().notNull(),
  },
  (t) => [primaryKey({ columns: [t.ticket_id, t.agent_id] }), index('ticket_told_at').on(t.at)],
)

/** What waits for an agent's next digest. */
export const digestNews = pgTable(
  'digest_news',
  {
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    topic: text().$type<Topic>().notNull(),
    count: integer().notNull(),
    at: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.agent_id, t.ticket_id, t.topic] }),
    check('digest_news_topic', oneOf('topic', TOPICS)),
  ],
)

/** What an agent chose on their page; the rest is as the desk file says. */
export const agentChoices = pgTable(
  'agent_choices',
  {
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
    topic: text().$type<Topic | Regular>().notNull(),
    choice: text().$type<Way | 'on' | 'off'>().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.agent_id, t.topic] }),
    check('agent_choices_topic', oneOf('topic', [...TOPICS, ...REGULAR])),
    check('agent_choices_choice', oneOf('choice', ['instant', 'digest', 'none', 'on', 'off'])),
  ],
)

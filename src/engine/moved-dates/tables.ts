/** Tickets whose promised dates an agent has moved, until their customers were told or need not be. Writer: moved-dates. */
import { index, jsonb, pgTable } from 'drizzle-orm/pg-core'
import { instant, ref } from '../../columns.ts'
import { tickets } from '../tables.ts'

/** One row a ticket, however often it is changed meanwhile: the customer hears of the last change, once. */
export const movedDates = pgTable(
  'moved_dates',
  {
    ticket_id: ref()
      .primaryKey()
      .references(() => tickets.id),
    was: jsonb().notNull(), // the targets and calendars before the first change, by metric: what an undo brings back
    at: instant().notNull(), // of the last change: it may be taken back for as long as an answer may
  },
  (t) => [index('moved_dates_at').on(t.at)],
)

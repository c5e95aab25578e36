/** Promises and their clocks: calendars and policies by version, clocks, the ledger of breaches, what reminded. */
import { sql } from 'drizzle-orm'
import { check, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { id, instant, oneOf, ref, second } from '../../columns.ts'
import { agents, comments, teams, tickets } from '../tables.ts'

/** Immutable versions (SLA M2): an edit inserts one, clocks point at the one they were started with. */
export const calendars = pgTable(
  'calendars',
  {
    id: id(),
    key: text().notNull(),
    version: integer().notNull(),
    definition: jsonb().notNull(),
    created_at: instant().notNull(),
    retired_at: instant(),
  },
  (t) => [uniqueIndex('calendars_version').on(t.key, t.version)],
)

export const slaPolicies = pgTable(
  'sla_policies',
  {
    id: id(),
    key: text().notNull(),
    version: integer().notNull(),
    calendar_id: ref().references(() => calendars.id),
    definition: jsonb().notNull(),
    created_at: instant().notNull(),
    retired_at: instant(),
  },
  (t) => [uniqueIndex('sla_policies_version').on(t.key, t.version)],
)

/** One row per ticket, metric, team and cycle (SLA section 3). Durations in working seconds. */
export const slaClocks = pgTable(
  'sla_clocks',
  {
    id: id(),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    metric: text().$type<'first_response' | 'next_response' | 'resolution' | 'ola'>().notNull(),
    team_id: ref().references(() => teams.id),
    cycle: integer().notNull().default(1),
    state: text().$type<'running' | 'paused' | 'stopped' | 'cancelled'>().notNull(),
    policy_id: ref()
      .notNull()
      .references(() => slaPolicies.id),
    calendar_id: ref()
      .notNull()
      .references(() => calendars.id),
    target_s: integer().notNull(),
    started_at: second().notNull(),
    elapsed_s: integer().notNull().default(0), // up to running_since (K2)
    running_since: second(),
    due_at: second(), // only while it runs; null too where it is never reached (C12)
    last_due_at: second(),
    stopped_at: second(),
    stop_reason: text().$type<'reply' | 'resolved' | 'handed_over' | 'target_removed' | 'merged' | 'split' | 'spam'>(),
    stop_agent_id: ref().references(() => agents.id),
    breached_at: second(),
    awaiting_ref: second(), // the wait that a next response clock measures (K14)
    next_warn_at: second(),
    next_warn_id: text(),
    fired: text().array().notNull().default([]), // reminders that fired and are not armed again (W3)
    generation: integer().notNull().default(0),
  },
  (t) => [
    uniqueIndex('sla_clocks_once').on(t.ticket_id, t.metric, sql`coalesce(team_id, 0)`, t.cycle),
    // Q3: the sweep finds what is due, and nothing else
    index('sla_clocks_due').on(t.due_at).where(sql`state = 'running' and breached_at is null`),
    index('sla_clocks_warn').on(t.next_warn_at).where(sql`next_warn_at is not null`),
    // Q5: the open clocks of a version, ticket by ticket
    index('sla_clocks_calendar').on(t.calendar_id, t.ticket_id).where(sql`state in ('running', 'paused')`),
    index('sla_clocks_policy').on(t.policy_id, t.ticket_id).where(sql`state in ('running', 'paused')`),
    check('sla_clocks_target', sql`target_s between 1 and 315360000`),
    check('sla_clocks_metric', oneOf('metric', ['first_response', 'next_response', 'resolution', 'ola'])),
    check('sla_clocks_state', oneOf('state', ['running', 'paused', 'stopped', 'cancelled'])),
    check('sla_clocks_due_running', sql`state = 'running' or (due_at is null and running_since is null)`),
  ],
)

/** The ledger: who was late, when, against which target. A row that no longer counts stays and says so (K11). */
export const slaBreaches = pgTable(
  'sla_breaches',
  {
    id: id(),
    clock_id: ref()
      .notNull()
      .references(() => slaClocks.id),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    metric: text().$type<'first_response' | 'next_response' | 'resolution' | 'ola'>().notNull(),
    team_id: ref().references(() => teams.id),
    cycle: integer().notNull(),
    at: second().notNull(),
    target_s: integer().notNull(),
    assignee_id: ref().references(() => agents.id), // then in force (K9)
    ticket_team_id: ref().references(() => teams.id),
    superseded_at: second(),
    superseded_by: integer(), // seq of the event: it tells who and why
  },
  (t) => [
    uniqueIndex('sla_breaches_standing').on(t.clock_id).where(sql`superseded_at is null`),
    index('sla_breaches_ticket').on(t.ticket_id),
    index('sla_breaches_at').on(t.at),
  ],
)

/** Reminders that fired: once per clock, reminder and generation (W3); each repetition is one of its own, `late/2`. */
export const slaFired = pgTable(
  'sla_fired',
  {
    clock_id: ref()
      .notNull()
      .references(() => slaClocks.id),
    reminder: text().notNull(),
    generation: integer().notNull(),
    at: second().notNull(),
    policy_id: ref() // the version that says what it does
      .notNull()
      .references(() => slaPolicies.id),
    acted_at: instant(), // what it does is done, or was not to be done any more
    dropped_at: instant(), // its notices came too late to be sent (E4)
  },
  (t) => [
    primaryKey({ columns: [t.clock_id, t.reminder, t.generation] }),
    index('sla_fired_waiting').on(t.at).where(sql`acted_at is null`),
    index('sla_fired_dropped').on(t.dropped_at).where(sql`dropped_at is not null`),
  ],
)

/** Public answers inside their undo window: they count at its end, unless they were taken back (F3). */
export const slaAnswers = pgTable(
  'sla_answers',
  {
    comment_id: ref()
      .primaryKey()
      .references(() => comments.id),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    agent_id: ref().references(() => agents.id),
    at: second().notNull(),
  },
  (t) => [index('sla_answers_at').on(t.at), index('sla_answers_ticket').on(t.ticket_id)],
)

/** What goes out: mails until long after they are sent, whom not to write to, how many automatic ones went. */
import { sql } from 'drizzle-orm'
import { check, index, integer, jsonb, pgTable, primaryKey, smallint, text } from 'drizzle-orm/pg-core'
import { id, instant, oneOf, ref, second } from '../../columns.ts'
import { comments, tickets } from '../tables.ts'

export const OUTBOX_STATES = [
  'queued',
  'leased',
  'sending',
  'sent',
  'deferred',
  'uncertain',
  'failed',
  'suppressed',
  'cancelled',
] as const
export type OutboxState = (typeof OUTBOX_STATES)[number]
export const OUTBOX_KINDS = [
  'reply',
  'ack',
  'notification',
  'login',
  'survey',
  'notice',
  'receipt',
  'statement',
] as const
export type OutboxKind = (typeof OUTBOX_KINDS)[number]

/**
 * One row per message and recipient (8.20). The row holds all that the bytes are made of, so that every try is equal
 * (0.8); rows of one message share its Message-ID, Date and headers (8.8).
 */
export const outbox = pgTable(
  'outbox',
  {
    id: id(),
    kind: text().$type<OutboxKind>().notNull(),
    priority: smallint().notNull(), // 0 replies, 1 acknowledgements and sign-in links, 2 notifications, 3 surveys (8.28)
    ticket_id: ref().references(() => tickets.id),
    comment_id: ref().references(() => comments.id),
    message_id: text().notNull(),
    date_at: second().notNull(),
    envelope_from: text().notNull(),
    recipient: text().notNull(),
    headers: jsonb().notNull(), // [[name, value], ...] in order, unencoded, without MIME and Content-* ones
    subject: text().notNull(),
    text: text(),
    html: text(),
    attachment_ids: ref().array().notNull().default([]),
    state: text().$type<OutboxState>().notNull().default('queued'),
    not_before: instant(), // the end of the undo window (8.20)
    next_try_at: instant().notNull(),
    tries: integer().notNull().default(0),
    lease_until: instant(),
    leased_by: text(),
    last_answer: text(),
    uncertain_at: instant(), // bytes went out once and no answer came (8.24)
    deferred_at: instant(), // first deferral
    expires_at: instant().notNull(),
    created_at: instant().notNull(),
    settled_at: instant(),
    copied_at: instant(), // a copy was put into the mailbox's Sent folder, or found there (2.18)
  },
  (t) => [
    check('outbox_state', oneOf('state', OUTBOX_STATES)),
    check('outbox_kind', oneOf('kind', OUTBOX_KINDS)),
    index('outbox_due')
      .on(t.priority, t.next_try_at, t.id)
      .where(sql`state in ('queued', 'deferred', 'uncertain', 'leased', 'sending')`),
    index('outbox_message').on(t.message_id),
    index('outbox_uncopied').on(t.settled_at).where(sql`kind = 'reply' and state = 'sent' and copied_at is null`),
    index('outbox_ticket').on(t.ticket_id),
    index('outbox_recipient').on(t.recipient, t.created_at),
  ],
)

/** Addresses that are not written to (8.26): exact, domain lower-cased, local part case-folded. */
export const suppressions = pgTable('suppressions', {
  address: text().primaryKey(),
  reason: text().notNull(),
  evidence: text().notNull(),
  expires_at: instant().notNull(),
  created_at: instant().notNull(),
})

/**
 * How many automatic mails went, per `address/…`, `ticket/…`, `inbox/…` (4a.22), and how many bad reply addresses came,
 * per `bad-address/…` (5.8); in periods of ten minutes.
 */
export const mailBudgets = pgTable(
  'mail_budgets',
  {
    scope: text().notNull(),
    period: instant().notNull(),
    count: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.scope, t.period] }), index('mail_budgets_period').on(t.period)],
)

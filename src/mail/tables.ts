/** The tables of the mail rooms: what came in, where each mailbox stands, how each delivery went. */
import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { bytea, id, instant, oneOf, ref } from '../columns.ts'
import { outbox } from '../engine/outbox/tables.ts'
import { comments, tickets } from '../engine/tables.ts'
import type { Confirmed, ReleasedAs } from '../incoming.ts'
import { blobs } from '../tables.ts'

export const MAIL_STATES = [
  'received',
  'processing',
  'ticketed',
  'commented',
  'recorded',
  'held',
  'quarantined',
  'discarded',
] as const
export type MailState = (typeof MAIL_STATES)[number]
/** `processing` is what people read of a received mail that a worker has a lease on: a claim changes no index. */
const STORED_STATES = MAIL_STATES.filter((state) => state !== 'processing')

/**
 * Every accepted mail, once per transaction or fetch, in exactly one state (0.2). `blob_id` is the raw as received;
 * `prefix` the trace lines that the desk put in front (1.18), kept apart so that DKIM still verifies.
 */
export const inboundMails = pgTable(
  'inbound_mails',
  {
    id: id(),
    received_at: instant().notNull(),
    via: text().$type<'mx' | 'lmtp' | 'imap' | 'import'>().notNull(),
    listener: text().notNull().default(''), // which listener or mailbox
    envelope_from: text(), // null: unknown (IMAP); '': the null sender
    recipients: jsonb().$type<{ address: string; inbox: string | null; tag: string | null }[]>().notNull(),
    session: jsonb().notNull().default({}), // ip, helo, tls, smtputf8, body: facts for authentication and Received
    prefix: text().notNull().default(''),
    blob_id: ref().references(() => blobs.id), // null: the purge took the raw of a discarded mail
    bytes: ref().notNull(),
    state: text().$type<Exclude<MailState, 'processing'>>().notNull().default('received'),
    ids: ref().array().notNull().default([]), // 64-bit hashes of own and referred Message-IDs, from a header scan
    message_id: text(), // normalised (3.1)
    from_address: text(),
    subject: text(),
    kind: text(),
    dedupe_key: bytea(), // set on the first mail of its kind only (3.2, 3.8)
    isolation: integer().notNull().default(0), // 3.6: one value, `shared`
    likeness: jsonb(), // from, date, subject, normalised body hash: what tells a copy from a collision (3.3, 3.4)
    duplicate_of: ref(),
    ticket_id: ref().references(() => tickets.id),
    comment_id: ref().references(() => comments.id),
    reasons: jsonb().$type<{ code: string; words: string }[]>().notNull().default([]),
    trace: json(), // written once and read whole
    attempts: integer().notNull().default(0), // how often it was begun (2.15)
    failures: integer().notNull().default(0), // how often that ended in an error
    started_at: instant(),
    due_at: instant().notNull(), // when a worker may take it
    lease_until: instant(),
    leased_by: text(),
    released_at: instant(),
    released_by: text(),
    released_as: text().$type<ReleasedAs>(), // null: whatever it claims to be
    confirmed: jsonb().$type<Confirmed>(), // the agent whose mail it is, who released it by mail (5.6)
    settled_at: instant(), // when it reached a final state
    settled_by: text(), // the agent who discarded it, or 'purge'
  },
  (t) => [
    check('inbound_mails_state', oneOf('state', STORED_STATES)),
    check('inbound_mails_released_as', sql.raw(`released_as = 'ticket'`)),
    index('inbound_mails_due').on(t.id).where(sql`state = 'received'`),
    uniqueIndex('inbound_mails_dedupe').on(t.dedupe_key, t.isolation).where(sql`dedupe_key is not null`),
    index('inbound_mails_from').on(t.from_address, t.received_at), // what a sender did lately (4a.23)
    index('inbound_mails_message_id').on(t.message_id).where(sql`message_id is not null`),
    index('inbound_mails_ticket').on(t.ticket_id).where(sql`ticket_id is not null`),
    index('inbound_mails_blob').on(t.blob_id), // is this content here already; does anything still need it
    index('inbound_mails_state').on(t.state, t.id).where(sql`state in ('held', 'quarantined', 'discarded')`),
  ],
)

/** The ids of unfinished mails: a worker leaves a mail alone while an older unfinished one shares an id with it. */
export const pendingIds = pgTable(
  'pending_ids',
  {
    hash: ref().notNull(),
    mail_id: ref()
      .notNull()
      .references(() => inboundMails.id, { onDelete: 'cascade' }),
  },
  (t) => [primaryKey({ columns: [t.hash, t.mail_id] }), index('pending_ids_mail').on(t.mail_id)],
)

/** A polled folder at one UIDVALIDITY. History is kept: a superseded row is never deleted (2.4). */
export const mailboxes = pgTable(
  'mailboxes',
  {
    id: id(),
    name: text().notNull(), // the account's name in the configuration
    folder: text().notNull(),
    uidvalidity: ref().notNull(),
    last_uid: ref().notNull(),
    polled_at: instant(), // last completed poll (2.20)
    reconciled_at: instant(),
    created_at: instant().notNull(),
    superseded_at: instant(),
  },
  (t) => [
    uniqueIndex('mailboxes_once').on(t.name, t.folder, t.uidvalidity),
    uniqueIndex('mailboxes_current').on(t.name, t.folder).where(sql`superseded_at is null`),
  ],
)

/** What became of each UID (2.1): `imported`, `known` (a copy of ours), `unfetchable`, `not_imported` (waits for a person). */
export const imapSeen = pgTable(
  'imap_seen',
  {
    mailbox_id: ref()
      .notNull()
      .references(() => mailboxes.id),
    uid: ref().notNull(),
    state: text().$type<'imported' | 'known' | 'unfetchable' | 'not_imported'>().notNull(),
    mail_id: ref().references(() => inboundMails.id),
    at: instant().notNull(),
    words: text(),
    action: text(), // what is still to be done on the server after import (2.6): 'seen', 'keyword', 'move', 'delete'
    action_done_at: instant(),
    action_words: text(),
    // Where the original of a mail beyond the size limit is (2.12): 'left' on the server, 'asked' for, 'here', 'gone'.
    original: text().$type<'left' | 'asked' | 'here' | 'gone'>(),
    original_by: text(), // who asked
    original_words: text(), // why it could not be had
  },
  (t) => [
    primaryKey({ columns: [t.mailbox_id, t.uid] }),
    index('imap_seen_action').on(t.mailbox_id).where(sql`action is not null and action_done_at is null`),
    index('imap_seen_original').on(t.mailbox_id).where(sql`original = 'asked'`),
    index('imap_seen_mail').on(t.mail_id),
  ],
)

/** Refused logins in a row, so that a restart does not try again at once (2.10). Gone with the first good poll. */
export const mailboxRefusals = pgTable('mailbox_refusals', {
  name: text().primaryKey(), // the account's name in the configuration
  login: text().notNull(), // a keyed hash of what was refused: a new password is tried at once
  failures: integer().notNull(),
  failed_at: instant().notNull(),
})

/** Every try of an outgoing mail, with the server's words (8.29). */
export const deliveryAttempts = pgTable(
  'delivery_attempts',
  {
    id: id(),
    outbox_id: ref()
      .notNull()
      .references(() => outbox.id, { onDelete: 'cascade' }),
    at: instant().notNull(),
    phase: text().notNull(),
    code: integer(),
    words: text().notNull(),
    ok: boolean().notNull(),
  },
  (t) => [index('delivery_attempts_outbox').on(t.outbox_id)],
)

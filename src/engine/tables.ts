/**
 * The desk's tables. Each has one writer, named above it; everybody may read. Statuses, roles and the like are text
 * with a check, because a PostgreSQL enum cannot lose a value.
 */
import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { bytea, id, instant, oneOf, ref, second } from '../columns.ts'
import { blobs } from '../tables.ts'

export const STATUSES = ['new', 'open', 'waiting_customer', 'on_hold', 'resolved', 'closed'] as const
export type Status = (typeof STATUSES)[number]
export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const
export type Priority = (typeof PRIORITIES)[number]
export const QUEUE_ORDERS = ['due', 'first_response', 'resolution', 'created'] as const
export type QueueOrder = (typeof QUEUE_ORDERS)[number]

// --- people.ts ------------------------------------------------------------------------------------------------------

/** The customer's company. Rows come from the desk file, by key. */
export const organizations = pgTable('organizations', {
  id: id(),
  key: text().notNull().unique(),
  name: text().notNull(),
  locale: text(),
  zone: text(),
  disabled_at: instant(),
})

/** Which senders are an organization's: `acme.example`, `*.acme.example` or an exact address. */
export const organizationDomains = pgTable('organization_domains', {
  pattern: text().primaryKey(),
  organization_id: ref()
    .notNull()
    .references(() => organizations.id),
})

export const contacts = pgTable('contacts', {
  id: id(),
  name: text().notNull().default(''),
  organization_id: ref().references(() => organizations.id),
  locale: text(),
  zone: text(),
  verified_at: instant(),
  answered_at: instant(), // a person here has answered them before (4a.25)
  created_at: instant().notNull(),
})

/** Exact addresses, domain as lower-case A-label; one contact may hold several (6.21). */
export const contactAddresses = pgTable('contact_addresses', {
  address: text().primaryKey(),
  contact_id: ref()
    .notNull()
    .references(() => contacts.id, { onDelete: 'cascade' }),
  confirmed_at: instant(),
})

export const agents = pgTable(
  'agents',
  {
    id: id(),
    address: text().notNull().unique(),
    name: text().notNull().default(''),
    admin: boolean().notNull().default(false),
    locale: text(),
    zone: text(),
    queue_order: text().$type<QueueOrder>().notNull().default('due'),
    disabled_at: instant(),
    created_at: instant().notNull(),
  },
  () => [check('agents_queue_order', oneOf('queue_order', QUEUE_ORDERS))],
)

export const teams = pgTable('teams', {
  id: id(),
  key: text().notNull().unique(),
  name: text().notNull(),
  calendar: text(), // key of the calendar its own targets are counted in (SLA O1); null: the policy's
  calendar_at: instant(), // since when it is that one
  disabled_at: instant(),
})

export const teamMembers = pgTable(
  'team_members',
  {
    team_id: ref()
      .notNull()
      .references(() => teams.id),
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
  },
  (t) => [primaryKey({ columns: [t.team_id, t.agent_id] })],
)

/** Sets of organizations and contacts that carry a policy; the smallest rank wins (SLA S1). */
export const customerGroups = pgTable('customer_groups', {
  id: id(),
  key: text().notNull().unique(),
  name: text().notNull(),
  rank: integer().notNull(),
  disabled_at: instant(),
})

export const customerGroupMembers = pgTable(
  'customer_group_members',
  {
    group_id: ref()
      .notNull()
      .references(() => customerGroups.id),
    organization_id: ref().references(() => organizations.id),
    address: text(),
  },
  (t) => [uniqueIndex().on(t.group_id, t.organization_id, t.address)],
)

/** Whose mail is held: an exact address, or a domain with all below it. */
export const blockedSenders = pgTable('blocked_senders', {
  pattern: text().primaryKey(),
  blocked_at: instant().notNull(),
  blocked_by: text().notNull(),
})

// --- tickets.ts -----------------------------------------------------------------------------------------------------

/** An address the desk serves. */
export const inboxes = pgTable('inboxes', {
  id: id(),
  key: text().notNull().unique(),
  address: text().notNull(),
  aliases: text().array().notNull().default([]),
  name: text().notNull(),
  locale: text().notNull(),
  zone: text().notNull(),
  disabled_at: instant(),
})

/** Where a ticket belongs: `acme/incoming`, `triage`. */
export const projects = pgTable('projects', {
  id: id(),
  key: text().notNull().unique(),
  organization_id: ref().references(() => organizations.id),
  team_id: ref().references(() => teams.id),
  disabled_at: instant(),
})

const openTickets = sql.raw(`status not in ('resolved', 'closed') and deleted_at is null and spam_at is null`)
// as people/order.ts writes it: what is promised next, or an earlier date by hand
const byDue = sql.raw(`coalesce(least(next_due_at, due_at), 'infinity'::timestamptz)`)

/** The id is the number people see. */
export const tickets = pgTable(
  'tickets',
  {
    id: id(),
    subject: text().notNull(),
    base_subject: text().notNull(),
    status: text().$type<Status>().notNull().default('new'),
    priority: text().$type<Priority>().notNull().default('normal'),
    type: text().notNull().default('question'),
    tags: text().array().notNull().default([]),
    product: text(), // a key of the desk file
    fields: jsonb().$type<Record<string, string>>().notNull().default({}), // by the keys of the desk file
    origin: text().$type<'customer' | 'agent_for_customer' | 'agent_outbound'>().notNull().default('customer'),
    automatic: boolean().notNull().default(false), // opened by automatic or list mail: quiet (4a.19)
    inbox_id: ref().references(() => inboxes.id),
    project_id: ref()
      .notNull()
      .references(() => projects.id),
    organization_id: ref().references(() => organizations.id),
    team_id: ref().references(() => teams.id),
    assignee_id: ref().references(() => agents.id),
    requester_id: ref().references(() => contacts.id),
    requester_address: text(), // where answers go: the address last used in this ticket (6.21); null: nobody to answer (4.8)
    requester_name: text().notNull().default(''),
    locale: text().notNull().default('en'),
    zone: text().notNull().default('UTC'),
    token_generation: integer().notNull().default(0), // bump revokes all signed addresses (5.8)
    undelivered_at: instant(), // a public answer bounced (4a.7)
    created_at: second().notNull(),
    updated_at: instant().notNull(),
    first_response_at: second(),
    assessed_at: second(), // since when somebody vouches for the priority; null: it is the default (FEATURES 3.11)
    assessed_s: integer(), // working time until then
    resolved_at: second(),
    closed_at: second(),
    due_at: second(), // set by an agent; no clock follows it, and no promise
    reminded_due_at: second(), // the due_at whose passing was told
    wake_at: instant(), // when it comes back to whoever put it aside
    wake_agent_id: ref().references(() => agents.id), // who that is
    merged_into: ref(),
    duplicate_of: ref(),
    deleted_at: instant(),
    deleted_by: text(),
    spam_at: instant(),
    spam_by: text(),
    clocks_ended_at: instant(), // when it was marked first: no clock of it changes after that (SLA K17)
    // SLA: engine/sla computes these, tickets.ts writes them (SLA section 3)
    policy_id: ref(), // the policy version in force
    policy_source: text().$type<'manual' | 'rule' | 'org' | 'group' | 'inbox' | 'project' | 'default' | 'none'>(),
    calendar_id: ref(), // the calendar version in force: the policy's, or the customer's where it names none
    team_calendar_id: ref(), // the team's own (O1)
    answered_at: second(), // answered, resolved without an answer, or an agent wrote first (F2, F4)
    awaiting_since: second(),
    next_due_at: second(),
    ola_due_at: second(),
    ack_promise: jsonb(),
  },
  (t) => [
    check('tickets_status', oneOf('status', STATUSES)),
    check('tickets_priority', oneOf('priority', PRIORITIES)),
    // SLA Q2: queues by due date, keyset paging on the pair
    index('tickets_due').on(byDue, t.id).where(openTickets),
    index('tickets_project_due').on(t.project_id, byDue, t.id).where(openTickets),
    index('tickets_team_due').on(t.team_id, byDue, t.id).where(openTickets),
    index('tickets_assignee_due').on(t.assignee_id, byDue, t.id).where(openTickets),
    // mostly tickets whose clocks stand, and so the last of all: found without reading the others
    index('tickets_waiting_due')
      .on(byDue, t.id)
      .where(sql`status = 'waiting_customer' and deleted_at is null and spam_at is null`),
    index('tickets_passed').on(t.due_at).where(sql`${openTickets} and reminded_due_at is distinct from due_at`),
    index('tickets_created').on(t.created_at, t.id).where(openTickets),
    index('tickets_requester').on(t.requester_id),
    index('tickets_organization').on(t.organization_id),
    index('tickets_resolved').on(t.resolved_at).where(sql`status = 'resolved'`),
    index('tickets_wake').on(t.wake_at).where(sql`wake_at is not null`),
    index('tickets_duplicates').on(t.duplicate_of).where(sql`duplicate_of is not null`),
  ],
)

/** Agents see these; customers never (a refused claim, a follow-up, "also addressed to"). */
export const ticketLinks = pgTable(
  'ticket_links',
  {
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    other_id: ref()
      .notNull()
      .references(() => tickets.id),
    kind: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.ticket_id, t.other_id, t.kind] })],
)

export const comments = pgTable(
  'comments',
  {
    id: id(),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    at: second().notNull(),
    author_role: text().$type<'contact' | 'agent' | 'unknown' | 'system'>().notNull(),
    contact_id: ref().references(() => contacts.id),
    agent_id: ref().references(() => agents.id),
    author_name: text().notNull().default(''),
    author_address: text(),
    visibility: text().$type<'public' | 'internal' | 'private'>().notNull(),
    addressee_id: ref().references(() => agents.id), // of a private one: who may read it besides its author
    channel: text().$type<'mail' | 'web' | 'system'>().notNull(),
    automatic: boolean().notNull().default(false), // folded in the view, never an answer (4a.18)
    text: text().notNull(),
    visible: text().notNull(),
    html: text(),
    sanitiser: integer(), // version that made html (9.1)
    message_id: text(),
    flags: text().array().notNull().default([]),
    calendar: jsonb(), // CalendarCard: what the mail's invitation says (4.20)
    thread: jsonb(), // OutlookThread: what an answer goes on with (8.5)
  },
  (t) => [
    index('comments_ticket').on(t.ticket_id, t.id),
    check('comments_visibility', oneOf('visibility', ['public', 'internal', 'private'])),
  ],
)

export const ticketParticipants = pgTable(
  'ticket_participants',
  {
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    address: text().notNull(),
    name: text().notNull().default(''),
    contact_id: ref().references(() => contacts.id),
    role: text().$type<'participant' | 'pending' | 'suggested'>().notNull(),
    added_at: instant().notNull(),
  },
  (t) => [primaryKey({ columns: [t.ticket_id, t.address] })],
)

/** What an agent asked somebody outside (purpose `q` of 5.7 names the row); their answers are internal comments. */
export const sideQuestions = pgTable(
  'side_questions',
  {
    id: id(),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    comment_id: ref()
      .notNull()
      .references(() => comments.id),
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
    address: text().notNull(),
    name: text().notNull().default(''),
    asked_at: instant().notNull(),
  },
  (t) => [index('side_questions_ticket').on(t.ticket_id)],
)

/** Agents who are told of a ticket, or of all of a project, that is not theirs. */
export const agentFollowers = pgTable(
  'agent_followers',
  {
    agent_id: ref()
      .notNull()
      .references(() => agents.id),
    ticket_id: ref().references(() => tickets.id),
    project_id: ref().references(() => projects.id),
    since: instant().notNull(),
  },
  (t) => [
    uniqueIndex('agent_followers_ticket').on(t.ticket_id, t.agent_id).where(sql`ticket_id is not null`),
    uniqueIndex('agent_followers_project').on(t.project_id, t.agent_id).where(sql`project_id is not null`),
    check('agent_followers_one', sql`num_nonnulls(ticket_id, project_id) = 1`),
  ],
)

// --- thread.ts ------------------------------------------------------------------------------------------------------

/**
 * Message-IDs that lead to a ticket: ours (out), those that people sent (in) and those that these refer to and nobody
 * has seen (ancestor); and what is no Message-ID: numbers of other systems, threads of a mail provider, with blanks in
 * them. Kept when the ticket is deleted.
 */
export const messageIds = pgTable(
  'message_ids',
  {
    id: id(),
    message_id: text().notNull(),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    comment_id: ref().references(() => comments.id),
    direction: text().$type<'in' | 'out' | 'ancestor' | 'external' | 'provider' | 'matter' | 'side'>().notNull(),
    people: text().array().notNull().default([]), // From, To, Cc of a stored mail: who may refer to it (6.3)
    base_subject: text(),
    at: instant().notNull(),
  },
  (t) => [
    uniqueIndex('message_ids_once').on(t.message_id, t.ticket_id),
    index('message_ids_ticket').on(t.ticket_id, t.id),
  ],
)

// --- events.ts ------------------------------------------------------------------------------------------------------

/** Append-only; enough to tell the ticket's story and, later, to replay its clocks. */
export const events = pgTable(
  'events',
  {
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    seq: integer().notNull(),
    at: second().notNull(),
    type: text().notNull(),
    actor: text().$type<'system' | 'agent' | 'contact'>().notNull(),
    actor_id: ref(),
    actor_name: text().notNull().default(''),
    data: jsonb().notNull().default({}),
    why: text(),
  },
  (t) => [primaryKey({ columns: [t.ticket_id, t.seq] })],
)

// --- attachments.ts -------------------------------------------------------------------------------------------------

export const attachments = pgTable(
  'attachments',
  {
    id: id(),
    ticket_id: ref()
      .notNull()
      .references(() => tickets.id),
    comment_id: ref()
      .notNull()
      .references(() => comments.id),
    blob_id: ref()
      .notNull()
      .references(() => blobs.id),
    filename: text().notNull(),
    type: text().notNull(),
    size: ref().notNull(),
    inline: boolean().notNull().default(false),
    content_id: text(),
    original: boolean().notNull().default(false), // what parts were taken out of: shown apart (4.19, 4.21)
  },
  (t) => [index('attachments_comment').on(t.comment_id), index('attachments_ticket').on(t.ticket_id)],
)

// --- desk.ts --------------------------------------------------------------------------------------------------------

/** The desk file's versions: every change has an author and a time; the newest accepted one runs. */
export const ruleSets = pgTable('rule_sets', {
  version: id(),
  source: text().notNull(),
  sha256: bytea().notNull(),
  holidays: jsonb().notNull().default({}), // what the files that the text names held: by file, date and name
  author: text().notNull(),
  at: instant().notNull(),
})

// --- notices.ts -----------------------------------------------------------------------------------------------------

/** What admins must see: one open row per kind and subject. */
export const notices = pgTable(
  'notices',
  {
    id: id(),
    kind: text().notNull(),
    subject: text().notNull().default(''),
    words: text().notNull(),
    count: integer().notNull().default(1),
    first_at: instant().notNull(),
    last_at: instant().notNull(),
    settled_at: instant(),
  },
  (t) => [uniqueIndex('notices_open').on(t.kind, t.subject).where(sql`settled_at is null`)],
)

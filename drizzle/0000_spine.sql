CREATE TABLE "invoice_lines" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "invoice_lines_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"invoice_id" bigint NOT NULL,
	"position" integer NOT NULL,
	"ticket_id" bigint,
	"project_id" bigint,
	"title" text NOT NULL,
	"work_type" text,
	"work_type_name" text DEFAULT '' NOT NULL,
	"price_list_id" bigint NOT NULL,
	"list" text NOT NULL,
	"unit_price_minor" bigint NOT NULL,
	"tax_bp" integer NOT NULL,
	"raw_s" integer NOT NULL,
	"billed_s" integer NOT NULL,
	"net_minor" bigint NOT NULL,
	"entries" jsonb NOT NULL,
	"reverses_line_id" bigint
);
--> statement-breakpoint
CREATE TABLE "invoice_series" (
	"name" text PRIMARY KEY NOT NULL,
	"last" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "invoices" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "invoices_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"status" text NOT NULL,
	"serial" integer,
	"number" text,
	"organization_id" bigint NOT NULL,
	"currency" text NOT NULL,
	"period_from" date NOT NULL,
	"period_to" date NOT NULL,
	"tax_mode" text NOT NULL,
	"net_minor" bigint NOT NULL,
	"tax_minor" bigint NOT NULL,
	"gross_minor" bigint NOT NULL,
	"taxes" jsonb NOT NULL,
	"customer" jsonb NOT NULL,
	"seller" jsonb NOT NULL,
	"unpriced" bigint[] DEFAULT '{}' NOT NULL,
	"voids_id" bigint,
	"rev" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"created_by" bigint,
	"issued_on" date,
	"finalised_at" timestamp with time zone,
	"finalised_by" bigint,
	"voided_at" timestamp with time zone,
	"voided_by" bigint,
	"voided_why" text,
	CONSTRAINT "invoices_serial_unique" UNIQUE("serial"),
	CONSTRAINT "invoices_number_unique" UNIQUE("number"),
	CONSTRAINT "invoices_kind" CHECK (kind in ('invoice', 'credit_note')),
	CONSTRAINT "invoices_status" CHECK (status in ('draft', 'final', 'void')),
	CONSTRAINT "invoices_numbered" CHECK ((status = 'draft') = (number is null) and (number is null) = (serial is null) and (number is null) = (issued_on is null)),
	CONSTRAINT "invoices_period" CHECK (period_from <= period_to),
	CONSTRAINT "invoices_sum" CHECK (gross_minor = net_minor + tax_minor),
	CONSTRAINT "invoices_credit" CHECK ((kind = 'credit_note') = (voids_id is not null))
);
--> statement-breakpoint
CREATE TABLE "price_lists" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "price_lists_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"version" integer NOT NULL,
	"definition" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"retired_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "statements" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "statements_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organization_id" bigint NOT NULL,
	"period_from" date NOT NULL,
	"period_to" date NOT NULL,
	"state" text NOT NULL,
	"revision" integer DEFAULT 0 NOT NULL,
	"ticket_id" bigint,
	"people" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"content" jsonb,
	"sent_at" timestamp with time zone,
	"sent_by" bigint,
	"answered_at" timestamp with time zone,
	"answered_by" text,
	"answer" text,
	"reopened_at" timestamp with time zone,
	"reopened_by" bigint,
	"reopened_why" text,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "statements_state" CHECK (state in ('empty', 'sent', 'disputed', 'approved', 'reopened')),
	CONSTRAINT "statements_period" CHECK (period_from <= period_to),
	CONSTRAINT "statements_mailed" CHECK ((state = 'empty') = (content is null) and (revision = 0) = (sent_at is null))
);
--> statement-breakpoint
CREATE TABLE "challenges" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "challenges_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"why" text NOT NULL,
	"nonce" "bytea",
	"agent_id" bigint NOT NULL,
	"ticket_id" bigint,
	"mail_id" bigint NOT NULL,
	"told" boolean NOT NULL,
	"asked_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	CONSTRAINT "challenges_kind" CHECK (kind in ('challenge', 'send', 'notice'))
);
--> statement-breakpoint
CREATE TABLE "executed_mails" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "receipts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "receipts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"agent_id" bigint,
	"address" text NOT NULL,
	"ticket_id" bigint,
	"channel" text NOT NULL,
	"mail_id" bigint,
	"outcome" text NOT NULL,
	"reason" text DEFAULT '' NOT NULL,
	"effects" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"message_id" text,
	"at" timestamp with time zone NOT NULL,
	"undone_at" timestamp with time zone,
	CONSTRAINT "receipts_channel" CHECK (channel in ('mail', 'web')),
	CONSTRAINT "receipts_outcome" CHECK (outcome in ('done', 'dry', 'error'))
);
--> statement-breakpoint
CREATE TABLE "moved_dates" (
	"ticket_id" bigint PRIMARY KEY NOT NULL,
	"was" jsonb NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agent_choices" (
	"agent_id" bigint NOT NULL,
	"topic" text NOT NULL,
	"choice" text NOT NULL,
	CONSTRAINT "agent_choices_agent_id_topic_pk" PRIMARY KEY("agent_id","topic"),
	CONSTRAINT "agent_choices_topic" CHECK (topic in ('assigned', 'new', 'reply', 'note', 'answered', 'warning', 'digest', 'timesheet')),
	CONSTRAINT "agent_choices_choice" CHECK (choice in ('instant', 'digest', 'none', 'on', 'off'))
);
--> statement-breakpoint
CREATE TABLE "digest_news" (
	"agent_id" bigint NOT NULL,
	"ticket_id" bigint NOT NULL,
	"topic" text NOT NULL,
	"count" integer NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "digest_news_agent_id_ticket_id_topic_pk" PRIMARY KEY("agent_id","ticket_id","topic"),
	CONSTRAINT "digest_news_topic" CHECK (topic in ('assigned', 'new', 'reply', 'note', 'answered', 'warning'))
);
--> statement-breakpoint
CREATE TABLE "ticket_news" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "ticket_news_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"ticket_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"comment_id" bigint,
	"mail_id" bigint,
	"other_id" bigint,
	"agent_id" bigint,
	"actor_id" bigint,
	"at" timestamp with time zone NOT NULL,
	"not_before" timestamp with time zone,
	CONSTRAINT "ticket_news_kind" CHECK (kind in ('new', 'team', 'reply', 'note', 'assigned', 'answered', 'undelivered', 'woke', 'passed', 'held', 'merged', 'split', 'parted'))
);
--> statement-breakpoint
CREATE TABLE "ticket_told" (
	"ticket_id" bigint NOT NULL,
	"agent_id" bigint NOT NULL,
	"news_id" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "ticket_told_ticket_id_agent_id_pk" PRIMARY KEY("ticket_id","agent_id")
);
--> statement-breakpoint
CREATE TABLE "mail_budgets" (
	"scope" text NOT NULL,
	"period" timestamp with time zone NOT NULL,
	"count" integer NOT NULL,
	CONSTRAINT "mail_budgets_scope_period_pk" PRIMARY KEY("scope","period")
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"priority" smallint NOT NULL,
	"ticket_id" bigint,
	"comment_id" bigint,
	"message_id" text NOT NULL,
	"date_at" timestamp (0) with time zone NOT NULL,
	"envelope_from" text NOT NULL,
	"recipient" text NOT NULL,
	"headers" jsonb NOT NULL,
	"subject" text NOT NULL,
	"text" text,
	"html" text,
	"attachment_ids" bigint[] DEFAULT '{}' NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"not_before" timestamp with time zone,
	"next_try_at" timestamp with time zone NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp with time zone,
	"leased_by" text,
	"last_answer" text,
	"uncertain_at" timestamp with time zone,
	"deferred_at" timestamp with time zone,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"settled_at" timestamp with time zone,
	"copied_at" timestamp with time zone,
	CONSTRAINT "outbox_state" CHECK (state in ('queued', 'leased', 'sending', 'sent', 'deferred', 'uncertain', 'failed', 'suppressed', 'cancelled')),
	CONSTRAINT "outbox_kind" CHECK (kind in ('reply', 'ack', 'notification', 'login', 'survey', 'notice', 'receipt', 'statement'))
);
--> statement-breakpoint
CREATE TABLE "suppressions" (
	"address" text PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"evidence" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "calendars" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "calendars_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"version" integer NOT NULL,
	"definition" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"retired_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "sla_answers" (
	"comment_id" bigint PRIMARY KEY NOT NULL,
	"ticket_id" bigint NOT NULL,
	"agent_id" bigint,
	"at" timestamp (0) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sla_breaches" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "sla_breaches_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"clock_id" bigint NOT NULL,
	"ticket_id" bigint NOT NULL,
	"metric" text NOT NULL,
	"team_id" bigint,
	"cycle" integer NOT NULL,
	"at" timestamp (0) with time zone NOT NULL,
	"target_s" integer NOT NULL,
	"assignee_id" bigint,
	"ticket_team_id" bigint,
	"superseded_at" timestamp (0) with time zone,
	"superseded_by" integer
);
--> statement-breakpoint
CREATE TABLE "sla_clocks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "sla_clocks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"ticket_id" bigint NOT NULL,
	"metric" text NOT NULL,
	"team_id" bigint,
	"cycle" integer DEFAULT 1 NOT NULL,
	"state" text NOT NULL,
	"policy_id" bigint NOT NULL,
	"calendar_id" bigint NOT NULL,
	"target_s" integer NOT NULL,
	"started_at" timestamp (0) with time zone NOT NULL,
	"elapsed_s" integer DEFAULT 0 NOT NULL,
	"running_since" timestamp (0) with time zone,
	"due_at" timestamp (0) with time zone,
	"last_due_at" timestamp (0) with time zone,
	"stopped_at" timestamp (0) with time zone,
	"stop_reason" text,
	"stop_agent_id" bigint,
	"breached_at" timestamp (0) with time zone,
	"awaiting_ref" timestamp (0) with time zone,
	"next_warn_at" timestamp (0) with time zone,
	"next_warn_id" text,
	"fired" text[] DEFAULT '{}' NOT NULL,
	"generation" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "sla_clocks_target" CHECK (target_s between 1 and 315360000),
	CONSTRAINT "sla_clocks_metric" CHECK (metric in ('first_response', 'next_response', 'resolution', 'ola')),
	CONSTRAINT "sla_clocks_state" CHECK (state in ('running', 'paused', 'stopped', 'cancelled')),
	CONSTRAINT "sla_clocks_due_running" CHECK (state = 'running' or (due_at is null and running_since is null))
);
--> statement-breakpoint
CREATE TABLE "sla_fired" (
	"clock_id" bigint NOT NULL,
	"reminder" text NOT NULL,
	"generation" integer NOT NULL,
	"at" timestamp (0) with time zone NOT NULL,
	"policy_id" bigint NOT NULL,
	"acted_at" timestamp with time zone,
	"dropped_at" timestamp with time zone,
	CONSTRAINT "sla_fired_clock_id_reminder_generation_pk" PRIMARY KEY("clock_id","reminder","generation")
);
--> statement-breakpoint
CREATE TABLE "sla_policies" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "sla_policies_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"version" integer NOT NULL,
	"calendar_id" bigint,
	"definition" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"retired_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "agent_followers" (
	"agent_id" bigint NOT NULL,
	"ticket_id" bigint,
	"project_id" bigint,
	"since" timestamp with time zone NOT NULL,
	CONSTRAINT "agent_followers_one" CHECK (num_nonnulls(ticket_id, project_id) = 1)
);
--> statement-breakpoint
CREATE TABLE "agents" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "agents_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"address" text NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"admin" boolean DEFAULT false NOT NULL,
	"locale" text,
	"zone" text,
	"queue_order" text DEFAULT 'due' NOT NULL,
	"disabled_at" timestamp with time zone,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "agents_address_unique" UNIQUE("address"),
	CONSTRAINT "agents_queue_order" CHECK (queue_order in ('due', 'first_response', 'resolution', 'created'))
);
--> statement-breakpoint
CREATE TABLE "attachments" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "attachments_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"ticket_id" bigint NOT NULL,
	"comment_id" bigint NOT NULL,
	"blob_id" bigint NOT NULL,
	"filename" text NOT NULL,
	"type" text NOT NULL,
	"size" bigint NOT NULL,
	"inline" boolean DEFAULT false NOT NULL,
	"content_id" text,
	"original" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "blocked_senders" (
	"pattern" text PRIMARY KEY NOT NULL,
	"blocked_at" timestamp with time zone NOT NULL,
	"blocked_by" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "comments" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "comments_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"ticket_id" bigint NOT NULL,
	"at" timestamp (0) with time zone NOT NULL,
	"author_role" text NOT NULL,
	"contact_id" bigint,
	"agent_id" bigint,
	"author_name" text DEFAULT '' NOT NULL,
	"author_address" text,
	"visibility" text NOT NULL,
	"addressee_id" bigint,
	"channel" text NOT NULL,
	"automatic" boolean DEFAULT false NOT NULL,
	"text" text NOT NULL,
	"visible" text NOT NULL,
	"html" text,
	"sanitiser" integer,
	"message_id" text,
	"flags" text[] DEFAULT '{}' NOT NULL,
	"calendar" jsonb,
	"thread" jsonb,
	CONSTRAINT "comments_visibility" CHECK (visibility in ('public', 'internal', 'private'))
);
--> statement-breakpoint
CREATE TABLE "contact_addresses" (
	"address" text PRIMARY KEY NOT NULL,
	"contact_id" bigint NOT NULL,
	"confirmed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "contacts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "contacts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text DEFAULT '' NOT NULL,
	"organization_id" bigint,
	"locale" text,
	"zone" text,
	"verified_at" timestamp with time zone,
	"answered_at" timestamp with time zone,
	"created_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "customer_group_members" (
	"group_id" bigint NOT NULL,
	"organization_id" bigint,
	"address" text
);
--> statement-breakpoint
CREATE TABLE "customer_groups" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "customer_groups_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"name" text NOT NULL,
	"rank" integer NOT NULL,
	"disabled_at" timestamp with time zone,
	CONSTRAINT "customer_groups_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"ticket_id" bigint NOT NULL,
	"seq" integer NOT NULL,
	"at" timestamp (0) with time zone NOT NULL,
	"type" text NOT NULL,
	"actor" text NOT NULL,
	"actor_id" bigint,
	"actor_name" text DEFAULT '' NOT NULL,
	"data" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"why" text,
	CONSTRAINT "events_ticket_id_seq_pk" PRIMARY KEY("ticket_id","seq")
);
--> statement-breakpoint
CREATE TABLE "inboxes" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "inboxes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"address" text NOT NULL,
	"aliases" text[] DEFAULT '{}' NOT NULL,
	"name" text NOT NULL,
	"locale" text NOT NULL,
	"zone" text NOT NULL,
	"disabled_at" timestamp with time zone,
	CONSTRAINT "inboxes_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "message_ids" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "message_ids_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"message_id" text NOT NULL,
	"ticket_id" bigint NOT NULL,
	"comment_id" bigint,
	"direction" text NOT NULL,
	"people" text[] DEFAULT '{}' NOT NULL,
	"base_subject" text,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notices" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "notices_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"subject" text DEFAULT '' NOT NULL,
	"words" text NOT NULL,
	"count" integer DEFAULT 1 NOT NULL,
	"first_at" timestamp with time zone NOT NULL,
	"last_at" timestamp with time zone NOT NULL,
	"settled_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "organization_domains" (
	"pattern" text PRIMARY KEY NOT NULL,
	"organization_id" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "organizations" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "organizations_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"name" text NOT NULL,
	"locale" text,
	"zone" text,
	"disabled_at" timestamp with time zone,
	CONSTRAINT "organizations_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "projects_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"organization_id" bigint,
	"team_id" bigint,
	"disabled_at" timestamp with time zone,
	CONSTRAINT "projects_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "rule_sets" (
	"version" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "rule_sets_version_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"source" text NOT NULL,
	"sha256" "bytea" NOT NULL,
	"holidays" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"author" text NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "side_questions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "side_questions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"ticket_id" bigint NOT NULL,
	"comment_id" bigint NOT NULL,
	"agent_id" bigint NOT NULL,
	"address" text NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"asked_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "team_members" (
	"team_id" bigint NOT NULL,
	"agent_id" bigint NOT NULL,
	CONSTRAINT "team_members_team_id_agent_id_pk" PRIMARY KEY("team_id","agent_id")
);
--> statement-breakpoint
CREATE TABLE "teams" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "teams_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"name" text NOT NULL,
	"calendar" text,
	"calendar_at" timestamp with time zone,
	"disabled_at" timestamp with time zone,
	CONSTRAINT "teams_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "ticket_links" (
	"ticket_id" bigint NOT NULL,
	"other_id" bigint NOT NULL,
	"kind" text NOT NULL,
	CONSTRAINT "ticket_links_ticket_id_other_id_kind_pk" PRIMARY KEY("ticket_id","other_id","kind")
);
--> statement-breakpoint
CREATE TABLE "ticket_participants" (
	"ticket_id" bigint NOT NULL,
	"address" text NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"contact_id" bigint,
	"role" text NOT NULL,
	"added_at" timestamp with time zone NOT NULL,
	CONSTRAINT "ticket_participants_ticket_id_address_pk" PRIMARY KEY("ticket_id","address")
);
--> statement-breakpoint
CREATE TABLE "tickets" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "tickets_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"subject" text NOT NULL,
	"base_subject" text NOT NULL,
	"status" text DEFAULT 'new' NOT NULL,
	"priority" text DEFAULT 'normal' NOT NULL,
	"type" text DEFAULT 'question' NOT NULL,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"product" text,
	"fields" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"origin" text DEFAULT 'customer' NOT NULL,
	"automatic" boolean DEFAULT false NOT NULL,
	"inbox_id" bigint,
	"project_id" bigint NOT NULL,
	"organization_id" bigint,
	"team_id" bigint,
	"assignee_id" bigint,
	"requester_id" bigint,
	"requester_address" text,
	"requester_name" text DEFAULT '' NOT NULL,
	"locale" text DEFAULT 'en' NOT NULL,
	"zone" text DEFAULT 'UTC' NOT NULL,
	"token_generation" integer DEFAULT 0 NOT NULL,
	"undelivered_at" timestamp with time zone,
	"created_at" timestamp (0) with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"first_response_at" timestamp (0) with time zone,
	"assessed_at" timestamp (0) with time zone,
	"assessed_s" integer,
	"resolved_at" timestamp (0) with time zone,
	"closed_at" timestamp (0) with time zone,
	"due_at" timestamp (0) with time zone,
	"reminded_due_at" timestamp (0) with time zone,
	"wake_at" timestamp with time zone,
	"wake_agent_id" bigint,
	"merged_into" bigint,
	"duplicate_of" bigint,
	"deleted_at" timestamp with time zone,
	"deleted_by" text,
	"spam_at" timestamp with time zone,
	"spam_by" text,
	"clocks_ended_at" timestamp with time zone,
	"policy_id" bigint,
	"policy_source" text,
	"calendar_id" bigint,
	"team_calendar_id" bigint,
	"answered_at" timestamp (0) with time zone,
	"awaiting_since" timestamp (0) with time zone,
	"next_due_at" timestamp (0) with time zone,
	"ola_due_at" timestamp (0) with time zone,
	"ack_promise" jsonb,
	CONSTRAINT "tickets_status" CHECK (status in ('new', 'open', 'waiting_customer', 'on_hold', 'resolved', 'closed')),
	CONSTRAINT "tickets_priority" CHECK (priority in ('low', 'normal', 'high', 'urgent'))
);
--> statement-breakpoint
CREATE TABLE "time_entries" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "time_entries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"ticket_id" bigint,
	"project_id" bigint,
	"agent_id" bigint NOT NULL,
	"source" text NOT NULL,
	"started_at" timestamp (0) with time zone,
	"ended_at" timestamp (0) with time zone,
	"raw_s" integer DEFAULT 0 NOT NULL,
	"local_date" date NOT NULL,
	"tz" text NOT NULL,
	"work_type_id" bigint,
	"priority" text NOT NULL,
	"billable" boolean NOT NULL,
	"note" text DEFAULT '' NOT NULL,
	"percent_complete" integer,
	"ticket_status_after" text,
	"status" text NOT NULL,
	"review_at" timestamp with time zone,
	"submitted_at" timestamp with time zone,
	"approved_at" timestamp with time zone,
	"approved_by" bigint,
	"rejected_at" timestamp with time zone,
	"rejected_by" bigint,
	"rejected_why" text,
	"invoice_line_id" bigint,
	"statement_id" bigint,
	"reverses_id" bigint,
	"reversed" jsonb,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"rev" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "time_entries_status" CHECK (status in ('running', 'draft', 'submitted', 'approved', 'rejected', 'invoiced')),
	CONSTRAINT "time_entries_source" CHECK (source in ('timer', 'manual')),
	CONSTRAINT "time_entries_place" CHECK ((ticket_id is null) <> (project_id is null)),
	CONSTRAINT "time_entries_raw" CHECK (raw_s >= 0 or reverses_id is not null),
	CONSTRAINT "time_entries_percent" CHECK (percent_complete between 0 and 100),
	CONSTRAINT "time_entries_after" CHECK (ticket_status_after in ('new', 'open', 'waiting_customer', 'on_hold', 'resolved', 'closed')),
	CONSTRAINT "time_entries_running_end" CHECK ((status = 'running') = (started_at is not null and ended_at is null)),
	CONSTRAINT "time_entries_invoiced" CHECK (status <> 'invoiced' or invoice_line_id is not null)
);
--> statement-breakpoint
CREATE TABLE "work_types" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "work_types_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"name" text NOT NULL,
	"disabled_at" timestamp with time zone,
	CONSTRAINT "work_types_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "webhook_calls" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "webhook_calls_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"ticket_id" bigint NOT NULL,
	"url" text NOT NULL,
	"key" text NOT NULL,
	"body" jsonb NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"next_try_at" timestamp with time zone NOT NULL,
	"last_answer" text,
	"created_at" timestamp with time zone NOT NULL,
	"settled_at" timestamp with time zone,
	CONSTRAINT "webhook_calls_state" CHECK (state in ('queued', 'done', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "delivery_attempts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "delivery_attempts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"outbox_id" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"phase" text NOT NULL,
	"code" integer,
	"words" text NOT NULL,
	"ok" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "imap_seen" (
	"mailbox_id" bigint NOT NULL,
	"uid" bigint NOT NULL,
	"state" text NOT NULL,
	"mail_id" bigint,
	"at" timestamp with time zone NOT NULL,
	"words" text,
	"action" text,
	"action_done_at" timestamp with time zone,
	"action_words" text,
	"original" text,
	"original_by" text,
	"original_words" text,
	CONSTRAINT "imap_seen_mailbox_id_uid_pk" PRIMARY KEY("mailbox_id","uid")
);
--> statement-breakpoint
CREATE TABLE "inbound_mails" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "inbound_mails_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"received_at" timestamp with time zone NOT NULL,
	"via" text NOT NULL,
	"listener" text DEFAULT '' NOT NULL,
	"envelope_from" text,
	"recipients" jsonb NOT NULL,
	"session" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"prefix" text DEFAULT '' NOT NULL,
	"blob_id" bigint,
	"bytes" bigint NOT NULL,
	"state" text DEFAULT 'received' NOT NULL,
	"ids" bigint[] DEFAULT '{}' NOT NULL,
	"message_id" text,
	"from_address" text,
	"subject" text,
	"kind" text,
	"dedupe_key" "bytea",
	"isolation" integer DEFAULT 0 NOT NULL,
	"likeness" jsonb,
	"duplicate_of" bigint,
	"ticket_id" bigint,
	"comment_id" bigint,
	"reasons" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"trace" json,
	"attempts" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp with time zone,
	"due_at" timestamp with time zone NOT NULL,
	"lease_until" timestamp with time zone,
	"leased_by" text,
	"released_at" timestamp with time zone,
	"released_by" text,
	"released_as" text,
	"confirmed" jsonb,
	"settled_at" timestamp with time zone,
	"settled_by" text,
	CONSTRAINT "inbound_mails_state" CHECK (state in ('received', 'ticketed', 'commented', 'recorded', 'held', 'quarantined', 'discarded')),
	CONSTRAINT "inbound_mails_released_as" CHECK (released_as = 'ticket')
);
--> statement-breakpoint
CREATE TABLE "mailbox_refusals" (
	"name" text PRIMARY KEY NOT NULL,
	"login" text NOT NULL,
	"failures" integer NOT NULL,
	"failed_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "mailboxes" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "mailboxes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"folder" text NOT NULL,
	"uidvalidity" bigint NOT NULL,
	"last_uid" bigint NOT NULL,
	"polled_at" timestamp with time zone,
	"reconciled_at" timestamp with time zone,
	"created_at" timestamp with time zone NOT NULL,
	"superseded_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "pending_ids" (
	"hash" bigint NOT NULL,
	"mail_id" bigint NOT NULL,
	CONSTRAINT "pending_ids_hash_mail_id_pk" PRIMARY KEY("hash","mail_id")
);
--> statement-breakpoint
CREATE TABLE "blob_chunks" (
	"blob_id" bigint NOT NULL,
	"n" integer NOT NULL,
	"data" "bytea" NOT NULL,
	CONSTRAINT "blob_chunks_blob_id_n_pk" PRIMARY KEY("blob_id","n")
);
--> statement-breakpoint
CREATE TABLE "blobs" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "blobs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"sha256" "bytea",
	"bytes" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "blobs_sha256_unique" UNIQUE("sha256")
);
--> statement-breakpoint
CREATE TABLE "keys" (
	"name" text PRIMARY KEY NOT NULL,
	"sealed" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"retired_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"name" text PRIMARY KEY NOT NULL,
	"holder" text NOT NULL,
	"until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "login_links" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"agent_id" bigint NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "sessions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"hash" "bytea" NOT NULL,
	"agent_id" bigint NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone NOT NULL,
	"agent" text DEFAULT '' NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "sessions_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
ALTER TABLE "invoice_lines" ADD CONSTRAINT "invoice_lines_invoice_id_invoices_id_fk" FOREIGN KEY ("invoice_id") REFERENCES "public"."invoices"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_lines" ADD CONSTRAINT "invoice_lines_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_lines" ADD CONSTRAINT "invoice_lines_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_lines" ADD CONSTRAINT "invoice_lines_price_list_id_price_lists_id_fk" FOREIGN KEY ("price_list_id") REFERENCES "public"."price_lists"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_created_by_agents_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_finalised_by_agents_id_fk" FOREIGN KEY ("finalised_by") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_voided_by_agents_id_fk" FOREIGN KEY ("voided_by") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_sent_by_agents_id_fk" FOREIGN KEY ("sent_by") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_reopened_by_agents_id_fk" FOREIGN KEY ("reopened_by") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "challenges" ADD CONSTRAINT "challenges_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "challenges" ADD CONSTRAINT "challenges_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "receipts" ADD CONSTRAINT "receipts_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "receipts" ADD CONSTRAINT "receipts_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "moved_dates" ADD CONSTRAINT "moved_dates_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_choices" ADD CONSTRAINT "agent_choices_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "digest_news" ADD CONSTRAINT "digest_news_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "digest_news" ADD CONSTRAINT "digest_news_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ticket_told" ADD CONSTRAINT "ticket_told_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ticket_told" ADD CONSTRAINT "ticket_told_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_comment_id_comments_id_fk" FOREIGN KEY ("comment_id") REFERENCES "public"."comments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_answers" ADD CONSTRAINT "sla_answers_comment_id_comments_id_fk" FOREIGN KEY ("comment_id") REFERENCES "public"."comments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_answers" ADD CONSTRAINT "sla_answers_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_answers" ADD CONSTRAINT "sla_answers_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_breaches" ADD CONSTRAINT "sla_breaches_clock_id_sla_clocks_id_fk" FOREIGN KEY ("clock_id") REFERENCES "public"."sla_clocks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_breaches" ADD CONSTRAINT "sla_breaches_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_breaches" ADD CONSTRAINT "sla_breaches_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_breaches" ADD CONSTRAINT "sla_breaches_assignee_id_agents_id_fk" FOREIGN KEY ("assignee_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_breaches" ADD CONSTRAINT "sla_breaches_ticket_team_id_teams_id_fk" FOREIGN KEY ("ticket_team_id") REFERENCES "public"."teams"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_clocks" ADD CONSTRAINT "sla_clocks_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_clocks" ADD CONSTRAINT "sla_clocks_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_clocks" ADD CONSTRAINT "sla_clocks_policy_id_sla_policies_id_fk" FOREIGN KEY ("policy_id") REFERENCES "public"."sla_policies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_clocks" ADD CONSTRAINT "sla_clocks_calendar_id_calendars_id_fk" FOREIGN KEY ("calendar_id") REFERENCES "public"."calendars"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_clocks" ADD CONSTRAINT "sla_clocks_stop_agent_id_agents_id_fk" FOREIGN KEY ("stop_agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_fired" ADD CONSTRAINT "sla_fired_clock_id_sla_clocks_id_fk" FOREIGN KEY ("clock_id") REFERENCES "public"."sla_clocks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_fired" ADD CONSTRAINT "sla_fired_policy_id_sla_policies_id_fk" FOREIGN KEY ("policy_id") REFERENCES "public"."sla_policies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sla_policies" ADD CONSTRAINT "sla_policies_calendar_id_calendars_id_fk" FOREIGN KEY ("calendar_id") REFERENCES "public"."calendars"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_followers" ADD CONSTRAINT "agent_followers_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_followers" ADD CONSTRAINT "agent_followers_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_followers" ADD CONSTRAINT "agent_followers_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attachments" ADD CONSTRAINT "attachments_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attachments" ADD CONSTRAINT "attachments_comment_id_comments_id_fk" FOREIGN KEY ("comment_id") REFERENCES "public"."comments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attachments" ADD CONSTRAINT "attachments_blob_id_blobs_id_fk" FOREIGN KEY ("blob_id") REFERENCES "public"."blobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_contact_id_contacts_id_fk" FOREIGN KEY ("contact_id") REFERENCES "public"."contacts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_addressee_id_agents_id_fk" FOREIGN KEY ("addressee_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contact_addresses" ADD CONSTRAINT "contact_addresses_contact_id_contacts_id_fk" FOREIGN KEY ("contact_id") REFERENCES "public"."contacts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customer_group_members" ADD CONSTRAINT "customer_group_members_group_id_customer_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."customer_groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customer_group_members" ADD CONSTRAINT "customer_group_members_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "events" ADD CONSTRAINT "events_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_ids" ADD CONSTRAINT "message_ids_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_ids" ADD CONSTRAINT "message_ids_comment_id_comments_id_fk" FOREIGN KEY ("comment_id") REFERENCES "public"."comments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "organization_domains" ADD CONSTRAINT "organization_domains_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "side_questions" ADD CONSTRAINT "side_questions_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "side_questions" ADD CONSTRAINT "side_questions_comment_id_comments_id_fk" FOREIGN KEY ("comment_id") REFERENCES "public"."comments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "side_questions" ADD CONSTRAINT "side_questions_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ticket_links" ADD CONSTRAINT "ticket_links_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ticket_links" ADD CONSTRAINT "ticket_links_other_id_tickets_id_fk" FOREIGN KEY ("other_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ticket_participants" ADD CONSTRAINT "ticket_participants_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ticket_participants" ADD CONSTRAINT "ticket_participants_contact_id_contacts_id_fk" FOREIGN KEY ("contact_id") REFERENCES "public"."contacts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_inbox_id_inboxes_id_fk" FOREIGN KEY ("inbox_id") REFERENCES "public"."inboxes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_assignee_id_agents_id_fk" FOREIGN KEY ("assignee_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_requester_id_contacts_id_fk" FOREIGN KEY ("requester_id") REFERENCES "public"."contacts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_wake_agent_id_agents_id_fk" FOREIGN KEY ("wake_agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "time_entries" ADD CONSTRAINT "time_entries_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "time_entries" ADD CONSTRAINT "time_entries_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "time_entries" ADD CONSTRAINT "time_entries_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "time_entries" ADD CONSTRAINT "time_entries_work_type_id_work_types_id_fk" FOREIGN KEY ("work_type_id") REFERENCES "public"."work_types"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "time_entries" ADD CONSTRAINT "time_entries_approved_by_agents_id_fk" FOREIGN KEY ("approved_by") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "time_entries" ADD CONSTRAINT "time_entries_rejected_by_agents_id_fk" FOREIGN KEY ("rejected_by") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "time_entries" ADD CONSTRAINT "time_entries_invoice_line_id_invoice_lines_id_fk" FOREIGN KEY ("invoice_line_id") REFERENCES "public"."invoice_lines"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "time_entries" ADD CONSTRAINT "time_entries_statement_id_statements_id_fk" FOREIGN KEY ("statement_id") REFERENCES "public"."statements"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_calls" ADD CONSTRAINT "webhook_calls_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "delivery_attempts" ADD CONSTRAINT "delivery_attempts_outbox_id_outbox_id_fk" FOREIGN KEY ("outbox_id") REFERENCES "public"."outbox"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "imap_seen" ADD CONSTRAINT "imap_seen_mailbox_id_mailboxes_id_fk" FOREIGN KEY ("mailbox_id") REFERENCES "public"."mailboxes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "imap_seen" ADD CONSTRAINT "imap_seen_mail_id_inbound_mails_id_fk" FOREIGN KEY ("mail_id") REFERENCES "public"."inbound_mails"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inbound_mails" ADD CONSTRAINT "inbound_mails_blob_id_blobs_id_fk" FOREIGN KEY ("blob_id") REFERENCES "public"."blobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inbound_mails" ADD CONSTRAINT "inbound_mails_ticket_id_tickets_id_fk" FOREIGN KEY ("ticket_id") REFERENCES "public"."tickets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inbound_mails" ADD CONSTRAINT "inbound_mails_comment_id_comments_id_fk" FOREIGN KEY ("comment_id") REFERENCES "public"."comments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pending_ids" ADD CONSTRAINT "pending_ids_mail_id_inbound_mails_id_fk" FOREIGN KEY ("mail_id") REFERENCES "public"."inbound_mails"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "blob_chunks" ADD CONSTRAINT "blob_chunks_blob_id_blobs_id_fk" FOREIGN KEY ("blob_id") REFERENCES "public"."blobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "login_links" ADD CONSTRAINT "login_links_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "invoice_lines_position" ON "invoice_lines" USING btree ("invoice_id","position");--> statement-breakpoint
CREATE INDEX "invoice_lines_ticket" ON "invoice_lines" USING btree ("ticket_id");--> statement-breakpoint
CREATE INDEX "invoices_organization" ON "invoices" USING btree ("organization_id","period_from");--> statement-breakpoint
CREATE UNIQUE INDEX "invoices_voids" ON "invoices" USING btree ("voids_id");--> statement-breakpoint
CREATE UNIQUE INDEX "price_lists_version" ON "price_lists" USING btree ("key","version");--> statement-breakpoint
CREATE UNIQUE INDEX "statements_month" ON "statements" USING btree ("organization_id","period_from");--> statement-breakpoint
CREATE INDEX "statements_approved" ON "statements" USING btree ("organization_id","period_from","period_to") WHERE state = 'approved';--> statement-breakpoint
CREATE UNIQUE INDEX "challenges_nonce" ON "challenges" USING btree ("nonce") WHERE nonce is not null;--> statement-breakpoint
CREATE INDEX "challenges_agent" ON "challenges" USING btree ("agent_id","asked_at");--> statement-breakpoint
CREATE INDEX "receipts_agent" ON "receipts" USING btree ("agent_id","at");--> statement-breakpoint
CREATE INDEX "receipts_ticket" ON "receipts" USING btree ("ticket_id");--> statement-breakpoint
CREATE INDEX "receipts_message" ON "receipts" USING btree ("message_id") WHERE message_id is not null;--> statement-breakpoint
CREATE INDEX "moved_dates_at" ON "moved_dates" USING btree ("at");--> statement-breakpoint
CREATE INDEX "ticket_told_at" ON "ticket_told" USING btree ("at");--> statement-breakpoint
CREATE INDEX "mail_budgets_period" ON "mail_budgets" USING btree ("period");--> statement-breakpoint
CREATE INDEX "outbox_due" ON "outbox" USING btree ("priority","next_try_at","id") WHERE state in ('queued', 'deferred', 'uncertain', 'leased', 'sending');--> statement-breakpoint
CREATE INDEX "outbox_message" ON "outbox" USING btree ("message_id");--> statement-breakpoint
CREATE INDEX "outbox_uncopied" ON "outbox" USING btree ("settled_at") WHERE kind = 'reply' and state = 'sent' and copied_at is null;--> statement-breakpoint
CREATE INDEX "outbox_ticket" ON "outbox" USING btree ("ticket_id");--> statement-breakpoint
CREATE INDEX "outbox_recipient" ON "outbox" USING btree ("recipient","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "calendars_version" ON "calendars" USING btree ("key","version");--> statement-breakpoint
CREATE INDEX "sla_answers_at" ON "sla_answers" USING btree ("at");--> statement-breakpoint
CREATE INDEX "sla_answers_ticket" ON "sla_answers" USING btree ("ticket_id");--> statement-breakpoint
CREATE UNIQUE INDEX "sla_breaches_standing" ON "sla_breaches" USING btree ("clock_id") WHERE superseded_at is null;--> statement-breakpoint
CREATE INDEX "sla_breaches_ticket" ON "sla_breaches" USING btree ("ticket_id");--> statement-breakpoint
CREATE INDEX "sla_breaches_at" ON "sla_breaches" USING btree ("at");--> statement-breakpoint
CREATE UNIQUE INDEX "sla_clocks_once" ON "sla_clocks" USING btree ("ticket_id","metric",coalesce(team_id, 0),"cycle");--> statement-breakpoint
CREATE INDEX "sla_clocks_due" ON "sla_clocks" USING btree ("due_at") WHERE state = 'running' and breached_at is null;--> statement-breakpoint
CREATE INDEX "sla_clocks_warn" ON "sla_clocks" USING btree ("next_warn_at") WHERE next_warn_at is not null;--> statement-breakpoint
CREATE INDEX "sla_clocks_calendar" ON "sla_clocks" USING btree ("calendar_id","ticket_id") WHERE state in ('running', 'paused');--> statement-breakpoint
CREATE INDEX "sla_clocks_policy" ON "sla_clocks" USING btree ("policy_id","ticket_id") WHERE state in ('running', 'paused');--> statement-breakpoint
CREATE INDEX "sla_fired_waiting" ON "sla_fired" USING btree ("at") WHERE acted_at is null;--> statement-breakpoint
CREATE INDEX "sla_fired_dropped" ON "sla_fired" USING btree ("dropped_at") WHERE dropped_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "sla_policies_version" ON "sla_policies" USING btree ("key","version");--> statement-breakpoint
CREATE UNIQUE INDEX "agent_followers_ticket" ON "agent_followers" USING btree ("ticket_id","agent_id") WHERE ticket_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "agent_followers_project" ON "agent_followers" USING btree ("project_id","agent_id") WHERE project_id is not null;--> statement-breakpoint
CREATE INDEX "attachments_comment" ON "attachments" USING btree ("comment_id");--> statement-breakpoint
CREATE INDEX "attachments_ticket" ON "attachments" USING btree ("ticket_id");--> statement-breakpoint
CREATE INDEX "comments_ticket" ON "comments" USING btree ("ticket_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "customer_group_members_group_id_organization_id_address_index" ON "customer_group_members" USING btree ("group_id","organization_id","address");--> statement-breakpoint
CREATE UNIQUE INDEX "message_ids_once" ON "message_ids" USING btree ("message_id","ticket_id");--> statement-breakpoint
CREATE INDEX "message_ids_ticket" ON "message_ids" USING btree ("ticket_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "notices_open" ON "notices" USING btree ("kind","subject") WHERE settled_at is null;--> statement-breakpoint
CREATE INDEX "side_questions_ticket" ON "side_questions" USING btree ("ticket_id");--> statement-breakpoint
CREATE INDEX "tickets_due" ON "tickets" USING btree (coalesce(least(next_due_at, due_at), 'infinity'::timestamptz),"id") WHERE status not in ('resolved', 'closed') and deleted_at is null and spam_at is null;--> statement-breakpoint
CREATE INDEX "tickets_project_due" ON "tickets" USING btree ("project_id",coalesce(least(next_due_at, due_at), 'infinity'::timestamptz),"id") WHERE status not in ('resolved', 'closed') and deleted_at is null and spam_at is null;--> statement-breakpoint
CREATE INDEX "tickets_team_due" ON "tickets" USING btree ("team_id",coalesce(least(next_due_at, due_at), 'infinity'::timestamptz),"id") WHERE status not in ('resolved', 'closed') and deleted_at is null and spam_at is null;--> statement-breakpoint
CREATE INDEX "tickets_assignee_due" ON "tickets" USING btree ("assignee_id",coalesce(least(next_due_at, due_at), 'infinity'::timestamptz),"id") WHERE status not in ('resolved', 'closed') and deleted_at is null and spam_at is null;--> statement-breakpoint
CREATE INDEX "tickets_waiting_due" ON "tickets" USING btree (coalesce(least(next_due_at, due_at), 'infinity'::timestamptz),"id") WHERE status = 'waiting_customer' and deleted_at is null and spam_at is null;--> statement-breakpoint
CREATE INDEX "tickets_passed" ON "tickets" USING btree ("due_at") WHERE status not in ('resolved', 'closed') and deleted_at is null and spam_at is null and reminded_due_at is distinct from due_at;--> statement-breakpoint
CREATE INDEX "tickets_created" ON "tickets" USING btree ("created_at","id") WHERE status not in ('resolved', 'closed') and deleted_at is null and spam_at is null;--> statement-breakpoint
CREATE INDEX "tickets_requester" ON "tickets" USING btree ("requester_id");--> statement-breakpoint
CREATE INDEX "tickets_organization" ON "tickets" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "tickets_resolved" ON "tickets" USING btree ("resolved_at") WHERE status = 'resolved';--> statement-breakpoint
CREATE INDEX "tickets_wake" ON "tickets" USING btree ("wake_at") WHERE wake_at is not null;--> statement-breakpoint
CREATE INDEX "tickets_duplicates" ON "tickets" USING btree ("duplicate_of") WHERE duplicate_of is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "time_entries_running" ON "time_entries" USING btree ("agent_id") WHERE status = 'running';--> statement-breakpoint
CREATE UNIQUE INDEX "time_entries_reverses" ON "time_entries" USING btree ("reverses_id");--> statement-breakpoint
CREATE INDEX "time_entries_timers" ON "time_entries" USING btree ("started_at") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "time_entries_agent" ON "time_entries" USING btree ("agent_id","local_date");--> statement-breakpoint
CREATE INDEX "time_entries_ticket" ON "time_entries" USING btree ("ticket_id");--> statement-breakpoint
CREATE INDEX "time_entries_project" ON "time_entries" USING btree ("project_id") WHERE project_id is not null;--> statement-breakpoint
CREATE INDEX "time_entries_date" ON "time_entries" USING btree ("local_date","id");--> statement-breakpoint
CREATE INDEX "time_entries_line" ON "time_entries" USING btree ("invoice_line_id");--> statement-breakpoint
CREATE INDEX "time_entries_statement" ON "time_entries" USING btree ("statement_id") WHERE statement_id is not null;--> statement-breakpoint
CREATE INDEX "webhook_calls_due" ON "webhook_calls" USING btree ("next_try_at") WHERE state = 'queued';--> statement-breakpoint
CREATE INDEX "webhook_calls_settled" ON "webhook_calls" USING btree ("settled_at") WHERE settled_at is not null;--> statement-breakpoint
CREATE INDEX "delivery_attempts_outbox" ON "delivery_attempts" USING btree ("outbox_id");--> statement-breakpoint
CREATE INDEX "imap_seen_action" ON "imap_seen" USING btree ("mailbox_id") WHERE action is not null and action_done_at is null;--> statement-breakpoint
CREATE INDEX "imap_seen_original" ON "imap_seen" USING btree ("mailbox_id") WHERE original = 'asked';--> statement-breakpoint
CREATE INDEX "imap_seen_mail" ON "imap_seen" USING btree ("mail_id");--> statement-breakpoint
CREATE INDEX "inbound_mails_due" ON "inbound_mails" USING btree ("id") WHERE state = 'received';--> statement-breakpoint
CREATE UNIQUE INDEX "inbound_mails_dedupe" ON "inbound_mails" USING btree ("dedupe_key","isolation") WHERE dedupe_key is not null;--> statement-breakpoint
CREATE INDEX "inbound_mails_from" ON "inbound_mails" USING btree ("from_address","received_at");--> statement-breakpoint
CREATE INDEX "inbound_mails_message_id" ON "inbound_mails" USING btree ("message_id") WHERE message_id is not null;--> statement-breakpoint
CREATE INDEX "inbound_mails_ticket" ON "inbound_mails" USING btree ("ticket_id") WHERE ticket_id is not null;--> statement-breakpoint
CREATE INDEX "inbound_mails_blob" ON "inbound_mails" USING btree ("blob_id");--> statement-breakpoint
CREATE INDEX "inbound_mails_state" ON "inbound_mails" USING btree ("state","id") WHERE state in ('held', 'quarantined', 'discarded');--> statement-breakpoint
CREATE UNIQUE INDEX "mailboxes_once" ON "mailboxes" USING btree ("name","folder","uidvalidity");--> statement-breakpoint
CREATE UNIQUE INDEX "mailboxes_current" ON "mailboxes" USING btree ("name","folder") WHERE superseded_at is null;--> statement-breakpoint
CREATE INDEX "pending_ids_mail" ON "pending_ids" USING btree ("mail_id");--> statement-breakpoint
CREATE INDEX "sessions_agent" ON "sessions" USING btree ("agent_id");--> statement-breakpoint
ALTER TABLE "blob_chunks" ALTER COLUMN "data" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "inbound_mails" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);--> statement-breakpoint
ALTER TABLE "outbox" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);

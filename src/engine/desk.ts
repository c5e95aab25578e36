/**
 * The desk as data: what the newest accepted version of the desk file says, with the ids of its rows, compiled once
 * and frozen. Everything that decides takes it as an argument.
 */
import type { PriceList } from './billing/prices.ts'
import type { Calendar } from './business-hours.ts'
import type { Choices } from './notify/kinds.ts'
import type { ReminderAction } from './rules/actions.ts'
import type { Pattern } from './rules/pattern.ts'
import type { Rule } from './rules.ts'
import type { Priority } from './tables.ts'

export type Inbox = {
  id: number
  key: string
  /** The address customers write to; domain as lower-case A-label. */
  address: string
  aliases: string[]
  /** Display name of outgoing mail. */
  name: string
  /** Key of the project where a mail lands that no rule routes. */
  project: string
  locale: string
  zone: string
  /** Key of a policy, used after organization and group (SLA S1). */
  policy: string | null
  /** What automatic and list mail becomes that no ticket is named in (4a.19). */
  automatic: 'ticket' | 'held' | 'record'
  /** What an automatic reply becomes that names no ticket (4a.18). */
  autoreplies: 'record' | 'ticket'
  /** Where the signed addresses of its outgoing mails lie; `off`: there are none (5.10). */
  reply_addresses: 'plus' | 'subdomain' | 'off'
}
export type Agent = {
  id: number
  address: string
  name: string
  admin: boolean
  locale: string | null
  zone: string | null
  /** Key of the calendar of their working hours, outside which notices wait; null: any time will do. */
  calendar: string | null
  /** Stretches of their day in which notices wait, `20:00-07:00`. */
  quiet: readonly string[]
  /** What they are told of unless they chose otherwise on their page; what is absent is as for everybody. */
  notify: Readonly<Partial<Choices>>
  /** Which receipts of their commands they are mailed; null: the desk's. */
  receipts: Receipts | null
}
/** Receipts of commands: all; only of what failed; failures at once and the others in the digest. */
export type Receipts = 'all' | 'errors' | 'digest'
export type Team = {
  id: number
  key: string
  name: string
  members: string[]
  /** Address of the agent whom reminders call the lead. */
  lead: string | null
  /** Key of the calendar that its own targets are counted in; null: the policy's (SLA O1). */
  calendar: string | null
}
export type Organization = {
  id: number
  key: string
  name: string
  domains: string[]
  addresses: string[]
  locale: string | null
  zone: string | null
  policy: string | null
  /** Key of the calendar that applies where a policy names none: the customer's own working week. */
  calendar: string | null
  /** How they are billed; what is null is the desk's. */
  billing: {
    name: string | null
    address: string
    tax_id: string
    currency: string | null
    /** Basis points. */
    tax_bp: number | null
    /** `reverse_charge`: no tax, and the invoice says that the customer owes it. */
    tax_mode: 'standard' | 'reverse_charge'
  }
  /** Whether they are mailed their time of each month, by their own word or a group's. */
  statement: 'monthly' | 'off'
  /** Addresses of who gets it, and approves it by answering. */
  statement_to: string[]
}
export type Group = {
  id: number
  key: string
  name: string
  rank: number
  policy: string | null
  /** Address of the agent who answers for these customers. */
  responsible: string | null
  organizations: string[]
  addresses: string[]
  /** Price lists for the work of its members, the smallest rank first (SLA P2). */
  price_lists: { list: string; rank: number }[]
}
/** What customers use, and tickets are about. */
export type Product = { key: string; name: string }
/** A field of tickets that the desk has made up; null: any text will do. */
export type DeskField = { key: string; name: string; values: readonly string[] | null }
/** What time is spent on; the row's id. */
export type WorkType = { id: number; key: string; name: string }
/** The row of this immutable version; `organizations` and `contacts` are whose own it is (SLA P2). */
export type DeskPriceList = PriceList & {
  id: number
  version: number
  name: string
  organizations: string[]
  contacts: string[]
}
export type Project = {
  id: number
  key: string
  organization: string | null
  team: string | null
  policy: string | null
  /** Whether time spent here is billed unless its entry says otherwise. */
  billable: boolean
  /** What an agent's answer makes of a ticket here. */
  after_answer: 'waiting_customer' | 'open'
}
/** A text and commands under one name. `text` by language, English where there is any. */
export type Macro = {
  key: string
  name: string
  /** What `#macro name key:value` may give. */
  values: readonly string[]
  text: Readonly<Partial<Record<string, string>>>
  /** Lines as in a mail. */
  commands: readonly string[]
}
/** `files`: the names of the files of holidays that went into it. */
export type DeskCalendar = { id: number; key: string; version: number; calendar: Calendar; files: readonly string[] }
/** What a priority may be marked with; the word beside it says the same. */
export const COLOURS = ['red', 'orange', 'yellow', 'green', 'blue', 'violet', 'grey'] as const
export type Colour = (typeof COLOURS)[number]
export type Metric = 'first_response' | 'next_response' | 'resolution'
export type Policy = {
  /** The row of this immutable version (SLA M2). */
  id: number
  key: string
  version: number
  calendar: string | null
  targets: Partial<Record<Priority, Partial<Record<Metric, number>>>>
  /** Statuses in which each clock stands still (SLA K6). */
  pause_on: Record<Metric | 'ola', string[]>
  reopen: 'resume' | 'restart'
  /** How its priorities are marked (FEATURES 0.15); absent: as those of every desk. */
  colours?: Partial<Record<Priority, Colour>> | undefined
  /** Targets of teams for their own part, by the team's key (SLA O1). */
  ola: Record<string, Partial<Record<Priority, number>>>
  /** What reminds before the end: a percent of the target, or seconds of it that are left (SLA W1). */
  reminders: Reminder[]
  /** Whether an edit reaches tickets that are open already (SLA K16). */
  apply: 'open' | 'new'
  /** Of which moves of a promised date its customers are told (SLA D4); absent: never. */
  tell_changes?: 'never' | 'later' | 'always' | undefined
}
export type Reminder = {
  key: string
  /** Null: every clock. */
  metric: Metric | 'ola' | null
  /** From the breach on again and again, in working seconds (W4). */
  every?: number
  /** Absent: it is recorded, and does nothing. */
  actions?: readonly ReminderAction[]
} & ({ percent: number; left?: undefined } | { left: number; percent?: undefined })
export type Desk = {
  version: number
  inboxes: Inbox[]
  agents: Map<string, Agent>
  teams: Map<string, Team>
  organizations: Map<string, Organization>
  groups: Group[]
  projects: Map<string, Project>
  calendars: Map<string, DeskCalendar>
  policies: Map<string, Policy>
  products: Map<string, Product>
  fields: Map<string, DeskField>
  /** The first one is that of a new entry. */
  work_types: Map<string, WorkType>
  price_lists: Map<string, DeskPriceList>
  macros: Map<string, Macro>
  /** The desk's own words for commands, beside those of every desk. */
  aliases: Map<string, string>
  /** Routing, in order. */
  rules: Rule[]
  /** Policy selection, in order: the first match gives its policy (SLA S1, S2). */
  sla: { rule: Rule; policy: string }[]
  settings: {
    /** Subject tags are `[<prefix>#12]` (6.6); `''` gives `[#12]`. */
    subject_prefix: string
    /** Where `inbox+tag` is cut (1.7). */
    separators: string
    /** List-Ids of lists that front an inbox: their headers are ignored (4a.20). */
    own_lists: string[]
    /** Addresses of web forms: with verdict strong the requester is their Reply-To (4.11 c). */
    form_senders: string[]
    /** What words of thanks alone do to a resolved ticket (6.16). */
    thanks: 'keep' | 'reopen'
    /** Senders whose own ticket number leads to ours: an exact address or a domain (6.24). */
    correlations: { from: string; pattern: Pattern; in: 'subject' | 'text' }[]
    /** Domains of public mail providers: they never map to an organization (6.23). */
    public_domains: Set<string>
    /** Ticket types; the first is that of a new ticket. */
    types: string[]
    priorities: Priority[]
    /** System default policy, last in the order of SLA S1. */
    policy: string | null
    /** Calendar of policies that name none, for customers without their own. */
    calendar: string | null
    /** Addresses of agents who may choose the policy of a ticket, besides admins (SLA S4, `sla.override`). */
    sla_override: string[]
    undo_seconds: number
    /** How long news of a ticket are gathered before one mail tells an agent of them (MAIL 8.32). */
    notify_seconds: number
    receipts: Receipts
    /** A line below the text of an agent's mail that is a command: refused with a receipt, or text like any other. */
    stray_commands: 'warn' | 'send'
    time: TimeSettings
    billing: BillingSettings
  }
}
/** How timesheets are kept (SLA 14). */
export type TimeSettings = {
  /** What happens to an entry at the same time as another of the same agent (T4). */
  overlap: 'allow' | 'warn' | 'reject'
  /** Work over local midnight: one entry on its first day, or split in two (T5). */
  midnight: 'one' | 'split'
  /** Addresses of agents who may approve, besides admins (T7). */
  approvers: string[]
  /** Whether they may approve what they did themselves. */
  own: 'refuse' | 'allow'
}
/** Who writes the invoices, and how. */
export type BillingSettings = {
  name: string
  address: string
  tax_id: string
  /** What stands at the end: where to pay, and until when. */
  terms: string
  /** What numbers begin with. */
  prefix: string
  currency: string
  tax_bp: number
}

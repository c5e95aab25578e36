/** The desk file's keys and the form of each value. What values refer to is checked in document.ts. */
import { z } from 'zod'
import { parseDuration } from '../../time.ts'
import { COLOURS } from '../desk.ts'
import { REGULAR, TOPICS, WAYS } from '../notify/kinds.ts'
import { actionsSchema, reminderActionsSchema } from '../rules/actions.ts'
import { compilePattern } from '../rules/pattern.ts'
import { PRIORITIES } from '../tables.ts'
import { billing, billingSettings, priceList, statement, timeSettings } from './billing-schema.ts'
import { aliases, macro } from './macros.ts'
import {
  address,
  converted,
  domain,
  domainPattern,
  duration,
  key,
  list,
  locale,
  name,
  projectKey,
  quiet,
  toAddress,
  toDomain,
  zone,
} from './values.ts'

/** Compiled once; a fault of it has words and a remedy of its own. */
const pattern = z
  .string()
  .transform((text, context) => {
    const compiled = compilePattern(text.normalize('NFC'))
    if ('find' in compiled) return compiled
    context.addIssue({ code: 'custom', message: compiled.cause, params: { remedy: compiled.remedy } })
    return z.NEVER
  })
  .meta({ remedy: 'write a regular expression whose group is their number, such as "\\[([A-Z]+-\\d+)\\]"' })

const targets = z.strictObject({
  first_response: duration.optional(),
  next_response: duration.optional(),
  resolution: duration.optional(),
})
const metrics = ['first_response', 'next_response', 'resolution', 'ola'] as const
const pausing = ['waiting_customer', 'on_hold'] as const

const OFTENEST = 900 // W4: each time is a mail to somebody

const reminder = z
  .strictObject({
    key,
    metric: z.enum(metrics).optional(),
    percent: z.int().min(1).max(100).optional().meta({ remedy: 'write a whole number from 1 to 100' }),
    left: duration.optional(),
    every: duration
      .refine((value) => value >= OFTENEST)
      .optional()
      .meta({ remedy: 'write it as 4h or 90m, at least 15m' }),
    // biome-ignore lint/suspicious/noThenProperty: the word of the file; nobody awaits a schema
    then: reminderActionsSchema.optional(),
  })
  .refine((one) => (one.percent === undefined) !== (one.left === undefined), {
    params: { remedy: 'write either percent: 75 (of the target) or left: 1h (before its end)' },
  })
  .refine((one) => one.every === undefined || one.percent === 100, {
    params: { remedy: 'write percent: 100 with every: what is late is what reminds again' },
  })
  .meta({ remedy: 'write a mapping such as {key: soon, percent: 75}' })

const receipts = z.enum(['all', 'errors', 'digest']).meta({ remedy: 'write all, errors or digest' })
const way = z.enum(WAYS).optional().meta({ remedy: 'write instant, digest or none' })
const regular = z.enum(['on', 'off']).optional().meta({ remedy: 'write on, or off' })
const notifySchema = z.strictObject({
  ...(Object.fromEntries(TOPICS.map((one) => [one, way])) as Record<(typeof TOPICS)[number], typeof way>),
  ...(Object.fromEntries(REGULAR.map((one) => [one, regular])) as Record<(typeof REGULAR)[number], typeof regular>),
})

const mail = z.strictObject({
  from: z.string().meta({ remedy: 'write "Eva <eva@acme.example>"' }),
  to: z.union([z.string(), z.array(z.string())]).optional(),
  cc: z.union([z.string(), z.array(z.string())]).optional(),
  subject: z.string().optional(),
  text: z.string().optional(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  has_attachment: z.boolean().optional(),
  size: z.string().meta({ remedy: 'write a size such as "2 MB"' }).optional(),
  language: z.string().optional(),
  kind: z.string().optional(),
})

const expect = z.strictObject({
  matched: z.boolean().optional(),
  project: z.string().optional(),
  team: z.string().optional(),
  assignee: z.string().optional(),
  priority: z.enum(PRIORITIES).optional(),
  type: z.string().optional(),
  product: z.string().meta({ remedy: 'write the key of a product, or none' }).optional(),
  tags: z.array(z.string()).optional(),
  status: z.string().optional(),
  ack: z.string().meta({ remedy: 'write the name of a template, or none' }).optional(),
  hold: z.boolean().optional(),
  rule: z.string().optional(),
  policy: z.string().optional(),
})

const ruleTest = z.strictObject({
  name: name.optional(),
  mail: z
    .union([mail, z.string()])
    .meta({ remedy: 'write the mail as {from: ..., subject: ...} or as the path of an .eml file' }),
  at: z.iso.datetime({ offset: true }).meta({ remedy: 'write an instant such as 2026-03-02T10:00:00Z' }).optional(),
  expect: expect
    .refine((wanted) => Object.keys(wanted).length > 0)
    .meta({ remedy: 'say what is expected, such as {project: acme/incoming}' }),
})
export type RuleTestSource = z.output<typeof ruleTest>
export type TestMail = z.output<typeof mail>

// Conditions are read by rules/conditions.ts, calendars by business-hours.ts: their faults say more.
const when = z.unknown().optional()
const calendar = z.looseObject({ key })

/** Seconds that something waits before it leaves. */
const wait = (remedy: string) =>
  z
    .string()
    .transform((text, context) => {
      const value = parseDuration(text)
      if (value !== null && value <= 3600) return value
      context.addIssue({ code: 'custom', message: `"${text}" is no length of time up to 1h` })
      return z.NEVER
    })
    .default(60)
    .meta({ remedy })

export const deskSchema = z.strictObject({
  inboxes: z
    .array(
      z.strictObject({
        key,
        address,
        aliases: list(address, 'write a list of addresses'),
        name: name.optional(),
        project: projectKey,
        locale: locale.default('en'),
        zone: zone.default('UTC'),
        policy: key.optional(),
        automatic: z.enum(['ticket', 'held', 'record']).default('ticket'),
        autoreplies: z.enum(['record', 'ticket']).default('record'),
        reply_addresses: z
          .enum(['plus', 'subdomain', 'off'])
          .default('plus')
          .meta({ remedy: 'write plus, subdomain or off' }),
      }),
    )
    .min(1)
    .meta({
      remedy: 'add at least one inbox: inboxes: [{key: support, address: support@desk.example, project: triage}]',
    }),
  agents: list(
    z.strictObject({
      address,
      name: name.optional(),
      admin: z.boolean().default(false),
      locale: locale.optional(),
      zone: zone.optional(),
      calendar: key.optional(),
      quiet: list(quiet, 'write a list such as ["20:00-07:00"]'),
      notify: notifySchema.prefault({}),
      receipts: receipts.optional(),
    }),
    'write a list such as [{address: ada@desk.example, name: Ada}]',
  ),
  teams: list(
    z.strictObject({
      key,
      name: name.optional(),
      members: list(address, 'write a list of the addresses of agents'),
      lead: address.optional(),
      calendar: key.optional(),
    }),
    'write a list such as [{key: support, members: [ada@desk.example]}]',
  ),
  calendars: list(
    calendar,
    'write a list such as [{key: berlin, tz: Europe/Berlin, weekly: {mon-fri: ["09:00-17:00"]}}]',
  ),
  policies: list(
    z.strictObject({
      key,
      calendar: key.optional(),
      targets: z
        .partialRecord(z.enum(PRIORITIES), targets)
        .meta({ remedy: 'write targets such as {normal: {first_response: 4h, resolution: 24h}}' }),
      pause_on: z.partialRecord(z.enum(metrics), z.array(z.enum(pausing))).optional(),
      reopen: z.enum(['resume', 'restart']).default('resume'),
      ola: z
        .record(key, z.partialRecord(z.enum(PRIORITIES), duration))
        .optional()
        .meta({ remedy: 'write targets of teams such as {support: {normal: 2h}}' }),
      reminders: list(reminder, 'write a list such as [{key: soon, percent: 75}, {key: last, left: 1h}]'),
      colours: z
        .partialRecord(z.enum(PRIORITIES), z.enum(COLOURS))
        .optional()
        .meta({ remedy: `write {urgent: red, high: orange}; colours are ${COLOURS.join(', ')}` }),
      apply: z.enum(['open', 'new']).default('open').meta({ remedy: 'write open, or new' }),
      tell_changes: z.enum(['never', 'later', 'always']).optional().meta({ remedy: 'write never, later or always' }),
    }),
    'write a list such as [{key: gold, calendar: berlin, targets: {normal: {first_response: 4h}}}]',
  ),
  organizations: list(
    z.strictObject({
      key,
      name: name.optional(),
      domains: list(domainPattern, 'write a list of domains'),
      addresses: list(address, 'write a list of addresses'),
      locale: locale.optional(),
      zone: zone.optional(),
      calendar: key.optional(),
      policy: key.optional(),
      billing,
      statement,
      statement_to: list(address, 'write a list of addresses of people there'),
    }),
    'write a list such as [{key: acme, name: Acme, domains: [acme.example]}]',
  ),
  groups: list(
    z.strictObject({
      key,
      name: name.optional(),
      rank: z.int().min(0).max(1_000_000).meta({ remedy: 'write a whole number; the smallest wins' }),
      policy: key.optional(),
      responsible: address.optional(),
      statement,
      organizations: list(key, 'write a list of keys of organizations'),
      contacts: list(address, 'write a list of addresses'),
      price_lists: list(
        z.strictObject({ list: key, rank: z.int().min(0).max(1_000_000).optional() }),
        'write a list such as [{list: key-accounts, rank: 1}]',
      ),
    }),
    'write a list such as [{key: vip, rank: 1, organizations: [acme]}]',
  ),
  products: list(
    z.strictObject({ key, name: name.optional() }),
    'write a list such as [{key: vpn, name: VPN}, {key: mail}]',
  ),
  fields: list(
    z.strictObject({
      key,
      name: name.optional(),
      values: z
        .array(name)
        .min(1)
        .max(200)
        .optional()
        .meta({ remedy: 'write a list of what may be chosen, or leave it out for any text' }),
    }),
    'write a list such as [{key: site, name: Site, values: [Berlin, Oslo]}]',
  ),
  work_types: list(
    z.strictObject({ key, name: name.optional() }),
    'write a list such as [{key: support}, {key: travel, name: Travel}]',
  ),
  price_lists: list(
    priceList,
    'write a list such as [{key: standard, currency: EUR, default: true, items: [{price: 120}]}]',
  ),
  projects: z
    .array(
      z.strictObject({
        key: projectKey,
        organization: key.optional(),
        team: key.optional(),
        policy: key.optional(),
        billable: z.boolean().default(true),
        after_answer: z
          .enum(['waiting_customer', 'open'])
          .default('waiting_customer')
          .meta({ remedy: 'write waiting_customer, or open' }),
      }),
    )
    .min(1)
    .meta({ remedy: 'add at least one project: projects: [{key: triage}]' }),
  rules: list(
    z.strictObject({
      name,
      when,
      // biome-ignore lint/suspicious/noThenProperty: the word of the file; nobody awaits a schema
      then: actionsSchema,
      tests: list(ruleTest, 'write a list of tests: [{mail: {...}, expect: {...}}]'),
    }),
    'write a list such as [{name: acme, when: {from.domain: acme.example}, then: [{project: acme/incoming}]}]',
  ),
  sla: list(
    z.strictObject({ name: name.optional(), when, policy: key.meta({ remedy: 'write the key of a policy' }) }),
    'write a list such as [{when: {type: incident}, policy: gold}]',
  ),
  macros: list(macro, 'write a list such as [{key: restarted, text: {en: "It runs again."}, commands: ["#close"]}]'),
  aliases,
  settings: z
    .strictObject({
      subject_prefix: z
        .string()
        .regex(/^[\p{L}\p{N}_.-]{0,20}$/u)
        .default('')
        .meta({ remedy: 'write at most 20 letters, digits, "_", "." and "-"' }),
      separators: z
        .string()
        .regex(/^(?!.*(.).*\1)[+\-=_]{1,4}$/)
        .default('+')
        .meta({ remedy: 'write "+", "-" or several such as "+-"' }),
      own_lists: list(z.string().trim().toLowerCase().min(1).max(255), 'write a list of List-Ids'),
      form_senders: list(address, 'write a list of addresses'),
      thanks: z.enum(['keep', 'reopen']).default('keep').meta({ remedy: 'write keep, or reopen' }),
      correlations: list(
        z.strictObject({
          from: converted(
            (text) => (text.includes('@') ? toAddress(text) : toDomain(text)),
            'mail address or domain',
            'write jira.example or jira@acme.example',
          ),
          matches: pattern,
          in: z.enum(['subject', 'text']).default('subject').meta({ remedy: 'write subject, or text' }),
        }),
        'write a list such as [{from: jira.example, matches: "\\\\[([A-Z]+-\\\\d+)\\\\]"}]',
      ),
      public_domains: list(domain, 'write a list of domains of mail providers'),
      types: z
        .array(key)
        .min(1)
        .default(['question', 'incident', 'request', 'problem'])
        .meta({ remedy: 'write a list of keys; the first is the default' }),
      priorities: z
        .array(z.enum(PRIORITIES))
        .min(1)
        .default([...PRIORITIES])
        .meta({ remedy: `write a list out of: ${PRIORITIES.join(', ')}` }),
      policy: key.optional(),
      calendar: key.optional(),
      undo: wait('write it as 60s, 2m, or 0s for no undo'),
      receipts: receipts.default('all'),
      stray_commands: z.enum(['warn', 'send']).default('warn').meta({ remedy: 'write warn, or send' }),
      notify: wait('write it as 60s, 2m, or 0s to tell of each thing at once'),
      sla_override: list(address, 'write a list of the addresses of agents'),
      time: timeSettings,
      billing: billingSettings,
    })
    .prefault({}),
})

export type DeskFile = z.output<typeof deskSchema>

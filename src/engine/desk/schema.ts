/** The desk file's keys and the form of each value. What values refer to is checked in document.ts. */
import { domainToASCII } from 'node:url'
import { z } from 'zod'
import { isZone, parseDuration } from '../../time.ts'
import { isCurrency } from '../billing/money.ts'
import { actionsSchema } from '../rules/actions.ts'
import { compilePattern } from '../rules/pattern.ts'
import { PRIORITIES } from '../tables.ts'

/** Languages that templates exist for. */
export const LOCALES = ['en', 'de', 'fr', 'es', 'pl', 'uk', 'ru'] as const

const KEY_REMEDY =
  'write a key of lower-case letters, digits, "-", "_" and ".", at most 60, beginning with a letter or digit'
const KEY = '[a-z0-9][a-z0-9._-]{0,59}'
const key = z
  .string()
  .regex(new RegExp(`^${KEY}$`))
  .meta({ remedy: KEY_REMEDY })
const projectKey = z
  .string()
  .regex(new RegExp(`^${KEY}(?:/${KEY})?$`))
  .meta({ remedy: 'write organization/name, or a plain name for a project of no organization' })
const name = z
  .string()
  .trim()
  .regex(/^[^\p{Cc}\p{Cf}<>]{1,100}$/u)
  .meta({ remedy: 'write a name of at most 100 characters, without < and >' })
const zone = z.string().refine(isZone).meta({ remedy: 'write an IANA zone such as Europe/Berlin' })
const locale = z.enum(LOCALES).meta({ remedy: `write one of: ${LOCALES.join(', ')}` })
const list = <S extends z.ZodType>(item: S, remedy: string) =>
  z
    .preprocess((value) => value ?? [], z.array(item))
    .optional()
    .default([])
    .meta({ remedy })

/** Lower case, domain as A-label; null when it is no mail address. */
export function toAddress(text: string): string | null {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at).toLowerCase()
  const domain = toDomain(text.slice(at + 1))
  const fits =
    at > 0 && local.length <= 64 && /^[^\s"(),:;<>@[\]\\\p{Cc}]+$/u.test(local) && !/^\.|\.\.|\.$/.test(local)
  return fits && domain ? `${local}@${domain}` : null
}

/** Lower case as A-label; null when it is no domain of at least two labels. */
export function toDomain(text: string): string | null {
  const domain = domainToASCII(text.trim().replace(/\.$/, ''))
  const labels = domain.split('.')
  const fits =
    domain.length <= 253 && labels.length > 1 && labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label))
  return fits && !/^\d+$/.test(labels.at(-1)!) ? domain : null
}

const converted = (convert: (text: string) => string | null, what: string, remedy: string) =>
  z
    .string()
    .transform((text, context) => {
      const value = convert(text)
      if (value !== null) return value
      context.addIssue({ code: 'custom', message: `"${text.slice(0, 60)}" is no ${what}`, params: { remedy } })
      return z.NEVER
    })
    .meta({ remedy })

const address = converted(toAddress, 'mail address', 'write an address such as support@desk.example')
const domain = converted(toDomain, 'domain', 'write a domain such as acme.example')
const domainPattern = converted(
  (text) => (text.startsWith('*.') ? prefixed('*.', toDomain(text.slice(2))) : toDomain(text)),
  'domain',
  'write acme.example, or "*.acme.example" for its subdomains',
)
const prefixed = (prefix: string, value: string | null): string | null => value && prefix + value

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

const LONGEST = 315_360_000 // M1: ten years
const duration = converted(
  (text) => {
    const value = parseDuration(text)
    return value && value <= LONGEST ? String(value) : null
  },
  'length of time from 1 s to 10 years',
  'write it as 4h, 90m, 2h30m or 1d (24 h)',
).transform(Number)

const targets = z.strictObject({
  first_response: duration.optional(),
  next_response: duration.optional(),
  resolution: duration.optional(),
})
const metrics = ['first_response', 'next_response', 'resolution', 'ola'] as const
const pausing = ['waiting_customer', 'on_hold'] as const

/** Lines of an address or of terms, for print. */
const lines = z
  .string()
  .trim()
  .regex(/^(?:[^\p{Cc}\p{Cf}]|\n){0,500}$/u)
  .default('')
  .meta({ remedy: 'write at most 500 characters; lines are kept with "|"' })
const currency = z.string().refine(isCurrency).meta({ remedy: 'write the three letters of a currency such as EUR' })
const tax = converted(
  (text) => {
    const [, whole, fraction = ''] = /^(\d{1,2})(?:\.(\d{1,2}))? ?%$/.exec(text.trim()) ?? []
    return whole === undefined ? null : whole + fraction.padEnd(2, '0')
  },
  'rate of tax below 100 %',
  'write a rate such as 19% or 8.1%',
).transform(Number)
const day = z.iso.date().meta({ remedy: 'write a day such as 2026-01-31' })
const step = duration
  .refine((seconds) => seconds <= 86_400)
  .optional()
  .meta({ remedy: 'write it as 15m or 1h, at most a day' })

const rounding = z
  .strictObject({
    scope: z.enum(['entry', 'ticket_day', 'line']).default('entry').meta({ remedy: 'write entry, ticket_day or line' }),
    increment: step,
    mode: z.enum(['up', 'nearest', 'down']).default('up').meta({ remedy: 'write up, nearest or down' }),
    minimum: step,
  })
  .prefault({})

const priceItem = z.strictObject({
  work_type: key.optional(),
  priority: z.enum(PRIORITIES).optional(),
  price: z
    .union([z.string(), z.number()])
    .transform(String)
    .meta({ remedy: 'write the price of an hour, such as 120 or "120.50"' }),
  from: day.optional(),
  to: day.optional(),
})

const priceList = z.strictObject({
  key,
  name: name.optional(),
  currency,
  default: z.boolean().default(false),
  rounding,
  organizations: list(key, 'write a list of keys of organizations'),
  contacts: list(address, 'write a list of addresses'),
  items: z.array(priceItem).min(1).meta({ remedy: 'write a list such as [{work_type: support, price: 120}]' }),
})

const billing = z
  .strictObject({
    name: name.optional(),
    address: lines,
    tax_id: lines,
    currency: currency.optional(),
    tax: tax.optional(),
    tax_mode: z
      .enum(['standard', 'reverse_charge'])
      .default('standard')
      .meta({ remedy: 'write standard, or reverse_charge' }),
  })
  .prefault({})

const reminder = z
  .strictObject({
    key,
    metric: z.enum(metrics).optional(),
    percent: z.int().min(1).max(100).optional().meta({ remedy: 'write a whole number from 1 to 100' }),
    left: duration.optional(),
  })
  .refine((one) => (one.percent === undefined) !== (one.left === undefined))
  .meta({ remedy: 'write either percent: 75 (of the target) or left: 1h (before its end)' })

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
    }),
    'write a list such as [{address: ada@desk.example, name: Ada}]',
  ),
  teams: list(
    z.strictObject({
      key,
      name: name.optional(),
      members: list(address, 'write a list of the addresses of agents'),
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
      apply: z.enum(['open', 'new']).default('open').meta({ remedy: 'write open, or new' }),
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
    }),
    'write a list such as [{key: acme, name: Acme, domains: [acme.example]}]',
  ),
  groups: list(
    z.strictObject({
      key,
      name: name.optional(),
      rank: z.int().min(0).max(1_000_000).meta({ remedy: 'write a whole number; the smallest wins' }),
      policy: key.optional(),
      organizations: list(key, 'write a list of keys of organizations'),
      contacts: list(address, 'write a list of addresses'),
      price_lists: list(
        z.strictObject({ list: key, rank: z.int().min(0).max(1_000_000).optional() }),
        'write a list such as [{list: key-accounts, rank: 1}]',
      ),
    }),
    'write a list such as [{key: vip, rank: 1, organizations: [acme]}]',
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
  macros: list(z.never(), 'leave the list empty: macros come with a later version'),
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
      undo: z
        .string()
        .transform((text, context) => {
          const value = parseDuration(text)
          if (value !== null && value <= 3600) return value
          context.addIssue({ code: 'custom', message: `"${text}" is no length of time up to 1h` })
          return z.NEVER
        })
        .default(60)
        .meta({ remedy: 'write it as 60s, 2m, or 0s for no undo' }),
      time: z
        .strictObject({
          overlap: z.enum(['allow', 'warn', 'reject']).default('warn').meta({ remedy: 'write allow, warn or reject' }),
          midnight: z.enum(['one', 'split']).default('one').meta({ remedy: 'write one, or split' }),
          approvers: list(address, 'write a list of the addresses of agents'),
          own: z.enum(['refuse', 'allow']).default('refuse').meta({ remedy: 'write refuse, or allow' }),
        })
        .prefault({}),
      billing: z
        .strictObject({
          name: name.optional(),
          address: lines,
          tax_id: lines,
          terms: lines,
          prefix: z
            .string()
            .regex(/^[\p{L}\p{N}_./-]{0,20}$/u)
            .default('')
            .meta({ remedy: 'write at most 20 letters, digits, "_", ".", "/" and "-"' }),
          currency: currency.default('EUR'),
          tax: tax.default(0),
        })
        .prefault({}),
    })
    .prefault({}),
})

export type DeskFile = z.output<typeof deskSchema>

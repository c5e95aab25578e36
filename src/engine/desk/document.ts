/**
 * From the text of a desk file to a desk that may run: every name resolves, nothing is claimed twice, calendars and
 * rules compile, the rules' own tests are green. Pure; ids are 0 until load.ts finds the rows.
 */
import { type Fault, locateFaults, type Path, type Problem, readYaml, unknownName } from '../../yaml.ts'
import type { Calendar } from '../business-hours.ts'
import type { Desk, DeskCalendar, Policy, Reminder } from '../desk.ts'
import { type ActionNames, compileReminderActions } from '../rules/actions.ts'
import { UNASSESSED } from '../rules/conditions.ts'
import { KINDS } from '../rules/facts.ts'
import { type RuleTest, runInlineTests } from '../rules/tests.ts'
import { compileRule, type Rule } from '../rules.ts'
import { STATUSES } from '../tables.ts'
import { type Calendars, readCalendars } from './calendars.ts'
import { type HolidayFiles, namesOf } from './holiday-files.ts'
import { aliasesOf, checkMacros, macroOf } from './macros.ts'
import { type Complain, checkNames } from './names.ts'
import { billingOf, checkPrices, checkStatements, groupListsOf, priceListOf, statementOf } from './prices.ts'
import { PUBLIC_DOMAINS } from './public-domains.ts'
import { type DeskFile, deskSchema } from './schema.ts'

/** A checked desk file. `desk` has ids and version 0. */
export type DeskDocument = {
  text: string
  file: string
  desk: Desk
  tests: RuleTest[]
  /** Of the files that its calendars name, by name: they are part of a version. */
  holidays: Calendars['holidays']
}

export type DeskReading = { document: DeskDocument; problems: [] } | { document: null; problems: Problem[] }

export type ParseOptions = {
  /** Names of the templates that `ack:` may name; unknown names are let through without it. */
  templates?: readonly string[]
  /** A stored version passed its tests when it was applied. */
  tests?: 'run' | 'skip'
  /** The files of holidays that the text names (holiday-files.ts). */
  holidays?: HolidayFiles
}

/** Checks the text of a desk file. Tests whose mail is a file are left to `runFileTests` (rules/tests.ts). */
export function parseDesk(text: string, file: string, options: ParseOptions = {}): DeskReading {
  const { value, locate, problems } = readYaml(text, file, deskSchema)
  if (value === null) return { document: null, problems }
  const faults: Fault[] = []
  const complain: Complain = (path, cause, remedy) => void faults.push({ path, cause, remedy })
  const refer = (path: Path, what: string, name: string | null | undefined, known: readonly string[]) => {
    if (name && !known.includes(name)) faults.push(unknownName(path, what, name, known))
  }
  checkNames(value, complain, refer)
  checkPrices(value, complain, refer)
  checkStatements(value, complain)
  checkMacros(value, complain)
  const {
    calendars,
    holidays,
    problems: unread,
  } = readCalendars(value, options.holidays ?? new Map(), complain, faults)
  const { rules, sla, reminders } = compileRules(value, calendars, options, faults)
  if (faults.length + unread.length > 0)
    return { document: null, problems: [...locateFaults(faults, file, locate), ...unread] }
  const desk = toDesk(value, { calendars, rules, sla, reminders })
  const tests = value.rules.flatMap((rule, n) =>
    rule.tests.map((test, m): RuleTest => ({ rule: rule.name, path: ['rules', n, 'tests', m], test })),
  )
  const red = options.tests === 'skip' ? [] : runInlineTests(desk, tests).flatMap((result) => result.faults)
  if (red.length > 0) return { document: null, problems: locateFaults(red, file, locate) }
  return { document: { text, file, desk, tests, holidays }, problems: [] }
}

/** Gives the faults of a document's tests their lines. */
export function locateInDocument(document: DeskDocument, faults: Fault[]): Problem[] {
  return locateFaults(faults, document.file, readYaml(document.text, document.file, deskSchema).locate)
}

/** `reminders` by the policy's key. */
type Compiled = { rules: Rule[]; sla: Desk['sla']; reminders: Map<string, Reminder[]> }

function compileRules(
  file: DeskFile,
  calendars: Map<string, Calendar>,
  options: ParseOptions,
  faults: Fault[],
): Compiled {
  const keys = (list: readonly { key: string }[]) => list.map((one) => one.key)
  const known = {
    // A calendar with faults of its own is named once, not again by each rule that uses it.
    calendars: new Map([...file.calendars.map(({ key }): [string, Calendar] => [key, ALWAYS]), ...calendars]),
    names: {
      organization: keys(file.organizations),
      group: keys(file.groups),
      project: keys(file.projects),
      inbox: keys(file.inboxes),
      type: file.settings.types,
      product: keys(file.products),
      priority: [...file.settings.priorities, UNASSESSED],
      status: STATUSES,
      kind: KINDS,
    },
    actions: {
      projects: keys(file.projects),
      teams: keys(file.teams),
      agents: file.agents.map((agent) => agent.address),
      types: file.settings.types,
      products: keys(file.products),
      priorities: file.settings.priorities,
      templates: options.templates ?? null,
    },
  }
  return {
    rules: file.rules.map((rule, n) => compileRule(rule, ['rules', n], known, faults)),
    sla: file.sla.map(({ name, when, policy }, n) => ({
      rule: compileRule({ name: name ?? `sla ${n + 1}`, when }, ['sla', n], known, faults),
      policy,
    })),
    reminders: new Map(
      file.policies.map((one, n) => [
        one.key,
        one.reminders.map((reminder, m) =>
          toReminder(reminder, ['policies', n, 'reminders', m, 'then'], known.actions, faults),
        ),
      ]),
    ),
  }
}

const ALWAYS: Calendar = { tz: 'UTC', always: true, weekly: {}, holidays: [], exceptions: {} }

function toDesk(
  file: DeskFile,
  { calendars, rules, sla, reminders }: Compiled & { calendars: Map<string, Calendar> },
): Desk {
  const by = <T extends { key: string }>(list: T[]) => new Map(list.map((one) => [one.key, one]))
  const settings = file.settings
  return {
    version: 0,
    inboxes: file.inboxes.map((one) => ({ id: 0, ...one, name: one.name ?? one.key, policy: one.policy ?? null })),
    agents: new Map(
      file.agents.map((one) => [
        one.address,
        {
          id: 0,
          ...one,
          name: one.name ?? '',
          locale: one.locale ?? null,
          zone: one.zone ?? null,
          calendar: one.calendar ?? null,
          receipts: one.receipts ?? null,
        },
      ]),
    ),
    teams: by(
      file.teams.map((one) => ({
        id: 0,
        ...one,
        name: one.name ?? one.key,
        lead: one.lead ?? null,
        calendar: one.calendar ?? null,
      })),
    ),
    organizations: by(
      file.organizations.map((one) => ({
        id: 0,
        ...one,
        name: one.name ?? one.key,
        locale: one.locale ?? null,
        zone: one.zone ?? null,
        calendar: one.calendar ?? null,
        policy: one.policy ?? null,
        billing: billingOf(one.billing),
        statement: statementOf(one, file),
      })),
    ),
    groups: file.groups
      .map(({ contacts, statement: _statement, ...one }) => ({
        id: 0,
        ...one,
        name: one.name ?? one.key,
        policy: one.policy ?? null,
        responsible: one.responsible ?? null,
        addresses: contacts,
        price_lists: groupListsOf(one),
      }))
      .sort((a, b) => a.rank - b.rank),
    projects: by(
      file.projects.map((one) => ({
        id: 0,
        key: one.key,
        organization: organizationOf(one),
        team: one.team ?? null,
        policy: one.policy ?? null,
        billable: one.billable,
        after_answer: one.after_answer,
      })),
    ),
    products: by(file.products.map(({ key, name }) => ({ key, name: name ?? key }))),
    fields: by(file.fields.map(({ key, name, values }) => ({ key, name: name ?? key, values: values ?? null }))),
    work_types: by(file.work_types.map(({ key, name }) => ({ id: 0, key, name: name ?? key }))),
    price_lists: by(file.price_lists.map(priceListOf)),
    calendars: by(
      file.calendars.flatMap(({ key, holidays_from }): DeskCalendar[] => {
        const calendar = calendars.get(key)
        return calendar ? [{ id: 0, key, version: 0, calendar, files: namesOf(holidays_from) ?? [] }] : []
      }),
    ),
    policies: by(
      file.policies.map((one) => ({
        id: 0,
        version: 0,
        ...one,
        calendar: one.calendar ?? null,
        targets: one.targets,
        pause_on: { ...PAUSE_ON, ...one.pause_on },
        ola: one.ola ?? {},
        reminders: reminders.get(one.key)!,
      })),
    ),
    macros: by(file.macros.map(macroOf)),
    aliases: aliasesOf(file),
    rules,
    sla,
    settings: {
      subject_prefix: settings.subject_prefix,
      separators: settings.separators,
      own_lists: settings.own_lists,
      form_senders: settings.form_senders,
      thanks: settings.thanks,
      correlations: settings.correlations.map((one) => ({ from: one.from, pattern: one.matches, in: one.in })),
      public_domains: new Set([...PUBLIC_DOMAINS, ...settings.public_domains]),
      types: settings.types,
      priorities: settings.priorities,
      policy: settings.policy ?? null,
      calendar: settings.calendar ?? null,
      sla_override: settings.sla_override,
      undo_seconds: settings.undo,
      notify_seconds: settings.notify,
      receipts: settings.receipts,
      stray_commands: settings.stray_commands,
      time: settings.time,
      billing: {
        name: settings.billing.name ?? file.inboxes[0]!.name ?? file.inboxes[0]!.key,
        address: settings.billing.address,
        tax_id: settings.billing.tax_id,
        terms: settings.billing.terms,
        prefix: settings.billing.prefix,
        currency: settings.billing.currency,
        tax_bp: settings.billing.tax,
      },
    },
  }
}

/** SLA K6: an answer that is owed is owed; the solution waits with whoever is waited for. */
const PAUSE_ON: Policy['pause_on'] = {
  first_response: [],
  next_response: [],
  resolution: ['waiting_customer', 'on_hold'],
  ola: ['waiting_customer', 'on_hold'],
}

function toReminder(
  one: DeskFile['policies'][number]['reminders'][number],
  path: Path,
  names: ActionNames,
  faults: Fault[],
): Reminder {
  const named = {
    key: one.key,
    metric: one.metric ?? null,
    ...(one.every !== undefined && { every: one.every }),
    ...(one.then && { actions: compileReminderActions(one.then, path, names, faults) }),
  }
  return one.percent === undefined ? { ...named, left: one.left! } : { ...named, percent: one.percent }
}

/** A project `acme/incoming` belongs to organization `acme`. */
export const organizationOf = (project: { key: string; organization?: string | undefined }): string | null =>
  project.organization ?? (project.key.includes('/') ? project.key.split('/')[0]! : null)

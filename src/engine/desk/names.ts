/** Whether every name in a desk file leads somewhere and nothing is claimed twice. */
import type { Path } from '../../yaml.ts'
import { PUBLIC_DOMAINS } from './public-domains.ts'
import type { DeskFile } from './schema.ts'

export type Complain = (path: Path, cause: string, remedy: string) => void
export type Refer = (path: Path, what: string, name: string | null | undefined, known: readonly string[]) => void

/** Characters before the `@` of an inbox that leave room for a signed reply address in 64 (MAIL 5.7). */
const LONGEST_BASE = 20

/** Reports every double claim through `complain` and every dead reference through `refer`. */
export function checkNames(file: DeskFile, complain: Complain, refer: Refer): void {
  checkTwice(file, complain)
  checkInboxes(file, complain)
  checkDomains(file, complain)
  checkReferences(file, refer)
  checkProjects(file, complain, refer)
  checkPolicies(file, complain)
}

type Claim = [name: string, path: Path]

function once(claims: Claim[], what: string, complain: Complain): void {
  const seen = new Set<string>()
  for (const [name, path] of claims) {
    if (seen.has(name)) complain(path, `${what} "${name}" is there twice`, 'remove or rename one of the two')
    seen.add(name)
  }
}

function checkTwice(file: DeskFile, complain: Complain): void {
  const keyed = [
    'inboxes',
    'teams',
    'calendars',
    'policies',
    'organizations',
    'groups',
    'projects',
    'products',
    'fields',
    'macros',
  ] as const
  for (const list of keyed)
    once(
      file[list].map((one, n): Claim => [one.key, [list, n, 'key']]),
      'key',
      complain,
    )
  once(
    file.agents.map((one, n): Claim => [one.address, ['agents', n, 'address']]),
    'agent',
    complain,
  )
  once(
    file.rules.map((one, n): Claim => [one.name, ['rules', n, 'name']]),
    'rule',
    complain,
  )
  once(
    file.groups.map((one, n): Claim => [String(one.rank), ['groups', n, 'rank']]),
    'rank',
    complain,
  )
  const boxes = file.inboxes.flatMap((one, n): Claim[] => [
    [one.address, ['inboxes', n, 'address']],
    ...one.aliases.map((alias, m): Claim => [alias, ['inboxes', n, 'aliases', m]]),
  ])
  const agents = file.agents.map((one, n): Claim => [one.address, ['agents', n, 'address']])
  // An inbox that were also a person would answer itself.
  once([...boxes, ...agents.filter(([name]) => boxes.some(([box]) => box === name))], 'address', complain)
  const senders = file.organizations.flatMap((one, n) => [
    ...one.domains.map((domain, m): Claim => [domain, ['organizations', n, 'domains', m]]),
    ...one.addresses.map((address, m): Claim => [address, ['organizations', n, 'addresses', m]]),
  ])
  once(senders, 'sender', complain)
}

function checkInboxes(file: DeskFile, complain: Complain): void {
  for (const [n, { address, reply_addresses }] of file.inboxes.entries()) {
    const base = address.slice(0, address.lastIndexOf('@'))
    if (base.length > LONGEST_BASE && reply_addresses === 'plus')
      complain(
        ['inboxes', n, 'address'],
        `"${base}" has ${base.length} characters before the @, and signed reply addresses have room for ${LONGEST_BASE}`,
        'give the inbox a shorter address and make this one an alias, or write reply_addresses: subdomain',
      )
  }
}

function checkDomains(file: DeskFile, complain: Complain): void {
  const shared = new Set([...PUBLIC_DOMAINS, ...file.settings.public_domains])
  for (const [n, { domains }] of file.organizations.entries())
    for (const [m, domain] of domains.entries())
      if (shared.has(domain.replace(/^\*\./, '')))
        complain(
          ['organizations', n, 'domains', m],
          `"${domain}" is a public mail provider, so its senders are no organization`,
          'name the people one by one under addresses',
        )
}

function checkReferences(file: DeskFile, refer: Refer): void {
  const keys = (list: readonly { key: string }[]) => list.map((one) => one.key)
  const [projects, policies, calendars] = [keys(file.projects), keys(file.policies), keys(file.calendars)]
  const organizations = keys(file.organizations)
  const agents = file.agents.map((one) => one.address)
  for (const [n, one] of file.inboxes.entries()) {
    refer(['inboxes', n, 'project'], 'project', one.project, projects)
    refer(['inboxes', n, 'policy'], 'policy', one.policy, policies)
  }
  for (const [n, one] of file.agents.entries()) refer(['agents', n, 'calendar'], 'calendar', one.calendar, calendars)
  for (const [n, one] of file.teams.entries()) {
    for (const [m, member] of one.members.entries()) refer(['teams', n, 'members', m], 'agent', member, agents)
    refer(['teams', n, 'lead'], 'agent', one.lead, agents)
    refer(['teams', n, 'calendar'], 'calendar', one.calendar, calendars)
  }
  for (const [n, one] of file.policies.entries()) {
    refer(['policies', n, 'calendar'], 'calendar', one.calendar, calendars)
    for (const team of Object.keys(one.ola ?? {})) refer(['policies', n, 'ola', team], 'team', team, keys(file.teams))
  }
  for (const [n, one] of file.organizations.entries()) {
    refer(['organizations', n, 'policy'], 'policy', one.policy, policies)
    refer(['organizations', n, 'calendar'], 'calendar', one.calendar, calendars)
  }
  for (const [n, one] of file.groups.entries()) {
    refer(['groups', n, 'policy'], 'policy', one.policy, policies)
    refer(['groups', n, 'responsible'], 'agent', one.responsible, agents)
    for (const [m, key] of one.organizations.entries())
      refer(['groups', n, 'organizations', m], 'organization', key, organizations)
  }
  for (const [n, one] of file.sla.entries()) refer(['sla', n, 'policy'], 'policy', one.policy, policies)
  for (const [n, approver] of file.settings.time.approvers.entries())
    refer(['settings', 'time', 'approvers', n], 'agent', approver, agents)
  for (const [n, one] of file.settings.sla_override.entries())
    refer(['settings', 'sla_override', n], 'agent', one, agents)
  refer(['settings', 'policy'], 'policy', file.settings.policy, policies)
  refer(['settings', 'calendar'], 'calendar', file.settings.calendar, calendars)
}

function checkProjects(file: DeskFile, complain: Complain, refer: Refer): void {
  const organizations = file.organizations.map((one) => one.key)
  for (const [n, one] of file.projects.entries()) {
    const [prefix, rest] = one.key.split('/')
    refer(
      ['projects', n, 'team'],
      'team',
      one.team,
      file.teams.map((team) => team.key),
    )
    refer(
      ['projects', n, 'policy'],
      'policy',
      one.policy,
      file.policies.map((policy) => policy.key),
    )
    refer(['projects', n, 'organization'], 'organization', one.organization, organizations)
    if (rest !== undefined && !one.organization) refer(['projects', n, 'key'], 'organization', prefix, organizations)
    if (rest !== undefined && one.organization && one.organization !== prefix)
      complain(
        ['projects', n, 'key'],
        `"${one.key}" begins with another organization than its own, "${one.organization}"`,
        `write ${one.organization}/${rest}`,
      )
    if (rest === undefined && one.organization)
      complain(
        ['projects', n, 'key'],
        `"${one.key}" belongs to an organization`,
        `write ${one.organization}/${one.key}`,
      )
  }
}

function checkPolicies(file: DeskFile, complain: Complain): void {
  for (const [n, one] of file.policies.entries()) {
    once(
      one.reminders.map(({ key }, m): Claim => [key, ['policies', n, 'reminders', m, 'key']]),
      'reminder',
      complain,
    )
    const boxes = file.inboxes.flatMap((box) => [box.address, ...box.aliases])
    for (const [m, { then }] of one.reminders.entries())
      for (const [k, { notify }] of (then ?? []).entries())
        if (notify?.some((address) => boxes.includes(address)))
          complain(
            ['policies', n, 'reminders', m, 'then', k, 'notify'],
            'an inbox of this desk would notify itself',
            'name a person, or a role such as team',
          )
    const count = Object.values(one.targets).reduce((sum, metrics) => sum + Object.keys(metrics ?? {}).length, 0)
    if (count + Object.keys(one.ola ?? {}).length === 0)
      complain(
        ['policies', n, 'targets'],
        `policy "${one.key}" promises nothing`,
        'add a target such as {normal: {first_response: 4h}}',
      )
    if (!one.calendar && !file.settings.calendar)
      complain(
        ['policies', n],
        `policy "${one.key}" has no calendar, and the desk no default one`,
        'name one with calendar: here, or with settings.calendar',
      )
  }
}

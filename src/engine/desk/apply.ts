/**
 * A new version of the desk: the text as one row of rule_sets, and the rows of all that it names, created and changed by
 * key. What the version before named and this one no longer does is disabled, never deleted; rows made at run time
 * belong to nobody until a version names them. The one writer of rows that the desk file owns.
 */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { notify, type Queryable, type Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { readTree, refusalOf } from '../../yaml.ts'
import type { Desk } from '../desk.ts'
import { differenceOf } from './difference.ts'
import { type ParseOptions, parseDesk } from './document.ts'
import type { Holidays } from './holidays.ts'
import { toAddress } from './values.ts'
import { type Ids, writeVersions } from './versions.ts'

/** Daemons listen here; the payload is the version's number. */
export const DESK_CHANNEL = 'postroom_desk'

/** Who wrote the built-in desk: any file may replace it. */
export const BUILT_IN = 'demo'

export type Change = {
  text: string
  /** An agent's address, `file:/path/desk.yml`, or BUILT_IN. */
  author: string
  /** The version that the text was made from; a newer one refuses it. Absent: whatever is newest. */
  base?: number | null
  /** How problems name the text. */
  file?: string
} & Pick<ParseOptions, 'templates' | 'holidays'>

/**
 * Makes `text` the running version and wakes all daemons; the same text as the newest, with the same holidays in the
 * files that it names, changes nothing.
 * @returns the number of the version that now runs
 * @throws Refusal `bad_desk` with every problem, `desk_stale` with the difference; both of fault `config`
 */
export async function applyDesk(tx: Tx, change: Change, now: Date): Promise<number> {
  const { document, problems } = parseDesk(change.text, change.file ?? 'desk.yml', change)
  if (!document) throw refusalOf('bad_desk', problems)
  await tx`select pg_advisory_xact_lock(${DESK_LOCK}::bigint)`
  const newest = await findNewest(tx)
  const sha256 = createHash('sha256').update(change.text).digest()
  if (newest?.sha256.equals(sha256) && isDeepStrictEqual(newest.holidays, document.holidays)) return newest.version
  if (newest && change.base !== undefined && change.base !== newest.version) throw stale(newest, change)
  const [row] = await tx<{ version: number }[]>`
    insert into rule_sets (source, sha256, holidays, author, at)
    values (${change.text}, ${sha256}, ${json(document.holidays)}::text::jsonb, ${change.author}, ${now})
    returning version`
  await writeDesk(tx, document.desk, now)
  if (newest) await disableDropped(tx, newest.source, change.text, now)
  await notify(tx, DESK_CHANNEL, String(row!.version))
  return row!.version
}

export type Version = {
  version: number
  source: string
  sha256: Buffer
  /** What was in the files of holidays that the text names, by name. */
  holidays: Record<string, Holidays>
  author: string
}

/** The newest version, or null in a fresh database. */
export async function findNewest(tx: Queryable): Promise<Version | null> {
  const [row] = await tx<Version[]>`
    select version, source, sha256, holidays, author from rule_sets order by version desc limit 1`
  return row ?? null
}

const DESK_LOCK = 7_240_002

function stale(newest: Version, change: Change): Refusal {
  const what = change.file ?? 'this text'
  return new Refusal(
    'desk_stale',
    `${what} was made from version ${change.base ?? 'none'} of the desk, and version ${newest.version} by ` +
      `${newest.author} is newer. Take its lines over, then write "# base: ${newest.version}" as the first line. ` +
      `What differs (- version ${newest.version}, + ${what}):\n${differenceOf(newest.source, change.text)}`,
    'config',
  )
}

/** The rows of all that a desk names, created and changed by key; calendars and policies as new versions. */
export async function writeDesk(tx: Tx, desk: Desk, now: Date): Promise<void> {
  const organizations = await writeOrganizations(tx, desk)
  const agents = await writeAgents(tx, desk, now)
  const teams = await writeTeams(tx, desk, agents, now)
  await writeGroups(tx, desk, organizations)
  await writeProjects(tx, desk, { organizations, teams })
  await writeInboxes(tx, desk)
  const calendars = await writeCalendars(tx, desk, now)
  await writePolicies(tx, desk, calendars, now)
  await writeWorkTypes(tx, desk)
  await writePriceLists(tx, desk, now)
}

const idsOf = (rows: { key: string; id: number }[]): Ids => new Map(rows.map((row) => [row.key, row.id]))
const json = (value: unknown): string => JSON.stringify(value)

async function writeOrganizations(tx: Tx, desk: Desk): Promise<Ids> {
  const list = [...desk.organizations.values()]
  const ids = idsOf(
    await tx`
      insert into organizations (key, name, locale, zone)
      select key, name, locale, zone
      from jsonb_to_recordset(${json(list)}::text::jsonb) as r (key text, name text, locale text, zone text)
      on conflict (key) do update
        set name = excluded.name, locale = excluded.locale, zone = excluded.zone, disabled_at = null
      returning key, id`,
  )
  const patterns = list.flatMap((one) =>
    [...one.domains, ...one.addresses].map((pattern) => ({ pattern, organization_id: ids.get(one.key) })),
  )
  // Patterns are how senders find an organization; they belong to the desk file alone.
  await tx`delete from organization_domains where pattern <> all(${patterns.map((one) => one.pattern)}::text[])`
  await tx`
    insert into organization_domains (pattern, organization_id)
    select pattern, organization_id
    from jsonb_to_recordset(${json(patterns)}::text::jsonb) as r (pattern text, organization_id bigint)
    on conflict (pattern) do update set organization_id = excluded.organization_id`
  return ids
}

async function writeAgents(tx: Tx, desk: Desk, now: Date): Promise<Ids> {
  return idsOf(
    await tx`
      insert into agents (address, name, admin, locale, zone, created_at)
      select address, name, admin, locale, zone, ${now}
      from jsonb_to_recordset(${json([...desk.agents.values()])}::text::jsonb)
           as r (address text, name text, admin boolean, locale text, zone text)
      on conflict (address) do update
        set name = case when excluded.name = '' then agents.name else excluded.name end, admin = excluded.admin,
            locale = excluded.locale, zone = excluded.zone, disabled_at = null
      returning address as key, id`,
  )
}

async function writeTeams(tx: Tx, desk: Desk, agents: Ids, now: Date): Promise<Ids> {
  const list = [...desk.teams.values()]
  const ids = idsOf(
    await tx`
      insert into teams (key, name, calendar, calendar_at)
      select key, name, calendar, ${now}::timestamptz
      from jsonb_to_recordset(${json(list)}::text::jsonb) as r (key text, name text, calendar text)
      on conflict (key) do update
        set name = excluded.name, calendar = excluded.calendar, disabled_at = null,
            calendar_at = case when teams.calendar is distinct from excluded.calendar
                          then excluded.calendar_at else teams.calendar_at end
      returning key, id`,
  )
  const members = list.flatMap((team) =>
    team.members.map((address) => ({ team_id: ids.get(team.key), agent_id: agents.get(address) })),
  )
  await tx`delete from team_members where team_id = any(${[...ids.values()]}::bigint[])`
  await tx`
    insert into team_members (team_id, agent_id)
    select distinct team_id, agent_id
    from jsonb_to_recordset(${json(members)}::text::jsonb) as r (team_id bigint, agent_id bigint)`
  return ids
}

async function writeGroups(tx: Tx, desk: Desk, organizations: Ids): Promise<void> {
  const ids = idsOf(
    await tx`
      insert into customer_groups (key, name, rank)
      select key, name, rank
      from jsonb_to_recordset(${json(desk.groups)}::text::jsonb) as r (key text, name text, rank integer)
      on conflict (key) do update set name = excluded.name, rank = excluded.rank, disabled_at = null
      returning key, id`,
  )
  const members = desk.groups.flatMap((group) => [
    ...group.organizations.map((key) => ({ group_id: ids.get(group.key), organization_id: organizations.get(key) })),
    ...group.addresses.map((address) => ({ group_id: ids.get(group.key), address })),
  ])
  await tx`delete from customer_group_members where group_id = any(${[...ids.values()]}::bigint[])`
  await tx`
    insert into customer_group_members (group_id, organization_id, address)
    select distinct group_id, organization_id, address
    from jsonb_to_recordset(${json(members)}::text::jsonb) as r (group_id bigint, organization_id bigint, address text)`
}

async function writeProjects(tx: Tx, desk: Desk, ids: { organizations: Ids; teams: Ids }): Promise<void> {
  const list = [...desk.projects.values()].map((one) => ({
    key: one.key,
    organization_id: one.organization && ids.organizations.get(one.organization),
    team_id: one.team && ids.teams.get(one.team),
  }))
  await tx`
    insert into projects (key, organization_id, team_id)
    select key, organization_id, team_id
    from jsonb_to_recordset(${json(list)}::text::jsonb) as r (key text, organization_id bigint, team_id bigint)
    on conflict (key) do update
      set organization_id = excluded.organization_id, team_id = excluded.team_id, disabled_at = null`
}

async function writeInboxes(tx: Tx, desk: Desk): Promise<void> {
  await tx`
    insert into inboxes (key, address, aliases, name, locale, zone)
    select key, address, array(select jsonb_array_elements_text(aliases)), name, locale, zone
    from jsonb_to_recordset(${json(desk.inboxes)}::text::jsonb)
         as r (key text, address text, aliases jsonb, name text, locale text, zone text)
    on conflict (key) do update
      set address = excluded.address, aliases = excluded.aliases, name = excluded.name, locale = excluded.locale,
          zone = excluded.zone, disabled_at = null`
}

async function writeCalendars(tx: Tx, desk: Desk, now: Date): Promise<Ids> {
  const parts = [...desk.calendars.values()].map(({ key, calendar }) => ({ key, definition: calendar }))
  return await writeVersions(tx, 'calendars', parts, now)
}

async function writePolicies(tx: Tx, desk: Desk, calendars: Ids, now: Date): Promise<void> {
  const parts = [...desk.policies.values()].map(({ id: _id, version: _version, key, ...definition }) => {
    const calendarId = definition.calendar === null ? null : calendars.get(definition.calendar)!
    return { key, definition, reference: { column: 'calendar_id', id: calendarId } }
  })
  await writeVersions(tx, 'sla_policies', parts, now)
}

async function writeWorkTypes(tx: Tx, desk: Desk): Promise<void> {
  await tx`
    insert into work_types (key, name)
    select key, name
    from jsonb_to_recordset(${json([...desk.work_types.values()])}::text::jsonb) as r (key text, name text)
    on conflict (key) do update set name = excluded.name, disabled_at = null`
}

async function writePriceLists(tx: Tx, desk: Desk, now: Date): Promise<void> {
  const parts = [...desk.price_lists.values()].map(({ id: _id, version: _version, key, ...definition }) => ({
    key,
    definition,
  }))
  await writeVersions(tx, 'price_lists', parts, now)
}

type Names = Record<(typeof OWNED)[number], string[]>
const OWNED = [
  'inboxes',
  'agents',
  'teams',
  'organizations',
  'groups',
  'projects',
  'calendars',
  'policies',
  'work_types',
  'price_lists',
] as const

/** What a version names, as leniently as it can be read: a newer Postroom may refuse its text. */
function namesIn(source: string): Names {
  const tree = readTree(source, 'desk.yml').value as Record<string, unknown> | null
  const names = OWNED.map((list) => {
    const items = Array.isArray(tree?.[list]) ? (tree[list] as Record<string, unknown>[]) : []
    return [
      list,
      items.map((item) => (list === 'agents' ? toAddress(String(item?.address)) : null) ?? String(item?.key)),
    ]
  })
  return Object.fromEntries(names) as Names
}

async function disableDropped(tx: Tx, before: string, after: string, now: Date): Promise<void> {
  const [was, is] = [namesIn(before), namesIn(after)]
  const gone = (list: keyof Names) => was[list].filter((name) => !is[list].includes(name))
  for (const list of ['inboxes', 'teams', 'organizations', 'projects', 'work_types'] as const)
    await tx`update ${tx(list)} set disabled_at = ${now} where key = any(${gone(list)}::text[]) and disabled_at is null`
  await tx`update customer_groups set disabled_at = ${now} where key = any(${gone('groups')}::text[]) and disabled_at is null`
  await tx`update agents set disabled_at = ${now} where address = any(${gone('agents')}::text[]) and disabled_at is null`
  await tx`update calendars set retired_at = ${now} where key = any(${gone('calendars')}::text[]) and retired_at is null`
  await tx`update sla_policies set retired_at = ${now} where key = any(${gone('policies')}::text[]) and retired_at is null`
  await tx`update price_lists set retired_at = ${now} where key = any(${gone('price_lists')}::text[]) and retired_at is null`
}

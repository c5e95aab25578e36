/** The running desk: the newest version, with the ids of its rows. */
import { type Sql, type Tx, transaction } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { refusalOf } from '../../yaml.ts'
import { frozenCalendar } from '../business-hours.ts'
import type { Agent, Desk } from '../desk.ts'
import { findNewest } from './apply.ts'
import { parseDesk } from './document.ts'
import type { HolidayFiles } from './holiday-files.ts'
import { newestVersions } from './versions.ts'

/**
 * Loads and compiles the newest version; `agents` holds those made at run time too.
 * @throws Refusal `no_desk` in a fresh database, `bad_desk` when this Postroom no longer accepts the stored text; both
 * of fault `config`
 */
export async function loadDesk(sql: Sql): Promise<Desk> {
  return transaction(sql, async (tx) => {
    await tx`set transaction isolation level repeatable read read only`
    return await readDesk(tx)
  })
}

/** The same as the caller's transaction sees it. */
export async function readDesk(tx: Tx): Promise<Desk> {
  const newest = await findNewest(tx)
  if (!newest)
    throw new Refusal('no_desk', 'There is no desk yet: name a desk file with desk: in postroom.yml.', 'config')
  const name = `version ${newest.version} of the desk`
  const holidays: HolidayFiles = new Map(
    Object.entries(newest.holidays).map(([file, days]) => [file, { days, problems: [] }]),
  )
  const { document, problems } = parseDesk(newest.source, name, { tests: 'skip', holidays })
  if (!document) throw refusalOf('bad_desk', problems)
  return freeze(await withIds(tx, { ...document.desk, version: newest.version }))
}

/** A desk with the ids of its rows, and the newest versions of its calendars and policies. */
export async function withIds(tx: Tx, desk: Desk): Promise<Desk> {
  const ids = async (table: string) => {
    const rows = await tx<{ key: string; id: number }[]>`select key, id from ${tx(table)}`
    const found = new Map(rows.map((row) => [row.key, row.id]))
    return <T extends { key: string }>(one: T): T => ({ ...one, id: found.get(one.key)! })
  }
  const all = <T>(map: Map<string, T>, change: (one: T) => T): Map<string, T> =>
    new Map([...map].map(([key, one]) => [key, change(one)]))
  const calendars = await newestVersions(tx, 'calendars')
  const policies = await newestVersions(tx, 'sla_policies')
  const priceLists = await newestVersions(tx, 'price_lists')
  const version =
    (rows: typeof calendars) =>
    <T extends { key: string }>(one: T): T => {
      const row = rows.get(one.key)!
      return { ...one, id: row.id, version: row.version }
    }
  return {
    ...desk,
    inboxes: desk.inboxes.map(await ids('inboxes')),
    agents: await agentsOf(tx, desk.agents),
    teams: all(desk.teams, await ids('teams')),
    organizations: all(desk.organizations, await ids('organizations')),
    groups: desk.groups.map(await ids('customer_groups')),
    projects: all(desk.projects, await ids('projects')),
    calendars: all(desk.calendars, (one) => ({ ...version(calendars)(one), calendar: frozenCalendar(one.calendar) })),
    policies: all(desk.policies, version(policies)),
    work_types: all(desk.work_types, await ids('work_types')),
    price_lists: all(desk.price_lists, version(priceLists)),
  }
}

/** Those of the file have hours and wishes there. */
async function agentsOf(tx: Tx, named: Desk['agents']): Promise<Map<string, Agent>> {
  const rows = await tx<Omit<Agent, 'calendar' | 'quiet' | 'notify' | 'receipts'>[]>`
    select id, address, name, admin, locale, zone from agents where disabled_at is null order by address`
  const wishesOf = (address: string) => {
    const { calendar = null, quiet = [], notify = {}, receipts = null } = named.get(address) ?? {}
    return { calendar, quiet, notify, receipts }
  }
  return new Map(rows.map((row) => [row.address, { ...row, ...wishesOf(row.address) }]))
}

/** All the way down; the compiled conditions hold no state. */
function freeze(desk: Desk): Desk {
  const lists = [desk.inboxes, desk.groups, desk.rules, desk.sla]
  const maps = [
    desk.agents,
    desk.teams,
    desk.organizations,
    desk.projects,
    desk.calendars,
    desk.policies,
    desk.work_types,
    desk.price_lists,
    desk.macros,
    desk.products,
    desk.fields,
  ]
  for (const one of [...lists.flat(), ...maps.flatMap((map) => [...map.values()])]) {
    for (const value of Object.values(one)) if (Array.isArray(value)) Object.freeze(value)
    Object.freeze(one)
  }
  for (const list of lists) Object.freeze(list)
  Object.freeze(desk.settings)
  return Object.freeze(desk)
}

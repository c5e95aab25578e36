/**
 * Parts of the desk that others point at as they were: calendars, policies, price lists. Their rows are immutable (SLA
 * M2): a change is a new row with the next version, and the one before it retires.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Tx } from '../../database.ts'

export type VersionedTable = 'calendars' | 'sla_policies' | 'price_lists'

/** Row ids by key. */
export type Ids = Map<string, number>

type Versioned = { id: number; key: string; version: number; definition: unknown; retired_at: Date | null }

type Part = { key: string; definition: unknown; reference?: { column: string; id: number | null } }

/** The newest row of each key. */
export async function newestVersions(tx: Tx, table: VersionedTable): Promise<Map<string, Versioned>> {
  const rows = await tx<Versioned[]>`
    select distinct on (key) id, key, version, definition, retired_at from ${tx(table)} order by key, version desc`
  return new Map(rows.map((row) => [row.key, row]))
}

/** Writes those parts that are not as their newest row says. What is no longer named stays as it is. */
export async function writeVersions(tx: Tx, table: VersionedTable, parts: Part[], now: Date): Promise<Ids> {
  const newest = await newestVersions(tx, table)
  const ids: Ids = new Map()
  for (const { key, definition, reference } of parts) {
    const before = newest.get(key)
    const text = JSON.stringify(definition)
    if (before && isDeepStrictEqual(before.definition, JSON.parse(text))) {
      ids.set(key, before.id)
      if (before.retired_at) await tx`update ${tx(table)} set retired_at = null where id = ${before.id}`
      continue
    }
    await tx`update ${tx(table)} set retired_at = ${now} where key = ${key} and retired_at is null`
    const [column, value] = reference ? [tx`, ${tx(reference.column)}`, tx`, ${reference.id}::bigint`] : [tx``, tx``]
    const [row] = await tx`
      insert into ${tx(table)} (key, version, definition, created_at${column})
      values (${key}, ${(before?.version ?? 0) + 1}, ${text}::text::jsonb, ${now}${value}) returning id`
    ids.set(key, row!.id)
  }
  return ids
}

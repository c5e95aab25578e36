/** Column kinds that drizzle's core lacks or that every table writes the same way. */
import { sql } from 'drizzle-orm'
import { bigint, customType, timestamp } from 'drizzle-orm/pg-core'

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** Row identity. Ids stay far below 2^53, so they travel as numbers. */
export const id = () => bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity()

/** A reference to a row's identity. */
export const ref = () => bigint({ mode: 'number' })

/** An instant, with the zone kept by the server as UTC. */
export const instant = () => timestamp({ withTimezone: true })

/** An event's instant: whole seconds (SLA U1); floored before it is stored, because the type would round. */
export const second = () => timestamp({ withTimezone: true, precision: 0 })

/** A check that a text column holds one of these words: an enum of PostgreSQL cannot lose a value. */
export const oneOf = (column: string, words: readonly string[]) =>
  sql.raw(`${column} in (${words.map((word) => `'${word}'`).join(', ')})`)

/**
 * Secrets that all daemons of an installation share: the instance id, token keys, OAuth refresh tokens. Rows are sealed
 * with the installation secret; a daemon whose secret does not open them refuses to start (CLI, The two files).
 */
import type { Sql, Tx } from './database.ts'
import { open, seal } from './secrets.ts'

/** The value under `name`, or null. Throws Refusal `wrong_secret` when the installation secret does not open it. */
export async function findSecret(sql: Sql | Tx, secret: Buffer, name: string): Promise<Buffer | null> {
  const [row] = await sql`select sealed from keys where name = ${name} and retired_at is null`
  return row ? open(secret, row.sealed) : null
}

/** All values whose name begins with `prefix`, retired ones too: old addresses stay valid (MAIL 5.8). */
export async function listSecrets(
  sql: Sql | Tx,
  secret: Buffer,
  prefix: string,
): Promise<{ name: string; value: Buffer; createdAt: Date; retiredAt: Date | null }[]> {
  const rows = await sql`
    select name, sealed, created_at, retired_at from keys where starts_with(name, ${prefix}) order by created_at, name`
  return rows.map((row) => ({
    name: row.name,
    value: open(secret, row.sealed),
    createdAt: row.created_at,
    retiredAt: row.retired_at,
  }))
}

/** Stores or replaces the value under `name`; durable when the caller's transaction commits. */
export async function storeSecret(sql: Sql | Tx, secret: Buffer, name: string, value: Buffer | string, now: Date) {
  await sql`
    insert into keys (name, sealed, created_at) values (${name}, ${seal(secret, value)}, ${now})
    on conflict (name) do update set sealed = excluded.sealed, created_at = excluded.created_at, retired_at = null`
}

/** The value under `name`; where there is none, `make()` is stored first. Safe when several daemons start at once. */
export async function ensureSecret(sql: Sql | Tx, secret: Buffer, name: string, make: () => Buffer, now: Date) {
  await sql`
    insert into keys (name, sealed, created_at) values (${name}, ${seal(secret, make())}, ${now})
    on conflict (name) do nothing`
  const value = await findSecret(sql, secret, name)
  if (!value) throw new Error(`key ${name} vanished`)
  return value
}

/** Takes a key out of use for new tokens; it still checks old ones. */
export async function retireSecret(sql: Sql | Tx, name: string, now: Date) {
  await sql`update keys set retired_at = ${now} where name = ${name} and retired_at is null`
}

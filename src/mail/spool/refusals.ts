/** Refused logins of a mailbox, kept over restarts and between daemons, so that the pauses of 2.10 hold for all of them. */
import type { Queryable } from '../../database.ts'

/** `login`: what was refused, as a keyed hash; `failures` in a row. */
export type Refusals = { login: string; failures: number; at: Date }

export async function findRefusals(sql: Queryable, name: string): Promise<Refusals | null> {
  const [row] = await sql<Refusals[]>`
    select login, failures, failed_at as at from mailbox_refusals where name = ${name}`
  return row ?? null
}

export async function saveRefusals(sql: Queryable, name: string, { login, failures, at }: Refusals): Promise<void> {
  await sql`
    insert into mailbox_refusals (name, login, failures, failed_at) values (${name}, ${login}, ${failures}, ${at})
    on conflict (name) do update
      set login = excluded.login, failures = excluded.failures, failed_at = excluded.failed_at`
}

/** The server has let us in. */
export async function forgetRefusals(sql: Queryable, name: string): Promise<void> {
  await sql`delete from mailbox_refusals where name = ${name}`
}

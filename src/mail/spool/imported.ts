/** What of an import is here already, and how far it has come. */
import type { Queryable } from '../../database.ts'
import type { MailState } from '../tables.ts'

/** Of these contents (SHA-256, hex), those that an import took in before, each with its oldest mail. */
export async function findImported(sql: Queryable, sha256s: string[]): Promise<Map<string, number>> {
  const rows = await sql<{ sha256: string; id: number }[]>`
    select encode(b.sha256, 'hex') as sha256, min(m.id) as id
    from blobs b join inbound_mails m on m.blob_id = b.id
    where b.sha256 in (select decode(hash, 'hex') from unnest(${sha256s}::text[]) as h (hash)) and m.via = 'import'
    group by b.sha256`
  return new Map(rows.map((row) => [row.sha256, row.id]))
}

/** How many imported mails from `first` to `last` (ids) are in which state. */
export async function countImported(
  sql: Queryable,
  { first, last }: { first: number; last: number },
): Promise<Partial<Record<MailState, number>>> {
  const rows = await sql<{ state: MailState; n: number }[]>`
    select state, count(*)::int as n from inbound_mails
    where via = 'import' and id between ${first} and ${last} group by state order by state`
  return Object.fromEntries(rows.map((row) => [row.state, row.n]))
}

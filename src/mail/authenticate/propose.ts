/** Which server in front of an account could be believed (MAIL 5.3): a proposal for `check`, never used by itself. */
import { readBlob } from '../../blobs.ts'
import type { Queryable } from '../../database.ts'
import { authenticate as limits } from '../../limits.ts'
import { parseHeaders } from '../parse/headers.ts'
import { readHead } from './head.ts'
import { topmostId } from './results.ts'

/**
 * The authserv-id that stood topmost most often in the last mails of an account.
 * @returns in how many of how many mails, or null where there is none
 */
export async function proposeAuthservId(
  sql: Queryable,
  listener: string,
): Promise<{ id: string; times: number; mails: number } | null> {
  const mails = await sql<{ blob_id: number }[]>`
    select blob_id from inbound_mails
    where via = 'imap' and listener = ${listener} and blob_id is not null order by id desc limit ${limits.looked}`
  const counts = new Map<string, number>()
  for (const { blob_id } of mails) {
    const { head, stop } = await readHead(readBlob(sql, blob_id))
    await stop()
    const id = topmostId(parseHeaders(head).fields)
    if (id) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const [most] = [...counts].toSorted((a, b) => b[1] - a[1])
  return most ? { id: most[0], times: most[1], mails: mails.length } : null
}

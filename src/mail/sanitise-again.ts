/**
 * Formatted comments that an older sanitiser made, done again from the raw mail (MAIL 9.1). The version changes with the
 * program only, so one pass after a start is enough. Until it comes to a comment, that is cleaned whenever it is shown.
 * One whose raw mail is gone keeps what it has, cleaned.
 */
import { readBlob } from '../blobs.ts'
import { isOutage, releaseLease, type Sql, takeLease, transaction } from '../database.ts'
import { replaceFormatted } from '../engine/tickets/formatted.ts'
import { wordsOf } from '../errors.ts'
import { SANITISER_VERSION, sanitise } from '../html.ts'
import { sanitising as limits } from '../limits.ts'
import type { Log } from '../log.ts'
import type { Parser } from './parse.ts'

type Row = { id: number; blob_id: number | null; html: string | null }
type Given = { sql: Sql; parser: Parser; worker: string; log: Log }

/**
 * Begins the pass, of which one daemon at a time does one. What it could not do for an outage the next start does.
 * @returns `done` resolves when nothing is left, or after `stop`
 */
export function startSanitising(given: Given): { done: Promise<void>; stop(): Promise<void> } {
  const { sql, worker, log } = given
  const stopping = new AbortController()
  const done = (async () => {
    try {
      if (!(await takeLease(sql, LEASE, worker, limits.lease))) return
      try {
        const count = await sanitiseAll(given, stopping.signal)
        if (count > 0) log.info('sanitised_again', { comments: count, version: SANITISER_VERSION })
      } finally {
        await releaseLease(sql, LEASE, worker)
      }
    } catch (error) {
      if (!stopping.signal.aborted) log.warn('sanitising_failed', { words: wordsOf(error) })
    }
  })()
  return {
    done,
    async stop() {
      stopping.abort()
      await done
    },
  }
}

const LEASE = 'sanitise'

async function sanitiseAll({ sql, parser, worker }: Given, stop: AbortSignal): Promise<number> {
  let done = 0
  for (let last = 0; ; ) {
    const rows = await findOld(sql, last)
    for (const row of rows) {
      if (stop.aborted) return done
      const fresh = row.blob_id === null ? null : await fromRaw({ sql, parser, stop }, row.blob_id)
      const html = fresh === null ? cleaned(row.html) : fresh.html
      await transaction(sql, (tx) => replaceFormatted(tx, { commentId: row.id, html, sanitiser: SANITISER_VERSION }))
      done++
      last = row.id
    }
    if (rows.length < limits.batch || !(await takeLease(sql, LEASE, worker, limits.lease))) return done
  }
}

/** Comments of mails that were HTML; what a cap once refused may be within those of today. */
const findOld = (sql: Sql, last: number) => sql<Row[]>`
  select c.id, c.html, (
    select m.blob_id from inbound_mails m
    where m.comment_id = c.id and m.duplicate_of is null and m.blob_id is not null order by m.id limit 1) as blob_id
  from comments c
  where c.id > ${last} and c.sanitiser < ${SANITISER_VERSION} and (c.html is not null or 'truncated' = any(c.flags))
  order by c.id limit ${limits.batch}`

/** Null where the mail can no longer be read. */
async function fromRaw(
  { sql, parser, stop }: { sql: Sql; parser: Parser; stop: AbortSignal },
  blobId: number,
): Promise<{ html: string | null } | null> {
  try {
    const { mail, dispose } = await parser.parse(readBlob(sql, blobId), { signal: stop })
    await dispose()
    return mail.error === null ? { html: mail.html } : null
  } catch (error) {
    if (isOutage(error)) throw error
    return null // it costs more today than when it came
  }
}

const cleaned = (html: string | null): string | null =>
  html === null ? null : sanitise(html, (src) => (/^cid:/i.test(src) ? src : null)).html

/** An outbox row as bytes: its files streamed from their blobs, its DKIM signature in front. */
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readBlob } from '../../blobs.ts'
import type { Sql } from '../../database.ts'
import type { Composable } from '../../engine/outbox.ts'
import { compose, type MailFile } from '../compose.ts'
import { type DkimKey, dkimHeader } from './dkim.ts'

/** The same bytes at every call; with keys the mail is composed twice, because its signature comes first. */
export async function openMail(
  sql: Sql,
  row: Composable & { attachment_ids: number[] },
  keys: DkimKey[],
): Promise<Readable> {
  const files = await filesOf(sql, row.attachment_ids)
  if (keys.length === 0) return compose(row, files)
  const signature = await dkimHeader(compose(row, files), keys, row.date_at)
  const signed = new PassThrough()
  signed.write(signature)
  // an error destroys `signed` too, and its reader sees it there
  pipeline(compose(row, files), signed).catch(() => {})
  return signed
}

type FileRow = { blob_id: number; filename: string; type: string; inline: boolean; content_id: string | null }

async function filesOf(sql: Sql, ids: number[]): Promise<MailFile[]> {
  if (ids.length === 0) return []
  const rows = await sql<FileRow[]>`
    select blob_id, filename, type, inline, content_id from attachments
    where id = any(${ids}::bigint[]) order by array_position(${ids}::bigint[], id)`
  return rows.map((row) => ({
    filename: row.filename,
    type: row.type,
    inline: row.inline,
    contentId: row.content_id,
    open: () => readBlob(sql, row.blob_id),
  }))
}

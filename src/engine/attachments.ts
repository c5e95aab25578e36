/** Files of comments: names and kinds as metadata, content in blobs by hash. Access is the ticket's (MAIL 9.7). */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { putBlob, putSmallBlobs } from '../blobs.ts'
import type { Statement, Tx } from '../database.ts'
import type { IncomingPart } from '../incoming.ts'
import { blob } from '../limits.ts'

export type Attachment = {
  blobId: number
  filename: string
  type: string
  size: number
  inline: boolean
  contentId: string | null
  /** What other files were taken out of: winmail.dat, an opaque signature (4.19, 4.21). */
  original?: boolean
}

/** Hangs stored files on a comment, in order. */
export async function attach(
  tx: Tx,
  place: { ticketId: number; commentId: number },
  files: Attachment[],
): Promise<void> {
  if (files.length) await attachmentRows(tx, place, files)
}

/** The same as a statement to be run with others: arrays, so that any number of files is one prepared statement. */
export function attachmentRows(tx: Tx, place: { ticketId: number; commentId: number }, files: Attachment[]): Statement {
  return tx`
    insert into attachments (ticket_id, comment_id, blob_id, filename, type, size, inline, content_id, original)
    select ${place.ticketId}, ${place.commentId}, file.*
    from unnest(${files.map((file) => file.blobId)}::bigint[], ${files.map((file) => file.filename)}::text[],
      ${files.map((file) => file.type)}::text[], ${files.map((file) => file.size)}::bigint[],
      ${files.map((file) => String(file.inline))}::text[]::boolean[], ${files.map((file) => file.contentId)}::text[],
      ${files.map((file) => String(file.original ?? false))}::text[]::boolean[]) as file`
}

/** The files of one ticket belong to another (6.13); they stay with their comments. */
export async function moveAttachments(tx: Tx, fromTicket: number, toTicket: number): Promise<void> {
  await tx`update attachments set ticket_id = ${toTicket} where ticket_id = ${fromTicket}`
}

/** Copies the decoded parts of a mail into blobs: small ones in one statement, large ones streamed. */
export async function storeParts(tx: Tx, parts: IncomingPart[]): Promise<Attachment[]> {
  const small = parts.filter((part) => part.size <= blob.chunk)
  const ids = new Map<IncomingPart, number>()
  if (small.length) {
    const stored = await putSmallBlobs(tx, await Promise.all(small.map((part) => readFile(part.file))))
    for (const [index, part] of small.entries()) ids.set(part, stored[index]!)
  }
  for (const part of parts)
    if (!ids.has(part))
      ids.set(part, (await putBlob(tx, createReadStream(part.file, { highWaterMark: blob.chunk }))).id)
  return parts.map((part) => ({
    blobId: ids.get(part)!,
    filename: part.filename,
    type: part.type,
    size: part.size,
    inline: part.inline,
    contentId: part.contentId,
    original: part.original,
  }))
}

/** Files of comments: names and kinds as metadata, content in blobs by hash. Access is the ticket's (MAIL 9.7). */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { putBlob, putSmallBlobs } from '../blobs.ts'
import { type Change, change, type Statement, type Tx } from '../database.ts'
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

/** Hangs stored files on a comment, in order. @returns their ids, in the same order */
export async function attach(
  tx: Tx,
  place: { ticketId: number; commentId: number },
  files: Attachment[],
): Promise<number[]> {
  if (files.length === 0) return []
  const rows = await attachmentRows(tx, place, files)
  return rows.map((row) => row.id as number)
}

/** The same as a statement to be run with others. */
export function attachmentRows(tx: Tx, place: { ticketId: number; commentId: number }, files: Attachment[]): Statement {
  const rows = files.map((file) => ({
    ticket_id: place.ticketId,
    comment_id: place.commentId,
    blob_id: file.blobId,
    filename: file.filename,
    type: file.type,
    size: file.size,
    inline: file.inline,
    content_id: file.contentId,
    original: file.original ?? false,
  }))
  return change(tx, NEW_ATTACHMENTS, rows)
}

const NEW_ATTACHMENTS: Change = {
  columns: `ticket_id bigint, comment_id bigint, blob_id bigint, filename text, type text, size bigint, inline boolean,
    content_id text, original boolean`,
  sql: `
    insert into attachments (ticket_id, comment_id, blob_id, filename, type, size, inline, content_id, original)
    select * from given returning id`,
}

/** The files of one ticket belong to another (6.13); they stay with their comments. */
export async function moveAttachments(tx: Tx, fromTicket: number, toTicket: number): Promise<void> {
  await tx`update attachments set ticket_id = ${toTicket} where ticket_id = ${fromTicket}`
}

/** Files of some comments go with them to another ticket (6.8). */
export async function moveAttachmentsOf(tx: Tx, commentIds: number[], toTicket: number): Promise<void> {
  await tx`update attachments set ticket_id = ${toTicket} where comment_id = any(${commentIds}::bigint[])`
}

/** Copies the decoded parts of a mail into blobs: small ones in one statement, large ones streamed. */
export async function storeParts(tx: Tx, parts: IncomingPart[]): Promise<Attachment[]> {
  const small = parts.filter((part) => part.size <= blob.chunk)
  const ids = new Map<IncomingPart, number>()
  if (small.length) {
    const stored = await putSmallBlobs(tx, await Promise.all(small.map(bytesOf)), { alone: false })
    for (const [index, part] of small.entries()) ids.set(part, stored[index]!)
  }
  for (const part of parts) if (!ids.has(part)) ids.set(part, (await putBlob(tx, streamOf(part))).id)
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

/** The content of a part, whole. @throws the file system's error */
export const bytesOf = ({ content }: IncomingPart): Buffer | Promise<Buffer> =>
  Buffer.isBuffer(content) ? content : readFile(content.file)

const streamOf = ({ content }: IncomingPart): Buffer | AsyncIterable<Buffer> =>
  Buffer.isBuffer(content) ? content : createReadStream(content.file, { highWaterMark: blob.chunk })

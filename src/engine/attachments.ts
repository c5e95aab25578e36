/** Files of comments: names and kinds as metadata, content in blobs by hash. Access is the ticket's (MAIL 9.7). */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { putBlob, putSmallBlobs } from '../blobs.ts'
import type { Tx } from '../database.ts'
import type { IncomingPart } from '../incoming.ts'
import { blob } from '../limits.ts'

export type Attachment = {
  blobId: number
  filename: string
  type: string
  size: number
  inline: boolean
  contentId: string | null
}

/** Hangs stored files on a comment, in order. */
export async function attach(
  tx: Tx,
  place: { ticketId: number; commentId: number },
  files: Attachment[],
): Promise<void> {
  if (!files.length) return
  const rows = files.map((file) => ({
    ticket_id: place.ticketId,
    comment_id: place.commentId,
    blob_id: file.blobId,
    filename: file.filename,
    type: file.type,
    size: file.size,
    inline: file.inline,
    content_id: file.contentId,
  }))
  await tx`insert into attachments ${tx(rows)}`
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
  }))
}

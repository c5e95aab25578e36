/**
 * Files and raw mails, and the frame that shows a formatted mail. All of it was written by strangers: it is downloaded,
 * never run, and each request asks again whether this agent may see it (MAIL 9.5-9.7, 9.11).
 */
import { Hono } from 'hono'
import { readBlob } from '../blobs.ts'
import type { Queryable } from '../database.ts'
import { getMail, readRaw } from '../mail/spool.ts'
import { mayShow, openBytes, typeOf } from './bytes.ts'
import type { Env, Pages, Web } from './context.ts'
import { disposition } from './filename.ts'
import { parseId } from './form.ts'
import { framed } from './frame.ts'

export type AttachedFile = {
  id: number
  ticket_id: number
  comment_id: number
  blob_id: number
  filename: string
  /** As its mail claims. */
  type: string
  bytes: number
}

export function filePages(web: Web): Pages {
  const { sql } = web
  return new Hono<Env>()
    .get('/attachments/:id', async (c) => {
      const file = await findAttachment(sql, parseId(c.req.param('id')), c.get('agent').id)
      if (!file) return c.notFound()
      const { head, stream } = await openBytes(readBlob(sql, file.blob_id))
      const type = await typeOf(head)
      const kind = c.req.query('view') !== undefined && mayShow(type) ? 'inline' : 'attachment'
      return new Response(stream, {
        headers: {
          ...HARMLESS,
          'Content-Type': type,
          'Content-Length': String(file.bytes),
          'Content-Disposition': disposition(kind, file.filename),
        },
      })
    })
    .get('/comments/:id/frame', async (c) => {
      const comment = await findComment(sql, parseId(c.req.param('id')), c.get('agent').id)
      return comment?.html ? framed(sql, { ...comment, html: comment.html }) : c.notFound()
    })
    .get('/comments/:id/text', async (c) => {
      const comment = await findComment(sql, parseId(c.req.param('id')), c.get('agent').id)
      if (!comment) return c.notFound()
      return c.body(comment.text, 200, { ...HARMLESS, 'Content-Type': 'text/plain; charset=utf-8' })
    })
    .get('/mails/:id/raw', async (c) => {
      const id = parseId(c.req.param('id'))
      if (id === null) return c.notFound()
      const mail = await getMail(sql, id)
      const { stream } = await openBytes(readRaw(sql, { id, form: 'traced' }))
      return new Response(stream, {
        headers: {
          ...HARMLESS,
          'Content-Type': 'message/rfc822',
          'Content-Length': String(Buffer.byteLength(mail.prefix) + mail.bytes),
          'Content-Disposition': disposition('attachment', `mail-${id}.eml`),
        },
      })
    }) as Pages
}

/** Opened by itself, nothing in it may run, load or reach the desk. */
export const HARMLESS = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** Another agent's private words and the files of a deleted ticket are nobody else's. */
const readable = (sql: Queryable, agentId: number) => sql`
  t.deleted_at is null and (c.visibility <> 'private' or c.agent_id = ${agentId} or c.addressee_id = ${agentId})`

/** A file that this agent may see, or null. */
export async function findAttachment(sql: Queryable, id: number | null, agentId: number): Promise<AttachedFile | null> {
  const [row] = await sql<AttachedFile[]>`
    select f.id, f.ticket_id, f.comment_id, f.blob_id, f.filename, f.type, b.bytes from attachments f
    join comments c on c.id = f.comment_id join tickets t on t.id = c.ticket_id join blobs b on b.id = f.blob_id
    where f.id = ${id} and ${readable(sql, agentId)}`
  return row ?? null
}

async function findComment(sql: Queryable, id: number | null, agentId: number) {
  const [row] = await sql<{ id: number; text: string; html: string | null; sanitiser: number | null }[]>`
    select c.id, c.text, c.html, c.sanitiser from comments c join tickets t on t.id = c.ticket_id
    where c.id = ${id} and ${readable(sql, agentId)}`
  return row ?? null
}

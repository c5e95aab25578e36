/**
 * Files that an answer could not carry, for whoever has the link from it (MAIL 8.30): downloaded, never shown, and gone
 * after their time, or with the ticket's addresses. Before sign-in: customers have none.
 */
import { Hono } from 'hono'
import { readBlob } from '../blobs.ts'
import { type FileLink, readFileToken } from '../tokens.ts'
import { openBytes } from './bytes.ts'
import type { Env, Pages, Web } from './context.ts'
import { disposition } from './filename.ts'
import { HARMLESS } from './files.ts'

export function sharedPages(web: Web): Pages {
  return new Hono<Env>().get('/shared/:token', async (c) => {
    const link = readFileToken(web.tools().keys, c.req.param('token'))
    const file = link && link.until > web.now() ? await findShared(web, link) : null
    if (!file) return c.notFound()
    const { stream } = await openBytes(readBlob(web.sql, file.blob_id))
    return new Response(stream, {
      headers: {
        ...HARMLESS,
        'Cache-Control': 'private, no-store',
        'X-Robots-Tag': 'noindex',
        'Content-Type': 'application/octet-stream',
        'Content-Length': String(file.bytes),
        'Content-Disposition': disposition('attachment', file.filename),
      },
    })
  }) as Pages
}

async function findShared({ sql }: Web, { comment, index, generation }: FileLink) {
  const [row] = await sql<{ blob_id: number; filename: string; bytes: number }[]>`
    select f.blob_id, f.filename, b.bytes from attachments f
    join comments c on c.id = f.comment_id join tickets t on t.id = c.ticket_id join blobs b on b.id = f.blob_id
    where f.comment_id = ${comment} and c.visibility = 'public' and c.author_role = 'agent' and t.deleted_at is null
      and t.token_generation = ${generation}
    order by f.id offset ${index} limit 1`
  return row
}

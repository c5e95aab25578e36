/**
 * A formatted mail as a document of its own. The sanitiser was the first wall; this is the second, and it holds without
 * the first (MAIL 9.1): no scripts, no origin, and a policy under which the document can ask for nothing at all. That
 * is why inline images are put into it as data; as an opaque origin it would not be sent our cookie anyway.
 */
import { blobBytes } from '../blobs.ts'
import type { Queryable } from '../database.ts'
import { escapeHtml, htmlToText, SANITISER_VERSION, sanitise } from '../html.ts'
import { web as limits } from '../limits.ts'
import { mayShow, typeOf } from './bytes.ts'
import { TOLD_STYLE, withTold } from './frame/told.ts'

/** A comment's HTML and the version of the sanitiser that made it; null where no sanitiser did. */
export type Formatted = { id: number; html: string; sanitiser: number | null }

export async function framed(sql: Queryable, comment: Formatted): Promise<Response> {
  const html = upToDate(comment)
  const images = await inlineImages(sql, { id: comment.id, html })
  return frameOf(html, images)
}

/** A document of its own out of the sanitiser's output; `images` are data: URLs by content id. */
export function frameOf(html: string, images: Map<string, string>): Response {
  // The sanitiser's own output: attributes stand in double quotes.
  const body = withTold(html).replace(CID, (whole, cid: string) => {
    const data = images.get(contentId(cid))
    return data ? `src="${data}"` : whole
  })
  return new Response(`${HEAD}${body}`, {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': POLICY,
      'Referrer-Policy': 'no-referrer',
      'X-Frame-Options': 'SAMEORIGIN',
    },
  })
}

/** Popups, so that a link opens in a tab of its own; without scripts only a person's click can open one. */
const POLICY = [
  'sandbox allow-popups allow-popups-to-escape-sandbox',
  "default-src 'none'",
  'img-src data:',
  "style-src 'unsafe-inline'",
  "frame-ancestors 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

const CID = /\bsrc="cid:([^"]{1,500})"/gi

/** Mails are written for white paper. */
const HEAD = `<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Formatted mail</title><style>
html{background:#fff;color:#1b1b1b;color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;margin:12px;overflow-wrap:anywhere}
img{max-width:100%;height:auto}
img[data-remote-src]{min-width:2em;min-height:1.2em;outline:1px dashed #aaa}
table{max-width:100%}
pre{white-space:pre-wrap}
blockquote{margin:.5em 0;padding-left:.8em;border-left:3px solid #ccc}${TOLD_STYLE}
</style></head><body>`

/** What an older sanitiser let through is cleaned once more until the job has done it again from the raw (9.1). */
function upToDate({ html, sanitiser }: Formatted): string {
  if (sanitiser === SANITISER_VERSION) return html
  return sanitise(html, ownImage).html ?? `<pre>${escapeHtml(htmlToText(html))}</pre>`
}

const ownImage = (src: string) => (/^cid:/i.test(src) ? src : null)

/** `cid:` as the HTML writes it, as the attachment has it: without escapes, in lower case. */
function contentId(cid: string): string {
  const plain = cid.replaceAll('&amp;', '&')
  try {
    return decodeURIComponent(plain).toLowerCase()
  } catch {
    return plain.toLowerCase() // a stray % is part of the id
  }
}

/** The images that the HTML names, as data: by content id. Beyond the caps an image is only a download. */
async function inlineImages(sql: Queryable, comment: { id: number; html: string }): Promise<Map<string, string>> {
  const wanted = [...new Set([...comment.html.matchAll(CID)].map((match) => contentId(match[1]!)))].slice(0, 100)
  const images = new Map<string, string>()
  if (wanted.length === 0) return images
  const files = await sql<{ blob_id: number; content_id: string; bytes: number }[]>`
    select f.blob_id, lower(f.content_id) as content_id, b.bytes from attachments f join blobs b on b.id = f.blob_id
    where f.comment_id = ${comment.id} and lower(f.content_id) = any(${wanted}) order by f.id`
  let room: number = limits.frameImages
  for (const file of files) {
    if (file.bytes > Math.min(room, limits.frameImage) || images.has(file.content_id)) continue
    const bytes = await blobBytes(sql, file.blob_id, limits.frameImage)
    const type = await typeOf(bytes)
    if (!mayShow(type)) continue
    room -= file.bytes
    images.set(file.content_id, `data:${type};base64,${bytes.toString('base64')}`)
  }
  return images
}

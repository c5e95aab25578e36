/**
 * A mail that hangs on a mail, to be read (MAIL 4.23): parsed when somebody asks, in the child that parses all mail, and
 * shown by the same walls as a comment. Nothing of it is stored, and nothing in it may act.
 */
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { readBlob } from '../blobs.ts'
import { bytesOf } from '../engine/attachments.ts'
import type { IncomingMail, IncomingPart, MailAddress, ParsedMail } from '../incoming.ts'
import { web as limits } from '../limits.ts'
import { mayShow, typeOf } from './bytes.ts'
import type { Env, Pages, Web } from './context.ts'
import { type AttachedFile, findAttachment } from './files.ts'
import { parseId } from './form.ts'
import { frameOf } from './frame.ts'
import { agentPage, type Html, time } from './page.ts'
import { prose } from './prose.ts'
import { flagMarks } from './ticket/flags.ts'
import { invitation } from './ticket/invitation.ts'
import { sizeText, whenText } from './words.ts'

export function attachedPages(web: Web): Pages {
  return new Hono<Env>()
    .get('/attachments/:id/mail', async (c) => {
      const file = await findMail(c, web)
      if (!file) return c.notFound()
      const agent = c.get('agent')
      return reading(web, file, async (mail) => {
        const title = mail.subject || 'No subject'
        const body = html`<div class="ticket">
          <header class="ticket-head">
            <p class="sub">Attached to <a href="/tickets/${file.ticket_id}#comment-${file.comment_id}">#${file.ticket_id}</a> ·
              <a href="/attachments/${file.id}" download>Download ${file.filename}</a></p>
            <h1>${title}</h1>
          </header>
          ${mail.error === null ? whole(mail, { file, zone: agent.zone, calendar: invitation(mail.calendar, agent) }) : html`<p class="warning">This mail could not be read: ${mail.error.words}</p>`}
        </div>`
        return c.html(await agentPage(web, agent, { title, body }))
      })
    })
    .get('/attachments/:id/frame', async (c) => {
      const file = await findMail(c, web)
      if (!file) return c.notFound()
      return reading(web, file, async (mail) =>
        mail.error === null && mail.html !== null
          ? frameOf(mail.html, await inlineImages(mail.parts))
          : await c.notFound(),
      )
    }) as Pages
}

/** By its declared type, which every reader of mail goes by; what is none then reads as an empty mail. */
const IS_MAIL = /^message\/(?:rfc822|global)$/

async function findMail(c: Context<Env>, web: Web): Promise<AttachedFile | null> {
  const file = await findAttachment(web.sql, parseId(c.req.param('id')), c.get('agent').id)
  return file && IS_MAIL.test(file.type) ? file : null
}

async function reading(web: Web, file: AttachedFile, show: (mail: ParsedMail) => Promise<Response>): Promise<Response> {
  const { mail, dispose } = await web.parse(readBlob(web.sql, file.blob_id))
  try {
    return await show(mail)
  } finally {
    await dispose().catch(() => {}) // the sweep of the next start finds it
  }
}

function whole(
  mail: IncomingMail,
  { file, zone, calendar }: { file: AttachedFile; zone: string; calendar: Html },
): Html {
  const row = (name: string, value: Html | string | null) => value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`
  const flags = [...mail.flags.filter((flag) => SAID.has(flag)), ...(mail.truncated.length > 0 ? ['truncated'] : [])]
  const text = mail.text.slice(0, limits.shownText).toWellFormed()
  return html`<article class="comment">
    <dl class="why">
      ${row('From', people(mail.allFrom))}
      ${row('To', people(mail.to))}
      ${row('Cc', people(mail.cc))}
      ${row('Date', mail.date && time(new Date(mail.date), whenText(new Date(mail.date), zone)))}
    </dl>
    ${flags.length > 0 && html`<p class="marks">${flagMarks(flags)}</p>`}
    ${text.trim() === '' ? html`<p class="muted">No text.</p>` : prose(text)}
    ${text.length < mail.text.length && html`<p class="sub">It was cut here; the file holds all of it.</p>`}
    ${calendar}
    ${
      mail.html !== null &&
      html`<details class="more"><summary>As it was formatted</summary>
      <iframe class="formatted" sandbox="allow-popups allow-popups-to-escape-sandbox" loading="lazy" referrerpolicy="no-referrer" src="/attachments/${file.id}/frame" title="Formatted text"></iframe>
    </details>`
    }
    ${mail.parts.length > 0 && html`<p class="sub">In it: ${mail.parts.map((part) => `${part.filename} (${sizeText(part.size)})`).join(', ')}</p>`}
  </article>`
}

const SAID = new Set(['encrypted', 'signature_not_verified'])

/** As many as anybody reads. */
const people = (all: MailAddress[]): string | null =>
  all
    .slice(0, 50)
    .map(({ name, address }) => (name ? `${name} <${address}>` : address))
    .join(', ') || null

/** Data: URLs by content id, within the caps of any frame. */
async function inlineImages(parts: IncomingPart[]): Promise<Map<string, string>> {
  const images = new Map<string, string>()
  let room: number = limits.frameImages
  for (const part of parts) {
    if (!part.inline || part.contentId === null || part.size > Math.min(room, limits.frameImage)) continue
    const bytes = await bytesOf(part)
    const type = await typeOf(bytes)
    if (!mayShow(type)) continue
    room -= part.size
    images.set(part.contentId.toLowerCase(), `data:${type};base64,${bytes.toString('base64')}`)
  }
  return images
}

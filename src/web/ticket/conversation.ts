/** The comments of a ticket: oldest first, notes visibly apart, automatic ones folded, each with its mail's story. */
import { html } from 'hono/html'
import type { SignedIn } from '../context.ts'
import { OUTBOX_WORDS } from '../outbox/words.ts'
import { buttonForm, type Html, time } from '../page.ts'
import { prose } from '../prose.ts'
import { agoText, sizeText, whenText } from '../words.ts'
import { flagMarks, flagNotes } from './flags.ts'
import { calendarAnswer, invitation } from './invitation.ts'
import type { AttachmentRow, CommentRow, EventRow, MailRow, SentRow, TicketView } from './load.ts'
import { originalOf } from './original.ts'
import { otherSubject } from './split.ts'
import { whyHere } from './why.ts'

type Setting = { view: TicketView; agent: SignedIn; now: Date }

export function conversation(setting: Setting): Html {
  const { view, agent } = setting
  const first = view.comments[0]
  return html`<section class="conversation" aria-labelledby="conversation">
    <h2 class="sr" id="conversation">Conversation</h2>
    ${view.earlier > 0 && first && html`<p class="earlier"><a href="/tickets/${view.ticket.id}?before=${first.id}">Show earlier comments (${view.earlier} more)</a></p>`}
    ${inOrder(view).map((one) => ('seq' in one ? answered(one, agent) : oneComment(one, setting)))}
  </section>`
}

/** Answers to invitations are no comments, and stand where they came (MAIL 4.20). */
function inOrder({ comments, events, earlier }: TicketView): (CommentRow | EventRow)[] {
  const from = comments[0]?.at ?? new Date(0)
  const answers = events.filter(({ type, at }) => type === 'calendar_answer' && (earlier === 0 || at >= from))
  return [...comments, ...answers].sort((a, b) => a.at.getTime() - b.at.getTime())
}

const answered = (event: EventRow, { zone }: SignedIn): Html =>
  html`<p class="happened">${calendarAnswer(event.data)} <span class="sub">${time(event.at, whenText(event.at, zone))}</span></p>`

function oneComment(comment: CommentRow, setting: Setting): Html {
  const { view, agent } = setting
  const kind = comment.visibility === 'public' ? (comment.author_role === 'agent' ? 'answer' : 'customer') : 'note'
  const author = comment.author_name || comment.author_address || ROLE_WORDS[comment.author_role]
  const head = html`<header>
    <span class="avatar" aria-hidden="true">${initials(author)}</span>
    <h3>${author}
      ${comment.author_name && comment.author_address && comment.author_role !== 'agent' && html`<span class="sub address">${comment.author_address}</span>`}</h3>
    ${labels(comment)}
    <a class="when" href="#comment-${comment.id}">${time(comment.at, whenText(comment.at, agent.zone))}</a>
  </header>`
  const body = html`${flagNotes(comment.flags)}
    ${otherSubject(comment, view)}
    ${words(comment)}
    ${invitation(comment.calendar, agent)}
    ${files(view.attachments.filter((file) => file.comment_id === comment.id))}
    ${delivery(
      view.sent.filter((row) => row.comment_id === comment.id && row.kind === 'reply'),
      setting,
    )}
    ${originalOf(view.mails.find((mail) => mail.comment_id === comment.id && mail.original !== null))}
    ${story(
      view.mails.find((mail) => mail.comment_id === comment.id),
      setting,
    )}`
  return html`<article id="comment-${comment.id}" class="comment ${kind}${comment.automatic && html` automatic`}">
    ${comment.automatic ? html`<details><summary>${head}</summary>${body}</details>` : html`${head}${body}`}
  </article>`
}

const ROLE_WORDS = { contact: 'Customer', agent: 'Agent', unknown: 'Unknown sender', system: 'Postroom' }

function labels(comment: CommentRow): Html {
  const words = [
    comment.visibility === 'internal' && 'Internal note',
    comment.visibility === 'private' && 'Private note',
    comment.automatic && 'Automatic',
    comment.author_role === 'unknown' && 'Not known here',
  ]
  return html`${words.filter(Boolean).map((word) => html`<span class="mark">${word}</span>`)}${flagMarks(comment.flags)}`
}

function words(comment: CommentRow): Html {
  if (comment.visibility === 'private' && comment.visible === '')
    return html`<p class="muted">A private note: only its author and whom it is for can read it.</p>`
  const rest = comment.text !== null && comment.text.trim() !== comment.visible.trim() ? comment.text : null
  return html`${comment.visible.trim() === '' ? html`<p class="muted">No text.</p>` : prose(comment.visible)}
    ${rest !== null && html`<details class="more"><summary>Whole text with quotes</summary>${prose(rest)}</details>`}
    ${comment.cut && html`<p><a href="/comments/${comment.id}/text">Read on: this text was cut here</a></p>`}
    ${
      comment.has_html &&
      html`<details class="more"><summary>As it was formatted</summary>
      <iframe class="formatted" sandbox="allow-popups allow-popups-to-escape-sandbox" loading="lazy" referrerpolicy="no-referrer" src="/comments/${comment.id}/frame" title="Formatted text"></iframe>
    </details>`
    }`
}

function files(attachments: AttachmentRow[]): Html {
  const shown = attachments.filter((file) => !file.inline && !file.original)
  const inline = attachments.filter((file) => file.inline)
  const originals = attachments.filter((file) => file.original)
  const row = (file: AttachmentRow) => html`<li>
    <a href="/attachments/${file.id}" download>${file.filename}</a>
    <span class="sub">${sizeText(file.size)}</span>
    ${MAY_SHOW.test(file.type) && html`<a class="sub" href="/attachments/${file.id}?view=1" target="_blank">View<span class="sr"> ${file.filename}</span></a>`}
    ${MAY_READ.test(file.type) && html`<a class="sub" href="/attachments/${file.id}/mail">Read<span class="sr"> ${file.filename}</span></a>`}
  </li>`
  return html`${shown.length > 0 && html`<ul class="files" aria-label="Attachments">${shown.map(row)}</ul>`}
    ${inline.length > 0 && html`<details class="more"><summary>${inline.length === 1 ? '1 image' : `${inline.length} images`} in the text</summary><ul class="files">${inline.map(row)}</ul></details>`}
    ${originals.length > 0 && html`<details class="more"><summary>Original, as it came</summary><ul class="files">${originals.map(row)}</ul></details>`}`
}

/** An attached mail is shown read-only (MAIL 4.23). */
const MAY_READ = /^message\/(?:rfc822|global)$/

/** Only a guess for the link; the file's own bytes decide when it is asked for (MAIL 9.5). */
const MAY_SHOW = /^image\/(png|jpeg|jpg|gif|webp|avif)$/

function delivery(rows: SentRow[], { view, now }: Setting): Html {
  if (rows.length === 0) return html``
  const waiting = rows.filter((row) => row.state === 'queued' && row.not_before && row.not_before > now)
  if (waiting.length > 0)
    return html`<div class="delivery waiting">
      <p>Goes out ${agoText(waiting[0]!.not_before!, now)} to ${waiting.map((row) => row.recipient).join(', ')}.</p>
      ${buttonForm(`/comments/${rows[0]!.comment_id}/cancellation`, 'Undo', { name: 'this answer' })}
    </div>`
  return html`<ul class="delivery">${rows.map(
    (
      row,
    ) => html`<li class="o-${row.state}"><a href="/outbox?ticket=${view.ticket.id}#mail-${row.id}">${OUTBOX_WORDS[row.state]}</a> ${row.recipient}
      ${row.state !== 'sent' && row.last_answer && html`<span class="sub">${row.last_answer}</span>`}</li>`,
  )}</ul>`
}

/** "Why is this ticket here?" always has an answer. */
function story(mail: MailRow | undefined, { agent }: Setting): Html {
  if (!mail) return html``
  return html`<details class="more story"><summary>Why this is here</summary>
    <p class="sub">Mail ${mail.id}, by ${mail.via} at ${time(mail.received_at, whenText(mail.received_at, agent.zone))},
      ${sizeText(mail.bytes)}${mail.kind && `, ${mail.kind}`}.
      ${mail.raw_kept && html`<a href="/mails/${mail.id}/raw" download>Download the raw mail</a>`}</p>
    ${whyHere(mail, agent)}
    <ol class="reasons">${mail.reasons.map((reason) => html`<li>${reason.words} <code>${reason.code}</code></li>`)}</ol>
    ${mail.trace !== null && html`<details class="more"><summary>Trace</summary><pre>${JSON.stringify(mail.trace, null, 2)}</pre></details>`}
  </details>`
}

export function initials(name: string): string {
  const letters = name
    .split(/[\s@._-]+/)
    .map((word) => /\p{L}|\p{N}/u.exec(word)?.[0] ?? '')
    .filter(Boolean)
  return letters.slice(0, 2).join('').toUpperCase() || '?'
}

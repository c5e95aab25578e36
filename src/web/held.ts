/** Mails that wait for a person: held ones (released or discarded) and quarantined ones (retried or discarded). */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { type Queryable, type Tx, transaction } from '../database.ts'
import { web as limits } from '../limits.ts'
import { discard, listMails, type MailRow, release, requestImport, retry } from '../mail/spool.ts'
import type { Env, Pages, SignedIn, Web } from './context.ts'
import { parseId, readForm } from './form.ts'
import { agentPage, buttonForm, type Html, time } from './page.ts'
import { sizeText, whenText } from './words.ts'

export function heldPages(web: Web): Pages {
  const act = (verb: 'release' | 'retry', path: `/mails/:id/${string}`) =>
    new Hono<Env>().post(path, async (c) => {
      const id = parseId(c.req.param('id'))
      if (id === null) return c.notFound()
      const as = (await readForm(c)).text('as') === 'ticket' ? ('ticket' as const) : null
      const by = c.get('agent').name
      await transaction(web.sql, (tx: Tx) =>
        verb === 'release' ? release(tx, { id, by, as }, web.now()) : retry(tx, { id, by }, web.now()),
      )
      return c.redirect(`/held?done=${verb}`, 303)
    })
  return new Hono<Env>()
    .get('/held', async (c) => {
      const agent = c.get('agent')
      const before = parseId(c.req.query('before')) ?? undefined
      const left = before ? [] : await listLeft(web.sql)
      const rows = await listMails(web.sql, { states: ['held', 'quarantined'], limit: limits.page + 1, before })
      const mails = rows.slice(0, limits.page)
      const body = html`<div class="top"><h1>Held mail</h1></div>
        <p class="muted intro">Mail that was accepted and became no ticket yet. Nothing here is lost: release what is
          wanted, discard what is not. Held mail is discarded by itself after 30 days.</p>
        ${mails.length === 0 ? html`<div class="empty"><p>Nothing waits for you.</p></div>` : html`<ul class="rows mails">${mails.map((mail) => oneMail(mail, agent))}</ul>`}
        ${rows.length > limits.page && html`<nav class="pager" aria-label="Pages"><a rel="next" href="/held?before=${mails.at(-1)!.id}">Older</a></nav>`}
        ${left.length > 0 && leftOnServer(left, agent)}`
      const done = DONE[c.req.query('done') ?? ''] ?? null
      return c.html(agentPage(web, agent, { title: 'Held mail', current: '/held', body, done }))
    })
    .route('/', act('release', '/mails/:id/release'))
    .route('/', act('retry', '/mails/:id/retry'))
    .post('/mailboxes/:id/:uid/import', async (c) => {
      const [mailboxId, uid] = [parseId(c.req.param('id')), parseId(c.req.param('uid'))]
      if (mailboxId === null || uid === null || !(await requestImport(web.sql, { mailboxId, uid }))) return c.notFound()
      return c.redirect('/held?done=import', 303)
    })
    .post('/mails/:id/discard', async (c) => {
      const id = parseId(c.req.param('id'))
      if (id === null) return c.notFound()
      const why = (await readForm(c)).text('why').trim().slice(0, 300)
      await transaction(web.sql, (tx) => discard(tx, { id, by: c.get('agent').name, why }, web.now()))
      return c.redirect('/held?done=discard', 303)
    }) as Pages
}

const DONE: Record<string, string> = {
  import: 'It is fetched with the next poll.',
  release: 'Released: it is treated as if it had just arrived.',
  retry: 'It is tried again.',
  discard: 'Discarded. Its raw bytes are kept 30 days more.',
}

function oneMail(mail: MailRow, agent: SignedIn): Html {
  const subject = mail.subject || 'No subject'
  return html`<li id="mail-${mail.id}">
    <div>
      <p class="marks"><span class="mark ${mail.state === 'quarantined' ? 'danger' : ''}">${mail.state === 'held' ? 'Held' : 'Failed'}</span>
        <strong>${subject}</strong>
        ${mail.ticketId !== null && html`<a href="/tickets/${mail.ticketId}">#${mail.ticketId}</a>`}</p>
      <p class="sub">Mail ${mail.id} from ${mail.from || mail.envelopeFrom || 'nobody'} to ${mail.recipients.map((one) => one.address).join(', ')},
        ${time(mail.receivedAt, whenText(mail.receivedAt, agent.zone))}, ${sizeText(mail.bytes)}</p>
      <ol class="reasons">${mail.reasons.map((reason) => html`<li>${reason.words} <code>${reason.code}</code></li>`)}</ol>
    </div>
    <div class="actions">
      ${mail.state === 'held' && mail.ticketId !== null && buttonForm(`/mails/${mail.id}/release`, 'As its own ticket', { name: subject, fields: { as: 'ticket' } })}
      ${mail.state === 'held' ? buttonForm(`/mails/${mail.id}/release`, 'Release', { name: subject }) : buttonForm(`/mails/${mail.id}/retry`, 'Try again', { name: subject })}
      <details class="discard"><summary class="button small">Discard</summary>
        <form method="post" action="/mails/${mail.id}/discard" class="stack">
          <label for="why-${mail.id}">Why (for the record)</label>
          <input id="why-${mail.id}" name="why" maxlength="300">
          <button class="small danger">Discard<span class="sr"> ${subject}</span></button>
        </form>
      </details>
      ${mail.blobId !== null && html`<a class="button small" href="/mails/${mail.id}/raw" download>Raw<span class="sr"> mail ${subject}</span></a>`}
    </div>
  </li>`
}

type Left = {
  mailbox_id: number
  uid: number
  name: string
  folder: string
  at: Date
  words: string | null
  asked: boolean
}

/** Mails that a mailbox still has and the desk does not (MAIL 2.1, 2.4). */
async function listLeft(sql: Queryable): Promise<Left[]> {
  return await sql<Left[]>`
    select s.mailbox_id, s.uid, m.name, m.folder, s.at, s.words, s.action is not distinct from 'import' as asked
    from imap_seen s join mailboxes m on m.id = s.mailbox_id
    where m.superseded_at is null and s.state in ('unfetchable', 'not_imported')
    order by s.at desc, s.uid desc limit ${limits.page}`
}

function leftOnServer(left: Left[], agent: SignedIn): Html {
  const row = (mail: Left) => html`<li>
    <div>
      <p class="marks"><span class="mark">Not imported</span> <strong>Mail ${mail.uid} in ${mail.name}, ${mail.folder}</strong></p>
      <p class="sub">${time(mail.at, whenText(mail.at, agent.zone))}${mail.words && `: ${mail.words}`}</p>
    </div>
    <div class="actions">${
      mail.asked
        ? html`<span class="sub">Fetched with the next poll</span>`
        : buttonForm(`/mailboxes/${mail.mailbox_id}/${mail.uid}/import`, 'Import', {
            name: `mail ${mail.uid} of ${mail.name}`,
          })
    }</div>
  </li>`
  return html`<section class="left-on-server" aria-labelledby="left"><h2 id="left">Still in the mailbox</h2>
    <ul class="rows mails">${left.map(row)}</ul></section>`
}

/**
 * The one form that works a ticket, and what it does: all its changes in one transaction. Only fields that the person
 * changed are applied, so that a page opened an hour ago does not undo what others did since.
 */
import { html } from 'hono/html'
import { transaction } from '../../database.ts'
import type { Audience } from '../../engine/commands/command.ts'
import { type Ran, runCommands } from '../../engine/commands.ts'
import type { Desk } from '../../engine/desk.ts'
import { catchUp } from '../../engine/reminders.ts'
import { enterRequester } from '../../engine/tickets.ts'
import { release } from '../../mail/spool.ts'
import type { SignedIn, Web } from '../context.ts'
import type { Form } from '../form.ts'
import type { Html } from '../page.ts'
import { actingOn, keepReceipt } from './acting.ts'
import { AFTER_TEXT, applyChange, type Doing } from './changes.ts'
import { fieldHtml, fieldsOf } from './fields.ts'
import type { TicketView } from './load.ts'
import { macroChoice, readMacro } from './macro.ts'
import { KINDS, type Kind, write } from './write.ts'

/** What a person typed before it was refused; shown again, so that no words are lost. */
export type Draft = { code: string; words: string; form: Form }

export function workForm(setting: { view: TicketView; agent: SignedIn; desk: Desk }, draft: Draft | null): Html {
  const { ticket } = setting.view
  const fields = fieldsOf(setting)
  const now = (name: string, was: string) => draft?.form.text(name) ?? was
  const shown = (fold: boolean) =>
    fields.filter((one) => (one.fold === true) === fold).map((one) => fieldHtml(one, now(one.name, one.was)))
  const typed = draft && fields.some((one) => one.fold && draft.form.text(one.name) !== one.was)
  return html`<form method="post" action="/tickets/${ticket.id}/work" class="work" id="work" aria-labelledby="work-title">
    <h2 id="work-title">Work on it</h2>
    ${draft && html`<p class="problem" role="alert" id="work-problem">${draft.words}</p>`}
    ${textPart(setting, draft)}
    ${macroChoice(setting.desk, draft?.form ?? null)}
    <div class="fields">${shown(false)}</div>
    <details class="more"${typed && html` open`}><summary>People, links, spam</summary>
      <div class="fields">${shown(true)}</div></details>
    ${fields.map(({ name, was }) => html`<input type="hidden" name="was_${name}" value="${draft?.form.text(`was_${name}`) || was}">`)}
    <button class="primary">Save</button>
  </form>`
}

/** What is written, what kind of words it is, and who reads them. */
function textPart({ view, agent }: { view: TicketView; agent: SignedIn }, draft: Draft | null): Html {
  const { ticket, choices } = view
  const kind = draft?.form.text('kind') || (ticket.requester_address ? 'answer' : 'note')
  const to = ticket.requester_name ? `${ticket.requester_name} <${ticket.requester_address}>` : ticket.requester_address
  const reader = draft?.form.text('reader') ?? String(ticket.assignee_id ?? '')
  const others = choices.agents.filter((one) => one.id !== agent.id)
  return html`<fieldset class="kinds"><legend class="sr">What you write</legend>
      ${Object.entries(KINDS).map(
        ([value, words]) =>
          html`<label><input type="radio" name="kind" value="${value}"${kind === value && html` checked`}> <span>${words}</span></label>`,
      )}
    </fieldset>
    <p class="for-ask"><label for="ask_to">Whom to ask</label>
      <input id="ask_to" name="ask_to" type="email" value="${draft?.form.text('ask_to') ?? ''}" autocomplete="off" aria-describedby="ask-hint">
      <span class="sub" id="ask-hint">They get your question and nothing of the ticket; their answer stays with agents.</span></p>
    <p class="for-private"><label for="reader">Who may read it besides you</label>
      <select id="reader" name="reader"><option value="">Nobody</option>
        ${others.map(({ id, name }) => html`<option value="${id}"${reader === String(id) && html` selected`}>${name}</option>`)}
      </select></p>
    <label class="sr" for="text">Text</label>
    <textarea id="text" name="text" rows="7" aria-describedby="text-hint">${draft?.form.text('text') ?? ''}</textarea>
    <p class="sub" id="text-hint">${to ? html`An answer goes to <strong>${to}</strong>. A note stays with agents.` : 'No sender could be read: enter an address below to answer. A note stays with agents.'}
      Leave the text empty to change only what stands below.</p>
    ${draft?.code === 'suppressed' && html`<p><label><input type="checkbox" name="suppressed" value="send"> Send anyway</label></p>`}
    ${
      !ticket.requester_address &&
      html`<p><label for="requester">Address to answer</label>
        <input id="requester" name="requester" type="email" value="${draft?.form.text('requester') ?? ''}" autocomplete="off"></p>`
    }`
}

/**
 * Does what the form says.
 * @returns what was done: the kind of words, `change` or `nothing`, and the comment that was made
 * @throws Refusal of the engine's verbs; then nothing was done
 */
export async function work(
  web: Web,
  { ticketId, agent, form }: { ticketId: number; agent: SignedIn; form: Form },
): Promise<{ done: Kind | 'change' | 'nothing'; commentId: number | null }> {
  const now = web.now()
  const tools = web.tools()
  const doing: Doing = { ticketId, agent, actor: { kind: 'agent', id: agent.id, name: agent.name }, tools }
  const changes = changesOf(form, tools.desk)
  return transaction(web.sql, async (tx) => {
    await catchUp(tx, { ticketId, tools, url: web.config.url }, now)
    const macro = await readMacro(tx, web, { ticketId, agent, form }, now)
    const text = macro ? macro.text : form.text('text')
    const { acting } = await actingOn(tx, web, { ticketId, agent, text: form.text('text').trim() }, now)
    const ran: Omit<Ran, 'lines'>[] = []
    for (const change of changes)
      if (!AFTER_TEXT.has(change.name)) ran.push(...(await applyChange(tx, change, doing, now)))
    const requester = form.text('requester').trim()
    if (requester !== '') await enterRequester(tx, { ...doing, address: requester, name: '' }, now)
    const kind = kindOf(form, macro?.audience ?? null)
    const written = text.trim() === '' ? null : await write(tx, { kind, text, form }, doing, now)
    if (written) ran.push(written.did)
    if (macro) ran.push(...(await runCommands(tx, macro.acts, acting, now)))
    for (const change of changes)
      if (AFTER_TEXT.has(change.name)) ran.push(...(await applyChange(tx, change, doing, now)))
    await keepReceipt(tx, { acting, ran }, now)
    for (const { letsIn } of ran) if (letsIn) await release(tx, { ...letsIn, id: letsIn.mail }, now)
    const done = written ? kind : macro || changes.length > 0 || requester !== '' ? 'change' : 'nothing'
    return { done, commentId: written?.commentId ?? null }
  })
}

/** The first fields are those that others follow from: a project brings its team. */
const ORDER = ['project', 'assignee', 'priority', 'team', 'type', 'product', 'tags', 'customer', 'cc', 'due', 'links', 'follow', 'status', 'until', 'duplicate', 'spam', 'block', 'merge'] // biome-ignore format: a list to be read

function changesOf(form: Form, desk: Desk): { name: string; was: string; value: string }[] {
  return [...ORDER, ...[...desk.fields.keys()].map((key) => `field.${key}`)].flatMap((name) => {
    const [was, value] = [form.text(`was_${name}`).trim(), form.text(name).trim()]
    return was === value ? [] : [{ name, was, value }]
  })
}

const AUDIENCES: Record<Audience, Kind> = { public: 'answer', internal: 'note', private: 'private' }

/** A macro that says whom its text is for is for them. */
function kindOf(form: Form, audience: Audience | null): Kind {
  const chosen = form.text('kind')
  return audience ? AUDIENCES[audience] : Object.hasOwn(KINDS, chosen) ? (chosen as Kind) : 'note'
}

/**
 * The one form that works a ticket, and what it does: all its changes in one transaction. Only fields that the person
 * changed are applied, so that a page opened an hour ago does not undo what others did since.
 */
import { html } from 'hono/html'
import { transaction } from '../../database.ts'
import { catchUp } from '../../engine/reminders.ts'
import { PRIORITIES, STATUSES } from '../../engine/tables.ts'
import { assign, enterRequester, move, note, prioritise, reply, setStatus } from '../../engine/tickets.ts'
import { Refusal } from '../../errors.ts'
import type { SignedIn, Web } from '../context.ts'
import type { Form } from '../form.ts'
import type { Html } from '../page.ts'
import { PRIORITY_WORDS, STATUS_WORDS } from '../words.ts'
import type { TicketView } from './load.ts'

const FIELDS = ['status', 'assignee', 'project', 'priority'] as const
type Field = (typeof FIELDS)[number]

/** What a person typed before it was refused; shown again, so that no words are lost. */
export type Draft = { code: string; words: string; form: Form }

export function workForm(view: TicketView, agent: SignedIn, draft: Draft | null): Html {
  const { ticket, choices } = view
  const was: Record<Field, string> = {
    status: ticket.status,
    assignee: String(ticket.assignee_id ?? ''),
    project: String(ticket.project_id),
    priority: ticket.priority,
  }
  const now = (field: Field) => draft?.form.text(field) ?? was[field]
  const kind = draft?.form.text('kind') || (ticket.requester_address ? 'answer' : 'note')
  const statuses = STATUSES.filter((status) => status !== 'new' || ticket.status === 'new')
  const agents = choices.agents.map(({ id, name }) => [String(id), id === agent.id ? `${name} (you)` : name] as const)
  const to = ticket.requester_name ? `${ticket.requester_name} <${ticket.requester_address}>` : ticket.requester_address
  return html`<form method="post" action="/tickets/${ticket.id}/work" class="work" id="work" aria-labelledby="work-title">
    <h2 id="work-title">Work on it</h2>
    ${draft && html`<p class="problem" role="alert" id="work-problem">${draft.words}</p>`}
    <fieldset class="kinds"><legend class="sr">What you write</legend>
      <label><input type="radio" name="kind" value="answer"${kind === 'answer' && html` checked`}> <span>Public answer</span></label>
      <label><input type="radio" name="kind" value="note"${kind === 'note' && html` checked`}> <span>Internal note</span></label>
    </fieldset>
    <label class="sr" for="text">Text</label>
    <textarea id="text" name="text" rows="7" aria-describedby="text-hint">${draft?.form.text('text') ?? ''}</textarea>
    <p class="sub" id="text-hint">${to ? html`An answer goes to <strong>${to}</strong>. A note stays with agents.` : 'No sender could be read: enter an address below to answer. A note stays with agents.'}
      Leave the text empty to change only what stands below.</p>
    ${draft?.code === 'suppressed' && html`<p><label><input type="checkbox" name="suppressed" value="send"> Send anyway</label></p>`}
    ${
      !ticket.requester_address &&
      html`<p><label for="requester">Address to answer</label>
        <input id="requester" name="requester" type="email" value="${draft?.form.text('requester') ?? ''}" autocomplete="off"></p>`
    }
    <div class="fields">
      ${choice(
        'status',
        'Status',
        statuses.map((status) => [status, STATUS_WORDS[status]]),
        now('status'),
      )}
      ${choice('assignee', 'Assignee', [['', 'Nobody'], ...agents], now('assignee'))}
      ${choice(
        'priority',
        'Priority',
        PRIORITIES.map((one) => [one, PRIORITY_WORDS[one]]),
        now('priority'),
      )}
      ${choice(
        'project',
        'Project',
        choices.projects.map((one) => [String(one.id), one.key]),
        now('project'),
      )}
    </div>
    ${FIELDS.map((field) => html`<input type="hidden" name="was_${field}" value="${draft?.form.text(`was_${field}`) || was[field]}">`)}
    <button class="primary">Save</button>
  </form>`
}

/**
 * Does what the form says.
 * @returns what was done: `answer`, `note`, `change` or `nothing`, and the comment that was made
 * @throws Refusal of the engine's verbs; then nothing was done
 */
export async function work(
  web: Web,
  { ticketId, agent, form }: { ticketId: number; agent: SignedIn; form: Form },
): Promise<{ done: 'answer' | 'note' | 'change' | 'nothing'; commentId: number | null }> {
  const now = web.now()
  const tools = web.tools()
  const actor = { kind: 'agent', id: agent.id, name: agent.name } as const
  const changed = (field: Field) => {
    const value = form.text(field)
    return value !== form.text(`was_${field}`) ? value : null
  }
  const text = form.text('text')
  return transaction(web.sql, async (tx) => {
    await catchUp(tx, { ticketId, tools, url: web.config.url }, now)
    const [project, assignee, priority, status] = [
      changed('project'),
      changed('assignee'),
      changed('priority'),
      changed('status'),
    ]
    if (project !== null) await move(tx, { ticketId, projectId: rowId(project), actor, tools }, now)
    if (assignee !== null) await assign(tx, { ticketId, agentId: assignee === '' ? null : rowId(assignee), actor }, now)
    if (priority !== null) await prioritise(tx, { ticketId, priority, actor, tools }, now)
    const author = { id: agent.id, name: agent.name, address: agent.address }
    const requester = form.text('requester').trim()
    if (requester !== '') await enterRequester(tx, { ticketId, address: requester, name: '', actor, tools }, now)
    let commentId: number | null = null
    if (text.trim() !== '') {
      const input = { ticketId, agent: author, text, channel: 'web' } as const
      const written =
        form.text('kind') === 'answer'
          ? await reply(tx, { ...input, tools, suppressed: form.text('suppressed') === 'send' ? 'send' : 'stop' }, now)
          : await note(tx, input, now)
      commentId = written.commentId
    }
    // Last, because it is what the person wants it to be after the answer.
    if (status !== null) await setStatus(tx, { ticketId, status, actor, tools }, now)
    const changes = project ?? assignee ?? priority ?? status ?? (requester || null)
    const done =
      commentId !== null
        ? form.text('kind') === 'answer'
          ? 'answer'
          : 'note'
        : changes !== null
          ? 'change'
          : 'nothing'
    return { done, commentId }
  })
}

function choice(
  name: Field,
  label: string,
  options: (readonly [value: string, words: string])[],
  chosen: string,
): Html {
  const known = options.some(([value]) => value === chosen)
  return html`<div><label for="f-${name}">${label}</label>
    <select id="f-${name}" name="${name}">
      ${!known && html`<option value="${chosen}" selected>As it is</option>`}
      ${options.map(([value, words]) => html`<option value="${value}"${value === chosen && html` selected`}>${words}</option>`)}
    </select></div>`
}

function rowId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Refusal('bad_choice', 'Choose one of the offered entries.')
  return Number(text)
}

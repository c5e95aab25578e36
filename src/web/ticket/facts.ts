/** What is known of a ticket, beside its conversation: people, place, promises and how they were computed, history. */
import { html } from 'hono/html'
import type { Calendar } from '../../engine/business-hours.ts'
import { howText } from '../../engine/due-words.ts'
import { isByHand } from '../../engine/people/order.ts'
import { keyOf } from '../../engine/sla/account.ts'
import { stretchesOf } from '../../engine/sla/course.ts'
import { seconds } from '../../time.ts'
import type { SignedIn } from '../context.ts'
import { secondsLeft, urgencyOf } from '../left.ts'
import { OUTBOX_KIND_WORDS, OUTBOX_WORDS } from '../outbox/words.ts'
import { buttonForm, type Html, time } from '../page.ts'
import { timeEventText } from '../time/words.ts'
import { leftText, METRIC_WORDS, STATUS_WORDS, shortLength, shownDue, whenText } from '../words.ts'
import { deedText } from './deeds.ts'
import { calendarAnswer } from './invitation.ts'
import type { ClockRow, EventRow, SentRow, TicketView } from './load.ts'

export type Setting = {
  view: TicketView
  agent: SignedIn
  now: Date
  calendars: Map<number, Calendar>
  /** The box about time that was spent. */
  spent: Html
  /** The form that chooses the policy, for those who may. */
  policy: Html
}

export function facts(setting: Setting): Html {
  const { view, agent } = setting
  const { ticket, participants, links } = view
  const fact = (name: string, value: Html | string | null) =>
    html`<div><dt>${name}</dt><dd>${value || html`<span class="muted">None</span>`}</dd></div>`
  return html`<aside class="facts" aria-label="Facts">
    <section aria-labelledby="f-due"><h2 id="f-due">Promised</h2>${promises(setting)} ${setting.policy}</section>
    ${setting.spent}
    <section aria-labelledby="f-who"><h2 id="f-who">Who</h2>
      <dl>
        ${fact(
          'Requester',
          html`${ticket.requester_name || ticket.requester_address || 'Nobody to answer'}
          ${ticket.requester_name && ticket.requester_address && html`<span class="sub address">${ticket.requester_address}</span>`}
          ${ticket.requester_proof && PROOF[ticket.requester_proof]}`,
        )}
        ${fact('Organization', ticket.organization)}
        ${
          participants.length > 0 &&
          fact(
            'Also in it',
            html`<ul>${participants.map(
              (one) => html`<li>${one.name || one.address}
          ${one.name && html`<span class="sub address">${one.address}</span>`} ${one.role !== 'participant' && html`<span class="mark">${one.role}</span> ${ticket.merged_into === null && buttonForm(`/tickets/${ticket.id}/people`, 'Admit', { name: one.address, fields: { address: one.address } })}`}</li>`,
            )}</ul>`,
          )
        }
        ${fact('Team', ticket.team)}
      </dl>
    </section>
    <section aria-labelledby="f-what"><h2 id="f-what">What</h2>
      <dl>
        ${fact('Project', html`<a href="/queues/open?project=${encodeURIComponent(ticket.project)}">${ticket.project}</a>`)}
        ${fact('Type', ticket.type)}
        ${ticket.product && fact('Product', ticket.product)}
        ${Object.entries(ticket.fields).map(([key, value]) => fact(key, value))}
        ${ticket.due_at && fact('Due by hand', time(ticket.due_at, whenText(ticket.due_at, agent.zone)))}
        ${ticket.wake_at && fact('Comes back', time(ticket.wake_at, whenText(ticket.wake_at, agent.zone)))}
        ${ticket.tags.length > 0 && fact('Tags', html`${ticket.tags.map((tag) => html`<span class="mark">${tag}</span> `)}`)}
        ${fact('Language', `${ticket.locale}, ${ticket.zone}`)}
        ${fact('Opened', time(ticket.created_at, whenText(ticket.created_at, agent.zone)))}
        ${ticket.first_response_at && fact('First answer', time(ticket.first_response_at, whenText(ticket.first_response_at, agent.zone)))}
        ${ticket.resolved_at && fact('Resolved', time(ticket.resolved_at, whenText(ticket.resolved_at, agent.zone)))}
        ${ticket.closed_at && fact('Closed', time(ticket.closed_at, whenText(ticket.closed_at, agent.zone)))}
        ${links.length > 0 && fact('See also', html`<ul>${links.map((link) => html`<li><a href="/tickets/${link.other_id}">#${link.other_id} ${link.subject}</a> <span class="sub">${link.kind.replaceAll('_', ' ')}</span></li>`)}</ul>`)}
      </dl>
    </section>
    ${outgoing(setting)}
    ${history(view.events, setting)}
  </aside>`
}

const PROOF = {
  verified: html`<span class="mark o-sent">Verified</span> <span class="sub">A mail of theirs was proven to be theirs.</span>`,
  unverified: html`<span class="mark host">Not verified</span> <span class="sub">Nothing has proven yet that they are who they say.</span>`,
}

/** What is due next, in a few words for the ticket's head: the promise, and a date by hand where that is earlier. */
export function nextDue(setting: Setting): Html {
  const { view, now, agent } = setting
  const { ticket } = view
  if (ticket.status === 'resolved' || ticket.status === 'closed' || !isByHand(ticket)) return nextPromise(setting)
  const left = seconds(ticket.due_at!) - seconds(now)
  return html`<span class="left ${urgencyOf(left)}">${left < 0 ? 'Date by hand has passed' : 'Date by hand'}:
    ${time(ticket.due_at!, whenText(ticket.due_at!, agent.zone))}</span> ${nextPromise(setting)}`
}

function nextPromise({ view, now, calendars }: Setting): Html {
  const due = view.ticket.next_due_at?.getTime()
  const mine = view.clocks.filter((one) => one.team === null)
  const clock = mine.find((one) => one.state === 'running' && one.due_at && one.due_at.getTime() === due)
  if (!clock) return mine.some((one) => one.state === 'paused') ? html`<span class="mark">Paused</span>` : html``
  const left = secondsLeft(calendars.get(clock.calendar_id), clock.due_at!, now)
  return html`<span class="left ${urgencyOf(left)}">${METRIC_WORDS[clock.metric]}: ${leftText(left)}</span>`
}

function promises(setting: Setting): Html {
  const { clocks, ticket } = setting.view
  const live = clocks.filter((clock) => clock.state !== 'cancelled')
  if (live.length === 0) return html`<p class="muted">Nothing is promised: no policy applies.</p>`
  return html`<ul class="promises">${live.map((clock) => promise(clock, setting))}</ul>
    <p class="sub">Policy ${ticket.policy ?? 'none'}, chosen by ${SOURCE_WORDS[ticket.policy_source ?? 'none'] ?? ticket.policy_source}.
      Your times: ${setting.agent.zone}.</p>`
}

const SOURCE_WORDS: Record<string, string> = {
  manual: 'a person',
  rule: 'a rule',
  org: 'the organization',
  group: 'the customer group',
  inbox: 'the inbox',
  project: 'the project',
  default: 'the default',
  none: 'nothing',
}

function promise(clock: ClockRow, setting: Setting): Html {
  const { agent, now, calendars } = setting
  const calendar = calendars.get(clock.calendar_id)
  const due = clock.due_at && shownDue(clock.due_at)
  const left = clock.state === 'running' && clock.due_at ? secondsLeft(calendar, clock.due_at, now) : null
  const rest = clock.target_s - clock.elapsed_s
  return html`<li>
    <div class="promise"><strong>${METRIC_WORDS[clock.metric] ?? clock.metric}${clock.team && `, ${clock.team}`}</strong>
      ${left !== null && html`<span class="left ${urgencyOf(left)}">${leftText(left)}</span>`}
      ${clock.state === 'paused' && html`<span class="mark">Paused</span> <span class="left">${leftText(clock.breached_at ? Math.min(rest, -1) : rest)}</span>`}
      ${clock.state === 'stopped' && html`<span class="mark">${clock.breached_at ? 'Done, late' : 'Done'}</span>`}</div>
    ${due && html`<p>by ${time(clock.due_at!, whenText(due, agent.zone))}</p>`}
    ${clock.stopped_at && html`<p>on ${time(clock.stopped_at, whenText(clock.stopped_at, agent.zone))}</p>`}
    ${calendar && html`<p class="sub">${howComputed(clock, calendar, setting)}</p>`}
  </li>`
}

/** The target, and the spans that it was counted in, pauses between them (C7); without a story its sum alone. */
function howComputed(clock: ClockRow, calendar: Calendar, { view, calendars, agent }: Setting): Html {
  const since = clock.running_since ?? clock.started_at
  const until = clock.breached_at ?? clock.due_at
  const span = { from: seconds(clock.started_at), ...(until && { due: seconds(until) }) }
  const words = { calendar, targetSeconds: clock.target_s, locale: 'en', ...span }
  const course = view.courses.get(keyOf({ metric: clock.metric, teamId: clock.team_id, cycle: clock.cycle }))
  if (!course) {
    const passed = clock.state === 'running' && clock.elapsed_s > 0
    const after =
      passed && html`; ${shortLength(clock.elapsed_s)} had passed by ${time(since, whenText(since, agent.zone))}`
    return html`${howText(passed ? { ...words, from: seconds(since) } : words)}${after}`
  }
  const brought = course.brought > 0 && `; ${shortLength(course.brought)} came with the ticket that was merged into it`
  return html`${howText({ ...words, ran: stretchesOf(course, clock, calendars) })}${brought}`
}

/** What went out besides answers, which stand with their comments. */
function outgoing({ view }: Setting): Html {
  const rows = view.sent.filter((row) => row.kind !== 'reply')
  if (rows.length === 0) return html``
  const open = (row: SentRow) => row.state === 'queued' || row.state === 'deferred'
  return html`<section aria-labelledby="f-out"><h2 id="f-out">Sent by itself</h2>
    <ul class="sent">${rows.map(
      (row) => html`<li>
      <div>${OUTBOX_KIND_WORDS[row.kind as keyof typeof OUTBOX_KIND_WORDS]} <span class="mark o-${row.state}">${OUTBOX_WORDS[row.state]}</span>
      <span class="sub address">${row.recipient}</span></div>
      ${open(row) && buttonForm(`/outbox/${row.id}/cancellation`, 'Cancel', { name: `mail ${row.id}`, fields: { back: `/tickets/${view.ticket.id}` } })}
    </li>`,
    )}</ul></section>`
}

function history(events: EventRow[], { agent, view }: Setting): Html {
  const names = {
    agents: new Map(view.choices.agents.map((one) => [one.id, one.name])),
    projects: new Map(view.choices.projects.map((one) => [one.id, one.key])),
  }
  return html`<details class="history"><summary>History (${events.length})</summary>
    <ol>${events.map(
      (event) => html`<li>
      <p><strong>${event.actor_name || 'Postroom'}</strong> ${eventText(event, names)}</p>
      <p class="sub">${time(event.at, whenText(event.at, agent.zone))}${event.why && `, because ${event.why}`}</p>
    </li>`,
    )}</ol>
  </details>`
}

type Names = { agents: Map<number, string>; projects: Map<number, string> }

/** An event in words; unknown types say their own name, so that nothing is hidden. */
function eventText({ type, data }: EventRow, names: Names): string {
  const status = (value: unknown) => STATUS_WORDS[value as keyof typeof STATUS_WORDS] ?? String(value)
  switch (type) {
    case 'created':
      return 'opened the ticket'
    case 'status':
      return `changed the status from ${status(data.from)} to ${status(data.to)}`
    case 'priority':
      return `changed the priority from ${data.from} to ${data.to}`
    case 'assign':
      return data.to === null
        ? 'took it away from its assignee'
        : `gave it to ${names.agents.get(Number(data.to)) ?? data.name ?? 'an agent'}`
    case 'move':
      return `moved it to ${data.key ?? names.projects.get(Number(data.to)) ?? 'another project'}`
    case 'reminder':
      return `acts on its reminder ${data.reminder}`
    case 'team':
      return `handed it over to ${data.key ?? 'no team'}`
    case 'tags':
      return `set the tags to ${(data.to as string[] | undefined)?.join(', ') || 'none'}`
    case 'agent_reply':
      return 'answered'
    case 'answered':
      return 'sent the answer off: it can no longer be taken back'
    case 'policy':
      return data.to === null ? 'took the policy away' : `put it under policy ${data.to}`
    case 'policy_version':
      return `took up version ${data.version} of policy ${data.key}`
    case 'calendar':
      return data.key === null ? "counts in the policy's calendar" : `took up the edited calendar ${data.key}`
    case 'note':
      return 'wrote a note'
    case 'customer_comment':
      return 'wrote'
    case 'automatic_reply':
      return 'answered automatically'
    case 'delivery_failed':
      return 'brought back a mail that could not be delivered'
    case 'delivery_delayed':
      return 'told of a mail that waits'
    case 'delivered':
      return 'told that a mail arrived'
    case 'read_receipt':
      return 'brought a read receipt'
    case 'calendar_answer':
      return `brought an answer: ${calendarAnswer(data)}`
    case 'unverified_report':
      return 'brought a report that nothing proves'
    case 'original_attached':
      return 'attached the original, which had been left on the mail server'
    case 'admitted':
      return `let ${data.address} take part`
    case 'merged_into':
      return `merged it into #${data.into}`
    case 'merged_from':
      return `merged #${data.from} into it`
    case 'split_into':
      return `split it: a part of it is #${data.to} now`
    case 'split_from':
      return `split it off #${data.from}`
    case 'spam':
      return 'marked it as spam'
    case 'deleted':
      return 'deleted it'
    default:
      return timeEventText(type, data) ?? deedText(type, data, names.agents) ?? type.replaceAll('_', ' ')
  }
}

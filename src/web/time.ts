/**
 * Timesheets: my week unless asked otherwise, entered and changed by forms, the timer, approval, CSV. All that is refused
 * is refused by the engine; what was typed into a form is shown again with the reason.
 */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import { localDate } from '../days.ts'
import { approveEntry, rejectEntry, reverseEntry, submitEntry } from '../engine/time-entries/approval.ts'
import type { Warning } from '../engine/time-entries/conflicts.ts'
import { entriesCsv } from '../engine/time-entries/export.ts'
import {
  findEntry,
  findTimer,
  groupEntries,
  type ListedEntry,
  listEntries,
  totalEntries,
} from '../engine/time-entries/list.ts'
import { startTimer, stopTimer } from '../engine/time-entries/timer.ts'
import { editEntry, enterTime, removeEntry } from '../engine/time-entries.ts'
import { Refusal } from '../errors.ts'
import { timesheets as limits } from '../limits.ts'
import type { Env, Pages, SignedIn, Web } from './context.ts'
import { csvDownload } from './figures.ts'
import { type Form, parseId, readForm } from './form.ts'
import { agentPage, type Html, pager } from './page.ts'
import { ALL_VERBS, allForms, doAll } from './time/all.ts'
import { addressOf, type Question, questionForm, readQuestion } from './time/ask.ts'
import {
  detailFields,
  detailsOf,
  enterForm,
  entryValues,
  placeOf,
  sentValues,
  type Values,
  whenFields,
  whenOf,
} from './time/form.ts'
import { actionsOf, entryTable, groupTable, stateCell, totalLine, workCell } from './time/list.ts'
import { runningTimer, startTimerForm } from './time/timer.ts'
import { clockText, dayText, spanText, TIME_DONE } from './time/words.ts'

export function timePages(web: Web): Pages {
  return new Hono<Env>()
    .get('/time', (c) => sheetPage(c, web))
    .get('/time.csv', async (c) => {
      const { asked, filter, problem } = questionOf(c, web)
      if (!filter) return c.text(problem ?? '', 422)
      const { sort, order } = asked
      const entries = await listEntries(web.sql, { filter, sort, order, limit: limits.export }, web.now())
      const name = ['postroom', 'time', asked.from || 'begin', asked.to || 'end'].join('-')
      return csvDownload(`${name}.csv`, entriesCsv(entries))
    })
    .post('/time/entries', async (c) => {
      const [form, agent] = [await readForm(c), c.get('agent')]
      const values = sentValues(form)
      return await orAgain(
        () => enter(c, web, form),
        (problem) => enterPage(c, web, { values, agent, problem, back: backOf(form) }),
      )
    })
    .get('/time/entries/:id', async (c) => (await entryPage(c, web, null)) ?? c.notFound())
    .post('/time/entries/:id', async (c) => {
      const [form, entry] = [await readForm(c), await entryOf(c, web)]
      if (!entry) return c.notFound()
      return await orAgain(
        () => edit(c, web, { entry, form }),
        async (problem) =>
          (await entryPage(c, web, { values: sentValues(form), problem, back: backOf(form) })) ?? c.notFound(),
      )
    })
    .post('/time/entries/:id/:verb', async (c) => {
      const [entryId, act] = [parseId(c.req.param('id')), VERBS.get(c.req.param('verb'))]
      if (entryId === null || !act) return c.notFound()
      const form = await readForm(c)
      const { agent, tools } = { agent: c.get('agent'), tools: web.tools() }
      // Without the state that was seen, nothing is done: no row has 0.
      const given = { entryId, agent, tools, rev: parseId(form.text('rev')) ?? 0, why: form.text('why') }
      const warnings = await transaction(web.sql, (tx) => act(tx, given, web.now()))
      return done(c, backOf(form), c.req.param('verb'), warnings)
    })
    .post('/time/all/:verb', async (c) => {
      const verb = ALL_VERBS.find((one) => one === c.req.param('verb'))
      if (!verb) return c.notFound()
      const form = await readForm(c)
      const warnings = await doAll(web, { verb, form, agent: c.get('agent') })
      return done(c, backOf(form), `all_${verb}`, warnings)
    })
    .post('/time/timer', async (c) => {
      const form = await readForm(c)
      const input = { agent: c.get('agent'), place: placeOf(sentValues(form)), tools: web.tools() }
      const { stopped } = await transaction(web.sql, (tx) => startTimer(tx, input, web.now()))
      return done(c, backOf(form), stopped ? 'switched' : 'started', stopped?.warnings ?? [])
    })
    .post('/time/timer/stop', async (c) => {
      const form = await readForm(c)
      const agent = c.get('agent')
      const details = detailsOf(sentValues(form))
      const input = { agent, details, tools: web.tools() }
      const { warnings } = await transaction(web.sql, async (tx) => {
        // What was written belongs to the timer that was seen, not to one that another tab has started since.
        const running = await findTimer(tx, agent.id, web.now())
        if (running && String(running.id) !== form.text('entry'))
          throw new Refusal('entry_changed', 'Another timer of yours runs by now: look at it again.')
        if (details.workType === running?.work_type) delete details.workType
        return await stopTimer(tx, input, web.now())
      })
      return done(c, backOf(form), 'stopped', warnings)
    }) as Pages
}

type Given = Parameters<typeof rejectEntry>[1] & { rev: number }
type Act = (tx: Parameters<typeof rejectEntry>[0], given: Given, now: Date) => Promise<Warning[]>

const VERBS = new Map<string, Act>([
  ['submission', async (tx, given, now) => (await submitEntry(tx, given, now)).warnings],
  ['approval', (tx, given, now) => approveEntry(tx, given, now).then(nothing)],
  ['rejection', (tx, given, now) => rejectEntry(tx, given, now).then(nothing)],
  ['reversal', (tx, given, now) => reverseEntry(tx, given, now).then(nothing)],
  ['removal', (tx, given, now) => removeEntry(tx, given, now).then(nothing)],
])
const nothing = (): Warning[] => []

const questionOf = (c: Context<Env>, web: Web): Question =>
  readQuestion(new URL(c.req.url).searchParams, c.get('agent'), web.now())

async function sheetPage(c: Context<Env>, web: Web): Promise<Response> {
  const [agent, now, { desk }] = [c.get('agent'), web.now(), web.tools()]
  const question = questionOf(c, web)
  const { asked, filter } = question
  const [agents, timer] = await Promise.all([listAgents(web), findTimer(web.sql, agent.id, now)])
  const back = addressOf(asked)
  const today = localDate(now, agent.zone)
  const body = html`<div class="top"><h1>Time</h1>
      <div class="actions">${agent.admin && html`<a class="button small" href="/statements">Statements</a>`}
      ${filter && html`<a class="button small" href="${addressOf(asked, {}, '/time.csv')}" download>Download CSV</a>`}</div></div>
    <section class="clocking" aria-label="Timer and entry">
      ${timer ? runningTimer(timer, { desk, back }) : startTimerForm({ desk, back })}
      <details class="more"><summary>Enter time</summary>${enterForm('enter', { date: today }, { desk, back, fixed: false })}</details>
    </section>
    ${questionForm(question, { agents, desk }, today)}
    ${filter && (await sheet(web, { question, agent, back, now }))}`
  const page = { title: 'Time', current: '/time', body, done: TIME_DONE[c.req.query('done') ?? ''] ?? null }
  return c.html(agentPage(web, agent, page), filter ? 200 : 422)
}

type Sheet = { question: Question; agent: SignedIn; back: string; now: Date }

async function sheet(web: Web, { question, agent, back, now }: Sheet): Promise<Html> {
  const { asked, filter } = question
  const { sort, order, group, page } = asked
  const [total, groups, rows] = await Promise.all([
    totalEntries(web.sql, filter!, now),
    group && groupEntries(web.sql, { filter: filter!, by: group }, now),
    listEntries(web.sql, { filter: filter!, sort, order, limit: limits.page, offset: (page - 1) * limits.page }, now),
  ])
  if (total.entries === 0) return html`<div class="empty"><p>No time was entered here.</p></div>`
  const more = page * limits.page < total.entries
  const looking = { agent, desk: web.tools().desk, back }
  return html`${totalLine(total)}
    ${group && groups && groupTable(groups, { by: group, total, asked })}
    ${allForms(rows, looking)}
    ${rows.length > 0 && entryTable(rows, asked, looking)}
    ${pager({
      previous: page > 1 ? addressOf(asked, { page: page - 1 }) : null,
      next: more ? addressOf(asked, { page: page + 1 }) : null,
    })}`
}

const listAgents = async (web: Web) => [
  ...(await web.sql<{ id: number; name: string }[]>`
    select id, coalesce(nullif(name, ''), address) as name from agents order by 2`),
]

async function enter(c: Context<Env>, web: Web, form: Form): Promise<Response> {
  const [agent, tools, values] = [c.get('agent'), web.tools(), sentValues(form)]
  const input = { agent, place: placeOf(values), when: whenOf(values), details: detailsOf(values), tools }
  const submits = form.text('finish') === 'submit'
  const { warnings } = await transaction(web.sql, async (tx) => {
    const entered = await enterTime(tx, input, web.now())
    if (submits) for (const entryId of entered.entryIds) await submitEntry(tx, { entryId, agent, tools }, web.now())
    return entered
  })
  return done(c, backOf(form), submits ? 'submission' : 'entered', warnings)
}

/** Only what differs from the entry is written; its `rev` says that it is still the one that was seen. */
async function edit(c: Context<Env>, web: Web, { entry, form }: { entry: ListedEntry; form: Form }): Promise<Response> {
  const [values, was] = [sentValues(form), entryValues(entry)]
  const when = (['date', 'spent', 'start', 'end'] as const).some((name) => values[name] !== was[name])
  const details = detailsOf(values)
  if (values.work_type === was.work_type) delete details.workType
  const input = {
    entryId: entry.id,
    agent: c.get('agent'),
    rev: parseId(form.text('rev')) ?? 0,
    details,
    tools: web.tools(),
    ...(when && entry.status !== 'running' && { when: whenOf(values) }),
  }
  const { warnings } = await transaction(web.sql, (tx) => editEntry(tx, input, web.now()))
  return done(c, backOf(form), 'edited', warnings)
}

/** Runs it; a refusal of what a person typed becomes their form again. */
async function orAgain(
  work: () => Promise<Response>,
  again: (problem: string) => Promise<Response>,
): Promise<Response> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal) || error.fault !== 'user') throw error
    return await again(error.message)
  }
}

type Entering = { values: Values; agent: SignedIn; problem: string; back: string }

async function enterPage(c: Context<Env>, web: Web, { values, agent, problem, back }: Entering): Promise<Response> {
  const body = html`<h1>Enter time</h1>
    <p class="problem" role="alert">${problem}</p>
    <div class="work">${enterForm('enter', values, { desk: web.tools().desk, back, fixed: false })}</div>
    <p><a href="${back}">Back without saving</a></p>`
  return c.html(agentPage(web, agent, { title: 'Enter time', current: '/time', layout: 'text', body }), 422)
}

async function entryOf(c: Context, web: Web): Promise<ListedEntry | null> {
  const id = parseId(c.req.param('id'))
  return id === null ? null : await findEntry(web.sql, id, web.now())
}

type Editing = { values: Values; problem: string; back: string }

const SETTLED = new Set(['submitted', 'approved', 'rejected'])

/** One entry with its form; null where there is none. */
async function entryPage(c: Context<Env>, web: Web, draft: Editing | null): Promise<Response | null> {
  const [agent, entry, { desk }] = [c.get('agent'), await entryOf(c, web), web.tools()]
  if (!entry) return null
  const back = draft?.back ?? '/time'
  const values = draft?.values ?? entryValues(entry)
  const own = entry.agent_id === agent.id || agent.admin
  const isOpen = entry.status !== 'invoiced' && entry.statement_id === null
  const changes = own && isOpen && entry.reverses_id === null
  const removes = entry.reverses_id === null ? changes : agent.admin && isOpen
  const body = html`<h1>Time entry ${entry.id}</h1>
    ${draft && html`<p class="problem" role="alert">${draft.problem}</p>`}
    <div class="work entry">
      <p>${workCell(entry)}</p>
      <p><strong>${clockText(entry.raw_s)}</strong> ${entry.billable ? 'billable' : 'free'}, ${[dayText(entry.local_date), spanText(entry), entry.agent].filter(Boolean).join(', ')}</p>
      <p>${stateCell(entry)}</p>
      ${changes && SETTLED.has(entry.status) && html`<p class="sub">Once saved it is a draft again, to be submitted anew.</p>`}
      ${
        changes
          ? html`<form method="post" action="/time/entries/${entry.id}" class="stack">
        <input type="hidden" name="rev" value="${entry.rev}"><input type="hidden" name="back" value="${back}">
        ${entry.status !== 'running' && whenFields('edit', values)}
        ${detailFields('edit', values, { desk, onTicket: entry.ticket_id !== null, asProject: false })}
        <p><button class="primary">Save</button></p>
      </form>`
          : actionsOf(entry, { agent, desk, back: `/time/entries/${entry.id}` })
      }
    </div>
    ${
      removes &&
      html`<details class="more"><summary>Remove it</summary><form method="post" action="/time/entries/${entry.id}/removal">
      <input type="hidden" name="rev" value="${entry.rev}"><input type="hidden" name="back" value="${back}">
      <button class="small danger">Remove for good</button></form></details>`
    }
    <p><a href="${back}">Back to the timesheet</a></p>`
  const page = { title: `Time entry ${entry.id}`, current: '/time', layout: 'text', body } as const
  const said = draft ? null : (TIME_DONE[c.req.query('done') ?? ''] ?? null)
  return c.html(agentPage(web, agent, { ...page, done: said }), draft ? 422 : 200)
}

/** Only our own pages: an address from a form is nobody's to choose. */
function backOf(form: Form): string {
  const back = form.text('back')
  return /^\/(?:time(?:\?[\w=&%.+*-]{0,2000})?|tickets\/[1-9]\d{0,14}|time\/entries\/[1-9]\d{0,14}|invoices\/[1-9]\d{0,14})$/.test(
    back,
  )
    ? back
    : '/time'
}

/** Back to where the person was, with a word about what was done; a warning goes before it. */
function done(c: Context, back: string, word: string, warnings: readonly Warning[]): Response {
  const url = new URL(back, 'http://back.invalid')
  url.searchParams.set('done', warnings[0]?.code ?? word)
  return c.redirect(`${url.pathname}${url.search}`, 303)
}

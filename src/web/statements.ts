/**
 * Statements of a month, for admins alone: who was sent what and what they said, a look at it before it goes, sending it
 * now or again, and opening an approved one. What may be done is for the engine to say.
 */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import { localDate, monthOf } from '../days.ts'
import { requireBilling } from '../engine/billing/invoices.ts'
import { type Preview, previewStatement } from '../engine/billing/statements/preview.ts'
import { daysOfMonth, findStatement, listStatements, type StatementRecord } from '../engine/billing/statements/read.ts'
import { csvName, monthText, statementCsv } from '../engine/billing/statements/words.ts'
import { reopenStatement, sendStatement } from '../engine/billing/statements.ts'
import { groupEntries } from '../engine/time-entries/list.ts'
import { Refusal } from '../errors.ts'
import type { Env, Pages, Web } from './context.ts'
import { csvDownload } from './figures.ts'
import { type Form, readForm } from './form.ts'
import { agentPage, pager } from './page.ts'
import { type CustomerMonth, customerTable } from './statements/list.ts'
import { type Shown, statementBody } from './statements/page.ts'
import { STATEMENT_DONE } from './statements/words.ts'

export function statementPages(web: Web): Pages {
  return new Hono<Env>()
    .use('/statements/*', async (c, next) => {
      requireBilling(c.get('agent'))
      await next()
    })
    .get('/statements', (c) => listPage(c, web))
    .get('/statements/:key/:file{[0-9-]+\\.csv}', async (c) => {
      const found = await find(web, c.req.param('key'), c.req.param('file').slice(0, -'.csv'.length))
      const content = found?.record?.content ?? found?.preview?.draft
      return found && content ? csvDownload(csvName(found.key, found.from), statementCsv(content)) : c.notFound()
    })
    .get('/statements/:key/:month', async (c) => (await statementPage(c, web, null)) ?? c.notFound())
    .post('/statements/:key/:month/:verb', async (c) => {
      const verb = c.req.param('verb')
      if (verb !== 'sending' && verb !== 'reopening') return c.notFound()
      const form = await readForm(c)
      try {
        await act(c, web, { verb, form })
        const done = verb === 'sending' ? 'sent' : 'reopened'
        return c.redirect(`/statements/${c.req.param('key')}/${c.req.param('month')}?done=${done}`, 303)
      } catch (error) {
        if (!(error instanceof Refusal) || error.fault !== 'user') throw error
        const page = await statementPage(c, web, error.message)
        if (page) return page
        throw error
      }
    }) as Pages
}

type Wish = { verb: 'sending' | 'reopening'; form: Form }

async function act(c: Context<Env>, web: Web, { verb, form }: Wish): Promise<void> {
  const [agent, tools, now] = [c.get('agent'), web.tools(), web.now()]
  const [key, month] = [c.req.param('key')!, c.req.param('month')!]
  if (verb === 'sending') {
    const input = { organization: key, month, seen: form.text('seen'), agent, tools }
    await transaction(web.sql, (tx) => sendStatement(tx, input, now))
    return
  }
  const record = (await find(web, key, month))?.record
  if (!record) throw new Refusal('unknown_statement', 'There is no such statement.')
  await transaction(web.sql, (tx) => reopenStatement(tx, { statementId: record.id, why: form.text('why'), agent }, now))
}

type Found = { key: string; name: string; from: string; record: StatementRecord | null; preview: Preview | null }

/** A customer's month; null where there is no such customer or month. */
async function find(web: Web, key: string | undefined, month: string | undefined): Promise<Found | null> {
  if (!key || !month || !/^\d{4}-(?:0[1-9]|1[0-2])$/.test(month)) return null
  const tools = web.tools()
  const [row] = await web.sql<{ id: number; name: string }[]>`select id, name from organizations where key = ${key}`
  if (!row) return null
  const days = daysOfMonth(month)
  const record = await findStatement(web.sql, { organizationId: row.id, from: days.from })
  const organization = tools.desk.organizations.get(key)
  const preview = organization
    ? await previewStatement(web.sql, { organization, days, revision: record?.revision ?? 0, tools }, web.now())
    : null
  return { key, name: organization?.name ?? row.name, from: days.from, record, preview }
}

async function listPage(c: Context<Env>, web: Web): Promise<Response> {
  const [agent, now] = [c.get('agent'), web.now()]
  requireBilling(agent)
  const asked = c.req.query('month')
  const today = localDate(now, agent.zone)
  const days = asked ? daysOfMonth(asked) : monthOf(today, -1)
  const rows = await customersOf(web, days, now)
  const month = days.from.slice(0, 7)
  const other = (months: number) => `/statements?month=${monthOf(days.from, months).from.slice(0, 7)}`
  const body = html`<div class="top"><h1>Statements</h1> <div class="actions"><a class="button small" href="/invoices">Invoices</a> <a class="button small" href="/time">Time</a></div></div>
    <p class="intro">The approved time of ${monthText(days.from, 'en')}, as customers get it by mail and approve it by answering. An approved month stays as it is.</p>
    ${
      rows.length === 0
        ? html`<div class="empty"><p>No customer gets statements, and nobody has approved time of this month. Who gets them stands in the desk file: statement: monthly.</p></div>`
        : customerTable(rows, { month, zone: agent.zone })
    }
    ${pager({ previous: other(-1), next: days.to < today ? other(1) : null })}`
  return c.html(agentPage(web, agent, { title: 'Statements', current: '/invoices', body }))
}

/** Who is to get one, has one, or has approved time in the month. */
async function customersOf(web: Web, { from, to }: { from: string; to: string }, now: Date): Promise<CustomerMonth[]> {
  const filter = { from, to, status: ['approved', 'invoiced'] as const }
  const [records, groups] = await Promise.all([
    listStatements(web.sql, { from }),
    groupEntries(web.sql, { filter, by: 'customer' }, now),
  ])
  const byId = new Map(records.map((one) => [one.organization_id, one]))
  const spent = new Map(groups.map((one) => [Number(one.key), one.raw_s]))
  const named = [...web.tools().desk.organizations.values()]
    .filter((one) => one.statement === 'monthly' || byId.has(one.id) || spent.has(one.id))
    .map((organization): CustomerMonth => {
      const { id, key, name } = organization
      return { key, name, organization, statement: byId.get(id) ?? null, approved_s: spent.get(id) ?? 0 }
    })
  const gone = records
    .filter((one) => !web.tools().desk.organizations.has(one.organization))
    .map((one): CustomerMonth => {
      const { organization: key, organization_name: name, organization_id: id } = one
      return { key, name, organization: null, statement: one, approved_s: spent.get(id) ?? 0 }
    })
  return [...named, ...gone].sort((a, b) => a.name.localeCompare(b.name))
}

/** The statement with what can be done; null where there is no such customer or month. */
async function statementPage(c: Context<Env>, web: Web, problem: string | null): Promise<Response | null> {
  const agent = c.get('agent')
  const month = c.req.param('month')
  const found = await find(web, c.req.param('key'), month)
  if (!found) return null
  const { record } = found
  const mails =
    record?.ticket_id == null
      ? []
      : await web.sql<Shown['mails']>`
          select id, recipient, state from outbox where ticket_id = ${record.ticket_id} and kind = 'statement'
          order by id desc limit ${record.people.length}`
  const title = `Statement for ${monthText(found.from, 'en')}`
  const body = statementBody({ ...found, month: month!, title, mails: [...mails], agent, problem })
  const done = problem ? null : (STATEMENT_DONE[c.req.query('done') ?? ''] ?? null)
  return c.html(agentPage(web, agent, { title, current: '/invoices', body, done }), problem ? 422 : 200)
}

/**
 * Invoices, for admins alone: what can be billed, drafts that are computed again whenever they are opened, final ones,
 * and each as print, CSV and JSON. What may be done is for the engine to say.
 */
import { createHash } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import { localDate, monthOf } from '../days.ts'
import { invoiceCsv, invoiceJson } from '../engine/billing/export.ts'
import { createDraft, discardDraft, finaliseInvoice, openInvoice, requireBilling } from '../engine/billing/invoices.ts'
import { printInvoice } from '../engine/billing/print.ts'
import { getInvoice, type Invoice, listInvoices, listUnbilled } from '../engine/billing/read.ts'
import { voidInvoice } from '../engine/billing/void.ts'
import { listEntries } from '../engine/time-entries/list.ts'
import { Refusal } from '../errors.ts'
import { timesheets as limits } from '../limits.ts'
import type { Env, Pages, Web } from './context.ts'
import { csvDownload } from './figures.ts'
import { disposition } from './filename.ts'
import { type Form, parseId, readForm } from './form.ts'
import { draftForm, invoiceTable, unbilledTable } from './invoices/list.ts'
import { invoiceBody } from './invoices/page.ts'
import { INVOICE_DONE, titleOf } from './invoices/words.ts'
import { agentPage, pager } from './page.ts'

export function invoicePages(web: Web): Pages {
  return new Hono<Env>()
    .use('/invoices/*', async (c, next) => {
      requireBilling(c.get('agent'))
      await next()
    })
    .get('/invoices', (c) => listPage(c, web, null))
    .post('/invoices', async (c) => {
      const [form, agent] = [await readForm(c), c.get('agent')]
      const currency = form.text('currency').trim().toUpperCase()
      const [organization, from, to] = [form.text('organization'), form.text('from'), form.text('to')]
      const input = { organization, from, to, agent, tools: web.tools(), ...(currency && { currency }) }
      try {
        const { invoiceId } = await transaction(web.sql, (tx) => createDraft(tx, input, web.now()))
        return c.redirect(`/invoices/${invoiceId}?done=created`, 303)
      } catch (error) {
        return await listPage(c, web, { form, problem: problemOf(error) })
      }
    })
    .get('/invoices/:file{[0-9]+\\.(?:csv|json)}', async (c) => {
      const [number, kind] = c.req.param('file').split('.')
      const invoice = await find(web, number)
      if (!invoice) return c.notFound()
      const name = `${titleOf(invoice).replaceAll(' ', '-').toLowerCase()}.${kind}`
      if (kind === 'csv') return csvDownload(name, invoiceCsv(invoice))
      return c.body(`${JSON.stringify(invoiceJson(invoice), null, 2)}\n`, 200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Disposition': disposition('attachment', name),
      })
    })
    .get('/invoices/:id', async (c) => (await invoicePage(c, web, null)) ?? c.notFound())
    .get('/invoices/:id/print', async (c) => {
      const invoice = await find(web, c.req.param('id'))
      if (!invoice) return c.notFound()
      const page = printInvoice(web.tools().templates, invoice).html ?? ''
      return c.html(page, 200, { 'Content-Security-Policy': printPolicy(page) })
    })
    .post('/invoices/:id/:verb', async (c) => {
      const [invoiceId, verb] = [parseId(c.req.param('id')), c.req.param('verb')]
      if (invoiceId === null || !VERBS.has(verb)) return c.notFound()
      const form = await readForm(c)
      try {
        return c.redirect(await act(c, web, { invoiceId, verb, form }), 303)
      } catch (error) {
        const page = await invoicePage(c, web, problemOf(error))
        if (page) return page
        throw error
      }
    }) as Pages
}

const VERBS = new Set(['finalisation', 'discard', 'void'])

type Wish = { invoiceId: number; verb: string; form: Form }

/** Where to go then. */
async function act(c: Context<Env>, web: Web, { invoiceId, verb, form }: Wish): Promise<string> {
  const input = { invoiceId, agent: c.get('agent'), tools: web.tools() }
  if (verb === 'discard') {
    await transaction(web.sql, (tx) => discardDraft(tx, input))
    return '/invoices?done=discarded'
  }
  if (verb === 'void') {
    const why = form.text('why')
    const { creditNoteId } = await transaction(web.sql, (tx) => voidInvoice(tx, { ...input, why }, web.now()))
    return `/invoices/${creditNoteId}?done=void`
  }
  // Only what was seen becomes final: no draft has the state 0.
  const rev = parseId(form.text('rev')) ?? 0
  await transaction(web.sql, (tx) => finaliseInvoice(tx, { ...input, rev }, web.now()))
  return `/invoices/${invoiceId}?done=finalisation`
}

/** What was refused, in words; anything else is thrown on. */
function problemOf(error: unknown): string {
  if (error instanceof Refusal && error.fault === 'user') return error.message
  throw error
}

async function listPage(c: Context<Env>, web: Web, draft: { form: Form; problem: string } | null): Promise<Response> {
  const [agent, { desk }] = [c.get('agent'), web.tools()]
  requireBilling(agent)
  const today = localDate(web.now(), agent.zone)
  const page = parseId(c.req.query('page')) ?? 1
  const [unbilled, found] = await Promise.all([
    listUnbilled(web.sql, { to: today }),
    listInvoices(web.sql, { limit: limits.page + 1, offset: (page - 1) * limits.page }),
  ])
  const rows = found.slice(0, limits.page)
  const body = html`<div class="top"><h1>Invoices</h1>
      <div class="actions"><a class="button small" href="/statements">Statements</a> <a class="button small" href="/prices">Price lists</a></div></div>
    ${draft && html`<p class="problem" role="alert">${draft.problem}</p>`}
    <section class="billing" aria-labelledby="unbilled"><h2 id="unbilled">Not billed yet</h2>
      ${unbilledTable(unbilled, desk)}
      <details class="more"${draft && html` open`}><summary>A draft for another customer or other days</summary>
        ${draftForm(desk, { draft: draft?.form ?? null, period: monthOf(today, -1) })}</details>
    </section>
    <section class="billing" aria-labelledby="invoices"><h2 id="invoices">Drafts and invoices</h2>
      ${rows.length === 0 ? html`<div class="empty"><p>No invoice was made yet.</p></div>` : invoiceTable(rows)}
    </section>
    ${pager({
      previous: page > 1 ? `/invoices?page=${page - 1}` : null,
      next: found.length > rows.length ? `/invoices?page=${page + 1}` : null,
    })}`
  const done = draft ? null : (INVOICE_DONE[c.req.query('done') ?? ''] ?? null)
  return c.html(agentPage(web, agent, { title: 'Invoices', current: '/invoices', body, done }), draft ? 422 : 200)
}

/** The invoice as it is now; null where there is none. */
async function invoicePage(c: Context<Env>, web: Web, problem: string | null): Promise<Response | null> {
  const invoiceId = parseId(c.req.param('id'))
  const agent = c.get('agent')
  const exists = invoiceId !== null && (await find(web, String(invoiceId)))
  if (!exists) return null
  const opened = await transaction(web.sql, (tx) => openInvoice(tx, { invoiceId, tools: web.tools() }))
  const { invoice, excluded } = opened
  const named = excluded.length + invoice.unpriced.length
  const filter = { organizationId: invoice.organization_id, from: invoice.period_from, to: invoice.period_to }
  const rows = named === 0 ? [] : await listEntries(web.sql, { filter, limit: limits.entries }, web.now())
  const entries = new Map(rows.map((row) => [row.id, row]))
  const body = invoiceBody({ ...opened, entries, agent, problem })
  const done = problem ? null : (INVOICE_DONE[c.req.query('done') ?? ''] ?? null)
  return c.html(
    agentPage(web, agent, { title: titleOf(invoice), current: '/invoices', body, done }),
    problem ? 422 : 200,
  )
}

async function find(web: Web, text: string | undefined): Promise<Invoice | null> {
  const id = parseId(text)
  if (id === null) return null
  try {
    return await getInvoice(web.sql, id)
  } catch (error) {
    if (error instanceof Refusal && error.code === 'unknown_invoice') return null
    throw error
  }
}

/** The template's own style and nothing else; what people wrote is escaped and can bring none. */
function printPolicy(page: string): string {
  const hashes = [...page.matchAll(/<style>(.*?)<\/style>/gs)].map(
    ([, style]) => `'sha256-${createHash('sha256').update(style!).digest('base64')}'`,
  )
  const style = hashes.length > 0 ? hashes.join(' ') : "'none'"
  return `default-src 'none'; style-src ${style}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`
}

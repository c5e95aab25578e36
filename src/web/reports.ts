/** Reports: a period and a zone by a form, a chart, the same numbers as a table, and all of it as CSV. Reads only. */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { csvRecords, type Sheet } from '../engine/reports/shape.ts'
import { makeReport, REPORTS, type ReportName } from '../engine/reports.ts'
import { web as limits } from '../limits.ts'
import type { Env, Pages, Web } from './context.ts'
import { csvDownload } from './figures.ts'
import { parseId } from './form.ts'
import { agentPage, type Html, pager } from './page.ts'
import { addressOf, type Question, questionForm, readQuestion, reportLinks } from './reports/ask.ts'
import { barsOf, columnsOf } from './reports/chart.ts'
import { overTime } from './reports/over-time.ts'
import { countTable, reportTable, violationTable } from './reports/table.ts'
import { REPORT_WORDS } from './reports/words.ts'
import { whenText } from './words.ts'

export function reportPages(web: Web): Pages {
  return new Hono<Env>()
    .get('/reports', (c) => {
      const body = html`<div class="top"><h1>Reports</h1></div>
        <ul class="rows">${REPORTS.map(
          (name) => html`<li><div>
          <p><a href="/reports/${name}"><strong>${REPORT_WORDS[name].title}</strong></a></p>
          <p class="sub">${REPORT_WORDS[name].short}</p></div></li>`,
        )}</ul>`
      return c.html(agentPage(web, c.get('agent'), { title: 'Reports', current: '/reports', body }))
    })
    .get('/reports/:file{[a-z]+\\.csv}', async (c) => {
      const name = reportNamed(c.req.param('file').slice(0, -'.csv'.length))
      if (!name) return c.notFound()
      const { ask, problem } = questionOf(c, name, web)
      if (!ask) return c.text(problem ?? '', 422)
      const sheet = await makeReport(web.sql, ask, web.now())
      const { fromDate, toDate, zone } = ask.period
      const file = ['postroom', name, fromDate ?? 'begin', toDate ?? 'now'].join('-')
      return csvDownload(`${file}.csv`, csvRecords(sheet, zone))
    })
    .get('/reports/:name', async (c) => {
      const name = reportNamed(c.req.param('name'))
      if (!name) return c.notFound()
      const agent = c.get('agent')
      const question = questionOf(c, name, web)
      const sheet = question.ask && (await makeReport(web.sql, question.ask, web.now()))
      const { title, about } = REPORT_WORDS[name]
      const file = addressOf(question.asked, {}, '.csv')
      const body = html`<div class="top"><h1>${title}</h1>${sheet && html`<a class="button small" href="${file}" download>Download CSV</a>`}</div>
        ${reportLinks(question.asked)}
        ${questionForm(question, zonesOf(web, agent.zone), web.now())}
        <p class="muted intro">${about}</p>
        ${sheet && report(sheet, { name, question, page: parseId(c.req.query('page')) ?? 1, now: web.now() })}`
      return c.html(agentPage(web, agent, { title, current: '/reports', body }), sheet ? 200 : 422)
    }) as Pages
}

type View = { name: ReportName; question: Question; page: number; now: Date }

const reportNamed = (text: string): ReportName | undefined => REPORTS.find((one) => one === text)

const questionOf = (c: Context<Env>, name: ReportName, web: Web): Question =>
  readQuestion(name, new URL(c.req.url).searchParams, c.get('agent'), web.now())

function report(sheet: Sheet, view: View): Html {
  if (sheet.rows.length === 0)
    return html`<div class="empty"><p>${view.name === 'violations' ? 'No promise was broken in this period.' : 'Nothing in this period.'}</p></div>`
  if (view.name === 'violations') return violationReport(sheet, view)
  return html`${barsOf(view.name, sheet)} ${reportTable(sheet, REPORT_WORDS[view.name].title)}`
}

function violationReport({ rows }: Sheet, { question, page, now }: View): Html {
  const period = question.ask!.period
  const pages = Math.ceil(rows.length / limits.page)
  const current = Math.min(page, pages)
  const time = overTime(rows, period)
  const to = (n: number) => addressOf(question.asked, { page: String(n) })
  const standing = rows.filter((row) => row.superseded_at === null).length
  return html`<p class="intro"><strong>${standing}</strong> ${standing === 1 ? 'broken promise' : 'broken promises'}${rows.length > standing && `, and ${rows.length - standing} that no longer count`}, as of ${whenText(now, period.zone)}.</p>
    ${
      time &&
      html`${columnsOf(time.buckets, `Broken promises by ${time.unit.toLowerCase()}`)}
      <details class="more"><summary>The chart as a table</summary>${countTable('Broken promises over time', time.unit, time.buckets)}</details>`
    }
    ${violationTable(rows.slice((current - 1) * limits.page, current * limits.page), period.zone)}
    ${pager({
      previous: current > 1 ? to(current - 1) : null,
      next: current < pages ? to(current + 1) : null,
    })}`
}

/** Zones to choose from: people's and customers' own; any other can be typed. */
function zonesOf(web: Web, own: string): string[] {
  const { desk } = web.tools()
  const all = [
    own,
    ...desk.inboxes.map((one) => one.zone),
    ...[...desk.organizations.values()].map((one) => one.zone),
    'UTC',
  ]
  return [...new Set(all.filter((zone): zone is string => !!zone))].slice(0, 50)
}

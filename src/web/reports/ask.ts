/** What a reports page is asked by its address, and the form that asks it: a period, a zone, and what the report takes. */
import { html } from 'hono/html'
import { addDays, localDate, monthOf } from '../../days.ts'
import { DIMENSION_WORDS, DIMENSIONS } from '../../engine/reports/compliance.ts'
import { type Ask, type Asked, REPORTS, type ReportName, readAsk } from '../../engine/reports.ts'
import { Refusal } from '../../errors.ts'
import { timesheets as limits } from '../../limits.ts'
import { isZone } from '../../time.ts'
import type { SignedIn } from '../context.ts'
import type { Html } from '../page.ts'
import { REPORT_WORDS } from './words.ts'

/** The words as they were typed, and what they mean; `problem` says why they mean nothing. */
export type Question = { asked: Asked; ask: Ask | null; problem: string | null }

/** The last thirty days in the reader's zone where the address names no period; an empty date is open. */
export function readQuestion(name: ReportName, params: URLSearchParams, agent: SignedIn, now: Date): Question {
  const text = (key: string) => params.get(key)?.replaceAll('\0', '').trim() ?? ''
  const zone = text('zone') || agent.zone
  const today = localDate(now, agent.zone)
  const named = params.has('from') || params.has('to')
  const asked: Asked = {
    name,
    zone,
    from: named ? text('from') : addDays(today, 1 - DAYS),
    to: named ? text('to') : addDays(today, 1),
    by: text('by') || null,
    superseded: params.get('superseded') === 'shown' ? 'shown' : 'hidden',
    limit: limits.export,
  }
  try {
    return { asked, ask: readAsk(asked), problem: null }
  } catch (error) {
    if (error instanceof Refusal) return { asked, ask: null, problem: error.message }
    throw error
  }
}

/** The address of a page or file that asks the same, but for what is given. */
export function addressOf(asked: Asked, change: Partial<Record<'from' | 'to' | 'page', string>>, suffix = ''): string {
  const { name, zone, by, superseded } = asked
  const params = new URLSearchParams({
    from: change.from ?? asked.from ?? '',
    to: change.to ?? asked.to ?? '',
    zone,
    ...(by && { by }),
    ...(superseded === 'shown' && { superseded }),
    ...(change.page && { page: change.page }),
  })
  return `/reports/${name}${suffix}?${params}`
}

/** Links to the other reports about the same period. */
export const reportLinks = (asked: Asked): Html => html`<nav class="tabs" aria-label="Reports">
  <ul>${REPORTS.map(
    (name) =>
      html`<li><a href="${addressOf({ ...asked, name, by: null, superseded: 'hidden' }, {})}"${name === asked.name && html` aria-current="page"`}>${REPORT_WORDS[name].title}</a></li>`,
  )}</ul>
</nav>`

export function questionForm({ asked, problem }: Question, zones: string[], now: Date): Html {
  return html`<form class="filter asking" action="/reports/${asked.name}" method="get">
    ${problem && html`<p class="problem" role="alert" id="problem">${problem}</p>`}
    <label>From <input type="date" name="from" value="${asked.from ?? ''}"></label>
    <label>Before <input type="date" name="to" value="${asked.to ?? ''}" aria-describedby="before-hint"></label>
    <label>Zone <input name="zone" value="${asked.zone}" list="zones" autocomplete="off" spellcheck="false" maxlength="50"></label>
    <datalist id="zones">${zones.map((zone) => html`<option value="${zone}"></option>`)}</datalist>
    ${
      asked.name === 'compliance' &&
      html`<label>By <select name="by">
      ${DIMENSIONS.map((one) => html`<option value="${one}"${one === (asked.by ?? 'metric') && html` selected`}>${DIMENSION_WORDS[one]}</option>`)}
    </select></label>`
    }
    ${
      asked.name === 'violations' &&
      html`<label class="check"><input type="checkbox" name="superseded" value="shown"${asked.superseded === 'shown' && html` checked`}> Also what no longer counts</label>`
    }
    <button class="small">Show</button>
    <p class="sub hint" id="before-hint">Days begin at midnight of the zone; the day in “Before” is not in it. Or:
      ${presets(asked, now).map(([words, from, to], n) => html`${n > 0 && ' · '}<a href="${addressOf(asked, { from, to })}">${words}</a>`)}</p>
  </form>`
}

const DAYS = 30

/** The second date is not in the period. */
function presets(asked: Asked, now: Date): [words: string, from: string, to: string][] {
  const today = dateOr(asked.zone, now)
  const [last, month, next] = [-1, 0, 1].map((n) => monthOf(today, n).from) as [string, string, string]
  return [
    ['this month', month, next],
    ['last month', last, month],
    ['last 30 days', addDays(today, 1 - DAYS), addDays(today, 1)],
    ['everything', '', ''],
  ]
}

/** The date in the zone, where it is one; links must stand also beside a problem. */
const dateOr = (zone: string, now: Date): string => localDate(now, isZone(zone) ? zone : 'UTC') // the form says what is wrong

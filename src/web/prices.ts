/** Price lists as the desk file has them and had them, for admins to read: changed they are in the file. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { requireBilling } from '../engine/billing/invoices.ts'
import { moneyText } from '../engine/billing/money.ts'
import type { PriceItem } from '../engine/billing/prices.ts'
import type { Desk, DeskPriceList } from '../engine/desk.ts'
import { timesheets as limits } from '../limits.ts'
import type { Env, Pages, SignedIn, Web } from './context.ts'
import { type Cell, figures } from './figures.ts'
import { agentPage, type Html, time } from './page.ts'
import { dayText } from './time/words.ts'
import { PRIORITY_WORDS, shortLength, whenText } from './words.ts'

/** An immutable version of a list; the newest one that is not retired prices drafts (SLA I5). */
type Version = {
  id: number
  key: string
  version: number
  definition: Omit<DeskPriceList, 'id' | 'key' | 'version'>
  created_at: Date
  retired_at: Date | null
}

export function pricePages(web: Web): Pages {
  return new Hono<Env>().get('/prices', async (c) => {
    const agent = c.get('agent')
    requireBilling(agent)
    const versions = await web.sql<Version[]>`
      select id, key, version, definition, created_at, retired_at from price_lists
      order by retired_at is not null, key, version desc limit ${limits.versions}`
    const lists = [...Map.groupBy(versions, (one) => one.key).values()]
    const body = html`<div class="top"><h1>Price lists</h1> <a class="button small" href="/invoices">Invoices</a></div>
      <p class="intro">They stand in the desk file. A change is a new version: drafts follow it, final invoices keep theirs.</p>
      ${
        lists.length === 0
          ? html`<div class="empty"><p>The desk has no price list: add price_lists to its file.</p></div>`
          : lists.map((list) => listSection(list as [Version, ...Version[]], { desk: web.tools().desk, agent }))
      }`
    return c.html(agentPage(web, agent, { title: 'Price lists', current: '/invoices', body }))
  }) as Pages
}

type Looking = { desk: Desk; agent: SignedIn }

function listSection(versions: readonly [Version, ...Version[]], looking: Looking): Html {
  const [newest, ...older] = versions
  const { key, definition } = newest
  return html`<section class="billing" aria-labelledby="list-${newest.id}">
    <h2 id="list-${newest.id}">${definition.name}${definition.name.toLowerCase() !== key && html` <span class="sub">${key}</span>`}
      ${newest.retired_at && html`<span class="mark">No longer in the desk file</span>`}</h2>
    ${versionBody(newest, looking)}
    ${
      older.length > 0 &&
      html`<details class="more"><summary>Earlier versions (${older.length})</summary>
      ${older.map((one) => html`<section aria-label="${`${definition.name}, version ${one.version}`}">${versionBody(one, looking)}</section>`)}</details>`
    }
  </section>`
}

function versionBody({ version, definition, created_at, retired_at, key }: Version, { desk, agent }: Looking): Html {
  const from = time(created_at, whenText(created_at, agent.zone))
  const until = retired_at && html` until ${time(retired_at, whenText(retired_at, agent.zone))}`
  const { currency, rounding } = definition
  const step =
    rounding.increment_s > 1
      ? `rounded ${ROUNDED[rounding.mode]} to ${shortLength(rounding.increment_s)}`
      : 'not rounded'
  const least = rounding.minimum_s > 0 ? `, at least ${shortLength(rounding.minimum_s)}` : ''
  return html`<p class="sub">Version ${version}, from ${from}${until}. ${currency}; ${SCOPES[rounding.scope]} ${step}${least}. For ${customersOf(key, definition, desk)}.</p>
    ${figures(`Prices of ${definition.name}, version ${version}`, cellsOf(currency, desk), { rows: definition.items })}`
}

const ROUNDED = { up: 'up', nearest: 'half up', down: 'down' }
const SCOPES = { entry: 'each entry', ticket_day: 'the day of a ticket', line: 'the line of an invoice' }

/** Whose list it is, by the order in which lists are asked (P2). */
function customersOf(
  key: string,
  { organizations, contacts, default: all }: Version['definition'],
  desk: Desk,
): string {
  const groups = desk.groups.flatMap((group) =>
    group.price_lists.filter((one) => one.list === key).map(({ rank }) => `group ${group.name} (rank ${rank})`),
  )
  const names = organizations.map((one) => desk.organizations.get(one)?.name ?? one)
  return [...contacts, ...names, ...groups, ...(all ? ['every customer'] : [])].join(', ') || 'nobody yet'
}

const cellsOf = (currency: string, desk: Desk): Cell<PriceItem>[] => [
  {
    label: 'Work',
    name: 'Work',
    of: ({ work_type }) => (work_type === null ? 'Any' : (desk.work_types.get(work_type)?.name ?? work_type)),
  },
  {
    label: 'Priority',
    name: 'Priority',
    of: ({ priority }) =>
      priority === null ? 'Any' : (PRIORITY_WORDS[priority as keyof typeof PRIORITY_WORDS] ?? priority),
  },
  { label: 'An hour', name: 'An hour', number: true, of: (item) => moneyText(item.price_minor, currency, 'en') },
  { label: 'From', name: 'From', of: ({ from }) => (from ? dayText(from) : '–') },
  { label: 'To', name: 'To', of: ({ to }) => (to ? dayText(to) : '–') },
]

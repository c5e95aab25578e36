/**
 * Queues and clocks of a large desk (SLA Q2, Q3, Q5): 1,000,000 tickets with 2,000,000 clocks. Pages by due date, the
 * first and the thousandth, as the server says it ran them, and from an index in order; a sweep that finds nothing; an
 * edit of a calendar under which 100,000 clocks run, after which some of its tickets are replayed.
 */
import { randomBytes } from 'node:crypto'
import { JOBS } from '../src/cron.ts'
import { migrate, type Sql, transaction } from '../src/database.ts'
import { applyDesk } from '../src/engine/desk/apply.ts'
import { loadDesk } from '../src/engine/desk/load.ts'
import { replayTicket } from '../src/engine/sla/replay.ts'
import type { Tools } from '../src/engine/tools.ts'
import { web } from '../src/limits.ts'
import { shipped } from '../src/main/installation.ts'
import { loadTemplates } from '../src/render.ts'
import type { Keys } from '../src/tokens.ts'
import { clocksStatement, findTeams, type QueueQuery, queueStatement } from '../src/web/queues/list.ts'
import { clocksDesk, fillClocks } from './clocks-rows.ts'
import { type Figure, median } from './figures.ts'
import type { Ground } from './ground.ts'

const FEW = 10_000
const TICKETS = 1_000_000
const EDITED = 100_000 // clocks
const DEEP = 1000 // the page far down
const ROUNDS = 9
const REPLAYED = 50

const BEFORE = 'mon-fri: ["09:00-17:00"]'
const AFTER = 'mon-thu: ["08:00-12:00", "13:00-17:30"], fri: ["08:00-14:00"]'
const keys: Keys = { instance: 'bench', current: 0, byId: new Map([[0, randomBytes(32)]]) }

type Site = { sql: Sql; tools: Tools; ada: number; wide: number; project: number }

export async function measureClocks(ground: Ground, tell: (words: string) => void): Promise<Figure[]> {
  const database = 'clocks'
  await ground.makeDatabase(database)
  const sql = ground.open(database)
  try {
    await migrate(ground.target(database), shipped.migrations)
    const site = await open(sql)
    const began = new Date()
    await fillClocks(sql, site.tools.desk, { from: 1, to: FEW }, began)
    const few = await firstPages(site)
    await fillClocks(sql, site.tools.desk, { from: FEW + 1, to: TICKETS }, began)
    tell(`${TICKETS} tickets made in ${((Date.now() - began.getTime()) / 1000).toFixed(0)} s`)
    return [...(await pages(site, few, tell)), await idleSweep(site), await calendarEdit(site, tell)]
  } finally {
    await sql.end()
    await ground.dropDatabase(database)
  }
}

async function open(sql: Sql): Promise<Site> {
  const tools = await setUp(sql, BEFORE)
  const agent = (name: string) => tools.desk.agents.get(`${name}@desk.example`)!.id
  return { sql, tools, ada: agent('ada'), wide: agent('wide'), project: tools.desk.projects.get('p2')!.id }
}

async function setUp(sql: Sql, office: string): Promise<Tools> {
  await transaction(sql, (tx) => applyDesk(tx, { text: clocksDesk(office), author: 'bench' }, new Date()))
  return { desk: await loadDesk(sql), keys, templates: loadTemplates(shipped.templates) }
}

const MEASURED = ['all open', 'my team', 'mine', 'a project'] as const
type Named = (typeof MEASURED)[number] | 'my three teams' | 'unassigned' | 'waiting for the customer' | 'resolved'

function queueOf({ ada, wide, project }: Site, name: Named): QueueQuery {
  const all = { queue: 'open', agentId: ada, projectId: null, order: 'due' } as const
  switch (name) {
    case 'all open':
      return all
    case 'my team':
      return { ...all, queue: 'teams' }
    case 'my three teams':
      return { ...all, queue: 'teams', agentId: wide }
    case 'mine':
      return { ...all, queue: 'mine' }
    case 'a project':
      return { ...all, projectId: project }
    case 'unassigned':
      return { ...all, queue: 'unassigned' }
    case 'waiting for the customer':
      return { ...all, queue: 'waiting' }
    case 'resolved':
      return { ...all, queue: 'resolved' }
  }
}

/** Milliseconds, by the server's own account, of the first page of each. */
async function firstPages(site: Site): Promise<Map<Named, number>> {
  const found = new Map<Named, number>()
  for (const name of MEASURED)
    found.set(name, median((await explain(site.sql, queueOf(site, name))).map(({ ms }) => ms)))
  return found
}

async function pages(site: Site, few: Map<Named, number>, tell: (words: string) => void): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const name of MEASURED) {
    const query = queueOf(site, name)
    const at: [string, QueueQuery][] = [
      ['first page', query],
      [`${DEEP}th page`, { ...query, after: await placeBefore(site.sql, query, DEEP) }],
    ]
    for (const [page, asked] of at) {
      const runs = await explain(site.sql, asked)
      const order = orderOf(runs[0]!)
      tell(`${name}, ${page}: ${order.words}`)
      figures.push({
        what: `queue "${name}", ${page} of ${web.page}: ${order.sorted ? 'SORTED' : `in order from ${order.index}`}`,
        value: order.sorted ? Number.POSITIVE_INFINITY : Math.max(...runs.map(({ ms }) => ms)),
        unit: 'ms',
        bar: { atMost: 20 },
        all: [],
        beside: {
          [`ms "${name}", ${page}, median`]: median(runs.map(({ ms }) => ms)),
          ...(page === 'first page' && {
            [`"${name}", ${page}: of that with ${FEW} tickets`]: median(runs.map(({ ms }) => ms)) / few.get(name)!,
          }),
        },
      })
    }
  }
  for (const name of ['my three teams', 'unassigned', 'waiting for the customer', 'resolved'] as const) {
    const runs = await explain(site.sql, queueOf(site, name))
    figures.at(-1)!.beside[`ms "${name}", first page, slowest`] = Math.max(...runs.map(({ ms }) => ms))
    tell(`${name}, first page: ${orderOf(runs[0]!).words}`)
  }
  return figures
}

type Plan = { 'Node Type': string; 'Index Name'?: string; 'Relation Name'?: string; Plans?: Plan[] }
type Explained = { plans: Plan[]; ms: number }

/**
 * The page and its clocks, planning and execution of both together; the first run, which fills the caches, does not
 * count.
 */
async function explain(sql: Sql, query: QueueQuery): Promise<Explained[]> {
  const page = { ...query, teamIds: await findTeams(sql, query.agentId) }
  const ids = (await queueStatement(sql, page)).map((row) => row.id)
  const runs: Explained[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const told = [
      ...(await sql`explain (analyze, format json) ${queueStatement(sql, page)}`),
      ...(await sql`explain (analyze, format json) ${clocksStatement(sql, ids)}`),
    ].map((row) => (row['QUERY PLAN'] as { Plan: Plan; 'Planning Time': number; 'Execution Time': number }[])[0]!)
    const ms = told.reduce((all, one) => all + one['Planning Time'] + one['Execution Time'], 0)
    runs.push({ plans: told.map((one) => one.Plan), ms })
  }
  return runs.slice(1)
}

/** Whether a plan sorts, or reads all of a large table, and the index that gives it its order. */
function orderOf({ plans }: Explained): { sorted: boolean; index: string; words: string } {
  const nodes = [...plans]
  for (const node of nodes) nodes.push(...(node.Plans ?? []))
  const large = (node: Plan) => ['tickets', 'sla_clocks'].includes(node['Relation Name'] ?? '')
  const sorts = nodes.filter((node) => /Sort/.test(node['Node Type']))
  const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan' && large(node))
  const index = nodes.find((node) => node['Relation Name'] === 'tickets')?.['Index Name'] ?? 'nothing'
  const words = nodes.map((node) => node['Index Name'] ?? node['Node Type']).join(', ')
  return { sorted: sorts.length + scans.length > 0 || !index.endsWith('_due'), index, words }
}

/** The last ticket before a page, which a reader would have come to by as many clicks. */
async function placeBefore(sql: Sql, query: QueueQuery, page: number) {
  const whose = {
    open: query.projectId === null ? sql`true` : sql`project_id = ${query.projectId}`,
    mine: sql`assignee_id = ${query.agentId}`,
    teams: sql`team_id in (select team_id from team_members where agent_id = ${query.agentId})`,
  }[query.queue as 'open' | 'mine' | 'teams']
  const [row] = await sql<{ at: Date | null; id: number }[]>`
    select least(next_due_at, due_at) as at, id from tickets
    where status not in ('resolved', 'closed') and deleted_at is null and spam_at is null and ${whose}
    order by coalesce(least(next_due_at, due_at), 'infinity'::timestamptz), id offset ${(page - 1) * web.page - 1} limit 1`
  if (!row) throw new Error(`the queue has no ${page} pages`)
  return row
}

/** The job as the daemon runs it, every ten seconds of its life. */
async function idleSweep(site: Site): Promise<Figure> {
  const runs: number[] = []
  for (let round = 0; round < 30; round++) {
    const from = performance.now()
    const done = await runJob('sla_due', site)
    runs.push(performance.now() - from)
    if (Object.values(done).some((count) => count > 0)) throw new Error(`something was due: ${JSON.stringify(done)}`)
  }
  return {
    what: 'a sweep that finds nothing due',
    value: median(runs),
    unit: 'ms',
    bar: { atMost: 5 },
    all: [],
    beside: { 'ms a sweep that finds nothing, slowest': Math.max(...runs) },
  }
}

/** From the edit to the last of its clocks. */
async function calendarEdit(site: Site, tell: (words: string) => void): Promise<Figure> {
  const { sql } = site
  const old = site.tools.desk.calendars.get('office')!.id
  const under = async (id: number) => {
    const [row] = await sql`
      select count(*)::int as clocks, count(distinct due_at)::int as dues from sla_clocks
      where calendar_id = ${id} and state in ('running', 'paused')`
    return row!
  }
  const before = await under(old)
  if (before.clocks !== EDITED) throw new Error(`${before.clocks} clocks instead of ${EDITED}`)
  const from = performance.now()
  const tools = await setUp(sql, AFTER)
  await runJob('sla_edits', { ...site, tools })
  const took = (performance.now() - from) / 1000
  const fresh = tools.desk.calendars.get('office')!.id
  const left = await under(old)
  const moved = await under(fresh)
  if (left.clocks !== 0 || moved.clocks !== EDITED) throw new Error(`${left.clocks} clocks were left behind`)
  await replaySome(sql, fresh)
  tell(`${REPLAYED} of the edited tickets replayed from their events: identical`)
  return {
    what: `an edit of a calendar with ${EDITED} open clocks`,
    value: took,
    unit: 's',
    bar: { atMost: 60 },
    all: [],
    beside: { 'ms for each of its clocks': (took * 1000) / EDITED },
  }
}

async function replaySome(sql: Sql, calendarId: number): Promise<void> {
  const rows = await sql<{ ticket_id: number }[]>`
    select distinct ticket_id from sla_clocks where calendar_id = ${calendarId} order by ticket_id limit ${REPLAYED}`
  for (const { ticket_id } of rows) {
    const { differences } = await transaction(sql, (tx) => replayTicket(tx, ticket_id, new Date()))
    if (differences.length) throw new Error(`#${ticket_id} is not what its events say: ${JSON.stringify(differences)}`)
  }
}

async function runJob(name: string, { sql, tools }: Site): Promise<Record<string, number>> {
  const house = { tools: () => tools, url: 'https://desk.example', secret: Buffer.alloc(0) }
  return await JOBS.find((job) => job.name === name)!.run(sql, new Date(), house)
}

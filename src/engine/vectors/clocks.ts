/**
 * Clock vectors through the database: a desk is written as a desk file would be, a ticket is opened, what happens is told
 * by the verbs of everyday work, time by the sweep; then the rows are read as `ticket N` reads them. The transaction is
 * undone, so any desk's database will do.
 */
import { fragment, rolledBack, type Sql, type Tx, together } from '../../database.ts'
import type { Calendar } from '../business-hours.ts'
import { writeDesk } from '../desk/apply.ts'
import { withIds } from '../desk/load.ts'
import type { Desk, Policy } from '../desk.ts'
import { type Actor, system } from '../events.ts'
import type { Origin } from '../sla/account.ts'
import { listBreaches, listClocks } from '../sla/read.ts'
import { clockRows, promise } from '../sla.ts'
import type { Priority, Status } from '../tables.ts'
import { pinPolicy } from '../tickets/policy.ts'
import { createTicket, furtherComment, reserveComment, reserveTicket } from '../tickets/rows.ts'
import { settleTickets } from '../tickets/sweep.ts'
import { tell } from '../tickets/tell.ts'
import { assign, markSpam, move, prioritise, setStatus } from '../tickets.ts'
import { differenceOf, instant } from './values.ts'

type PolicySource = {
  calendar: string
  reopen: 'resume' | 'restart'
  pause_on: Policy['pause_on']
  targets: Policy['targets']
  ola: Policy['ola']
  warn_pct: number | null
}

export type ClockVector = {
  calendars: Record<string, Calendar>
  policies: Record<string, PolicySource>
  teams: Record<string, { calendar: string | null }>
  events: VectorEvent[]
  as_of: string
  expect: Record<string, unknown>
}

type VectorEvent = { at: string } & (
  | {
      type: 'created'
      origin: Origin
      priority: Priority
      policy: string | null
      team: string | null
      assignee: string | null
      status: Status
    }
  | { type: 'agent_reply'; public: boolean; automated: boolean; agent: string }
  | { type: 'customer_reply'; automated: boolean }
  | { type: 'status'; to: Status }
  | { type: 'priority'; to: Priority }
  | { type: 'team' | 'assign' | 'policy'; to: string | null }
  | { type: 'policy_edit'; id: string; def: PolicySource; apply_to_open: boolean }
  | { type: 'calendar'; id: string; def: Calendar }
  | { type: 'merged_in'; open_response: { started_at: string; elapsed_s: number } | null }
  | { type: 'merged_away' | 'spam' }
)

/** What is wrong with the rows at the end, null when they are the expected ones. */
export async function runClocks(sql: Sql, vector: ClockVector): Promise<string | null> {
  return await rolledBack(sql, async (tx) => {
    const scene = await setScene(tx, vector)
    for (const event of vector.events) await happen(scene, event)
    return differenceOf(await outcome(scene, new Date(instant(vector.as_of) * 1000)), vector.expect)
  })
}

/** A vector's world; `desk` is replaced by edits. */
type Scene = { tx: Tx; desk: Desk; ticketId: number | null }

const ACTOR: Actor = system('vectors')
/** So that a vector's names are nobody's on the desk whose database it is. */
const PREFIX = 'vector-'
const NOBODY = '.vector.invalid'
const named = <T extends string | null>(name: T): T => (name === null ? name : (`${PREFIX}${name}` as T))
const bare = (name: string | null): string | null =>
  name === null ? null : name.replace(PREFIX, '').replace(new RegExp(`@.*\\${NOBODY}$`), '')

async function setScene(tx: Tx, vector: ClockVector): Promise<Scene> {
  const agents = new Set(
    vector.events.flatMap((event) => [
      ...('agent' in event ? [event.agent] : []),
      ...('assignee' in event && event.assignee !== null ? [event.assignee] : []),
      ...(event.type === 'assign' && event.to !== null ? [event.to] : []),
    ]),
  )
  const desk: Desk = {
    ...EMPTY,
    agents: byKey(
      [...agents].map((name) => ({ key: addressOf(name), id: 0, address: addressOf(name), name, ...PLAIN_AGENT })),
    ),
    teams: byKey(
      Object.entries(vector.teams).map(([key, { calendar }]) => ({
        id: 0,
        key: named(key),
        name: key,
        members: [],
        lead: null,
        calendar: named(calendar),
      })),
    ),
    // a ticket changes its team by moving to another project
    projects: byKey(
      [null, ...Object.keys(vector.teams)].map((team) => ({
        ...PLAIN_PROJECT,
        key: projectOf(team),
        team: named(team),
      })),
    ),
    calendars: byKey(Object.entries(vector.calendars).map(([key, calendar]) => calendarOf(key, calendar))),
    policies: byKey(Object.entries(vector.policies).map(([key, source]) => policyOf(key, source, 'open'))),
  }
  const scene: Scene = { tx, desk, ticketId: null }
  await write(scene, desk, new Date(instant(vector.events[0]!.at) * 1000))
  return scene
}

/** As a new version of the desk file does; the ticket takes it up as the job after it would. */
async function write(scene: Scene, desk: Desk, at: Date): Promise<void> {
  await writeDesk(scene.tx, desk, at)
  scene.desk = await withIds(scene.tx, desk)
  if (scene.ticketId !== null) await settleTickets(scene.tx, [scene.ticketId], at)
}

async function happen(scene: Scene, event: VectorEvent): Promise<void> {
  const { tx, desk } = scene
  const at = new Date(instant(event.at) * 1000)
  if (event.type === 'created') return await open(scene, event, at)
  const ticketId = scene.ticketId!
  const change = { ticketId, actor: ACTOR, tools: { desk } }
  switch (event.type) {
    case 'agent_reply':
      return await agentReply(scene, event, at)
    case 'customer_reply':
      return await customerReply(scene, event.automated, at)
    case 'status':
      await setStatus(tx, { ticketId, status: event.to, actor: ACTOR }, at)
      return
    case 'priority':
      return await prioritise(tx, { ...change, priority: event.to }, at)
    case 'team':
      return await move(tx, { ...change, projectId: desk.projects.get(projectOf(event.to))!.id }, at)
    case 'assign':
      return await assign(tx, { ticketId, agentId: agentId(desk, event.to), actor: ACTOR }, at)
    case 'policy':
      return await pinPolicy(tx, { ...change, policy: named(event.to), reason: 'the vector says so' }, at)
    case 'policy_edit': {
      const policy = policyOf(event.id, event.def, event.apply_to_open ? 'open' : 'new')
      return await write(scene, { ...desk, policies: new Map(desk.policies).set(policy.key, policy) }, at)
    }
    case 'calendar': {
      const calendar = calendarOf(event.id, event.def)
      return await write(scene, { ...desk, calendars: new Map(desk.calendars).set(calendar.key, calendar) }, at)
    }
    case 'merged_in': {
      const events = [{ type: 'merged_from', data: { from: null, open_response: event.open_response } }]
      await tell(tx, { ticketId, actor: ACTOR, events }, at)
      return
    }
    case 'merged_away':
      await tell(tx, { ticketId, actor: ACTOR, events: [{ type: 'merged_into', data: { into: null } }] }, at)
      return
    case 'spam':
      await markSpam(tx, { ticketId, actor: ACTOR }, at)
      return
    default:
      throw new TypeError(`unknown event ${JSON.stringify(event satisfies never)}`)
  }
}

async function open(scene: Scene, event: Extract<VectorEvent, { type: 'created' }>, at: Date): Promise<void> {
  const { tx, desk } = scene
  const policy = (event.policy !== null && desk.policies.get(named(event.policy))) || null
  const calendar = policy && desk.calendars.get(policy.calendar!)!
  const { status, priority, origin } = event
  const beginning = {
    status,
    priority,
    origin,
    team: named(event.team),
    assignee: event.assignee && addressOf(event.assignee),
  }
  const sla = promise(desk, { policy, calendar, source: 'rule', why: 'the vector says so' }, beginning, at)
  const { ticketId } = await reserveTicket(tx)
  const ticket = {
    ...PLAIN_TICKET,
    id: ticketId,
    status,
    priority,
    projectId: desk.projects.get(projectOf(event.team))!.id,
    teamId: (event.team !== null && desk.teams.get(named(event.team))?.id) || null,
    assigneeId: agentId(desk, event.assignee),
    sla,
  }
  await createTicket(tx, ticket, { actor: ACTOR, why: 'the vector says so' }, at)
  await clockRows(tx, ticketId, sla)
  scene.ticketId = ticketId
}

/** An answer as it is told when its undo window has ended. */
async function agentReply(
  { tx, desk, ticketId }: Scene,
  event: Extract<VectorEvent, { type: 'agent_reply' }>,
  at: Date,
): Promise<void> {
  const counts = event.public && !event.automated
  const agent = agentId(desk, event.agent)
  const events = [
    counts
      ? { type: 'answered', data: { comment: null, agent } }
      : { type: event.public ? 'automatic_answer' : 'note', data: { comment: null } },
  ]
  await tell(tx, { ticketId: ticketId!, actor: ACTOR, events }, at)
}

async function customerReply({ tx, ticketId }: Scene, automated: boolean, at: Date): Promise<void> {
  const comment = { ...PLAIN_COMMENT, id: await reserveComment(tx), ticketId: ticketId!, automatic: automated }
  const input = { comment, counts: !automated, actor: ACTOR, status: null, answerTo: null, why: 'the vector says so' }
  const [first, ...others] = await furtherComment(tx, input, at)
  await together(tx, [tx`${fragment(first!)} returning id`, ...others])
}

async function outcome({ tx, ticketId }: Scene, asOf: Date): Promise<unknown> {
  const id = ticketId!
  await settleTickets(tx, [id], asOf)
  const [ticket] = await tx<{ next_due_at: Date | null; ola_due_at: Date | null }[]>`
    select next_due_at, ola_due_at from tickets where id = ${id}`
  const [clocks, breaches] = [await listClocks(tx, id, asOf), await listBreaches(tx, id)]
  return {
    clocks: clocks.map((one) => ({ ...one, team: bare(one.team), breach_assignee: bare(one.breach_assignee) })),
    next_due_at: iso(ticket!.next_due_at),
    ola_due_at: iso(ticket!.ola_due_at),
    breaches: breaches.map((one) => ({
      ...one,
      team: bare(one.team),
      ticket_team: bare(one.ticket_team),
      assignee: bare(one.assignee),
    })),
  }
}

const iso = (at: Date | null): string | null => at?.toISOString().replace('.000Z', 'Z') ?? null

const byKey = <T extends { key: string }>(list: T[]) => new Map(list.map((one) => [one.key, one]))
const addressOf = (agent: string): string => `${agent}@agents${NOBODY}`
const projectOf = (team: string | null): string => named(team ?? 'no-team')
const agentId = (desk: Desk, agent: string | null): number | null =>
  (agent !== null && desk.agents.get(addressOf(agent))?.id) || null

const calendarOf = (key: string, calendar: Calendar) => ({ id: 0, key: named(key), version: 0, calendar, files: [] })

function policyOf(key: string, source: PolicySource, apply: Policy['apply']): Policy {
  const { calendar, reopen, pause_on, targets, ola, warn_pct } = source
  return {
    id: 0,
    key: named(key),
    version: 0,
    calendar: named(calendar),
    reopen,
    pause_on,
    targets,
    ola: Object.fromEntries(Object.entries(ola).map(([team, of]) => [named(team), of])),
    reminders: warn_pct === null ? [] : [{ key: 'warn', metric: null, percent: warn_pct }],
    apply,
  }
}

const PLAIN_AGENT = { admin: false, locale: null, zone: null, calendar: null, quiet: [], notify: {}, receipts: null }
const PLAIN_PROJECT = {
  id: 0,
  organization: null,
  policy: null,
  billable: true,
  after_answer: 'waiting_customer',
} as const
const EMPTY: Desk = {
  version: 0,
  inboxes: [],
  agents: new Map(),
  teams: new Map(),
  organizations: new Map(),
  groups: [],
  projects: new Map(),
  calendars: new Map(),
  policies: new Map(),
  products: new Map(),
  fields: new Map(),
  work_types: new Map(),
  price_lists: new Map(),
  macros: new Map(),
  aliases: new Map(),
  rules: [],
  sla: [],
  settings: {
    subject_prefix: '',
    separators: '+',
    own_lists: [],
    form_senders: [],
    thanks: 'keep',
    correlations: [],
    public_domains: new Set(),
    types: ['question'],
    priorities: ['low', 'normal', 'high', 'urgent'],
    policy: null,
    calendar: null,
    sla_override: [],
    undo_seconds: 0,
    notify_seconds: 60,
    receipts: 'all',
    stray_commands: 'warn',
    time: { overlap: 'warn', midnight: 'one', approvers: [], own: 'refuse' },
    billing: { name: '', address: '', tax_id: '', terms: '', prefix: '', currency: 'EUR', tax_bp: 0 },
  },
}
const PLAIN_TICKET = {
  subject: 'Vector',
  baseSubject: 'Vector',
  type: 'question',
  tags: [],
  automatic: false,
  inboxId: null,
  organizationId: null,
  requester: { contactId: null, address: null, name: '' },
  locale: 'en',
  zone: 'UTC',
  ackPromise: null,
}
const PLAIN_COMMENT = {
  author: { role: 'contact', name: '', address: null },
  visibility: 'public',
  channel: 'mail',
  text: 'Vector',
  visible: 'Vector',
} as const

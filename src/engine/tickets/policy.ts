/**
 * Which policy a ticket is under, after its first day (SLA S3, S4): chosen anew whenever something changes that the
 * choice rests on, until a person pins one.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Desk } from '../desk.ts'
import type { Actor, Event } from '../events.ts'
import { groupsOf } from '../people.ts'
import type { RuleFacts } from '../rules.ts'
import { calendarOf, type Selection, selectPolicy } from '../sla.ts'
import type { Priority, Status } from '../tables.ts'
import type { Tools } from '../tools.ts'
import { tell } from './tell.ts'

type Change = { ticketId: number; actor: Actor; tools: Pick<Tools, 'desk'> }

/**
 * Does what changes a ticket that the choice rests on; where the desk chooses otherwise after it than before it, that is
 * one event `policy` (K10). What did not move the choice leaves the policy alone, whatever chose it once.
 */
export async function reselecting(
  tx: Tx,
  { ticketId, actor, tools }: Change,
  now: Date,
  change: () => Promise<unknown>,
): Promise<void> {
  const before = selectFor(await findTicket(tx, ticketId), tools, now)
  await change()
  const ticket = await findTicket(tx, ticketId)
  if (ticket.policy_source === 'manual') return
  const selection = selectFor(ticket, tools, now)
  const moved = before.policy?.key !== selection.policy?.key || before.calendar?.key !== selection.calendar?.key
  if (moved && !isSame(ticket, selection))
    await tell(tx, { ticketId, actor, events: [policyEvent(ticket, selection)] }, now)
}

/**
 * A person chooses the policy, or none; it stays until they let it be chosen again.
 * @throws Refusal `may_not_override`, `unknown_policy`, `no_reason`
 */
export async function pinPolicy(
  tx: Tx,
  input: Change & { policy: string | null; reason: string },
  now: Date,
): Promise<void> {
  const { desk } = input.tools
  requireOverride(desk, input.actor)
  const ticket = await findTicket(tx, input.ticketId)
  const policy = input.policy === null ? null : desk.policies.get(input.policy)
  if (policy === undefined) throw new Refusal('unknown_policy', 'There is no such policy in the desk.')
  const organization = organizationOf(ticket, input.tools)
  const calendar = policy && calendarOf(desk, policy, organization)
  const selection: Selection = { policy, calendar, source: 'manual', why: requireReason(input.reason) }
  await tell(tx, { ticketId: ticket.id, actor: input.actor, events: [policyEvent(ticket, selection)] }, now)
}

/**
 * The choice is left to the desk again.
 * @throws Refusal `may_not_override`, `not_pinned`, `no_reason`
 */
export async function unpinPolicy(tx: Tx, input: Change & { reason: string }, now: Date): Promise<void> {
  requireOverride(input.tools.desk, input.actor)
  const ticket = await findTicket(tx, input.ticketId)
  if (ticket.policy_source !== 'manual') throw new Refusal('not_pinned', 'Nobody has chosen the policy of this ticket.')
  const why = requireReason(input.reason)
  const event = { ...policyEvent(ticket, selectFor(ticket, input.tools, now)), why }
  await tell(tx, { ticketId: ticket.id, actor: input.actor, events: [event] }, now)
}

/** Whether an agent may choose the policy of a ticket: admins, and whom the desk names (S4, `sla.override`). */
export const mayOverride = (desk: Desk, agent: { address: string; admin: boolean }): boolean =>
  agent.admin || desk.settings.sla_override.includes(agent.address)

/** For a ticket that is made out of another one: what a person pinned there stays, else its own words choose. */
export async function selectForPart(
  tx: Tx,
  part: { ticketId: number; subject: string; body: string; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<Selection> {
  const { desk } = part.tools
  const ticket = { ...(await findTicket(tx, part.ticketId)), subject: part.subject, body: part.body }
  if (ticket.policy_source !== 'manual') return selectFor(ticket, part.tools, now)
  const policy = (ticket.policy !== null && desk.policies.get(ticket.policy)) || null
  const calendar = policy && calendarOf(desk, policy, organizationOf(ticket, part.tools))
  return { policy, calendar, source: 'manual', why: `as in ticket #${ticket.id}` }
}

type Row = {
  id: number
  subject: string
  status: Status
  priority: Priority
  unassessed: boolean
  type: string
  product: string | null
  tags: string[]
  automatic: boolean
  locale: string
  policy_source: string | null
  policy: string | null
  calendar: string | null
  project: string
  organization: string | null
  inbox: string | null
  requester_address: string | null
  requester_name: string
  body: string | null
}

async function findTicket(tx: Tx, ticketId: number): Promise<Row> {
  const [row] = await tx<Row[]>`
    select t.id, t.subject, t.status, t.priority, t.assessed_at is null as unassessed, t.type, t.product, t.tags, t.automatic, t.locale, t.policy_source,
      s.key as policy, c.key as calendar, p.key as project, o.key as organization, i.key as inbox, t.requester_address,
      t.requester_name, (select text from comments where ticket_id = t.id order by id limit 1) as body
    from tickets t join projects p on p.id = t.project_id
    left join organizations o on o.id = t.organization_id left join inboxes i on i.id = t.inbox_id
    left join sla_policies s on s.id = t.policy_id left join calendars c on c.id = t.calendar_id
    where t.id = ${ticketId} and t.deleted_at is null and t.merged_into is null for update of t`
  if (!row) throw new Refusal('unknown_ticket', `There is no ticket #${ticketId}.`)
  return row
}

function selectFor(ticket: Row, { desk }: Pick<Tools, 'desk'>, now: Date): Selection {
  const organization = organizationOf(ticket, { desk })
  const inbox = desk.inboxes.find((one) => one.key === ticket.inbox)
  const requester = ticket.requester_address
  const groups = groupsOf(desk, organization, requester).map((group) => group.key)
  return selectPolicy(
    desk,
    {
      facts: factsOf(ticket, { groups, recipient: inbox?.address ?? null }),
      organization,
      requester,
      inboxPolicy: inbox?.policy ?? null,
      project: desk.projects.get(ticket.project) ?? null,
      automatic: ticket.automatic,
    },
    now,
  )
}

/** What rules see of a ticket: what its first mail's header said besides is no longer looked at. */
const factsOf = (ticket: Row, given: { groups: string[]; recipient: string | null }): RuleFacts => ({
  from_address: ticket.requester_address?.toLowerCase() ?? '',
  from_name: ticket.requester_name,
  recipients: given.recipient === null ? [] : [given.recipient],
  inboxes: ticket.inbox === null ? [] : [ticket.inbox],
  subject: ticket.subject,
  body: ticket.body ?? '',
  headers: [],
  has_attachment: false,
  size: 0,
  language: ticket.locale,
  organization: ticket.organization,
  groups: given.groups,
  project: ticket.project,
  type: ticket.type,
  product: ticket.product,
  priority: ticket.priority,
  unassessed: ticket.unassessed,
  status: ticket.status,
  tags: ticket.tags,
  kind: ticket.automatic ? 'autogen' : 'human',
})

const organizationOf = (ticket: Row, { desk }: Pick<Tools, 'desk'>) =>
  (ticket.organization !== null && desk.organizations.get(ticket.organization)) || null

const isSame = (ticket: Row, { policy, calendar }: Selection): boolean =>
  ticket.policy === (policy?.key ?? null) && ticket.calendar === ((policy && calendar?.key) ?? null)

const policyEvent = (ticket: Row, { policy, calendar, source, why }: Selection): Event => ({
  type: 'policy',
  data: {
    from: ticket.policy,
    to: policy?.key ?? null,
    policy_id: (policy && calendar && policy.id) ?? null,
    calendar_id: (policy && calendar?.id) ?? null,
    source,
  },
  why,
})

/** The desk's own parts may; customers never. */
function requireOverride(desk: Desk, actor: Actor): void {
  if (actor.kind === 'system') return
  const agent = actor.kind === 'agent' && [...desk.agents.values()].find((one) => one.id === actor.id)
  if (agent && mayOverride(desk, agent)) return
  throw new Refusal('may_not_override', 'The policy of a ticket is chosen by admins, and by whom the desk names.')
}

function requireReason(reason: string): string {
  const words = reason.trim()
  if (!words) throw new Refusal('no_reason', 'Say why: the reason stands in the history of the ticket.')
  return words.slice(0, 1000)
}

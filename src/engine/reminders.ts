/**
 * What reminders do (SLA 10): the sweep of whatever is due, and the actions of what fired, through the verbs that people
 * use, by the actor "system", at the second in which it fired. Exactly once, because the firing's row says so in the same
 * transaction. What changes a ticket is done before time goes on in it, so a late sweep writes the same record.
 */
import type { Tx } from '../database.ts'
import { Refusal } from '../errors.ts'
import { reminders as limits } from '../limits.ts'
import type { Inbox } from './desk.ts'
import { system } from './events.ts'
import { raiseNotice } from './notices.ts'
import { loadChoices } from './notify/choices.ts'
import { addToDigests } from './notify/digest-news.ts'
import { queueNotice } from './reminders/notice.ts'
import { type Reader, readersOf } from './reminders/readers.ts'
import type { ReminderAction } from './rules/actions.ts'
import { baseOf } from './sla/account.ts'
import { isDue } from './sla/find-due.ts'
import { findWaiting, lockWaiting, markActed, type Waiting } from './sla/fired.ts'
import { CHANGES } from './sla/terms.ts'
import { PRIORITIES, type Priority, type Status } from './tables.ts'
import { handOver } from './tickets/hand-over.ts'
import { settleTickets, sweepDue } from './tickets/sweep.ts'
import { assign, note, prioritise, setStatus, tag } from './tickets.ts'
import type { Tools } from './tools.ts'
import { type NewCall, queueCall } from './webhooks.ts'

/** `url` is where the web view is. */
export type Reminding = { tools: Tools; url: string }

/** `dropped`: reminders whose notices came too late to be sent (E4). */
export type Swept = { settled: number; more: boolean; reminders: number; notices: number; dropped: number }

/**
 * One batch of tickets that something is due for, settled to `now`, with what their reminders do. Any number of daemons
 * may do this at once: a ticket that another one holds is passed over.
 */
export async function remindDue(tx: Tx, reminding: Reminding, now: Date): Promise<Swept> {
  const batch = await sweepDue(tx, now)
  const done = await remind(tx, batch.mine, reminding, now)
  return { settled: batch.settled, more: batch.more || done.reminders > 0, ...done }
}

/**
 * What is due in a ticket until `now`, and what its reminders do, before a person changes it: then the record is the one
 * of a sweep in time, however late that is (K9, E2). Ends before anybody reads what the ticket is.
 */
export async function catchUp(
  tx: Tx,
  { ticketId, ...reminding }: Reminding & { ticketId: number },
  now: Date,
): Promise<void> {
  if (!(await isDue(tx, ticketId, now))) return
  await tx`select from tickets where id = ${ticketId} for update`
  await settleTickets(tx, [ticketId], now)
  await remind(tx, [ticketId], reminding, now)
}

type Done = { reminders: number; notices: number; dropped: number }

/** Whatever waits in these tickets acts, and what it leads to is settled, until nothing waits. */
async function remind(tx: Tx, ticketIds: number[], reminding: Reminding, now: Date): Promise<Done> {
  const done = { reminders: 0, notices: 0, dropped: 0 }
  const chains = new Map<number, Chain>()
  for (;;) {
    const standing = await lockWaiting(tx, ticketIds)
    if (standing.length === 0) return done
    for (let one = await findWaiting(tx, standing); one; one = await findWaiting(tx, standing)) {
      const { notices, dropped } = await act(tx, { reminder: one, chains, ...reminding }, now)
      done.reminders++
      done.notices += notices
      if (dropped) done.dropped++
    }
    await settleTickets(tx, standing, now)
  }
}

/** How many reminders have changed a ticket in one second of it. */
type Chain = { at: number; changes: number }

type Acting = Reminding & { reminder: Waiting; chains: Map<number, Chain> }

async function act(
  tx: Tx,
  { reminder, chains, tools, url }: Acting,
  now: Date,
): Promise<{ notices: number; dropped: boolean }> {
  const may = isOwed(await findTicket(tx, reminder.ticketId, tools), reminder)
  const actions = may ? reminder.actions.filter((one) => mayChange(reminder, one) || !CHANGES.has(one.do)) : []
  const changes = actions.some((one) => CHANGES.has(one.do)) && goesOn(chains, reminder)
  const readers = new Map<string, Reader>()
  const calls = new Set<string>()
  for (const action of actions) {
    if (action.do === 'webhook') calls.add(action.value)
    else if (action.do === 'notify') {
      const ticket = await findTicket(tx, reminder.ticketId, tools)
      for (const reader of await readersOf(tx, { notify: action.value, ticket, tools }))
        readers.set(reader.address, reader)
    } else if (changes || !CHANGES.has(action.do)) await change(tx, { reminder, action, tools }, now)
  }
  const dropped = readers.size + calls.size > 0 && now.getTime() - reminder.firedAt.getTime() > limits.tooOld
  const told = dropped ? [] : await whoWantsIt(tx, { readers: [...readers.values()], ticketId: reminder.ticketId }, now)
  const ticket = await findTicket(tx, reminder.ticketId, tools)
  for (const reader of told) await queueNotice(tx, { reminder, reader, ticket, tools, url }, now)
  if (!dropped) for (const to of calls) await queueCall(tx, callOf({ reminder, ticket, url, to }, now), now)
  await markActed(tx, reminder, { dropped }, now)
  return { notices: told.length, dropped }
}

/** Agents who chose so hear of it in their digest, or not at all. */
async function whoWantsIt(
  tx: Tx,
  { readers, ticketId }: { readers: Reader[]; ticketId: number },
  now: Date,
): Promise<Reader[]> {
  if (readers.length === 0) return []
  const choices = await loadChoices(tx)
  const wayOf = ({ agent }: Reader) => (agent ? choices(agent).warning : 'instant')
  const later = readers.flatMap((one) => (one.agent && wayOf(one) === 'digest' ? one.agent.id : []))
  await addToDigests(
    tx,
    later.map((agentId) => ({ agentId, ticketId, topic: 'warning' })),
    now,
  )
  return readers.filter((one) => wayOf(one) === 'instant')
}

/** What another system is told (E3): the facts of the notice as data, and one key for all tries of it. */
function callOf(
  { reminder, ticket, url, to }: { reminder: Waiting; ticket: Ticket; url: string; to: string },
  now: Date,
): NewCall {
  const { ticketId, metric, generation, firedAt, due, breached } = reminder
  return {
    ticketId,
    url: to,
    key: `${reminder.clockId}/${reminder.reminder}/${generation}`,
    body: {
      event: 'reminder',
      reminder: reminder.reminder,
      policy: reminder.policy,
      metric,
      fired_at: firedAt.toISOString(),
      due_at: due?.toISOString() ?? null,
      breached,
      left_s: reminder.left(now),
      ticket: ticketId,
      subject: ticket.subject,
      status: ticket.status,
      priority: ticket.priority,
      team: ticket.team,
      assignee: ticket.assignee,
      customer: ticket.customer,
      url: new URL(`/tickets/${ticketId}`, url).href,
    },
  }
}

/** A clock that has stopped meanwhile, or a ticket that is done or gone, owes nobody anything. */
const isOwed = (ticket: Ticket, { state }: Waiting): boolean =>
  !ticket.ended &&
  ticket.status !== 'resolved' &&
  ticket.status !== 'closed' &&
  (state === 'running' || state === 'paused')

/** E2: each reminder of a clock changes the ticket once. */
const mayChange = ({ again }: Waiting, action: ReminderAction): boolean => !(again && CHANGES.has(action.do))

/** E2: what changes a ticket again and again within a second is a circle, and ends. */
function goesOn(chains: Map<number, Chain>, { ticketId, at }: Waiting): boolean {
  const chain = chains.get(ticketId)
  const changes = chain?.at === at.getTime() ? chain.changes + 1 : 1
  chains.set(ticketId, { at: at.getTime(), changes })
  return changes <= limits.changes
}

/** What cannot be done, because the desk has changed since, is told to the admins and stops nothing. */
async function change(
  tx: Tx,
  { reminder, action, tools }: { reminder: Waiting; action: ReminderAction; tools: Tools },
  now: Date,
): Promise<void> {
  try {
    await carryOut(tx, { reminder, action, tools })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const subject = `${reminder.policy}/${baseOf(reminder.reminder)}`
    const words = `Reminder ${subject} could not do what it is to do (${action.do}) in ticket #${reminder.ticketId}: ${error.message}`
    await raiseNotice(tx, { kind: 'reminder_failed', subject, words }, now)
  }
}

async function carryOut(
  tx: Tx,
  { reminder, action, tools }: { reminder: Waiting; action: ReminderAction; tools: Tools },
): Promise<void> {
  const { ticketId, at } = reminder
  const common = { ticketId, actor: system('sla'), tools }
  switch (action.do) {
    case 'priority': {
      const { priority } = await findTicket(tx, ticketId, tools)
      // raised, never lowered (E1)
      if (PRIORITIES.indexOf(action.value as Priority) > PRIORITIES.indexOf(priority))
        await prioritise(tx, { ...common, priority: action.value }, at)
      break
    }
    case 'team': {
      const team = tools.desk.teams.get(action.value)
      if (!team) throw new Refusal('unknown_team', `The desk has no team "${action.value}" any more.`)
      await handOver(tx, { ...common, team }, at)
      break
    }
    case 'assignee': {
      const agent = tools.desk.agents.get(action.value)
      if (!agent) throw new Refusal('unknown_agent', `The desk has no agent ${action.value} any more.`)
      await assign(tx, { ...common, agentId: agent.id }, at)
      break
    }
    case 'status':
      await setStatus(tx, { ...common, status: action.value, why: `reminder ${reminder.reminder}` }, at)
      break
    case 'tags':
      await tag(tx, { ...common, add: [...action.value] }, at)
      break
    case 'note':
      await note(tx, { ticketId, agent: null, text: action.value, channel: 'system' }, at)
      break
  }
}

type Ticket = {
  id: number
  subject: string
  status: Status
  priority: Priority
  team: string | null
  assignee: string | null
  requester: string | null
  customer: string
  generation: number
  ended: boolean
  inbox: Inbox
}

async function findTicket(tx: Tx, ticketId: number, { desk }: Tools): Promise<Ticket> {
  const [row] = await tx<(Omit<Ticket, 'inbox' | 'customer'> & { name: string; inbox_id: number | null })[]>`
    select t.id, t.subject, t.status, t.priority, team.key as team, a.address as assignee, t.inbox_id,
      t.requester_address as requester, t.requester_name as name, t.token_generation as generation,
      (t.merged_into is not null or t.spam_at is not null or t.deleted_at is not null) as ended
    from tickets t left join teams team on team.id = t.team_id left join agents a on a.id = t.assignee_id
    where t.id = ${ticketId}`
  const { name, inbox_id, ...ticket } = row!
  const inbox = desk.inboxes.find((one) => one.id === inbox_id) ?? desk.inboxes[0]!
  return { ...ticket, inbox, customer: name || ticket.requester || '–' }
}

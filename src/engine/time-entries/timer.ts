/**
 * The timer: at most one runs for an agent, starting another stops it, and one that was forgotten stops itself (SLA T2).
 * Its time is absolute, whatever clocks do meanwhile (T1); SLA clocks never notice (T9).
 */
import { type Sql, type Tx, transaction } from '../../database.ts'
import { localDate } from '../../days.ts'
import { Refusal } from '../../errors.ts'
import { timesheets as limits } from '../../limits.ts'
import { after, floored } from '../../time.ts'
import type { Desk } from '../desk.ts'
import { type Actor, system } from '../events.ts'
import type { Tools } from '../tools.ts'
import { findConflicts, type Warning } from './conflicts.ts'
import { type DetailColumns, type Details, detailColumns } from './details.ts'
import { type Part, splitAtMidnight, wholePart } from './local.ts'
import { requireOpenPeriod } from './period.ts'
import { type Place, placeOf } from './place.ts'
import { actorOf, type EntryRow, holdAgent, holdTickets, tellEntry, type Worker, workTypeId } from './rows.ts'

/** Entries that a stop left, one or, split at midnight, more; and what the agent should look at. */
export type Stopped = { entryIds: number[]; warnings: Warning[] }

/**
 * Starts the timer on a ticket or project; one that runs elsewhere is stopped in the same transaction. On the place
 * where it runs already nothing changes.
 * @throws Refusal `unknown_ticket`, `merged_ticket`, `unknown_project`, and those of `detailColumns`
 */
export async function startTimer(
  tx: Tx,
  input: { agent: Worker; place: Place; details?: Details; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<{ entryId: number; stopped: Stopped | null }> {
  const { agent, tools } = input
  const columns = detailColumns(input.details ?? {}, tools.desk)
  const running = await holdRunning(tx, agent.id, input.place.ticketId ?? null)
  const place = await placeOf(tx, input.place, tools.desk)
  if (running && running.ticket_id === place.ticketId && running.project_id === place.projectId)
    return { entryId: running.id, stopped: null }
  const today = localDate(now, agent.zone)
  await requireOpenPeriod(tx, { ticketId: place.ticketId, projectId: place.projectId, dates: [today] })
  const stopped = running && (await stop(tx, { running, actor: actorOf(agent), desk: tools.desk }, now))
  const [row] = await tx<{ id: number }[]>`
    insert into time_entries ${tx({
      ticket_id: place.ticketId,
      project_id: place.projectId,
      agent_id: agent.id,
      source: 'timer',
      started_at: floored(now),
      local_date: today,
      tz: agent.zone,
      priority: place.priority,
      billable: place.billable,
      work_type_id: workTypeId(tools.desk, undefined),
      ...columns,
      status: 'running',
      created_at: now,
      updated_at: now,
    })} returning id`
  const events = [{ type: 'timer_started', data: { entry: row!.id } }]
  await tellEntry(tx, { ticketId: place.ticketId, actor: actorOf(agent), events }, now)
  return { entryId: row!.id, stopped }
}

/**
 * Stops the agent's timer: a draft is left, to be looked at and submitted.
 * @throws Refusal `no_timer`, and those of `detailColumns`
 */
export async function stopTimer(
  tx: Tx,
  input: { agent: Worker; details?: Details; tools: Pick<Tools, 'desk'> },
  now: Date,
): Promise<Stopped> {
  const { agent, tools } = input
  const columns = detailColumns(input.details ?? {}, tools.desk)
  const running = await holdRunning(tx, agent.id, null)
  if (!running) throw new Refusal('no_timer', 'No timer of yours is running.')
  return await stop(tx, { running, columns, actor: actorOf(agent), desk: tools.desk }, now)
}

/** Stops what has run for 12 hours, at 12 hours, however late this comes (T2). To be called every few minutes. */
export async function stopForgotten(sql: Sql, desk: Desk, now: Date): Promise<{ stopped: number }> {
  const rows = await sql<{ agent_id: number }[]>`
    select agent_id from time_entries where status = 'running' and started_at <= ${after(now, -limits.timer)}
    order by started_at limit 1000`
  let stopped = 0
  for (const { agent_id } of rows)
    await transaction(sql, async (tx) => {
      const running = await holdRunning(tx, agent_id, null)
      if (!running || running.started_at! > after(now, -limits.timer)) return
      await stop(tx, { running, actor: system('cron'), desk }, now)
      stopped++
    })
  return { stopped }
}

const findRunning = async (tx: Tx, agentId: number): Promise<EntryRow | null> =>
  (await tx<EntryRow[]>`select * from time_entries where agent_id = ${agentId} and status = 'running'`)[0] ?? null

/** Another start came between: what is held is not what is wanted. */
const MOVED = new Error('the timer was started elsewhere meanwhile')

/**
 * The agent's running entry, held with its ticket and with the one that the timer goes to, tickets before the agent. Where
 * it was started elsewhere while we waited all is let go and asked for anew: whoever holds its ticket may wait for the agent.
 */
async function holdRunning(tx: Tx, agentId: number, ticketId: number | null): Promise<EntryRow | null> {
  for (;;) {
    const seen = await findRunning(tx, agentId)
    try {
      return await tx.savepoint(async (inner) => {
        await holdTickets(inner, [ticketId, seen?.ticket_id ?? null])
        await holdAgent(inner, agentId)
        const running = await findRunning(inner, agentId)
        if (running && running.ticket_id !== (seen?.ticket_id ?? null)) throw MOVED
        return running
      })
    } catch (error) {
      if (error !== MOVED) throw error
    }
  }
}

type Stopping = { running: EntryRow; columns?: DetailColumns; actor: Actor; desk: Desk }

async function stop(tx: Tx, { running, columns = {}, actor, desk }: Stopping, now: Date): Promise<Stopped> {
  const startedAt = running.started_at!
  const latest = after(startedAt, limits.timer)
  const forgotten = now >= latest
  const endedAt = forgotten ? latest : now < startedAt ? startedAt : floored(now)
  const parts =
    desk.settings.time.midnight === 'split'
      ? splitAtMidnight(startedAt, endedAt, running.tz)
      : [wholePart(startedAt, endedAt, running.tz)]
  const checked = { agentId: running.agent_id, except: [running.id], parts, tz: running.tz }
  const conflicts = await findConflicts(tx, checked, now)
  const { overlap } = desk.settings.time
  const wrong = conflicts.some((one) => one.code === 'day_too_long' || overlap === 'reject')
  const review_at = forgotten || wrong ? now : null
  const entryIds = await writeParts(tx, { running, parts, columns, review_at }, now)
  const events = entryIds.map((entry, n) => ({
    type: 'timer_stopped',
    data: { entry, seconds: parts[n]!.raw_s, ...(review_at && { review: true }) },
    why: forgotten ? 'it ran for 12 hours' : null,
  }))
  await tellEntry(tx, { ticketId: running.ticket_id, actor, events }, now)
  return { entryIds, warnings: conflicts.filter((one) => one.code !== 'overlap' || overlap !== 'allow') }
}

type Written = { running: EntryRow; parts: Part[]; columns: DetailColumns; review_at: Date | null }

/** The first part is the running entry itself; what it says about the ticket stands with the last. */
async function writeParts(tx: Tx, { running, parts, columns, review_at }: Written, now: Date): Promise<number[]> {
  const ids: number[] = []
  const details: DetailColumns = {
    work_type_id: running.work_type_id,
    billable: running.billable,
    note: running.note,
    percent_complete: running.percent_complete,
    ticket_status_after: running.ticket_status_after,
    ...columns,
  }
  for (const [n, part] of parts.entries()) {
    const values = {
      ...details,
      ...(n < parts.length - 1 && { percent_complete: null, ticket_status_after: null }),
      started_at: part.startedAt,
      ended_at: part.endedAt,
      raw_s: part.raw_s,
      local_date: part.localDate,
      status: 'draft',
      review_at,
      updated_at: now,
    }
    if (n === 0) {
      await tx`update time_entries set ${tx(values)}, rev = rev + 1 where id = ${running.id}`
      ids.push(running.id)
      continue
    }
    const { ticket_id, project_id, agent_id, source, tz, priority } = running
    const [row] = await tx<{ id: number }[]>`
      insert into time_entries ${tx({ ...values, ticket_id, project_id, agent_id, source, tz, priority, created_at: now })}
      returning id`
    ids.push(row!.id)
  }
  return ids
}

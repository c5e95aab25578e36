/** Commands about an agent's time: enter it, run the timer, submit. Days are those of the agent's zone. */
import type { Tx } from '../../database.ts'
import { localDate } from '../../days.ts'
import { Refusal } from '../../errors.ts'
import { submitEntry } from '../time-entries/approval.ts'
import type { Details } from '../time-entries/details.ts'
import type { findEntry } from '../time-entries/list.ts'
import { startTimer, stopTimer } from '../time-entries/timer.ts'
import { editEntry, enterTime } from '../time-entries.ts'
import { afterPair, agentOn, missing, pairsOf, ticketOn, unexpected, workerOn } from './acting.ts'
import { type Acting, type Effect, type Problem, problem, type Read, type Reading } from './command.ts'
import type { Arg } from './grammar.ts'
import type { EntryWas } from './inverses.ts'
import { lengthOf, numbered } from './said.ts'
import { durationOf, oneOf, textOf } from './values.ts'
import { timeOf } from './when.ts'

export const time: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('time')
  const length = durationOf(first)
  if (length.problem) return length
  const details = detailsOf(rest, on)
  if (details.problem) return details
  const { date, entryId, ...more } = details.ok
  const changed = { seconds: length.ok, ...(date && { date }), more }
  if (entryId !== undefined) return { ok: (tx, acting, now) => changeEntry(tx, acting, { entryId, ...changed }, now) }
  return {
    ok: async (tx, acting, now): Promise<Effect> => {
      const agent = workerOn(acting)
      const when = { date: date ?? localDate(now, agent.zone), seconds: length.ok }
      const place = { ticketId: ticketOn(acting) }
      const { entryIds, warnings } = await enterTime(
        tx,
        { agent, place, when, details: more, tools: acting.tools },
        now,
      )
      const [row] = await tx<{ billable: boolean }[]>`select billable from time_entries where id = ${entryIds[0]!}`
      return {
        key: row?.billable ? 'time_billable' : 'time_free',
        data: { length: lengthOf(length.ok, acting), date: when.date },
        inverse: { verb: 'remove_entries', args: { entryIds } },
        ...(warnings.length > 0 && { lines: warnings.map((one) => one.words) }),
      }
    },
  }
}

type Change = { entryId: number; seconds: number; date?: string; more: Details }

/** An entry of one's own gets another length, such as the one that a timer left; it is a draft again. */
async function changeEntry(tx: Tx, on: Acting, change: Change, now: Date): Promise<Effect> {
  const { entryId, seconds, more } = change
  const agent = workerOn(on)
  const was = await entryOf(tx, entryId, agent.id)
  const when = { date: change.date ?? was.local_date, seconds }
  const { warnings } = await editEntry(tx, { entryId, agent, when, details: more, tools: on.tools }, now)
  const is = await entryOf(tx, entryId, agent.id)
  return {
    key: is.billable ? 'time_billable' : 'time_free',
    data: { length: lengthOf(seconds, on), date: when.date },
    inverse: { verb: 'entry_back', args: { entryId, was } },
    ...(warnings.length > 0 && { lines: warnings.map((one) => one.words) }),
  }
}

/** Throws Refusal `unknown_entry`, also for another agent's. */
async function entryOf(tx: Tx, entryId: number, agentId: number): Promise<EntryWas> {
  const [row] = await tx<EntryWas[]>`
    select raw_s, local_date::text as local_date, billable, note, percent_complete from time_entries
    where id = ${entryId} and agent_id = ${agentId}`
  if (!row) throw new Refusal('unknown_entry', `You have no time entry ${entryId}.`)
  return row
}

type Given = Details & { date?: string; entryId?: number }

/** `billable`, `free`, `done:60%`, `date:`, `type:` or `rate:` (the kind of work), and a note in quotation marks. */
function detailsOf(
  args: Arg[],
  on: Reading,
): { ok: Given; problem?: undefined } | { problem: Problem; ok?: undefined } {
  const { pairs, rest } = pairsOf(args, ['done', 'date', 'type', 'rate', 'entry'])
  const found: Given = {}
  const done = pairs.get('done')
  if (done) {
    const percent = /^(\d{1,3})%?$/.exec(done.value)
    if (!percent || Number(percent[1]) > 100)
      return problem('no_percent', { value: done.value }, { column: done.column })
    found.percent = Number(percent[1])
  }
  const entry = pairs.get('entry')
  if (entry) {
    if (!/^\d{1,12}$/.test(entry.value)) return unexpected('time', [entry])!
    found.entryId = Number(entry.value)
  }
  const date = afterPair(args, 'date').value?.slice(0, 1)
  if (date) {
    const day = timeOf(date, on, 12)
    if (day.problem) return day
    found.date = localDate(day.ok.at, on.zone)
  }
  const kind = pairs.get('type') ?? pairs.get('rate')
  if (kind) {
    const key = oneOf({ kind: 'word', text: kind.value, column: kind.column + kind.key.length + 1 }, [
      ...on.desk.work_types.keys(),
    ])
    if (key.problem) return key
    found.workType = key.ok
  }
  for (const arg of rest) {
    const word = textOf(arg).toLowerCase()
    if (arg.kind === 'quoted' && found.note === undefined) found.note = arg.text
    else if (arg.kind === 'word' && (word === 'billable' || word === 'free')) found.billable = word === 'billable'
    else return unexpected('time', [arg])!
  }
  return { ok: found }
}

export const start: Read = (args) =>
  unexpected('start', args) ?? {
    ok: async (tx, on, now): Promise<Effect> => {
      const ticketId = ticketOn(on)
      const before = await runningEntry(tx, agentOn(on).id)
      const { entryId, stopped } = await startTimer(
        tx,
        { agent: workerOn(on), place: { ticketId }, tools: on.tools },
        now,
      )
      const data = { ticket: numbered(ticketId) }
      if (before === entryId) return { key: 'timer_runs', data, inverse: null }
      const inverse = { verb: 'remove_entries', args: { entryIds: [entryId] } }
      return { key: stopped ? 'timer_moved' : 'timer_started', data, inverse }
    },
  }

type Reads = Parameters<typeof findEntry>[0]

async function runningEntry(sql: Reads, agentId: number): Promise<number | null> {
  const [row] = await sql<{ id: number }[]>`
    select id from time_entries where agent_id = ${agentId} and status = 'running'`
  return row?.id ?? null
}

export const stop: Read = (args) =>
  unexpected('stop', args) ?? {
    ok: async (tx, on, now): Promise<Effect> => {
      const { entryIds, warnings } = await stopTimer(tx, { agent: workerOn(on), tools: on.tools }, now)
      const rows = await tx<{ raw_s: number }[]>`select raw_s from time_entries where id = any(${entryIds}::bigint[])`
      const length = lengthOf(
        rows.reduce((sum, row) => sum + row.raw_s, 0),
        on,
      )
      return {
        key: 'timer_stopped',
        data: { length, entry: entryIds.join(', ') },
        inverse: null,
        ...(warnings.length > 0 && { lines: warnings.map((one) => one.words) }),
      }
    },
  }

/** An entry by its number, else the newest draft of the agent on the ticket. */
export const submit: Read = (args) => {
  const [first, ...rest] = args
  const given = first ? /^#?(\d{1,12})$/.exec(textOf(first)) : null
  if (first && !given) return unexpected('submit', args)!
  return (
    unexpected('submit', rest) ?? {
      ok: async (tx, on, now): Promise<Effect> => {
        const entryId = given ? Number(given[1]) : await newestDraft(tx, agentOn(on).id, ticketOn(on))
        await submitEntry(tx, { entryId, agent: workerOn(on), tools: on.tools }, now)
        const [row] = await tx<{ raw_s: number }[]>`select raw_s from time_entries where id = ${entryId}`
        return { key: 'submitted', data: { entry: entryId, length: lengthOf(row!.raw_s, on) }, inverse: null }
      },
    }
  )
}

async function newestDraft(sql: Reads, agentId: number, ticketId: number): Promise<number> {
  const [row] = await sql<{ id: number }[]>`
    select id from time_entries where agent_id = ${agentId} and ticket_id = ${ticketId} and status = 'draft'
    order by id desc limit 1`
  if (!row) throw new Refusal('no_draft', `You have no draft entry on ticket #${ticketId}.`)
  return row.id
}

/**
 * An agent's week by mail, each Friday, as lines that are corrected by changing them in the answer: through the verbs of
 * time entries, all of them or none. One a week whatever daemons there are; nothing where nothing was entered.
 */

import { type Queryable, type Sql, type Tx, transaction } from '../../database.ts'
import { localDate, weekOf } from '../../days.ts'
import { Refusal } from '../../errors.ts'
import { escapeHtml } from '../../html.ts'
import { timesheets as limits } from '../../limits.ts'
import { localeFor, type Rendered, render } from '../../render.ts'
import { Temporal } from '../../time.ts'
import type { Agent } from '../desk.ts'
import { lengthText } from '../due-words.ts'
import { isFirstOfDay } from '../outbox/budget.ts'
import { plainMail } from '../outbox/plain.ts'
import { queueMail } from '../outbox.ts'
import type { Worker } from '../time-entries/rows.ts'
import { editEntry, enterTime, removeEntry } from '../time-entries.ts'
import type { Tools } from '../tools.ts'
import { loadChoices } from './choices.ts'
import { commandsAddress, type Digesting, reachable, regularHeaders, workday } from './digest.ts'
import { readsIn } from './mail.ts'
import { notifyPhrases } from './phrases.ts'
import { differenceOf, type SheetEntry, type SheetLine, sheetLine } from './sheet.ts'

/** Queues the timesheets that are due at `now`; to be called at least once an hour. */
export async function queueTimesheets(sql: Sql, given: Digesting, now: Date): Promise<{ timesheets: number }> {
  const { tools } = given
  let timesheets = 0
  const choices = await loadChoices(sql)
  for (const agent of await reachable(sql, tools.desk)) {
    const zone = zoneOf(agent, tools)
    const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone)
    const day = workday(tools.desk, agent, now)
    if (choices(agent).timesheet !== 'on' || local.dayOfWeek !== FRIDAY || local.hour < limits.sheetHour || !day)
      continue
    const isSent = await transaction(
      sql,
      async (tx) =>
        (await isFirstOfDay(tx, { scope: `digest/time/${agent.id}`, day })) &&
        (await queueSheet(tx, { agent, ...given }, now)),
    )
    if (isSent) timesheets++
  }
  return { timesheets }
}

/** What a correction did: one line of it. `entryIds` where it made new ones. */
export type Corrected = {
  line: SheetLine
  ticketId: number | null
  date: string
  /** 0: taken out. */
  seconds: number
  billable: boolean
  entryIds: number[]
  warnings: string[]
}

/**
 * Carries out what the lines say otherwise than the entries are; those that say the same change nothing. An entry may
 * stand there twice, changed above and quoted as it was below.
 * @throws Refusal with `cause: {line, source}`: `unknown_entry`, `changed_twice`, `bad_time`, `bad_billable`,
 * `nothing_changed`, those of time entries
 */
export async function correctTimesheet(
  tx: Tx,
  given: { agent: Worker; lines: SheetLine[]; tools: Tools },
  now: Date,
): Promise<Corrected[]> {
  const { agent, lines } = given
  const ids = lines.flatMap((line) => line.entryId ?? [])
  const entries = new Map((await readEntries(tx, { agentId: agent.id, ids })).map((one) => [one.id, one]))
  const changed = new Set<number>()
  const done: Corrected[] = []
  for (const line of lines)
    try {
      if (line.entryId === null) done.push(await enter(tx, { ...given, line }, now))
      else {
        const entry = entries.get(line.entryId)
        if (!entry)
          throw new Refusal('unknown_entry', `You have no time entry ${line.entryId}, or it is on an invoice.`)
        requireReadable(line)
        const differs = differenceOf(line, entry)
        if (!differs) continue
        if (changed.has(entry.id))
          throw new Refusal('changed_twice', `Entry ${entry.id} stands there twice, each time with another change.`)
        changed.add(entry.id)
        done.push(await correct(tx, { ...given, line, entry, differs }, now))
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw new Refusal(error.code, error.message, error.fault, { cause: { line: line.line, source: line.source } })
    }
  if (done.length === 0)
    throw new Refusal('nothing_changed', 'Every line is as the entry is: change what is wrong, and send it again.')
  return done
}

const FRIDAY = 5

type Correcting = { agent: Worker; line: SheetLine; tools: Tools }

type Difference = NonNullable<ReturnType<typeof differenceOf>>

async function correct(
  tx: Tx,
  { agent, line, tools, entry, differs }: Correcting & { entry: Found; differs: Difference },
  now: Date,
): Promise<Corrected> {
  const { date, seconds, billable, note } = differs
  const rev = line.rev!
  const result = {
    line,
    ticketId: entry.ticketId,
    date: date ?? entry.local_date,
    billable: billable ?? entry.billable,
  }
  if (seconds === 0) {
    await removeEntry(tx, { entryId: entry.id, agent, rev }, now)
    return { ...result, seconds, entryIds: [], warnings: [] }
  }
  const length = seconds ?? entry.raw_s
  const isMoved = date !== undefined || seconds !== undefined
  const { warnings } = await editEntry(
    tx,
    {
      entryId: entry.id,
      agent,
      rev,
      ...(isMoved && { when: { date: result.date, seconds: length } }),
      details: { ...(billable !== undefined && { billable }), ...(note !== undefined && { note }) },
      tools,
    },
    now,
  )
  return { ...result, seconds: length, entryIds: [], warnings: warnings.map((one) => one.words) }
}

async function enter(tx: Tx, { agent, line, tools }: Correcting, now: Date): Promise<Corrected> {
  requireReadable(line)
  const ticketId = /^#?(\d{1,15})$/.exec(line.place)?.[1]
  const place = ticketId === undefined ? { project: line.place } : { ticketId: Number(ticketId) }
  const billable = line.billable!
  const when = { date: line.date, seconds: line.seconds! }
  const { entryIds, warnings } = await enterTime(
    tx,
    { agent, place, when, details: { billable, note: line.note }, tools },
    now,
  )
  const words = warnings.map((one) => one.words)
  return { line, ticketId: place.ticketId ?? null, ...when, billable, entryIds, warnings: words }
}

function requireReadable({ seconds, billable }: SheetLine): void {
  if (seconds === null)
    throw new Refusal('bad_time', 'Write how long it took as 1h30m, 90m or 1:30; 0:00 takes it out.')
  if (billable === null) throw new Refusal('bad_billable', 'Write billable, or free.')
}

type Found = SheetEntry & { ticketId: number | null }

/** What an agent may change: nothing that is billed, runs, or takes back another entry. */
async function readEntries(
  sql: Queryable,
  which: { agentId: number; ids?: number[]; from?: string; to?: string },
): Promise<Found[]> {
  return await sql<Found[]>`
    select e.id, e.rev, e.raw_s, e.local_date::text as local_date, e.billable, e.note, e.ticket_id as "ticketId",
      coalesce('#' || e.ticket_id, p.key, '–') as place
    from time_entries e left join projects p on p.id = e.project_id
    where e.agent_id = ${which.agentId} and e.status not in ('running', 'invoiced') and e.statement_id is null
      and e.reverses_id is null
      and (${which.ids ?? null}::bigint[] is null or e.id = any(${which.ids ?? null}::bigint[]))
      and (${which.from ?? null}::date is null or e.local_date between ${which.from ?? null}::date and ${which.to ?? null}::date)
    order by e.local_date, e.started_at, e.id limit ${limits.page}`
}

const zoneOf = (agent: Agent, { desk }: Tools): string => agent.zone ?? desk.inboxes[0]!.zone

/** False: nothing was entered this week. */
async function queueSheet(tx: Tx, given: Digesting & { agent: Agent }, now: Date): Promise<boolean> {
  const { agent, tools, url } = given
  const week = weekOf(localDate(now, zoneOf(agent, tools)))
  const entries = await readEntries(tx, { agentId: agent.id, ...week })
  if (entries.length === 0) return false
  const inbox = tools.desk.inboxes[0]!
  const answer = commandsAddress(tools, { agent, inbox })
  const { locale } = readsIn(agent, inbox, tools)
  const name = notifyPhrases(localeFor(tools.templates, locale)).commandsTo
  const headers = regularHeaders(tools, { agent, topic: 'timesheet', answer, name }, url)
  const words = wordsFor({ entries, week, locale, desk: inbox.name, isAnswered: answer !== null, ...given })
  await queueMail(tx, plainMail(tools, { kind: 'notification', inbox, to: agent, headers, words }, now), tools, now)
  return true
}

function wordsFor(given: {
  entries: SheetEntry[]
  week: { from: string; to: string }
  locale: string
  desk: string
  isAnswered: boolean
  tools: Tools
  url: string
}): Rendered {
  const { entries, week, locale, tools } = given
  const lines = entries.map(sheetLine)
  const total = entries.reduce((sum, one) => sum + one.raw_s, 0)
  return render(tools.templates, 'timesheet', locale, {
    desk: given.desk,
    from: week.from,
    to: week.to,
    total: lengthText(total, locale),
    table: { text: lines.join('\n'), html: `<pre>${lines.map(escapeHtml).join('\n')}</pre>` },
    example: given.isAnswered ? `new | ${week.to} | 0:45 | billable | #12 | …` : null,
    link: new URL('/time', given.url).href,
  })
}

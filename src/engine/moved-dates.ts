/**
 * What a customer hears of dates that an agent moved after they were told (SLA D4, FEATURES 3.10): where the policy says
 * so, one mail with the new dates, the old ones and how they came, when the change can no longer be taken back. Who had no
 * acknowledgement hears nothing here either (MAIL 4a.26). It refuses to tell of dates that nobody was told, of those that
 * pass or stand still, and of what the desk file, a pause or time moved.
 */
import { isOutage, type Tx } from '../database.ts'
import { wordsOf } from '../errors.ts'
import { render } from '../render.ts'
import { after, SECOND, seconds } from '../time.ts'
import type { AckPromise } from './acknowledge.ts'
import type { Calendar } from './business-hours.ts'
import { dueText, howText } from './due-words.ts'
import { record, system } from './events.ts'
import { type Bases, TOLD_METRICS, type ToldMetric, takeOne } from './moved-dates/rows.ts'
import { raiseNotice } from './notices.ts'
import { keyOf } from './sla/account.ts'
import { findCourses, stretchesOf } from './sla/course.ts'
import { readCalendar } from './sla/load.ts'
import { isKeptQuiet } from './storms.ts'
import { settleTickets } from './tickets/sweep.ts'
import { type Reader, type Told, tellRequester, toldColumns } from './tickets/tell-requester.ts'
import type { Tools } from './tools.ts'

/** A promise that stands at another time than its customer knows. */
export type MovedDate = { metric: ToldMetric; from: Date; to: Date }

/** When each was promised, as far as the customer knows: by the acknowledgement, or by a later mail of these. */
export type Known = Partial<Record<ToldMetric, Date>>

export type Standing = { metric: ToldMetric; target_s: number; calendar_id: number; due_at: Date | null }

/**
 * Tells the customer of one ticket whose dates an agent moved, if there is one to be told of. One a transaction, because
 * whoever counts mails to an address keeps others waiting.
 * @returns `found`: there was a ticket to look at, and there may be more; `told`: a mail is in the outbox
 */
export async function tellMovedDates(tx: Tx, tools: Tools, now: Date): Promise<{ found: boolean; told: boolean }> {
  const one = await takeOne(tx, after(now, -tools.desk.settings.undo_seconds * SECOND))
  if (!one) return { found: false, told: false }
  const { ticketId, was } = one
  if (!was) return { found: true, told: false }
  try {
    return { found: true, told: await tx.savepoint((inner) => tellOne(inner, { ticketId, was, tools }, now)) }
  } catch (error) {
    // what cannot be told of one ticket holds up no other
    if (isOutage(error)) throw error
    const words = `The customer of ticket #${ticketId} could not be told of other dates: ${wordsOf(error)}`
    await raiseNotice(tx, { kind: 'notify_failed', subject: String(ticketId), words }, now)
    return { found: true, told: false }
  }
}

/** Whether a mail is in the outbox. */
async function tellOne(
  tx: Tx,
  { ticketId, was, tools }: { ticketId: number; was: Bases; tools: Tools },
  now: Date,
): Promise<boolean> {
  await settleTickets(tx, [ticketId], now) // an answer that has just left has ended the first promise
  const ticket = await findTicket(tx, ticketId)
  if (!ticket || (await isKeptQuiet(tx, ticket.requester_address ?? '', now))) return false
  const clocks = await findClocks(tx, ticketId)
  const moved = movedDates({ was, clocks, known: await findKnown(tx, ticket), tells: ticket.tells }, now)
  if (moved.length === 0) return false
  const { outboxIds, refused } = await tellRequester(
    tx,
    { ticket, words: await mailOf(tx, { ticket, moved, clocks, tools }), notBefore: null, tools },
    now,
  )
  const data = Object.fromEntries(moved.map(({ metric, from, to }) => [metric, { from, to }]))
  const events =
    outboxIds.length > 0
      ? [{ type: 'dates_told', data }]
      : refused === null
        ? []
        : [{ type: 'dates_not_told', data, why: refused }]
  await record(tx, { ticketId, actor: system('sla'), events }, now)
  return outboxIds.length > 0
}

/**
 * What the customer is to be told, nothing where no date is another by an agent's doing, or where the policy tells only
 * of later ones and none is. Dates are compared as they are shown, to the minute. Pure.
 */
export function movedDates(
  given: { was: Bases; clocks: readonly Standing[]; known: Known; tells: 'later' | 'always' },
  now: Date,
): MovedDate[] {
  const { was, clocks, known, tells } = given
  const moved = clocks.flatMap(({ metric, target_s, calendar_id, due_at }): MovedDate[] => {
    const [from, basis] = [known[metric], was[metric]]
    const stays = basis?.target_s === target_s && basis.calendar_id === calendar_id
    if (!from || stays || !due_at || due_at <= now || shown(due_at) === shown(from)) return []
    return [{ metric, from, to: due_at }]
  })
  return tells === 'always' || moved.some(({ from, to }) => to > from) ? moved : []
}

/** Epoch minutes, rounded up as D3 does. */
const shown = (at: Date): number => Math.ceil(seconds(at) / 60)

type Ticket = Told & { promise: AckPromise; tells: 'later' | 'always' }

/** Null: nothing is told of it, or its requester is somebody whom no acknowledgement reached. */
async function findTicket(tx: Tx, ticketId: number): Promise<Ticket | null> {
  const [row] = await tx<Ticket[]>`
    select ${toldColumns(tx)}, t.ack_promise as promise, p.definition ->> 'tell_changes' as tells
    from tickets t join sla_policies p on p.id = t.policy_id and p.definition ->> 'tell_changes' in ('later', 'always')
    where t.id = ${ticketId} and t.status not in ('resolved', 'closed') and t.deleted_at is null and t.spam_at is null
      and t.merged_into is null and exists (
        select from outbox o where o.message_id = t.ack_promise ->> 'message_id'
          and o.state not in ('failed', 'suppressed', 'cancelled')
          and (lower(o.recipient) = lower(t.requester_address) or exists (
            select from contact_addresses a where a.contact_id = t.requester_id and a.address = lower(o.recipient))))`
  return row ?? null
}

type ClockRow = Standing & {
  started_at: Date
  running_since: Date | null
  breached_at: Date | null
  calendar: Calendar
}

async function findClocks(tx: Tx, ticketId: number): Promise<ClockRow[]> {
  const rows = await tx<(Omit<ClockRow, 'calendar'> & { definition: string })[]>`
    select c.metric, c.target_s, c.calendar_id, c.due_at, c.started_at, c.running_since, c.breached_at,
      k.definition::text as definition
    from sla_clocks c join calendars k on k.id = c.calendar_id
    where c.ticket_id = ${ticketId} and c.state = 'running' and c.cycle = 1
      and c.metric = any(${[...TOLD_METRICS]}::text[]) order by c.metric`
  return rows.map(({ definition, ...row }) => ({ ...row, calendar: readCalendar(definition) }))
}

async function findKnown(tx: Tx, { id, promise }: Ticket): Promise<Known> {
  const rows = await tx<{ data: Partial<Record<ToldMetric, { to: string }>> }[]>`
    select data from events where ticket_id = ${id} and type = 'dates_told' order by seq`
  const known: Known = {}
  for (const metric of TOLD_METRICS) {
    const told = rows.findLast(({ data }) => data[metric])?.data[metric]?.to ?? promise[`${metric}_due`]
    if (told) known[metric] = new Date(told)
  }
  return known
}

async function mailOf(
  tx: Tx,
  { ticket, moved, clocks, tools }: { ticket: Ticket; moved: MovedDate[]; clocks: ClockRow[]; tools: Tools },
) {
  const courses = await findCourses(tx, ticket.id)
  const ran = [...courses.values()].flatMap((course) => course.ran.map((one) => one.calendarId))
  const versions = await tx<{ id: number; definition: string }[]>`
    select id, definition::text as definition from calendars
    where id = any(${[...ran, ...clocks.map((clock) => clock.calendar_id)]}::bigint[])`
  const calendars = new Map(versions.map((row) => [row.id, readCalendar(row.definition)]))
  const how = (clock: ClockRow, locale: string) => {
    const span = { from: seconds(clock.started_at), due: seconds(clock.due_at!) }
    const words = { calendar: clock.calendar, targetSeconds: clock.target_s, locale, ...span }
    const course = courses.get(keyOf({ metric: clock.metric, teamId: null, cycle: 1 }))
    return howText(course ? { ...words, ran: stretchesOf(course, clock, calendars) } : words)
  }
  return (reader: Reader, locale: string) => {
    const text = (at: Date) => dueText({ at: seconds(at), zone: ticket.zone, locale })
    const part = <M extends ToldMetric>(metric: M) => {
      const date = moved.find((one) => one.metric === metric)
      const clock = clocks.find((one) => one.metric === metric)
      return {
        due: date ? text(date.to) : null,
        was: date ? text(date.from) : null,
        how: date && clock ? how(clock, locale) : null,
      }
    }
    const [answer, solution] = [part('first_response'), part('resolution')]
    return render(tools.templates, 'moved-dates', locale, {
      ...reader,
      first_response_due: answer.due,
      first_response_was: answer.was,
      first_response_how: answer.how,
      resolution_due: solution.due,
      resolution_was: solution.was,
      resolution_how: solution.how,
    })
  }
}

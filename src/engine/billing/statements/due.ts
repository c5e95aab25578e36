/** When a customer's statement is due: on the first working day of the next month, where they are. Pure. */
import { addDays, type Days, localDate, monthOf } from '../../../days.ts'
import { statements as limits } from '../../../limits.ts'
import { seconds, Temporal } from '../../../time.ts'
import { workingSecondsBetween } from '../../business-hours.ts'
import type { Desk, Inbox, Organization } from '../../desk.ts'

/** The month that is due at `now`; null: none is, or it is so late that nobody waits for it by itself any more. */
export function dueMonth(desk: Desk, organization: Organization, now: Date): Days | null {
  const zone = zoneOf(desk, organization)
  const today = localDate(now, zone)
  const first = firstWorkingDay(desk, organization, today)
  const { hour } = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone)
  if (first === null || today < first || (today === first && hour < limits.hour)) return null
  return today <= addDays(first, limits.late) ? monthOf(today, -1) : null
}

/** Whether the last day of a month has ended where the customer is. */
export const isOver = (desk: Desk, organization: Organization, { to }: Days, now: Date): boolean =>
  localDate(now, zoneOf(desk, organization)) > to

/** The customer's zone, their calendar's, the inbox's (SLA D2). */
export const zoneOf = (desk: Desk, organization: Organization): string =>
  organization.zone ?? calendarOf(desk, organization)?.tz ?? inboxFor(desk, organization).zone

/** The inbox that leads to a project of theirs, else the desk's first. */
export const inboxFor = (desk: Desk, organization: Organization): Inbox =>
  desk.inboxes.find(({ project }) => desk.projects.get(project)?.organization === organization.key) ?? desk.inboxes[0]!

const calendarOf = (desk: Desk, organization: Organization) => {
  const key = organization.calendar ?? desk.settings.calendar
  return (key && desk.calendars.get(key)?.calendar) || null
}

/** Of the month that a day lies in: open by their calendar, else Monday to Friday. Null: they are closed all month. */
function firstWorkingDay(desk: Desk, organization: Organization, today: string): string | null {
  const calendar = calendarOf(desk, organization)
  const { from, to } = monthOf(today)
  for (let day = from; day <= to; day = addDays(day, 1)) {
    if (calendar === null ? Temporal.PlainDate.from(day).dayOfWeek <= 5 : isOpen(calendar, day)) return day
  }
  return null
}

type Hours = NonNullable<ReturnType<typeof calendarOf>>

function isOpen(calendar: Hours, day: string): boolean {
  const [from, to] = [day, addDays(day, 1)].map((one) => {
    const start = Temporal.PlainDate.from(one).toZonedDateTime({ timeZone: calendar.tz })
    return seconds(new Date(start.epochMilliseconds))
  })
  return workingSecondsBetween(calendar, from!, to!) > 0
}

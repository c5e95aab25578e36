/** What the pages of bills are tried with: time that somebody spent, and the words of a page. */
import { transaction } from '../../src/database.ts'
import { approveEntry, submitEntry } from '../../src/engine/time-entries/approval.ts'
import type { Details } from '../../src/engine/time-entries/details.ts'
import { enterTime } from '../../src/engine/time-entries.ts'
import { NOON, type webDesk } from './desk.ts'

/** Bo's time on a ticket on a day; approved by Ada unless it stays a draft. The id of the entry. */
export const spending =
  (desk: Awaited<ReturnType<typeof webDesk>>, { ticketId, date }: { ticketId: number; date: string }) =>
  (seconds: number, details: Details = {}, state: 'approved' | 'draft' = 'approved'): Promise<number> =>
    transaction(desk.web.sql, async (tx) => {
      const [by, boss] = [desk.bo, desk.ada].map((one) => ({ ...one, zone: 'Europe/Berlin' }))
      const { tools } = desk
      const input = { agent: by!, place: { ticketId }, when: { date, seconds }, details, tools }
      const entryId = (await enterTime(tx, input, NOON)).entryIds[0]!
      if (state === 'draft') return entryId
      await submitEntry(tx, { entryId, agent: by!, tools }, NOON)
      await approveEntry(tx, { entryId, agent: boss!, tools }, NOON)
      return entryId
    })

/** What a page says, on one line. */
export const wordsOf = (page: string): string =>
  page
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;|’/g, "'")
    .replace(/\s+/g, ' ')

/** Whether an agent's entries can all be true: two at the same time, or more on a day than it has (SLA T4). */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Desk } from '../desk.ts'
import { dayLength } from './local.ts'

/** Words for the agent; nothing was refused. */
export type Warning = { code: 'overlap' | 'day_too_long'; words: string; entries: number[] }

type Checked = {
  agentId: number
  /** Entries that are being written or changed, which do not count against themselves. */
  except: number[]
  parts: { startedAt: Date | null; endedAt: Date | null; raw_s: number; localDate: string }[]
  tz: string
}

/**
 * Refuses what the desk rejects, warns of what it lets pass; the caller holds the agent.
 * @throws Refusal `time_overlap` where the desk says so, `day_too_long`
 */
export async function checkConflicts(tx: Tx, checked: Checked, desk: Desk, now: Date): Promise<Warning[]> {
  const found = await findConflicts(tx, checked, now)
  const { overlap } = desk.settings.time
  const warnings: Warning[] = []
  for (const one of found) {
    if (one.code === 'day_too_long') throw new Refusal('day_too_long', one.words)
    if (overlap === 'reject') throw new Refusal('time_overlap', one.words)
    if (overlap === 'warn') warnings.push(one)
  }
  return warnings
}

/** The same without a refusal, for a timer that ends whatever stands beside it. */
export async function findConflicts(tx: Tx, checked: Checked, now: Date): Promise<Warning[]> {
  return [...(await findOverlaps(tx, checked, now)), ...(await findLongDays(tx, checked))]
}

/** Half-open: entries that touch do not overlap. What was reversed is as if it had not been. */
async function findOverlaps(tx: Tx, { agentId, except, parts }: Checked, now: Date): Promise<Warning[]> {
  const found: Warning[] = []
  for (const { startedAt, endedAt } of parts) {
    if (!startedAt || !endedAt) continue
    const rows = await tx<{ id: number; place: string }[]>`
      select e.id, coalesce('#' || e.ticket_id, p.key) as place
      from time_entries e left join projects p on p.id = e.project_id
      where e.agent_id = ${agentId} and e.id <> all(${except}::bigint[]) and e.reverses_id is null
        and e.started_at < ${endedAt} and coalesce(e.ended_at, ${now}::timestamptz) > ${startedAt}
        and e.started_at < coalesce(e.ended_at, ${now}::timestamptz) and ${startedAt}::timestamptz < ${endedAt}
        and not exists (select from time_entries r where r.reverses_id = e.id)
      order by e.started_at limit 10`
    if (rows.length > 0)
      found.push({
        code: 'overlap',
        words: `You worked on ${[...new Set(rows.map((row) => row.place))].join(', ')} at the same time.`,
        entries: rows.map((row) => row.id),
      })
  }
  return found
}

async function findLongDays(tx: Tx, { agentId, except, parts, tz }: Checked): Promise<Warning[]> {
  const found: Warning[] = []
  for (const [date, of] of Map.groupBy(parts, (part) => part.localDate)) {
    const [row] = await tx<{ sum: number }[]>`
      select coalesce(sum(raw_s), 0)::int as sum from time_entries e
      where agent_id = ${agentId} and local_date = ${date} and id <> all(${except}::bigint[]) and reverses_id is null
        and not exists (select from time_entries r where r.reverses_id = e.id)`
    const sum = row!.sum + of.reduce((all, part) => all + part.raw_s, 0)
    const length = dayLength(date, tz)
    if (sum > length)
      found.push({
        code: 'day_too_long',
        words: `${date} has ${clockText(length)} hours, and with this entry ${clockText(sum)} of them are spent.`,
        entries: [],
      })
  }
  return found
}

/** `24:30`; a part of a minute counts as one. */
function clockText(length: number): string {
  const minutes = Math.ceil(length / 60)
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

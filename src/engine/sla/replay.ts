/**
 * A ticket's clocks rebuilt from nothing but its events, and compared with the rows (SLA Q7): what differs was written by
 * something else than the machine. Reads only.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { seconds } from '../../time.ts'
import { type Account, type Book, keyOf, nextDues } from './account.ts'
import { type Loaded, load } from './load.ts'
import { type LogEvent, readEvent } from './log.ts'
import { apply, settle } from './machine.ts'
import { toSeconds } from './rows.ts'

export type Difference = { where: string; stored: unknown; replayed: unknown }
export type Replay = { ticket: number; events: number; clocks: number; identical: boolean; differences: Difference[] }

/**
 * Replays a ticket. Both sides are settled to `now` first, because a sweep that has not come yet changes nothing in the
 * record (K9).
 * @throws Refusal `unknown_ticket`, and `no_story` where the events do not begin with how the ticket was created
 */
export async function replayTicket(tx: Tx, ticketId: number, now: Date): Promise<Replay> {
  const { events, stored, book } = await readStory(tx, ticketId, now)
  if (!stored) throw new Refusal('unknown_ticket', `There is no ticket #${ticketId}.`)
  if (events[0]?.type !== 'created')
    throw new Refusal('no_story', `The events of ticket #${ticketId} do not tell how it began.`)
  const replayed = events.reduce<Account | null>((account, event) => apply(account, readEvent(event), book), null)!
  const at = Math.max(seconds(now), replayed.facts.lastAt)
  const left = settle({ ...stored.account, ...(await history(tx, ticketId)) }, at, book)
  const right = settle(replayed, at, book)
  const differences = compare(pictureOf(left, await findDues(tx, ticketId)), pictureOf(right, nextDues(right.clocks)))
  return {
    ticket: ticketId,
    events: events.length,
    clocks: replayed.clocks.length,
    identical: differences.length === 0,
    differences,
  }
}

/** A ticket's events with every version that they name, and the ticket as it is stored. */
export async function readStory(
  tx: Tx,
  ticketId: number,
  now: Date,
): Promise<{ events: readonly LogEvent[]; stored: Loaded | null; book: Book }> {
  const events = await tx<LogEvent[]>`
    select seq, at, type, actor, actor_id, data from events where ticket_id = ${ticketId} order by seq`
  const ids = (...names: string[]) =>
    events.flatMap(({ data }) => names.map((name) => data[name])).filter((id): id is number => typeof id === 'number')
  const wanted = { policyIds: ids('policy_id'), calendarIds: ids('calendar_id', 'team_calendar_id') }
  const { loaded, book } = await load(tx, [ticketId], wanted, now)
  return { events, stored: loaded.get(ticketId) ?? null, book }
}

/** The ledger and the firings whole: what no longer counts is compared too. */
async function history(tx: Tx, ticketId: number): Promise<Pick<Account, 'breaches' | 'firings'>> {
  const [breaches, fired] = await Promise.all([
    tx`
      select metric, team_id, cycle, at, target_s, assignee_id, ticket_team_id, superseded_at, superseded_by
      from sla_breaches where ticket_id = ${ticketId} order by id`,
    tx`
      select c.metric, c.team_id, c.cycle, f.policy_id, f.reminder, f.generation, f.at
      from sla_fired f join sla_clocks c on c.id = f.clock_id where c.ticket_id = ${ticketId}`,
  ])
  const clockOf = (row: Record<string, unknown>) =>
    keyOf({ metric: row.metric, teamId: row.team_id, cycle: row.cycle } as Parameters<typeof keyOf>[0])
  return {
    breaches: breaches.map((row) => ({
      clock: clockOf(row),
      at: seconds(row.at),
      target: row.target_s,
      assigneeId: row.assignee_id,
      ticketTeamId: row.ticket_team_id,
      supersededAt: row.superseded_at && seconds(row.superseded_at),
      supersededBy: row.superseded_by,
    })),
    firings: fired.map((row) => ({
      clock: clockOf(row),
      policyId: row.policy_id,
      reminder: row.reminder,
      generation: row.generation,
      at: seconds(row.at),
    })),
  }
}

async function findDues(tx: Tx, ticketId: number): Promise<ReturnType<typeof nextDues>> {
  const [row] = await tx<{ next_due_at: Date | null; ola_due_at: Date | null }[]>`
    select next_due_at, ola_due_at from tickets where id = ${ticketId}`
  return { nextDueAt: toSeconds(row!.next_due_at), olaDueAt: toSeconds(row!.ola_due_at) }
}

type Picture = Map<string, Record<string, unknown>>

/** Everything that is stored, by names that do not depend on the order of writing. */
function pictureOf(account: Account, dues: ReturnType<typeof nextDues>): Picture {
  const picture: Picture = new Map([
    ['ticket', { ...account.facts, nextDueAt: dues.nextDueAt, olaDueAt: dues.olaDueAt }],
  ])
  for (const clock of account.clocks) picture.set(keyOf(clock), { ...clock })
  for (const [clock, rows] of Map.groupBy(account.breaches, (row) => row.clock))
    for (const [n, row] of rows.entries()) picture.set(`breach ${n + 1} of ${clock}`, { ...row })
  for (const one of account.firings) picture.set(`${one.clock}, reminder ${one.reminder} ${one.generation}`, { ...one })
  return picture
}

function compare(stored: Picture, replayed: Picture): Difference[] {
  return [...new Set([...stored.keys(), ...replayed.keys()])].flatMap((name): Difference[] => {
    const [left, right] = [stored.get(name), replayed.get(name)]
    if (!left || !right) return [{ where: name, stored: left ? 'there' : null, replayed: right ? 'there' : null }]
    return Object.keys(right)
      .filter((key) => JSON.stringify(left[key]) !== JSON.stringify(right[key]))
      .map((key) => ({ where: `${name}, ${key}`, stored: shown(key, left[key]), replayed: shown(key, right[key]) }))
  })
}

/** Instants as people write them. */
const shown = (key: string, value: unknown): unknown =>
  typeof value === 'number' && /(?:At|Since|Ref)$/.test(key) ? iso(value) : value

const iso = (at: number): string => new Date(at * 1000).toISOString().replace('.000Z', 'Z')

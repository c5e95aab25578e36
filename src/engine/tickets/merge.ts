/**
 * One ticket goes into another (MAIL 6.13): what was said, its files, people and the ids that lead to it move; the
 * number stays as an alias, so that every old address, id and tag leads to the target. The source is never opened again.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { tickets as limits } from '../../limits.ts'
import { floored } from '../../time.ts'
import { moveAttachments } from '../attachments.ts'
import type { Actor } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { moveOutbox } from '../outbox/moved.ts'
import { moveAnswers } from '../sla/answers.ts'
import { openResponse } from '../sla/machine.ts'
import { moveMessageIds } from '../thread/rows.ts'
import { moveEntries } from '../time-entries/moved.ts'
import { addPeople, movePeople } from './people.ts'
import { tell } from './tell.ts'

type Row = {
  id: number
  organization_id: number | null
  requester_id: number | null
  requester_address: string | null
  requester_name: string
  assignee_id: number | null
  merged_into: number | null
  deleted_at: Date | null
  spam_at: Date | null
}

/**
 * Merges a ticket into another, or into what that one was merged into. Open clocks of the source are cancelled
 * (SLA K17), and the target keeps its promise where that is the earlier one (K18).
 * @returns the number of the final target
 * @throws Refusal `merge_itself` also where the target leads back to the source, `unknown_ticket`, `merged_ticket`,
 * `spam_ticket`, `ticket_busy`, and `other_organization`: neither customer may read what the other wrote
 */
export async function merge(
  tx: Tx,
  input: { ticketId: number; intoId: number; actor: Actor },
  now: Date,
): Promise<{ ticketId: number }> {
  const intoId = await finalTarget(tx, input.intoId)
  if (intoId === input.ticketId) throw new Refusal('merge_itself', `Ticket #${intoId} cannot be merged into itself.`)
  const { source, target, aliases } = await lockBoth(tx, input.ticketId, intoId)
  await moveClocks(tx, { source: source.id, target: target.id, actor: input.actor }, now)
  await tx`update comments set ticket_id = ${target.id} where ticket_id = ${source.id}`
  await moveAttachments(tx, source.id, target.id)
  await joinRequester(tx, source, target, now)
  await movePeople(tx, source.id, target.id, now)
  await moveMessageIds(tx, source.id, target.id)
  await moveOutbox(tx, source.id, target.id)
  await moveEntries(tx, source.id, target.id)
  await moveLinks(tx, source.id, target.id)
  await moveFollowers(tx, source.id, target.id)
  // Every alias is one hop from its target, however often tickets are merged.
  await tx`
    update tickets set merged_into = ${target.id}, updated_at = ${now}, status = 'closed',
      closed_at = coalesce(closed_at, ${floored(now)})
    where id = ${source.id}`
  await tx`update tickets set merged_into = ${target.id} where id = any(${aliases}::bigint[])`
  await tx`
    update tickets set duplicate_of = nullif(${target.id}, id) where duplicate_of = ${source.id}`
  await tx`update tickets set updated_at = ${now} where id = ${target.id}`
  const news = { ticketId: target.id, kind: 'merged', otherId: source.id } as const
  await addNews(tx, { ...news, agentId: source.assignee_id, actor: input.actor }, now)
  return { ticketId: target.id }
}

/** Both tell of it: the source's open promise of an answer goes along (SLA K17, K18). */
async function moveClocks(
  tx: Tx,
  { source, target, actor }: { source: number; target: number; actor: Actor },
  now: Date,
): Promise<void> {
  const step = await tell(
    tx,
    { ticketId: source, actor, events: [{ type: 'merged_into', data: { into: target } }] },
    now,
  )
  const response = openResponse(step.moved[0]!.before, step.moved[0]!.at, step.book)
  const open_response = response && {
    started_at: new Date(response.startedAt * 1000).toISOString(),
    elapsed_s: response.elapsed,
  }
  await moveAnswers(tx, source, target)
  await tell(
    tx,
    { ticketId: target, actor, events: [{ type: 'merged_from', data: { from: source, open_response } }] },
    now,
  )
}

const LOCK_NOT_AVAILABLE = '55P03'

/** Where a number leads to now; the locks that follow make sure of it. */
async function finalTarget(tx: Tx, ticketId: number): Promise<number> {
  const [last] = await tx<{ id: number; merged_into: number | null }[]>`
    with recursive chain as (
      select id, merged_into, 0 as hop from tickets where id = ${ticketId}
      union
      select t.id, t.merged_into, hop + 1 from chain join tickets t on t.id = chain.merged_into
      where hop < ${limits.mergeHops})
    select id, merged_into from chain order by hop desc limit 1`
  if (!last) throw new Refusal('unknown_ticket', `There is no ticket #${ticketId}.`)
  if (last.merged_into !== null)
    throw new Refusal('merge_itself', `Ticket #${ticketId} leads to no ticket that is open to a merge.`)
  return last.id
}

/**
 * Locks source, target and what was merged into the source before, lowest first, as a mail does. A mail that finds its
 * ticket merged while it waited locks the target after it, whatever its number: so whoever merges does not wait long
 * enough for a deadlock, and it is never the mail that gives way.
 */
async function lockBoth(tx: Tx, sourceId: number, targetId: number) {
  await tx`select set_config('lock_timeout', ${`${limits.mergeWait}ms`}, true)`
  const rows = await tx<Row[]>`
    select id, organization_id, requester_id, requester_address, requester_name, assignee_id, merged_into, deleted_at, spam_at
    from tickets where id = any(array[${sourceId}, ${targetId}]::bigint[] || array(
      select other_id from ticket_links where ticket_id = ${sourceId} and kind = 'merged'))
    order by id for update`.catch((error) => {
    if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error
    throw new Refusal('ticket_busy', 'A mail for one of these tickets is being worked on: try again in a moment.')
  })
  await tx`select set_config('lock_timeout', '0', true)`
  const get = (id: number): Row => {
    const row = rows.find((one) => one.id === id)
    if (!row || row.deleted_at) throw new Refusal('unknown_ticket', `There is no ticket #${id}.`)
    if (row.merged_into) throw new Refusal('merged_ticket', `Ticket #${id} was merged into #${row.merged_into}.`)
    if (row.spam_at) throw new Refusal('spam_ticket', `Ticket #${id} is marked as spam.`)
    return row
  }
  const [source, target] = [get(sourceId), get(targetId)]
  if (
    source.organization_id !== null &&
    target.organization_id !== null &&
    source.organization_id !== target.organization_id
  )
    throw new Refusal(
      'other_organization',
      `Tickets #${source.id} and #${target.id} belong to different organizations, whose people would read each other's words.`,
    )
  const aliases = rows.filter((one) => one.merged_into === sourceId).map((one) => one.id)
  return { source, target, aliases }
}

/** The source's requester goes on taking part; where the target has nobody to answer, it is them. */
async function joinRequester(tx: Tx, source: Row, target: Row, now: Date): Promise<void> {
  const { requester_id, requester_address: address, requester_name: name } = source
  if (!address) return
  if (target.requester_address === null)
    await tx`
      update tickets set requester_id = ${requester_id}, requester_address = ${address}, requester_name = ${name},
        organization_id = coalesce(organization_id, ${source.organization_id})
      where id = ${target.id}`
  else if (requester_id === null || requester_id !== target.requester_id)
    await addPeople(tx, target.id, [{ address, name, contactId: requester_id, role: 'participant' }], now)
}

/** The source's links are the target's; `merged` names every number that leads here. */
async function moveLinks(tx: Tx, from: number, to: number): Promise<void> {
  await tx`
    insert into ticket_links (ticket_id, other_id, kind)
    select ${to}::bigint, other_id, kind from ticket_links where ticket_id = ${from} and other_id <> ${to}
    union select ${to}, ${from}::bigint, 'merged'
    on conflict do nothing`
}

/** Who follows the source hears of the target; what was asked on the side is asked there. */
async function moveFollowers(tx: Tx, from: number, to: number): Promise<void> {
  await tx`
    insert into agent_followers (agent_id, ticket_id, since)
    select agent_id, ${to}, since from agent_followers where ticket_id = ${from} on conflict do nothing`
  await tx`delete from agent_followers where ticket_id = ${from}`
  await tx`update side_questions set ticket_id = ${to} where ticket_id = ${from}`
}

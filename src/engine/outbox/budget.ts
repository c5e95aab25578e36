/**
 * How much automatic mail may go (MAIL 4a.22): the brake that ends a loop between two desks. Windows slide over buckets
 * of ten minutes and count the whole oldest bucket, so they are at most ten minutes longer than their name.
 */
import { all, ask, each, type Tx } from '../../database.ts'
import { budget } from '../../limits.ts'
import { after, DAY, HOUR, MINUTE } from '../../time.ts'
import { addressKey } from './address.ts'

/** `notice`: words for the admins when an inbox nears its budget; raise it as kind `ack_budget`. */
export type Allowance =
  | { allowed: true; notice: string | null }
  | { allowed: false; code: AllowanceCode; words: string; notice: string | null }

export type AllowanceCode = 'suppressed' | 'ack_already_sent' | 'address_budget' | 'ticket_budget' | 'inbox_budget'

export type AutomaticMail = {
  address: string
  ticketId: number | null
  inboxId: number | null
  kind: 'ack' | 'notification' | 'survey' | 'login'
}

/**
 * Whether one more automatic mail may go, and counts it if so. Exact under any number of workers: advisory locks on
 * the address and the ticket hold until the transaction ends, and the count is taken in the statement that checks it.
 * Costs one round trip (two pipelined statements); a refusal or an inbox near its limit costs one more. Call it once
 * per transaction and address, after the locks on Message-IDs.
 */
export async function automaticAllowance(tx: Tx, mail: AutomaticMail, now: Date): Promise<Allowance> {
  const scopes = scopesOf(mail)
  const [, [found]] = await Promise.all([lock(tx, locksOf(scopes)), take(tx, scopes, now)])
  if (!found) throw new Error('a count that was asked for is missing')
  const refusal = refusalOf(found, mail)
  if (refusal) return { allowed: false, ...refusal, notice: null }
  if (scopes.inbox === null || found.inbox < budget.perInboxHour - IN_FLIGHT)
    return { allowed: true, notice: scopes.inbox && inboxNotice(found.inbox) }
  return await closeToTheLimit(tx, { ...scopes, inbox: scopes.inbox }, now)
}

/**
 * Whether nobody has asked for this scope and day yet; the second one waits for the first one's commit. So all daemons
 * together write a daily mail once.
 * @param once.day the start of the reader's day; kept as long as other counters
 */
export async function isFirstOfDay(tx: Tx, once: { scope: string; day: Date }): Promise<boolean> {
  const { count } = await tx`
    insert into mail_budgets (scope, period, count) values (${once.scope}, ${once.day}, 1) on conflict do nothing`
  return count === 1
}

/**
 * Counts one mail more in a window, and returns how many it has with it. Windows do not slide: they begin at multiples
 * of their length.
 */
export async function countMailed(
  tx: Tx,
  { scope, window }: { scope: string; window: number },
  now: Date,
): Promise<number> {
  const period = new Date(Math.floor(now.getTime() / window) * window)
  const [row] = await tx<{ count: number }[]>`
    insert into mail_budgets as b (scope, period, count) values (${scope}, ${period}, 1)
    on conflict (scope, period) do update set count = b.count + 1 returning count`
  return row!.count
}

/**
 * The name of the lock that counting for an address takes. Who settles several mails in one transaction takes it with
 * their other locks, so that no two such transactions wait for each other in a ring.
 */
export const budgetLock = (address: string): string => `mail/address/${addressKey(address)}`

/** Counters that no window reaches any more; what says that a ticket had its acknowledgement stays. */
export async function purgeBudgets(tx: Tx, now: Date): Promise<number> {
  const before = after(now, -2 * DAY)
  return (await tx`delete from mail_budgets where period < ${before} and period <> 'epoch'`).count
}

type Counts = { suppressed: boolean; acked: number; hour: number; day: number; ticket: number; inbox: number }

const BUCKET = 10 * MINUTE

/**
 * Counters of an inbox: many rows, so that workers do not wait for each other's commit on one. Which one is counted on
 * follows from the server's process: those of a pool are numbered one after the other, so they seldom meet.
 */
const SHARDS = 16

/** More mails than can be uncommitted at once; below the limit by this much, an unlocked count cannot overrun it. */
const IN_FLIGHT = 256

const bucket = (at: Date) => new Date(Math.floor(at.getTime() / BUCKET) * BUCKET)

/** The counters of one mail. Only acknowledgements count for the ticket's one and for the inbox. */
type Scopes = {
  key: string
  address: string
  ticket: string | null
  ack: string | null
  inbox: string | null
}

function scopesOf(mail: AutomaticMail): Scopes {
  const key = addressKey(mail.address)
  const ticket = mail.ticketId === null ? null : `ticket/${mail.ticketId}`
  const inbox = mail.kind === 'ack' && mail.inboxId !== null ? `inbox/${mail.inboxId}` : null
  return {
    key,
    address: `address/${key}`,
    ticket,
    ack: mail.kind === 'ack' && ticket ? `${ticket}/ack` : null,
    inbox,
  }
}

const locksOf = (scopes: Scopes) => [scopes.address, ...(scopes.ticket ? [scopes.ticket] : [])]

const lock = (tx: Tx, names: string[]) => ask(tx, LOCKS, { names })

const LOCKS = all(
  'names text[]',
  `select given_keys.n, pg_advisory_xact_lock(key) from (
    select distinct min(given.n) as n, hashtextextended('mail/' || name, 0) as key
    from given cross join lateral unnest(given.names) as name group by 2 order by 2) given_keys`,
)

/** A statement of its own after the locks: its snapshot holds what the previous holder committed. */
function take(tx: Tx, { key, address, ticket, ack, inbox }: Scopes, now: Date) {
  const at = { now, bucket: bucket(now), hour_ago: bucket(after(now, -HOUR)), day_ago: bucket(after(now, -DAY)) }
  return ask<Counts>(tx, TAKE, { key, address, ticket, ack, inbox, ...at })
}

/** Those who ask together differ in address and ticket; the inbox may be one, which is counted once for all. */
const TAKE = all(
  `key text, address text, ticket text, ack text, inbox text, now timestamptz, bucket timestamptz, hour_ago timestamptz,
   day_ago timestamptz`,
  `with asked as materialized (select given.* from given),
  inboxes as materialized (
    select inbox, hour_ago, (
      select coalesce(sum(found.count), 0)::int from generate_series(0, ${SHARDS - 1}) shard,
        lateral (select count from mail_budgets
          where scope = inbox || '/' || shard and period >= hour_ago offset 0) found) as count
    from (select distinct inbox, hour_ago from asked where inbox is not null) one
  ), counts as materialized (
    select asked.*, exists (select from suppressions where suppressions.address = key and expires_at > now offset 0) as suppressed,
      (select coalesce(sum(count), 0)::int from mail_budgets where scope = ack) as acked,
      (select coalesce(sum(count), 0)::int from mail_budgets where scope = asked.address and period >= asked.hour_ago) as hour,
      (select coalesce(sum(count), 0)::int from mail_budgets where scope = asked.address and period >= asked.day_ago) as day,
      (select coalesce(sum(count), 0)::int from mail_budgets where scope = asked.ticket and period >= asked.hour_ago) as in_ticket,
      coalesce((select count from inboxes i where i.inbox = asked.inbox and i.hour_ago = asked.hour_ago), 0) as in_inbox
    from asked
  ), taken as (
    insert into mail_budgets (scope, period, count)
    select want.scope, want.period, count(*) from counts, lateral (values
      (counts.address, counts.bucket), (counts.ticket, counts.bucket),
      (counts.inbox || '/' || pg_backend_pid() % ${SHARDS}, counts.bucket), (counts.ack, 'epoch'::timestamptz)
    ) as want (scope, period)
    where want.scope is not null and not suppressed and acked < ${budget.perTicket} and hour < ${budget.perAddressHour}
      and day < ${budget.perAddressDay} and in_ticket < ${budget.perTicketHour} and in_inbox < ${budget.perInboxHour}
    group by 1, 2 order by 1
    on conflict (scope, period) do update set count = mail_budgets.count + excluded.count
  )
  select n, suppressed, acked, hour, day, in_ticket as ticket, in_inbox as inbox from counts`,
)

/** The counts of an inbox; those who ask together ask for the same. */
const MAILED = each(
  'shards text[], hour_ago timestamptz',
  `select coalesce(sum(count), 0)::int as count from mail_budgets
   where scope = any(given.shards) and period >= given.hour_ago`,
)

/** Null without an inbox. */
const ownShard = (tx: Tx, inbox: string | null) => tx`${inbox}::text || '/' || pg_backend_pid() % ${SHARDS}::int`

const shardsOf = (inbox: string) => Array.from({ length: SHARDS }, (_, shard) => `${inbox}/${shard}`)

function refusalOf(found: Counts, mail: AutomaticMail): { code: AllowanceCode; words: string } | null {
  if (found.suppressed) return { code: 'suppressed', words: 'This address is on the suppression list.' }
  if (found.acked >= budget.perTicket)
    return { code: 'ack_already_sent', words: `Ticket ${mail.ticketId} already had its acknowledgement.` }
  if (found.hour >= budget.perAddressHour)
    return { code: 'address_budget', words: `This address had ${found.hour} automatic mails within the last hour.` }
  if (found.day >= budget.perAddressDay)
    return { code: 'address_budget', words: `This address had ${found.day} automatic mails within the last day.` }
  if (found.ticket >= budget.perTicketHour)
    return {
      code: 'ticket_budget',
      words: `Ticket ${mail.ticketId} sent ${found.ticket} automatic mails within an hour.`,
    }
  if (found.inbox >= budget.perInboxHour) return inboxRefusal(found.inbox)
  return null
}

const inboxRefusal = (count: number) => ({
  code: 'inbox_budget' as const,
  words: `This inbox sent ${count} acknowledgements within an hour, its limit.`,
})

/** From half of the budget on, at every fiftieth: once would be missed when two count at the same moment. */
function inboxNotice(count: number): string | null {
  const half = budget.perInboxHour / 2
  return count >= half && (count - half) % 50 === 0
    ? `${count} acknowledgements went out of this inbox within an hour; no more than ${budget.perInboxHour} will.`
    : null
}

/** One at a time from here: counts again, with this mail and all others committed, and gives its places back if full. */
async function closeToTheLimit(tx: Tx, scopes: Scopes & { inbox: string }, now: Date): Promise<Allowance> {
  const asked = { shards: shardsOf(scopes.inbox), hour_ago: bucket(after(now, -HOUR)) }
  const [, [found]] = await Promise.all([lock(tx, [scopes.inbox]), ask<{ count: number }>(tx, MAILED, asked)])
  const { count } = found!
  if (count <= budget.perInboxHour) return { allowed: true, notice: inboxNotice(count) }
  // its own shard and no other: the row is locked already, so nobody who waits for this transaction holds it
  const taken = [scopes.address, scopes.ticket].filter((scope) => scope !== null)
  await tx`
    update mail_budgets set count = count - 1
    where (period = ${bucket(now)} and (scope = any(${taken}::text[])
      or scope = ${ownShard(tx, scopes.inbox)})) or (period = 'epoch' and scope = ${scopes.ack})`
  return { allowed: false, ...inboxRefusal(count - 1), notice: inboxNotice(budget.perInboxHour) }
}

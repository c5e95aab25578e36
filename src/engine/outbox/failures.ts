/**
 * Reply addresses that look like ours and are not (MAIL 5.8), counted by where they come from. Nobody guesses 80 bits; a
 * flood of them means that somebody tries, or that a server on the way damages addresses, and admins should know.
 */
import { ask, each, type Queryable } from '../../database.ts'
import { badAddresses as limits } from '../../limits.ts'
import { after, MINUTE } from '../../time.ts'
import { addressKey } from './address.ts'

/** Who brought them; null where it is not known, or is a server of our own. */
export type Source = { client: string | null; sender: string | null }

export type Failures = { client: number; sender: number }

/** How many came within the last hour, or a bucket more. */
export async function findFailures(tx: Queryable, source: Source, at: Date): Promise<Failures> {
  const asked = { ...scopesOf(source), since: after(at, -limits.window - BUCKET) }
  const [row] = await ask<Failures>(tx, FAILURES, asked)
  return row!
}

/** Counts one more, in buckets of ten minutes. */
export async function countFailure(tx: Queryable, source: Source, at: Date): Promise<void> {
  const { client, sender } = scopesOf(source)
  const period = new Date(Math.floor(at.getTime() / BUCKET) * BUCKET)
  await tx`
    insert into mail_budgets (scope, period, count)
    select scope, ${period}, 1 from unnest(${[client, sender]}::text[]) as scope where scope is not null order by scope
    on conflict (scope, period) do update set count = mail_budgets.count + 1`
}

/** Whether either has brought too many for now. */
export const isTooMany = ({ client, sender }: Failures): boolean => client >= limits.perHour || sender >= limits.perHour

const BUCKET = 10 * MINUTE

const FAILURES = each(
  'client text, sender text, since timestamptz',
  `select
     (select coalesce(sum(count), 0)::int from mail_budgets where scope = given.client and period > given.since) as client,
     (select coalesce(sum(count), 0)::int from mail_budgets where scope = given.sender and period > given.since) as sender`,
)

const scopesOf = ({ client, sender }: Source) => ({
  client: client && `bad-address/client/${networkOf(client)}`,
  sender: sender && `bad-address/sender/${addressKey(sender)}`,
})

/** Whoever has one IPv6 address has 2^64 of them. */
function networkOf(ip: string): string {
  if (!ip.includes(':')) return ip
  const [head = '', tail] = ip.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const whole = tail === undefined ? groups : [...groups, ...Array.from({ length: 4 }, () => '0')]
  return `${whole.slice(0, 4).map(shortest).join(':')}::/64`
}

const shortest = (group: string) => group.replace(/^0{1,3}(?=.)/, '')

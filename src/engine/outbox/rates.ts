/**
 * How fast mail may leave (MAIL 8.28), counted per calendar minute in the database, so that all daemons share one
 * rate. Two daemons may overrun it by the mails they have in hand at that moment, never by more.
 */
import type { Queryable } from '../../database.ts'
import { MINUTE } from '../../time.ts'

export type Rates = { relay: string; perMinute: number; perDomainMinute: number }

/** What is left of this minute: for the relay, and the domains that had their share. */
export async function rateLeft(
  sql: Queryable,
  rates: Rates,
  now: Date,
): Promise<{ left: number; fullDomains: string[] }> {
  const rows = await sql<{ scope: string; count: number }[]>`
    select scope, count from mail_budgets
    where period = ${minuteOf(now)} and (scope = ${relayScope(rates)} or (starts_with(scope, ${domainScope(rates, '')})
      and count >= ${rates.perDomainMinute}))`
  const used = rows.find((row) => row.scope === relayScope(rates))?.count ?? 0
  const prefix = domainScope(rates, '').length
  const fullDomains = rows.filter((row) => row.scope !== relayScope(rates)).map((row) => row.scope.slice(prefix))
  return { left: rates.perMinute - used, fullDomains }
}

/** Counts one mail that is about to go, and says whether it still may; one that may not takes nobody's turn. */
export async function takeTurn(sql: Queryable, rates: Rates, recipient: string, now: Date): Promise<boolean> {
  const [relay, domain, minute] = [relayScope(rates), domainScope(rates, domainOf(recipient)), minuteOf(now)]
  await sql`
    insert into mail_budgets (scope, period, count) values (${domain}, ${minute}, 0), (${relay}, ${minute}, 0)
    on conflict (scope, period) do nothing`
  const rows = await sql`
    with held as (
      select scope, count from mail_budgets where period = ${minute} and scope in (${domain}, ${relay})
      order by scope for update
    ), room as (
      select bool_and(count < case when scope = ${relay} then ${rates.perMinute}::int
        else ${rates.perDomainMinute}::int end) as free from held
    )
    update mail_budgets set count = mail_budgets.count + 1 from room
    where period = ${minute} and scope in (${domain}, ${relay}) and room.free returning 1`
  return rows.length > 0
}

/** When the next minute begins. */
export const nextMinute = (now: Date): Date => new Date(minuteOf(now).getTime() + MINUTE)

const minuteOf = (at: Date) => new Date(Math.floor(at.getTime() / MINUTE) * MINUTE)
const relayScope = (rates: Rates) => `relay/${rates.relay}`
const domainScope = (rates: Rates, domain: string) => `domain/${rates.relay}/${domain}`
const domainOf = (address: string) => address.slice(address.lastIndexOf('@') + 1)

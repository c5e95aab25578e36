/**
 * Who is looking: one-time links and the sessions they open. Only hashes of secrets are stored. A link is used up by
 * the POST of its page and never by opening it, because mail scanners open links.
 */
import type { Queryable, Sql, Tx } from '../database.ts'
import { Refusal } from '../errors.ts'
import { web as limits } from '../limits.ts'
import { after, DAY } from '../time.ts'
import { makeSecret, secretHash } from '../tokens.ts'
import type { LinkTarget, SignedIn } from './context.ts'

export type SessionRow = { id: number; created_at: Date; used_at: Date; agent: string }

/**
 * A secret that opens the page `/sign-in/<secret>` once.
 * @param link.lifetime milliseconds: `limits.link` for a mailed one, `limits.printedLink` for a printed one
 */
export async function createLoginLink(
  tx: Queryable,
  link: { agentId: number; lifetime: number },
  now: Date,
): Promise<string> {
  const { secret, hash } = makeSecret()
  await tx`
    insert into login_links (hash, agent_id, created_at, expires_at)
    values (${hash}, ${link.agentId}, ${now}, ${after(now, link.lifetime)})`
  return secret
}

/** The agent whom a link may be sent to, or null: unknown, disabled, or sent enough links within the hour. */
export async function findLinkTarget(tx: Tx, address: string, now: Date): Promise<LinkTarget | null> {
  // The row lock makes parallel requests for one agent count each other.
  const [agent] = await tx<LinkTarget[]>`
    select id, address, name, locale from agents
    where address = ${address.trim().toLowerCase()} and disabled_at is null for update`
  if (!agent) return null
  const [recent] = await tx`
    select count(*)::int as links from login_links
    where agent_id = ${agent.id} and created_at > ${after(now, -limits.linkWindow)}`
  return recent!.links < limits.linksPerWindow ? agent : null
}

/** Removes links that are used or too old, and sessions that ended; a day later, so that rate limits still see them. */
export async function purgeLinks(sql: Queryable, now: Date): Promise<number> {
  const day = after(now, -DAY)
  const links = await sql`delete from login_links where expires_at < ${day} or used_at < ${day}`
  const ended =
    await sql`delete from sessions where revoked_at < ${day} or used_at < ${after(now, -limits.session - DAY)}`
  return links.count + ended.count
}

/** The agent whom a link would sign in, or null when it is unknown, used or too old. Changes nothing. */
export async function findLink(sql: Queryable, secret: string, now: Date): Promise<{ address: string } | null> {
  const [row] = await sql<{ address: string }[]>`
    select a.address from login_links l join agents a on a.id = l.agent_id
    where l.hash = ${secretHash(secret)} and l.used_at is null and l.expires_at > ${now} and a.disabled_at is null`
  return row ?? null
}

/**
 * Uses the link up and opens a session; the cookie's value is returned.
 * @throws Refusal `link_spent` when it is unknown, used or too old
 */
export async function openSession(tx: Tx, visit: { secret: string; browser: string }, now: Date): Promise<string> {
  const [link] = await tx`
    update login_links l set used_at = ${now} from agents a
    where l.hash = ${secretHash(visit.secret)} and l.used_at is null and l.expires_at > ${now}
      and a.id = l.agent_id and a.disabled_at is null
    returning l.agent_id`
  if (!link) throw new Refusal('link_spent', 'This link was used already or is too old. Ask for a new one.')
  const { secret, hash } = makeSecret()
  await tx`
    insert into sessions (hash, agent_id, created_at, used_at, agent)
    values (${hash}, ${link.agent_id}, ${now}, ${now}, ${visit.browser.slice(0, 300)})`
  return secret
}

/**
 * The agent behind a cookie, or null. `renewed` is true when this use was written down, so that the cookie's own
 * life is renewed with it: at most once an hour, because a page view should not cost a write.
 */
export async function findSession(
  sql: Sql,
  secret: string,
  now: Date,
): Promise<{ agent: Omit<SignedIn, 'zone'> & { zone: string | null }; renewed: boolean } | null> {
  const [row] = await sql`
    select s.id as session_id, s.used_at, a.id, a.address, a.name, a.admin, a.zone, a.queue_order
    from sessions s join agents a on a.id = s.agent_id
    where s.hash = ${secretHash(secret)} and s.revoked_at is null and a.disabled_at is null
      and s.used_at > ${after(now, -limits.session)}`
  if (!row) return null
  const renewed = row.used_at < after(now, -limits.sessionTouch)
  if (renewed) await sql`update sessions set used_at = ${now} where id = ${row.session_id}`
  const { id, address, name, admin, zone, queue_order: order } = row
  return { agent: { id, address, name: name || address, admin, zone, order, sessionId: row.session_id }, renewed }
}

/** The sessions of an agent that still open the desk, newest use first. */
export async function listSessions(sql: Queryable, agentId: number, now: Date): Promise<SessionRow[]> {
  return await sql<SessionRow[]>`
    select id, created_at, used_at, agent from sessions
    where agent_id = ${agentId} and revoked_at is null and used_at > ${after(now, -limits.session)}
    order by used_at desc, id desc limit 100`
}

/**
 * Ends a session of this agent.
 * @throws Refusal `no_session` when it is another's, ended or unknown, without telling which
 */
export async function revokeSession(tx: Queryable, session: { id: number; agentId: number }, now: Date): Promise<void> {
  const ended = await tx`
    update sessions set revoked_at = ${now}
    where id = ${session.id} and agent_id = ${session.agentId} and revoked_at is null returning 1`
  if (!ended.length) throw new Refusal('no_session', 'You have no such sign-in.')
}

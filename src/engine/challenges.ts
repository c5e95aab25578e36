/**
 * What agents are asked about mails that bear their name and are held (MAIL 5.6, COMMANDS E5.3), and the memory that
 * keeps one mail from being carried out twice (E5.5). A nonce is stored hashed, lives a day and works once.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Queryable, Tx } from '../database.ts'
import { agentMail as limits } from '../limits.ts'
import { after } from '../time.ts'

export type Asked = {
  id: number
  kind: 'challenge' | 'send' | 'notice'
  agentId: number
  ticketId: number | null
  /** The held mail. */
  mailId: number
  state: 'open' | 'used' | 'expired'
}

export type NewQuestion = {
  kind: Asked['kind']
  /** Reason code. */
  why: string
  agentId: number
  ticketId: number | null
  mailId: number
  told: boolean
}

/** What stands for a nonce in an address, a subject or a text. */
const WRITTEN = /\bconfirm-([a-z2-7]{26})\b/i

/** The nonce that a text carries, or null. Pure, linear. */
export const readNonce = (text: string): string | null => WRITTEN.exec(text)?.[1]?.toLowerCase() ?? null

/** How a nonce is written: no other text of ours looks like it. */
export const writtenNonce = (nonce: string): string => `confirm-${nonce}`

/** Keeps a question. @returns the nonce of a challenge, which is stored nowhere; null for the other kinds */
export async function keepQuestion(tx: Tx, asked: NewQuestion, now: Date): Promise<string | null> {
  const nonce = asked.kind === 'challenge' ? makeNonce() : null
  await tx`
    insert into challenges (kind, why, nonce, agent_id, ticket_id, mail_id, told, asked_at, expires_at)
    values (${asked.kind}, ${asked.why}, ${nonce && hashOf('nonce', nonce)}, ${asked.agentId}, ${asked.ticketId},
      ${asked.mailId}, ${asked.told}, ${now}, ${after(now, asked.kind === 'send' ? limits.sendFor : limits.nonceFor)})`
  return nonce
}

/** The question that a nonce answers, its row locked; null: nobody asked. */
export async function findByNonce(tx: Tx, nonce: string, now: Date): Promise<Asked | null> {
  const [row] = await tx<Asked[]>`
    select ${columns(tx, now)} from challenges where nonce = ${hashOf('nonce', nonce)} for update`
  return row ?? null
}

/** The newest mail of an agent in a ticket that `#send` would send, its row locked. */
export async function findSendable(
  tx: Tx,
  whose: { agentId: number; ticketId: number },
  now: Date,
): Promise<Asked | null> {
  const [row] = await tx<Asked[]>`
    select ${columns(tx, now)} from challenges
    where kind = 'send' and agent_id = ${whose.agentId} and ticket_id = ${whose.ticketId} and used_at is null
      and expires_at > ${now}
    order by id desc limit 1 for update`
  return row ?? null
}

/** They have answered anew: what was held before is not to be sent by a later `#send` that means something else. */
export async function dropSendable(tx: Tx, whose: { agentId: number; ticketId: number }, now: Date): Promise<void> {
  await tx`
    update challenges set used_at = ${now}
    where kind = 'send' and agent_id = ${whose.agentId} and ticket_id = ${whose.ticketId} and used_at is null`
}

/** Uses a question up. @returns false where another was quicker */
export async function useQuestion(tx: Tx, id: number, now: Date): Promise<boolean> {
  const { count } = await tx`update challenges set used_at = ${now} where id = ${id} and used_at is null`
  return count === 1
}

/** When an agent was last told of something for this reason, in this ticket; null: not within `limits.again`. */
export async function wasToldLately(
  tx: Queryable,
  asked: { why: string; agentId: number; ticketId: number | null },
  now: Date,
): Promise<boolean> {
  const rows = await tx`
    select from challenges
    where agent_id = ${asked.agentId} and why = ${asked.why} and told and asked_at > ${after(now, -limits.again)}
      and (${asked.ticketId}::bigint is null or ticket_id = ${asked.ticketId})
    limit 1`
  return rows.length > 0
}

/** What an agent's mail is known by: its Message-ID, and its reply address with its body. */
export type Executed = { messageId: string | null; address: string | null; body: string }

/** Whether one that is known by the same was carried out before (E5.5). */
export async function wasExecuted(tx: Queryable, mail: Executed): Promise<boolean> {
  const hashes = hashesOf(mail).map((hash) => hash.toString('hex'))
  const rows = await tx`
    select from executed_mails where hash = any(array(select decode(h, 'hex') from unnest(${hashes}::text[]) h)) limit 1`
  return rows.length > 0
}

export async function rememberExecuted(tx: Tx, mail: Executed, now: Date): Promise<void> {
  for (const hash of hashesOf(mail))
    await tx`insert into executed_mails (hash, at) values (${hash}, ${now}) on conflict do nothing`
}

/** Takes away what nobody can use any more. @returns how many questions and memories */
export async function purgeChallenges(sql: Queryable, before: { questions: Date; executed: Date }): Promise<number> {
  const questions = await sql`delete from challenges where expires_at < ${before.questions}`
  const executed = await sql`delete from executed_mails where at < ${before.executed}`
  return questions.count + executed.count
}

const columns = (tx: Queryable, now: Date) => tx`
  id, kind, agent_id as "agentId", ticket_id as "ticketId", mail_id as "mailId",
  case when used_at is not null then 'used' when expires_at <= ${now} then 'expired' else 'open' end as state`

/** 130 bits in base32: it survives clients that change case. */
function makeNonce(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  return [...randomBytes(26)].map((byte) => alphabet[byte & 31]).join('')
}

function hashesOf({ messageId, address, body }: Executed): Buffer[] {
  return [
    ...(messageId === null ? [] : [hashOf('id', messageId)]),
    ...(address === null ? [] : [hashOf('address', address, body)]),
  ]
}

const hashOf = (...parts: string[]): Buffer => createHash('sha256').update(parts.join('\0')).digest()

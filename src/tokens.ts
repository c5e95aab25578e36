/**
 * Signed reply addresses, Message-IDs and one-time links: made and checked here, with the keys passed in. A valid token
 * proves that its bearer has seen mail of a ticket, and nothing about who they are (MAIL 5.9).
 */
import { createHash, createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Sql } from './database.ts'
import { ensureSecret, listSecrets, retireSecret } from './keys.ts'
import { kept, tokenKeys } from './limits.ts'
import { after } from './time.ts'

/** Keys by id; `current` signs, all of them check. `instance` marks our own mail (MAIL 4a.21). */
export type Keys = { instance: string; current: number; byId: Map<number, Buffer> }

/**
 * `c` customer; `a` agent, public answer; `n` agent, internal note; `q` the outsider of a side question; `s` customer, about
 * a statement of time; `b` bounce.
 */
export type Purpose = 'c' | 'a' | 'n' | 'q' | 's' | 'b'

/** Numbers are non-negative integers; those that a purpose does not carry are 0. */
export type Token = {
  purpose: Purpose
  inbox: number
  /** 0 for a digest. */
  ticket: number
  /** The agent (a, n), the asked outsider (q), the statement (s) or the outbox row (b). */
  person: number
  /** The ticket's key generation: raising it revokes all its addresses. */
  generation: number
  /** The newest comment that the notification showed (a, n), counted within the ticket; which mail of the statement (s). */
  comment: number
}

export type MessageIdKind = 'c' | 'a' | 'n' | 's'

/** `t`: of a ticket's mails to customers; `w`: of those to agents. */
type RootKind = 't' | 'w'

/**
 * The installation's keys, made at the first start. Keys retired over 400 days ago no longer check (MAIL 5.8).
 * @throws Refusal `wrong_secret` when the installation secret does not open the stored rows
 */
export async function loadKeys(sql: Sql, secret: Buffer, now: Date): Promise<Keys> {
  const instance = await ensureSecret(sql, secret, 'instance', () => randomBytes(16), now)
  let rows = await tokenRows(sql, secret)
  if (rows.length === 0) {
    await ensureSecret(sql, secret, 'token/0', () => randomBytes(32), now)
    rows = await tokenRows(sql, secret)
  }
  const valid = rows.filter((row) => !row.retiredAt || now.getTime() - row.retiredAt.getTime() < kept.tokenKeys)
  const byId = new Map(valid.map((row) => [row.id, row.value]))
  return { instance: instance.toString('hex'), current: signing(rows, now).id, byId }
}

/**
 * Makes a new key where the newest is a year old, and retires those that a newer one signs instead of (MAIL 5.8). To be
 * called at least once a day; daemons read the keys anew at least every limits.tokenKeys.reload.
 */
export async function rotateKeys(sql: Sql, secret: Buffer, now: Date): Promise<{ made: number; retired: number }> {
  const rows = await tokenRows(sql, secret)
  const newest = rows.at(-1)
  if (!newest) return { made: 0, retired: 0 }
  const old = rows.filter((row) => !row.retiredAt && row.id < signing(rows, now).id)
  for (const row of old) await retireSecret(sql, row.name, now)
  const isDue = newest.createdAt <= after(now, -tokenKeys.rotate)
  if (isDue) await ensureSecret(sql, secret, `token/${newest.id + 1}`, () => randomBytes(32), now)
  return { made: isDue ? 1 : 0, retired: old.length }
}

/**
 * `base+r<kid><payload><mac>@domain` (MAIL 5.7), lower-case, at most 64 characters before the `@` for a base of 20.
 * @param inboxAddress the inbox's own address; the token is bound to its base and domain
 */
export function signedAddress(keys: Keys, inboxAddress: string, token: Token): string {
  const { base, domain } = split(inboxAddress)
  return `${base}+r${signed(keys, { base, domain }, token)}@${domain}`
}

/** `r<kid><payload><mac>@reply.domain`, for where nothing may follow a base (MAIL 5.10); the base is bound all the same. */
export function signedSubdomainAddress(keys: Keys, inboxAddress: string, token: Token): string {
  const { base, domain } = split(inboxAddress)
  return `r${signed(keys, { base, domain: REPLY + domain }, token)}@${REPLY}${domain}`
}

/**
 * The token in an address of either form, or null when there is none, it is damaged, or it was signed for another
 * inbox's address.
 * @param inboxAddress the address that the mail was for; case does not matter
 */
export function readSignedAddress(keys: Keys, inboxAddress: string, address: string): Token | null {
  const { base, domain } = split(inboxAddress)
  const given = split(address)
  const prefix = prefixFor({ base, domain }, given.domain)
  if (prefix === null || !given.base.startsWith(prefix)) return null
  const reader = digits(given.base.slice(prefix.length, -MAC))
  const kid = reader.number()
  const key = kid === null ? undefined : keys.byId.get(kid)
  if (!key) return null
  const payload = reader.rest()
  return same(addressMac(key, given.domain, base, payload), given.base.slice(-MAC)) ? decode(payload) : null
}

/** Whether an address has the shape of a signed one, valid or not (MAIL 1.8: a broken one is told apart, never refused). */
export const looksSigned = (address: string): boolean => /(?:\+r[a-z2-7]{20,}@|^r[a-z2-7]{20,}@reply\.)/i.test(address)

/** The same, and that it would be one of this inbox. */
export function looksSignedFor(inboxAddress: string, address: string): boolean {
  const given = split(address)
  const prefix = prefixFor(split(inboxAddress), given.domain)
  return prefix !== null && given.base.startsWith(prefix) && looksSigned(address)
}

/**
 * The inbox that an address of the subdomain claims to be for. Nothing is checked: it is worth as much as any address.
 * @param local what stands before the `@`
 */
export function claimedInbox(local: string): number | null {
  const reader = digits(local.toLowerCase().slice(1, -MAC))
  return reader.number() === null ? null : (decode(reader.rest())?.inbox ?? null)
}

/** The domain of addresses that need nothing but a token before the `@` (MAIL 5.10). */
export const replyDomain = (domain: string): string => REPLY + domain

/**
 * A Message-ID without its angle brackets (MAIL 8.1): 80 random bits and an 80-bit MAC, so it cannot be guessed.
 * @param now makes ids sort by time; it is no secret
 */
export function makeMessageId(keys: Keys, kind: MessageIdKind, ticket: number, domain: string, now: Date): string {
  const local = `${kind}.${ticket.toString(36)}.${ulid(now)}`
  return `${local}.${number(keys.current)}${idMac(keys, keys.current, local, domain)}@${domain}`
}

/** The synthetic root of a ticket's conversation: the same for every mail of it to customers (MAIL 8.2). */
export const rootId = (keys: Keys, ticket: number, domain: string): string => root(keys, 't', { ticket, domain })

/** That of its mails to agents: another one, because whoever gets one of those passed on is no customer (0.7, 8.8). */
export const agentRootId = (keys: Keys, ticket: number, domain: string): string => root(keys, 'w', { ticket, domain })

function root(keys: Keys, kind: RootKind, { ticket, domain }: { ticket: number; domain: string }): string {
  const local = `${kind}.${ticket.toString(36)}`
  // the oldest key, so that the root stays the same when keys rotate
  const kid = Math.min(...keys.byId.keys())
  return `${local}.${number(kid)}${idMac(keys, kid, local, domain)}@${domain}`
}

/** The ticket that one of our Message-IDs names, or null if the MAC is not ours (MAIL 6.4). Nothing is looked up. */
export function readMessageId(
  keys: Keys,
  messageId: string,
): { kind: MessageIdKind | RootKind; ticket: number } | null {
  const match =
    /^(([cans]\.[0-9a-z]{1,11}\.[0-9a-z]{26})|([tw]\.[0-9a-z]{1,11}))\.([a-z2-7]{17,24})@([^@\s]{1,255})$/i.exec(
      messageId,
    )
  if (!match) return null
  const local = match[1]!.toLowerCase()
  const signature = match[4]!.toLowerCase()
  const reader = digits(signature.slice(0, -MAC))
  const kid = reader.number()
  if (kid === null || reader.rest() !== '' || !keys.byId.has(kid)) return null
  if (!same(idMac(keys, kid, local, match[5]!.toLowerCase()), signature.slice(-MAC))) return null
  const [kind, ticket] = local.split('.') as [MessageIdKind | RootKind, string]
  return { kind, ticket: Number.parseInt(ticket, 36) }
}

/** What a link carries that stops one regular mail to an agent and does nothing else (MAIL 8.11). */
export function stopToken(keys: Keys, stop: { agent: number; topic: string }): string {
  const payload = `${stop.topic}.${stop.agent}.${keys.current}`
  return `${payload}.${mac(keys.byId.get(keys.current)!, 'stop', payload)}`
}

/** Null where it is damaged or not ours. */
export function readStopToken(keys: Keys, token: string): { agent: number; topic: string } | null {
  const [, payload, topic, agent, kid, signature] =
    /^(([a-z]{1,20})\.(\d{1,15})\.(\d{1,9}))\.([a-z2-7]{16})$/.exec(token) ?? []
  const key = kid === undefined ? undefined : keys.byId.get(Number(kid))
  return key && same(mac(key, 'stop', payload!), signature!) ? { agent: Number(agent), topic: topic! } : null
}

/** A file of an answer: the comment's `index`th. Raising the ticket's generation revokes it (8.30). */
export type FileLink = { comment: number; index: number; generation: number; until: Date }

/** What stands in a link to a file, for whoever has it. */
export function fileToken(keys: Keys, { comment, index, generation, until }: FileLink): string {
  const seconds = Math.floor(until.getTime() / 1000)
  const payload = [comment, index, generation, seconds, keys.current].map((one) => one.toString(36)).join('.')
  return `${payload}.${mac(keys.byId.get(keys.current)!, 'file', payload)}`
}

/** The file that a link is for, or null if it was not made here. Whether it is still good is the caller's to say. */
export function readFileToken(keys: Keys, token: string): FileLink | null {
  const [, payload, signature] = /^((?:[0-9a-z]{1,11}\.){4}[0-9a-z]{1,6})\.([a-z2-7]{16})$/.exec(token) ?? []
  if (payload === undefined) return null
  const [comment, index, generation, until, kid] = payload.split('.').map((one) => Number.parseInt(one, 36))
  const key = keys.byId.get(kid!)
  if (!key || !same(mac(key, 'file', payload), signature!)) return null
  return { comment: comment!, index: index!, generation: generation!, until: new Date(until! * 1000) }
}

/** A secret for a link or cookie, and what is stored of it. */
export function makeSecret(): { secret: string; hash: Buffer } {
  const secret = randomBytes(32).toString('base64url')
  return { secret, hash: secretHash(secret) }
}

export const secretHash = (secret: string): Buffer => createHash('sha256').update(secret).digest()

type KeyRow = { id: number; name: string; value: Buffer; createdAt: Date; retiredAt: Date | null }

/** Lowest id first, which is the oldest. */
async function tokenRows(sql: Sql, secret: Buffer): Promise<KeyRow[]> {
  const rows = await listSecrets(sql, secret, 'token/')
  return rows.map((row) => ({ ...row, id: Number(row.name.slice('token/'.length)) })).sort((a, b) => a.id - b.id)
}

/** The newest key that has settled; before any has, the first. */
function signing(rows: KeyRow[], now: Date): KeyRow {
  const usable = rows.filter((row) => !row.retiredAt)
  return usable.findLast((row) => row.createdAt <= after(now, -tokenKeys.settle)) ?? usable[0]!
}

const REPLY = 'reply.'

type Place = { base: string; domain: string }

const signed = (keys: Keys, { base, domain }: Place, token: Token): string => {
  const payload = encode(token)
  return number(keys.current) + payload + addressMac(keys.byId.get(keys.current)!, domain, base, payload)
}

/** What stands before the token in an address at `domain`; null: no address of this inbox is there. */
const prefixFor = (inbox: Place, domain: string): string | null =>
  domain === inbox.domain ? `${inbox.base}+r` : domain === REPLY + inbox.domain ? 'r' : null

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567' // RFC 4648 section 6, lower-cased: survives clients that change case
const MAC = 16 // base32 digits of 80 bits

function split(address: string): Place {
  const at = address.lastIndexOf('@')
  return { base: address.slice(0, at).toLowerCase(), domain: address.slice(at + 1).toLowerCase() }
}

const encode = (token: Token) =>
  token.purpose + [token.inbox, token.ticket, token.person, token.generation, token.comment].map(number).join('')

function decode(payload: string): Token | null {
  const purpose = payload[0] as Purpose
  if (!['c', 'a', 'n', 'q', 's', 'b'].includes(purpose)) return null
  const reader = digits(payload.slice(1))
  const [inbox, ticket, person, generation, comment] = [1, 2, 3, 4, 5].map(() => reader.number())
  if (inbox == null || ticket == null || person == null || generation == null || comment == null) return null
  return reader.rest() === '' ? { purpose, inbox, ticket, person, generation, comment } : null
}

/** A number as base32 digits of four bits each, most significant first; the fifth bit says that more follow. */
function number(value: number): string {
  let text = ''
  for (let rest = value, more = 0; ; rest = Math.floor(rest / 16), more = 16) {
    text = ALPHABET[(rest % 16) + more] + text
    if (rest < 16) return text
  }
}

function digits(text: string) {
  let at = 0
  return {
    number(): number | null {
      for (let value = 0; at < text.length && at < 64; ) {
        const digit = ALPHABET.indexOf(text[at++]!)
        if (digit < 0) return null
        value = value * 16 + (digit % 16)
        if (digit < 16) return Number.isSafeInteger(value) ? value : null
      }
      return null
    },
    rest: () => text.slice(at),
  }
}

const mac = (key: Buffer, ...parts: string[]) =>
  base32(createHmac('sha256', prepared(key)).update(parts.join('\0')).digest().subarray(0, 10))

const keyObjects = new WeakMap<Buffer, KeyObject>()

/** A mail has half a dozen MACs, and a key from bytes costs four times what the MAC does. */
function prepared(key: Buffer): KeyObject {
  let object = keyObjects.get(key)
  if (!object) {
    object = createSecretKey(key)
    keyObjects.set(key, object)
  }
  return object
}

const addressMac = (key: Buffer, domain: string, base: string, payload: string) =>
  mac(key, 'address', domain, base, payload)

const idMac = (keys: Keys, kid: number, local: string, domain: string) => mac(keys.byId.get(kid)!, 'id', domain, local)

function base32(bytes: Buffer): string {
  let bits = 0
  let value = 0
  let text = ''
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(value >> (bits - 5)) & 31]
  }
  return text
}

/** 48 bits of time and 80 random bits as 26 characters of Crockford's base32, lower-cased. */
function ulid(now: Date): string {
  const crockford = '0123456789abcdefghjkmnpqrstvwxyz'
  let time = ''
  for (let i = 0, rest = now.getTime(); i < 10; i++, rest = Math.floor(rest / 32)) time = crockford[rest % 32] + time
  const random = randomBytes(16)
  return time + [...random].map((byte) => crockford[byte & 31]).join('')
}

const same = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
